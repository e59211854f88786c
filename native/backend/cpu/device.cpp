#include "backend/cpu/device.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace thaw::cpu {

void parallel(std::size_t threads, std::size_t count,
              const std::function<void(std::size_t, std::size_t, std::size_t)>& body) {
  const auto part = [&](std::size_t thread) {
    const std::size_t begin = count * thread / threads, end = count * (thread + 1) / threads;
    if (begin < end) body(begin, end, thread);
  };
#if defined(_OPENMP)
  // Parts are bound to numbers, not to threads: the sums are the same even where the system gives fewer
  // threads.
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(threads))
#endif
  for (std::size_t thread = 0; thread < threads; thread++) part(thread);
}

Map Region::map() const {
  const std::size_t pixels = buffer.pixels();
  std::uint8_t* start = data + offset(0, 0, 0) * elementBytes;
  if (order == Order::blocked) return {start, buffer.channels * pixels, pixels * lanes, lanes};
  return {start, buffer.channels * pixels, lanes, buffer.channels};
}

std::size_t Region::offset(std::size_t image, std::size_t channel, std::size_t pixel) const {
  const std::size_t pixels = buffer.pixels(), physical = place.view.first + channel;
  const std::size_t start = image * buffer.channels * pixels;
  if (order == Order::channelsLast) return start + pixel * buffer.channels + physical;
  return start + (physical / lanes * pixels + pixel) * lanes + physical % lanes;
}

Regions::Regions(const ProgramMemory& memory, const Device& device) : memory_(memory), device_(device) {
  vectors_ = reinterpret_cast<float*>(static_cast<Memory&>(memory.vectors).data());
  std::size_t offset = 0;
  for (const std::size_t length : memory.program.vectors) {
    vectorOffsets_.push_back(offset);
    offset += length;
  }
}

Region Regions::at(const Place& place) const {
  const Buffer& buffer = memory_.program.buffers[place.view.buffer];
  std::uint8_t* data = static_cast<Memory&>(memory_.arena).data() + memory_.plan.offsets[place.view.buffer];
  return {place, buffer, memory_.program.batch, data, device_.order, device_.bytesOf(buffer.element)};
}

float readElement(const Device& device, const Region& region, std::size_t offset) {
  if (device.bytesOf(region.buffer.element) == 4) return reinterpret_cast<const float*>(region.data)[offset];
  const std::uint32_t bits = reinterpret_cast<const std::uint16_t*>(region.data)[offset];
  return std::bit_cast<float>(bits << 16);
}

void writeElement(const Device& device, const Region& region, std::size_t offset, float value) {
  if (device.bytesOf(region.buffer.element) == 4) {
    reinterpret_cast<float*>(region.data)[offset] = value;
    return;
  }
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = value == value ? bits + 0x7fff + (bits >> 16 & 1) : bits;
  reinterpret_cast<std::uint16_t*>(region.data)[offset] = static_cast<std::uint16_t>(rounded >> 16);
}

void clearPadding(const Region& region) {
  if (!region.hasPadding()) return;
  std::vector<bool> real(region.place.view.channels, false);
  for (std::size_t channel = 0; channel < region.place.channels; channel++)
    real[region.place.at(channel)] = true;
  for (std::size_t image = 0; image < region.images; image++)
    for (std::size_t channel = 0; channel < real.size(); channel++)
      for (std::size_t pixel = 0; !real[channel] && pixel < region.buffer.pixels(); pixel++)
        std::memset(region.data + region.offset(image, channel, pixel) * region.elementBytes, 0,
                    region.elementBytes);
}

}  // namespace thaw::cpu
