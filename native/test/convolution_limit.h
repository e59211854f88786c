#pragma once

#include <cstddef>

#include "engine/backend.h"
#include "engine/graph.h"

namespace thaw::test {

/** What all passes of a graph's convolutions cost at least. */
struct ConvolutionLimit {
  double flop = 0;     ///< 2 · N · H′ · W′ · out · in / groups · kh · kw a pass
  double seconds = 0;  ///< sum over the passes of oneDNN's fastest primitive for each, run alone
};

/**
 * Arithmetic of a step (`backward`: with both gradients, save that of the network's input) and how fast
 * oneDNN does it: every convolution in the orders of memory that oneDNN prefers, direct or by Winograd where
 * fp32 has it, nothing between them.
 */
ConvolutionLimit convolutionLimit(const CheckedGraph& graph, std::size_t batch, Precision precision,
                                  std::size_t threads, bool backward);

}  // namespace thaw::test
