#include "engine/op.h"

namespace thaw {
namespace {

struct Name {
  const char* operator()(const Conv2d&) const { return "conv2d"; }
  const char* operator()(const BatchNorm&) const { return "batch-norm"; }
  const char* operator()(const MaxPool&) const { return "max-pool"; }
  const char* operator()(const AveragePool&) const { return "average-pool"; }
  const char* operator()(const GlobalAveragePool&) const { return "global-average-pool"; }
  const char* operator()(const Relu&) const { return "relu"; }
  const char* operator()(const Sigmoid&) const { return "sigmoid"; }
  const char* operator()(const Clip&) const { return "clip"; }
  const char* operator()(const Add&) const { return "add"; }
  const char* operator()(const Concat&) const { return "concat"; }
  const char* operator()(const Linear&) const { return "linear"; }
  const char* operator()(const Dropout&) const { return "dropout"; }
  const char* operator()(const Flatten&) const { return "flatten"; }
  const char* operator()(const Identity&) const { return "identity"; }
};

}  // namespace

const char* nameOf(const Op& op) {
  return std::visit(Name{}, op);
}

}  // namespace thaw
