#include "radiomics/zone_matrices.h"

#include <algorithm>

namespace thaw::radiomics {

Features<sizeFeatures> glszm(const LevelPlane& plane, const Zones& zones, const LevelVolume& volume) {
  SizeCounts counts(volume.codes());
  for (const Zone& zone : zones.zones) counts.add(zone.code, zone.pixels);
  return leading<sizeFeatures>(sizeMatrixFeatures(counts, volume, static_cast<double>(plane.pixels())));
}

Features<sizeFeatures> gldzm(const LevelPlane& plane, const Zones& zones, const LevelVolume& volume) {
  std::uint32_t farthest = 0;
  for (const Zone& zone : zones.zones) farthest = std::max<std::uint32_t>(farthest, zone.distance);
  SizeCounts counts(volume.codes(), farthest + 1);
  for (const Zone& zone : zones.zones) counts.add(zone.code, zone.distance);
  return leading<sizeFeatures>(sizeMatrixFeatures(counts, volume, static_cast<double>(plane.pixels())));
}

}  // namespace thaw::radiomics
