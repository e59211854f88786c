#include "regression/roc.h"

#include <algorithm>
#include <limits>

#include "regression/kernels.h"

namespace thaw::regression {
namespace {

/** Up to so many pairs are compared one by one, many at a time. */
constexpr std::size_t mostPairs = std::size_t{1} << 17;

/** 2 · won pairs + ties. */
std::size_t byPairs(const std::vector<double>& positives, const std::vector<double>& negatives) {
  std::size_t wins = 0;
  if (negatives.size() < positives.size()) {
    for (const double score : negatives)
      wins += kernels().doubledWins(score, positives.data(), positives.size());
    return wins;
  }
  for (const double score : positives)
    wins += kernels().doubledWins(score, negatives.data(), negatives.size());
  return 2 * positives.size() * negatives.size() - wins;
}

std::size_t bySorting(std::vector<double>& positives, std::vector<double>& negatives) {
  std::sort(positives.begin(), positives.end());
  std::sort(negatives.begin(), negatives.end());
  std::size_t wins = 0, below = 0, belowOrEqual = 0;
  for (const double score : positives) {
    while (below < negatives.size() && negatives[below] < score) below++;
    while (belowOrEqual < negatives.size() && negatives[belowOrEqual] <= score) belowOrEqual++;
    wins += below + belowOrEqual;
  }
  return wins;
}

}  // namespace

double auroc(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  std::vector<double> positives, negatives;
  for (std::size_t i = 0; i < scores.size(); i++)
    (positive[i] != 0 ? positives : negatives).push_back(scores[i]);
  const std::size_t pairs = positives.size() * negatives.size();
  if (pairs == 0) return std::numeric_limits<double>::quiet_NaN();
  const std::size_t wins =
      pairs <= mostPairs ? byPairs(positives, negatives) : bySorting(positives, negatives);
  return static_cast<double>(wins) / (2 * static_cast<double>(pairs));
}

}  // namespace thaw::regression
