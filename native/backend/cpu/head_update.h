#pragma once

#include "backend/cpu/head_shape.h"

namespace thaw::cpu {
namespace {

/** One update of 16 · `vectors` parameters; formulas and their source in engine/optimizer.h. */
template <UpdateRule rule, bool decayed>
void updateVectors(const float* gradient, float* weight, float* first, float* second, std::size_t count,
                   const UpdateConstants& constants) {
  const Float rate = Simd::set(constants.rate), coupled = Simd::set(constants.coupled);
  const Float keep = Simd::set(constants.keep), momentum = Simd::set(constants.momentum);
  const Float firstPart = Simd::set(constants.first), secondPart = Simd::set(constants.second);
  const Float epsilon = Simd::set(constants.epsilon);
  for (std::size_t at = 0; at < count; at += Simd::width) {
    const Float w = Simd::load(weight + at);
    Float g = Simd::load(gradient + at);
    if constexpr (decayed) g = Simd::fma(coupled, w, g);
    if constexpr (rule == UpdateRule::adam) {
      const Float oldFirst = Simd::load(first + at), oldSecond = Simd::load(second + at);
      const Float m = Simd::fma(firstPart, Simd::sub(g, oldFirst), oldFirst);
      const Float v = Simd::fma(secondPart, Simd::fms(g, g, oldSecond), oldSecond);
      Simd::store(first + at, m);
      Simd::store(second + at, v);
      Simd::store(weight + at, Simd::minusRatioToRoot(decayed ? Simd::mul(keep, w) : w, rate, m, v, epsilon));
    } else {
      const Float velocity = Simd::fma(momentum, Simd::load(first + at), g);
      Simd::store(first + at, velocity);
      const Float direction = rule == UpdateRule::nesterov ? Simd::fma(momentum, velocity, g) : velocity;
      Simd::store(weight + at, Simd::fnma(rate, direction, w));
    }
  }
}

template <bool decayed>
void updateByRule(const float* gradient, float* weight, float* first, float* second, std::size_t count,
                  const UpdateConstants& constants) {
  switch (constants.rule) {
    case UpdateRule::sgd:
      return updateVectors<UpdateRule::sgd, decayed>(gradient, weight, first, second, count, constants);
    case UpdateRule::nesterov:
      return updateVectors<UpdateRule::nesterov, decayed>(gradient, weight, first, second, count, constants);
    case UpdateRule::adam:
      return updateVectors<UpdateRule::adam, decayed>(gradient, weight, first, second, count, constants);
  }
}

void updateParameters(const float* gradient, float* weight, float* first, float* second, std::size_t count,
                      const UpdateConstants& constants) {
  if (constants.coupled == 0 && constants.keep == 1)
    return updateByRule<false>(gradient, weight, first, second, count, constants);
  updateByRule<true>(gradient, weight, first, second, count, constants);
}

/** average += share · (weight − average); `count` is a multiple of 16. */
void averageParameters(const float* weight, float* average, std::size_t count, float share) {
  const Float part = Simd::set(share);
  for (std::size_t at = 0; at < count; at += Simd::width) {
    const Float old = Simd::load(average + at);
    Simd::store(average + at, Simd::fma(part, Simd::sub(Simd::load(weight + at), old), old));
  }
}

}  // namespace
}  // namespace thaw::cpu
