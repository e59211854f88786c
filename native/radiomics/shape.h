#pragma once

#include <cstdint>

#include "radiomics/feature.h"
#include "radiomics/volume.h"

namespace thaw::radiomics {

/** Order: src/radiomics/families/shape.ts. */
constexpr std::size_t shapeFeatures = 10;

/**
 * Size and form of one slice's region, `inside` [height, width], in millimetres (pyradiomics' shape2D): area
 * and perimeter of its outline by marching squares at half way between an inside and an outside pixel, pixels
 * that touch at a corner only being apart; axes from the covariance of the pixels' centres.
 */
Features<shapeFeatures> shape(const std::uint8_t* inside, int width, int height, Spacing spacing);

}  // namespace thaw::radiomics
