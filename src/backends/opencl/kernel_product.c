/* MatMul, MatMulInteger and Gemm with bias, residual and activation in the same launch. float32, float64, integers of
 * 32 and 64 bits; float16 and bfloat16 with sums in float32; bytes widened to int32. */
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "backends/opencl/product_internal.h"
#include "base/string.h"
#include "ops/elements.h"
#include "ops/extents.h"

static or_status_t find_slots(or_cl_build_t *build, const or_node_view_t *view, or_cl_product_t *product);
static or_status_t widen(or_cl_build_t *build, const or_node_view_t *view, uint32_t index, or_slot_id_t *slot);
static or_status_t prepare_processor(or_cl_build_t *build, const or_node_view_t *view, or_cl_product_t *product);
static void turn(or_cl_product_t *product);

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  or_cl_product_t product;
  return or_cl_product_read(device, view, &product);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_cl_device_t *device = or_cl_build_device(build);
  or_cl_product_t product;
  (void)or_cl_product_read(device, view, &product); /* match has looked */
  or_cl_product_job_t *job = &product.job;
  double element = (double)or_dtype_bytes(job->dtype, 1);
  job->bytes =
      element * (double)(or_view_count(&or_view_input(view, 0)->shape) + or_view_count(&or_view_input(view, 1)->shape) +
                         or_view_count(&or_view_output(view, 0)->shape));
  if (or_view_count(&or_view_output(view, 0)->shape) == 0)
    return or_cl_build_write(build, view->node->outputs[0], &job->c); /* nothing to compute */
  or_status_t status = find_slots(build, view, &product);
  if (!or_ok(status)) return status;
  bool processor = or_cl_device_traits(device)->is_cpu, vectors = false;
  if (processor) {
    status = prepare_processor(build, view, &product);
  } else {
    const bool fit = or_cl_product_vectors_fit(device, job->dtype);
    if (fit && job->args.n == 1 && job->args.m > OR_CL_VECTOR_ROWS) turn(&product);
    vectors = fit && job->args.m <= OR_CL_VECTOR_ROWS && (!job->a_transposed || job->args.m == 1);
    status = vectors ? or_cl_product_vectors(build, job) : or_cl_product_tiles(build, job);
  }
  or_cl_build_name(build, processor ? "gemm panels" : vectors ? "gemv" : "gemm tiles");
  return status;
}

const or_cl_family_t or_cl_family_product = {.name = "product", .match = match, .prepare = prepare};

static or_status_t find_slots(or_cl_build_t *build, const or_node_view_t *view, or_cl_product_t *product) {
  or_cl_product_job_t *job = &product->job;
  const bool processor = or_cl_device_traits(or_cl_build_device(build))->is_cpu;
  const bool packed = processor && !product->widens && or_view_input_constant(view, 1) != NULL;
  job->table = job->bias = job->residual = job->b = OR_NO_SLOT;
  or_status_t status = or_cl_build_read(build, view->core->inputs[0], &job->a);
  if (or_ok(status) && !packed) status = or_cl_build_read(build, view->core->inputs[1], &job->b);
  if (or_ok(status) && product->widens) status = widen(build, view, 0, &job->a);
  if (or_ok(status) && product->widens) status = widen(build, view, 1, &job->b);
  if (or_ok(status) && product->bias != OR_NO_VALUE) status = or_cl_build_read(build, product->bias, &job->bias);
  if (!or_ok(status)) return status;
  if (product->residual == OR_NO_VALUE) return or_cl_build_write(build, view->node->outputs[0], &job->c);
  status = or_cl_build_read(build, product->residual, &job->residual);
  /* A residual is read where its element of C is written: they may be one. */
  return or_ok(status) ? or_cl_build_overwrite(build, product->residual, view->node->outputs[0], &job->c) : status;
}

/* *slot, bytes of operand A (index 0) or B (1), becomes scratch of int32 less their zero points. */
static or_status_t widen(or_cl_build_t *build, const or_node_view_t *view, uint32_t index, or_slot_id_t *slot) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_op_tensor_t *x = or_view_input(view, index);
  const or_shape_t *shape = &x->shape;
  const size_t count = or_view_count(shape);
  const bool has_zero = or_view_has_input(view, index + 2);
  const bool many = has_zero && or_view_count(&or_view_input(view, index + 2)->shape) > 1;
  int64_t columns = shape->dims[shape->rank - 1], rows = shape->rank > 1 ? shape->dims[shape->rank - 2] : 1;
  or_slot_id_t wide = OR_NO_SLOT, zero = *slot;
  size_t bytes = 0;
  if (!or_mul_size(count, sizeof(int32_t), &bytes))
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu elements of 4 bytes are more than there can be", count);
  or_status_t status = or_cl_build_scratch(build, bytes, &wide);
  if (or_ok(status) && has_zero) status = or_cl_build_read(build, view->core->inputs[index + 2], &zero);
  if (!or_ok(status)) return status;
  char options[64];
  (void)or_format(options, sizeof options, "-DT=%s%s", or_cl_type_name(device, x->dtype), has_zero ? " -DZERO" : "");
  const or_cl_argument_t arguments[] = {or_cl_slot(*slot),
                                        or_cl_slot(zero),
                                        or_cl_slot(wide),
                                        or_cl_long((int64_t)count),
                                        or_cl_int(rows),
                                        or_cl_int(columns),
                                        or_cl_int(many && index == 0),
                                        or_cl_int(many && index == 1)};
  or_cl_launch_t launch = {.source = "widen", .entry = "widen", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = 5.0 * (double)count;
  or_cl_launch_items(device, &launch, count);
  *slot = wide;
  return or_cl_build_launch(build, &launch);
}

/* A matrix times a column is a row times the matrix's columns, which lie one behind the other. */
static void turn(or_cl_product_t *product) {
  or_cl_product_job_t *job = &product->job;
  or_cl_product_args_t *args = &job->args;
  or_cl_product_job_t old = *job;
  job->a = old.b;
  job->b = old.a;
  job->a_transposed = false; /* a single row */
  job->b_transposed = !old.a_transposed;
  args->m = old.args.n;
  args->n = old.args.m;
  args->lda = args->k;
  args->ldb = old.args.lda;
  args->ldc = args->width = args->used = args->n;
  if (args->bias_form == OR_CL_BIAS_COLUMNS) {
    args->bias_form = OR_CL_BIAS_SINGLE;
  } else if (args->bias_form == OR_CL_BIAS_ROWS) {
    args->bias_form = OR_CL_BIAS_COLUMNS;
  }
  for (int i = 0; i < OR_CL_BATCH_RANK; ++i) {
    args->a_strides[i] = old.args.b_strides[i];
    args->b_strides[i] = old.args.a_strides[i];
  }
}

/* --- Processors: A in rows, B in panels, both of the sums' type --- */

typedef struct panels_t {
  or_dtype_t from, to;
  bool transposed;
  size_t items, k, n, columns; /* matrices, their extents, columns of a panel */
} panels_t;

static size_t panels_count(const panels_t *panels) { return (panels->n + panels->columns - 1) / panels->columns; }

static void fill_panel(const panels_t *panels, const void *source, size_t item, size_t panel, void *to) {
  size_t first = panel * panels->columns, count = panels->n - first, element = or_dtype_bytes(panels->to, 1);
  size_t matrix = item * panels->k * panels->n;
  const float *plain = panels->from == OR_FLOAT32 ? source : NULL;
  float *floats = to;
  if (count > panels->columns) count = panels->columns;
  for (size_t i = 0; i < panels->k; ++i) {
    for (size_t j = 0; j < count; ++j) {
      size_t from = matrix + (panels->transposed ? (first + j) * panels->k + i : i * panels->n + first + j);
      size_t at = i * panels->columns + j;
      if (plain != NULL) {
        floats[at] = plain[from];
      } else if (or_cl_product_wraps(panels->to)) {
        or_elements_copy(panels->to, source, from, to, at, 1);
      } else {
        double value = 0.0;
        or_elements_load(panels->from, source, from, 1, &value);
        or_elements_store(panels->to, to, at, 1, &value);
      }
    }
    char *rest = (char *)to + (i * panels->columns + count) * element;
    memset(rest, 0, (panels->columns - count) * element);
  }
}

static or_status_t fill_panels(const void *self, const void *source, void *destination) {
  const panels_t *panels = self;
  size_t each = panels->k * panels->columns * or_dtype_bytes(panels->to, 1), count = panels_count(panels);
  for (size_t i = 0; i < panels->items * count; ++i) {
    fill_panel(panels, source, i / count, i % count, (char *)destination + i * each);
  }
  return or_status_success();
}

static or_status_t panels_bytes(const panels_t *panels, size_t *out) {
  size_t bytes = 0;
  if (!or_mul_size(panels->k * or_dtype_bytes(panels->to, 1), panels_count(panels) * panels->columns, &bytes) ||
      !or_mul_size(bytes, panels->items, &bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu panels of a matrix [%zu,%zu] overflow size_t", panels->items, panels->k,
                    panels->n);
  }
  *out = bytes > 0 ? bytes : 1;
  return or_status_success();
}

static or_status_t pack_constant(or_cl_build_t *build, const or_constant_t *constant, const panels_t *panels,
                                 size_t bytes, or_slot_id_t *out) {
  or_cl_packing_t packing = {.constant = constant, .bytes = bytes, .fill = fill_panels, .self = panels};
  (void)or_format(packing.packing, sizeof packing.packing, "panels%s %zu k%zu n%zu t%d", panels->transposed ? "T" : "",
                  panels->columns, panels->k, panels->n, (int)panels->to);
  return or_cl_build_packed(build, &packing, out);
}

static or_status_t pack_value(or_cl_build_t *build, const or_cl_product_job_t *job, const panels_t *panels,
                              or_slot_id_t packed) {
  char options[256];
  (void)or_cl_product_options(or_cl_build_device(build), job->dtype, "PACK", OR_ACT_NONE, options);
  size_t length = strlen(options);
  (void)or_format(options + length, sizeof options - length, " -DNR=%zu%s", panels->columns,
                  panels->transposed ? " -DB_TRANSPOSED" : "");
  or_cl_argument_t arguments[] = {or_cl_slot(job->b),       or_cl_slot(packed),
                                  or_cl_int(job->args.k),   or_cl_int(job->args.n),
                                  or_cl_int(job->args.ldb), or_cl_long((int64_t)job->args.k * job->args.n)};
  or_cl_launch_t launch = {.source = "product",
                           .entry = "pack",
                           .options = options,
                           .arguments = arguments,
                           .argument_count = sizeof arguments / sizeof arguments[0],
                           .dimensions = 3,
                           .global = {(panels->k + 63) / 64, panels_count(panels), panels->items},
                           .local = {1, 1, 1},
                           .bytes = 8.0 * (double)panels->k * (double)panels->n * (double)panels->items};
  return or_cl_build_launch(build, &launch);
}

static or_status_t prepare_processor(or_cl_build_t *build, const or_node_view_t *view, or_cl_product_t *product) {
  or_cl_product_job_t *job = &product->job;
  or_cl_product_args_t *args = &job->args;
  or_dtype_t sums = or_cl_product_sums(or_cl_build_device(build), job->dtype);
  or_cl_panel_t panel;
  or_status_t status = or_cl_product_panel(build, sums, &panel);
  panels_t panels = {.from = job->dtype,
                     .to = sums,
                     .transposed = job->b_transposed,
                     .items = product->b_items,
                     .k = (size_t)args->k,
                     .n = (size_t)args->n,
                     .columns = (size_t)or_cl_panel_columns(panel)};
  const or_constant_t *constant = product->widens ? NULL : or_view_input_constant(view, 1);
  size_t bytes = 0;
  if (or_ok(status)) status = panels_bytes(&panels, &bytes);
  if (!or_ok(status)) return status;
  if (constant != NULL) {
    status = pack_constant(build, constant, &panels, bytes, &job->b);
  } else {
    or_slot_id_t packed = OR_NO_SLOT;
    status = or_cl_build_scratch(build, bytes, &packed);
    if (or_ok(status)) status = pack_value(build, job, &panels, packed);
    job->b = packed;
  }
  bool plain = job->dtype == sums || or_cl_product_wraps(sums);
  if (or_ok(status) && (!plain || (job->a_transposed && args->m > 1))) {
    status = or_cl_product_lay_rows(build, job, product->a_items);
  }
  int64_t matrix = (int64_t)args->k * args->n, item = (int64_t)(panels_count(&panels) * panels.columns) * args->k;
  for (int i = 0; i < OR_CL_BATCH_RANK; ++i) args->b_strides[i] = matrix > 0 ? args->b_strides[i] / matrix * item : 0;
  args->b_panel = (int64_t)args->k * (int64_t)panels.columns;
  args->ldb = (int32_t)panels.columns;
  return or_ok(status) ? or_cl_product_panels(build, job, panel, false) : status;
}
