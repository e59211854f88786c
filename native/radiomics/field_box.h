#pragma once

#include <optional>

#include "radiomics/box.h"
#include "radiomics/volume.h"

namespace thaw::radiomics {

/**
 * Box of the body: of the largest connected part brighter than Otsu's threshold (IEEE T-SMC 1979;9:62, of 256
 * bins) of one slice. Bright means dense, so inverted radiographs have to be turned first. None in a flat
 * slice.
 */
std::optional<Box> bodyBox(const double* slice, int width, int height);

/**
 * Box of the lung fields in a frontal chest radiograph: of the two largest connected parts that are darker
 * than Otsu's threshold of the body box and do not touch its edges, the second where it has a quarter of the
 * first's area. None where they are less than a twentieth of the body box.
 */
std::optional<Box> lungBox(const double* slice, int width, int height);

}  // namespace thaw::radiomics
