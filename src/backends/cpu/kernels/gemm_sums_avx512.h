/* The end of a micro-tile whose fp32 sums lie in memory: what gemm_micro_template.h does in registers. */
#ifndef OR_BACKENDS_CPU_KERNELS_GEMM_SUMS_AVX512_H
#define OR_BACKENDS_CPU_KERNELS_GEMM_SUMS_AVX512_H

#include <immintrin.h>

#include "backends/cpu/kernels/gemm_internal.h"

/* sums: `rows` rows of `sums_ld` floats, for rows [row, row + rows) of the strip. */
static inline void or_gemm_finish_sums(const or_gemm_strip_t *strip, size_t row, size_t rows, const float *sums,
                                       size_t sums_ld) {
  const float *bias_col = strip->bias_col, *bias_row = strip->bias_row, *residual = strip->residual;
  const __m512 alpha = _mm512_set1_ps((float)strip->alpha), beta = _mm512_set1_ps((float)strip->beta);
  const __m512 low = _mm512_set1_ps(strip->lo), high = _mm512_set1_ps(strip->hi);
  for (size_t i = 0; i < rows; ++i) {
    float *c = (float *)strip->c + (row + i) * strip->ldc;
    for (size_t j = 0; j < strip->cols; j += 16) {
      const __mmask16 lanes = (__mmask16)(strip->cols - j < 16 ? (1u << (strip->cols - j)) - 1u : 0xffffu);
      __m512 value = _mm512_mul_ps(_mm512_loadu_ps(sums + i * sums_ld + j), alpha);
      if (strip->beta != 0.0) value = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, c + j), beta, value);
      if (bias_col != NULL) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(lanes, bias_col + j));
      if (bias_row != NULL) value = _mm512_add_ps(value, _mm512_set1_ps(bias_row[row + i]));
      if (residual != NULL) {
        value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(lanes, residual + (row + i) * strip->residual_ld + j));
      }
      if (strip->clip) value = _mm512_min_ps(high, _mm512_max_ps(low, value)); /* in this order NaN stays */
      _mm512_mask_storeu_ps(c + j, lanes, value);
    }
  }
}

#endif
