#pragma once

#include <napi.h>

namespace thaw::addon {

/** The class `Inference` of `src/engine/addon.ts`. */
Napi::Function inferenceClass(Napi::Env env);

}  // namespace thaw::addon
