#include "radiomics/order_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace thaw::radiomics {
namespace {

/** Buckets of equal width between the extremes: an order statistic is looked for in its bucket alone. */
class Buckets {
 public:
  explicit Buckets(std::span<const double> values) : values_(values), start_(count + 1), kept_(count) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    // Halves: the difference of two large doubles may overflow.
    halfLow_ = *low / 2;
    const double half = *high / 2 - halfLow_;
    scale_ = half > 0 ? (count - 1) / half : 0;
    if (!std::isfinite(scale_)) scale_ = 0;
    for (const double value : values) start_[of(value) + 1]++;
    for (int bucket = 0; bucket < count; bucket++) start_[bucket + 1] += start_[bucket];
  }

  /** Keeps the values of the buckets in which these ranks lie, for `at`. */
  void keep(std::span<const std::size_t> ranks) {
    std::vector<char> wanted(count);
    for (const std::size_t rank : ranks) wanted[bucketOf(rank)] = 1;
    for (const double value : values_)
      if (const int bucket = of(value); wanted[bucket] != 0) kept_[bucket].push_back(value);
  }

  /** The value at a kept rank in ascending order. */
  double at(std::size_t rank) {
    const int bucket = bucketOf(rank);
    std::vector<double>& values = kept_[bucket];
    const auto nth = values.begin() + static_cast<std::ptrdiff_t>(rank - start_[bucket]);
    std::nth_element(values.begin(), nth, values.end());
    return *nth;
  }

 private:
  static constexpr int count = 4096;

  int of(double value) const {
    return std::min(count - 1, static_cast<int>((value / 2 - halfLow_) * scale_));
  }

  int bucketOf(std::size_t rank) const {
    return static_cast<int>(std::upper_bound(start_.begin(), start_.end(), rank) - start_.begin()) - 1;
  }

  std::span<const double> values_;
  double halfLow_ = 0, scale_ = 0;
  std::vector<std::size_t> start_;  ///< [count + 1] rank of each bucket's first value
  std::vector<std::vector<double>> kept_;
};

}  // namespace

std::vector<double> percentiles(std::span<const double> values, std::span<const double> shares) {
  if (values.empty()) return {};
  Buckets buckets(values);
  const std::size_t last = values.size() - 1;
  const auto below = [&](double share) {
    return static_cast<std::size_t>(share * static_cast<double>(last));
  };
  std::vector<std::size_t> ranks;
  for (const double share : shares) {
    ranks.push_back(below(share));
    ranks.push_back(std::min(below(share) + 1, last));
  }
  buckets.keep(ranks);
  std::vector<double> result;
  for (std::size_t i = 0; i < shares.size(); i++) {
    const double fraction = shares[i] * static_cast<double>(last) - static_cast<double>(ranks[2 * i]);
    const double low = buckets.at(ranks[2 * i]);
    result.push_back(fraction > 0 ? low + fraction * (buckets.at(ranks[2 * i + 1]) - low) : low);
  }
  return result;
}

}  // namespace thaw::radiomics
