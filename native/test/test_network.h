#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/reference/backend.h"
#include "engine/backend.h"
#include "engine/graph.h"
#include "engine/program.h"

namespace thaw::test {

/** Numbers of all parameters of a graph, in its order. */
using ParameterValues = std::vector<std::vector<float>>;

/** Weights that keep activations near 1 (He et al., ICCV 2015), norms with scales around 1, biases and means
 * around 0. */
ParameterValues seededParameters(const CheckedGraph& graph, std::uint32_t seed);

/** A batch of images, uniform in ±1, with targets 0 or 1 of which every fifth is unknown (NaN). */
struct TestBatch {
  std::vector<float> images;   ///< [N, C, H, W]
  std::vector<float> targets;  ///< [N, outputs]
};
TestBatch seededBatch(const CheckedGraph& graph, std::size_t images, std::uint32_t seed);

/** A graph on a backend, with the least around it: lowered, allocated, bound; no optimizer, no freeze plan.
 */
class TestNetwork {
 public:
  /** The channel multiple of the options and whether pixels are taken are the backend's. */
  TestNetwork(const CheckedGraph& graph, ProgramOptions options, Backend& backend);
  TestNetwork(const TestNetwork&) = delete;

  void load(const ParameterValues& values);
  /** Logits [N, outputs]; exact on the reference backend, else floats. */
  std::vector<double> forward(std::span<const float> images);
  /** Mean binary cross-entropy of the known targets, after `forward`. */
  double loss(std::span<const float> images, std::span<const float> targets);
  /** Loss, and the gradients of what is trained. */
  double lossAndBackward(std::span<const float> images, std::span<const float> targets);

  std::vector<double> values(std::size_t parameter) const;
  std::vector<double> gradient(std::size_t parameter) const;
  /** Does the program make a gradient of this parameter? */
  bool isTrained(std::size_t parameter) const;

  const CheckedGraph& graph() const { return graph_; }
  const Program& program() const { return program_; }
  ParameterStore& parameters() { return *parameters_; }
  /** The same in double precision; null but on the reference backend. */
  reference::Parameters* exact() const { return exact_; }

  std::uint32_t seed = 7;  ///< of dropout
  std::uint32_t step = 3;

 private:
  double lossOf(std::span<const double> logits, std::span<const float> targets,
                std::vector<double>& gradients) const;
  void run(std::size_t first, std::size_t last, const StepContext& context);

  const CheckedGraph& graph_;
  ProgramOptions options_;
  Backend& backend_;
  reference::Backend* exactBackend_;
  Program program_;
  ArenaPlan plan_;
  std::unique_ptr<DeviceMemory> arena_;
  std::unique_ptr<DeviceMemory> vectors_;
  std::unique_ptr<ParameterStore> parameters_;
  reference::Parameters* exact_;
  std::vector<std::unique_ptr<Kernel>> kernels_;
};

}  // namespace thaw::test
