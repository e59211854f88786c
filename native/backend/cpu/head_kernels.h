#pragma once

#include "engine/head_kernels.h"

namespace thaw::cpu {

#ifdef THAW_X86
extern const HeadKernels headKernelsAvx512;
extern const HeadKernels headKernelsAvx2;
#endif
extern const HeadKernels headKernelsGeneric;

}  // namespace thaw::cpu
