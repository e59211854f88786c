#include "test/convolution_limit.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "backend/cpu/onednn.h"

namespace thaw::test {

namespace {

using Clock = std::chrono::steady_clock;
using namespace thaw::cpu;

constexpr int kRuns = 5;

/** Everything that oneDNN is told of a convolution: equal ones are measured once. */
struct Problem {
  Dims source, weights, target;
  ConvolutionShape shape;

  auto key() const {
    return std::tie(source, weights, target, shape.strides, shape.dilations, shape.paddingBefore,
                    shape.paddingAfter);
  }
  bool operator<(const Problem& other) const { return key() < other.key(); }
};

enum class Pass { forward, data, weights };

Dims dimsOf(const Extent& extent, std::size_t batch) {
  return {static_cast<long>(batch), static_cast<long>(extent.channels), static_cast<long>(extent.height),
          static_cast<long>(extent.width)};
}

Problem problemOf(const CheckedGraph& graph, std::size_t node, std::size_t batch) {
  const Conv2d& op = std::get<Conv2d>(graph.graph.nodes[node].op);
  const Window& window = op.window;
  const Extent &in = graph.inputOf(node).extent, &out = graph.outputOf(node).extent;
  const auto signedOf = [](std::size_t value) { return static_cast<long>(value); };
  const long groups = signedOf(op.groups), inputs = signedOf(in.channels), outputs = signedOf(out.channels);
  Dims weights = {outputs, inputs / groups, signedOf(window.kernel[0]), signedOf(window.kernel[1])};
  if (groups > 1) {
    weights[0] /= groups;
    weights.insert(weights.begin(), groups);
  }
  return {dimsOf(in, batch),
          weights,
          dimsOf(out, batch),
          {{signedOf(window.stride[0]), signedOf(window.stride[1])},
           {signedOf(window.dilation[0]) - 1, signedOf(window.dilation[1]) - 1},
           {signedOf(window.padding[0]), signedOf(window.padding[1])},
           {signedOf(window.padding[2]), signedOf(window.padding[3])}}};
}

double flopOf(const Problem& problem) {
  double flop = 2;
  for (const long part : problem.target) flop *= static_cast<double>(part);
  const std::size_t size = problem.weights.size();
  for (std::size_t axis = size - 3; axis < size; axis++) flop *= static_cast<double>(problem.weights[axis]);
  return flop;
}

/** Median seconds of a primitive on memories full of ones. */
double secondsOf(const dnnl::primitive& primitive, const std::vector<std::pair<int, Desc>>& places,
                 const dnnl::engine& engine, Type type) {
  dnnl::stream stream(engine);
  std::unordered_map<int, dnnl::memory> arguments;
  for (const auto& [argument, desc] : places) {
    dnnl::memory memory(desc, engine);
    if (type == Type::f32)
      std::fill_n(static_cast<float*>(memory.get_data_handle()), desc.get_size() / sizeof(float), 1.0f);
    else
      std::fill_n(static_cast<std::uint16_t*>(memory.get_data_handle()), desc.get_size() / 2,
                  std::uint16_t{0x3c00});
    arguments.emplace(argument, memory);
  }
  std::vector<double> seconds;
  for (int run = 0; run <= kRuns; run++) {
    const auto begin = Clock::now();
    primitive.execute(stream, arguments);
    stream.wait();
    if (run > 0) seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

/** None where oneDNN has no such implementation. */
std::optional<double> measure(const Problem& problem, Pass pass, dnnl::algorithm algorithm, Type type,
                              const dnnl::engine& engine) {
  const auto any = [&](const Dims& dims) { return Desc(dims, type, Tag::any); };
  const Desc source = any(problem.source), weights = any(problem.weights), target = any(problem.target);
  try {
    const ForwardDesc forward =
        forwardDesc(engine, algorithm, source, weights, Desc(), target, problem.shape, {});
    if (pass == Pass::forward)
      return secondsOf(dnnl::convolution_forward(forward),
                       {{DNNL_ARG_SRC, forward.src_desc()},
                        {DNNL_ARG_WEIGHTS, forward.weights_desc()},
                        {DNNL_ARG_DST, forward.dst_desc()}},
                       engine, type);
    if (pass == Pass::data) {
      const BackwardDataDesc desc =
          backwardDataDesc(engine, algorithm, source, weights, target, problem.shape, forward, {});
      return secondsOf(dnnl::convolution_backward_data(desc),
                       {{DNNL_ARG_DIFF_DST, desc.diff_dst_desc()},
                        {DNNL_ARG_WEIGHTS, desc.weights_desc()},
                        {DNNL_ARG_DIFF_SRC, desc.diff_src_desc()}},
                       engine, type);
    }
    const Desc gradient(problem.weights, Type::f32, Tag::any);
    const BackwardWeightsDesc desc =
        backwardWeightsDesc(engine, algorithm, source, gradient, Desc(), target, problem.shape, forward, {});
    return secondsOf(dnnl::convolution_backward_weights(desc),
                     {{DNNL_ARG_SRC, desc.src_desc()},
                      {DNNL_ARG_DIFF_DST, desc.diff_dst_desc()},
                      {DNNL_ARG_DIFF_WEIGHTS, desc.diff_weights_desc()}},
                     engine, type);
  } catch (const dnnl::error&) {
    return std::nullopt;
  }
}

double fastest(const Problem& problem, Pass pass, Type type, const dnnl::engine& engine) {
  double best = std::numeric_limits<double>::infinity();
  for (const auto algorithm : {dnnl::algorithm::convolution_direct, dnnl::algorithm::convolution_winograd})
    if (const auto seconds = measure(problem, pass, algorithm, type, engine)) best = std::min(best, *seconds);
  return best;
}

}  // namespace

ConvolutionLimit convolutionLimit(const CheckedGraph& graph, std::size_t batch, Precision precision,
                                  std::size_t threads, bool backward) {
  omp_set_num_threads(static_cast<int>(threads));
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const Type type = precision == Precision::bf16 ? Type::bf16 : Type::f32;
  std::map<std::pair<Problem, Pass>, double> known;
  ConvolutionLimit limit;
  for (std::size_t node = 0; node < graph.nodes.size(); node++) {
    if (!std::holds_alternative<Conv2d>(graph.graph.nodes[node].op)) continue;
    const Problem problem = problemOf(graph, node, batch);
    std::vector<Pass> passes = {Pass::forward};
    if (backward) {
      passes.push_back(Pass::weights);
      if (graph.inputOf(node).maker != Tensor::none) passes.push_back(Pass::data);
    }
    for (const Pass pass : passes) {
      const auto [found, isNew] = known.try_emplace({problem, pass}, 0.0);
      if (isNew) found->second = fastest(problem, pass, type, engine);
      limit.flop += flopOf(problem);
      limit.seconds += found->second;
    }
  }
  return limit;
}

}  // namespace thaw::test
