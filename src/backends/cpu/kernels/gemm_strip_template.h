/* A strip of micro-kernels. The including file defines
 *   G_T scalar type, G_V vector type, G_W lanes, G_MR rows and G_NV vectors of a full micro-tile, G_STRIP the
 * function's name, G_ZERO G_SET1 G_LOAD G_LOAD_N G_STORE G_STORE_N G_ADD G_MUL G_FMA G_MAX_B G_MIN_B G_REDUCE_ADD,
 * G_FMA_INTO(sum, x, y), G_DIRECT_A where the level also reads A unpacked and gets static void G_STRIP(const
 * or_gemm_strip_t *). The micro-kernel exists for each number of rows and of vectors, so that small and odd products do
 * not pay for the full tile. */

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
#define G_ROWS_7(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6)
#define G_ROWS_8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define G_ROWS_9(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#define G_ROWS_10(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)
#define G_ROWS_11(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10)
#define G_ROWS_12(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define G_ROWS_13(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#define G_ROWS_14(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13)
#define G_VECTORS_1(X, i) X(i, 0)
#define G_VECTORS_2(X, i) X(i, 0) X(i, 1)
#define G_VECTORS_3(X, i) X(i, 0) X(i, 1) X(i, 2)

#define M_ROWS 1
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 1
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#if G_NV == 3
#define M_ROWS 1
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#define M_ROWS 2
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 2
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#if G_NV == 3
#define M_ROWS 2
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#define M_ROWS 3
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 3
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#if G_NV == 3
#define M_ROWS 3
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#define M_ROWS 4
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 4
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#if G_NV == 3
#define M_ROWS 4
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#if G_MR >= 5
#define M_ROWS 5
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 5
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#if G_NV == 3
#define M_ROWS 5
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#define M_ROWS 6
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 6
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#if G_NV == 3
#define M_ROWS 6
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#endif
#if G_MR >= 7
#define M_ROWS 7
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 7
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#if G_NV == 3
#define M_ROWS 7
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#define M_ROWS 8
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 8
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#if G_NV == 3
#define M_ROWS 8
#define M_VECTORS 3
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif
#endif
#if G_MR >= 9
#define M_ROWS 9
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 9
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 10
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 10
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 11
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 11
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 12
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 12
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 13
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 13
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 14
#define M_VECTORS 1
#include "backends/cpu/kernels/gemm_micro_template.h"
#define M_ROWS 14
#define M_VECTORS 2
#include "backends/cpu/kernels/gemm_micro_template.h"
#endif

typedef void (*micro_fn)(const micro_t *);
#if G_NV == 3
#define G_ENTRY(prefix, rows) {prefix##rows##x1, prefix##rows##x2, prefix##rows##x3},
#else
#define G_ENTRY(prefix, rows) {prefix##rows##x1, prefix##rows##x2},
#endif
#if G_MR == 4
#define G_TABLE(p) \
  { G_ENTRY(p, 1) G_ENTRY(p, 2) G_ENTRY(p, 3) G_ENTRY(p, 4) }
#elif G_MR == 6
#define G_TABLE(p) \
  { G_ENTRY(p, 1) G_ENTRY(p, 2) G_ENTRY(p, 3) G_ENTRY(p, 4) G_ENTRY(p, 5) G_ENTRY(p, 6) }
#elif G_MR == 8
#define G_TABLE(p) \
  { G_ENTRY(p, 1) G_ENTRY(p, 2) G_ENTRY(p, 3) G_ENTRY(p, 4) G_ENTRY(p, 5) G_ENTRY(p, 6) G_ENTRY(p, 7) G_ENTRY(p, 8) }
#elif G_MR == 14
#define G_TABLE(p)                                                                                                     \
  {                                                                                                                    \
    G_ENTRY(p, 1)                                                                                                      \
    G_ENTRY(p, 2)                                                                                                      \
    G_ENTRY(p, 3)                                                                                                      \
    G_ENTRY(p, 4)                                                                                                      \
    G_ENTRY(p, 5) G_ENTRY(p, 6) G_ENTRY(p, 7) G_ENTRY(p, 8) G_ENTRY(p, 9) G_ENTRY(p, 10) G_ENTRY(p, 11) G_ENTRY(p, 12) \
        G_ENTRY(p, 13) G_ENTRY(p, 14)                                                                                  \
  }
#endif
static const micro_fn micro_packed[G_MR][G_NV] = G_TABLE(micro_packed_);
#ifdef G_DIRECT_A
static const micro_fn micro_direct[G_MR][G_NV] = G_TABLE(micro_direct_);
#else
#define micro_direct micro_packed
#endif

static void G_STRIP(const or_gemm_strip_t *strip) {
  micro_t micro = {.strip = strip,
                   .a = strip->a,
                   .b = strip->b,
                   .c = strip->c,
                   .bias_row = strip->bias_row,
                   .residual = strip->residual,
                   .a_row = strip->a_row,
                   .a_k = strip->a_k,
                   .cols = strip->cols};
  const size_t vector = (strip->cols - 1) / G_W;
  const size_t a_step = strip->a_packed ? strip->kc : strip->a_row; /* elements of A for each row of C */
  for (size_t row = 0; row < strip->rows; row += G_MR) {
    const size_t rows = strip->rows - row < G_MR ? strip->rows - row : G_MR;
    (strip->a_packed ? micro_packed : micro_direct)[rows - 1][vector](&micro);
    micro.a += rows * a_step;
    micro.c += rows * strip->ldc;
    if (micro.bias_row != NULL) micro.bias_row += rows;
    if (micro.residual != NULL) micro.residual += rows * strip->residual_ld;
  }
}
