#pragma once

#include <immintrin.h>

#include <cstdint>

// Internal linkage, see head_shape.h.
namespace thaw::cpu {
namespace {

/** 16 floats a vector, 32 registers, predicate registers. Needs AVX-512 F, BW, DQ, VL. */
struct Simd {
  static constexpr const char* name = "avx512";
  static constexpr int width = 16;
  static constexpr int accumulators = 28;
  using Float = __m512;
  using Mask = __mmask16;

  static Float load(const float* p) { return _mm512_loadu_ps(p); }
  static Float loadMasked(Mask keep, const float* p) { return _mm512_maskz_loadu_ps(keep, p); }
  static void store(float* p, Float a) { _mm512_storeu_ps(p, a); }
  static Float set(float a) { return _mm512_set1_ps(a); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float sub(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static Float mul(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float div(Float a, Float b) { return _mm512_div_ps(a, b); }
  /** The larger of two; b where either is not a number. */
  static Float max(Float a, Float b) { return _mm512_max_ps(a, b); }
  /** a·b + c */
  static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  /** a·b − c */
  static Float fms(Float a, Float b, Float c) { return _mm512_fmsub_ps(a, b, c); }
  /** c − a·b */
  static Float fnma(Float a, Float b, Float c) { return _mm512_fnmadd_ps(a, b, c); }
  static Float round(Float a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  /** a · 2^n for integral n. */
  static Float scale(Float a, Float n) { return _mm512_scalef_ps(a, n); }

  /** Bits `part · width …` of a panel's 16 mask bits. */
  static Mask mask(std::uint16_t bits, int) { return bits; }
  static Mask less(Float a, Float b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static Mask both(Mask a, Mask b) { return a & b; }
  static Mask isNumber(Float a) { return _mm512_cmp_ps_mask(a, a, _CMP_ORD_Q); }
  static Mask isNegative(Float a) { return _mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_LT_OQ); }
  static Float select(Mask m, Float yes, Float no) { return _mm512_mask_blend_ps(m, no, yes); }

  /** Sums of the elements of four vectors. */
  static void sum4(Float a, Float b, Float c, Float d, float* out) {
    const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    const __m512 abcd = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(abcd), _mm512_extractf32x8_ps(abcd, 1));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
  }

  /**
   * w − r · a / (√b + ε) for b ≥ 0, by reciprocal estimates and one Newton step each: the quotient's relative
   * error is below 3e-7. With e ≈ 1/√b, s = b·e: 2√b ≈ s·(3 − s·e); with q ≈ 1/d: 1/d ≈ q·(2 − d·q).
   */
  static Float minusRatioToRoot(Float w, Float r, Float a, Float b, Float epsilon) {
    const Float positive = max(b, set(1.17549435e-38f));
    const Float estimate = _mm512_rsqrt14_ps(positive);
    const Float root = mul(positive, estimate);
    const Float twice = fma(root, fnma(root, estimate, set(3.0f)), add(epsilon, epsilon));
    const Float reciprocal = _mm512_rcp14_ps(twice);
    const Float factor = mul(add(r, r), fnma(twice, reciprocal, set(2.0f)));
    return fnma(mul(a, reciprocal), factor, w);
  }

  static Float fromHalf(const std::uint16_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  /** bfloat16: the upper half of a float. */
  static Float fromBfloat(const std::uint16_t* p) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
  }
  /** Rounded to nearest even. */
  static void toBfloat(std::uint16_t* p, Float a) {
#if defined(__AVX512BF16__)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(a));
#else
    const __m512i bits = _mm512_castps_si512(a);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    // A quiet NaN stays one.
    const __m512i kept = _mm512_mask_mov_epi32(bits, isNumber(a), rounded);
    const __m256i upper = _mm512_cvtepi32_epi16(_mm512_srli_epi32(kept, 16));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), upper);
#endif
  }
  static Float fromBytes(const std::uint8_t* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }

  /** 16 lanes of unsigned 32-bit integers, as Philox needs them. */
  static constexpr int words = 16;
  using Words = __m512i;
  static Words setWords(std::uint32_t a) {
    return _mm512_set1_epi32(static_cast<int>(a));
  }
  static Words loadWords(const std::uint32_t* p) {
    return _mm512_loadu_si512(p);
  }
  static void storeWords(std::uint32_t* p, Words a) {
    _mm512_storeu_si512(p, a);
  }
  static Words addWords(Words a, Words b) {
    return _mm512_add_epi32(a, b);
  }
  static Words exclusiveOr(Words a, Words b, Words c) {
    return _mm512_ternarylogic_epi32(a, b, c, 0x96);
  }
  static Words bitAnd(Words a, Words b) {
    return _mm512_and_si512(a, b);
  }
  static Words bitOr(Words a, Words b) {
    return _mm512_or_si512(a, b);
  }
  static void multiplyWide(Words a, Words b, Words& high, Words& low) {
    const Words even = _mm512_mul_epu32(a, b);
    const Words odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), b);
    high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
    low = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
  }
  /** Panel that lane i draws for, so that `interleave` needs no shuffle across 128-bit lanes. */
  static constexpr std::uint32_t laneOrder[words] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  /** Four words of 16 lanes → [16 panels, 4 words], panels ascending. */
  static void interleave(const Words (&in)[4], std::uint32_t* out) {
    const Words abLow = _mm512_unpacklo_epi32(in[0], in[1]), abHigh = _mm512_unpackhi_epi32(in[0], in[1]);
    const Words cdLow = _mm512_unpacklo_epi32(in[2], in[3]), cdHigh = _mm512_unpackhi_epi32(in[2], in[3]);
    storeWords(out, _mm512_unpacklo_epi64(abLow, cdLow));
    storeWords(out + 16, _mm512_unpackhi_epi64(abLow, cdLow));
    storeWords(out + 32, _mm512_unpacklo_epi64(abHigh, cdHigh));
    storeWords(out + 48, _mm512_unpackhi_epi64(abHigh, cdHigh));
  }
};

}  // namespace
}  // namespace thaw::cpu
