#include "engine/head_bank_options.h"

#include <cmath>
#include <string>

#include "engine/error.h"

namespace thaw {
namespace {

[[noreturn]] void refuse(const std::string& node, const std::string& expected, const std::string& received) {
  throw EngineError(ErrorCode::engine,
                    "expected " + expected + " for " + node + " but received " + received + ".", node);
}

void checkSize(const std::string& node, const std::string& what, std::size_t expected, std::size_t received) {
  if (expected != received) refuse(node, std::to_string(expected) + " " + what, std::to_string(received));
}

void checkRows(const std::string& node, const std::vector<std::uint32_t>& rows, std::size_t limit) {
  for (const std::uint32_t row : rows)
    if (row >= limit) refuse(node, "rows below " + std::to_string(limit), "row " + std::to_string(row));
}

/** Class probabilities of the rows that are used. */
void checkProbabilities(const std::string& node, const HeadBankOptions& options,
                        const std::vector<std::uint32_t>& rows) {
  for (const std::uint32_t row : rows) {
    for (std::size_t output = 0; output < options.outputs; output++) {
      const float target = options.targets[row * options.outputs + output];
      if (!(target >= 0 && target <= 1))
        refuse("targets", "class probabilities for row " + std::to_string(row) + " of " + node,
               std::to_string(target));
    }
  }
}

void checkGroup(const HeadBankOptions& options, std::size_t index) {
  const SampleGroup& group = options.groups[index];
  const std::string node = "groups[" + std::to_string(index) + "]";
  if (group.rowsPerEpoch == 0) refuse(node + ".rowsPerEpoch", "at least 1 row", "0");
  if (group.order.size() % group.rowsPerEpoch != 0)
    refuse(node + ".order", "a multiple of " + std::to_string(group.rowsPerEpoch) + " rows",
           std::to_string(group.order.size()));
  checkRows(node + ".order", group.order, options.features.rows);
  checkRows(node + ".validationRows", group.validationRows, options.features.rows);
  if (options.loss != Loss::softmax) return;
  checkProbabilities(node + ".order", options, group.order);
  checkProbabilities(node + ".validationRows", options, group.validationRows);
}

void checkHead(const HeadBankOptions& options, std::size_t index) {
  const HeadOptions& head = options.heads[index];
  const std::string node = "heads[" + std::to_string(index) + "]";
  if (head.group >= options.groups.size())
    refuse(node + ".group", "a group below " + std::to_string(options.groups.size()),
           std::to_string(head.group));
  if (!(head.dropout >= 0 && head.dropout < 1))
    refuse(node + ".dropout", "a rate from 0 to below 1", std::to_string(head.dropout));
  if (!(head.weightDecay >= 0 && std::isfinite(head.weightDecay)))
    refuse(node + ".weightDecay", "a number of at least 0", std::to_string(head.weightDecay));
  if (!(head.averageDecay >= 0 && head.averageDecay < 1))
    refuse(node + ".averageDecay", "a number from 0 to below 1", std::to_string(head.averageDecay));
  const SampleGroup& group = options.groups[head.group];
  const std::size_t steps = group.epochs() * options.stepsPerEpoch(group);
  checkSize(node + ".learningRates", "values, one a step", steps, head.learningRates->size());
  if (head.momenta != nullptr)
    checkSize(node + ".momenta", "values, one a step", steps, head.momenta->size());
  if (!head.labelWeights.empty())
    checkSize(node + ".labelWeights", "values, one an output", options.outputs, head.labelWeights.size());
  if (head.positiveWeights.empty()) return;
  if (options.loss == Loss::softmax)
    refuse(node + ".positiveWeights", "no positive weights with softmax", "some");
  checkSize(node + ".positiveWeights", "values, one an output", options.outputs, head.positiveWeights.size());
}

void checkOptimizer(const OptimizerOptions& optimizer) {
  if (!(optimizer.momentum >= 0 && optimizer.momentum < 1))
    refuse("optimizer.momentum", "a number from 0 to below 1", std::to_string(optimizer.momentum));
  if (optimizer.kind == OptimizerKind::sgd) return;
  if (!(optimizer.beta2 >= 0 && optimizer.beta2 < 1))
    refuse("optimizer.beta2", "a number from 0 to below 1", std::to_string(optimizer.beta2));
  if (!(optimizer.epsilon >= 0 && std::isfinite(optimizer.epsilon)))
    refuse("optimizer.epsilon", "a number of at least 0", std::to_string(optimizer.epsilon));
}

}  // namespace

void checkOptions(const HeadBankOptions& options) {
  const std::size_t fewest = options.loss == Loss::softmax ? 2 : 1;
  if (options.outputs < fewest)
    refuse("outputs", "at least " + std::to_string(fewest), std::to_string(options.outputs));
  if (options.features.columns == 0) refuse("features.columns", "at least 1", "0");
  if (options.batch == 0) refuse("batch", "at least 1", "0");
  if (options.threads == 0) refuse("threads", "at least 1", "0");
  if (options.heads.empty()) refuse("heads", "at least 1 head", "0");
  checkSize("targets", "values, one a feature row and output", options.features.rows * options.outputs,
            options.targets.size());
  checkOptimizer(options.optimizer);
  for (std::size_t group = 0; group < options.groups.size(); group++) checkGroup(options, group);
  for (std::size_t head = 0; head < options.heads.size(); head++) checkHead(options, head);
}

}  // namespace thaw
