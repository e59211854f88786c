#pragma once

#include <vector>

#include "regression/ridge_solver.h"

namespace thaw::regression {

/**
 * L2 penalty with more features than rows: the solution is a combination of the rows of X, so that a
 * regression on the pivoted Cholesky factor L of X·Xᵀ = L·Lᵀ, which has as many columns as X has rank, is the
 * same problem: X = L·Qᵀ with orthonormal columns of Q, w = Q·v and ‖w‖ = ‖v‖.
 */
class RowSpace {
 public:
  explicit RowSpace(const PanelMatrix& x);

  /** [rows, rank + 1], the last column is 1. */
  const PanelMatrix& reduced() const { return reduced_; }
  /** Coefficients on the columns of x from those on the columns of `reduced`. */
  void expand(std::span<const double> reduced, std::vector<double>& coefficients) const;

 private:
  std::vector<std::size_t> pivots_;
  std::vector<double> pivotRows_;  ///< [rank × columns of x] the last column is 0
  PanelMatrix reduced_;
};

class RowSpaceSolver : public PathSolver {
 public:
  RowSpaceSolver(const PanelMatrix& x, const SolverOptions& options, const StopSignal& stop)
      : space_(x), solver_(space_.reduced(), options, stop), coefficients_(x.columns()) {}

  void start(const BinaryTargets& targets) override { solver_.start(targets); }
  bool solve(double strength) override {
    const bool converged = solver_.solve(strength);
    iterations_ = solver_.iterations();
    return converged;
  }
  std::span<const double> coefficients() override {
    space_.expand(solver_.coefficients(), coefficients_);
    return coefficients_;
  }

 private:
  RowSpace space_;
  RidgeSolver solver_;
  std::vector<double> coefficients_;
};

}  // namespace thaw::regression
