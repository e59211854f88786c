#include "image/view.h"

#include <cstdint>
#include <vector>

#include "engine/random.h"
#include "image/image_batches.h"
#include "test/check.h"

using namespace thaw;

namespace {

constexpr std::size_t rows = 7, stored = 20;

/** Colour images of random pixels, normalised. */
struct Store {
  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(rows * stored * stored * 3);

  Store() {
    RandomStream random(3, 1);
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random.uniform() * 256);
  }

  AssembleOptions options() const {
    AssembleOptions options;
    options.images = {pixels.data(), rows, stored * stored * 3, ElementType::uint8};
    options.size = stored;
    options.channels = options.outputChannels = 3;
    options.scale = 1.0 / 255;
    options.mean = {0.5f, 0.4f, 0.3f};
    options.deviation = {0.2f, 0.3f, 0.4f};
    return options;
  }
};

AugmentOptions everything() {
  AugmentOptions augment;
  augment.resize = 24;
  augment.size = 18;
  augment.crop = Crop::random;
  augment.pad = 2;
  augment.flip = augment.verticalFlip = 0.5;
  augment.rotation = 15;
  augment.brightness = augment.contrast = 0.3;
  return augment;
}

const std::vector<std::uint32_t> chosen = {6, 0, 3, 3};

std::vector<float> shown(const Store& store, const ImageView& view) {
  ViewBatches batches(store.options(), view);
  std::vector<float> out(chosen.size() * batches.imageSize(), -1000);
  batches.fill(chosen, out);
  return out;
}

std::vector<float> trained(const Store& store, const AugmentOptions& augment, bool training,
                           std::uint32_t seed, std::uint32_t epoch) {
  ImageBatches batches(store.options(), augment);
  std::vector<float> out(chosen.size() * batches.extent().size(), -1000);
  BatchRequest request;
  request.rows = chosen;
  request.seed = seed;
  request.epoch = epoch;
  request.augment = training;
  batches.fill(request, out, {});
  return out;
}

}  // namespace

TEST("a drawn view is what training sees in that epoch, bit for bit") {
  const Store store;
  std::vector<std::vector<float>> passes;
  for (const std::uint32_t pass : {0, 1, 5}) {
    const ImageView view = {everything(), ImageView::Kind::drawn, 11, pass};
    passes.push_back(shown(store, view));
    CHECK(passes.back() == trained(store, everything(), true, 11, pass));
  }
  CHECK(passes[0] != passes[1]);
  CHECK((shown(store, {everything(), ImageView::Kind::drawn, 12, 0}) != passes[0]));
}

TEST("the central view is what evaluation sees, the mirrored one its mirror image") {
  const Store store;
  for (const AugmentOptions& augment : {AugmentOptions{}, everything()}) {
    const auto central = shown(store, {augment, ImageView::Kind::central});
    CHECK(central == trained(store, augment, false, 0, 0));
    const auto mirrored = shown(store, {augment, ImageView::Kind::mirrored});
    const std::size_t side = outputSide(augment, stored);
    for (std::size_t index = 0; index < central.size(); index++) {
      const std::size_t x = index % side;
      CHECK_NEAR(mirrored[index], central[index - x + side - 1 - x], 1e-5);
    }
  }
}

TEST("mixup does not touch a view") {
  const Store store;
  AugmentOptions mixed = everything();
  mixed.mixup = 0.5;
  CHECK((shown(store, {mixed, ImageView::Kind::drawn, 1, 2}) ==
         shown(store, {everything(), ImageView::Kind::drawn, 1, 2})));
}
