#pragma once

#include "backend/cpu/head_shape.h"

namespace thaw::cpu {
namespace {

template <typename Load>
void packPanels(const PackRows& pack, std::size_t row, Load load) {
  const std::size_t whole = pack.columns / panelWidth;
  for (std::size_t panel = 0; panel < whole; panel++) {
    float* out = pack.packed + panel * pack.panelStride + row * panelWidth;
    THAW_UNROLL
    for (int sub = 0; sub < subs; sub++) {
      const std::size_t at = panel * panelWidth + sub * Simd::width;
      Float x = load(at);
      if (pack.mean != nullptr)
        x = Simd::mul(Simd::sub(x, Simd::load(pack.mean + at)), Simd::load(pack.inverseDeviation + at));
      Simd::store(out + sub * Simd::width, x);
    }
  }
}

float elementAt(const void* row, ElementType type, std::size_t column) {
  if (type == ElementType::float32) return static_cast<const float*>(row)[column];
  if (type == ElementType::uint8) return static_cast<const std::uint8_t*>(row)[column];
  std::uint16_t padded[Simd::width] = {static_cast<const std::uint16_t*>(row)[column]};
  float values[Simd::width];
  Simd::store(values, Simd::fromHalf(padded));
  return values[0];
}

/** The features behind the last whole panel, and zeros up to the padded number of panels. */
void packTail(const PackRows& pack, std::size_t row) {
  for (std::size_t at = pack.columns / panelWidth * panelWidth; at < pack.panels * panelWidth; at++) {
    float x = 0;
    if (row < pack.rows && at < pack.columns) {
      x = elementAt(pack.source[row], pack.type, at);
      if (pack.mean != nullptr) x = (x - pack.mean[at]) * pack.inverseDeviation[at];
    }
    pack.packed[at / panelWidth * pack.panelStride + row * panelWidth + at % panelWidth] = x;
  }
}

void packRows(const PackRows& pack) {
  for (std::size_t row = 0; row < pack.rows; row++) {
    const void* source = pack.source[row];
    switch (pack.type) {
      case ElementType::float32:
        packPanels(pack, row,
                   [source](std::size_t at) { return Simd::load(static_cast<const float*>(source) + at); });
        break;
      case ElementType::float16:
        packPanels(pack, row, [source](std::size_t at) {
          return Simd::fromHalf(static_cast<const std::uint16_t*>(source) + at);
        });
        break;
      case ElementType::uint8:
        packPanels(pack, row, [source](std::size_t at) {
          return Simd::fromBytes(static_cast<const std::uint8_t*>(source) + at);
        });
        break;
    }
    packTail(pack, row);
  }
  const Float zero = Simd::set(0);
  for (std::size_t row = pack.rows; row < pack.paddedRows; row++)
    for (std::size_t panel = 0; panel < pack.panels; panel++) THAW_UNROLL
  for (int sub = 0; sub < subs; sub++)
    Simd::store(pack.packed + panel * pack.panelStride + row * panelWidth + sub * Simd::width, zero);
}

}  // namespace
}  // namespace thaw::cpu
