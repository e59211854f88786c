#pragma once

#include "backend/cpu/map_kernels.h"

// Over the struct Simd of the instruction set, internal linkage, see head_shape.h.
namespace thaw::cpu {
namespace {

using Float = Simd::Float;

/** bfloat16 numbers as their bits. */
struct Bfloat {
  std::uint16_t bits;
};

inline Float read(const float* p) {
  return Simd::load(p);
}
inline Float read(const Bfloat* p) {
  return Simd::fromBfloat(&p->bits);
}
inline void write(float* p, Float a) {
  Simd::store(p, a);
}
inline void write(Bfloat* p, Float a) {
  Simd::toBfloat(&p->bits, a);
}

template <typename T>
T* at(const Map& map, std::size_t image, std::size_t group, std::size_t pixel) {
  return static_cast<T*>(map.data) + image * map.imageStride + group * map.groupStride +
         pixel * map.pixelStride;
}

inline Float minimum(Float a, Float b) {
  return Simd::select(Simd::less(a, b), a, b);
}

inline Float clamp(Float a, Float least, Float most) {
  // NaN passes: a comparison with it is false.
  return Simd::select(Simd::less(a, least), least, Simd::select(Simd::less(most, a), most, a));
}

/**
 * Calls body(image, group, firstPixel, pixels) for all that the share holds: in blocked order whole planes;
 * channels last a few pixels of every group in turn, so that memory is read from front to back.
 */
template <typename Body>
void overTiles(const Domain& domain, const Share& share, const Body& body) {
  constexpr std::size_t few = 8;
  for (std::size_t item = share.begin; item < share.end; item++) {
    if (domain.blocked) {
      body(item / domain.groups, item % domain.groups, std::size_t{0}, domain.pixels());
      continue;
    }
    const std::size_t runs = (domain.pixels() + Domain::run - 1) / Domain::run;
    const std::size_t image = item / runs, first = item % runs * Domain::run;
    const std::size_t end = first + Domain::run < domain.pixels() ? first + Domain::run : domain.pixels();
    for (std::size_t pixel = first; pixel < end; pixel += few)
      for (std::size_t group = 0; group < domain.groups; group++)
        body(image, group, pixel, pixel + few < end ? few : end - pixel);
  }
}

/** As `overTiles`; what body adds to share.partial goes to share.sums in double precision after every item.
 */
template <typename Body>
void overTilesWithSums(const Domain& domain, const Share& share, const Body& body) {
  const std::size_t channels = domain.groups * lanes;
  for (std::size_t item = share.begin; item < share.end; item++) {
    const std::size_t first = domain.blocked ? item % domain.groups * lanes : 0;
    const std::size_t end = domain.blocked ? first + lanes : channels;
    for (std::size_t which = 0; which < 2; which++)
      for (std::size_t c = first; c < end; c++) share.partial[which * channels + c] = 0;
    overTiles(domain, {item, item + 1, nullptr, nullptr}, body);
    for (std::size_t which = 0; which < 2; which++)
      for (std::size_t c = first; c < end; c++)
        share.sums[which * channels + c] += static_cast<double>(share.partial[which * channels + c]);
  }
}

inline void addTo(float* p, Float a) {
  Simd::store(p, Simd::add(Simd::load(p), a));
}

}  // namespace
}  // namespace thaw::cpu
