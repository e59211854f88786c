#pragma once

#include <cstdint>
#include <vector>

#include "radiomics/levels.h"

namespace thaw::radiomics {

/** Pixels of one code that touch, also at corners. */
struct Zone {
  std::uint16_t code;
  std::uint32_t pixels;
  /** Smallest distance from the region's border; 0 where no distances were given. */
  std::uint16_t distance;
};

/** Runs of one code in a row, in the order of rows, and the zone that each belongs to. */
struct ZoneRun {
  int row;
  int first;
  int last;
  std::uint16_t code;
  std::uint32_t zone;
};

struct Zones {
  std::vector<Zone> zones;
  std::vector<ZoneRun> runs;
};

/** Zones of all codes but 0, in one pass over the runs with a union-find; `distances` [height, width] or
 * null. */
Zones findZones(const LevelPlane& plane, const std::uint16_t* distances = nullptr);

/**
 * City-block distance of each inside pixel to the closest outside one, of which the image's surroundings are
 * some; 1 at the border (IBSI: VMDZ). `inside` is [height, width].
 */
std::vector<std::uint16_t> borderDistances(const std::uint8_t* inside, int width, int height);

}  // namespace thaw::radiomics
