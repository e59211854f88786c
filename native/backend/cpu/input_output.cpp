#include "backend/cpu/convolution.h"
#include "backend/cpu/kernels.h"

namespace thaw::cpu {
namespace {

/** [N, C, H, W] on the host → map, zeros in its padding. */
class Input : public Kernel {
 public:
  Input(const InputStep& step, const Regions& regions, Device& device)
      : device_(device), out_(regions.at(step.out)), plain_(isPlainInput(out_.buffer, step.out, device)) {}

  void run(const StepContext& context) override {
    const std::size_t channels = out_.place.channels, pixels = out_.buffer.pixels();
    const bool first = plain_ && device_.order == Order::blocked;
    parallel(device_.threads, out_.images * channels, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t plane = begin; plane < end; plane++) {
        const std::size_t image = plane / channels, channel = plane % channels;
        const float* from = context.images + plane * pixels;
        if (first)
          copy(from, plane * pixels, 1, pixels);
        else if (plain_)
          copy(from, image * channels * pixels + channel, channels, pixels);
        else
          copy(from, out_.offset(image, out_.place.at(channel), 0), out_.map().pixelStride, pixels);
      }
    });
    if (!plain_) clearPadding(out_);
  }

 private:
  void copy(const float* from, std::size_t offset, std::size_t stride, std::size_t pixels) const {
    if (out_.elementBytes == 4) {
      float* to = reinterpret_cast<float*>(out_.data) + offset;
      for (std::size_t pixel = 0; pixel < pixels; pixel++) to[pixel * stride] = from[pixel];
      return;
    }
    for (std::size_t pixel = 0; pixel < pixels; pixel++) writeElement(device_, out_, offset + pixel * stride, from[pixel]);
  }

  Device& device_;
  Region out_;
  bool plain_;
};

class Output : public Kernel {
 public:
  Output(const OutputStep& step, const Regions& regions, Device& device) : device_(device), in_(regions.at(step.in)) {}

  void run(const StepContext& context) override {
    const std::size_t outputs = in_.place.channels;
    for (std::size_t image = 0; image < in_.images; image++)
      for (std::size_t output = 0; output < outputs; output++)
        context.logits[image * outputs + output] =
            readElement(device_, in_, in_.offset(image, in_.place.at(output), 0));
  }

 private:
  Device& device_;
  Region in_;
};

class OutputBackward : public Kernel {
 public:
  OutputBackward(const OutputBackwardStep& step, const Regions& regions, Device& device)
      : device_(device), out_(regions.at(step.out)) {}

  void run(const StepContext& context) override {
    const std::size_t outputs = out_.place.channels;
    for (std::size_t image = 0; image < out_.images; image++)
      for (std::size_t output = 0; output < outputs; output++)
        writeElement(device_, out_, out_.offset(image, out_.place.at(output), 0),
                     context.gradients[image * outputs + output]);
    clearPadding(out_);
  }

 private:
  Device& device_;
  Region out_;
};

}  // namespace

std::unique_ptr<Kernel> makeKernel(const InputStep& step, const Regions& regions, Device& device) {
  return std::make_unique<Input>(step, regions, device);
}
std::unique_ptr<Kernel> makeKernel(const OutputStep& step, const Regions& regions, Device& device) {
  return std::make_unique<Output>(step, regions, device);
}
std::unique_ptr<Kernel> makeKernel(const OutputBackwardStep& step, const Regions& regions, Device& device) {
  return std::make_unique<OutputBackward>(step, regions, device);
}

}  // namespace thaw::cpu
