#pragma once

#include <deque>
#include <vector>

#include "regression/path_solver.h"

namespace thaw::regression {

/**
 * L2 penalty: L-BFGS (Nocedal & Wright, Numerical Optimization, 2006, algorithm 7.4) whose initial matrix is
 * the factored Hessian of an earlier point, made anew when progress is slow; with a fresh one a step is
 * Newton's. The objective's Hessian is at least the identity in w, so ‖gradient‖ bounds the distance to the
 * solution.
 */
class RidgeSolver : public PathSolver {
 public:
  RidgeSolver(const PanelMatrix& x, const SolverOptions& options, const StopSignal& stop);

  void start(const BinaryTargets& targets) override;
  bool solve(double strength) override;
  std::span<const double> coefficients() override { return point_.coefficients; }

 private:
  struct Pair {
    std::vector<double> step;
    std::vector<double> change;  ///< of the gradient
    double inverseProduct;
    double projection;
  };

  double dot(const std::vector<double>& a, const std::vector<double>& b) const;
  double objective(const LossPoint& point) const;
  void objectiveGradient(const LossPoint& point, std::vector<double>& gradient) const;
  void renewHessian();
  void factorHessian();
  /** Sets `direction_` and `slope_`, the objective's derivative along it. */
  void findDirection();
  bool isSlow(double norm, double enough, double slopeBefore) const;
  /** Moves to a point along the direction that is lower by enough and not far behind the lowest. */
  bool search();
  void remember();

  const PanelMatrix& x_;
  const SolverOptions options_;
  const StopSignal stop_;
  const BinaryTargets* targets_ = nullptr;
  double strength_ = 0;
  LossPoint point_;
  LossPoint trial_;
  std::vector<double> gradient_;
  std::vector<double> trialGradient_;
  std::vector<double> direction_;
  double slope_ = 0;
  std::vector<double> products_;  ///< Xᵀ X, of all starts
  std::vector<double> hessian_;   ///< of the loss alone, at the last renewal
  std::vector<double> triangle_;
  bool isHessianCurrent_ = false;
  std::deque<Pair> history_;
  std::vector<double> scratch_;
};

}  // namespace thaw::regression
