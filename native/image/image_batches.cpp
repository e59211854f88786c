#include "image/image_batches.h"

#include <algorithm>

#include "image/mixup.h"

namespace thaw {

ImageBatches::ImageBatches(const AssembleOptions& options, const AugmentOptions& augment)
    : augment_(augment),
      stored_(options.size),
      channels_(options.outputChannels),
      assembler_(options, augment) {}

void ImageBatches::fill(const BatchRequest& request, std::span<float> images, std::span<float> targets) {
  const std::size_t count = request.rows.size();
  const std::span<float> wanted = images.first(count * assembler_.imageSize());
  if (!request.augment) {
    assembler_.assemble(request.rows, false, wanted);
    return;
  }
  transforms_.clear();
  for (std::size_t index = 0; index < count; index++) {
    const std::uint32_t occurrence = request.occurrences.empty() ? 0 : request.occurrences[index];
    transforms_.push_back(
        drawTransform(augment_, stored_, {request.seed, request.epoch, request.rows[index], occurrence}));
  }
  assembler_.assemble(request.rows, transforms_, wanted, scratch_);
  if (augment_.mixup > 0) mixAll(request, wanted, targets);
}

void ImageBatches::mixAll(const BatchRequest& request, std::span<float> images, std::span<float> targets) {
  const std::size_t count = request.rows.size();
  lambdas_.resize(count);
  partners_.resize(count);
  for (std::size_t index = 0; index < count; index++) {
    const MixupKey key = {request.seed, request.step, static_cast<std::uint32_t>(index)};
    const Mixture mixture = drawMixture(augment_.mixup, key, count);
    lambdas_[index] = mixture.lambda;
    partners_[index] = mixture.partner;
  }
  plain_.resize(std::max(images.size(), targets.size()));
  mix(images, count, assembler_.imageSize(), lambdas_, partners_, plain_);
  if (!targets.empty()) mix(targets, count, targets.size() / count, lambdas_, partners_, plain_);
}

}  // namespace thaw
