#include "radiomics/field_box.h"

#include <algorithm>
#include <array>
#include <vector>

#include "radiomics/levels.h"
#include "radiomics/zones.h"

namespace thaw::radiomics {
namespace {

/** A connected part of a thresholded image. */
struct Part {
  Box box{INT32_MAX, INT32_MAX, -1, -1};
  std::size_t pixels = 0;
};

/** Threshold that separates a box of grey values into two classes of greatest variance between them. */
std::optional<double> otsuThreshold(const double* slice, int width, const Box& box) {
  constexpr int bins = 256;
  double low = slice[static_cast<std::size_t>(box.top) * width + box.left], high = low;
  const auto each = [&](auto visit) {
    for (int y = box.top; y <= box.bottom; y++)
      for (int x = box.left; x <= box.right; x++) visit(slice[static_cast<std::size_t>(y) * width + x]);
  };
  each([&](double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  });
  if (!(high > low)) return std::nullopt;
  const double step = (high - low) / bins;
  std::array<double, bins> counts = {};
  each([&](double value) { counts[std::min(bins - 1, static_cast<int>((value - low) / step))]++; });
  double total = 0, sum = 0;
  for (int bin = 0; bin < bins; bin++) {
    total += counts[bin];
    sum += counts[bin] * bin;
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
  return low + (cut + 1) * step;
}

/** Connected pixels of a box that are at least (`bright`) or below the threshold, largest first; in its
 * coordinates. */
std::vector<Part> partsOf(const double* slice, int width, const Box& box, double threshold, bool bright) {
  LevelPlane plane(box.width(), box.height(), 1);
  std::size_t pixels = 0;
  for (int y = 0; y < plane.height(); y++)
    for (int x = 0; x < plane.width(); x++) {
      const double value = slice[static_cast<std::size_t>(y + box.top) * width + x + box.left];
      if ((value >= threshold) != bright) continue;
      plane.row(y)[x] = 1;
      pixels++;
    }
  plane.count(pixels);
  const Zones zones = findZones(plane);
  std::vector<Part> parts(zones.zones.size());
  for (const ZoneRun& run : zones.runs) {
    Part& part = parts[run.zone];
    part.pixels += run.last - run.first + 1;
    part.box = {std::min(part.box.left, run.first), std::min(part.box.top, run.row),
                std::max(part.box.right, run.last), std::max(part.box.bottom, run.row)};
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.pixels > b.pixels; });
  return parts;
}

Box moved(const Box& box, const Box& origin) {
  return {box.left + origin.left, box.top + origin.top, box.right + origin.left, box.bottom + origin.top};
}

}  // namespace

std::optional<Box> bodyBox(const double* slice, int width, int height) {
  const Box all{0, 0, width - 1, height - 1};
  const auto threshold = otsuThreshold(slice, width, all);
  if (!threshold) return std::nullopt;
  return partsOf(slice, width, all, *threshold, true).front().box;
}

std::optional<Box> lungBox(const double* slice, int width, int height) {
  const auto body = bodyBox(slice, width, height);
  const auto threshold = body ? otsuThreshold(slice, width, *body) : std::nullopt;
  if (!threshold) return std::nullopt;
  std::vector<Part> parts = partsOf(slice, width, *body, *threshold, false);
  std::erase_if(parts, [&](const Part& part) {
    return part.box.left == 0 || part.box.top == 0 || part.box.right == body->width() - 1 ||
           part.box.bottom == body->height() - 1;
  });
  if (parts.empty()) return std::nullopt;
  Part lungs = parts[0];
  if (parts.size() > 1 && parts[1].pixels * 4 >= parts[0].pixels) {
    const Part& other = parts[1];
    lungs = {{std::min(lungs.box.left, other.box.left), std::min(lungs.box.top, other.box.top),
              std::max(lungs.box.right, other.box.right), std::max(lungs.box.bottom, other.box.bottom)},
             lungs.pixels + other.pixels};
  }
  const std::size_t area = static_cast<std::size_t>(body->width()) * body->height();
  if (lungs.pixels * 20 < area) return std::nullopt;
  return moved(lungs.box, *body);
}

}  // namespace thaw::radiomics
