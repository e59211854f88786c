#pragma once

#include <string_view>
#include <vector>

#include "radiomics/volume.h"

namespace thaw::radiomics {

/**
 * Laplacian of Gaussian ∂²/∂x² + ∂²/∂y² of each slice: sampled Gaussian and its second derivative, cut at 4
 * σ, normalised as scipy.ndimage's gaussian_laplace, with the image mirrored at its edges (edge pixels
 * twice). σ in millimetres of `spacing`; not multiplied by σ².
 */
Volume laplacianOfGaussian(const Volume& image, double sigma, Spacing spacing);

/** √(∂x² + ∂y²) by central differences over `spacing`, edge pixels repeated (ITK's GradientMagnitude). */
Volume gradientMagnitude(const Volume& image, Spacing spacing);

enum class PointOperation { square, squareRoot, logarithm, exponential };

/**
 * pyradiomics' operations, with m = max |x|: (x / √m)², sign(x) √(m |x|), sign(x) log(|x| + 1) · m / log(m +
 * 1), exp(x log(m) / m). An image of zeros stays as it is.
 */
Volume applied(const Volume& image, PointOperation operation);

/** Names of `src/radiomics/options.ts`; skimage.feature.local_binary_pattern's `method`. */
enum class PatternMethod { plain, rotationInvariant, uniform };

/**
 * Local binary patterns of `points` neighbours on a circle of `radius` pixels, bilinear, zero beyond the
 * image (Ojala et al., IEEE T-PAMI 2002;24:971). `uniform` gives 0 … points + 1.
 */
Volume localBinaryPattern(const Volume& image, int points, double radius, PatternMethod method);

/** Of the spacing of `from` to `to` millimetres. */
struct Resampled {
  Volume image;
  Mask mask;
};

/**
 * Bilinear, ⌈n · from / to⌉ pixels with the grids' centres on each other, edge pixels repeated; of the mask
 * what reaches 0.5 (IBSI's image interpolation).
 */
Resampled resample(const Volume& image, const Mask& mask, Spacing from, double to);

}  // namespace thaw::radiomics
