#include <algorithm>
#include <cmath>

#include "test/check.h"
#include "test/random_graph.h"
#include "test/test_network.h"

// What the table of cases forgets: random graphs in random freeze states, by the reference kernels.
using namespace thaw;
using namespace thaw::test;

namespace {

struct Sample {
  CheckedGraph graph;
  ProgramOptions options;
};

Sample sampleOf(std::uint32_t seed) {
  const std::vector<std::uint8_t> bytes = randomBytes(seed, 200);
  Choices choices(bytes);
  const ProgramOptions options = randomOptions(choices);
  return {checkGraph(randomGraph(choices)), options};
}

/** Gradients of all trained parameters, by parameter; empty for the others. */
std::vector<std::vector<double>> gradientsOf(const Sample& sample, const ProgramOptions& options) {
  const auto backend = makeReferenceBackend(options.channelMultiple);
  TestNetwork network(sample.graph, options, *backend);
  network.load(seededParameters(sample.graph, 5));
  const TestBatch first = seededBatch(sample.graph, options.batch, 12),
                  batch = seededBatch(sample.graph, options.batch, 11);
  network.lossAndBackward(first.images, first.targets);
  network.load(seededParameters(sample.graph, 5));
  network.lossAndBackward(batch.images, batch.targets);
  std::vector<std::vector<double>> gradients;
  for (std::size_t parameter = 0; parameter < sample.graph.graph.parameters.size(); parameter++)
    gradients.push_back(network.isTrained(parameter) ? network.gradient(parameter) : std::vector<double>{});
  return gradients;
}

double largestOf(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace

TEST("gradients of random graphs equal finite differences") {
  for (std::uint32_t seed = 0; seed < 1500; seed++) {
    const Sample sample = sampleOf(seed);
    const auto gradients = gradientsOf(sample, sample.options);
    double most = 0;
    for (const std::vector<double>& gradient : gradients) most = std::max(most, largestOf(gradient));
    const auto backend = makeReferenceBackend();
    TestNetwork network(sample.graph, sample.options, *backend);
    network.load(seededParameters(sample.graph, 5));
    const TestBatch batch = seededBatch(sample.graph, sample.options.batch, 11);
    for (std::size_t parameter = 0; parameter < gradients.size(); parameter++)
      for (std::size_t part = 0; part < std::min<std::size_t>(gradients[parameter].size(), 3); part++) {
        const std::size_t index = (2 * part + 1) * gradients[parameter].size() / 6;
        const double h = 1e-6, kept = network.exact()->at(parameter, index);
        double losses[2];
        for (const int side : {0, 1}) {
          network.exact()->at(parameter, index) = kept + (2 * side - 1) * h;
          losses[side] = network.loss(batch.images, batch.targets);
        }
        network.exact()->at(parameter, index) = kept;
        const double expected = (losses[1] - losses[0]) / (2 * h), received = gradients[parameter][index];
        check::report(std::abs(received - expected) <= 1e-5 * std::max(most, 1e-3), __FILE__, __LINE__,
                      "graph " + std::to_string(seed) + ": " + sample.graph.graph.parameters[parameter].name +
                          "[" + std::to_string(index) + "] expected " + std::to_string(expected) +
                          " but received " + std::to_string(received));
      }
  }
}

TEST("neither padding nor kept inputs change a random graph's gradients") {
  for (std::uint32_t seed = 0; seed < 1500; seed++) {
    const Sample sample = sampleOf(seed);
    ProgramOptions plain = sample.options, padded = sample.options;
    plain.channelMultiple = 1;
    plain.keepNormalized = false;
    padded.channelMultiple = 16;
    padded.keepNormalized = true;
    check::report(gradientsOf(sample, plain) == gradientsOf(sample, padded), __FILE__, __LINE__,
                  "graph " + std::to_string(seed) + " differs");
  }
}

TEST("inference of random graphs equals the training form with fixed norms") {
  for (std::uint32_t seed = 0; seed < 1500; seed++) {
    Sample sample = sampleOf(seed);
    for (Node& node : sample.graph.graph.nodes)
      if (auto* dropout = std::get_if<Dropout>(&node.op)) dropout->rate = 0;
    const CheckedGraph graph = checkGraph(sample.graph.graph);
    const TestBatch batch = seededBatch(graph, sample.options.batch, 11);
    const auto logits = [&](const ProgramOptions& options) {
      const auto backend = makeReferenceBackend(sample.options.channelMultiple);
      TestNetwork network(graph, options, *backend);
      network.load(seededParameters(graph, 5));
      return network.forward(batch.images);
    };
    ProgramOptions inference = sample.options, fixed = sample.options;
    inference.trainedStages = 0;
    fixed.trainedStages = 15;
    fixed.normModes.assign(4, NormMode::fixed);
    const std::vector<double> expected = logits(fixed), received = logits(inference),
                              partly = logits([&] {
                                ProgramOptions options = fixed;
                                options.trainedStages = sample.options.trainedStages;
                                return options;
                              }());
    const double scale = std::max(1.0, largestOf(expected));
    for (std::size_t index = 0; index < expected.size(); index++)
      check::report(std::abs(received[index] - expected[index]) <= 1e-9 * scale &&
                        std::abs(partly[index] - expected[index]) <= 1e-9 * scale,
                    __FILE__, __LINE__, "graph " + std::to_string(seed) + " differs");
  }
}
