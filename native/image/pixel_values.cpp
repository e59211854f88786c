#include "image/pixel_values.h"

#include <algorithm>

namespace thaw {

PixelTable adjustedPixels(double brightness, double contrast, double mean) {
  PixelTable table;
  for (std::size_t pixel = 0; pixel < 256; pixel++) {
    const double value = std::clamp(mean + (static_cast<double>(pixel) - mean) * contrast, 0.0, 255.0);
    table[pixel] = static_cast<float>(std::clamp(value * brightness, 0.0, 255.0));
  }
  return table;
}

double meanLuma(std::span<const std::uint8_t> pixels, std::size_t channels) {
  // Sums of 48 neighbours (a multiple of 1 and of 3 channels) side by side, in 16 bits for up to 257 rounds.
  constexpr std::size_t width = 48, rounds = 257;
  std::array<std::uint64_t, 3> sums = {};
  std::size_t i = 0;
  while (i + width <= pixels.size()) {
    std::array<std::uint16_t, width> partial = {};
    for (std::size_t round = 0; round < rounds && i + width <= pixels.size(); round++, i += width)
      for (std::size_t k = 0; k < width; k++)
        partial[k] = static_cast<std::uint16_t>(partial[k] + pixels[i + k]);
    for (std::size_t k = 0; k < width; k++) sums[k % channels] += partial[k];
  }
  for (std::size_t k = 0; i < pixels.size(); i++, k++) sums[k % channels] += pixels[i];
  const double count = static_cast<double>(pixels.size() / channels);
  if (channels == 1) return static_cast<double>(sums[0]) / count;
  double luma = 0;
  for (std::size_t channel = 0; channel < 3; channel++)
    luma += static_cast<double>(lumaWeights[channel]) * static_cast<double>(sums[channel]);
  return luma / count;
}

void spreadPixels(std::span<const std::uint8_t> pixels, const PixelTable& table, const Lanes& lanes,
                  float* out) {
  const std::uint8_t* from = pixels.data();
  const std::size_t count = pixels.size() / lanes.channels;
  if (lanes.channels == 1) {
    for (std::size_t i = 0; i < count; i++) out[i] = table[from[i]];
  } else if (lanes.luma) {
    for (std::size_t i = 0; i < count; i++, from += 3)
      out[i] =
          lumaWeights[0] * table[from[0]] + lumaWeights[1] * table[from[1]] + lumaWeights[2] * table[from[2]];
  } else {
    const std::size_t first = lanes.reversed ? 2 : 0, last = 2 - first;
    for (std::size_t i = 0; i < count; i++, from += 3, out += colourLanes) {
      out[0] = table[from[first]];
      out[1] = table[from[1]];
      out[2] = table[from[last]];
      out[3] = 0;
    }
  }
}

}  // namespace thaw
