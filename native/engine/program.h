#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/graph.h"
#include "engine/step.h"

namespace thaw {

/** What a batch norm of a trained stage does. Below the first trained stage it is always `fixed`. */
enum class NormMode {
  batch,   ///< statistics of the batch, which also move the running ones; scale and bias are trained
  frozen,  ///< running statistics, which stay; scale and bias are trained
  fixed,   ///< nothing moves
};

struct ProgramOptions {
  std::size_t batch = 1;
  /** Bit s = stage s is trained; 0 = inference. Stages below the first trained one run in inference form. */
  std::uint32_t trainedStages = 0;
  std::vector<NormMode> normModes;  ///< of each stage
  /** Keep normalised inputs of convolutions for the backward pass instead of making them again. */
  bool keepNormalized = false;
  /** Channels of every buffer are padded to a multiple of this. */
  std::size_t channelMultiple = 1;
  /** Take the pixels that a strided 1 × 1 convolution reads first, so that all its passes work on those
   * alone. */
  bool takePixels = false;
};

/** A graph as work for one freeze state and batch size: what to do, in which buffers, and where these lie. */
struct Program {
  std::size_t batch = 1;
  std::vector<Buffer> buffers;
  std::vector<std::size_t> vectors;  ///< length of each
  std::vector<Step> forward;
  std::vector<Step> backward;
};

/** Lowers a graph: fuses what belongs together, places concatenated tensors in one buffer, writes the
 * backward pass. */
Program lower(const CheckedGraph& graph, const ProgramOptions& options);

/** All buffers that a step reads or writes. */
std::vector<std::uint32_t> buffersOf(const Step& step);

/** Where each buffer lies, in bytes from the arena's start. */
struct ArenaPlan {
  std::vector<std::size_t> offsets;
  std::size_t bytes = 0;
};

/**
 * Places buffers of the given sizes so that two share memory only where no step needs both: each lives from
 * the first step that touches it to the last. Largest first, each at the lowest free offset.
 */
ArenaPlan planArena(const Program& program, const std::vector<std::size_t>& bytes,
                    std::size_t alignment = 64);

}  // namespace thaw
