#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "regression/feature_table.h"
#include "regression/panel_matrix.h"

namespace thaw::regression {

struct PreprocessingOptions {
  bool standardize = true;
  /** NaN features become the median of the training rows; else they are refused. */
  bool imputeMedian = false;
  /** A feature goes when one value takes more than this share of the training rows; 1 = constant ones only.
   */
  double largestModeShare = 1;
  /** A feature goes when |r| with one that is kept before it is above this; 1 = none goes. */
  double largestCorrelation = 1;
};

/**
 * What is done to features before a regression, fitted on its training rows alone: medians for NaN, removal
 * of near-constant and of correlated features (in the order of the columns, the first is kept), z = (x −
 * center) / scale with mean and population standard deviation (0 and 1 where features are not standardised).
 */
struct Preprocessing {
  std::vector<std::uint32_t> kept;  ///< columns, ascending; what follows has one value for each
  std::vector<double> center;
  std::vector<double> scale;
  std::vector<double> median;  ///< empty where nothing is imputed

  static Preprocessing fit(const FeatureTable& table, std::span<const std::uint32_t> rows,
                           const PreprocessingOptions& options);

  /** [rows, kept + 1], the last column is 1. */
  PanelMatrix apply(const FeatureTable& table, std::span<const std::uint32_t> rows) const;
};

}  // namespace thaw::regression
