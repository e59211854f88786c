#include "regression/row_space.h"

#include <algorithm>
#include <cmath>

namespace thaw::regression {
namespace {

/** A row whose part outside the pivots' span is below this share of the longest row adds nothing but
 * rounding. */
constexpr double smallestShare = 1e-14;

/** Row of x without its intercept. */
void copyRow(const PanelMatrix& x, std::size_t row, std::vector<double>& out) {
  for (std::size_t column = 0; column + 1 < x.columns(); column++) out[column] = x.at(row, column);
  out[x.columns() - 1] = 0;
}

}  // namespace

RowSpace::RowSpace(const PanelMatrix& x) {
  std::vector<double> row(x.columns()), rest(x.paddedRows());
  for (std::size_t i = 0; i < x.rows(); i++) {
    copyRow(x, i, row);
    rest[i] = kernels().dot(row.data(), row.data(), row.size());
  }
  const double enough = smallestShare * *std::max_element(rest.begin(), rest.end());
  std::vector<std::vector<double>> factor;
  while (pivots_.size() < x.rows()) {
    const auto longest = std::max_element(rest.begin(), rest.end());
    if (*longest <= enough) break;
    const auto pivot = static_cast<std::size_t>(longest - rest.begin());
    std::vector<double> column(x.paddedRows());
    copyRow(x, pivot, row);
    kernels().product(x.panels(), row.data(), column.data());
    for (const std::vector<double>& before : factor)
      kernels().add(-before[pivot], before.data(), column.data(), column.size());
    const double scale = 1 / std::sqrt(*longest);
    for (std::size_t i = 0; i < column.size(); i++) {
      column[i] *= scale;
      rest[i] -= column[i] * column[i];
    }
    // Exactly zero in later columns, which makes the pivots' rows a triangle.
    for (const std::size_t earlier : pivots_) column[earlier] = 0;
    column[pivot] = 1 / scale;
    rest[pivot] = 0;
    pivots_.push_back(pivot);
    pivotRows_.insert(pivotRows_.end(), row.begin(), row.end());
    factor.push_back(std::move(column));
  }
  reduced_ = PanelMatrix(x.rows(), pivots_.size() + 1);
  for (std::size_t i = 0; i < x.rows(); i++) {
    for (std::size_t column = 0; column < factor.size(); column++) reduced_.at(i, column) = factor[column][i];
    reduced_.at(i, factor.size()) = 1;
  }
}

/** w = Xₚᵀ · t for the pivots' rows Xₚ and Lₚᵀ · t = v. */
void RowSpace::expand(std::span<const double> reduced, std::vector<double>& coefficients) const {
  const std::size_t rank = pivots_.size();
  std::vector<double> t(reduced.begin(), reduced.end());
  std::fill(coefficients.begin(), coefficients.end(), 0.0);
  for (std::size_t k = rank; k-- > 0;) {
    const std::size_t pivot = pivots_[k];
    t[k] /= reduced_.at(pivot, k);
    for (std::size_t column = 0; column < k; column++) t[column] -= t[k] * reduced_.at(pivot, column);
    kernels().add(t[k], pivotRows_.data() + k * coefficients.size(), coefficients.data(),
                  coefficients.size());
  }
  coefficients.back() = reduced.back();
}

}  // namespace thaw::regression
