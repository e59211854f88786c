#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/auroc.h"
#include "engine/head_bank_options.h"
#include "engine/standardization.h"
#include "engine/stop_signal.h"
#include "engine/thread_pool.h"

namespace thaw {

/** Rows of one pass through the features are taken in blocks that stay in the second cache. */
inline constexpr std::size_t evaluationRows = 64;

/** Buffers of one thread. */
struct HeadScratch {
  HeadScratch(std::size_t panels, std::size_t outputs, std::size_t batch);

  std::size_t panelStride;  ///< of `packed`
  std::vector<const void*> source;
  AlignedBuffer<float> packed;
  AlignedBuffer<float> targets;
  AlignedBuffer<std::uint16_t> masks;
  AlignedBuffer<float> logits;
  AlignedBuffer<float> gradients;
  AurocScratch auroc;
  std::vector<float> scores;
};

/** Packs rows of the features into the scratch. */
PackedRows packInto(HeadScratch& scratch, const HeadKernels& kernels, const MatrixView& features,
                    std::span<const std::uint32_t> rows, std::size_t panels, const Standardization* scaling);

/** Targets of the rows side by side in the scratch, NaN up to a multiple of 16; returns the number of known
 * ones. */
std::size_t gatherTargets(HeadScratch& scratch, const std::vector<float>& targets, std::size_t outputs,
                          std::span<const std::uint32_t> rows);

/** Rows that heads are validated on, with what does not change from epoch to epoch. */
struct ValidationSet {
  struct Label {
    std::vector<std::uint32_t> positions;  ///< in `rows`, where the label is known
    std::vector<std::uint8_t> positive;    ///< 1 where the target is ≥ ½
  };

  ValidationSet(std::vector<std::uint32_t> rows, const std::vector<float>& targets, std::size_t outputs);

  std::vector<std::uint32_t> rows;
  std::size_t known = 0;
  std::vector<Label> labels;
};

/**
 * Mean of the AUROCs of the labels that have both classes, NaN where none has; with softmax every class
 * against the rest by its probability. `logits` [rows × outputs] is overwritten by log-probabilities then.
 */
double macroAuroc(const ValidationSet& set, std::span<float> logits, std::size_t outputs, Loss loss,
                  HeadScratch& scratch);

/** A head whose logits are wanted. */
struct EvaluatedHead {
  std::size_t head;                ///< in the bank
  const float* parameters;         ///< [weight, bias] of the layout
  const Standardization* scaling;  ///< or null
  float* logits;                   ///< out, [rows × outputs]
};

/** One block of rows × consecutive heads. */
struct EvaluationTask {
  std::size_t firstRow;
  std::size_t rows;
  std::size_t firstHead;
  std::size_t heads;
};

/** Cuts rows × heads into tasks that fill `threads`; all heads together where the rows suffice. */
std::vector<EvaluationTask> evaluationTasks(std::size_t rows, std::size_t heads, std::size_t threads);

}  // namespace thaw
