#include "regression/coordinate_descent.h"

#include <algorithm>
#include <cmath>

namespace thaw::regression {
namespace {

/** The model is minimised to this share of the present violation, which makes the steps converge fast. */
constexpr double modelShare = 0.01;
constexpr int mostRounds = 2000;
/** Sweeps over the support before it is tried as a whole. */
constexpr int sweepsOfRound = 4;
constexpr double sufficientDecrease = 1e-4;
constexpr int mostTrials = 40;

/** argmin ½ (t − x)² + threshold · |t| */
double softThreshold(double x, double threshold) {
  return x > threshold ? x - threshold : x < -threshold ? x + threshold : 0;
}

}  // namespace

CoordinateDescent::CoordinateDescent(const PanelMatrix& x, const SolverOptions& options,
                                     const StopSignal& stop)
    : x_(x),
      options_(options),
      stop_(stop),
      intercept_(x.columns() - 1),
      point_(x),
      trial_(x),
      smooth_(x.columns()),
      hessian_(x.columns() * x.columns()),
      target_(x.columns()),
      slope_(x.columns()) {}

void CoordinateDescent::start(const BinaryTargets& targets) {
  targets_ = &targets;
  std::fill(point_.coefficients.begin(), point_.coefficients.end(), 0.0);
  point_.coefficients.back() = interceptOf(targets);
  point_.evaluate(x_, targets, scratch_);
}

bool CoordinateDescent::solve(double strength) {
  strength_ = strength;
  const double enough = std::max(options_.tolerance, gradientRounding(strength, *targets_));
  for (std::size_t iteration = 0; iteration < options_.maxIterations; iteration++) {
    throwIfRaised(stop_);
    const double largest = findGradient();
    if (largest <= enough) return true;
    iterations_++;
    minimiseModel(std::max(modelShare * largest, 0.1 * enough));
    if (!search()) return false;
  }
  return false;
}

double CoordinateDescent::penaltyOf(const std::vector<double>& coefficients) const {
  double squares = 0, absolutes = 0;
  for (std::size_t j = 0; j < intercept_; j++) {
    squares += coefficients[j] * coefficients[j];
    absolutes += std::abs(coefficients[j]);
  }
  return (1 - options_.l1Ratio) / 2 * squares + options_.l1Ratio * absolutes;
}

double CoordinateDescent::objective(const LossPoint& point) const {
  return strength_ * point.loss + penaltyOf(point.coefficients);
}

double CoordinateDescent::violation(std::size_t coordinate, double value, double gradient) const {
  const double weight = l1(coordinate);
  if (value == 0) return std::max(std::abs(gradient) - weight, 0.0);
  return std::abs(gradient + (value > 0 ? weight : -weight));
}

double CoordinateDescent::findGradient() {
  double largest = 0;
  for (std::size_t j = 0; j <= intercept_; j++) {
    const double value = point_.coefficients[j];
    smooth_[j] = strength_ * point_.gradient[j] + l2(j) * value;
    largest = std::max(largest, violation(j, value, smooth_[j]));
  }
  return largest;
}

void CoordinateDescent::minimiseModel(double enough) {
  const std::size_t columns = x_.columns();
  kernels().gram(x_.panels(), point_.curvature.data(), hessian_.data());
  for (double& value : hessian_) value *= strength_;
  for (std::size_t j = 0; j <= intercept_; j++) hessian_[j * columns + j] += l2(j);
  target_ = point_.coefficients;
  slope_ = smooth_;
  for (int round = 0; round < mostRounds; round++) {
    throwIfRaised(stop_);
    if (sweep(true) <= enough) return;
    int sweeps = 0;
    while (sweeps < sweepsOfRound && sweep(false) > enough) sweeps++;
    for (bool crossed = sweeps == sweepsOfRound; crossed;) crossed = descendOnSupport();
  }
}

double CoordinateDescent::sweep(bool all) {
  const std::size_t columns = x_.columns();
  double largest = 0;
  for (std::size_t j = 0; j <= intercept_; j++) {
    const double value = target_[j];
    if (!all && value == 0) continue;
    const double curvature = hessian_[j * columns + j];
    const double wrong = violation(j, value, slope_[j]);
    if (wrong == 0 || !(curvature > 0)) continue;
    largest = std::max(largest, wrong);
    target_[j] = softThreshold(value - slope_[j] / curvature, l1(j) / curvature);
    kernels().add(target_[j] - value, hessian_.data() + j * columns, slope_.data(), columns);
  }
  return largest;
}

bool CoordinateDescent::descendOnSupport() {
  const std::size_t columns = x_.columns();
  support_.clear();
  for (std::size_t j = 0; j <= intercept_; j++)
    if (j == intercept_ || target_[j] != 0) support_.push_back(j);
  const std::size_t size = support_.size();
  triangle_.resize(size * size);
  direction_.resize(size);
  double largest = 0, slope = 0;
  for (std::size_t a = 0; a < size; a++) {
    const std::size_t j = support_[a];
    for (std::size_t b = a; b < size; b++) triangle_[a * size + b] = hessian_[j * columns + support_[b]];
    largest = std::max(largest, triangle_[a * size + a]);
    direction_[a] = -(slope_[j] + (target_[j] > 0 ? l1(j) : -l1(j)));
  }
  const std::vector<double> descent = direction_;
  kernels().factor(triangle_.data(), size, 1e-14 * largest);
  kernels().solve(triangle_.data(), size, direction_.data());
  std::vector<double> change(columns, 0.0);
  for (std::size_t a = 0; a < size; a++) {
    slope -= descent[a] * direction_[a];
    kernels().add(direction_[a], hessian_.data() + support_[a] * columns, change.data(), columns);
  }
  double curvature = 0;
  for (std::size_t a = 0; a < size; a++) curvature += direction_[a] * change[support_[a]];
  if (!(slope < 0) || !(curvature > 0)) return false;
  double step = -slope / curvature;
  std::size_t crossing = size;
  for (std::size_t a = 0; a < size; a++) {
    const double value = target_[support_[a]];
    if (support_[a] == intercept_ || value * direction_[a] >= 0 || -value / direction_[a] >= step) continue;
    step = -value / direction_[a];
    crossing = a;
  }
  for (std::size_t a = 0; a < size; a++) target_[support_[a]] += step * direction_[a];
  if (crossing < size) target_[support_[crossing]] = 0;
  kernels().add(step, change.data(), slope_.data(), columns);
  return crossing < size;
}

bool CoordinateDescent::search() {
  const double before = objective(point_);
  const double rounding = 1e-14 * std::abs(before) + gradientRounding(strength_, *targets_);
  std::vector<double>& step = slope_;
  double decrease = 0;
  for (std::size_t j = 0; j <= intercept_; j++) {
    step[j] = target_[j] - point_.coefficients[j];
    decrease += smooth_[j] * step[j] + l1(j) * (std::abs(target_[j]) - std::abs(point_.coefficients[j]));
  }
  double length = 1;
  for (int trial = 0; trial < mostTrials; trial++, length /= 2) {
    // The whole step ends exactly at the target, which has exact zeros.
    if (trial == 0)
      trial_.coefficients = target_;
    else
      for (std::size_t j = 0; j <= intercept_; j++)
        trial_.coefficients[j] = point_.coefficients[j] + length * step[j];
    trial_.evaluate(x_, *targets_, scratch_);
    if (objective(trial_) > before + sufficientDecrease * length * decrease + rounding) continue;
    std::swap(point_, trial_);
    return true;
  }
  return false;
}

}  // namespace thaw::regression
