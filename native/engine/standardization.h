#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/aligned_buffer.h"
#include "engine/matrix_view.h"

namespace thaw {

/** x → (x − mean) / deviation of every feature; both arrays [features padded], 0 and 1 behind the last
 * feature. */
struct Standardization {
  std::vector<double> mean;
  std::vector<double> deviation;
  AlignedBuffer<float> packedMean;
  AlignedBuffer<float> packedInverse;
};

/** One element as a number. */
double elementOf(const MatrixView& matrix, std::size_t row, std::size_t column);

/**
 * Mean and standard deviation (of the population, 1/n) of every feature over the distinct rows among `rows`,
 * in two passes in double precision; a deviation of 0 (up to the rounding of the mean) becomes 1.
 */
Standardization standardizationOf(const MatrixView& features, std::span<const std::uint32_t> rows,
                                  std::size_t paddedFeatures);

}  // namespace thaw
