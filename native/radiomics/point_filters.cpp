#include <algorithm>
#include <cmath>

#include "radiomics/filters.h"

namespace thaw::radiomics {

Volume gradientMagnitude(const Volume& image, Spacing spacing) {
  const auto [width, height, slices] = image.extent;
  Volume result{image.extent, std::vector<double>(image.values.size())};
  for (int slice = 0; slice < slices; slice++)
    for (int y = 0; y < height; y++) {
      const auto row = [&](int at) {
        return image.slice(slice) + static_cast<std::size_t>(std::clamp(at, 0, height - 1)) * width;
      };
      const double *const here = row(y), *const above = row(y - 1), *const below = row(y + 1);
      double* const to = result.slice(slice) + static_cast<std::size_t>(y) * width;
      for (int x = 0; x < width; x++) {
        const double dx = (here[std::min(x + 1, width - 1)] - here[std::max(x - 1, 0)]) / (2 * spacing.x);
        const double dy = (below[x] - above[x]) / (2 * spacing.y);
        to[x] = std::sqrt(dx * dx + dy * dy);
      }
    }
  return result;
}

Volume applied(const Volume& image, PointOperation operation) {
  double most = 0;
  for (const double x : image.values) most = std::max(most, std::abs(x));
  if (most == 0) return image;
  const auto each = [&](auto function) {
    Volume result{image.extent, std::vector<double>(image.values.size())};
    std::transform(image.values.begin(), image.values.end(), result.values.begin(), function);
    return result;
  };
  switch (operation) {
    case PointOperation::square:
      return each([root = std::sqrt(most)](double x) { return x / root * (x / root); });
    case PointOperation::squareRoot:
      return each([most](double x) { return std::copysign(std::sqrt(most * std::abs(x)), x); });
    case PointOperation::logarithm:
      return each([scale = most / std::log(most + 1)](double x) {
        return std::copysign(std::log(std::abs(x) + 1) * scale, x);
      });
    case PointOperation::exponential:
      break;
  }
  return each([rate = std::log(most) / most](double x) { return std::exp(rate * x); });
}

}  // namespace thaw::radiomics
