/* Softmax and LogSoftmax along any axis in float32; of rows in float16 and bfloat16 by way of it. */
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "backends/cpu/half_internal.h"
#include "ops/shape.h"

/* x seen as [outer, n, columns], softmax along n. */
typedef struct state_t {
  size_t outer, n, columns;
  bool logarithm;
  or_dtype_t dtype;
  or_slot_id_t x, y, row; /* row: one in float32 for each thread; OR_NO_SLOT: not needed */
} state_t;

/* True if the elements of a line are neighbours. */
static bool along_rows(const or_node_view_t *view) {
  int64_t axis = or_op_attribute_int(&view->call, "axis", view->core->version < 13 ? 1 : -1);
  return view->core->version < 13 || axis == -1 || axis == or_view_input(view, 0)->shape.rank - 1;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0') return false;
  const char *name = view->call.op->name;
  if (strcmp(name, "Softmax") != 0 && strcmp(name, "LogSoftmax") != 0) return false;
  const or_op_tensor_t *x = or_view_input(view, 0);
  if (x->shape.rank < 1) return false;
  return x->dtype == OR_FLOAT32 || (or_cpu_is_half(x->dtype) && along_rows(view));
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  int32_t axis = 0;
  const or_shape_t *shape = &or_view_input(view, 0)->shape;
  bool flat = view->core->version < 13; /* the dimensions from the axis on are one */
  int64_t given = or_op_attribute_int(&view->call, "axis", flat ? 1 : -1);
  or_status_t status = or_axis_normalize(given, shape->rank, &axis);
  if (or_ok(status)) status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  state->outer = (size_t)or_shape_product(shape, 0, axis);
  state->n = (size_t)or_shape_product(shape, axis, flat ? shape->rank : axis + 1);
  state->columns = flat ? 1 : (size_t)or_shape_product(shape, axis + 1, shape->rank);
  state->logarithm = strcmp(view->call.op->name, "LogSoftmax") == 0;
  status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status)) {
    status = or_cpu_build_overwrite(build, view->core->inputs[0], view->core->outputs[0], &state->y);
  }
  state->dtype = or_view_input(view, 0)->dtype;
  state->row = OR_NO_SLOT;
  if (or_ok(status) && or_cpu_is_half(state->dtype)) {
    size_t bytes = or_align_up(state->n * sizeof(float), OR_DEFAULT_ALIGNMENT) * (size_t)build->device->threads;
    status = or_cpu_build_scratch(build, bytes, &state->row);
  }
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s softmax", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_softmax = {.name = "softmax", .match = match, .prepare = prepare};

typedef struct work_t {
  const state_t *state;
  const or_cpu_kernels_t *kernels;
  const or_cpu_rows_f32_t *rows;
  const float *x;
  float *y;
  char *row;
} work_t;

static void half_rows_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  or_cpu_half_t half = or_cpu_half(work->kernels, work->state->dtype);
  size_t n = work->state->n, bytes = or_align_up(n * sizeof(float), OR_DEFAULT_ALIGNMENT);
  float *row = (float *)(void *)(work->row + bytes * (size_t)thread);
  for (; begin < end; ++begin) {
    half.widen(n, (const uint16_t *)(const void *)work->x + begin * n, row);
    (work->state->logarithm ? work->rows->log_softmax : work->rows->softmax)(1, n, row, n, row, n);
    half.narrow(n, row, (uint16_t *)(void *)work->y + begin * n);
  }
}

static void rows_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  size_t n = work->state->n;
  (void)thread;
  (work->state->logarithm ? work->rows->log_softmax : work->rows->softmax)(end - begin, n, work->x + begin * n, n,
                                                                           work->y + begin * n, n);
}

/* Columns [begin, end) of all the matrices one after another. */
static void columns_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  size_t n = work->state->n, columns = work->state->columns;
  (void)thread;
  while (begin < end) {
    size_t matrix = begin / columns, column = begin % columns, count = or_cpu_min(columns - column, end - begin);
    size_t at = matrix * n * columns + column;
    (work->state->logarithm ? work->rows->log_softmax_columns : work->rows->softmax_columns)(n, count, work->x + at,
                                                                                             work->y + at, columns);
    begin += count;
  }
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  work_t work = {.state = state, .kernels = run_state->kernels, .rows = &run_state->kernels->rows};
  work.x = run_state->slots[state->x];
  work.y = run_state->slots[state->y];
  if (state->row != OR_NO_SLOT) work.row = run_state->slots[state->row];
  if (state->n == 0) return or_status_success();
  size_t line = 2 * state->n * sizeof(float);
  if (state->columns == 1) {
    return or_cpu_parallel_rows(run_state, state->outer, 2 * line, work.row != NULL ? half_rows_body : rows_body,
                                &work);
  }
  size_t grain = or_cpu_max(or_cpu_row_grain(2 * line), 16);
  return or_cpu_parallel_units(run_state, state->outer * state->columns, grain, 2 * line, columns_body, &work);
}
