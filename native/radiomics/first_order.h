#pragma once

#include <span>

#include "radiomics/feature.h"
#include "radiomics/levels.h"

namespace thaw::radiomics {

/** Orders: src/radiomics/families/statistics.ts and histogram.ts. */
constexpr std::size_t statisticsFeatures = 18;
constexpr std::size_t histogramFeatures = 23;

/** Intensity-based statistics of the grey values in a region, all slices together (IBSI UHIW). */
Features<statisticsFeatures> statistics(std::span<const double> values);

/** Intensity histogram of the levels 1 … Ng in a region, all slices together (IBSI ZVCW). */
Features<histogramFeatures> histogram(const LevelVolume& volume);

}  // namespace thaw::radiomics
