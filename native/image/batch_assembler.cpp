#include "image/batch_assembler.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "engine/error.h"

namespace thaw {
namespace {

[[noreturn]] void refuse(const std::string& node, const std::string& expected, std::size_t received) {
  throw EngineError(
      ErrorCode::engine,
      "expected " + expected + " for " + node + " but received " + std::to_string(received) + ".", node);
}

void check(const AssembleOptions& options) {
  if (options.channels != 1 && options.channels != 3) refuse("channels", "1 or 3", options.channels);
  if (options.outputChannels != 1 && options.outputChannels != 3)
    refuse("outputChannels", "1 or 3", options.outputChannels);
  if (options.size == 0) refuse("size", "at least 1", 0);
  if (options.size > longestSide) refuse("size", "at most " + std::to_string(longestSide), options.size);
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

/** Checks before the members are made. */
AssembleOptions checked(AssembleOptions options, const AugmentOptions& augment) {
  check(options);
  checkAugment(augment, options.size);
  return options;
}

/** Columns of the resized image that an output row shows without a rotation. */
void findColumns(const SampleTransform& transform, std::span<std::int32_t> columns) {
  const auto count = static_cast<std::int32_t>(columns.size());
  for (std::int32_t x = 0; x < count; x++)
    columns[static_cast<std::size_t>(x)] = transform.left + (transform.flip ? count - 1 - x : x);
}

/** One row of `count` pixels; `step` goes to the next pixel's bytes, backwards where mirrored. */
void copyRow(const std::uint8_t* from, std::ptrdiff_t step, const PixelTable& values, std::size_t count,
             float* out) {
  for (std::size_t x = 0; x < count; x++, from += step) out[x] = values[*from];
}

void copyLumaRow(const std::uint8_t* rgb, std::ptrdiff_t step, const PixelTable& pixels, float slope,
                 float offset, std::size_t count, float* out) {
  for (std::size_t x = 0; x < count; x++, rgb += step) {
    const float grey =
        lumaWeights[0] * pixels[rgb[0]] + lumaWeights[1] * pixels[rgb[1]] + lumaWeights[2] * pixels[rgb[2]];
    out[x] = grey * slope + offset;
  }
}

}  // namespace

BatchAssembler::BatchAssembler(AssembleOptions options, const AugmentOptions& augment)
    : options_(checked(std::move(options), augment)),
      output_(outputSide(augment, options_.size)),
      lanes_{options_.channels, options_.outputChannels == 1, options_.order == ChannelOrder::bgr},
      filter_(options_.size, resizedSide(augment, options_.size)),
      central_(centralTransform(augment, options_.size)),
      channels_(options_.outputChannels) {
  for (std::size_t c = 0; c < channels_.size(); c++) {
    Channel& channel = channels_[c];
    for (std::size_t pixel = 0; pixel < 256; pixel++)
      channel.values[pixel] = normalised(c, static_cast<double>(pixel));
    channel.slope = static_cast<float>(options_.scale / static_cast<double>(options_.deviation[c]));
    channel.source = options_.channels == 1 ? 0 : lanes_.reversed ? 2 - c : c;
    channel.repeatsFirst = options_.channels == 1 && c > 0 && options_.mean[c] == options_.mean[0] &&
                           options_.deviation[c] == options_.deviation[0];
  }
}

float BatchAssembler::normalised(std::size_t channel, double pixel) const {
  const auto mean = static_cast<double>(options_.mean[channel]);
  const auto deviation = static_cast<double>(options_.deviation[channel]);
  return static_cast<float>((pixel * options_.scale - mean) / deviation);
}

/** One output channel of one image without resampling; `adjusted` pixel values where given. */
void BatchAssembler::copyPlane(const std::uint8_t* pixels, const PixelTable* adjusted, std::size_t channel,
                               const SampleTransform& transform, float* out) const {
  const auto size = static_cast<std::int64_t>(options_.size), side = static_cast<std::int64_t>(output_);
  const auto channels = static_cast<std::int64_t>(options_.channels);
  const Channel& to = channels_[channel];
  const bool luma = channels == 3 && lanes_.luma;
  PixelTable values = to.values;
  if (adjusted != nullptr && !luma)
    for (std::size_t pixel = 0; pixel < 256; pixel++)
      values[pixel] = normalised(channel, static_cast<double>((*adjusted)[pixel]));
  // Output columns begin … end show the image's columns; in order, or in reverse when mirrored.
  const std::int64_t before = transform.flip ? transform.left + side - size : -std::int64_t{transform.left};
  const std::int64_t begin = std::clamp<std::int64_t>(before, 0, side);
  const std::int64_t end = std::clamp<std::int64_t>(before + size, begin, side);
  const std::int64_t first = transform.left + (transform.flip ? side - 1 - begin : begin);
  const std::int64_t step = transform.flip ? -channels : channels;
  const auto count = static_cast<std::size_t>(end - begin);
  const float outside = to.values[0];
  for (std::int64_t y = 0; y < side; y++, out += side) {
    const std::int64_t row = transform.top + (transform.verticalFlip ? side - 1 - y : y);
    if (row < 0 || row >= size || count == 0) {
      std::fill_n(out, side, outside);
      continue;
    }
    std::fill_n(out, begin, outside);
    const std::uint8_t* from = pixels + (row * size + first) * channels;
    if (luma)
      copyLumaRow(from, step, adjusted == nullptr ? plainPixels : *adjusted, to.slope, outside, count,
                  out + begin);
    else
      copyRow(from + to.source, step, values, count, out + begin);
    std::fill_n(out + end, side - end, outside);
  }
}

/** Row y of the output in lanes, pixel values → every output channel. */
template <std::size_t lanes>
void BatchAssembler::writeRow(const float* row, std::size_t y, float* out) const {
  for (std::size_t c = 0; c < channels_.size(); c++) {
    const float slope = channels_[c].slope, offset = channels_[c].values[0];
    const float* from = row + (lanes == greyLanes ? 0 : c);
    float* to = out + (c * output_ + y) * output_;
    for (std::size_t x = 0; x < output_; x++) to[x] = from[x * lanes] * slope + offset;
  }
}

/** scratch.image → one normalised image. */
template <std::size_t lanes>
void BatchAssembler::resample(const SampleTransform& transform, float* out, AssembleScratch& scratch) const {
  const std::size_t size = options_.size, resized = filter_.target();
  scratch.line.resize(size * lanes);
  scratch.row.resize(output_ * lanes);
  if (transform.rotation == 0) {
    scratch.columns.resize(output_);
    findColumns(transform, scratch.columns);
    for (std::size_t y = 0; y < output_; y++) {
      const std::size_t shown = transform.verticalFlip ? output_ - 1 - y : y;
      resizeRow<lanes>(scratch.image.data(), filter_, transform.top + static_cast<std::int64_t>(shown),
                       scratch.columns, scratch.line.data(), scratch.row.data());
      writeRow<lanes>(scratch.row.data(), y, out);
    }
    return;
  }
  AffineSource source = {scratch.image.data(), size, resized};
  if (resized < size) {
    scratch.resized.resize(resized * resized * lanes);
    scratch.columns.resize(resized);
    findColumns({}, scratch.columns);
    for (std::size_t y = 0; y < resized; y++)
      resizeRow<lanes>(scratch.image.data(), filter_, static_cast<std::int64_t>(y), scratch.columns,
                       scratch.line.data(), scratch.resized.data() + y * resized * lanes);
    source = {scratch.resized.data(), resized, resized};
  }
  const AffineMap map = affineMap(transform, resized, output_);
  scratch.taps.resize(output_);
  for (std::size_t y = 0; y < output_; y++) {
    sampleRow<lanes>(source, map, y, scratch.taps, scratch.row.data());
    writeRow<lanes>(scratch.row.data(), y, out);
  }
}

void BatchAssembler::image(std::uint32_t row, const SampleTransform& transform, float* out,
                           AssembleScratch& scratch) const {
  const std::size_t planeSize = output_ * output_;
  const std::span pixels(static_cast<const std::uint8_t*>(options_.images.row(row)), options_.images.columns);
  const bool adjusting = transform.brightness != 1 || transform.contrast != 1;
  PixelTable adjusted;
  if (adjusting) {
    const double mean = transform.contrast == 1 ? 0 : meanLuma(pixels, options_.channels);
    adjusted = adjustedPixels(transform.brightness, transform.contrast, mean);
  }
  if (transform.rotation == 0 && filter_.target() == options_.size) {
    for (std::size_t c = 0; c < channels_.size(); c++)
      if (channels_[c].repeatsFirst)
        std::copy_n(out, planeSize, out + c * planeSize);
      else
        copyPlane(pixels.data(), adjusting ? &adjusted : nullptr, c, transform, out + c * planeSize);
    return;
  }
  scratch.image.resize(options_.size * options_.size * lanes_.count());
  spreadPixels(pixels, adjusting ? adjusted : plainPixels, lanes_, scratch.image.data());
  if (lanes_.count() == greyLanes)
    resample<greyLanes>(transform, out, scratch);
  else
    resample<colourLanes>(transform, out, scratch);
}

void BatchAssembler::assemble(std::span<const std::uint32_t> rows, bool flip, std::span<float> out) const {
  AssembleScratch scratch;
  SampleTransform transform = central_;
  transform.flip = flip;
  for (std::size_t i = 0; i < rows.size(); i++)
    image(rows[i], transform, out.data() + i * imageSize(), scratch);
}

void BatchAssembler::assemble(std::span<const std::uint32_t> rows,
                              std::span<const SampleTransform> transforms, std::span<float> out,
                              AssembleScratch& scratch) const {
  for (std::size_t i = 0; i < rows.size(); i++)
    image(rows[i], transforms[i], out.data() + i * imageSize(), scratch);
}

}  // namespace thaw
