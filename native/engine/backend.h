#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/graph.h"
#include "engine/optimizer.h"
#include "engine/program.h"

// What a device has to offer to networks. Host pointers stand only where a batch goes in and results come
// out.
namespace thaw {

enum class Precision { fp32, bf16 };

/** Memory on the device. */
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  virtual std::size_t bytes() const = 0;
};

/** What changes from step to step. Host memory, of `Program::batch` images. */
struct StepContext {
  const float* images = nullptr;     ///< InputStep: [N, C, H, W]
  float* logits = nullptr;           ///< OutputStep: [N, outputs], or [N, C, H, W] of a prefix
  const float* gradients = nullptr;  ///< OutputBackwardStep: [N, outputs]
  std::uint32_t seed = 0;            ///< of dropout
  std::uint32_t step = 0;
};

/** One step of a program, bound to its memory. */
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void run(const StepContext& context) = 0;
};

/** One parameter's part in an optimizer step. */
struct ParameterUpdate {
  std::size_t parameter;
  UpdateConstants constants;
};

/**
 * Parameters of a network on the device: float32 master weights (running statistics among them), gradients
 * and moments, each in the order in memory that the kernels want. `std::span`s hold numbers in the graph's
 * order.
 */
class ParameterStore {
 public:
  virtual ~ParameterStore() = default;

  virtual void write(std::size_t parameter, std::span<const float> values) = 0;
  virtual void read(std::size_t parameter, std::span<float> values) const = 0;
  virtual void readGradient(std::size_t parameter, std::span<float> values) const = 0;
  /** First (SGD's momentum, Adam's m) or second (Adam's v) moment. */
  virtual void readMoment(std::size_t parameter, bool second, std::span<float> values) const = 0;
  virtual void writeMoment(std::size_t parameter, bool second, std::span<const float> values) = 0;

  /** Σ g² over the gradients of the parameters. */
  virtual double gradientNormSquared(std::span<const std::size_t> parameters) const = 0;
  /** Σ w² over the values of the parameters. */
  virtual double valueNormSquared(std::span<const std::size_t> parameters) const = 0;
  /** Optimizer step; gradients are scaled by `gradientScale` first (clipping). */
  virtual void update(std::span<const ParameterUpdate> updates, float gradientScale) = 0;

  /** From now on a parameter has an average, which starts from its value; without effect where it has one. */
  virtual void startAverage(std::size_t parameter) = 0;
  virtual bool hasAverage(std::size_t parameter) const = 0;
  /** average += share · (value − average), of all parameters that have one. */
  virtual void average(double share) = 0;
  /** The value where there is no average. */
  virtual void readAverage(std::size_t parameter, std::span<float> values) const = 0;
  /** The parameter then has an average. `write` sets value and average alike. */
  virtual void writeAverage(std::size_t parameter, std::span<const float> values) = 0;
  virtual void dropAverages() = 0;
  /** Kernels see the averages in the place of the values, or the values again. Nothing is copied. */
  virtual void showAverages(bool shown) = 0;

  virtual std::size_t bytes() const = 0;
};

/** How a program's places in buffers become memory: what a kernel is made with. */
struct ProgramMemory {
  const Program& program;
  const ArenaPlan& plan;
  DeviceMemory& arena;
  DeviceMemory& vectors;  ///< all vectors one behind the other
};

/**
 * A device with its kernels, for the networks of one graph. One thread at a time.
 */
class Backend {
 public:
  virtual ~Backend() = default;

  virtual const char* name() const = 0;
  /** Buffers' channels are padded to a multiple of this. */
  virtual std::size_t channelMultiple() const = 0;
  /** See `ProgramOptions::takePixels`. */
  virtual bool takesPixels() const = 0;
  /** Bytes of a buffer for a batch. */
  virtual std::size_t bytesOf(const Buffer& buffer, std::size_t batch) const = 0;

  /** Zeroed. */
  virtual std::unique_ptr<DeviceMemory> allocate(std::size_t bytes) = 0;
  virtual std::unique_ptr<DeviceMemory> allocateVectors(const Program& program) = 0;

  /**
   * Room for the parameters of a graph. `training` is a program in which everything is trained: it tells how
   * each parameter is used, so that its gradient's order can be chosen.
   */
  virtual std::unique_ptr<ParameterStore> makeParameters(const CheckedGraph& graph,
                                                         const Program& training) = 0;

  /** A kernel for each step: forward's first, then backward's. */
  virtual std::vector<std::unique_ptr<Kernel>> makeKernels(const ProgramMemory& memory,
                                                           ParameterStore& parameters) = 0;

  /** To be called by the thread that runs kernels, before it does. */
  virtual void enter() {}
};

/**
 * Naive kernels in double precision: the oracle of the tests. Buffers are [N, C, H, W]. `rounding` bf16
 * rounds what each step leaves in buffers of activations, as a backend that computes in bf16 does; weights
 * stay as they are.
 */
std::unique_ptr<Backend> makeReferenceBackend(std::size_t channelMultiple = 1,
                                              Precision rounding = Precision::fp32);

struct CpuOptions {
  Precision precision = Precision::fp32;
  std::size_t threads = 1;
  /** Winograd's algorithm (Lavin & Gray, CVPR 2016) for 3 × 3 convolutions of stride 1 in fp32. */
  bool winograd = true;
};

/** oneDNN, and vectorised kernels of our own. Throws ENGINE where this build or machine cannot. */
std::unique_ptr<Backend> makeCpuBackend(const CpuOptions& options);

}  // namespace thaw
