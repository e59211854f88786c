#include <algorithm>
#include <cmath>
#include <new>

#include "radiomics/filters.h"

namespace thaw::radiomics {
namespace {

/** Longer ones are taken for a mistake of the spacing, and would not fit in memory. */
constexpr double longestSide = 65000;

/** Where a pixel of the new grid lies in the old one: between `first` and `second`. */
struct Position {
  int first, second;
  double fraction;
};

std::vector<Position> positions(int from, double spacing, double to) {
  // A hair less than a whole number of pixels is that number.
  const double pixels = std::max(1.0, std::ceil(from * spacing / to - 1e-9));
  if (pixels > longestSide) throw std::bad_alloc();
  const int count = static_cast<int>(pixels);
  std::vector<Position> result;
  for (int i = 0; i < count; i++) {
    const double at = std::clamp((from - 1) / 2.0 + (i - (count - 1) / 2.0) * to / spacing, 0.0, from - 1.0);
    const int first = static_cast<int>(at);
    result.push_back({first, std::min(first + 1, from - 1), at - first});
  }
  return result;
}

template <typename T>
double interpolated(const T* slice, int width, const Position& x, const Position& y) {
  const T* const top = slice + static_cast<std::size_t>(y.first) * width;
  const T* const bottom = slice + static_cast<std::size_t>(y.second) * width;
  const double above = top[x.first] + x.fraction * (static_cast<double>(top[x.second]) - top[x.first]);
  const double below =
      bottom[x.first] + x.fraction * (static_cast<double>(bottom[x.second]) - bottom[x.first]);
  return above + y.fraction * (below - above);
}

}  // namespace

Resampled resample(const Volume& image, const Mask& mask, Spacing from, double to) {
  const Extent& old = image.extent;
  const std::vector<Position> columns = positions(old.width, from.x, to),
                              rows = positions(old.height, from.y, to);
  const Extent extent{static_cast<int>(columns.size()), static_cast<int>(rows.size()), old.slices};
  Resampled result{{extent, std::vector<double>(extent.size())}, Mask(extent.size())};
  std::size_t pixel = 0;
  for (int slice = 0; slice < old.slices; slice++)
    for (const Position& y : rows)
      for (const Position& x : columns) {
        result.image.values[pixel] = interpolated(image.slice(slice), old.width, x, y);
        const std::uint8_t* const inside = mask.data() + old.plane() * slice;
        result.mask[pixel] = interpolated(inside, old.width, x, y) >= 0.5 ? 1 : 0;
        pixel++;
      }
  return result;
}

}  // namespace thaw::radiomics
