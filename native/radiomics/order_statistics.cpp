#include "radiomics/order_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace thaw::radiomics {
namespace {

/** Buckets of equal width between the extremes: an order statistic is looked for in its bucket alone. */
class Buckets {
 public:
  explicit Buckets(std::span<const double> values) : values_(values) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    // Halves: the difference of two large doubles may overflow.
    halfLow_ = *low / 2;
    const double half = *high / 2 - halfLow_;
    scale_ = half > 0 ? (count - 1) / half : 0;
    if (!std::isfinite(scale_)) scale_ = 0;
    start_.resize(count + 1);
    for (const double value : values) start_[of(value) + 1]++;
    for (int bucket = 0; bucket < count; bucket++) start_[bucket + 1] += start_[bucket];
  }

  /** The value at `rank` in ascending order. */
  double at(std::size_t rank) {
    const auto bucket =
        static_cast<int>(std::upper_bound(start_.begin(), start_.end(), rank) - start_.begin()) - 1;
    if (bucket != opened_) open(bucket);
    const auto nth = sorted_.begin() + static_cast<std::ptrdiff_t>(rank - start_[bucket]);
    std::nth_element(sorted_.begin(), nth, sorted_.end());
    return *nth;
  }

 private:
  static constexpr int count = 4096;

  int of(double value) const {
    return std::min(count - 1, static_cast<int>((value / 2 - halfLow_) * scale_));
  }

  void open(int bucket) {
    sorted_.clear();
    for (const double value : values_)
      if (of(value) == bucket) sorted_.push_back(value);
    opened_ = bucket;
  }

  std::span<const double> values_;
  double halfLow_ = 0, scale_ = 0;
  std::vector<std::size_t> start_;
  std::vector<double> sorted_;
  int opened_ = -1;
};

}  // namespace

std::vector<double> percentiles(std::span<const double> values, std::span<const double> shares) {
  std::vector<double> result;
  if (values.empty()) return result;
  Buckets buckets(values);
  for (const double share : shares) {
    const double rank = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(rank);
    const double fraction = rank - static_cast<double>(below);
    const double low = buckets.at(below);
    result.push_back(fraction > 0 ? low + fraction * (buckets.at(below + 1) - low) : low);
  }
  return result;
}

}  // namespace thaw::radiomics
