/* Transpose of any type of whole bytes: neighbouring dimensions that stay together are merged; then rows are copied
 * where the last dimension stays, and planes are transposed where it moves. */
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "ops/transpose.h"

/* Dimensions in the order of the output. */
typedef struct state_t {
  size_t element;
  int rank;
  size_t extent[OR_MAX_RANK];
  size_t in_stride[OR_MAX_RANK], out_stride[OR_MAX_RANK]; /* elements */
  size_t count;
  int fast; /* the dimension in which the input's elements are neighbours */
  or_slot_id_t x, y;
} state_t;

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0' || strcmp(view->call.op->name, "Transpose") != 0) return false;
  const or_op_tensor_t *x = or_view_input(view, 0);
  return x->dtype != OR_STRING && or_dtype_bits(x->dtype) % 8 == 0 && or_shape_is_static(&x->shape);
}

/* Merges output dimensions whose input dimensions follow each other, and leaves out extents of 1. */
static void collapse(const or_shape_t *x, const int32_t permutation[OR_MAX_RANK], state_t *state) {
  size_t stride[OR_MAX_RANK] = {0}, step = 1;
  for (int32_t i = x->rank; i-- > 0;) {
    stride[i] = step;
    step *= (size_t)x->dims[i];
  }
  state->count = step;
  for (int32_t i = 0; i < x->rank; ++i) {
    size_t extent = (size_t)x->dims[permutation[i]], in = stride[permutation[i]];
    if (extent == 1) continue;
    int last = state->rank - 1;
    if (last >= 0 && state->in_stride[last] == extent * in) {
      state->extent[last] *= extent;
      state->in_stride[last] = in;
      continue;
    }
    state->extent[state->rank] = extent;
    state->in_stride[state->rank++] = in;
  }
  if (state->rank == 0) {
    state->rank = 1;
    state->extent[0] = state->in_stride[0] = 1;
  }
  step = 1;
  for (int i = state->rank; i-- > 0;) {
    state->out_stride[i] = step;
    step *= state->extent[i];
    if (state->in_stride[i] == 1) state->fast = i;
  }
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  int32_t permutation[OR_MAX_RANK];
  const or_op_tensor_t *x = or_view_input(view, 0);
  or_status_t status = or_transpose_permutation(&view->call, x->shape.rank, permutation);
  if (or_ok(status)) status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  state->element = or_dtype_bytes(x->dtype, 1);
  collapse(&x->shape, permutation, state);
  if (state->rank == 1) { /* nothing moves */
    bool shared = false;
    or_cpu_build_name(build, "alias");
    status = or_cpu_build_share(build, view->core->inputs[0], view->core->outputs[0], 0, &shared);
    if (!or_ok(status) || shared) return status;
  }
  status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->y);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s transpose", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_transpose = {.name = "transpose", .match = match, .prepare = prepare};

typedef struct work_t {
  const state_t *state;
  const or_cpu_kernels_t *kernels;
  const char *x;
  char *y;
  int dims[OR_MAX_RANK]; /* the outer dimensions, walked one step at a time */
  int outer;
} work_t;

/* Offsets in elements of step `index` over the outer dimensions. */
static void offsets(const work_t *work, size_t index, size_t *in, size_t *out) {
  *in = *out = 0;
  for (int i = work->outer; i-- > 0;) {
    int dim = work->dims[i];
    size_t at = index % work->state->extent[dim];
    index /= work->state->extent[dim];
    *in += at * work->state->in_stride[dim];
    *out += at * work->state->out_stride[dim];
  }
}

/* The last dimension stays: rows of neighbours. */
static void rows_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  (void)thread;
  size_t bytes = state->extent[state->rank - 1] * state->element;
  for (size_t i = begin; i < end; ++i) {
    size_t in = 0, out = 0;
    offsets(work, i, &in, &out);
    memcpy(work->y + out * state->element, work->x + in * state->element, bytes);
  }
}

/* Planes of the input's fast dimension and the output's: each unit is a band of rows of one plane. */
#define BAND 64

static void planes_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  (void)thread;
  int last = state->rank - 1, fast = state->fast;
  size_t rows = state->extent[last], bands = (rows + BAND - 1) / BAND;
  for (size_t i = begin; i < end; ++i) {
    size_t in = 0, out = 0, first = i % bands * BAND, count = or_cpu_min(BAND, rows - first);
    offsets(work, i / bands, &in, &out);
    in += first * state->in_stride[last];
    out += first;
    work->kernels->transpose(state->element, count, state->extent[fast], work->x + in * state->element,
                             state->in_stride[last], work->y + out * state->element, state->out_stride[fast]);
  }
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  work_t work = {.state = state, .kernels = run_state->kernels};
  work.x = run_state->slots[state->x];
  work.y = run_state->slots[state->y];
  if (state->count == 0) return or_status_success();
  if (state->rank == 1) return or_cpu_copy_bytes(run_state, work.x, work.y, state->count * state->element);
  int last = state->rank - 1;
  bool stays = state->fast == last;
  size_t units = 1;
  for (int i = 0; i < last; ++i) {
    if (!stays && i == state->fast) continue;
    work.dims[work.outer++] = i;
    units *= state->extent[i];
  }
  if (stays) {
    return or_cpu_parallel_rows(run_state, units, 2 * state->extent[last] * state->element, rows_body, &work);
  }
  units *= (state->extent[last] + BAND - 1) / BAND;
  return or_cpu_parallel_rows(run_state, units, 2 * BAND * state->extent[state->fast] * state->element, planes_body,
                              &work);
}
