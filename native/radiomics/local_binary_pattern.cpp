#include <algorithm>
#include <cmath>
#include <numbers>

#include "radiomics/filters.h"

namespace thaw::radiomics {
namespace {

/** A neighbour on the circle: four pixels around it and their weights. */
struct Neighbour {
  int x0, x1, y0, y1;
  double fractionX, fractionY;
};

/** Positions to five decimals, so that what should lie on a pixel does. */
double rounded(double position) {
  return std::nearbyint(position * 1e5) / 1e5;
}

std::vector<Neighbour> circle(int points, double radius) {
  std::vector<Neighbour> neighbours;
  for (int point = 0; point < points; point++) {
    const double angle = 2 * std::numbers::pi * point / points;
    const double x = rounded(radius * std::cos(angle)), y = rounded(-radius * std::sin(angle));
    const double x0 = std::floor(x), y0 = std::floor(y);
    neighbours.push_back({static_cast<int>(x0), static_cast<int>(std::ceil(x)), static_cast<int>(y0),
                          static_cast<int>(std::ceil(y)), x - x0, y - y0});
  }
  return neighbours;
}

class Slice {
 public:
  Slice(const double* values, int width, int height) : values_(values), width_(width), height_(height) {}

  double at(int x, int y) const {
    return x < 0 || y < 0 || x >= width_ || y >= height_ ? 0
                                                         : values_[static_cast<std::size_t>(y) * width_ + x];
  }

  /** Bit i = neighbour i is no darker than the pixel. */
  std::uint32_t signs(int x, int y, const std::vector<Neighbour>& neighbours) const {
    const double center = at(x, y);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < neighbours.size(); i++) {
      const Neighbour& n = neighbours[i];
      const double fx = n.fractionX, fy = n.fractionY;
      const double top = (1 - fx) * at(x + n.x0, y + n.y0) + fx * at(x + n.x1, y + n.y0);
      const double bottom = (1 - fx) * at(x + n.x0, y + n.y1) + fx * at(x + n.x1, y + n.y1);
      if ((1 - fy) * top + fy * bottom - center >= 0) bits |= 1u << i;
    }
    return bits;
  }

 private:
  const double* values_;
  int width_, height_;
};

double patternOf(std::uint32_t bits, int points, PatternMethod method) {
  const std::uint32_t all = points == 32 ? UINT32_MAX : (1u << points) - 1;
  const auto turned = [&](std::uint32_t value) { return (value >> 1 | value << (points - 1)) & all; };
  switch (method) {
    case PatternMethod::plain:
      return bits;
    case PatternMethod::rotationInvariant: {
      std::uint32_t least = bits, now = bits;
      for (int turn = 1; turn < points; turn++) least = std::min(least, now = turned(now));
      return least;
    }
    case PatternMethod::uniform:
      break;
  }
  // Changes along the open row of points, as scikit-image counts them.
  const int changes = __builtin_popcount((bits ^ bits >> 1) & (all >> 1));
  return changes <= 2 ? __builtin_popcount(bits) : points + 1;
}

}  // namespace

Volume localBinaryPattern(const Volume& image, int points, double radius, PatternMethod method) {
  const auto [width, height, slices] = image.extent;
  const std::vector<Neighbour> neighbours = circle(points, radius);
  Volume result{image.extent, std::vector<double>(image.values.size())};
  for (int index = 0; index < slices; index++) {
    const Slice slice(image.slice(index), width, height);
    double* to = result.slice(index);
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) *to++ = patternOf(slice.signs(x, y, neighbours), points, method);
  }
  return result;
}

}  // namespace thaw::radiomics
