/* AddLayerNormalization: row by row the sum, which stays in the first-level cache, then its norm. float32. */
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "ops/shape.h"

typedef struct state_t {
  size_t rows, n;
  size_t a_rows, b_rows; /* after so many rows a summand begins anew */
  float epsilon;
  or_slot_id_t a, b, scale, bias, y, sum; /* OR_NO_SLOT: left out */
} state_t;

/* The rows of an input that is laid out as the result, or as its last dimensions; 0: neither. */
static size_t rows_of(const or_op_tensor_t *input, const or_op_tensor_t *y, size_t n) {
  int32_t before = 0, shift = y->shape.rank - input->shape.rank;
  while (before < input->shape.rank && input->shape.dims[before] == 1) ++before;
  for (int32_t d = before; d < input->shape.rank; ++d) {
    if (input->shape.dims[d] != y->shape.dims[d + shift]) return 0;
  }
  size_t count = or_view_count(&input->shape);
  return n > 0 && count % n == 0 ? count / n : 0;
}

static bool read_extents(const or_node_view_t *view, state_t *state) {
  const or_op_tensor_t *y = or_view_output(view, 0);
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(&view->call, "axis", -1), y->shape.rank, &axis);
  bool ok = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok) return false;
  state->rows = (size_t)or_shape_product(&y->shape, 0, axis);
  state->n = (size_t)or_shape_product(&y->shape, axis, y->shape.rank);
  state->a_rows = rows_of(or_view_input(view, 0), y, state->n);
  state->b_rows = rows_of(or_view_input(view, 1), y, state->n);
  for (uint32_t i = 2; i < view->call.input_count; ++i) { /* scale and bias */
    if (or_view_has_input(view, i) && or_view_count(&or_view_input(view, i)->shape) != state->n) return false;
  }
  return state->a_rows > 0 && state->b_rows > 0;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  state_t state;
  (void)device;
  if (view->fused || strcmp(view->call.op->name, "AddLayerNormalization") != 0) return false;
  return or_view_input(view, 0)->dtype == OR_FLOAT32 && read_extents(view, &state);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  const or_node_t *node = view->core;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  (void)read_extents(view, state); /* match has looked */
  state->epsilon = or_op_attribute_float(&view->call, "epsilon", 1e-5F);
  state->bias = state->sum = OR_NO_SLOT;
  status = or_cpu_build_read(build, node->inputs[0], &state->a);
  if (or_ok(status)) status = or_cpu_build_read(build, node->inputs[1], &state->b);
  if (or_ok(status)) status = or_cpu_build_read(build, node->inputs[2], &state->scale);
  if (or_ok(status) && or_view_has_input(view, 3)) status = or_cpu_build_read(build, node->inputs[3], &state->bias);
  /* The first of the two is written over only where each of its rows is read once. */
  bool with_sum = view->call.output_count > 1 && node->outputs[1] != OR_NO_VALUE;
  or_value_id_t first = node->outputs[with_sum ? 1 : 0];
  or_slot_id_t *slot = with_sum ? &state->sum : &state->y;
  if (or_ok(status)) {
    status = state->a_rows == state->rows ? or_cpu_build_overwrite(build, node->inputs[0], first, slot)
                                          : or_cpu_build_write(build, first, slot);
  }
  if (or_ok(status) && with_sum) status = or_cpu_build_write(build, node->outputs[0], &state->y);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s norm", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_add_norm = {.name = "add norm", .match = match, .prepare = prepare};

typedef struct work_t {
  const state_t *state;
  const or_cpu_kernels_t *kernels;
  or_cpu_layer_norm_t norm;
  const float *a, *b;
  float *y, *sum; /* sum: NULL where y holds it for a while */
} work_t;

static void body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  size_t n = state->n;
  (void)thread;
  for (size_t r = begin; r < end; ++r) {
    const float *a = work->a + r % state->a_rows * n, *b = work->b + r % state->b_rows * n;
    float *y = work->y + r * n, *sum = work->sum != NULL ? work->sum + r * n : y;
    work->kernels->f32.binary[OR_CPU_BINARY_ADD][OR_CPU_VECTOR_VECTOR](n, a, b, sum, false);
    work->kernels->rows.layer_norm(&work->norm, 1, sum, y);
  }
}

static void *slot_of(const or_cpu_run_t *run_state, or_slot_id_t slot) {
  return slot == OR_NO_SLOT ? NULL : run_state->slots[slot];
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  work_t work = {.state = state,
                 .kernels = run_state->kernels,
                 .a = run_state->slots[state->a],
                 .b = run_state->slots[state->b],
                 .y = run_state->slots[state->y],
                 .sum = slot_of(run_state, state->sum)};
  work.norm = (or_cpu_layer_norm_t){.n = state->n,
                                    .x_ld = state->n,
                                    .y_ld = state->n,
                                    .eps = state->epsilon,
                                    .scale = run_state->slots[state->scale],
                                    .bias = slot_of(run_state, state->bias)};
  return or_cpu_parallel_rows(run_state, state->rows, 6 * state->n * sizeof(float), body, &work);
}
