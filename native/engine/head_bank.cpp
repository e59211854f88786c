#include "engine/head_bank.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "engine/error.h"

namespace thaw {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
/** State of a block's heads: larger than the second cache is no loss as long as the third feeds it in time.
 */
constexpr std::size_t blockBytes = std::size_t{3} << 19;
constexpr std::size_t mostHeadsInBlock = 32;
/** Blocks a thread, so that threads end together. */
constexpr std::size_t blocksPerThread = 4;

bool isAveraged(const HeadOptions& head) {
  return head.averageDecay > 0;
}

HeadStates statesOf(const HeadBankOptions& options) {
  std::vector<bool> averaged;
  for (const HeadOptions& head : options.heads) averaged.push_back(isAveraged(head));
  const bool any = std::any_of(options.heads.begin(), options.heads.end(), isAveraged);
  return {HeadLayout(options.features.columns, options.outputs, options.optimizer.kind, any),
          std::move(averaged)};
}

std::vector<float> repeated(const std::vector<float>& weights) {
  std::vector<float> result;
  for (std::size_t i = 0; i < panelWidth && !weights.empty(); i++)
    result.insert(result.end(), weights.begin(), weights.end());
  return result;
}

}  // namespace

TrainResult::TrainResult(std::size_t heads, std::size_t epochs)
    : epochs(epochs),
      trainLoss(heads * epochs, none),
      validationLoss(heads * epochs, none),
      validationAuroc(heads * epochs, none),
      failedStep(heads, -1),
      bestEpoch(heads, -1),
      trainSeconds(heads, 0),
      validateSeconds(heads, 0) {}

HeadBank::HeadBank(HeadBankOptions options, const HeadKernels& kernels)
    : options_((checkOptions(options), std::move(options))),
      kernels_(kernels),
      states_(statesOf(options_)),
      pool_(options_.threads),
      scalings_(options_.groups.size()),
      epochs_(options_.groups.size(), 0) {
  for (std::size_t thread = 0; thread < pool_.threads(); thread++)
    scratch_.emplace_back(states_.layout.panels, options_.outputs, options_.batch);
  prepareHeads();
  prepareBlocks();
  prepareValidation();
}

void HeadBank::prepareHeads() {
  for (std::size_t head = 0; head < heads(); head++) {
    const HeadOptions& options = options_.heads[head];
    const double threshold = std::min(std::round(options.dropout * 65536), 65535.0);
    constants_.push_back({static_cast<std::uint32_t>(threshold),
                          static_cast<float>(65536 / (65536 - threshold)), repeated(options.labelWeights),
                          repeated(options.positiveWeights)});
    states_.initialize(head, options.seed);
    states_.records[head].bestCriterion = none;
  }
}

/** Heads of a group in blocks whose weights stay near the core, small enough that all threads have work to
 * the end. */
void HeadBank::prepareBlocks() {
  const std::size_t headBytes =
      states_.layout.parameters() * (1 + states_.layout.moments + states_.layout.averages) * sizeof(float);
  const std::size_t fair =
      (heads() + pool_.threads() * blocksPerThread - 1) / (pool_.threads() * blocksPerThread);
  const std::size_t most = std::min(
      {std::max<std::size_t>(blockBytes / headBytes, 2), std::max<std::size_t>(fair, 2), mostHeadsInBlock});
  std::vector<std::vector<std::size_t>> members(options_.groups.size());
  for (std::size_t head = 0; head < heads(); head++) members[options_.heads[head].group].push_back(head);
  for (std::size_t group = 0; group < members.size(); group++) {
    const std::size_t count = members[group].size(), blocks = (count + most - 1) / most;
    for (std::size_t block = 0; block < blocks; block++) {
      const auto begin = members[group].begin();
      blocks_.push_back({group,
                         {begin + static_cast<std::ptrdiff_t>(count * block / blocks),
                          begin + static_cast<std::ptrdiff_t>(count * (block + 1) / blocks)}});
    }
  }
}

const Standardization* HeadBank::scalingOf(std::size_t head) const {
  return scalings_[options_.heads[head].group].get();
}

const Standardization* HeadBank::ensureScaling(std::size_t group) {
  const SampleGroup& options = options_.groups[group];
  if (options.standardize && scalings_[group] == nullptr)
    scalings_[group] = std::make_unique<Standardization>(
        standardizationOf(options_.features, options.order, states_.layout.panels * panelWidth));
  return scalings_[group].get();
}

void HeadBank::standardizeGroups() {
  pool_.forEach(options_.groups.size(), [&](std::size_t group, std::size_t) { ensureScaling(group); });
}

void HeadBank::requireUsable() const {
  if (interrupted_)
    throw EngineError(ErrorCode::engine,
                      "training was stopped in the middle of an epoch: restore a snapshot first.");
}

LinearWeights HeadBank::weights(std::size_t head, WeightsKind which) {
  requireUsable();
  return states_.linear(head, which == WeightsKind::best, ensureScaling(options_.heads[head].group));
}

void HeadBank::setRateFactor(std::size_t head, double factor) {
  requireUsable();
  if (!(factor >= 0 && std::isfinite(factor)))
    throw EngineError(
        ErrorCode::engine,
        "expected a number of at least 0 for factor but received " + std::to_string(factor) + ".", "factor");
  states_.records[head].rateFactor = factor;
}

void HeadBank::load(std::size_t head, std::span<const float> weight, std::span<const float> bias) {
  requireUsable();
  states_.load(head, weight, bias, ensureScaling(options_.heads[head].group));
}

void HeadBank::infer(std::span<const std::uint32_t> rows, WeightsKind which, const StopSignal& stop,
                     std::span<float> logits) {
  requireUsable();
  standardizeGroups();
  std::vector<EvaluatedHead> evaluated;
  for (const Block& block : blocks_)
    for (const std::size_t head : block.heads)
      evaluated.push_back({head, states_.chosen(head, which == WeightsKind::best), scalingOf(head),
                           logits.data() + head * rows.size() * options_.outputs});
  const auto tasks = evaluationTasks(rows.size(), evaluated.size(), pool_.threads());
  pool_.forEach(tasks.size(), [&](std::size_t index, std::size_t thread) {
    if (!stop.raised()) evaluateTask(tasks[index], rows, evaluated, scratch_[thread], nullptr);
  });
  if (stop.raised()) throw EngineError(ErrorCode::aborted, "inference was stopped.");
}

/** `losses` [rows of the task's block × heads] gets Σ of the loss terms, when given. */
void HeadBank::evaluateTask(const EvaluationTask& task, std::span<const std::uint32_t> rows,
                            std::span<const EvaluatedHead> heads, HeadScratch& scratch, double* losses) {
  const HeadLayout& layout = states_.layout;
  const std::span<const std::uint32_t> block = rows.subspan(task.firstRow, task.rows);
  if (losses != nullptr) gatherTargets(scratch, options_.targets, layout.outputs, block);
  PackedRows packed = {};
  for (std::size_t index = task.firstHead; index < task.firstHead + task.heads; index++) {
    const EvaluatedHead& head = heads[index];
    if (packed.values == nullptr || head.scaling != heads[index - 1].scaling)
      packed = packInto(scratch, kernels_, options_.features, block, layout.panels, head.scaling);
    kernels_.forward({packed, layout.outputs, head.parameters, head.parameters + layout.weightSize,
                      scratch.logits.data()});
    std::copy_n(scratch.logits.data(), task.rows * layout.outputs,
                head.logits + task.firstRow * layout.outputs);
    if (losses == nullptr) continue;
    const HeadConstants& constants = constants_[head.head];
    const auto pointer = [](const std::vector<float>& weights) {
      return weights.empty() ? nullptr : weights.data();
    };
    losses[index] = kernels_.loss({task.rows, layout.outputs, options_.loss, scratch.targets.data(),
                                   pointer(constants.labelWeights), pointer(constants.positiveWeights), 1.0f,
                                   scratch.logits.data(), scratch.gradients.data()});
  }
}

std::size_t HeadBank::bytes() const {
  std::size_t total = states_.floats() * sizeof(float) + options_.targets.size() * sizeof(float);
  for (const SampleGroup& group : options_.groups)
    total += (group.order.size() + 2 * group.validationRows.size()) * sizeof(std::uint32_t);
  for (const HeadScratch& scratch : scratch_)
    total += (scratch.packed.size() + 3 * scratch.logits.size()) * sizeof(float);
  return total;
}

}  // namespace thaw
