#pragma once

#include <cmath>

#include "backend/cpu/map_access.h"

namespace thaw::cpu {
namespace {

/** out (+)= value(a, b) everywhere. */
template <typename A, typename B, typename Out, typename Value>
void overElements(const ElementwiseArguments& arguments, const Share& share, bool readsB,
                  const Value& value) {
  overTiles(arguments.domain, share, [&](std::size_t n, std::size_t g, std::size_t p, std::size_t count) {
    for (std::size_t lane = 0; lane < lanes; lane += Simd::width) {
      for (std::size_t i = 0; i < count; i++) {
        const Float a = read(at<A>(arguments.a, n, g, p + i) + lane);
        const Float b = readsB ? read(at<B>(arguments.b, n, g, p + i) + lane) : a;
        Out* out = at<Out>(arguments.out, n, g, p + i) + lane;
        const Float result = value(a, b);
        write(out, arguments.accumulate ? Simd::add(read(out), result) : result);
      }
    }
  });
}

inline Float sigmoidOf(Float a) {
  float values[Simd::width];
  Simd::store(values, a);
  for (float& value : values) value = 1 / (1 + std::exp(-value));
  return Simd::load(values);
}

template <typename T>
void elementwise(const ElementwiseArguments& arguments, const Share& share) {
  const auto& [active, least, most] = arguments.range;
  const Float low = Simd::set(least), high = Simd::set(most), zero = Simd::set(0), one = Simd::set(1);
  const auto activated = [&](Float z) { return active ? clamp(z, low, high) : z; };
  switch (arguments.kind) {
    case Elementwise::add:
      return overElements<T, T, T>(arguments, share, true,
                                   [&](Float a, Float b) { return activated(Simd::add(a, b)); });
    case Elementwise::activate:
      return overElements<T, T, T>(arguments, share, false, [&](Float a, Float) { return activated(a); });
    case Elementwise::gradient:
      return overElements<T, T, T>(arguments, share, true, [&](Float a, Float b) {
        return Simd::select(Simd::both(Simd::less(low, a), Simd::less(a, high)), b, zero);
      });
    case Elementwise::sigmoid:
      return overElements<T, T, T>(arguments, share, false, [](Float a, Float) { return sigmoidOf(a); });
    case Elementwise::sigmoidGradient:
      return overElements<T, T, T>(arguments, share, true, [&](Float a, Float b) {
        return Simd::mul(b, Simd::mul(a, Simd::sub(one, a)));
      });
    case Elementwise::copy:
      return overElements<T, T, T>(arguments, share, false, [](Float a, Float) { return a; });
    case Elementwise::fill:
      return overTiles(arguments.domain, share,
                       [&](std::size_t n, std::size_t g, std::size_t p, std::size_t count) {
                         for (std::size_t i = 0; i < count; i++)
                           for (std::size_t lane = 0; lane < lanes; lane += Simd::width)
                             write(at<T>(arguments.out, n, g, p + i) + lane, zero);
                       });
  }
}

template <typename From, typename To>
void convert(const ElementwiseArguments& arguments, const Share& share) {
  overElements<From, From, To>(arguments, share, false, [](Float a, Float) { return a; });
}

}  // namespace
}  // namespace thaw::cpu
