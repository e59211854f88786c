#include "radiomics/ngldm.h"

#include <algorithm>

namespace thaw::radiomics {
namespace {

/** Further from every level than any coarseness reaches. */
constexpr std::int16_t outsideLevel = -20000;

/** Levels instead of codes, with the plane's border. */
std::vector<std::int16_t> levelsOf(const LevelPlane& plane, const LevelVolume& volume) {
  std::vector<std::int16_t> table(volume.level.begin(), volume.level.end());
  table[0] = outsideLevel;
  const std::uint16_t* const codes = plane.row(-plane.border()) - plane.border();
  std::vector<std::int16_t> levels(plane.stride() * (plane.height() + 2 * plane.border()));
  for (std::size_t i = 0; i < levels.size(); i++) levels[i] = table[codes[i]];
  return levels;
}

}  // namespace

Features<sizeFeaturesWithEnergy> ngldm(const LevelPlane& plane, const LevelVolume& volume, int distance,
                                       int coarseness) {
  const std::vector<std::int16_t> levels = levelsOf(plane, volume);
  const auto most = static_cast<std::int16_t>(std::min(coarseness, maxLevels));
  SizeCounts counts(volume.codes());
  std::vector<std::int16_t> dependence(plane.width());
  for (int y = 0; y < plane.height(); y++) {
    const std::int16_t* const row = levels.data() + (y + plane.border()) * plane.stride() + plane.border();
    // The pixel itself is one of the window's.
    std::fill(dependence.begin(), dependence.end(), std::int16_t{0});
    for (int dy = -distance; dy <= distance; dy++)
      for (int dx = -distance; dx <= distance; dx++) {
        const std::int16_t* const other = row + dy * plane.stride() + dx;
        for (int x = 0; x < plane.width(); x++) {
          const auto difference = static_cast<std::int16_t>(row[x] - other[x]);
          dependence[x] += difference <= most && difference >= -most ? 1 : 0;
        }
      }
    const std::uint16_t* const codes = plane.row(y);
    for (int x = 0; x < plane.width(); x++) counts.add(codes[x], dependence[x]);
  }
  return sizeMatrixFeatures(counts, volume, static_cast<double>(plane.pixels()));
}

}  // namespace thaw::radiomics
