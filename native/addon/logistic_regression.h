#pragma once

#include <napi.h>

namespace thaw::addon {

/** The function `fitLogisticRegressions` of `src/engine/addon.ts`. */
Napi::Function logisticRegressionFunction(Napi::Env env);

}  // namespace thaw::addon
