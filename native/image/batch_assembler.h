#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/matrix_view.h"
#include "image/affine.h"
#include "image/augment.h"
#include "image/pixel_values.h"
#include "image/resize.h"

namespace thaw {

enum class ChannelOrder { rgb, bgr };

struct AssembleOptions {
  MatrixView images;  ///< uint8 [rows, size × size × channels], pixels interleaved, RGB
  std::size_t size = 0;
  std::size_t channels = 1;        ///< of the images: 1 or 3
  std::size_t outputChannels = 1;  ///< of the network: 1 or 3
  ChannelOrder order = ChannelOrder::rgb;
  double scale = 1;
  std::vector<float> mean;  ///< [outputChannels], in the network's order
  std::vector<float> deviation;
};

/** Memory of one thread that assembles resampled images; grows to what its first image needs and is kept. */
struct AssembleScratch {
  std::vector<float> image;           ///< the stored image in lanes
  std::vector<float> resized;         ///< and made smaller
  std::vector<float> line;            ///< a row of the stored image
  std::vector<float> row;             ///< a row of the output in lanes
  std::vector<std::int32_t> columns;  ///< columns of the resized image
  AffineTaps taps;
};

/**
 * Stored images → normalised network input: value = (pixel · scale − mean) / deviation for every channel in
 * the network's order. Grey is repeated for three channels; colour becomes grey by the luma of ITU-R BT.601.
 *
 * Augmentation (see AugmentOptions) resamples at most once: without a rotation and a resize every output
 * pixel is a copy of a stored one; else crop, flips, rotation and an enlarging resize are one affine map that
 * is sampled bilinearly, behind a pass of its own for a resize that makes smaller.
 */
class BatchAssembler {
 public:
  /**
   * `options.images` must outlive the assembler; of `augment` it takes the sides of the output. Throws ENGINE
   * for options that do not fit together.
   */
  explicit BatchAssembler(AssembleOptions options, const AugmentOptions& augment = {});

  std::size_t imageRows() const { return options_.images.rows; }
  /** Side of the output in pixels. */
  std::size_t outputSize() const { return output_; }
  /** Floats of one assembled image. */
  std::size_t imageSize() const { return options_.outputChannels * output_ * output_; }

  /**
   * Fills out [rows, outputChannels, outputSize, outputSize] with the images' central crops; `flip` mirrors
   * left and right.
   */
  void assemble(std::span<const std::uint32_t> rows, bool flip, std::span<float> out) const;

  /**
   * Fills out [rows, outputChannels, outputSize, outputSize], each image by its own transform. Threads may
   * take parts of a batch, each with its own scratch.
   */
  void assemble(std::span<const std::uint32_t> rows, std::span<const SampleTransform> transforms,
                std::span<float> out, AssembleScratch& scratch) const;

 private:
  /** One channel of the output: value = pixel · slope + values[0]. */
  struct Channel {
    PixelTable values;  ///< normalised value of every pixel value
    float slope;
    std::size_t source;  ///< channel of the stored image
    bool repeatsFirst;   ///< equals the first output channel
  };

  float normalised(std::size_t channel, double pixel) const;
  void image(std::uint32_t row, const SampleTransform& transform, float* out, AssembleScratch& scratch) const;
  void copyPlane(const std::uint8_t* pixels, const PixelTable* adjusted, std::size_t channel,
                 const SampleTransform& transform, float* out) const;
  template <std::size_t lanes>
  void resample(const SampleTransform& transform, float* out, AssembleScratch& scratch) const;
  template <std::size_t lanes>
  void writeRow(const float* row, std::size_t y, float* out) const;

  AssembleOptions options_;
  std::size_t output_;
  Lanes lanes_;
  TriangleFilter filter_;
  SampleTransform central_;
  std::vector<Channel> channels_;
};

}  // namespace thaw
