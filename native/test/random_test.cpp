#include "engine/random.h"

#include "backend/reference/head_training.h"
#include "engine/dropout.h"
#include "test/check.h"

using namespace thaw;

// Known answers published with Random123 (kat_vectors), the authors' library.
TEST("Philox4x32-10 gives the known answers of its authors") {
  CHECK((philox({0, 0, 0, 0}, 0, 0) == PhiloxBlock{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  const std::uint32_t ones = 0xffffffffu;
  CHECK((philox({ones, ones, ones, ones}, ones, ones) ==
         PhiloxBlock{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  CHECK((philox({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, 0xa4093822u, 0x299f31d0u) ==
         PhiloxBlock{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

TEST("a stream reads the words of consecutive blocks") {
  RandomStream random(7, initialWeightsStream);
  for (std::uint32_t block = 0; block < 3; block++)
    for (const std::uint32_t word : philox({block, 0, 0, 0}, 7, initialWeightsStream))
      CHECK(random.uniform() == word / 4294967296.0);
}

TEST("initial weights are uniform within 1 / sqrt(features)") {
  const reference::Head head = reference::initialWeights(400, 14, 3);
  double most = 0, sum = 0, squares = 0;
  for (const double w : head.weight) {
    most = std::max(most, std::abs(w));
    sum += w;
    squares += w * w;
  }
  const double count = static_cast<double>(head.weight.size());
  CHECK(most <= 0.05 && most > 0.0499);
  CHECK_NEAR(sum / count, 0, 1.5e-3);
  CHECK_NEAR(squares / count / (0.05 * 0.05 / 3), 1, 0.05);
}

TEST("a feature is dropped as often as the rate says, independently of step, position and feature") {
  const std::uint32_t threshold = 13107;  // round(0.2 * 65536)
  int dropped = 0, both = 0, count = 0;
  for (std::uint32_t step = 0; step < 20; step++)
    for (std::size_t position = 0; position < 20; position++)
      for (std::size_t feature = 0; feature < 50; feature++) {
        const bool drop = !isKept({1, step, 0}, position, feature, threshold);
        dropped += drop;
        both += drop && !isKept({1, step, 0}, position + 1, feature, threshold);
        count++;
      }
  CHECK_NEAR(static_cast<double>(dropped) / count, 0.2, 0.012);
  CHECK_NEAR(static_cast<double>(both) / count, 0.04, 0.007);
}
