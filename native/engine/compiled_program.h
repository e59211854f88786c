#pragma once

#include <memory>
#include <vector>

#include "engine/backend.h"

namespace thaw {

/** A program with its memory and, once bound to an arena, its kernels. Stays where it is made. */
class CompiledProgram {
 public:
  CompiledProgram(const CheckedGraph& graph, const ProgramOptions& options, Backend& backend);
  CompiledProgram(const CompiledProgram&) = delete;
  CompiledProgram& operator=(const CompiledProgram&) = delete;

  /** Bytes of memory that it wants of an arena, which it may share with programs that run at other times. */
  std::size_t arenaBytes() const { return plan_.bytes; }
  /** Makes the kernels where there are none. */
  void bind(Backend& backend, DeviceMemory& arena, ParameterStore& parameters);
  /** Gives up the kernels: the arena is about to go. */
  void release() { kernels_.clear(); }

  void forward(const StepContext& context);
  void backward(const StepContext& context);

 private:
  Program program_;
  ArenaPlan plan_;
  std::unique_ptr<DeviceMemory> vectors_;
  std::vector<std::unique_ptr<Kernel>> kernels_;
};

}  // namespace thaw
