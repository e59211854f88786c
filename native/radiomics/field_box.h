#pragma once

#include <optional>

#include "radiomics/box.h"
#include "radiomics/volume.h"

namespace thaw::radiomics {

/**
 * Box of the body in a radiograph: of the largest connected part of one slice that is brighter than half way
 * from its darkest grey value to Otsu's threshold (IEEE T-SMC 1979;9:62, of 256 bins), so brighter than air.
 * Bright means dense: inverted radiographs have to be turned first. None in a flat slice. Found, as the
 * lungs, on means of pixels, at most 256 along a side.
 */
std::optional<Box> bodyBox(const double* slice, int width, int height);

/**
 * Box of both lung fields in a frontal chest radiograph: dark parts of the body box that do not touch its
 * edges, one in its left and one in its right half, beside each other and each at least 2 % of it, the
 * smaller at least a fifth of the larger. Of 24 thresholds the one with the largest two parts. None where no
 * threshold has such parts.
 */
std::optional<Box> lungBox(const double* slice, int width, int height);

}  // namespace thaw::radiomics
