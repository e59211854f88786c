#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/op.h"

namespace thaw {

/** Of one image: [C, H, W], or [F] as {F, 1, 1} with `flat`. */
struct Extent {
  std::size_t channels = 0;
  std::size_t height = 1;
  std::size_t width = 1;
  bool flat = false;

  std::size_t pixels() const { return height * width; }
  std::size_t size() const { return channels * height * width; }
  bool operator==(const Extent&) const = default;
};

struct Node {
  std::string name;
  Op op;
  std::vector<std::string> inputs;
  std::string output;
  std::size_t stage =
      0;  ///< group of layers that is frozen and unfrozen together; never falls from node to node
};

/** Shape of a parameter; its numbers are loaded into a network. */
struct Parameter {
  std::string name;
  std::vector<std::size_t> shape;

  std::size_t size() const;
};

/** Nodes in topological order; one input tensor, one output. */
struct Graph {
  std::string input;
  Extent inputExtent;
  std::string output;
  std::vector<Node> nodes;
  std::vector<Parameter> parameters;
};

/** A tensor of a checked graph. */
struct Tensor {
  static constexpr std::size_t none = SIZE_MAX;

  std::string name;
  Extent extent;
  std::size_t maker = none;            ///< index of the node that makes it, none = the graph's input
  std::vector<std::size_t> consumers;  ///< nodes that read it, in order; one that reads it twice stands twice
};

/** A node with its tensors and parameters looked up. */
struct CheckedNode {
  std::vector<std::size_t> inputs;  ///< into `CheckedGraph::tensors`
  std::size_t output = 0;
  std::vector<std::size_t> parameters;  ///< into `Graph::parameters`, in the order of the op's fields
};

/** A graph that fits together, with shapes. */
struct CheckedGraph {
  Graph graph;
  std::vector<Tensor> tensors;  ///< the input first, then one for each node in order
  std::vector<CheckedNode> nodes;
  std::size_t stages = 1;

  const Tensor& inputOf(std::size_t node, std::size_t which = 0) const {
    return tensors[nodes[node].inputs[which]];
  }
  const Tensor& outputOf(std::size_t node) const { return tensors[nodes[node].output]; }
};

/**
 * Checks names, order, shapes and parameters, and infers all shapes. Throws ENGINE, with the node's name, for
 * what does not fit: a tensor that no node before makes, two of one name, a window larger than its input, a
 * parameter of another shape, that is missing or that two nodes read, a stage below the one before, an output
 * that is not a vector.
 */
CheckedGraph checkGraph(Graph graph);

/** Positions of a window along one axis (0 = height, 1 = width); in ceil mode one that would start beyond the
 * input and its leading padding is left out, as PyTorch and ONNX have it. 0 where it does not fit. */
std::size_t windowCount(const Window& window, std::size_t size, std::size_t axis);

}  // namespace thaw
