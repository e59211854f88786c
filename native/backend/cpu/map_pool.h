#pragma once

#include "backend/cpu/map_access.h"

namespace thaw::cpu {
namespace {

/** Calls body(kernel pixel, input pixel) for the pixels of a window that lie on the map. */
template <typename Body>
void overWindow(const PoolArguments& arguments, std::size_t y, std::size_t x, const Body& body) {
  for (std::size_t ky = 0; ky < arguments.kernel[0]; ky++) {
    // Unsigned: left of the map is a large number.
    const std::size_t iy = y * arguments.stride[0] + ky * arguments.dilation[0] - arguments.padding[0];
    if (iy >= arguments.inHeight) continue;
    for (std::size_t kx = 0; kx < arguments.kernel[1]; kx++) {
      const std::size_t ix = x * arguments.stride[1] + kx * arguments.dilation[1] - arguments.padding[1];
      if (ix < arguments.inWidth) body(ky * arguments.kernel[1] + kx, iy * arguments.inWidth + ix);
    }
  }
}

/** Calls body(image, first group, end) for all items of a share. */
template <typename Body>
void overItems(const Domain& domain, const Share& share, const Body& body) {
  const std::size_t each = groupsOfItem(domain), perImage = (domain.groups + each - 1) / each;
  for (std::size_t item = share.begin; item < share.end; item++) {
    const std::size_t first = item % perImage * each;
    body(item / perImage, first, first + each < domain.groups ? first + each : domain.groups);
  }
}

/** Calls body(image, group, output pixel, y, x) for all pixels of the share's planes. */
template <typename Body>
void overPlanes(const Domain& domain, const Share& share, const Body& body) {
  overItems(domain, share, [&](std::size_t n, std::size_t first, std::size_t end) {
    for (std::size_t y = 0; y < domain.height; y++)
      for (std::size_t x = 0; x < domain.width; x++)
        for (std::size_t g = first; g < end; g++) body(n, g, y * domain.width + x, y, x);
  });
}

template <typename T>
void maximumPool(const PoolArguments& arguments, const Share& share) {
  overPlanes(arguments.domain, share,
             [&](std::size_t n, std::size_t g, std::size_t p, std::size_t y, std::size_t x) {
               for (std::size_t lane = 0; lane < lanes; lane += Simd::width) {
                 Float best = Simd::set(0), where = Simd::set(0);
                 bool none = true;
                 overWindow(arguments, y, x, [&](std::size_t k, std::size_t pixel) {
                   const Float value = read(at<T>(arguments.in, n, g, pixel) + lane),
                               index = Simd::set(static_cast<float>(k));
                   if (none) {
                     best = value;
                     where = index;
                     none = false;
                     return;
                   }
                   const auto larger = Simd::less(best, value);
                   best = Simd::select(larger, value, best);
                   where = Simd::select(larger, index, where);
                 });
                 write(at<T>(arguments.out, n, g, p) + lane, best);
                 if (arguments.indices.data == nullptr) continue;
                 float indices[Simd::width];
                 Simd::store(indices, where);
                 std::uint8_t* bytes = at<std::uint8_t>(arguments.indices, n, g, p) + lane;
                 for (int i = 0; i < Simd::width; i++) bytes[i] = static_cast<std::uint8_t>(indices[i]);
               }
             });
}

template <typename T>
void clearPlanes(const PoolBackwardArguments& arguments, const Share& share) {
  const std::size_t pixels = arguments.forward.inHeight * arguments.forward.inWidth;
  if (arguments.accumulate) return;
  overItems(arguments.forward.domain, share, [&](std::size_t n, std::size_t first, std::size_t end) {
    for (std::size_t p = 0; p < pixels; p++)
      for (std::size_t g = first; g < end; g++)
        for (std::size_t lane = 0; lane < lanes; lane += Simd::width)
          write(at<T>(arguments.out, n, g, p) + lane, Simd::set(0));
  });
}

template <typename T>
void maximumPoolBackward(const PoolBackwardArguments& arguments, const Share& share) {
  clearPlanes<T>(arguments, share);
  const PoolArguments& forward = arguments.forward;
  overPlanes(
      forward.domain, share, [&](std::size_t n, std::size_t g, std::size_t p, std::size_t y, std::size_t x) {
        const std::uint8_t* bytes = at<std::uint8_t>(forward.indices, n, g, p);
        for (std::size_t lane = 0; lane < lanes; lane += Simd::width) {
          float indices[Simd::width];
          for (int i = 0; i < Simd::width; i++) indices[i] = static_cast<float>(bytes[lane + i]);
          const Float where = Simd::load(indices), gradient = read(at<T>(arguments.gradient, n, g, p) + lane);
          overWindow(forward, y, x, [&](std::size_t k, std::size_t pixel) {
            const Float index = Simd::set(static_cast<float>(k)), half = Simd::set(0.5f);
            const auto same = Simd::both(Simd::less(Simd::sub(index, half), where),
                                         Simd::less(where, Simd::add(index, half)));
            T* out = at<T>(arguments.out, n, g, pixel) + lane;
            write(out, Simd::add(read(out), Simd::select(same, gradient, Simd::set(0))));
          });
        }
      });
}

/** 1 / number of pixels that a window's average counts. */
inline float inverseCount(const PoolArguments& arguments, std::size_t y, std::size_t x) {
  std::size_t count = 1;
  const std::size_t position[2] = {y, x}, size[2] = {arguments.inHeight, arguments.inWidth};
  for (std::size_t axis = 0; axis < 2; axis++) {
    const std::size_t start = position[axis] * arguments.stride[axis];  // on the padded map
    const std::size_t stop = start + arguments.kernel[axis];
    const std::size_t before = arguments.padding[axis];
    const std::size_t first = arguments.countIncludesPadding || start > before ? start : before;
    const std::size_t limit =
        arguments.countIncludesPadding ? arguments.paddedEnd[axis] : before + size[axis];
    count *= (stop < limit ? stop : limit) - first;
  }
  return 1 / static_cast<float>(count);
}

template <typename T>
void averagePool(const PoolArguments& arguments, const Share& share) {
  overPlanes(arguments.domain, share,
             [&](std::size_t n, std::size_t g, std::size_t p, std::size_t y, std::size_t x) {
               const Float factor = Simd::set(inverseCount(arguments, y, x));
               for (std::size_t lane = 0; lane < lanes; lane += Simd::width) {
                 Float sum = Simd::set(0);
                 overWindow(arguments, y, x, [&](std::size_t, std::size_t pixel) {
                   sum = Simd::add(sum, read(at<T>(arguments.in, n, g, pixel) + lane));
                 });
                 write(at<T>(arguments.out, n, g, p) + lane, Simd::mul(sum, factor));
               }
             });
}

template <typename T>
void averagePoolBackward(const PoolBackwardArguments& arguments, const Share& share) {
  clearPlanes<T>(arguments, share);
  const PoolArguments& forward = arguments.forward;
  overPlanes(forward.domain, share,
             [&](std::size_t n, std::size_t g, std::size_t p, std::size_t y, std::size_t x) {
               const Float factor = Simd::set(inverseCount(forward, y, x));
               for (std::size_t lane = 0; lane < lanes; lane += Simd::width) {
                 const Float gradient = Simd::mul(read(at<T>(arguments.gradient, n, g, p) + lane), factor);
                 overWindow(forward, y, x, [&](std::size_t, std::size_t pixel) {
                   T* out = at<T>(arguments.out, n, g, pixel) + lane;
                   write(out, Simd::add(read(out), gradient));
                 });
               }
             });
}

}  // namespace
}  // namespace thaw::cpu
