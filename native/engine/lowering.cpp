#include "engine/lowering.h"

#include <algorithm>

#include "engine/error.h"

namespace thaw {
namespace {

std::size_t firstTrainedNode(const CheckedGraph& graph, std::uint32_t stages) {
  for (std::size_t node = 0; node < graph.nodes.size(); node++)
    if ((stages >> graph.graph.nodes[node].stage & 1) != 0) return node;
  return graph.nodes.size();
}

/** Is it a window of one pixel, without padding, that leaves pixels out? */
bool skipsPixels(const Window& window) {
  const std::array<std::size_t, 2> one = {1, 1};
  return window.kernel == one && window.stride != one && window.padding == std::array<std::size_t, 4>{};
}

std::optional<Activation> activationOf(const Op& op) {
  if (std::holds_alternative<Relu>(op)) return Activation{Activation::Kind::relu};
  if (std::holds_alternative<Sigmoid>(op)) return Activation{Activation::Kind::sigmoid};
  if (const auto* clip = std::get_if<Clip>(&op))
    return Activation{Activation::Kind::clip, static_cast<float>(clip->minimum),
                      static_cast<float>(clip->maximum)};
  return std::nullopt;
}

}  // namespace

Lowering::Lowering(const CheckedGraph& graph, const ProgramOptions& options)
    : graph_(graph),
      options_(options),
      firstTrained_(firstTrainedNode(graph, options.trainedStages)),
      placement_(graph, options, firstTrained_, program.buffers),
      places_(graph.tensors.size()),
      done_(graph.nodes.size(), false),
      measured_(graph.tensors.size(), false) {
  options_.normModes.resize(graph.stages, NormMode::batch);
  program.batch = options.batch;
  findStatistics();
}

void Lowering::run() {
  const Place in = placement_.window(0) != nullptr ? *placement_.window(0) : newPlace(0);
  const auto& readers = placement_.consumers(0);
  if (readers.size() == 1 && placement_.window(0) == nullptr) {
    const auto* conv = std::get_if<Conv2d>(&graph_.graph.nodes[readers[0]].op);
    program.buffers[in.view.buffer].networkInput =
        conv != nullptr && conv->groups == 1 && !(options_.takePixels && skipsPixels(conv->window));
  }
  program.forward.push_back(InputStep{in});
  places_[0] = in;
  if (measured_[0]) passOn(in, std::nullopt);
  for (std::size_t node = 0; node < graph_.nodes.size(); node++)
    if (!done_[node]) lowerNode(node);
  outputPlace = placeOf(graph_.tensors.size() - 1);
  program.forward.push_back(OutputStep{outputPlace});
}

/** Statistics are wanted of each tensor that a batch norm reads, and so of all that lie in the same buffer.
 */
void Lowering::findStatistics() {
  std::vector<bool> buffers(program.buffers.size(), false);
  for (std::size_t node = firstTrained_; node < graph_.nodes.size(); node++) {
    if (!std::holds_alternative<BatchNorm>(graph_.graph.nodes[node].op) ||
        normModeOf(node) != NormMode::batch)
      continue;
    const std::size_t root = placement_.root(graph_.nodes[node].inputs[0]);
    measured_[root] = true;
    if (const Place* window = placement_.window(root)) buffers[window->view.buffer] = true;
  }
  for (std::size_t root = 0; root < measured_.size(); root++)
    if (const Place* window = placement_.window(root))
      if (buffers[window->view.buffer]) measured_[root] = true;
}

NormMode Lowering::normModeOf(std::size_t node) const {
  if (!isTrained(node)) return NormMode::fixed;
  return options_.normModes[graph_.graph.nodes[node].stage];
}

std::uint32_t Lowering::newBuffer(const Place& like) {
  const Buffer& buffer = program.buffers[like.view.buffer];
  program.buffers.push_back({like.view.channels, buffer.height, buffer.width, buffer.element});
  return static_cast<std::uint32_t>(program.buffers.size() - 1);
}

VectorId Lowering::newVector(std::size_t length) {
  program.vectors.push_back(length);
  return static_cast<VectorId>(program.vectors.size() - 1);
}

Place Lowering::ownBuffer(const Place& like) {
  Place place = like;
  place.view = {newBuffer(like), 0, like.view.channels};
  return place;
}

Place Lowering::newPlace(std::size_t tensor, Element element) {
  const std::size_t root = placement_.root(tensor);
  const Extent& extent = graph_.tensors[root].extent;
  program.buffers.push_back({placement_.physicalChannels(root), extent.height, extent.width, element});
  return placement_.layout(root, static_cast<std::uint32_t>(program.buffers.size() - 1));
}

Place Lowering::finalPlace(std::size_t tensor) {
  const Place* window = placement_.window(placement_.root(tensor));
  return window != nullptr ? *window : newPlace(tensor);
}

void Lowering::finish(std::size_t tensor, const Place& written) {
  const std::size_t root = placement_.root(tensor);
  const Place* window = placement_.window(root);
  const bool moves = window != nullptr && !(window->view == written.view);
  if (moves && measured_[root])
    passOn(written, *window);
  else if (moves)
    program.forward.push_back(CopyStep{written, *window});
  else if (measured_[root])
    passOn(written, std::nullopt);
  places_[root] = moves ? *window : written;
  if (moves && isTraining(graph_.tensors[root].maker)) records.back().output = *window;
}

/** Takes the statistics of `from`, on the way to `to` where given. */
void Lowering::passOn(const Place& from, const std::optional<Place>& to) {
  const std::uint32_t buffer = (to ? *to : from).view.buffer;
  if (statistics.size() <= buffer) statistics.resize(buffer + 1);
  if (!statistics[buffer]) {
    const std::size_t channels = program.buffers[buffer].channels;
    statistics[buffer] = StatisticsVectors{newVector(channels), newVector(channels)};
  }
  program.forward.push_back(StatisticsStep{from, to, *statistics[buffer]});
}

void Lowering::emit(Step step, std::size_t node, std::vector<Place> inputs, const Place& output) {
  if (isTraining(node)) records.push_back({step, std::move(inputs), output, isTrained(node)});
  program.forward.push_back(std::move(step));
}

std::optional<std::size_t> Lowering::onlyConsumer(std::size_t tensor) const {
  const auto& readers = placement_.consumers(placement_.root(tensor));
  if (readers.size() != 1) return std::nullopt;
  return readers[0];
}

Activation Lowering::takeActivation(std::size_t& tensor, bool alsoSigmoid) {
  const std::size_t maker = graph_.tensors[placement_.root(tensor)].maker;
  const auto next = onlyConsumer(tensor);
  if (!next || isTraining(*next) != isTraining(maker)) return {};
  const auto activation = activationOf(graph_.graph.nodes[*next].op);
  if (!activation || (activation->kind == Activation::Kind::sigmoid && !alsoSigmoid)) return {};
  done_[*next] = true;
  tensor = outputOf(*next);
  return *activation;
}

std::optional<std::size_t> Lowering::takeResidual(std::size_t& tensor) {
  const std::size_t root = placement_.root(tensor), maker = graph_.tensors[root].maker;
  const auto next = onlyConsumer(tensor);
  if (!next || isTraining(*next) != isTraining(maker)) return std::nullopt;
  const CheckedNode& add = graph_.nodes[*next];
  if (!std::holds_alternative<Add>(graph_.graph.nodes[*next].op) || add.inputs.size() != 2)
    return std::nullopt;
  const std::size_t first = placement_.root(add.inputs[0]), second = placement_.root(add.inputs[1]);
  const std::size_t other = first == root ? second : first;
  if (other == root || !places_[other] || !placement_.alike(root, other)) return std::nullopt;
  done_[*next] = true;
  tensor = add.output;
  return other;
}

/** Have all nodes that read it been lowered? */
bool Lowering::isUsedUp(std::size_t root) const {
  const auto& readers = placement_.consumers(root);
  return std::all_of(readers.begin(), readers.end(), [&](std::size_t node) { return done_[node]; });
}

NormParameters Lowering::normParameters(std::size_t node) const {
  const auto& norm = std::get<BatchNorm>(graph_.graph.nodes[node].op);
  const auto& parameters = graph_.nodes[node].parameters;
  return {parameters[0], parameters[1], parameters[2], parameters[3], norm.epsilon, norm.momentum};
}

Place Lowering::inputOf(std::size_t node, bool whole) {
  const Place& place = placeOf(graph_.nodes[node].inputs[0]);
  if (!whole || isWhole(place.view)) return place;
  const Place copy = ownBuffer(place);
  emit(CopyStep{place, copy}, node, {place}, copy);
  return copy;
}

void Lowering::lowerNode(std::size_t node) {
  done_[node] = true;
  if (placement_.isRenaming(node)) return;
  const Op& op = graph_.graph.nodes[node].op;
  if (const auto activation = activationOf(op)) return lowerActivation(node, *activation);
  if (const auto* conv = std::get_if<Conv2d>(&op)) return lowerConvolution(node, *conv);
  if (const auto* norm = std::get_if<BatchNorm>(&op)) return lowerNorm(node, *norm);
  if (const auto* pool = std::get_if<MaxPool>(&op))
    return lowerPool(node, {PoolStep::Kind::maximum, pool->window, false, {}, {}, std::nullopt});
  if (const auto* pool = std::get_if<AveragePool>(&op))
    return lowerPool(
        node, {PoolStep::Kind::average, pool->window, pool->countIncludesPadding, {}, {}, std::nullopt});
  if (std::holds_alternative<GlobalAveragePool>(op)) {
    const Extent& extent = graph_.inputOf(node).extent;
    Window all;
    all.kernel = all.stride = {extent.height, extent.width};
    return lowerPool(node, {PoolStep::Kind::average, all, false, {}, {}, std::nullopt});
  }
  if (std::holds_alternative<Add>(op)) return lowerAdd(node);
  if (std::holds_alternative<Concat>(op)) return lowerConcat(node);
  if (const auto* linear = std::get_if<Linear>(&op)) return lowerLinear(node, *linear);
  if (const auto* dropout = std::get_if<Dropout>(&op)) return lowerDropout(node, *dropout);
  return lowerFlatten(node);
}

void Lowering::lowerConvolution(std::size_t node, const Conv2d& conv) {
  const auto& parameters = graph_.nodes[node].parameters;
  std::size_t tensor = outputOf(node);
  ConvolutionStep step = {node, inputOf(node, true), {}, conv.window, conv.groups, parameters[0], {}, {}, {}};
  if (options_.takePixels && skipsPixels(conv.window)) step.in = takePixels(node, step);
  if (conv.bias) step.bias = parameters[1];
  std::optional<std::size_t> residual;
  if (!isTraining(node)) {
    const auto next = onlyConsumer(tensor);
    if (next && !isTraining(*next) && std::holds_alternative<BatchNorm>(graph_.graph.nodes[*next].op)) {
      step.folded = normParameters(*next);
      done_[*next] = true;
      tensor = outputOf(*next);
    }
    residual = takeResidual(tensor);
  }
  step.activation = takeActivation(tensor, true);
  step.accumulate = residual.has_value();
  if (!residual) {
    step.out = newPlace(tensor);
  } else if (const Place& other = *places_[*residual]; isWhole(other.view) && isUsedUp(*residual) &&
                                                       placement_.window(*residual) == nullptr &&
                                                       other.view.buffer != step.in.view.buffer) {
    step.out = other;
  } else {
    step.out = newPlace(tensor);
    program.forward.push_back(CopyStep{*places_[*residual], step.out});
  }
  emit(step, node, {step.in}, step.out);
  finish(tensor, step.out);
}

/** The pixels that a strided 1 × 1 convolution reads: all its passes then work on those alone. */
Place Lowering::takePixels(std::size_t node, ConvolutionStep& step) {
  PoolStep pool = {PoolStep::Kind::average, step.window, false, step.in, step.in, std::nullopt};
  const Extent& extent = graph_.outputOf(node).extent;
  program.buffers.push_back({step.in.view.channels, extent.height, extent.width});
  pool.out.view = {static_cast<std::uint32_t>(program.buffers.size() - 1), 0, step.in.view.channels};
  emit(pool, node, {pool.in}, pool.out);
  step.window.stride = {1, 1};
  return pool.out;
}

void Lowering::lowerNorm(std::size_t node, const BatchNorm&) {
  std::size_t tensor = outputOf(node);
  NormalizeStep step = {node, inputOf(node), {}, normParameters(node), {}, false, {}, {}};
  if (isTraining(node) && normModeOf(node) == NormMode::batch) {
    step.statistics = statistics[step.in.view.buffer];
    step.updateRunning = true;
  }
  std::vector<Place> inputs = {step.in};
  if (const auto residual = takeResidual(tensor)) {
    step.residual = *places_[*residual];
    inputs.push_back(*step.residual);
  }
  step.activation = takeActivation(tensor, false);
  step.out = finalPlace(tensor);
  emit(step, node, inputs, step.out);
  finish(tensor, step.out);
}

void Lowering::lowerActivation(std::size_t node, const Activation& activation) {
  const ActivationStep step = {inputOf(node), finalPlace(outputOf(node)), activation};
  emit(step, node, {step.in}, step.out);
  finish(outputOf(node), step.out);
}

void Lowering::lowerPool(std::size_t node, PoolStep step) {
  step.in = inputOf(node);
  step.out = finalPlace(outputOf(node));
  if (step.kind == PoolStep::Kind::maximum && isTraining(node)) {
    step.indices = newPlace(outputOf(node), Element::byte);
    const Window& window = step.window;
    if (window.kernel[0] * window.kernel[1] > 256)
      throw EngineError(ErrorCode::engine,
                        "expected a kernel of at most 256 pixels in training but received " +
                            std::to_string(window.kernel[0]) + " x " + std::to_string(window.kernel[1]) + ".",
                        graph_.graph.nodes[node].name);
  }
  emit(step, node, {step.in}, step.out);
  finish(outputOf(node), step.out);
}

/** A sum of several: one addition for each further input, the last one with the activation. */
void Lowering::lowerAdd(std::size_t node) {
  const auto& inputs = graph_.nodes[node].inputs;
  std::size_t tensor = outputOf(node);
  const Activation activation = takeActivation(tensor, true);
  const Place out = finalPlace(tensor);
  Place sum = placeOf(inputs[0]);
  if (inputs.size() == 1) emit(ActivationStep{sum, out, activation}, node, {sum}, out);
  for (std::size_t index = 1; index < inputs.size(); index++) {
    Place other = placeOf(inputs[index]);
    if (!placement_.alike(placement_.root(inputs[0]), placement_.root(inputs[index]))) {
      const Place copy = ownBuffer(sum);
      emit(CopyStep{other, copy}, node, {other}, copy);
      other = copy;
    }
    const bool last = index + 1 == inputs.size();
    const Place target = last ? out : ownBuffer(out);
    emit(AddStep{sum, other, target, last ? activation : Activation{}}, node, {sum, other}, target);
    sum = target;
  }
  finish(tensor, out);
}

void Lowering::lowerConcat(std::size_t node) {
  const std::size_t root = outputOf(node);
  const Place& whole = *placement_.window(root);
  std::size_t first = whole.view.first;
  for (const std::size_t input : graph_.nodes[node].inputs) {
    const Place member = placeOf(input);
    Place part = member;
    part.view = {whole.view.buffer, first, member.view.channels};
    first += member.view.channels;
    if (part.view == member.view) continue;
    const CopyStep copy = {member, part};
    if (!measured_[root]) {
      emit(copy, node, {member}, part);
      continue;
    }
    if (isTraining(node)) records.push_back({copy, {member}, part, false});
    passOn(member, part);
  }
  places_[root] = whole;
}

void Lowering::lowerLinear(std::size_t node, const Linear& linear) {
  const auto& parameters = graph_.nodes[node].parameters;
  const std::size_t tensor = outputOf(node);
  const bool last = placement_.root(graph_.tensors.size() - 1) == tensor;
  LinearStep step = {node, inputOf(node, true),
                     newPlace(tensor, last ? Element::float32 : Element::activation), parameters[0],
                     std::nullopt};
  if (linear.bias) step.bias = parameters[1];
  emit(step, node, {step.in}, step.out);
  finish(tensor, step.out);
}

void Lowering::lowerDropout(std::size_t node, const Dropout& dropout) {
  // A dropout that is the last node itself has a number of its own, too.
  const auto layer = static_cast<std::uint32_t>(graph_.nodes.size()) - 2 - static_cast<std::uint32_t>(node);
  const DropoutStep step = {layer, dropout.rate, inputOf(node), finalPlace(outputOf(node))};
  emit(step, node, {step.in}, step.out);
  finish(outputOf(node), step.out);
}

void Lowering::lowerFlatten(std::size_t node) {
  const FlattenStep step = {inputOf(node), newPlace(outputOf(node))};
  emit(step, node, {step.in}, step.out);
  finish(outputOf(node), step.out);
}

Program lower(const CheckedGraph& graph, const ProgramOptions& options) {
  Lowering lowering(graph, options);
  lowering.run();
  if (options.trainedStages != 0) lowerBackward(lowering);
  return std::move(lowering.program);
}

}  // namespace thaw
