#include "radiomics/first_order.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "radiomics/order_statistics.h"

namespace thaw::radiomics {
namespace {

/** Values and how often each occurs: pixels, or levels with their counts. */
struct Pixels {
  std::span<const double> values;
  double operator()(std::size_t) const { return 1; }
};
struct Levels {
  std::span<const double> values;
  std::span<const double> counts;
  double operator()(std::size_t i) const { return counts[i]; }
};

/** P10, P25, P50, P75, P90. */
constexpr double shares[] = {0.1, 0.25, 0.5, 0.75, 0.9};

/** What statistics of grey values and of levels have in common. */
struct Spread {
  double count = 0, mean = 0, variance = 0;
  Feature skewness, kurtosis;
  Feature robust;  ///< `absolute` of the values within [P10, P90] and about their mean
  double low = 0, high = 0;
  double p10 = 0, p25 = 0, median = 0, p75 = 0, p90 = 0;
  double absolute = 0;  ///< mean |x − mean|
  double medianAbsolute = 0;
  double squares = 0;  ///< Σ x²
};

template <typename Values>
Spread spreadOf(const Values& of, const std::vector<double>& quantiles) {
  Spread spread;
  spread.p10 = quantiles[0];
  spread.p25 = quantiles[1];
  spread.median = quantiles[2];
  spread.p75 = quantiles[3];
  spread.p90 = quantiles[4];
  spread.low = std::numeric_limits<double>::infinity();
  spread.high = -spread.low;
  double sum = 0, within = 0, withinSum = 0;
  for (std::size_t i = 0; i < of.values.size(); i++) {
    const double x = of.values[i], n = of(i);
    if (n == 0) continue;
    spread.count += n;
    sum += n * x;
    spread.squares += n * x * x;
    if (x >= spread.p10 && x <= spread.p90) {
      within += n;
      withinSum += n * x;
    }
    spread.low = std::min(spread.low, x);
    spread.high = std::max(spread.high, x);
  }
  // A flat region's mean is its value, without the rounding of a sum.
  spread.mean = spread.low == spread.high ? spread.low : sum / spread.count;
  const double withinMean = spread.low == spread.high ? spread.low : withinSum / within;
  double second = 0, third = 0, fourth = 0, absolute = 0, robust = 0, medianAbsolute = 0;
  for (std::size_t i = 0; i < of.values.size(); i++) {
    const double x = of.values[i], n = of(i), d = x - spread.mean, d2 = d * d;
    second += n * d2;
    third += n * d2 * d;
    fourth += n * d2 * d2;
    absolute += n * std::abs(d);
    medianAbsolute += n * std::abs(x - spread.median);
    if (x >= spread.p10 && x <= spread.p90) robust += n * std::abs(x - withinMean);
  }
  const double count = spread.count;
  spread.variance = second / count;
  spread.absolute = absolute / count;
  spread.robust = ratio(robust, within);
  spread.medianAbsolute = medianAbsolute / count;
  const bool flat = spread.variance == 0;
  spread.skewness = flat ? conventional(0) : measured(third / count / std::pow(spread.variance, 1.5));
  spread.kurtosis =
      flat ? conventional(0) : measured(fourth / count / (spread.variance * spread.variance) - 3);
  return spread;
}

Feature variation(const Spread& spread) {
  return ratio(std::sqrt(spread.variance), spread.mean);
}

Feature quartileDispersion(const Spread& spread) {
  return ratio(spread.p75 - spread.p25, spread.p75 + spread.p25);
}

/** The percentiles of spans of equal values: [n] counts of ascending values. */
std::vector<double> percentilesOf(const Levels& of, double count) {
  const auto at = [&](double rank) {
    double passed = 0;
    for (std::size_t i = 0; i < of.values.size(); i++)
      if ((passed += of.counts[i]) > rank) return of.values[i];
    return of.values.back();
  };
  std::vector<double> result;
  for (const double share : shares) {
    const double rank = share * (count - 1), below = std::floor(rank);
    result.push_back(at(below) + (rank - below) * (at(below + 1) - at(below)));
  }
  return result;
}

/** Level of the largest count; of several the one closest to the mean, of those the lower. */
double modeOf(const Levels& of, double mean) {
  const double most = *std::max_element(of.counts.begin(), of.counts.end());
  double mode = 0;
  for (std::size_t i = 0; i < of.values.size(); i++)
    if (of.counts[i] == most && (mode == 0 || std::abs(of.values[i] - mean) < std::abs(mode - mean)))
      mode = of.values[i];
  return mode;
}

/** Slopes of the histogram: differences of neighbours, halved where there are two neighbours. */
std::vector<double> gradientOf(std::span<const double> counts) {
  const std::size_t last = counts.size() - 1;
  std::vector<double> gradient(counts.size());
  for (std::size_t i = 0; i <= last; i++) {
    const std::size_t before = i == 0 ? 0 : i - 1, after = std::min(i + 1, last);
    gradient[i] = (counts[after] - counts[before]) / static_cast<double>(after - before);
  }
  return gradient;
}

}  // namespace

Features<statisticsFeatures> statistics(std::span<const double> values) {
  if (values.empty()) return {};
  const Spread spread = spreadOf(Pixels{values}, percentiles(values, shares));
  return {measured(spread.mean),
          measured(spread.variance),
          spread.skewness,
          spread.kurtosis,
          measured(spread.median),
          measured(spread.low),
          measured(spread.p10),
          measured(spread.p90),
          measured(spread.high),
          measured(spread.p75 - spread.p25),
          measured(spread.high - spread.low),
          measured(spread.absolute),
          spread.robust,
          measured(spread.medianAbsolute),
          variation(spread),
          quartileDispersion(spread),
          measured(spread.squares),
          measured(std::sqrt(spread.squares / spread.count))};
}

Features<histogramFeatures> histogram(const LevelVolume& volume) {
  if (volume.codes() < 1) return {};
  std::vector<double> levels(volume.levels), counts(volume.levels);
  double count = 0;
  for (int i = 0; i < volume.levels; i++) levels[i] = i + 1;
  for (int code = 1; code <= volume.codes(); code++) {
    counts[volume.level[code] - 1] = static_cast<double>(volume.counts[code]);
    count += static_cast<double>(volume.counts[code]);
  }
  const Levels of{levels, counts};
  Spread spread = spreadOf(of, percentilesOf(of, count));
  double entropy = 0, uniformity = 0;
  for (const double n : counts) {
    if (n == 0) continue;
    const double p = n / count;
    entropy -= p * std::log2(p);
    uniformity += p * p;
  }
  Features<histogramFeatures> result = {measured(spread.mean),
                                        measured(spread.variance),
                                        spread.skewness,
                                        spread.kurtosis,
                                        measured(spread.median),
                                        measured(spread.low),
                                        measured(spread.p10),
                                        measured(spread.p90),
                                        measured(spread.high),
                                        measured(modeOf(of, spread.mean)),
                                        measured(spread.p75 - spread.p25),
                                        measured(spread.high - spread.low),
                                        measured(spread.absolute),
                                        spread.robust,
                                        measured(spread.medianAbsolute),
                                        variation(spread),
                                        quartileDispersion(spread),
                                        measured(entropy),
                                        measured(uniformity)};
  if (volume.levels < 2) return result;
  const std::vector<double> gradient = gradientOf(counts);
  const auto steepest = std::max_element(gradient.begin(), gradient.end());
  const auto fall = std::min_element(gradient.begin(), gradient.end());
  result[19] = measured(*steepest);
  result[20] = measured(static_cast<double>(steepest - gradient.begin()) + 1);
  result[21] = measured(*fall);
  result[22] = measured(static_cast<double>(fall - gradient.begin()) + 1);
  return result;
}

}  // namespace thaw::radiomics
