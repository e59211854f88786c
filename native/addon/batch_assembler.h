#pragma once

#include <napi.h>

namespace thaw::addon {

/** The class `BatchAssembler` of `src/engine/addon.ts`. */
Napi::Function batchAssemblerClass(Napi::Env env);

}  // namespace thaw::addon
