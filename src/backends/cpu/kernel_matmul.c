/* MatMul and Gemm by our own packed product, with bias, residual and activation in its last step. Constant operands
 * are packed once and shared. float32, float64; bfloat16 and float16 with sums, bias and residual in float32; 8-bit
 * integers with sums in 32 bits. */
#include <stdio.h>
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "backends/cpu/product_internal.h"
#include "ops/elements.h"

/* Multiply-adds of one thread in a group of tiles. Cancel is asked between groups, and by each tile for itself. */
#define STEPS_OF_A_GROUP 4e8

typedef struct state_t {
  or_gemm_plan_t plan;
  or_cpu_product_t product;
  size_t element, result; /* bytes of an element of A and B, and of the kernel's C */
  or_slot_id_t a, b, y, workspace, scratch, wide, residual, bias, bias_scratch; /* OR_NO_SLOT: none */
  const void *packed_a, *packed_b, *fixed_bias;
  size_t packed_item; /* bytes of one packed matrix of B */
  size_t group;       /* tiles, or whole products, that the team shares at a time */
  bool whole_items;   /* a thread takes whole products of the batch */
} state_t;

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);
static or_status_t pack_operands(or_cpu_build_t *build, const or_node_view_t *view, state_t *state);
static or_status_t plan_product(or_cpu_build_t *build, state_t *state);
static or_status_t find_bias(or_cpu_build_t *build, const or_node_view_t *view, state_t *state);
static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, state_t *state);

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  or_cpu_product_t product;
  return or_cpu_product_read(device, view, &product);
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  (void)or_cpu_product_read(build->device, view, &state->product); /* match has looked */
  state->element = or_dtype_bytes(state->product.dtype, 1);
  state->result = state->element < sizeof(float) ? sizeof(float) : state->element;
  state->a = state->b = state->y = state->workspace = state->scratch = state->wide = OR_NO_SLOT;
  state->residual = state->bias = state->bias_scratch = OR_NO_SLOT;
  status = pack_operands(build, view, state);
  if (or_ok(status)) status = plan_product(build, state);
  if (or_ok(status)) status = find_bias(build, view, state);
  if (or_ok(status)) status = find_slots(build, view, state);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status) && state->product.bf16) or_cpu_build_precision(build, OR_BFLOAT16);
  const char *kind = state->product.bf16 ? "gemm bf16" : "gemm";
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s %s", build->device->kernels->name, kind);
  return status;
}

const or_cpu_family_t or_cpu_family_matmul = {.name = "matmul", .match = match, .prepare = prepare};

/* Constants. */

typedef struct pack_t {
  or_gemm_const_t source;
  size_t items, item_elements, item_bytes, element;
  bool is_a;
  or_team_t *team;
  const char *from;
  char *to;
} pack_t;

static void pack_body(void *self, size_t begin, size_t end, int thread) {
  const pack_t *pack = self;
  (void)thread;
  for (size_t item = 0; item < pack->items; ++item) {
    or_gemm_const_t source = pack->source;
    source.data = pack->from + item * pack->item_elements * pack->element;
    size_t panel = pack->is_a ? or_gemm_panel_a(source.ops) : or_gemm_panel_b(source.ops);
    size_t first = begin * panel, last = or_cpu_min(end * panel, source.extent);
    char *to = pack->to + item * pack->item_bytes;
    if (pack->is_a) {
      or_gemm_pack_a_const(&source, first, last, to);
    } else {
      or_gemm_pack_b_const(&source, first, last, to);
    }
  }
}

static or_status_t pack_fill(void *self, const void *source, void *destination) {
  pack_t *pack = self;
  pack->from = source;
  pack->to = destination;
  size_t panel = pack->is_a ? or_gemm_panel_a(pack->source.ops) : or_gemm_panel_b(pack->source.ops);
  or_parallel_for(pack->team, (pack->source.extent + panel - 1) / panel, 8, pack_body, pack);
  return or_status_success();
}

static or_status_t pack_constant(or_cpu_build_t *build, const or_constant_t *constant, pack_t *pack, const void **out) {
  const or_gemm_const_t *source = &pack->source;
  or_cpu_packing_t packing = {.constant = constant, .fill = pack_fill, .self = pack};
  pack->item_bytes = pack->is_a ? or_gemm_packed_a_bytes(source) : or_gemm_packed_b_bytes(source);
  if (pack->item_bytes > SIZE_MAX - 63) return or_error(OR_RESOURCE_EXHAUSTED, "a packed matrix overflows size_t");
  pack->item_bytes = or_align_up(pack->item_bytes, OR_GEMM_ALIGNMENT_BYTES);
  if (!or_mul_size(pack->item_bytes, pack->items, &packing.bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu packed matrices of %zu bytes overflow size_t", pack->items,
                    pack->item_bytes);
  }
  (void)snprintf(packing.packing, sizeof packing.packing, "%c%d %s k%zu/%zu x%zu", pack->is_a ? 'A' : 'B',
                 source->transposed ? 1 : 0, or_gemm_layout(source->ops), source->k,
                 or_gemm_depth_block(source->ops, source->k, &source->caches), source->extent);
  pack->team = build->queue->team;
  return or_cpu_build_packed(build, &packing, out);
}

static or_status_t pack_operands(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const or_cpu_product_t *product = &state->product;
  const or_constant_t *a = or_view_input_constant(view, product->a_input);
  const or_constant_t *b = or_view_input_constant(view, 1 - product->a_input);
  pack_t pack = {.element = state->element};
  pack.source = (or_gemm_const_t){
      .ops = or_cpu_product_ops(build->device->kernels, product), .k = product->k, .caches = build->device->caches};
  if (product->k == 0 || product->m == 0 || product->n == 0) return or_status_success();
  if (product->strided && product->batch != 1) return or_status_success();
  if (b != NULL) {
    pack.source.extent = product->n;
    pack.source.transposed = product->trans_b;
    pack.source.ld = product->ldb;
    pack.items = product->b_items;
    pack.item_elements = product->k * product->n;
    or_status_t status = pack_constant(build, b, &pack, &state->packed_b);
    state->packed_item = pack.item_bytes;
    return status;
  }
  if (a == NULL || product->batch != 1) return or_status_success();
  pack.is_a = true;
  pack.source.extent = product->m;
  pack.source.transposed = product->trans_a;
  pack.source.ld = product->lda;
  pack.items = 1;
  return pack_constant(build, a, &pack, &state->packed_a);
}

static or_status_t plan_product(or_cpu_build_t *build, state_t *state) {
  const or_cpu_product_t *product = &state->product;
  or_gemm_shape_t shape = {.m = product->m,
                           .n = product->n,
                           .k = product->k,
                           .trans_a = product->trans_a,
                           .trans_b = product->trans_b,
                           .packed_a = state->packed_a != NULL,
                           .packed_b = state->packed_b != NULL};
  size_t team = (size_t)build->device->threads;
  double steps = (double)product->m * (double)product->n * (double)(product->k + 1);
  state->whole_items = product->batch > 1 && (product->batch >= team || steps < (double)OR_CPU_GRAIN_FLOPS);
  size_t worth = (size_t)(steps * 2.0 / (double)OR_CPU_GRAIN_FLOPS) + 1;
  unsigned threads = state->whole_items ? 1 : (unsigned)or_cpu_min(team, worth);
  if (!or_gemm_plan_init(&state->plan, or_cpu_product_ops(build->device->kernels, product), &shape,
                         &build->device->caches, threads)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "the product [%zu,%zu] x [%zu,%zu] overflows size_t", product->m, product->k,
                    product->k, product->n);
  }
  double each = steps / (double)(state->plan.tiles > 0 ? state->plan.tiles : 1);
  if (state->whole_items) each = steps;
  size_t per_thread = each < STEPS_OF_A_GROUP ? (size_t)(STEPS_OF_A_GROUP / (each + 1.0)) + 1 : 1;
  state->group = per_thread * team;
  return or_status_success();
}

/* A constant bias is scaled, widened and spread over the columns once, here; another one in each run. */
static or_status_t find_bias(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const or_cpu_product_t *product = &state->product;
  if (product->bias_form == OR_CPU_BIAS_NONE) return or_status_success();
  size_t count = product->bias_form == OR_CPU_BIAS_ROWS ? product->m : product->n;
  size_t given = product->bias_form == OR_CPU_BIAS_SINGLE ? 1 : count;
  const or_constant_t *constant = or_view_constant_of(view, product->bias);
  if (constant == NULL) {
    or_status_t status = or_cpu_build_read(build, product->bias, &state->bias);
    if (or_ok(status) && (product->bias_scale != 1.0 || given != count || or_cpu_product_is_half(product))) {
      status = or_cpu_build_scratch(build, count * state->result, &state->bias_scratch);
    }
    return status;
  }
  const void *source = NULL;
  void *copy = NULL, *numbers = NULL;
  or_status_t status = or_lowering_constant(&build->lowering, constant, &source);
  if (or_ok(status)) status = or_cpu_build_alloc(build, (count + 1) * state->result, &copy);
  if (or_ok(status)) status = or_cpu_build_temporary(build, (given + 1) * sizeof(double), &numbers);
  if (!or_ok(status)) return status;
  double *values = numbers;
  or_elements_load(product->dtype, source, 0, given, values);
  for (size_t i = 0; i < count; ++i) {
    double value = values[given == 1 ? 0 : i] * product->bias_scale;
    or_elements_store(product->dtype == OR_FLOAT64 ? OR_FLOAT64 : OR_FLOAT32, copy, i, 1, &value);
  }
  state->fixed_bias = copy;
  return status;
}

static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const or_cpu_product_t *product = &state->product;
  const or_node_t *core = view->core;
  size_t team = (size_t)build->device->threads;
  or_status_t status = or_status_success();
  if (state->packed_a == NULL) status = or_cpu_build_read(build, core->inputs[product->a_input], &state->a);
  if (or_ok(status) && state->packed_b == NULL)
    status = or_cpu_build_read(build, core->inputs[1 - product->a_input], &state->b);
  if (or_ok(status) && product->residual != OR_NO_VALUE) {
    status = or_cpu_build_read(build, product->residual, &state->residual);
  }
  if (or_ok(status)) {
    /* A residual is read where its element of Y is written: they may be one. */
    bool in_place = product->residual != OR_NO_VALUE && product->residual_scale == 1.0;
    status = in_place ? or_cpu_build_overwrite(build, product->residual, view->node->outputs[0], &state->y)
                      : or_cpu_build_write(build, view->node->outputs[0], &state->y);
  }
  size_t copies = state->whole_items ? team : 1;
  if (or_ok(status) && state->plan.workspace_bytes > 0) {
    size_t bytes = or_align_up(state->plan.workspace_bytes, OR_GEMM_ALIGNMENT_BYTES) * copies;
    status = or_cpu_build_scratch(build, bytes, &state->workspace);
  }
  if (or_ok(status) && state->plan.scratch_bytes > 0) {
    size_t bytes = or_align_up(state->plan.scratch_bytes, OR_GEMM_ALIGNMENT_BYTES) * team;
    status = or_cpu_build_scratch(build, bytes, &state->scratch);
  }
  if (or_ok(status) && or_cpu_product_is_half(product)) {
    size_t bytes = product->batch * product->m * product->n * state->result;
    status = or_cpu_build_scratch(build, bytes, &state->wide);
  }
  return status;
}

/* Runs. */

typedef struct work_t {
  const state_t *state;
  or_gemm_args_t args; /* of item 0 */
  const char *a, *b;   /* of item 0, NULL where packed */
  char *c, *scratch, *workspace;
  const char *residual;
  or_gemm_args_t item; /* of the product in hand, where the team shares one */
  const or_cpu_kernels_t *kernels;
  void *narrow;
} work_t;

static char *slot_of(const or_cpu_run_t *run_state, or_slot_id_t slot) {
  return slot == OR_NO_SLOT ? NULL : run_state->slots[slot];
}

static const void *bias_of(const state_t *state, const or_cpu_run_t *run_state) {
  if (state->fixed_bias != NULL) return state->fixed_bias;
  const void *given = slot_of(run_state, state->bias);
  void *scaled = slot_of(run_state, state->bias_scratch);
  if (scaled == NULL) return given;
  const or_cpu_product_t *product = &state->product;
  size_t count = product->bias_form == OR_CPU_BIAS_ROWS ? product->m : product->n;
  bool single = product->bias_form == OR_CPU_BIAS_SINGLE;
  for (size_t i = 0; i < count; ++i) {
    double value = 0.0;
    or_elements_load(product->dtype, given, single ? 0 : i, 1, &value);
    value *= product->bias_scale;
    or_elements_store(product->dtype == OR_FLOAT64 ? OR_FLOAT64 : OR_FLOAT32, scaled, i, 1, &value);
  }
  return scaled;
}

static or_gemm_args_t args_of_item(const work_t *work, size_t index) {
  const state_t *state = work->state;
  const or_cpu_product_t *product = &state->product;
  or_gemm_args_t args = work->args;
  or_cpu_product_at_t at = or_cpu_product_at(product, index);
  if (state->packed_a == NULL) args.a = work->a + at.a * state->element;
  if (state->packed_b == NULL) {
    args.b = work->b + at.b * state->element;
  } else {
    size_t matrix = product->k * product->n;
    args.b = (const char *)state->packed_b + (matrix > 0 ? at.b / matrix : 0) * state->packed_item;
  }
  args.c = work->c + at.c * state->result;
  if (work->residual != NULL) args.residual = work->residual + at.c * state->result;
  return args;
}

static bool is_cancelled(const void *cancel) { return or_cancel_requested(cancel); }

static void items_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const or_gemm_plan_t *plan = &work->state->plan;
  size_t scratch = or_align_up(plan->scratch_bytes, OR_GEMM_ALIGNMENT_BYTES) * (size_t)thread;
  size_t workspace = or_align_up(plan->workspace_bytes, OR_GEMM_ALIGNMENT_BYTES) * (size_t)thread;
  for (size_t i = begin; i < end; ++i) {
    or_gemm_args_t args = args_of_item(work, i);
    if (work->workspace != NULL) args.workspace = work->workspace + workspace;
    or_gemm_run(plan, &args, work->scratch != NULL ? work->scratch + scratch : NULL);
  }
}

static void pack_phase_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  (void)thread;
  for (size_t i = begin; i < end && !is_cancelled(work->args.stop_context); ++i)
    or_gemm_pack(&work->state->plan, &work->item, i);
}

static void tiles_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const or_gemm_plan_t *plan = &work->state->plan;
  size_t scratch = or_align_up(plan->scratch_bytes, OR_GEMM_ALIGNMENT_BYTES) * (size_t)thread;
  for (size_t i = begin; i < end; ++i) {
    or_gemm_tile(plan, &work->item, i, work->scratch != NULL ? work->scratch + scratch : NULL);
  }
}

static or_status_t run_items(work_t *work, const or_cpu_run_t *run_state) {
  const state_t *state = work->state;
  if (state->whole_items) {
    or_status_t status = or_cpu_parallel_groups(run_state, state->product.batch, state->group, items_body, work);
    return or_ok(status) ? or_cancel_status(run_state->cancel) : status;
  }
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < state->product.batch; ++i) {
    work->item = args_of_item(work, i);
    work->item.workspace = work->workspace;
    or_parallel_for(run_state->team, state->plan.pack_tasks, 1, pack_phase_body, work);
    status = or_cpu_parallel_groups(run_state, state->plan.tiles, state->group, tiles_body, work);
    if (or_ok(status)) status = or_cancel_status(run_state->cancel); /* tiles may have been left out */
  }
  return status;
}

static void narrow_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  (void)thread;
  const float *from = (const float *)(const void *)work->c + begin;
  uint16_t *to = (uint16_t *)work->narrow + begin;
  bool bf16 = work->state->product.dtype == OR_BFLOAT16;
  (bf16 ? work->kernels->convert.f32_to_bf16 : work->kernels->convert.f32_to_f16)(end - begin, from, to);
}

static void widen_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  (void)thread;
  const uint16_t *from = (const uint16_t *)(const void *)work->residual + begin;
  float *to = (float *)(void *)work->c + begin;
  bool bf16 = work->state->product.dtype == OR_BFLOAT16;
  (bf16 ? work->kernels->convert.bf16_to_f32 : work->kernels->convert.f16_to_f32)(end - begin, from, to);
}

/* beta C for a beta other than 1: Y starts as C. A residual of 16 bits is widened to where the sums will be. */
static or_status_t start_from_residual(work_t *work, const or_cpu_run_t *run_state, size_t count) {
  const or_cpu_product_t *product = &work->state->product;
  if (work->residual == NULL) return or_status_success();
  if (or_cpu_product_is_half(product)) {
    or_status_t status = or_cpu_parallel_elements(run_state, count, 6, widen_body, work);
    work->residual = work->c;
    if (!or_ok(status)) return status;
  }
  if (product->residual_scale == 1.0) return or_status_success();
  const void *from = work->residual;
  work->args.beta = product->residual_scale;
  work->residual = NULL;
  if (from == work->c) return or_status_success();
  return or_cpu_copy_bytes(run_state, from, work->c, product->m * product->n * work->state->result);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  const or_cpu_product_t *product = &state->product;
  size_t count = product->batch * product->m * product->n;
  if (count == 0) return or_status_success();
  work_t work = {.state = state, .kernels = run_state->kernels};
  work.a = slot_of(run_state, state->a);
  work.b = slot_of(run_state, state->b);
  work.scratch = slot_of(run_state, state->scratch);
  work.workspace = slot_of(run_state, state->workspace);
  work.residual = slot_of(run_state, state->residual);
  work.narrow = run_state->slots[state->y];
  work.c = state->wide != OR_NO_SLOT ? run_state->slots[state->wide] : work.narrow;
  work.args = (or_gemm_args_t){.a = state->packed_a,
                               .lda = product->lda,
                               .ldb = product->ldb,
                               .ldc = product->ldc,
                               .alpha = product->alpha,
                               .residual_ld = product->ldc,
                               .act = product->act,
                               .stop = is_cancelled,
                               .stop_context = run_state->cancel};
  const void *bias = bias_of(state, run_state);
  if (product->bias_form == OR_CPU_BIAS_ROWS) {
    work.args.bias_row = bias;
  } else {
    work.args.bias_col = bias;
  }
  or_status_t status = start_from_residual(&work, run_state, count);
  if (or_ok(status)) status = run_items(&work, run_state);
  if (or_ok(status) && state->wide != OR_NO_SLOT) {
    status = or_cpu_parallel_elements(run_state, count, 6, narrow_body, &work);
  }
  return status;
}
