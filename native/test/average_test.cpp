#include <algorithm>
#include <cmath>
#include <string>

#include "engine/network.h"
#include "engine/random.h"
#include "engine/weight_average.h"
#include "test/check.h"
#include "test/graph_builder.h"

// Averaged weights of networks, on the reference backend and the cpu's; of heads in head_bank_test.cpp.
using namespace thaw;

namespace {

constexpr std::size_t rows = 12, batch = 4, outputs = 2;
constexpr double decay = 0.9;

/** Stages: a convolution with batch norm, one with a bias, the head. */
Graph threeStages() {
  test::GraphBuilder build(2, 6, 6);
  std::string x = build.relu(build.norm(build.conv("image", 20, test::window(3, 1, 1))));
  build.stage(1);
  x = build.relu(build.conv(x, 12, test::window(1), 1, true));
  build.stage(2);
  return build.graph(build.linear(build.flatten(build.globalPool(x)), outputs));
}

class NoiseBatches : public BatchSource {
 public:
  std::size_t rows() const override { return ::rows; }
  Extent extent() const override { return {2, 6, 6}; }
  void fill(const BatchRequest& request, std::span<float> images, std::span<float>) override {
    const std::size_t size = extent().size();
    for (std::size_t index = 0; index < request.rows.size(); index++) {
      RandomStream random(request.rows[index], 1);
      for (std::size_t i = 0; i < size; i++)
        images[index * size + i] = static_cast<float>(2 * random.uniform() - 1);
    }
  }
};

std::unique_ptr<Network> networkOf(std::unique_ptr<Backend> backend, double averageDecay,
                                   NormMode mode = NormMode::batch) {
  NetworkOptions options;
  options.graph = threeStages();
  options.batch = batch;
  options.optimizer = {OptimizerKind::sgd, 0.9, false, 0, 0};
  options.normModes.assign(3, mode);
  options.averageDecay = averageDecay;
  auto network = std::make_unique<Network>(std::move(options), std::move(backend));
  const auto& parameters = network->graph().graph.parameters;
  for (std::size_t index = 0; index < parameters.size(); index++) {
    RandomStream random(5, static_cast<std::uint32_t>(index));
    std::vector<float> values(parameters[index].size());
    const bool positive = parameters[index].name.find("norm") == 0;
    for (float& value : values) value = static_cast<float>((positive ? 1.5 : 0) + random.uniform() - 0.5);
    network->load(index, values);
  }
  return network;
}

/** A pass over all rows with the given stages trained. */
void pass(Network& network, std::uint32_t trained) {
  NoiseBatches source;
  std::vector<std::uint32_t> order(rows);
  std::vector<float> targets(rows * outputs);
  for (std::uint32_t row = 0; row < rows; row++) order[row] = row * 5 % rows;
  for (std::size_t index = 0; index < targets.size(); index++) targets[index] = index % 3 == 0 ? 1 : 0;
  const std::vector<float> rates(rows / batch * 3, 0.1f);
  const std::vector<std::uint32_t> stages(rows / batch, trained);
  TrainRequest request;
  request.order = order;
  request.targets = targets;
  request.learningRates = rates;
  request.trainedStages = stages;
  network.train(source, request, {});
}

std::vector<float> logitsOf(Network& network) {
  NoiseBatches source;
  std::vector<std::uint32_t> all(rows);
  for (std::uint32_t row = 0; row < rows; row++) all[row] = row;
  std::vector<float> logits(rows * outputs);
  network.infer(source, all, {}, logits);
  return logits;
}

std::unique_ptr<Backend> cpu(Precision precision = Precision::fp32, std::size_t threads = 2) {
  return makeCpuBackend({precision, threads, true});
}

std::size_t parametersOf(const Network& network) {
  return network.graph().graph.parameters.size();
}

const std::vector<std::uint32_t> gradual = {0b100, 0b110, 0b111, 0b010};

}  // namespace

TEST("the decay warms up: min(d, (1 + t) / (10 + t))") {
  CHECK_NEAR(averageShare(0.999, 1), 9.0 / 11, 1e-15);
  CHECK_NEAR(averageShare(0.999, 90), 9.0 / 100, 1e-15);
  CHECK_NEAR(averageShare(0.999, 100000), 0.001, 1e-12);
  CHECK_NEAR(averageShare(0.1, 1), 0.9, 1e-15);
}

TEST("averages of the cpu backend are those of the reference, in every mode of batch norm") {
  for (const NormMode mode : {NormMode::batch, NormMode::frozen, NormMode::fixed}) {
    const auto exact = networkOf(makeReferenceBackend(), decay, mode), fast = networkOf(cpu(), decay, mode);
    for (const std::uint32_t trained : gradual) {
      pass(*exact, trained);
      pass(*fast, trained);
      for (std::size_t parameter = 0; parameter < parametersOf(*exact); parameter++) {
        const auto expected = exact->readAverage(parameter), received = fast->readAverage(parameter);
        for (std::size_t i = 0; i < expected.size(); i++) CHECK_NEAR(received[i], expected[i], 2e-5);
      }
      const auto expected = logitsOf(*exact), received = logitsOf(*fast);
      for (std::size_t i = 0; i < expected.size(); i++) CHECK_NEAR(received[i], expected[i], 5e-5);
    }
  }
}

TEST("inference is that of a network with the averaged weights, and training goes on from the weights") {
  for (int kind = 0; kind < 3; kind++) {
    const auto backend = [&] {
      return kind == 0   ? makeReferenceBackend()
             : kind == 1 ? cpu()
                         : makeReferenceBackend(16, Precision::bf16);
    };
    const auto averaged = networkOf(backend(), decay), plain = networkOf(backend(), 0),
               other = networkOf(backend(), 0);
    for (const std::uint32_t trained : gradual) {
      pass(*averaged, trained);
      pass(*plain, trained);
      for (std::size_t parameter = 0; parameter < parametersOf(*plain); parameter++) {
        CHECK(averaged->read(parameter) == plain->read(parameter));
        CHECK(plain->readAverage(parameter) == plain->read(parameter));
        other->load(parameter, averaged->readAverage(parameter));
      }
      // The reference's averages have more digits than floats.
      const auto expected = logitsOf(*other), received = logitsOf(*averaged);
      for (std::size_t i = 0; i < expected.size(); i++)
        CHECK_NEAR(received[i], expected[i], kind == 1 ? 0 : kind == 2 ? 2e-2 : 1e-6);
      CHECK(logitsOf(*plain) != received);
    }
  }
}

TEST("a snapshot holds the averages, and restoring one forgets those of later") {
  const auto whole = networkOf(cpu(), decay), resumed = networkOf(cpu(), decay);
  for (std::size_t part = 0; part < 2; part++) pass(*whole, gradual[part]);
  const auto middle = whole->snapshot();
  for (std::size_t part = 2; part < gradual.size(); part++) pass(*whole, gradual[part]);
  resumed->restore(middle);
  CHECK(resumed->snapshot() == middle);
  for (std::size_t part = 2; part < gradual.size(); part++) pass(*resumed, gradual[part]);
  CHECK(resumed->snapshot() == whole->snapshot());
  CHECK(logitsOf(*resumed) == logitsOf(*whole));
  whole->restore(middle);
  CHECK(whole->snapshot() == middle);
  const auto plain = networkOf(cpu(), 0);
  CHECK_MESSAGE("expected weights without an average for conv2.weight", plain->restore(middle));
  CHECK(middle.size() > plain->snapshot().size());
}

TEST("any number of threads gives averages with the same bits") {
  const auto one = networkOf(cpu(Precision::fp32, 1), decay);
  pass(*one, 0b100);
  for (const std::size_t threads : {2u, 3u}) {
    const auto more = networkOf(cpu(Precision::fp32, threads), decay);
    pass(*more, 0b100);
    for (std::size_t parameter = 0; parameter < parametersOf(*one); parameter++)
      CHECK(more->readAverage(parameter) == one->readAverage(parameter));
  }
}
