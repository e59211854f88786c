#include <functional>
#include <string>

#include "test/check.h"
#include "test/golden/ops.h"
#include "test/graph_builder.h"
#include "test/test_network.h"

// Single ops of the reference backend against PyTorch, see golden/ops.py. Their gradients are held against
// finite differences of these forward passes in ops_test.cpp.
using namespace thaw;
using namespace thaw::test;

namespace {

/** Element i of tensor k. */
double numberOf(std::size_t k, std::size_t i) {
  return (static_cast<double>((389 * i + 97 * k) % 1009) - 504) / 512;
}

struct GoldenOp {
  const char* name;
  std::size_t channels, height, width;
  std::function<std::string(GraphBuilder&, const std::string&)> apply;
};

using Build = GraphBuilder&;
using Name = const std::string&;
using Pair = std::array<std::size_t, 2>;
using Padding = std::array<std::size_t, 4>;

std::vector<GoldenOp> goldenOps() {
  const Padding same = {1, 1, 1, 1};
  const auto conv = [](std::size_t out, const Window& window, std::size_t groups, bool bias) {
    return [=](Build build, Name in) { return build.conv(in, out, window, groups, bias); };
  };
  const auto maximum = [](const Window& window) {
    return [=](Build build, Name in) { return build.maxPool(in, window); };
  };
  const auto average = [](const Window& window, bool counts) {
    return [=](Build build, Name in) { return build.averagePool(in, window, counts); };
  };
  const Window inCeil = {{2, 3}, {3, 3}, {1, 1}, same, true},
               uneven = {{3, 2}, {2, 1}, {1, 1}, {1, 0, 2, 1}, false};
  return {
      {"convolution", 3, 6, 5, conv(5, window(3, 1, 1), 1, true)},
      {"convolution with stride 2", 3, 7, 8, conv(4, window(3, 2, 1), 1, false)},
      {"convolution with stride 3", 3, 8, 9, conv(4, window(2, 3), 1, true)},
      {"1x1 convolution with stride 2", 5, 5, 6, conv(4, window(1, 2), 1, true)},
      {"convolution of an oblong window", 3, 6, 7,
       conv(4, {{1, 3}, {2, 1}, {1, 1}, {0, 2, 0, 1}, false}, 1, false)},
      {"convolution with uneven padding", 3, 5, 5,
       conv(4, {{3, 3}, {2, 2}, {1, 1}, {2, 0, 1, 1}, false}, 1, false)},
      {"convolution with dilation", 3, 8, 9,
       conv(4, {{3, 2}, {1, 2}, {2, 3}, {2, 1, 2, 1}, false}, 1, false)},
      {"convolution of groups", 6, 5, 5, conv(4, window(3, 1, 1), 2, true)},
      {"depthwise convolution", 5, 6, 6, conv(10, window(3, 2, 1), 5, false)},
      {"max pooling", 4, 7, 6, maximum(window(3, 2, 1))},
      {"max pooling in ceil mode", 4, 7, 6, maximum(inCeilMode(window(2, 3, 1)))},
      {"max pooling with dilation", 4, 7, 6, maximum({{3, 2}, {1, 2}, {2, 3}, {1, 1, 1, 0}, false})},
      {"average pooling", 4, 7, 6, average(window(3, 2, 1), false)},
      {"average pooling that counts padding", 4, 7, 6, average(window(3, 2, 1), true)},
      {"average pooling in ceil mode", 4, 7, 6, average(inCeil, false)},
      {"average pooling in ceil mode that counts padding", 4, 7, 6, average(inCeil, true)},
      {"average pooling with uneven padding", 4, 7, 6, average(uneven, false)},
      {"average pooling with uneven padding that counts it", 4, 7, 6, average(uneven, true)},
      {"global average pooling", 4, 7, 6, [](Build build, Name in) { return build.globalPool(in); }},
      {"batch norm", 4, 7, 6, [](Build build, Name in) { return build.norm(in); }},
      {"relu", 4, 7, 6, [](Build build, Name in) { return build.relu(in); }},
      {"clip", 4, 7, 6, [](Build build, Name in) { return build.clip(in, -0.25, 0.5); }},
      {"sigmoid", 4, 7, 6, [](Build build, Name in) { return build.sigmoid(in); }},
      {"sum of three", 4, 7, 6,
       [](Build build, Name in) {
         return build.add({in, build.relu(in), in});
       }},
      {"concatenation", 4, 7, 6,
       [](Build build, Name in) {
         return build.concat({build.sigmoid(in), in, build.relu(in)});
       }},
      {"linear", 4, 7, 6, [](Build build, Name in) { return build.linear(build.flatten(in), 5); }},
  };
}

CheckedGraph graphOf(const GoldenOp& op) {
  GraphBuilder build(op.channels, op.height, op.width);
  const std::string out = op.apply(build, GraphBuilder::input);
  return build.checked(build.extent(out).flat ? out : build.flatten(out));
}

ParameterValues parametersOf(const CheckedGraph& graph) {
  const bool norm = graph.graph.parameters.size() == 4;
  ParameterValues values;
  for (std::size_t k = 0; k < graph.graph.parameters.size(); k++) {
    values.emplace_back();
    for (std::size_t i = 0; i < graph.graph.parameters[k].size(); i++)
      values.back().push_back(
          static_cast<float>(numberOf(k + 1, i) + (norm && (k == 0 || k == 3) ? 1.5 : 0)));
  }
  return values;
}

std::vector<float> imagesOf(const CheckedGraph& graph) {
  std::vector<float> images(2 * graph.graph.inputExtent.size());
  for (std::size_t i = 0; i < images.size(); i++) images[i] = static_cast<float>(numberOf(0, i));
  return images;
}

void checkSketch(const std::string& name, const std::vector<double>& result) {
  for (const golden::Sketch& sketch : golden::sketches) {
    if (sketch.name != name) continue;
    for (std::size_t j = 0; j < 3; j++) {
      double product = 0;
      for (std::size_t i = 0; i < result.size(); i++) product += result[i] * numberOf(200 + j, i);
      check::report(std::abs(product - sketch.products[j]) <= 1e-11, __FILE__, __LINE__,
                    name + ": expected " + std::to_string(sketch.products[j]) + " but received " +
                        std::to_string(product));
    }
    return;
  }
  check::report(false, __FILE__, __LINE__, name + " is not in golden/ops.h");
}

}  // namespace

TEST("single ops equal PyTorch's, in inference and in training") {
  for (const std::size_t multiple : {1u, 8u})
    for (const GoldenOp& op : goldenOps())
      for (const std::uint32_t trained : {0u, 1u}) {
        const CheckedGraph graph = graphOf(op);
        const auto backend = makeReferenceBackend(multiple);
        TestNetwork network(graph, {2, trained, {NormMode::frozen}, false, 1}, *backend);
        network.load(parametersOf(graph));
        checkSketch(op.name, network.forward(imagesOf(graph)));
      }
}

TEST("batch norm with the batch's statistics, and what it leaves of them, equal PyTorch's") {
  GraphBuilder build(4, 7, 6);
  const CheckedGraph graph = build.checked(build.flatten(build.norm(GraphBuilder::input, 0.01, 0.7)));
  const auto backend = makeReferenceBackend();
  TestNetwork network(graph, {2, 1, {NormMode::batch}, false, 1}, *backend);
  network.load(parametersOf(graph));
  checkSketch("batch norm of the batch, result", network.forward(imagesOf(graph)));
  // Running statistics start from floats.
  checkSketch("batch norm of the batch, running mean", network.values(2));
  checkSketch("batch norm of the batch, running variance", network.values(3));
}
