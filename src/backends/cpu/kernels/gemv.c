/* Matrix times vector: C is one row (m = 1) or one column (n = 1). A tile is a run of the result, kept in scratch until
 * it is finished. */
#include <string.h>

#include "backends/cpu/kernels/gemm_internal.h"

/* The result as a vector of `count` elements from `first`; strides in elements. */
typedef struct run_t {
  size_t first, count;
  size_t c_stride, residual_stride;
  const void *bias_along;  /* one for each element */
  const void *bias_single; /* one for all */
} run_t;

static void finish_f32(const or_gemm_args_t *args, const run_t *run, float *y);
static void finish_f64(const or_gemm_args_t *args, const run_t *run, double *y);

static void multiply_panels(const or_gemm_plan_t *plan, const run_t *run, const char *x, size_t x_stride,
                            const void *packed, void *y) {
  const or_gemm_ops_t *ops = plan->ops;
  for (size_t k0 = 0; k0 < plan->shape.k; k0 += plan->kc) {
    size_t kc = or_gemm_min(plan->kc, plan->shape.k - k0);
    size_t offset = or_gemm_packed_b_offset(ops, plan->shape.n, run->first, k0, kc);
    ops->gemv_panels(kc, or_gemm_divide_up(run->count, ops->nr), x + k0 * x_stride * ops->c_bytes, x_stride,
                     or_gemm_at(packed, offset, ops->packed_b_bytes), y);
  }
}

void or_gemv_tile(const or_gemm_plan_t *plan, const or_gemm_args_t *args, size_t tile, void *scratch) {
  const or_gemm_shape_t *shape = &plan->shape;
  const or_gemm_ops_t *ops = plan->ops;
  bool row = shape->m == 1 && !shape->virtual_b; /* as the plan decided */
  size_t length = row ? shape->n : shape->m, k = shape->k;
  size_t first = tile * plan->tile_n;
  run_t run = {.first = first,
               .count = or_gemm_min(plan->tile_n, length - first),
               .c_stride = row ? 1 : args->ldc,
               .residual_stride = row ? 1 : args->residual_ld,
               .bias_along = row ? args->bias_col : args->bias_row,
               .bias_single = row ? args->bias_row : args->bias_col};
  const char *x = row ? args->a : args->b, *matrix = row ? args->b : args->a;
  bool packed_row = shape->packed_a; /* one row packed is the row itself */
  size_t x_stride = row ? (shape->trans_a && !packed_row ? args->lda : 1) : (shape->trans_b ? 1 : args->ldb);
  size_t ld = row ? args->ldb : args->lda;
  bool panels = row && shape->packed_b, dots = row ? shape->trans_b && !panels : !shape->trans_a;
  char *packed_x = scratch, *y = packed_x + or_gemm_round_up(k, 16) * ops->c_bytes;
  memset(y, 0, or_gemm_round_up(run.count, ops->nr) * ops->c_bytes);
  if (k > 0) {
    if (dots && x_stride != 1) {
      for (size_t i = 0; i < k; ++i) memcpy(packed_x + i * ops->c_bytes, x + i * x_stride * ops->c_bytes, ops->c_bytes);
      x = packed_x;
    }
    if (panels) {
      multiply_panels(plan, &run, x, x_stride, args->b, y);
    } else if (dots) {
      ops->gemv_dots(k, run.count, x, matrix + first * ld * ops->c_bytes, ld, y);
    } else {
      ops->gemv_rows(k, run.count, x, x_stride, matrix + first * ops->c_bytes, ld, y);
    }
  }
  if (ops->c_bytes == sizeof(float)) {
    finish_f32(args, &run, (float *)(void *)y);
  } else {
    finish_f64(args, &run, (double *)(void *)y);
  }
  or_act_kind_t kind = args->act.kind;
  if (kind != OR_ACT_NONE) ops->activate(&args->act, run.count, y);
  char *c = (char *)args->c + first * run.c_stride * ops->c_bytes;
  if (run.c_stride == 1) {
    memcpy(c, y, run.count * ops->c_bytes);
    return;
  }
  for (size_t i = 0; i < run.count; ++i) {
    memcpy(c + i * run.c_stride * ops->c_bytes, y + i * ops->c_bytes, ops->c_bytes);
  }
}

/* y = alpha y + beta c + bias + residual, once for each type. */
#define DEFINE_FINISH(T, NAME)                                                                \
  static void NAME(const or_gemm_args_t *args, const run_t *run, T *y) {                      \
    const T alpha = (T)args->alpha, beta = (T)args->beta;                                     \
    const T *c = (const T *)args->c + run->first * run->c_stride;                             \
    const T *along = run->bias_along, *single = run->bias_single, *residual = args->residual; \
    if (along != NULL) along += run->first;                                                   \
    if (residual != NULL) residual += run->first * run->residual_stride;                      \
    for (size_t i = 0; i < run->count; ++i) {                                                 \
      T value = alpha * y[i];                                                                 \
      if (beta != (T)0) value += beta * c[i * run->c_stride];                                 \
      if (along != NULL) value += along[i];                                                   \
      if (single != NULL) value += single[0];                                                 \
      if (residual != NULL) value += residual[i * run->residual_stride];                      \
      y[i] = value;                                                                           \
    }                                                                                         \
  }

DEFINE_FINISH(float, finish_f32)
DEFINE_FINISH(double, finish_f64)
