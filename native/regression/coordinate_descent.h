#pragma once

#include <vector>

#include "regression/path_solver.h"

namespace thaw::regression {

/**
 * L1 and elastic-net penalties: proximal Newton steps, each by coordinate descent on the quadratic model of
 * the loss, then a line search (newGLMNET: Yuan, Ho & Lin, JMLR 2012;13:1999-2030). Where coordinate descent
 * is slow, as on correlated features, the model is minimised over the coordinates that are not zero by a
 * Cholesky factor. Stops when no coordinate violates the optimality conditions by more than the tolerance.
 */
class CoordinateDescent : public PathSolver {
 public:
  CoordinateDescent(const PanelMatrix& x, const SolverOptions& options, const StopSignal& stop);

  void start(const BinaryTargets& targets) override;
  bool solve(double strength) override;
  std::span<const double> coefficients() override { return point_.coefficients; }

 private:
  double l1(std::size_t coordinate) const { return coordinate < intercept_ ? options_.l1Ratio : 0; }
  double l2(std::size_t coordinate) const { return coordinate < intercept_ ? 1 - options_.l1Ratio : 0; }
  double objective(const LossPoint& point) const;
  double penaltyOf(const std::vector<double>& coefficients) const;
  /** How far 0 is from the subdifferential at `value`, where the smooth part has the derivative `gradient`.
   */
  double violation(std::size_t coordinate, double value, double gradient) const;
  /** Sets `smooth_`, the gradient of loss and L2 part; returns the largest violation. */
  double findGradient();
  /** Sets `target_` to about the minimum of the quadratic model. */
  void minimiseModel(double enough);
  /** One pass over the coordinates, all or those not at zero; returns the largest violation met. */
  double sweep(bool all);
  /**
   * Goes towards the minimum of the model over the coordinates that are not at zero; true where it ended at
   * the first change of sign, where that coordinate becomes zero.
   */
  bool descendOnSupport();
  bool search();

  const PanelMatrix& x_;
  const SolverOptions options_;
  const StopSignal stop_;
  const std::size_t intercept_;
  const BinaryTargets* targets_ = nullptr;
  double strength_ = 0;
  LossPoint point_;
  LossPoint trial_;
  std::vector<double> smooth_;
  std::vector<double> hessian_;  ///< of loss and L2 part
  std::vector<double> target_;   ///< coefficients that minimise the model
  std::vector<double> slope_;    ///< the model's smooth gradient there
  std::vector<std::size_t> support_;
  std::vector<double> triangle_;
  std::vector<double> direction_;
  std::vector<double> scratch_;
};

}  // namespace thaw::regression
