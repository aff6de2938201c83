/* A strip of micro-kernels. The including file defines
 *   G_T scalar type, G_V vector type, G_W lanes, G_MR rows and G_NV vectors of a full micro-tile, G_STRIP the
 * function's name, G_ZERO G_SET1 G_LOAD G_LOAD_N G_STORE G_STORE_N G_ADD G_MUL G_FMA G_MAX_B G_MIN_B G_REDUCE_ADD,
 * G_FMA_INTO(sum, x, y), G_DIRECT_A where the level also reads A unpacked
 * and gets static void G_STRIP(const or_gemm_strip_t *). The micro-kernel exists for several heights and for each
 * number of vectors, so that small and odd products do not pay for the full tile. */

/* Instrumenting the unrolled kernels takes clang minutes and finds nothing: gemm_test.c runs them against protected
   pages. */
#if defined(__clang__)
#define G_MICRO_ATTRIBUTES __attribute__((noinline, no_sanitize("address", "undefined")))
#else
#define G_MICRO_ATTRIBUTES __attribute__((noinline))
#endif

typedef struct micro_t {
  const or_gemm_strip_t *strip;
  const G_T *a, *b;
  G_T *c;
  const G_T *bias_row, *residual; /* at this tile, or NULL */
  size_t a_row, a_k;
  size_t cols;
} micro_t;

#define G_ROWS_1(X) X(0)
#define G_ROWS_2(X) X(0) X(1)
#define G_ROWS_3(X) X(0) X(1) X(2)
#define G_ROWS_4(X) X(0) X(1) X(2) X(3)
#define G_ROWS_5(X) X(0) X(1) X(2) X(3) X(4)
#define G_ROWS_6(X) X(0) X(1) X(2) X(3) X(4) X(5)
#define G_ROWS_8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define G_ROWS_14(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)
#define G_VECTORS_1(X, i) X(i, 0)
#define G_VECTORS_2(X, i) X(i, 0) X(i, 1)
#define G_VECTORS_3(X, i) X(i, 0) X(i, 1) X(i, 2)

/* 1, 2, 4, 8 and the full height everywhere; those between where they are cheap to have. Others are put together from
   these. */
#define M_ROWS 1
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 1
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 2
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 2
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 4
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 4
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#if G_NV == 3
#define M_ROWS 1
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 2
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 4
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#if G_MR == 6
#define M_ROWS 3
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 3
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 5
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 5
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 6
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 6
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#if G_MR >= 8
#define M_ROWS 8
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 8
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#if G_NV == 3
#define M_ROWS 8
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#if G_MR == 14
#define M_ROWS 14
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 14
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif

typedef void (*micro_fn)(const micro_t *);
#if G_NV == 3
#define G_ENTRY(rows) \
  { micro_##rows##x1, micro_##rows##x2, micro_##rows##x3 }
#else
#define G_ENTRY(rows) \
  { micro_##rows##x1, micro_##rows##x2 }
#endif
static const struct {
  size_t rows;
  micro_fn run[G_NV];
} micro_kernels[] = {/* the tallest first */
#if G_MR == 14
                     {14, G_ENTRY(14)},
#endif
#if G_MR >= 8
                     {8, G_ENTRY(8)},
#endif
#if G_MR == 6
                     {6, G_ENTRY(6)},   {5, G_ENTRY(5)},
#endif
                     {4, G_ENTRY(4)},
#if G_MR == 6
                     {3, G_ENTRY(3)},
#endif
                     {2, G_ENTRY(2)},   {1, G_ENTRY(1)}};

static void G_STRIP(const or_gemm_strip_t *strip) {
  micro_t micro = {.strip = strip,
                   .a = strip->a,
                   .b = strip->b,
                   .c = strip->c,
                   .bias_row = strip->bias_row,
                   .residual = strip->residual,
                   .a_row = strip->a_packed ? 1 : strip->a_row,
                   .cols = strip->cols};
  const size_t vector = (strip->cols - 1) / G_W;
  for (size_t row = 0; row < strip->rows; row += G_MR) {
    size_t rows = strip->rows - row < G_MR ? strip->rows - row : G_MR;
    const G_T *next = micro.a + rows * (strip->a_packed ? strip->kc : strip->a_row);
    micro.a_k = strip->a_packed ? rows : strip->a_k;
    for (size_t i = 0; rows > 0;) {
      if (micro_kernels[i].rows > rows) {
        ++i;
        continue;
      }
      const size_t height = micro_kernels[i].rows;
      micro_kernels[i].run[vector](&micro);
      rows -= height;
      micro.a += height * micro.a_row;
      micro.c += height * strip->ldc;
      if (micro.bias_row != NULL) micro.bias_row += height;
      if (micro.residual != NULL) micro.residual += height * strip->residual_ld;
    }
    micro.a = next;
  }
}
