#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "radiomics/levels.h"

namespace thaw::radiomics {

/** To the second pixel of a pair: `x` columns right, `y` rows down. */
struct Offset {
  int x;
  int y;
};

/** How often code i has code j at an offset: [K + 1, K + 1], row and column 0 are pixels outside. */
class PairCounts {
 public:
  explicit PairCounts(int codes) : side_(static_cast<std::size_t>(codes) + 1), counts_(side_ * side_) {}

  int codes() const { return static_cast<int>(side_) - 1; }
  std::size_t side() const { return side_; }
  std::uint32_t* data() { return counts_.data(); }
  std::uint32_t at(int i, int j) const { return counts_[i * side_ + j]; }
  void add(const PairCounts& other) {
    for (std::size_t i = 0; i < counts_.size(); i++) counts_[i] += other.counts_[i];
  }

 private:
  std::size_t side_;
  std::vector<std::uint32_t> counts_;
};

/** Adds the pairs of a plane to `counts`, one for each offset; offsets lie within the plane's border. */
void countPairs(const LevelPlane& plane, std::span<const Offset> offsets, std::span<PairCounts> counts);

}  // namespace thaw::radiomics
