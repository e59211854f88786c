#include "radiomics/box.h"

#include <algorithm>
#include <cstring>

namespace thaw::radiomics {

Box boundingBox(const Mask& mask, const Extent& extent) {
  Box box{extent.width, extent.height, -1, -1};
  for (int row = 0; row < extent.height * extent.slices; row++) {
    const std::uint8_t* const start = mask.data() + static_cast<std::size_t>(row) * extent.width;
    const auto* const first =
        static_cast<const std::uint8_t*>(std::memchr(start, 1, static_cast<std::size_t>(extent.width)));
    if (first == nullptr) continue;
    int last = extent.width - 1;
    while (start[last] == 0) last--;
    const int y = row % extent.height;
    box.left = std::min(box.left, static_cast<int>(first - start));
    box.right = std::max(box.right, last);
    box.top = std::min(box.top, y);
    box.bottom = std::max(box.bottom, y);
  }
  return box.right < 0 ? Box{} : box;
}

}  // namespace thaw::radiomics
