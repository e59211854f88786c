// Before the kernels, which are written over its struct Simd. Compiled with AVX512-BF16, which rounds to
// bfloat16.
#include "backend/cpu/simd_avx512.h"

#include "backend/cpu/map_kernels_of.h"

namespace thaw::cpu {

const CpuKernels cpuKernelsAvx512Bf16 = {"avx512-bf16", mapKernels<float>, mapKernels<Bfloat>, updateScaled,
                                         averageParameters};

}  // namespace thaw::cpu
