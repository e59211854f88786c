#include "addon/logistic_regression.h"

#include <memory>

#include "addon/job.h"
#include "addon/marshal.h"
#include "regression/cross_validation.h"

namespace thaw::addon {
namespace {

using namespace thaw::regression;

FeatureTable featureTable(const Argument& request) {
  const Argument features = request.field("features");
  FeatureTable table;
  table.columns = request.field("columns").count(1);
  std::size_t length = 0;
  if (features.isDoubles()) {
    table.doubles = features.doubles().data();
    length = features.doubles().size();
  } else {
    table.floats = features.floats().data();
    length = features.floats().size();
  }
  table.rows = length / table.columns;
  if (table.rows * table.columns != length)
    throw EngineError(ErrorCode::engine,
                      "expected rows of " + std::to_string(table.columns) + " features but received " +
                          std::to_string(length) + " values.",
                      "features");
  return table;
}

TrainingSet trainingSet(const Argument& set, std::size_t limit) {
  constexpr std::size_t mostFolds = 1u << 16;
  const auto rows = set.field("rows").rows(limit);
  const auto folds = set.field("folds").rows(mostFolds);
  const auto predicted = set.field("predicted").rows(limit);
  if (rows.empty()) throw EngineError(ErrorCode::engine, "expected training rows.", set.name() + ".rows");
  if (!folds.empty() && folds.size() != rows.size())
    throw EngineError(ErrorCode::engine, "expected a fold for every row, or none.", set.name() + ".folds");
  return {{rows.begin(), rows.end()}, {folds.begin(), folds.end()}, {predicted.begin(), predicted.end()}};
}

BinaryProblem binaryProblem(const Argument& problem, const std::vector<TrainingSet>& sets) {
  const std::size_t set = problem.field("set").count(0, static_cast<std::uint32_t>(sets.size() - 1));
  const auto targets = problem.field("targets").bytes();
  if (targets.size() != sets[set].rows.size())
    throw EngineError(ErrorCode::engine, "expected a target for every row of the set.",
                      problem.name() + ".targets");
  for (const std::uint8_t target : targets)
    if (target > 1)
      throw EngineError(ErrorCode::engine, "expected targets of 0 and 1.", problem.name() + ".targets");
  return {set, {targets.begin(), targets.end()}};
}

RegressionOptions regressionOptions(const Argument& request) {
  RegressionOptions options;
  options.preprocessing = {request.field("standardize").flag(), request.field("imputeMedian").flag(),
                           request.field("largestModeShare").number(),
                           request.field("largestCorrelation").number()};
  options.solver = {request.field("l1Ratio").number(), request.field("tolerance").number(),
                    request.field("maxIterations").count(1)};
  const auto strengths = request.field("strengths").doubles();
  options.strengths = {strengths.begin(), strengths.end()};
  for (std::size_t c = 0; c < strengths.size(); c++)
    if (!(strengths[c] > (c == 0 ? 0 : strengths[c - 1])) || !std::isfinite(strengths[c]))
      throw EngineError(ErrorCode::engine, "expected ascending values above 0.", "strengths");
  if (strengths.empty()) throw EngineError(ErrorCode::engine, "expected a strength.", "strengths");
  options.balanced = request.field("balanced").flag();
  options.threads = request.field("threads").count(1, 1024);
  return options;
}

const char* nameOfOutcome(Outcome outcome) {
  switch (outcome) {
    case Outcome::crossValidated:
      return "cross-validated";
    case Outcome::onlyStrength:
      return "only-strength";
    case Outcome::noUsableFold:
      return "no-usable-fold";
    case Outcome::oneClass:
      break;
  }
  return "one-class";
}

Napi::Value fitObject(Napi::Env env, const BinaryFit& fit) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("outcome", nameOfOutcome(fit.outcome));
  object.Set("chosen", static_cast<double>(fit.chosen));
  object.Set("aucs", float64Array(env, fit.aucs));
  object.Set("coefficients", float64Array(env, fit.coefficients));
  object.Set("intercept", fit.intercept);
  object.Set("logits", float64Array(env, fit.logits));
  object.Set("converged", fit.converged);
  object.Set("iterations", static_cast<double>(fit.iterations));
  object.Set("unconverged", static_cast<double>(fit.unconverged));
  return object;
}

Napi::Value resultObject(Napi::Env env, const RegressionResult& result) {
  Napi::Array sets = Napi::Array::New(env, result.preprocessing.size());
  for (std::uint32_t i = 0; i < sets.Length(); i++) {
    Napi::Object set = Napi::Object::New(env);
    set.Set("kept", uint32Array(env, result.preprocessing[i].kept));
    set.Set("medians", float64Array(env, result.preprocessing[i].median));
    sets.Set(i, set);
  }
  Napi::Array fits = Napi::Array::New(env, result.fits.size());
  for (std::uint32_t i = 0; i < fits.Length(); i++) fits.Set(i, fitObject(env, result.fits[i]));
  Napi::Object object = Napi::Object::New(env);
  object.Set("sets", sets);
  object.Set("fits", fits);
  return object;
}

/** fitLogisticRegressions(request, abort): Promise<NativeLogisticResult> */
Napi::Value fitLogisticRegressions(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Argument request(info[0], ""), abort(info[1], "abort");
    const FeatureTable table = featureTable(request);
    std::vector<TrainingSet> sets;
    for (const Argument& set : request.field("sets").list()) sets.push_back(trainingSet(set, table.rows));
    if (sets.empty()) throw EngineError(ErrorCode::engine, "expected a training set.", "sets");
    std::vector<BinaryProblem> problems;
    for (const Argument& problem : request.field("problems").list())
      problems.push_back(binaryProblem(problem, sets));
    const RegressionOptions options = regressionOptions(request);
    const std::int32_t* const stop = abort.abortFlag();
    const auto result = std::make_shared<RegressionResult>();
    return Job::start(
        info.Env(), nullptr, {request.object(), request.field("features").object(), abort.object()},
        [table, sets = std::move(sets), problems = std::move(problems), options, stop,
         result](const std::atomic<bool>& closing) {
          *result = crossValidate(table, sets, problems, options, {stop, &closing});
        },
        [result](Napi::Env env) { return resultObject(env, *result); });
  });
}

}  // namespace

Napi::Function logisticRegressionFunction(Napi::Env env) {
  return Napi::Function::New<fitLogisticRegressions>(env, "fitLogisticRegressions");
}

}  // namespace thaw::addon
