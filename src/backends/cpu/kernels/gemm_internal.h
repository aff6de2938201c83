/* What a level gives to the matrix product's driver: packing and a strip of micro-kernels. */
#ifndef OR_BACKENDS_CPU_KERNELS_GEMM_INTERNAL_H
#define OR_BACKENDS_CPU_KERNELS_GEMM_INTERNAL_H

#include "backends/cpu/kernels/kernels.h"

/* A strip: `rows` rows of C times one panel of columns, over kc steps of depth, in micro-tiles of mr rows:
 *   acc = sum over k of A * B;  C = alpha * acc + beta * C, and where `last` is set + bias + residual, clipped to [lo,
 * hi] where `clip` is. */
typedef struct or_gemm_strip_t {
  size_t rows, cols; /* cols <= nr */
  size_t kc;
  const void *a;     /* packed panels one after another, or A itself */
  size_t a_row, a_k; /* element strides where A is read directly (a_packed false) */
  bool a_packed;
  const void *b;
  size_t b_k; /* element stride between depth steps: nr where packed; B's row stride where read directly */
  void *c;
  size_t ldc;
  double alpha, beta;
  const void
      *bias_col; /* at this strip's first column; NULL: none. All four: NULL unless this is the last depth block. */
  const void *bias_row; /* at its first row */
  const void *residual; /* at its first element */
  size_t residual_ld;
  bool clip;
  float lo, hi;
} or_gemm_strip_t;

struct or_gemm_ops_t {
  const char *layout; /* names the packed form */
  unsigned mr, nr;
  unsigned k_group; /* depth steps that lie together in packed form; depth is padded with zeros to a multiple */
  unsigned a_bytes, b_bytes, c_bytes;      /* an element as stored */
  unsigned packed_a_bytes, packed_b_bytes; /* an element as packed */
  bool exact_rows;         /* the last panel of A is packed with just its rows (otherwise padded to mr) */
  bool direct_a, direct_b; /* the strip reads unpacked operands */
  unsigned l1_depth;       /* depth of a block where the first-level cache holds 32 KiB */
  /* Pack any number of panels: element (row, k) lies at a[row * row_stride + k * k_stride]; (k, col) at b[k * k_stride
   * + col * col_stride]. */
  void (*pack_a)(size_t rows, size_t kc, const void *a, size_t row_stride, size_t k_stride, void *dst);
  void (*pack_b)(size_t kc, size_t cols, const void *b, size_t k_stride, size_t col_stride, void *dst);
  void (*strip)(const or_gemm_strip_t *strip);
  /* Matrix times vector; NULL: strips do it. rows: y[j] += sum over i < k of x[i] b[i * ldb + j]. dots: y[j] += sum of
   * x[i] b[j * ldb + i]. */
  void (*gemv_rows)(size_t k, size_t n, const void *x, size_t x_stride, const void *b, size_t ldb, void *y);
  void (*gemv_dots)(size_t k, size_t n, const void *x, const void *b, size_t ldb, void *y);
  /* The same over packed panels of B, whole ones: y has room for them. */
  void (*gemv_panels)(size_t kc, size_t panels, const void *x, size_t x_stride, const void *b, void *y);
  /* y = act(alpha * acc + beta * c ...) is done by the driver in C's type: */
  void (*activate)(const or_act_t *act, size_t n, void *y);
};

static inline size_t or_gemm_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t or_gemm_divide_up(size_t a, size_t b) { return a / b + (a % b != 0); }
/* Saturates rather than overflows: SIZE_MAX spoils every sum that follows, and the plan is refused. */
static inline size_t or_gemm_round_up(size_t a, size_t b) {
  size_t blocks = or_gemm_divide_up(a, b);
  return blocks > SIZE_MAX / b ? SIZE_MAX : blocks * b;
}
static inline size_t or_gemm_mul(size_t a, size_t b) { return b != 0 && a > SIZE_MAX / b ? SIZE_MAX : a * b; }
static inline size_t or_gemm_add(size_t a, size_t b) { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

static inline const void *or_gemm_at(const void *base, size_t elements, size_t bytes) {
  return base == NULL ? NULL : (const char *)base + elements * bytes;
}
static inline void *or_gemm_at_mut(void *base, size_t elements, size_t bytes) {
  return (char *)base + elements * bytes;
}

/* Elements of packed A (B) before row (column) `index`, a multiple of the panel, in the block that starts at depth k0
 * and has kc steps. */
size_t or_gemm_packed_a_offset(const or_gemm_ops_t *ops, size_t extent, size_t index, size_t k0, size_t kc);
size_t or_gemm_packed_b_offset(const or_gemm_ops_t *ops, size_t extent, size_t index, size_t k0, size_t kc);

/* The vector part of the driver (gemv.c): matrix times vector with the same epilogue. */
void or_gemv_tile(const or_gemm_plan_t *plan, const or_gemm_args_t *args, size_t tile, void *scratch);

static inline bool or_gemm_is_stopped(const or_gemm_args_t *args) {
  return args->stop != NULL && args->stop(args->stop_context);
}

#endif
