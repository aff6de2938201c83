/* Packing of fp32 panels with 8 x 8 transposes in AVX registers: for the AVX2 and the AVX-512 level. */
#ifndef OR_BACKENDS_CPU_KERNELS_PACK_X86_H
#define OR_BACKENDS_CPU_KERNELS_PACK_X86_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct or_pack_t {
  size_t lines, kc; /* lines: rows of A or columns of B */
  const float *src;
  size_t line_stride, k_stride; /* of src, in elements */
  float *dst;
  size_t panel; /* lines of a full panel */
  bool exact;   /* the last panel has just its lines; otherwise it is padded with zeros */
} or_pack_t;

static inline __m256i or_pack_lanes(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* n <= 8 floats. */
static inline void or_pack_store(float *dst, __m256 x, size_t n) {
  if (n == 8) {
    _mm256_storeu_ps(dst, x);
    return;
  }
  __m128 part = _mm256_castps256_ps128(x);
  if (n & 4) {
    _mm_storeu_ps(dst, part);
    part = _mm256_extractf128_ps(x, 1);
    dst += 4;
  }
  if (n & 2) {
    _mm_storel_pi((__m64 *)(void *)dst, part);
    part = _mm_movehl_ps(part, part);
    dst += 2;
  }
  if (n & 1) _mm_store_ss(dst, part);
}

static inline void or_pack_transpose_8x8(__m256 row[8]) {
  __m256 a[8], b[8];
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
    a[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    b[i] = _mm256_shuffle_ps(a[i], a[i + 2], 0x44);
    b[i + 1] = _mm256_shuffle_ps(a[i], a[i + 2], 0xEE);
    b[i + 2] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0x44);
    b[i + 3] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) {
    row[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
    row[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
  }
}

/* Up to 8 lines that are contiguous along k become columns of dst [kc][width]; absent ones become zeros up to `written`
 * columns. */
static inline void or_pack_interleave(size_t lines, size_t written, size_t kc, const float *src, size_t stride,
                                      float *dst, size_t width) {
  for (size_t k = 0; k < kc; k += 8) {
    const size_t steps = kc - k < 8 ? kc - k : 8;
    __m256 block[8];
    for (size_t i = 0; i < 8; ++i) block[i] = _mm256_setzero_ps();
    if (steps == 8) {
      for (size_t i = 0; i < lines; ++i) block[i] = _mm256_loadu_ps(src + i * stride + k);
    } else {
      const __m256i mask = or_pack_lanes(steps);
      for (size_t i = 0; i < lines; ++i) block[i] = _mm256_maskload_ps(src + i * stride + k, mask);
    }
    or_pack_transpose_8x8(block);
    for (size_t j = 0; j < steps; ++j) or_pack_store(dst + (k + j) * width, block[j], written);
  }
}

/* One panel whose lines lie side by side: a row of src becomes a row of dst. */
static inline void or_pack_copy(size_t lines, size_t kc, const float *src, size_t k_stride, float *dst, size_t width) {
  for (size_t k = 0; k < kc; ++k) {
    size_t i = 0;
    for (; i + 8 <= lines; i += 8) _mm256_storeu_ps(dst + i, _mm256_loadu_ps(src + i));
    if (i < lines) {
      or_pack_store(dst + i, _mm256_maskload_ps(src + i, or_pack_lanes(lines - i)), lines - i);
      if (lines < width) memset(dst + lines, 0, (width - lines) * sizeof(float));
    } else if (lines < width) {
      memset(dst + lines, 0, (width - lines) * sizeof(float));
    }
    src += k_stride;
    dst += width;
  }
}

/* Four full panels at once, so that each row of src is read in long runs. */
static inline void or_pack_copy_4(size_t kc, const float *src, size_t k_stride, float *dst, size_t width) {
  for (size_t k = 0; k < kc; ++k) {
    for (size_t panel = 0; panel < 4; ++panel) {
      float *to = dst + panel * width * kc + k * width;
      for (size_t i = 0; i < width; i += 8) _mm256_storeu_ps(to + i, _mm256_loadu_ps(src + panel * width + i));
    }
    src += k_stride;
  }
}

static inline void or_pack_panels_f32(const or_pack_t *pack) {
  const size_t kc = pack->kc, panel = pack->panel;
  const float *src = pack->src;
  float *dst = pack->dst;
  for (size_t line = 0; line < pack->lines;) {
    const size_t left = pack->lines - line, lines = left < panel ? left : panel;
    const size_t width = pack->exact ? lines : panel;
    if (pack->line_stride == 1 && left >= 4 * panel && panel % 8 == 0) {
      or_pack_copy_4(kc, src, pack->k_stride, dst, panel);
      line += 4 * panel;
      src += 4 * panel;
      dst += 4 * panel * kc;
      continue;
    }
    if (pack->line_stride == 1) {
      or_pack_copy(lines, kc, src, pack->k_stride, dst, width);
    } else if (pack->k_stride == 1) {
      for (size_t i = 0; i < width; i += 8) {
        const size_t have = i >= lines ? 0 : lines - i < 8 ? lines - i : 8;
        or_pack_interleave(have, width - i < 8 ? width - i : 8, kc, src + i * pack->line_stride, pack->line_stride,
                           dst + i, width);
      }
    } else {
      for (size_t k = 0; k < kc; ++k) {
        for (size_t i = 0; i < width; ++i) {
          dst[k * width + i] = i < lines ? src[i * pack->line_stride + k * pack->k_stride] : 0.0f;
        }
      }
    }
    line += lines;
    src += lines * pack->line_stride;
    dst += width * kc;
  }
}

#endif
