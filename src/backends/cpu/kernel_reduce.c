/* ReduceSum, ReduceMean, ReduceMax, ReduceMin over the last or the first of the dimensions, after neighbours that share
 * their fate are merged: rows, columns, columns of each of several matrices, or everything. float32. */
#include <math.h>
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "ops/shape.h"

typedef struct row_t {
  const char *op;
  or_cpu_reduce_t kind;
} row_t;
static const row_t rows[] = {{"ReduceSum", OR_CPU_REDUCE_SUM},
                             {"ReduceMean", OR_CPU_REDUCE_MEAN},
                             {"ReduceMax", OR_CPU_REDUCE_MAX},
                             {"ReduceMin", OR_CPU_REDUCE_MIN}};

/* x seen as [outer, n, columns], reduced along n. */
typedef struct state_t {
  or_cpu_reduce_t kind;
  size_t outer, n, columns;
  or_cpu_slot_id_t x, y, parts;
} state_t;

typedef struct part_t {
  _Alignas(OR_DEFAULT_ALIGNMENT) double value;
  bool used;
} part_t;

static bool read(const or_cpu_view_t *view, state_t *out) {
  const row_t *row = NULL;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    if (strcmp(view->call.op->name, rows[i].op) == 0) row = &rows[i];
  }
  const or_op_tensor_t *x = or_cpu_input(view, 0);
  or_reduction_t reduction;
  if (row == NULL || x->dtype != OR_FLOAT32 || !or_shape_is_static(&x->shape)) return false;
  or_status_t status = or_reduction_make(&view->call, &reduction);
  bool ok = or_ok(status) && reduction.known;
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok || or_cpu_count(&x->shape) == 0) return false;
  /* Up to three groups: kept, reduced, kept; extents of 1 belong to any. */
  size_t groups[3] = {1, 1, 1};
  int group = 0;
  for (int32_t i = 0; i < x->shape.rank; ++i) {
    if (x->shape.dims[i] == 1) continue;
    int parity = reduction.reduced[i] ? 1 : 0;
    if (group % 2 != parity) ++group;
    if (group > 2) return false;
    groups[group] *= (size_t)x->shape.dims[i];
  }
  *out = (state_t){.kind = row->kind, .outer = groups[0], .n = groups[1], .columns = groups[2]};
  return true;
}

static bool match(const or_cpu_device_t *device, const or_cpu_view_t *view) {
  state_t state;
  (void)device;
  return !view->fused && view->call.op->domain[0] == '\0' && view->call.input_count > 0 && read(view, &state);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_cpu_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  (void)read(view, state); /* match has looked */
  state->parts = OR_CPU_NO_SLOT;
  status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->y);
  if (or_ok(status) && state->outer == 1 && state->columns == 1) {
    status = or_cpu_build_scratch(build, sizeof(part_t) * (size_t)build->device->threads, &state->parts);
  }
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s reduce", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_reduce = {.name = "reduce", .match = match, .prepare = prepare};

typedef struct work_t {
  const state_t *state;
  const or_cpu_kernels_t *kernels;
  const float *x;
  float *y;
  part_t *parts;
} work_t;

static void rows_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  size_t n = work->state->n;
  (void)thread;
  work->kernels->rows.reduce_rows[work->state->kind](end - begin, n, work->x + begin * n, n, work->y + begin);
}

static void columns_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  size_t n = work->state->n, columns = work->state->columns;
  (void)thread;
  while (begin < end) {
    size_t matrix = begin / columns, column = begin % columns, count = or_cpu_min(columns - column, end - begin);
    const float *x = work->x + matrix * n * columns + column;
    work->kernels->rows.reduce_columns[work->state->kind](n, count, x, columns, work->y + begin);
    begin += count;
  }
}

/* NaN stays, as in the kernels. */
static double join(or_cpu_reduce_t kind, double a, double b) {
  if (kind == OR_CPU_REDUCE_SUM || kind == OR_CPU_REDUCE_MEAN) return a + b;
  if (isnan(a) || isnan(b)) return a + b;
  return kind == OR_CPU_REDUCE_MAX ? fmax(a, b) : fmin(a, b);
}

static void whole_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const or_cpu_vector_f32_t *f32 = &work->kernels->f32;
  or_cpu_reduce_t kind = work->state->kind;
  const float *x = work->x + begin;
  double value = kind == OR_CPU_REDUCE_MAX   ? (double)f32->max(end - begin, x)
                 : kind == OR_CPU_REDUCE_MIN ? (double)f32->min(end - begin, x)
                                             : f32->sum(end - begin, x);
  part_t *part = &work->parts[thread];
  part->value = part->used ? join(kind, part->value, value) : value;
  part->used = true;
}

static or_status_t run_whole(work_t *work, const or_cpu_run_t *run_state) {
  const state_t *state = work->state;
  size_t threads = (size_t)or_team_size(run_state->team);
  memset(work->parts, 0, sizeof(part_t) * threads);
  or_status_t status = or_cpu_parallel_elements(run_state, state->n, sizeof(float), whole_body, work);
  bool any = false;
  double value = 0.0;
  for (size_t i = 0; i < threads; ++i) {
    if (!work->parts[i].used) continue;
    value = any ? join(state->kind, value, work->parts[i].value) : work->parts[i].value;
    any = true;
  }
  if (state->kind == OR_CPU_REDUCE_MEAN) value /= (double)state->n;
  work->y[0] = (float)value;
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  work_t work = {.state = state, .kernels = run_state->kernels};
  work.x = run_state->slots[state->x];
  work.y = run_state->slots[state->y];
  if (state->parts != OR_CPU_NO_SLOT) {
    work.parts = run_state->slots[state->parts];
    return run_whole(&work, run_state);
  }
  size_t grain = or_cpu_row_grain(state->n * sizeof(float));
  if (state->columns == 1) {
    or_parallel_for(run_state->team, state->outer, grain, rows_body, &work);
  } else {
    or_parallel_for(run_state->team, state->outer * state->columns, or_cpu_max(grain, 16), columns_body, &work);
  }
  return or_status_success();
}
