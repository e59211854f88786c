#pragma once

#include <cstdint>
#include <optional>
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

struct Zones {
  std::vector<Zone> zones;
  /** [height, width] index of each pixel's zone, `noZone` outside; empty unless it was asked for. */
  std::vector<std::uint32_t> zoneOf;
};

constexpr std::uint32_t noZone = UINT32_MAX;

/** Of a plane's pixels from the border of its region; rows `stride` apart. */
struct DistanceView {
  const std::uint16_t* values;
  std::ptrdiff_t stride;
};

/** Zones of all codes but 0, in one pass with a union-find; with distances where `distances` is given. */
Zones findZones(const LevelPlane& plane, std::optional<DistanceView> distances = std::nullopt,
                bool wantMap = false);

/**
 * City-block distance of each inside pixel to the closest outside one of its slice, of which the image's
 * surroundings are some; 1 at the border (IBSI: VMDZ).
 */
std::vector<std::uint16_t> borderDistances(const Mask& inside, const Extent& extent);

}  // namespace thaw::radiomics
