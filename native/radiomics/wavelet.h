#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "radiomics/volume.h"

namespace thaw::radiomics {

/** Low-pass analysis filter of an orthogonal wavelet: haar, db2 … db8, coif1 … coif3; null for another name.
 */
const std::vector<double>* scalingFilter(std::string_view wavelet);

/** One subband: level from 1, first letter along x, second along y, H = high-pass. */
struct Subband {
  int level;
  const char* name;
  Volume image;
};

/**
 * Undecimated (stationary) wavelet transform of each slice: LH, HL and HH of every level, then LL of the
 * last. Periodic; a side that is no multiple of 2^levels is first continued periodically to one and cut back
 * afterwards (PyWavelets' swt2).
 */
std::vector<Subband> stationaryWavelet(const Volume& image, const std::vector<double>& lowPass, int levels);

}  // namespace thaw::radiomics
