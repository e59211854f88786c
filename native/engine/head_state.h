#pragma once

#include <cstdint>
#include <span>
#include <utility>
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
  std::size_t averages = 0;    ///< 1 where some head of the bank has averaged weights

  HeadLayout(std::size_t features, std::size_t outputs, OptimizerKind optimizer, bool averaged);

  std::size_t parameters() const { return weightSize + biasSize; }
  /** Floats of one head: current weights, optimizer state, averaged weights, best weights. */
  std::size_t size() const { return parameters() * (2 + moments + averages); }
  HeadTensors tensors(float* slice) const;
  /** Offset of the averaged weights and bias. */
  std::size_t average() const { return parameters() * (1 + moments); }
  /** Offset of the best weights and bias. */
  std::size_t best() const { return parameters() * (1 + moments + averages); }
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

/** Weights of all heads with their optimizer state, averages and best snapshots. */
class HeadStates {
 public:
  /** `averaged` [heads]: which have averaged weights. */
  HeadStates(const HeadLayout& layout, std::vector<bool> averaged)
      : layout(layout),
        records(averaged.size()),
        averaged_(std::move(averaged)),
        values_(layout.size() * records.size()) {}

  const HeadLayout layout;
  std::vector<HeadRecord> records;

  float* slice(std::size_t head) { return values_.data() + head * layout.size(); }
  const float* slice(std::size_t head) const { return values_.data() + head * layout.size(); }
  std::size_t floats() const { return values_.size(); }
  float* values() { return values_.data(); }

  /** Weights and bias from U(−1/√F, 1/√F), as torch.nn.Linear starts. */
  void initialize(std::size_t head, std::uint32_t seed);
  bool isAveraged(std::size_t head) const { return averaged_[head]; }
  float* average(std::size_t head) { return slice(head) + layout.average(); }
  /** [weight, bias] that a head is judged by: its average, or without one its current weights. */
  const float* evaluated(std::size_t head) const;
  void keepAsBest(std::size_t head);
  /** The best of the evaluated weights, or the last ones, which also serve where there is no best yet. */
  const float* chosen(std::size_t head, bool best) const;
  /** Scaling of the features, if any, is folded into the result. */
  LinearWeights linear(std::size_t head, bool best, const Standardization* scaling) const;
  /** The inverse of `linear`; forgets the optimizer state. */
  void load(std::size_t head, std::span<const float> weight, std::span<const float> bias,
            const Standardization* scaling);

 private:
  std::vector<bool> averaged_;
  AlignedBuffer<float> values_;
};

}  // namespace thaw
