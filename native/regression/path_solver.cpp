#include "regression/path_solver.h"

#include <cmath>

#include "engine/error.h"
#include "regression/coordinate_descent.h"
#include "regression/ridge_solver.h"
#include "regression/row_space.h"

namespace thaw::regression {

std::unique_ptr<PathSolver> makePathSolver(const PanelMatrix& x, const SolverOptions& options,
                                           const StopSignal& stop) {
  if (options.l1Ratio > 0) return std::make_unique<CoordinateDescent>(x, options, stop);
  if (x.rows() + 1 < x.columns()) return std::make_unique<RowSpaceSolver>(x, options, stop);
  return std::make_unique<RidgeSolver>(x, options, stop);
}

double gradientRounding(double strength, const BinaryTargets& targets) {
  constexpr double rounding = 4e-15;
  return rounding * strength * (targets.positiveTotal() + targets.negativeTotal());
}

double interceptOf(const BinaryTargets& targets) {
  return std::log(targets.positiveTotal() / targets.negativeTotal());
}

void throwIfRaised(const StopSignal& stop) {
  if (stop.raised()) throw EngineError(ErrorCode::aborted, "stopped before the end.");
}

}  // namespace thaw::regression
