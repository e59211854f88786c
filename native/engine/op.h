#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <variant>

// The operators of a graph, as in `src/model/graph.ts`. Parameters are named; a network looks them up.
namespace thaw {

/** A window that slides over [H, W]. */
struct Window {
  std::array<std::size_t, 2> kernel = {1, 1};
  std::array<std::size_t, 2> stride = {1, 1};
  std::array<std::size_t, 2> dilation = {1, 1};
  std::array<std::size_t, 4> padding = {};  ///< top, left, bottom, right
  bool ceilMode = false;

  bool operator==(const Window&) const = default;
};

/** [N, C, H, W] → [N, out, H', W']; weight [out, C / groups, kh, kw], bias [out]. */
struct Conv2d {
  Window window;
  std::size_t groups = 1;
  std::string weight;
  std::optional<std::string> bias;
};

/** y = scale · (x − mean) / √(variance + ε) + bias for every channel (Ioffe & Szegedy, ICML 2015). */
struct BatchNorm {
  std::string scale;
  std::string bias;
  std::string mean;
  std::string variance;
  double epsilon = 1e-5;
  double momentum = 0.9;  ///< weight of the old running average in an update (ONNX's convention)
};

/** Padding never wins. */
struct MaxPool {
  Window window;
};

struct AveragePool {
  Window window;
  bool countIncludesPadding = false;
};

/** [N, C, H, W] → [N, C, 1, 1] */
struct GlobalAveragePool {};

struct Relu {};
struct Sigmoid {};
struct Clip {
  double minimum = 0;
  double maximum = 6;
};

struct Add {};
/** Along the channels. */
struct Concat {};

/** [N, in] → [N, out], weight [out, in], bias [out]. */
struct Linear {
  std::string weight;
  std::optional<std::string> bias;
};

/** Inverted dropout: an element is kept with probability 1 − rate and then scaled by 1 / (1 − rate). */
struct Dropout {
  double rate = 0.5;
};

/** [N, C, H, W] → [N, C · H · W] */
struct Flatten {};
struct Identity {};

using Op = std::variant<Conv2d, BatchNorm, MaxPool, AveragePool, GlobalAveragePool, Relu, Sigmoid, Clip, Add,
                        Concat, Linear, Dropout, Flatten, Identity>;

/** The operator's name in `src/model/graph.ts`. */
const char* nameOf(const Op& op);

}  // namespace thaw
