#include "test/test_network.h"

#include <cmath>
#include <limits>

#include "engine/loss.h"
#include "engine/random.h"

namespace thaw::test {
namespace {

/** How a parameter's numbers are drawn: uniform in middle ± half. */
struct Spread {
  double middle;
  double half;
};

std::vector<Spread> spreadsOf(const CheckedGraph& graph) {
  std::vector<Spread> spreads(graph.graph.parameters.size(), {0, 0.3});
  for (std::size_t node = 0; node < graph.nodes.size(); node++) {
    const std::vector<std::size_t>& parameters = graph.nodes[node].parameters;
    const Op& op = graph.graph.nodes[node].op;
    if (parameters.empty()) continue;
    if (std::holds_alternative<BatchNorm>(op)) {
      spreads[parameters[0]] = {1, 0.4};    // scale
      spreads[parameters[3]] = {1.2, 0.7};  // variance
      continue;
    }
    const std::vector<std::size_t>& weight = graph.graph.parameters[parameters[0]].shape;
    const double fanIn = static_cast<double>(graph.graph.parameters[parameters[0]].size() / weight[0]);
    spreads[parameters[0]] = {0, std::sqrt((std::holds_alternative<Linear>(op) ? 3 : 6) / fanIn)};
  }
  return spreads;
}

ProgramOptions forBackend(ProgramOptions options, const Backend& backend) {
  options.channelMultiple = backend.channelMultiple();
  options.takePixels = backend.takesPixels();
  return options;
}

/** The program in which everything is trained. */
Program trainingProgram(const CheckedGraph& graph, ProgramOptions options) {
  options.trainedStages = ~std::uint32_t{0};
  options.normModes.clear();
  return lower(graph, options);
}

ArenaPlan planFor(const Program& program, const Backend& backend) {
  std::vector<std::size_t> bytes;
  for (const Buffer& buffer : program.buffers) bytes.push_back(backend.bytesOf(buffer, program.batch));
  return planArena(program, bytes);
}

std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

}  // namespace

ParameterValues seededParameters(const CheckedGraph& graph, std::uint32_t seed) {
  const std::vector<Spread> spreads = spreadsOf(graph);
  ParameterValues values;
  for (std::size_t parameter = 0; parameter < spreads.size(); parameter++) {
    RandomStream random(seed, static_cast<std::uint32_t>(1000 + parameter));
    std::vector<float>& numbers = values.emplace_back(graph.graph.parameters[parameter].size());
    for (float& number : numbers)
      number = static_cast<float>(spreads[parameter].middle +
                                  spreads[parameter].half * (2 * random.uniform() - 1));
  }
  return values;
}

TestBatch seededBatch(const CheckedGraph& graph, std::size_t images, std::uint32_t seed) {
  RandomStream pixels(seed, 1), labels(seed, 2);
  TestBatch batch{std::vector<float>(images * graph.tensors.front().extent.size()),
                  std::vector<float>(images * graph.tensors.back().extent.size())};
  for (float& pixel : batch.images) pixel = static_cast<float>(2 * pixels.uniform() - 1);
  for (std::size_t index = 0; index < batch.targets.size(); index++) {
    const float label = labels.uniform() < 0.5 ? 0.0f : 1.0f;
    batch.targets[index] = index % 5 == 4 ? std::numeric_limits<float>::quiet_NaN() : label;
  }
  return batch;
}

TestNetwork::TestNetwork(const CheckedGraph& graph, ProgramOptions options, Backend& backend)
    : graph_(graph),
      options_(forBackend(std::move(options), backend)),
      backend_(backend),
      exactBackend_(dynamic_cast<reference::Backend*>(&backend)),
      program_(lower(graph, options_)),
      plan_(planFor(program_, backend)),
      arena_(backend.allocate(plan_.bytes)),
      vectors_(backend.allocateVectors(program_)),
      parameters_(backend.makeParameters(graph, trainingProgram(graph, options_))),
      exact_(dynamic_cast<reference::Parameters*>(parameters_.get())),
      kernels_(backend.makeKernels({program_, plan_, *arena_, *vectors_}, *parameters_)) {
  options_.normModes.resize(graph.stages, NormMode::batch);
}

void TestNetwork::load(const ParameterValues& values) {
  for (std::size_t parameter = 0; parameter < values.size(); parameter++)
    parameters_->write(parameter, values[parameter]);
}

void TestNetwork::run(std::size_t first, std::size_t last, const StepContext& context) {
  backend_.enter();
  for (std::size_t kernel = first; kernel < last; kernel++) kernels_[kernel]->run(context);
}

std::vector<double> TestNetwork::forward(std::span<const float> images) {
  std::vector<float> logits(options_.batch * graph_.tensors.back().extent.size());
  run(0, program_.forward.size(), {images.data(), logits.data(), nullptr, seed, step});
  return exactBackend_ != nullptr ? exactBackend_->host.logits : widened(logits);
}

double TestNetwork::loss(std::span<const float> images, std::span<const float> targets) {
  std::vector<double> gradients;
  return lossOf(forward(images), targets, gradients);
}

double TestNetwork::lossOf(std::span<const double> logits, std::span<const float> targets,
                           std::vector<double>& gradients) const {
  double loss = 0, known = 0;
  gradients.assign(logits.size(), 0);
  for (std::size_t index = 0; index < logits.size(); index++) {
    if (std::isnan(targets[index])) continue;
    const LossTerm term = binaryCrossEntropyTerm(logits[index], static_cast<double>(targets[index]), 1, 1);
    loss += term.loss;
    gradients[index] = term.gradient;
    known++;
  }
  for (double& gradient : gradients) gradient /= known;
  return loss / known;
}

double TestNetwork::lossAndBackward(std::span<const float> images, std::span<const float> targets) {
  std::vector<double> gradients;
  const double loss = lossOf(forward(images), targets, gradients);
  const std::vector<float> rounded(gradients.begin(), gradients.end());
  if (exactBackend_ != nullptr) exactBackend_->host.gradients = gradients;
  run(program_.forward.size(), kernels_.size(), {nullptr, nullptr, rounded.data(), seed, step});
  if (exactBackend_ != nullptr) exactBackend_->host.gradients.clear();
  return loss;
}

std::vector<double> TestNetwork::values(std::size_t parameter) const {
  std::vector<float> values(graph_.graph.parameters[parameter].size());
  if (exact_ == nullptr) {
    parameters_->read(parameter, values);
    return widened(values);
  }
  std::vector<double> numbers;
  for (std::size_t index = 0; index < values.size(); index++) numbers.push_back(exact_->at(parameter, index));
  return numbers;
}

std::vector<double> TestNetwork::gradient(std::size_t parameter) const {
  std::vector<float> values(graph_.graph.parameters[parameter].size());
  if (exact_ == nullptr) {
    parameters_->readGradient(parameter, values);
    return widened(values);
  }
  std::vector<double> numbers;
  for (std::size_t index = 0; index < values.size(); index++)
    numbers.push_back(exact_->gradient(parameter, index));
  return numbers;
}

bool TestNetwork::isTrained(std::size_t parameter) const {
  for (std::size_t node = 0; node < graph_.nodes.size(); node++) {
    const std::vector<std::size_t>& parameters = graph_.nodes[node].parameters;
    const std::size_t stage = graph_.graph.nodes[node].stage;
    for (std::size_t field = 0; field < parameters.size(); field++) {
      if (parameters[field] != parameter) continue;
      if ((options_.trainedStages >> stage & 1) == 0) return false;
      if (!std::holds_alternative<BatchNorm>(graph_.graph.nodes[node].op)) return true;
      return field < 2 && options_.normModes[stage] != NormMode::fixed;
    }
  }
  return false;
}

}  // namespace thaw::test
