#pragma once

#include "radiomics/feature.h"
#include "radiomics/levels.h"
#include "radiomics/size_counts.h"

namespace thaw::radiomics {

/**
 * Neighbouring grey level dependence matrix of one slice (IBSI REK0; Sun & Wee, Comput Vis Graph Image
 * Process 1983;23:341): a pixel's dependence is 1 + its neighbours within a Chebyshev distance whose level
 * differs by at most `coarseness`.
 */
Features<sizeFeaturesWithEnergy> ngldm(const LevelPlane& plane, const LevelVolume& volume, int distance,
                                       int coarseness);

}  // namespace thaw::radiomics
