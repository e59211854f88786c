#include "radiomics/zone_matrices.h"

namespace thaw::radiomics {

Features<sizeFeatures> glszm(const LevelPlane& plane, const Zones& zones, const LevelVolume& volume) {
  SizeCounts counts(volume.codes());
  for (const Zone& zone : zones.zones) counts.add(zone.code, zone.pixels);
  return leading<sizeFeatures>(sizeMatrixFeatures(counts, volume, static_cast<double>(plane.pixels())));
}

Features<sizeFeatures> gldzm(const LevelPlane& plane, const Zones& zones, const LevelVolume& volume) {
  SizeCounts counts(volume.codes());
  for (const Zone& zone : zones.zones) counts.add(zone.code, zone.distance);
  return leading<sizeFeatures>(sizeMatrixFeatures(counts, volume, static_cast<double>(plane.pixels())));
}

}  // namespace thaw::radiomics
