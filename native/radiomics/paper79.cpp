#include "radiomics/paper79.h"

#include <array>
#include <cmath>

#include "radiomics/cooccurrence.h"
#include "radiomics/levels.h"

namespace thaw::radiomics {
namespace {

constexpr int greyLevels = 256;
constexpr std::array<int, 4> distances = {1, 2, 4, 6};
constexpr int angles = 3;
constexpr std::size_t properties = 6;
constexpr int border = 6;

std::vector<Offset> offsets() {
  std::vector<Offset> result;
  for (const int distance : distances) {
    const int diagonal = static_cast<int>(std::round(distance * std::sqrt(0.5)));
    result.push_back({distance, 0});
    result.push_back({diagonal, diagonal});
    result.push_back({0, distance});
  }
  return result;
}

/** Grey level g has code g + 1. */
LevelPlane planeOf(std::span<const std::uint8_t> pixels, int width, int height) {
  LevelPlane plane(width, height, border);
  for (int y = 0; y < height; y++) {
    const std::uint8_t* const from = pixels.data() + static_cast<std::size_t>(y) * width;
    std::uint16_t* const row = plane.row(y);
    for (int x = 0; x < width; x++) row[x] = static_cast<std::uint16_t>(from[x] + 1);
  }
  return plane;
}

/** In exact integers as far as they go: sums of counts, and of counts times levels. */
std::array<Feature, properties> propertiesOf(const PairCounts& counts) {
  std::array<std::uint64_t, greyLevels> rows = {}, columns = {}, differences = {};
  std::uint64_t squares = 0, products = 0;
  for (int i = 0; i < greyLevels; i++)
    for (int j = 0; j < greyLevels; j++) {
      const std::uint64_t count = counts.at(i + 1, j + 1);
      if (count == 0) continue;
      rows[i] += count;
      columns[j] += count;
      differences[std::abs(i - j)] += count;
      squares += count * count;
      products += count * i * j;
    }
  std::uint64_t pairs = 0, rowSum = 0, columnSum = 0;
  double contrast = 0, dissimilarity = 0, homogeneity = 0;
  for (int k = 0; k < greyLevels; k++) {
    const auto count = static_cast<double>(differences[k]);
    pairs += differences[k];
    rowSum += rows[k] * k;
    columnSum += columns[k] * k;
    contrast += count * k * k;
    dissimilarity += count * k;
    homogeneity += count / (1 + k * k);
  }
  if (pairs == 0) return {};
  const auto n = static_cast<double>(pairs);
  const double rowMean = static_cast<double>(rowSum) / n, columnMean = static_cast<double>(columnSum) / n;
  double rowVariance = 0, columnVariance = 0;
  for (int k = 0; k < greyLevels; k++) {
    rowVariance += static_cast<double>(rows[k]) / n * (k - rowMean) * (k - rowMean);
    columnVariance += static_cast<double>(columns[k]) / n * (k - columnMean) * (k - columnMean);
  }
  const double covariance = static_cast<double>(products) / n - rowMean * columnMean;
  const double deviations = std::sqrt(rowVariance * columnVariance);
  const double asmValue = static_cast<double>(squares) / (n * n);
  return {
      measured(contrast / n),        measured(dissimilarity / n),
      measured(homogeneity / n),     measured(asmValue),
      measured(std::sqrt(asmValue)), deviations == 0 ? conventional(1) : measured(covariance / deviations)};
}

/** Mean, deviation, central moments 2 … 5, entropy, from the histogram. */
std::array<Feature, 7> firstOrder(std::span<const std::uint8_t> pixels) {
  // Four tables: equal neighbours would wait for each other's count.
  std::array<std::array<std::uint32_t, greyLevels>, 4> tables = {};
  std::size_t pixel = 0;
  for (; pixel + 4 <= pixels.size(); pixel += 4)
    for (std::size_t table = 0; table < 4; table++) tables[table][pixels[pixel + table]]++;
  for (; pixel < pixels.size(); pixel++) tables[0][pixels[pixel]]++;
  const auto n = static_cast<double>(pixels.size());
  std::array<double, greyLevels> share;
  double mean = 0, entropy = 0;
  for (int k = 0; k < greyLevels; k++) {
    const double count = static_cast<double>(tables[0][k]) + tables[1][k] + tables[2][k] + tables[3][k];
    share[k] = count / n;
    mean += count * k;
    if (count > 0) entropy -= share[k] * std::log2(share[k]);
  }
  mean /= n;
  std::array<double, 6> moments = {};
  for (int k = 0; k < greyLevels; k++) {
    double power = share[k] * (k - mean);
    for (int order = 2; order <= 5; order++) moments[order] += power *= k - mean;
  }
  return {measured(mean),       measured(std::sqrt(moments[2])),
          measured(moments[2]), measured(moments[3]),
          measured(moments[4]), measured(moments[5]),
          measured(entropy)};
}

}  // namespace

Features<paper79Features> paper79(std::span<const std::uint8_t> pixels, int width, int height) {
  const LevelPlane plane = planeOf(pixels, width, height);
  const std::vector<Offset> all = offsets();
  Features<paper79Features> result;
  std::size_t next = 0;
  std::vector<PairCounts> counts;
  for (std::size_t distance = 0; distance < distances.size(); distance++) {
    counts.assign(angles, PairCounts(greyLevels));
    countPairs(plane, std::span(all).subspan(distance * angles, angles), counts);
    for (const PairCounts& angle : counts)
      for (const Feature& feature : propertiesOf(angle)) result[next++] = feature;
  }
  for (const Feature& feature : firstOrder(pixels)) result[next++] = feature;
  return result;
}

}  // namespace thaw::radiomics
