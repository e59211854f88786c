#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "engine/head_kernels.h"
#include "engine/op.h"

// What a network does in a training step, one plain struct for every kind of work. A program (program.h) is a
// list of them, a backend makes a kernel of each (backend.h).
namespace thaw {

/** What the numbers of a buffer are. */
enum class Element {
  activation,  ///< what the backend computes in: double, float or bfloat16
  float32,     ///< float also where the backend computes in bfloat16
  byte,
};

/** Activations of a batch, [images, channels, height, width] in an order in memory that the backend chooses.
 */
struct Buffer {
  std::size_t channels = 0;  ///< with padding
  std::size_t height = 1;
  std::size_t width = 1;
  Element element = Element::activation;
  bool networkInput =
      false;  ///< the graph's input, read by one convolution only: the backend may order it as it likes

  std::size_t pixels() const { return height * width; }
};

/** Channels [first, first + channels) of a buffer. */
struct View {
  std::uint32_t buffer = 0;
  std::size_t first = 0;
  std::size_t channels = 0;

  bool operator==(const View&) const = default;
};

/**
 * Where the logical channels of a tensor lie within its view: each channel's place, ascending; null where
 * they are the view's first ones. Backends that work on blocks of channels pad each tensor of a
 * concatenation; padding holds zeros.
 */
using ChannelMap = std::shared_ptr<const std::vector<std::uint32_t>>;

/** A view with the places of its tensor's channels. */
struct Place {
  View view;
  std::size_t channels = 0;  ///< logical
  ChannelMap map;

  std::size_t at(std::size_t channel) const { return map == nullptr ? channel : (*map)[channel]; }
};

/** A vector of floats of its own, as long as the channels of its buffer. */
using VectorId = std::uint32_t;

/** Elementwise function behind another operator. */
struct Activation {
  enum class Kind { none, relu, clip, sigmoid };
  Kind kind = Kind::none;
  float minimum = 0;  ///< of clip
  float maximum = 0;

  bool operator==(const Activation&) const = default;
};

/** Parameters of a batch norm, into `Graph::parameters`. */
struct NormParameters {
  std::size_t scale;
  std::size_t bias;
  std::size_t mean;
  std::size_t variance;
  double epsilon;
  double momentum;  ///< weight of the old running average
};

/** Batch statistics of a buffer's channels: where a tensor is produced they are taken, once for all that read
 * it. */
struct StatisticsVectors {
  VectorId mean;
  VectorId variance;  ///< biased: Σ (x − mean)² / count
};

/** Host batch (float [N, C, H, W]) → view. */
struct InputStep {
  Place out;
};

struct ConvolutionStep {
  std::size_t node;
  Place in;   ///< all of its buffer
  Place out;  ///< all of its buffer
  Window window;
  std::size_t groups;
  std::size_t weight;
  std::optional<std::size_t> bias;
  Activation activation;
  std::optional<NormParameters>
      folded;               ///< batch norm with running statistics behind the convolution, in weight and bias
  bool accumulate = false;  ///< added to what `out` holds, before the activation
};

/**
 * Gradients of a convolution. `gradient` is that of its output, without activation; `in` its input again.
 * Overwrites the parameters' gradients and `out`.
 */
struct ConvolutionBackwardStep {
  ConvolutionStep forward;
  Place gradient;
  std::optional<Place> in;   ///< where the weight is trained
  std::optional<Place> out;  ///< gradient of the input
};

/** Takes the batch statistics of `from`, and copies it to `to` where given. */
struct StatisticsStep {
  Place from;
  std::optional<Place> to;
  StatisticsVectors statistics;  ///< of `to`'s buffer, else of `from`'s
};

/** y = activation(batch norm(x) + residual). */
struct NormalizeStep {
  std::size_t node;
  Place in;
  Place out;
  NormParameters parameters;
  std::optional<StatisticsVectors> statistics;  ///< of the batch; without them the running ones are taken
  bool updateRunning = false;                   ///< take the batch's statistics into the running ones
  std::optional<Place> residual;
  Activation activation;
};

/**
 * Gradient of a NormalizeStep. With g = gradient · activation' and x̂ = (x − mean) / σ over m = N · H · W
 * values: d scale = Σ g · x̂, d bias = Σ g, and with batch statistics (Ioffe & Szegedy 2015) dx = scale / σ ·
 * (g − d bias / m − x̂ · d scale / m) = a · g + k1 + k2 · (x − mean); with running statistics dx = a · g.
 * Where `deferred` is given, only a · g goes to `out` and k1, k2 are added to the vectors, which the
 * `CorrectStep` of x's maker applies once for all that read x.
 */
struct NormalizeBackwardStep {
  NormalizeStep forward;
  Place gradient;
  std::optional<Place> out;
  bool accumulate = false;
  std::optional<std::pair<VectorId, VectorId>> deferred;
  bool parameterGradients = false;
  std::optional<Place> residual;  ///< gradient of the residual: g
  bool accumulateResidual = false;
};

/** Sets vectors to zero. */
struct ClearStep {
  std::vector<VectorId> vectors;
};

/** to = from + k1 + k2 · (x − mean) for every channel: a gradient with the corrections of all batch norms
 * that read x. */
struct CorrectStep {
  Place from;
  Place x;
  Place to;
  VectorId mean;
  VectorId k1;
  VectorId k2;
};

/** y = activation(x) */
struct ActivationStep {
  Place in;
  Place out;
  Activation activation;
};

/** out (+)= gradient · activation'(…), which is read off the activation's result y. */
struct ActivationBackwardStep {
  Place y;
  Place gradient;
  Place out;
  Activation activation;
  bool accumulate = false;
};

struct PoolStep {
  enum class Kind { maximum, average };
  Kind kind;
  Window window;
  bool countIncludesPadding = false;
  Place in;
  Place out;
  std::optional<Place> indices;  ///< out, of a maximum that is trained through: bytes kh · kernel width + kw
};

struct PoolBackwardStep {
  PoolStep forward;
  Place gradient;
  Place out;
  bool accumulate = false;
};

/** out = activation(a + b); a and out may be the same. */
struct AddStep {
  Place a;
  Place b;
  Place out;
  Activation activation;
};

/** to (+)= from; also from one element type to another. */
struct CopyStep {
  Place from;
  Place to;
  bool accumulate = false;
};

/** Zeroes the view. */
struct FillStep {
  Place out;
};

struct LinearStep {
  std::size_t node;
  Place in;
  Place out;
  std::size_t weight;
  std::optional<std::size_t> bias;
};

struct LinearBackwardStep {
  LinearStep forward;
  Place gradient;
  std::optional<Place> in;
  std::optional<Place> out;
  bool parameterGradients = false;
};

/** out (+)= in · mask / (1 − rate), the mask of engine/dropout.h; its own gradient too. */
struct DropoutStep {
  std::uint32_t layer;  ///< nodes between it and the last one
  double rate;
  Place in;
  Place out;
  bool accumulate = false;
};

/** [N, C, H, W] → [N, C · H · W]; `backward` the other way. */
struct FlattenStep {
  Place in;
  Place out;
  bool backward = false;
  bool accumulate = false;
};

/** View → float [N, outputs] on the host. */
struct OutputStep {
  Place in;
};

/** Host gradient of the logits → view. */
struct OutputBackwardStep {
  Place out;
};

using Step =
    std::variant<InputStep, ConvolutionStep, ConvolutionBackwardStep, StatisticsStep, NormalizeStep,
                 NormalizeBackwardStep, ClearStep, CorrectStep, ActivationStep, ActivationBackwardStep,
                 PoolStep, PoolBackwardStep, AddStep, CopyStep, FillStep, LinearStep, LinearBackwardStep,
                 DropoutStep, FlattenStep, OutputStep, OutputBackwardStep>;

}  // namespace thaw
