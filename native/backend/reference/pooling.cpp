#include <limits>

#include "backend/reference/kernels.h"

namespace thaw::reference {
namespace {

/** Calls work(tap, input pixel) for every pixel of the input that the window at output (h, w) covers, in
 * order. */
template <typename Work>
void forEachTap(const Window& window, const TensorView& in, std::size_t h, std::size_t w, Work&& work) {
  for (std::size_t kh = 0; kh < window.kernel[0]; kh++)
    for (std::size_t kw = 0; kw < window.kernel[1]; kw++) {
      // Below the padding the difference wraps round to beyond the input.
      const std::size_t y = h * window.stride[0] + kh * window.dilation[0] - window.padding[0];
      const std::size_t x = w * window.stride[1] + kw * window.dilation[1] - window.padding[1];
      if (y < in.height && x < in.width) work(kh * window.kernel[1] + kw, y * in.width + x);
    }
}

/** What an average divides by: the pixels of the window in the input, or in the padded input (PyTorch, ONNX).
 */
double divisor(const PoolStep& step, const TensorView& in, std::size_t h, std::size_t w) {
  const Window& window = step.window;
  std::size_t count = 0;
  if (!step.countIncludesPadding) {
    forEachTap(window, in, h, w, [&](std::size_t, std::size_t) { count++; });
    return static_cast<double>(count);
  }
  for (std::size_t kh = 0; kh < window.kernel[0]; kh++)
    for (std::size_t kw = 0; kw < window.kernel[1]; kw++)
      if (h * window.stride[0] + kh < in.height + window.padding[0] + window.padding[2] &&
          w * window.stride[1] + kw < in.width + window.padding[1] + window.padding[3])
        count++;
  return static_cast<double>(count);
}

Work bindMaximum(const PoolStep& step, const Binding& binding) {
  std::optional<View<std::uint8_t>> indices;
  if (step.indices) indices.emplace(binding.bytes(*step.indices));
  return [step, in = binding.view(step.in), out = binding.view(step.out), indices](const StepContext&) {
    forEach(out, [&](std::size_t n, std::size_t c, std::size_t pixel) {
      double most = -std::numeric_limits<double>::infinity();
      std::size_t which = 0;
      forEachTap(step.window, in, pixel / out.width, pixel % out.width,
                 [&](std::size_t tap, std::size_t from) {
                   if (!(in.at(n, c, from) > most)) return;
                   most = in.at(n, c, from);
                   which = tap;
                 });
      out.at(n, c, pixel) = most;
      if (indices) indices->at(n, c, pixel) = static_cast<std::uint8_t>(which);
    });
    out.clearPadding();
    if (indices) indices->clearPadding();
  };
}

Work bindAverage(const PoolStep& step, const Binding& binding) {
  return [step, in = binding.view(step.in), out = binding.view(step.out)](const StepContext&) {
    forEach(out, [&](std::size_t n, std::size_t c, std::size_t pixel) {
      const std::size_t h = pixel / out.width, w = pixel % out.width;
      double sum = 0;
      forEachTap(step.window, in, h, w, [&](std::size_t, std::size_t from) { sum += in.at(n, c, from); });
      out.at(n, c, pixel) = sum / divisor(step, in, h, w);
    });
    out.clearPadding();
  };
}

}  // namespace

/** The first of equal pixels is the maximum. */
Work bind(const PoolStep& step, const Binding& binding) {
  return step.kind == PoolStep::Kind::maximum ? bindMaximum(step, binding) : bindAverage(step, binding);
}

Work bind(const PoolBackwardStep& step, const Binding& binding) {
  const bool maximum = step.forward.kind == PoolStep::Kind::maximum;
  std::optional<View<std::uint8_t>> indices;
  if (maximum) indices.emplace(binding.bytes(*step.forward.indices));
  return [step, gradient = binding.view(step.gradient), out = binding.view(step.out),
          indices](const StepContext&) {
    if (!step.accumulate) {
      forEach(out, [&](std::size_t n, std::size_t c, std::size_t pixel) { out.at(n, c, pixel) = 0; });
      out.clearPadding();
    }
    forEach(gradient, [&](std::size_t n, std::size_t c, std::size_t pixel) {
      const std::size_t h = pixel / gradient.width, w = pixel % gradient.width;
      const double g = gradient.at(n, c, pixel);
      const double share = indices ? 0 : g / divisor(step.forward, out, h, w);
      forEachTap(step.forward.window, out, h, w, [&](std::size_t tap, std::size_t from) {
        if (!indices)
          out.at(n, c, from) += share;
        else if (tap == indices->at(n, c, pixel))
          out.at(n, c, from) += g;
      });
    });
  };
}

}  // namespace thaw::reference
