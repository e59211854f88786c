#pragma once

#include <cstdint>
#include <vector>

#include "radiomics/feature.h"
#include "radiomics/levels.h"

namespace thaw::radiomics {

/**
 * Matrix of grey level × size, where size is the length of runs, the area of zones, their distance from the
 * border or a number of neighbours: counts of few sizes dense, of large ones in a list.
 */
class SizeCounts {
 public:
  /** Sizes below `denseSizes` are kept dense. */
  explicit SizeCounts(int codes, std::uint32_t denseSizes = 256)
      : denseSizes_(denseSizes), dense_((static_cast<std::size_t>(codes) + 1) * denseSizes) {}

  void add(int code, std::uint32_t size, std::uint32_t count = 1) {
    if (size < denseSizes_)
      dense_[code * std::size_t{denseSizes_} + size] += count;
    else
      large_.push_back({code, size, count});
  }

  struct Cell {
    int code;
    std::uint32_t size;
    std::uint32_t count;
  };

  /** Cells that are not zero, by code, then size. */
  std::vector<Cell> cells() const;

 private:
  std::uint32_t denseSizes_;
  std::vector<std::uint32_t> dense_;
  std::vector<Cell> large_;
};

/** Small and large emphasis … entropy of sizes, then energy: the order of the files in
 * src/radiomics/families. */
constexpr std::size_t sizeFeatures = 16;
constexpr std::size_t sizeFeaturesWithEnergy = 17;

/**
 * Features that run length, size zone, distance zone and dependence matrices share (IBSI TP0I, 9SAK, VMDZ,
 * REK0). `pixels` is what the number of counts is divided by for the percentage.
 */
Features<sizeFeaturesWithEnergy> sizeMatrixFeatures(const SizeCounts& counts, const LevelVolume& volume,
                                                    double pixels);

/** The first N. */
template <std::size_t N>
Features<N> leading(const Features<sizeFeaturesWithEnergy>& features) {
  Features<N> result;
  for (std::size_t i = 0; i < N; i++) result[i] = features[i];
  return result;
}

}  // namespace thaw::radiomics
