#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/augment.h"

namespace thaw {

/**
 * Output pixel (x, y) → position (u, v) in the resized image before its rotation: u = ux · x + uy · y + u0
 * and v = vx · x + vy · y + v0. Pixel i of a row or column has its centre at the position i.
 */
struct AffineMap {
  double ux, uy, u0;
  double vx, vy, v0;
};

/** Crop, flips and the rotation about the centre of an image of `resized` pixels, for `output` pixels. */
AffineMap affineMap(const SampleTransform& transform, std::size_t resized, std::size_t output);

/** Where the pixels of one output row come from; [output] each. */
struct AffineTaps {
  std::vector<std::int32_t> offset;  ///< of the upper left neighbour, in floats
  std::vector<float> upperLeft, upperRight, lowerLeft, lowerRight;  ///< weights

  void resize(std::size_t output);
};

/**
 * An image [side, side, lanes] that is looked at as if it were `resized` × `resized` pixels large: the
 * position u is at the source's (u + ½) · side / resized − ½, and sampling there is bilinear with repeated
 * borders. The result is multiplied by how much of the pixel at u the resized image covers, min(1, u + 1,
 * resized − u) and not below 0 along both axes; for side = resized that is bilinear interpolation with zeros
 * outside, as torch's grid_sample(padding_mode='zeros', align_corners=False).
 */
struct AffineSource {
  const float* pixels;
  std::size_t side;
  std::size_t resized;
};

/** Output row y → out [output, lanes]. */
template <std::size_t lanes>
void sampleRow(const AffineSource& source, const AffineMap& map, std::size_t y, AffineTaps& taps, float* out);

extern template void sampleRow<1>(const AffineSource&, const AffineMap&, std::size_t, AffineTaps&, float*);
extern template void sampleRow<4>(const AffineSource&, const AffineMap&, std::size_t, AffineTaps&, float*);

}  // namespace thaw
