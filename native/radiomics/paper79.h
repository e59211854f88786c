#pragma once

#include <cstdint>
#include <span>

#include "radiomics/feature.h"

namespace thaw::radiomics {

/**
 * The features of Romero et al. (Med Phys 2020;47:6246), of a whole image of 256 grey levels [height, width].
 * For each distance 1, 2, 4, 6 and angle 0°, 45°, 90°: contrast, dissimilarity, homogeneity, ASM, energy,
 * correlation of the one-directional co-occurrence matrix (scikit-image's graycomatrix with symmetric =
 * False; its pixel at angle a lies round(d sin a) rows down and round(d cos a) columns right; there is no
 * 135°). Then mean, standard deviation, central moments 2 … 5 of the pixels, Shannon entropy in bits.
 */
constexpr std::size_t paper79Features = 79;

Features<paper79Features> paper79(std::span<const std::uint8_t> pixels, int width, int height);

}  // namespace thaw::radiomics
