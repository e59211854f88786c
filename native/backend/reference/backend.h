#pragma once

#include <memory>
#include <vector>

#include "backend/reference/parameters.h"
#include "engine/backend.h"

namespace thaw::reference {

/** What crosses between host and device, without the rounding to float. */
struct ExactHost {
  std::vector<double> logits;     ///< of the last OutputStep, [N, outputs]
  std::vector<double> gradients;  ///< for OutputBackwardStep, instead of the step context's where not empty
};

/** Naive kernels in double precision. One network at a time has the use of `host`. */
class Backend : public thaw::Backend {
 public:
  Backend(std::size_t channelMultiple, Precision rounding)
      : channelMultiple_(channelMultiple), rounding_(rounding) {}

  const char* name() const override { return "reference"; }
  std::size_t channelMultiple() const override { return channelMultiple_; }
  bool takesPixels() const override { return true; }
  std::size_t bytesOf(const Buffer& buffer, std::size_t batch) const override;
  std::unique_ptr<DeviceMemory> allocate(std::size_t bytes) override;
  std::unique_ptr<DeviceMemory> allocateVectors(const Program& program) override;
  /** `Parameters`, see parameters.h. */
  std::unique_ptr<ParameterStore> makeParameters(const CheckedGraph& graph, const Program& training) override;
  std::vector<std::unique_ptr<Kernel>> makeKernels(const ProgramMemory& memory,
                                                   ParameterStore& parameters) override;

  ExactHost host;

 private:
  std::size_t channelMultiple_;
  Precision rounding_;  ///< bf16: what steps write to buffers of activations is rounded to bfloat16
};

}  // namespace thaw::reference
