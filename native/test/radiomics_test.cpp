#include <numbers>
#include <numeric>

#include "engine/error.h"
#include "engine/random.h"
#include "radiomics/extraction.h"
#include "radiomics/field_box.h"
#include "radiomics/first_order.h"
#include "radiomics/glcm.h"
#include "radiomics/order_statistics.h"
#include "radiomics/paper79.h"
#include "radiomics/shape.h"
#include "radiomics/wavelet.h"
#include "radiomics/zones.h"
#include "test/check.h"

using namespace thaw;
using namespace thaw::radiomics;

namespace {

LevelPlane planeOf(int width, const std::vector<int>& codes) {
  LevelPlane plane(width, static_cast<int>(codes.size()) / width, 2);
  for (std::size_t i = 0; i < codes.size(); i++)
    plane.row(static_cast<int>(i) / width)[i % width] = static_cast<std::uint16_t>(codes[i]);
  plane.count(
      static_cast<std::size_t>(std::count_if(codes.begin(), codes.end(), [](int c) { return c > 0; })));
  return plane;
}

}  // namespace

TEST("percentiles equal those of the sorted values, with ties, gaps and outliers") {
  const std::vector<double> shares = {0, 0.1, 0.25, 0.5, 0.75, 0.9, 1};
  for (const std::size_t count : {1u, 2u, 3u, 10u, 1000u, 4097u}) {
    RandomStream random(static_cast<std::uint32_t>(count), 1);
    std::vector<double> values(count);
    for (double& value : values) {
      value = std::floor(random.uniform() * 50) - 20;
      if (random.uniform() < 0.1) value *= 1e6;
    }
    const auto found = percentiles(values, shares);
    std::sort(values.begin(), values.end());
    for (std::size_t i = 0; i < shares.size(); i++) {
      const double rank = shares[i] * static_cast<double>(count - 1);
      const auto below = static_cast<std::size_t>(rank), above = std::min(below + 1, count - 1);
      const double expected =
          values[below] + (rank - static_cast<double>(below)) * (values[above] - values[below]);
      CHECK_NEAR(found[i], expected, 1e-12);
    }
  }
}

TEST("offsets at a Chebyshev distance are half of its ring, none the opposite of another") {
  for (int distance = 1; distance <= 5; distance++) {
    const auto offsets = chebyshevOffsets(distance);
    CHECK(offsets.size() == static_cast<std::size_t>(4 * distance));
    for (std::size_t a = 0; a < offsets.size(); a++) {
      CHECK(std::max(std::abs(offsets[a].x), std::abs(offsets[a].y)) == distance);
      for (std::size_t b = 0; b < a; b++) {
        CHECK(offsets[a].x != offsets[b].x || offsets[a].y != offsets[b].y);
        CHECK(offsets[a].x != -offsets[b].x || offsets[a].y != -offsets[b].y);
      }
    }
  }
}

TEST("zones join at corners and around others; distances count city blocks from outside") {
  // A ring of 1 around a 2, a U of 3 that closes in its last row, outside pixels in the middle.
  const LevelPlane plane = planeOf(7, {1, 1, 1, 3, 0, 3, 0,  //
                                       1, 2, 1, 3, 0, 3, 0,  //
                                       1, 1, 1, 0, 3, 0, 2,  //
                                       2, 0, 0, 0, 0, 2, 0});
  const Zones zones = findZones(plane);
  std::vector<std::pair<int, int>> found;
  for (const Zone& zone : zones.zones) found.emplace_back(zone.code, zone.pixels);
  std::sort(found.begin(), found.end());
  const std::vector<std::pair<int, int>> expected = {{1, 8}, {2, 1}, {2, 1}, {2, 2}, {3, 5}};
  CHECK(found == expected);

  const std::vector<std::uint8_t> inside = {1, 1, 1, 1, 1,  //
                                            1, 1, 1, 1, 1,  //
                                            1, 1, 0, 1, 1,  //
                                            1, 1, 1, 1, 1,  //
                                            1, 1, 1, 1, 1};
  const std::vector<std::uint16_t> distances = {1, 1, 1, 1, 1,  //
                                                1, 2, 1, 2, 1,  //
                                                1, 1, 0, 1, 1,  //
                                                1, 2, 1, 2, 1,  //
                                                1, 1, 1, 1, 1};
  CHECK(borderDistances(inside, {5, 5, 1}) == distances);
}

TEST("the outline of a rectangle is its own with corners cut, its axes those of a uniform rectangle") {
  const int width = 30, height = 20, w = 12, h = 5;
  std::vector<std::uint8_t> inside(width * height);
  for (int y = 4; y < 4 + h; y++) std::fill_n(inside.begin() + y * width + 7, w, 1);
  const Spacing spacing{0.5, 2};
  const auto features = shape(inside.data(), width, height, spacing);
  const double sx = spacing.x, sy = spacing.y;
  const double area = (w * h - 0.5) * sx * sy;
  const double perimeter = 2 * ((w - 1) * sx + (h - 1) * sy) + 4 * std::hypot(sx / 2, sy / 2);
  CHECK_NEAR(features[0].value, area, 1e-12);
  CHECK_NEAR(features[1].value, w * h * sx * sy, 1e-12);
  CHECK_NEAR(features[2].value, perimeter, 1e-12);
  CHECK_NEAR(features[4].value, 2 * std::sqrt(std::numbers::pi * area) / perimeter, 1e-12);
  // Variance of n equally spaced points is (n² − 1) / 12 of their spacing squared.
  const double major = 4 * sy * std::sqrt((h * h - 1) / 12.0), minor = 4 * sx * std::sqrt((w * w - 1) / 12.0);
  CHECK_NEAR(features[7].value, std::max(major, minor), 1e-12);
  CHECK_NEAR(features[8].value, std::min(major, minor), 1e-12);
  CHECK_NEAR(features[6].value,
             std::hypot(w * sx, (h - 1) * sy) > std::hypot((w - 1) * sx, h * sy)
                 ? std::hypot(w * sx, (h - 1) * sy)
                 : std::hypot((w - 1) * sx, h * sy),
             1e-12);
}

TEST("a disc has a disc's area, diameter and axes, and a sphericity below one") {
  const int side = 201;
  const double radius = 80;
  std::vector<std::uint8_t> inside(side * side);
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++) inside[y * side + x] = std::hypot(x - 100, y - 100) <= radius ? 1 : 0;
  const auto features = shape(inside.data(), side, side, {1, 1});
  CHECK_NEAR(features[0].value, std::numbers::pi * radius * radius, 0.005);
  CHECK_NEAR(features[6].value, 2 * radius + 1, 0.01);
  CHECK_NEAR(features[7].value, 2 * radius, 0.005);
  CHECK_NEAR(features[9].value, 1, 1e-9);
  CHECK(features[4].value < 1 && features[4].value > 0.9);
}

TEST("wavelet filters are orthonormal to their even shifts and have their vanishing moments") {
  const std::pair<const char*, int> wavelets[] = {{"haar", 1},  {"db2", 2},   {"db3", 3},  {"db4", 4},
                                                  {"db5", 5},   {"db6", 6},   {"db7", 7},  {"db8", 8},
                                                  {"coif1", 2}, {"coif2", 4}, {"coif3", 6}};
  for (const auto& [name, moments] : wavelets) {
    const std::vector<double>& h = *scalingFilter(name);
    for (std::size_t shift = 0; shift < h.size(); shift += 2) {
      double product = 0;
      for (std::size_t k = shift; k < h.size(); k++) product += h[k] * h[k - shift];
      CHECK_NEAR(product, shift == 0 ? 1 : 0, 1e-10);
    }
    CHECK_NEAR(std::accumulate(h.begin(), h.end(), 0.0), std::numbers::sqrt2, 1e-12);
    for (int moment = 0; moment < moments; moment++) {
      double sum = 0, scale = 0;
      for (std::size_t k = 0; k < h.size(); k++) {
        const double term = (k % 2 == 0 ? 1 : -1) * h[k] * std::pow(static_cast<double>(k), moment);
        sum += term;
        scale += std::abs(term);
      }
      CHECK_NEAR(sum / scale, 0, 1e-9);
    }
  }
  CHECK(scalingFilter("sym4") == nullptr);
}

TEST("subbands keep the energy of an image: their sum is four times it at one level") {
  Volume image{{24, 18, 2}, std::vector<double>(24 * 18 * 2)};
  RandomStream random(3, 1);
  for (double& value : image.values) value = random.uniform();
  const auto energy = [](const Volume& volume) {
    return std::inner_product(volume.values.begin(), volume.values.end(), volume.values.begin(), 0.0);
  };
  double sum = 0;
  for (const Subband& subband : stationaryWavelet(image, *scalingFilter("db3"), 1))
    sum += energy(subband.image);
  CHECK_NEAR(sum, 4 * energy(image), 1e-9);
}

TEST(
    "Laplacian of Gaussian: zero of a plane away from the edges, −2 … of a quadratic; its scale follows the "
    "spacing") {
  const int side = 61;
  Volume image{{side, side, 1}, std::vector<double>(side * side)};
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++)
      image.values[y * side + x] = 3 * (x - 30) - 2 * (y - 30) + 0.5 * (x - 30) * (x - 30);
  const Volume filtered = laplacianOfGaussian(image, 2, {1, 1});
  // The kernel is sampled and cut: within a percent.
  CHECK_NEAR(filtered.values[30 * side + 30], 1, 0.01);
  const Volume scaled = laplacianOfGaussian(image, 1, {0.5, 0.5});
  for (std::size_t i = 0; i < image.values.size(); i++)
    CHECK_NEAR(scaled.values[i], 4 * filtered.values[i], 1e-9);
}

TEST("the body is found beside air, the lungs in it, and neither in a flat image") {
  const int width = 300, height = 240;
  std::vector<double> image(width * height, 5);
  const auto fill = [&](int left, int top, int right, int bottom, double value) {
    for (int y = top; y <= bottom; y++)
      std::fill(&image[y * width + left], &image[y * width + right] + 1, value);
  };
  fill(40, 20, 259, 239, 200);
  fill(80, 60, 129, 159, 90);
  fill(170, 70, 219, 179, 80);
  const auto body = bodyBox(image.data(), width, height);
  CHECK(body && body->left == 40 && body->top == 20 && body->right == 259 && body->bottom == 239);
  const auto lungs = lungBox(image.data(), width, height);
  CHECK(lungs && lungs->left == 80 && lungs->top == 60 && lungs->right == 219 && lungs->bottom == 179);
  fill(170, 70, 219, 179, 200);
  CHECK(!lungBox(image.data(), width, height));
  std::fill(image.begin(), image.end(), 7);
  CHECK(!bodyBox(image.data(), width, height) && !lungBox(image.data(), width, height));
}

TEST("paper79 of two columns by hand") {
  // Left column 10, right column 30: at distance 1 every pair to the right is (10, 30).
  const std::vector<std::uint8_t> pixels = {10, 30, 10, 30, 10, 30};
  const auto features = paper79(pixels, 2, 3);
  CHECK_NEAR(features[0].value, 400, 1e-12);
  CHECK_NEAR(features[1].value, 20, 1e-12);
  CHECK_NEAR(features[2].value, 1.0 / 401, 1e-12);
  CHECK_NEAR(features[3].value, 1, 1e-12);
  CHECK(features[5].standing == Standing::conventional && features[5].value == 1);
  // Down, half of the pairs are (10, 10), half (30, 30).
  CHECK_NEAR(features[12].value, 0, 1e-12);
  CHECK_NEAR(features[15].value, 0.5, 1e-12);
  CHECK_NEAR(features[17].value, 1, 1e-12);
  CHECK(features[18 * 3].standing == Standing::undefined);  // distance 6
  CHECK_NEAR(features[72].value, 20, 1e-12);
  CHECK_NEAR(features[73].value, 10, 1e-12);
  CHECK_NEAR(features[76].value, 1e4, 1e-12);
  CHECK_NEAR(features[78].value, 1, 1e-12);
}

TEST("a stopped extraction throws, a finished one has counted its images") {
  const std::vector<std::uint8_t> pixels(64, 3);
  const std::vector<ImageView> images(
      5, ImageView{std::span<const std::uint8_t>(pixels), {8, 8, 1}, nullptr, {}});
  std::int32_t stop = 0, finished = 0;
  const FeatureTable table = extractAll(images, ExtractionOptions{}, 2, {&stop, nullptr}, &finished);
  CHECK(finished == 5 && table.values.size() == 5 * table.columns);
  stop = 1;
  CHECK_MESSAGE("stopped", extractAll(images, ExtractionOptions{}, 2, {&stop, nullptr}, nullptr));
}
