#pragma once

#include <cstddef>
#include <cstdint>

namespace thaw {

/** Stream of the random numbers of augmentation, beside those of `src/base/random.ts`. */
inline constexpr std::uint32_t augmentationStream = 9;

/** Longest side of an image that can be resampled, in pixels: positions are float32, offsets int32. */
inline constexpr std::size_t longestSide = 8192;

enum class Crop { none, center, random };

/**
 * What is done to a stored image before the network sees it, in this order: contrast, brightness, resize,
 * rotation about the image's centre, crop, flips, normalisation; mixup is between normalised images. What
 * lies outside the image is 0 before normalisation, whatever contrast and brightness are; what a rotation
 * turns out of the image's frame is there where a crop reaches into the padding. 0 (none) leaves a step out.
 */
struct AugmentOptions {
  /**
   * Side after resizing, in pixels; 0 = the stored side. Smaller than stored: triangle filter as wide as the
   * reduction, once along every axis, as Pillow's BILINEAR and torch's interpolate(antialias=True), in
   * float32 without rounding in between. Larger: bilinear between pixel centres, borders repeated, as
   * interpolate(mode='bilinear', align_corners=False).
   */
  std::size_t resize = 0;
  std::size_t size = 0;     ///< side of the output; 0 = the resized side
  Crop crop = Crop::none;   ///< none: `size` is the resized side; center: offset ⌊(resized − size) / 2⌋
  std::size_t pad = 0;      ///< pixels of zeros around the image that a crop may take
  double flip = 0;          ///< probability of mirroring left and right
  double verticalFlip = 0;  ///< probability of mirroring top and bottom
  double rotation = 0;      ///< degrees θ: angle from U(−θ, θ) about the image's centre
  double brightness = 0;    ///< b: pixels · U(1 − b, 1 + b), clamped to 0 … 255
  /** c: mean + (pixels − mean) · U(1 − c, 1 + c), clamped to 0 … 255; of the stored image's mean luma. */
  double contrast = 0;
  double mixup = 0;  ///< α of λ ~ Beta(α, α), see mixup.h
};

/** Side of the image after `resize`. */
constexpr std::size_t resizedSide(const AugmentOptions& options, std::size_t stored) {
  return options.resize == 0 ? stored : options.resize;
}

/** Side of the output. */
constexpr std::size_t outputSide(const AugmentOptions& options, std::size_t stored) {
  return options.size == 0 ? resizedSide(options, stored) : options.size;
}

/** Throws ENGINE, naming the option that is out of range or does not fit images of that side. */
void checkAugment(const AugmentOptions& options, std::size_t stored);

/** Parameters of one image in one epoch. */
struct SampleTransform {
  /** Corner of the crop in the resized image, in pixels; negative in the padding. */
  std::int32_t left = 0;
  std::int32_t top = 0;
  bool flip = false;
  bool verticalFlip = false;
  double rotation = 0;  ///< degrees, counter-clockwise as the image is seen
  double brightness = 1;
  double contrast = 1;

  bool operator==(const SampleTransform&) const = default;
};

/** Whose parameters are drawn. */
struct SampleKey {
  std::uint32_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t row = 0;         ///< of the image in its store
  std::uint32_t occurrence = 0;  ///< how often this row came before in this epoch, where rows are oversampled
};

/**
 * Draws from the Philox blocks with the key (seed, augmentationStream) and the counter (block, occurrence,
 * row, epoch), so the result depends on nothing else. Every parameter has its own word, whatever is switched
 * on: block 0: left, top, flip, verticalFlip; block 1: rotation, brightness, contrast. A corner is ⌊word · n
 * / 2³²⌋ of n places. `options` must have passed checkAugment.
 */
SampleTransform drawTransform(const AugmentOptions& options, std::size_t stored, const SampleKey& key);

/** The transform without chance, for evaluation: the central crop. */
SampleTransform centralTransform(const AugmentOptions& options, std::size_t stored);

}  // namespace thaw
