#pragma once

#include <immintrin.h>

#include <cstdint>

// Internal linkage, see head_shape.h.
namespace thaw::cpu {
namespace {

/** 8 floats a vector, 16 registers, masks are vectors. Needs AVX2, FMA and F16C. */
struct Simd {
  static constexpr const char* name = "avx2";
  static constexpr int width = 8;
  static constexpr int accumulators = 12;
  using Float = __m256;
  using Mask = __m256;

  static Float load(const float* p) { return _mm256_loadu_ps(p); }
  static Float loadMasked(Mask keep, const float* p) { return _mm256_and_ps(keep, _mm256_loadu_ps(p)); }
  static void store(float* p, Float a) { _mm256_storeu_ps(p, a); }
  static Float set(float a) { return _mm256_set1_ps(a); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float sub(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float mul(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float div(Float a, Float b) { return _mm256_div_ps(a, b); }
  /** The larger of two; b where either is not a number. */
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  /** a·b + c */
  static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  /** a·b − c */
  static Float fms(Float a, Float b, Float c) { return _mm256_fmsub_ps(a, b, c); }
  /** c − a·b */
  static Float fnma(Float a, Float b, Float c) { return _mm256_fnmadd_ps(a, b, c); }
  static Float round(Float a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  /** a · 2^n for integral n in [−126, 127]. */
  static Float scale(Float a, Float n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return mul(a, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
  }

  /** Bits `part · width …` of a panel's 16 mask bits. */
  static Mask mask(std::uint16_t bits, int part) {
    const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i given = _mm256_set1_epi32(bits >> (part * width));
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(given, lane), lane));
  }
  static Mask less(Float a, Float b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
  static Mask both(Mask a, Mask b) { return _mm256_and_ps(a, b); }
  static Mask isNumber(Float a) { return _mm256_cmp_ps(a, a, _CMP_ORD_Q); }
  static Mask isNegative(Float a) { return _mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_LT_OQ); }
  static Float select(Mask m, Float yes, Float no) { return _mm256_blendv_ps(no, yes, m); }

  /** Sums of the elements of four vectors. */
  static void sum4(Float a, Float b, Float c, Float d, float* out) {
    const __m256 abcd = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1)));
  }

  /** w − r · a / (√b + ε) for b ≥ 0. */
  static Float minusRatioToRoot(Float w, Float r, Float a, Float b, Float epsilon) {
    return fnma(r, div(a, add(_mm256_sqrt_ps(b), epsilon)), w);
  }

  static Float fromHalf(const std::uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  /** bfloat16: the upper half of a float. */
  static Float fromBfloat(const std::uint16_t* p) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
  }
  /** Rounded to nearest even. */
  static void toBfloat(std::uint16_t* p, Float a) {
    const __m256i bits = _mm256_castps_si256(a);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    // A quiet NaN stays one.
    const __m256i kept = _mm256_castps_si256(select(isNumber(a), _mm256_castsi256_ps(rounded), a));
    const __m256i upper = _mm256_srli_epi32(kept, 16);
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
  }
  static Float fromBytes(const std::uint8_t* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }

  /** Lanes of unsigned 32-bit integers, as Philox needs them. */
  static constexpr int words = 8;
  using Words = __m256i;
  static Words setWords(std::uint32_t a) { return _mm256_set1_epi32(static_cast<int>(a)); }
  static Words loadWords(const std::uint32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static void storeWords(std::uint32_t* p, Words a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a); }
  static Words addWords(Words a, Words b) { return _mm256_add_epi32(a, b); }
  static Words exclusiveOr(Words a, Words b, Words c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
  static Words bitAnd(Words a, Words b) { return _mm256_and_si256(a, b); }
  static Words bitOr(Words a, Words b) { return _mm256_or_si256(a, b); }
  static void multiplyWide(Words a, Words b, Words& high, Words& low) {
    const Words even = _mm256_mul_epu32(a, b);
    const Words odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), b);
    high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  }
  /** Panel that lane i draws for, so that `interleave` needs no shuffle across 128-bit lanes. */
  static constexpr std::uint32_t laneOrder[words] = {0, 2, 4, 6, 1, 3, 5, 7};
  /** Four words of 8 lanes → [8 panels, 4 words], panels ascending. */
  static void interleave(const Words (&in)[4], std::uint32_t* out) {
    const Words abLow = _mm256_unpacklo_epi32(in[0], in[1]), abHigh = _mm256_unpackhi_epi32(in[0], in[1]);
    const Words cdLow = _mm256_unpacklo_epi32(in[2], in[3]), cdHigh = _mm256_unpackhi_epi32(in[2], in[3]);
    storeWords(out, _mm256_unpacklo_epi64(abLow, cdLow));
    storeWords(out + 8, _mm256_unpackhi_epi64(abLow, cdLow));
    storeWords(out + 16, _mm256_unpacklo_epi64(abHigh, cdHigh));
    storeWords(out + 24, _mm256_unpackhi_epi64(abHigh, cdHigh));
  }
};

}  // namespace
}  // namespace thaw::cpu
