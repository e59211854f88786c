#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace thaw::regression {

/** Features of all images, row-major [rows, columns], that somebody else owns: doubles or floats. */
struct FeatureTable {
  const double* doubles = nullptr;
  const float* floats = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;

  double at(std::size_t row, std::size_t column) const {
    const std::size_t index = row * columns + column;
    return doubles != nullptr ? doubles[index] : static_cast<double>(floats[index]);
  }
};

}  // namespace thaw::regression
