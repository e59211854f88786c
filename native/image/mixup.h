#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace thaw {

/** Stream of the random numbers of mixup, beside those of `src/base/random.ts`. */
inline constexpr std::uint32_t mixupStream = 10;

/** Whose mixture is drawn. */
struct MixupKey {
  std::uint32_t seed = 0;
  std::uint32_t step = 0;
  std::uint32_t position = 0;  ///< in the batch
};

/** x ← λ · x + (1 − λ) · x[partner], for an image and for its targets. */
struct Mixture {
  float lambda = 1;
  std::uint32_t partner = 0;  ///< position in the batch

  bool operator==(const Mixture&) const = default;
};

/**
 * Mixup (Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, arXiv 1710.09412) with one λ ~
 * Beta(alpha, alpha) an image and a partner that is any of the `count` images of the batch with equal chance,
 * the image itself included, as with the random permutation of the authors' code. alpha 0 mixes nothing.
 *
 * Draws from the Philox blocks with the key (seed, mixupStream) and the counter (block, purpose, position,
 * step); purpose 0 is the partner, 1 and 2 are the two gamma variates.
 */
Mixture drawMixture(double alpha, const MixupKey& key, std::size_t count);

/**
 * Mixes the images first … first + out.size() / imageSize − 1 of a batch: `out` = λ · image + (1 − λ) ·
 * partner, both read from `plain` [n, imageSize], which `out` must not overlap. λ and partner are [n].
 * Threads may take parts of a batch. λ = 1 copies the image and λ = 0 its partner, so that an unknown target
 * (NaN) of weight 0 does not spread; targets are mixed by the same call with imageSize = outputs.
 */
void mixInto(std::span<const float> plain, std::size_t imageSize, std::span<const float> lambdas,
             std::span<const std::uint32_t> partners, std::size_t first, std::span<float> out);

/** Mixes a batch `out` [n, imageSize] in place; `scratch` [n, imageSize] keeps the images as they were. */
void mix(std::span<float> out, std::size_t n, std::size_t imageSize, std::span<const float> lambdas,
         std::span<const std::uint32_t> partners, std::span<float> scratch);

}  // namespace thaw
