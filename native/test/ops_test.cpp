#include <algorithm>
#include <cmath>

#include "engine/dropout.h"
#include "test/check.h"
#include "test/op_cases.h"
#include "test/test_network.h"

using namespace thaw;
using namespace thaw::test;

namespace {

/** At most `count` indices below `size`, evenly spread. */
std::vector<std::size_t> sampleOf(std::size_t size, std::size_t count) {
  std::vector<std::size_t> sample;
  const std::size_t taken = std::min(size, count);
  for (std::size_t index = 0; index < taken; index++) sample.push_back((2 * index + 1) * size / (2 * taken));
  return sample;
}

/** d loss / d parameter by central differences; running statistics move with each forward, but only without
 * being read. */
double differenceQuotient(TestNetwork& network, const TestBatch& batch, std::size_t parameter,
                          std::size_t index) {
  // Small enough that no ReLU of the cases has its kink between the two points, which 1e-6 is not.
  const double h = 1e-7;
  double& value = network.exact()->at(parameter, index);
  const double kept = value;
  value = kept + h;
  const double up = network.loss(batch.images, batch.targets);
  value = kept - h;
  const double down = network.loss(batch.images, batch.targets);
  value = kept;
  return (up - down) / (2 * h);
}

constexpr double untouched = 1e300;

/** Marks all gradients, so that it shows which the backward pass makes. */
void markGradients(TestNetwork& network) {
  for (std::size_t parameter = 0; parameter < network.graph().graph.parameters.size(); parameter++)
    for (std::size_t index = 0; index < network.exact()->size(parameter); index++)
      network.exact()->gradient(parameter, index) = untouched;
}

double largestGradient(TestNetwork& network, std::size_t parameter) {
  double largest = 0;
  for (const double g : network.gradient(parameter)) largest = std::max(largest, std::abs(g));
  return largest;
}

void checkGradients(const OpCase& op, const Variant& variant) {
  const auto backend = makeReferenceBackend();
  TestNetwork network(op.graph, variant.options, *backend);
  network.load(seededParameters(op.graph, 5));
  const TestBatch batch = seededBatch(op.graph, op.batch, 11);
  markGradients(network);
  network.lossAndBackward(batch.images, batch.targets);
  const std::size_t parameters = op.graph.graph.parameters.size();
  double most = 0;
  for (std::size_t parameter = 0; parameter < parameters; parameter++)
    if (network.isTrained(parameter)) most = std::max(most, largestGradient(network, parameter));
  CHECK(most > 0 && most < untouched);
  for (std::size_t parameter = 0; parameter < parameters; parameter++) {
    const std::string name =
        op.name + " (" + variant.name + "): " + op.graph.graph.parameters[parameter].name;
    const std::vector<double> gradient = network.gradient(parameter);
    if (!network.isTrained(parameter)) {
      const bool clean =
          std::all_of(gradient.begin(), gradient.end(), [](double g) { return g == untouched; });
      check::report(clean, __FILE__, __LINE__, name + " is not trained but got a gradient");
      continue;
    }
    const double scale = std::max(largestGradient(network, parameter), 0.01 * most);
    for (const std::size_t index : sampleOf(gradient.size(), 12)) {
      const double expected = differenceQuotient(network, batch, parameter, index);
      check::report(std::abs(gradient[index] - expected) <= 2e-6 * scale, __FILE__, __LINE__,
                    name + "[" + std::to_string(index) + "]: expected a gradient of " +
                        std::to_string(expected) + " but received " + std::to_string(gradient[index]));
    }
  }
}

CheckedGraph withoutDropout(Graph graph) {
  for (Node& node : graph.nodes)
    if (auto* dropout = std::get_if<Dropout>(&node.op)) dropout->rate = 0;
  return checkGraph(std::move(graph));
}

std::vector<double> logitsOf(const CheckedGraph& graph, const ProgramOptions& options, std::size_t images) {
  const auto backend = makeReferenceBackend();
  TestNetwork network(graph, options, *backend);
  network.load(seededParameters(graph, 5));
  return network.forward(seededBatch(graph, images, 11).images);
}

}  // namespace

TEST("gradients of every case equal finite differences, and what is not trained gets none") {
  for (const OpCase& op : opCases())
    for (const Variant& variant : op.variants) checkGradients(op, variant);
}

TEST("inference equals the training form with fixed norms, wherever the trained part begins") {
  for (const OpCase& op : opCases()) {
    const CheckedGraph graph = withoutDropout(op.graph.graph);
    // Inference leaves dropout out by itself.
    const std::vector<double> expected = logitsOf(op.graph, {op.batch, 0, {}, false, 1}, op.batch);
    const std::vector<NormMode> fixed(graph.stages, NormMode::fixed);
    for (std::size_t stage = 0; stage < graph.stages; stage++) {
      const std::vector<double> logits =
          logitsOf(graph, {op.batch, std::uint32_t{1} << stage, fixed, false, 1}, op.batch);
      CHECK(logits.size() == expected.size());
      for (std::size_t index = 0; index < logits.size(); index++)
        CHECK_NEAR(logits[index], expected[index], 1e-9);
    }
  }
}

TEST("padded channels change nothing") {
  for (const std::size_t multiple : {1u, 8u, 16u}) {
    const auto padded = makeReferenceBackend(multiple);
    const Deviation worst = compareBackends(*padded, 1e-12);
    std::printf("  multiple of %zu: %g (%s)\n", multiple, worst.size, worst.where.c_str());
  }
}

TEST("a step leaves nothing behind that the next one sees") {
  const auto backend = makeReferenceBackend(8);
  for (const OpCase& op : opCases())
    for (const Variant& variant : op.variants) {
      TestNetwork network(op.graph, variant.options, *backend);
      const ParameterValues values = seededParameters(op.graph, 5);
      const TestBatch batch = seededBatch(op.graph, op.batch, 11),
                      between = seededBatch(op.graph, op.batch, 12);
      std::vector<std::vector<double>> expected;
      for (const TestBatch* next : {&batch, &between, &batch}) {
        network.load(values);
        network.lossAndBackward(next->images, next->targets);
        for (std::size_t parameter = 0; parameter < values.size(); parameter++) {
          if (expected.size() < values.size()) expected.push_back(network.gradient(parameter));
          if (next == &batch) CHECK(network.gradient(parameter) == expected[parameter]);
        }
      }
    }
}

TEST("what the normalised inputs are kept for changes nothing") {
  for (const OpCase& op : opCases())
    for (const Variant& variant : op.variants) {
      Variant other = variant;
      other.options.keepNormalized = !variant.options.keepNormalized;
      const auto backend = makeReferenceBackend();
      TestNetwork a(op.graph, variant.options, *backend), b(op.graph, other.options, *backend);
      const TestBatch batch = seededBatch(op.graph, op.batch, 11);
      for (TestNetwork* network : {&a, &b}) {
        network->load(seededParameters(op.graph, 5));
        network->lossAndBackward(batch.images, batch.targets);
      }
      for (std::size_t parameter = 0; parameter < op.graph.graph.parameters.size(); parameter++) {
        CHECK(a.gradient(parameter) == b.gradient(parameter));
        CHECK(a.values(parameter) == b.values(parameter));
      }
    }
}

TEST("a dropout mask keeps its share, differs by layer, step, seed, image and feature") {
  const std::uint32_t threshold = dropThreshold(0.3);
  CHECK(threshold == 19661);
  CHECK(dropThreshold(0) == 0 && dropThreshold(0.9999999) == 65535);
  CHECK_NEAR(survivorScale(threshold), 1 / 0.7, 1e-5);
  std::size_t kept = 0, same[5] = {};
  const std::size_t images = 50, features = 2000, count = images * features;
  for (std::size_t image = 0; image < images; image++)
    for (std::size_t feature = 0; feature < features; feature++) {
      const bool keeps = isKept({7, 3, 2}, image, feature, threshold);
      kept += keeps ? 1 : 0;
      const bool others[] = {
          isKept({8, 3, 2}, image, feature, threshold), isKept({7, 4, 2}, image, feature, threshold),
          isKept({7, 3, 3}, image, feature, threshold), isKept({7, 3, 2}, image + 1, feature, threshold),
          isKept({7, 3, 2}, image, feature + 1, threshold)};
      for (std::size_t other = 0; other < 5; other++) same[other] += keeps == others[other] ? 1 : 0;
    }
  // Within five standard deviations of binomial counts.
  CHECK_NEAR(static_cast<double>(kept) / count, 0.7, 5 * std::sqrt(0.21 / count));
  for (const std::size_t equal : same)
    CHECK_NEAR(static_cast<double>(equal) / count, 0.58, 5 * std::sqrt(0.58 * 0.42 / count));
}

TEST("the masks of eight images and sixteen features are those of each element") {
  for (const std::uint32_t threshold : {0u, 32768u, dropThreshold(0.3), 1u, 65535u}) {
    const KeptBits bits = keptBits({7, 3, 2}, 5, 9, threshold);
    for (std::size_t image = 0; image < 8; image++)
      for (std::size_t feature = 0; feature < 16; feature++)
        CHECK((bits[image / 2] >> (16 * (image % 2) + feature) & 1u) ==
              (isKept({7, 3, 2}, 40 + image, 144 + feature, threshold) ? 1u : 0u));
  }
}
