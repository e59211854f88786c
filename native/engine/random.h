#pragma once

#include <array>
#include <cstdint>

namespace thaw {

using PhiloxBlock = std::array<std::uint32_t, 4>;

/**
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
 * doi 10.1145/2063384.2063405): four words for a 128-bit counter and a 64-bit key. The same numbers as
 * `src/base/random.ts`.
 */
constexpr PhiloxBlock philox(PhiloxBlock counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; round++) {
    const std::uint64_t product0 = std::uint64_t{0xd2511f53u} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xcd9e8d57u} * counter[2];
    counter = {
        static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(product1),
        static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(product0)};
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
  return counter;
}

/** Sequential reader over one (seed, stream), as `RandomStream` in `src/base/random.ts`. */
class RandomStream {
 public:
  RandomStream(std::uint32_t seed, std::uint32_t stream) : seed_(seed), stream_(stream) {}

  /** Next number in [0, 1), 32 bits of resolution. */
  double uniform() {
    const std::uint32_t lane = index_ & 3;
    if (lane == 0) block_ = philox({static_cast<std::uint32_t>(index_ / 4), 0, 0, 0}, seed_, stream_);
    index_++;
    return block_[lane] / 4294967296.0;
  }

 private:
  std::uint32_t seed_;
  std::uint32_t stream_;
  std::uint64_t index_ = 0;
  PhiloxBlock block_ = {};
};

}  // namespace thaw
