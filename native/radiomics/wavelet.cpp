#include "radiomics/wavelet.h"

#include <algorithm>
#include <cstring>

namespace thaw::radiomics {
namespace {

/** Low and high-pass weights, and how far apart their taps are: 2^(level − 1) pixels. */
struct Taps {
  std::vector<double> low, high;
  int dilation;

  int count() const { return static_cast<int>(low.size()); }
  /** To the source pixel of tap k. */
  int shift(int k) const { return (count() / 2 - k) * dilation; }
};

/** Of an orthogonal wavelet: g[k] = (−1)^(k + 1) h[n − 1 − k]. */
std::vector<double> highPassOf(const std::vector<double>& lowPass) {
  std::vector<double> high(lowPass.rbegin(), lowPass.rend());
  for (std::size_t k = 0; k < high.size(); k += 2) high[k] = -high[k];
  return high;
}

/** low[x] = Σ_k taps.low[k] from[k][x], high likewise; both rows at once, since they read the same. */
void weigh(const std::vector<const double*>& from, const Taps& taps, int width, double* low, double* high) {
  std::fill(low, low + width, 0);
  std::fill(high, high + width, 0);
  for (int k = 0; k < taps.count(); k++) {
    const double a = taps.low[k], b = taps.high[k];
    const double* const source = from[k];
    for (int x = 0; x < width; x++) {
      low[x] += a * source[x];
      high[x] += b * source[x];
    }
  }
}

/** target[i] = Σ_k weights[k] source[i + shift(k)], periodic. */
void alongX(const Volume& source, const Taps& taps, Volume& low, Volume& high) {
  const auto [width, height, slices] = source.extent;
  const int before = -taps.shift(taps.count() - 1), after = taps.shift(0);
  std::vector<double> row(width + before + after);
  std::vector<const double*> from;
  for (int k = 0; k < taps.count(); k++) from.push_back(row.data() + before + taps.shift(k));
  for (int y = 0; y < height * slices; y++) {
    const std::size_t start = static_cast<std::size_t>(y) * width;
    for (int x = 0; x < static_cast<int>(row.size()); x++)
      row[x] = source.values[start + ((x - before) % width + width) % width];
    weigh(from, taps, width, low.values.data() + start, high.values.data() + start);
  }
}

void alongY(const Volume& source, const Taps& taps, Volume& low, Volume& high) {
  const auto [width, height, slices] = source.extent;
  std::vector<const double*> from(taps.count());
  for (int slice = 0; slice < slices; slice++)
    for (int y = 0; y < height; y++) {
      for (int k = 0; k < taps.count(); k++) {
        const int row = ((y + taps.shift(k)) % height + height) % height;
        from[k] = source.slice(slice) + static_cast<std::size_t>(row) * width;
      }
      const std::size_t to = static_cast<std::size_t>(y) * width;
      weigh(from, taps, width, low.slice(slice) + to, high.slice(slice) + to);
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
    const Taps taps{lowPass, highPassOf(lowPass), 1 << (level - 1)};
    Volume lowHigh = empty(), highLow = empty(), highHigh = empty();
    alongX(approximation, taps, low, high);
    alongY(high, taps, highLow, highHigh);
    alongY(low, taps, approximation, lowHigh);
    add(level, "LH", std::move(lowHigh));
    add(level, "HL", std::move(highLow));
    add(level, "HH", std::move(highHigh));
  }
  add(levels, "LL", std::move(approximation));
  return subbands;
}

}  // namespace thaw::radiomics
