#ifndef OR_BACKENDS_CPU_PRODUCT_INTERNAL_H
#define OR_BACKENDS_CPU_PRODUCT_INTERNAL_H
/* MatMul, Gemm, MatMulInteger and an Einsum that is a product, read as one thing: a batch of products
 * Y = act(alpha op(A) op(B) + beta C + bias + residual). */

#include "backends/cpu/program_internal.h"
#include "ops/einsum.h"

typedef enum or_cpu_bias_form_t {
  OR_CPU_BIAS_NONE,
  OR_CPU_BIAS_COLUMNS, /* [n] */
  OR_CPU_BIAS_SINGLE,  /* one element for all */
  OR_CPU_BIAS_ROWS,    /* [m] */
} or_cpu_bias_form_t;

typedef struct or_cpu_product_t {
  or_dtype_t dtype; /* of A; B's is the same, or int8 where this is uint8 */
  bool bf16;        /* float32 operands are rounded to bfloat16 as they are packed */
  size_t m, n, k;
  bool trans_a, trans_b;
  /* Products in the batch, and where each starts: dimensions with strides in elements, 0 where broadcast. */
  size_t batch, a_items, b_items; /* items: stored matrices of A and B */
  int batch_rank;
  size_t batch_extent[OR_MAX_RANK], a_stride[OR_MAX_RANK], b_stride[OR_MAX_RANK];
  /* Rows of the matrices as stored start so many elements apart. Those of an Einsum that is `strided` lie among others,
   * those of Y too: then c_stride tells where its products are, else they are one behind the other. */
  size_t lda, ldb, ldc, c_stride[OR_MAX_RANK];
  bool strided;
  uint32_t a_input; /* of the node: 0, or 1 where A and B change places */
  double alpha;
  or_value_id_t bias;
  or_cpu_bias_form_t bias_form;
  double bias_scale;
  or_value_id_t residual; /* of Y's shape */
  double residual_scale;
  or_act_t act;
} or_cpu_product_t;

/* False if the node is no product that our kernels carry out. Pure. */
bool or_cpu_product_read(const or_cpu_device_t *device, const or_node_view_t *view, or_cpu_product_t *out);
/* Extents and batch of a MatMul of two static shapes. */
bool or_cpu_product_read_shapes(const or_shape_t *a, const or_shape_t *b, or_cpu_product_t *out);
/* Of 16-bit numbers, whose sums, bias and residual are float32 until the result is rounded. */
bool or_cpu_product_is_half(const or_cpu_product_t *product);
/* The kernels of a product that was read, or NULL. */
const or_gemm_ops_t *or_cpu_product_ops(const or_cpu_kernels_t *kernels, const or_cpu_product_t *product);
/* Where product `item` of the batch starts in A, B and Y, in elements. */
typedef struct or_cpu_product_at_t {
  size_t a, b, c;
} or_cpu_product_at_t;
or_cpu_product_at_t or_cpu_product_at(const or_cpu_product_t *product, size_t item);
/* An Einsum of two operands with distinct labels and no broadcast, no extent of 0. False where it is no product. */
bool or_cpu_product_read_einsum(const or_node_view_t *view, const or_einsum_t *einsum, or_cpu_product_t *product);

#endif
