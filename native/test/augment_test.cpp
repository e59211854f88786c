#include "image/augment.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/random.h"
#include "image/batch_assembler.h"
#include "image/mixup.h"
#include "test/check.h"

using namespace thaw;

namespace {

AugmentOptions cropOf(std::size_t size, std::size_t pad = 0) {
  AugmentOptions augment;
  augment.size = size;
  augment.crop = Crop::random;
  augment.pad = pad;
  return augment;
}

/** Mean and variance of numbers that are added one by one. */
struct Moments {
  double count = 0, sum = 0, squares = 0, least = 1e300, most = -1e300;
  void add(double x) {
    count++, sum += x, squares += x * x;
    least = std::min(least, x), most = std::max(most, x);
  }
  double mean() const { return sum / count; }
  double variance() const { return squares / count - mean() * mean(); }
};

}  // namespace

TEST("every parameter is the word of its Philox block, whatever else is drawn") {
  AugmentOptions augment = cropOf(234, 4);
  augment.flip = 0.5;
  augment.verticalFlip = 0.25;
  augment.rotation = 10;
  augment.brightness = 0.2;
  augment.contrast = 0.3;
  for (std::uint32_t row = 0; row < 50; row++) {
    const SampleTransform drawn = drawTransform(augment, 250, {7, 3, row, 2});
    const PhiloxBlock first = philox({0, 2, row, 3}, 7, 9), second = philox({1, 2, row, 3}, 7, 9);
    const auto fraction = [](std::uint32_t word) { return word / 4294967296.0; };
    CHECK(drawn.left == static_cast<int>(std::floor(fraction(first[0]) * 25)) - 4);
    CHECK(drawn.top == static_cast<int>(std::floor(fraction(first[1]) * 25)) - 4);
    CHECK(drawn.flip == (fraction(first[2]) < 0.5));
    CHECK(drawn.verticalFlip == (fraction(first[3]) < 0.25));
    CHECK_NEAR(drawn.rotation, 20 * fraction(second[0]) - 10, 1e-12);
    CHECK_NEAR(drawn.brightness, 0.8 + 0.4 * fraction(second[1]), 1e-12);
    CHECK_NEAR(drawn.contrast, 0.7 + 0.6 * fraction(second[2]), 1e-12);
    AugmentOptions rotationOnly;
    rotationOnly.rotation = 10;
    CHECK(drawTransform(rotationOnly, 250, {7, 3, row, 2}).rotation == drawn.rotation);
  }
  CHECK(drawTransform({}, 250, {7, 3, 1, 2}) == SampleTransform{});
}

TEST("parameters have the distributions of the options") {
  AugmentOptions augment = cropOf(234);  // the paper: 250 → 234, ±10°, flips of one half
  augment.flip = 0.5;
  augment.verticalFlip = 0.1;
  augment.rotation = 10;
  augment.brightness = 0.2;
  augment.contrast = 0.4;
  Moments left, top, flip, vertical, rotation, brightness, contrast, product;
  std::array<int, 17> places = {};
  for (std::uint32_t row = 0; row < 2000; row++)
    for (std::uint32_t epoch = 0; epoch < 10; epoch++) {
      const SampleTransform drawn = drawTransform(augment, 250, {5, epoch, row, 0});
      left.add(drawn.left), top.add(drawn.top), flip.add(drawn.flip), vertical.add(drawn.verticalFlip);
      rotation.add(drawn.rotation), brightness.add(drawn.brightness), contrast.add(drawn.contrast);
      product.add((drawn.left - 8) * (drawn.top - 8));
      if (drawn.left >= 0 && drawn.left <= 16) places[static_cast<std::size_t>(drawn.left)]++;
    }
  double chiSquare = 0;
  for (const int count : places) chiSquare += std::pow(count - 20000 / 17.0, 2) / (20000 / 17.0);
  CHECK(chiSquare < 39.3);  // 0.999 quantile of χ² with 16 degrees of freedom
  CHECK(left.least == 0 && left.most == 16 && top.least == 0 && top.most == 16);
  CHECK_NEAR(top.mean() / 8, 1, 0.02);
  CHECK_NEAR(product.mean(), 0, 0.7);  // σ = 24 / √20000 = 0.17
  CHECK_NEAR(flip.mean(), 0.5, 0.015);
  CHECK_NEAR(vertical.mean(), 0.1, 0.01);
  CHECK(rotation.least >= -10 && rotation.least < -9.9 && rotation.most <= 10 && rotation.most > 9.9);
  CHECK_NEAR(rotation.mean(), 0, 0.2);
  CHECK_NEAR(rotation.variance() / (100 / 3.0), 1, 0.03);
  CHECK(brightness.least >= 0.8 && brightness.most <= 1.2);
  CHECK_NEAR(brightness.variance() / (0.04 / 3), 1, 0.03);
  CHECK(contrast.least >= 0.6 && contrast.most <= 1.4);
  CHECK_NEAR(contrast.variance() / (0.16 / 3), 1, 0.03);
}

TEST("seed, epoch, row and occurrence each make another draw") {
  AugmentOptions augment;
  augment.rotation = 10;
  std::set<double> angles;
  for (std::uint32_t key = 0; key < 16; key++)
    angles.insert(drawTransform(augment, 8, {key & 1, key >> 1 & 1, key >> 2 & 1, key >> 3}).rotation);
  CHECK(angles.size() == 16);
}

TEST("options that are out of range are refused by name") {
  const auto refusal = [](auto change) -> std::string {
    AugmentOptions augment = cropOf(8);
    change(augment);
    try {
      checkAugment(augment, 10);
    } catch (const EngineError& error) {
      return error.code == ErrorCode::engine ? error.node + ": " + error.what() : "another code";
    }
    return "";
  };
  using Options = AugmentOptions;
  CHECK(refusal([](Options&) {}) == "");
  CHECK(refusal([](Options& o) { o.size = 11; }) ==
        "size: expected at most 10 (the padded image) for size but received 11.");
  CHECK(refusal([](Options& o) { o.size = 15, o.pad = 2; }) ==
        "size: expected at most 14 (the padded image) for size but received 15.");
  CHECK(refusal([](Options& o) { o.size = 15, o.pad = 2, o.resize = 11; }) == "");
  CHECK(refusal([](Options& o) { o.crop = Crop::none; }) ==
        "size: expected 10 without a crop for size but received 8.");
  CHECK(refusal([](Options& o) { o.crop = Crop::none, o.size = 0, o.pad = 1; }) ==
        "pad: expected 0 without a crop for pad but received 1.");
  CHECK(refusal([](Options& o) { o.pad = 9000; }) == "pad: expected at most 8192 for pad but received 9000.");
  CHECK(refusal([](Options& o) { o.resize = 9000; }) ==
        "resize: expected at most 8192 for resize but received 9000.");
  CHECK(refusal([](Options& o) { o.flip = 1.5; }) ==
        "flip: expected a probability from 0 to 1 for flip but received 1.500000.");
  CHECK(refusal([](Options& o) { o.verticalFlip = -1; }).starts_with("verticalFlip: "));
  CHECK(refusal([](Options& o) { o.rotation = 181; }) ==
        "rotation: expected degrees from 0 to 180 for rotation but received 181.000000.");
  CHECK(refusal([](Options& o) { o.brightness = std::nan(""); }).starts_with("brightness: "));
  CHECK(refusal([](Options& o) { o.contrast = 1.01; }).starts_with("contrast: "));
  CHECK(refusal([](Options& o) { o.mixup = -0.1; }).starts_with("mixup: expected a number of at least 0"));
  CHECK(refusal([](Options& o) { o.mixup = HUGE_VAL; }).starts_with("mixup: "));
}

TEST("λ has mean, variance and distribution of Beta(α, α)") {
  const auto fractionBelow = [](double alpha, double x) {
    int below = 0;
    for (std::uint32_t step = 0; step < 200; step++)
      for (std::uint32_t position = 0; position < 100; position++)
        below += static_cast<double>(drawMixture(alpha, {3, step, position}, 100).lambda) < x;
    return below / 20000.0;
  };
  for (const double alpha : {0.05, 0.2, 0.4, 1.0, 2.0, 8.0}) {
    Moments lambda;
    for (std::uint32_t i = 0; i < 20000; i++)
      lambda.add(static_cast<double>(drawMixture(alpha, {3, i / 100, i % 100}, 100).lambda));
    CHECK(lambda.least >= 0 && lambda.most <= 1);
    CHECK_NEAR(lambda.mean(), 0.5, 0.012);
    CHECK_NEAR(lambda.variance() * 4 * (2 * alpha + 1), 1, 0.04);
  }
  for (const double x : {0.05, 0.2, 0.5, 0.7, 0.95}) {
    CHECK_NEAR(fractionBelow(0.5, x), 2 / std::numbers::pi * std::asin(std::sqrt(x)), 0.012);
    CHECK_NEAR(fractionBelow(1, x), x, 0.012);
    CHECK_NEAR(fractionBelow(2, x), x * x * (3 - 2 * x), 0.012);
  }
}

TEST("partners are every position of the batch, independent of λ; other keys draw other mixtures") {
  std::array<int, 5> count = {};
  Moments together;
  for (std::uint32_t step = 0; step < 20000; step++) {
    const Mixture drawn = drawMixture(0.4, {1, step, 2}, 5);
    CHECK(drawn.partner == static_cast<std::uint32_t>(philox({0, 0, 2, step}, 1, 10)[0] / 4294967296.0 * 5));
    if (drawn.partner < 5) count[drawn.partner]++;
    together.add((static_cast<double>(drawn.lambda) - 0.5) * (drawn.partner - 2.0));
  }
  for (const int partner : count) CHECK_NEAR(partner / 20000.0, 0.2, 0.012);
  CHECK_NEAR(together.mean(), 0, 0.015);
  std::set<float> lambdas;
  for (std::uint32_t key = 0; key < 8; key++)
    lambdas.insert(drawMixture(1, {key & 1, key >> 1 & 1, key >> 2}, 4).lambda);
  CHECK(lambdas.size() == 8);
  CHECK((drawMixture(0, {1, 2, 3}, 8) == Mixture{1, 3}));
}

TEST("a mixture is λ of the image and 1 − λ of its partner as it was before mixing") {
  const float unknown = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> images = {1, 2, 10, 20, 100, 200}, lambdas = {0.75f, 0.25f, 0.5f};
  const std::vector<std::uint32_t> partners = {1, 0, 0};
  std::vector<float> out = images, scratch(6);
  mix(out, 3, 2, lambdas, partners, scratch);
  CHECK((out == std::vector<float>{3.25f, 6.5f, 3.25f, 6.5f, 50.5f, 101}));
  CHECK(scratch == images);
  std::vector<float> part(4);
  mixInto(images, 2, lambdas, partners, 1, part);
  CHECK((part == std::vector<float>{3.25f, 6.5f, 50.5f, 101}));

  std::vector<float> targets = {1, unknown, 0, 1};  // an unknown label of weight 0 leaves no trace
  mix(targets, 4, 1, std::vector<float>{1, 0, 0.5f, 0.5f}, std::vector<std::uint32_t>{1, 0, 1, 3}, scratch);
  CHECK(targets[0] == 1 && targets[1] == 1 && std::isnan(targets[2]) && targets[3] == 1);
}
