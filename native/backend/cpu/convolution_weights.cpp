#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/cpu/convolution.h"

namespace thaw::cpu {
namespace {

void reorder(Device& device, dnnl::memory from, dnnl::memory to) {
  dnnl::reorder(from, to).execute(device.stream, from, to);
  device.stream.wait();
}

dnnl::memory memoryOf(const Desc& desc, const Device& device, const float* data) {
  return dnnl::memory(desc, device.engine, const_cast<float*>(data));
}

}  // namespace

ConvolutionCodec::ConvolutionCodec(const ConvolutionStep& step, const ConvolutionProblem& problem,
                                   std::size_t outputs, Device& device)
    : step_(step), outputs_(outputs), device_(device) {
  const Grouping grouping = groupingOf(step);
  plain_ = Desc(problem.weights, Type::f32, grouping == Grouping::native ? Tag::goihw : Tag::oihw);
  perOutput_ = 1;
  for (std::size_t axis = grouping == Grouping::native ? 2 : 1; axis < problem.weights.size(); axis++)
    perOutput_ *= static_cast<std::size_t>(problem.weights[axis]);
  const Desc any(problem.weights, Type::f32, Tag::any);
  const Desc weights(problem.weights, device.activationType(), Tag::any);
  const dnnl::primitive_attr attributes;
  const auto hint = forwardDesc(device.engine, dnnl::algorithm::convolution_direct, problem.source, weights,
                                Desc(), problem.target, problem.shape, attributes);
  memory_ =
      problem.pointwise
          ? plain_
          : withAlgorithm(problem.winogradWeights, dnnl::algorithm::convolution_winograd,
                          [&](dnnl::algorithm algorithm) {
                            return backwardWeightsDesc(device.engine, algorithm, problem.source, any, Desc(),
                                                       problem.target, problem.shape, hint, attributes)
                                .diff_weights_desc();
                          });
  if (grouping != Grouping::diagonal) return;
  std::vector<float> ones(static_cast<std::size_t>(plain_.get_size()) / sizeof(float), 0.0f),
      inside(size(), 0.0f);
  overWeights([&](std::size_t, std::size_t position) { ones[position] = 1; });
  reorder(device_, memoryOf(plain_, device_, ones.data()), memoryOf(memory_, device_, inside.data()));
  for (const float one : inside) kept_.push_back(one != 0);
}

/** Every weight's index in [out, in / groups, kh, kw] and in the plain order with padding. */
void ConvolutionCodec::overWeights(const std::function<void(std::size_t, std::size_t)>& body) const {
  const std::size_t groups = step_.groups, pixels = step_.window.kernel[0] * step_.window.kernel[1];
  const std::size_t inputs = step_.in.channels / groups, outputs = outputs_ / groups;
  const bool native = groupingOf(step_) == Grouping::native;
  const std::size_t columns = perOutput_ / pixels;
  for (std::size_t o = 0; o < outputs_; o++)
    for (std::size_t i = 0; i < inputs; i++)
      for (std::size_t pixel = 0; pixel < pixels; pixel++) {
        const std::size_t column = native ? i : step_.in.at(o / outputs * inputs + i);
        const std::size_t row = native ? o : step_.out.at(o);
        body((o * inputs + i) * pixels + pixel, (row * columns + column) * pixels + pixel);
      }
}

void ConvolutionCodec::pack(std::span<const float> values, float* memory) const {
  std::vector<float> plain(static_cast<std::size_t>(plain_.get_size()) / sizeof(float), 0.0f);
  overWeights([&](std::size_t logical, std::size_t position) { plain[position] = values[logical]; });
  reorder(device_, memoryOf(plain_, device_, plain.data()), memoryOf(memory_, device_, memory));
}

void ConvolutionCodec::unpack(const float* memory, std::span<float> values) const {
  std::vector<float> plain(static_cast<std::size_t>(plain_.get_size()) / sizeof(float));
  reorder(device_, memoryOf(memory_, device_, memory), memoryOf(plain_, device_, plain.data()));
  overWeights([&](std::size_t logical, std::size_t position) { values[logical] = plain[position]; });
}

void ConvolutionCodec::mask(float* memory) const {
  for (std::size_t position = 0; position < kept_.size(); position++)
    if (!kept_[position]) memory[position] = 0;
}

PreparedWeights::PreparedWeights(const ConvolutionStep& step, const Desc& wanted, bool transposed,
                                 CpuParameters& parameters, Device& device)
    : step_(step),
      parameters_(parameters),
      device_(device),
      codec_(static_cast<const ConvolutionCodec&>(parameters.codec(step.weight))),
      wanted_(wanted),
      transposed_(transposed),
      source_(transposed ? codec_.desc().permute_axes({1, 0, 2, 3}) : codec_.desc()) {
  const std::size_t channels = step.out.view.channels;
  float* values = parameters_.values(step.weight);
  if (!step.folded && wanted_ == source_) {
    weights_ = memoryOf(wanted_, device_, values);
  } else {
    own_.emplace(wanted_.get_size());
    weights_ = dnnl::memory(wanted_, device_.engine, own_->data());
  }
  const Desc biasDesc({static_cast<dnnl::memory::dim>(channels)}, Type::f32, Tag::x);
  if (step.folded) {
    bias_.resize(channels);
    biasMemory_ = memoryOf(biasDesc, device_, bias_.data());
  } else if (step.bias) {
    biasMemory_ = memoryOf(biasDesc, device_, parameters_.values(*step.bias));
  }
}

bool PreparedWeights::serves(const ConvolutionStep& step, const Desc& wanted, bool transposed) const {
  return step.node == step_.node && transposed == transposed_ &&
         step.folded.has_value() == step_.folded.has_value() && wanted == wanted_;
}

/** Grows with each of the parameters that went in. */
std::uint64_t PreparedWeights::version() const {
  std::uint64_t sum = parameters_.version(step_.weight);
  if (!step_.folded) return sum;
  if (step_.bias) sum += parameters_.version(*step_.bias);
  for (const std::size_t parameter :
       {step_.folded->scale, step_.folded->bias, step_.folded->mean, step_.folded->variance})
    sum += parameters_.version(parameter);
  return sum;
}

/** w' = w · s / σ and b' = (b − mean) · s / σ + β for each output channel. */
void PreparedWeights::fold() {
  const std::size_t channels = step_.out.view.channels, row = codec_.perOutput();
  folded_.resize(static_cast<std::size_t>(codec_.plain().get_size()) / sizeof(float));
  reorder(device_, memoryOf(codec_.desc(), device_, parameters_.values(step_.weight)),
          memoryOf(codec_.plain(), device_, folded_.data()));
  const float* scale = parameters_.values(step_.folded->scale);
  const float* shift = parameters_.values(step_.folded->bias);
  const float* mean = parameters_.values(step_.folded->mean);
  const float* variance = parameters_.values(step_.folded->variance);
  const float* own = step_.bias ? parameters_.values(*step_.bias) : nullptr;
  for (std::size_t channel = 0; channel < channels; channel++) {
    const double factor =
        scale[channel] / std::sqrt(static_cast<double>(variance[channel]) + step_.folded->epsilon);
    const double before = own == nullptr ? 0.0 : static_cast<double>(own[channel]);
    bias_[channel] = static_cast<float>((before - static_cast<double>(mean[channel])) * factor +
                                        static_cast<double>(shift[channel]));
    for (std::size_t at = channel * row; at < (channel + 1) * row; at++)
      folded_[at] = static_cast<float>(folded_[at] * factor);
  }
  reorder(device_, memoryOf(codec_.plain(), device_, folded_.data()), weights_);
  folded_ = {};
}

dnnl::memory& PreparedWeights::weights() {
  if (const std::uint64_t now = version(); now != made_) {
    if (step_.folded)
      fold();
    else if (own_)
      reorder(device_, memoryOf(source_, device_, parameters_.values(step_.weight)), weights_);
    else
      weights_.set_data_handle(parameters_.values(step_.weight));
    made_ = now;
  }
  return weights_;
}

dnnl::memory& PreparedWeights::bias() {
  if (!step_.folded) biasMemory_.set_data_handle(parameters_.values(*step_.bias));
  return biasMemory_;
}

std::size_t PreparedWeights::bytes() const {
  return own_ ? own_->size() : 0;
}

std::shared_ptr<PreparedWeights> WeightCache::find(const ConvolutionStep& step, const Desc& wanted,
                                                   bool transposed, CpuParameters& parameters,
                                                   Device& device) {
  for (const auto& held : all_)
    if (const auto weights = held.lock(); weights != nullptr && weights->serves(step, wanted, transposed))
      return weights;
  const auto made = std::make_shared<PreparedWeights>(step, wanted, transposed, parameters, device);
  std::erase_if(all_, [](const auto& held) { return held.expired(); });
  all_.push_back(made);
  return made;
}

}  // namespace thaw::cpu
