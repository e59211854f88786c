#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/graph.h"

// What PyTorch computes in double precision: files of golden/networks.py, whose docstring has the formulas.
namespace thaw::test {

/** A tensor, told by its L2 norm and its dot products with four vectors of random signs. */
struct Sketch {
  double norm = 0;
  std::array<double, 4> projections = {};
};

/** By place of the parameter in the network. */
using Sketches = std::map<std::size_t, Sketch>;

/** Forward and backward pass on batch 0 from the initial weights, in one mode of batch norm. */
struct GoldenPass {
  std::vector<double> logits;  ///< [batch, outputs]
  double loss = 0;             ///< mean binary cross-entropy over the known labels
  Sketches gradients;          ///< of the parameters that learn in this mode
  Sketches statistics;         ///< running means and variances after the pass, in mode `batch`
};

/** Optimizer steps, step t on batch t mod `Golden::batches`. */
struct GoldenTraining {
  std::string mode;       ///< of batch norm: `batch` or `frozen`
  std::string optimizer;  ///< `sgd` (Nesterov) or `adamw` (β2 0.999, ε 1e-8)
  double decay = 0;       ///< of the weights of convolutions and linear layers only
  std::vector<double> rates;
  std::vector<double> momenta;  ///< SGD's momentum or AdamW's β1
  std::vector<double> losses;   ///< before each step
  Sketches final;               ///< of all parameters that move, running statistics included
};

struct Golden {
  std::string network;
  std::uint32_t seed = 0;
  std::size_t batch = 0;    ///< images in a batch
  std::size_t batches = 0;  ///< different ones
  Extent input;
  std::size_t outputs = 0;
  double pixelSum = 0;                       ///< of batch 0
  std::size_t unknown = 0;                   ///< labels of batch 0
  std::size_t positive = 0;                  ///< labels of batch 0
  std::vector<Parameter> parameters;         ///< names and shapes, in order
  Sketches initial;                          ///< of `hashWeights`
  std::map<std::string, GoldenPass> passes;  ///< by mode of batch norm: `batch`, `frozen`, `fixed`
  std::vector<GoldenTraining> trainings;
};

/** Throws std::runtime_error where the file cannot be read or is not of this format. */
Golden readGolden(const std::string& path);

/** [batch, C, H, W] pixels of batch `index`. */
std::vector<float> goldenImages(const Golden& golden, std::size_t index);

/** [batch, outputs] labels of batch `index`: 0, 1, NaN = unknown. */
std::vector<float> goldenTargets(const Golden& golden, std::size_t index);

/** `place` of the parameter that the values belong to. */
Sketch sketchOf(std::span<const float> values, std::size_t place, std::uint32_t seed);

/** Largest difference of norm and projections, relative to the expected norm. */
double distance(const Sketch& received, const Sketch& expected);

}  // namespace thaw::test
