#include <algorithm>
#include <cstdio>
#include <string>

#include "engine/error.h"
#include "engine/network.h"
#include "test/check.h"
#include "test/golden.h"
#include "test/networks.h"

// DenseNet-121 and ResNet-50 against PyTorch in double precision: logits, gradients, running statistics,
// training.
using namespace thaw;

namespace {

/** Batches that are there already. */
class GivenBatches : public BatchSource {
 public:
  GivenBatches(const test::Golden& golden) : extent_(golden.input), batch_(golden.batch) {
    for (std::size_t index = 0; index < golden.batches; index++) {
      const auto images = test::goldenImages(golden, index), targets = test::goldenTargets(golden, index);
      images_.insert(images_.end(), images.begin(), images.end());
      targets_.insert(targets_.end(), targets.begin(), targets.end());
    }
    rows_ = golden.batches * golden.batch;
  }
  std::size_t rows() const override { return rows_; }
  Extent extent() const override { return extent_; }
  void fill(const BatchRequest& request, std::span<float> images, std::span<float>) override {
    for (std::size_t index = 0; index < request.rows.size(); index++)
      std::copy_n(images_.begin() + static_cast<std::ptrdiff_t>(request.rows[index] * extent_.size()),
                  extent_.size(), images.begin() + static_cast<std::ptrdiff_t>(index * extent_.size()));
  }
  /** Rows of a batch. */
  std::vector<std::uint32_t> batch(std::size_t index) const {
    std::vector<std::uint32_t> rows;
    for (std::size_t row = 0; row < batch_; row++)
      rows.push_back(static_cast<std::uint32_t>(index * batch_ + row));
    return rows;
  }
  std::span<const float> targets() const { return targets_; }

 private:
  Extent extent_;
  std::size_t batch_;
  std::size_t rows_;
  std::vector<float> images_;
  std::vector<float> targets_;
};

test::Golden goldenOf(const std::string& name) {
  return test::readGolden(std::string(THAW_GOLDEN_DIR) + "/" + name + ".txt");
}

Graph graphOf(const test::Golden& golden) {
  return golden.network == "resnet50" ? test::resnet({golden.input}) : test::densenet({golden.input});
}

NormMode modeOf(const std::string& name) {
  return name == "batch" ? NormMode::batch : name == "frozen" ? NormMode::frozen : NormMode::fixed;
}

std::unique_ptr<Network> networkOf(const test::Golden& golden, NormMode mode,
                                   const OptimizerOptions& optimizer, double decay, const CpuOptions& cpu) {
  NetworkOptions options;
  options.graph = graphOf(golden);
  options.batch = golden.batch;
  options.optimizer = optimizer;
  options.normModes.assign(6, mode);
  options.weightDecay = decay;
  auto network = std::make_unique<Network>(std::move(options), makeCpuBackend(cpu));
  for (std::size_t place = 0; place < golden.parameters.size(); place++) {
    const Parameter& parameter = golden.parameters[place];
    network->load(network->parameter(parameter.name), test::hashWeights(parameter, place, golden.seed));
  }
  return network;
}

TrainRequest stepOn(const GivenBatches& batches, const std::vector<std::uint32_t>& order,
                    const std::vector<float>& rates, const std::vector<float>& momenta,
                    const std::vector<std::uint32_t>& trained) {
  TrainRequest request;
  request.order = order;
  request.targets = batches.targets();
  request.learningRates = rates;
  request.momenta = momenta;
  request.trainedStages = trained;
  return request;
}

/** The worst of all sketches, and the median. */
struct Distances {
  double worst = 0;
  double median = 0;
  std::string where;
};

bool isStatistic(const test::Golden& golden, std::size_t place) {
  return golden.parameters[place].name.find(".running_") != std::string::npos;
}

enum class What { gradients, weights, statistics };

Distances distances(const test::Golden& golden, const Network& network, const test::Sketches& expected,
                    What what) {
  std::vector<double> all;
  Distances result;
  for (const auto& [place, sketch] : expected) {
    if (what != What::gradients && isStatistic(golden, place) != (what == What::statistics)) continue;
    const std::size_t parameter = network.parameter(golden.parameters[place].name);
    const auto values = what == What::gradients ? network.readGradient(parameter) : network.read(parameter);
    all.push_back(test::distance(test::sketchOf(values, place, golden.seed), sketch));
    if (all.back() >= result.worst) {
      result.worst = all.back();
      result.where = golden.parameters[place].name;
    }
  }
  if (all.empty()) return result;
  std::sort(all.begin(), all.end());
  result.median = all[all.size() / 2];
  return result;
}

/** One forward and backward pass in each mode; a rate of 0 leaves the weights as they are. */
void comparePasses(const std::string& name, const CpuOptions& cpu) {
  const test::Golden golden = goldenOf(name);
  GivenBatches batches(golden);
  for (const auto& [mode, pass] : golden.passes) {
    const auto network = networkOf(golden, modeOf(mode), {OptimizerKind::sgd, 0, false, 0, 0}, 0, cpu);
    if (mode != "batch") {
      std::vector<float> logits(golden.batch * golden.outputs);
      network->infer(batches, batches.batch(0), {}, logits);
      double most = 0, largest = 0;
      for (const double logit : pass.logits) largest = std::max(largest, std::abs(logit));
      for (std::size_t index = 0; index < logits.size(); index++)
        most = std::max(most, std::abs(logits[index] - pass.logits[index]) / largest);
      check::report(most < 1e-4, __FILE__, __LINE__, mode + ": logits deviate by " + std::to_string(most));
    }
    const std::vector<std::uint32_t> order = batches.batch(0);
    const PassResult result =
        network->train(batches, stepOn(batches, order, std::vector<float>(6, 0.0f), {}, {63}), {});
    CHECK_NEAR(result.losses[0], pass.loss, 1e-5);
    const Distances gradients = distances(golden, *network, pass.gradients, What::gradients);
    std::printf("  %s, %s: gradients %.1e (median %.1e, worst %s)\n", name.c_str(), mode.c_str(),
                gradients.worst, gradients.median, gradients.where.c_str());
    CHECK(gradients.worst < 1e-4);
    CHECK(gradients.median < 2e-5);
    if (mode != "batch") continue;
    const Distances statistics = distances(golden, *network, pass.statistics, What::statistics);
    CHECK(statistics.worst < 1e-5);
  }
}

void compareTraining(const std::string& name) {
  const test::Golden golden = goldenOf(name);
  GivenBatches batches(golden);
  for (const test::GoldenTraining& training : golden.trainings) {
    const bool sgd = training.optimizer == "sgd";
    const OptimizerOptions optimizer = {sgd ? OptimizerKind::sgd : OptimizerKind::adamw, 0.9, sgd, 0.999,
                                        1e-8};
    const auto network =
        networkOf(golden, modeOf(training.mode), optimizer, training.decay, {Precision::fp32, 2, true});
    double worst = 0, largest = 0;
    for (const double loss : training.losses) largest = std::max(largest, loss);
    for (std::size_t step = 0; step < training.losses.size(); step++) {
      const std::vector<std::uint32_t> order = batches.batch(step % golden.batches);
      const std::vector<float> rates(6, static_cast<float>(training.rates[step]));
      const PassResult result = network->train(
          batches, stepOn(batches, order, rates, {static_cast<float>(training.momenta[step])}, {63}), {});
      worst = std::max(worst, std::abs(result.losses[0] - training.losses[step]) / largest);
    }
    const Distances weights = distances(golden, *network, training.final, What::weights);
    std::printf("  %s, %s, %s: losses %.1e, weights %.1e (median %.1e, worst %s)\n", name.c_str(),
                training.mode.c_str(), training.optimizer.c_str(), worst, weights.worst, weights.median,
                weights.where.c_str());
    CHECK(worst < 1e-3);
    CHECK(weights.worst < 1e-3);
    // Adam divides by the gradient's own size: what rounding makes of small gradients shows in the last
    // block's statistics of 16 values a channel.
    CHECK(distances(golden, *network, training.final, What::statistics).worst < 5e-3);
  }
}

}  // namespace

TEST("DenseNet-121: a pass equals PyTorch's in all modes of batch norm") {
  comparePasses("densenet121", {Precision::fp32, 2, true});
}
TEST("ResNet-50: a pass equals PyTorch's in all modes of batch norm") {
  comparePasses("resnet50", {Precision::fp32, 2, true});
}
TEST("and without Winograd") {
  comparePasses("densenet121", {Precision::fp32, 2, false});
}
TEST("DenseNet-121: 20 steps of SGD-Nesterov and AdamW with a one-cycle table equal PyTorch's") {
  compareTraining("densenet121");
}
TEST("ResNet-50: 20 steps of SGD-Nesterov and AdamW with a one-cycle table equal PyTorch's") {
  compareTraining("resnet50");
}
