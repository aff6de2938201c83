/* Vectors of 16 floats (v_*) and 8 doubles (d_*), by AVX-512 F, BW, DQ, VL: the same names as in the other simd_*.h,
 * for the *_template.h files. A comparison's result is a mask register. */
#ifndef OR_BACKENDS_CPU_KERNELS_SIMD_AVX512_H
#define OR_BACKENDS_CPU_KERNELS_SIMD_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define OR_INLINE static inline __attribute__((always_inline))
/* Before a loop whose bounds are constant after inlining: so that arrays of vectors become registers. */
#if defined(__clang__)
#define OR_UNROLL /* clang does so by itself */
#else
#define OR_UNROLL _Pragma("GCC unroll 16")
#endif
#define OR_LEVEL(name) name##_avx512

enum { V_WIDTH = 16, D_WIDTH = 8 };
typedef __m512 v_t;
typedef __m512i vi_t;
typedef __mmask16 vm_t;
typedef __m512d d_t;

/* Lanes [0, n), n < 16 (n < 8). */
OR_INLINE __mmask16 v_lanes(size_t n) { return (__mmask16)((1u << n) - 1u); }
OR_INLINE __mmask8 d_lanes(size_t n) { return (__mmask8)((1u << n) - 1u); }

OR_INLINE v_t v_zero(void) { return _mm512_setzero_ps(); }
OR_INLINE v_t v_set1(float x) { return _mm512_set1_ps(x); }
OR_INLINE v_t v_load(const float *p) { return _mm512_loadu_ps(p); }
OR_INLINE void v_store(float *p, v_t x) { _mm512_storeu_ps(p, x); }
OR_INLINE void v_stream(float *p, v_t x) { _mm512_stream_ps(p, x); } /* p aligned to the vector */
OR_INLINE void v_fence(void) { _mm_sfence(); }                       /* after the last v_stream or d_stream */
/* The first n < 16 lanes; the others load as 0. */
OR_INLINE v_t v_load_n(const float *p, size_t n) { return _mm512_maskz_loadu_ps(v_lanes(n), p); }
OR_INLINE void v_store_n(float *p, v_t x, size_t n) { _mm512_mask_storeu_ps(p, v_lanes(n), x); }
/* p[0], p[2], .. p[30]; reads nothing beyond. */
OR_INLINE v_t v_load_even(const float *p) {
  const __m512i from = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
  return _mm512_permutex2var_ps(_mm512_loadu_ps(p), from, _mm512_loadu_ps(p + 15));
}

OR_INLINE v_t v_add(v_t a, v_t b) { return _mm512_add_ps(a, b); }
OR_INLINE v_t v_sub(v_t a, v_t b) { return _mm512_sub_ps(a, b); }
OR_INLINE v_t v_mul(v_t a, v_t b) { return _mm512_mul_ps(a, b); }
OR_INLINE v_t v_div(v_t a, v_t b) { return _mm512_div_ps(a, b); }
OR_INLINE v_t v_sqrt(v_t a) { return _mm512_sqrt_ps(a); }
OR_INLINE v_t v_fma(v_t a, v_t b, v_t c) { return _mm512_fmadd_ps(a, b, c); }   /* a b + c */
OR_INLINE v_t v_fnma(v_t a, v_t b, v_t c) { return _mm512_fnmadd_ps(a, b, c); } /* c - a b */
/* sum += x y as an instruction of its own: see simd_avx2.h. */
#define V_FMA_INTO(sum, x, y) __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y))
#define D_FMA_INTO(sum, x, y) __asm__("vfmadd231pd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y))
/* a b - p where p is a b rounded: exact. */
OR_INLINE v_t v_product_error(v_t a, v_t b, v_t p) { return _mm512_fmsub_ps(a, b, p); }
/* Where either is NaN these give b, as the instruction does. */
OR_INLINE v_t v_max_b(v_t a, v_t b) { return _mm512_max_ps(a, b); }
OR_INLINE v_t v_min_b(v_t a, v_t b) { return _mm512_min_ps(a, b); }

OR_INLINE v_t v_and(v_t a, v_t b) { return _mm512_and_ps(a, b); }
OR_INLINE v_t v_or(v_t a, v_t b) { return _mm512_or_ps(a, b); }
OR_INLINE v_t v_xor(v_t a, v_t b) { return _mm512_xor_ps(a, b); }
OR_INLINE v_t v_abs(v_t a) { return _mm512_abs_ps(a); }

OR_INLINE vm_t v_less(v_t a, v_t b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
OR_INLINE vm_t v_equal(v_t a, v_t b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
OR_INLINE vm_t v_unordered(v_t a, v_t b) { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }
OR_INLINE v_t v_select(vm_t mask, v_t yes, v_t no) { return _mm512_mask_blend_ps(mask, no, yes); }
OR_INLINE v_t v_select_nan(v_t a, v_t no) { return v_select(v_unordered(a, a), a, no); } /* a where a is NaN */

OR_INLINE v_t v_round(v_t a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
OR_INLINE vi_t v_to_int(v_t a) { return _mm512_cvtps_epi32(a); }
OR_INLINE v_t v_from_int(vi_t a) { return _mm512_cvtepi32_ps(a); }
OR_INLINE vi_t v_bits(v_t a) { return _mm512_castps_si512(a); }
OR_INLINE v_t v_from_bits(vi_t a) { return _mm512_castsi512_ps(a); }
OR_INLINE vi_t vi_set1(int32_t a) { return _mm512_set1_epi32(a); }
OR_INLINE vi_t vi_add(vi_t a, vi_t b) { return _mm512_add_epi32(a, b); }
OR_INLINE vi_t vi_sub(vi_t a, vi_t b) { return _mm512_sub_epi32(a, b); }
OR_INLINE vi_t vi_and(vi_t a, vi_t b) { return _mm512_and_si512(a, b); }
OR_INLINE vi_t vi_or(vi_t a, vi_t b) { return _mm512_or_si512(a, b); }
#define vi_shift_left(a, bits) _mm512_slli_epi32((a), (bits))
#define vi_shift_right(a, bits) _mm512_srli_epi32((a), (bits))
#define vi_shift_right_signed(a, bits) _mm512_srai_epi32((a), (bits))

OR_INLINE vi_t vi_load(const int32_t *p) { return _mm512_loadu_si512((const void *)p); }

/* Narrow forms of one vector's worth of values. */
OR_INLINE v_t h_load(const uint16_t *p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
OR_INLINE void h_store(uint16_t *p, v_t x) {
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
OR_INLINE v_t b_load(const uint16_t *p) {
  __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
OR_INLINE void vi_store_u16(uint16_t *p, vi_t x) {
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(x));
}
OR_INLINE void vi_store_u8(uint8_t *p, vi_t x) { _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(x)); }
OR_INLINE void vi_store_s8(int8_t *p, vi_t x) { _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(x)); }
OR_INLINE vi_t vi_load_u8(const uint8_t *p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
OR_INLINE vi_t vi_load_s8(const int8_t *p) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}

OR_INLINE float v_reduce_add(v_t a) { return _mm512_reduce_add_ps(a); }

OR_INLINE d_t d_zero(void) { return _mm512_setzero_pd(); }
OR_INLINE d_t d_set1(double x) { return _mm512_set1_pd(x); }
OR_INLINE d_t d_load(const double *p) { return _mm512_loadu_pd(p); }
OR_INLINE void d_store(double *p, d_t x) { _mm512_storeu_pd(p, x); }
OR_INLINE void d_stream(double *p, d_t x) { _mm512_stream_pd(p, x); }
OR_INLINE d_t d_load_n(const double *p, size_t n) { return _mm512_maskz_loadu_pd(d_lanes(n), p); }
OR_INLINE void d_store_n(double *p, d_t x, size_t n) { _mm512_mask_storeu_pd(p, d_lanes(n), x); }
OR_INLINE d_t d_add(d_t a, d_t b) { return _mm512_add_pd(a, b); }
OR_INLINE d_t d_sub(d_t a, d_t b) { return _mm512_sub_pd(a, b); }
OR_INLINE d_t d_mul(d_t a, d_t b) { return _mm512_mul_pd(a, b); }
OR_INLINE d_t d_div(d_t a, d_t b) { return _mm512_div_pd(a, b); }
OR_INLINE d_t d_fma(d_t a, d_t b, d_t c) { return _mm512_fmadd_pd(a, b, c); }
OR_INLINE d_t d_max_b(d_t a, d_t b) { return _mm512_max_pd(a, b); }
OR_INLINE d_t d_min_b(d_t a, d_t b) { return _mm512_min_pd(a, b); }
OR_INLINE d_t d_abs(d_t a) { return _mm512_abs_pd(a); }
OR_INLINE d_t d_select_nan(d_t a, d_t no) { /* a where a is NaN */
  return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, a, _CMP_UNORD_Q), no, a);
}
OR_INLINE double d_reduce_add(d_t a) { return _mm512_reduce_add_pd(a); }
OR_INLINE d_t d_widen_add(d_t a) {
  return a;
} /* as below, for templates on both types; here low is all, high nothing */
OR_INLINE d_t d_widen_low(d_t a) { return a; }
OR_INLINE d_t d_widen_high(d_t a) {
  (void)a;
  return d_zero();
}
OR_INLINE d_t v_widen_low(v_t a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a)); }
OR_INLINE d_t v_widen_high(v_t a) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1)); }
/* The two halves of a, widened, added up. */
OR_INLINE d_t v_widen_add(v_t a) { return _mm512_add_pd(v_widen_low(a), v_widen_high(a)); }

#endif
