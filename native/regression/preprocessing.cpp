#include "regression/preprocessing.h"

#include <algorithm>

namespace thaw::regression {
namespace {

/** Below this share of its largest value a feature's standard deviation is rounding. */
constexpr double constantShare = 1e-12;

double medianOf(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

/** Share of the rows that the most frequent value takes. */
double modeShare(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; first < values.size(); first = last) {
    while (last < values.size() && values[last] == values[first]) last++;
    most = std::max(most, last - first);
  }
  return static_cast<double>(most) / static_cast<double>(values.size());
}

struct Moments {
  double mean = 0;
  double deviation = 0;
  bool constant = true;
};

/** Two passes; the second corrects the first's rounding. */
Moments momentsOf(const std::vector<double>& values) {
  const double count = static_cast<double>(values.size());
  double mean = 0, largest = 0;
  for (const double value : values) {
    mean += value / count;
    largest = std::max(largest, std::abs(value));
  }
  double squares = 0, rest = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
    rest += value - mean;
  }
  const double deviation = std::sqrt(std::max(0.0, squares - rest * rest / count) / count);
  return {mean + rest / count, deviation, deviation <= constantShare * largest};
}

/** Rows of the features that are not near-constant → columns, mean and deviation. */
Preprocessing withoutConstants(const FeatureTable& table, std::span<const std::uint32_t> rows,
                               const PreprocessingOptions& options) {
  Preprocessing result;
  std::vector<double> values(rows.size()), known;
  for (std::size_t column = 0; column < table.columns; column++) {
    known.clear();
    for (std::size_t i = 0; i < rows.size(); i++) {
      values[i] = table.at(rows[i], column);
      if (!std::isnan(values[i])) known.push_back(values[i]);
    }
    if (known.empty()) continue;
    const double median = options.imputeMedian ? medianOf(known) : 0;
    if (known.size() < values.size())
      for (double& value : values) value = std::isnan(value) ? median : value;
    const Moments moments = momentsOf(values);
    if (moments.constant) continue;
    if (options.largestModeShare < 1 && modeShare(values) > options.largestModeShare) continue;
    result.kept.push_back(static_cast<std::uint32_t>(column));
    result.center.push_back(moments.mean);
    result.scale.push_back(moments.deviation);
    if (options.imputeMedian) result.median.push_back(median);
  }
  return result;
}

/** Places in `kept` of the features that none before them is correlated with. */
std::vector<std::size_t> uncorrelated(const PanelMatrix& standardized, double limit) {
  const std::size_t columns = standardized.columns();
  const std::vector<double> ones(standardized.paddedRows(), 1.0);
  std::vector<double> products(columns * columns);
  kernels().gram(standardized.panels(), ones.data(), products.data());
  std::vector<std::size_t> places;
  for (std::size_t place = 0; place + 1 < columns; place++) {
    const auto isCorrelated = [&](std::size_t other) {
      return std::abs(products[place * columns + other]) > limit * static_cast<double>(standardized.rows());
    };
    if (std::none_of(places.begin(), places.end(), isCorrelated)) places.push_back(place);
  }
  return places;
}

template <typename T>
std::vector<T> selected(const std::vector<T>& values, const std::vector<std::size_t>& places) {
  std::vector<T> result;
  if (!values.empty())
    for (const std::size_t place : places) result.push_back(values[place]);
  return result;
}

}  // namespace

Preprocessing Preprocessing::fit(const FeatureTable& table, std::span<const std::uint32_t> rows,
                                 const PreprocessingOptions& options) {
  Preprocessing all = withoutConstants(table, rows, options);
  if (options.largestCorrelation < 1 && all.kept.size() > 1) {
    const std::vector<std::size_t> places = uncorrelated(all.apply(table, rows), options.largestCorrelation);
    all = {selected(all.kept, places), selected(all.center, places), selected(all.scale, places),
           selected(all.median, places)};
  }
  if (!options.standardize) {
    std::fill(all.center.begin(), all.center.end(), 0.0);
    std::fill(all.scale.begin(), all.scale.end(), 1.0);
  }
  return all;
}

PanelMatrix Preprocessing::apply(const FeatureTable& table, std::span<const std::uint32_t> rows) const {
  PanelMatrix matrix(rows.size(), kept.size() + 1);
  for (std::size_t i = 0; i < rows.size(); i++) {
    for (std::size_t place = 0; place < kept.size(); place++) {
      const double value = table.at(rows[i], kept[place]);
      const double filled = std::isnan(value) && !median.empty() ? median[place] : value;
      matrix.at(i, place) = (filled - center[place]) / scale[place];
    }
    matrix.at(i, kept.size()) = 1;
  }
  return matrix;
}

}  // namespace thaw::regression
