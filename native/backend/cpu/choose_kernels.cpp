#include <cstdlib>
#include <string>

#include "backend/cpu/head_kernels.h"
#include "engine/error.h"

namespace thaw {

HeadKernelList availableHeadKernels() {
  HeadKernelList list = {{&cpu::headKernelsGeneric}, 1};
#ifdef THAW_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"))
    list.kernels[list.count++] = &cpu::headKernelsAvx2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    list.kernels[list.count++] = &cpu::headKernelsAvx512;
#endif
  return list;
}

const HeadKernels& headKernels() {
  const HeadKernelList list = availableHeadKernels();
  const char* wanted = std::getenv("THAW_ISA");
  if (wanted == nullptr || *wanted == '\0') return *list.kernels[list.count - 1];
  std::string names;
  for (std::size_t i = 0; i < list.count; i++) {
    if (std::string(wanted) == list.kernels[i]->name) return *list.kernels[i];
    names += (i == 0 ? "" : ", ") + std::string(list.kernels[i]->name);
  }
  throw EngineError(ErrorCode::engine,
                    "expected one of " + names + " for THAW_ISA but received " + wanted + ".", "THAW_ISA");
}

}  // namespace thaw
