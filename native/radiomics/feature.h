#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace thaw::radiomics {

/** How a number came about: from its formula, by a convention where the formula has none (docs/radiomics.md),
 * or not at all (NaN). */
enum class Standing : std::uint8_t { measured, conventional, undefined };

struct Feature {
  double value = std::numeric_limits<double>::quiet_NaN();
  Standing standing = Standing::undefined;
};

/** A value that overflowed is undefined, not infinite. */
inline Feature measured(double value) {
  return std::isfinite(value) ? Feature{value, Standing::measured} : Feature{};
}

inline Feature conventional(double value) {
  return {value, Standing::conventional};
}

/** value / divisor, `otherwise` where that is 0 / 0. */
inline Feature ratio(double value, double divisor, Feature otherwise = {}) {
  return divisor == 0 ? otherwise : measured(value / divisor);
}

template <std::size_t N>
using Features = std::array<Feature, N>;

/** Mean over directions and slices; one where a feature is undefined does not count. */
template <std::size_t N>
class MeanFeatures {
 public:
  void add(const Features<N>& features) {
    for (std::size_t i = 0; i < N; i++) {
      if (features[i].standing == Standing::undefined) continue;
      sums_[i] += features[i].value;
      counts_[i]++;
      if (features[i].standing == Standing::conventional) conventional_[i] = true;
    }
  }

  Features<N> mean() const {
    Features<N> result;
    for (std::size_t i = 0; i < N; i++) {
      if (counts_[i] == 0) continue;
      const double value = sums_[i] / counts_[i];
      result[i] = conventional_[i] ? conventional(value) : measured(value);
    }
    return result;
  }

 private:
  std::array<double, N> sums_ = {};
  std::array<int, N> counts_ = {};
  std::array<bool, N> conventional_ = {};
};

}  // namespace thaw::radiomics
