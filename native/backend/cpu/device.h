#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "backend/cpu/map_kernels.h"
#include "backend/cpu/onednn.h"
#include "engine/aligned_buffer.h"
#include "engine/backend.h"

namespace thaw::cpu {

/** How maps lie in memory. */
enum class Order {
  blocked,       ///< [N, C / 16, H, W, 16]
  channelsLast,  ///< [N, H, W, C]
};

class Memory : public DeviceMemory {
 public:
  explicit Memory(std::size_t bytes) : data_(bytes) {}
  std::size_t bytes() const override { return data_.size(); }
  std::uint8_t* data() { return data_.data(); }

 private:
  AlignedBuffer<std::uint8_t> data_;
};

/** Room that kernels share, one at a time: as much as the most demanding of them wants. */
class Scratch {
 public:
  void want(std::size_t bytes) { wanted_ = bytes > wanted_ ? bytes : wanted_; }
  std::uint8_t* data() {
    if (wanted_ > data_.size()) data_ = AlignedBuffer<std::uint8_t>(wanted_);
    return data_.data();
  }
  std::size_t bytes() const { return data_.size(); }

 private:
  std::size_t wanted_ = 0;
  AlignedBuffer<std::uint8_t> data_;
};

/** What all kernels of a backend use. */
struct Device {
  dnnl::engine engine;
  dnnl::stream stream;
  const CpuKernels& kernels;
  Precision precision;
  Order order;
  bool winograd;
  std::size_t threads;
  Scratch primitives;  ///< of oneDNN
  Scratch sums;        ///< of `runMap`
  Scratch converted;   ///< of one kernel's run

  Type activationType() const { return precision == Precision::bf16 ? Type::bf16 : Type::f32; }
  const MapKernels& maps(Element element = Element::activation) const {
    return precision == Precision::bf16 && element == Element::activation ? kernels.bfloat16
                                                                          : kernels.float32;
  }
  std::size_t bytesOf(Element element) const {
    if (element == Element::byte) return 1;
    return precision == Precision::bf16 && element == Element::activation ? 2 : 4;
  }
};

/** Runs body(begin, end, thread) on equal parts of [0, count), the same ones every time. */
void parallel(std::size_t threads, std::size_t count,
              const std::function<void(std::size_t begin, std::size_t end, std::size_t thread)>& body);

/** Runs a map kernel over all items. */
template <typename Arguments>
void runMap(Device& device, void (*kernel)(const Arguments&, const Share&), const Arguments& arguments,
            std::size_t items) {
  parallel(device.threads, items, [&](std::size_t begin, std::size_t end, std::size_t) {
    kernel(arguments, {begin, end, nullptr, nullptr});
  });
}

/** The same with two sums for each channel; returns their totals [2, channels], valid until the next call. */
template <typename Arguments>
const double* sumMap(Device& device, void (*kernel)(const Arguments&, const Share&),
                     const Arguments& arguments, const Domain& domain) {
  const std::size_t values = 2 * domain.groups * lanes;
  auto* sums = reinterpret_cast<double*>(device.sums.data());
  auto* partial = reinterpret_cast<float*>(sums + device.threads * values);
  std::fill_n(sums, device.threads * values, 0.0);
  parallel(device.threads, domain.items(), [&](std::size_t begin, std::size_t end, std::size_t thread) {
    kernel(arguments, {begin, end, sums + thread * values, partial + thread * values});
  });
  for (std::size_t thread = 1; thread < device.threads; thread++)
    for (std::size_t value = 0; value < values; value++) sums[value] += sums[thread * values + value];
  return sums;
}

/** To be called for what `sumMap` will be used on. */
inline void wantSums(Device& device, std::size_t channels) {
  device.sums.want(device.threads * 2 * channels * (sizeof(double) + sizeof(float)));
}

/** A place of a program in memory. */
struct Region {
  Place place;
  Buffer buffer;
  std::size_t images;
  std::uint8_t* data;  ///< of the buffer
  Order order;
  std::size_t elementBytes;

  Domain domain() const {
    return {images, place.view.channels / lanes, buffer.height, buffer.width, order == Order::blocked};
  }
  Map map() const;
  /** Offset, in elements, of the buffer's element (image, channel of the place's view, pixel). */
  std::size_t offset(std::size_t image, std::size_t channel, std::size_t pixel) const;
  bool hasPadding() const { return place.channels != place.view.channels; }
};

/** Programs' places as memory. */
class Regions {
 public:
  Regions(const ProgramMemory& memory, const Device& device);

  Region at(const Place& place) const;
  std::optional<Region> at(const std::optional<Place>& place) const {
    return place ? std::optional(at(*place)) : std::nullopt;
  }
  float* vector(VectorId id) const { return vectors_ + vectorOffsets_[id]; }
  std::size_t length(VectorId id) const { return memory_.program.vectors[id]; }
  std::size_t images() const { return memory_.program.batch; }

 private:
  const ProgramMemory& memory_;
  const Device& device_;
  float* vectors_;
  std::vector<std::size_t> vectorOffsets_;
};

/** Zeroes the channels of a region that its tensor does not have. */
void clearPadding(const Region& region);

/** Numbers by element, for work that is too rare to be vectorised. */
float readElement(const Device& device, const Region& region, std::size_t offset);
void writeElement(const Device& device, const Region& region, std::size_t offset, float value);

inline ActivationRange rangeOf(const Activation& activation) {
  if (activation.kind == Activation::Kind::relu) return {true, 0, INFINITY};
  if (activation.kind == Activation::Kind::clip) return {true, activation.minimum, activation.maximum};
  return {false, 0, 0};
}

/** Does the activation move 0, so that padding has to be cleared behind it? */
inline bool movesZero(const Activation& activation) {
  return activation.kind == Activation::Kind::sigmoid ||
         (activation.kind == Activation::Kind::clip && (activation.minimum > 0 || activation.maximum < 0));
}

}  // namespace thaw::cpu
