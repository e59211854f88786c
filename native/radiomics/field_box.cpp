#include "radiomics/field_box.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "radiomics/levels.h"
#include "radiomics/zones.h"

namespace thaw::radiomics {
namespace {

constexpr int largestSide = 256;
constexpr int lungThresholds = 24;

/** A connected part of a thresholded image. */
struct Part {
  Box box{INT32_MAX, INT32_MAX, -1, -1};
  std::size_t pixels = 0;
  double columns = 0;  ///< sum over pixels

  double center() const { return columns / static_cast<double>(pixels); }
};

/** Means of blocks of factor × factor pixels, those at the right and lower edge smaller. */
struct Coarse {
  int factor = 1, width = 0, height = 0;
  std::vector<double> values;

  Box fine(const Box& box, int fineWidth, int fineHeight) const {
    return {box.left * factor, box.top * factor, std::min(fineWidth, (box.right + 1) * factor) - 1,
            std::min(fineHeight, (box.bottom + 1) * factor) - 1};
  }
};

Coarse coarseOf(const double* slice, int width, int height) {
  Coarse coarse;
  coarse.factor = (std::max(width, height) + largestSide - 1) / largestSide;
  coarse.width = (width + coarse.factor - 1) / coarse.factor;
  coarse.height = (height + coarse.factor - 1) / coarse.factor;
  for (int y = 0; y < coarse.height; y++)
    for (int x = 0; x < coarse.width; x++) {
      const int right = std::min(width, (x + 1) * coarse.factor),
                bottom = std::min(height, (y + 1) * coarse.factor);
      double sum = 0;
      for (int row = y * coarse.factor; row < bottom; row++)
        for (int column = x * coarse.factor; column < right; column++)
          sum += slice[static_cast<std::size_t>(row) * width + column];
      const int pixels = (right - x * coarse.factor) * (bottom - y * coarse.factor);
      coarse.values.push_back(sum / pixels);
    }
  return coarse;
}

struct Thresholds {
  double low, otsu, high;
};

/** Otsu's: two classes with the greatest variance between them; of a flat image none. */
std::optional<Thresholds> thresholdsOf(const Coarse& image, const Box& box) {
  constexpr int bins = 256;
  std::vector<double> values;
  for (int y = box.top; y <= box.bottom; y++)
    for (int x = box.left; x <= box.right; x++)
      values.push_back(image.values[static_cast<std::size_t>(y) * image.width + x]);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double step = (*high - *low) / bins;
  if (!(step > 0) || !std::isfinite(step)) return std::nullopt;
  std::array<double, bins> counts = {};
  double sum = 0, total = 0;
  for (const double value : values) {
    const int bin = std::min(bins - 1, static_cast<int>((value - *low) / step));
    counts[bin]++;
    sum += bin;
    total++;
  }
  double below = 0, belowSum = 0, best = -1;
  int cut = 0;
  for (int bin = 0; bin < bins - 1; bin++) {
    below += counts[bin];
    belowSum += counts[bin] * bin;
    const double above = total - below;
    if (below == 0 || above == 0) continue;
    const double difference = belowSum / below - (sum - belowSum) / above;
    const double between = below * above * difference * difference;
    if (between > best) {
      best = between;
      cut = bin;
    }
  }
  return Thresholds{*low, *low + (cut + 1) * step, *high};
}

/** Connected pixels of a box that are at least (`bright`) or below the threshold, in its coordinates. */
std::vector<Part> partsOf(const Coarse& image, const Box& box, double threshold, bool bright) {
  LevelPlane plane(box.width(), box.height(), 1);
  for (int y = 0; y < plane.height(); y++)
    for (int x = 0; x < plane.width(); x++) {
      const double value = image.values[static_cast<std::size_t>(y + box.top) * image.width + x + box.left];
      if ((value >= threshold) == bright) plane.row(y)[x] = 1;
    }
  const Zones zones = findZones(plane, std::nullopt, true);
  std::vector<Part> parts(zones.zones.size());
  for (int y = 0; y < plane.height(); y++)
    for (int x = 0; x < plane.width(); x++) {
      const std::uint32_t zone = zones.zoneOf[static_cast<std::size_t>(y) * plane.width() + x];
      if (zone == noZone) continue;
      Part& part = parts[zone];
      part.pixels++;
      part.columns += x;
      part.box = {std::min(part.box.left, x), std::min(part.box.top, y), std::max(part.box.right, x), y};
    }
  return parts;
}

struct Lungs {
  Part left, right;
};

/** The largest part of each half that does not touch the body box, where they look like lungs. */
std::optional<Lungs> lungsAmong(const std::vector<Part>& parts, const Box& body) {
  Lungs lungs;
  for (const Part& part : parts) {
    const Box& box = part.box;
    const bool inner =
        box.left > 0 && box.top > 0 && box.right < body.width() - 1 && box.bottom < body.height() - 1;
    Part& side = part.center() < body.width() / 2.0 ? lungs.left : lungs.right;
    if (inner && part.pixels > side.pixels) side = part;
  }
  const auto [fewer, more] = std::minmax(lungs.left.pixels, lungs.right.pixels);
  const std::size_t area = static_cast<std::size_t>(body.width()) * body.height();
  const Box &a = lungs.left.box, &b = lungs.right.box;
  const int shared = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const bool beside = shared * 2 > std::min(a.height(), b.height());
  if (fewer * 50 < area || fewer * 5 < more || !beside) return std::nullopt;
  return lungs;
}

std::optional<Box> bodyIn(const Coarse& image) {
  const Box all{0, 0, image.width - 1, image.height - 1};
  const auto thresholds = thresholdsOf(image, all);
  if (!thresholds) return std::nullopt;
  const double threshold = (thresholds->low + thresholds->otsu) / 2;
  const std::vector<Part> parts = partsOf(image, all, threshold, true);
  return std::max_element(parts.begin(), parts.end(),
                          [](const Part& a, const Part& b) { return a.pixels < b.pixels; })
      ->box;
}

}  // namespace

std::optional<Box> bodyBox(const double* slice, int width, int height) {
  const Coarse image = coarseOf(slice, width, height);
  const auto body = bodyIn(image);
  return body ? std::optional(image.fine(*body, width, height)) : std::nullopt;
}

std::optional<Box> lungBox(const double* slice, int width, int height) {
  const Coarse image = coarseOf(slice, width, height);
  const auto body = bodyIn(image);
  const auto thresholds = body ? thresholdsOf(image, *body) : std::nullopt;
  if (!thresholds) return std::nullopt;
  std::optional<Lungs> best;
  for (int step = 1; step <= lungThresholds; step++) {
    const double threshold =
        thresholds->low + (thresholds->high - thresholds->low) * step / (lungThresholds + 1);
    const auto lungs = lungsAmong(partsOf(image, *body, threshold, false), *body);
    if (lungs && (!best || lungs->left.pixels + lungs->right.pixels > best->left.pixels + best->right.pixels))
      best = lungs;
  }
  if (!best) return std::nullopt;
  const Box &a = best->left.box, &b = best->right.box;
  const Box both{std::min(a.left, b.left) + body->left, std::min(a.top, b.top) + body->top,
                 std::max(a.right, b.right) + body->left, std::max(a.bottom, b.bottom) + body->top};
  return image.fine(both, width, height);
}

}  // namespace thaw::radiomics
