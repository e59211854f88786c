#include "backend/reference/kernels.h"

namespace thaw::reference {

/** out[n, o] = bias[o] + Σ_i weight[o, i] · in[n, i] */
Work bind(const LinearStep& step, const Binding& binding) {
  return [step, in = binding.view(step.in), out = binding.view(step.out),
          &parameters = binding.parameters](const StepContext&) {
    for (std::size_t n = 0; n < out.images; n++)
      for (std::size_t o = 0; o < out.channels; o++) {
        double sum = step.bias ? parameters.at(*step.bias, o) : 0;
        for (std::size_t i = 0; i < in.channels; i++)
          sum += parameters.at(step.weight, o * in.channels + i) * in.at(n, i, 0);
        out.at(n, o, 0) = sum;
      }
    out.clearPadding();
  };
}

/** d weight[o, i] = Σ_n g[n, o] · in[n, i], d bias[o] = Σ_n g[n, o], d in[n, i] = Σ_o g[n, o] · weight[o, i]
 */
Work bind(const LinearBackwardStep& step, const Binding& binding) {
  return
      [step, gradient = binding.view(step.gradient), in = binding.view(step.in), out = binding.view(step.out),
       features = step.forward.in.channels, &parameters = binding.parameters](const StepContext&) {
        const std::size_t weight = step.forward.weight;
        if (step.parameterGradients) {
          for (std::size_t o = 0; o < gradient.channels; o++) {
            for (std::size_t i = 0; i < features; i++) {
              double sum = 0;
              for (std::size_t n = 0; n < gradient.images; n++) sum += gradient.at(n, o, 0) * in->at(n, i, 0);
              parameters.gradient(weight, o * features + i) = sum;
            }
            if (!step.forward.bias) continue;
            double sum = 0;
            for (std::size_t n = 0; n < gradient.images; n++) sum += gradient.at(n, o, 0);
            parameters.gradient(*step.forward.bias, o) = sum;
          }
        }
        if (!out) return;
        for (std::size_t n = 0; n < gradient.images; n++)
          for (std::size_t i = 0; i < features; i++) {
            double sum = 0;
            for (std::size_t o = 0; o < gradient.channels; o++)
              sum += gradient.at(n, o, 0) * parameters.at(weight, o * features + i);
            out->at(n, i, 0) = sum;
          }
        out->clearPadding();
      };
}

}  // namespace thaw::reference
