#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/matrix_view.h"

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

/**
 * Stored images → normalised network input: value = (pixel · scale − mean) / deviation for every channel in
 * the network's order. Grey is repeated for three channels; colour becomes grey by the luma of ITU-R BT.601.
 */
class BatchAssembler {
 public:
  /** `options.images` must outlive the assembler. Throws ENGINE for options that do not fit together. */
  explicit BatchAssembler(AssembleOptions options);

  std::size_t imageRows() const { return options_.images.rows; }
  /** Floats of one assembled image. */
  std::size_t imageSize() const { return options_.outputChannels * options_.size * options_.size; }

  /** Fills out [rows, outputChannels, size, size]; `flip` mirrors left and right. */
  void assemble(std::span<const std::uint32_t> rows, bool flip, std::span<float> out) const;

 private:
  template <std::size_t channels>
  void plane(const std::uint8_t* pixels, std::size_t output, bool flip, float* out) const;

  AssembleOptions options_;
  std::vector<std::array<float, 256>> values_;  ///< normalised value of every pixel value, by output channel
};

}  // namespace thaw
