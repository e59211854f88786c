#pragma once

#include "radiomics/feature.h"
#include "radiomics/levels.h"
#include "radiomics/size_counts.h"
#include "radiomics/zones.h"

namespace thaw::radiomics {

/** Grey level size zone matrix of one slice (IBSI 9SAK; Thibault et al., Proc PRIP 2009:140). */
Features<sizeFeatures> glszm(const LevelPlane& plane, const Zones& zones, const LevelVolume& volume);

/** Grey level distance zone matrix of one slice, of zones with distances (IBSI VMDZ; Thibault et al., IEEE
 * T-BME 2014;61:630). */
Features<sizeFeatures> gldzm(const LevelPlane& plane, const Zones& zones, const LevelVolume& volume);

}  // namespace thaw::radiomics
