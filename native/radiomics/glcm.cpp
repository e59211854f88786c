#include "radiomics/glcm.h"

#include <algorithm>
#include <cmath>

namespace thaw::radiomics {
namespace {

/** Sums over the symmetric matrix p = (C + Cᵀ) / 2N. */
struct Sums {
  double maximum = 0, squares = 0, entropy = 0, product = 0;
  std::vector<double> marginal;    ///< [K + 1] Σ_j p(i, j), by code
  std::vector<double> difference;  ///< [Ng] of |i − j|
  std::vector<double> sum;         ///< [2 Ng + 1] of i + j
};

/** −p log₂ p, 0 for p = 0. */
double entropyTerm(double p) {
  return p > 0 ? -p * std::log2(p) : 0;
}

double entropyOf(const std::vector<double>& distribution) {
  double entropy = 0;
  for (const double p : distribution) entropy += entropyTerm(p);
  return entropy;
}

double pairsIn(const PairCounts& counts) {
  double pairs = 0;
  for (int i = 1; i <= counts.codes(); i++)
    for (int j = 1; j <= counts.codes(); j++) pairs += counts.at(i, j);
  return pairs;
}

Sums sumsOf(const PairCounts& counts, double pairs, const LevelVolume& volume) {
  Sums sums;
  sums.marginal.resize(volume.level.size());
  sums.difference.resize(volume.levels);
  sums.sum.resize(2 * volume.levels + 1);
  for (int i = 1; i <= counts.codes(); i++)
    for (int j = i; j <= counts.codes(); j++) {
      const double both = static_cast<double>(counts.at(i, j)) + counts.at(j, i);
      if (both == 0) continue;
      // p(i, j) = p(j, i); on the diagonal one cell, elsewhere two.
      const double p = both / (2 * pairs);
      const double cells = i == j ? 1 : 2;
      const int low = volume.level[i], high = volume.level[j];
      sums.maximum = std::max(sums.maximum, p);
      sums.squares += cells * p * p;
      sums.entropy += cells * entropyTerm(p);
      sums.product += cells * p * low * high;
      sums.marginal[i] += p;
      if (i != j) sums.marginal[j] += p;
      sums.difference[high - low] += cells * p;
      sums.sum[low + high] += cells * p;
    }
  return sums;
}

/** Σ_k p(k) (k − center)^power */
double moment(const std::vector<double>& distribution, double center, int power) {
  double total = 0;
  for (std::size_t k = 0; k < distribution.size(); k++) {
    const double distance = static_cast<double>(k) - center;
    double term = distribution[k];
    for (int i = 0; i < power; i++) term *= distance;
    total += term;
  }
  return total;
}

Features<glcmFeatures> featuresOf(const PairCounts& counts, const LevelVolume& volume) {
  const double pairs = pairsIn(counts);
  if (pairs == 0) return {};
  const Sums sums = sumsOf(counts, pairs, volume);
  double mean = 0, variance = 0;
  for (std::size_t i = 1; i < sums.marginal.size(); i++) mean += volume.level[i] * sums.marginal[i];
  for (std::size_t i = 1; i < sums.marginal.size(); i++)
    variance += (volume.level[i] - mean) * (volume.level[i] - mean) * sums.marginal[i];
  const double marginalEntropy = entropyOf(sums.marginal);
  const double differenceMean = moment(sums.difference, 0, 1);

  double inverse = 0, inverseNormal = 0, inverseMoment = 0, inverseMomentNormal = 0, inverseVariance = 0;
  const double levels = volume.levels;
  for (int k = 0; k < volume.levels; k++) {
    const double p = sums.difference[k], squared = static_cast<double>(k) * k;
    inverse += p / (1 + k);
    inverseNormal += p / (1 + k / levels);
    inverseMoment += p / (1 + squared);
    inverseMomentNormal += p / (1 + squared / (levels * levels));
    if (k > 0) inverseVariance += p / squared;
  }
  // p is symmetric, so HX = HY and HXY1 = HXY2 = 2 HX.
  const double shared = std::max(0.0, 2 * marginalEntropy - sums.entropy);
  const bool flat = variance == 0;
  return {measured(sums.maximum),
          measured(mean),
          measured(variance),
          measured(sums.entropy),
          measured(differenceMean),
          measured(moment(sums.difference, differenceMean, 2)),
          measured(entropyOf(sums.difference)),
          measured(2 * mean),
          measured(moment(sums.sum, 2 * mean, 2)),
          measured(entropyOf(sums.sum)),
          measured(sums.squares),
          measured(moment(sums.difference, 0, 2)),
          measured(differenceMean),
          measured(inverse),
          measured(inverseNormal),
          measured(inverseMoment),
          measured(inverseMomentNormal),
          measured(inverseVariance),
          flat ? conventional(1) : measured((sums.product - mean * mean) / variance),
          measured(sums.product),
          measured(moment(sums.sum, 2 * mean, 2)),
          measured(moment(sums.sum, 2 * mean, 3)),
          measured(moment(sums.sum, 2 * mean, 4)),
          flat ? conventional(0) : measured((sums.entropy - 2 * marginalEntropy) / marginalEntropy),
          measured(std::sqrt(1 - std::exp(-2 * shared)))};
}

}  // namespace

std::vector<Offset> chebyshevOffsets(int distance) {
  std::vector<Offset> offsets;
  for (int x = -distance + 1; x <= distance; x++) offsets.push_back({x, distance});
  for (int y = -distance + 1; y <= distance; y++) offsets.push_back({distance, -y});
  return offsets;
}

GlcmResult glcm(const LevelVolume& volume, int distance) {
  const std::vector<Offset> offsets = chebyshevOffsets(distance);
  MeanFeatures<glcmFeatures> averaged, merged;
  for (const LevelPlane& plane : volume.planes) {
    if (plane.pixels() == 0) continue;
    std::vector<PairCounts> counts(offsets.size(), PairCounts(volume.codes()));
    countPairs(plane, offsets, counts);
    for (const PairCounts& direction : counts) averaged.add(featuresOf(direction, volume));
    for (std::size_t other = 1; other < counts.size(); other++) counts[0].add(counts[other]);
    merged.add(featuresOf(counts[0], volume));
  }
  return {averaged.mean(), merged.mean()};
}

}  // namespace thaw::radiomics
