#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/aligned_buffer.h"
#include "engine/head_bank_options.h"
#include "engine/standardization.h"

namespace thaw {

/** Where the tensors of one head lie in its slice of the bank's memory. */
struct HeadLayout {
  std::size_t features = 0;
  std::size_t outputs = 0;
  std::size_t panels = 0;      ///< padded to panelMultiple
  std::size_t weightSize = 0;  ///< [panels, outputs, 16]
  std::size_t biasSize = 0;    ///< [outputs padded to 16]
  std::size_t moments = 0;     ///< tensors of optimizer state beside the weights: 1 (SGD) or 2 (Adam)

  HeadLayout(std::size_t features, std::size_t outputs, OptimizerKind optimizer);

  std::size_t parameters() const { return weightSize + biasSize; }
  /** Floats of one head: current weights, optimizer state, best weights. */
  std::size_t size() const { return parameters() * (2 + moments); }
  HeadTensors tensors(float* slice) const;
  /** Offset of the best weights and bias. */
  std::size_t best() const { return parameters() * (1 + moments); }
  std::size_t at(std::size_t output, std::size_t feature) const {
    return (feature / panelWidth * outputs + output) * panelWidth + feature % panelWidth;
  }
};

/** What training has changed about a head, beside its slice of floats. */
struct HeadRecord {
  std::uint64_t optimizerSteps = 0;  ///< since the start or the last `load`
  double rateFactor = 1;             ///< of the learning rates in its table
  double bestCriterion = 0;          ///< lower is better; NaN = the last epoch is the best
  std::int32_t failedStep = -1;
  std::int32_t bestEpoch = -1;
};

/** Linear layer as used on raw features: y = weight · x + bias. */
struct LinearWeights {
  std::vector<float> weight;  ///< [outputs × features]
  std::vector<float> bias;    ///< [outputs]
};

/** Weights of all heads with their optimizer state and best snapshots. */
class HeadStates {
 public:
  HeadStates(const HeadLayout& layout, std::size_t heads)
      : layout(layout), records(heads), values_(layout.size() * heads) {}

  const HeadLayout layout;
  std::vector<HeadRecord> records;

  float* slice(std::size_t head) { return values_.data() + head * layout.size(); }
  const float* slice(std::size_t head) const { return values_.data() + head * layout.size(); }
  std::size_t floats() const { return values_.size(); }
  float* values() { return values_.data(); }

  /** Weights and bias from U(−1/√F, 1/√F), as torch.nn.Linear starts. */
  void initialize(std::size_t head, std::uint32_t seed);
  void keepAsBest(std::size_t head);
  /** Current weights, or best ones: [weight, bias] of the layout; where there is no best yet, the current
   * ones. */
  const float* chosen(std::size_t head, bool best) const;
  /** Scaling of the features, if any, is folded into the result. */
  LinearWeights linear(std::size_t head, bool best, const Standardization* scaling) const;
  /** The inverse of `linear`; forgets the optimizer state. */
  void load(std::size_t head, std::span<const float> weight, std::span<const float> bias,
            const Standardization* scaling);

 private:
  AlignedBuffer<float> values_;
};

}  // namespace thaw
