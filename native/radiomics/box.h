#pragma once

#include "radiomics/volume.h"

namespace thaw::radiomics {

/** Rows top … bottom and columns left … right, ends included. */
struct Box {
  int left = 0, top = 0, right = -1, bottom = -1;

  bool empty() const { return right < left; }
  int width() const { return right - left + 1; }
  int height() const { return bottom - top + 1; }
};

/** Of the pixels inside, over all slices. */
Box boundingBox(const Mask& mask, const Extent& extent);

}  // namespace thaw::radiomics
