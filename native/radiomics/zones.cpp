#include "radiomics/zones.h"

#include <algorithm>

namespace thaw::radiomics {
namespace {

/** Labels as pixels get them, what is known of each, and which of them turned out to be one zone. */
class Labels {
 public:
  explicit Labels(std::uint16_t farthest) : farthest_(farthest) {}

  std::uint32_t add(std::uint16_t code) {
    const auto label = static_cast<std::uint32_t>(parents_.size());
    parents_.push_back(label);
    parts_.push_back({code, 0, farthest_});
    return label;
  }

  void unite(std::uint32_t a, std::uint32_t b) {
    a = root(a);
    b = root(b);
    // The older label stays the root, so that zones are in the order of their first pixels.
    parents_[std::max(a, b)] = std::min(a, b);
  }

  Zone& part(std::uint32_t label) { return parts_[label]; }

  /** Joins the parts; the zone of each label. */
  std::vector<std::uint32_t> join(std::vector<Zone>& zones) {
    std::vector<std::uint32_t> zoneOf(parents_.size());
    for (std::uint32_t label = 0; label < parents_.size(); label++) {
      const std::uint32_t parent = parents_[label];
      if (parent == label) {
        zoneOf[label] = static_cast<std::uint32_t>(zones.size());
        zones.push_back(parts_[label]);
        continue;
      }
      // A parent is older than its children.
      Zone& zone = zones[zoneOf[label] = zoneOf[parent]];
      zone.pixels += parts_[label].pixels;
      zone.distance = std::min(zone.distance, parts_[label].distance);
    }
    return zoneOf;
  }

 private:
  std::uint32_t root(std::uint32_t label) {
    while (parents_[label] != label) label = parents_[label] = parents_[parents_[label]];
    return label;
  }

  const std::uint16_t farthest_;
  std::vector<std::uint32_t> parents_;
  std::vector<Zone> parts_;
};

/**
 * Label of a pixel from its neighbours that have one (Wu, Otoo & Suzuki, Pattern Anal Appl 2009;12:117): the
 * one above touches the three others, which then need no look; above left and left touch each other.
 */
std::uint32_t labelOf(const std::uint16_t* pixel, const std::uint16_t* above, const std::uint32_t* label,
                      const std::uint32_t* labelAbove, Labels& labels) {
  const std::uint16_t code = *pixel;
  if (above[0] == code) return labelAbove[0];
  if (above[1] == code) {
    if (pixel[-1] == code)
      labels.unite(labelAbove[1], label[-1]);
    else if (above[-1] == code)
      labels.unite(labelAbove[1], labelAbove[-1]);
    return labelAbove[1];
  }
  if (pixel[-1] == code) return label[-1];
  if (above[-1] == code) return labelAbove[-1];
  return labels.add(code);
}

}  // namespace

Zones findZones(const LevelPlane& plane, std::optional<DistanceView> distances, bool wantMap) {
  const int width = plane.width(), height = plane.height();
  Labels labels(distances ? UINT16_MAX : 0);
  // One more column on each side: a neighbour outside has code 0, and its label is not read.
  const std::ptrdiff_t stride = width + 2;
  std::vector<std::uint32_t> map(stride * (wantMap ? height : 2));
  for (int y = 0; y < height; y++) {
    std::uint32_t* const label = map.data() + stride * (wantMap ? y : y % 2) + 1;
    const std::uint32_t* const above =
        y == 0 ? label : map.data() + stride * (wantMap ? y - 1 : (y - 1) % 2) + 1;
    const std::uint16_t *const row = plane.row(y), *const rowAbove = plane.row(y - 1);
    const std::uint16_t* const distance = distances ? distances->values + y * distances->stride : nullptr;
    for (int x = 0; x < width; x++) {
      if (row[x] == 0) continue;
      label[x] = labelOf(row + x, rowAbove + x, label + x, above + x, labels);
      Zone& part = labels.part(label[x]);
      part.pixels++;
      if (distance != nullptr) part.distance = std::min(part.distance, distance[x]);
    }
  }
  Zones result;
  const std::vector<std::uint32_t> zoneOf = labels.join(result.zones);
  if (!wantMap) return result;
  result.zoneOf.resize(static_cast<std::size_t>(width) * height, noZone);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      if (plane.row(y)[x] != 0)
        result.zoneOf[static_cast<std::size_t>(y) * width + x] = zoneOf[map[stride * y + 1 + x]];
  return result;
}

std::vector<std::uint16_t> borderDistances(const Mask& inside, const Extent& extent) {
  const auto [width, height, slices] = extent;
  // A frame of zeros is the image's surroundings.
  const std::ptrdiff_t stride = width + 2;
  std::vector<std::uint16_t> framed(stride * (height + 2));
  const auto at = [&](int y) { return framed.data() + (y + 1) * stride + 1; };
  std::vector<std::uint16_t> result(extent.size());
  for (int slice = 0; slice < slices; slice++) {
    const std::uint8_t* const mask = inside.data() + extent.plane() * slice;
    for (int y = 0; y < height; y++) {
      std::uint16_t* const row = at(y);
      for (int x = 0; x < width; x++) {
        const auto closest = static_cast<std::uint16_t>(std::min(row[x - 1], row[x - stride]) + 1);
        row[x] = mask[static_cast<std::size_t>(y) * width + x] != 0 ? closest : std::uint16_t{0};
      }
    }
    for (int y = height - 1; y >= 0; y--) {
      std::uint16_t* const row = at(y);
      for (int x = width - 1; x >= 0; x--)
        row[x] = std::min<std::uint16_t>(row[x], std::min(row[x + 1], row[x + stride]) + 1);
      std::copy(row, row + width,
                result.begin() + extent.plane() * slice + static_cast<std::size_t>(y) * width);
    }
  }
  return result;
}

}  // namespace thaw::radiomics
