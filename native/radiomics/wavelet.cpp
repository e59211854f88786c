#include "radiomics/wavelet.h"

#include <algorithm>
#include <cstring>

namespace thaw::radiomics {
namespace {

/** Filter taps and how far apart they are: 2^(level − 1) pixels. */
struct Taps {
  std::vector<double> weights;
  int dilation;
};

/** Of an orthogonal wavelet: g[k] = (−1)^(k + 1) h[n − 1 − k]. */
std::vector<double> highPassOf(const std::vector<double>& lowPass) {
  std::vector<double> high(lowPass.rbegin(), lowPass.rend());
  for (std::size_t k = 0; k < high.size(); k += 2) high[k] = -high[k];
  return high;
}

/** target[i] = Σ_k weights[k] source[i + (n / 2 − k) · dilation], periodic. */
void alongX(const Volume& source, const Taps& taps, Volume& target) {
  const auto [width, height, slices] = source.extent;
  const int count = static_cast<int>(taps.weights.size());
  const int before = (count / 2 - 1) * taps.dilation, after = count / 2 * taps.dilation;
  std::vector<double> row(width + before + after);
  for (int y = 0; y < height * slices; y++) {
    const double* const from = source.values.data() + static_cast<std::size_t>(y) * width;
    for (int x = 0; x < static_cast<int>(row.size()); x++)
      row[x] = from[((x - before) % width + width) % width];
    double* const to = target.values.data() + static_cast<std::size_t>(y) * width;
    std::fill(to, to + width, 0);
    for (int k = 0; k < count; k++) {
      const double weight = taps.weights[k];
      const double* const shifted = row.data() + before + (count / 2 - k) * taps.dilation;
      for (int x = 0; x < width; x++) to[x] += weight * shifted[x];
    }
  }
}

void alongY(const Volume& source, const Taps& taps, Volume& target) {
  const auto [width, height, slices] = source.extent;
  const int count = static_cast<int>(taps.weights.size());
  for (int slice = 0; slice < slices; slice++)
    for (int y = 0; y < height; y++) {
      double* const to = target.slice(slice) + static_cast<std::size_t>(y) * width;
      std::fill(to, to + width, 0);
      for (int k = 0; k < count; k++) {
        const int row = ((y + (count / 2 - k) * taps.dilation) % height + height) % height;
        const double weight = taps.weights[k];
        const double* const from = source.slice(slice) + static_cast<std::size_t>(row) * width;
        for (int x = 0; x < width; x++) to[x] += weight * from[x];
      }
    }
}

/** The top left of an image, or its periodic continuation. */
Volume sized(const Volume& image, int width, int height) {
  const Extent extent{width, height, image.extent.slices};
  Volume result{extent, std::vector<double>(extent.size())};
  for (int slice = 0; slice < extent.slices; slice++)
    for (int y = 0; y < height; y++) {
      const double* const from =
          image.slice(slice) + static_cast<std::size_t>(y % image.extent.height) * image.extent.width;
      double* const to = result.slice(slice) + static_cast<std::size_t>(y) * width;
      for (int x = 0; x < width; x++) to[x] = from[x % image.extent.width];
    }
  return result;
}

}  // namespace

std::vector<Subband> stationaryWavelet(const Volume& image, const std::vector<double>& lowPass, int levels) {
  const auto [width, height, slices] = image.extent;
  const int multiple = 1 << levels;
  const auto up = [multiple](int side) { return (side + multiple - 1) / multiple * multiple; };
  Volume approximation = sized(image, up(width), up(height));
  const auto empty = [&] {
    return Volume{approximation.extent, std::vector<double>(approximation.values.size())};
  };
  Volume low = empty(), high = empty();
  std::vector<Subband> subbands;
  const auto add = [&](int level, const char* name, Volume subband) {
    const bool fits = subband.extent.width == width && subband.extent.height == height;
    subbands.push_back({level, name, fits ? std::move(subband) : sized(subband, width, height)});
  };
  for (int level = 1; level <= levels; level++) {
    const Taps lows{lowPass, 1 << (level - 1)}, highs{highPassOf(lowPass), 1 << (level - 1)};
    alongX(approximation, lows, low);
    alongX(approximation, highs, high);
    Volume lowHigh = empty(), highLow = empty(), highHigh = empty();
    alongY(low, highs, lowHigh);
    alongY(high, lows, highLow);
    alongY(high, highs, highHigh);
    alongY(low, lows, approximation);
    add(level, "LH", std::move(lowHigh));
    add(level, "HL", std::move(highLow));
    add(level, "HH", std::move(highHigh));
  }
  add(levels, "LL", std::move(approximation));
  return subbands;
}

}  // namespace thaw::radiomics
