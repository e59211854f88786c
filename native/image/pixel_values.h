#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace thaw {

/** Weights of red, green and blue in luma, ITU-R BT.601. */
inline constexpr std::array<float, 3> lumaWeights = {0.299f, 0.587f, 0.114f};

/** A value for each of the 256 pixel values. */
using PixelTable = std::array<float, 256>;

/** 0, 1, …, 255. */
inline constexpr PixelTable plainPixels = [] {
  PixelTable table = {};
  for (std::size_t pixel = 0; pixel < table.size(); pixel++) table[pixel] = static_cast<float>(pixel);
  return table;
}();

/**
 * Pixel values after contrast, then brightness, in 0 … 255: p ← clamp(mean + (p − mean) · contrast), p ←
 * clamp(p · brightness). The formulas of torchvision's adjust_contrast and adjust_brightness, without
 * rounding.
 */
PixelTable adjustedPixels(double brightness, double contrast, double mean);

/** Mean luma of an image of interleaved pixels, RGB where channels = 3. */
double meanLuma(std::span<const std::uint8_t> pixels, std::size_t channels);

/** A pixel being resampled is one float (grey) or four, a SIMD register, of which three are used. */
inline constexpr std::size_t greyLanes = 1, colourLanes = 4;

/** What the lanes of a stored image's pixels are. */
struct Lanes {
  std::size_t channels;  ///< of the image: 1 or 3
  bool luma;             ///< three channels become one lane
  bool reversed;         ///< lanes are blue, green, red

  std::size_t count() const { return channels == 3 && !luma ? colourLanes : greyLanes; }
};

/** Interleaved pixels → out [pixels, lanes] through `table`; a fourth lane is 0. */
void spreadPixels(std::span<const std::uint8_t> pixels, const PixelTable& table, const Lanes& lanes,
                  float* out);

}  // namespace thaw
