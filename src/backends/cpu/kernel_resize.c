/* Resize and Upsample of images along one or two neighbouring dimensions: rows mixed by the vector kernels, and
 * elements along them, whichever comes first has less to do. float32, or with mode nearest any type of 4 bytes; where
 * elements come from is computed once. */
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "ops/resize_taps.h"
#include "ops/shape.h"

/* One axis: out[i] = sum over k of weights[i * taps + k] * in[from[i * taps + k]]. */
typedef struct axis_t {
  size_t in, out, taps;
  size_t repeat; /* nearest: every element of the input comes so many times; 0: it is not as regular */
  uint32_t *from;
  float *weights;
} axis_t;

#define MAX_KEPT 4 /* rows: as many taps as an axis that grows has */

/* x seen as [outer, rows, columns, inner]. */
typedef struct state_t {
  or_slot_id_t x, y, scratch; /* scratch: what lies between the passes, for each thread; OR_NO_SLOT: nearest */
  size_t outer, inner, scratch_floats;
  bool columns_first; /* fewer rows come in than go out: each is resampled once, the last few are kept */
  axis_t rows, columns;
} state_t;

/* The axes that change: `last` and the one before it. */
static bool read(const or_node_view_t *view, or_resize_t *resize, int32_t *last) {
  const or_op_tensor_t *x = or_view_input(view, 0);
  if (x->shape.rank < 2 || or_dtype_bits(x->dtype) != 32 || !or_shape_is_static(&x->shape)) return false;
  or_status_t status = or_resize_make(&view->call, resize);
  bool ok = or_ok(status) && resize->known && resize->coordinates != OR_RESIZE_TF_CROP;
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok || (resize->mode != OR_RESIZE_NEAREST && x->dtype != OR_FLOAT32)) return false;
  if (or_view_count(&x->shape) == 0 || or_view_count(&or_view_output(view, 0)->shape) == 0) return false;
  int32_t first = x->shape.rank;
  *last = 1;
  for (int32_t i = 0; i < x->shape.rank; ++i) {
    const or_resize_axis_t *axis = &resize->axes[i];
    if (axis->in > UINT32_MAX || axis->out > UINT32_MAX) return false;
    if (or_resize_is_identity(resize, i)) continue;
    if (i < first) first = i;
    if (i > *last) *last = i;
  }
  return first + 1 >= *last;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  or_resize_t resize;
  int32_t last = 0;
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0') return false;
  bool named = strcmp(view->call.op->name, "Resize") == 0 || strcmp(view->call.op->name, "Upsample") == 0;
  return named && read(view, &resize, &last);
}

static or_status_t read_axis(or_cpu_build_t *build, const or_resize_t *resize, int32_t index, axis_t *axis);
static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_resize_t resize = {.known = false};
  int32_t last = 0;
  const or_shape_t *shape = &or_view_input(view, 0)->shape;
  (void)read(view, &resize, &last); /* match has looked */
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  state->outer = (size_t)or_shape_product(shape, 0, last - 1);
  state->inner = (size_t)or_shape_product(shape, last + 1, shape->rank);
  state->scratch = OR_NO_SLOT;
  status = read_axis(build, &resize, last - 1, &state->rows);
  if (or_ok(status)) status = read_axis(build, &resize, last, &state->columns);
  if (or_ok(status)) status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->y);
  if (or_ok(status) && resize.mode != OR_RESIZE_NEAREST) {
    state->columns_first = state->rows.taps <= MAX_KEPT && state->rows.out >= state->rows.in;
    size_t kept = state->columns_first ? state->rows.taps * state->columns.out : state->columns.in;
    state->scratch_floats = kept * state->inner;
    status = or_cpu_build_scratch(build, state->scratch_floats * sizeof(float) * (size_t)build->device->threads,
                                  &state->scratch);
  }
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s resize", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_resize = {.name = "resize", .match = match, .prepare = prepare};

static size_t repeat_of(const axis_t *axis) {
  if (axis->taps != 1 || axis->in == 0 || axis->out % axis->in != 0) return 0;
  size_t repeat = axis->out / axis->in;
  for (size_t i = 0; i < axis->out; ++i) {
    if (axis->from[i] != i / repeat) return 0;
  }
  return repeat;
}

static or_status_t read_axis(or_cpu_build_t *build, const or_resize_t *resize, int32_t index, axis_t *axis) {
  bool identity = or_resize_is_identity(resize, index);
  size_t taps = identity ? 1 : or_resize_tap_count(resize, index), bytes = 0;
  *axis = (axis_t){.in = (size_t)resize->axes[index].in, .out = (size_t)resize->axes[index].out, .taps = taps};
  void *from = NULL, *weights = NULL, *exact = NULL;
  if (!or_mul_size(axis->out, taps, &bytes) || !or_mul_size(bytes, sizeof(float), &bytes))
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu times %zu weights", axis->out, taps);
  or_status_t status = or_cpu_build_alloc(build, bytes, &from);
  if (or_ok(status)) status = or_cpu_build_alloc(build, bytes, &weights);
  if (or_ok(status)) status = or_cpu_build_temporary(build, taps * sizeof(double), &exact);
  if (!or_ok(status)) return status;
  axis->from = from;
  axis->weights = weights;
  for (size_t i = 0; i < axis->out; ++i) {
    or_taps_t at = {.first = (int64_t)i, .count = 1};
    if (!identity) or_resize_taps(resize, index, (int64_t)i, exact, &at);
    for (size_t k = 0; k < taps; ++k) {
      int64_t position = at.first + (int64_t)k, end = (int64_t)axis->in - 1;
      axis->from[i * taps + k] = (uint32_t)(position < 0 ? 0 : position > end ? end : position);
      axis->weights[i * taps + k] = identity ? 1.0F : (float)at.weights[k];
    }
  }
  axis->repeat = repeat_of(axis);
  return status;
}

typedef struct work_t {
  const state_t *state;
  const or_cpu_vector_f32_t *f32;
  const float *x;
  float *y, *scratch;
} work_t;

/* Mixes elements that lie beside each other. */
static void mix_elements(const axis_t *columns, const float *row, float *to) {
  const uint32_t *from = columns->from;
  const float *weights = columns->weights;
  size_t taps = columns->taps;
  switch (taps) {
  case 1:
    for (size_t i = 0; i < columns->out; ++i) to[i] = weights[i] * row[from[i]];
    break;
  case 2:
    for (size_t i = 0; i < columns->out; ++i, from += 2, weights += 2)
      to[i] = weights[0] * row[from[0]] + weights[1] * row[from[1]];
    break;
  case 4:
    for (size_t i = 0; i < columns->out; ++i, from += 4, weights += 4) {
      to[i] =
          weights[0] * row[from[0]] + weights[1] * row[from[1]] + weights[2] * row[from[2]] + weights[3] * row[from[3]];
    }
    break;
  default:
    for (size_t i = 0; i < columns->out; ++i, from += taps, weights += taps) {
      float sum = 0.0F;
      for (size_t k = 0; k < taps; ++k) sum += weights[k] * row[from[k]];
      to[i] = sum;
    }
    break;
  }
}

/* Mixes elements that lie `inner` apart, inner of them at once. */
static void mix_columns(const work_t *work, const float *row, float *to) {
  const axis_t *columns = &work->state->columns;
  size_t inner = work->state->inner, taps = columns->taps;
  if (inner == 1) {
    mix_elements(columns, row, to);
    return;
  }
  for (size_t i = 0; i < columns->out; ++i) {
    const uint32_t *from = columns->from + i * taps;
    const float *weights = columns->weights + i * taps;
    work->f32->scale(inner, weights[0], row + from[0] * inner, to + i * inner, false);
    for (size_t k = 1; k < taps; ++k) work->f32->axpy(inner, weights[k], row + from[k] * inner, to + i * inner);
  }
}

/* Rows down, then along each: rows [begin, end) of all images' output. */
static void mix_rows_first(const work_t *work, size_t begin, size_t end, float *mixed) {
  const state_t *state = work->state;
  const axis_t *rows = &state->rows;
  size_t length = state->columns.in * state->inner, width = state->columns.out * state->inner;
  for (size_t i = begin; i < end; ++i) {
    const float *image = work->x + i / rows->out * rows->in * length;
    const float *weights = rows->weights + i % rows->out * rows->taps;
    const uint32_t *from = rows->from + i % rows->out * rows->taps;
    work->f32->scale(length, weights[0], image + from[0] * length, mixed, false);
    for (size_t k = 1; k < rows->taps; ++k) work->f32->axpy(length, weights[k], image + from[k] * length, mixed);
    mix_columns(work, mixed, work->y + i * width);
  }
}

/* Along each row, then down. The rows that one of the output is made of follow each other, so that each has a place of
 * its own among as many as there are taps. */
static void mix_columns_first(const work_t *work, size_t begin, size_t end, float *kept) {
  const state_t *state = work->state;
  const axis_t *rows = &state->rows;
  size_t length = state->columns.in * state->inner, width = state->columns.out * state->inner;
  size_t held[MAX_KEPT] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
  for (size_t i = begin; i < end; ++i) {
    const float *weights = rows->weights + i % rows->out * rows->taps;
    const uint32_t *from = rows->from + i % rows->out * rows->taps;
    for (size_t k = 0; k < rows->taps; ++k) {
      size_t source = i / rows->out * rows->in + from[k], place = source % rows->taps;
      float *row = kept + place * width;
      if (held[place] != source) mix_columns(work, work->x + source * length, row);
      held[place] = source;
      if (k == 0) work->f32->scale(width, weights[0], row, work->y + i * width, false);
      if (k > 0) work->f32->axpy(width, weights[k], row, work->y + i * width);
    }
  }
}

static void mix_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  float *scratch = work->scratch + (size_t)thread * work->state->scratch_floats;
  if (work->state->columns_first) {
    mix_columns_first(work, begin, end, scratch);
  } else {
    mix_rows_first(work, begin, end, scratch);
  }
}

/* Each element `repeat` times. */
static void repeat_elements(const uint32_t *from, size_t count, size_t repeat, uint32_t *to) {
  if (repeat == 2) {
    for (size_t i = 0; i < count; ++i) {
      to[2 * i] = from[i];
      to[2 * i + 1] = from[i];
    }
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < repeat; ++k) *to++ = from[i];
  }
}

static void pick_row(const state_t *state, const uint32_t *from, uint32_t *to) {
  const axis_t *columns = &state->columns;
  size_t inner = state->inner;
  if (columns->repeat == 1) {
    memcpy(to, from, columns->out * inner * sizeof *to);
  } else if (inner > 1) {
    for (size_t c = 0; c < columns->out; ++c)
      memcpy(to + c * inner, from + columns->from[c] * inner, inner * sizeof *to);
  } else if (columns->repeat > 1) {
    repeat_elements(from, columns->in, columns->repeat, to);
  } else {
    for (size_t c = 0; c < columns->out; ++c) to[c] = from[columns->from[c]];
  }
}

/* Nearest: bits are moved, whatever they mean. A row that is like the one before it is copied from there. */
static void pick_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  const axis_t *rows = &state->rows;
  size_t length = state->columns.in * state->inner, width = state->columns.out * state->inner, last = SIZE_MAX;
  (void)thread;
  for (size_t i = begin; i < end; ++i) {
    size_t source = i / rows->out * rows->in + rows->from[i % rows->out];
    uint32_t *to = (uint32_t *)(void *)work->y + i * width;
    if (source == last) {
      memcpy(to, to - width, width * sizeof *to);
    } else {
      pick_row(state, (const uint32_t *)(const void *)work->x + source * length, to);
    }
    last = source;
  }
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  work_t work = {state, &run_state->kernels->f32, run_state->slots[state->x], run_state->slots[state->y], NULL};
  bool mixes = state->scratch != OR_NO_SLOT;
  if (mixes) work.scratch = run_state->slots[state->scratch];
  size_t row = (state->columns.in * state->rows.taps + state->columns.out * state->columns.taps) * state->inner;
  return or_cpu_parallel_rows(run_state, state->outer * state->rows.out, row * sizeof(float),
                              mixes ? mix_body : pick_body, &work);
}
