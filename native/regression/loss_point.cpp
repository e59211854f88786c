#include "regression/loss_point.h"

namespace thaw::regression {

BinaryTargets BinaryTargets::of(const std::vector<std::uint8_t>& positive, bool balanced) {
  BinaryTargets targets;
  targets.signs.assign((positive.size() + panelRows - 1) / panelRows * panelRows, 0.0);
  for (std::size_t row = 0; row < positive.size(); row++) {
    targets.signs[row] = positive[row] ? 1 : -1;
    (positive[row] ? targets.positives : targets.negatives)++;
  }
  if (balanced && targets.hasBothClasses()) {
    const double half = static_cast<double>(positive.size()) / 2;
    targets.positiveWeight = half / static_cast<double>(targets.positives);
    targets.negativeWeight = half / static_cast<double>(targets.negatives);
  }
  return targets;
}

void LossPoint::evaluate(const PanelMatrix& x, const BinaryTargets& targets, std::vector<double>& scratch) {
  scratch.resize(x.columns() * 8);
  loss = kernels().loss({x.panels(), targets.signs.data(), targets.positiveWeight, targets.negativeWeight,
                         coefficients.data(), gradient.data(), curvature.data(), scratch.data()});
}

}  // namespace thaw::regression
