#include "engine/standardization.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/half.h"

namespace thaw {
namespace {

std::vector<std::uint32_t> distinct(std::span<const std::uint32_t> rows) {
  std::vector<std::uint32_t> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

/** Calls add(column, value) for every element of a row. */
template <typename Add>
void forElements(const MatrixView& matrix, std::size_t row, Add add) {
  const void* source = matrix.row(row);
  switch (matrix.type) {
    case ElementType::float32:
      for (std::size_t i = 0; i < matrix.columns; i++)
        add(i, static_cast<double>(static_cast<const float*>(source)[i]));
      break;
    case ElementType::float16:
      for (std::size_t i = 0; i < matrix.columns; i++)
        add(i, static_cast<double>(halfToFloat(static_cast<const std::uint16_t*>(source)[i])));
      break;
    case ElementType::uint8:
      for (std::size_t i = 0; i < matrix.columns; i++)
        add(i, static_cast<double>(static_cast<const std::uint8_t*>(source)[i]));
      break;
  }
}

}  // namespace

double elementOf(const MatrixView& matrix, std::size_t row, std::size_t column) {
  const void* source = matrix.row(row);
  switch (matrix.type) {
    case ElementType::float32:
      return static_cast<double>(static_cast<const float*>(source)[column]);
    case ElementType::float16:
      return static_cast<double>(halfToFloat(static_cast<const std::uint16_t*>(source)[column]));
    case ElementType::uint8:
      break;
  }
  return static_cast<double>(static_cast<const std::uint8_t*>(source)[column]);
}

Standardization standardizationOf(const MatrixView& features, std::span<const std::uint32_t> rows,
                                  std::size_t paddedFeatures) {
  const std::vector<std::uint32_t> unique = distinct(rows);
  const double count = static_cast<double>(std::max<std::size_t>(unique.size(), 1));
  Standardization result{std::vector<double>(paddedFeatures, 0.0), std::vector<double>(paddedFeatures, 0.0),
                         AlignedBuffer<float>(paddedFeatures), AlignedBuffer<float>(paddedFeatures)};
  for (const std::uint32_t row : unique)
    forElements(features, row, [&](std::size_t i, double x) { result.mean[i] += x; });
  for (double& mean : result.mean) mean /= count;
  for (const std::uint32_t row : unique)
    forElements(features, row, [&](std::size_t i, double x) {
      result.deviation[i] += (x - result.mean[i]) * (x - result.mean[i]);
    });
  for (std::size_t i = 0; i < paddedFeatures; i++) {
    const double deviation = std::sqrt(result.deviation[i] / count);
    const double rounding = count * std::numeric_limits<double>::epsilon() * std::abs(result.mean[i]);
    result.deviation[i] = deviation > rounding ? deviation : 1;
    result.packedMean.data()[i] = static_cast<float>(result.mean[i]);
    result.packedInverse.data()[i] = static_cast<float>(1 / result.deviation[i]);
  }
  return result;
}

}  // namespace thaw
