#pragma once

#include <vector>

#include "radiomics/cooccurrence.h"
#include "radiomics/feature.h"
#include "radiomics/levels.h"

namespace thaw::radiomics {

/** Order: src/radiomics/families/glcm.ts. */
constexpr std::size_t glcmFeatures = 25;

/** The 4 δ pairwise opposite-free offsets at Chebyshev distance δ. */
std::vector<Offset> chebyshevOffsets(int distance);

/** By slice: averaged over directions, and of the directions' merged matrix; both then averaged over slices.
 */
struct GlcmResult {
  Features<glcmFeatures> averaged;
  Features<glcmFeatures> merged;
};

/** Grey level co-occurrence matrix, symmetric (IBSI LFYI; Haralick et al., IEEE T-SMC 1973;3:610). */
GlcmResult glcm(const LevelVolume& volume, int distance);

}  // namespace thaw::radiomics
