#include <algorithm>
#include <map>
#include <set>

#include "engine/error.h"
#include "engine/program.h"
#include "test/check.h"
#include "test/graph_builder.h"
#include "test/random_graph.h"

using namespace thaw;
using namespace thaw::test;

namespace {

template <typename Which>
std::vector<Which> stepsOf(const std::vector<Step>& steps) {
  std::vector<Which> found;
  for (const Step& step : steps)
    if (const auto* which = std::get_if<Which>(&step)) found.push_back(*which);
  return found;
}

template <typename Which>
std::size_t count(const std::vector<Step>& steps) {
  return stepsOf<Which>(steps).size();
}

constexpr std::uint32_t all = ~std::uint32_t{0};

ProgramOptions optionsOf(std::uint32_t trainedStages, std::size_t multiple = 1) {
  ProgramOptions options;
  options.batch = 2;
  options.trainedStages = trainedStages;
  options.channelMultiple = multiple;
  return options;
}

/** DenseNet's first block behind its stem, 16 channels that grow by 8, and the norm behind it. */
CheckedGraph denseBlock(std::size_t layers, bool nested) {
  GraphBuilder build(3, 8, 8);
  std::vector<std::string> features = {
      build.maxPool(build.conv(GraphBuilder::input, 16, window(3, 1, 1)), window(2, 2))};
  std::string whole = features[0];
  for (std::size_t layer = 0; layer < layers; layer++) {
    const std::string inner = build.conv(build.relu(build.norm(whole)), 32, window(1));
    features.push_back(build.conv(build.relu(build.norm(inner)), 8, window(3, 1, 1)));
    whole = nested ? build.concat({whole, features.back()}) : build.concat(features);
  }
  const std::string end = build.globalPool(build.relu(build.norm(whole)));
  return build.checked(build.linear(build.flatten(end), 3));
}

/** Stem, an identity block and a projected one, head, in stages 0 to 3. */
CheckedGraph residualNetwork() {
  GraphBuilder build(3, 16, 16);
  const std::string stem = build.relu(build.norm(build.conv(GraphBuilder::input, 8, window(7, 2, 3))));
  const std::string in = build.maxPool(stem, window(3, 2, 1));
  const auto block = [&](const std::string& x, const std::string& skip, std::size_t stride) {
    const std::size_t channels = build.extent(skip).channels;
    const std::string inner = build.relu(build.norm(build.conv(x, channels, window(3, stride, 1))));
    return build.relu(build.add({build.norm(build.conv(inner, channels, window(3, 1, 1))), skip}));
  };
  build.stage(1);
  const std::string first = block(in, in, 1);
  build.stage(2);
  const std::string second = block(first, build.norm(build.conv(first, 16, window(1, 2))), 2);
  build.stage(3);
  return build.checked(build.linear(build.flatten(build.globalPool(second)), 3));
}

std::vector<std::size_t> floatsOf(const Program& program) {
  std::vector<std::size_t> bytes;
  for (const Buffer& buffer : program.buffers)
    bytes.push_back(program.batch * buffer.channels * buffer.pixels() * 4);
  return bytes;
}

}  // namespace

TEST("a dense block's concatenations cost no copy in training") {
  for (const bool nested : {false, true})
    for (const std::size_t multiple : {1u, 8u, 16u}) {
      const Program program = lower(denseBlock(4, nested), optionsOf(all, multiple));
      CHECK(count<CopyStep>(program.forward) == 0);
      CHECK(count<AddStep>(program.forward) == 0);
      // conv, pool, 4 × (norm, conv, norm, conv), norm, pool, linear
      CHECK(count<ConvolutionStep>(program.forward) == 9);
      CHECK(count<NormalizeStep>(program.forward) == 9);
      // Backward, the block has one gradient buffer that all its layers add to; only the grown slices, which
      // a convolution takes whole, are moved out of it, in the pass that corrects them.
      CHECK(count<CopyStep>(program.backward) == 0);
      CHECK(count<FillStep>(program.backward) == 0);
    }
}

TEST("statistics are taken once of each channel that a batch norm reads") {
  for (const bool nested : {false, true}) {
    const Program program = lower(denseBlock(4, nested), optionsOf(all));
    std::map<std::pair<std::uint32_t, std::size_t>, std::size_t> taken;
    std::size_t channels = 0;
    for (const StatisticsStep& step : stepsOf<StatisticsStep>(program.forward)) {
      const View& view = (step.to ? *step.to : step.from).view;
      channels += view.channels;
      for (std::size_t channel = 0; channel < view.channels; channel++)
        taken[{view.buffer, view.first + channel}]++;
    }
    CHECK(channels == 16 + 4 * 32 + 4 * 8);
    CHECK(taken.size() == channels);
    // The slice that a layer adds goes to the block's buffer in that pass.
    std::size_t moved = 0;
    for (const StatisticsStep& step : stepsOf<StatisticsStep>(program.forward)) moved += step.to ? 1 : 0;
    CHECK(moved == 4);
  }
}

TEST("one correction of a dense block's gradients for each tensor, whatever number of norms reads it") {
  const Program program = lower(denseBlock(4, false), optionsOf(all));
  // The last slice has one reader only, but that reads the others too; the inner tensors have their own norm
  // each.
  CHECK(count<CorrectStep>(program.backward) == 5);
  std::size_t deferred = 0;
  for (const NormalizeBackwardStep& step : stepsOf<NormalizeBackwardStep>(program.backward))
    deferred += step.deferred ? 1 : 0;
  CHECK(deferred == 5);
  CHECK(count<ClearStep>(program.backward) == 1);
  CHECK(std::holds_alternative<ClearStep>(program.backward.front()));
}

TEST("inference folds every batch norm, relu and residual sum into its convolution") {
  const CheckedGraph graph = residualNetwork();
  const Program program = lower(graph, optionsOf(0));
  CHECK(program.backward.empty());
  CHECK(program.vectors.empty());
  // Input, 6 convolutions, two pools, linear, output.
  CHECK(program.forward.size() == 11);
  const auto convolutions = stepsOf<ConvolutionStep>(program.forward);
  CHECK(convolutions.size() == 6);
  std::size_t sums = 0, relus = 0;
  for (const ConvolutionStep& step : convolutions) {
    CHECK(step.folded.has_value());
    CHECK(step.in.view.buffer != step.out.view.buffer);
    sums += step.accumulate ? 1 : 0;
    relus += step.activation.kind == Activation::Kind::relu ? 1 : 0;
  }
  CHECK(sums == 2 && relus == 5);
}

TEST("a convolution never writes the sum into its own input") {
  GraphBuilder build(4, 6, 6);
  const std::string x = build.conv(GraphBuilder::input, 4, window(1));
  const std::string sum = build.relu(build.add({build.norm(build.conv(x, 4, window(3, 1, 1))), x}));
  const Program program = lower(build.classified(sum), optionsOf(0));
  for (const ConvolutionStep& step : stepsOf<ConvolutionStep>(program.forward))
    CHECK(step.in.view.buffer != step.out.view.buffer);
}

TEST("frozen stages run in inference form and get no backward pass") {
  const CheckedGraph graph = residualNetwork();
  const Program head = lower(graph, optionsOf(0b1000));
  CHECK(count<NormalizeStep>(head.forward) == 0);
  CHECK(count<StatisticsStep>(head.forward) == 0);
  CHECK(count<LinearBackwardStep>(head.backward) == 1);
  CHECK(head.backward.size() == 2);
  CHECK(!stepsOf<LinearBackwardStep>(head.backward)[0].out);
  // The memory of the frozen part is used again: the head alone takes not much more than inference.
  const Program inference = lower(graph, optionsOf(0)), full = lower(graph, optionsOf(all));
  const std::size_t bytes = planArena(head, floatsOf(head)).bytes;
  CHECK(bytes == planArena(inference, floatsOf(inference)).bytes);
  CHECK(bytes < planArena(full, floatsOf(full)).bytes);
  // From stage 2: its three convolutions, of which only the second has an input that a gradient has to reach.
  const Program last = lower(graph, optionsOf(0b1100));
  std::size_t inputs = 0;
  for (const ConvolutionBackwardStep& step : stepsOf<ConvolutionBackwardStep>(last.backward)) {
    CHECK(step.in.has_value());
    inputs += step.out ? 1 : 0;
  }
  CHECK(count<ConvolutionBackwardStep>(last.backward) == 3);
  CHECK(inputs == 1);
}

TEST("a trained middle stage: gradients pass through the frozen ones above it, whose parameters get none") {
  const Program program = lower(residualNetwork(), optionsOf(0b0010));
  const auto convolutions = stepsOf<ConvolutionBackwardStep>(program.backward);
  // Three of stage 2 and two of stage 1.
  CHECK(convolutions.size() == 5);
  std::size_t trained = 0;
  for (const ConvolutionBackwardStep& step : convolutions) trained += step.in ? 1 : 0;
  CHECK(trained == 2);
  std::size_t norms = 0;
  for (const NormalizeBackwardStep& step : stepsOf<NormalizeBackwardStep>(program.backward))
    norms += step.parameterGradients ? 1 : 0;
  CHECK(norms == 2);
  CHECK(!stepsOf<LinearBackwardStep>(program.backward)[0].parameterGradients);
  CHECK(count<StatisticsStep>(program.forward) == 2);
}

TEST("no gradient is made of a frozen addend or a frozen part of a concatenation") {
  GraphBuilder build(3, 6, 6);
  const std::string stem = build.conv(GraphBuilder::input, 4, window(3, 1, 1));
  build.stage(1);
  const std::string trained = build.conv(stem, 4, window(1));
  const std::string both = build.concat({build.add({stem, trained, stem}), build.relu(stem)});
  const Program program = lower(build.classified(build.conv(both, 2, window(1))), optionsOf(0b10));
  // The sum's gradient goes to the trained addend alone; none goes through the relu.
  CHECK(count<ActivationBackwardStep>(program.backward) == 0);
  CHECK(count<CopyStep>(program.backward) == 2);
  CHECK(count<ConvolutionBackwardStep>(program.backward) == 2);
}

TEST("an image is marked as the network's input where one dense convolution alone reads it") {
  const auto marks = [](const CheckedGraph& graph) {
    std::size_t marked = 0;
    for (const Buffer& buffer : lower(graph, optionsOf(all)).buffers) marked += buffer.networkInput ? 1 : 0;
    return marked;
  };
  CHECK(marks(residualNetwork()) == 1);
  GraphBuilder deep(3, 4, 4);
  CHECK(marks(deep.classified(deep.conv(GraphBuilder::input, 3, window(3), 3))) == 0);
  GraphBuilder twice(3, 4, 4);
  const std::string a = twice.conv(GraphBuilder::input, 3, window(1)),
                    b = twice.conv(GraphBuilder::input, 3, window(1));
  CHECK(marks(twice.classified(twice.add({a, b}))) == 0);
  GraphBuilder joined(3, 4, 4);
  const std::string c = joined.conv(GraphBuilder::input, 3, window(1));
  CHECK(marks(joined.classified(joined.concat({GraphBuilder::input, c}))) == 0);
}

TEST("a maximum whose indices do not fit a byte is refused in training, with the node's name") {
  GraphBuilder build(3, 20, 20);
  const CheckedGraph graph =
      build.classified(build.maxPool(build.conv(GraphBuilder::input, 2, window(1)), window(17, 1)));
  CHECK(!lower(graph, optionsOf(0)).forward.empty());
  std::string node;
  try {
    lower(graph, optionsOf(all));
  } catch (const EngineError& error) {
    node = error.node;
  }
  CHECK(node == "max-pool1");
}

TEST("buffers that some step needs together never share memory, and no place is beyond its buffer") {
  for (std::uint32_t seed = 0; seed < 2000; seed++) {
    const std::vector<std::uint8_t> bytes = randomBytes(seed, 120);
    Choices choices(bytes);
    const ProgramOptions options = randomOptions(choices);
    const CheckedGraph graph = checkGraph(randomGraph(choices));
    const Program program = lower(graph, options);
    const std::vector<std::size_t> sizes = floatsOf(program);
    const ArenaPlan plan = planArena(program, sizes);
    // Buffers that hold something behind each step: touched at or before it, and again at or behind it.
    std::vector<std::set<std::uint32_t>> touched;
    for (const auto* steps : {&program.forward, &program.backward})
      for (const Step& step : *steps) {
        const auto buffers = buffersOf(step);
        touched.emplace_back(buffers.begin(), buffers.end());
      }
    std::map<std::uint32_t, std::size_t> last;
    for (std::size_t time = 0; time < touched.size(); time++)
      for (const std::uint32_t buffer : touched[time]) last[buffer] = time;
    std::set<std::uint32_t> alive;
    std::size_t live = 0;
    for (std::size_t time = 0; time < touched.size(); time++) {
      alive.insert(touched[time].begin(), touched[time].end());
      std::map<std::size_t, std::size_t> taken;
      for (const std::uint32_t buffer : alive) {
        const bool fresh = taken.emplace(plan.offsets[buffer], plan.offsets[buffer] + sizes[buffer]).second;
        CHECK(fresh);
      }
      std::size_t end = 0, total = 0;
      for (const auto& [from, to] : taken) {
        CHECK(from >= end && to <= plan.bytes);
        end = to;
        total += to - from;
      }
      live = std::max(live, total);
      for (const std::uint32_t buffer : touched[time])
        if (last[buffer] == time) alive.erase(buffer);
    }
    CHECK(plan.bytes >= live);
  }
}

TEST("a chain needs two buffers at a time, whatever its length") {
  GraphBuilder build(4, 8, 8);
  std::string x = GraphBuilder::input;
  for (std::size_t layer = 0; layer < 10; layer++) x = build.conv(x, 4, window(3, 1, 1));
  const Program program = lower(build.classified(x), optionsOf(0));
  CHECK(planArena(program, floatsOf(program)).bytes == 2 * 2 * 4 * 64 * 4);
}
