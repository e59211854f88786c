#pragma once

#include <variant>
#include <vector>

#include "addon/marshal.h"
#include "radiomics/extraction.h"

namespace thaw::addon {

/** A `NativeRadiomicsOptions`. */
std::variant<radiomics::ExtractionOptions, radiomics::Paper79Options> radiomicsOptions(
    const Argument& options);

/** `NativeRadiomicsImage`s; pixels and masks are borrowed from JavaScript. */
std::vector<radiomics::ImageView> radiomicsImages(const Argument& images);

}  // namespace thaw::addon
