#include "backend/reference/kernels.h"

namespace thaw::reference {

Work bind(const InputStep& step, const Binding& binding) {
  return [out = binding.view(step.out)](const StepContext& context) {
    const float* next = context.images;
    forEach(out, [&](std::size_t n, std::size_t c, std::size_t p) {
      out.at(n, c, p) = static_cast<double>(*next++);
    });
    out.clearPadding();
  };
}

Work bind(const OutputStep& step, const Binding& binding) {
  return [in = binding.view(step.in), &host = binding.host](const StepContext& context) {
    host.logits.clear();
    forEach(in, [&](std::size_t n, std::size_t c, std::size_t p) { host.logits.push_back(in.at(n, c, p)); });
    for (std::size_t index = 0; index < host.logits.size(); index++)
      context.logits[index] = static_cast<float>(host.logits[index]);
  };
}

Work bind(const OutputBackwardStep& step, const Binding& binding) {
  return [out = binding.view(step.out), &host = binding.host](const StepContext& context) {
    for (std::size_t n = 0; n < out.images; n++)
      for (std::size_t c = 0; c < out.channels; c++) {
        const std::size_t index = n * out.channels + c;
        out.at(n, c, 0) =
            host.gradients.empty() ? static_cast<double>(context.gradients[index]) : host.gradients[index];
      }
    out.clearPadding();
  };
}

}  // namespace thaw::reference
