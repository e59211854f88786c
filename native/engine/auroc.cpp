#include "engine/auroc.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace thaw {
namespace {

constexpr std::size_t radixThreshold = 1024;
constexpr int digitBits = 11;

/** Unsigned integers in the order of the scores, −0 and +0 alike; the lowest bit is the class. */
std::uint64_t keyOf(float score, std::uint8_t positive) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(score + 0.0f);
  const std::uint32_t ordered = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return std::uint64_t{ordered} << 1 | (positive != 0 ? 1 : 0);
}

/** Least significant digit first over the 32 bits of the score, three passes of 11 bits. */
void radixSort(std::vector<std::uint64_t>& keys, std::vector<std::uint64_t>& other) {
  other.resize(keys.size());
  for (int shift = 1; shift < 33; shift += digitBits) {
    std::array<std::uint32_t, 1u << digitBits> start = {};
    const auto digit = [shift](std::uint64_t key) { return key >> shift & ((1u << digitBits) - 1); };
    for (const std::uint64_t key : keys) start[digit(key)]++;
    std::uint32_t total = 0;
    for (std::uint32_t& count : start) total += std::exchange(count, total);
    for (const std::uint64_t key : keys) other[start[digit(key)]++] = key;
    keys.swap(other);
  }
}

}  // namespace

double auroc(std::span<const float> scores, std::span<const std::uint8_t> positive, AurocScratch& scratch) {
  std::vector<std::uint64_t>& keys = scratch.keys;
  keys.resize(scores.size());
  for (std::size_t i = 0; i < scores.size(); i++) {
    if (std::isnan(scores[i])) return std::numeric_limits<double>::quiet_NaN();
    keys[i] = keyOf(scores[i], positive[i]);
  }
  if (keys.size() < radixThreshold)
    std::sort(keys.begin(), keys.end());
  else
    radixSort(keys, scratch.sorted);
  double wins = 0;
  std::uint64_t positives = 0, negatives = 0;
  for (std::size_t first = 0; first < keys.size();) {
    std::uint64_t tiedPositives = 0, tied = 0;
    for (; first + tied < keys.size() && keys[first + tied] >> 1 == keys[first] >> 1; tied++)
      tiedPositives += keys[first + tied] & 1;
    const std::uint64_t tiedNegatives = tied - tiedPositives;
    wins += static_cast<double>(tiedPositives) *
            (static_cast<double>(negatives) + 0.5 * static_cast<double>(tiedNegatives));
    positives += tiedPositives;
    negatives += tiedNegatives;
    first += tied;
  }
  if (positives == 0 || negatives == 0) return std::numeric_limits<double>::quiet_NaN();
  return wins / (static_cast<double>(positives) * static_cast<double>(negatives));
}

}  // namespace thaw
