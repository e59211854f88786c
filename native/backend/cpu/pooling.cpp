#include "backend/cpu/kernels.h"

namespace thaw::cpu {
namespace {

PoolArguments argumentsOf(const PoolStep& step, const Regions& regions) {
  const Region in = regions.at(step.in), out = regions.at(step.out);
  const Window& window = step.window;
  const auto& [top, left, bottom, right] = window.padding;
  return {out.domain(),
          in.buffer.height,
          in.buffer.width,
          {window.kernel[0], window.kernel[1]},
          {window.stride[0], window.stride[1]},
          {window.dilation[0], window.dilation[1]},
          {top, left},
          {in.buffer.height + top + bottom, in.buffer.width + left + right},
          step.countIncludesPadding,
          in.map(),
          out.map(),
          step.indices ? regions.at(*step.indices).map() : noMap};
}

class Pool : public Kernel {
 public:
  Pool(const PoolStep& step, const Regions& regions, Device& device)
      : device_(device), arguments_(argumentsOf(step, regions)) {
    const MapKernels& maps = device.maps(regions.at(step.in).buffer.element);
    function_ = step.kind == PoolStep::Kind::maximum ? maps.maximumPool : maps.averagePool;
  }
  void run(const StepContext&) override {
    runMap(device_, function_, arguments_, poolItems(arguments_.domain));
  }

 private:
  Device& device_;
  PoolArguments arguments_;
  void (*function_)(const PoolArguments&, const Share&);
};

class PoolBackward : public Kernel {
 public:
  PoolBackward(const PoolBackwardStep& step, const Regions& regions, Device& device)
      : device_(device),
        arguments_{argumentsOf(step.forward, regions), regions.at(step.gradient).map(),
                   regions.at(step.out).map(), step.accumulate} {
    const MapKernels& maps = device.maps(regions.at(step.out).buffer.element);
    function_ =
        step.forward.kind == PoolStep::Kind::maximum ? maps.maximumPoolBackward : maps.averagePoolBackward;
  }
  void run(const StepContext&) override {
    runMap(device_, function_, arguments_, poolItems(arguments_.forward.domain));
  }

 private:
  Device& device_;
  PoolBackwardArguments arguments_;
  void (*function_)(const PoolBackwardArguments&, const Share&);
};

}  // namespace

std::unique_ptr<Kernel> makeKernel(const PoolStep& step, const Regions& regions, Device& device) {
  return std::make_unique<Pool>(step, regions, device);
}

std::unique_ptr<Kernel> makeKernel(const PoolBackwardStep& step, const Regions& regions, Device& device) {
  return std::make_unique<PoolBackward>(step, regions, device);
}

}  // namespace thaw::cpu
