#pragma once

#include <memory>

#include "addon/marshal.h"
#include "engine/network.h"
#include "image/view.h"

namespace thaw::addon {

/** A `NativeGraph`. */
Graph networkGraph(const Argument& given);

/** A `NativeNetworkOptions` but for its input. */
NetworkOptions networkOptions(const Argument& options);

/** `device`, `precision`, `threads` and `winograd` of a `NativeNetworkOptions`. */
std::unique_ptr<Backend> networkBackend(const Argument& options);

/** A `NativeView`. */
ImageView viewOptions(const Argument& view);

/** A network's input with the file that it reads. */
struct NetworkInput {
  std::unique_ptr<MatrixStack> file;
  std::unique_ptr<BatchSource> source;
};

/** A `NativeNetworkInput`. */
NetworkInput networkInput(const Argument& input);

}  // namespace thaw::addon
