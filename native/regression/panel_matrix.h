#pragma once

#include <cstddef>

#include "engine/aligned_buffer.h"
#include "regression/kernels.h"

namespace thaw::regression {

/** A matrix in panels of 32 rows, see kernels.h; zeroed. */
class PanelMatrix {
 public:
  PanelMatrix() = default;
  PanelMatrix(std::size_t rows, std::size_t columns)
      : values_((rows + panelRows - 1) / panelRows * panelRows * columns), rows_(rows), columns_(columns) {}

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  std::size_t paddedRows() const { return (rows_ + panelRows - 1) / panelRows * panelRows; }
  Panels panels() const { return {values_.data(), paddedRows() / panelRows, columns_}; }

  double& at(std::size_t row, std::size_t column) { return values_.data()[index(row, column)]; }
  double at(std::size_t row, std::size_t column) const { return values_.data()[index(row, column)]; }

 private:
  std::size_t index(std::size_t row, std::size_t column) const {
    return (row / panelRows * columns_ + column) * panelRows + row % panelRows;
  }

  AlignedBuffer<double> values_;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
};

}  // namespace thaw::regression
