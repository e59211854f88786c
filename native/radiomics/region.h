#pragma once

#include <optional>
#include <vector>

#include "radiomics/extraction.h"
#include "radiomics/volume.h"

namespace thaw::radiomics {

/** An image as its features see it. */
struct Region {
  Volume image;
  /** Which pixels are the region's shape (IBSI's morphological mask), and which grey values count. */
  Mask shape;
  Mask grey;
  Spacing spacing;
  /** Of each pixel from the border of the shape; empty unless a family wants it. */
  std::vector<std::uint16_t> distances;
  Problem problem = Problem::none;
};

/** Grey values as doubles, the mask by its rule, resampled, without pixels beyond the range. */
Region regionOf(const ImageView& image, const ExtractionOptions& options);

/** Takes pixels that are not finite out of a mask; were there any? */
bool dropNonFinite(const Volume& image, Mask& mask);

}  // namespace thaw::radiomics
