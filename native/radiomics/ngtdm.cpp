#include "radiomics/ngtdm.h"

#include <cmath>
#include <cstdlib>

namespace thaw::radiomics {
namespace {

/** A level and "one pixel" in one number, so that one sum over a neighbourhood gives both. */
constexpr int countShift = 22;
constexpr std::uint32_t levelBits = (1u << countShift) - 1;

/** By code and number of neighbours c: pixels, and Σ |c · level − Σ neighbours|, which stays an integer. */
class Differences {
 public:
  Differences(const LevelPlane& plane, const LevelVolume& volume, int distance)
      : plane_(plane),
        distance_(distance),
        kinds_((2 * distance + 1) * (2 * distance + 1)),
        level_(volume.level),
        pixels_(level_.size() * kinds_),
        sums_(level_.size() * kinds_) {
    packed_.resize(level_.size());
    for (std::size_t code = 1; code < level_.size(); code++) packed_[code] = level_[code] | 1u << countShift;
    accumulate();
  }

  /** n(i) and s(i), over pixels with neighbours. */
  double pixels(std::size_t code) const {
    double total = 0;
    for (std::size_t c = 1; c < kinds_; c++) total += pixels_[code * kinds_ + c];
    return total;
  }
  double difference(std::size_t code) const {
    double total = 0;
    for (std::size_t c = 1; c < kinds_; c++)
      total += static_cast<double>(sums_[code * kinds_ + c]) / static_cast<double>(c);
    return total;
  }

 private:
  void accumulate() {
    const int columns = plane_.width() + 2 * distance_;
    std::vector<std::uint32_t> column(columns);  // sums of 2 δ + 1 rows
    for (int y = -distance_; y < distance_; y++) slide(column, y, 1);
    for (int y = 0; y < plane_.height(); y++) {
      slide(column, y + distance_, 1);
      std::uint32_t box = 0;
      for (int x = 0; x < 2 * distance_; x++) box += column[x];
      const std::uint16_t* const row = plane_.row(y);
      for (int x = 0; x < plane_.width(); x++) {
        box += column[x + 2 * distance_];
        take(row[x], box - packed_[row[x]]);
        box -= column[x];
      }
      slide(column, y - distance_, -1);
    }
  }

  void slide(std::vector<std::uint32_t>& column, int y, int sign) {
    const std::uint16_t* const row = plane_.row(y) - distance_;
    const auto factor = static_cast<std::uint32_t>(sign);
    for (std::size_t x = 0; x < column.size(); x++) column[x] += factor * packed_[row[x]];
  }

  void take(std::uint16_t code, std::uint32_t neighbours) {
    const std::uint32_t count = neighbours >> countShift;
    // Outside pixels may see all of a neighbourhood's pixels; they are in row 0, with the count of one less.
    const std::size_t cell = code * kinds_ + (code == 0 ? 0 : count);
    pixels_[cell]++;
    sums_[cell] +=
        std::abs(static_cast<int>(count) * level_[code] - static_cast<int>(neighbours & levelBits));
  }

  const LevelPlane& plane_;
  const int distance_;
  const std::size_t kinds_;
  const std::vector<int>& level_;
  std::vector<std::uint32_t> packed_;
  std::vector<std::uint32_t> pixels_;
  std::vector<std::uint64_t> sums_;
};

}  // namespace

Features<ngtdmFeatures> ngtdm(const LevelPlane& plane, const LevelVolume& volume, int distance) {
  const Differences found(plane, volume, distance);
  struct Tone {
    double level, p, s;
  };
  std::vector<Tone> tones;
  double pixels = 0, differences = 0, weighted = 0;
  for (std::size_t code = 1; code < volume.level.size(); code++) {
    const double n = found.pixels(code);
    if (n == 0) continue;
    tones.push_back({static_cast<double>(volume.level[code]), n, found.difference(code)});
    pixels += n;
  }
  if (pixels == 0) return {};
  for (Tone& tone : tones) {
    tone.p /= pixels;
    differences += tone.s;
    weighted += tone.p * tone.s;
  }
  double spread = 0, unevenness = 0, complexity = 0, strength = 0;
  for (const Tone& a : tones)
    for (const Tone& b : tones) {
      const double distanceSquared = (a.level - b.level) * (a.level - b.level);
      spread += a.p * b.p * distanceSquared;
      unevenness += std::abs(a.level * a.p - b.level * b.p);
      complexity += std::abs(a.level - b.level) * (a.p * a.s + b.p * b.s) / (a.p + b.p);
      strength += (a.p + b.p) * distanceSquared;
    }
  const auto kinds = static_cast<double>(tones.size());
  return {
      ratio(1, weighted, conventional(coarsestTexture)),
      tones.size() == 1 ? conventional(0) : measured(spread / (kinds * (kinds - 1)) * differences / pixels),
      ratio(weighted, unevenness, conventional(0)), measured(complexity / pixels),
      ratio(strength, differences, conventional(0))};
}

}  // namespace thaw::radiomics
