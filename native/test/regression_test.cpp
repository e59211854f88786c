#include <algorithm>
#include <bit>

#include "engine/random.h"
#include "regression/cross_validation.h"
#include "test/check.h"

using namespace thaw;
using namespace thaw::regression;

namespace {

struct Data {
  std::vector<double> features;
  std::vector<std::uint8_t> positive;
  FeatureTable table;

  /** Correlated features; labels follow the first one, with `noise`. */
  Data(std::size_t rows, std::size_t columns, double noise) : features(rows * columns), positive(rows) {
    RandomStream random(static_cast<std::uint32_t>(rows * 31 + columns), 1);
    for (std::size_t row = 0; row < rows; row++) {
      const double shared = random.uniform();
      for (std::size_t column = 0; column < columns; column++)
        features[row * columns + column] =
            (shared + (0.05 + static_cast<double>(column % 5)) * random.uniform()) *
            std::pow(10.0, static_cast<double>(column % 4));
      positive[row] = features[row * columns] + noise * random.uniform() > 0.6 + noise / 2;
    }
    table = {features.data(), nullptr, rows, columns};
  }

  std::vector<std::uint32_t> rows() const {
    std::vector<std::uint32_t> result(table.rows);
    for (std::size_t row = 0; row < table.rows; row++) result[row] = static_cast<std::uint32_t>(row);
    return result;
  }
};

/** Largest violation of the optimality conditions, from the definition. */
double violation(const PanelMatrix& x, const BinaryTargets& targets, std::span<const double> w, double c,
                 double ratio) {
  std::vector<double> gradient(x.columns());
  for (std::size_t row = 0; row < x.rows(); row++) {
    double z = 0;
    for (std::size_t j = 0; j < x.columns(); j++) z += x.at(row, j) * w[j];
    const double y = targets.signs[row];
    const double weight = y > 0 ? targets.positiveWeight : targets.negativeWeight;
    for (std::size_t j = 0; j < x.columns(); j++)
      gradient[j] -= c * weight * y / (1 + std::exp(y * z)) * x.at(row, j);
  }
  double largest = std::abs(gradient.back());
  for (std::size_t j = 0; j + 1 < x.columns(); j++) {
    const double smooth = gradient[j] + (1 - ratio) * w[j];
    largest = std::max(largest,
                       w[j] == 0 ? std::abs(smooth) - ratio : std::abs(smooth + (w[j] > 0 ? ratio : -ratio)));
  }
  return largest;
}

RegressionOptions paperOptions(std::size_t threads) {
  RegressionOptions options;
  for (int i = 0; i < 10; i++) options.strengths.push_back(std::pow(10, -4 + 8.0 * i / 9));
  options.threads = threads;
  return options;
}

std::vector<std::uint32_t> foldsOf(std::size_t rows, std::uint32_t folds) {
  std::vector<std::uint32_t> result(rows);
  for (std::size_t row = 0; row < rows; row++) result[row] = static_cast<std::uint32_t>(row) % folds;
  return result;
}

}  // namespace

TEST("solutions meet the optimality conditions: any penalty and strength, p > n, separable, balanced") {
  const std::size_t shapes[][2] = {{40, 3}, {200, 30}, {30, 60}, {8, 300}};
  for (const auto& [rows, columns] : shapes)
    for (const double noise : {0.0, 2.0})
      for (const bool balanced : {false, true})
        for (const double ratio : {0.0, 0.3, 1.0}) {
          const Data data(rows, columns, noise);
          const PanelMatrix x =
              Preprocessing::fit(data.table, data.rows(), {}).apply(data.table, data.rows());
          const auto targets = BinaryTargets::of(data.positive, balanced);
          const auto solver = makePathSolver(x, {ratio, 1e-7, 1000}, {});
          solver->start(targets);
          for (const double c : {1e-4, 1e-2, 1.0, 1e2, 1e4}) {
            CHECK(solver->solve(c));
            CHECK(violation(x, targets, solver->coefficients(), c, ratio) <
                  1e-7 + 1e-13 * c * static_cast<double>(rows));
          }
        }
}

TEST(
    "closed forms: the log odds ratio of one two-valued feature, and no weight below the smallest useful C") {
  // 30 of 40 positive where the feature is 1, 15 of 60 where it is 0.
  PanelMatrix x(100, 2);
  std::vector<std::uint8_t> positive(100);
  for (std::size_t row = 0; row < 100; row++) {
    x.at(row, 0) = row < 40;
    x.at(row, 1) = 1;
    positive[row] = row < 30 || (row >= 40 && row < 55);
  }
  const auto targets = BinaryTargets::of(positive, false);
  const double b = std::log(15.0 / 45), w = std::log(30.0 / 10) - b;
  for (const double ratio : {0.0, 1.0}) {
    const auto solver = makePathSolver(x, {ratio, 1e-9, 100}, {});
    solver->start(targets);
    CHECK(solver->solve(1e7));
    CHECK_NEAR(solver->coefficients()[0], w, 1e-6);
    CHECK_NEAR(solver->coefficients()[1], b, 1e-6);
  }
  // With w = 0 every row's probability is 0.45; the feature's gradient is 40 · 0.45 − 30 = −12.
  const auto solver = makePathSolver(x, {1, 1e-9, 100}, {});
  solver->start(targets);
  CHECK(solver->solve(0.999 / 12));
  CHECK(solver->coefficients()[0] == 0);
  CHECK_NEAR(solver->coefficients()[1], std::log(0.45 / 0.55), 1e-9);
  CHECK(solver->solve(1.001 / 12));
  CHECK(solver->coefficients()[0] > 0);
}

TEST("results are the same to the last bit for any number of threads and any company") {
  const Data data(120, 20, 1), small(120, 20, 3);
  std::vector<TrainingSet> sets = {{data.rows(), foldsOf(120, 5), {0, 1, 2}},
                                   {{5, 6, 7, 8, 9, 10, 11, 5, 6, 90, 91, 92}, foldsOf(12, 3), {3}}};
  std::vector<BinaryProblem> problems;
  for (int i = 0; i < 6; i++) problems.push_back({0, i % 2 == 0 ? data.positive : small.positive});
  std::vector<std::uint8_t> own;
  for (const std::uint32_t row : sets[1].rows) own.push_back(data.positive[row]);
  problems.push_back({1, own});
  const auto one = crossValidate(data.table, sets, problems, paperOptions(1), {});
  const auto alone =
      crossValidate(data.table, {sets.data(), 1}, {problems.data() + 1, 1}, paperOptions(1), {});
  CHECK(alone.fits[0].coefficients == one.fits[1].coefficients);
  for (const std::size_t threads : {2u, 3u, 8u}) {
    const auto many = crossValidate(data.table, sets, problems, paperOptions(threads), {});
    for (std::size_t i = 0; i < problems.size(); i++) {
      CHECK(many.fits[i].coefficients == one.fits[i].coefficients);
      CHECK(many.fits[i].logits == one.fits[i].logits);
      CHECK(std::equal(many.fits[i].aucs.begin(), many.fits[i].aucs.end(), one.fits[i].aucs.begin(),
                       [](double a, double b) {
                         return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
                       }));
      CHECK(many.fits[i].iterations == one.fits[i].iterations);
    }
  }
}

TEST("one class, folds without a class and features without variance have an outcome and finite numbers") {
  Data data(30, 4, 1);
  const std::vector<TrainingSet> sets = {{data.rows(), foldsOf(30, 5), data.rows()}};
  std::vector<std::uint8_t> none(30, 0), single(30, 0);
  single[3] = 1;
  const std::vector<BinaryProblem> problems = {{0, none}, {0, single}, {0, data.positive}};
  auto result = crossValidate(data.table, sets, problems, paperOptions(2), {});
  CHECK(result.fits[0].outcome == Outcome::oneClass);
  CHECK_NEAR(result.fits[0].intercept, std::log(0.5 / 30.5), 1e-14);
  CHECK(result.fits[1].outcome == Outcome::noUsableFold);
  CHECK(result.fits[1].chosen == 0);
  CHECK(result.fits[2].outcome == Outcome::crossValidated);
  std::fill(data.features.begin(), data.features.end(), 3.0);
  result = crossValidate(data.table, sets, problems, paperOptions(2), {});
  CHECK(result.preprocessing[0].kept.empty());
  for (const double auc : result.fits[2].aucs) CHECK(auc == 0.5);
  CHECK(result.fits[2].chosen == 0);
  for (const BinaryFit& fit : result.fits)
    for (const double logit : fit.logits) CHECK(std::isfinite(logit));
}

TEST("preprocessing: medians, constants, most frequent values, correlated features in the order of columns") {
  const double nan = std::nan("");
  const std::vector<double> features = {1, 5, 0, 10, 2, 7,    //
                                        2, 5, 0, 20, 1, nan,  //
                                        3, 5, 0, 30, 4, 7,    //
                                        4, 5, 1, 41, 3, 9};
  const FeatureTable table = {features.data(), nullptr, 4, 6};
  const std::vector<std::uint32_t> rows = {0, 1, 2, 3};
  auto kept = [&](PreprocessingOptions options) {
    options.imputeMedian = true;
    return Preprocessing::fit(table, rows, options).kept;
  };
  CHECK((kept({}) == std::vector<std::uint32_t>{0, 2, 3, 4, 5}));
  CHECK((kept({true, true, 0.7, 1}) == std::vector<std::uint32_t>{0, 3, 4}));
  CHECK((kept({true, true, 1, 0.99}) == std::vector<std::uint32_t>{0, 2, 4}));
  CHECK((kept({true, true, 1, 0.5}) == std::vector<std::uint32_t>{0}));
  const auto fitted = Preprocessing::fit(table, rows, {true, true, 1, 1});
  CHECK(fitted.median.back() == 7 && fitted.center.back() == 7.5);
  CHECK_NEAR(fitted.scale.back(), std::sqrt(0.75), 1e-14);
  CHECK_NEAR(fitted.apply(table, rows).at(1, 4), -0.5 / std::sqrt(0.75), 1e-14);
}

TEST("features that are not finite are refused with their place, and a raised stop ends the work") {
  Data data(20, 3, 1);
  const std::vector<TrainingSet> sets = {{data.rows(), foldsOf(20, 2), {}}};
  const std::vector<BinaryProblem> problems = {{0, data.positive}};
  const std::int32_t stop = 1;
  CHECK_MESSAGE("stopped", crossValidate(data.table, sets, problems, paperOptions(2), {&stop, nullptr}));
  data.features[4 * 3 + 1] = std::nan("");
  CHECK_MESSAGE("feature 1 of row 4 is NaN", crossValidate(data.table, sets, problems, paperOptions(1), {}));
  RegressionOptions options = paperOptions(1);
  options.preprocessing.imputeMedian = true;
  CHECK(crossValidate(data.table, sets, problems, options, {}).fits[0].outcome == Outcome::crossValidated);
  data.features[4 * 3 + 1] = INFINITY;
  CHECK_MESSAGE("is infinite", crossValidate(data.table, sets, problems, options, {}));
}
