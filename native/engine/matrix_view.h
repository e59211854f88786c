#pragma once

#include <cstddef>

#include "engine/head_kernels.h"

namespace thaw {

constexpr std::size_t bytesOf(ElementType type) {
  return type == ElementType::float32 ? 4 : type == ElementType::float16 ? 2 : 1;
}

/** Row-major matrix that somebody else owns; in one piece, or in several of the same number of rows. */
struct MatrixView {
  const void* data = nullptr;
  std::size_t rows = 0;  ///< of all pieces
  std::size_t columns = 0;
  ElementType type = ElementType::float32;
  const void* const* pieces = nullptr;  ///< where there is more than one
  std::size_t rowsOfPiece = 0;

  const void* row(std::size_t index) const {
    const void* piece = pieces == nullptr ? data : pieces[index / rowsOfPiece];
    const std::size_t within = pieces == nullptr ? index : index % rowsOfPiece;
    return static_cast<const char*>(piece) + within * columns * bytesOf(type);
  }
};

}  // namespace thaw
