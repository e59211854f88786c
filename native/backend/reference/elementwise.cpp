#include <algorithm>
#include <cmath>

#include "backend/reference/kernels.h"
#include "engine/dropout.h"

namespace thaw::reference {

double activate(const Activation& activation, double x) {
  switch (activation.kind) {
    case Activation::Kind::none:
      return x;
    case Activation::Kind::relu:
      return std::max(x, 0.0);
    case Activation::Kind::clip:
      return std::clamp(x, static_cast<double>(activation.minimum), static_cast<double>(activation.maximum));
    case Activation::Kind::sigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return x;
}

double slope(const Activation& activation, double y) {
  switch (activation.kind) {
    case Activation::Kind::none:
      return 1;
    case Activation::Kind::relu:
      return y > 0 ? 1 : 0;
    case Activation::Kind::clip:
      return y > static_cast<double>(activation.minimum) && y < static_cast<double>(activation.maximum) ? 1
                                                                                                        : 0;
    case Activation::Kind::sigmoid:
      return y * (1 - y);
  }
  return 1;
}

Work bind(const ActivationStep& step, const Binding& binding) {
  return [step, in = binding.view(step.in), out = binding.view(step.out)](const StepContext&) {
    forEach(out, [&](std::size_t n, std::size_t c, std::size_t pixel) {
      out.at(n, c, pixel) = activate(step.activation, in.at(n, c, pixel));
    });
    out.clearPadding();
  };
}

Work bind(const ActivationBackwardStep& step, const Binding& binding) {
  return [step, y = binding.view(step.y), gradient = binding.view(step.gradient),
          out = binding.view(step.out)](const StepContext&) {
    forEach(out, [&](std::size_t n, std::size_t c, std::size_t pixel) {
      put(out.at(n, c, pixel), gradient.at(n, c, pixel) * slope(step.activation, y.at(n, c, pixel)),
          step.accumulate);
    });
    out.clearPadding();
  };
}

Work bind(const AddStep& step, const Binding& binding) {
  return [step, a = binding.view(step.a), b = binding.view(step.b),
          out = binding.view(step.out)](const StepContext&) {
    forEach(out, [&](std::size_t n, std::size_t c, std::size_t pixel) {
      out.at(n, c, pixel) = activate(step.activation, a.at(n, c, pixel) + b.at(n, c, pixel));
    });
    out.clearPadding();
  };
}

Work bind(const CopyStep& step, const Binding& binding) {
  return [step, from = binding.view(step.from), to = binding.view(step.to)](const StepContext&) {
    forEach(to, [&](std::size_t n, std::size_t c, std::size_t pixel) {
      put(to.at(n, c, pixel), from.at(n, c, pixel), step.accumulate);
    });
    to.clearPadding();
  };
}

Work bind(const FillStep& step, const Binding& binding) {
  return [out = binding.view(step.out)](const StepContext&) {
    forEach(out, [&](std::size_t n, std::size_t c, std::size_t pixel) { out.at(n, c, pixel) = 0; });
    out.clearPadding();
  };
}

Work bind(const DropoutStep& step, const Binding& binding) {
  return [step, in = binding.view(step.in), out = binding.view(step.out)](const StepContext& context) {
    const std::uint32_t threshold = dropThreshold(step.rate);
    const DropoutKey key = {context.seed, context.step, step.layer};
    forEach(out, [&](std::size_t n, std::size_t c, std::size_t pixel) {
      const bool kept = isKept(key, n, c * out.pixels() + pixel, threshold);
      put(out.at(n, c, pixel), kept ? in.at(n, c, pixel) * survivorScale(threshold) : 0, step.accumulate);
    });
    out.clearPadding();
  };
}

/** Feature c · H · W + pixel of [N, C · H · W] is pixel h · W + w of channel c. */
Work bind(const FlattenStep& step, const Binding& binding) {
  return [step, maps = binding.view(step.backward ? step.out : step.in),
          vector = binding.view(step.backward ? step.in : step.out)](const StepContext&) {
    forEach(maps, [&](std::size_t n, std::size_t c, std::size_t pixel) {
      double& flat = vector.at(n, c * maps.pixels() + pixel, 0);
      if (step.backward)
        put(maps.at(n, c, pixel), flat, step.accumulate);
      else
        put(flat, maps.at(n, c, pixel), step.accumulate);
    });
    (step.backward ? maps : vector).clearPadding();
  };
}

Work bind(const ClearStep& step, const Binding& binding) {
  std::vector<std::span<double>> vectors;
  for (const VectorId id : step.vectors) vectors.push_back(binding.vector(id));
  return [vectors](const StepContext&) {
    for (const std::span<double> vector : vectors) std::fill(vector.begin(), vector.end(), 0.0);
  };
}

Work bind(const CorrectStep& step, const Binding& binding) {
  return [from = binding.view(step.from), x = binding.view(step.x), to = binding.view(step.to),
          mean = binding.vector(step.mean), k1 = binding.vector(step.k1),
          k2 = binding.vector(step.k2)](const StepContext&) {
    forEach(to, [&](std::size_t n, std::size_t c, std::size_t pixel) {
      to.at(n, c, pixel) = from.at(n, c, pixel) + k1[x.channel(c)] +
                           k2[x.channel(c)] * (x.at(n, c, pixel) - mean[x.channel(c)]);
    });
    to.clearPadding();
  };
}

}  // namespace thaw::reference
