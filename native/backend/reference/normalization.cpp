#include <cmath>

#include "backend/reference/kernels.h"

namespace thaw::reference {
namespace {

/** What a batch norm does with one channel: x̂ = (x − mean) / σ, y = scale · x̂ + bias. */
struct ChannelNorm {
  double mean;
  double sigma;
  double scale;
  double bias;

  double normalized(double x) const { return (x - mean) / sigma; }
};

/** Reads the statistics of the batch, or the running ones. */
class Normalizer {
 public:
  Normalizer(const NormalizeStep& step, const Binding& binding)
      : step_(step), in_(binding.view(step.in)), parameters_(binding.parameters) {
    if (!step.statistics) return;
    mean_ = binding.vector(step.statistics->mean);
    variance_ = binding.vector(step.statistics->variance);
  }

  ChannelNorm operator()(std::size_t c) const {
    const NormParameters& norm = step_.parameters;
    const double mean = step_.statistics ? mean_[in_.channel(c)] : parameters_.at(norm.mean, c);
    const double variance = step_.statistics ? variance_[in_.channel(c)] : parameters_.at(norm.variance, c);
    return {mean, std::sqrt(variance + norm.epsilon), parameters_.at(norm.scale, c),
            parameters_.at(norm.bias, c)};
  }

  /** The running average of the variance takes the unbiased one, Σ (x − mean)² / (count − 1). */
  void updateRunning() const {
    const NormParameters& norm = step_.parameters;
    const double count = static_cast<double>(in_.count()), unbiased = count > 1 ? count / (count - 1) : 1;
    for (std::size_t c = 0; c < in_.channels; c++) {
      double& mean = parameters_.at(norm.mean, c);
      double& variance = parameters_.at(norm.variance, c);
      mean = norm.momentum * mean + (1 - norm.momentum) * mean_[in_.channel(c)];
      variance = norm.momentum * variance + (1 - norm.momentum) * unbiased * variance_[in_.channel(c)];
    }
  }

  const TensorView& in() const { return in_; }

 private:
  NormalizeStep step_;
  TensorView in_;
  Parameters& parameters_;
  std::span<double> mean_;
  std::span<double> variance_;
};

/** Calls work(n, pixel) for every value of a channel. */
template <typename Work>
void forEachOfChannel(const TensorView& view, Work&& work) {
  for (std::size_t n = 0; n < view.images; n++)
    for (std::size_t pixel = 0; pixel < view.pixels(); pixel++) work(n, pixel);
}

}  // namespace

Work bind(const StatisticsStep& step, const Binding& binding) {
  const TensorView from = binding.view(step.from), to = binding.view(step.to ? *step.to : step.from);
  return [from, to, copies = step.to.has_value(), mean = binding.vector(step.statistics.mean),
          variance = binding.vector(step.statistics.variance)](const StepContext&) {
    const double count = static_cast<double>(from.count());
    for (std::size_t c = 0; c < from.channels; c++) {
      double sum = 0, squares = 0;
      forEachOfChannel(from, [&](std::size_t n, std::size_t pixel) { sum += from.at(n, c, pixel); });
      const double average = sum / count;
      forEachOfChannel(from, [&](std::size_t n, std::size_t pixel) {
        squares += std::pow(from.at(n, c, pixel) - average, 2);
        if (copies) to.at(n, c, pixel) = from.at(n, c, pixel);
      });
      mean[to.channel(c)] = average;
      variance[to.channel(c)] = squares / count;
    }
    if (copies) to.clearPadding();
  };
}

Work bind(const NormalizeStep& step, const Binding& binding) {
  return [step, normalizer = Normalizer(step, binding), residual = binding.view(step.residual),
          out = binding.view(step.out)](const StepContext&) {
    const TensorView& in = normalizer.in();
    for (std::size_t c = 0; c < out.channels; c++) {
      const ChannelNorm norm = normalizer(c);
      forEachOfChannel(out, [&](std::size_t n, std::size_t pixel) {
        const double y = norm.scale * norm.normalized(in.at(n, c, pixel)) + norm.bias;
        out.at(n, c, pixel) = activate(step.activation, residual ? y + residual->at(n, c, pixel) : y);
      });
    }
    out.clearPadding();
    if (step.updateRunning) normalizer.updateRunning();
  };
}

namespace {

/** Where a normalisation's gradients come from and go to. */
class NormBackward {
 public:
  NormBackward(const NormalizeBackwardStep& step, const Binding& binding)
      : step_(step),
        normalizer_(step.forward, binding),
        gradient_(binding.view(step.gradient)),
        result_(binding.view(step.forward.out)),
        out_(binding.view(step.out)),
        residual_(binding.view(step.residual)),
        parameters_(binding.parameters) {
    if (!step.deferred) return;
    k1_ = binding.vector(step.deferred->first);
    k2_ = binding.vector(step.deferred->second);
  }

  void run() const {
    for (std::size_t c = 0; c < gradient_.channels; c++) channel(c);
    if (out_) out_->clearPadding();
    if (residual_) residual_->clearPadding();
  }

 private:
  /** g = gradient · activation'; the activation's result is made again, or kept where there was a residual.
   */
  double throughActivation(const ChannelNorm& norm, std::size_t n, std::size_t c, std::size_t pixel) const {
    const Activation& activation = step_.forward.activation;
    if (activation.kind == Activation::Kind::none) return gradient_.at(n, c, pixel);
    const double y = step_.forward.residual
                         ? result_.at(n, c, pixel)
                         : activate(activation, norm.scale * norm.normalized(x(n, c, pixel)) + norm.bias);
    return gradient_.at(n, c, pixel) * slope(activation, y);
  }
  double x(std::size_t n, std::size_t c, std::size_t pixel) const { return normalizer_.in().at(n, c, pixel); }

  void channel(std::size_t c) const {
    const ChannelNorm norm = normalizer_(c);
    double scaleGradient = 0, biasGradient = 0;
    forEachOfChannel(gradient_, [&](std::size_t n, std::size_t pixel) {
      const double g = throughActivation(norm, n, c, pixel);
      scaleGradient += g * norm.normalized(x(n, c, pixel));
      biasGradient += g;
    });
    if (step_.parameterGradients) {
      parameters_.gradient(step_.forward.parameters.scale, c) = scaleGradient;
      parameters_.gradient(step_.forward.parameters.bias, c) = biasGradient;
    }
    const double a = norm.scale / norm.sigma;
    double k1 = 0, k2 = 0;
    if (step_.forward.statistics) {
      const double m = static_cast<double>(gradient_.count());
      k2 = -a * scaleGradient / (m * norm.sigma);
      k1 = -a * biasGradient / m;
    }
    if (step_.deferred) {
      k1_[normalizer_.in().channel(c)] += k1;
      k2_[normalizer_.in().channel(c)] += k2;
      k1 = k2 = 0;
    }
    forEachOfChannel(gradient_, [&](std::size_t n, std::size_t pixel) {
      const double g = throughActivation(norm, n, c, pixel);
      // The residual first: it may be the normalised tensor itself, to whose gradient `out` then adds.
      if (residual_) put(residual_->at(n, c, pixel), g, step_.accumulateResidual);
      if (out_) put(out_->at(n, c, pixel), a * g + k1 + k2 * (x(n, c, pixel) - norm.mean), step_.accumulate);
    });
  }

  NormalizeBackwardStep step_;
  Normalizer normalizer_;
  TensorView gradient_;
  TensorView result_;
  std::optional<TensorView> out_;
  std::optional<TensorView> residual_;
  Parameters& parameters_;
  std::span<double> k1_;
  std::span<double> k2_;
};

}  // namespace

Work bind(const NormalizeBackwardStep& step, const Binding& binding) {
  return [backward = NormBackward(step, binding)](const StepContext&) { backward.run(); };
}

}  // namespace thaw::reference
