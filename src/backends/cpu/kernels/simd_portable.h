/* Vectors of 4 floats (v_*) and 2 doubles (d_*) by the vector extension of gcc and clang, which any processor can do:
 * the same names as in the other simd_*.h. A comparison's result is all ones or all zeros in each lane. */
#ifndef OR_BACKENDS_CPU_KERNELS_SIMD_PORTABLE_H
#define OR_BACKENDS_CPU_KERNELS_SIMD_PORTABLE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "backends/cpu/kernels/half.h"

#define OR_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define OR_UNROLL /* clang does so by itself */
#else
#define OR_UNROLL _Pragma("GCC unroll 16")
#endif
#ifndef OR_SIMD_BASE_ONLY
#define OR_LEVEL(name) name##_portable
#endif

enum { V_WIDTH = 4, D_WIDTH = 2 };
typedef float v_t __attribute__((vector_size(16)));
typedef int32_t vi_t __attribute__((vector_size(16)));
typedef uint32_t vu_t __attribute__((vector_size(16)));
typedef vi_t vm_t;
typedef double d_t __attribute__((vector_size(16)));
typedef int64_t di_t __attribute__((vector_size(16)));

OR_INLINE v_t v_set1(float x) { return (v_t){x, x, x, x}; }
OR_INLINE v_t v_zero(void) { return v_set1(0.0f); }
OR_INLINE v_t v_load(const float *p) {
  v_t x;
  memcpy(&x, p, sizeof x);
  return x;
}
OR_INLINE void v_store(float *p, v_t x) { memcpy(p, &x, sizeof x); }
OR_INLINE void v_stream(float *p, v_t x) { v_store(p, x); }
OR_INLINE void v_fence(void) {}
OR_INLINE v_t v_load_n(const float *p, size_t n) {
  v_t x = v_zero();
  for (size_t i = 0; i < n; ++i) x[i] = p[i];
  return x;
}
OR_INLINE void v_store_n(float *p, v_t x, size_t n) {
  for (size_t i = 0; i < n; ++i) p[i] = x[i];
}
OR_INLINE v_t v_load_even(const float *p) { return (v_t){p[0], p[2], p[4], p[6]}; }

OR_INLINE vi_t v_bits(v_t a) { return (vi_t)a; }
OR_INLINE v_t v_from_bits(vi_t a) { return (v_t)a; }
OR_INLINE vi_t vi_set1(int32_t a) { return (vi_t){a, a, a, a}; }
/* Wrapping, as in the instructions. */
OR_INLINE vi_t vi_add(vi_t a, vi_t b) { return (vi_t)((vu_t)a + (vu_t)b); }
OR_INLINE vi_t vi_sub(vi_t a, vi_t b) { return (vi_t)((vu_t)a - (vu_t)b); }
OR_INLINE vi_t vi_and(vi_t a, vi_t b) { return a & b; }
OR_INLINE vi_t vi_or(vi_t a, vi_t b) { return a | b; }
OR_INLINE vi_t vi_shift_left(vi_t a, int bits) { return (vi_t)((vu_t)a << (uint32_t)bits); }
OR_INLINE vi_t vi_shift_right(vi_t a, int bits) { return (vi_t)((vu_t)a >> (uint32_t)bits); }
OR_INLINE vi_t vi_shift_right_signed(vi_t a, int bits) { return a >> bits; }

OR_INLINE v_t v_add(v_t a, v_t b) { return a + b; }
OR_INLINE v_t v_sub(v_t a, v_t b) { return a - b; }
OR_INLINE v_t v_mul(v_t a, v_t b) { return a * b; }
OR_INLINE v_t v_div(v_t a, v_t b) { return a / b; }

OR_INLINE v_t v_and(v_t a, v_t b) { return (v_t)((vi_t)a & (vi_t)b); }
OR_INLINE v_t v_or(v_t a, v_t b) { return (v_t)((vi_t)a | (vi_t)b); }
OR_INLINE v_t v_xor(v_t a, v_t b) { return (v_t)((vi_t)a ^ (vi_t)b); }
OR_INLINE v_t v_abs(v_t a) { return (v_t)((vi_t)a & vi_set1(0x7fffffff)); }
OR_INLINE vm_t v_less(v_t a, v_t b) { return a < b; }
OR_INLINE vm_t v_equal(v_t a, v_t b) { return a == b; }
OR_INLINE vm_t v_unordered(v_t a, v_t b) { return ~((a == a) & (b == b)); }
OR_INLINE v_t v_select(vm_t mask, v_t yes, v_t no) { return (v_t)(((vi_t)yes & mask) | ((vi_t)no & ~mask)); }
OR_INLINE v_t v_select_nan(v_t a, v_t no) { return v_select(a == a, no, a); }
/* Where either is NaN these give b. */
OR_INLINE v_t v_max_b(v_t a, v_t b) { return v_select(a > b, a, b); }
OR_INLINE v_t v_min_b(v_t a, v_t b) { return v_select(a < b, a, b); }

OR_INLINE vi_t vi_load(const int32_t *p) {
  vi_t x;
  memcpy(&x, p, sizeof x);
  return x;
}
OR_INLINE v_t b_load(const uint16_t *p) {
  return (v_t){or_bf16_to_float(p[0]), or_bf16_to_float(p[1]), or_bf16_to_float(p[2]), or_bf16_to_float(p[3])};
}
OR_INLINE void vi_store_u16(uint16_t *p, vi_t x) {
  for (int i = 0; i < V_WIDTH; ++i) p[i] = (uint16_t)x[i];
}
OR_INLINE void vi_store_u8(uint8_t *p, vi_t x) {
  for (int i = 0; i < V_WIDTH; ++i) p[i] = (uint8_t)x[i];
}
OR_INLINE void vi_store_s8(int8_t *p, vi_t x) {
  for (int i = 0; i < V_WIDTH; ++i) p[i] = (int8_t)x[i];
}
OR_INLINE vi_t vi_load_u8(const uint8_t *p) { return (vi_t){p[0], p[1], p[2], p[3]}; }
OR_INLINE vi_t vi_load_s8(const int8_t *p) { return (vi_t){p[0], p[1], p[2], p[3]}; }
OR_INLINE float v_reduce_add(v_t a) { return (a[0] + a[2]) + (a[1] + a[3]); }

OR_INLINE d_t d_set1(double x) { return (d_t){x, x}; }
OR_INLINE d_t d_zero(void) { return d_set1(0.0); }
OR_INLINE d_t d_load(const double *p) {
  d_t x;
  memcpy(&x, p, sizeof x);
  return x;
}
OR_INLINE void d_store(double *p, d_t x) { memcpy(p, &x, sizeof x); }
OR_INLINE void d_stream(double *p, d_t x) { d_store(p, x); }
OR_INLINE d_t d_load_n(const double *p, size_t n) { return (d_t){n > 0 ? p[0] : 0.0, n > 1 ? p[1] : 0.0}; }
OR_INLINE void d_store_n(double *p, d_t x, size_t n) {
  for (size_t i = 0; i < n; ++i) p[i] = x[i];
}
OR_INLINE d_t d_add(d_t a, d_t b) { return a + b; }
OR_INLINE d_t d_sub(d_t a, d_t b) { return a - b; }
OR_INLINE d_t d_mul(d_t a, d_t b) { return a * b; }
OR_INLINE d_t d_div(d_t a, d_t b) { return a / b; }
OR_INLINE d_t d_select(di_t mask, d_t yes, d_t no) { return (d_t)(((di_t)yes & mask) | ((di_t)no & ~mask)); }
OR_INLINE d_t d_max_b(d_t a, d_t b) { return d_select(a > b, a, b); }
OR_INLINE d_t d_min_b(d_t a, d_t b) { return d_select(a < b, a, b); }
OR_INLINE d_t d_abs(d_t a) { return (d_t)((di_t)a & (di_t){INT64_MAX, INT64_MAX}); }
OR_INLINE d_t d_select_nan(d_t a, d_t no) { return d_select(a == a, no, a); }
OR_INLINE double d_reduce_add(d_t a) { return a[0] + a[1]; }
OR_INLINE d_t d_widen_add(d_t a) {
  return a;
} /* as below, for templates on both types; here low is all and high nothing */
OR_INLINE d_t d_widen_low(d_t a) { return a; }
OR_INLINE d_t d_widen_high(d_t a) {
  (void)a;
  return d_zero();
}

/* What an instruction set has instructions for, and simd_neon.h replaces. */
#ifndef OR_SIMD_BASE_ONLY
OR_INLINE v_t v_sqrt(v_t a) { return (v_t){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])}; }
OR_INLINE v_t v_fma(v_t a, v_t b, v_t c) { return a * b + c; }
OR_INLINE v_t v_fnma(v_t a, v_t b, v_t c) { return c - a * b; }
/* a b - p where p is a b rounded: exact. */
OR_INLINE v_t v_product_error(v_t a, v_t b, v_t p) {
  v_t e;
  /* cppcheck-suppress uninitvar ; every lane is written, and none read before */
  for (int i = 0; i < V_WIDTH; ++i) e[i] = (float)((double)a[i] * (double)b[i] - (double)p[i]);
  return e;
}
/* Adding 1.5 * 2^23 rounds to an integer, to nearest even; numbers from 2^22 on go through the lanes. */
OR_INLINE v_t v_round(v_t a) {
  const v_t shift = v_set1(12582912.0f);
  const v_t sign = v_and(a, v_set1(-0.0f)), rounded = v_or(v_abs((a + shift) - shift), sign);
  v_t lanes;
  /* cppcheck-suppress uninitvar ; every lane is written, and none read before */
  for (int i = 0; i < V_WIDTH; ++i) lanes[i] = rintf(a[i]);
  return v_select(v_abs(a) < v_set1(4194304.0f), rounded, lanes);
}
/* Of integral values within int32; NaN gives 0. */
OR_INLINE vi_t v_to_int(v_t a) {
  const v_t known = v_select(a == a, a, v_zero());
  return (vi_t){(int32_t)known[0], (int32_t)known[1], (int32_t)known[2], (int32_t)known[3]};
}
OR_INLINE v_t v_from_int(vi_t a) { return (v_t){(float)a[0], (float)a[1], (float)a[2], (float)a[3]}; }
OR_INLINE v_t h_load(const uint16_t *p) {
  return (v_t){or_f16_to_float(p[0]), or_f16_to_float(p[1]), or_f16_to_float(p[2]), or_f16_to_float(p[3])};
}
OR_INLINE void h_store(uint16_t *p, v_t x) {
  for (int i = 0; i < V_WIDTH; ++i) p[i] = or_f16_from_float(x[i]);
}
OR_INLINE d_t d_fma(d_t a, d_t b, d_t c) { return a * b + c; }
OR_INLINE d_t v_widen_low(v_t a) { return (d_t){(double)a[0], (double)a[1]}; }
OR_INLINE d_t v_widen_high(v_t a) { return (d_t){(double)a[2], (double)a[3]}; }
OR_INLINE d_t v_widen_add(v_t a) { return v_widen_low(a) + v_widen_high(a); }
#define V_FMA_INTO(sum, x, y) ((sum) = (sum) + (x) * (y))
#define D_FMA_INTO(sum, x, y) ((sum) = (sum) + (x) * (y))
#endif

#endif
