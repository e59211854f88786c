#include "image/affine.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace thaw {
namespace {

struct Axis {
  float scale, shift;   ///< position in the resized image → position in the source
  float last;           ///< largest position in the source
  float lastNeighbour;  ///< largest position of an upper or left neighbour
  float resized;
};

/** How much of the pixel at position u the image covers. */
float covered(const Axis& axis, float u) {
  const float inside = std::min(u + 1, axis.resized - u);
  return std::min(std::max(inside, 0.0f), 1.0f);
}

float sourcePosition(const Axis& axis, float u) {
  return std::min(std::max(u * axis.scale + axis.shift, 0.0f), axis.last);
}

Axis axisOf(const AffineSource& source) {
  const double ratio = static_cast<double>(source.side) / static_cast<double>(source.resized);
  return {static_cast<float>(ratio), static_cast<float>(0.5 * ratio - 0.5),
          static_cast<float>(source.side - 1), static_cast<float>(std::max<std::size_t>(source.side, 2) - 2),
          static_cast<float>(source.resized)};
}

/** Fills the taps of a row; a loop without branches or memory dependences, for the compiler to vectorise. */
template <std::size_t lanes>
void findTaps(const AffineSource& source, const AffineMap& map, std::size_t y, AffineTaps& taps) {
  const Axis axis = axisOf(source);
  const auto side = static_cast<std::int32_t>(source.side);
  const auto u0 = static_cast<float>(map.uy * static_cast<double>(y) + map.u0);
  const auto v0 = static_cast<float>(map.vy * static_cast<double>(y) + map.v0);
  const auto ux = static_cast<float>(map.ux), vx = static_cast<float>(map.vx);
  std::int32_t* __restrict offset = taps.offset.data();
  float* __restrict upperLeft = taps.upperLeft.data();
  float* __restrict upperRight = taps.upperRight.data();
  float* __restrict lowerLeft = taps.lowerLeft.data();
  float* __restrict lowerRight = taps.lowerRight.data();
  const auto count = static_cast<std::int32_t>(taps.offset.size());
  for (std::int32_t x = 0; x < count; x++) {
    const float u = ux * static_cast<float>(x) + u0, v = vx * static_cast<float>(x) + v0;
    const float sourceX = sourcePosition(axis, u), sourceY = sourcePosition(axis, v);
    const auto column = static_cast<std::int32_t>(std::min(sourceX, axis.lastNeighbour));
    const auto row = static_cast<std::int32_t>(std::min(sourceY, axis.lastNeighbour));
    const float right = sourceX - static_cast<float>(column), lower = sourceY - static_cast<float>(row);
    const float cover = covered(axis, u) * covered(axis, v);
    const float lowerCover = lower * cover, upperCover = cover - lowerCover;
    offset[x] = (row * side + column) * static_cast<std::int32_t>(lanes);
    upperRight[x] = right * upperCover;
    upperLeft[x] = upperCover - upperRight[x];
    lowerRight[x] = right * lowerCover;
    lowerLeft[x] = lowerCover - lowerRight[x];
  }
}

}  // namespace

AffineMap affineMap(const SampleTransform& transform, std::size_t resized, std::size_t output) {
  const double last = static_cast<double>(output) - 1, centre = (static_cast<double>(resized) - 1) / 2;
  // Position before the flips, from the centre: (a · x + b, c · y + d).
  const double a = transform.flip ? -1 : 1, b = (transform.flip ? last : 0) + transform.left - centre;
  const double c = transform.verticalFlip ? -1 : 1,
               d = (transform.verticalFlip ? last : 0) + transform.top - centre;
  // Counter-clockwise as seen (y points down) moves content by (cos, sin; −sin, cos); this is the way back.
  const double angle = transform.rotation * std::numbers::pi / 180;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  return {cosine * a, -sine * c,  cosine * b - sine * d + centre,
          sine * a,   cosine * c, sine * b + cosine * d + centre};
}

void AffineTaps::resize(std::size_t output) {
  offset.resize(output);
  for (std::vector<float>* weights : {&upperLeft, &upperRight, &lowerLeft, &lowerRight})
    weights->resize(output);
}

template <std::size_t lanes>
void sampleRow(const AffineSource& source, const AffineMap& map, std::size_t y, AffineTaps& taps,
               float* out) {
  findTaps<lanes>(source, map, y, taps);
  const std::size_t right = source.side > 1 ? lanes : 0, below = source.side > 1 ? source.side * lanes : 0;
  for (std::size_t x = 0; x < taps.offset.size(); x++, out += lanes) {
    const float* upper = source.pixels + taps.offset[x];
    const float* lower = upper + below;
    for (std::size_t lane = 0; lane < lanes; lane++)
      out[lane] = taps.upperLeft[x] * upper[lane] + taps.upperRight[x] * upper[lane + right] +
                  taps.lowerLeft[x] * lower[lane] + taps.lowerRight[x] * lower[lane + right];
  }
}

template void sampleRow<1>(const AffineSource&, const AffineMap&, std::size_t, AffineTaps&, float*);
template void sampleRow<4>(const AffineSource&, const AffineMap&, std::size_t, AffineTaps&, float*);

}  // namespace thaw
