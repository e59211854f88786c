#include <algorithm>
#include <cmath>
#include <cstring>

#include "radiomics/filters.h"

namespace thaw::radiomics {
namespace {

/** Half of a symmetric kernel: weights at 0, ±1, … ±radius. */
using Kernel = std::vector<double>;

struct Kernels {
  Kernel smooth;
  Kernel second;  ///< second derivative in pixels
};

Kernels gaussian(double sigma) {
  const int radius = static_cast<int>(4 * sigma + 0.5);
  Kernels kernels;
  double sum = 0;
  for (int i = 0; i <= radius; i++) {
    kernels.smooth.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
    sum += i == 0 ? kernels.smooth[0] : 2 * kernels.smooth[i];
  }
  for (int i = 0; i <= radius; i++) {
    kernels.smooth[i] /= sum;
    const double s2 = sigma * sigma;
    kernels.second.push_back(kernels.smooth[i] * (i * i / s2 - 1) / s2);
  }
  return kernels;
}

/** Index of a mirrored image: … 1 0 | 0 1 … n − 1 | n − 1 … */
int mirrored(int i, int n) {
  const int period = 2 * n;
  const int at = (i % period + period) % period;
  return at < n ? at : period - 1 - at;
}

/** target[x] = Σ_i kernel[|i|] source[x + i], of values with `radius` more on each side of `source`. */
void convolveRow(const double* source, int width, const Kernel& kernel, double* target) {
  const int radius = static_cast<int>(kernel.size()) - 1;
  for (int x = 0; x < width; x++) target[x] = kernel[0] * source[x];
  for (int i = 1; i <= radius; i++) {
    const double weight = kernel[i];
    for (int x = 0; x < width; x++) target[x] += weight * (source[x - i] + source[x + i]);
  }
}

void convolveRows(const double* source, int width, int height, const Kernel& kernel, double* target) {
  const int radius = static_cast<int>(kernel.size()) - 1;
  std::vector<double> row(width + 2 * radius);
  for (int y = 0; y < height; y++) {
    const double* const from = source + static_cast<std::size_t>(y) * width;
    for (int x = -radius; x < 0; x++) row[x + radius] = from[mirrored(x, width)];
    std::memcpy(row.data() + radius, from, sizeof(double) * width);
    for (int x = width; x < width + radius; x++) row[x + radius] = from[mirrored(x, width)];
    convolveRow(row.data() + radius, width, kernel, target + static_cast<std::size_t>(y) * width);
  }
}

/** Adds to `target`, a row at a time. */
void convolveColumns(const double* source, int width, int height, const Kernel& kernel, double* target) {
  const int radius = static_cast<int>(kernel.size()) - 1;
  const auto row = [&](int y) { return source + static_cast<std::size_t>(mirrored(y, height)) * width; };
  for (int y = 0; y < height; y++) {
    double* const to = target + static_cast<std::size_t>(y) * width;
    const double* const center = row(y);
    for (int x = 0; x < width; x++) to[x] += kernel[0] * center[x];
    for (int i = 1; i <= radius; i++) {
      const double *const above = row(y - i), *const below = row(y + i);
      const double weight = kernel[i];
      for (int x = 0; x < width; x++) to[x] += weight * (above[x] + below[x]);
    }
  }
}

Kernel scaled(Kernel kernel, double factor) {
  for (double& weight : kernel) weight *= factor;
  return kernel;
}

}  // namespace

Volume laplacianOfGaussian(const Volume& image, double sigma, Spacing spacing) {
  const auto [width, height, slices] = image.extent;
  const Kernels x = gaussian(sigma / spacing.x), y = gaussian(sigma / spacing.y);
  const Kernel secondX = scaled(x.second, 1 / (spacing.x * spacing.x));
  const Kernel secondY = scaled(y.second, 1 / (spacing.y * spacing.y));
  Volume result{image.extent, std::vector<double>(image.values.size())};
  std::vector<double> between(image.extent.plane());
  for (int slice = 0; slice < slices; slice++) {
    convolveRows(image.slice(slice), width, height, secondX, between.data());
    convolveColumns(between.data(), width, height, y.smooth, result.slice(slice));
    convolveRows(image.slice(slice), width, height, x.smooth, between.data());
    convolveColumns(between.data(), width, height, secondY, result.slice(slice));
  }
  return result;
}

}  // namespace thaw::radiomics
