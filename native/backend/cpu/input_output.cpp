#include <algorithm>

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
    const std::size_t pixels = out_.buffer.pixels(), runs = (pixels + Domain::run - 1) / Domain::run;
    if (plain_) {
      const std::size_t planes = out_.images * out_.place.channels;
      parallel(device_.threads, planes, [&](std::size_t begin, std::size_t end, std::size_t) {
        copyPlain(context.images + begin * pixels, begin * pixels, (end - begin) * pixels);
      });
      return;
    }
    parallel(device_.threads, out_.images * runs, [&](std::size_t begin, std::size_t end, std::size_t) {
      // Some pixels with all their channels, padding zero, then in one go to their place and type.
      AlignedBuffer<float> staged(Domain::run * out_.place.view.channels);
      for (std::size_t item = begin; item < end; item++) {
        const std::size_t image = item / runs, first = item % runs * Domain::run;
        stage(context.images + image * out_.place.channels * pixels, first,
              std::min(Domain::run, pixels - first), staged);
        store(image, first, std::min(Domain::run, pixels - first), staged);
      }
    });
  }

 private:
  void copyPlain(const float* from, std::size_t offset, std::size_t count) const {
    if (out_.elementBytes == 4) {
      std::copy_n(from, count, reinterpret_cast<float*>(out_.data) + offset);
      return;
    }
    for (std::size_t index = 0; index < count; index++)
      writeElement(device_, out_, offset + index, from[index]);
  }

  /** staged [groups, run, 16] */
  void stage(const float* image, std::size_t first, std::size_t count, AlignedBuffer<float>& staged) const {
    for (std::size_t channel = 0; channel < out_.place.channels; channel++) {
      const std::size_t physical = out_.place.at(channel);
      float* to = staged.data() + physical / lanes * Domain::run * lanes + physical % lanes;
      const float* from = image + channel * out_.buffer.pixels() + first;
      for (std::size_t pixel = 0; pixel < count; pixel++) to[pixel * lanes] = from[pixel];
    }
  }

  void store(std::size_t image, std::size_t first, std::size_t count, AlignedBuffer<float>& staged) const {
    ElementwiseArguments arguments = {};
    arguments.domain = {1, out_.place.view.channels / lanes, 1, count, true};
    arguments.kind = Elementwise::copy;
    arguments.a = {staged.data(), 0, Domain::run * lanes, lanes};
    arguments.out = out_.map();
    arguments.out.data = out_.data + out_.offset(image, 0, first) * out_.elementBytes;
    const Share all = {0, arguments.domain.items(), nullptr, nullptr};
    if (out_.elementBytes == 4)
      device_.maps(Element::float32).elementwise(arguments, all);
    else
      device_.maps().fromFloat(arguments, all);
  }

  Device& device_;
  Region out_;
  bool plain_;
};

/** Map → [N, C, H, W] on the host. */
class Output : public Kernel {
 public:
  Output(const OutputStep& step, const Regions& regions, Device& device)
      : device_(device), in_(regions.at(step.in)) {}

  void run(const StepContext& context) override {
    const std::size_t pixels = in_.buffer.pixels(), runs = (pixels + Domain::run - 1) / Domain::run;
    parallel(device_.threads, in_.images * runs, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t item = begin; item < end; item++) {
        const std::size_t image = item / runs, first = item % runs * Domain::run;
        write(context.logits + image * in_.place.channels * pixels, image, first,
              std::min(Domain::run, pixels - first));
      }
    });
  }

 private:
  /** All channels of some pixels: what lies together in memory is read together. */
  void write(float* to, std::size_t image, std::size_t first, std::size_t count) const {
    const std::size_t step = in_.offset(image, 0, 1) - in_.offset(image, 0, 0);
    for (std::size_t channel = 0; channel < in_.place.channels; channel++) {
      std::size_t offset = in_.offset(image, in_.place.at(channel), first);
      float* plane = to + channel * in_.buffer.pixels() + first;
      if (in_.elementBytes == 4) {
        const float* from = reinterpret_cast<const float*>(in_.data) + offset;
        for (std::size_t pixel = 0; pixel < count; pixel++) plane[pixel] = from[pixel * step];
      } else {
        for (std::size_t pixel = 0; pixel < count; pixel++, offset += step)
          plane[pixel] = readElement(device_, in_, offset);
      }
    }
  }

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
