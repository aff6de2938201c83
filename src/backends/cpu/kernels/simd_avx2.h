/* Vectors of 8 floats (v_*) and 4 doubles (d_*), by AVX2 and FMA: the same names as in the other simd_*.h, for the
 * *_template.h files. */
#ifndef OR_BACKENDS_CPU_KERNELS_SIMD_AVX2_H
#define OR_BACKENDS_CPU_KERNELS_SIMD_AVX2_H

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

enum { V_WIDTH = 8, D_WIDTH = 4 };
typedef __m256 v_t;
typedef __m256i vi_t; /* 8 int32 */
typedef __m256 vm_t;  /* a lane's sign bit says yes */
typedef __m256d d_t;

/* Lanes [0, n), n < 8, for masked loads. */
OR_INLINE __m256i v_lanes(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

#define OR_LEVEL(name) name##_avx2

OR_INLINE v_t v_zero(void) { return _mm256_setzero_ps(); }
OR_INLINE v_t v_set1(float x) { return _mm256_set1_ps(x); }
OR_INLINE v_t v_load(const float *p) { return _mm256_loadu_ps(p); }
OR_INLINE void v_store(float *p, v_t x) { _mm256_storeu_ps(p, x); }
OR_INLINE void v_stream(float *p, v_t x) { _mm256_stream_ps(p, x); } /* p aligned to the vector */
OR_INLINE void v_fence(void) { _mm_sfence(); }                       /* after the last v_stream or d_stream */
/* The first n < 8 lanes; the others load as 0. */
OR_INLINE v_t v_load_n(const float *p, size_t n) { return _mm256_maskload_ps(p, v_lanes(n)); }
/* Masked stores are slow on some processors: by halves. */
OR_INLINE void v_store_n(float *p, v_t x, size_t n) {
  __m128 low = _mm256_castps256_ps128(x);
  if (n & 4) {
    _mm_storeu_ps(p, low);
    low = _mm256_extractf128_ps(x, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi((__m64 *)(void *)p, low);
    low = _mm_movehl_ps(low, low);
    p += 2;
  }
  if (n & 1) _mm_store_ss(p, low);
}

/* p[0], p[2], .. p[14]; reads nothing beyond. */
OR_INLINE v_t v_load_even(const float *p) {
  __m256 mixed = _mm256_shuffle_ps(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 7), 0xD8);
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(mixed), 0xD8));
}

OR_INLINE v_t v_add(v_t a, v_t b) { return _mm256_add_ps(a, b); }
OR_INLINE v_t v_sub(v_t a, v_t b) { return _mm256_sub_ps(a, b); }
OR_INLINE v_t v_mul(v_t a, v_t b) { return _mm256_mul_ps(a, b); }
OR_INLINE v_t v_div(v_t a, v_t b) { return _mm256_div_ps(a, b); }
OR_INLINE v_t v_sqrt(v_t a) { return _mm256_sqrt_ps(a); }
OR_INLINE v_t v_fma(v_t a, v_t b, v_t c) { return _mm256_fmadd_ps(a, b, c); }   /* a b + c */
OR_INLINE v_t v_fnma(v_t a, v_t b, v_t c) { return _mm256_fnmadd_ps(a, b, c); } /* c - a b */
/* sum += x y as an instruction of its own: left to the compiler, gcc reloads operands from memory in each product and
 * moves sums about. */
#define V_FMA_INTO(sum, x, y) __asm__("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(x), "x"(y))
#define D_FMA_INTO(sum, x, y) __asm__("vfmadd231pd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(y))
/* a b - p where p is a b rounded: exact. */
OR_INLINE v_t v_product_error(v_t a, v_t b, v_t p) { return _mm256_fmsub_ps(a, b, p); }
/* Where either is NaN these give b, as the instruction does. */
OR_INLINE v_t v_max_b(v_t a, v_t b) { return _mm256_max_ps(a, b); }
OR_INLINE v_t v_min_b(v_t a, v_t b) { return _mm256_min_ps(a, b); }

OR_INLINE v_t v_and(v_t a, v_t b) { return _mm256_and_ps(a, b); }
OR_INLINE v_t v_or(v_t a, v_t b) { return _mm256_or_ps(a, b); }
OR_INLINE v_t v_xor(v_t a, v_t b) { return _mm256_xor_ps(a, b); }

OR_INLINE vm_t v_less(v_t a, v_t b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
OR_INLINE vm_t v_equal(v_t a, v_t b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
OR_INLINE vm_t v_unordered(v_t a, v_t b) { return _mm256_cmp_ps(a, b, _CMP_UNORD_Q); }
OR_INLINE v_t v_select(vm_t mask, v_t yes, v_t no) { return _mm256_blendv_ps(no, yes, mask); }
OR_INLINE v_t v_select_nan(v_t a, v_t no) { return v_select(v_unordered(a, a), a, no); } /* a where a is NaN */
OR_INLINE v_t v_abs(v_t a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }

OR_INLINE v_t v_round(v_t a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
OR_INLINE vi_t v_to_int(v_t a) { return _mm256_cvtps_epi32(a); }
OR_INLINE v_t v_from_int(vi_t a) { return _mm256_cvtepi32_ps(a); }
OR_INLINE vi_t v_bits(v_t a) { return _mm256_castps_si256(a); }
OR_INLINE v_t v_from_bits(vi_t a) { return _mm256_castsi256_ps(a); }
OR_INLINE vi_t vi_set1(int32_t a) { return _mm256_set1_epi32(a); }
OR_INLINE vi_t vi_add(vi_t a, vi_t b) { return _mm256_add_epi32(a, b); }
OR_INLINE vi_t vi_sub(vi_t a, vi_t b) { return _mm256_sub_epi32(a, b); }
OR_INLINE vi_t vi_and(vi_t a, vi_t b) { return _mm256_and_si256(a, b); }
OR_INLINE vi_t vi_or(vi_t a, vi_t b) { return _mm256_or_si256(a, b); }
#define vi_shift_left(a, bits) _mm256_slli_epi32((a), (bits))
#define vi_shift_right(a, bits) _mm256_srli_epi32((a), (bits))
#define vi_shift_right_signed(a, bits) _mm256_srai_epi32((a), (bits))

OR_INLINE vi_t vi_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }

/* Narrow forms of one vector's worth of values. */
OR_INLINE v_t h_load(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)); }
OR_INLINE void h_store(uint16_t *p, v_t x) {
  _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
OR_INLINE v_t b_load(const uint16_t *p) {
  __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
OR_INLINE __m128i vi_narrow_u16(vi_t x) { /* values in [0, 65535] */
  return _mm_packus_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}
OR_INLINE void vi_store_u16(uint16_t *p, vi_t x) { _mm_storeu_si128((__m128i *)(void *)p, vi_narrow_u16(x)); }
OR_INLINE void vi_store_u8(uint8_t *p, vi_t x) { /* values in [0, 255] */
  __m128i words = vi_narrow_u16(x);
  _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(words, words));
}
OR_INLINE void vi_store_s8(int8_t *p, vi_t x) { /* values in [-128, 127] */
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  _mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi16(words, words));
}
OR_INLINE vi_t vi_load_u8(const uint8_t *p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
OR_INLINE vi_t vi_load_s8(const int8_t *p) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}

OR_INLINE float v_reduce_add(v_t a) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

OR_INLINE d_t d_zero(void) { return _mm256_setzero_pd(); }
OR_INLINE d_t d_set1(double x) { return _mm256_set1_pd(x); }
OR_INLINE d_t d_load(const double *p) { return _mm256_loadu_pd(p); }
OR_INLINE void d_store(double *p, d_t x) { _mm256_storeu_pd(p, x); }
OR_INLINE void d_stream(double *p, d_t x) { _mm256_stream_pd(p, x); }
OR_INLINE d_t d_load_n(const double *p, size_t n) {
  __m256i lanes = _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), _mm256_setr_epi64x(0, 1, 2, 3));
  return _mm256_maskload_pd(p, lanes);
}
OR_INLINE void d_store_n(double *p, d_t x, size_t n) {
  __m128d low = _mm256_castpd256_pd128(x);
  if (n & 2) {
    _mm_storeu_pd(p, low);
    low = _mm256_extractf128_pd(x, 1);
    p += 2;
  }
  if (n & 1) _mm_store_sd(p, low);
}
OR_INLINE d_t d_add(d_t a, d_t b) { return _mm256_add_pd(a, b); }
OR_INLINE d_t d_sub(d_t a, d_t b) { return _mm256_sub_pd(a, b); }
OR_INLINE d_t d_mul(d_t a, d_t b) { return _mm256_mul_pd(a, b); }
OR_INLINE d_t d_div(d_t a, d_t b) { return _mm256_div_pd(a, b); }
OR_INLINE d_t d_fma(d_t a, d_t b, d_t c) { return _mm256_fmadd_pd(a, b, c); }
OR_INLINE d_t d_max_b(d_t a, d_t b) { return _mm256_max_pd(a, b); }
OR_INLINE d_t d_min_b(d_t a, d_t b) { return _mm256_min_pd(a, b); }
OR_INLINE d_t d_abs(d_t a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }
OR_INLINE d_t d_select_nan(d_t a, d_t no) { /* a where a is NaN */
  return _mm256_blendv_pd(no, a, _mm256_cmp_pd(a, a, _CMP_UNORD_Q));
}
OR_INLINE double d_reduce_add(d_t a) {
  __m128d sum = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
  return _mm_cvtsd_f64(_mm_add_sd(sum, _mm_unpackhi_pd(sum, sum)));
}
OR_INLINE d_t d_widen_add(d_t a) {
  return a;
} /* as below, for templates on both types; here low is all and high nothing */
OR_INLINE d_t d_widen_low(d_t a) { return a; }
OR_INLINE d_t d_widen_high(d_t a) {
  (void)a;
  return d_zero();
}
/* The two halves of a, widened, added up. */
OR_INLINE d_t v_widen_add(v_t a) {
  return _mm256_add_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(a)), _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)));
}
OR_INLINE d_t v_widen_low(v_t a) { return _mm256_cvtps_pd(_mm256_castps256_ps128(a)); }
OR_INLINE d_t v_widen_high(v_t a) { return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)); }

#endif
