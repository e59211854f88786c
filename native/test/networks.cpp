#include "test/networks.h"

#include <cmath>
#include <string>
#include <utility>

#include "engine/random.h"

namespace thaw::test {
namespace {

struct Square {
  std::size_t inputs, outputs, kernel, stride = 1, padding = 0;
};

Window windowOf(std::size_t kernel, std::size_t stride, std::size_t padding) {
  Window window;
  window.kernel = {kernel, kernel};
  window.stride = {stride, stride};
  window.padding = {padding, padding, padding, padding};
  return window;
}

/** Adds layers to a graph; every method returns the tensor that it makes, called like its node. */
class Builder {
 public:
  explicit Builder(const Extent& input) {
    graph_.input = "images";
    graph_.inputExtent = input;
  }

  void nextStage() { stage_++; }

  std::string conv(const std::string& name, const std::string& input, const Square& shape) {
    parameter(name + ".weight", {shape.outputs, shape.inputs, shape.kernel, shape.kernel});
    return add(name, Conv2d{windowOf(shape.kernel, shape.stride, shape.padding), 1, name + ".weight", {}},
               {input});
  }

  std::string batchNorm(const std::string& name, const std::string& input, std::size_t channels) {
    BatchNorm norm;
    norm.scale = parameter(name + ".weight", {channels});
    norm.bias = parameter(name + ".bias", {channels});
    norm.mean = parameter(name + ".running_mean", {channels});
    norm.variance = parameter(name + ".running_var", {channels});
    return add(name, norm, {input});
  }

  std::string linear(const std::string& name, const std::string& input, std::size_t inputs,
                     std::size_t outputs) {
    Linear layer;
    layer.weight = parameter(name + ".weight", {outputs, inputs});
    layer.bias = parameter(name + ".bias", {outputs});
    return add(name, layer, {input});
  }

  std::string relu(const std::string& name, const std::string& input) { return add(name, Relu{}, {input}); }

  std::string add(const std::string& name, Op op, std::vector<std::string> inputs) {
    graph_.nodes.push_back({name, std::move(op), std::move(inputs), name, stage_});
    graph_.output = name;
    return name;
  }

  /** Global average pooling and the classifier, a stage of their own. */
  Graph finish(const std::string& classifier, const std::string& input, std::size_t channels,
               std::size_t classes) {
    nextStage();
    add("average", GlobalAveragePool{}, {input});
    add("flatten", Flatten{}, {"average"});
    linear(classifier, "flatten", channels, classes);
    return std::move(graph_);
  }

 private:
  std::string parameter(const std::string& name, std::vector<std::size_t> shape) {
    graph_.parameters.push_back({name, std::move(shape)});
    return name;
  }

  Graph graph_;
  std::size_t stage_ = 0;
};

std::string denseBlock(Builder& net, const std::string& name, const std::string& input, std::size_t channels,
                       std::size_t layers, std::size_t growth) {
  std::vector<std::string> tensors = {input};
  const std::size_t wide = 4 * growth;
  for (std::size_t index = 0; index < layers; index++) {
    const std::string layer = name + ".denselayer" + std::to_string(index + 1);
    const std::size_t inputs = channels + index * growth;
    const std::string joined = index == 0 ? input : net.add(layer + ".concat", Concat{}, tensors);
    const std::string norm1 = net.relu(layer + ".relu1", net.batchNorm(layer + ".norm1", joined, inputs));
    const std::string conv1 = net.conv(layer + ".conv1", norm1, {inputs, wide, 1});
    const std::string norm2 = net.relu(layer + ".relu2", net.batchNorm(layer + ".norm2", conv1, wide));
    tensors.push_back(net.conv(layer + ".conv2", norm2, {wide, growth, 3, 1, 1}));
  }
  return net.add(name, Concat{}, tensors);
}

std::string transition(Builder& net, const std::string& name, const std::string& input,
                       std::size_t channels) {
  const std::string active = net.relu(name + ".relu", net.batchNorm(name + ".norm", input, channels));
  const std::string reduced = net.conv(name + ".conv", active, {channels, channels / 2, 1});
  return net.add(name + ".pool", AveragePool{windowOf(2, 2, 0), true}, {reduced});
}

/** Block `name` of a layer: `channels` in, `width` or four times that out. */
std::string residualBlock(Builder& net, const std::string& name, const std::string& input, bool bottleneck,
                          std::size_t channels, std::size_t width, std::size_t stride) {
  const std::size_t outputs = bottleneck ? 4 * width : width;
  const std::vector<Square> convolutions =
      bottleneck
          ? std::vector<Square>{{channels, width, 1}, {width, width, 3, stride, 1}, {width, outputs, 1}}
          : std::vector<Square>{{channels, width, 3, stride, 1}, {width, width, 3, 1, 1}};
  std::string tensor = input;
  for (std::size_t index = 0; index < convolutions.size(); index++) {
    const std::string number = std::to_string(index + 1);
    if (index > 0) tensor = net.relu(name + ".relu" + std::to_string(index), tensor);
    tensor = net.conv(name + ".conv" + number, tensor, convolutions[index]);
    tensor = net.batchNorm(name + ".bn" + number, tensor, convolutions[index].outputs);
  }
  std::string shortcut = input;
  if (stride != 1 || channels != outputs) {
    shortcut = net.conv(name + ".downsample.0", input, {channels, outputs, 1, stride});
    shortcut = net.batchNorm(name + ".downsample.1", shortcut, outputs);
  }
  const std::string sum = net.add(name + ".add", Add{}, {tensor, shortcut});
  return net.relu(name + ".relu" + std::to_string(convolutions.size()), sum);
}

bool endsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

Graph densenet(const DenseNetOptions& options) {
  Builder net(options.input);
  std::size_t channels = options.stemChannels;
  std::string tensor = net.conv("features.conv0", "images", {options.input.channels, channels, 7, 2, 3});
  tensor = net.relu("features.relu0", net.batchNorm("features.norm0", tensor, channels));
  tensor = net.add("features.pool0", MaxPool{windowOf(3, 2, 1)}, {tensor});
  for (std::size_t index = 0; index < options.blocks.size(); index++) {
    net.nextStage();
    if (index > 0) {
      tensor = transition(net, "features.transition" + std::to_string(index), tensor, channels);
      channels /= 2;
    }
    const std::string name = "features.denseblock" + std::to_string(index + 1);
    tensor = denseBlock(net, name, tensor, channels, options.blocks[index], options.growth);
    channels += options.blocks[index] * options.growth;
  }
  tensor = net.relu("relu", net.batchNorm("features.norm5", tensor, channels));
  return net.finish("classifier", tensor, channels, options.classes);
}

Graph resnet(const ResNetOptions& options) {
  Builder net(options.input);
  std::size_t channels = options.width;
  std::string tensor = net.conv("conv1", "images", {options.input.channels, channels, 7, 2, 3});
  tensor = net.relu("relu", net.batchNorm("bn1", tensor, channels));
  tensor = net.add("maxpool", MaxPool{windowOf(3, 2, 1)}, {tensor});
  std::size_t width = options.width;
  for (std::size_t layer = 0; layer < options.blocks.size(); layer++, width *= 2) {
    net.nextStage();
    for (std::size_t block = 0; block < options.blocks[layer]; block++) {
      const std::string name = "layer" + std::to_string(layer + 1) + "." + std::to_string(block);
      const std::size_t stride = layer > 0 && block == 0 ? 2 : 1;
      tensor = residualBlock(net, name, tensor, options.bottleneck, channels, width, stride);
      channels = options.bottleneck ? 4 * width : width;
    }
  }
  return net.finish("fc", tensor, channels, options.classes);
}

std::vector<float> hashWeights(const Parameter& parameter, std::size_t index, std::uint32_t seed) {
  constexpr std::uint32_t stream = 4;
  double fanIn = 1;
  for (std::size_t axis = 1; axis < parameter.shape.size(); axis++)
    fanIn *= static_cast<double>(parameter.shape[axis]);
  const std::size_t rank = parameter.shape.size();
  const bool positive = endsWith(parameter.name, ".weight") || endsWith(parameter.name, ".running_var");
  const bool bias = endsWith(parameter.name, ".bias");
  std::vector<float> values(parameter.size());
  PhiloxBlock block = {};
  for (std::size_t i = 0; i < values.size(); i++) {
    if (i % 4 == 0)
      block =
          philox({static_cast<std::uint32_t>(i / 4), 0, static_cast<std::uint32_t>(index), 0}, seed, stream);
    const double u = block[i % 4] / 4294967296.0;
    const double v = 2 * u - 1;
    const double value = rank == 4   ? v * std::sqrt(3 / fanIn)
                         : rank == 2 ? v / std::sqrt(fanIn)
                         : positive  ? 0.5 + u
                         : bias      ? (v >= 0 ? v + 1 : v - 1)
                                     : 0.1 * v;
    values[i] = static_cast<float>(value);
  }
  return values;
}

}  // namespace thaw::test
