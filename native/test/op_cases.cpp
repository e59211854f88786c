#include "test/op_cases.h"

#include "test/graph_builder.h"

namespace thaw::test {
namespace {

Window oblong(std::array<std::size_t, 2> kernel, std::array<std::size_t, 2> stride,
              std::array<std::size_t, 4> padding, std::array<std::size_t, 2> dilation = {1, 1}) {
  return {kernel, stride, dilation, padding, false};
}

/** A convolution's attributes, [in, height, width] → out. */
struct ConvCase {
  const char* name;
  std::size_t in, out, height, width;
  Window window;
  std::size_t groups = 1;
  bool bias = false;
  std::size_t batch = 2;
};

/** Behind a 1 × 1 convolution (so that the input's gradient matters), before a relu (so that the output's
 * does). */
OpCase convCase(const ConvCase& conv) {
  GraphBuilder build(3, conv.height, conv.width);
  const std::string in = build.conv(GraphBuilder::input, conv.in, window(1), 1, true);
  const std::string out = build.conv(in, conv.out, conv.window, conv.groups, conv.bias);
  return {std::string("convolution ") + conv.name, build.classified(build.relu(out)), conv.batch, {}};
}

std::vector<OpCase> convolutionCases() {
  const ConvCase table[] = {
      {"1x1", 3, 5, 5, 4, window(1)},
      {"1x1 with bias", 16, 20, 4, 5, window(1), 1, true},
      {"1x1 of one channel", 1, 1, 5, 5, window(1), 1, true},
      {"1x1, 32 to 16", 32, 16, 3, 7, window(1)},
      {"1x1 with stride 2", 16, 32, 7, 7, window(1, 2)},
      {"1x1 with stride 3", 5, 3, 8, 7, window(1, 3), 1, true},
      {"1x1 with padding", 3, 5, 4, 4, window(1, 1, 1), 1, true},
      {"2x2 with stride 3", 5, 16, 8, 9, window(2, 3)},
      {"3x3", 16, 16, 6, 6, window(3, 1, 1)},
      {"3x3 with bias", 20, 5, 7, 5, window(3, 1, 1), 1, true},
      {"3x3 without padding", 3, 20, 6, 7, window(3)},
      {"3x3 on larger maps", 16, 32, 12, 10, window(3, 1, 1)},
      {"3x3 with stride 2", 16, 20, 9, 7, window(3, 2, 1)},
      {"3x3 with stride 2 on even sizes", 5, 32, 8, 6, window(3, 2, 1)},
      {"3x3 with stride 3", 16, 3, 9, 8, window(3, 3)},
      {"3x3 to one channel", 5, 1, 5, 5, window(3, 1, 1)},
      {"3x3 of one image", 16, 20, 5, 7, window(3, 1, 1), 1, false, 1},
      {"3x3 of five images", 5, 16, 4, 3, window(3, 1, 1), 1, true, 5},
      {"3x3 on a map of one pixel", 16, 16, 1, 1, window(3, 1, 1)},
      {"5x5", 20, 32, 6, 5, window(5, 1, 2)},
      {"5x5 with stride 2", 3, 16, 9, 9, window(5, 2, 2), 1, true},
      {"7x7 with stride 2", 3, 16, 11, 9, window(7, 2, 3)},
      {"over all of the map", 5, 20, 4, 3, oblong({4, 3}, {1, 1}, {})},
      {"1x3", 5, 16, 4, 6, oblong({1, 3}, {1, 1}, {0, 1, 0, 1})},
      {"3x1 with strides 1 and 2", 16, 5, 6, 5, oblong({3, 1}, {1, 2}, {1, 0, 1, 0})},
      {"with padding at the end", 16, 16, 6, 8, oblong({3, 3}, {2, 2}, {0, 0, 1, 1})},
      {"with uneven padding", 3, 20, 5, 5, oblong({3, 3}, {1, 1}, {2, 0, 1, 1}), 1, true},
      {"with dilation 2", 16, 16, 7, 6, oblong({3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2})},
      {"with dilations 1 and 3", 5, 16, 5, 8, oblong({3, 3}, {1, 1}, {1, 3, 1, 3}, {1, 3})},
      {"with dilation and stride", 3, 5, 9, 9, oblong({3, 3}, {2, 2}, {2, 2, 2, 2}, {2, 2}), 1, true},
      {"of 4 groups", 16, 32, 5, 5, window(3, 1, 1), 4},
      {"of 2 wide groups", 32, 32, 4, 4, window(3, 1, 1), 2, true},
      {"of groups of 3", 15, 10, 5, 4, window(3, 2, 1), 5},
      {"1x1 of 4 groups", 16, 20, 4, 4, window(1), 4},
      {"depthwise", 16, 16, 6, 5, window(3, 1, 1), 16},
      {"depthwise with bias", 5, 5, 5, 5, window(3, 1, 1), 5, true},
      {"depthwise with stride 2", 20, 20, 7, 7, window(3, 2, 1), 20},
      {"depthwise 5x5", 32, 32, 5, 6, window(5, 1, 2), 32},
      {"depthwise, two outputs a channel", 5, 10, 5, 5, window(3, 1, 1), 5},
      {"depthwise with dilation", 16, 16, 7, 7, oblong({3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}), 16},
  };
  std::vector<OpCase> cases;
  for (const ConvCase& conv : table) cases.push_back(convCase(conv));
  return cases;
}

/** Convolutions that read the image itself. */
std::vector<OpCase> firstConvolutionCases() {
  std::vector<OpCase> cases;
  const auto stem = [&](const char* name, std::size_t channels, std::size_t out, const Window& window,
                        std::size_t groups) {
    GraphBuilder build(channels, 11, 10);
    const std::string maps = build.conv(GraphBuilder::input, out, window, groups, true);
    cases.push_back({std::string("first convolution ") + name, build.classified(build.relu(maps)), 2, {}});
  };
  stem("7x7 of 3 channels", 3, 16, window(7, 2, 3), 1);
  stem("3x3 of 1 channel", 1, 20, window(3, 1, 1), 1);
  stem("3x3 of 20 channels", 20, 5, window(3, 2, 0), 1);
  stem("1x1 with stride 2", 3, 5, window(1, 2), 1);
  stem("1x1 with stride 2 and padding", 3, 5, window(1, 2, 1), 1);
  stem("depthwise", 3, 3, window(3, 1, 1), 3);
  GraphBuilder twice(3, 6, 6);
  const std::string a = twice.conv(GraphBuilder::input, 5, window(3, 1, 1));
  const std::string b = twice.conv(GraphBuilder::input, 5, window(1), 1, true);
  cases.push_back({"an image that two convolutions read", twice.classified(twice.add({a, b})), 2, {}});
  GraphBuilder normed(3, 5, 5);
  const std::string image = normed.relu(normed.norm(GraphBuilder::input));
  cases.push_back({"batch norm of the image", normed.classified(normed.conv(image, 5, window(3))), 2, {}});
  GraphBuilder pooled(3, 7, 7);
  const std::string small = pooled.maxPool(GraphBuilder::input, window(2, 2));
  cases.push_back({"pooling of the image", pooled.classified(pooled.conv(small, 5, window(3))), 2, {}});
  return cases;
}

/** `apply` behind a convolution to [channels, height, width]. */
template <typename Apply>
OpCase behindConvolution(const std::string& name, std::size_t channels, std::size_t height, std::size_t width,
                         Apply&& apply) {
  GraphBuilder build(3, height, width);
  const std::string in = build.conv(GraphBuilder::input, channels, window(1), 1, true);
  const std::string out = apply(build, in);
  return {name, build.classified(out), 2, {}};
}

std::vector<OpCase> poolingCases() {
  struct PoolCase {
    const char* name;
    std::size_t channels, height, width;
    Window window;
  };
  const PoolCase both[] = {
      {"2x2 with stride 2", 16, 6, 8, window(2, 2)},
      {"2x2 with stride 2 on odd sizes", 5, 7, 5, window(2, 2)},
      {"2x2 with stride 3", 3, 8, 8, window(2, 3)},
      {"3x3 with stride 2 and padding", 20, 8, 7, window(3, 2, 1)},
      {"3x3 with stride 1 and padding", 5, 4, 5, window(3, 1, 1)},
      {"3x3 with stride 2 in ceil mode", 16, 8, 6, inCeilMode(window(3, 2))},
      {"3x3 with stride 2 and padding in ceil mode", 3, 8, 6, inCeilMode(window(3, 2, 1))},
      {"2x2 with stride 3 in ceil mode", 5, 6, 7, inCeilMode(window(2, 3))},
      {"with padding at the end", 16, 6, 6, oblong({3, 3}, {2, 2}, {0, 0, 1, 1})},
      {"with uneven padding", 1, 5, 6, oblong({3, 3}, {1, 2}, {2, 0, 1, 1})},
      {"2x3 with strides 1 and 2", 5, 5, 7, oblong({2, 3}, {1, 2}, {1, 1, 0, 1})},
      {"1x1", 32, 3, 3, window(1)},
      {"over all of the map", 20, 4, 5, oblong({4, 5}, {1, 1}, {})},
  };
  std::vector<OpCase> cases;
  for (const PoolCase& pool : both) {
    const auto add = [&](const std::string& kind, auto&& apply) {
      cases.push_back(behindConvolution(kind + pool.name, pool.channels, pool.height, pool.width, apply));
    };
    using Build = GraphBuilder&;
    using Name = const std::string&;
    add("max pooling ", [&](Build build, Name in) { return build.maxPool(in, pool.window); });
    add("average pooling ", [&](Build build, Name in) { return build.averagePool(in, pool.window); });
    add("average pooling that counts padding ",
        [&](Build build, Name in) { return build.averagePool(in, pool.window, true); });
  }
  cases.push_back(
      behindConvolution("max pooling with dilation", 5, 7, 8, [](GraphBuilder& build, const auto& in) {
        return build.maxPool(in, oblong({3, 2}, {1, 2}, {1, 1, 1, 0}, {2, 3}));
      }));
  cases.push_back(behindConvolution(
      "max pooling behind relu", 16, 8, 8,
      [](GraphBuilder& build, const auto& in) { return build.maxPool(build.relu(in), window(3, 2, 1)); }));
  cases.push_back(
      behindConvolution("global average pooling", 20, 5, 4,
                        [](GraphBuilder& build, const auto& in) { return build.globalPool(in); }));
  cases.push_back(
      behindConvolution("global average pooling of one pixel", 5, 1, 1,
                        [](GraphBuilder& build, const auto& in) { return build.globalPool(in); }));
  return cases;
}

std::vector<OpCase> elementwiseCases() {
  std::vector<OpCase> cases;
  const auto add = [&](const std::string& name, std::size_t channels, auto&& apply) {
    cases.push_back(behindConvolution(name, channels, 5, 4, apply));
  };
  using Build = GraphBuilder&;
  using Name = const std::string&;
  add("relu", 5, [](Build build, Name in) { return build.relu(in); });
  add("relu6", 16, [](Build build, Name in) { return build.clip(in); });
  add("clip on both sides", 20, [](Build build, Name in) { return build.clip(in, -0.5, 0.75); });
  add("clip above zero", 5, [](Build build, Name in) { return build.clip(in, 0.25, 0.75); });
  add("sigmoid", 5, [](Build build, Name in) { return build.sigmoid(in); });
  add("sigmoid behind pooling", 20,
      [](Build build, Name in) { return build.sigmoid(build.averagePool(in, window(2))); });
  add("relu with another reader of its input", 5, [](Build build, Name in) {
    return build.add({build.relu(in), in});
  });
  add("identity", 5, [](Build build, Name in) { return build.relu(build.identity(build.identity(in))); });
  add("dropout of maps", 5, [](Build build, Name in) { return build.dropout(build.relu(in), 0.3); });
  add("dropout of padded maps", 20, [](Build build, Name in) { return build.dropout(in, 0.3); });
  add("dropout of vectors", 5, [](Build build, Name in) { return build.dropout(build.flatten(in), 0.3); });
  add("dropout of a tensor with another reader", 5, [](Build build, Name in) {
    return build.add({in, build.dropout(in, 0.5)});
  });
  add("dropout that drops nothing", 5, [](Build build, Name in) { return build.dropout(in, 0); });
  add("linear without bias", 3,
      [](Build build, Name in) { return build.relu(build.linear(build.flatten(in), 20, false)); });
  add("three linear layers", 5, [](Build build, Name in) {
    const std::string hidden = build.relu(build.linear(build.flatten(in), 16));
    return build.sigmoid(build.linear(hidden, 5));
  });
  add("flatten of one pixel", 20, [](Build build, Name in) { return build.flatten(build.globalPool(in)); });
  add("a linear layer with two readers", 5, [](Build build, Name in) {
    const std::string hidden = build.linear(build.flatten(in), 5);
    return build.add({build.relu(hidden), build.sigmoid(hidden)});
  });
  return cases;
}

bool hasNorm(const CheckedGraph& graph) {
  for (const Node& node : graph.graph.nodes)
    if (std::holds_alternative<BatchNorm>(node.op)) return true;
  return false;
}

}  // namespace

std::vector<OpCase> singleOpCases() {
  std::vector<OpCase> cases;
  for (auto* part : {convolutionCases, firstConvolutionCases, poolingCases, elementwiseCases})
    for (OpCase& op : part()) cases.push_back(std::move(op));
  return cases;
}

std::vector<OpCase> opCases() {
  std::vector<OpCase> cases;
  for (auto* part : {singleOpCases, blockCases, stageCases})
    for (OpCase& op : part()) {
      const std::uint32_t all = (std::uint32_t{1} << op.graph.stages) - 1;
      op.variants.insert(op.variants.begin(), {"all trained", {op.batch, all, {}, false, 1}});
      if (hasNorm(op.graph)) {
        const auto every = [&](NormMode mode) { return std::vector(op.graph.stages, mode); };
        op.variants.push_back({"norms kept", {op.batch, all, {}, true, 1}});
        op.variants.push_back({"norms frozen", {op.batch, all, every(NormMode::frozen), false, 1}});
        op.variants.push_back({"norms fixed", {op.batch, all, every(NormMode::fixed), true, 1}});
      }
      cases.push_back(std::move(op));
    }
  return cases;
}

}  // namespace thaw::test
