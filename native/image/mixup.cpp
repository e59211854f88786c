#include "image/mixup.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/random.h"

namespace thaw {
namespace {

/** More is never needed: an attempt fails less than once in twenty times, so 64 in a row less than 1e-83
 * times. */
constexpr std::uint32_t mostAttempts = 64;

/** In (0, 1], so that it has a logarithm. */
double positiveUniform(std::uint32_t word) {
  return (word + 1.0) / 4294967296.0;
}

/**
 * Logarithm of a variate of Gamma(shape, 1), by Marsaglia and Tsang, "A simple method for generating gamma
 * variables", ACM TOMS 26 (2000), doi 10.1145/358407.358414: with d = a − 1/3, c = 1 / √(9d), x normal and v
 * = (1 + cx)³, d·v is a variate of Gamma(a) when v > 0 and log u < x²/2 + d − d·v + d·log v. For every shape,
 * a = shape + 1 is drawn and multiplied by w^(1 / shape), w uniform (their section 6); the logarithm keeps
 * small shapes from underflowing. Attempt i reads block i: two words for x (Box-Muller), one for u, and of
 * block 0 the last for w.
 */
double logGamma(double shape, const MixupKey& key, std::uint32_t purpose) {
  const double d = shape + 2.0 / 3, c = 1 / std::sqrt(9 * d);
  double logVariate = std::log(d), logBoost = 0;
  for (std::uint32_t attempt = 0; attempt < mostAttempts; attempt++) {
    const PhiloxBlock word = philox({attempt, purpose, key.position, key.step}, key.seed, mixupStream);
    if (attempt == 0) logBoost = std::log(positiveUniform(word[3])) / shape;
    const double x = std::sqrt(-2 * std::log(positiveUniform(word[0]))) *
                     std::cos(2 * std::numbers::pi * positiveUniform(word[1]));
    const double root = 1 + c * x, v = root * root * root;
    if (v > 0 && std::log(positiveUniform(word[2])) < x * x / 2 + d - d * v + d * std::log(v)) {
      logVariate = std::log(d * v);
      break;
    }
  }
  return logVariate + logBoost;
}

}  // namespace

Mixture drawMixture(double alpha, const MixupKey& key, std::size_t count) {
  if (alpha == 0) return {1, key.position};
  const std::uint32_t word = philox({0, 0, key.position, key.step}, key.seed, mixupStream)[0];
  // G₁ / (G₁ + G₂) of two gamma variates is Beta(alpha, alpha).
  const double lambda = 1 / (1 + std::exp(logGamma(alpha, key, 2) - logGamma(alpha, key, 1)));
  return {static_cast<float>(lambda), static_cast<std::uint32_t>(word * std::uint64_t{count} >> 32)};
}

void mixInto(std::span<const float> plain, std::size_t imageSize, std::span<const float> lambdas,
             std::span<const std::uint32_t> partners, std::size_t first, std::span<float> out) {
  const std::size_t count = imageSize == 0 ? 0 : out.size() / imageSize;
  for (std::size_t i = 0; i < count; i++) {
    const float lambda = lambdas[first + i], rest = 1 - lambda;
    const float* image = plain.data() + (first + i) * imageSize;
    const float* partner = plain.data() + partners[first + i] * imageSize;
    float* target = out.data() + i * imageSize;
    if (lambda == 1 || image == partner)
      std::copy_n(image, imageSize, target);
    else if (lambda == 0)
      std::copy_n(partner, imageSize, target);
    else
      for (std::size_t k = 0; k < imageSize; k++) target[k] = lambda * image[k] + rest * partner[k];
  }
}

void mix(std::span<float> out, std::size_t n, std::size_t imageSize, std::span<const float> lambdas,
         std::span<const std::uint32_t> partners, std::span<float> scratch) {
  std::copy_n(out.data(), n * imageSize, scratch.data());
  mixInto(scratch.first(n * imageSize), imageSize, lambdas, partners, 0, out.first(n * imageSize));
}

}  // namespace thaw
