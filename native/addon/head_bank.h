#pragma once

#include <napi.h>

namespace thaw::addon {

/** The class `HeadBank` of `src/engine/addon.ts`. */
Napi::Function headBankClass(Napi::Env env);

}  // namespace thaw::addon
