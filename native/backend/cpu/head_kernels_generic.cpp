// Before the kernels, which are written over its struct Simd.
#include "backend/cpu/simd_generic.h"

#include "backend/cpu/head_kernels.h"
#include "backend/cpu/head_step.h"

namespace thaw::cpu {

const HeadKernels headKernelsGeneric = {Simd::name,   packRows, forward,
                                        evaluateLoss, stepHead, averageParameters};

}  // namespace thaw::cpu
