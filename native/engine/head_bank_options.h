#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/matrix_view.h"
#include "engine/optimizer.h"

namespace thaw {

/** Values of every step; heads with equal tables share one. */
using StepTable = std::shared_ptr<const std::vector<float>>;

/** What the best snapshot is chosen by: lowest validation loss or highest macro AUROC. */
enum class Selection { loss, auroc };

/** Heads that see the same rows in the same order. */
struct SampleGroup {
  std::vector<std::uint32_t> order;  ///< [epochs × rowsPerEpoch] rows of the features
  std::size_t rowsPerEpoch = 0;
  std::vector<std::uint32_t> validationRows;
  bool standardize = false;

  std::size_t epochs() const { return order.size() / rowsPerEpoch; }
};

struct HeadOptions {
  std::size_t group = 0;
  std::uint32_t seed = 0;
  double dropout = 0;
  double weightDecay = 0;
  double averageDecay = 0;             ///< d of the moving average of weights (weight_average.h); 0 = none
  StepTable learningRates;             ///< [epochs × steps an epoch]
  StepTable momenta;                   ///< likewise, or null
  std::vector<float> labelWeights;     ///< [outputs] or empty
  std::vector<float> positiveWeights;  ///< [outputs] or empty, bce only
};

struct HeadBankOptions {
  MatrixView features;
  std::size_t outputs = 1;
  std::vector<float> targets;  ///< [features.rows × outputs], NaN = unknown (bce only)
  Loss loss = Loss::bce;
  std::size_t batch = 32;
  OptimizerOptions optimizer;
  std::vector<SampleGroup> groups;
  std::vector<HeadOptions> heads;
  Selection select = Selection::loss;
  std::size_t threads = 1;

  std::size_t stepsPerEpoch(const SampleGroup& group) const {
    return (group.rowsPerEpoch + batch - 1) / batch;
  }
};

/** Throws ENGINE, with the option as node, where sizes, ranges or rows do not fit together. */
void checkOptions(const HeadBankOptions& options);

}  // namespace thaw
