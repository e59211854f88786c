#pragma once

#include <string>
#include <vector>

#include "engine/backend.h"
#include "engine/graph.h"
#include "engine/program.h"

// A table of small graphs with every op and every combination of attributes that the networks use, and some
// that they do not. The tests of the reference backend and those of the others go through all of it.
namespace thaw::test {

/** One way of lowering a case. */
struct Variant {
  std::string name;
  ProgramOptions options;
};

struct OpCase {
  std::string name;
  CheckedGraph graph;
  std::size_t batch = 2;
  std::vector<Variant> variants;  ///< all with training
};

/** Every case, with its variants. */
std::vector<OpCase> opCases();

/** Graphs of one op under test between a convolution and a linear head (op_cases.cpp). */
std::vector<OpCase> singleOpCases();
/** Blocks of the networks: residual, dense, fire, inverted residual, and odd relatives (block_cases.cpp). */
std::vector<OpCase> blockCases();
/** Networks of several stages, with freeze masks and norm modes (stage_cases.cpp). */
std::vector<OpCase> stageCases();

/** Largest deviation that a comparison saw, relative to the largest magnitude of its tensor. */
struct Deviation {
  double size = 0;
  std::string where;
};

/**
 * Runs all cases on `other` and on the reference backend and reports, to check.h, every tensor that deviates
 * by more than `tolerance` of its largest magnitude: logits of inference and training, the loss, all
 * gradients, and the running statistics after a step. A gradient whose largest magnitude is below a hundredth
 * of the network's largest is held against that, and one that is zero but for rounding (of a bias before a
 * batch norm) against the network's largest. Optimizer steps, from the backend's own gradients, are held
 * against the formulas to float precision.
 *
 * With `rounding` bf16 the reference rounds as `other` does, and weights are numbers of bfloat16. A gradient
 * below a fifth of the network's largest is held against that, a convolution's bias against the largest; one
 * that is zero but for rounding is left out. Through several layers the last bit of a bfloat16 that falls on
 * the other side changes masks and so gradients: blocks have four times the tolerance, and of networks of
 * several stages only logits and loss are compared.
 */
Deviation compareBackends(Backend& other, double tolerance, Precision rounding = Precision::fp32);

}  // namespace thaw::test
