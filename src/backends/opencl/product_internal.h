#ifndef OR_BACKENDS_OPENCL_PRODUCT_INTERNAL_H
#define OR_BACKENDS_OPENCL_PRODUCT_INTERNAL_H
/* Matrix products and convolutions as one thing: a batch of C = act(alpha op(A) op(B) + bias + residual), where B may
 * be the pixels of an image under a window. kernels/product.cl computes them. */

#include "backends/opencl/program_internal.h"

#define OR_CL_BATCH_RANK 4

typedef enum or_cl_bias_form_t {
  OR_CL_BIAS_NONE,
  OR_CL_BIAS_COLUMNS, /* [n] */
  OR_CL_BIAS_ROWS,    /* [m] */
  OR_CL_BIAS_SINGLE,  /* one element for all */
} or_cl_bias_form_t;

/* product_t of product.cl, which says what the members are. */
typedef struct or_cl_product_args_t {
  int32_t m, n, k;
  int32_t lda, ldb, ldc;
  int32_t rank, extents[OR_CL_BATCH_RANK];
  int32_t bias_form, has_residual;
  int32_t width, used, last_start;
  int32_t splits, split_k;
  int32_t in_h, in_w, stride_h, stride_w, pad_top, pad_left;
  float alpha, bias_scale, residual_scale, lo, hi;
  int64_t b_panel, c_item;
  int64_t a_strides[OR_CL_BATCH_RANK], b_strides[OR_CL_BATCH_RANK], bias_strides[OR_CL_BATCH_RANK];
} or_cl_product_args_t;

/* What launches need to know. */
typedef struct or_cl_product_job_t {
  or_cl_product_args_t args;
  or_dtype_t dtype; /* of the elements in memory */
  size_t batch;
  or_act_kind_t act;
  bool a_transposed, b_transposed;             /* columns lie one behind the other */
  bool image;                                  /* B is an image, and `table` has a tap for each k */
  or_slot_id_t a, b, bias, residual, c, table; /* OR_NO_SLOT: none */
  double bytes;                                /* that it moves */
} or_cl_product_job_t;

/* The type that a dtype's products are summed in; OR_DTYPE_NONE: the device has none. */
or_dtype_t or_cl_product_sums(const or_cl_device_t *device, or_dtype_t dtype);
/* Integers, of 32 or 64 bits: their sums wrap, with a sign or without. */
static inline bool or_cl_product_wraps(or_dtype_t dtype) {
  return dtype == OR_INT32 || dtype == OR_UINT32 || dtype == OR_INT64 || dtype == OR_UINT64;
}
/* What a work item of form PANELS keeps. */
typedef struct or_cl_panel_t {
  int vector, vectors; /* elements of a vector, and vectors in a row: a panel's columns */
  int rows;            /* at most */
} or_cl_panel_t;
/* The form for a dtype's sums on this device, timed when the first product of them is met. DEVICE_LOST. */
or_status_t or_cl_product_panel(or_cl_build_t *build, or_dtype_t sums, or_cl_panel_t *out);
static inline int32_t or_cl_panel_columns(or_cl_panel_t panel) { return panel.vector * panel.vectors; }

/* Adds the launches of a product. For processors: A in rows of elements of the sums' type, B likewise in panels or in
 * rows, of which each may be read up to a panel's columns; `offsets`: where the rows of B are, by job->table. */
or_status_t or_cl_product_panels(or_cl_build_t *build, const or_cl_product_job_t *job, or_cl_panel_t panel,
                                 bool offsets);
/* Makes A, `items` matrices of it, such rows, in scratch. */
or_status_t or_cl_product_lay_rows(or_cl_build_t *build, or_cl_product_job_t *job, size_t items);
/* Whether there is a form for this device: GPUs need groups and local memory for the smallest tiles. */
bool or_cl_product_fits(const or_cl_device_t *device, or_dtype_t dtype);
/* Whether a group of vectors runs there. */
bool or_cl_product_vectors_fit(const or_cl_device_t *device, or_dtype_t dtype);
/* For GPUs: operands as they are, in tiles that are timed when a product of about these sizes is first met. */
or_status_t or_cl_product_tiles(or_cl_build_t *build, const or_cl_product_job_t *job);
/* For GPUs: the same for at most OR_CL_VECTOR_ROWS rows of A, which is not transposed, and a B that is no image. */
#define OR_CL_VECTOR_ROWS 4
or_status_t or_cl_product_vectors(or_cl_build_t *build, const or_cl_product_job_t *job);

/* Adds "-DFORM=… -DS=… -DT=…" for product.cl. */
char *or_cl_product_options(const or_cl_device_t *device, or_dtype_t dtype, const char *form, or_act_kind_t act,
                            char out[256]);

/* --- MatMul, MatMulInteger and Gemm --- */

typedef struct or_cl_product_t {
  or_cl_product_job_t job; /* without slots */
  size_t a_items, b_items; /* matrices of A and B that are stored */
  or_value_id_t bias, residual;
  bool widens; /* MatMulInteger: bytes less their zero points become int32 first */
} or_cl_product_t;
/* False if the node is no product that our kernels carry out. Pure. */
bool or_cl_product_read(const or_cl_device_t *device, const or_node_view_t *view, or_cl_product_t *out);

#endif
