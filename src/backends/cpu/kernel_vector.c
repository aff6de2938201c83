/* Ours: the work of compute tasks on vectors and on memory, by the whole team, past the caches where vectors are larger
 * than they are. float32, float64; float16 and bfloat16 by way of float32; Copy of any type. */
#include <math.h>
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "backends/cpu/half_internal.h"

typedef enum kind_t { COPY, SCALE, AXPY, TRIAD, FILL, DOT, NORM, READ_SUM, KINDS } kind_t;
static const char *const names[KINDS] = {"Copy", "Scale", "Axpy", "Triad", "Fill", "Dot", "Norm", "ReadSum"};

typedef struct state_t {
  kind_t kind;
  or_dtype_t dtype;
  size_t count, bytes;
  double alpha;
  or_slot_id_t a, b, y, parts;
} state_t;

/* A slice's part of a sum, alone in its cache line. */
typedef struct part_t {
  _Alignas(OR_DEFAULT_ALIGNMENT) double sum;
} part_t;

static bool kind_of(const or_node_view_t *view, kind_t *kind) {
  for (int i = 0; i < KINDS; ++i) {
    *kind = (kind_t)i;
    if (strcmp(view->call.op->name, names[i]) == 0) return true;
  }
  return false;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  kind_t kind;
  (void)device;
  if (view->fused || strcmp(view->call.op->domain, "openruntime") != 0 || !kind_of(view, &kind)) return false;
  const or_op_tensor_t *y = kind == FILL ? or_view_output(view, 0) : or_view_input(view, 0);
  bool known = y->dtype == OR_FLOAT32 || y->dtype == OR_FLOAT64 || or_cpu_is_half(y->dtype);
  return known || (kind == COPY && y->dtype != OR_STRING);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  (void)kind_of(view, &state->kind); /* match has looked */
  const or_op_tensor_t *whole = state->kind == FILL ? or_view_output(view, 0) : or_view_input(view, 0);
  state->count = or_view_count(&whole->shape);
  state->bytes = or_view_bytes(whole);
  state->dtype = whole->dtype;
  state->alpha = state->kind == FILL ? (double)or_op_attribute_float(&view->call, "value", 0.0F)
                                     : (double)or_op_attribute_float(&view->call, "alpha", 1.0F);
  state->a = state->b = state->parts = OR_NO_SLOT;
  if (or_view_has_input(view, 0)) status = or_cpu_build_read(build, view->core->inputs[0], &state->a);
  if (or_ok(status) && or_view_has_input(view, 1)) status = or_cpu_build_read(build, view->core->inputs[1], &state->b);
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

static double narrow_slice(const work_t *work, size_t n, const float *a, const float *b, float *y) {
  const or_cpu_vector_f32_t *f32 = &work->kernels->f32;
  float alpha = (float)work->state->alpha;
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

static double half_slice(const work_t *work, size_t begin, size_t end) {
  or_cpu_half_t half = or_cpu_half(work->kernels, work->state->dtype);
  float a[OR_CPU_HALF_PIECE], b[OR_CPU_HALF_PIECE], y[OR_CPU_HALF_PIECE];
  bool pair = work->state->b != OR_NO_SLOT, fill = work->state->kind == FILL;
  double sum = 0.0;
  for (size_t n; begin < end; begin += n) {
    n = or_cpu_min(end - begin, OR_CPU_HALF_PIECE);
    if (!fill) half.widen(n, (const uint16_t *)work->a + begin, a);
    if (pair) half.widen(n, (const uint16_t *)work->b + begin, b);
    sum += narrow_slice(work, n, a, b, y);
    if (work->parts == NULL) half.narrow(n, y, (uint16_t *)work->y + begin);
  }
  return sum;
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
  double sum = 0.0;
  if (work->state->dtype == OR_FLOAT64) {
    sum = wide_slice(work, begin, end - begin);
  } else if (work->state->dtype == OR_FLOAT32) {
    sum = narrow_slice(work, end - begin, (const float *)work->a + begin, (const float *)work->b + begin,
                       (float *)work->y + begin);
  } else {
    sum = half_slice(work, begin, end);
  }
  if (work->parts != NULL) work->parts[thread].sum += sum;
}

/* A sum where it belongs, rounded once. */
static void store_sum(const or_cpu_run_t *run_state, or_dtype_t dtype, double sum, void *y) {
  float narrow = (float)sum;
  if (dtype == OR_FLOAT64) {
    *(double *)y = sum;
  } else if (dtype == OR_FLOAT32) {
    *(float *)y = narrow;
  } else {
    or_cpu_half(run_state->kernels, dtype).narrow(1, &narrow, y);
  }
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  void *y = run_state->slots[state->y];
  const void *a = state->a != OR_NO_SLOT ? run_state->slots[state->a] : y; /* never NULL: slices add to it */
  if (state->kind == COPY) return or_cpu_copy_bytes(run_state, a, y, state->bytes);
  work_t work = {.state = state, .kernels = run_state->kernels, .a = a, .b = a, .y = y};
  if (state->b != OR_NO_SLOT) work.b = run_state->slots[state->b];
  work.stream = state->bytes >= or_cpu_stream_bytes(run_state->device) && !or_cpu_is_half(state->dtype);
  bool sums = state->parts != OR_NO_SLOT;
  if (sums) {
    work.y = work.parts = run_state->slots[state->parts];
    memset(work.parts, 0, sizeof(part_t) * (size_t)or_team_size(run_state->team));
  }
  size_t operands = (state->b != OR_NO_SLOT ? 2U : 1U) + (sums || state->kind == FILL ? 0U : 1U);
  size_t element = or_dtype_bytes(state->dtype, 1);
  or_status_t status = or_cpu_parallel_elements(run_state, state->count, operands * element, body, &work);
  if (!or_ok(status) || !sums) return status;
  double sum = 0.0;
  for (int i = 0; i < or_team_size(run_state->team); ++i) sum += work.parts[i].sum;
  if (state->kind == NORM) sum = sqrt(sum);
  store_sum(run_state, state->dtype, sum, y);
  return status;
}
