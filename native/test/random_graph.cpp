#include "test/random_graph.h"

#include <algorithm>
#include <limits>

#include "engine/random.h"
#include "test/graph_builder.h"

namespace thaw::test {
namespace {

/** Adds nodes to a graph, each reading tensors that are there. */
class RandomGraph {
 public:
  explicit RandomGraph(Choices& choices)
      : choices_(choices), build_(1 + choices.pick(5), 1 + choices.pick(6), 1 + choices.pick(6)) {
    tensors_ = unread_ = {GraphBuilder::input};
  }

  Graph grow() {
    const std::size_t nodes = 1 + choices_.pick(14);
    for (std::size_t node = 0; node < nodes; node++) {
      if (stage_ < 3 && choices_.pick(5) == 0) build_.stage(++stage_);
      made(oneNode());
    }
    return finish();
  }

 private:
  /** Some tensor, the last one and those with maps more likely. */
  std::string some() {
    std::string tensor = tensors_.back();
    if (choices_.flip() && !build_.extent(tensor).flat) return read(tensor);
    for (std::size_t tries = 0; tries < 3; tries++) {
      const std::size_t back = std::min(choices_.pick(tensors_.size()), choices_.pick(tensors_.size()));
      tensor = tensors_[tensors_.size() - 1 - back];
      if (!build_.extent(tensor).flat) break;
    }
    return read(tensor);
  }
  std::string read(const std::string& tensor) {
    std::erase(unread_, tensor);
    return tensor;
  }
  void made(const std::string& tensor) {
    tensors_.push_back(tensor);
    unread_.push_back(tensor);
  }

  /** `first` with up to two others that `fits` allows, in any order and perhaps twice. */
  template <typename Fits>
  std::vector<std::string> together(const std::string& first, Fits&& fits) {
    std::vector<std::string> parts = {first};
    std::vector<std::string> allowed;
    for (const std::string& tensor : tensors_)
      if (fits(build_.extent(tensor))) allowed.push_back(tensor);
    for (std::size_t others = choices_.pick(3); others > 0; others--)
      parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(choices_.pick(parts.size() + 1)),
                   read(allowed[choices_.pick(allowed.size())]));
    return parts;
  }

  Window anyWindow(const Extent& in, bool pool) {
    Window window;
    for (std::size_t axis = 0; axis < 2; axis++) {
      const std::size_t size = axis == 0 ? in.height : in.width;
      window.kernel[axis] = 1 + choices_.pick(std::min<std::size_t>(size, 3));
      window.stride[axis] = 1 + choices_.pick(3);
      if (window.kernel[axis] == 2 && size >= 3 && choices_.pick(4) == 0) window.dilation[axis] = 2;
      window.padding[axis] = choices_.pick(window.kernel[axis]);
      window.padding[axis + 2] = choices_.pick(window.kernel[axis]);
    }
    window.ceilMode = pool && choices_.flip();
    return window;
  }

  std::string oneNode() {
    const std::string in = some();
    const Extent extent = build_.extent(in);
    const std::size_t kind = choices_.pick(16);
    if (kind < 3) return build_.norm(in);
    if (kind < 5) return build_.relu(in);
    if (kind < 7) return build_.add(together(in, [&](const Extent& other) { return other == extent; }));
    if (kind < 9)
      return build_.concat(together(in, [&](const Extent& other) {
        return other.height == extent.height && other.width == extent.width && other.flat == extent.flat;
      }));
    if (kind == 9) return choices_.flip() ? build_.clip(in, -0.25, 0.75) : build_.sigmoid(in);
    if (kind == 10) return choices_.flip() ? build_.dropout(in, 0.25) : build_.identity(in);
    if (extent.flat) return build_.linear(in, 1 + choices_.pick(5), choices_.flip());
    if (kind == 11) return pool(in);
    if (kind == 12 && choices_.pick(3) == 0)
      return choices_.flip() ? build_.flatten(in) : build_.globalPool(in);
    return convolution(in);
  }

  std::string pool(const std::string& in) {
    Window window = anyWindow(build_.extent(in), true);
    if (choices_.flip()) return build_.maxPool(in, window);
    window.dilation = {1, 1};
    return build_.averagePool(in, window, choices_.flip());
  }

  /** Often of the input's own shape, so that sums find partners. */
  std::string convolution(const std::string& in) {
    const Extent extent = build_.extent(in);
    const bool same = choices_.flip();
    const Window window = same ? test::window(choices_.flip() ? 3 : 1) : anyWindow(extent, false);
    Window padded = window;
    if (same) padded.padding.fill((window.kernel[0] - 1) / 2);
    const bool depthwise = choices_.pick(4) == 0;
    const std::size_t out = same || depthwise ? extent.channels : 1 + choices_.pick(6);
    return build_.conv(in, out, padded, depthwise ? extent.channels : 1, choices_.flip());
  }

  /** Everything that nothing has read yet goes into one vector. */
  Graph finish() {
    std::vector<std::string> vectors;
    for (const std::string& tensor : unread_)
      vectors.push_back(build_.extent(tensor).flat ? tensor : build_.flatten(tensor));
    const std::string whole = vectors.size() == 1 ? vectors[0] : build_.concat(vectors);
    return build_.graph(whole == GraphBuilder::input || choices_.pick(8) > 0 ? build_.linear(whole, 2)
                                                                             : build_.identity(whole));
  }

  Choices& choices_;
  GraphBuilder build_;
  std::vector<std::string> tensors_;
  std::vector<std::string> unread_;
  std::size_t stage_ = 0;
};

std::size_t anyLength(Choices& choices) {
  constexpr std::size_t lengths[] = {0,
                                     1,
                                     2,
                                     3,
                                     7,
                                     100,
                                     65536,
                                     std::size_t{1} << 24,
                                     std::size_t{1} << 40,
                                     std::numeric_limits<std::size_t>::max()};
  return lengths[choices.pick(std::size(lengths))];
}

double anyNumber(Choices& choices) {
  constexpr double numbers[] = {0,
                                1,
                                -1,
                                0.5,
                                1e300,
                                std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::quiet_NaN()};
  return numbers[choices.pick(std::size(numbers))];
}

Window* windowOf(Op& op) {
  if (auto* conv = std::get_if<Conv2d>(&op)) return &conv->window;
  if (auto* pool = std::get_if<MaxPool>(&op)) return &pool->window;
  if (auto* pool = std::get_if<AveragePool>(&op)) return &pool->window;
  return nullptr;
}

void damageWindow(Window& window, Choices& choices) {
  const std::size_t axis = choices.pick(2);
  switch (choices.pick(5)) {
    case 0:
      window.kernel[axis] = anyLength(choices);
      break;
    case 1:
      window.stride[axis] = anyLength(choices);
      break;
    case 2:
      window.dilation[axis] = anyLength(choices);
      break;
    case 3:
      window.padding[choices.pick(4)] = anyLength(choices);
      break;
    default:
      window.ceilMode = !window.ceilMode;
  }
}

void damageNode(Graph& graph, Node& node, Choices& choices) {
  const Node& other = graph.nodes[choices.pick(graph.nodes.size())];
  switch (choices.pick(8)) {
    case 0:
      if (Window* window = windowOf(node.op)) return damageWindow(*window, choices);
      break;
    case 1:
      if (auto* conv = std::get_if<Conv2d>(&node.op)) conv->groups = anyLength(choices);
      if (auto* norm = std::get_if<BatchNorm>(&node.op)) norm->epsilon = anyNumber(choices);
      if (auto* dropout = std::get_if<Dropout>(&node.op)) dropout->rate = anyNumber(choices);
      if (auto* clip = std::get_if<Clip>(&node.op)) clip->minimum = anyNumber(choices);
      break;
    case 2:
      node.inputs.push_back(other.output);
      break;
    case 3:
      if (!node.inputs.empty()) node.inputs[choices.pick(node.inputs.size())] = other.output;
      break;
    case 4:
      node.inputs.clear();
      break;
    case 5:
      node.output = other.output;
      break;
    case 6:
      node.stage = anyLength(choices);
      break;
    default:
      node.op = other.op;
  }
}

}  // namespace

Graph randomGraph(Choices& choices) {
  return RandomGraph(choices).grow();
}

void damage(Graph& graph, Choices& choices) {
  for (std::size_t times = 1 + choices.pick(3); times > 0 && !graph.nodes.empty(); times--) {
    switch (choices.pick(6)) {
      case 0:
        graph.inputExtent = {anyLength(choices), anyLength(choices), anyLength(choices), choices.flip()};
        break;
      case 1:
        if (graph.parameters.empty()) break;
        if (auto& shape = graph.parameters[choices.pick(graph.parameters.size())].shape; !shape.empty())
          shape[choices.pick(shape.size())] = anyLength(choices);
        break;
      case 2:
        std::swap(graph.nodes[choices.pick(graph.nodes.size())], graph.nodes.back());
        break;
      case 3:
        graph.output = graph.nodes[choices.pick(graph.nodes.size())].output;
        break;
      default:
        damageNode(graph, graph.nodes[choices.pick(graph.nodes.size())], choices);
    }
  }
}

ProgramOptions randomOptions(Choices& choices) {
  ProgramOptions options;
  options.batch = 1 + choices.pick(3);
  options.trainedStages = static_cast<std::uint32_t>(choices.pick(16));
  for (std::size_t stage = 0; stage < 4; stage++)
    options.normModes.push_back(static_cast<NormMode>(choices.pick(4) % 3));
  options.keepNormalized = choices.flip();
  constexpr std::size_t multiples[] = {1, 8, 16};
  options.channelMultiple = multiples[choices.pick(3)];
  return options;
}

std::vector<std::uint8_t> randomBytes(std::uint32_t seed, std::size_t count) {
  RandomStream random(seed, 3);
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(256 * random.uniform());
  return bytes;
}

}  // namespace thaw::test
