#include <cstdlib>
#include <string>

#include "backend/cpu/convolution.h"
#include "backend/cpu/kernels.h"
#include "engine/error.h"

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace thaw {
namespace cpu {
namespace {

/** The order in which oneDNN runs convolutions fastest on this machine: it is asked. */
Order preferredOrder(const dnnl::engine& engine, Precision precision) {
  const Type type = precision == Precision::bf16 ? Type::bf16 : Type::f32;
  const Dims image = {8, 64, 28, 28};
  const Desc map(image, type, Tag::any), weights({64, 64, 1, 1}, type, Tag::any);
  try {
    const auto desc = forwardDesc(engine, dnnl::algorithm::convolution_direct, map, weights, Desc(), map,
                                  {{1, 1}, {0, 0}, {0, 0}, {0, 0}}, {});
    return desc.src_desc() == Desc(image, type, Tag::nChw16c) ? Order::blocked : Order::channelsLast;
  } catch (const dnnl::error&) {
    if (precision == Precision::fp32) throw;
    throw EngineError(ErrorCode::engine,
                      "this processor cannot train in bf16: it needs AVX-512. Choose fp32.", "precision");
  }
}

class CpuBackend : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options)
      : device_{dnnl::engine(dnnl::engine::kind::cpu, 0),
                {},
                cpuKernels(),
                options.precision,
                {},
                options.winograd,
                options.threads,
                {},
                {},
                {}} {
    device_.stream = dnnl::stream(device_.engine);
    useThreads(1);
    device_.order = preferredOrder(device_.engine, options.precision);
  }

  const char* name() const override { return "cpu"; }
  std::size_t channelMultiple() const override { return lanes; }
  // In blocked order oneDNN does it within the convolution.
  bool takesPixels() const override { return device_.order == Order::channelsLast; }

  std::size_t bytesOf(const Buffer& buffer, std::size_t batch) const override {
    return batch * buffer.channels * buffer.pixels() * device_.bytesOf(buffer.element);
  }

  std::unique_ptr<DeviceMemory> allocate(std::size_t bytes) override {
    return std::make_unique<Memory>(bytes);
  }

  std::unique_ptr<DeviceMemory> allocateVectors(const Program& program) override {
    std::size_t floats = 0;
    for (const std::size_t length : program.vectors) floats += length;
    return allocate(floats * sizeof(float));
  }

  std::unique_ptr<ParameterStore> makeParameters(const CheckedGraph& graph,
                                                 const Program& training) override {
    std::vector<std::unique_ptr<ParameterCodec>> codecs(graph.graph.parameters.size());
    for (const Step& step : training.forward) {
      if (const auto* conv = std::get_if<ConvolutionStep>(&step)) {
        const auto region = [&](const Place& place) {
          return Region{place,         training.buffers[place.view.buffer], training.batch, nullptr,
                        device_.order, device_.bytesOf(Element::activation)};
        };
        const ConvolutionProblem problem = problemOf(*conv, region(conv->in), region(conv->out), device_);
        codecs[conv->weight] =
            std::make_unique<ConvolutionCodec>(*conv, problem, conv->out.channels, device_);
        if (conv->bias) codecs[*conv->bias] = std::make_unique<RowsCodec>(1, 1, conv->out);
      } else if (const auto* linear = std::get_if<LinearStep>(&step)) {
        codecs[linear->weight] =
            std::make_unique<RowsCodec>(linear->out.channels, linear->out.view.channels, linear->in);
        if (linear->bias) codecs[*linear->bias] = std::make_unique<RowsCodec>(1, 1, linear->out);
      } else if (const auto* norm = std::get_if<NormalizeStep>(&step)) {
        const NormParameters& of = norm->parameters;
        for (const std::size_t parameter : {of.scale, of.bias, of.mean, of.variance})
          codecs[parameter] = std::make_unique<RowsCodec>(1, 1, norm->in);
      }
    }
    return std::make_unique<CpuParameters>(graph, device_, std::move(codecs));
  }

  std::vector<std::unique_ptr<Kernel>> makeKernels(const ProgramMemory& memory,
                                                   ParameterStore& store) override {
    enter();
    const Regions regions(memory, device_);
    auto& parameters = static_cast<CpuParameters&>(store);
    std::vector<std::unique_ptr<Kernel>> kernels;
    for (const auto* steps : {&memory.program.forward, &memory.program.backward})
      for (const Step& step : *steps)
        kernels.push_back(std::visit([&](const auto& one) { return make(one, regions, parameters); }, step));
    return kernels;
  }

  void enter() override { useThreads(device_.threads); }

 private:
  /**
   * For oneDNN, in the calling thread. The thread that makes networks and loads them keeps to itself: a team
   * of its own would live on, and with more threads than processors GNU's OpenMP lets every wait sleep.
   */
  static void useThreads([[maybe_unused]] std::size_t threads) {
#if defined(_OPENMP)
    omp_set_num_threads(static_cast<int>(threads));
#endif
  }

  std::unique_ptr<Kernel> make(const ConvolutionStep& step, const Regions& regions,
                               CpuParameters& parameters) {
    return makeConvolution(step, regions, parameters, weights_, device_);
  }
  std::unique_ptr<Kernel> make(const ConvolutionBackwardStep& step, const Regions& regions,
                               CpuParameters& parameters) {
    return makeConvolutionBackward(step, regions, parameters, weights_, device_);
  }
  template <typename Step>
  std::unique_ptr<Kernel> make(const Step& step, const Regions& regions, CpuParameters& parameters) {
    if constexpr (requires { makeKernel(step, regions, parameters, device_); })
      return makeKernel(step, regions, parameters, device_);
    else
      return makeKernel(step, regions, device_);
  }

  Device device_;
  WeightCache weights_;
};

}  // namespace

const CpuKernels& cpuKernels() {
  const CpuKernels* best = &cpuKernelsGeneric;
  const char* wanted = std::getenv("THAW_ISA");
  const std::string limit = wanted == nullptr ? "" : wanted;
  if (limit == "generic") return *best;
#ifdef THAW_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"))
    best = &cpuKernelsAvx2;
  if (limit == "avx2") return *best;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    best = __builtin_cpu_supports("avx512bf16") ? &cpuKernelsAvx512Bf16 : &cpuKernelsAvx512;
#endif
  return *best;
}

}  // namespace cpu

std::unique_ptr<Backend> makeCpuBackend(const CpuOptions& options) {
  return std::make_unique<cpu::CpuBackend>(options);
}

}  // namespace thaw
