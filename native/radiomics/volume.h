#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace thaw::radiomics {

/** Slices of height × width pixels; an image in the plane has one. */
struct Extent {
  int width = 0;
  int height = 0;
  int slices = 1;

  std::size_t plane() const { return static_cast<std::size_t>(width) * height; }
  std::size_t size() const { return plane() * slices; }
};

/** Grey values [slices, height, width]. */
struct Volume {
  Extent extent;
  std::vector<double> values;

  double* slice(int index) { return values.data() + extent.plane() * index; }
  const double* slice(int index) const { return values.data() + extent.plane() * index; }
};

/** [slices, height, width], 1 = inside. */
using Mask = std::vector<std::uint8_t>;

/** Millimetres between the centres of two pixels. */
struct Spacing {
  double x = 1;
  double y = 1;
};

}  // namespace thaw::radiomics
