#include "backend/cpu/convolution.h"

#include <algorithm>

#include "backend/cpu/product.h"

namespace thaw::cpu {
namespace {

using Dim = dnnl::memory::dim;

Dim dim(std::size_t value) {
  return static_cast<Dim>(value);
}

dnnl::primitive_attr userScratch() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

dnnl::primitive_attr withPostOps(const ConvolutionStep& step) {
  dnnl::primitive_attr attributes = userScratch();
  dnnl::post_ops operations;
  if (step.accumulate) operations.append_sum(1.0f);
  switch (step.activation.kind) {
    case Activation::Kind::none:
      break;
    case Activation::Kind::relu:
      appendElementwise(operations, dnnl::algorithm::eltwise_relu, 0, 0);
      break;
    case Activation::Kind::clip:
      appendElementwise(operations, dnnl::algorithm::eltwise_clip, step.activation.minimum,
                        step.activation.maximum);
      break;
    case Activation::Kind::sigmoid:
      appendElementwise(operations, dnnl::algorithm::eltwise_logistic, 0, 0);
      break;
  }
  attributes.set_post_ops(operations);
  return attributes;
}

Desc biasDesc(const ConvolutionStep& step) {
  if (!step.bias && !step.folded) return Desc();
  return Desc({dim(step.out.view.channels)}, Type::f32, Tag::x);
}

/** A primitive with its arguments. */
class Call {
 public:
  Call(dnnl::primitive primitive, const Desc& scratchpad, Device& device)
      : primitive_(std::move(primitive)), device_(device), scratchpad_(scratchpad, device.engine, nullptr) {
    device_.primitives.want(scratchpad.get_size());
    arguments_.emplace(DNNL_ARG_SCRATCHPAD, scratchpad_);
  }

  void set(int argument, const dnnl::memory& memory) { arguments_[argument] = memory; }
  void run() {
    scratchpad_.set_data_handle(device_.primitives.data());
    primitive_.execute(device_.stream, arguments_);
    device_.stream.wait();
  }

 private:
  dnnl::primitive primitive_;
  Device& device_;
  dnnl::memory scratchpad_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

dnnl::memory memoryAt(const Desc& desc, const Region& region, const Device& device) {
  return dnnl::memory(desc, device.engine, region.data);
}

ForwardDesc forwardOf(const ConvolutionStep& step, const ConvolutionProblem& problem, Device& device) {
  const Desc weights(problem.weights, device.activationType(), Tag::any);
  const auto attributes = withPostOps(step);
  return withAlgorithm(problem.winograd, dnnl::algorithm::convolution_winograd,
                       [&](dnnl::algorithm algorithm) {
                         return forwardDesc(device.engine, algorithm, problem.source, weights, biasDesc(step),
                                            problem.target, problem.shape, attributes);
                       });
}

class Convolution : public Kernel {
 public:
  Convolution(const ConvolutionStep& step, const Regions& regions, CpuParameters& parameters,
              WeightCache& cache, Device& device)
      : step_(step), in_(regions.at(step.in)), out_(regions.at(step.out)) {
    const ConvolutionProblem problem = problemOf(step, in_, out_, device);
    const ForwardDesc desc = forwardOf(step, problem, device);
    weights_ = cache.find(step, desc.weights_desc(), false, parameters, device);
    call_.emplace(dnnl::convolution_forward(desc), desc.scratchpad_desc(), device);
    call_->set(DNNL_ARG_SRC, memoryAt(problem.source, in_, device));
    call_->set(DNNL_ARG_DST, memoryAt(problem.target, out_, device));
  }

  void run(const StepContext&) override {
    call_->set(DNNL_ARG_WEIGHTS, weights_->weights());
    if (step_.bias || step_.folded) call_->set(DNNL_ARG_BIAS, weights_->bias());
    call_->run();
    if (movesZero(step_.activation)) clearPadding(out_);
  }

 private:
  ConvolutionStep step_;
  Region in_;
  Region out_;
  std::shared_ptr<PreparedWeights> weights_;
  std::optional<Call> call_;
};

class ConvolutionBackward : public Kernel {
 public:
  ConvolutionBackward(const ConvolutionBackwardStep& step, const Regions& regions, CpuParameters& parameters,
                      WeightCache& cache, Device& device)
      : step_(step), parameters_(parameters), device_(device) {
    const Region gradient = regions.at(step.gradient);
    const Region in = regions.at(step.in ? *step.in : step.forward.in);
    ConvolutionStep plain = step.forward;
    plain.activation = {};
    const ConvolutionProblem problem = problemOf(plain, in, gradient, device);
    const ForwardDesc hint = forwardOf(plain, problem, device);
    if (step.in && problem.pointwise && !step.forward.bias)
      makePointwiseWeights(in, gradient);
    else if (step.in)
      makeWeights(problem, hint, in, gradient);
    if (step.out && problem.pointwise)
      makePointwiseData(problem, regions.at(*step.out), gradient, cache);
    else if (step.out)
      makeData(problem, hint, regions.at(*step.out), gradient, cache);
  }

  void run(const StepContext&) override {
    if (product_) product_->run(gradientData_, inData_, nullptr, parameters_.gradient(step_.forward.weight));
    if (byWeights_) {
      byWeights_->run();
      if (reorder_) {
        reorder_->execute(device_.stream, native_, target_);
        device_.stream.wait();
      }
      codec().mask(parameters_.gradient(step_.forward.weight));
    }
    if (byData_) {
      byData_->set(DNNL_ARG_WEIGHTS, weights_->weights());
      byData_->run();
    }
  }

 private:
  const ConvolutionCodec& codec() const {
    return static_cast<const ConvolutionCodec&>(parameters_.codec(step_.forward.weight));
  }

  /** Straight into the parameter's gradient, unless this batch's primitive has another order. */
  void makeWeights(const ConvolutionProblem& problem, const ForwardDesc& hint, const Region& in,
                   const Region& gradient) {
    const auto make = [&](const Desc& weights) {
      return withAlgorithm(problem.winogradWeights, dnnl::algorithm::convolution_winograd,
                           [&](dnnl::algorithm algorithm) {
                             return backwardWeightsDesc(device_.engine, algorithm, problem.source, weights,
                                                        biasDesc(step_.forward), problem.target,
                                                        problem.shape, hint, userScratch());
                           });
    };
    const BackwardWeightsDesc desc = make(Desc(problem.weights, Type::f32, Tag::any));
    target_ = dnnl::memory(codec().desc(), device_.engine, parameters_.gradient(step_.forward.weight));
    native_ = target_;
    if (desc.diff_weights_desc() != codec().desc()) {
      nativeMemory_ = AlignedBuffer<std::uint8_t>(desc.diff_weights_desc().get_size());
      native_ = dnnl::memory(desc.diff_weights_desc(), device_.engine, nativeMemory_.data());
      reorder_.emplace(native_, target_);
    }
    byWeights_.emplace(dnnl::convolution_backward_weights(desc), desc.scratchpad_desc(), device_);
    byWeights_->set(DNNL_ARG_SRC, memoryAt(problem.source, in, device_));
    byWeights_->set(DNNL_ARG_DIFF_DST, memoryAt(problem.target, gradient, device_));
    byWeights_->set(DNNL_ARG_DIFF_WEIGHTS, native_);
    if (step_.forward.bias)
      byWeights_->set(DNNL_ARG_DIFF_BIAS, dnnl::memory(biasDesc(step_.forward), device_.engine,
                                                       parameters_.gradient(*step_.forward.bias)));
  }

  /** dW [out, in] = gradientᵀ [out, N · H · W] · x [N · H · W, in] */
  void makePointwiseWeights(const Region& in, const Region& gradient) {
    const std::size_t pixels = in.images * in.buffer.pixels();
    const std::size_t inputs = in.place.view.channels, outputs = gradient.place.view.channels;
    const Type type = device_.activationType();
    product_.emplace(device_, matrix(outputs, pixels, type, true), matrix(pixels, inputs, type), Desc(),
                     matrix(outputs, inputs, Type::f32));
    gradientData_ = gradient.data;
    inData_ = in.data;
  }

  /** dx [N · H · W, in] = gradient [N · H · W, out] · w [out, in], a 1 × 1 convolution by wᵀ */
  void makePointwiseData(const ConvolutionProblem& problem, const Region& out, const Region& gradient,
                         WeightCache& cache) {
    const Dims transposed = {problem.weights[1], problem.weights[0], 1, 1};
    const Desc weights(transposed, device_.activationType(), Tag::any);
    const auto desc = forwardDesc(device_.engine, dnnl::algorithm::convolution_direct, problem.target,
                                  weights, Desc(), problem.source, problem.shape, userScratch());
    ConvolutionStep unfolded = step_.forward;
    unfolded.folded.reset();
    weights_ = cache.find(unfolded, desc.weights_desc(), true, parameters_, device_);
    byData_.emplace(dnnl::convolution_forward(desc), desc.scratchpad_desc(), device_);
    byData_->set(DNNL_ARG_DST, memoryAt(problem.source, out, device_));
    byData_->set(DNNL_ARG_SRC, memoryAt(problem.target, gradient, device_));
  }

  void makeData(const ConvolutionProblem& problem, const ForwardDesc& hint, const Region& out,
                const Region& gradient, WeightCache& cache) {
    const Desc weights(problem.weights, device_.activationType(), Tag::any);
    const auto desc = withAlgorithm(
        problem.winograd, dnnl::algorithm::convolution_winograd, [&](dnnl::algorithm algorithm) {
          return backwardDataDesc(device_.engine, algorithm, problem.source, weights, problem.target,
                                  problem.shape, hint, userScratch());
        });
    ConvolutionStep unfolded = step_.forward;
    unfolded.folded.reset();
    weights_ = cache.find(unfolded, desc.weights_desc(), false, parameters_, device_);
    byData_.emplace(dnnl::convolution_backward_data(desc), desc.scratchpad_desc(), device_);
    byData_->set(DNNL_ARG_DIFF_SRC, memoryAt(problem.source, out, device_));
    byData_->set(DNNL_ARG_DIFF_DST, memoryAt(problem.target, gradient, device_));
  }

  ConvolutionBackwardStep step_;
  CpuParameters& parameters_;
  Device& device_;
  std::optional<Product> product_;
  void* gradientData_ = nullptr;
  void* inData_ = nullptr;
  std::optional<Call> byWeights_;
  std::optional<Call> byData_;
  std::shared_ptr<PreparedWeights> weights_;
  AlignedBuffer<std::uint8_t> nativeMemory_;
  dnnl::memory native_;
  dnnl::memory target_;
  std::optional<dnnl::reorder> reorder_;
};

}  // namespace

Grouping groupingOf(const ConvolutionStep& step) {
  if (step.groups == 1) return Grouping::none;
  const std::size_t in = step.in.channels, out = step.out.channels;
  const bool full = in == step.in.view.channels && out == step.out.view.channels;
  const bool whole = (in / step.groups) % lanes == 0 && (out / step.groups) % lanes == 0;
  const bool single = in == step.groups && out == step.groups;
  return full && (whole || single) ? Grouping::native : Grouping::diagonal;
}

bool isPlainInput(const Buffer& buffer, const Place& place, const Device& device) {
  return buffer.networkInput && device.order == Order::blocked &&
         (place.channels == 1 || place.channels == 3);
}

Desc mapDesc(const Region& region, const Device& device) {
  const bool plain = isPlainInput(region.buffer, region.place, device);
  const std::size_t channels = plain ? region.place.channels : region.place.view.channels;
  const Dims dims = {dim(region.images), dim(channels), dim(region.buffer.height), dim(region.buffer.width)};
  const Tag blocked = plain ? Tag::nchw : Tag::nChw16c;
  return Desc(dims, device.activationType(), device.order == Order::blocked ? blocked : Tag::nhwc);
}

ConvolutionProblem problemOf(const ConvolutionStep& step, const Region& in, const Region& out,
                             const Device& device) {
  ConvolutionProblem problem;
  problem.source = mapDesc(in, device);
  problem.target = mapDesc(out, device);
  const Window& window = step.window;
  const auto& [top, left, bottom, right] = window.padding;
  problem.shape.strides = {dim(window.stride[0]), dim(window.stride[1])};
  problem.shape.dilations = {dim(window.dilation[0]) - 1, dim(window.dilation[1]) - 1};
  problem.shape.paddingBefore = {dim(top), dim(left)};
  problem.shape.paddingAfter = {dim(bottom), dim(right)};
  const bool plain = isPlainInput(in.buffer, in.place, device);
  const Dim inputs = dim(plain ? in.place.channels : in.place.view.channels),
            outputs = dim(out.place.view.channels);
  const Dim kh = dim(window.kernel[0]), kw = dim(window.kernel[1]), groups = dim(step.groups);
  problem.weights = {outputs, inputs, kh, kw};
  if (groupingOf(step) == Grouping::native)
    problem.weights = {groups, outputs / groups, inputs / groups, kh, kw};
  const std::array<std::size_t, 2> ones = {1, 1};
  const bool plainSteps = window.stride == ones && window.dilation == ones && step.groups == 1;
  const bool square =
      plainSteps && kh == 3 && kw == 3 && device.winograd && device.precision == Precision::fp32;
  // Tiles of 4 × 4 outputs; with few of them, or much of them beyond the map, the direct algorithm is faster.
  const std::size_t tiles = in.images * ((out.buffer.height + 3) / 4) * ((out.buffer.width + 3) / 4);
  problem.winograd = square && in.images * out.buffer.pixels() >= 64 * 16;
  problem.winogradWeights = square && tiles >= 16;
  problem.pointwise = plainSteps && kh == 1 && kw == 1 && window.padding == std::array<std::size_t, 4>{} &&
                      device.order == Order::channelsLast;
  return problem;
}

std::unique_ptr<Kernel> makeConvolution(const ConvolutionStep& step, const Regions& regions,
                                        CpuParameters& parameters, WeightCache& cache, Device& device) {
  return std::make_unique<Convolution>(step, regions, parameters, cache, device);
}

std::unique_ptr<Kernel> makeConvolutionBackward(const ConvolutionBackwardStep& step, const Regions& regions,
                                                CpuParameters& parameters, WeightCache& cache,
                                                Device& device) {
  return std::make_unique<ConvolutionBackward>(step, regions, parameters, cache, device);
}

}  // namespace thaw::cpu
