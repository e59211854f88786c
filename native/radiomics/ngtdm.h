#pragma once

#include "radiomics/feature.h"
#include "radiomics/levels.h"

namespace thaw::radiomics {

/** Coarseness, contrast, busyness, complexity, strength. */
constexpr std::size_t ngtdmFeatures = 5;

/** Coarseness where no grey level differs from its surroundings (IBSI QCDE). */
constexpr double coarsestTexture = 1e6;

/**
 * Neighbourhood grey tone difference matrix of one slice, neighbours within a Chebyshev distance (IBSI IPET;
 * Amadasun & King, IEEE T-SMC 1989;19:1264). Pixels without a neighbour do not count.
 */
Features<ngtdmFeatures> ngtdm(const LevelPlane& plane, const LevelVolume& volume, int distance);

}  // namespace thaw::radiomics
