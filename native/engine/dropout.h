#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "engine/head_kernels.h"
#include "engine/random.h"

// Which elements are kept, for every backend, in networks and head banks (whose kernels draw the same masks
// with vectors, backend/cpu/head_dropout.h). An element is feature f = c · H · W + pixel of image b of the
// batch. Its uniform has 16 bits; bit k is the bit 16 · (b mod 2) + f mod 16 of word (b mod 8) / 2 of the
// Philox block with
//   counter (⌊f / 16⌋, ⌊b / 8⌋, step, 16 · layer + k), key (seed, dropoutStream);
// the element is kept when the uniform is at least round(65536 · rate). `layer` counts the nodes between the
// dropout and the last one: before the classifier it is 0, as in a head bank, and a network that begins
// behind a cut drops the same elements as the whole one. The mask is the same on every backend, whatever the
// order in memory and the padding, and however a batch is split over threads.
namespace thaw {

/** Of a uniform in [0, 65536), for a rate in [0, 1): at most 65535, so that something survives. */
inline std::uint32_t dropThreshold(double rate) {
  return static_cast<std::uint32_t>(std::min(std::round(rate * 65536), 65535.0));
}

/** 1 / (1 − rate), with the rate that the threshold really has. */
inline double survivorScale(std::uint32_t threshold) {
  return 65536.0 / (65536.0 - threshold);
}

/** Of whose elements a mask is. */
struct DropoutKey {
  std::uint32_t seed;
  std::uint32_t step;
  std::uint32_t layer;
};

constexpr bool isKept(const DropoutKey& key, std::size_t image, std::size_t feature,
                      std::uint32_t threshold) {
  std::uint32_t uniform = 0;
  for (std::uint32_t bit = 0; bit < 16; bit++) {
    const PhiloxBlock block = philox({static_cast<std::uint32_t>(feature / 16),
                                      static_cast<std::uint32_t>(image / 8), key.step, 16 * key.layer + bit},
                                     key.seed, dropoutStream);
    uniform |= (block[image % 8 / 2] >> (16 * (image % 2) + feature % 16) & 1u) << bit;
  }
  return uniform >= threshold;
}

/** Of images 8 · group …, one word for two of them; bit 16 · (image mod 2) + i is feature 16 · panel + i. */
using KeptBits = std::array<std::uint32_t, 4>;

/**
 * `isKept` of 8 images × 16 features. Comparing uniform ≥ threshold from the lowest bit up is `and` where the
 * threshold has a 1 and `or` where it has a 0, so bits below the threshold's lowest 1 are never drawn: a rate
 * of 1/2 takes one.
 */
constexpr KeptBits keptBits(const DropoutKey& key, std::uint32_t group, std::uint32_t panel,
                            std::uint32_t threshold) {
  KeptBits kept = {0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu};
  if (threshold == 0) return kept;
  std::uint32_t lowest = 0;
  while ((threshold >> lowest & 1u) == 0) lowest++;
  for (std::uint32_t bit = lowest; bit < 16; bit++) {
    const PhiloxBlock block = philox({panel, group, key.step, 16 * key.layer + bit}, key.seed, dropoutStream);
    const bool one = (threshold >> bit & 1u) != 0;
    for (std::size_t word = 0; word < 4; word++)
      kept[word] = one ? kept[word] & block[word] : kept[word] | block[word];
  }
  return kept;
}

}  // namespace thaw
