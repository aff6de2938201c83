/* Transposition of 4- and 8-byte elements with AVX shuffles: for the AVX2 and the AVX-512 level. */
#ifndef OR_BACKENDS_CPU_KERNELS_TRANSPOSE_X86_H
#define OR_BACKENDS_CPU_KERNELS_TRANSPOSE_X86_H

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/pack_x86.h"

static inline void or_transpose_8x8_f32(const float *src, size_t src_ld, float *dst, size_t dst_ld) {
  __m256 block[8];
  for (size_t i = 0; i < 8; ++i) block[i] = _mm256_loadu_ps(src + i * src_ld);
  or_pack_transpose_8x8(block);
  for (size_t i = 0; i < 8; ++i) _mm256_storeu_ps(dst + i * dst_ld, block[i]);
}

static inline void or_transpose_4x4_f64(const double *src, size_t src_ld, double *dst, size_t dst_ld) {
  const __m256d a = _mm256_loadu_pd(src), b = _mm256_loadu_pd(src + src_ld), c = _mm256_loadu_pd(src + 2 * src_ld),
                d = _mm256_loadu_pd(src + 3 * src_ld);
  const __m256d ab_low = _mm256_unpacklo_pd(a, b), ab_high = _mm256_unpackhi_pd(a, b),
                cd_low = _mm256_unpacklo_pd(c, d), cd_high = _mm256_unpackhi_pd(c, d);
  _mm256_storeu_pd(dst, _mm256_permute2f128_pd(ab_low, cd_low, 0x20));
  _mm256_storeu_pd(dst + dst_ld, _mm256_permute2f128_pd(ab_high, cd_high, 0x20));
  _mm256_storeu_pd(dst + 2 * dst_ld, _mm256_permute2f128_pd(ab_low, cd_low, 0x31));
  _mm256_storeu_pd(dst + 3 * dst_ld, _mm256_permute2f128_pd(ab_high, cd_high, 0x31));
}

/* Whole small blocks here, a cache line of each destination row at a time; what is left over to the portable form. */
static inline void or_transpose_x86(size_t element_bytes, size_t rows, size_t columns, const void *src, size_t src_ld,
                                    void *dst, size_t dst_ld) {
  if (element_bytes != 4 && element_bytes != 8) {
    or_transpose_portable(element_bytes, rows, columns, src, src_ld, dst, dst_ld);
    return;
  }
  const size_t small = element_bytes == 4 ? 8 : 4, line = 2 * small;
  const size_t whole_rows = rows / small * small, whole_columns = columns / small * small;
  for (size_t r = 0; r < whole_rows; r += line) {
    const size_t r_end = whole_rows - r < line ? whole_rows : r + line;
    for (size_t c = 0; c < whole_columns; c += small) {
      for (size_t i = r; i < r_end; i += small) {
        const char *from = (const char *)src + (i * src_ld + c) * element_bytes;
        char *to = (char *)dst + (c * dst_ld + i) * element_bytes;
        if (element_bytes == 4) {
          or_transpose_8x8_f32((const float *)(const void *)from, src_ld, (float *)(void *)to, dst_ld);
        } else {
          or_transpose_4x4_f64((const double *)(const void *)from, src_ld, (double *)(void *)to, dst_ld);
        }
      }
    }
  }
  or_transpose_portable(element_bytes, rows, columns - whole_columns, (const char *)src + whole_columns * element_bytes,
                        src_ld, (char *)dst + whole_columns * dst_ld * element_bytes, dst_ld);
  or_transpose_portable(element_bytes, rows - whole_rows, whole_columns,
                        (const char *)src + whole_rows * src_ld * element_bytes, src_ld,
                        (char *)dst + whole_rows * element_bytes, dst_ld);
}

#endif
