#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace thaw {

/**
 * One axis of a resize from `source` to `target` pixels: which source pixels a target pixel is made of, and
 * how much of each. The triangle filter max(0, 1 − |distance| / s) of the distance of the pixel centres in
 * source pixels, with s = max(1, source / target), over the pixels that exist, normalised to sum 1; as
 * Pillow's precompute_coeffs (Resample.c) for BILINEAR. Enlarging, this is linear interpolation with repeated
 * borders.
 */
class TriangleFilter {
 public:
  TriangleFilter(std::size_t source, std::size_t target);

  struct Taps {
    std::size_t first;  ///< source pixel of the first weight
    std::span<const float> weights;
  };
  Taps taps(std::size_t target) const;

  std::size_t source() const { return source_; }
  std::size_t target() const { return first_.size(); }

 private:
  std::size_t source_;
  std::size_t most_ = 0;  ///< weights kept a target pixel
  std::vector<std::size_t> first_;
  std::vector<std::size_t> count_;
  std::vector<float> weights_;  ///< [target, most]
};

/**
 * Row `row` of a resized square image [source, source, lanes] → out [columns.size(), lanes]; `columns` are
 * the wanted columns of the resized image. What lies outside it is 0. `line` holds source × lanes floats of
 * scratch.
 */
template <std::size_t lanes>
void resizeRow(const float* image, const TriangleFilter& filter, std::int64_t row,
               std::span<const std::int32_t> columns, float* line, float* out);

extern template void resizeRow<1>(const float*, const TriangleFilter&, std::int64_t,
                                  std::span<const std::int32_t>, float*, float*);
extern template void resizeRow<4>(const float*, const TriangleFilter&, std::int64_t,
                                  std::span<const std::int32_t>, float*, float*);

}  // namespace thaw
