#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "backend/cpu/parameters.h"

namespace thaw::cpu {

/** A convolution as oneDNN is told of it. */
struct ConvolutionProblem {
  Desc source;
  Desc target;
  Dims weights;  ///< [out, in, kh, kw], or [groups, out, in, kh, kw], with padding
  ConvolutionShape shape;
  bool winograd;         ///< forward and for the gradient of the input
  bool winogradWeights;  ///< for the gradient of the weights
  /**
   * 1 × 1 of stride 1 with channels last: a product of matrices. oneDNN 2.6 with AMX takes the gradient of
   * its weights two to five times faster as such, and that of its input up to twice as fast as a forward
   * convolution with transposed weights.
   */
  bool pointwise;
};

/** How the weights of grouped convolutions are kept. */
enum class Grouping {
  none,
  native,    ///< in groups, as oneDNN has them
  diagonal,  ///< as one dense matrix with zeros off its diagonal of blocks, where channels do not fill 16s
};
Grouping groupingOf(const ConvolutionStep& step);

/** Does the network's input lie in [N, C, H, W]? For one or three channels the blocked order would mostly be
 * padding. */
bool isPlainInput(const Buffer& buffer, const Place& place, const Device& device);
Desc mapDesc(const Region& region, const Device& device);

ConvolutionProblem problemOf(const ConvolutionStep& step, const Region& in, const Region& out,
                             const Device& device);

/** Weights in the order that the gradients of a training batch have. */
class ConvolutionCodec : public ParameterCodec {
 public:
  ConvolutionCodec(const ConvolutionStep& step, const ConvolutionProblem& problem, std::size_t outputs,
                   Device& device);

  std::size_t size() const override { return memory_.get_size() / sizeof(float); }
  void pack(std::span<const float> values, float* memory) const override;
  void unpack(const float* memory, std::span<float> values) const override;

  const Desc& desc() const { return memory_; }
  /** [out, in, …] in plain order, with padding. */
  const Desc& plain() const { return plain_; }
  /** Rows of the plain order for each output channel with padding: numbers an output channel has. */
  std::size_t perOutput() const { return perOutput_; }
  /** Zeroes what a diagonal grouping must not have. */
  void mask(float* memory) const;

 private:
  void overWeights(const std::function<void(std::size_t logical, std::size_t plain)>& body) const;

  ConvolutionStep step_;
  std::size_t outputs_;
  std::size_t perOutput_;
  Device& device_;
  Desc plain_;
  Desc memory_;
  std::vector<bool> kept_;  ///< by position in memory; empty = all
};

/** Weights for one kind of primitive, made from a parameter's values when these have changed. */
class PreparedWeights {
 public:
  /** `transposed`: outputs and inputs change places. */
  PreparedWeights(const ConvolutionStep& step, const Desc& wanted, bool transposed, CpuParameters& parameters,
                  Device& device);

  /** Up to date. */
  dnnl::memory& weights();
  /** Of `ConvolutionStep::folded`, else the convolution's own; valid after `weights`. */
  dnnl::memory& bias();

  bool serves(const ConvolutionStep& step, const Desc& wanted, bool transposed) const;
  std::size_t bytes() const;

 private:
  std::uint64_t version() const;
  void fold();

  ConvolutionStep step_;
  CpuParameters& parameters_;
  Device& device_;
  const ConvolutionCodec& codec_;
  Desc wanted_;
  bool transposed_;
  Desc source_;  ///< the parameter's order, as the wanted axes see it
  dnnl::memory weights_;
  std::optional<AlignedBuffer<std::uint8_t>> own_;  ///< none where the parameter's values serve as they are
  std::vector<float> folded_;
  std::vector<float> bias_;
  dnnl::memory biasMemory_;
  std::uint64_t made_ = 0;
};

/** Kernels of one network share their prepared weights. */
class WeightCache {
 public:
  std::shared_ptr<PreparedWeights> find(const ConvolutionStep& step, const Desc& wanted, bool transposed,
                                        CpuParameters& parameters, Device& device);

 private:
  std::vector<std::weak_ptr<PreparedWeights>> all_;
};

/** As `body` wants, then without Winograd where there is none for the shape. */
template <typename Body>
auto withAlgorithm(bool winograd, dnnl::algorithm wanted, const Body& body) {
  if (winograd) {
    try {
      return body(wanted);
    } catch (const dnnl::error&) {
      // No such implementation of this shape.
    }
  }
  return body(dnnl::algorithm::convolution_direct);
}

std::unique_ptr<Kernel> makeConvolution(const ConvolutionStep& step, const Regions& regions,
                                        CpuParameters& parameters, WeightCache& cache, Device& device);
std::unique_ptr<Kernel> makeConvolutionBackward(const ConvolutionBackwardStep& step, const Regions& regions,
                                                CpuParameters& parameters, WeightCache& cache,
                                                Device& device);

}  // namespace thaw::cpu
