/* Ours: the work of compute tasks on vectors and on memory, by the whole team, past the caches where vectors are larger
 * than they are. float32 and float64 (Copy: any type). */
#include <math.h>
#include <string.h>

#include "backends/cpu/families_internal.h"

typedef enum kind_t { COPY, SCALE, AXPY, TRIAD, FILL, DOT, NORM, READ_SUM, KINDS } kind_t;
static const char *const names[KINDS] = {"Copy", "Scale", "Axpy", "Triad", "Fill", "Dot", "Norm", "ReadSum"};

typedef struct state_t {
  kind_t kind;
  bool wide; /* float64 */
  size_t count, bytes;
  double alpha;
  or_cpu_slot_id_t a, b, y, parts;
} state_t;

/* A slice's part of a sum, alone in its cache line. */
typedef struct part_t {
  _Alignas(OR_DEFAULT_ALIGNMENT) double sum;
} part_t;

static bool kind_of(const or_cpu_view_t *view, kind_t *kind) {
  for (int i = 0; i < KINDS; ++i) {
    *kind = (kind_t)i;
    if (strcmp(view->call.op->name, names[i]) == 0) return true;
  }
  return false;
}

static bool match(const or_cpu_device_t *device, const or_cpu_view_t *view) {
  kind_t kind;
  (void)device;
  if (view->fused || strcmp(view->call.op->domain, "openruntime") != 0 || !kind_of(view, &kind)) return false;
  const or_op_tensor_t *y = kind == FILL ? or_cpu_output(view, 0) : or_cpu_input(view, 0);
  return y->dtype == OR_FLOAT32 || y->dtype == OR_FLOAT64 || (kind == COPY && y->dtype != OR_STRING);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_cpu_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  (void)kind_of(view, &state->kind); /* match has looked */
  const or_op_tensor_t *whole = state->kind == FILL ? or_cpu_output(view, 0) : or_cpu_input(view, 0);
  state->count = or_cpu_count(&whole->shape);
  state->bytes = or_cpu_bytes(whole);
  state->wide = whole->dtype == OR_FLOAT64;
  state->alpha = state->kind == FILL ? (double)or_op_attribute_float(&view->call, "value", 0.0F)
                                     : (double)or_op_attribute_float(&view->call, "alpha", 1.0F);
  state->a = state->b = state->parts = OR_CPU_NO_SLOT;
  if (or_cpu_has_input(view, 0)) status = or_cpu_build_read(build, view->core->inputs[0], &state->a);
  if (or_ok(status) && or_cpu_has_input(view, 1)) status = or_cpu_build_read(build, view->core->inputs[1], &state->b);
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->y);
  if (or_ok(status) && state->kind >= DOT) {
    status = or_cpu_build_scratch(build, sizeof(part_t) * (size_t)build->device->threads, &state->parts);
  }
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s vector", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_vector = {.name = "vector", .match = match, .prepare = prepare};

typedef struct work_t {
  const state_t *state;
  const or_cpu_kernels_t *kernels;
  const void *a, *b;
  void *y;
  part_t *parts;
  bool stream;
} work_t;

static double narrow_slice(const work_t *work, size_t begin, size_t n) {
  const or_cpu_vector_f32_t *f32 = &work->kernels->f32;
  const float *a = (const float *)work->a + begin, *b = (const float *)work->b + begin;
  float *y = (float *)work->y + begin, alpha = (float)work->state->alpha;
  switch (work->state->kind) {
  case SCALE: f32->scale(n, alpha, a, y, work->stream); break;
  case AXPY: f32->triad(n, alpha, b, a, y, work->stream); break;
  case TRIAD: f32->triad(n, alpha, a, b, y, work->stream); break;
  case FILL: f32->fill(n, alpha, y, work->stream); break;
  case DOT: return f32->dot(n, a, b);
  case NORM: return f32->sum_squares(n, a);
  case READ_SUM: return f32->sum(n, a);
  case COPY:
  case KINDS: break;
  }
  return 0.0;
}

static double wide_slice(const work_t *work, size_t begin, size_t n) {
  const or_cpu_vector_f64_t *f64 = &work->kernels->f64;
  const double *a = (const double *)work->a + begin, *b = (const double *)work->b + begin;
  double *y = (double *)work->y + begin, alpha = work->state->alpha;
  switch (work->state->kind) {
  case SCALE: f64->scale(n, alpha, a, y, work->stream); break;
  case AXPY: f64->triad(n, alpha, b, a, y, work->stream); break;
  case TRIAD: f64->triad(n, alpha, a, b, y, work->stream); break;
  case FILL: f64->fill(n, alpha, y, work->stream); break;
  case DOT: return f64->dot(n, a, b);
  case NORM: return f64->sum_squares(n, a);
  case READ_SUM: return f64->sum(n, a);
  case COPY:
  case KINDS: break;
  }
  return 0.0;
}

static void body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  double sum = work->state->wide ? wide_slice(work, begin, end - begin) : narrow_slice(work, begin, end - begin);
  if (work->parts != NULL) work->parts[thread].sum += sum;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  void *y = run_state->slots[state->y];
  const void *a = state->a != OR_CPU_NO_SLOT ? run_state->slots[state->a] : y; /* never NULL: slices add to it */
  if (state->kind == COPY) return or_cpu_copy_bytes(run_state, a, y, state->bytes);
  work_t work = {.state = state, .kernels = run_state->kernels, .a = a, .b = a, .y = y};
  if (state->b != OR_CPU_NO_SLOT) work.b = run_state->slots[state->b];
  work.stream = state->bytes >= or_cpu_stream_bytes(run_state->device);
  bool sums = state->parts != OR_CPU_NO_SLOT;
  if (sums) {
    work.y = work.parts = run_state->slots[state->parts];
    memset(work.parts, 0, sizeof(part_t) * (size_t)or_team_size(run_state->team));
  }
  size_t operands = (state->b != OR_CPU_NO_SLOT ? 2U : 1U) + (sums || state->kind == FILL ? 0U : 1U);
  size_t element = state->wide ? sizeof(double) : sizeof(float);
  or_status_t status = or_cpu_parallel_elements(run_state, state->count, operands * element, body, &work);
  if (!or_ok(status) || !sums) return status;
  double sum = 0.0;
  for (int i = 0; i < or_team_size(run_state->team); ++i) sum += work.parts[i].sum;
  if (state->kind == NORM) sum = sqrt(sum);
  if (state->wide) {
    *(double *)y = sum;
  } else {
    *(float *)y = (float)sum;
  }
  return status;
}
