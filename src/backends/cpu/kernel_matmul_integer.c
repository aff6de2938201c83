/* MatMulInteger with zero points, and QLinearMatMul, by our own packed products of bytes, whose sums are exact.
 *
 * sum (a - za)(b - zb) = sum a b - za sum b - zb sum a + k za zb: what depends on columns is one bias of the product,
 * what depends on rows the other, unless each column has a zero point of its own. An unsigned B is packed less 128, and
 * so is its zero point. */
#include <stdio.h>
#include <string.h>

#include "backends/cpu/bytes_internal.h"
#include "backends/cpu/families_internal.h"
#include "backends/cpu/product_internal.h"
#include "ops/matmul_integer.h"

/* Multiply-adds of one thread in a group of tiles. Cancel is asked between groups. */
#define STEPS_OF_A_GROUP 4e8

/* Inputs of either operator; NONE where there is none. */
typedef struct inputs_t {
  uint32_t a, b, a_zero, b_zero, a_scale, b_scale, y_scale, y_zero;
} inputs_t;
#define NONE UINT32_MAX
static const inputs_t of_integer = {0, 1, 2, 3, NONE, NONE, NONE, NONE}, of_qlinear = {0, 3, 2, 5, 1, 4, 6, 7};

enum { A, B, A_ZERO, B_ZERO, A_SCALE, B_SCALE, Y_SCALE, Y_ZERO, Y, SUMS, WORKSPACE, SCRATCH, SIGNED_B, VECTORS, SLOTS };

typedef struct state_t {
  or_gemm_plan_t plan;
  or_cpu_product_t product;
  or_slot_id_t slots[SLOTS]; /* OR_NO_SLOT: none */
  const char *packed_b;      /* constant: packed, and behind that the sums of its columns */
  const int32_t *column_sums;
  size_t packed_item, group;
  bool unsigned_b, many_b_zeros, many_b_scales, quantises, signed_y;
} state_t;

static const inputs_t *inputs_of(const or_node_view_t *view) {
  return or_view_is(view, &or_op_qlinear_matmul) ? &of_qlinear : &of_integer;
}

/* One number, or, where `many`, one a column in a list. */
static bool parameter_fits(const or_node_view_t *view, uint32_t index, bool many, size_t columns) {
  if (index == NONE || !or_view_has_input(view, index)) return true;
  const or_shape_t *shape = &or_view_input(view, index)->shape;
  if (!or_shape_is_static(shape) || shape->rank > 1) return false;
  size_t count = or_view_count(shape);
  return count == 1 || (many && count == columns);
}

static bool read_product(const or_cpu_device_t *device, const or_node_view_t *view, or_cpu_product_t *out) {
  const inputs_t *in = inputs_of(view);
  const or_op_tensor_t *a = or_view_input(view, in->a), *b = or_view_input(view, in->b);
  if (!or_cpu_is_byte(a->dtype) || !or_cpu_is_byte(b->dtype)) return false;
  if (!or_shape_is_static(&a->shape) || !or_shape_is_static(&b->shape)) return false;
  *out = (or_cpu_product_t){.dtype = a->dtype, .alpha = 1.0};
  return or_cpu_product_ops(device->kernels, out) != NULL && or_cpu_product_read_shapes(&a->shape, &b->shape, out) &&
         out->k > 0;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  bool quantises = or_view_is(view, &or_op_qlinear_matmul);
  or_cpu_product_t product;
  if (view->fused || (!quantises && !or_view_is(view, &or_op_matmul_integer))) return false;
  const inputs_t *in = inputs_of(view);
  if (!read_product(device, view, &product)) return false;
  if (quantises) {
    if (!or_cpu_is_byte(or_view_output(view, 0)->dtype) || or_view_input(view, in->a_scale)->dtype != OR_FLOAT32)
      return false;
    if (or_view_input(view, in->b_scale)->dtype != OR_FLOAT32 || or_view_input(view, in->y_scale)->dtype != OR_FLOAT32)
      return false;
  }
  return parameter_fits(view, in->a_zero, false, 0) && parameter_fits(view, in->b_zero, true, product.n) &&
         parameter_fits(view, in->a_scale, false, 0) && parameter_fits(view, in->b_scale, true, product.n) &&
         parameter_fits(view, in->y_scale, false, 0) && parameter_fits(view, in->y_zero, false, 0);
}

/* ---- the constant B ---- */

static void add_columns(const or_cpu_kernels_t *kernels, const or_cpu_product_t *product, const int8_t *b,
                        int32_t *sums) {
  memset(sums, 0, product->n * sizeof *sums);
  for (size_t k = 0; k < product->k; ++k) kernels->convert.add_s8(product->n, b + k * product->n, sums);
}

typedef struct pack_t {
  or_gemm_const_t source;
  const state_t *state;
  const or_cpu_kernels_t *kernels;
  int8_t *copy; /* of a matrix, where B is unsigned */
} pack_t;

static or_status_t pack_fill(void *self, const void *source, void *destination) {
  const pack_t *pack = self;
  const state_t *state = pack->state;
  size_t matrix = state->product.k * state->product.n;
  int32_t *sums = (int32_t *)((char *)destination + state->product.b_items * state->packed_item);
  for (size_t i = 0; i < state->product.b_items; ++i) {
    const int8_t *b = (const int8_t *)source + i * matrix;
    or_gemm_const_t one = pack->source;
    if (state->unsigned_b) {
      or_cpu_to_signed(matrix, (const uint8_t *)b, pack->copy);
      b = pack->copy;
    }
    one.data = b;
    or_gemm_pack_b_const(&one, 0, one.extent, (char *)destination + i * state->packed_item);
    add_columns(pack->kernels, &state->product, b, sums + i * state->product.n);
  }
  return or_status_success();
}

static or_status_t pack_constant(or_cpu_build_t *build, const or_constant_t *constant, state_t *state) {
  const or_cpu_product_t *product = &state->product;
  pack_t pack = {.state = state, .kernels = build->device->kernels};
  pack.source = (or_gemm_const_t){.ops = or_cpu_product_ops(build->device->kernels, product),
                                  .k = product->k,
                                  .extent = product->n,
                                  .caches = build->device->caches,
                                  .ld = product->n};
  size_t each = or_gemm_packed_b_bytes(&pack.source), sums = 0;
  or_cpu_packing_t packing = {.constant = constant, .fill = pack_fill, .self = &pack};
  bool fits = each <= SIZE_MAX - 63;
  state->packed_item = fits ? or_align_up(each, OR_GEMM_ALIGNMENT_BYTES) : 0;
  fits = fits && or_mul_size(state->packed_item, product->b_items, &packing.bytes) &&
         or_mul_size(product->n * sizeof(int32_t), product->b_items, &sums) &&
         or_add_size(packing.bytes, sums, &packing.bytes);
  if (!fits) return or_error(OR_RESOURCE_EXHAUSTED, "the packed matrices overflow size_t");
  void *copy = NULL;
  or_status_t status = or_status_success();
  if (state->unsigned_b) status = or_cpu_build_temporary(build, product->k * product->n, &copy);
  if (!or_ok(status)) return status;
  pack.copy = copy;
  (void)snprintf(packing.packing, sizeof packing.packing, "I%d %s k%zu/%zu x%zu", state->unsigned_b ? 1 : 0,
                 or_gemm_layout(pack.source.ops), product->k,
                 or_gemm_depth_block(pack.source.ops, product->k, &build->device->caches), product->n);
  const void *packed = NULL;
  status = or_cpu_build_packed(build, &packing, &packed);
  if (!or_ok(status)) return status;
  state->packed_b = packed;
  state->column_sums = (const int32_t *)(const void *)(state->packed_b + product->b_items * state->packed_item);
  return status;
}

/* ---- prepare ---- */

/* 32-bit vectors of a run: sums of columns, their bias, their zero points and factors [n]; sums of rows [m]. */
typedef struct vectors_t {
  int32_t *column_sums, *column_bias, *zeros, *row_sums;
  float *factors;
} vectors_t;

static vectors_t vectors_at(const or_cpu_product_t *product, void *memory) {
  int32_t *at = memory;
  size_t n = product->n;
  return (vectors_t){at, at + n, at + 2 * n, at + 4 * n, (float *)(void *)(at + 3 * n)};
}

static or_status_t add_scratch(or_cpu_build_t *build, state_t *state, int slot, size_t bytes) {
  return bytes > 0 ? or_cpu_build_scratch(build, bytes, &state->slots[slot]) : or_status_success();
}

static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const inputs_t *in = inputs_of(view);
  const or_cpu_product_t *product = &state->product;
  const uint32_t inputs[] = {[A] = in->a,
                             [B] = state->packed_b == NULL ? in->b : NONE,
                             [A_ZERO] = in->a_zero,
                             [B_ZERO] = in->b_zero,
                             [A_SCALE] = in->a_scale,
                             [B_SCALE] = in->b_scale,
                             [Y_SCALE] = in->y_scale,
                             [Y_ZERO] = in->y_zero};
  or_status_t status = or_status_success();
  for (int i = 0; i < SLOTS; ++i) state->slots[i] = OR_NO_SLOT;
  for (int i = A; or_ok(status) && i <= Y_ZERO; ++i) {
    if (inputs[i] != NONE && or_view_has_input(view, inputs[i]))
      status = or_cpu_build_read(build, view->core->inputs[inputs[i]], &state->slots[i]);
  }
  size_t threads = (size_t)build->device->threads, vectors = (4 * product->n + product->m) * sizeof(int32_t);
  size_t signed_b = state->unsigned_b && state->packed_b == NULL ? product->k * product->n : 0;
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->slots[Y]);
  if (or_ok(status) && state->quantises)
    status = add_scratch(build, state, SUMS, product->m * product->n * sizeof(int32_t));
  if (or_ok(status)) status = add_scratch(build, state, WORKSPACE, state->plan.workspace_bytes);
  size_t scratch = or_align_up(state->plan.scratch_bytes, OR_GEMM_ALIGNMENT_BYTES) * threads;
  if (or_ok(status)) status = add_scratch(build, state, SCRATCH, scratch);
  if (or_ok(status)) status = add_scratch(build, state, SIGNED_B, signed_b);
  return or_ok(status) ? add_scratch(build, state, VECTORS, vectors) : status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static bool has_many(const or_node_view_t *view, uint32_t index) {
  return index != NONE && or_view_has_input(view, index) && or_view_count(&or_view_input(view, index)->shape) > 1;
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  const inputs_t *in = inputs_of(view);
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  const or_cpu_product_t *product = &state->product;
  (void)read_product(build->device, view, &state->product); /* match has looked */
  state->quantises = in == &of_qlinear;
  state->unsigned_b = or_view_input(view, in->b)->dtype == OR_UINT8;
  state->signed_y = or_view_output(view, 0)->dtype == OR_INT8;
  state->many_b_zeros = has_many(view, in->b_zero);
  state->many_b_scales = has_many(view, in->b_scale);
  const or_constant_t *b = or_view_input_constant(view, in->b);
  if (b != NULL && product->n > 0 && product->b_items > 0) status = pack_constant(build, b, state);
  or_gemm_shape_t shape = {.m = product->m, .n = product->n, .k = product->k, .packed_b = state->packed_b != NULL};
  double steps = (double)product->m * (double)product->n * (double)product->k;
  size_t worth = (size_t)(steps * 2.0 / (double)OR_CPU_GRAIN_FLOPS) + 1;
  unsigned threads = (unsigned)or_cpu_min((size_t)build->device->threads, worth);
  if (or_ok(status) && !or_gemm_plan_init(&state->plan, or_cpu_product_ops(build->device->kernels, product), &shape,
                                          &build->device->caches, threads)) {
    status = or_error(OR_RESOURCE_EXHAUSTED, "the product [%zu,%zu] x [%zu,%zu] overflows size_t", product->m,
                      product->k, product->k, product->n);
  }
  double each = steps / (double)(state->plan.tiles > 0 ? state->plan.tiles : 1);
  state->group = (size_t)(STEPS_OF_A_GROUP / (each + 1.0) + 1.0) * (size_t)build->device->threads;
  if (or_ok(status)) status = find_slots(build, view, state);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s gemm int8", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_matmul_integer = {.name = "matmul integer", .match = match, .prepare = prepare};

/* ---- runs ---- */

typedef struct work_t {
  const state_t *state;
  const or_cpu_run_t *run;
  or_gemm_args_t args; /* of the item in hand */
  vectors_t vectors;
  const int32_t *column_sums; /* of the item in hand */
  int32_t a_zero, y_zero;
  int32_t b_zero; /* of every column, less 128 where B was; unless many_b_zeros */
  bool row_terms; /* some zero point of B is not 0 */
  char *scratch, *y;
} work_t;

static void *slot_of(const work_t *work, int slot) {
  or_slot_id_t id = work->state->slots[slot];
  return id == OR_NO_SLOT ? NULL : work->run->slots[id];
}

static void read_parameters(work_t *work) {
  const state_t *state = work->state;
  const void *zeros = slot_of(work, B_ZERO);
  int32_t less = state->unsigned_b ? 128 : 0;
  work->a_zero = or_cpu_byte_at(slot_of(work, A_ZERO), state->product.dtype == OR_INT8, 0);
  work->b_zero = or_cpu_byte_at(zeros, !state->unsigned_b, 0) - less;
  work->row_terms = work->b_zero != 0;
  for (size_t j = 0; j < state->product.n; ++j) {
    int32_t zero = state->many_b_zeros ? or_cpu_byte_at(zeros, !state->unsigned_b, j) - less : work->b_zero;
    work->vectors.zeros[j] = zero;
    work->row_terms = work->row_terms || zero != 0;
  }
  if (!state->quantises) return;
  const float *b_scales = slot_of(work, B_SCALE);
  float a_scale = *(const float *)slot_of(work, A_SCALE), y_scale = *(const float *)slot_of(work, Y_SCALE);
  work->y_zero = or_cpu_byte_at(slot_of(work, Y_ZERO), state->signed_y, 0);
  for (size_t j = 0; j < (state->many_b_scales ? state->product.n : 1); ++j)
    work->vectors.factors[j] = a_scale * b_scales[j] / y_scale;
}

static void rows_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const or_cpu_product_t *product = &work->state->product;
  const or_cpu_convert_t *convert = &work->run->kernels->convert;
  const char *a = work->args.a;
  (void)thread;
  for (size_t i = begin; i < end; ++i) {
    const char *row = a + i * product->k;
    int32_t sum = product->dtype == OR_INT8 ? convert->sum_s8(product->k, (const int8_t *)row)
                                            : convert->sum_u8(product->k, (const uint8_t *)row);
    /* A bias of the product where all columns have one zero point, else taken off each column's. */
    work->vectors.row_sums[i] = work->state->many_b_zeros ? sum : (int32_t)(0 - or_cpu_times(work->b_zero, sum));
  }
}

/* Operands and biases of product `item`. */
static or_status_t start_item(work_t *work, size_t item) {
  const state_t *state = work->state;
  const or_cpu_product_t *product = &state->product;
  or_cpu_product_at_t at = or_cpu_product_at(product, item);
  size_t matrix = product->k * product->n;
  int32_t *sums = slot_of(work, SUMS);
  work->args.a = (const char *)slot_of(work, A) + at.a;
  work->args.c = sums != NULL ? sums : (int32_t *)slot_of(work, Y) + item * product->m * product->n;
  work->y = (char *)slot_of(work, Y) + item * product->m * product->n;
  if (state->packed_b != NULL) {
    size_t which = matrix > 0 ? at.b / matrix : 0;
    work->args.b = state->packed_b + which * state->packed_item;
    work->column_sums = state->column_sums + which * product->n;
  } else {
    const int8_t *plain = (const int8_t *)slot_of(work, B) + at.b;
    int8_t *copy = slot_of(work, SIGNED_B);
    if (copy != NULL) or_cpu_to_signed(matrix, (const uint8_t *)plain, copy);
    if (copy != NULL) plain = copy;
    work->args.b = plain;
    if (work->a_zero != 0) add_columns(work->run->kernels, product, plain, work->vectors.column_sums);
    work->column_sums = work->vectors.column_sums;
  }
  work->args.bias_col = work->args.bias_row = NULL;
  if (work->a_zero != 0) {
    int32_t *bias = work->vectors.column_bias;
    for (size_t j = 0; j < product->n; ++j) { /* za (k zb - sum b) */
      uint32_t all = or_cpu_times((int32_t)product->k, work->vectors.zeros[j]) - (uint32_t)work->column_sums[j];
      bias[j] = (int32_t)or_cpu_times(work->a_zero, (int32_t)all);
    }
    work->args.bias_col = bias;
  }
  if (!work->row_terms) return or_status_success();
  if (!state->many_b_zeros) work->args.bias_row = work->vectors.row_sums;
  return or_cpu_parallel_elements(work->run, product->m, product->k, rows_body, work);
}

static bool is_cancelled(const void *cancel) { return or_cancel_requested(cancel); }

static void pack_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  (void)thread;
  for (size_t i = begin; i < end && !is_cancelled(work->args.stop_context); ++i)
    or_gemm_pack(&work->state->plan, &work->args, i);
}

static void tiles_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const or_gemm_plan_t *plan = &work->state->plan;
  size_t scratch = or_align_up(plan->scratch_bytes, OR_GEMM_ALIGNMENT_BYTES) * (size_t)thread;
  for (size_t i = begin; i < end; ++i)
    or_gemm_tile(plan, &work->args, i, work->scratch != NULL ? work->scratch + scratch : NULL);
}

/* Rows of sums: what columns with zero points of their own take off, and the result of QLinearMatMul. */
static void finish_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  const or_cpu_convert_t *convert = &work->run->kernels->convert;
  const vectors_t *vectors = &work->vectors;
  size_t n = state->product.n;
  bool one = !state->many_b_scales;
  (void)thread;
  for (size_t i = begin; i < end; ++i) {
    int32_t *sums = (int32_t *)work->args.c + i * n;
    if (work->row_terms && state->many_b_zeros) {
      int32_t row = vectors->row_sums[i];
      for (size_t j = 0; j < n; ++j) sums[j] = (int32_t)((uint32_t)sums[j] - or_cpu_times(row, vectors->zeros[j]));
    }
    if (state->quantises && state->signed_y) {
      convert->requantize_s8(n, sums, vectors->factors, one, work->y_zero, (int8_t *)work->y + i * n);
    } else if (state->quantises) {
      convert->requantize_u8(n, sums, vectors->factors, one, work->y_zero, (uint8_t *)work->y + i * n);
    }
  }
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  const or_cpu_product_t *product = &state->product;
  if (product->batch * product->m * product->n == 0) return or_status_success();
  work_t work = {.state = state, .run = run_state};
  work.vectors = vectors_at(product, slot_of(&work, VECTORS));
  work.scratch = slot_of(&work, SCRATCH);
  work.args = (or_gemm_args_t){.lda = product->k,
                               .ldb = product->n,
                               .ldc = product->n,
                               .alpha = 1.0,
                               .workspace = slot_of(&work, WORKSPACE),
                               .stop = is_cancelled,
                               .stop_context = run_state->cancel};
  read_parameters(&work);
  bool finish = state->quantises || (work.row_terms && state->many_b_zeros);
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < product->batch; ++i) {
    status = start_item(&work, i);
    if (!or_ok(status)) break;
    or_parallel_for(run_state->team, state->plan.pack_tasks, 1, pack_body, &work);
    status = or_cpu_parallel_groups(run_state, state->plan.tiles, state->group, tiles_body, &work);
    if (or_ok(status)) status = or_cancel_status(run_state->cancel); /* tiles may have been left out */
    if (or_ok(status) && finish)
      status = or_cpu_parallel_elements(run_state, product->m, product->n * 5, finish_body, &work);
  }
  return status;
}
