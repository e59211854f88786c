#pragma once

#include <memory>
#include <span>

#include "engine/stop_signal.h"
#include "regression/loss_point.h"

namespace thaw::regression {

struct SolverOptions {
  /** ρ of the penalty (1 − ρ)/2 · ‖w‖² + ρ · ‖w‖₁: 0 = L2, 1 = L1. */
  double l1Ratio = 0;
  /** Largest norm of the objective's (sub)gradient at a solution: 2-norm for L2, else largest element. */
  double tolerance = 1e-6;
  std::size_t maxIterations = 1000;
};

/**
 * Minimises C · Σ sᵢ log(1 + exp(−yᵢ (w · xᵢ + b))) + (1 − ρ)/2 · ‖w‖² + ρ · ‖w‖₁ over w and b:
 * scikit-learn's objective, with the intercept b free of the penalty. The last column of x is 1 and its
 * coefficient is b.
 */
class PathSolver {
 public:
  virtual ~PathSolver() = default;

  /** Begins at w = 0 for targets with both classes, which must stay alive. */
  virtual void start(const BinaryTargets& targets) = 0;
  /** Goes on from the last solution to that of strength C; false where the tolerance was not reached. */
  virtual bool solve(double strength) = 0;
  /** [columns of x] */
  virtual std::span<const double> coefficients() = 0;

  /** Steps taken since the solver was made. */
  std::size_t iterations() const { return iterations_; }

 protected:
  std::size_t iterations_ = 0;
};

/** `x` must stay alive. Its methods throw ABORTED when `stop` is raised. */
std::unique_ptr<PathSolver> makePathSolver(const PanelMatrix& x, const SolverOptions& options,
                                           const StopSignal& stop);

/** What rounding leaves of a gradient whose terms are of the size of `strength` · Σ sᵢ. */
double gradientRounding(double strength, const BinaryTargets& targets);

/** log(Σ s of the positives / Σ s of the negatives): the best intercept where w = 0. */
double interceptOf(const BinaryTargets& targets);

void throwIfRaised(const StopSignal& stop);

}  // namespace thaw::regression
