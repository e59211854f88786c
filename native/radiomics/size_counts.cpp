#include "radiomics/size_counts.h"

#include <algorithm>
#include <tuple>

namespace thaw::radiomics {
namespace {

double squared(double x) {
  return x * x;
}

/** Σ_j (Σ_i count(i, j))²: how uneven the sizes are. */
double sizeUnevenness(std::vector<SizeCounts::Cell> cells) {
  std::sort(cells.begin(), cells.end(), [](const auto& a, const auto& b) { return a.size < b.size; });
  double total = 0;
  for (std::size_t first = 0; first < cells.size();) {
    double count = 0;
    const std::uint32_t size = cells[first].size;
    for (; first < cells.size() && cells[first].size == size; first++) count += cells[first].count;
    total += squared(count);
  }
  return total;
}

}  // namespace

std::vector<SizeCounts::Cell> SizeCounts::cells() const {
  std::vector<Cell> large = large_;
  std::sort(large.begin(), large.end(),
            [](const Cell& a, const Cell& b) { return std::tie(a.code, a.size) < std::tie(b.code, b.size); });
  std::vector<Cell> cells;
  const int codes = static_cast<int>(dense_.size() / denseSizes_);
  auto next = large.begin();
  for (int code = 0; code < codes; code++) {
    for (std::uint32_t size = 0; size < denseSizes_; size++)
      if (const std::uint32_t count = dense_[code * std::size_t{denseSizes_} + size]; count > 0)
        cells.push_back({code, size, count});
    for (; next != large.end() && next->code == code; next++) {
      if (!cells.empty() && cells.back().code == code && cells.back().size == next->size)
        cells.back().count += next->count;
      else
        cells.push_back(*next);
    }
  }
  return cells;
}

Features<sizeFeaturesWithEnergy> sizeMatrixFeatures(const SizeCounts& counts, const LevelVolume& volume,
                                                    double pixels) {
  std::vector<SizeCounts::Cell> cells = counts.cells();
  std::erase_if(cells, [](const SizeCounts::Cell& cell) { return cell.code == 0; });
  double total = 0, levelSum = 0, sizeSum = 0;
  double emphasis[8] = {};
  std::vector<double> byLevel(volume.level.size());
  for (const auto& [code, size, count] : cells) {
    const double n = count, level = volume.level[code];
    const double i2 = squared(level), j2 = squared(size);
    total += n;
    levelSum += n * level;
    sizeSum += n * size;
    byLevel[code] += n;
    emphasis[0] += n / j2;
    emphasis[1] += n * j2;
    emphasis[2] += n / i2;
    emphasis[3] += n * i2;
    emphasis[4] += n / (i2 * j2);
    emphasis[5] += n * i2 / j2;
    emphasis[6] += n * j2 / i2;
    emphasis[7] += n * i2 * j2;
  }
  if (total == 0) return {};
  const double levelMean = levelSum / total, sizeMean = sizeSum / total;
  double levelVariance = 0, sizeVariance = 0, entropy = 0, energy = 0, levelUnevenness = 0;
  for (const auto& [code, size, count] : cells) {
    const double p = count / total;
    levelVariance += p * squared(volume.level[code] - levelMean);
    sizeVariance += p * squared(size - sizeMean);
    entropy -= p * std::log2(p);
    energy += squared(p);
  }
  for (const double n : byLevel) levelUnevenness += squared(n);
  const double unevenness = sizeUnevenness(std::move(cells));

  Features<sizeFeaturesWithEnergy> result;
  for (std::size_t i = 0; i < 8; i++) result[i] = measured(emphasis[i] / total);
  result[8] = measured(levelUnevenness / total);
  result[9] = measured(levelUnevenness / squared(total));
  result[10] = measured(unevenness / total);
  result[11] = measured(unevenness / squared(total));
  result[12] = measured(total / pixels);
  result[13] = measured(levelVariance);
  result[14] = measured(sizeVariance);
  result[15] = measured(entropy);
  result[16] = measured(energy);
  return result;
}

}  // namespace thaw::radiomics
