#pragma once

#include "radiomics/feature.h"
#include "radiomics/levels.h"
#include "radiomics/size_counts.h"

namespace thaw::radiomics {

/** By slice: averaged over the four directions, and of their merged matrix. */
struct GlrlmResult {
  Features<sizeFeatures> averaged;
  Features<sizeFeatures> merged;
};

/** Grey level run length matrix (IBSI TP0I; Galloway, Comput Graph Image Process 1975;4:172). */
GlrlmResult glrlm(const LevelVolume& volume);

}  // namespace thaw::radiomics
