#include "image/view.h"

namespace thaw {

SampleTransform transformOf(const ImageView& view, std::size_t stored, std::uint32_t row) {
  if (view.kind == ImageView::Kind::drawn)
    return drawTransform(view.augment, stored, {view.seed, view.pass, row, 0});
  SampleTransform transform = centralTransform(view.augment, stored);
  transform.flip = view.kind == ImageView::Kind::mirrored;
  return transform;
}

ViewBatches::ViewBatches(const AssembleOptions& options, const ImageView& view)
    : view_(view),
      stored_(options.size),
      channels_(options.outputChannels),
      assembler_(options, view.augment) {}

void ViewBatches::fill(const BatchRequest& request, std::span<float> images, std::span<float>) {
  fill(request.rows, images);
}

void ViewBatches::fill(std::span<const std::uint32_t> rows, std::span<float> images) {
  transforms_.clear();
  for (const std::uint32_t row : rows) transforms_.push_back(transformOf(view_, stored_, row));
  assembler_.assemble(rows, transforms_, images.first(rows.size() * assembler_.imageSize()), scratch_);
}

}  // namespace thaw
