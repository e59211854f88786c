#include "test/graph_builder.h"
#include "test/op_cases.h"

namespace thaw::test {
namespace {

using Build = GraphBuilder&;
using Name = const std::string&;

/** `apply` behind a convolution of a 3-channel image to [channels, size, size + 1]. */
template <typename Apply>
OpCase blockCase(const std::string& name, std::size_t channels, std::size_t size, Apply&& apply,
                 std::size_t batch = 3) {
  GraphBuilder build(3, size, size + 1);
  const std::string in = build.conv(GraphBuilder::input, channels, window(1), 1, true);
  const std::string out = apply(build, in);
  return {name, build.classified(out, 2), batch, {}};
}

std::string convNorm(Build build, Name in, std::size_t out, const Window& window, std::size_t groups = 1) {
  return build.norm(build.conv(in, out, window, groups));
}

/** batch norm, relu, convolution: the order of DenseNet and of pre-activation ResNet. */
std::string normConv(Build build, Name in, std::size_t out, const Window& window) {
  return build.conv(build.relu(build.norm(in)), out, window);
}

std::vector<OpCase> normCases() {
  return {
      blockCase("convolution, norm", 5, 4,
                [](Build build, Name in) { return convNorm(build, in, 16, window(3, 1, 1)); }),
      blockCase("convolution with bias, norm, relu", 5, 4,
                [](Build build, Name in) {
                  return build.relu(build.norm(build.conv(in, 20, window(3, 1, 1), 1, true)));
                }),
      blockCase("convolution, norm, relu6, convolution", 16, 4,
                [](Build build, Name in) {
                  return build.conv(build.clip(convNorm(build, in, 5, window(3, 1, 1))), 3, window(1));
                }),
      blockCase("convolution, norm, clip on both sides", 5, 4,
                [](Build build, Name in) { return build.clip(convNorm(build, in, 5, window(1)), -0.5, 1); }),
      blockCase("convolution, norm, sigmoid", 5, 4,
                [](Build build, Name in) { return build.sigmoid(convNorm(build, in, 20, window(1))); }),
      blockCase("norm, relu, convolution", 20, 4,
                [](Build build, Name in) { return normConv(build, in, 16, window(3, 1, 1)); }),
      blockCase("norm, convolution", 5, 4,
                [](Build build, Name in) { return build.conv(build.norm(in), 16, window(1)); }),
      blockCase("norm with another epsilon and momentum", 5, 4,
                [](Build build, Name in) { return build.relu(build.norm(in, 0.01, 0.3)); }),
      blockCase("norm of a norm", 5, 4,
                [](Build build, Name in) { return build.relu(build.norm(build.norm(in))); }),
      blockCase(
          "norm of pooled maps", 5, 5,
          [](Build build, Name in) { return build.norm(build.maxPool(build.relu(in), window(3, 2, 1))); }),
      blockCase(
          "norm of vectors", 5, 3,
          [](Build build, Name in) { return build.relu(build.norm(build.linear(build.flatten(in), 20))); },
          7),
      blockCase(
          "norm of one value a channel", 5, 1,
          [](Build build, Name in) { return build.norm(build.globalPool(in)); }, 1),
      blockCase("two norms of one tensor", 5, 4,
                [](Build build, Name in) {
                  return build.add({build.relu(build.norm(in)), build.sigmoid(build.norm(in))});
                }),
      blockCase("three norms and a convolution of one tensor", 20, 4,
                [](Build build, Name in) {
                  const std::string x = build.conv(in, 20, window(3, 1, 1));
                  return build.add({normConv(build, x, 5, window(1)), normConv(build, x, 5, window(3, 1, 1)),
                                    build.norm(build.conv(x, 5, window(1))), build.conv(x, 5, window(1))});
                }),
      blockCase("a norm's result with two readers", 5, 4,
                [](Build build, Name in) {
                  const std::string x = build.relu(build.norm(in));
                  return build.add({build.conv(x, 16, window(1)), build.conv(x, 16, window(3, 1, 1))});
                }),
      blockCase("a norm's result with a relu and another reader", 5, 4,
                [](Build build, Name in) {
                  const std::string x = build.norm(in);
                  return build.add({build.relu(x), x});
                }),
  };
}

std::vector<OpCase> residualCases() {
  const auto basic = [](Build build, Name in, Name skip) {
    const std::string inner = build.relu(convNorm(build, in, build.extent(skip).channels, window(3, 1, 1)));
    return build.add({convNorm(build, inner, build.extent(skip).channels, window(3, 1, 1)), skip});
  };
  return {
      blockCase("residual block, identity skip", 16, 4,
                [&](Build build, Name in) { return build.relu(basic(build, in, in)); }),
      blockCase("residual block, skip first", 5, 4,
                [](Build build, Name in) {
                  return build.relu(build.add({in, convNorm(build, in, 5, window(3, 1, 1))}));
                }),
      blockCase("two residual blocks", 20, 3,
                [&](Build build, Name in) {
                  const std::string x = build.relu(basic(build, build.relu(in), in));
                  return build.relu(basic(build, x, x));
                }),
      blockCase("residual block, projected skip", 16, 5,
                [](Build build, Name in) {
                  const std::string x = build.relu(in);
                  const std::string inner = build.relu(convNorm(build, x, 20, window(3, 2, 1)));
                  const std::string main = convNorm(build, inner, 20, window(3, 1, 1));
                  return build.relu(build.add({main, convNorm(build, x, 20, window(1, 2))}));
                }),
      blockCase("residual block without relu", 16, 4,
                [&](Build build, Name in) { return basic(build, in, in); }),
      blockCase("residual block, relu6 and another reader of the sum", 5, 4,
                [&](Build build, Name in) {
                  const std::string sum = basic(build, in, in);
                  return build.add({build.clip(sum), sum});
                }),
      blockCase("residual block, clip on both sides", 5, 4,
                [&](Build build, Name in) { return build.clip(basic(build, in, in), -1, 1); }),
      blockCase("residual block, sigmoid", 5, 4,
                [&](Build build, Name in) { return build.sigmoid(basic(build, in, in)); }),
      blockCase("pre-activation residual block", 16, 4,
                [](Build build, Name in) {
                  const std::string inner = normConv(build, in, 16, window(3, 1, 1));
                  return build.relu(build.norm(build.add({in, normConv(build, inner, 16, window(3, 1, 1))})));
                }),
      blockCase("a norm added to its input", 5, 4,
                [](Build build, Name in) {
                  return build.relu(build.add({build.norm(in), in}));
                }),
      blockCase("a convolution added to its input", 5, 4,
                [](Build build, Name in) {
                  return build.relu(build.add({build.conv(in, 5, window(3, 1, 1)), in}));
                }),
      blockCase("a norm of a relu added to it", 5, 4,
                [](Build build, Name in) {
                  const std::string x = build.relu(in);
                  return build.add({x, build.norm(x)});
                }),
      blockCase("inverted residual with relu6", 5, 4,
                [](Build build, Name in) {
                  const std::string wide = build.clip(convNorm(build, in, 20, window(1)));
                  const std::string deep = build.clip(convNorm(build, wide, 20, window(3, 1, 1), 20));
                  return build.add({in, convNorm(build, deep, 5, window(1))});
                }),
      blockCase("grouped residual block", 16, 4,
                [](Build build, Name in) {
                  const std::string wide = build.relu(convNorm(build, in, 32, window(1)));
                  const std::string deep = build.relu(convNorm(build, wide, 32, window(3, 1, 1), 4));
                  return build.relu(build.add({convNorm(build, deep, 16, window(1)), in}));
                }),
      blockCase("sum of three", 5, 4,
                [](Build build, Name in) {
                  return build.relu(build.add({in, build.relu(in), build.conv(in, 5, window(3, 1, 1))}));
                }),
      blockCase("sum of three norms", 20, 3,
                [](Build build, Name in) {
                  return build.clip(
                      build.add({build.norm(in), build.norm(in), convNorm(build, in, 20, window(1))}));
                }),
      blockCase("a tensor added to itself", 5, 4,
                [](Build build, Name in) {
                  return build.relu(build.add({in, in}));
                }),
      blockCase("a norm added to itself", 5, 4,
                [](Build build, Name in) {
                  const std::string x = build.norm(in);
                  return build.relu(build.add({x, x}));
                }),
      blockCase("sum of one", 5, 4, [](Build build, Name in) { return build.relu(build.add({in})); }),
  };
}

std::vector<OpCase> concatCases() {
  return {
      blockCase("concatenation of two convolutions", 5, 4,
                [](Build build, Name in) {
                  return build.concat({build.conv(in, 16, window(1)), build.conv(in, 5, window(3, 1, 1))});
                }),
      blockCase("concatenation of odd channel counts, norm, relu, convolution", 5, 4,
                [](Build build, Name in) {
                  const std::string whole = build.concat(
                      {build.conv(in, 3, window(1)), in, build.conv(in, 1, window(3, 1, 1), 1, true)});
                  return normConv(build, whole, 20, window(3, 1, 1));
                }),
      blockCase("concatenation of odd channel counts, grouped convolution", 3, 4,
                [](Build build, Name in) {
                  return build.conv(build.concat({in, build.conv(in, 5, window(1))}), 4, window(3, 1, 1), 2);
                }),
      blockCase("concatenation of odd channel counts, depthwise convolution", 3, 4,
                [](Build build, Name in) {
                  return build.conv(build.concat({in, build.conv(in, 5, window(1))}), 8, window(3, 1, 1), 8);
                }),
      blockCase("concatenation, pooled and flattened", 3, 4,
                [](Build build, Name in) {
                  const std::string whole = build.concat({build.relu(in), build.conv(in, 5, window(1))});
                  return build.flatten(build.maxPool(build.dropout(whole, 0.3), window(2, 1)));
                }),
      blockCase("concatenation, pooled to vectors", 5, 4,
                [](Build build, Name in) {
                  const std::string whole = build.concat({build.relu(in), build.conv(in, 3, window(1))});
                  return build.flatten(build.globalPool(whole));
                }),
      blockCase("concatenation of vectors", 5, 3,
                [](Build build, Name in) {
                  const std::string vector = build.flatten(build.globalPool(in));
                  return build.concat({build.linear(vector, 5), build.sigmoid(vector), build.flatten(in)});
                }),
      blockCase("concatenation with the image", 5, 4,
                [](Build build, Name in) {
                  return build.conv(build.concat({GraphBuilder::input, in}), 5, window(3, 1, 1));
                }),
      blockCase("concatenation of one", 5, 4,
                [](Build build, Name in) { return normConv(build, build.concat({in}), 5, window(1)); }),
      blockCase("concatenation of a tensor with itself", 5, 4,
                [](Build build, Name in) {
                  return normConv(build, build.concat({in, in}), 5, window(1));
                }),
      blockCase("a tensor in two concatenations", 5, 4,
                [](Build build, Name in) {
                  const std::string a = build.conv(in, 3, window(1)), b = build.conv(in, 5, window(1));
                  const std::string first = build.concat({a, in}), second = build.concat({in, b, a});
                  return build.add(
                      {normConv(build, first, 5, window(1)), normConv(build, second, 5, window(3, 1, 1)), b});
                }),
      blockCase(
          "one concatenation within two", 5, 3,
          [](Build build, Name in) {
            const std::string inner = build.concat({in, build.conv(in, 3, window(1))});
            const std::string left = build.concat({inner, build.conv(inner, 5, window(1))});
            const std::string right = build.concat({build.conv(inner, 1, window(1)), inner});
            return build.add({normConv(build, left, 5, window(1)), normConv(build, right, 5, window(1))});
          }),
      blockCase("sum of a concatenation and a convolution", 5, 4,
                [](Build build, Name in) {
                  const std::string whole = build.concat({in, build.conv(in, 3, window(1))});
                  return build.relu(build.add({whole, build.conv(in, 8, window(3, 1, 1))}));
                }),
      blockCase("sum of a norm and a concatenation", 5, 4,
                [](Build build, Name in) {
                  const std::string whole = build.concat({in, build.conv(in, 3, window(1))});
                  return build.relu(build.add({convNorm(build, in, 8, window(1)), whole, build.norm(whole)}));
                }),
      blockCase("sum of two whose channels lie differently", 5, 4,
                [](Build build, Name in) {
                  const std::string whole = build.concat({in, build.conv(in, 3, window(1))});
                  const std::string sum = build.relu(build.add({convNorm(build, in, 8, window(1)), whole}));
                  return build.add({build.norm(whole), sum});
                }),
      blockCase("concatenation of norms and pools", 5, 4,
                [](Build build, Name in) {
                  const std::string whole = build.concat(
                      {build.relu(build.norm(in)), build.maxPool(in, window(3, 1, 1)),
                       build.averagePool(in, window(3, 1, 1)), build.sigmoid(in), build.add({in, in})});
                  return build.conv(whole, 5, window(1));
                }),
      blockCase("fire", 16, 5,
                [](Build build, Name in) {
                  const std::string squeezed = build.relu(build.conv(in, 5, window(1), 1, true));
                  const std::string whole =
                      build.concat({build.relu(build.conv(squeezed, 16, window(1), 1, true)),
                                    build.relu(build.conv(squeezed, 20, window(3, 1, 1), 1, true))});
                  return build.conv(build.maxPool(whole, inCeilMode(window(3, 2))), 5, window(1), 1, true);
                }),
  };
}

/** DenseNet (Huang et al., CVPR 2017): each layer reads all that came before. `nested` concatenates to the
 * last whole. */
std::string denseBlock(Build build, Name in, std::size_t layers, std::size_t growth, bool nested,
                       double rate = 0) {
  std::vector<std::string> features = {in};
  std::string whole = in;
  for (std::size_t layer = 0; layer < layers; layer++) {
    const std::string inner = normConv(build, whole, 2 * growth, window(1));
    std::string grown = normConv(build, inner, growth, window(3, 1, 1));
    if (rate > 0) grown = build.dropout(grown, rate);
    features.push_back(grown);
    whole = nested ? build.concat({whole, grown}) : build.concat(features);
  }
  return whole;
}

std::vector<OpCase> denseCases() {
  const auto end = [](Build build, Name in) {
    return build.flatten(build.globalPool(build.relu(build.norm(in))));
  };
  return {
      blockCase("dense block", 16, 3,
                [&](Build build, Name in) { return end(build, denseBlock(build, in, 3, 16, false)); }),
      blockCase("nested dense block of odd growth", 5, 3,
                [&](Build build, Name in) { return end(build, denseBlock(build, in, 3, 3, true)); }),
      blockCase("dense block of odd growth with dropout", 5, 3,
                [&](Build build, Name in) { return end(build, denseBlock(build, in, 3, 3, false, 0.3)); }),
      blockCase("two dense blocks with a transition", 3, 4,
                [&](Build build, Name in) {
                  const std::string first = denseBlock(build, in, 2, 5, false);
                  const std::string between =
                      build.averagePool(normConv(build, first, 7, window(1)), window(2, 2));
                  return end(build, denseBlock(build, between, 2, 5, true));
                }),
  };
}

}  // namespace

std::vector<OpCase> blockCases() {
  std::vector<OpCase> cases;
  for (auto* part : {normCases, residualCases, concatCases, denseCases})
    for (OpCase& block : part()) cases.push_back(std::move(block));
  return cases;
}

}  // namespace thaw::test
