/* Packing of float32 operands for bf16 products: elements are rounded (to nearest, ties to even; denormals to zero) by
 * AVX512-BF16 while they are packed, two depth steps side by side. AMX takes B in the same order and A in rows of 64
 * bytes. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/pack_x86.h"

enum { PAIRS_AT_ONCE = 128, LINES_AT_ONCE = 8, HALF_PANEL = 16, AMX_ROWS = 32, AMX_DEPTH = 32 };

/* A panel: `width` lines (rows of A, columns of B) for each pair of depth steps, one 32-bit word each. */
typedef struct panel_t {
  size_t lines, width, kc;
  size_t pairs; /* as packed: those beyond kc are zeros */
  const float *src;
  size_t line_stride, k_stride; /* of src, in elements */
  uint32_t *dst;
} panel_t;

static __mmask16 lanes(size_t count) { return (__mmask16)(count >= 16 ? 0xffffU : (1U << count) - 1U); }

/* 32 floats along depth, or what is left of them, as 16 pairs. */
static __m512i round_pairs(const float *src, size_t count) {
  const __m512 low = _mm512_maskz_loadu_ps(lanes(count), src);
  const __m512 high = _mm512_maskz_loadu_ps(lanes(count > 16 ? count - 16 : 0), src + 16);
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/* Lines that are contiguous along depth: rounded a few at a time, then transposed as 32-bit words. */
static void pack_along_depth(const panel_t *panel) {
  const size_t used = (panel->kc + 1) / 2;
  float words[LINES_AT_ONCE][PAIRS_AT_ONCE];
  for (size_t first = 0; first < used; first += PAIRS_AT_ONCE) {
    const size_t pairs = used - first < PAIRS_AT_ONCE ? used - first : PAIRS_AT_ONCE;
    for (size_t line = 0; line < panel->width; line += LINES_AT_ONCE) {
      const size_t left = panel->lines > line ? panel->lines - line : 0, width = panel->width - line;
      const size_t have = left < LINES_AT_ONCE ? left : LINES_AT_ONCE;
      for (size_t i = 0; i < have; ++i) {
        const float *from = panel->src + (line + i) * panel->line_stride + 2 * first;
        for (size_t pair = 0; pair < pairs; pair += 16) {
          _mm512_storeu_si512(&words[i][pair], round_pairs(from + 2 * pair, panel->kc - 2 * (first + pair)));
        }
      }
      or_pack_interleave(have, width < LINES_AT_ONCE ? width : LINES_AT_ONCE, pairs, words[0], PAIRS_AT_ONCE,
                         (float *)(void *)(panel->dst + first * panel->width + line), panel->width);
    }
  }
}

/* Two rows of at most 16 elements become pairs. */
static __m512i interleave(__m512 first, __m512 second) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

static __m512 load_line(const panel_t *panel, size_t k, size_t line, size_t count) {
  float row[HALF_PANEL];
  if (k >= panel->kc || count == 0) return _mm512_setzero_ps();
  const float *from = panel->src + k * panel->k_stride + line * panel->line_stride;
  if (panel->line_stride == 1) return _mm512_maskz_loadu_ps(lanes(count), from);
  for (size_t i = 0; i < count; ++i) row[i] = from[i * panel->line_stride];
  return _mm512_maskz_loadu_ps(lanes(count), row);
}

static void pack_across(const panel_t *panel) {
  for (size_t pair = 0; pair < (panel->kc + 1) / 2; ++pair) {
    for (size_t line = 0; line < panel->width; line += HALF_PANEL) {
      const size_t left = panel->lines > line ? panel->lines - line : 0, count = left < HALF_PANEL ? left : HALF_PANEL;
      const __m512 first = load_line(panel, 2 * pair, line, count),
                   second = load_line(panel, 2 * pair + 1, line, count);
      _mm512_mask_storeu_epi32(panel->dst + pair * panel->width + line, lanes(panel->width - line),
                               interleave(first, second));
    }
  }
}

/* `all`: of every line; its width is a panel's. */
static void pack_panels(const panel_t *all) {
  panel_t panel = *all;
  const size_t used = (all->kc + 1) / 2, words = all->pairs * all->width;
  for (size_t line = 0; line < all->lines; line += all->width) {
    panel.lines = all->lines - line < all->width ? all->lines - line : all->width;
    if (panel.k_stride == 1) {
      pack_along_depth(&panel);
    } else {
      pack_across(&panel);
    }
    memset(panel.dst + used * all->width, 0, (all->pairs - used) * all->width * sizeof *panel.dst);
    panel.src += all->width * all->line_stride;
    panel.dst += words;
  }
}

void or_pack_bf16_pairs_avx512bf16(const or_pack_pairs_t *pack, const void *src, void *dst) {
  const panel_t all = {.lines = pack->lines,
                       .width = pack->panel,
                       .kc = pack->kc,
                       .pairs = or_gemm_round_up(pack->kc, pack->k_group) / 2,
                       .src = src,
                       .line_stride = pack->line_stride,
                       .k_stride = pack->k_stride,
                       .dst = dst};
  pack_panels(&all);
}

/* For each 32 steps of depth 32 rows of them. */
void or_pack_bf16_rows_avx512bf16(size_t rows, size_t kc, const void *a, size_t row_stride, size_t k_stride,
                                  void *dst) {
  const float *src = a;
  uint16_t *to = dst;
  float gathered[AMX_DEPTH];
  for (size_t first = 0; first < rows; first += AMX_ROWS) {
    for (size_t k = 0; k < kc; k += AMX_DEPTH) {
      const size_t count = kc - k < AMX_DEPTH ? kc - k : AMX_DEPTH;
      for (size_t row = first; row < first + AMX_ROWS; ++row, to += AMX_DEPTH) {
        if (row >= rows) {
          memset(to, 0, AMX_DEPTH * sizeof *to);
          continue;
        }
        const float *from = src + row * row_stride + k * k_stride;
        for (size_t i = 0; k_stride != 1 && i < count; ++i) gathered[i] = from[i * k_stride];
        _mm512_storeu_si512(to, round_pairs(k_stride == 1 ? from : gathered, count));
      }
    }
  }
}

/* Matrix times vector over packed panels of 32 columns: `count` of them side by side, each a stream of its own. */
static inline __attribute__((always_inline)) void multiply_panels(const size_t count, size_t pairs, size_t panel_words,
                                                                  const uint32_t *x, const uint32_t *b, float *y) {
  __m512 sums[4][2];
  for (size_t p = 0; p < count; ++p) {
    for (size_t half = 0; half < 2; ++half) sums[p][half] = _mm512_loadu_ps(y + (2 * p + half) * 16);
  }
  for (size_t pair = 0; pair < pairs; ++pair) {
    const __m512i factor = _mm512_set1_epi32((int32_t)x[pair]);
    for (size_t p = 0; p < count; ++p) {
      for (size_t half = 0; half < 2; ++half) {
        const __m512i columns = _mm512_loadu_si512(b + p * panel_words + pair * 32 + half * 16);
        sums[p][half] = _mm512_dpbf16_ps(sums[p][half], (__m512bh)factor, (__m512bh)columns);
      }
    }
  }
  for (size_t p = 0; p < count; ++p) {
    for (size_t half = 0; half < 2; ++half) _mm512_storeu_ps(y + (2 * p + half) * 16, sums[p][half]);
  }
}

void or_gemv_bf16_panels_avx512bf16(const or_pack_pairs_t *pack, const void *x_any, const void *b_any, void *y_any) {
  const float *x = x_any;
  const size_t panel_words = or_gemm_round_up(pack->kc, pack->k_group) / 2 * 32;
  uint32_t factors[PAIRS_AT_ONCE];
  for (size_t k = 0; k < pack->kc; k += (size_t)2 * PAIRS_AT_ONCE) {
    const size_t steps = pack->kc - k < (size_t)2 * PAIRS_AT_ONCE ? pack->kc - k : (size_t)2 * PAIRS_AT_ONCE;
    const panel_t vector = {.lines = 1,
                            .width = 1,
                            .kc = steps,
                            .pairs = (steps + 1) / 2,
                            .src = x + k * pack->k_stride,
                            .line_stride = 1,
                            .k_stride = pack->k_stride,
                            .dst = factors};
    pack_panels(&vector);
    const uint32_t *b = (const uint32_t *)b_any + k / 2 * 32;
    float *y = y_any;
    size_t panels = pack->lines;
    for (; panels >= 4; panels -= 4, b += 4 * panel_words, y += 128) {
      multiply_panels(4, vector.pairs, panel_words, factors, b, y);
    }
    for (; panels > 0; --panels, b += panel_words, y += 32) {
      multiply_panels(1, vector.pairs, panel_words, factors, b, y);
    }
  }
}
