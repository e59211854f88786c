#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/head_kernels.h"

// Vectorised work on activation maps, between the convolutions. Only plain structs here, as in
// engine/head_kernels.h: kernel files are compiled once for every instruction set.
namespace thaw::cpu {

inline constexpr std::size_t lanes = 16;  ///< channels of a group

/**
 * Part of a buffer as groups of 16 channels. Element (image n, group g, pixel p, lane c) lies at
 * n · imageStride + g · groupStride + p · pixelStride + c.
 * Blocked order (nChw16c): groupStride = pixels · 16, pixelStride = 16; channels last: 16 and the buffer's
 * channels.
 */
struct Map {
  void* data;
  std::size_t imageStride;
  std::size_t groupStride;
  std::size_t pixelStride;
};

/** For what is not wanted. */
inline constexpr Map noMap = {nullptr, 0, 0, 0};

/** What a kernel runs over. It is cut into items, which threads share. */
struct Domain {
  std::size_t images;
  std::size_t groups;
  std::size_t height;
  std::size_t width;
  bool blocked;

  std::size_t pixels() const { return height * width; }
  /** Channels last: pixels of one item. */
  static constexpr std::size_t run = 128;
  std::size_t items() const { return images * (blocked ? groups : (pixels() + run - 1) / run); }
};

/** Groups of a pooling's item: channels last a cache line or two of a pixel. */
constexpr std::size_t groupsOfItem(const Domain& domain) {
  return domain.blocked ? 1 : 4;
}
constexpr std::size_t poolItems(const Domain& domain) {
  return domain.images * ((domain.groups + groupsOfItem(domain) - 1) / groupsOfItem(domain));
}

/** One thread's items [begin, end). */
struct Share {
  std::size_t begin;
  std::size_t end;
  double* sums;    ///< of this thread: [2, groups · 16], added to
  float* partial;  ///< scratch, [2, groups · 16]
};

/** Where activation(z) has the gradient 1: least < z < most. */
struct ActivationRange {
  bool active;
  float least;
  float most;
};

/** Sums of (x − shift) and (x − shift)² by channel; copies x to `to` unless its data is null. */
struct StatisticsArguments {
  Domain domain;
  Map from;
  Map to;
  const float* shift;
};

/** y = clamp(a · (x − mean) + b + residual); residual's data may be null. */
struct NormalizeArguments {
  Domain domain;
  Map in;
  Map out;
  Map residual;
  const float* mean;
  const float* a;
  const float* b;
  ActivationRange range;
};

/**
 * g = gradient where the activation passes it, read off z = a · (x − mean) + b, or off y where that is given.
 * Then, as wanted: sums of g and g · (x − mean); residual (+)= g; out (+)= scale · g + k1 + k2 · (x − mean).
 */
struct NormalizeBackwardArguments {
  Domain domain;
  Map gradient;
  Map in;
  Map y;  ///< data null: z is computed
  const float* mean;
  const float* a;
  const float* b;
  ActivationRange range;
  bool reduce;
  Map residual;  ///< data null: not wanted
  bool accumulateResidual;
  Map out;  ///< data null: not wanted
  bool accumulate;
  const float* scale;
  const float* k1;  ///< null: none
  const float* k2;
};

/** to = from + k1 + k2 · (x − mean) */
struct CorrectArguments {
  Domain domain;
  Map from;
  Map x;
  Map to;
  const float* mean;
  const float* k1;
  const float* k2;
};

enum class Elementwise {
  add,              ///< out = clamp(a + b)
  activate,         ///< out = clamp(a)
  gradient,         ///< out (+)= b where least < a < most (a = the activation's result)
  sigmoid,          ///< out = σ(a)
  sigmoidGradient,  ///< out (+)= b · a · (1 − a)
  copy,             ///< out (+)= a
  fill,             ///< out = 0
};

struct ElementwiseArguments {
  Domain domain;
  Elementwise kind;
  Map a;
  Map b;
  Map out;
  ActivationRange range;
  bool accumulate;
};

/** A window over a map; out's pixels are those of `domain`. An item is some groups of an image: see
 * `poolItems`. */
struct PoolArguments {
  Domain domain;
  std::size_t inHeight;
  std::size_t inWidth;
  std::size_t kernel[2];
  std::size_t stride[2];
  std::size_t dilation[2];
  std::size_t padding[2];    ///< top, left
  std::size_t paddedEnd[2];  ///< bottom and right end of the padded map
  bool countIncludesPadding;
  Map in;
  Map out;
  Map indices;  ///< bytes; data may be null
};

/** out (of the input's size) (+)= what flows back from `gradient`, whose pixels are those of the domain. */
struct PoolBackwardArguments {
  PoolArguments forward;
  Map gradient;
  Map out;
  bool accumulate;
};

/** Kernels for one element type of maps. */
struct MapKernels {
  void (*statistics)(const StatisticsArguments&, const Share&);
  void (*normalize)(const NormalizeArguments&, const Share&);
  void (*normalizeBackward)(const NormalizeBackwardArguments&, const Share&);
  void (*correct)(const CorrectArguments&, const Share&);
  void (*elementwise)(const ElementwiseArguments&, const Share&);
  void (*maximumPool)(const PoolArguments&, const Share&);
  void (*maximumPoolBackward)(const PoolBackwardArguments&, const Share&);
  void (*averagePool)(const PoolArguments&, const Share&);
  void (*averagePoolBackward)(const PoolBackwardArguments&, const Share&);
  /** float map `a` ↔ map of this type: out (+)= a. */
  void (*fromFloat)(const ElementwiseArguments&, const Share&);
  void (*toFloat)(const ElementwiseArguments&, const Share&);
};

struct CpuKernels {
  const char* name;
  MapKernels float32;
  MapKernels bfloat16;
  void (*update)(const float* gradient, float* weight, float* first, float* second, std::size_t count,
                 const UpdateConstants& constants, float gradientScale);
  /** See `HeadKernels::average`. */
  void (*average)(const float* weight, float* average, std::size_t count, float share);
};

/** The fastest kernels that this machine can run, THAW_ISA as for the head bank's. */
const CpuKernels& cpuKernels();

#ifdef THAW_X86
extern const CpuKernels cpuKernelsAvx512Bf16;
extern const CpuKernels cpuKernelsAvx512;
extern const CpuKernels cpuKernelsAvx2;
#endif
extern const CpuKernels cpuKernelsGeneric;

}  // namespace thaw::cpu
