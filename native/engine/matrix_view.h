#pragma once

#include <cstddef>

#include "engine/head_kernels.h"

namespace thaw {

constexpr std::size_t bytesOf(ElementType type) {
  return type == ElementType::float32 ? 4 : type == ElementType::float16 ? 2 : 1;
}

/** Row-major matrix that somebody else owns. */
struct MatrixView {
  const void* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;
  ElementType type = ElementType::float32;

  const void* row(std::size_t index) const {
    return static_cast<const char*>(data) + index * columns * bytesOf(type);
  }
};

}  // namespace thaw
