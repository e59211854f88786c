#pragma once

#include "backend/cpu/head_backward.h"
#include "backend/cpu/head_dropout.h"
#include "backend/cpu/head_forward.h"
#include "backend/cpu/head_loss.h"
#include "backend/cpu/head_packing.h"

namespace thaw::cpu {
namespace {

/** Σ over the rows of the gradients of the logits, then the update; biases are not decayed. */
void updateBias(const HeadStep& step) {
  float* sums = step.logits;
  const std::size_t padded = roundUp(step.outputs, panelWidth);
  for (std::size_t output = 0; output < padded; output++) sums[output] = 0;
  for (std::size_t row = 0; row < step.batch.rows; row++)
    for (std::size_t output = 0; output < step.outputs; output++)
      sums[output] += step.gradients[row * step.outputs + output];
  UpdateConstants constants = step.update;
  constants.coupled = 0;
  constants.keep = 1;
  updateParameters(sums, step.head.bias, step.head.biasFirst, step.head.biasSecond, padded, constants);
}

template <bool masked>
double stepOf(const HeadStep& step) {
  const float scale = masked ? step.survivorScale : 1.0f;
  forwardRows<masked>(step.batch, step.masks, step.head.weight, step.outputs, step.head.bias, scale,
                      step.logits);
  const double loss = evaluateLoss({step.batch.rows, step.outputs, step.loss, step.targets, step.labelWeights,
                                    step.positiveWeights, step.lossScale, step.logits, step.gradients});
  if (!__builtin_isfinite(loss)) return loss;
  updateBias(step);
  if (masked) {
    const std::size_t count = step.batch.rows * step.outputs;
    for (std::size_t at = 0; at < count; at += Simd::width)
      Simd::store(step.gradients + at, Simd::mul(Simd::load(step.gradients + at), Simd::set(scale)));
  }
  backwardAndUpdate<masked>(step);
  return loss;
}

double stepHead(const HeadStep& step) {
  if (step.dropThreshold == 0) return stepOf<false>(step);
  drawMasks(step);
  return stepOf<true>(step);
}

}  // namespace
}  // namespace thaw::cpu
