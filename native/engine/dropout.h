#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/head_kernels.h"
#include "engine/random.h"

// Which elements a DropoutStep keeps, for every backend. Each element of a batch has a 16-bit uniform of its
// own, two to a word, from Philox with
//   counter (low 32 bits of element / 8, step, node, high 32 bits of element / 8), key (seed, dropoutStream);
// it is kept when that is at least round(65536 · rate). `element` is its index in the logical [N, C, H, W],
// whatever the order in memory and the padding: the mask is the same on every backend and however a batch is
// split.
namespace thaw {

/** Of a uniform in [0, 65536), for a rate in [0, 1): at most 65535, so that something survives. */
inline std::uint32_t dropThreshold(double rate) {
  return static_cast<std::uint32_t>(std::min(std::round(rate * 65536), 65535.0));
}

/** 1 / (1 − rate), with the rate that the threshold really has. */
inline double survivorScale(std::uint32_t threshold) {
  return 65536.0 / (65536.0 - threshold);
}

/** The uniforms of elements 8 · group … 8 · group + 7: element 2 i in the low half of word i, 2 i + 1 in the
 * high one. */
constexpr PhiloxBlock dropoutUniforms(std::uint32_t seed, std::uint32_t step, std::uint32_t node,
                                      std::uint64_t group) {
  return philox({static_cast<std::uint32_t>(group), step, node, static_cast<std::uint32_t>(group >> 32)},
                seed, dropoutStream);
}

constexpr bool isKept(std::uint32_t seed, std::uint32_t step, std::uint32_t node, std::uint64_t element,
                      std::uint32_t threshold) {
  const std::uint32_t word = dropoutUniforms(seed, step, node, element / 8)[element % 8 / 2];
  return (word >> (16 * (element % 2)) & 0xffffu) >= threshold;
}

}  // namespace thaw
