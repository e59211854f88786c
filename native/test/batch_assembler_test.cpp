#include "image/batch_assembler.h"

#include <string>

#include "test/check.h"

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
}
