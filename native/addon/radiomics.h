#pragma once

#include <napi.h>

namespace thaw::addon {

/** The function `extractRadiomics` of `src/engine/addon.ts`. */
Napi::Function radiomicsFunction(Napi::Env env);

}  // namespace thaw::addon
