#include "image/augment.h"

#include <cmath>
#include <string>

#include "engine/error.h"
#include "engine/random.h"

namespace thaw {
namespace {

[[noreturn]] void refuse(const std::string& node, const std::string& expected, const std::string& received) {
  throw EngineError(ErrorCode::engine,
                    "expected " + expected + " for " + node + " but received " + received + ".", node);
}

void checkRange(const char* node, double value, double most, const std::string& expected) {
  if (!(value >= 0 && value <= most)) refuse(node, expected, std::to_string(value));
}

void checkSides(const AugmentOptions& options, std::size_t stored) {
  const std::size_t resized = resizedSide(options, stored), size = outputSide(options, stored);
  const std::string received = std::to_string(size);
  if (options.resize > longestSide)
    refuse("resize", "at most " + std::to_string(longestSide), std::to_string(options.resize));
  if (options.crop == Crop::none) {
    if (options.pad != 0) refuse("pad", "0 without a crop", std::to_string(options.pad));
    if (size != resized) refuse("size", std::to_string(resized) + " without a crop", received);
  }
  if (options.pad > longestSide)
    refuse("pad", "at most " + std::to_string(longestSide), std::to_string(options.pad));
  const std::size_t most = resized + 2 * options.pad;
  if (size > most) refuse("size", "at most " + std::to_string(most) + " (the padded image)", received);
}

/** ⌊(resized − size) / 2⌋, also below 0. */
std::int32_t centralCorner(const AugmentOptions& options, std::size_t stored) {
  const auto resized = static_cast<std::int64_t>(resizedSide(options, stored));
  const auto size = static_cast<std::int64_t>(outputSide(options, stored));
  return static_cast<std::int32_t>((resized - size) >> 1);
}

double uniform(std::uint32_t word) {
  return word / 4294967296.0;
}

/** From U(centre − spread, centre + spread). */
double around(double centre, double spread, std::uint32_t word) {
  return centre + (2 * uniform(word) - 1) * spread;
}

}  // namespace

void checkAugment(const AugmentOptions& options, std::size_t stored) {
  checkSides(options, stored);
  checkRange("flip", options.flip, 1, "a probability from 0 to 1");
  checkRange("verticalFlip", options.verticalFlip, 1, "a probability from 0 to 1");
  checkRange("rotation", options.rotation, 180, "degrees from 0 to 180");
  checkRange("brightness", options.brightness, 1, "a number from 0 to 1");
  checkRange("contrast", options.contrast, 1, "a number from 0 to 1");
  if (!(options.mixup >= 0 && std::isfinite(options.mixup)))
    refuse("mixup", "a number of at least 0", std::to_string(options.mixup));
}

SampleTransform centralTransform(const AugmentOptions& options, std::size_t stored) {
  SampleTransform transform;
  transform.left = transform.top = centralCorner(options, stored);
  return transform;
}

SampleTransform drawTransform(const AugmentOptions& options, std::size_t stored, const SampleKey& key) {
  const auto block = [&](std::uint32_t index) {
    return philox({index, key.occurrence, key.row, key.epoch}, key.seed, augmentationStream);
  };
  const PhiloxBlock placement = block(0), appearance = block(1);
  SampleTransform transform = centralTransform(options, stored);
  if (options.crop == Crop::random) {
    const std::size_t places =
        resizedSide(options, stored) + 2 * options.pad - outputSide(options, stored) + 1;
    const auto corner = [&](std::uint32_t word) {
      return static_cast<std::int32_t>(word * std::uint64_t{places} >> 32) -
             static_cast<std::int32_t>(options.pad);
    };
    transform.left = corner(placement[0]);
    transform.top = corner(placement[1]);
  }
  transform.flip = uniform(placement[2]) < options.flip;
  transform.verticalFlip = uniform(placement[3]) < options.verticalFlip;
  transform.rotation = around(0, options.rotation, appearance[0]);
  transform.brightness = around(1, options.brightness, appearance[1]);
  transform.contrast = around(1, options.contrast, appearance[2]);
  return transform;
}

}  // namespace thaw
