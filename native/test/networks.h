#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/graph.h"

// The networks of `src/model/zoo`, written down for the engine's tests: the same nodes in the same order, the
// same names.
namespace thaw::test {

/** DenseNet with bottlenecks of 4 · growth channels and transitions that halve the channels (Huang et al.,
 * CVPR 2017). */
struct DenseNetOptions {
  Extent input = {3, 64, 64};
  std::size_t growth = 32;
  std::vector<std::size_t> blocks = {6, 12, 24, 16};  ///< layers of each block
  std::size_t stemChannels = 64;
  std::size_t classes = 14;
};

/** ResNet with the stride in the 3×3 convolution of a bottleneck (He et al., CVPR 2016; "version 1.5"). */
struct ResNetOptions {
  Extent input = {3, 64, 64};
  std::vector<std::size_t> blocks = {3, 4, 6, 3};  ///< residual blocks of each layer
  std::size_t width = 64;                          ///< of stem and first layer; each further layer doubles it
  bool bottleneck = true;  ///< 1×1, 3×3, 1×1 (four times the width) instead of 3×3, 3×3
  std::size_t classes = 14;
};

/**
 * [N, input] → [N, classes] with torchvision's layers and parameter names; DenseNet-121 by default. Stages
 * are those of `findStages`: stem 0; block k with the transition before it k; the last one ends behind norm5
 * and its ReLU; then the head.
 */
Graph densenet(const DenseNetOptions& options = {});

/** [N, input] → [N, classes] with torchvision's layers and parameter names; ResNet-50 by default. Stem 0,
 * layer k, head. */
Graph resnet(const ResNetOptions& options = {});

/**
 * Numbers for a parameter, from its name, its shape, its place `index` among the graph's parameters and a
 * seed: the formula of golden/networks.py, which computes the same in Python.
 */
std::vector<float> hashWeights(const Parameter& parameter, std::size_t index, std::uint32_t seed);

}  // namespace thaw::test
