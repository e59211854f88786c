#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "engine/error.h"
#include "engine/head_bank.h"
#include "engine/weight_average.h"

// Training and validation of the head bank; construction and inference are in head_bank.cpp.
namespace thaw {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
/** Logits that one validation pass may hold. */
constexpr std::size_t passFloats = std::size_t{16} << 20;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

TrainResult HeadBank::train(std::size_t epochs, const StopSignal& stop) {
  requireUsable();
  if (stop.raised()) throw EngineError(ErrorCode::aborted, "training was stopped before its first step.");
  standardizeGroups();
  TrainResult result(heads(), epochs);
  for (std::size_t column = 0; column < epochs; column++) {
    pool_.forEach(blocks_.size(), [&](std::size_t index, std::size_t thread) {
      if (hasEpoch(blocks_[index].group)) trainBlock(blocks_[index], stop, scratch_[thread], column, result);
    });
    if (!stop.raised()) validate(stop, column, result);
    if (stop.raised()) {
      interrupted_ = true;
      throw EngineError(ErrorCode::aborted, "training was stopped.");
    }
    for (std::size_t group = 0; group < epochs_.size(); group++) epochs_[group] += hasEpoch(group) ? 1 : 0;
  }
  for (std::size_t head = 0; head < heads(); head++) {
    result.failedStep[head] = states_.records[head].failedStep;
    result.bestEpoch[head] = states_.records[head].bestEpoch;
  }
  return result;
}

void HeadBank::trainBlock(const Block& block, const StopSignal& stop, HeadScratch& scratch,
                          std::size_t column, TrainResult& result) {
  const Stopwatch watch;
  const SampleGroup& group = options_.groups[block.group];
  const std::size_t steps = options_.stepsPerEpoch(group), first = epochs_[block.group] * steps;
  const std::span<const std::uint32_t> order(group.order.data() + epochs_[block.group] * group.rowsPerEpoch,
                                             group.rowsPerEpoch);
  std::vector<double> losses(block.heads.size(), 0);
  for (std::size_t step = 0; step < steps && !stop.raised(); step++) {
    const std::size_t begin = step * options_.batch;
    const auto rows = order.subspan(begin, std::min(options_.batch, group.rowsPerEpoch - begin));
    const PackedRows batch = packInto(scratch, kernels_, options_.features, rows, states_.layout.panels,
                                      scalings_[block.group].get());
    const std::size_t known = gatherTargets(scratch, options_.targets, options_.outputs, rows);
    const std::size_t terms = options_.loss == Loss::softmax ? rows.size() : std::max<std::size_t>(known, 1);
    for (std::size_t i = 0; i < block.heads.size(); i++)
      losses[i] += stepHead(block.heads[i], first + step, batch, 1.0f / static_cast<float>(terms), scratch);
  }
  const double share = watch.seconds() / static_cast<double>(block.heads.size());
  for (std::size_t i = 0; i < block.heads.size(); i++) {
    const std::size_t head = block.heads[i];
    result.trainSeconds[head] += share;
    if (states_.records[head].failedStep < 0)
      result.trainLoss[head * result.epochs + column] = losses[i] / static_cast<double>(steps);
  }
}

/** One step of one head; returns its loss. A loss that is not finite ends the training of this head. */
double HeadBank::stepHead(std::size_t head, std::size_t step, const PackedRows& batch, float lossScale,
                          HeadScratch& scratch) {
  HeadRecord& record = states_.records[head];
  if (record.failedStep >= 0) return none;
  const HeadOptions& options = options_.heads[head];
  const HeadConstants& constants = constants_[head];
  const double rate = static_cast<double>((*options.learningRates)[step]) * record.rateFactor;
  const double momentum = options.momenta == nullptr ? options_.optimizer.momentum
                                                     : static_cast<double>((*options.momenta)[step]);
  HeadStep request = {};
  request.batch = batch;
  request.outputs = options_.outputs;
  request.loss = options_.loss;
  request.targets = scratch.targets.data();
  request.labelWeights = constants.labelWeights.empty() ? nullptr : constants.labelWeights.data();
  request.positiveWeights = constants.positiveWeights.empty() ? nullptr : constants.positiveWeights.data();
  request.lossScale = lossScale;
  request.head = states_.layout.tensors(states_.slice(head));
  request.update =
      updateConstants(options_.optimizer, rate, momentum, options.weightDecay, record.optimizerSteps + 1);
  request.seed = options.seed;
  request.step = static_cast<std::uint32_t>(step);
  request.dropThreshold = constants.dropThreshold;
  request.survivorScale = constants.survivorScale;
  request.masks = scratch.masks.data();
  request.logits = scratch.logits.data();
  request.gradients = scratch.gradients.data();
  const double loss = kernels_.step(request);
  if (!std::isfinite(loss)) {
    record.failedStep = static_cast<std::int32_t>(step);
    return loss;
  }
  record.optimizerSteps++;
  if (states_.isAveraged(head))
    kernels_.average(states_.slice(head), states_.average(head), states_.layout.parameters(),
                     static_cast<float>(averageShare(options.averageDecay, record.optimizerSteps)));
  return loss;
}

/** Groups with the same validation rows share one set. */
void HeadBank::prepareValidation() {
  std::map<std::vector<std::uint32_t>, std::size_t> known;
  std::vector<std::vector<std::size_t>> members;
  for (const Block& block : blocks_) {
    const std::vector<std::uint32_t>& rows = options_.groups[block.group].validationRows;
    const auto [entry, isNew] = known.try_emplace(rows, sets_.size());
    if (isNew) {
      sets_.emplace_back(rows, options_.targets, options_.outputs);
      members.emplace_back();
    }
    members[entry->second].insert(members[entry->second].end(), block.heads.begin(), block.heads.end());
  }
  for (std::size_t set = 0; set < sets_.size(); set++) {
    const std::size_t floats = std::max<std::size_t>(sets_[set].rows.size() * options_.outputs, 1);
    const std::size_t most = std::max<std::size_t>(passFloats / floats, 1);
    for (std::size_t first = 0; first < members[set].size(); first += most) {
      const auto begin = members[set].begin() + static_cast<std::ptrdiff_t>(first);
      const std::size_t count = std::min(most, members[set].size() - first);
      passes_.push_back({set, {begin, begin + static_cast<std::ptrdiff_t>(count)}});
    }
  }
}

void HeadBank::validate(const StopSignal& stop, std::size_t column, TrainResult& result) {
  for (const Pass& pass : passes_) {
    Pass active = {pass.set, {}};
    for (const std::size_t head : pass.heads)
      if (hasEpoch(options_.heads[head].group) && states_.records[head].failedStep < 0)
        active.heads.push_back(head);
    if (!active.heads.empty()) validatePass(active, stop, column, result);
    if (stop.raised()) return;
  }
}

void HeadBank::validatePass(const Pass& pass, const StopSignal& stop, std::size_t column,
                            TrainResult& result) {
  const ValidationSet& set = sets_[pass.set];
  const std::size_t perHead = set.rows.size() * options_.outputs, count = pass.heads.size();
  std::vector<float> logits(perHead * count);
  std::vector<EvaluatedHead> evaluated;
  for (std::size_t i = 0; i < count; i++) {
    const std::size_t head = pass.heads[i];
    evaluated.push_back({head, states_.evaluated(head), scalingOf(head), logits.data() + i * perHead});
  }
  const auto tasks = evaluationTasks(set.rows.size(), count, pool_.threads());
  std::vector<double> losses((set.rows.size() + evaluationRows - 1) / evaluationRows * count);
  std::vector<double> seconds(tasks.size());
  pool_.forEach(tasks.size(), [&](std::size_t index, std::size_t thread) {
    if (stop.raised()) return;
    const Stopwatch watch;
    double* row = losses.data() + tasks[index].firstRow / evaluationRows * count;
    evaluateTask(tasks[index], set.rows, evaluated, scratch_[thread], row);
    seconds[index] = watch.seconds();
  });
  if (stop.raised()) return;
  const std::size_t terms = options_.loss == Loss::softmax ? set.rows.size() : set.known;
  pool_.forEach(count, [&](std::size_t index, std::size_t thread) {
    const Stopwatch watch;
    const std::size_t head = pass.heads[index];
    double loss = 0;
    for (std::size_t at = index; at < losses.size(); at += count) loss += losses[at];
    loss = terms == 0 ? none : loss / static_cast<double>(terms);
    const std::span<float> own(logits.data() + index * perHead, perHead);
    const double auroc = macroAuroc(set, own, options_.outputs, options_.loss, scratch_[thread]);
    result.validationLoss[head * result.epochs + column] = loss;
    result.validationAuroc[head * result.epochs + column] = auroc;
    chooseBest(head, loss, auroc);
    result.validateSeconds[head] += watch.seconds();
  });
  for (std::size_t index = 0; index < tasks.size(); index++)
    for (std::size_t i = 0; i < tasks[index].heads; i++)
      result.validateSeconds[pass.heads[tasks[index].firstHead + i]] +=
          seconds[index] / static_cast<double>(tasks[index].heads);
}

/** A criterion that is not a number (no validation rows, no label with both classes) makes the last epoch the
 * best. */
void HeadBank::chooseBest(std::size_t head, double loss, double auroc) {
  HeadRecord& record = states_.records[head];
  const double criterion = options_.select == Selection::auroc && !std::isnan(auroc) ? -auroc : loss;
  if (std::isnan(criterion) ? !std::isnan(record.bestCriterion) : criterion >= record.bestCriterion) return;
  record.bestCriterion = criterion;
  record.bestEpoch = static_cast<std::int32_t>(epochs_[options_.heads[head].group]);
  states_.keepAsBest(head);
}

}  // namespace thaw
