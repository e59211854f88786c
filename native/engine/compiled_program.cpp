#include "engine/compiled_program.h"

namespace thaw {

CompiledProgram::CompiledProgram(const CheckedGraph& graph, const ProgramOptions& options, Backend& backend)
    : program_(lower(graph, options)) {
  std::vector<std::size_t> bytes;
  for (const Buffer& buffer : program_.buffers) bytes.push_back(backend.bytesOf(buffer, program_.batch));
  plan_ = planArena(program_, bytes);
  vectors_ = backend.allocateVectors(program_);
}

void CompiledProgram::bind(Backend& backend, DeviceMemory& arena, ParameterStore& parameters) {
  if (kernels_.empty()) kernels_ = backend.makeKernels({program_, plan_, arena, *vectors_}, parameters);
}

void CompiledProgram::forward(const StepContext& context) {
  for (std::size_t index = 0; index < program_.forward.size(); index++) kernels_[index]->run(context);
}

void CompiledProgram::backward(const StepContext& context) {
  for (std::size_t index = program_.forward.size(); index < kernels_.size(); index++)
    kernels_[index]->run(context);
}

}  // namespace thaw
