#include "radiomics/cooccurrence.h"

#include <array>
#include <utility>

namespace thaw::radiomics {
namespace {

/**
 * G offsets in one pass: neighbours in a smooth image are alike, and an increment of the cell that was just
 * incremented waits for it; tables of several offsets hide that wait.
 */
template <std::size_t G>
void countGroup(const LevelPlane& plane, const Offset* offsets, PairCounts* counts) {
  const std::size_t side = counts[0].side();
  std::array<std::uint32_t*, G> table;
  std::array<std::ptrdiff_t, G> step;
  for (std::size_t g = 0; g < G; g++) {
    table[g] = counts[g].data();
    step[g] = offsets[g].y * plane.stride() + offsets[g].x;
  }
  for (int y = 0; y < plane.height(); y++) {
    const std::uint16_t* const row = plane.row(y);
    for (int x = 0; x < plane.width(); x++) {
      const std::uint16_t* const pixel = row + x;
      const std::size_t from = *pixel * side;
      for (std::size_t g = 0; g < G; g++) table[g][from + pixel[step[g]]]++;
    }
  }
}

}  // namespace

void countPairs(const LevelPlane& plane, std::span<const Offset> offsets, std::span<PairCounts> counts) {
  std::size_t done = 0;
  for (; done + 4 <= offsets.size(); done += 4) countGroup<4>(plane, &offsets[done], &counts[done]);
  for (; done + 3 <= offsets.size(); done += 3) countGroup<3>(plane, &offsets[done], &counts[done]);
  for (; done < offsets.size(); done++) countGroup<1>(plane, &offsets[done], &counts[done]);
}

}  // namespace thaw::radiomics
