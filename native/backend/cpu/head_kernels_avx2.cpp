// Before the kernels, which are written over its struct Simd.
#include "backend/cpu/simd_avx2.h"

#include "backend/cpu/head_kernels.h"
#include "backend/cpu/head_step.h"

namespace thaw::cpu {

const HeadKernels headKernelsAvx2 = {Simd::name,   packRows, forward,
                                     evaluateLoss, stepHead, averageParameters};

}  // namespace thaw::cpu
