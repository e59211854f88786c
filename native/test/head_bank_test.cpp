#include "engine/head_bank.h"

#include <array>
#include <atomic>
#include <string>

#include "backend/reference/head_training.h"
#include "test/check.h"
#include "test/scenario.h"

using namespace thaw;
using namespace thaw::test;

namespace {

/** Trains all epochs with every instruction set and compares weights and losses with the reference. */
void expectReference(Scenario scenario, const std::string& what) {
  const HeadBankOptions options = scenario.options();
  const HeadKernelList list = availableHeadKernels();
  const reference::Training expected =
      reference::train(options, 0, reference::initialWeights(options.features.columns, options.outputs, 0));
  for (std::size_t k = 0; k < list.count; k++) {
    const int before = check::failures();
    HeadBank bank(options, *list.kernels[k]);
    const TrainResult result = bank.train(scenario.epochs, {});
    // In the space that training sees: the scaling is unfolded again by comparing predictions below.
    for (std::size_t epoch = 0; epoch < scenario.epochs; epoch++) {
      CHECK_NEAR(result.trainLoss[epoch], expected.trainLoss[epoch], 1e-5);
      CHECK_NEAR(result.validationLoss[epoch], expected.validationLoss[epoch], 2e-5);
    }
    if (!scenario.standardize) {
      const LinearWeights weights = bank.weights(0, WeightsKind::last);
      for (std::size_t i = 0; i < weights.weight.size(); i++)
        CHECK_NEAR(weights.weight[i], expected.average.weight[i], 2e-5);
      for (std::size_t c = 0; c < weights.bias.size(); c++)
        CHECK_NEAR(weights.bias[c], expected.average.bias[c], 2e-5);
    }
    if (check::failures() != before) std::printf("  with %s: %s\n", list.kernels[k]->name, what.c_str());
  }
}

std::vector<float> allWeights(HeadBank& bank, std::size_t head) {
  std::vector<float> all;
  for (const WeightsKind kind : {WeightsKind::last, WeightsKind::best}) {
    const LinearWeights weights = bank.weights(head, kind);
    all.insert(all.end(), weights.weight.begin(), weights.weight.end());
    all.insert(all.end(), weights.bias.begin(), weights.bias.end());
  }
  return all;
}

/** Dropout, decay and averages that differ from head to head. */
HeadBankOptions mixed(Scenario& scenario) {
  HeadBankOptions options = scenario.options();
  for (std::size_t head = 0; head < options.heads.size(); head++) {
    options.heads[head].dropout = 0.25 * static_cast<double>(head % 4);
    options.heads[head].weightDecay = head % 3 == 0 ? 0.01 : 0;
    options.heads[head].averageDecay = head % 2 == 1 ? 0.3 : 0;
  }
  return options;
}

}  // namespace

TEST("every optimizer, loss and number of outputs, with and without dropout, equals the reference") {
  const std::array<OptimizerOptions, 5> optimizers = {{{OptimizerKind::sgd, 0, false, 0, 0},
                                                       {OptimizerKind::sgd, 0.9, false, 0, 0},
                                                       {OptimizerKind::sgd, 0.9, true, 0, 0},
                                                       {OptimizerKind::adam, 0.9, false, 0.99, 1e-4},
                                                       {OptimizerKind::adamw, 0.9, false, 0.99, 1e-4}}};
  for (const OptimizerOptions& optimizer : optimizers)
    for (const Loss loss : {Loss::bce, Loss::softmax})
      for (const double dropout : {0.0, 0.5, 0.2})
        for (const std::size_t outputs : {1u, 2u, 14u, 17u}) {
          if (loss == Loss::softmax && outputs == 1) continue;
          Scenario scenario;
          scenario.optimizer = optimizer;
          scenario.loss = loss;
          scenario.dropout = dropout;
          scenario.outputs = outputs;
          scenario.weightDecay = 0.05;
          scenario.varying = outputs == 2;
          expectReference(scenario, "optimizer " + std::to_string(static_cast<int>(optimizer.kind)) +
                                        ", loss " + std::to_string(static_cast<int>(loss)) + ", dropout " +
                                        std::to_string(dropout) + ", outputs " + std::to_string(outputs));
        }
}

TEST("feature types, numbers of features, scaling, unknown targets and weights equal the reference") {
  for (const ElementType type : {ElementType::float32, ElementType::float16, ElementType::uint8})
    for (const std::size_t features : {5u, 16u, 37u, 64u, 131u})
      for (const bool standardize : {false, true}) {
        Scenario scenario;
        scenario.type = type;
        scenario.features = features;
        scenario.standardize = standardize;
        scenario.unknownTargets = scenario.weighted = true;
        scenario.dropout = 0.3;
        expectReference(scenario, "type " + std::to_string(static_cast<int>(type)) + ", features " +
                                      std::to_string(features));
      }
}

TEST("batches of any size, with a short last one, equal the reference") {
  for (const std::size_t batch : {1u, 3u, 7u, 16u, 39u, 40u, 64u}) {
    Scenario scenario;
    scenario.batch = batch;
    scenario.dropout = 0.5;
    scenario.optimizer.epsilon = 1e-2;
    expectReference(scenario, "batch " + std::to_string(batch));
  }
}

TEST("averaged weights equal the reference") {
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw})
    for (const double decay : {0.3, 0.999}) {
      Scenario scenario;
      scenario.optimizer = {kind, 0.9, false, 0.99, 1e-4};
      scenario.averageDecay = decay;
      scenario.dropout = 0.3;
      scenario.weightDecay = 0.05;
      scenario.epochs = 4;
      expectReference(scenario, "average " + std::to_string(decay));
    }
}

TEST("a head whose weights are averaged is trained as one whose weights are not") {
  Scenario scenario;
  scenario.select = Selection::auroc;
  HeadBankOptions options = scenario.options();
  options.heads[0].averageDecay = 0.5;
  HeadBank averaged(options), plain(scenario.options());
  const TrainResult one = averaged.train(scenario.epochs, {}), other = plain.train(scenario.epochs, {});
  CHECK(one.trainLoss == other.trainLoss);
  CHECK(one.validationLoss != other.validationLoss);
  CHECK(averaged.weights(0, WeightsKind::last).weight != plain.weights(0, WeightsKind::last).weight);
  CHECK(averaged.bytes() > plain.bytes());
  CHECK_MESSAGE("expected a snapshot of a bank of this shape", plain.restore(averaged.snapshot()));
}

TEST("weighted softmax equals the reference") {
  Scenario scenario;
  scenario.loss = Loss::softmax;
  scenario.weighted = true;
  expectReference(scenario, "softmax");
}

TEST("a batch without any known target has loss 0 and moves nothing but momentum") {
  Scenario scenario;
  scenario.optimizer = {OptimizerKind::sgd, 0, false, 0, 0};
  HeadBankOptions options = scenario.options();
  options.targets.assign(options.targets.size(), std::nanf(""));
  HeadBank bank(options);
  const LinearWeights before = bank.weights(0, WeightsKind::last);
  const TrainResult result = bank.train(1, {});
  CHECK(result.trainLoss[0] == 0);
  CHECK(std::isnan(result.validationLoss[0]) && std::isnan(result.validationAuroc[0]));
  CHECK(bank.weights(0, WeightsKind::last).weight == before.weight);
}

TEST("a head comes out the same bit for bit alone or in a bank, and with any number of threads") {
  Scenario scenario;
  scenario.heads = 9;
  scenario.outputs = 5;
  std::vector<std::vector<float>> expected;
  for (const std::size_t threads : {1u, 2u, 4u}) {
    scenario.threads = threads;
    HeadBank bank(mixed(scenario));
    bank.train(scenario.epochs, {});
    for (std::size_t head = 0; head < scenario.heads; head++) {
      if (threads == 1)
        expected.push_back(allWeights(bank, head));
      else
        CHECK(allWeights(bank, head) == expected[head]);
    }
  }
  for (std::size_t head = 0; head < scenario.heads; head++) {
    HeadBankOptions alone = mixed(scenario);
    alone.heads = {alone.heads[head]};
    HeadBank bank(alone);
    bank.train(scenario.epochs, {});
    CHECK(allWeights(bank, 0) == expected[head]);
  }
}

TEST("epochs in one call or one by one, or continued from a snapshot, are the same bit for bit") {
  Scenario scenario;
  scenario.heads = 3;
  scenario.epochs = 4;
  HeadBank whole(mixed(scenario)), parts(mixed(scenario)), continued(mixed(scenario));
  const TrainResult expected = whole.train(4, {});
  parts.train(1, {});
  parts.train(1, {});
  const std::vector<std::uint8_t> state = parts.snapshot();
  parts.train(7, {});
  continued.restore(state);
  const TrainResult rest = continued.train(2, {});
  for (std::size_t head = 0; head < scenario.heads; head++) {
    CHECK(allWeights(parts, head) == allWeights(whole, head));
    CHECK(allWeights(continued, head) == allWeights(whole, head));
    CHECK(rest.trainLoss[head * 2 + 1] == expected.trainLoss[head * 4 + 3]);
    CHECK(rest.bestEpoch[head] == expected.bestEpoch[head]);
  }
  CHECK(std::isnan(parts.train(1, {}).trainLoss[0]));
  CHECK_MESSAGE("expected a snapshot of a bank of this shape", whole.restore(std::span(state).subspan(1)));
}

TEST("logits are those of the weights, for scaled features too") {
  for (const bool standardize : {false, true}) {
    Scenario scenario;
    scenario.standardize = standardize;
    scenario.heads = 2;
    const HeadBankOptions options = scenario.options();
    HeadBank bank(options);
    bank.train(scenario.epochs, {});
    std::vector<std::uint32_t> rows;
    for (std::uint32_t i = 0; i < 150; i++) rows.push_back(i * 13 % 60);
    std::vector<float> logits(scenario.heads * rows.size() * scenario.outputs);
    bank.infer(rows, WeightsKind::last, {}, logits);
    for (std::size_t head = 0; head < scenario.heads; head++) {
      const LinearWeights weights = bank.weights(head, WeightsKind::last);
      for (std::size_t row = 0; row < rows.size(); row++)
        for (std::size_t c = 0; c < scenario.outputs; c++) {
          double z = weights.bias[c];
          for (std::size_t i = 0; i < scenario.features; i++)
            z += static_cast<double>(weights.weight[c * scenario.features + i]) *
                 elementOf(options.features, rows[row], i);
          CHECK_NEAR(logits[(head * rows.size() + row) * scenario.outputs + c], z, 1e-5);
        }
    }
  }
}

TEST("loaded weights come back, and load forgets the optimizer state") {
  for (const bool standardize : {false, true}) {
    Scenario scenario;
    scenario.standardize = standardize;
    HeadBank bank(scenario.options()), fresh(scenario.options());
    const LinearWeights start = fresh.weights(0, WeightsKind::last);
    LinearWeights given = start;
    for (std::size_t i = 0; i < given.weight.size(); i++)
      given.weight[i] = 0.01f * static_cast<float>(i % 17) - 0.05f;
    bank.load(0, given.weight, given.bias);
    const LinearWeights back = bank.weights(0, WeightsKind::best);
    for (std::size_t i = 0; i < given.weight.size(); i++) CHECK_NEAR(back.weight[i], given.weight[i], 1e-6);
    for (std::size_t c = 0; c < given.bias.size(); c++) CHECK_NEAR(back.bias[c], given.bias[c], 1e-6);
  }
  Scenario scenario;
  scenario.epochs = 1;
  HeadBankOptions twice = scenario.options();
  SampleGroup& group = twice.groups[0];
  group.order.insert(group.order.end(), group.order.begin(), group.order.end());
  std::vector<float> rates(*twice.heads[0].learningRates);
  rates.insert(rates.end(), rates.begin(), rates.end());
  twice.heads[0].learningRates = std::make_shared<const std::vector<float>>(rates);
  HeadBank bank(twice);
  const LinearWeights start = bank.weights(0, WeightsKind::last);
  bank.train(1, {});
  const LinearWeights first = bank.weights(0, WeightsKind::last);
  bank.load(0, start.weight, start.bias);
  bank.train(1, {});
  CHECK(bank.weights(0, WeightsKind::last).weight == first.weight);
}

TEST("a factor of the learning rates is as if the table had it, also across a snapshot") {
  Scenario scenario;
  scenario.heads = 2;
  scenario.epochs = 4;
  HeadBankOptions options = scenario.options();
  const std::size_t steps = options.heads[0].learningRates->size();
  HeadBank bank(options);
  bank.train(2, {});
  bank.setRateFactor(1, 0.25);
  HeadBank resumed(options);
  resumed.restore(bank.snapshot());
  bank.train(2, {});
  resumed.train(2, {});
  std::vector<float> rates = *options.heads[1].learningRates;
  for (std::size_t step = steps / 2; step < steps; step++) rates[step] *= 0.25f;
  options.heads[1].learningRates = std::make_shared<const std::vector<float>>(rates);
  HeadBank expected(options);
  expected.train(4, {});
  for (const std::size_t head : {0, 1}) {
    CHECK(allWeights(bank, head) == allWeights(resumed, head));
    CHECK(allWeights(bank, head) == allWeights(expected, head));
  }
  // A rate of 0 ends a head's training.
  bank.setRateFactor(0, 0);
  CHECK(check::messageOf([&] { bank.setRateFactor(0, -1); }).find("expected a number of at least 0") == 0);
}

TEST("a head whose loss is not finite stops alone") {
  Scenario scenario;
  scenario.heads = 3;
  scenario.outputs = 2;
  HeadBankOptions options = scenario.options();
  std::vector<float> rates(*options.heads[1].learningRates);
  rates[1] = std::numeric_limits<float>::infinity();
  options.heads[1].learningRates = std::make_shared<const std::vector<float>>(rates);
  HeadBank bank(options), without(scenario.options());
  const TrainResult result = bank.train(scenario.epochs, {});
  without.train(scenario.epochs, {});
  CHECK(result.failedStep[0] == -1 && result.failedStep[1] == 2 && result.failedStep[2] == -1);
  CHECK(std::isnan(result.trainLoss[1 * 2]) && std::isnan(result.trainLoss[1 * 2 + 1]));
  CHECK(result.bestEpoch[1] == -1);
  CHECK(allWeights(bank, 0) == allWeights(without, 0));
  CHECK(allWeights(bank, 2) == allWeights(without, 2));
}

TEST(
    "the best snapshot is the epoch with the lowest validation loss or the highest AUROC, the last one "
    "without rows") {
  for (const Selection select : {Selection::loss, Selection::auroc}) {
    Scenario scenario;
    scenario.epochs = 8;
    scenario.learningRate = 0.3;
    scenario.select = select;
    HeadBank bank(scenario.options()), stepwise(scenario.options());
    const TrainResult result = bank.train(8, {});
    std::size_t best = 0;
    for (std::size_t epoch = 1; epoch < 8; epoch++) {
      const bool better = select == Selection::loss
                              ? result.validationLoss[epoch] < result.validationLoss[best]
                              : result.validationAuroc[epoch] > result.validationAuroc[best];
      if (better) best = epoch;
    }
    CHECK(result.bestEpoch[0] == static_cast<int>(best));
    CHECK(best < 7);
    stepwise.train(best + 1, {});
    CHECK(bank.weights(0, WeightsKind::best).weight == stepwise.weights(0, WeightsKind::last).weight);
    CHECK(bank.weights(0, WeightsKind::best).weight != bank.weights(0, WeightsKind::last).weight);
  }
  Scenario scenario;
  HeadBankOptions options = scenario.options();
  for (SampleGroup& group : options.groups) group.validationRows.clear();
  HeadBank bank(options);
  CHECK(bank.train(scenario.epochs, {}).bestEpoch[0] == 1);
  CHECK(bank.weights(0, WeightsKind::best).weight == bank.weights(0, WeightsKind::last).weight);
}

TEST("stopped work throws, and a bank that was stopped within an epoch wants a snapshot") {
  Scenario scenario;
  HeadBank bank(scenario.options());
  const std::vector<std::uint8_t> state = bank.snapshot();
  const std::int32_t raised = 1;
  CHECK_MESSAGE("stopped before its first step", bank.train(1, {&raised, nullptr}));
  bank.train(1, {});
  std::atomic<bool> closing = true;
  std::vector<float> logits(3);
  const std::uint32_t row = 0;
  CHECK_MESSAGE("inference was stopped",
                bank.infer({&row, 1}, WeightsKind::last, {nullptr, &closing}, logits));
  bank.restore(state);
  bank.train(2, {});
}

TEST("options that do not fit together are refused with the option's name") {
  const auto refusal = [](auto change) {
    Scenario scenario;
    HeadBankOptions options = scenario.options();
    change(options);
    return check::messageOf([&] { HeadBank bank(options); });
  };
  const auto expect = [&](const char* message, auto change) {
    const std::string received = refusal(change);
    check::report(received == message, __FILE__, __LINE__,
                  "expected \"" + std::string(message) + "\" but received \"" + received + "\"");
  };
  using Options = HeadBankOptions;
  expect("expected 180 values, one a feature row and output for targets but received 1.",
         [](Options& o) { o.targets.resize(1); });
  expect("expected rows below 60 for groups[0].order but received row 60.",
         [](Options& o) { o.groups[0].order[3] = 60; });
  expect("expected a multiple of 40 rows for groups[1].order but received 79.",
         [](Options& o) { o.groups[1].order.pop_back(); });
  expect("expected a group below 2 for heads[0].group but received 2.",
         [](Options& o) { o.heads[0].group = 2; });
  expect("expected a rate from 0 to below 1 for heads[0].dropout but received 1.000000.",
         [](Options& o) { o.heads[0].dropout = 1; });
  expect("expected a number from 0 to below 1 for heads[0].averageDecay but received 1.000000.",
         [](Options& o) { o.heads[0].averageDecay = 1; });
  expect("expected 6 values, one a step for heads[0].learningRates but received 2.",
         [](Options& o) { o.heads[0].learningRates = std::make_shared<const std::vector<float>>(2, 0.1f); });
  expect("expected 3 values, one an output for heads[0].labelWeights but received 1.",
         [](Options& o) { o.heads[0].labelWeights = {1}; });
  expect("expected at least 2 for outputs but received 1.", [](Options& o) {
    o.loss = Loss::softmax;
    o.outputs = 1;
  });
  expect("expected at least 1 head for heads but received 0.", [](Options& o) { o.heads.clear(); });
}
