#pragma once

#include "engine/batch_source.h"
#include "image/batch_assembler.h"

namespace thaw {

/** How images are shown where nothing is trained on them. */
struct ImageView {
  enum class Kind {
    central,   ///< the central crop
    mirrored,  ///< the same, left and right exchanged
    drawn,     ///< as training with this seed sees the image in the epoch `pass`, its first occurrence
  };
  AugmentOptions augment;  ///< for the first two only its sides count; mixup never does
  Kind kind = Kind::central;
  std::uint32_t seed = 0;
  std::uint32_t pass = 0;
};

/** What a view does to the image of a row. */
SampleTransform transformOf(const ImageView& view, std::size_t stored, std::uint32_t row);

/** Normalised batches of one view of an image store. */
class ViewBatches : public BatchSource {
 public:
  ViewBatches(const AssembleOptions& options, const ImageView& view);

  std::size_t rows() const override { return assembler_.imageRows(); }
  Extent extent() const override {
    return {channels_, assembler_.outputSize(), assembler_.outputSize(), false};
  }
  /** Shows the rows of a request; the rest of it has no say. */
  void fill(const BatchRequest& request, std::span<float> images, std::span<float> targets) override;
  void fill(std::span<const std::uint32_t> rows, std::span<float> images);

  /** Floats of one image. */
  std::size_t imageSize() const { return assembler_.imageSize(); }

 private:
  ImageView view_;
  std::size_t stored_;
  std::size_t channels_;
  BatchAssembler assembler_;
  AssembleScratch scratch_;
  std::vector<SampleTransform> transforms_;
};

}  // namespace thaw
