#pragma once

#include "backend/cpu/head_shape.h"

namespace thaw::cpu {
namespace {

/** Philox4x32-10, one counter a lane; see engine/random.h. */
void philox(Simd::Words (&counter)[4], std::uint32_t key0, std::uint32_t key1) {
  const Simd::Words multiplier0 = Simd::setWords(0xd2511f53u), multiplier1 = Simd::setWords(0xcd9e8d57u);
  for (int round = 0; round < 10; round++) {
    Simd::Words high0, low0, high1, low1;
    Simd::multiplyWide(counter[0], multiplier0, high0, low0);
    Simd::multiplyWide(counter[2], multiplier1, high1, low1);
    counter[0] = Simd::exclusiveOr(high1, counter[1], Simd::setWords(key0));
    counter[1] = low1;
    counter[2] = Simd::exclusiveOr(high0, counter[3], Simd::setWords(key1));
    counter[3] = low0;
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
}

/**
 * Bit masks of the kept features, [⌈rows / 8⌉, panels padded to 16, 8 rows] of 16 bits. The uniform of (row
 * b, feature f) has as its bit k the bit 16 · (b mod 2) + f mod 16 of word (b mod 8) / 2 of the Philox block
 * with the counter (⌊f / 16⌋, ⌊b / 8⌋, step, k). Comparing uniform ≥ threshold from the lowest bit up is
 * `and` where the threshold has a 1 and `or` where it has a 0, so bits below the threshold's lowest 1 are
 * never drawn: a rate of 1/2 takes one.
 */
void drawMasks(const HeadStep& step) {
  const std::size_t paddedPanels = roundUp(step.batch.panels, panelWidth);
  const Simd::Words order = Simd::loadWords(Simd::laneOrder);
  int lowest = 0;
  while ((step.dropThreshold >> lowest & 1u) == 0) lowest++;
  for (std::size_t group = 0; group * 8 < step.batch.rows; group++) {
    for (std::size_t panel = 0; panel < paddedPanels; panel += Simd::words) {
      Simd::Words keep[4];
      for (Simd::Words& word : keep) word = Simd::setWords(0xffffffffu);
      for (int bit = lowest; bit < 16; bit++) {
        Simd::Words block[4] = {Simd::addWords(order, Simd::setWords(static_cast<std::uint32_t>(panel))),
                                Simd::setWords(static_cast<std::uint32_t>(group)), Simd::setWords(step.step),
                                Simd::setWords(static_cast<std::uint32_t>(bit))};
        philox(block, step.seed, dropoutStream);
        const bool one = (step.dropThreshold >> bit & 1u) != 0;
        for (int word = 0; word < 4; word++)
          keep[word] = one ? Simd::bitAnd(keep[word], block[word]) : Simd::bitOr(keep[word], block[word]);
      }
      Simd::interleave(keep,
                       reinterpret_cast<std::uint32_t*>(step.masks + (group * paddedPanels + panel) * 8));
    }
  }
}

}  // namespace
}  // namespace thaw::cpu
