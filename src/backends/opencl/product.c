#include <string.h>

#include "backends/opencl/product_internal.h"
#include "ops/gemm.h"
#include "ops/matmul.h"
#include "ops/matmul_integer.h"
#include "ops/shape.h"

static bool zero_fits(const or_node_view_t *view, uint32_t index, int32_t from_last);
static bool read_matmul(const or_node_view_t *view, or_cl_product_t *product);
static bool read_gemm(const or_node_view_t *view, or_cl_product_t *product);
static bool read_epilogue(const or_node_view_t *view, or_cl_product_t *product);

or_dtype_t or_cl_product_sums(const or_cl_device_t *device, or_dtype_t dtype) {
  switch (dtype) {
  case OR_FLOAT32:
  case OR_FLOAT16:
  case OR_BFLOAT16: return OR_FLOAT32;
  case OR_FLOAT64: return or_cl_device_traits(device)->fp64 ? OR_FLOAT64 : OR_DTYPE_NONE;
  case OR_INT32:
  case OR_UINT32: return OR_INT32;
  case OR_INT64:
  case OR_UINT64: return OR_INT64;
  default: return OR_DTYPE_NONE;
  }
}

bool or_cl_product_read(const or_cl_device_t *device, const or_node_view_t *view, or_cl_product_t *out) {
  bool widens = or_view_is(view, &or_op_matmul_integer), matmul = widens || or_view_is(view, &or_op_matmul);
  if (!matmul && !or_view_is(view, &or_op_gemm)) return false;
  for (uint32_t i = 0; i < view->call.input_count; ++i) {
    if (or_view_has_input(view, i) && !or_shape_is_static(&or_view_input(view, i)->shape)) return false;
  }
  if (widens && !(zero_fits(view, 2, 2) && zero_fits(view, 3, 1))) return false;
  *out = (or_cl_product_t){.job = {.dtype = widens ? OR_INT32 : or_view_input(view, 0)->dtype, .batch = 1},
                           .bias = OR_NO_VALUE,
                           .residual = OR_NO_VALUE,
                           .widens = widens};
  or_cl_product_args_t *args = &out->job.args;
  args->alpha = args->bias_scale = args->residual_scale = 1.0F;
  args->splits = 1;
  args->last_start = INT32_MAX;
  if (or_cl_product_sums(device, out->job.dtype) == OR_DTYPE_NONE) return false;
  if (!or_cl_product_fits(device, out->job.dtype)) return false;
  if (matmul ? !read_matmul(view, out) : !read_gemm(view, out)) return false;
  args->lda = out->job.a_transposed ? args->m : args->k;
  args->ldb = out->job.b_transposed ? args->k : args->n;
  args->ldc = args->width = args->used = args->n;
  args->c_item = (int64_t)args->m * args->n;
  args->split_k = args->k;
  return read_epilogue(view, out);
}

/* One number, or a list of one for each row of A (`from_last` 2) or column of B (1). */
static bool zero_fits(const or_node_view_t *view, uint32_t index, int32_t from_last) {
  if (!or_view_has_input(view, index)) return true;
  const or_shape_t *zero = &or_view_input(view, index)->shape, *shape = &or_view_input(view, index - 2)->shape;
  if (zero->rank == 0 || or_view_count(zero) == 1) return true;
  return zero->rank == 1 && shape->rank >= 2 && zero->dims[0] == shape->dims[shape->rank - from_last];
}

static bool fits(int64_t extent) { return extent >= 0 && extent <= INT32_MAX / 2; }

static bool set_extents(or_cl_product_args_t *args, int64_t m, int64_t n, int64_t k) {
  if (!fits(m) || !fits(n) || !fits(k)) return false;
  args->m = (int32_t)m;
  args->n = (int32_t)n;
  args->k = (int32_t)k;
  return true;
}

/* The dimensions before the last two; none for a vector. */
static or_shape_t batch_of(const or_shape_t *shape) {
  or_shape_t batch = *shape;
  batch.rank = shape->rank > 2 ? shape->rank - 2 : 0;
  return batch;
}

/* Dimensions of the batch from the last one on, of which those that move as one are joined. */
static bool read_batch(const or_shape_t *batch, const int64_t *a, const int64_t *b, or_cl_product_args_t *args) {
  int64_t extents[OR_MAX_RANK], a_strides[OR_MAX_RANK], b_strides[OR_MAX_RANK];
  int count = 0;
  for (int32_t i = 0; i < batch->rank; ++i) {
    if (batch->dims[i] == 1) continue;
    if (count > 0 && a_strides[count - 1] == a[i] * batch->dims[i] && b_strides[count - 1] == b[i] * batch->dims[i]) {
      extents[count - 1] *= batch->dims[i];
    } else {
      extents[count++] = batch->dims[i];
    }
    a_strides[count - 1] = a[i];
    b_strides[count - 1] = b[i];
  }
  if (count > OR_CL_BATCH_RANK) return false;
  args->rank = count;
  for (int i = 0; i < count; ++i) {
    if (!fits(extents[i])) return false;
    args->extents[i] = (int32_t)extents[i];
    args->a_strides[i] = a_strides[i] * args->m * args->k;
    args->b_strides[i] = b_strides[i] * args->k * args->n;
  }
  return true;
}

static bool read_matmul(const or_node_view_t *view, or_cl_product_t *product) {
  const or_shape_t *a = &or_view_input(view, 0)->shape, *b = &or_view_input(view, 1)->shape;
  or_cl_product_args_t *args = &product->job.args;
  if (a->rank < 1 || b->rank < 1) return false;
  int64_t m = a->rank > 1 ? a->dims[a->rank - 2] : 1, n = b->rank > 1 ? b->dims[b->rank - 1] : 1;
  or_shape_t a_batch = batch_of(a), b_batch = batch_of(b), batch;
  or_status_t status = or_shape_broadcast(&a_batch, &b_batch, &batch);
  bool broadcasts = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!broadcasts || !fits(m)) return false;
  size_t items = or_view_count(&batch);
  product->a_items = or_view_count(&a_batch);
  product->b_items = or_view_count(&b_batch);
  if (product->b_items == 1 && a->rank > 1) { /* one B for all: the batch is more rows of A */
    if (items > INT32_MAX) return false;
    m *= (int64_t)items;
    items = product->a_items = 1;
    batch.rank = 0;
  }
  if (!set_extents(args, m, n, a->dims[a->rank - 1]) || items > INT32_MAX) return false;
  product->job.batch = items;
  int64_t a_stride[OR_MAX_RANK], b_stride[OR_MAX_RANK];
  if (batch.rank == 0) return true;
  or_shape_broadcast_strides(&a_batch, &batch, a_stride);
  or_shape_broadcast_strides(&b_batch, &batch, b_stride);
  return read_batch(&batch, a_stride, b_stride, args);
}

/* Gemm's third operand, broadcast to [m,n]. */
static bool read_gemm_c(const or_node_view_t *view, or_cl_product_t *product) {
  or_cl_product_args_t *args = &product->job.args;
  float beta = or_op_attribute_float(&view->call, "beta", 1.0F);
  if (!or_view_has_input(view, 2) || beta == 0.0F) return true;
  const or_shape_t *c = &or_view_input(view, 2)->shape;
  if (c->rank > 2) return false;
  int64_t columns = c->rank > 0 ? c->dims[c->rank - 1] : 1, rows = c->rank > 1 ? c->dims[0] : 1;
  if (rows == args->m && columns == args->n && rows > 1) {
    product->residual = view->core->inputs[2];
    args->residual_scale = beta;
    return true;
  }
  product->bias = view->core->inputs[2];
  args->bias_scale = beta;
  args->bias_form = rows == 1 && columns == args->n   ? OR_CL_BIAS_COLUMNS
                    : rows == 1 && columns == 1       ? OR_CL_BIAS_SINGLE
                    : rows == args->m && columns == 1 ? OR_CL_BIAS_ROWS
                                                      : OR_CL_BIAS_NONE;
  return args->bias_form != OR_CL_BIAS_NONE;
}

static bool read_gemm(const or_node_view_t *view, or_cl_product_t *product) {
  const or_shape_t *a = &or_view_input(view, 0)->shape, *b = &or_view_input(view, 1)->shape;
  or_cl_product_job_t *job = &product->job;
  if (a->rank != 2 || b->rank != 2) return false;
  job->a_transposed = or_op_attribute_int(&view->call, "transA", 0) != 0;
  job->b_transposed = or_op_attribute_int(&view->call, "transB", 0) != 0;
  job->args.alpha = or_op_attribute_float(&view->call, "alpha", 1.0F);
  product->a_items = product->b_items = 1;
  return set_extents(&job->args, a->dims[job->a_transposed ? 1 : 0], b->dims[job->b_transposed ? 0 : 1],
                     a->dims[job->a_transposed ? 0 : 1]) &&
         read_gemm_c(view, product);
}

/* A factor that integers have too. */
static bool is_whole(float factor) {
  return factor > -65536.0F && factor < 65536.0F && factor == (float)(int32_t)factor;
}

static bool read_epilogue(const or_node_view_t *view, or_cl_product_t *product) {
  const or_epilogue_t *epilogue = &view->epilogue;
  or_cl_product_args_t *args = &product->job.args;
  product->job.act = epilogue->act.kind;
  args->lo = epilogue->act.lo;
  args->hi = epilogue->act.hi;
  if (epilogue->bias != OR_NO_VALUE) {
    /* A product with a vector has no columns to which a bias could belong. */
    if (product->bias != OR_NO_VALUE || or_view_input(view, 1)->shape.rank < 2) return false;
    product->bias = epilogue->bias;
    args->bias_form = OR_CL_BIAS_COLUMNS;
  }
  if (epilogue->residual != OR_NO_VALUE) {
    if (product->residual != OR_NO_VALUE) return false;
    product->residual = epilogue->residual;
  }
  args->has_residual = product->residual != OR_NO_VALUE;
  if (or_cl_product_wraps(product->job.dtype)) {
    return is_whole(args->alpha) && is_whole(args->bias_scale) && is_whole(args->residual_scale) &&
           product->job.act == OR_ACT_NONE;
  }
  return product->job.dtype != OR_FLOAT64 || product->job.act <= OR_ACT_RELU;
}
