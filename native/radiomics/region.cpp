#include "radiomics/region.h"

#include <algorithm>
#include <cmath>

#include "radiomics/field_box.h"
#include "radiomics/zones.h"

namespace thaw::radiomics {
namespace {

Volume asDoubles(const ImageView& image) {
  Volume volume{image.extent, {}};
  std::visit([&](const auto& pixels) { volume.values.assign(pixels.begin(), pixels.end()); }, image.pixels);
  return volume;
}

Mask givenMask(const ImageView& image, int label) {
  Mask mask(image.extent.size());
  for (std::size_t i = 0; i < mask.size(); i++)
    mask[i] = label == 0 ? image.mask[i] != 0 : image.mask[i] == label;
  return mask;
}

/** Of each slice on its own; empty where none of the slices has a field. */
Mask fieldMask(const Volume& image, MaskRule rule) {
  const auto [width, height, slices] = image.extent;
  Mask mask(image.extent.size());
  for (int slice = 0; slice < slices; slice++) {
    const auto box = rule == MaskRule::bodyBox ? bodyBox(image.slice(slice), width, height)
                                               : lungBox(image.slice(slice), width, height);
    if (!box) continue;
    for (int y = box->top; y <= box->bottom; y++) {
      std::uint8_t* const row =
          mask.data() + image.extent.plane() * slice + static_cast<std::size_t>(y) * width;
      std::fill(row + box->left, row + box->right + 1, 1);
    }
  }
  return mask;
}

bool isEmpty(const Mask& mask) {
  return std::find(mask.begin(), mask.end(), 1) == mask.end();
}

Mask maskOf(const ImageView& view, const Volume& image, const ExtractionOptions& options) {
  switch (options.mask) {
    case MaskRule::none:
      return Mask(image.extent.size(), 1);
    case MaskRule::given:
      return givenMask(view, options.maskLabel);
    case MaskRule::bodyBox:
    case MaskRule::lungBox:
      break;
  }
  return fieldMask(image, options.mask);
}

}  // namespace

bool dropNonFinite(const Volume& image, Mask& mask) {
  bool any = false;
  for (std::size_t i = 0; i < mask.size(); i++)
    if (mask[i] != 0 && !std::isfinite(image.values[i])) {
      mask[i] = 0;
      any = true;
    }
  return any;
}

Region regionOf(const ImageView& view, const ExtractionOptions& options) {
  Region region;
  region.image = asDoubles(view);
  region.spacing = view.spacing;
  const bool searched = options.mask == MaskRule::bodyBox || options.mask == MaskRule::lungBox;
  if (searched) {
    Mask all(region.image.extent.size(), 1);
    if (dropNonFinite(region.image, all)) {
      region.problem = Problem::nonFinite;
      return region;
    }
  }
  region.shape = maskOf(view, region.image, options);
  if (options.spacing && (*options.spacing != view.spacing.x || *options.spacing != view.spacing.y)) {
    Resampled resampled = resample(region.image, region.shape, view.spacing, *options.spacing);
    region.image = std::move(resampled.image);
    region.shape = std::move(resampled.mask);
    region.spacing = {*options.spacing, *options.spacing};
  }
  if (isEmpty(region.shape)) {
    region.problem = searched ? Problem::noField : Problem::emptyRegion;
    return region;
  }
  region.grey = region.shape;
  if (dropNonFinite(region.image, region.grey) && !options.excludeNonFinite)
    region.problem = Problem::nonFinite;
  if (options.resegment)
    for (std::size_t i = 0; i < region.grey.size(); i++)
      if (region.image.values[i] < options.resegment->low || region.image.values[i] > options.resegment->high)
        region.grey[i] = 0;
  if (region.problem == Problem::none && isEmpty(region.grey)) region.problem = Problem::emptyRegion;
  if (region.problem == Problem::none && options.families.gldzm)
    region.distances = borderDistances(region.shape, region.image.extent);
  return region;
}

}  // namespace thaw::radiomics
