#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/stop_signal.h"
#include "regression/feature_table.h"
#include "regression/path_solver.h"
#include "regression/preprocessing.h"

namespace thaw::regression {

/** Rows of the feature table that problems share, with the same folds. */
struct TrainingSet {
  std::vector<std::uint32_t> rows;       ///< may repeat
  std::vector<std::uint32_t> folds;      ///< [rows] from 0; empty = no cross-validation
  std::vector<std::uint32_t> predicted;  ///< rows whose logits are wanted
};

/** One label (or one class against the rest) of a training set. */
struct BinaryProblem {
  std::size_t set = 0;
  std::vector<std::uint8_t> positive;  ///< [rows of the set]
};

struct RegressionOptions {
  PreprocessingOptions preprocessing;
  SolverOptions solver;
  std::vector<double> strengths;  ///< C, ascending
  bool balanced = false;
  std::size_t threads = 1;
};

enum class Outcome {
  crossValidated,  ///< C has the largest mean AUC
  onlyStrength,    ///< there were no folds to choose by
  noUsableFold,    ///< no fold has both classes in its training and its validation part; C is the smallest
  oneClass         ///< a constant: all weights 0, intercept log((P + ½) / (N + ½))
};

struct BinaryFit {
  Outcome outcome = Outcome::oneClass;
  std::size_t chosen = 0;    ///< index into the strengths
  std::vector<double> aucs;  ///< [folds × strengths] on the validation parts, NaN = a class is missing
  std::vector<double> coefficients;  ///< [columns of the table] on raw features
  double intercept = 0;
  std::vector<double> logits;   ///< [predicted rows of the set]
  bool converged = true;        ///< the last fit, on all rows
  std::size_t iterations = 0;   ///< of all fits
  std::size_t unconverged = 0;  ///< fits of the folds that did not reach the tolerance
};

struct RegressionResult {
  std::vector<Preprocessing> preprocessing;  ///< [sets] of the last fits
  std::vector<BinaryFit> fits;               ///< [problems]
};

/**
 * Fits every problem at every strength on the training part of every fold, chooses the strength of the
 * largest mean AUC over the validation parts (ties: the smaller), and fits with it on all rows. Preprocessing
 * is fitted on each training part alone. Results do not depend on the number of threads. Throws NON_FINITE
 * for a feature that is not finite (NaN is where medians are imputed), ABORTED.
 */
RegressionResult crossValidate(const FeatureTable& table, std::span<const TrainingSet> sets,
                               std::span<const BinaryProblem> problems, const RegressionOptions& options,
                               const StopSignal& stop);

}  // namespace thaw::regression
