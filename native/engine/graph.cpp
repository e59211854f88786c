#include "engine/graph.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "engine/error.h"

namespace thaw {
namespace {

/** No length or product of lengths of a graph may exceed this: sizes then never overflow. */
constexpr std::size_t sizeLimit = std::size_t{1} << 40;
/** Of a tensor: the places of channels are listed one by one. */
constexpr std::size_t channelLimit = std::size_t{1} << 24;

std::string formatShape(const std::vector<std::size_t>& shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.size(); axis++)
    text += (axis == 0 ? "" : ", ") + std::to_string(shape[axis]);
  return text + "]";
}

std::string describe(const Extent& extent) {
  return extent.flat ? formatShape({extent.channels})
                     : formatShape({extent.channels, extent.height, extent.width});
}

bool fits(std::size_t a, std::size_t b) {
  return a <= sizeLimit && b <= sizeLimit && (b == 0 || a <= sizeLimit / b);
}

/** Infers the extent of one node's output. */
class ShapeRule {
 public:
  ShapeRule(const Node& node, const std::vector<Extent>& inputs,
            const std::vector<const Parameter*>& parameters)
      : node_(node), inputs_(inputs), parameters_(parameters) {}

  Extent operator()(const Conv2d& conv) const {
    const Extent in = image();
    const auto& weight = parameters_[0]->shape;
    if (weight.size() != 4) refuse("a weight [out, in / groups, kh, kw]", formatShape(weight));
    if (conv.groups == 0 || !fits(weight[1], conv.groups))
      refuse("groups that divide the channels", std::to_string(conv.groups));
    if (in.channels != weight[1] * conv.groups)
      refuse(std::to_string(weight[1] * conv.groups) + " input channels", describe(in));
    if (weight[0] % conv.groups != 0)
      refuse("output channels divisible by " + std::to_string(conv.groups) + " groups",
             std::to_string(weight[0]));
    if (conv.window.kernel[0] != weight[2] || conv.window.kernel[1] != weight[3])
      refuse("a weight whose kernel is " + formatShape({conv.window.kernel[0], conv.window.kernel[1]}),
             formatShape(weight));
    if (conv.bias) expectVector(1, weight[0]);
    return slide(conv.window, in, weight[0]);
  }
  Extent operator()(const BatchNorm& norm) const {
    const Extent in = only();
    for (std::size_t which = 0; which < 4; which++) expectVector(which, in.channels);
    if (!(norm.epsilon > 0 && std::isfinite(norm.epsilon)))
      refuse("an epsilon above 0", std::to_string(norm.epsilon));
    if (!(norm.momentum >= 0 && norm.momentum <= 1))
      refuse("a momentum from 0 to 1", std::to_string(norm.momentum));
    return in;
  }
  Extent operator()(const MaxPool& pool) const { return poolExtent(pool.window); }
  Extent operator()(const AveragePool& pool) const {
    if (pool.window.dilation != std::array<std::size_t, 2>{1, 1}) refuse("no dilation", "another");
    return poolExtent(pool.window);
  }
  Extent operator()(const GlobalAveragePool&) const { return {image().channels, 1, 1, false}; }
  Extent operator()(const Relu&) const { return only(); }
  Extent operator()(const Sigmoid&) const { return only(); }
  Extent operator()(const Clip& clip) const {
    if (!(clip.minimum < clip.maximum)) refuse("a minimum below the maximum", std::to_string(clip.minimum));
    return only();
  }
  Extent operator()(const Add&) const {
    for (const Extent& in : several())
      if (!(in == inputs_[0])) refuse("inputs of one shape", describe(inputs_[0]) + " and " + describe(in));
    return inputs_[0];
  }
  Extent operator()(const Concat&) const {
    Extent out = several()[0];
    out.channels = 0;
    for (const Extent& in : inputs_) {
      if (in.height != out.height || in.width != out.width || in.flat != out.flat)
        refuse("inputs that differ in channels only", describe(inputs_[0]) + " and " + describe(in));
      out.channels += in.channels;
    }
    return out;
  }
  Extent operator()(const Linear& linear) const {
    const Extent in = only();
    if (!in.flat) refuse("[N, F]", describe(in));
    const auto& weight = parameters_[0]->shape;
    if (weight.size() != 2) refuse("a weight [out, in]", formatShape(weight));
    if (weight[1] != in.channels) refuse(std::to_string(weight[1]) + " features", describe(in));
    if (linear.bias) expectVector(1, weight[0]);
    return {weight[0], 1, 1, true};
  }
  Extent operator()(const Dropout& dropout) const {
    if (!(dropout.rate >= 0 && dropout.rate < 1))
      refuse("a rate from 0 to below 1", std::to_string(dropout.rate));
    return only();
  }
  Extent operator()(const Flatten&) const { return {only().size(), 1, 1, true}; }
  Extent operator()(const Identity&) const { return only(); }

  [[noreturn]] void refuse(const std::string& expected, const std::string& received) const {
    throw EngineError(
        ErrorCode::engine,
        std::string(nameOf(node_.op)) + " expected " + expected + " but received " + received + ".",
        node_.name);
  }

 private:
  Extent only() const {
    if (inputs_.size() != 1) refuse("1 input", std::to_string(inputs_.size()));
    return inputs_[0];
  }
  const std::vector<Extent>& several() const {
    if (inputs_.empty()) refuse("at least 1 input", "none");
    return inputs_;
  }
  Extent image() const {
    const Extent in = only();
    if (in.flat) refuse("[N, C, H, W]", describe(in));
    return in;
  }
  void expectVector(std::size_t which, std::size_t length) const {
    const Parameter& parameter = *parameters_[which];
    if (parameter.shape.size() != 1 || parameter.shape[0] != length)
      refuse("\"" + parameter.name + "\" of shape " + formatShape({length}), formatShape(parameter.shape));
  }
  Extent poolExtent(const Window& window) const {
    const auto& [top, left, bottom, right] = window.padding;
    if (std::max(top, bottom) >= window.kernel[0] || std::max(left, right) >= window.kernel[1])
      refuse("padding smaller than its kernel", formatShape({top, left, bottom, right}));
    if (!fits(window.kernel[0], window.kernel[1]) || window.kernel[0] * window.kernel[1] > 65535)
      refuse("a kernel of at most 65535 pixels", formatShape({window.kernel[0], window.kernel[1]}));
    const Extent in = image();
    if ((top > 0 && window.dilation[0] > in.height) || (left > 0 && window.dilation[1] > in.width))
      refuse("a dilation of at most the input, so that no window lies in the padding alone", describe(in));
    return slide(window, in, in.channels);
  }
  Extent slide(const Window& window, const Extent& in, std::size_t channels) const {
    for (std::size_t axis = 0; axis < 2; axis++) {
      constexpr std::size_t limit = 1 << 16;
      if (window.kernel[axis] == 0 || window.stride[axis] == 0 || window.dilation[axis] == 0)
        refuse("kernel, stride and dilation of at least 1", "0");
      if (window.kernel[axis] > limit || window.stride[axis] > limit || window.dilation[axis] > limit ||
          window.padding[axis] > limit || window.padding[axis + 2] > limit)
        refuse("kernel, stride, dilation and padding of at most " + std::to_string(limit), "more");
    }
    const Extent out = {channels, windowCount(window, in.height, 0), windowCount(window, in.width, 1), false};
    if (out.height == 0 || out.width == 0)
      refuse("an input of at least its window (with padding)", describe(in));
    return out;
  }

  const Node& node_;
  const std::vector<Extent>& inputs_;
  const std::vector<const Parameter*>& parameters_;
};

std::vector<std::string> parameterNames(const Op& op) {
  if (const auto* conv = std::get_if<Conv2d>(&op))
    return conv->bias ? std::vector{conv->weight, *conv->bias} : std::vector{conv->weight};
  if (const auto* linear = std::get_if<Linear>(&op))
    return linear->bias ? std::vector{linear->weight, *linear->bias} : std::vector{linear->weight};
  if (const auto* norm = std::get_if<BatchNorm>(&op))
    return {norm->scale, norm->bias, norm->mean, norm->variance};
  return {};
}

void checkSize(const Extent& extent, const std::string& node) {
  if (extent.channels > 0 && extent.height > 0 && extent.width > 0 && extent.channels <= channelLimit &&
      fits(extent.channels, extent.height) && fits(extent.channels * extent.height, extent.width))
    return;
  throw EngineError(
      ErrorCode::engine,
      "expected lengths above 0, not too large to count, but received " + describe(extent) + ".", node);
}

std::unordered_map<std::string, std::size_t> indexParameters(const std::vector<Parameter>& parameters) {
  std::unordered_map<std::string, std::size_t> indices;
  for (std::size_t index = 0; index < parameters.size(); index++) {
    const Parameter& parameter = parameters[index];
    std::size_t size = 1;
    for (const std::size_t length : parameter.shape) {
      if (length == 0 || !fits(size, length))
        throw EngineError(ErrorCode::engine,
                          "expected lengths above 0 but received " + formatShape(parameter.shape) + ".",
                          parameter.name);
      size *= length;
    }
    if (!indices.emplace(parameter.name, index).second)
      throw EngineError(ErrorCode::engine, "there are two parameters of this name.", parameter.name);
  }
  return indices;
}

}  // namespace

std::size_t Parameter::size() const {
  std::size_t size = 1;
  for (const std::size_t length : shape) size *= length;
  return size;
}

std::size_t windowCount(const Window& window, std::size_t size, std::size_t axis) {
  const std::size_t before = window.padding[axis];
  const std::size_t reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
  const std::size_t padded = size + before + window.padding[axis + 2];
  if (padded < reach) return 0;
  const std::size_t room = padded - reach, stride = window.stride[axis];
  if (!window.ceilMode) return room / stride + 1;
  const std::size_t count = (room + stride - 1) / stride + 1;
  return (count - 1) * stride >= size + before ? count - 1 : count;
}

CheckedGraph checkGraph(Graph graph) {
  CheckedGraph checked;
  const auto parameters = indexParameters(graph.parameters);
  std::unordered_map<std::string, std::size_t> tensors = {{graph.input, 0}};
  std::unordered_set<std::size_t> used;
  checkSize(graph.inputExtent, graph.input);
  checked.tensors.push_back({graph.input, graph.inputExtent, Tensor::none, {}});
  std::size_t stage = 0;
  for (std::size_t index = 0; index < graph.nodes.size(); index++) {
    const Node& node = graph.nodes[index];
    const auto refuse = [&](const std::string& what) {
      throw EngineError(ErrorCode::engine, std::string(nameOf(node.op)) + " " + what, node.name);
    };
    CheckedNode looked;
    std::vector<Extent> extents;
    for (const std::string& input : node.inputs) {
      const auto found = tensors.find(input);
      if (found == tensors.end())
        refuse("reads the tensor \"" + input + "\", which no node before it makes.");
      looked.inputs.push_back(found->second);
      extents.push_back(checked.tensors[found->second].extent);
      checked.tensors[found->second].consumers.push_back(index);
    }
    std::vector<const Parameter*> ofNode;
    for (const std::string& name : parameterNames(node.op)) {
      const auto found = parameters.find(name);
      if (found == parameters.end()) refuse("lacks the parameter \"" + name + "\".");
      if (!used.insert(found->second).second)
        refuse("shares the parameter \"" + name + "\" with another use of it.");
      looked.parameters.push_back(found->second);
      ofNode.push_back(&graph.parameters[found->second]);
    }
    if (node.stage < stage) refuse("is of a stage below that of the node before it.");
    if (node.stage > 31)
      refuse("expected a stage of at most 31 but received " + std::to_string(node.stage) + ".");
    stage = node.stage;
    looked.output = checked.tensors.size();
    if (!tensors.emplace(node.output, looked.output).second)
      refuse("makes the tensor \"" + node.output + "\", which exists already.");
    const Extent extent = std::visit(ShapeRule(node, extents, ofNode), node.op);
    checkSize(extent, node.name);
    checked.tensors.push_back({node.output, extent, index, {}});
    checked.nodes.push_back(std::move(looked));
  }
  const auto output = tensors.find(graph.output);
  if (output == tensors.end() || output->second == 0 || output->second + 1 != checked.tensors.size())
    throw EngineError(ErrorCode::engine,
                      "expected the last node to make the output \"" + graph.output + "\".", graph.output);
  for (const Tensor& tensor : checked.tensors)
    if (tensor.consumers.empty() && tensor.name != graph.output)
      throw EngineError(ErrorCode::engine, "no node reads this tensor.", tensor.name);
  checked.stages = stage + 1;
  checked.graph = std::move(graph);
  return checked;
}

}  // namespace thaw
