/* ReduceSum, ReduceMean, ReduceMax, ReduceMin over the last or the first of the dimensions, after neighbours that share
 * their fate are merged: rows, columns, columns of each of several matrices, or everything. float32; rows and
 * everything in float64, float16 and bfloat16 too. */
#include <math.h>
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "backends/cpu/half_internal.h"
#include "ops/shape.h"

typedef struct function_t {
  const char *op;
  or_cpu_reduce_t kind;
} function_t;
static const function_t functions[] = {{"ReduceSum", OR_CPU_REDUCE_SUM},
                                       {"ReduceMean", OR_CPU_REDUCE_MEAN},
                                       {"ReduceMax", OR_CPU_REDUCE_MAX},
                                       {"ReduceMin", OR_CPU_REDUCE_MIN}};

/* x seen as [outer, n, columns], reduced along n. */
typedef struct state_t {
  or_cpu_reduce_t kind;
  size_t outer, n, columns;
  or_dtype_t dtype;
  or_slot_id_t x, y, parts;
} state_t;

typedef struct part_t {
  _Alignas(OR_DEFAULT_ALIGNMENT) double value;
  bool used;
} part_t;

static bool read(const or_node_view_t *view, state_t *out) {
  const function_t *function = NULL;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i) {
    if (strcmp(view->call.op->name, functions[i].op) == 0) function = &functions[i];
  }
  const or_op_tensor_t *x = or_view_input(view, 0);
  or_reduction_t reduction;
  if (function == NULL || (x->dtype != OR_FLOAT32 && x->dtype != OR_FLOAT64 && !or_cpu_is_half(x->dtype)) ||
      !or_shape_is_static(&x->shape))
    return false;
  or_status_t status = or_reduction_make(&view->call, &reduction);
  bool ok = or_ok(status) && reduction.known;
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok || or_view_count(&x->shape) == 0) return false;
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
  *out = (state_t){.kind = function->kind, .outer = groups[0], .n = groups[1], .columns = groups[2]};
  out->dtype = x->dtype;
  return x->dtype == OR_FLOAT32 || out->columns == 1;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  state_t state;
  (void)device;
  return !view->fused && view->call.op->domain[0] == '\0' && view->call.input_count > 0 && read(view, &state);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  (void)read(view, state); /* match has looked */
  state->parts = OR_NO_SLOT;
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
  const void *x;
  void *y;
  part_t *parts;
} work_t;

/* NaN stays, as in the kernels. */
static double join(or_cpu_reduce_t kind, double a, double b) {
  if (kind == OR_CPU_REDUCE_SUM || kind == OR_CPU_REDUCE_MEAN) return a + b;
  if (isnan(a) || isnan(b)) return a + b;
  return kind == OR_CPU_REDUCE_MAX ? fmax(a, b) : fmin(a, b);
}

static double wide_row(const work_t *work, size_t n, const double *x) {
  const or_cpu_vector_f64_t *f64 = &work->kernels->f64;
  or_cpu_reduce_t kind = work->state->kind;
  return kind == OR_CPU_REDUCE_MAX ? f64->max(n, x) : kind == OR_CPU_REDUCE_MIN ? f64->min(n, x) : f64->sum(n, x);
}

static double narrow_row(const work_t *work, size_t n, const float *x) {
  const or_cpu_vector_f32_t *f32 = &work->kernels->f32;
  or_cpu_reduce_t kind = work->state->kind;
  if (kind == OR_CPU_REDUCE_MAX) return (double)f32->max(n, x);
  return kind == OR_CPU_REDUCE_MIN ? (double)f32->min(n, x) : f32->sum(n, x);
}

/* `n` elements from `first` on, before a mean's division. n > 0. */
static double row(const work_t *work, size_t first, size_t n) {
  or_dtype_t dtype = work->state->dtype;
  if (dtype == OR_FLOAT64) return wide_row(work, n, (const double *)work->x + first);
  if (dtype == OR_FLOAT32) return narrow_row(work, n, (const float *)work->x + first);
  or_cpu_half_t half = or_cpu_half(work->kernels, dtype);
  float piece[OR_CPU_HALF_PIECE];
  double value = 0.0;
  for (size_t done = 0, count; done < n; done += count) {
    count = or_cpu_min(n - done, OR_CPU_HALF_PIECE);
    half.widen(count, (const uint16_t *)work->x + first + done, piece);
    double more = narrow_row(work, count, piece);
    value = done == 0 ? more : join(work->state->kind, value, more);
  }
  return value;
}

/* A result where it belongs, rounded once. */
static void store(const work_t *work, size_t index, double value) {
  or_dtype_t dtype = work->state->dtype;
  float narrow = (float)value;
  if (dtype == OR_FLOAT64) {
    ((double *)work->y)[index] = value;
  } else if (dtype == OR_FLOAT32) {
    ((float *)work->y)[index] = narrow;
  } else {
    or_cpu_half(work->kernels, dtype).narrow(1, &narrow, (uint16_t *)work->y + index);
  }
}

static void other_rows_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  size_t n = work->state->n;
  double divisor = work->state->kind == OR_CPU_REDUCE_MEAN ? (double)n : 1.0;
  (void)thread;
  for (size_t i = begin; i < end; ++i) store(work, i, row(work, i * n, n) / divisor);
}

static void rows_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  size_t n = work->state->n;
  (void)thread;
  work->kernels->rows.reduce_rows[work->state->kind](end - begin, n, (const float *)work->x + begin * n, n,
                                                     (float *)work->y + begin);
}

static void columns_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  size_t n = work->state->n, columns = work->state->columns;
  (void)thread;
  while (begin < end) {
    size_t matrix = begin / columns, column = begin % columns, count = or_cpu_min(columns - column, end - begin);
    const float *x = (const float *)work->x + matrix * n * columns + column;
    work->kernels->rows.reduce_columns[work->state->kind](n, count, x, columns, (float *)work->y + begin);
    begin += count;
  }
}

static void whole_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  or_cpu_reduce_t kind = work->state->kind;
  double value = row(work, begin, end - begin);
  part_t *part = &work->parts[thread];
  part->value = part->used ? join(kind, part->value, value) : value;
  part->used = true;
}

static or_status_t run_whole(work_t *work, const or_cpu_run_t *run_state) {
  const state_t *state = work->state;
  size_t threads = (size_t)or_team_size(run_state->team);
  memset(work->parts, 0, sizeof(part_t) * threads);
  or_status_t status = or_cpu_parallel_elements(run_state, state->n, or_dtype_bytes(state->dtype, 1), whole_body, work);
  bool any = false;
  double value = 0.0;
  for (size_t i = 0; i < threads; ++i) {
    if (!work->parts[i].used) continue;
    value = any ? join(state->kind, value, work->parts[i].value) : work->parts[i].value;
    any = true;
  }
  if (state->kind == OR_CPU_REDUCE_MEAN) value /= (double)state->n;
  store(work, 0, value);
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  work_t work = {.state = state, .kernels = run_state->kernels};
  work.x = run_state->slots[state->x];
  work.y = run_state->slots[state->y];
  if (state->parts != OR_NO_SLOT) {
    work.parts = run_state->slots[state->parts];
    return run_whole(&work, run_state);
  }
  size_t line = state->n * sizeof(float);
  if (state->columns == 1)
    return or_cpu_parallel_rows(run_state, state->outer, line, state->dtype == OR_FLOAT32 ? rows_body : other_rows_body,
                                &work);
  size_t grain = or_cpu_max(or_cpu_row_grain(line), 16);
  return or_cpu_parallel_units(run_state, state->outer * state->columns, grain, line, columns_body, &work);
}
