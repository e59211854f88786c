#pragma once

#include <cstddef>
#include <cstdint>

// What a backend provides for the head bank. Only plain structs here: kernel files are compiled with
// different instruction sets and must not share inline functions.
namespace thaw {

enum class ElementType { float32, float16, uint8 };
enum class Loss { bce, softmax };
enum class UpdateRule { sgd, nesterov, adam };

/** Features are kept in panels of 16; a matrix [n, F] is stored as [panels, n, 16], zeros behind the last
 * feature. */
inline constexpr std::size_t panelWidth = 16;
/** The number of panels is padded to a multiple of this. */
inline constexpr std::size_t panelMultiple = 4;
/** Rows of a batch are padded with zero rows to a multiple of this. */
inline constexpr std::size_t rowMultiple = 4;

/** Streams of random numbers of a seed, as in src/base/random.ts. */
inline constexpr std::uint32_t initialWeightsStream = 4;
inline constexpr std::uint32_t dropoutStream = 5;

/** Rows of a feature matrix → [panels, paddedRows, 16] float32, scaled by (x − mean) · inverseDeviation when
 * given. */
struct PackRows {
  const void* const* source;  ///< [rows] pointers to `columns` elements
  ElementType type;
  std::size_t rows;
  std::size_t paddedRows;
  std::size_t columns;
  std::size_t panels;
  const float* mean;              ///< [panels × 16] or null
  const float* inverseDeviation;  ///< [panels × 16] or null
  float* packed;
  std::size_t panelStride;  ///< floats from panel to panel, ≥ paddedRows × 16
};

struct PackedRows {
  const float* values;
  std::size_t rows;
  std::size_t paddedRows;
  std::size_t panels;
  std::size_t panelStride;
};

/** Constants of one optimizer step, see optimizer.h for the formulas. */
struct UpdateConstants {
  UpdateRule rule;
  float rate;      ///< SGD: learning rate; Adam: learning rate · √(1 − β2^t) / (1 − β1^t)
  float coupled;   ///< L2: added to the gradient times the weight
  float keep;      ///< decoupled decay: 1 − learning rate · decay, else 1
  float momentum;  ///< SGD
  float first;     ///< Adam: 1 − β1
  float second;    ///< Adam: 1 − β2
  float epsilon;   ///< Adam: ε · √(1 − β2^t)
};

/** State of one head: weights [panels, outputs, 16], bias [outputs padded to 16]; `second` is null but for
 * Adam. */
struct HeadTensors {
  float* weight;
  float* weightFirst;
  float* weightSecond;
  float* bias;
  float* biasFirst;
  float* biasSecond;
};

/** One optimizer step of one head. */
struct HeadStep {
  PackedRows batch;
  std::size_t outputs;
  Loss loss;
  const float* targets;          ///< [rows × outputs] padded with NaN to a multiple of 16, NaN = unknown
  const float* labelWeights;     ///< [16 × outputs], the weights repeated 16 times, or null
  const float* positiveWeights;  ///< likewise
  float lossScale;               ///< 1 / number of known targets (bce), 1 / rows (softmax)
  HeadTensors head;
  UpdateConstants update;
  std::uint32_t seed;
  std::uint32_t step;
  std::uint32_t dropThreshold;  ///< a feature is kept when its 16-bit uniform is ≥ this; 0 = no dropout
  float survivorScale;
  std::uint16_t* masks;  ///< scratch [⌈rows / 8⌉, panels padded to 16, 8]
  float* logits;         ///< scratch [paddedRows × outputs] padded to 16
  float* gradients;      ///< scratch, as logits
};

struct HeadForward {
  PackedRows batch;
  std::size_t outputs;
  const float* weight;
  const float* bias;
  float* logits;  ///< [paddedRows × outputs]
};

/** Loss of given logits and its gradients. */
struct LossRequest {
  std::size_t rows;
  std::size_t outputs;
  Loss loss;
  const float* targets;  ///< as in HeadStep, likewise the weights
  const float* labelWeights;
  const float* positiveWeights;
  float scale;
  float* logits;     ///< [rows × outputs] padded to 16; softmax takes each row's maximum off
  float* gradients;  ///< out, as logits
};

struct HeadKernels {
  const char* name;
  void (*pack)(const PackRows&);
  void (*forward)(const HeadForward&);
  /** Returns scale · Σ of the terms. */
  double (*loss)(const LossRequest&);
  /** Returns the loss; where it is not finite the head is left as it was. */
  double (*step)(const HeadStep&);
  /** average += share · (weight − average), of a multiple of 16 numbers. */
  void (*average)(const float* weight, float* average, std::size_t count, float share);
};

/** The fastest kernels that this machine can run; THAW_ISA=generic|avx2|avx512 chooses by name. */
const HeadKernels& headKernels();

/** All kernels that this machine can run, the slowest first. */
struct HeadKernelList {
  const HeadKernels* kernels[3];
  std::size_t count;
};
HeadKernelList availableHeadKernels();

}  // namespace thaw
