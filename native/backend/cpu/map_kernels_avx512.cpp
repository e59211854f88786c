// Before the kernels, which are written over its struct Simd.
#include "backend/cpu/simd_avx512.h"

#include "backend/cpu/map_kernels_of.h"

namespace thaw::cpu {

const CpuKernels cpuKernelsAvx512 = {Simd::name, mapKernels<float>, mapKernels<Bfloat>, updateScaled,
                                     averageParameters};

}  // namespace thaw::cpu
