#pragma once

#include "backend/cpu/head_update.h"
#include "backend/cpu/map_elementwise.h"
#include "backend/cpu/map_normalize.h"
#include "backend/cpu/map_pool.h"

// The table of the instruction set whose struct Simd was included before.
namespace thaw::cpu {
namespace {

template <typename T>
constexpr MapKernels mapKernels = {
    statistics<T>,          normalize<T>,      normalizeBackward<T>,   correct<T>,
    elementwise<T>,         maximumPool<T>,    maximumPoolBackward<T>, averagePool<T>,
    averagePoolBackward<T>, convert<float, T>, convert<T, float>};

/** As `updateParameters`, with scaled gradients. */
void updateScaled(const float* gradient, float* weight, float* first, float* second, std::size_t count,
                  const UpdateConstants& constants, float gradientScale) {
  if (gradientScale == 1) return updateParameters(gradient, weight, first, second, count, constants);
  constexpr std::size_t piece = 1024;
  float scaled[piece];
  const Float factor = Simd::set(gradientScale);
  for (std::size_t start = 0; start < count; start += piece) {
    const std::size_t size = count - start < piece ? count - start : piece;
    for (std::size_t i = 0; i < size; i += Simd::width)
      Simd::store(scaled + i, Simd::mul(Simd::load(gradient + start + i), factor));
    updateParameters(scaled, weight + start, first + start, second == nullptr ? nullptr : second + start,
                     size, constants);
  }
}

}  // namespace
}  // namespace thaw::cpu
