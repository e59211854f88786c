#include "engine/half.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "test/check.h"

using namespace thaw;

TEST("known halves: IEEE 754 binary16") {
  CHECK(floatToHalf(0.0f) == 0x0000);
  CHECK(floatToHalf(-0.0f) == 0x8000);
  CHECK(floatToHalf(1.0f) == 0x3c00);
  CHECK(floatToHalf(-2.0f) == 0xc000);
  CHECK(floatToHalf(0.333251953125f) == 0x3555);
  CHECK(floatToHalf(65504.0f) == 0x7bff);
  CHECK(floatToHalf(65519.996f) == 0x7bff);
  CHECK(floatToHalf(65520.0f) == 0x7c00);
  CHECK(floatToHalf(std::numeric_limits<float>::infinity()) == 0x7c00);
  CHECK(floatToHalf(-1e10f) == 0xfc00);
  CHECK(floatToHalf(0x1p-14f) == 0x0400);
  CHECK(floatToHalf(0x1p-24f) == 0x0001);
  CHECK(floatToHalf(0x1p-25f) == 0x0000);
  CHECK(floatToHalf(0x1.8p-25f) == 0x0001);
  CHECK(floatToHalf(0x1.ff8p-15f) == 0x03ff);
  CHECK(floatToHalf(0x1.ffep-15f) == 0x0400);
  CHECK((floatToHalf(std::numeric_limits<float>::quiet_NaN()) & 0x7fff) > 0x7c00);
}

TEST("halfway cases go to the even neighbour") {
  CHECK(floatToHalf(1.0f + 0x1p-11f) == 0x3c00);
  CHECK(floatToHalf(1.0f + 0x3p-11f) == 0x3c02);
  CHECK(floatToHalf(1.0f + 0x1.01p-11f) == 0x3c01);
}

TEST("every half survives the way to float and back") {
  for (std::uint32_t half = 0; half < 0x10000u; half++) {
    const float value = halfToFloat(static_cast<std::uint16_t>(half));
    if (std::isnan(value)) continue;
    CHECK(floatToHalf(value) == half);
  }
  CHECK(std::isnan(halfToFloat(0x7e00)));
  CHECK(std::isinf(halfToFloat(0xfc00)));
  CHECK(halfToFloat(0x0001) == 0x1p-24f);
}
