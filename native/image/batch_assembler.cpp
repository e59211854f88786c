#include "image/batch_assembler.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/error.h"

namespace thaw {
namespace {

/** ITU-R BT.601. */
constexpr std::array<float, 3> lumaWeights = {0.299f, 0.587f, 0.114f};

void check(const AssembleOptions& options) {
  const auto refuse = [](const std::string& node, const std::string& expected, std::size_t received) {
    throw EngineError(
        ErrorCode::engine,
        "expected " + expected + " for " + node + " but received " + std::to_string(received) + ".", node);
  };
  if (options.channels != 1 && options.channels != 3) refuse("channels", "1 or 3", options.channels);
  if (options.outputChannels != 1 && options.outputChannels != 3)
    refuse("outputChannels", "1 or 3", options.outputChannels);
  if (options.size == 0) refuse("size", "at least 1", 0);
  const std::size_t columns = options.size * options.size * options.channels;
  if (options.images.columns != columns)
    refuse("images.columns", std::to_string(columns), options.images.columns);
  const std::string count = std::to_string(options.outputChannels) + " values";
  if (options.mean.size() != options.outputChannels) refuse("mean", count, options.mean.size());
  if (options.deviation.size() != options.outputChannels) refuse("std", count, options.deviation.size());
  for (const float deviation : options.deviation)
    if (!(deviation > 0 && std::isfinite(deviation)))
      throw EngineError(ErrorCode::engine,
                        "expected numbers above 0 for std but received " + std::to_string(deviation) + ".",
                        "std");
}

}  // namespace

BatchAssembler::BatchAssembler(AssembleOptions options) : options_((check(options), std::move(options))) {
  values_.resize(options_.outputChannels);
  for (std::size_t channel = 0; channel < options_.outputChannels; channel++) {
    const auto mean = static_cast<double>(options_.mean[channel]);
    const auto deviation = static_cast<double>(options_.deviation[channel]);
    for (std::size_t pixel = 0; pixel < 256; pixel++)
      values_[channel][pixel] =
          static_cast<float>((static_cast<double>(pixel) * options_.scale - mean) / deviation);
  }
}

/** One output channel of one image. */
template <std::size_t channels>
void BatchAssembler::plane(const std::uint8_t* pixels, std::size_t output, bool flip, float* out) const {
  const std::size_t size = options_.size;
  const std::array<float, 256>& values = values_[output];
  const bool luma = channels == 3 && options_.outputChannels == 1;
  const float slope = static_cast<float>(options_.scale / static_cast<double>(options_.deviation[output]));
  const float offset = values[0];
  const std::size_t channel = channels == 1 ? 0 : options_.order == ChannelOrder::bgr ? 2 - output : output;
  for (std::size_t y = 0; y < size; y++, out += size) {
    const std::uint8_t* line = pixels + y * size * channels;
    if (luma) {
      for (std::size_t x = 0; x < size; x++) {
        const std::uint8_t* rgb = line + x * channels;
        const float grey = lumaWeights[0] * rgb[0] + lumaWeights[1 % channels] * rgb[1 % channels] +
                           lumaWeights[2 % channels] * rgb[2 % channels];
        out[x] = grey * slope + offset;
      }
    } else {
      for (std::size_t x = 0; x < size; x++) out[x] = values[line[x * channels + channel]];
    }
    if (flip) std::reverse(out, out + size);
  }
}

void BatchAssembler::assemble(std::span<const std::uint32_t> rows, bool flip, std::span<float> out) const {
  const std::size_t planeSize = options_.size * options_.size;
  float* target = out.data();
  for (const std::uint32_t row : rows) {
    const auto* pixels = static_cast<const std::uint8_t*>(options_.images.row(row));
    for (std::size_t output = 0; output < options_.outputChannels; output++, target += planeSize) {
      const bool repeat = options_.channels == 1 && output > 0 && options_.mean[output] == options_.mean[0] &&
                          options_.deviation[output] == options_.deviation[0];
      if (repeat)
        std::copy_n(target - output * planeSize, planeSize, target);
      else if (options_.channels == 1)
        plane<1>(pixels, output, flip, target);
      else
        plane<3>(pixels, output, flip, target);
    }
  }
}

}  // namespace thaw
