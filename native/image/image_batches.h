#pragma once

#include "engine/batch_source.h"
#include "image/batch_assembler.h"

namespace thaw {

/** Augmented and normalised batches from an image store. */
class ImageBatches : public BatchSource {
 public:
  ImageBatches(const AssembleOptions& options, const AugmentOptions& augment);

  std::size_t rows() const override { return assembler_.imageRows(); }
  Extent extent() const override {
    return {channels_, assembler_.outputSize(), assembler_.outputSize(), false};
  }
  /** Without `augment` the central crop. */
  void fill(const BatchRequest& request, std::span<float> images, std::span<float> targets) override;

 private:
  void mixAll(const BatchRequest& request, std::span<float> images, std::span<float> targets);

  AugmentOptions augment_;
  std::size_t stored_;
  std::size_t channels_;
  BatchAssembler assembler_;
  AssembleScratch scratch_;
  std::vector<SampleTransform> transforms_;
  std::vector<float> lambdas_;
  std::vector<std::uint32_t> partners_;
  std::vector<float> plain_;
};

}  // namespace thaw
