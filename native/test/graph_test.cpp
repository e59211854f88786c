#include "engine/graph.h"

#include <functional>

#include "engine/error.h"
#include "test/check.h"
#include "test/graph_builder.h"

using namespace thaw;
using namespace thaw::test;

namespace {

/** A graph with one node of each kind; tests break it in one place. */
Graph whole() {
  GraphBuilder build(4, 8, 8);
  const std::string conv = build.conv(GraphBuilder::input, 6, window(3, 1, 1), 2, true);
  const std::string norm = build.relu(build.norm(conv));
  build.stage(1);
  const std::string pool = build.maxPool(norm, window(2, 2));
  const std::string other = build.averagePool(norm, window(2, 2));
  const std::string sum = build.add({pool, build.clip(other)});
  const std::string both = build.dropout(build.concat({sum, build.sigmoid(pool)}), 0.5);
  build.stage(2);
  return build.graph(build.linear(build.flatten(build.globalPool(build.identity(both))), 3));
}

Node& nodeOf(Graph& graph, const std::string& name) {
  for (Node& node : graph.nodes)
    if (node.name == name) return node;
  throw EngineError(ErrorCode::engine, "no such node", name);
}

template <typename Which>
Which& opOf(Graph& graph, const std::string& name) {
  return std::get<Which>(nodeOf(graph, name).op);
}

Window& windowOf(Graph& graph, const std::string& name) {
  if (auto* conv = std::get_if<Conv2d>(&nodeOf(graph, name).op)) return conv->window;
  if (auto* pool = std::get_if<MaxPool>(&nodeOf(graph, name).op)) return pool->window;
  return opOf<AveragePool>(graph, name).window;
}

Parameter& parameterOf(Graph& graph, const std::string& name) {
  for (Parameter& parameter : graph.parameters)
    if (parameter.name == name) return parameter;
  throw EngineError(ErrorCode::engine, "no such parameter", name);
}

/** "node: message" of the refusal, "" where there is none. */
std::string refusalOf(Graph graph) {
  try {
    checkGraph(std::move(graph));
    return "";
  } catch (const EngineError& error) {
    return error.node + ": " + error.what();
  }
}

void checkRefusal(const char* expected, const std::function<void(Graph&)>& breakIt, int line) {
  Graph graph = whole();
  breakIt(graph);
  const std::string received = refusalOf(std::move(graph));
  check::report(received.find(expected) == 0, __FILE__, line,
                "expected the refusal \"" + std::string(expected) + "\" but received \"" + received + "\"");
}

}  // namespace

#define REFUSED(expected, ...) \
  checkRefusal(                \
      expected, [](Graph& graph) { __VA_ARGS__; }, __LINE__)

TEST("a whole graph is accepted, with shapes, tensors and stages") {
  const CheckedGraph checked = checkGraph(whole());
  CHECK(checked.stages == 3);
  CHECK(checked.tensors.size() == checked.graph.nodes.size() + 1);
  CHECK((checked.tensors[0].extent == Extent{4, 8, 8}));
  CHECK(checked.tensors[0].maker == Tensor::none);
  CHECK((checked.outputOf(0).extent == Extent{6, 8, 8}));
  CHECK((checked.outputOf(3).extent == Extent{6, 4, 4}));
  CHECK((checked.tensors.back().extent == Extent{3, 1, 1, true}));
  const std::size_t last = checked.nodes.size() - 1;
  CHECK((checked.inputOf(last).extent == Extent{12, 1, 1, true}));
  CHECK(checked.nodes[0].parameters == (std::vector<std::size_t>{0, 1}));
  CHECK(checked.nodes[1].parameters == (std::vector<std::size_t>{2, 3, 4, 5}));
  // The relu's result is read by both pools, the max pool's by the sum and the sigmoid.
  CHECK(checked.outputOf(2).consumers == (std::vector<std::size_t>{3, 4}));
  CHECK(checked.outputOf(3).consumers.size() == 2);
}

TEST("shapes of the published networks' windows") {
  const auto count = [](std::size_t size, const Window& window) { return windowCount(window, size, 0); };
  CHECK(count(224, window(7, 2, 3)) == 112);          // ResNet, DenseNet: stem
  CHECK(count(112, window(3, 2, 1)) == 56);           // their first pool
  CHECK(count(224, window(3, 2)) == 111);             // SqueezeNet 1.1: stem
  CHECK(count(111, inCeilMode(window(3, 2))) == 55);  // and its pools
  CHECK(count(55, inCeilMode(window(3, 2))) == 27);
  CHECK(count(27, inCeilMode(window(3, 2))) == 13);
  CHECK(count(224, window(11, 4, 2)) == 55);       // AlexNet: stem
  CHECK(count(8, inCeilMode(window(3, 2))) == 4);  // one more than without ceil mode
  CHECK(count(8, window(3, 2)) == 3);
  CHECK(count(6, inCeilMode(window(2, 3))) == 2);     // a third would begin beyond the input
  CHECK(count(3, inCeilMode(window(2, 2, 1))) == 2);  // or beyond the input and its leading padding
  CHECK(count(5, inCeilMode(window(3, 2, 1))) == 3);
  CHECK(count(2, window(3)) == 0);
  Window dilated = window(3, 1, 2);
  dilated.dilation = {2, 2};
  CHECK(count(7, dilated) == 7);
  Window uneven = window(2, 1);
  uneven.padding = {1, 0, 2, 0};
  CHECK(windowCount(uneven, 5, 0) == 7 && windowCount(uneven, 5, 1) == 4);
}

TEST("names that do not fit are refused, with the node's name") {
  REFUSED("relu1: relu reads the tensor \"nothing\"", nodeOf(graph, "relu1").inputs = {"nothing"});
  REFUSED("relu1: relu reads the tensor \"relu1:0\"", nodeOf(graph, "relu1").inputs = {"relu1:0"});
  REFUSED("norm1: batch-norm reads the tensor \"conv1:0\", which no node before",
          std::swap(graph.nodes[0], graph.nodes[1]));
  REFUSED("relu1: relu makes the tensor \"norm1:0\", which exists",
          nodeOf(graph, "relu1").output = "norm1:0");
  REFUSED("conv1: conv2d makes the tensor \"image\", which exists", graph.nodes[0].output = "image");
  REFUSED("conv1: conv2d lacks the parameter \"conv1.weight\"",
          parameterOf(graph, "conv1.weight").name = "other");
  REFUSED("norm1: batch-norm shares the parameter \"conv1.bias\"",
          opOf<BatchNorm>(graph, "norm1").mean = "conv1.bias");
  REFUSED("norm1: batch-norm shares the parameter \"norm1.mean\"",
          opOf<BatchNorm>(graph, "norm1").variance = "norm1.mean");
  REFUSED("conv1.bias: there are two parameters", graph.parameters.push_back({"conv1.bias", {6}}));
  REFUSED("nothing: expected the last node to make the output", graph.output = "nothing");
  REFUSED("flatten1:0: expected the last node to make the output", graph.output = "flatten1:0");
  REFUSED("image: expected the last node to make the output", graph.nodes.clear(); graph.output = "image");
  REFUSED("average-pool1:0: no node reads this tensor", nodeOf(graph, "clip1").inputs = {"max-pool1:0"});
}

TEST("numbers of inputs that do not fit are refused") {
  REFUSED("conv1: conv2d expected 1 input but received 2", graph.nodes[0].inputs.push_back("image"));
  REFUSED("norm1: batch-norm expected 1 input but received 0", nodeOf(graph, "norm1").inputs.clear());
  REFUSED("relu1: relu expected 1 input but received 2", nodeOf(graph, "relu1").inputs.push_back("image"));
  REFUSED("sigmoid1: sigmoid expected 1 input", nodeOf(graph, "sigmoid1").inputs.clear());
  REFUSED("clip1: clip expected 1 input", nodeOf(graph, "clip1").inputs.clear());
  REFUSED("identity1: identity expected 1 input", nodeOf(graph, "identity1").inputs.clear());
  REFUSED("dropout1: dropout expected 1 input", nodeOf(graph, "dropout1").inputs.clear());
  REFUSED("flatten1: flatten expected 1 input", nodeOf(graph, "flatten1").inputs.clear());
  REFUSED("linear1: linear expected 1 input", nodeOf(graph, "linear1").inputs.clear());
  REFUSED("max-pool1: max-pool expected 1 input", nodeOf(graph, "max-pool1").inputs.clear());
  REFUSED("add1: add expected at least 1 input", nodeOf(graph, "add1").inputs.clear());
  REFUSED("concat1: concat expected at least 1 input", nodeOf(graph, "concat1").inputs.clear());
}

TEST("shapes that do not fit are refused, with what was expected and received") {
  REFUSED("linear1: linear expected [N, F] but received [12, 1, 1]",
          nodeOf(graph, "linear1").inputs = {"global-pool1:0"});
  REFUSED("linear1: linear expected 11 features but received [12]",
          parameterOf(graph, "linear1.weight").shape = {3, 11});
  REFUSED("linear1: linear expected a weight [out, in] but received [36]",
          parameterOf(graph, "linear1.weight").shape = {36});
  REFUSED("linear1: linear expected \"linear1.bias\" of shape [3] but received [2]",
          parameterOf(graph, "linear1.bias").shape = {2});
  REFUSED("norm1: batch-norm expected \"norm1.mean\" of shape [6] but received [5]",
          parameterOf(graph, "norm1.mean").shape = {5});
  REFUSED("norm1: batch-norm expected \"norm1.scale\" of shape [6] but received [6, 1]",
          parameterOf(graph, "norm1.scale").shape = {6, 1});
  REFUSED("add1: add expected inputs of one shape but received [6, 4, 4] and [6, 8, 8]",
          nodeOf(graph, "clip1").inputs = {"relu1:0"});
  REFUSED("concat1: concat expected inputs that differ in channels only but received [6, 4, 4] and [6, 8, 8]",
          nodeOf(graph, "sigmoid1").inputs = {"relu1:0"});
  REFUSED("conv1: conv2d expected 6 input channels but received [4, 8, 8]",
          parameterOf(graph, "conv1.weight").shape = {6, 3, 3, 3});
  REFUSED("conv1: conv2d expected a weight [out, in / groups, kh, kw] but received [6, 2, 9]",
          parameterOf(graph, "conv1.weight").shape = {6, 2, 9});
  REFUSED("conv1: conv2d expected a weight whose kernel is [3, 3] but received [6, 2, 3, 5]",
          parameterOf(graph, "conv1.weight").shape = {6, 2, 3, 5});
  REFUSED("conv1: conv2d expected output channels divisible by 2 groups but received 5",
          parameterOf(graph, "conv1.weight").shape = {5, 2, 3, 3});
  REFUSED("conv1: conv2d expected \"conv1.bias\" of shape [6]", parameterOf(graph, "conv1.bias").shape = {7});
  REFUSED("global-pool1: global-average-pool expected [N, C, H, W] but received [12]", {
    graph.nodes.insert(graph.nodes.end() - 3, {"early", Flatten{}, {"identity1:0"}, "early:0", 2});
    nodeOf(graph, "global-pool1").inputs = {"early:0"};
    graph.inputExtent = {4, 2, 2};
  });
  REFUSED("image: expected lengths above 0", graph.inputExtent.height = 0);
  REFUSED("image: expected lengths above 0, not too large", graph.inputExtent = {4, SIZE_MAX / 2, 4});
  REFUSED("image: expected lengths above 0, not too large", graph.inputExtent = {std::size_t{1} << 25, 1, 1});
  REFUSED("norm1.mean: expected lengths above 0 but received [0]",
          parameterOf(graph, "norm1.mean").shape = {0});
}

TEST("attributes that make no sense are refused") {
  REFUSED("conv1: conv2d expected groups that divide the channels but received 0",
          opOf<Conv2d>(graph, "conv1").groups = 0);
  REFUSED("conv1: conv2d expected 6 input channels but received [4, 8, 8]",
          opOf<Conv2d>(graph, "conv1").groups = 3);
  REFUSED("conv1: conv2d expected kernel, stride and dilation of at least 1",
          windowOf(graph, "conv1").stride[1] = 0);
  REFUSED("conv1: conv2d expected kernel, stride and dilation of at least 1",
          windowOf(graph, "conv1").dilation[0] = 0);
  REFUSED("conv1: conv2d expected kernel, stride, dilation and padding of at most",
          windowOf(graph, "conv1").padding[3] = SIZE_MAX);
  REFUSED("conv1: conv2d expected an input of at least its window (with padding) but received [4, 8, 8]",
          windowOf(graph, "conv1").dilation = {5, 5});
  REFUSED("max-pool1: max-pool expected kernel, stride and dilation of at least 1",
          windowOf(graph, "max-pool1").stride = {2, 0});
  REFUSED("max-pool1: max-pool expected an input of at least its window",
          windowOf(graph, "max-pool1").kernel = {9, 2});
  REFUSED("max-pool1: max-pool expected padding smaller than its kernel but received [0, 0, 2, 0]",
          windowOf(graph, "max-pool1").padding = {0, 0, 2, 0});
  REFUSED("max-pool1: max-pool expected a kernel of at most 65535 pixels",
          windowOf(graph, "max-pool1").kernel = {256, 256});
  REFUSED("max-pool1: max-pool expected a dilation of at most the input",
          windowOf(graph, "max-pool1").dilation = {9, 1};
          windowOf(graph, "max-pool1").padding = {1, 0, 1, 0});
  REFUSED("average-pool1: average-pool expected no dilation",
          windowOf(graph, "average-pool1").dilation = {1, 2});
  REFUSED("norm1: batch-norm expected an epsilon above 0", opOf<BatchNorm>(graph, "norm1").epsilon = 0);
  REFUSED("norm1: batch-norm expected an epsilon above 0", opOf<BatchNorm>(graph, "norm1").epsilon = NAN);
  REFUSED("norm1: batch-norm expected a momentum from 0 to 1",
          opOf<BatchNorm>(graph, "norm1").momentum = 1.5);
  REFUSED("dropout1: dropout expected a rate from 0 to below 1", opOf<Dropout>(graph, "dropout1").rate = 1);
  REFUSED("clip1: clip expected a minimum below the maximum", opOf<Clip>(graph, "clip1").minimum = 6);
}

TEST("stages that fall or are too many are refused") {
  REFUSED("relu1: relu is of a stage below that of the node before it", graph.nodes[1].stage = 1);
  REFUSED("linear1: linear expected a stage of at most 31 but received 32", graph.nodes.back().stage = 32);
}
