#pragma once

#include "backend/cpu/map_access.h"

namespace thaw::cpu {
namespace {

template <typename T>
void statistics(const StatisticsArguments& arguments, const Share& share) {
  const std::size_t channels = arguments.domain.groups * lanes;
  const bool copies = arguments.to.data != nullptr;
  overTilesWithSums(arguments.domain, share,
                    [&](std::size_t n, std::size_t g, std::size_t p, std::size_t count) {
                      for (std::size_t lane = 0; lane < lanes; lane += Simd::width) {
                        const std::size_t channel = g * lanes + lane;
                        const Float shift = Simd::load(arguments.shift + channel);
                        Float sum = Simd::set(0), squares = Simd::set(0), sum2 = sum, squares2 = squares;
                        const T* x = at<T>(arguments.from, n, g, p) + lane;
                        const auto one = [&](std::size_t i, Float& s, Float& q) {
                          const Float value = read(x + i * arguments.from.pixelStride);
                          if (copies) write(at<T>(arguments.to, n, g, p + i) + lane, value);
                          const Float shifted = Simd::sub(value, shift);
                          s = Simd::add(s, shifted);
                          q = Simd::fma(shifted, shifted, q);
                        };
                        std::size_t i = 0;
                        for (; i + 2 <= count; i += 2) {
                          one(i, sum, squares);
                          one(i + 1, sum2, squares2);
                        }
                        if (i < count) one(i, sum, squares);
                        addTo(share.partial + channel, Simd::add(sum, sum2));
                        addTo(share.partial + channels + channel, Simd::add(squares, squares2));
                      }
                    });
}

template <typename T>
void normalize(const NormalizeArguments& arguments, const Share& share) {
  const auto& [active, least, most] = arguments.range;
  const Float low = Simd::set(least), high = Simd::set(most);
  const bool adds = arguments.residual.data != nullptr;
  overTiles(arguments.domain, share, [&](std::size_t n, std::size_t g, std::size_t p, std::size_t count) {
    for (std::size_t lane = 0; lane < lanes; lane += Simd::width) {
      const Float a = Simd::load(arguments.a + g * lanes + lane),
                  b = Simd::load(arguments.b + g * lanes + lane);
      const Float mean = Simd::load(arguments.mean + g * lanes + lane);
      const T* x = at<T>(arguments.in, n, g, p) + lane;
      T* y = at<T>(arguments.out, n, g, p) + lane;
      for (std::size_t i = 0; i < count; i++) {
        Float z = Simd::fma(a, Simd::sub(read(x + i * arguments.in.pixelStride), mean), b);
        if (adds) z = Simd::add(z, read(at<T>(arguments.residual, n, g, p + i) + lane));
        if (active) z = clamp(z, low, high);
        write(y + i * arguments.out.pixelStride, z);
      }
    }
  });
}

/** How the activation's mask is found. */
enum class MaskBy { nothing, input, result };

template <typename T, MaskBy maskBy, bool reduce>
void backwardTile(const NormalizeBackwardArguments& arguments, const Share& share, std::size_t n,
                  std::size_t g, std::size_t p, std::size_t count) {
  const std::size_t channels = arguments.domain.groups * lanes;
  const Float low = Simd::set(arguments.range.least), high = Simd::set(arguments.range.most),
              zero = Simd::set(0);
  const bool toResidual = arguments.residual.data != nullptr, toInput = arguments.out.data != nullptr;
  const bool corrects = arguments.k1 != nullptr;
  for (std::size_t lane = 0; lane < lanes; lane += Simd::width) {
    const std::size_t channel = g * lanes + lane;
    const Float a = maskBy == MaskBy::input ? Simd::load(arguments.a + channel) : zero;
    const Float b = maskBy == MaskBy::input ? Simd::load(arguments.b + channel) : zero;
    const Float mean = Simd::load(arguments.mean + channel);
    const Float scale = toInput ? Simd::load(arguments.scale + channel) : zero;
    const Float k1 = corrects ? Simd::load(arguments.k1 + channel) : zero;
    const Float k2 = corrects ? Simd::load(arguments.k2 + channel) : zero;
    const T* dy = at<T>(arguments.gradient, n, g, p) + lane;
    const T* x = at<T>(arguments.in, n, g, p) + lane;
    Float sum = zero, product = zero;
    for (std::size_t i = 0; i < count; i++) {
      Float gradient = read(dy + i * arguments.gradient.pixelStride);
      const Float value = Simd::sub(read(x + i * arguments.in.pixelStride), mean);
      if constexpr (maskBy != MaskBy::nothing) {
        const Float z =
            maskBy == MaskBy::input ? Simd::fma(a, value, b) : read(at<T>(arguments.y, n, g, p + i) + lane);
        gradient = Simd::select(Simd::both(Simd::less(low, z), Simd::less(z, high)), gradient, zero);
      }
      if constexpr (reduce) {
        sum = Simd::add(sum, gradient);
        product = Simd::fma(gradient, value, product);
      }
      if (toResidual) {
        T* residual = at<T>(arguments.residual, n, g, p + i) + lane;
        write(residual, arguments.accumulateResidual ? Simd::add(read(residual), gradient) : gradient);
      }
      if (toInput) {
        T* out = at<T>(arguments.out, n, g, p + i) + lane;
        Float result = Simd::mul(scale, gradient);
        if (corrects) result = Simd::add(result, Simd::fma(k2, value, k1));
        if (arguments.accumulate) result = Simd::add(result, read(out));
        write(out, result);
      }
    }
    if constexpr (reduce) {
      addTo(share.partial + channel, sum);
      addTo(share.partial + channels + channel, product);
    }
  }
}

template <typename T, MaskBy maskBy>
void backwardMasked(const NormalizeBackwardArguments& arguments, const Share& share) {
  using Size = std::size_t;
  if (arguments.reduce)
    overTilesWithSums(arguments.domain, share, [&](Size n, Size g, Size p, Size count) {
      backwardTile<T, maskBy, true>(arguments, share, n, g, p, count);
    });
  else
    overTiles(arguments.domain, share, [&](Size n, Size g, Size p, Size count) {
      backwardTile<T, maskBy, false>(arguments, share, n, g, p, count);
    });
}

template <typename T>
void normalizeBackward(const NormalizeBackwardArguments& arguments, const Share& share) {
  if (!arguments.range.active) return backwardMasked<T, MaskBy::nothing>(arguments, share);
  if (arguments.y.data != nullptr) return backwardMasked<T, MaskBy::result>(arguments, share);
  backwardMasked<T, MaskBy::input>(arguments, share);
}

template <typename T>
void correct(const CorrectArguments& arguments, const Share& share) {
  overTiles(arguments.domain, share, [&](std::size_t n, std::size_t g, std::size_t p, std::size_t count) {
    for (std::size_t lane = 0; lane < lanes; lane += Simd::width) {
      const Float k1 = Simd::load(arguments.k1 + g * lanes + lane),
                  k2 = Simd::load(arguments.k2 + g * lanes + lane);
      const Float mean = Simd::load(arguments.mean + g * lanes + lane);
      for (std::size_t i = 0; i < count; i++) {
        const Float x = Simd::sub(read(at<T>(arguments.x, n, g, p + i) + lane), mean);
        const Float from = read(at<T>(arguments.from, n, g, p + i) + lane);
        write(at<T>(arguments.to, n, g, p + i) + lane, Simd::add(from, Simd::fma(k2, x, k1)));
      }
    }
  });
}

}  // namespace
}  // namespace thaw::cpu
