/* bf16 and int8 products by AMX: C tiles of 32 x 32 in four tile registers, two of A (16 rows of 64 bytes of depth
 * each), two of B (16 groups of depth, 16 columns each). Intel 64 and IA-32 Architectures Software Developer's Manual,
 * volume 1, chapter 18.
 *
 * The tile configuration is set and released in each strip: no state outlives a call, so that any thread may run any
 * tile. */
#include <immintrin.h>
#include <string.h>

#include "backends/cpu/kernels/gemm_sums_avx512.h"
#include "backends/cpu/kernels/levels_internal.h"

enum { MR = 32, NR = 32, ROW_BYTES = 64, TILE_ROWS = 16, TILE_BYTES = 1024 };

/* Palette 1: every register 16 rows of 64 bytes. */
typedef struct tile_config_t {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tile_config_t;

/* A constant: gcc's _tile_loadconfig says that it reads 8 bytes, so that stores to the others may be left out. */
static void configure_tiles(void) {
  static const tile_config_t config = {
      .palette = 1,
      .row_bytes = {ROW_BYTES, ROW_BYTES, ROW_BYTES, ROW_BYTES, ROW_BYTES, ROW_BYTES, ROW_BYTES, ROW_BYTES},
      .rows = {TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS, TILE_ROWS},
  };
  _tile_loadconfig(&config);
}

/* A: for each 64 bytes of depth, 32 rows of them, so that a tile is 1024 bytes in a row. Rows beyond the matrix and
 * depth beyond its end are zeros. */
static void pack_a_bytes(size_t element, const size_t rows_kc[2], const uint8_t *a, size_t row_stride, size_t k_stride,
                         uint8_t *dst) {
  const size_t kc = rows_kc[1], chunk = ROW_BYTES / element, chunks = (kc + chunk - 1) / chunk;
  for (size_t row = 0; row < rows_kc[0]; row += MR) {
    const size_t rows = rows_kc[0] - row < MR ? rows_kc[0] - row : MR;
    memset(dst, 0, chunks * MR * ROW_BYTES);
    for (size_t i = 0; i < rows; ++i) {
      const uint8_t *from = a + (row + i) * row_stride * element;
      for (size_t k = 0; k < kc; ++k) {
        uint8_t *to = dst + (k / chunk * MR + i) * ROW_BYTES + k % chunk * element;
        memcpy(to, from + k * k_stride * element, element);
      }
    }
    dst += chunks * MR * ROW_BYTES;
  }
}

static void pack_a_bf16(size_t rows, size_t kc, const void *a, size_t row_stride, size_t k_stride, void *dst) {
  const size_t rows_kc[2] = {rows, kc};
  pack_a_bytes(2, rows_kc, a, row_stride, k_stride, dst);
}

static void pack_a_int8(size_t rows, size_t kc, const void *a, size_t row_stride, size_t k_stride, void *dst) {
  const size_t rows_kc[2] = {rows, kc};
  pack_a_bytes(1, rows_kc, a, row_stride, k_stride, dst);
}

/* B: groups of 4 bytes of depth, 32 columns each; two column halves of a row are tiles' rows. Depth up to a whole chunk
 * is zeros. */
static void pack_b_bytes(size_t element, const size_t kc_cols[2], const uint8_t *b, size_t k_stride, size_t col_stride,
                         uint8_t *dst) {
  const size_t kc = kc_cols[0], group = 4 / element, chunk = ROW_BYTES / element,
               depth = (kc + chunk - 1) / chunk * chunk;
  for (size_t column = 0; column < kc_cols[1]; column += NR) {
    const size_t columns = kc_cols[1] - column < NR ? kc_cols[1] - column : NR;
    memset(dst, 0, depth * NR * element);
    for (size_t k = 0; k < kc; ++k) {
      for (size_t j = 0; j < columns; ++j) {
        uint8_t *to = dst + ((k / group * NR + j) * group + k % group) * element;
        memcpy(to, b + (k * k_stride + (column + j) * col_stride) * element, element);
      }
    }
    dst += depth * NR * element;
  }
}

static void pack_b_bf16(size_t kc, size_t cols, const void *b, size_t k_stride, size_t col_stride, void *dst) {
  const size_t kc_cols[2] = {kc, cols};
  pack_b_bytes(2, kc_cols, b, k_stride, col_stride, dst);
}

static void pack_b_int8(size_t kc, size_t cols, const void *b, size_t k_stride, size_t col_stride, void *dst) {
  const size_t kc_cols[2] = {kc, cols};
  pack_b_bytes(1, kc_cols, b, k_stride, col_stride, dst);
}

/* 32 x 32 sums over `chunks` of 64 bytes of depth. A row of B's panel is 32 columns of 4 bytes. */
#define DEFINE_MICRO(name, product)                                                 \
  static void name(size_t chunks, const uint8_t *a, const uint8_t *b, void *sums) { \
    uint8_t *c = sums;                                                              \
    _tile_zero(0);                                                                  \
    _tile_zero(1);                                                                  \
    _tile_zero(2);                                                                  \
    _tile_zero(3);                                                                  \
    for (; chunks > 0; --chunks) {                                                  \
      _tile_loadd(4, a, ROW_BYTES);                                                 \
      _tile_loadd(5, a + TILE_BYTES, ROW_BYTES);                                    \
      _tile_loadd(6, b, 4 * NR);                                                    \
      _tile_loadd(7, b + ROW_BYTES, 4 * NR);                                        \
      product(0, 4, 6);                                                             \
      product(1, 4, 7);                                                             \
      product(2, 5, 6);                                                             \
      product(3, 5, 7);                                                             \
      a += 2 * TILE_BYTES;                                                          \
      b += 2 * TILE_BYTES;                                                          \
    }                                                                               \
    _tile_stored(0, c, 4 * NR);                                                     \
    _tile_stored(1, c + ROW_BYTES, 4 * NR);                                         \
    _tile_stored(2, c + TILE_ROWS * 4 * NR, 4 * NR);                                \
    _tile_stored(3, c + TILE_ROWS * 4 * NR + ROW_BYTES, 4 * NR);                    \
  }
DEFINE_MICRO(micro_bf16, _tile_dpbf16ps)
DEFINE_MICRO(micro_u8s8, _tile_dpbusd)
DEFINE_MICRO(micro_s8s8, _tile_dpbssd)

static void strip_bf16(const or_gemm_strip_t *strip) {
  _Alignas(64) float sums[MR * NR];
  const uint8_t *a = strip->a;
  configure_tiles();
  for (size_t row = 0; row < strip->rows; row += MR) {
    const size_t rows = strip->rows - row < MR ? strip->rows - row : MR;
    micro_bf16(strip->kc / 32, a, strip->b, sums);
    or_gemm_finish_sums(strip, row, rows, sums, NR);
    a += MR * strip->kc * 2;
  }
  _tile_release();
}

static inline int32_t add_wrapping(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

static void finish_int8(const or_gemm_strip_t *strip, size_t row, size_t rows, const int32_t *sums) {
  const int32_t *bias_col = strip->bias_col, *bias_row = strip->bias_row, *residual = strip->residual;
  for (size_t i = 0; i < rows; ++i) {
    int32_t *c = (int32_t *)strip->c + (row + i) * strip->ldc;
    for (size_t j = 0; j < strip->cols; ++j) {
      int32_t value = sums[i * NR + j];
      if (strip->beta != 0.0) value = add_wrapping(value, c[j]);
      if (bias_col != NULL) value = add_wrapping(value, bias_col[j]);
      if (bias_row != NULL) value = add_wrapping(value, bias_row[row + i]);
      if (residual != NULL) value = add_wrapping(value, residual[(row + i) * strip->residual_ld + j]);
      c[j] = value;
    }
  }
}

static void strip_int8(const or_gemm_strip_t *strip, void (*micro)(size_t, const uint8_t *, const uint8_t *, void *)) {
  _Alignas(64) int32_t sums[MR * NR];
  const uint8_t *a = strip->a;
  configure_tiles();
  for (size_t row = 0; row < strip->rows; row += MR) {
    const size_t rows = strip->rows - row < MR ? strip->rows - row : MR;
    micro(strip->kc / 64, a, strip->b, sums);
    finish_int8(strip, row, rows, sums);
    a += MR * strip->kc;
  }
  _tile_release();
}

static void strip_u8s8(const or_gemm_strip_t *strip) { strip_int8(strip, micro_u8s8); }
static void strip_s8s8(const or_gemm_strip_t *strip) { strip_int8(strip, micro_s8s8); }

const or_gemm_ops_t or_gemm_bf16_amx = {.layout = "bf16 tiles 32x32",
                                        .mr = MR,
                                        .nr = NR,
                                        .k_group = 32,
                                        .a_bytes = 2,
                                        .b_bytes = 2,
                                        .c_bytes = sizeof(float),
                                        .packed_a_bytes = 2,
                                        .packed_b_bytes = 2,
                                        .l1_depth = 1024,
                                        .pack_a = pack_a_bf16,
                                        .pack_b = pack_b_bf16,
                                        .strip = strip_bf16,
                                        .activate = or_activate_avx512};

static void pack_b_f32(size_t kc, size_t cols, const void *b, size_t k_stride, size_t col_stride, void *dst) {
  const or_pack_pairs_t pack = {cols, kc, col_stride, k_stride, NR, 32};
  or_pack_bf16_pairs_avx512bf16(&pack, b, dst);
}

static void gemv_panels_bf16(size_t kc, size_t panels, const void *x, size_t x_stride, const void *b, void *y) {
  const or_pack_pairs_t pack = {panels, kc, 1, x_stride, NR, 32};
  or_gemv_bf16_panels_avx512bf16(&pack, x, b, y);
}

const or_gemm_ops_t or_gemm_f32_bf16_amx = {.layout = "bf16 tiles 32x32",
                                            .mr = MR,
                                            .nr = NR,
                                            .k_group = 32,
                                            .a_bytes = sizeof(float),
                                            .b_bytes = sizeof(float),
                                            .c_bytes = sizeof(float),
                                            .packed_a_bytes = 2,
                                            .packed_b_bytes = 2,
                                            .l1_depth = 1024,
                                            .pack_a = or_pack_bf16_rows_avx512bf16,
                                            .pack_b = pack_b_f32,
                                            .strip = strip_bf16,
                                            .gemv_panels = gemv_panels_bf16,
                                            .activate = or_activate_avx512};

#define INT8_OPS(name, from)                                                 \
  const or_gemm_ops_t or_gemm_##name##_amx = {.layout = from " tiles 32x32", \
                                              .mr = MR,                      \
                                              .nr = NR,                      \
                                              .k_group = 64,                 \
                                              .a_bytes = 1,                  \
                                              .b_bytes = 1,                  \
                                              .c_bytes = sizeof(int32_t),    \
                                              .packed_a_bytes = 1,           \
                                              .packed_b_bytes = 1,           \
                                              .l1_depth = 2048,              \
                                              .pack_a = pack_a_int8,         \
                                              .pack_b = pack_b_int8,         \
                                              .strip = strip_##name};
INT8_OPS(u8s8, "u8")
INT8_OPS(s8s8, "s8")

/* Four tiles of sums, as in the products, without their loads. */
#define DEFINE_PEAK(name, product, operations)           \
  uint64_t name(uint64_t iterations) {                   \
    configure_tiles();                                   \
    _tile_zero(0);                                       \
    _tile_zero(1);                                       \
    _tile_zero(2);                                       \
    _tile_zero(3);                                       \
    _tile_zero(4);                                       \
    _tile_zero(6);                                       \
    for (uint64_t step = 0; step < iterations; ++step) { \
      product(0, 4, 6);                                  \
      product(1, 4, 6);                                  \
      product(2, 4, 6);                                  \
      product(3, 4, 6);                                  \
    }                                                    \
    _tile_release();                                     \
    return iterations * 4 * (operations);                \
  }
DEFINE_PEAK(or_peak_bf16_amx, _tile_dpbf16ps, 2 * 16 * 16 * 32)
DEFINE_PEAK(or_peak_int8_amx, _tile_dpbssd, 2 * 16 * 16 * 64)
