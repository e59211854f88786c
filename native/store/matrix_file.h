#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

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

/** Files of one shape as one matrix: the rows of each follow those of the one before. */
class MatrixStack {
 public:
  /** `rows` of each file. Throws as `MatrixFile`. */
  MatrixStack(const std::vector<std::string>& paths, std::size_t rows, std::size_t columns, ElementType type,
              AccessPattern access);

  MatrixView view() const;

 private:
  std::vector<std::unique_ptr<MatrixFile>> files_;
  std::vector<const void*> pieces_;
};

}  // namespace thaw
