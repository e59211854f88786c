#include "radiomics/zones.h"

#include <algorithm>

namespace thaw::radiomics {
namespace {

/** Parents of runs; the root of a zone is its first run. */
std::uint32_t rootOf(std::vector<ZoneRun>& runs, std::uint32_t run) {
  while (runs[run].zone != run) {
    runs[run].zone = runs[runs[run].zone].zone;
    run = runs[run].zone;
  }
  return run;
}

void unite(std::vector<ZoneRun>& runs, std::uint32_t a, std::uint32_t b) {
  a = rootOf(runs, a);
  b = rootOf(runs, b);
  runs[std::max(a, b)].zone = std::min(a, b);
}

void appendRuns(const LevelPlane& plane, int y, std::vector<ZoneRun>& runs) {
  const std::uint16_t* const row = plane.row(y);
  for (int x = 0; x < plane.width();) {
    const int first = x;
    const std::uint16_t code = row[x];
    do x++;
    while (x < plane.width() && row[x] == code);
    if (code != 0) runs.push_back({y, first, x - 1, code, static_cast<std::uint32_t>(runs.size())});
  }
}

/** Joins the runs from `begin` on with those of the row above, [above, begin), that they touch. */
void joinRows(std::vector<ZoneRun>& runs, std::uint32_t above, std::uint32_t begin) {
  for (std::uint32_t run = begin; run < runs.size(); run++) {
    while (above < begin && runs[above].last + 1 < runs[run].first) above++;
    for (std::uint32_t other = above; other < begin && runs[other].first <= runs[run].last + 1; other++)
      if (runs[other].code == runs[run].code) unite(runs, other, run);
  }
}

}  // namespace

Zones findZones(const LevelPlane& plane, const std::uint16_t* distances) {
  Zones result;
  std::vector<ZoneRun>& runs = result.runs;
  runs.reserve(plane.pixels() / 2 + 16);
  std::uint32_t above = 0;
  for (int y = 0; y < plane.height(); y++) {
    const auto begin = static_cast<std::uint32_t>(runs.size());
    appendRuns(plane, y, runs);
    joinRows(runs, above, begin);
    above = begin;
  }
  std::vector<std::uint32_t> zoneOfRoot(runs.size());
  const std::uint16_t farthest = distances == nullptr ? 0 : UINT16_MAX;
  for (std::uint32_t run = 0; run < runs.size(); run++) {
    ZoneRun& here = runs[run];
    const std::uint32_t root = rootOf(runs, run);
    if (root == run) {
      zoneOfRoot[run] = static_cast<std::uint32_t>(result.zones.size());
      result.zones.push_back({here.code, 0, farthest});
    }
    Zone& zone = result.zones[zoneOfRoot[root]];
    zone.pixels += here.last - here.first + 1;
    if (distances != nullptr) {
      const std::uint16_t* const row = distances + static_cast<std::size_t>(here.row) * plane.width();
      zone.distance = std::min(zone.distance, *std::min_element(row + here.first, row + here.last + 1));
    }
  }
  for (std::uint32_t run = static_cast<std::uint32_t>(runs.size()); run-- > 0;)
    runs[run].zone = zoneOfRoot[rootOf(runs, run)];
  return result;
}

std::vector<std::uint16_t> borderDistances(const std::uint8_t* inside, int width, int height) {
  // A frame of zeros is the image's surroundings.
  const std::ptrdiff_t stride = width + 2;
  std::vector<std::uint16_t> framed(stride * (height + 2));
  const auto at = [&](int y) { return framed.data() + (y + 1) * stride + 1; };
  for (int y = 0; y < height; y++) {
    std::uint16_t* const row = at(y);
    for (int x = 0; x < width; x++)
      if (inside[static_cast<std::size_t>(y) * width + x] != 0)
        row[x] = static_cast<std::uint16_t>(std::min(row[x - 1], row[x - stride]) + 1);
  }
  std::vector<std::uint16_t> result(static_cast<std::size_t>(width) * height);
  for (int y = height - 1; y >= 0; y--) {
    std::uint16_t* const row = at(y);
    for (int x = width - 1; x >= 0; x--) {
      row[x] = std::min<std::uint16_t>(row[x], std::min(row[x + 1], row[x + stride]) + 1);
      result[static_cast<std::size_t>(y) * width + x] = row[x];
    }
  }
  return result;
}

}  // namespace thaw::radiomics
