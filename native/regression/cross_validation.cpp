#include "regression/cross_validation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "engine/error.h"
#include "engine/thread_pool.h"
#include "regression/roc.h"

namespace thaw::regression {
namespace {

/** Fits of some problems of one set on the training part of one fold, or on all rows. */
struct Task {
  std::size_t set;
  std::size_t fold;
  std::vector<std::size_t> problems;
  std::size_t cost;
};

constexpr std::size_t allRows = SIZE_MAX;
/** Mean AUCs that are closer than this are equal. */
constexpr double tieWidth = 1e-12;

std::size_t foldsOf(const TrainingSet& set) {
  return set.folds.empty() ? 0 : 1 + *std::max_element(set.folds.begin(), set.folds.end());
}

class CrossValidation {
 public:
  CrossValidation(const FeatureTable& table, std::span<const TrainingSet> sets,
                  std::span<const BinaryProblem> problems, const RegressionOptions& options,
                  const StopSignal& stop)
      : table_(table), sets_(sets), problems_(problems), options_(options), stop_(stop) {}

  RegressionResult run() {
    checkFeatures();
    result_.preprocessing.resize(sets_.size());
    result_.fits.resize(problems_.size());
    for (std::size_t problem = 0; problem < problems_.size(); problem++)
      result_.fits[problem].aucs.assign(foldsOf(setOf(problem)) * options_.strengths.size(),
                                        std::numeric_limits<double>::quiet_NaN());
    efforts_.resize(problems_.size());
    for (std::size_t problem = 0; problem < problems_.size(); problem++)
      efforts_[problem].resize(foldsOf(setOf(problem)) + 1);
    ThreadPool pool(options_.threads);
    runAll(pool, tasks(false));
    for (std::size_t problem = 0; problem < problems_.size(); problem++) choose(problem);
    runAll(pool, tasks(true));
    for (std::size_t problem = 0; problem < problems_.size(); problem++)
      for (const Effort& effort : efforts_[problem]) {
        result_.fits[problem].iterations += effort.iterations;
        result_.fits[problem].unconverged += effort.unconverged;
      }
    return std::move(result_);
  }

 private:
  struct Effort {
    std::size_t iterations = 0;
    std::size_t unconverged = 0;
  };

  const TrainingSet& setOf(std::size_t problem) const { return sets_[problems_[problem].set]; }

  void checkFeatures() const {
    std::vector<std::uint8_t> used(table_.rows, 0);
    for (const TrainingSet& set : sets_) {
      for (const std::uint32_t row : set.rows) used[row] = 1;
      for (const std::uint32_t row : set.predicted) used[row] = 1;
    }
    for (std::size_t row = 0; row < table_.rows; row++) {
      if (used[row] == 0) continue;
      for (std::size_t column = 0; column < table_.columns; column++) {
        const double value = table_.at(row, column);
        if (std::isfinite(value) || (std::isnan(value) && options_.preprocessing.imputeMedian)) continue;
        throw EngineError(ErrorCode::nonFinite,
                          "feature " + std::to_string(column) + " of row " + std::to_string(row) + " is " +
                              (std::isnan(value) ? "NaN." : "infinite."),
                          "features");
      }
    }
  }

  /** Longest first; a set's problems are shared out where there are too few sets and folds for the threads.
   */
  std::vector<Task> tasks(bool last) const {
    std::vector<std::vector<std::size_t>> members(sets_.size());
    for (std::size_t problem = 0; problem < problems_.size(); problem++)
      members[problems_[problem].set].push_back(problem);
    std::size_t units = 0;
    for (const TrainingSet& set : sets_) units += last ? 1 : foldsOf(set);
    const std::size_t parts = units == 0 ? 1 : (4 * options_.threads + units - 1) / units;
    std::vector<Task> result;
    for (std::size_t set = 0; set < sets_.size(); set++) {
      const std::size_t each = std::max<std::size_t>(1, (members[set].size() + parts - 1) / parts);
      for (std::size_t fold = 0; fold < (last ? 1 : foldsOf(sets_[set])); fold++) {
        for (std::size_t from = 0; from < members[set].size(); from += each) {
          const std::size_t to = std::min(from + each, members[set].size());
          result.push_back({set,
                            last ? allRows : fold,
                            {members[set].begin() + static_cast<std::ptrdiff_t>(from),
                             members[set].begin() + static_cast<std::ptrdiff_t>(to)},
                            sets_[set].rows.size() * (to - from)});
        }
      }
    }
    std::stable_sort(result.begin(), result.end(),
                     [](const Task& a, const Task& b) { return a.cost > b.cost; });
    return result;
  }

  void runAll(ThreadPool& pool, const std::vector<Task>& tasks) {
    pool.forEach(tasks.size(), [&](std::size_t index, std::size_t) {
      throwIfRaised(stop_);
      const Task& task = tasks[index];
      if (task.fold == allRows)
        fitAll(task);
      else
        fitFold(task);
    });
  }

  void fitFold(const Task& task) {
    const TrainingSet& set = sets_[task.set];
    std::vector<std::size_t> training, validation;
    for (std::size_t i = 0; i < set.rows.size(); i++)
      (set.folds[i] == task.fold ? validation : training).push_back(i);
    const auto both = [&](std::size_t problem) {
      return hasBothClasses(problem, training) && hasBothClasses(problem, validation);
    };
    if (std::none_of(task.problems.begin(), task.problems.end(), both)) return;
    const std::vector<std::uint32_t> trainingRows = pick(set.rows, training);
    const auto preprocessing = Preprocessing::fit(table_, trainingRows, options_.preprocessing);
    const PanelMatrix x = preprocessing.apply(table_, trainingRows);
    const PanelMatrix other = preprocessing.apply(table_, pick(set.rows, validation));
    const auto solver = makePathSolver(x, options_.solver, stop_);
    std::vector<double> scores(other.paddedRows());
    for (const std::size_t problem : task.problems) {
      if (!both(problem)) continue;
      const auto targets = BinaryTargets::of(pick(problems_[problem].positive, training), options_.balanced);
      const auto positive = pick(problems_[problem].positive, validation);
      Effort& effort = efforts_[problem][task.fold];
      const std::size_t before = solver->iterations();
      double* aucs = result_.fits[problem].aucs.data() + task.fold * options_.strengths.size();
      solver->start(targets);
      for (std::size_t c = 0; c < options_.strengths.size(); c++) {
        if (!solver->solve(options_.strengths[c])) effort.unconverged++;
        kernels().product(other.panels(), solver->coefficients().data(), scores.data());
        aucs[c] = auroc({scores.data(), other.rows()}, positive);
      }
      effort.iterations = solver->iterations() - before;
    }
  }

  void choose(std::size_t problem) {
    BinaryFit& fit = result_.fits[problem];
    const std::size_t strengths = options_.strengths.size(), folds = foldsOf(setOf(problem));
    double best = -1;
    for (std::size_t c = 0; c < strengths; c++) {
      double sum = 0;
      std::size_t usable = 0;
      for (std::size_t fold = 0; fold < folds; fold++) {
        const double auc = fit.aucs[fold * strengths + c];
        if (std::isnan(auc)) continue;
        sum += auc;
        usable++;
      }
      const double mean = usable == 0 ? -1 : sum / static_cast<double>(usable);
      if (mean <= best + tieWidth) continue;
      best = mean;
      fit.chosen = c;
    }
    fit.outcome = folds == 0  ? Outcome::onlyStrength
                  : best >= 0 ? Outcome::crossValidated
                              : Outcome::noUsableFold;
  }

  void fitAll(const Task& task) {
    const TrainingSet& set = sets_[task.set];
    const auto preprocessing = Preprocessing::fit(table_, set.rows, options_.preprocessing);
    const PanelMatrix x = preprocessing.apply(table_, set.rows);
    const PanelMatrix predicted = preprocessing.apply(table_, set.predicted);
    const auto solver = makePathSolver(x, options_.solver, stop_);
    std::vector<double> coefficients(x.columns()), logits(predicted.paddedRows());
    for (const std::size_t problem : task.problems) {
      BinaryFit& fit = result_.fits[problem];
      const auto targets = BinaryTargets::of(problems_[problem].positive, options_.balanced);
      std::fill(coefficients.begin(), coefficients.end(), 0.0);
      if (!targets.hasBothClasses()) {
        fit.outcome = Outcome::oneClass;
        coefficients.back() = std::log((static_cast<double>(targets.positives) + 0.5) /
                                       (static_cast<double>(targets.negatives) + 0.5));
      } else {
        const std::size_t before = solver->iterations();
        solver->start(targets);
        fit.converged = solver->solve(options_.strengths[fit.chosen]);
        efforts_[problem].back().iterations = solver->iterations() - before;
        std::copy_n(solver->coefficients().data(), coefficients.size(), coefficients.data());
      }
      kernels().product(predicted.panels(), coefficients.data(), logits.data());
      fit.logits.assign(logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(predicted.rows()));
      foldScaling(preprocessing, coefficients, fit);
    }
    // Every part of a set's problems finds the same; the first one's is kept.
    if (task.problems.front() == firstOf(task.set)) result_.preprocessing[task.set] = preprocessing;
  }

  std::size_t firstOf(std::size_t set) const {
    std::size_t problem = 0;
    while (problems_[problem].set != set) problem++;
    return problem;
  }

  /** Coefficients on raw features: w / scale, b − Σ w · center / scale. */
  void foldScaling(const Preprocessing& preprocessing, const std::vector<double>& coefficients,
                   BinaryFit& fit) const {
    fit.coefficients.assign(table_.columns, 0.0);
    fit.intercept = coefficients.back();
    for (std::size_t place = 0; place < preprocessing.kept.size(); place++) {
      const double raw = coefficients[place] / preprocessing.scale[place];
      fit.coefficients[preprocessing.kept[place]] = raw;
      fit.intercept -= raw * preprocessing.center[place];
    }
  }

  bool hasBothClasses(std::size_t problem, const std::vector<std::size_t>& places) const {
    std::size_t positives = 0;
    for (const std::size_t place : places) positives += problems_[problem].positive[place];
    return positives > 0 && positives < places.size();
  }

  template <typename T>
  static std::vector<T> pick(const std::vector<T>& values, const std::vector<std::size_t>& places) {
    std::vector<T> result;
    result.reserve(places.size());
    for (const std::size_t place : places) result.push_back(values[place]);
    return result;
  }

  const FeatureTable& table_;
  const std::span<const TrainingSet> sets_;
  const std::span<const BinaryProblem> problems_;
  const RegressionOptions& options_;
  const StopSignal& stop_;
  RegressionResult result_;
  std::vector<std::vector<Effort>> efforts_;  ///< [problems][folds, then the last fit]
};

}  // namespace

RegressionResult crossValidate(const FeatureTable& table, std::span<const TrainingSet> sets,
                               std::span<const BinaryProblem> problems, const RegressionOptions& options,
                               const StopSignal& stop) {
  return CrossValidation(table, sets, problems, options, stop).run();
}

}  // namespace thaw::regression
