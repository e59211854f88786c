#pragma once

#include "backend/cpu/head_shape.h"

namespace thaw::cpu {
namespace {

/** 4 rows × `outputs` products over all features: logits = scale · x·w + bias. */
template <bool masked, int outputs>
void forwardTile(const PackedRows& batch, const std::uint16_t* masks, const float* weight,
                 std::size_t allOutputs, const float* bias, float scale, float* logits) {
  constexpr int rows = rowMultiple;
  Float sums[outputs][rows];
  for (auto& row : sums)
    for (Float& sum : row) sum = Simd::set(0);
  const float* x = batch.values;
  for (std::size_t panel = 0; panel < batch.panels; panel++) {
    THAW_UNROLL
    for (int sub = 0; sub < subs; sub++) {
      Float features[rows];
      THAW_UNROLL
      for (int row = 0; row < rows; row++) {
        const float* at = x + row * panelWidth + sub * Simd::width;
        features[row] = masked ? Simd::loadMasked(Simd::mask(masks[row], sub), at) : Simd::load(at);
      }
      THAW_UNROLL
      for (int output = 0; output < outputs; output++) {
        const Float w = Simd::load(weight + output * panelWidth + sub * Simd::width);
        THAW_UNROLL
        for (int row = 0; row < rows; row++)
          sums[output][row] = Simd::fma(features[row], w, sums[output][row]);
      }
    }
    x += batch.panelStride;
    weight += allOutputs * panelWidth;
    if (masked) masks += 8;
  }
  THAW_UNROLL
  for (int output = 0; output < outputs; output++) {
    float total[rows];
    Simd::sum4(sums[output][0], sums[output][1], sums[output][2], sums[output][3], total);
    THAW_UNROLL
    for (int row = 0; row < rows; row++)
      logits[row * allOutputs + output] = total[row] * scale + bias[output];
  }
}

template <bool masked, int outputs>
void forwardOutputsOf(int count, const PackedRows& batch, const std::uint16_t* masks, const float* weight,
                      std::size_t allOutputs, const float* bias, float scale, float* logits) {
  if (count == outputs)
    return forwardTile<masked, outputs>(batch, masks, weight, allOutputs, bias, scale, logits);
  if constexpr (outputs > 1)
    forwardOutputsOf<masked, outputs - 1>(count, batch, masks, weight, allOutputs, bias, scale, logits);
}

template <bool masked>
void forwardRows(const PackedRows& batch, const std::uint16_t* masks, const float* weight,
                 std::size_t outputs, const float* bias, float scale, float* logits) {
  const std::size_t paddedPanels = roundUp(batch.panels, panelWidth);
  for (std::size_t row = 0; row < batch.paddedRows; row += rowMultiple) {
    PackedRows tile = batch;
    tile.values += row * panelWidth;
    const std::uint16_t* tileMasks = masked ? masks + row / 8 * paddedPanels * 8 + row % 8 : nullptr;
    for (std::size_t first = 0, index = 0; first < outputs; index++) {
      const int count = tileOutputs(outputs, forwardOutputs, index);
      forwardOutputsOf<masked, forwardOutputs>(count, tile, tileMasks, weight + first * panelWidth, outputs,
                                               bias + first, scale, logits + row * outputs + first);
      first += static_cast<std::size_t>(count);
    }
  }
}

void forward(const HeadForward& request) {
  forwardRows<false>(request.batch, nullptr, request.weight, request.outputs, request.bias, 1.0f,
                     request.logits);
}

}  // namespace
}  // namespace thaw::cpu
