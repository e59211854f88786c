#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/head_kernels.h"

// The kernels of the head bank (head_*.h) are written once over the struct `Simd`, which the including file
// has defined by including one simd_*.h. Everything has internal linkage, and nothing of the standard library
// that has a body is used: these files are compiled once for every instruction set, and the linker must not
// mix them.

/** Loops over registers must be unrolled before the compiler decides what lives in registers. */
#define THAW_UNROLL _Pragma("GCC unroll 32")

namespace thaw::cpu {
namespace {

using Float = Simd::Float;

/** Vectors in a panel; outputs of a forward tile of `rowMultiple` rows; panels and outputs of a backward
 * tile. */
constexpr int subs = static_cast<int>(panelWidth) / Simd::width;
constexpr int forwardOutputs = Simd::accumulators / static_cast<int>(rowMultiple);
constexpr int backwardPanels = subs == 1 ? 2 : 1;
constexpr int backwardOutputs = Simd::accumulators / (backwardPanels * subs);

constexpr std::size_t roundUp(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/** Outputs of tile `tile` when `all` are dealt evenly to as few tiles as possible. */
inline int tileOutputs(std::size_t all, std::size_t most, std::size_t tile) {
  const std::size_t tiles = (all + most - 1) / most;
  return static_cast<int>(all / tiles + (tile < all % tiles ? 1 : 0));
}

}  // namespace
}  // namespace thaw::cpu
