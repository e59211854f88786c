#include "engine/inference.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/error.h"
#include "engine/network.h"
#include "test/check.h"
#include "test/networks.h"

using namespace thaw;

namespace {

constexpr std::size_t images = 3;

Graph smallDenseNet() {
  test::DenseNetOptions options;
  options.input = {3, 40, 40};
  options.growth = 12;
  options.blocks = {2, 3};
  options.stemChannels = 20;
  return test::densenet(options);
}

Graph smallResNet() {
  test::ResNetOptions options;
  options.input = {1, 36, 36};
  options.blocks = {1, 2};
  options.width = 24;
  return test::resnet(options);
}

/** The nodes that node `last` needs, itself, and their parameters. */
Graph prefixOf(const Graph& graph, std::size_t last) {
  Graph prefix = graph;
  prefix.nodes.clear();
  prefix.output = graph.nodes[last].output;
  std::set<std::string> needed = {prefix.output};
  for (std::size_t index = last + 1; index-- > 0;)
    if (const Node& node = graph.nodes[index]; needed.contains(node.output)) {
      needed.insert(node.inputs.begin(), node.inputs.end());
      prefix.nodes.insert(prefix.nodes.begin(), node);
    }
  std::erase_if(prefix.parameters, [&](const Parameter& parameter) {
    return std::none_of(prefix.nodes.begin(), prefix.nodes.end(), [&](const Node& node) {
      const std::string start = node.name + ".";
      return parameter.name.compare(0, start.size(), start) == 0;
    });
  });
  return prefix;
}

std::vector<float> outputsOf(const Graph& graph, std::unique_ptr<Backend> backend) {
  Inference inference(graph, images, std::move(backend));
  for (std::size_t index = 0; index < graph.parameters.size(); index++)
    inference.load(graph.parameters[index].name, test::hashWeights(graph.parameters[index], index, 1));
  std::vector<float> in(images * inference.inputSize()), out(images * inference.outputSize(), NAN);
  for (std::size_t index = 0; index < in.size(); index++)
    in[index] = static_cast<float>(index * 2654435761u % 1000) / 500 - 1;
  inference.run(in, out);
  return out;
}

/** Largest difference by the largest number; infinite where one is not a number. */
double distanceOf(const std::vector<float>& received, const std::vector<float>& expected) {
  double largest = 0, difference = 0;
  for (std::size_t index = 0; index < expected.size(); index++) {
    if (!std::isfinite(received[index])) return INFINITY;
    largest = std::max(largest, std::abs(static_cast<double>(expected[index])));
    difference = std::max(difference, std::abs(static_cast<double>(received[index]) - expected[index]));
  }
  return difference / largest;
}

void checkEveryCut(const Graph& graph, Precision precision, double tolerance) {
  std::size_t maps = 0;
  for (std::size_t node = 0; node < graph.nodes.size(); node++) {
    const Graph prefix = prefixOf(graph, node);
    const std::vector<float> expected = outputsOf(prefix, makeReferenceBackend(1, precision));
    const double distance = distanceOf(outputsOf(prefix, makeCpuBackend({precision, 2, true})), expected);
    check::report(distance <= tolerance, __FILE__, __LINE__,
                  prefix.output + " differs by " + std::to_string(distance));
    Graph flat = prefix;
    if (checkGraph(prefix).tensors.back().extent.flat) continue;
    flat.nodes.push_back({"flat", Flatten{}, {prefix.output}, "flat", flat.nodes.back().stage});
    flat.output = "flat";
    CHECK(outputsOf(flat, makeReferenceBackend()) == outputsOf(prefix, makeReferenceBackend()));
    maps++;
  }
  CHECK(maps > 20);
}

}  // namespace

TEST("every tensor of a DenseNet and of a ResNet can be the output, as on the reference backend") {
  checkEveryCut(smallDenseNet(), Precision::fp32, 1e-5);
  checkEveryCut(smallResNet(), Precision::fp32, 1e-5);
}

TEST("also in bf16") {
  try {
    checkEveryCut(smallDenseNet(), Precision::bf16, 4e-2);
  } catch (const EngineError& error) {
    std::printf("  skipped: %s\n", error.what());
  }
}

TEST("it takes no memory for gradients and gives the same numbers every time") {
  const Graph graph = smallResNet();
  std::size_t numbers = 0;
  for (const Parameter& parameter : graph.parameters) numbers += parameter.size();
  Inference inference(graph, images, makeCpuBackend({}));
  CHECK(inference.bytes() < 1.5 * 4 * static_cast<double>(numbers));
  CHECK(outputsOf(graph, makeCpuBackend({})) == outputsOf(graph, makeCpuBackend({})));
}

TEST("what does not fit is refused by name") {
  Inference inference(smallResNet(), images, makeCpuBackend({}));
  const auto refusal = [](const std::function<void()>& work) { return check::messageOf(work); };
  std::vector<float> in(images * inference.inputSize()), out(images * inference.outputSize());
  CHECK(refusal([&] { inference.load("nothing", in); }) == "this network has no parameter \"nothing\".");
  CHECK(refusal([&] { inference.load("conv1.weight", out); }).find("expected 1176 values for conv1.weight") ==
        0);
  CHECK(refusal([&] { inference.run(std::span(in).first(5), out); }) ==
        "expected 3888 values for images but received 5.");
  CHECK(refusal([&] { inference.run(in, std::span(out).first(5)); }) ==
        "expected 42 values for outputs but received 5.");
  CHECK(refusal([&] { Inference(smallResNet(), 0, makeCpuBackend({})); }) ==
        "expected 1 to 65536 for batch but received 0.");
}

TEST("a network that is trained has to end in a vector") {
  NetworkOptions options;
  options.graph = prefixOf(smallResNet(), 3);
  CHECK(check::messageOf([&] { Network(std::move(options), makeCpuBackend({})); }) ==
        "expected one vector an image as output for maxpool but received 24 x 9 x 9.");
}
