#pragma once

#include "backend/cpu/head_shape.h"
#include "backend/cpu/head_update.h"

namespace thaw::cpu {
namespace {

/** Gradient of `panels` panels × `outputs` outputs over all rows of the batch, then their update. */
template <bool masked, int panels, int outputs>
void backwardTile(const HeadStep& step, std::size_t panel, std::size_t firstOutput) {
  constexpr int vectors = panels * subs;
  Float sums[outputs][vectors];
  for (auto& row : sums)
    for (Float& sum : row) sum = Simd::set(0);
  const std::size_t paddedPanels = roundUp(step.batch.panels, panelWidth);
  const std::size_t stride = step.batch.panelStride;
  const float* x = step.batch.values + panel * stride;
  const float* gradient = step.gradients + firstOutput;
  for (std::size_t row = 0; row < step.batch.rows; row++) {
    Float features[vectors];
    THAW_UNROLL
    for (int vector = 0; vector < vectors; vector++) {
      const int part = vector / subs, sub = vector % subs;
      const float* at = x + part * stride + row * panelWidth + sub * Simd::width;
      if constexpr (masked) {
        const std::uint16_t bits = step.masks[(row / 8 * paddedPanels + panel + part) * 8 + row % 8];
        features[vector] = Simd::loadMasked(Simd::mask(bits, sub), at);
      } else {
        features[vector] = Simd::load(at);
      }
    }
    THAW_UNROLL
    for (int output = 0; output < outputs; output++) {
      const Float d = Simd::set(gradient[output]);
      THAW_UNROLL
      for (int vector = 0; vector < vectors; vector++)
        sums[output][vector] = Simd::fma(features[vector], d, sums[output][vector]);
    }
    gradient += step.outputs;
  }
  alignas(64) float flat[panels * outputs * panelWidth];
  THAW_UNROLL
  for (int output = 0; output < outputs; output++) THAW_UNROLL
  for (int vector = 0; vector < vectors; vector++)
    Simd::store(flat + (vector / subs * outputs + output) * panelWidth + vector % subs * Simd::width,
                sums[output][vector]);
  THAW_UNROLL
  for (int part = 0; part < panels; part++) {
    const std::size_t at = ((panel + part) * step.outputs + firstOutput) * panelWidth;
    updateParameters(flat + part * outputs * panelWidth, step.head.weight + at, step.head.weightFirst + at,
                     step.head.weightSecond == nullptr ? nullptr : step.head.weightSecond + at,
                     outputs * panelWidth, step.update);
  }
}

/** As many panels at once as the accumulators hold. */
template <bool masked, int outputs>
void backwardPanelsOf(const HeadStep& step, std::size_t panel, std::size_t firstOutput) {
  if constexpr (subs == 1 && 4 * outputs <= Simd::accumulators) {
    backwardTile<masked, 4, outputs>(step, panel, firstOutput);
  } else {
    for (std::size_t part = 0; part < panelMultiple; part += backwardPanels)
      backwardTile<masked, backwardPanels, outputs>(step, panel + part, firstOutput);
  }
}

template <bool masked, int outputs>
void backwardOutputsOf(int count, const HeadStep& step, std::size_t panel, std::size_t firstOutput) {
  if (count == outputs) return backwardPanelsOf<masked, outputs>(step, panel, firstOutput);
  if constexpr (outputs > 1) backwardOutputsOf<masked, outputs - 1>(count, step, panel, firstOutput);
}

template <bool masked>
void backwardAndUpdate(const HeadStep& step) {
  for (std::size_t panel = 0; panel < step.batch.panels; panel += panelMultiple) {
    for (std::size_t first = 0, index = 0; first < step.outputs; index++) {
      const int count = tileOutputs(step.outputs, backwardOutputs, index);
      backwardOutputsOf<masked, backwardOutputs>(count, step, panel, first);
      first += static_cast<std::size_t>(count);
    }
  }
}

}  // namespace
}  // namespace thaw::cpu
