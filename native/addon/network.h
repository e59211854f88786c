#pragma once

#include <napi.h>

namespace thaw::addon {

/** The class `Network` of `src/engine/addon.ts`. */
Napi::Function networkClass(Napi::Env env);

}  // namespace thaw::addon
