#pragma once

#include <memory>
#include <span>
#include <string>

#include "engine/compiled_program.h"

namespace thaw {

/**
 * A network, or the part of one before a cut, that only looks: running statistics, batch norms folded into
 * convolutions where they follow them, nothing kept for a backward pass. Not safe for use by several threads
 * at once.
 */
class Inference {
 public:
  /** For batches of `batch` images. Throws ENGINE, with the node, for a graph that does not fit. */
  Inference(Graph graph, std::size_t batch, std::unique_ptr<Backend> backend);

  std::size_t batch() const { return batch_; }
  /** Numbers of one image. */
  std::size_t inputSize() const { return graph_.tensors.front().extent.size(); }
  std::size_t outputSize() const { return graph_.tensors.back().extent.size(); }

  /** All numbers of a parameter, in the graph's order. Throws ENGINE for an unknown name or another count. */
  void load(const std::string& parameter, std::span<const float> values);
  /** images [batch, C, H, W] → outputs [batch, C', H', W'] or [batch, F]. */
  void run(std::span<const float> images, std::span<float> outputs);

  /** Memory that it has taken. */
  std::size_t bytes() const;

 private:
  CheckedGraph graph_;
  std::size_t batch_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<ParameterStore> parameters_;
  std::unique_ptr<CompiledProgram> program_;
  std::unique_ptr<DeviceMemory> arena_;  ///< made by the first run
};

}  // namespace thaw
