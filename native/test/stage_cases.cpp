#include "test/graph_builder.h"
#include "test/op_cases.h"

namespace thaw::test {
namespace {

std::string convNormRelu(GraphBuilder& build, const std::string& in, std::size_t out, const Window& window) {
  return build.relu(build.norm(build.conv(in, out, window)));
}

/** Stem, two residual stages, head: stages 0 to 3. */
CheckedGraph residualNetwork() {
  GraphBuilder build(3, 9, 8);
  const std::string stem =
      build.maxPool(convNormRelu(build, GraphBuilder::input, 5, window(3, 1, 1)), window(3, 2, 1));
  build.stage(1);
  const std::string inner = convNormRelu(build, stem, 5, window(3, 1, 1));
  const std::string first = build.relu(build.add({build.norm(build.conv(inner, 5, window(3, 1, 1))), stem}));
  build.stage(2);
  const std::string deeper = convNormRelu(build, first, 16, window(3, 2, 1));
  const std::string main = build.norm(build.conv(deeper, 16, window(3, 1, 1)));
  const std::string second = build.relu(build.add({main, build.norm(build.conv(first, 16, window(1, 2)))}));
  build.stage(3);
  return build.checked(build.linear(build.dropout(build.flatten(build.globalPool(second)), 0.3), 3));
}

/** Stem, dense block, transition and second dense block, head. The first block's concatenation crosses stages
 * 1 and 2. */
CheckedGraph denseNetwork() {
  GraphBuilder build(3, 8, 8);
  std::string features =
      build.averagePool(convNormRelu(build, GraphBuilder::input, 5, window(3, 1, 1)), window(2, 2));
  for (std::size_t stage = 1; stage <= 2; stage++) {
    build.stage(stage);
    for (std::size_t layer = 0; layer < 2; layer++) {
      const std::string inner = build.conv(build.relu(build.norm(features)), 5, window(1));
      const std::string grown = build.conv(build.relu(build.norm(inner)), 3, window(3, 1, 1));
      features = build.concat({features, grown});
    }
  }
  build.stage(3);
  const std::string end = build.relu(build.norm(features));
  return build.checked(build.linear(build.flatten(build.globalPool(end)), 3));
}

/** SqueezeNet's end: a convolution as classifier, in a stage of its own. */
CheckedGraph squeezeNetwork() {
  GraphBuilder build(3, 9, 9);
  const std::string stem = build.relu(build.conv(GraphBuilder::input, 16, window(3, 2), 1, true));
  build.stage(1);
  const std::string squeezed = build.relu(build.conv(stem, 3, window(1), 1, true));
  const std::string whole = build.concat({build.relu(build.conv(squeezed, 5, window(1), 1, true)),
                                          build.relu(build.conv(squeezed, 5, window(3, 1, 1), 1, true))});
  build.stage(2);
  const std::string classes = build.relu(build.conv(build.dropout(whole, 0.5), 3, window(1), 1, true));
  return build.checked(build.flatten(build.globalPool(classes)));
}

/** A stage that the next two read: through one skip that passes over the middle one, and its norms. */
CheckedGraph skippedStage() {
  GraphBuilder build(3, 5, 5);
  const std::string stem = build.conv(GraphBuilder::input, 5, window(3, 1, 1), 1, true);
  build.stage(1);
  const std::string middle = build.conv(build.relu(build.norm(stem)), 5, window(3, 1, 1));
  build.stage(2);
  const std::string sum = build.relu(build.add({build.norm(middle), stem}));
  const std::string whole = build.concat({sum, build.relu(build.norm(stem)), stem});
  return build.checked(build.linear(build.flatten(build.conv(whole, 3, window(3))), 2));
}

/** Every mask of stages, and every norm mode in turn. */
OpCase stageCase(const std::string& name, CheckedGraph graph) {
  OpCase stages{name, std::move(graph), 3, {}};
  const std::uint32_t all = (std::uint32_t{1} << stages.graph.stages) - 1;
  for (std::uint32_t mask = 1; mask < all; mask++) {
    std::string text;
    for (std::size_t stage = 0; stage < stages.graph.stages; stage++)
      text += (mask >> stage & 1) != 0 ? 'T' : '.';
    stages.variants.push_back({"stages " + text, {stages.batch, mask, {}, (mask & 2) != 0, 1}});
  }
  const NormMode modes[] = {NormMode::batch, NormMode::frozen, NormMode::fixed};
  for (std::size_t turn = 0; turn < 3; turn++) {
    std::vector<NormMode> turned;
    for (std::size_t stage = 0; stage < stages.graph.stages; stage++)
      turned.push_back(modes[(stage + turn) % 3]);
    stages.variants.push_back(
        {"norm modes turned by " + std::to_string(turn), {stages.batch, all, turned, turn == 1, 1}});
    stages.variants.push_back({"norm modes turned by " + std::to_string(turn) + ", stem frozen",
                               {stages.batch, all & ~std::uint32_t{1}, turned, turn == 1, 1}});
  }
  return stages;
}

}  // namespace

std::vector<OpCase> stageCases() {
  return {stageCase("residual network", residualNetwork()), stageCase("dense network", denseNetwork()),
          stageCase("squeeze network", squeezeNetwork()),
          stageCase("a stage that is skipped", skippedStage())};
}

}  // namespace thaw::test
