#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/graph.h"

namespace thaw::test {

/** A square window. */
inline Window window(std::size_t kernel, std::size_t stride = 1, std::size_t padding = 0) {
  Window window;
  window.kernel = {kernel, kernel};
  window.stride = {stride, stride};
  window.padding = {padding, padding, padding, padding};
  return window;
}

inline Window inCeilMode(Window window) {
  window.ceilMode = true;
  return window;
}

/** Writes a graph node by node: each function takes names of tensors and returns that of its output. */
class GraphBuilder {
 public:
  static constexpr const char* input = "image";

  explicit GraphBuilder(std::size_t channels, std::size_t height, std::size_t width) {
    graph_.input = input;
    graph_.inputExtent = {channels, height, width};
    extents_[input] = graph_.inputExtent;
  }

  /** Of the nodes from here on. */
  void stage(std::size_t stage) { stage_ = stage; }

  std::string conv(const std::string& in, std::size_t out, const Window& window, std::size_t groups = 1,
                   bool bias = false) {
    const Extent& from = extents_.at(in);
    const std::string name = next("conv");
    Conv2d conv{window, groups, name + ".weight", {}};
    parameter(conv.weight, {out, from.channels / groups, window.kernel[0], window.kernel[1]});
    if (bias) conv.bias = parameter(name + ".bias", {out});
    return node(name, conv, {in}, slid(from, window, out));
  }
  std::string norm(const std::string& in, double epsilon = 1e-5, double momentum = 0.9) {
    const std::string name = next("norm");
    BatchNorm norm{name + ".scale", name + ".bias", name + ".mean", name + ".variance", epsilon, momentum};
    for (const std::string& vector : {norm.scale, norm.bias, norm.mean, norm.variance})
      parameter(vector, {extents_.at(in).channels});
    return node(name, norm, {in}, extents_.at(in));
  }
  std::string maxPool(const std::string& in, const Window& window) {
    return node(next("max-pool"), MaxPool{window}, {in},
                slid(extents_.at(in), window, extents_.at(in).channels));
  }
  std::string averagePool(const std::string& in, const Window& window, bool countIncludesPadding = false) {
    return node(next("average-pool"), AveragePool{window, countIncludesPadding}, {in},
                slid(extents_.at(in), window, extents_.at(in).channels));
  }
  std::string globalPool(const std::string& in) {
    return node(next("global-pool"), GlobalAveragePool{}, {in}, {extents_.at(in).channels});
  }
  std::string relu(const std::string& in) { return node(next("relu"), Relu{}, {in}, extents_.at(in)); }
  std::string sigmoid(const std::string& in) {
    return node(next("sigmoid"), Sigmoid{}, {in}, extents_.at(in));
  }
  std::string clip(const std::string& in, double minimum = 0, double maximum = 6) {
    return node(next("clip"), Clip{minimum, maximum}, {in}, extents_.at(in));
  }
  std::string dropout(const std::string& in, double rate) {
    return node(next("dropout"), Dropout{rate}, {in}, extents_.at(in));
  }
  std::string identity(const std::string& in) {
    return node(next("identity"), Identity{}, {in}, extents_.at(in));
  }
  std::string add(const std::vector<std::string>& in) {
    return node(next("add"), Add{}, in, extents_.at(in[0]));
  }
  std::string concat(const std::vector<std::string>& in) {
    Extent extent = extents_.at(in[0]);
    extent.channels = 0;
    for (const std::string& part : in) extent.channels += extents_.at(part).channels;
    return node(next("concat"), Concat{}, in, extent);
  }
  std::string flatten(const std::string& in) {
    return node(next("flatten"), Flatten{}, {in}, {extents_.at(in).size(), 1, 1, true});
  }
  std::string linear(const std::string& in, std::size_t out, bool bias = true) {
    const std::string name = next("linear");
    Linear linear{name + ".weight", {}};
    parameter(linear.weight, {out, extents_.at(in).channels});
    if (bias) linear.bias = parameter(name + ".bias", {out});
    return node(name, linear, {in}, {out, 1, 1, true});
  }

  const Extent& extent(const std::string& tensor) const { return extents_.at(tensor); }

  Graph graph(const std::string& output) const {
    Graph graph = graph_;
    graph.output = output;
    return graph;
  }
  CheckedGraph checked(const std::string& output) const { return checkGraph(graph(output)); }
  /** With a head that sees every element by a weight of its own: flatten, linear. */
  CheckedGraph classified(const std::string& features, std::size_t outputs = 3) {
    return checked(linear(extents_.at(features).flat ? features : flatten(features), outputs));
  }

 private:
  std::string next(const std::string& kind) { return kind + std::to_string(++count_[kind]); }
  std::string parameter(const std::string& name, const std::vector<std::size_t>& shape) {
    graph_.parameters.push_back({name, shape});
    return name;
  }
  std::string node(const std::string& name, Op op, const std::vector<std::string>& in, const Extent& extent) {
    const std::string output = name + ":0";
    graph_.nodes.push_back({name, std::move(op), in, output, stage_});
    extents_[output] = extent;
    return output;
  }
  static Extent slid(const Extent& in, const Window& window, std::size_t channels) {
    return {channels, windowCount(window, in.height, 0), windowCount(window, in.width, 1), false};
  }

  Graph graph_;
  std::map<std::string, Extent> extents_;
  std::map<std::string, std::size_t> count_;
  std::size_t stage_ = 0;
};

}  // namespace thaw::test
