#include "engine/network.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <set>

#include "engine/error.h"
#include "engine/loss.h"
#include "engine/weight_average.h"

namespace thaw {
namespace {

double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

[[noreturn]] void refuse(const std::string& node, const std::string& expected, const std::string& received) {
  throw EngineError(ErrorCode::engine,
                    "expected " + expected + " for " + node + " but received " + received + ".", node);
}

void expectCount(const std::string& node, std::size_t expected, std::size_t received) {
  if (expected != received) refuse(node, std::to_string(expected) + " values", std::to_string(received));
}

/** Kernels see averaged weights as long as this lives. */
class ShownAverages {
 public:
  explicit ShownAverages(ParameterStore& parameters) : parameters_(parameters) {
    parameters_.showAverages(true);
  }
  ~ShownAverages() { parameters_.showAverages(false); }
  ShownAverages(const ShownAverages&) = delete;
  ShownAverages& operator=(const ShownAverages&) = delete;

 private:
  ParameterStore& parameters_;
};

}  // namespace

/** A batch on the host. */
struct Network::Host {
  std::vector<float> images;
  std::vector<float> targets;
  double seconds = 0;  ///< it took to be assembled
};

Network::Network(NetworkOptions options, std::unique_ptr<Backend> backend)
    : options_(std::move(options)),
      backend_(std::move(backend)),
      graph_(checkGraph(std::move(options_.graph))),
      outputs_(graph_.tensors.back().extent.channels),
      roles_(graph_.graph.parameters.size()),
      updates_(graph_.stages, 0) {
  checkOptions();
  for (std::size_t node = 0; node < graph_.nodes.size(); node++) {
    const bool norm = std::holds_alternative<BatchNorm>(graph_.graph.nodes[node].op);
    const auto& parameters = graph_.nodes[node].parameters;
    for (std::size_t slot = 0; slot < parameters.size(); slot++)
      roles_[parameters[slot]] = {graph_.graph.nodes[node].stage, !norm || slot < 2,
                                  options_.decayAll || (!norm && slot == 0), norm};
  }
  const std::uint32_t all = graph_.stages == 32 ? UINT32_MAX : (1u << graph_.stages) - 1;
  parameters_ = backend_->makeParameters(graph_, lower(graph_, programOptions({all, options_.batch})));
}

Network::~Network() = default;

void Network::checkOptions() const {
  if (const Extent& output = graph_.tensors.back().extent; output.pixels() != 1)
    refuse(graph_.graph.output, "one vector an image as output",
           std::to_string(output.channels) + " x " + std::to_string(output.height) + " x " +
               std::to_string(output.width));
  if (options_.batch == 0 || options_.batch > 65536)
    refuse("batch", "1 to 65536", std::to_string(options_.batch));
  if (!options_.normModes.empty()) expectCount("normModes", graph_.stages, options_.normModes.size());
  if (!options_.labelWeights.empty()) expectCount("labelWeights", outputs_, options_.labelWeights.size());
  if (!options_.positiveWeights.empty())
    expectCount("positiveWeights", outputs_, options_.positiveWeights.size());
  if (!options_.positiveWeights.empty() && options_.loss != Loss::bce)
    refuse("positiveWeights", "none with softmax", "some");
  if (!(options_.weightDecay >= 0 && std::isfinite(options_.weightDecay)))
    refuse("weightDecay", "a number of at least 0", std::to_string(options_.weightDecay));
  if (!(options_.clipNorm >= 0 && std::isfinite(options_.clipNorm)))
    refuse("clipNorm", "a number of at least 0", std::to_string(options_.clipNorm));
  if (!(options_.averageDecay >= 0 && options_.averageDecay < 1))
    refuse("averageDecay", "a number from 0 to below 1", std::to_string(options_.averageDecay));
  if (options_.loss == Loss::softmax && outputs_ < 2) refuse("loss", "at least 2 outputs with softmax", "1");
}

ProgramOptions Network::programOptions(const Key& key) const {
  return {key.batch,
          key.trainedStages,
          options_.normModes,
          options_.keepNormalized,
          backend_->channelMultiple(),
          backend_->takesPixels()};
}

std::size_t Network::parameter(const std::string& name) const {
  for (std::size_t index = 0; index < graph_.graph.parameters.size(); index++)
    if (graph_.graph.parameters[index].name == name) return index;
  throw EngineError(ErrorCode::engine, "this network has no parameter \"" + name + "\".", name);
}

void Network::load(std::size_t parameter, std::span<const float> values) {
  const Parameter& of = graph_.graph.parameters[parameter];
  expectCount(of.name, of.size(), values.size());
  parameters_->write(parameter, values);
}

std::vector<float> Network::read(std::size_t parameter) const {
  std::vector<float> values(graph_.graph.parameters[parameter].size());
  parameters_->read(parameter, values);
  return values;
}

std::vector<float> Network::readAverage(std::size_t parameter) const {
  std::vector<float> values(graph_.graph.parameters[parameter].size());
  parameters_->readAverage(parameter, values);
  return values;
}

std::vector<float> Network::readGradient(std::size_t parameter) const {
  std::vector<float> values(graph_.graph.parameters[parameter].size());
  parameters_->readGradient(parameter, values);
  return values;
}

/** Makes programs and their kernels; when the arena has to grow, all kernels are bound anew. */
void Network::compile(const std::vector<Key>& keys) {
  std::size_t wanted = arena_ == nullptr ? 0 : arena_->bytes();
  for (const Key& key : keys) {
    std::unique_ptr<CompiledProgram>& compiled = compiled_[key];
    if (compiled != nullptr) continue;
    compiled = std::make_unique<CompiledProgram>(graph_, programOptions(key), *backend_);
    wanted = std::max(wanted, compiled->arenaBytes());
  }
  if (arena_ == nullptr || wanted > arena_->bytes()) {
    for (auto& [key, compiled] : compiled_) compiled->release();
    arena_.reset();
    arena_ = backend_->allocate(wanted);
  }
  for (const Key& key : keys) compiled_[key]->bind(*backend_, *arena_, *parameters_);
}

void Network::checkSource(const BatchSource& source) const {
  const Extent &wanted = graph_.tensors[0].extent, received = source.extent();
  if (received.size() == wanted.size() && received.channels == wanted.channels) return;
  const auto text = [](const Extent& extent) {
    return std::to_string(extent.channels) + " x " + std::to_string(extent.height) + " x " +
           std::to_string(extent.width);
  };
  refuse("source", text(wanted), text(received));
}

void Network::checkRequest(const BatchSource& source, const TrainRequest& request) const {
  const std::size_t steps = (request.order.size() + options_.batch - 1) / options_.batch;
  if (request.order.empty()) refuse("order", "at least 1 row", "none");
  checkSource(source);
  for (const std::uint32_t row : request.order)
    if (row >= source.rows())
      refuse("order", "rows below " + std::to_string(source.rows()), std::to_string(row));
  if (!request.occurrences.empty())
    expectCount("occurrences", request.order.size(), request.occurrences.size());
  expectCount("targets", source.rows() * outputs_, request.targets.size());
  expectCount("learningRates", steps * graph_.stages, request.learningRates.size());
  if (!request.momenta.empty()) expectCount("momenta", steps, request.momenta.size());
  expectCount("trainedStages", steps, request.trainedStages.size());
  const std::uint64_t all = (std::uint64_t{1} << graph_.stages) - 1;
  for (const std::uint32_t stages : request.trainedStages)
    if (stages == 0 || stages > all)
      refuse("trainedStages", "bits of " + std::to_string(graph_.stages) + " stages", std::to_string(stages));
}

PassResult Network::train(BatchSource& source, const TrainRequest& request, const StopSignal& stop) {
  checkRequest(source, request);
  backend_->enter();
  const std::size_t imageSize = graph_.tensors[0].extent.size();
  const std::size_t steps = request.trainedStages.size();
  const auto countOf = [&](std::size_t step) {
    return std::min(options_.batch, request.order.size() - step * options_.batch);
  };
  std::set<Key> keys;
  for (std::size_t step = 0; step < steps; step++) keys.insert({request.trainedStages[step], countOf(step)});
  compile({keys.begin(), keys.end()});
  if (options_.averageDecay > 0)
    for (const Key& key : keys) startAverages(key.trainedStages);

  const std::uint32_t before = step_;
  Host hosts[2];
  for (Host& host : hosts) {
    host.images.resize(options_.batch * imageSize);
    host.targets.resize(options_.batch * outputs_);
  }
  const auto assemble = [&](std::size_t step) {
    const auto start = std::chrono::steady_clock::now();
    Host& host = hosts[step % 2];
    const std::size_t first = step * options_.batch, count = countOf(step);
    BatchRequest batch = {request.order.subspan(first, count),       {},  options_.seed, request.epoch,
                          before + static_cast<std::uint32_t>(step), true};
    if (!request.occurrences.empty()) batch.occurrences = request.occurrences.subspan(first, count);
    for (std::size_t index = 0; index < count; index++)
      std::copy_n(request.targets.begin() + static_cast<std::ptrdiff_t>(batch.rows[index] * outputs_),
                  outputs_, host.targets.begin() + static_cast<std::ptrdiff_t>(index * outputs_));
    source.fill(batch, std::span(host.images).first(count * imageSize),
                std::span(host.targets).first(count * outputs_));
    host.seconds = secondsSince(start);
  };

  PassResult result;
  std::vector<float> logits(options_.batch * outputs_), gradients(logits.size());
  std::future<void> next = std::async(std::launch::async, assemble, 0);
  for (std::size_t step = 0; step < steps; step++) {
    auto start = std::chrono::steady_clock::now();
    next.get();
    if (stop.raised()) throw EngineError(ErrorCode::aborted, "stopped.");
    const auto lap = [&](double& total) {
      total += secondsSince(start);
      start = std::chrono::steady_clock::now();
    };
    lap(result.assembleSeconds);
    const Host& host = hosts[step % 2];
    const std::size_t count = countOf(step);
    CompiledProgram& compiled = *compiled_[{request.trainedStages[step], count}];
    const StepContext context = {host.images.data(), logits.data(), gradients.data(), options_.seed, step_};
    if (step + 1 < steps) next = std::async(std::launch::async, assemble, step + 1);
    compiled.forward(context);
    const double loss = lossOf(std::span(logits).first(count * outputs_),
                               std::span(host.targets).first(count * outputs_), gradients);
    lap(result.forwardSeconds);
    if (!std::isfinite(loss)) {
      if (next.valid()) next.wait();
      throw EngineError(ErrorCode::nonFinite,
                        "the loss is not finite at step " + std::to_string(step_) + ".");
    }
    compiled.backward(context);
    lap(result.backwardSeconds);
    if (request.recordNorms) recordNorms(request.trainedStages[step], result);
    const double momentum = request.momenta.empty() ? options_.optimizer.momentum : request.momenta[step];
    update(request.trainedStages[step], request.learningRates.subspan(step * graph_.stages, graph_.stages),
           momentum);
    lap(result.updateSeconds);
    result.losses.push_back(loss);
    step_++;
  }
  return result;
}

void Network::infer(BatchSource& source, std::span<const std::uint32_t> rows, const StopSignal& stop,
                    std::span<float> logits) {
  checkSource(source);
  expectCount("logits", rows.size() * outputs_, logits.size());
  for (const std::uint32_t row : rows)
    if (row >= source.rows())
      refuse("rows", "rows below " + std::to_string(source.rows()), std::to_string(row));
  if (rows.empty()) return;
  backend_->enter();
  const ShownAverages shown(*parameters_);
  compile({{0, options_.batch}});
  CompiledProgram& compiled = *compiled_[{0, options_.batch}];
  const std::size_t imageSize = graph_.tensors[0].extent.size(),
                    batches = (rows.size() + options_.batch - 1) / options_.batch;
  std::vector<float> images[2];
  for (auto& batch : images) batch.resize(options_.batch * imageSize);
  std::vector<float> out(options_.batch * outputs_);
  const auto assemble = [&](std::size_t batch) {
    const std::size_t first = batch * options_.batch, count = std::min(options_.batch, rows.size() - first);
    BatchRequest wanted;
    wanted.rows = rows.subspan(first, count);
    source.fill(wanted, std::span(images[batch % 2]).first(count * imageSize), {});
  };
  std::future<void> next = std::async(std::launch::async, assemble, 0);
  for (std::size_t batch = 0; batch < batches; batch++) {
    next.get();
    if (stop.raised()) throw EngineError(ErrorCode::aborted, "stopped.");
    if (batch + 1 < batches) next = std::async(std::launch::async, assemble, batch + 1);
    compiled.forward({images[batch % 2].data(), out.data(), nullptr, 0, 0});
    const std::size_t first = batch * options_.batch, count = std::min(options_.batch, rows.size() - first);
    std::copy_n(out.begin(), count * outputs_,
                logits.begin() + static_cast<std::ptrdiff_t>(first * outputs_));
  }
}

/** Loss of a batch and its gradient by the logits; formulas and divisors in loss.h. */
double Network::lossOf(std::span<const float> logits, std::span<const float> targets,
                       std::span<float> gradients) const {
  const std::size_t rows = logits.size() / outputs_;
  double loss = 0;
  if (options_.loss == Loss::softmax) {
    std::vector<double> z(outputs_), y(outputs_), gradient(outputs_);
    const std::vector<double> weights(options_.labelWeights.begin(), options_.labelWeights.end());
    for (std::size_t row = 0; row < rows; row++) {
      std::copy_n(logits.begin() + static_cast<std::ptrdiff_t>(row * outputs_), outputs_, z.begin());
      std::copy_n(targets.begin() + static_cast<std::ptrdiff_t>(row * outputs_), outputs_, y.begin());
      loss += softmaxCrossEntropyRow(z, y, weights, gradient) / static_cast<double>(rows);
      for (std::size_t output = 0; output < outputs_; output++)
        gradients[row * outputs_ + output] = static_cast<float>(gradient[output] / static_cast<double>(rows));
    }
    return loss;
  }
  const auto known = static_cast<double>(
      std::count_if(targets.begin(), targets.end(), [](float target) { return !std::isnan(target); }));
  for (std::size_t index = 0; index < logits.size(); index++) {
    const std::size_t output = index % outputs_;
    gradients[index] = 0;
    if (std::isnan(targets[index])) continue;
    const double weight = options_.labelWeights.empty() ? 1 : options_.labelWeights[output];
    const double positive = options_.positiveWeights.empty() ? 1 : options_.positiveWeights[output];
    const LossTerm term = binaryCrossEntropyTerm(logits[index], targets[index], weight, positive);
    loss += term.loss / known;
    gradients[index] = static_cast<float>(term.gradient / known);
  }
  return loss;
}

bool Network::isTrained(std::size_t parameter, std::uint32_t trainedStages) const {
  const Role& role = roles_[parameter];
  if (!role.learned || (trainedStages >> role.stage & 1) == 0) return false;
  return !role.ofNorm || options_.normModes.empty() || options_.normModes[role.stage] != NormMode::fixed;
}

/**
 * What these stages train gets an average, their batch norms' running statistics among it where they move.
 * What has not been trained yet is as it was in the beginning, so that it does not matter when its average
 * starts.
 */
void Network::startAverages(std::uint32_t trainedStages) {
  for (std::size_t parameter = 0; parameter < roles_.size(); parameter++) {
    const Role& role = roles_[parameter];
    const bool moves = !role.learned && (trainedStages >> role.stage & 1) != 0 &&
                       (options_.normModes.empty() || options_.normModes[role.stage] == NormMode::batch);
    if (moves || isTrained(parameter, trainedStages)) parameters_->startAverage(parameter);
  }
}

void Network::recordNorms(std::uint32_t trainedStages, PassResult& result) const {
  std::vector<std::vector<std::size_t>> ofStage(graph_.stages);
  for (std::size_t parameter = 0; parameter < roles_.size(); parameter++)
    if (isTrained(parameter, trainedStages) && !roles_[parameter].ofNorm)
      ofStage[roles_[parameter].stage].push_back(parameter);
  const auto norm = [](const std::vector<std::size_t>& parameters, double squared) {
    return parameters.empty() ? std::nan("") : std::sqrt(squared);
  };
  for (const auto& parameters : ofStage) {
    result.gradientNorms.push_back(norm(parameters, parameters_->gradientNormSquared(parameters)));
    result.weightNorms.push_back(norm(parameters, parameters_->valueNormSquared(parameters)));
  }
}

void Network::update(std::uint32_t trainedStages, std::span<const float> rates, double momentum) {
  for (std::size_t stage = 0; stage < graph_.stages; stage++)
    if ((trainedStages >> stage & 1) != 0) updates_[stage]++;
  std::vector<ParameterUpdate> updates;
  std::vector<std::size_t> trained;
  for (std::size_t parameter = 0; parameter < roles_.size(); parameter++) {
    if (!isTrained(parameter, trainedStages)) continue;
    const Role& role = roles_[parameter];
    const double decay = role.decays ? options_.weightDecay : 0;
    updates.push_back({parameter, updateConstants(options_.optimizer, static_cast<double>(rates[role.stage]),
                                                  momentum, decay, updates_[role.stage])});
    trained.push_back(parameter);
  }
  float scale = 1;
  if (options_.clipNorm > 0) {
    const double norm = std::sqrt(parameters_->gradientNormSquared(trained));
    scale = static_cast<float>(std::min(1.0, options_.clipNorm / (norm + 1e-6)));
  }
  parameters_->update(updates, scale);
  if (options_.averageDecay > 0) parameters_->average(averageShare(options_.averageDecay, step_ + 1));
}

std::size_t Network::bytes() const {
  return parameters_->bytes() + (arena_ == nullptr ? 0 : arena_->bytes());
}

}  // namespace thaw
