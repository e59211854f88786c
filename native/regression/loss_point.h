#pragma once

#include <cstdint>
#include <vector>

#include "regression/kernels.h"
#include "regression/panel_matrix.h"

namespace thaw::regression {

/** Which rows are positive, and what a row of each class weighs. */
struct BinaryTargets {
  std::vector<double> signs;  ///< [padded rows] 1, −1, or 0 behind the last row
  double positiveWeight = 1;
  double negativeWeight = 1;
  std::size_t positives = 0;
  std::size_t negatives = 0;

  /** `positive` [rows]; balanced: rows / (2 · rows of the class), as scikit-learn has it. */
  static BinaryTargets of(const std::vector<std::uint8_t>& positive, bool balanced);

  bool hasBothClasses() const { return positives > 0 && negatives > 0; }
  double positiveTotal() const { return positiveWeight * static_cast<double>(positives); }
  double negativeTotal() const { return negativeWeight * static_cast<double>(negatives); }
};

/** The logistic loss at some coefficients (the intercept is the last one), without any penalty. */
struct LossPoint {
  std::vector<double> coefficients;
  std::vector<double> gradient;
  std::vector<double> curvature;
  double loss = 0;

  explicit LossPoint(const PanelMatrix& x)
      : coefficients(x.columns()), gradient(x.columns()), curvature(x.paddedRows()) {}

  void evaluate(const PanelMatrix& x, const BinaryTargets& targets, std::vector<double>& scratch);
};

}  // namespace thaw::regression
