#include <algorithm>
#include <cmath>

#include "backend/cpu/kernels.h"
#include "engine/dropout.h"

namespace thaw::cpu {
namespace {

/** One of the vectorised elementwise kernels. */
class MapKernel : public Kernel {
 public:
  using Function = void (*)(const ElementwiseArguments&, const Share&);

  MapKernel(Device& device, Function function, const ElementwiseArguments& arguments,
            std::optional<Region> padded = {})
      : device_(device), function_(function), arguments_(arguments), padded_(std::move(padded)) {}

  void run(const StepContext&) override {
    runMap(device_, function_, arguments_, arguments_.domain.items());
    if (padded_) clearPadding(*padded_);
  }

 private:
  Device& device_;
  Function function_;
  ElementwiseArguments arguments_;
  std::optional<Region> padded_;  ///< where the function moves 0
};

/** Copies between tensors whose channels lie at different places, one by one. */
class MovedCopy : public Kernel {
 public:
  MovedCopy(const CopyStep& step, const Regions& regions, Device& device)
      : device_(device),
        from_(regions.at(step.from)),
        to_(regions.at(step.to)),
        accumulate_(step.accumulate) {}

  void run(const StepContext&) override {
    for (std::size_t image = 0; image < from_.images; image++)
      for (std::size_t channel = 0; channel < from_.place.channels; channel++)
        for (std::size_t pixel = 0; pixel < from_.buffer.pixels(); pixel++) {
          const std::size_t source = from_.offset(image, from_.place.at(channel), pixel);
          const std::size_t target = to_.offset(image, to_.place.at(channel), pixel);
          const float value = readElement(device_, from_, source);
          writeElement(device_, to_, target, accumulate_ ? value + readElement(device_, to_, target) : value);
        }
    clearPadding(to_);
  }

 private:
  Device& device_;
  Region from_;
  Region to_;
  bool accumulate_;
};

class DropoutKernel : public Kernel {
 public:
  DropoutKernel(const DropoutStep& step, const Regions& regions, Device& device)
      : step_(step),
        device_(device),
        in_(regions.at(step.in)),
        out_(regions.at(step.out)),
        threshold_(dropThreshold(step.rate)),
        scale_(static_cast<float>(survivorScale(threshold_))) {}

  void run(const StepContext& context) override {
    const std::size_t features = in_.place.channels * in_.buffer.pixels();
    const DropoutKey key = {context.seed, context.step, step_.layer};
    parallel(device_.threads, (in_.images + 7) / 8, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t group = begin; group < end; group++)
        for (std::size_t first = 0; first < features; first += 16) {
          const KeptBits kept = keptBits(key, static_cast<std::uint32_t>(group),
                                         static_cast<std::uint32_t>(first / 16), threshold_);
          for (std::size_t image = 8 * group; image < std::min(8 * group + 8, in_.images); image++) {
            const std::uint32_t bits = kept[image % 8 / 2] >> (16 * (image % 2));
            for (std::size_t lane = 0; lane < std::min<std::size_t>(16, features - first); lane++)
              pass(image, first + lane, (bits >> lane & 1u) != 0);
          }
        }
    });
    clearPadding(out_);
  }

 private:
  void pass(std::size_t image, std::size_t feature, bool kept) const {
    const std::size_t channel = feature / in_.buffer.pixels(), pixel = feature % in_.buffer.pixels();
    const std::size_t target = out_.offset(image, out_.place.at(channel), pixel);
    float value =
        kept ? scale_ * readElement(device_, in_, in_.offset(image, in_.place.at(channel), pixel)) : 0.0f;
    if (step_.accumulate) value += readElement(device_, out_, target);
    writeElement(device_, out_, target, value);
  }

  DropoutStep step_;
  Device& device_;
  Region in_;
  Region out_;
  std::uint32_t threshold_;
  float scale_;
};

class FlattenKernel : public Kernel {
 public:
  FlattenKernel(const FlattenStep& step, const Regions& regions, Device& device)
      : step_(step), device_(device), in_(regions.at(step.in)), out_(regions.at(step.out)) {}

  void run(const StepContext&) override {
    const Region& map = step_.backward ? out_ : in_;
    const Region& vector = step_.backward ? in_ : out_;
    const std::size_t pixels = map.buffer.pixels();
    parallel(device_.threads, map.images, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t image = begin; image < end; image++)
        for (std::size_t channel = 0; channel < map.place.channels; channel++)
          for (std::size_t pixel = 0; pixel < pixels; pixel++) {
            const std::size_t onMap = map.offset(image, map.place.at(channel), pixel);
            const std::size_t inVector = vector.offset(image, vector.place.at(channel * pixels + pixel), 0);
            if (!step_.backward) {
              writeElement(device_, vector, inVector, readElement(device_, map, onMap));
              continue;
            }
            float value = readElement(device_, vector, inVector);
            if (step_.accumulate) value += readElement(device_, map, onMap);
            writeElement(device_, map, onMap, value);
          }
    });
    clearPadding(out_);
  }

 private:
  FlattenStep step_;
  Device& device_;
  Region in_;
  Region out_;
};

bool haveSamePlaces(const Place& a, const Place& b) {
  if (a.view.channels != b.view.channels) return false;
  for (std::size_t channel = 0; channel < a.channels; channel++)
    if (a.at(channel) != b.at(channel)) return false;
  return true;
}

}  // namespace

std::unique_ptr<Kernel> makeKernel(const ActivationStep& step, const Regions& regions, Device& device) {
  const Region in = regions.at(step.in), out = regions.at(step.out);
  const bool sigmoid = step.activation.kind == Activation::Kind::sigmoid;
  const ElementwiseArguments arguments = {in.domain(), sigmoid ? Elementwise::sigmoid : Elementwise::activate,
                                          in.map(),    noMap,
                                          out.map(),   rangeOf(step.activation),
                                          false};
  const bool clears = movesZero(step.activation) && out.hasPadding();
  return std::make_unique<MapKernel>(device, device.maps(in.buffer.element).elementwise, arguments,
                                     clears ? std::optional(out) : std::nullopt);
}

std::unique_ptr<Kernel> makeKernel(const ActivationBackwardStep& step, const Regions& regions,
                                   Device& device) {
  const Region y = regions.at(step.y), out = regions.at(step.out);
  const Map gradient = regions.at(step.gradient).map();
  ElementwiseArguments arguments = {out.domain(), Elementwise::gradient,    y.map(),        gradient,
                                    out.map(),    rangeOf(step.activation), step.accumulate};
  if (step.activation.kind == Activation::Kind::sigmoid) {
    arguments.kind = Elementwise::sigmoidGradient;
  } else if (step.activation.kind == Activation::Kind::none) {
    arguments.kind = Elementwise::copy;
    arguments.a = gradient;
  }
  return std::make_unique<MapKernel>(device, device.maps(out.buffer.element).elementwise, arguments);
}

std::unique_ptr<Kernel> makeKernel(const AddStep& step, const Regions& regions, Device& device) {
  const Region out = regions.at(step.out);
  if (step.activation.kind == Activation::Kind::sigmoid) {
    // Rare: in two passes.
    class Both : public Kernel {
     public:
      Both(std::unique_ptr<Kernel> first, std::unique_ptr<Kernel> second)
          : first_(std::move(first)), second_(std::move(second)) {}
      void run(const StepContext& context) override {
        first_->run(context);
        second_->run(context);
      }

     private:
      std::unique_ptr<Kernel> first_;
      std::unique_ptr<Kernel> second_;
    };
    return std::make_unique<Both>(
        makeKernel(AddStep{step.a, step.b, step.out, {}}, regions, device),
        makeKernel(ActivationStep{step.out, step.out, step.activation}, regions, device));
  }
  const ElementwiseArguments arguments = {out.domain(),
                                          Elementwise::add,
                                          regions.at(step.a).map(),
                                          regions.at(step.b).map(),
                                          out.map(),
                                          rangeOf(step.activation),
                                          false};
  const bool clears = movesZero(step.activation) && out.hasPadding();
  return std::make_unique<MapKernel>(device, device.maps(out.buffer.element).elementwise, arguments,
                                     clears ? std::optional(out) : std::nullopt);
}

std::unique_ptr<Kernel> makeKernel(const CopyStep& step, const Regions& regions, Device& device) {
  if (!haveSamePlaces(step.from, step.to)) return std::make_unique<MovedCopy>(step, regions, device);
  const Region from = regions.at(step.from), to = regions.at(step.to);
  const ElementwiseArguments arguments = {to.domain(), Elementwise::copy, from.map(), noMap, to.map(),
                                          {},          step.accumulate};
  const Element source = from.buffer.element, target = to.buffer.element;
  const MapKernels& maps = device.maps();
  if (source == target)
    return std::make_unique<MapKernel>(device, device.maps(source).elementwise, arguments);
  return std::make_unique<MapKernel>(device, source == Element::float32 ? maps.fromFloat : maps.toFloat,
                                     arguments);
}

std::unique_ptr<Kernel> makeKernel(const FillStep& step, const Regions& regions, Device& device) {
  const Region out = regions.at(step.out);
  const ElementwiseArguments arguments = {out.domain(), Elementwise::fill, noMap, noMap, out.map(), {},
                                          false};
  return std::make_unique<MapKernel>(device, device.maps(out.buffer.element).elementwise, arguments);
}

std::unique_ptr<Kernel> makeKernel(const DropoutStep& step, const Regions& regions, Device& device) {
  return std::make_unique<DropoutKernel>(step, regions, device);
}

std::unique_ptr<Kernel> makeKernel(const FlattenStep& step, const Regions& regions, Device& device) {
  return std::make_unique<FlattenKernel>(step, regions, device);
}

}  // namespace thaw::cpu
