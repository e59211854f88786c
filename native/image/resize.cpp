#include "image/resize.h"

#include <algorithm>
#include <cmath>

namespace thaw {

TriangleFilter::TriangleFilter(std::size_t source, std::size_t target)
    : source_(source), first_(target), count_(target) {
  const double scale = static_cast<double>(source) / static_cast<double>(target);
  const double support = std::max(1.0, scale);
  most_ = 2 * static_cast<std::size_t>(std::ceil(support)) + 1;
  weights_.resize(target * most_);
  for (std::size_t i = 0; i < target; i++) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto edge = [&](double position) {
      return static_cast<std::size_t>(std::clamp(position + 0.5, 0.0, static_cast<double>(source)));
    };
    const std::size_t first = edge(centre - support), last = edge(centre + support);
    const auto weight = [&](std::size_t pixel) {
      return std::max(0.0, 1 - std::abs(static_cast<double>(pixel) + 0.5 - centre) / support);
    };
    double sum = 0;
    for (std::size_t pixel = first; pixel < last; pixel++) sum += weight(pixel);
    for (std::size_t pixel = first; pixel < last; pixel++)
      weights_[i * most_ + pixel - first] = static_cast<float>(weight(pixel) / sum);
    first_[i] = first;
    count_[i] = last - first;
  }
}

TriangleFilter::Taps TriangleFilter::taps(std::size_t target) const {
  return {first_[target], {weights_.data() + target * most_, count_[target]}};
}

template <std::size_t lanes>
void resizeRow(const float* image, const TriangleFilter& filter, std::int64_t row,
               std::span<const std::int32_t> columns, float* line, float* out) {
  const auto side = static_cast<std::int64_t>(filter.target());
  if (row < 0 || row >= side) {
    std::fill_n(out, columns.size() * lanes, 0.0f);
    return;
  }
  const std::size_t width = filter.source() * lanes;
  const TriangleFilter::Taps rows = filter.taps(static_cast<std::size_t>(row));
  std::fill_n(line, width, 0.0f);
  for (std::size_t k = 0; k < rows.weights.size(); k++) {
    const float* from = image + (rows.first + k) * width;
    const float weight = rows.weights[k];
    for (std::size_t i = 0; i < width; i++) line[i] += weight * from[i];
  }
  for (const std::int32_t column : columns) {
    float sum[lanes] = {};
    if (column >= 0 && column < side) {
      const TriangleFilter::Taps taps = filter.taps(static_cast<std::size_t>(column));
      const float* from = line + taps.first * lanes;
      for (const float weight : taps.weights)
        for (std::size_t lane = 0; lane < lanes; lane++) sum[lane] += weight * *from++;
    }
    out = std::copy_n(sum, lanes, out);
  }
}

template void resizeRow<1>(const float*, const TriangleFilter&, std::int64_t, std::span<const std::int32_t>,
                           float*, float*);
template void resizeRow<4>(const float*, const TriangleFilter&, std::int64_t, std::span<const std::int32_t>,
                           float*, float*);

}  // namespace thaw
