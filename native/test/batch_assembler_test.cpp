#include "image/batch_assembler.h"

#include <algorithm>
#include <array>
#include <string>
#include <thread>

#include "engine/random.h"
#include "test/check.h"
#include "test/golden/augment.h"

using namespace thaw;

namespace {

/** Two 2 × 2 images. */
const std::vector<std::uint8_t> grey = {0, 51, 102, 255, 10, 20, 30, 40};
const std::vector<std::uint8_t> colour = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30};

AssembleOptions optionsOf(const std::vector<std::uint8_t>& pixels, std::size_t channels,
                          std::size_t outputChannels) {
  AssembleOptions options;
  options.images = {pixels.data(), pixels.size() / (4 * channels), 4 * channels, ElementType::uint8};
  options.size = 2;
  options.channels = channels;
  options.outputChannels = outputChannels;
  options.scale = 1.0 / 255;
  options.mean.assign(outputChannels, 0.5f);
  options.deviation.assign(outputChannels, 0.25f);
  return options;
}

std::vector<float> assembled(const AssembleOptions& options, std::vector<std::uint32_t> rows, bool flip) {
  const BatchAssembler assembler(options);
  std::vector<float> out(rows.size() * assembler.imageSize());
  assembler.assemble(rows, flip, out);
  return out;
}

void expectValues(const std::vector<float>& received, const std::vector<double>& expected) {
  CHECK(received.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); i++) CHECK_NEAR(received[i], expected[i], 1e-6);
}

/** Images of random pixels. */
struct Store {
  std::size_t rows, size, channels;
  std::vector<std::uint8_t> pixels;

  Store(std::size_t rows, std::size_t size, std::size_t channels)
      : rows(rows), size(size), channels(channels), pixels(rows * size * size * channels) {
    RandomStream random(1, static_cast<std::uint32_t>(size));
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random.uniform() * 256);
  }

  /** Pixel values as they are, or normalised differently in every channel. */
  AssembleOptions options(std::size_t outputChannels, bool normalise = false) const {
    AssembleOptions options;
    options.images = {pixels.data(), rows, size * size * channels, ElementType::uint8};
    options.size = size;
    options.channels = channels;
    options.outputChannels = outputChannels;
    options.mean.assign(outputChannels, 0);
    options.deviation.assign(outputChannels, 1);
    if (normalise) {
      options.scale = 1.0 / 255;
      for (std::size_t c = 0; c < outputChannels; c++) {
        options.mean[c] = 0.5f - 0.05f * static_cast<float>(c);
        options.deviation[c] = 0.2f + 0.03f * static_cast<float>(c);
      }
    }
    return options;
  }
};

std::vector<float> augmented(const BatchAssembler& assembler, const std::vector<std::uint32_t>& rows,
                             const std::vector<SampleTransform>& transforms) {
  std::vector<float> out(rows.size() * assembler.imageSize(), -1000);
  AssembleScratch scratch;
  assembler.assemble(rows, transforms, out, scratch);
  return out;
}

AugmentOptions cropOf(std::size_t size, std::size_t pad = 0) {
  AugmentOptions augment;
  augment.size = size;
  augment.crop = Crop::random;
  augment.pad = pad;
  return augment;
}

}  // namespace

TEST("grey pixels are normalised, rows chosen, left and right mirrored") {
  const AssembleOptions options = optionsOf(grey, 1, 1);
  expectValues(assembled(options, {0}, false), {-2, -1.2, -0.4, 2});
  expectValues(assembled(options, {0}, true), {-1.2, -2, 2, -0.4});
  expectValues(assembled(options, {1, 0}, false),
               {(10 / 255.0 - .5) * 4, (20 / 255.0 - .5) * 4, (30 / 255.0 - .5) * 4, (40 / 255.0 - .5) * 4,
                -2, -1.2, -0.4, 2});
}

TEST("grey becomes three channels with their own mean and deviation") {
  AssembleOptions options = optionsOf(grey, 1, 3);
  options.scale = 1;
  options.mean = {0, 1, 0};
  options.deviation = {1, 2, 1};
  expectValues(assembled(options, {0}, false), {0, 51, 102, 255, -0.5, 25, 50.5, 127, 0, 51, 102, 255});
}

TEST("colour is separated into planes in the network's order") {
  AssembleOptions options = optionsOf(colour, 3, 3);
  options.scale = 1;
  options.mean = {0, 0, 1};
  options.deviation = {1, 1, 1};
  expectValues(assembled(options, {0}, false), {255, 0, 0, 10, 0, 255, 0, 20, -1, -1, 254, 29});
  options.order = ChannelOrder::bgr;
  expectValues(assembled(options, {0}, true), {0, 0, 30, 255, 255, 0, 20, 0, -1, 254, 9, -1});
}

TEST("colour becomes grey by the luma of ITU-R BT.601") {
  AssembleOptions options = optionsOf(colour, 3, 1);
  options.scale = 1;
  options.mean = {0};
  options.deviation = {1};
  expectValues(assembled(options, {0}, false), {76.245, 149.685, 29.07, 18.15});
}

TEST("options that do not fit together are refused") {
  const auto refusal = [](auto change) {
    AssembleOptions options = optionsOf(grey, 1, 1);
    change(options);
    return check::messageOf([&] { BatchAssembler assembler(options); });
  };
  CHECK(refusal([](AssembleOptions& o) { o.channels = 2; }) ==
        "expected 1 or 3 for channels but received 2.");
  CHECK(refusal([](AssembleOptions& o) { o.size = 3; }) == "expected 9 for images.columns but received 4.");
  CHECK(refusal([](AssembleOptions& o) { o.mean.clear(); }) == "expected 1 values for mean but received 0.");
  CHECK(refusal([](AssembleOptions& o) { o.deviation = {0}; }) ==
        "expected numbers above 0 for std but received 0.000000.");
  CHECK(refusal([](AssembleOptions& o) { o.size = 9000; }) ==
        "expected at most 8192 for size but received 9000.");
  CHECK_MESSAGE("expected at most 2 (the padded image) for size but received 3.",
                BatchAssembler assembler(optionsOf(grey, 1, 1), cropOf(3)));
}

TEST("the transform that changes nothing equals plain assembly, bit for bit") {
  for (const std::size_t channels : {1, 3})
    for (const std::size_t outputChannels : {1, 3})
      for (const ChannelOrder order : {ChannelOrder::rgb, ChannelOrder::bgr}) {
        const Store store(3, 11, channels);
        AssembleOptions options = store.options(outputChannels, true);
        options.order = order;
        const BatchAssembler assembler(options);
        SampleTransform mirrored;
        mirrored.flip = true;
        CHECK(augmented(assembler, {2, 0, 1}, {{}, {}, {}}) == assembled(options, {2, 0, 1}, false));
        CHECK(augmented(assembler, {1}, {mirrored}) == assembled(options, {1}, true));
      }
}

TEST("crops, padding and flips are exact copies; zeros outside") {
  for (const std::size_t channels : {1, 3}) {
    const Store store(2, 10, channels);
    const AssembleOptions options = store.options(channels, true);
    const BatchAssembler assembler(options, cropOf(7, 9));
    const std::vector<float> whole = assembled(options, {1}, false);
    for (const int left : {-9, -2, 0, 3, 5, 12})
      for (const int top : {-8, -1, 2, 6})
        for (const int flips : {0, 1, 2, 3}) {
          SampleTransform transform{left, top, (flips & 1) != 0, (flips & 2) != 0};
          const std::vector<float> out = augmented(assembler, {1}, {transform});
          bool equal = true;
          for (std::size_t i = 0; i < out.size(); i++) {
            const int c = static_cast<int>(i) / 49, y = static_cast<int>(i) / 7 % 7,
                      x = static_cast<int>(i) % 7;
            const int u = left + (transform.flip ? 6 - x : x), v = top + (transform.verticalFlip ? 6 - y : y);
            const bool inside = u >= 0 && u < 10 && v >= 0 && v < 10;
            const auto channel = static_cast<std::size_t>(c);
            const float zero = static_cast<float>(-static_cast<double>(options.mean[channel]) /
                                                  static_cast<double>(options.deviation[channel]));
            equal &= out[i] == (inside ? whole[static_cast<std::size_t>((c * 10 + v) * 10 + u)] : zero);
          }
          CHECK(equal);
        }
  }
}

TEST("quarter turns are permutations of the pixels, counter-clockwise") {
  for (const std::size_t channels : {1, 3})
    for (const std::size_t size : {1, 8, 9}) {
      const Store store(1, size, channels);
      const std::vector<float> whole = assembled(store.options(channels), {0}, false);
      const BatchAssembler assembler(store.options(channels));
      for (const double degrees : {90.0, 180.0, 270.0, -90.0, 360.0}) {
        SampleTransform transform;
        transform.rotation = degrees;
        const std::vector<float> out = augmented(assembler, {0}, {transform});
        for (std::size_t i = 0; i < out.size(); i++) {
          const std::size_t plane = i / (size * size), y = i / size % size, x = i % size, last = size - 1;
          std::size_t u = x, v = y;
          if (degrees == 90) u = last - y, v = x;
          if (degrees == 180) u = last - x, v = last - y;
          if (degrees == 270 || degrees == -90) u = y, v = last - x;
          CHECK(out[i] == whole[(plane * size + v) * size + u]);
        }
      }
    }
}

TEST("resize, rotation, crop, flips, contrast and brightness equal PyTorch's") {
  Store store(1, 9, 3);
  store.pixels = golden::augmentImage;
  const std::array<double, 3> weights = {0.299, 0.587, 0.114};
  for (const golden::AugmentCase& expected : golden::augmentCases) {
    const int before = check::failures();
    AugmentOptions augment = cropOf(expected.size, 32);
    augment.resize = expected.resize;
    const std::size_t plane = expected.size * expected.size;
    AssembleOptions bgr = store.options(3);
    bgr.order = ChannelOrder::bgr;
    const std::vector<float> colour = augmented(BatchAssembler(store.options(3), augment), {0},
                                                {expected.transform}),
                             reversed = augmented(BatchAssembler(bgr, augment), {0}, {expected.transform}),
                             luma = augmented(BatchAssembler(store.options(1), augment), {0},
                                              {expected.transform});
    CHECK(colour.size() == expected.expected.size());
    for (std::size_t i = 0; i < plane; i++) {
      double grey = 0;
      for (std::size_t c = 0; c < 3; c++) {
        const double value = expected.expected[c * plane + i];
        CHECK_NEAR(colour[c * plane + i] / 255, value / 255, 3e-6);
        CHECK_NEAR(reversed[(2 - c) * plane + i] / 255, value / 255, 3e-6);
        grey += weights[c] * value;
      }
      CHECK_NEAR(luma[i] / 255, grey / 255, 3e-6);
    }
    if (check::failures() != before) std::printf("  in: %s\n", expected.name);
  }
}

TEST("grey images are resampled as PyTorch's first channel and normalised for every output channel") {
  Store store(1, 9, 1);
  for (std::size_t i = 0; i < 81; i++) store.pixels[i] = golden::augmentImage[3 * i];
  const AssembleOptions options = store.options(3, true);
  for (const golden::AugmentCase& expected : golden::augmentCases) {
    if (expected.transform.contrast != 1) continue;  // about the mean of all channels there
    AugmentOptions augment = cropOf(expected.size, 32);
    augment.resize = expected.resize;
    const std::vector<float> out = augmented(BatchAssembler(options, augment), {0}, {expected.transform});
    for (std::size_t i = 0; i < out.size(); i++) {
      const std::size_t plane = expected.size * expected.size, c = i / plane;
      const double pixel = expected.expected[i % plane] / 255;
      CHECK_NEAR(out[i],
                 (pixel - static_cast<double>(options.mean[c])) / static_cast<double>(options.deviation[c]),
                 1e-5);
    }
  }
}

TEST("contrast is about the mean luma, then brightness scales, both clamped; outside stays 0") {
  Store store(1, 2, 1);
  store.pixels = {0, 100, 200, 60};  // mean 90
  const BatchAssembler assembler(store.options(1, true), cropOf(3, 1));
  SampleTransform transform{0, 0, false, false, 0, 1.5, 1.5};
  const std::vector<float> out = augmented(assembler, {0}, {transform});
  const std::vector<double> expected = {0, 157.5, 0, 255, 67.5, 0, 0, 0, 0};
  for (std::size_t i = 0; i < 9; i++) CHECK_NEAR(out[i], (expected[i] / 255 - 0.5) / 0.2, 1e-6);

  Store colour(1, 1, 3);
  colour.pixels = {250, 100, 10};  // luma 134.59
  transform = {0, 0, false, false, 0, 0.5, 2};
  const std::vector<float> rgb = augmented(BatchAssembler(colour.options(3)), {0}, {transform});
  CHECK_NEAR(rgb[0], 127.5, 1e-6);
  CHECK_NEAR(rgb[1], 0.5 * (2 * 100 - 134.59), 1e-6);
  CHECK_NEAR(rgb[2], 0, 1e-6);
  const std::vector<float> luma = augmented(BatchAssembler(colour.options(1)), {0}, {transform});
  CHECK_NEAR(luma[0], 0.299 * 127.5 + 0.587 * 0.5 * (2 * 100 - 134.59), 1e-6);
}

TEST("the mean luma of a large image is that of its pixels") {
  for (const std::size_t channels : {1, 3}) {
    Store store(1, 151, channels);
    std::fill_n(store.pixels.begin(), 20000, 255);  // more than the 16 bits of the partial sums take
    double sum = 0;
    for (std::size_t i = 0; i < store.pixels.size(); i++)
      sum += store.pixels[i] * (channels == 1 ? 1.0 : std::array{0.299, 0.587, 0.114}[i % 3]);
    CHECK_NEAR(meanLuma(store.pixels, channels), sum / (151 * 151), 1e-6);
  }
}

TEST("a batch is the same in parts, by several threads") {
  const Store store(8, 20, 3);
  AugmentOptions augment = cropOf(16, 2);
  augment.flip = 0.5;
  augment.rotation = 15;
  augment.brightness = augment.contrast = 0.2;
  for (const std::size_t resize : {0, 15, 24}) {
    augment.resize = resize;
    const BatchAssembler assembler(store.options(3, true), augment);
    const std::vector<std::uint32_t> rows = {3, 1, 7, 7, 0, 2, 6, 5};
    std::vector<SampleTransform> transforms;
    for (std::uint32_t i = 0; i < 8; i++)
      transforms.push_back(drawTransform(augment, 20, {1, 0, rows[i], i == 3}));
    const std::vector<float> whole = augmented(assembler, rows, transforms);
    std::vector<float> parts(whole.size());
    const auto half = [&](std::size_t from) {
      AssembleScratch scratch;
      assembler.assemble(std::span(rows).subspan(from, 4), std::span(transforms).subspan(from, 4),
                         std::span(parts).subspan(from * assembler.imageSize(), 4 * assembler.imageSize()),
                         scratch);
    };
    std::thread other(half, 4);
    half(0);
    other.join();
    CHECK(parts == whole);
  }
}

TEST("evaluation takes the central crop of the resized image") {
  const Store store(1, 9, 1);
  const std::vector<float> whole = assembled(store.options(1), {0}, false);
  AugmentOptions augment;
  augment.crop = Crop::center;
  augment.size = 6;
  const BatchAssembler assembler(store.options(1), augment);
  CHECK(assembler.outputSize() == 6 && assembler.imageSize() == 36);
  std::vector<float> out(36);
  assembler.assemble(std::vector<std::uint32_t>{0}, true, out);
  for (std::size_t i = 0; i < 36; i++) CHECK(out[i] == whole[(i / 6 + 1) * 9 + 1 + 5 - i % 6]);
  augment.size = 12;
  augment.pad = 2;
  CHECK(centralTransform(augment, 9).left == -2 && centralTransform(augment, 9).top == -2);
  CHECK(drawTransform(augment, 9, {1, 2, 3, 4}) == centralTransform(augment, 9));
}
