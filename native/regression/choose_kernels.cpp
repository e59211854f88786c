#include <cstdlib>
#include <string>

#include "engine/error.h"
#include "regression/kernels.h"

namespace thaw::regression {

KernelList availableKernels() {
  KernelList list = {{&kernelsGeneric}, 1};
#ifdef THAW_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    list.kernels[list.count++] = &kernelsAvx2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    list.kernels[list.count++] = &kernelsAvx512;
#endif
  return list;
}

namespace {

const Kernels& chosenKernels() {
  const KernelList list = availableKernels();
  const char* wanted = std::getenv("THAW_ISA");
  if (wanted == nullptr || *wanted == '\0') return *list.kernels[list.count - 1];
  for (std::size_t i = 0; i < list.count; i++)
    if (std::string(wanted) == list.kernels[i]->name) return *list.kernels[i];
  throw EngineError(ErrorCode::engine,
                    "this machine has no kernels for THAW_ISA=" + std::string(wanted) + ".", "THAW_ISA");
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = chosenKernels();
  return chosen;
}

}  // namespace thaw::regression
