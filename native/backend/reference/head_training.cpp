#include "backend/reference/head_training.h"

#include <cmath>
#include <set>
#include <span>

#include "engine/dropout.h"
#include "engine/loss.h"
#include "engine/random.h"
#include "engine/standardization.h"
#include "engine/weight_average.h"

namespace thaw::reference {
namespace {

using Matrix = std::vector<std::vector<double>>;

struct Scaling {
  std::vector<double> mean;
  std::vector<double> deviation;
};

Scaling scalingOf(const HeadBankOptions& options, const SampleGroup& group) {
  const std::size_t features = options.features.columns;
  Scaling scaling{std::vector<double>(features, 0), std::vector<double>(features, 1)};
  if (!group.standardize) return scaling;
  const std::set<std::uint32_t> rows(group.order.begin(), group.order.end());
  for (std::size_t i = 0; i < features; i++) {
    double sum = 0, squares = 0;
    for (const std::uint32_t row : rows) sum += elementOf(options.features, row, i);
    const double mean = sum / static_cast<double>(rows.size());
    for (const std::uint32_t row : rows) squares += std::pow(elementOf(options.features, row, i) - mean, 2);
    const double deviation = std::sqrt(squares / static_cast<double>(rows.size()));
    scaling.mean[i] = mean;
    scaling.deviation[i] = deviation > 1e-12 ? deviation : 1;
  }
  return scaling;
}

Matrix inputs(const HeadBankOptions& options, std::span<const std::uint32_t> rows, const Scaling& scaling) {
  Matrix x;
  for (const std::uint32_t row : rows) {
    x.emplace_back();
    for (std::size_t i = 0; i < options.features.columns; i++)
      x.back().push_back((elementOf(options.features, row, i) - scaling.mean[i]) / scaling.deviation[i]);
  }
  return x;
}

Matrix logitsOf(const Head& head, const Matrix& x) {
  Matrix z;
  for (const std::vector<double>& row : x) {
    z.push_back(head.bias);
    for (std::size_t c = 0; c < head.bias.size(); c++)
      for (std::size_t i = 0; i < row.size(); i++) z.back()[c] += head.weight[c * row.size() + i] * row[i];
  }
  return z;
}

/** Loss of a batch; `gradient` gets its derivative by the logits. */
double lossOf(const HeadBankOptions& options, const HeadOptions& head, std::span<const std::uint32_t> rows,
              const Matrix& z, Matrix& gradient) {
  const auto weightOf = [](const std::vector<float>& weights, std::size_t c) {
    return weights.empty() ? 1.0 : static_cast<double>(weights[c]);
  };
  const std::size_t outputs = options.outputs;
  gradient.assign(z.size(), std::vector<double>(outputs, 0));
  double loss = 0, terms = 0;
  for (std::size_t b = 0; b < z.size(); b++) {
    std::vector<double> y, weights;
    for (std::size_t c = 0; c < outputs; c++) {
      y.push_back(static_cast<double>(options.targets[rows[b] * outputs + c]));
      weights.push_back(weightOf(head.labelWeights, c));
    }
    if (options.loss == Loss::softmax) {
      loss += softmaxCrossEntropyRow(z[b], y, weights, gradient[b]);
      terms++;
      continue;
    }
    for (std::size_t c = 0; c < outputs; c++) {
      if (std::isnan(y[c])) continue;
      const LossTerm term =
          binaryCrossEntropyTerm(z[b][c], y[c], weights[c], weightOf(head.positiveWeights, c));
      loss += term.loss;
      gradient[b][c] = term.gradient;
      terms++;
    }
  }
  for (std::vector<double>& row : gradient)
    for (double& value : row) value /= std::max(terms, 1.0);
  return terms == 0 ? 0 : loss / terms;
}

/** PyTorch's formulas, see engine/optimizer.h. */
class Optimizer {
 public:
  Optimizer(const OptimizerOptions& options, std::size_t parameters)
      : options_(options), first_(parameters, 0), second_(parameters, 0) {}

  void beginStep(double rate, double momentum) {
    t_++;
    rate_ = rate;
    momentum_ = momentum;
  }

  void update(std::size_t index, double& parameter, double gradient, double decay) {
    if (options_.kind == OptimizerKind::adamw)
      parameter *= 1 - rate_ * decay;
    else
      gradient += decay * parameter;
    if (options_.kind == OptimizerKind::sgd) {
      first_[index] = momentum_ * first_[index] + gradient;
      parameter -= rate_ * (options_.nesterov ? gradient + momentum_ * first_[index] : first_[index]);
      return;
    }
    first_[index] = momentum_ * first_[index] + (1 - momentum_) * gradient;
    second_[index] = options_.beta2 * second_[index] + (1 - options_.beta2) * gradient * gradient;
    const double root = std::sqrt(second_[index]) / std::sqrt(1 - std::pow(options_.beta2, t_));
    parameter -= rate_ / (1 - std::pow(momentum_, t_)) * first_[index] / (root + options_.epsilon);
  }

 private:
  OptimizerOptions options_;
  std::vector<double> first_;
  std::vector<double> second_;
  double t_ = 0;
  double rate_ = 0;
  double momentum_ = 0;
};

void drop(Matrix& x, const HeadOptions& head, std::size_t step) {
  const std::uint32_t threshold = dropThreshold(head.dropout);
  if (threshold == 0) return;
  const double scale = survivorScale(threshold);
  const DropoutKey key = {head.seed, static_cast<std::uint32_t>(step), 0};
  for (std::size_t b = 0; b < x.size(); b++)
    for (std::size_t i = 0; i < x[b].size(); i++)
      x[b][i] = isKept(key, b, i, threshold) ? x[b][i] * scale : 0;
}

}  // namespace

Head initialWeights(std::size_t features, std::size_t outputs, std::uint32_t seed) {
  RandomStream random(seed, initialWeightsStream);
  const double bound = 1 / std::sqrt(static_cast<double>(features));
  Head head{std::vector<double>(features * outputs), std::vector<double>(outputs)};
  for (double& weight : head.weight) weight = (2 * random.uniform() - 1) * bound;
  for (double& bias : head.bias) bias = (2 * random.uniform() - 1) * bound;
  return head;
}

Training train(const HeadBankOptions& options, std::size_t index, Head start) {
  const HeadOptions& head = options.heads[index];
  const SampleGroup& group = options.groups[head.group];
  const Scaling scaling = scalingOf(options, group);
  const std::size_t features = options.features.columns, steps = options.stepsPerEpoch(group);
  Training training{start, start, {}, {}};
  const auto moveAverage = [&](std::uint64_t step) {
    const double share = head.averageDecay > 0 ? averageShare(head.averageDecay, step) : 1;
    const auto move = [&](std::vector<double>& average, const std::vector<double>& weights) {
      for (std::size_t i = 0; i < average.size(); i++) average[i] += share * (weights[i] - average[i]);
    };
    move(training.average.weight, training.head.weight);
    move(training.average.bias, training.head.bias);
  };
  Optimizer optimizer(options.optimizer, options.outputs * (features + 1));
  Matrix gradient;
  for (std::size_t epoch = 0; epoch < group.epochs(); epoch++) {
    double total = 0;
    for (std::size_t step = 0; step < steps; step++) {
      const std::size_t begin = step * options.batch,
                        end = std::min(begin + options.batch, group.rowsPerEpoch);
      const std::span<const std::uint32_t> rows(group.order.data() + epoch * group.rowsPerEpoch + begin,
                                                end - begin);
      const std::size_t at = epoch * steps + step;
      Matrix x = inputs(options, rows, scaling);
      drop(x, head, at);
      total += lossOf(options, head, rows, logitsOf(training.head, x), gradient);
      optimizer.beginStep(
          static_cast<double>((*head.learningRates)[at]),
          head.momenta == nullptr ? options.optimizer.momentum : static_cast<double>((*head.momenta)[at]));
      for (std::size_t c = 0; c < options.outputs; c++) {
        for (std::size_t i = 0; i < features; i++) {
          double sum = 0;
          for (std::size_t b = 0; b < x.size(); b++) sum += gradient[b][c] * x[b][i];
          optimizer.update(c * features + i, training.head.weight[c * features + i], sum, head.weightDecay);
        }
        double sum = 0;
        for (const std::vector<double>& row : gradient) sum += row[c];
        optimizer.update(options.outputs * features + c, training.head.bias[c], sum, 0);
      }
      moveAverage(at + 1);
    }
    training.trainLoss.push_back(total / static_cast<double>(steps));
    const Matrix z = logitsOf(training.average, inputs(options, group.validationRows, scaling));
    training.validationLoss.push_back(lossOf(options, head, group.validationRows, z, gradient));
  }
  return training;
}

}  // namespace thaw::reference
