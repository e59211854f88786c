#include <algorithm>

#include "backend/cpu/kernels.h"
#include "backend/cpu/product.h"

namespace thaw::cpu {
namespace {

/** float numbers in the type that the backend computes in. */
class Rounded {
 public:
  Rounded(Device& device, std::size_t count) : device_(device) {
    if (device.precision == Precision::bf16)
      memory_ = AlignedBuffer<std::uint8_t>((count + lanes) / lanes * lanes * 2);
    arguments_.domain = {1, 1, 1, (count + lanes - 1) / lanes, true};
  }

  /** `values` themselves in fp32; they hold a multiple of 16 numbers. */
  void* of(float* values) {
    if (device_.precision == Precision::fp32) return values;
    arguments_.a = {values, 0, 0, lanes};
    arguments_.out = {memory_.data(), 0, 0, lanes};
    device_.maps().fromFloat(arguments_, {0, 1, nullptr, nullptr});
    return memory_.data();
  }

 private:
  Device& device_;
  AlignedBuffer<std::uint8_t> memory_;
  ElementwiseArguments arguments_ = {};
};

class Linear : public Kernel {
 public:
  Linear(const LinearStep& step, const Regions& regions, CpuParameters& parameters, Device& device)
      : step_(step),
        parameters_(parameters),
        in_(regions.at(step.in)),
        out_(regions.at(step.out)),
        weight_(device, step.in.view.channels * step.out.view.channels) {
    const std::size_t inputs = step.in.view.channels, outputs = step.out.view.channels;
    const Type type = device.activationType(), result = out_.elementBytes == 4 ? Type::f32 : type;
    product_.emplace(device, matrix(in_.images, inputs, type), matrix(inputs, outputs, type, true),
                     step.bias ? matrix(1, outputs, Type::f32) : Desc(), matrix(in_.images, outputs, result));
  }

  void run(const StepContext&) override {
    float* bias = step_.bias ? parameters_.values(*step_.bias) : nullptr;
    if (const std::uint64_t now = parameters_.version(step_.weight); now != made_) {
      rounded_ = weight_.of(parameters_.values(step_.weight));
      made_ = now;
    }
    product_->run(in_.data, rounded_, bias, out_.data);
  }

 private:
  LinearStep step_;
  CpuParameters& parameters_;
  Region in_;
  Region out_;
  Rounded weight_;
  void* rounded_ = nullptr;
  std::uint64_t made_ = 0;
  std::optional<Product> product_;
};

class LinearBackward : public Kernel {
 public:
  LinearBackward(const LinearBackwardStep& step, const Regions& regions, CpuParameters& parameters,
                 Device& device)
      : step_(step),
        device_(device),
        parameters_(parameters),
        gradient_(regions.at(step.gradient)),
        in_(regions.at(step.in)),
        out_(regions.at(step.out)),
        weight_(device, step.forward.in.view.channels * step.forward.out.view.channels),
        rounded_(device, gradient_.images * step.forward.out.view.channels) {
    const std::size_t inputs = step.forward.in.view.channels, outputs = step.forward.out.view.channels;
    const std::size_t images = gradient_.images;
    const Type type = device.activationType();
    if (step.parameterGradients && in_)
      byWeights_.emplace(device, matrix(outputs, images, type, true), matrix(images, inputs, type), Desc(),
                         matrix(outputs, inputs, Type::f32));
    if (out_)
      byData_.emplace(device, matrix(images, outputs, type), matrix(outputs, inputs, type), Desc(),
                      matrix(images, inputs, type));
  }

  void run(const StepContext&) override {
    const bool isFloat = gradient_.elementBytes == 4;
    void* gradient = isFloat ? rounded_.of(reinterpret_cast<float*>(gradient_.data)) : gradient_.data;
    if (byWeights_) {
      byWeights_->run(gradient, in_->data, nullptr, parameters_.gradient(step_.forward.weight));
      if (step_.forward.bias) sumRows(parameters_.gradient(*step_.forward.bias));
    }
    if (byData_)
      byData_->run(gradient, weight_.of(parameters_.values(step_.forward.weight)), nullptr, out_->data);
  }

 private:
  void sumRows(float* bias) const {
    const std::size_t outputs = step_.forward.out.view.channels;
    std::fill_n(bias, outputs, 0.0f);
    for (std::size_t image = 0; image < gradient_.images; image++)
      for (std::size_t output = 0; output < outputs; output++)
        bias[output] += readElement(device_, gradient_, gradient_.offset(image, output, 0));
  }

  LinearBackwardStep step_;
  Device& device_;
  CpuParameters& parameters_;
  Region gradient_;
  std::optional<Region> in_;
  std::optional<Region> out_;
  Rounded weight_;
  Rounded rounded_;
  std::optional<Product> byWeights_;
  std::optional<Product> byData_;
};

}  // namespace

std::unique_ptr<Kernel> makeKernel(const LinearStep& step, const Regions& regions, CpuParameters& parameters,
                                   Device& device) {
  return std::make_unique<Linear>(step, regions, parameters, device);
}

std::unique_ptr<Kernel> makeKernel(const LinearBackwardStep& step, const Regions& regions,
                                   CpuParameters& parameters, Device& device) {
  return std::make_unique<LinearBackward>(step, regions, parameters, device);
}

}  // namespace thaw::cpu
