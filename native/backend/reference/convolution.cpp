#include <cmath>

#include "backend/reference/kernels.h"

namespace thaw::reference {
namespace {

/**
 * Calls work(n, o, i, weight index, input pixel, output pixel) for every product of a convolution, [N, I, H,
 * W] with weight [O, I / groups, kh, kw] → [N, O, H', W']; taps in the padding are left out.
 */
template <typename Work>
void forEachProduct(const ConvolutionStep& step, const TensorView& in, const TensorView& out, Work&& work) {
  const auto [kernelHeight, kernelWidth] = step.window.kernel;
  const std::size_t inOfGroup = in.channels / step.groups, outOfGroup = out.channels / step.groups;
  for (std::size_t n = 0; n < out.images; n++)
    for (std::size_t o = 0; o < out.channels; o++)
      for (std::size_t k = 0; k < inOfGroup; k++)
        for (std::size_t kh = 0; kh < kernelHeight; kh++)
          for (std::size_t kw = 0; kw < kernelWidth; kw++) {
            const std::size_t i = o / outOfGroup * inOfGroup + k;
            const std::size_t weight = ((o * inOfGroup + k) * kernelHeight + kh) * kernelWidth + kw;
            for (std::size_t h = 0; h < out.height; h++)
              for (std::size_t w = 0; w < out.width; w++) {
                // Below the padding the difference wraps round to beyond the input.
                const std::size_t y =
                    h * step.window.stride[0] + kh * step.window.dilation[0] - step.window.padding[0];
                const std::size_t x =
                    w * step.window.stride[1] + kw * step.window.dilation[1] - step.window.padding[1];
                if (y < in.height && x < in.width) work(n, o, i, weight, y * in.width + x, h * out.width + w);
              }
          }
}

}  // namespace

/** out = activation(batch norm(weight ∗ in + bias) + what `out` holds) */
Work bind(const ConvolutionStep& step, const Binding& binding) {
  return [step, in = binding.view(step.in), out = binding.view(step.out),
          &parameters = binding.parameters](const StepContext&) {
    std::vector<double> sums(out.images * out.channels * out.pixels(), 0.0);
    const auto sumOf = [&](std::size_t n, std::size_t o, std::size_t pixel) -> double& {
      return sums[(n * out.channels + o) * out.pixels() + pixel];
    };
    forEachProduct(
        step, in, out,
        [&](std::size_t n, std::size_t o, std::size_t i, std::size_t weight, std::size_t from,
            std::size_t to) { sumOf(n, o, to) += parameters.at(step.weight, weight) * in.at(n, i, from); });
    forEach(out, [&](std::size_t n, std::size_t o, std::size_t pixel) {
      double value = sumOf(n, o, pixel);
      if (step.bias) value += parameters.at(*step.bias, o);
      if (const auto& norm = step.folded)
        value = parameters.at(norm->scale, o) * (value - parameters.at(norm->mean, o)) /
                    std::sqrt(parameters.at(norm->variance, o) + norm->epsilon) +
                parameters.at(norm->bias, o);
      if (step.accumulate) value += out.at(n, o, pixel);
      out.at(n, o, pixel) = activate(step.activation, value);
    });
    out.clearPadding();
  };
}

/** Each product weight · in of the forward pass hands the gradient of its sum to both factors. */
Work bind(const ConvolutionBackwardStep& step, const Binding& binding) {
  return [step, gradient = binding.view(step.gradient), in = binding.view(step.in),
          out = binding.view(step.out), &parameters = binding.parameters](const StepContext&) {
    const ConvolutionStep& forward = step.forward;
    if (in) {
      for (std::size_t index = 0; index < parameters.size(forward.weight); index++)
        parameters.gradient(forward.weight, index) = 0;
      forEachProduct(forward, *in, gradient,
                     [&](std::size_t n, std::size_t o, std::size_t i, std::size_t weight, std::size_t from,
                         std::size_t to) {
                       parameters.gradient(forward.weight, weight) +=
                           gradient.at(n, o, to) * in->at(n, i, from);
                     });
      for (std::size_t o = 0; forward.bias && o < gradient.channels; o++) {
        double sum = 0;
        for (std::size_t n = 0; n < gradient.images; n++)
          for (std::size_t pixel = 0; pixel < gradient.pixels(); pixel++) sum += gradient.at(n, o, pixel);
        parameters.gradient(*forward.bias, o) = sum;
      }
    }
    if (!out) return;
    forEach(*out, [&](std::size_t n, std::size_t c, std::size_t pixel) { out->at(n, c, pixel) = 0; });
    forEachProduct(forward, *out, gradient,
                   [&](std::size_t n, std::size_t o, std::size_t i, std::size_t weight, std::size_t from,
                       std::size_t to) {
                     out->at(n, i, from) += gradient.at(n, o, to) * parameters.at(forward.weight, weight);
                   });
    out->clearPadding();
  };
}

}  // namespace thaw::reference
