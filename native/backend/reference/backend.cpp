#include "backend/reference/backend.h"

#include <bit>
#include <numeric>
#include <stdexcept>

#include "backend/reference/contract.h"
#include "backend/reference/kernels.h"

namespace thaw::reference {
namespace {

class Memory : public DeviceMemory {
 public:
  explicit Memory(std::size_t bytes)
      : numbers_((bytes + sizeof(double) - 1) / sizeof(double), 0.0), bytes_(bytes) {}

  std::size_t bytes() const override { return bytes_; }
  double* data() { return numbers_.data(); }

 private:
  std::vector<double> numbers_;
  std::size_t bytes_;
};

/** To the nearest bfloat16, ties to even; from float32, which a kernel of another backend rounds from. */
double toBfloat(double value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  return static_cast<double>(std::bit_cast<float>((bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u));
}

class BoundKernel : public Kernel {
 public:
  /** `rounded` are rounded behind the step. */
  BoundKernel(Work work, std::vector<TensorView> reads, std::vector<std::span<double>> rounded)
      : work_(std::move(work)), reads_(std::move(reads)), rounded_(std::move(rounded)) {}

  void run(const StepContext& context) override {
    for (const TensorView& view : reads_)
      if (!view.isPaddingClear()) throw std::logic_error("padding that a step reads does not hold zeros");
    work_(context);
    for (const std::span<double> numbers : rounded_)
      for (double& number : numbers) number = toBfloat(number);
  }

 private:
  Work work_;
  std::vector<TensorView> reads_;
  std::vector<std::span<double>> rounded_;
};

}  // namespace

Binding::Binding(const ProgramMemory& memory, Parameters& parameters, ExactHost& host)
    : parameters(parameters),
      host(host),
      program_(memory.program),
      plan_(memory.plan),
      arena_(reinterpret_cast<std::byte*>(static_cast<Memory&>(memory.arena).data())),
      vectors_(static_cast<Memory&>(memory.vectors).data()) {}

TensorView Binding::view(const Place& place) const {
  const std::uint32_t buffer = place.view.buffer;
  return {reinterpret_cast<double*>(arena_ + plan_.offsets[buffer]), program_.batch, program_.buffers[buffer],
          place};
}

std::optional<TensorView> Binding::view(const std::optional<Place>& place) const {
  if (!place) return std::nullopt;
  return view(*place);
}

View<std::uint8_t> Binding::bytes(const Place& place) const {
  const std::uint32_t buffer = place.view.buffer;
  return {reinterpret_cast<std::uint8_t*>(arena_ + plan_.offsets[buffer]), program_.batch,
          program_.buffers[buffer], place};
}

std::span<double> Binding::numbers(std::uint32_t buffer) const {
  const Buffer& of = program_.buffers[buffer];
  return {reinterpret_cast<double*>(arena_ + plan_.offsets[buffer]),
          program_.batch * of.channels * of.pixels()};
}

std::span<double> Binding::vector(VectorId id) const {
  const auto begin = program_.vectors.begin();
  return {vectors_ + std::accumulate(begin, begin + id, std::size_t{0}), program_.vectors[id]};
}

std::size_t Backend::bytesOf(const Buffer& buffer, std::size_t batch) const {
  const std::size_t size = batch * buffer.channels * buffer.pixels();
  return buffer.element == Element::byte ? size : size * sizeof(double);
}

std::unique_ptr<DeviceMemory> Backend::allocate(std::size_t bytes) {
  return std::make_unique<Memory>(bytes);
}

std::unique_ptr<DeviceMemory> Backend::allocateVectors(const Program& program) {
  return allocate(sizeof(double) *
                  std::accumulate(program.vectors.begin(), program.vectors.end(), std::size_t{0}));
}

std::unique_ptr<ParameterStore> Backend::makeParameters(const CheckedGraph& graph, const Program&) {
  return std::make_unique<Parameters>(graph);
}

std::vector<std::unique_ptr<Kernel>> Backend::makeKernels(const ProgramMemory& memory,
                                                          ParameterStore& parameters) {
  const Binding binding(memory, static_cast<Parameters&>(parameters), host);
  std::vector<std::unique_ptr<Kernel>> kernels;
  for (const auto* steps : {&memory.program.forward, &memory.program.backward})
    for (const Step& step : *steps) {
      std::vector<TensorView> reads;
      for (const Place& place : checkContract(step, memory.program)) reads.push_back(binding.view(place));
      std::vector<std::span<double>> rounded;
      for (const std::uint32_t buffer : buffersOf(step))
        if (rounding_ == Precision::bf16 && memory.program.buffers[buffer].element == Element::activation)
          rounded.push_back(binding.numbers(buffer));
      kernels.push_back(std::make_unique<BoundKernel>(
          std::visit([&](const auto& which) { return bind(which, binding); }, step), std::move(reads),
          std::move(rounded)));
    }
  return kernels;
}

}  // namespace thaw::reference

namespace thaw {

std::unique_ptr<Backend> makeReferenceBackend(std::size_t channelMultiple, Precision rounding) {
  return std::make_unique<reference::Backend>(channelMultiple, rounding);
}

}  // namespace thaw
