#pragma once

#include <cstddef>
#include <string>

#include "engine/matrix_view.h"

namespace thaw {

/** How the rows will be read: hints for the system's read-ahead. */
enum class AccessPattern { sequential, random };

/** A flat binary matrix on disk (little endian, no header), mapped into memory and shared with its writer. */
class MatrixFile {
 public:
  /** Throws STORE, with the path as node, when the file cannot be read or its size is not rows × columns
   * elements. */
  MatrixFile(const std::string& path, std::size_t rows, std::size_t columns, ElementType type,
             AccessPattern access);
  ~MatrixFile();
  MatrixFile(const MatrixFile&) = delete;
  MatrixFile& operator=(const MatrixFile&) = delete;

  const MatrixView& view() const { return view_; }

 private:
  MatrixView view_;
  std::size_t bytes_ = 0;
};

}  // namespace thaw
