#pragma once

#include <cstdint>

// Internal linkage, see head_shape.h.
namespace thaw::cpu {
namespace {

/** 4 floats a vector in the compilers' vector extension: NEON on arm64, SSE2 on x86-64. */
struct Simd {
  static constexpr const char* name = "generic";
  static constexpr int width = 4;
#if defined(__aarch64__)
  static constexpr int accumulators = 24;
#else
  static constexpr int accumulators = 12;
#endif
  typedef float Float __attribute__((vector_size(16)));
  typedef std::int32_t Mask __attribute__((vector_size(16)));
  typedef std::uint32_t Words __attribute__((vector_size(16)));

  static Float load(const float* p) {
    Float a;
    __builtin_memcpy(&a, p, sizeof(a));
    return a;
  }
  static Float loadMasked(Mask keep, const float* p) {
    return select(keep, load(p), set(0));
  }
  static void store(float* p, Float a) {
    __builtin_memcpy(p, &a, sizeof(a));
  }
  static Float set(float a) {
    return Float{a, a, a, a};
  }
  static Float add(Float a, Float b) {
    return a + b;
  }
  static Float sub(Float a, Float b) {
    return a - b;
  }
  static Float mul(Float a, Float b) {
    return a * b;
  }
  static Float div(Float a, Float b) {
    return a / b;
  }
  /** The larger of two; b where either is not a number. */
  static Float max(Float a, Float b) {
    return select(a > b, a, b);
  }
  /** a·b + c */
  static Float fma(Float a, Float b, Float c) {
    return a * b + c;
  }
  /** a·b − c */
  static Float fms(Float a, Float b, Float c) {
    return a * b - c;
  }
  /** c − a·b */
  static Float fnma(Float a, Float b, Float c) {
    return c - a * b;
  }
  /** To the nearest integer, for |a| < 2^22. */
  static Float round(Float a) {
    return (a + 12582912.0f) - 12582912.0f;
  }
  /** a · 2^n for integral n in [−126, 127]. */
  static Float scale(Float a, Float n) {
    const Mask exponent = (__builtin_convertvector(n, Mask) + 127) << 23;
    return a * reinterpret_cast<Float>(exponent);
  }

  /** Bits `part · width …` of a panel's 16 mask bits. */
  static Mask mask(std::uint16_t bits, int part) {
    const std::int32_t given = bits >> (part * width);
    const Mask lane = {1, 2, 4, 8};
    return (Mask{given, given, given, given} & lane) != Mask{0, 0, 0, 0};
  }
  static Mask less(Float a, Float b) {
    return a < b;
  }
  static Mask both(Mask a, Mask b) {
    return a & b;
  }
  static Mask isNumber(Float a) {
    return a == a;
  }
  static Mask isNegative(Float a) {
    return a < set(0);
  }
  static Float select(Mask m, Float yes, Float no) {
    return reinterpret_cast<Float>((reinterpret_cast<Mask>(yes) & m) | (reinterpret_cast<Mask>(no) & ~m));
  }

  /** Sums of the elements of four vectors. */
  static void sum4(Float a, Float b, Float c, Float d, float* out) {
    store(out, Float{a[0], b[0], c[0], d[0]} + Float{a[1], b[1], c[1], d[1]} +
                   (Float{a[2], b[2], c[2], d[2]} + Float{a[3], b[3], c[3], d[3]}));
  }

  /** w − r · a / (√b + ε) for b ≥ 0. */
  static Float minusRatioToRoot(Float w, Float r, Float a, Float b, Float epsilon) {
    const Float root = {__builtin_sqrtf(b[0]), __builtin_sqrtf(b[1]), __builtin_sqrtf(b[2]),
                        __builtin_sqrtf(b[3])};
    return w - r * (a / (root + epsilon));
  }

  /** IEEE binary16, see engine/half.h. */
  static float halfToFloat(std::uint16_t half) {
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
    const std::uint32_t rest = half & 0x7fffu;
    const std::uint32_t bits = rest >= 0x7c00u ? 0x7f800000u | (rest & 0x3ffu) << 13 : rest << 13;
    float value;
    __builtin_memcpy(&value, &bits, sizeof(value));
    if (rest < 0x7c00u) value *= 0x1p112f;
    return sign == 0 ? value : -value;
  }
  static Float fromHalf(const std::uint16_t* p) {
    return Float{halfToFloat(p[0]), halfToFloat(p[1]), halfToFloat(p[2]), halfToFloat(p[3])};
  }
  /** bfloat16: the upper half of a float. */
  static Float fromBfloat(const std::uint16_t* p) {
    const Words wide = {p[0], p[1], p[2], p[3]};
    return reinterpret_cast<Float>(wide << 16);
  }
  /** Rounded to nearest even. */
  static void toBfloat(std::uint16_t* p, Float a) {
    const Words bits = reinterpret_cast<Words>(a);
    const Words rounded = bits + 0x7fff + (bits >> 16 & 1);
    // A quiet NaN stays one.
    const Words kept = reinterpret_cast<Words>(select(isNumber(a), reinterpret_cast<Float>(rounded), a));
    for (int lane = 0; lane < width; lane++) p[lane] = static_cast<std::uint16_t>(kept[lane] >> 16);
  }
  static Float fromBytes(const std::uint8_t* p) {
    return Float{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]),
                 static_cast<float>(p[3])};
  }

  /** Lanes of unsigned 32-bit integers, as Philox needs them. */
  static constexpr int words = 4;
  static Words setWords(std::uint32_t a) {
    return Words{a, a, a, a};
  }
  static Words loadWords(const std::uint32_t* p) {
    return Words{p[0], p[1], p[2], p[3]};
  }
  static void storeWords(std::uint32_t* p, Words a) {
    __builtin_memcpy(p, &a, sizeof(a));
  }
  static Words addWords(Words a, Words b) {
    return a + b;
  }
  static Words exclusiveOr(Words a, Words b, Words c) {
    return a ^ b ^ c;
  }
  static Words bitAnd(Words a, Words b) {
    return a & b;
  }
  static Words bitOr(Words a, Words b) {
    return a | b;
  }
  static void multiplyWide(Words a, Words b, Words& high, Words& low) {
    for (int lane = 0; lane < words; lane++)
      high[lane] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(a[lane]) * b[lane] >> 32);
    low = a * b;
  }
  static constexpr std::uint32_t laneOrder[words] = {0, 1, 2, 3};
  /** Four words of 4 lanes → [4 panels, 4 words], panels ascending. */
  static void interleave(const Words (&in)[4], std::uint32_t* out) {
    for (int lane = 0; lane < words; lane++)
      storeWords(out + 4 * lane, Words{in[0][lane], in[1][lane], in[2][lane], in[3][lane]});
  }
};

}  // namespace
}  // namespace thaw::cpu
