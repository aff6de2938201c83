#include "backends/cpu/product_internal.h"

#include <string.h>

#include "ops/shape.h"

static bool read_gemm(const or_node_view_t *view, or_cpu_product_t *product);
static bool read_einsum(const or_node_view_t *view, or_cpu_product_t *product);
static bool read_epilogue(const or_node_view_t *view, or_cpu_product_t *product);
static bool rounds(const or_cpu_device_t *device, const or_node_view_t *view, const or_cpu_product_t *product);
static bool type_can(const or_node_view_t *view, const or_cpu_product_t *product);

/* Without zero points, and B signed: what the kernels multiply. */
static bool plain_integers(const or_node_view_t *view) {
  return or_view_input(view, 1)->dtype == OR_INT8 && !or_view_has_input(view, 2) && !or_view_has_input(view, 3);
}

bool or_cpu_product_read(const or_cpu_device_t *device, const or_node_view_t *view, or_cpu_product_t *out) {
  const char *name = view->call.op->name;
  bool integer = strcmp(name, "MatMulInteger") == 0;
  bool matmul = integer || strcmp(name, "MatMul") == 0, gemm = strcmp(name, "Gemm") == 0;
  bool einsum = strcmp(name, "Einsum") == 0;
  if ((!matmul && !gemm && !einsum) || view->call.op->domain[0] != '\0') return false;
  for (uint32_t i = 0; i < view->call.input_count; ++i) {
    if (or_view_has_input(view, i) && !or_shape_is_static(&or_view_input(view, i)->shape)) return false;
  }
  *out = (or_cpu_product_t){.dtype = or_view_input(view, 0)->dtype,
                            .alpha = 1.0,
                            .bias = OR_NO_VALUE,
                            .bias_scale = 1.0,
                            .residual = OR_NO_VALUE,
                            .residual_scale = 1.0};
  if (or_cpu_product_ops(device->kernels, out) == NULL || (integer && !plain_integers(view))) return false;
  if (matmul ? !or_cpu_product_read_shapes(&or_view_input(view, 0)->shape, &or_view_input(view, 1)->shape, out)
      : gemm ? !read_gemm(view, out)
             : !read_einsum(view, out))
    return false;
  if (!out->strided) {
    out->lda = out->trans_a ? out->m : out->k;
    out->ldb = out->trans_b ? out->k : out->n;
    out->ldc = out->n;
  }
  out->bf16 = rounds(device, view, out);
  return read_epilogue(view, out) && type_can(view, out);
}

/* Matrix times vector is worth it where the matrix is packed: it is read once, and rounding it would read it too. */
static bool rounds(const or_cpu_device_t *device, const or_node_view_t *view, const or_cpu_product_t *product) {
  bool vector = product->m == 1 || product->n == 1;
  return product->dtype == OR_FLOAT32 && or_cpu_in_bf16(device, view) &&
         (!vector || or_view_input_constant(view, 1 - product->a_input) != NULL);
}

const or_gemm_ops_t *or_cpu_product_ops(const or_cpu_kernels_t *kernels, const or_cpu_product_t *product) {
  switch (product->dtype) {
  case OR_FLOAT32: return product->bf16 ? kernels->gemm_f32_bf16 : kernels->gemm_f32;
  case OR_FLOAT64: return kernels->gemm_f64;
  case OR_BFLOAT16: return kernels->gemm_bf16;
  case OR_FLOAT16: return kernels->gemm_f16;
  case OR_UINT8: return kernels->gemm_u8s8;
  case OR_INT8: return kernels->gemm_s8s8;
  default: return NULL;
  }
}

bool or_cpu_product_is_half(const or_cpu_product_t *product) {
  return product->dtype == OR_BFLOAT16 || product->dtype == OR_FLOAT16;
}

or_cpu_product_at_t or_cpu_product_at(const or_cpu_product_t *product, size_t item) {
  or_cpu_product_at_t at = {.c = product->strided ? 0 : item * product->m * product->n};
  for (int i = product->batch_rank; i-- > 0;) {
    size_t index = item % product->batch_extent[i];
    item /= product->batch_extent[i];
    at.a += index * product->a_stride[i];
    at.b += index * product->b_stride[i];
    if (product->strided) at.c += index * product->c_stride[i];
  }
  return at;
}

/* The dimensions before the last two; none for a vector. */
static or_shape_t batch_of(const or_shape_t *shape) {
  or_shape_t batch = *shape;
  batch.rank = shape->rank > 2 ? shape->rank - 2 : 0;
  return batch;
}

bool or_cpu_product_read_shapes(const or_shape_t *a, const or_shape_t *b, or_cpu_product_t *product) {
  if (a->rank < 1 || b->rank < 1) return false;
  product->m = a->rank > 1 ? (size_t)a->dims[a->rank - 2] : 1;
  product->k = (size_t)a->dims[a->rank - 1];
  product->n = b->rank > 1 ? (size_t)b->dims[b->rank - 1] : 1;
  or_shape_t a_batch = batch_of(a), b_batch = batch_of(b), batch;
  or_status_t status = or_shape_broadcast(&a_batch, &b_batch, &batch);
  bool fits = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!fits) return false;
  product->batch = or_view_count(&batch);
  product->a_items = or_view_count(&a_batch);
  product->b_items = or_view_count(&b_batch);
  if (product->b_items == 1 && a->rank > 1) { /* one B for all: the batch is more rows of A */
    product->m *= product->batch;
    product->batch = product->a_items = 1;
    return true;
  }
  int64_t a_stride[OR_MAX_RANK], b_stride[OR_MAX_RANK];
  or_shape_broadcast_strides(&a_batch, &batch, a_stride);
  or_shape_broadcast_strides(&b_batch, &batch, b_stride);
  product->batch_rank = (int)batch.rank;
  for (int32_t i = 0; i < batch.rank; ++i) {
    product->batch_extent[i] = (size_t)batch.dims[i];
    product->a_stride[i] = (size_t)a_stride[i] * product->m * product->k;
    product->b_stride[i] = (size_t)b_stride[i] * product->k * product->n;
  }
  return true;
}

/* Gemm's third operand, broadcast to [m,n]. */
static bool read_gemm_c(const or_node_view_t *view, or_cpu_product_t *product) {
  double beta = (double)or_op_attribute_float(&view->call, "beta", 1.0F);
  if (!or_view_has_input(view, 2) || beta == 0.0) return true;
  const or_shape_t *c = &or_view_input(view, 2)->shape;
  if (c->rank > 2) return false;
  size_t columns = c->rank > 0 ? (size_t)c->dims[c->rank - 1] : 1;
  size_t rows = c->rank > 1 ? (size_t)c->dims[0] : 1;
  or_value_id_t value = view->core->inputs[2];
  if (rows == product->m && columns == product->n && rows > 1) {
    product->residual = value;
    product->residual_scale = beta;
    return true;
  }
  product->bias = value;
  product->bias_scale = beta;
  product->bias_form = rows == 1 && columns == product->n   ? OR_CPU_BIAS_COLUMNS
                       : rows == 1 && columns == 1          ? OR_CPU_BIAS_SINGLE
                       : rows == product->m && columns == 1 ? OR_CPU_BIAS_ROWS
                                                            : OR_CPU_BIAS_NONE;
  return product->bias_form != OR_CPU_BIAS_NONE;
}

static bool read_gemm(const or_node_view_t *view, or_cpu_product_t *product) {
  const or_shape_t *a = &or_view_input(view, 0)->shape, *b = &or_view_input(view, 1)->shape;
  if (a->rank != 2 || b->rank != 2) return false;
  product->trans_a = or_op_attribute_int(&view->call, "transA", 0) != 0;
  product->trans_b = or_op_attribute_int(&view->call, "transB", 0) != 0;
  product->m = (size_t)a->dims[product->trans_a ? 1 : 0];
  product->k = (size_t)a->dims[product->trans_a ? 0 : 1];
  product->n = (size_t)b->dims[product->trans_b ? 0 : 1];
  product->batch = product->a_items = product->b_items = 1;
  product->alpha = (double)or_op_attribute_float(&view->call, "alpha", 1.0F);
  return read_gemm_c(view, product);
}

static bool read_epilogue(const or_node_view_t *view, or_cpu_product_t *product) {
  const or_epilogue_t *epilogue = &view->epilogue;
  product->act = epilogue->act;
  if (epilogue->bias != OR_NO_VALUE) {
    /* A product with a vector has no columns to which a bias could belong. */
    if (product->bias != OR_NO_VALUE || or_view_input(view, 1)->shape.rank < 2 || product->strided) return false;
    product->bias = epilogue->bias;
    product->bias_form = OR_CPU_BIAS_COLUMNS;
  }
  if (epilogue->residual != OR_NO_VALUE) {
    if (product->residual != OR_NO_VALUE) return false;
    product->residual = epilogue->residual;
  }
  return true;
}

/* float64 has fewer activations; integers add constants only. */
static bool type_can(const or_node_view_t *view, const or_cpu_product_t *product) {
  if (product->dtype == OR_FLOAT32 || or_cpu_product_is_half(product)) return true;
  if (product->dtype == OR_FLOAT64) {
    return product->act.kind == OR_ACT_NONE || product->act.kind == OR_ACT_RELU;
  }
  if (product->residual != OR_NO_VALUE) return false;
  return product->bias == OR_NO_VALUE || or_view_constant_of(view, product->bias) != NULL;
}

/* True for distinct labels, of which no dimension is broadcast. */
static bool einsum_term_is_plain(const or_node_view_t *view, const or_einsum_t *einsum, uint32_t term) {
  const or_shape_t *shape = &or_view_input(view, term)->shape;
  const uint8_t *labels = einsum->labels[term];
  for (int32_t i = 0; i < shape->rank; ++i) {
    if (shape->dims[i] != einsum->extent[labels[i]]) return false;
    for (int32_t j = 0; j < i; ++j) {
      if (labels[i] == labels[j]) return false;
    }
  }
  return true;
}

/* Of two operands whose leading labels are the result's: b..ik, b..kj -> b..ij, each operand's last two either way. */
static bool is_matmul(const or_node_view_t *view, const or_einsum_t *einsum, or_cpu_product_t *product) {
  int32_t rank = or_view_input(view, 0)->shape.rank, batch = rank - 2;
  if (batch < 0 || einsum->output_rank != rank || or_view_input(view, 1)->shape.rank != rank) return false;
  const uint8_t *a = einsum->labels[0], *b = einsum->labels[1], *y = einsum->output;
  product->batch = 1;
  for (int32_t i = 0; i < batch; ++i) {
    if (a[i] != y[i] || b[i] != y[i]) return false;
    product->batch *= (size_t)einsum->extent[y[i]];
  }
  uint8_t row = y[batch], column = y[batch + 1];
  product->trans_a = a[batch + 1] == row;
  product->trans_b = b[batch] == column;
  uint8_t inner = a[product->trans_a ? batch : batch + 1];
  if (a[product->trans_a ? batch + 1 : batch] != row || b[product->trans_b ? batch : batch + 1] != column) return false;
  if (b[product->trans_b ? batch + 1 : batch] != inner || inner == row || inner == column) return false;
  product->m = (size_t)einsum->extent[row];
  product->n = (size_t)einsum->extent[column];
  product->k = (size_t)einsum->extent[inner];
  product->a_items = product->b_items = product->batch;
  product->batch_rank = 1;
  product->batch_extent[0] = product->batch;
  product->a_stride[0] = product->m * product->k;
  product->b_stride[0] = product->k * product->n;
  return true;
}

static bool read_einsum(const or_node_view_t *view, or_cpu_product_t *product) {
  or_einsum_t einsum;
  or_status_t status = or_einsum_parse(&view->call, &einsum);
  bool parsed = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!parsed || einsum.term_count != 2) return false;
  if (product->dtype == OR_UINT8 || product->dtype == OR_INT8) return false; /* their sums wrap */
  if (!einsum_term_is_plain(view, &einsum, 0) || !einsum_term_is_plain(view, &einsum, 1)) return false;
  if (is_matmul(view, &einsum, product)) return true;
  bool empty = or_view_count(&or_view_input(view, 0)->shape) == 0 || or_view_count(&or_view_input(view, 1)->shape) == 0;
  return !empty && or_cpu_product_read_einsum(view, &einsum, product);
}
