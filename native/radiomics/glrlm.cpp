#include "radiomics/glrlm.h"

#include <algorithm>

namespace thaw::radiomics {
namespace {

/**
 * Runs of at least each length: a run of length L passes through 1, 2, … L as it grows, so counting every
 * pixel under its position in its run gives, for each length, the runs that reach it.
 */
class ReachedLengths {
 public:
  ReachedLengths(int codes, int longest)
      : stride_(static_cast<std::size_t>(longest) + 2), counts_((codes + std::size_t{1}) * stride_) {}

  void reach(int code, std::uint32_t length) { counts_[code * stride_ + length]++; }

  void clear() { std::fill(counts_.begin(), counts_.end(), 0); }

  void addTo(SizeCounts& runs) const {
    for (std::size_t code = 1; code * stride_ < counts_.size(); code++) {
      const std::uint32_t* const reached = &counts_[code * stride_];
      for (std::uint32_t length = 1; reached[length] > 0; length++)
        if (const std::uint32_t ended = reached[length] - reached[length + 1]; ended > 0)
          runs.add(static_cast<int>(code), length, ended);
    }
  }

 private:
  std::size_t stride_;
  std::vector<std::uint32_t> counts_;
};

void alongRows(const LevelPlane& plane, ReachedLengths& reached) {
  for (int y = 0; y < plane.height(); y++) {
    const std::uint16_t* const row = plane.row(y);
    std::uint32_t length = 0;
    for (int x = 0; x < plane.width(); x++) {
      length = row[x] == row[x - 1] ? length + 1 : 1;
      reached.reach(row[x], length);
    }
  }
}

/** Runs that come from the row above, `shift` columns to the left. */
void acrossRows(const LevelPlane& plane, int shift, ReachedLengths& reached) {
  // One more column on each side; what lies outside has code 0, and its lengths do not count.
  std::vector<std::uint32_t> above(plane.width() + 2), here(plane.width() + 2);
  for (int y = 0; y < plane.height(); y++) {
    const std::uint16_t* const row = plane.row(y);
    const std::uint16_t* const previous = plane.row(y - 1) - shift;
    const std::uint32_t* const lengths = above.data() + 1 - shift;
    std::uint32_t* const now = here.data() + 1;
    for (int x = 0; x < plane.width(); x++) now[x] = row[x] == previous[x] ? lengths[x] + 1 : 1;
    for (int x = 0; x < plane.width(); x++) reached.reach(row[x], now[x]);
    above.swap(here);
  }
}

}  // namespace

GlrlmResult glrlm(const LevelVolume& volume) {
  constexpr int directions = 4;
  MeanFeatures<sizeFeatures> averaged, merged;
  for (const LevelPlane& plane : volume.planes) {
    if (plane.pixels() == 0) continue;
    const auto pixels = static_cast<double>(plane.pixels());
    ReachedLengths reached(volume.codes(), std::max(plane.width(), plane.height()));
    SizeCounts all(volume.codes());
    for (int direction = 0; direction < directions; direction++) {
      reached.clear();
      if (direction == 0)
        alongRows(plane, reached);
      else
        acrossRows(plane, direction - 2, reached);
      SizeCounts runs(volume.codes());
      reached.addTo(runs);
      reached.addTo(all);
      averaged.add(leading<sizeFeatures>(sizeMatrixFeatures(runs, volume, pixels)));
    }
    merged.add(leading<sizeFeatures>(sizeMatrixFeatures(all, volume, directions * pixels)));
  }
  return {averaged.mean(), merged.mean()};
}

}  // namespace thaw::radiomics
