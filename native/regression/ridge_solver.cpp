#include "regression/ridge_solver.h"

#include <algorithm>
#include <cmath>

namespace thaw::regression {
namespace {

constexpr std::size_t longestHistory = 16;
/** Steps with an old Hessian that cost about as much as a new one, for p columns: 8 + p / 16. */
constexpr double leastPatience = 8, patienceColumns = 16;
/** Conditions of Armijo and Wolfe on a step. */
constexpr double sufficientDecrease = 1e-4, curvatureShare = 0.9;
constexpr int mostTrials = 40;

}  // namespace

RidgeSolver::RidgeSolver(const PanelMatrix& x, const SolverOptions& options, const StopSignal& stop)
    : x_(x),
      options_(options),
      stop_(stop),
      point_(x),
      trial_(x),
      gradient_(x.columns()),
      trialGradient_(x.columns()),
      direction_(x.columns()),
      products_(x.columns() * x.columns()),
      hessian_(products_.size()),
      triangle_(products_.size()) {
  const std::vector<double> ones(x.paddedRows(), 1.0);
  kernels().gram(x.panels(), ones.data(), products_.data());
}

void RidgeSolver::start(const BinaryTargets& targets) {
  targets_ = &targets;
  std::fill(point_.coefficients.begin(), point_.coefficients.end(), 0.0);
  point_.coefficients.back() = interceptOf(targets);
  point_.evaluate(x_, targets, scratch_);
  // All rows' curvatures are the same here but for their weights; the mean serves for all.
  double curvature = 0;
  for (const double value : point_.curvature) curvature += value / static_cast<double>(x_.rows());
  for (std::size_t i = 0; i < hessian_.size(); i++) hessian_[i] = curvature * products_[i];
  isHessianCurrent_ = false;
}

bool RidgeSolver::solve(double strength) {
  strength_ = strength;
  const double enough = std::max(options_.tolerance, gradientRounding(strength, *targets_));
  history_.clear();
  factorHessian();
  objectiveGradient(point_, gradient_);
  double slopeBefore = 0;
  for (std::size_t iteration = 0; iteration < options_.maxIterations; iteration++) {
    throwIfRaised(stop_);
    const double norm = std::sqrt(dot(gradient_, gradient_));
    if (norm <= enough) return true;
    findDirection();
    if (!isHessianCurrent_ && isSlow(norm, enough, slopeBefore)) {
      renewHessian();
      findDirection();
    }
    slopeBefore = slope_;
    iterations_++;
    if (search()) continue;
    if (isHessianCurrent_) return false;
    renewHessian();
    slopeBefore = 0;
  }
  return false;
}

double RidgeSolver::dot(const std::vector<double>& a, const std::vector<double>& b) const {
  return kernels().dot(a.data(), b.data(), a.size());
}

double RidgeSolver::objective(const LossPoint& point) const {
  const double* w = point.coefficients.data();
  return strength_ * point.loss + kernels().dot(w, w, point.coefficients.size() - 1) / 2;
}

void RidgeSolver::objectiveGradient(const LossPoint& point, std::vector<double>& gradient) const {
  const std::size_t intercept = gradient.size() - 1;
  for (std::size_t j = 0; j < intercept; j++)
    gradient[j] = strength_ * point.gradient[j] + point.coefficients[j];
  gradient[intercept] = strength_ * point.gradient[intercept];
}

void RidgeSolver::renewHessian() {
  kernels().gram(x_.panels(), point_.curvature.data(), hessian_.data());
  isHessianCurrent_ = true;
  history_.clear();
  factorHessian();
}

void RidgeSolver::factorHessian() {
  const std::size_t columns = x_.columns();
  for (std::size_t i = 0; i < hessian_.size(); i++) triangle_[i] = strength_ * hessian_[i];
  for (std::size_t j = 0; j + 1 < columns; j++) triangle_[j * columns + j] += 1;
  // Only the intercept's can be that small: where all rows are classified without any doubt.
  constexpr double smallestPivot = 1e-12;
  kernels().factor(triangle_.data(), columns, smallestPivot);
}

void RidgeSolver::findDirection() {
  const std::size_t columns = x_.columns();
  direction_ = gradient_;
  for (auto pair = history_.rbegin(); pair != history_.rend(); ++pair) {
    pair->projection = pair->inverseProduct * dot(pair->step, direction_);
    kernels().add(-pair->projection, pair->change.data(), direction_.data(), columns);
  }
  kernels().solve(triangle_.data(), columns, direction_.data());
  for (const Pair& pair : history_) {
    const double part = pair.projection - pair.inverseProduct * dot(pair.change, direction_);
    kernels().add(part, pair.step.data(), direction_.data(), columns);
  }
  for (double& value : direction_) value = -value;
  slope_ = dot(direction_, gradient_);
}

bool RidgeSolver::isSlow(double norm, double enough, double slopeBefore) const {
  if (slopeBefore == 0) return slope_ >= 0;
  const double factor = std::sqrt(std::max(slope_ / slopeBefore, 0.0));
  if (slope_ >= 0 || factor >= 1) return true;
  const double patience = leastPatience + static_cast<double>(x_.columns()) / patienceColumns;
  return std::log(norm / enough) > -std::log(factor) * patience;
}

bool RidgeSolver::search() {
  const double before = objective(point_);
  const double rounding = 1e-14 * std::abs(before) + gradientRounding(strength_, *targets_);
  double step = 1;
  for (int trial = 0; trial < mostTrials; trial++) {
    trial_.coefficients = point_.coefficients;
    kernels().add(step, direction_.data(), trial_.coefficients.data(), direction_.size());
    trial_.evaluate(x_, *targets_, scratch_);
    objectiveGradient(trial_, trialGradient_);
    const double slope = dot(trialGradient_, direction_);
    const bool isLower = objective(trial_) <= before + sufficientDecrease * step * slope_ + rounding;
    if (isLower && slope <= -curvatureShare * slope_) {
      remember();
      std::swap(point_, trial_);
      std::swap(gradient_, trialGradient_);
      isHessianCurrent_ = false;
      return true;
    }
    // Where a straight derivative would be zero, but neither too close nor hardly shorter.
    const double guess = slope > 0 ? slope_ / (slope_ - slope) : 0.5;
    step *= std::clamp(guess, 0.1, 0.7);
  }
  return false;
}

void RidgeSolver::remember() {
  Pair pair = {trial_.coefficients, trialGradient_, 0, 0};
  kernels().add(-1, point_.coefficients.data(), pair.step.data(), pair.step.size());
  kernels().add(-1, gradient_.data(), pair.change.data(), pair.change.size());
  const double product = dot(pair.step, pair.change);
  if (!(product > 0)) return;
  pair.inverseProduct = 1 / product;
  if (history_.size() == longestHistory) history_.pop_front();
  history_.push_back(std::move(pair));
}

}  // namespace thaw::regression
