#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "radiomics/volume.h"

namespace thaw::radiomics {

/**
 * Codes of the grey levels of one slice's region, 0 = outside. `border` pixels of 0 lie around it, so that
 * rows −border … height + border − 1 and as many columns may be read.
 */
class LevelPlane {
 public:
  LevelPlane(int width, int height, int border);

  int width() const { return width_; }
  int height() const { return height_; }
  int border() const { return border_; }
  std::ptrdiff_t stride() const { return stride_; }
  std::uint16_t* row(int y) { return codes_.data() + (y + border_) * stride_ + border_; }
  const std::uint16_t* row(int y) const { return codes_.data() + (y + border_) * stride_ + border_; }
  /** Pixels that are not outside. */
  std::size_t pixels() const { return pixels_; }
  void count(std::size_t pixels) { pixels_ = pixels; }

 private:
  int width_, height_, border_;
  std::ptrdiff_t stride_;
  std::vector<std::uint16_t> codes_;
  std::size_t pixels_ = 0;
};

/** Discretised region. Codes 1 … K number the levels that occur, in their order. */
struct LevelVolume {
  std::vector<LevelPlane> planes;
  /** [K + 1] level of each code; levels start at 1. */
  std::vector<int> level;
  /** Ng of IBSI: bins of a fixed number or range, else the highest level. */
  int levels = 0;
  /** [K + 1] pixels of each code. */
  std::vector<std::uint64_t> counts;

  int codes() const { return static_cast<int>(level.size()) - 1; }
};

enum class Binning { count, width, none };

struct GreyRange {
  double low;
  double high;
};

/**
 * `count`: ⌊n (x − low) / (high − low)⌋ + 1, at most n (IBSI Q3RU). `width`: ⌊(x − low) / w⌋ + 1 (IBSI LPDN).
 * `none`: x − low + 1 of integers. Without a range, low and high are the region's, and 1 for `none`. With
 * one, values beyond it count as its ends.
 */
struct Discretisation {
  Binning binning = Binning::count;
  int count = 32;
  double width = 25;
  std::optional<GreyRange> range;
};

constexpr int maxLevels = 4096;

/** Why a region has no levels. */
enum class LevelFault { none, empty, notInteger, belowOne, tooMany };

struct Discretised {
  LevelVolume volume;
  LevelFault fault = LevelFault::none;
};

/** Levels of the pixels within `mask`, cropped to their bounding box over all slices. */
Discretised discretise(const Volume& volume, const Mask& mask, const Discretisation& rule, int border);

}  // namespace thaw::radiomics
