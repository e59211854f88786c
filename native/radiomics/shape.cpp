#include "radiomics/shape.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace thaw::radiomics {
namespace {

struct Point {
  double x, y;
};

double cross(Point o, Point a, Point b) {
  return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

/**
 * Of the square between pixels (x, y) … (x + 1, y + 1): the sides that a piece of the outline joins, inside
 * on its right. Corner bits: 1 top left, 2 top right, 4 bottom right, 8 bottom left; sides: 0 top, 1 right, 2
 * bottom, 3 left; −1 ends.
 */
constexpr std::array<std::array<int, 4>, 16> pieces = {{{-1, 0, 0, 0},
                                                        {0, 3, -1, 0},
                                                        {1, 0, -1, 0},
                                                        {1, 3, -1, 0},
                                                        {2, 1, -1, 0},
                                                        {0, 3, 2, 1},
                                                        {2, 0, -1, 0},
                                                        {2, 3, -1, 0},
                                                        {3, 2, -1, 0},
                                                        {0, 2, -1, 0},
                                                        {1, 0, 3, 2},
                                                        {1, 2, -1, 0},
                                                        {3, 1, -1, 0},
                                                        {0, 1, -1, 0},
                                                        {3, 0, -1, 0},
                                                        {-1, 0, 0, 0}}};

struct Outline {
  double area = 0;
  double perimeter = 0;
  std::vector<Point> points;
};

Outline outlineOf(const std::uint8_t* inside, int width, int height, Spacing spacing) {
  const auto at = [&](int x, int y) {
    const bool within = x >= 0 && y >= 0 && x < width && y < height;
    return within && inside[static_cast<std::size_t>(y) * width + x] != 0 ? 1 : 0;
  };
  Outline outline;
  for (int y = -1; y < height; y++)
    for (int x = -1; x < width; x++) {
      const int corners = at(x, y) | at(x + 1, y) << 1 | at(x + 1, y + 1) << 2 | at(x, y + 1) << 3;
      const auto& ends = pieces[corners];
      const Point sides[4] = {{(x + 0.5) * spacing.x, y * spacing.y},
                              {(x + 1) * spacing.x, (y + 0.5) * spacing.y},
                              {(x + 0.5) * spacing.x, (y + 1) * spacing.y},
                              {x * spacing.x, (y + 0.5) * spacing.y}};
      for (std::size_t end = 0; end < 4 && ends[end] >= 0; end += 2) {
        const Point a = sides[ends[end]], b = sides[ends[end + 1]];
        outline.area += (a.x * b.y - a.y * b.x) / 2;
        outline.perimeter += std::hypot(a.x - b.x, a.y - b.y);
        outline.points.push_back(a);
      }
    }
  outline.area = std::abs(outline.area);
  return outline;
}

/** Andrew's monotone chain. */
std::vector<Point> convexHull(std::vector<Point> points) {
  std::sort(points.begin(), points.end(),
            [](Point a, Point b) { return a.x < b.x || (a.x == b.x && a.y < b.y); });
  std::vector<Point> hull;
  for (int half = 0; half < 2; half++) {
    const std::size_t start = hull.size();
    for (const Point point : points) {
      while (hull.size() >= start + 2 && cross(hull[hull.size() - 2], hull.back(), point) <= 0)
        hull.pop_back();
      hull.push_back(point);
    }
    hull.pop_back();
    std::reverse(points.begin(), points.end());
  }
  return hull;
}

/** Largest distance of two points. */
double diameterOf(std::vector<Point> points) {
  const std::vector<Point> hull = convexHull(std::move(points));
  double largest = 0;
  for (const Point a : hull)
    for (const Point b : hull) largest = std::max(largest, std::hypot(a.x - b.x, a.y - b.y));
  return largest;
}

struct Axes {
  double major, minor;
};

/** 4 √λ of the covariance of the pixels' centres: the axes of the ellipse with the same. */
Axes axesOf(const std::uint8_t* inside, int width, int height, Spacing spacing, double pixels) {
  double x1 = 0, y1 = 0;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      if (inside[static_cast<std::size_t>(y) * width + x] != 0) x1 += x, y1 += y;
  double xx = 0, yy = 0, xy = 0;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      if (inside[static_cast<std::size_t>(y) * width + x] != 0) {
        const double dx = (x - x1 / pixels) * spacing.x, dy = (y - y1 / pixels) * spacing.y;
        xx += dx * dx / pixels;
        yy += dy * dy / pixels;
        xy += dx * dy / pixels;
      }
  const double middle = (xx + yy) / 2, half = std::hypot((xx - yy) / 2, xy);
  return {4 * std::sqrt(middle + half), 4 * std::sqrt(std::max(0.0, middle - half))};
}

}  // namespace

Features<shapeFeatures> shape(const std::uint8_t* inside, int width, int height, Spacing spacing) {
  const std::size_t size = static_cast<std::size_t>(width) * height;
  const auto pixels =
      static_cast<double>(std::count_if(inside, inside + size, [](auto p) { return p != 0; }));
  if (pixels == 0) return {};
  Outline outline = outlineOf(inside, width, height, spacing);
  const Axes axes = axesOf(inside, width, height, spacing, pixels);
  const double pi = std::numbers::pi;
  return {measured(outline.area),
          measured(pixels * spacing.x * spacing.y),
          measured(outline.perimeter),
          measured(outline.perimeter / outline.area),
          measured(2 * std::sqrt(pi * outline.area) / outline.perimeter),
          measured(4 * pi * outline.area / (outline.perimeter * outline.perimeter)),
          measured(diameterOf(std::move(outline.points))),
          measured(axes.major),
          measured(axes.minor),
          ratio(axes.minor, axes.major)};
}

}  // namespace thaw::radiomics
