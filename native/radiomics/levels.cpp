#include "radiomics/levels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "radiomics/box.h"

namespace thaw::radiomics {
namespace {

/** Level of a grey value, 1 … levels. */
class LevelRule {
 public:
  LevelRule(const Discretisation& rule, GreyRange found) : rule_(rule), span_(rule.range.value_or(found)) {
    if (rule.binning == Binning::none && !rule.range) span_.low = 1;
    switch (rule.binning) {
      case Binning::count:
        levels_ = span_.high > span_.low || rule.range ? rule.count : 1;
        break;
      case Binning::width:
        // A range of k widths has k bins: its upper end lies in the last one.
        levels_ = rule.range ? std::max(1.0, std::ceil((span_.high - span_.low) / rule.width))
                             : std::floor((span_.high - span_.low) / rule.width) + 1;
        break;
      case Binning::none:
        levels_ = span_.high - span_.low + 1;
    }
  }

  double levels() const { return levels_; }

  /** Not more levels than may be, and their formula does not overflow. */
  bool fits() const { return levels_ <= maxLevels && std::isfinite(levels_ * (span_.high - span_.low)); }

  int of(double value) const {
    const double x = rule_.range ? std::clamp(value, span_.low, span_.high) : value;
    double level = x - span_.low + 1;
    if (rule_.binning == Binning::width) level = std::floor((x - span_.low) / rule_.width) + 1;
    if (rule_.binning == Binning::count)
      level = span_.high > span_.low
                  ? std::floor(rule_.count * (x - span_.low) / (span_.high - span_.low)) + 1
                  : 1;
    return static_cast<int>(std::min(level, levels_));
  }

 private:
  const Discretisation& rule_;
  GreyRange span_;
  double levels_ = 0;
};

struct Found {
  GreyRange range = {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  bool integers = true;
};

Found look(const Volume& volume, const Mask& mask, bool forIntegers) {
  Found found;
  for (std::size_t i = 0; i < mask.size(); i++) {
    if (mask[i] == 0) continue;
    const double value = volume.values[i];
    found.range.low = std::min(found.range.low, value);
    found.range.high = std::max(found.range.high, value);
    if (forIntegers && value != std::floor(value)) found.integers = false;
  }
  return found;
}

/** Gives the levels that occur their codes, and the planes codes instead of levels. */
void encode(LevelVolume& volume) {
  std::vector<std::uint64_t> occurrences(maxLevels + 1);
  for (const LevelPlane& plane : volume.planes)
    for (int y = 0; y < plane.height(); y++)
      for (int x = 0; x < plane.width(); x++) occurrences[plane.row(y)[x]]++;
  std::vector<std::uint16_t> code(maxLevels + 1);
  volume.level = {0};
  volume.counts = {0};
  for (int level = 1; level <= maxLevels; level++) {
    if (occurrences[level] == 0) continue;
    code[level] = static_cast<std::uint16_t>(volume.level.size());
    volume.level.push_back(level);
    volume.counts.push_back(occurrences[level]);
  }
  if (volume.codes() == volume.level.back()) return;
  for (LevelPlane& plane : volume.planes)
    for (int y = 0; y < plane.height(); y++)
      for (int x = 0; x < plane.width(); x++) plane.row(y)[x] = code[plane.row(y)[x]];
}

}  // namespace

LevelPlane::LevelPlane(int width, int height, int border)
    : width_(width),
      height_(height),
      border_(border),
      stride_(width + 2 * border),
      codes_(static_cast<std::size_t>(stride_) * (height + 2 * border)) {}

Discretised discretise(const Volume& volume, const Mask& mask, const Discretisation& rule, int border) {
  const Extent& extent = volume.extent;
  const Box box = boundingBox(mask, extent);
  if (box.empty()) return {{}, LevelFault::empty};
  const Found found = look(volume, mask, rule.binning == Binning::none);
  if (!found.integers) return {{}, LevelFault::notInteger};
  const LevelRule level(rule, found.range);
  if (!level.fits()) return {{}, LevelFault::tooMany};
  if (rule.binning == Binning::none && !rule.range && found.range.low < 1) return {{}, LevelFault::belowOne};

  LevelVolume result;
  result.levels = static_cast<int>(level.levels());
  for (int slice = 0; slice < extent.slices; slice++) {
    LevelPlane& plane = result.planes.emplace_back(box.width(), box.height(), border);
    std::size_t pixels = 0;
    for (int y = 0; y < plane.height(); y++) {
      const std::size_t start =
          extent.plane() * slice + static_cast<std::size_t>(y + box.top) * extent.width + box.left;
      std::uint16_t* const row = plane.row(y);
      for (int x = 0; x < plane.width(); x++) {
        if (mask[start + x] == 0) continue;
        row[x] = static_cast<std::uint16_t>(level.of(volume.values[start + x]));
        pixels++;
      }
    }
    plane.count(pixels);
  }
  encode(result);
  return {std::move(result), LevelFault::none};
}

}  // namespace thaw::radiomics
