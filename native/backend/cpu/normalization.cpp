#include <algorithm>
#include <cmath>

#include "backend/cpu/kernels.h"

namespace thaw::cpu {
namespace {

class Statistics : public Kernel {
 public:
  Statistics(const StatisticsStep& step, const Regions& regions, Device& device)
      : device_(device), from_(regions.at(step.from)), shift_(step.from.view.channels) {
    const Place& target = step.to ? *step.to : step.from;
    mean_ = regions.vector(step.statistics.mean) + target.view.first;
    variance_ = regions.vector(step.statistics.variance) + target.view.first;
    arguments_ = {from_.domain(), from_.map(), step.to ? regions.at(*step.to).map() : noMap, shift_.data()};
    wantSums(device, shift_.size());
  }

  /**
   * Sums of (x − s) and (x − s)², s = the first value of each channel: without that shift the variance of a
   * channel far from 0 would be lost in rounding (Chan, Golub & LeVeque, Am Stat 1983).
   */
  void run(const StepContext&) override {
    const std::size_t channels = shift_.size();
    for (std::size_t channel = 0; channel < channels; channel++)
      shift_[channel] = readElement(device_, from_, from_.offset(0, channel, 0));
    const double* sums =
        sumMap(device_, device_.maps(from_.buffer.element).statistics, arguments_, arguments_.domain);
    const double count = static_cast<double>(from_.images * from_.buffer.pixels());
    for (std::size_t channel = 0; channel < channels; channel++) {
      const double shifted = sums[channel] / count;
      mean_[channel] = static_cast<float>(shift_[channel] + shifted);
      variance_[channel] =
          static_cast<float>(std::max(0.0, sums[channels + channel] / count - shifted * shifted));
    }
  }

 private:
  Device& device_;
  Region from_;
  std::vector<float> shift_;
  float* mean_;
  float* variance_;
  StatisticsArguments arguments_;
};

/** y = a · (x − mean) + b, for each channel of a batch norm's input, out of its parameters and statistics. */
class Affine {
 public:
  Affine(const NormalizeStep& step, const Regions& regions, CpuParameters& parameters)
      : parameters_(step.parameters),
        store_(parameters),
        channels_(step.in.view.channels),
        a(channels_),
        b(channels_),
        mean(channels_),
        inverseDeviation(channels_) {
    if (step.statistics) {
      batchMean_ = regions.vector(step.statistics->mean) + step.in.view.first;
      batchVariance_ = regions.vector(step.statistics->variance) + step.in.view.first;
    }
  }

  void update() {
    const float* scale = store_.values(parameters_.scale);
    const float* bias = store_.values(parameters_.bias);
    const float* means = batchMean_ != nullptr ? batchMean_ : store_.values(parameters_.mean);
    const float* variances = batchVariance_ != nullptr ? batchVariance_ : store_.values(parameters_.variance);
    for (std::size_t channel = 0; channel < channels_; channel++) {
      const double inverse = 1 / std::sqrt(static_cast<double>(variances[channel]) + parameters_.epsilon);
      const double factor = scale[channel] * inverse;
      mean[channel] = means[channel];
      inverseDeviation[channel] = static_cast<float>(inverse);
      a[channel] = static_cast<float>(factor);
      b[channel] = bias[channel];
    }
  }

 private:
  NormParameters parameters_;
  CpuParameters& store_;
  std::size_t channels_;
  const float* batchMean_ = nullptr;
  const float* batchVariance_ = nullptr;

 public:
  std::vector<float> a;
  std::vector<float> b;
  std::vector<float> mean;
  std::vector<float> inverseDeviation;
};

class Normalize : public Kernel {
 public:
  Normalize(const NormalizeStep& step, const Regions& regions, CpuParameters& parameters, Device& device)
      : step_(step),
        device_(device),
        parameters_(parameters),
        out_(regions.at(step.out)),
        affine_(step, regions, parameters) {
    const Region in = regions.at(step.in);
    count_ = in.images * in.buffer.pixels();
    if (step.statistics) {
      mean_ = regions.vector(step.statistics->mean) + step.in.view.first;
      variance_ = regions.vector(step.statistics->variance) + step.in.view.first;
    }
    arguments_ = {in.domain(),         in.map(),
                  out_.map(),          step.residual ? regions.at(*step.residual).map() : noMap,
                  affine_.mean.data(), affine_.a.data(),
                  affine_.b.data(),    rangeOf(step.activation)};
  }

  void run(const StepContext&) override {
    affine_.update();
    runMap(device_, device_.maps().normalize, arguments_, arguments_.domain.items());
    if (movesZero(step_.activation)) clearPadding(out_);
    if (step_.updateRunning) updateRunning();
  }

 private:
  /** running = m · running + (1 − m) · batch, with the unbiased variance (as is for a single value). */
  void updateRunning() {
    const double keep = step_.parameters.momentum;
    const double unbiased = count_ > 1 ? static_cast<double>(count_) / static_cast<double>(count_ - 1) : 1.0;
    float* mean = parameters_.values(step_.parameters.mean);
    float* variance = parameters_.values(step_.parameters.variance);
    for (std::size_t channel = 0; channel < step_.in.view.channels; channel++) {
      mean[channel] = static_cast<float>(keep * mean[channel] + (1 - keep) * mean_[channel]);
      variance[channel] =
          static_cast<float>(keep * variance[channel] + (1 - keep) * unbiased * variance_[channel]);
    }
    parameters_.touch(step_.parameters.mean);
    parameters_.touch(step_.parameters.variance);
  }

  NormalizeStep step_;
  Device& device_;
  CpuParameters& parameters_;
  Region out_;
  Affine affine_;
  std::size_t count_;
  const float* mean_ = nullptr;
  const float* variance_ = nullptr;
  NormalizeArguments arguments_;
};

class NormalizeBackward : public Kernel {
 public:
  NormalizeBackward(const NormalizeBackwardStep& step, const Regions& regions, CpuParameters& parameters,
                    Device& device)
      : step_(step),
        device_(device),
        parameters_(parameters),
        affine_(step.forward, regions, parameters),
        k1_(step.forward.in.view.channels),
        k2_(k1_.size()) {
    const Region in = regions.at(step.forward.in);
    count_ = static_cast<double>(in.images * in.buffer.pixels());
    if (step.deferred) {
      shared1_ = regions.vector(step.deferred->first) + step.forward.in.view.first;
      shared2_ = regions.vector(step.deferred->second) + step.forward.in.view.first;
    }
    arguments_.domain = in.domain();
    arguments_.gradient = regions.at(step.gradient).map();
    arguments_.in = in.map();
    arguments_.y = step.forward.residual ? regions.at(step.forward.out).map() : noMap;
    arguments_.a = affine_.a.data();
    arguments_.b = affine_.b.data();
    arguments_.range = rangeOf(step.forward.activation);
    arguments_.mean = affine_.mean.data();
    arguments_.scale = affine_.a.data();
    out_ = step.out ? regions.at(*step.out).map() : noMap;
    residual_ = step.residual ? regions.at(*step.residual).map() : noMap;
    wantSums(device, k1_.size());
  }

  void run(const StepContext&) override {
    affine_.update();
    const bool corrects = step_.forward.statistics.has_value() && step_.out.has_value();
    const bool twoPasses = corrects && !step_.deferred;
    arguments_.reduce = corrects || step_.parameterGradients;
    arguments_.residual = residual_;
    arguments_.accumulateResidual = step_.accumulateResidual;
    arguments_.out = twoPasses ? noMap : out_;
    arguments_.accumulate = step_.accumulate;
    arguments_.k1 = arguments_.k2 = nullptr;
    if (arguments_.reduce) {
      const double* sums = sumMap(device_, device_.maps().normalizeBackward, arguments_, arguments_.domain);
      takeSums(sums, corrects);
    } else {
      runMap(device_, device_.maps().normalizeBackward, arguments_, arguments_.domain.items());
    }
    if (!twoPasses) return;
    arguments_.reduce = false;
    arguments_.residual = noMap;
    arguments_.out = out_;
    arguments_.k1 = k1_.data();
    arguments_.k2 = k2_.data();
    runMap(device_, device_.maps().normalizeBackward, arguments_, arguments_.domain.items());
  }

 private:
  void takeSums(const double* sums, bool corrects) {
    const std::size_t channels = k1_.size();
    float* scale = step_.parameterGradients ? parameters_.gradient(step_.forward.parameters.scale) : nullptr;
    float* bias = step_.parameterGradients ? parameters_.gradient(step_.forward.parameters.bias) : nullptr;
    for (std::size_t channel = 0; channel < channels; channel++) {
      const double inverse = affine_.inverseDeviation[channel], a = affine_.a[channel];
      const double dBias = sums[channel], dScale = sums[channels + channel] * inverse;
      if (scale != nullptr) {
        scale[channel] = static_cast<float>(dScale);
        bias[channel] = static_cast<float>(dBias);
      }
      if (!corrects) continue;
      const double k2 = -a * dScale * inverse / count_;
      k2_[channel] = static_cast<float>(k2);
      k1_[channel] = static_cast<float>(-a * dBias / count_);
      if (shared1_ != nullptr) {
        shared1_[channel] += k1_[channel];
        shared2_[channel] += k2_[channel];
      }
    }
  }

  NormalizeBackwardStep step_;
  Device& device_;
  CpuParameters& parameters_;
  Affine affine_;
  std::vector<float> k1_;
  std::vector<float> k2_;
  double count_;
  float* shared1_ = nullptr;
  float* shared2_ = nullptr;
  Map out_;
  Map residual_;
  NormalizeBackwardArguments arguments_ = {};
};

class Correct : public Kernel {
 public:
  Correct(const CorrectStep& step, const Regions& regions, Device& device) : device_(device) {
    const Region x = regions.at(step.x);
    arguments_ = {x.domain(),
                  regions.at(step.from).map(),
                  x.map(),
                  regions.at(step.to).map(),
                  regions.vector(step.mean) + step.x.view.first,
                  regions.vector(step.k1) + step.x.view.first,
                  regions.vector(step.k2) + step.x.view.first};
  }
  void run(const StepContext&) override {
    runMap(device_, device_.maps().correct, arguments_, arguments_.domain.items());
  }

 private:
  Device& device_;
  CorrectArguments arguments_;
};

class Clear : public Kernel {
 public:
  Clear(const ClearStep& step, const Regions& regions) {
    for (const VectorId id : step.vectors) vectors_.emplace_back(regions.vector(id), regions.length(id));
  }
  void run(const StepContext&) override {
    for (const auto& [start, length] : vectors_) std::fill_n(start, length, 0.0f);
  }

 private:
  std::vector<std::pair<float*, std::size_t>> vectors_;
};

}  // namespace

std::unique_ptr<Kernel> makeKernel(const StatisticsStep& step, const Regions& regions, Device& device) {
  return std::make_unique<Statistics>(step, regions, device);
}
std::unique_ptr<Kernel> makeKernel(const NormalizeStep& step, const Regions& regions,
                                   CpuParameters& parameters, Device& device) {
  return std::make_unique<Normalize>(step, regions, parameters, device);
}
std::unique_ptr<Kernel> makeKernel(const NormalizeBackwardStep& step, const Regions& regions,
                                   CpuParameters& parameters, Device& device) {
  return std::make_unique<NormalizeBackward>(step, regions, parameters, device);
}
std::unique_ptr<Kernel> makeKernel(const CorrectStep& step, const Regions& regions, Device& device) {
  return std::make_unique<Correct>(step, regions, device);
}
std::unique_ptr<Kernel> makeKernel(const ClearStep& step, const Regions& regions, Device&) {
  return std::make_unique<Clear>(step, regions);
}

}  // namespace thaw::cpu
