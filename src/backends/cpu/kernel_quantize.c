/* QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear between float32 and int8 or uint8 by the vector kernels:
 * with one scale, one an index of an axis, or blocks along the last axis. */
#include <math.h>

#include "backends/cpu/bytes_internal.h"
#include "backends/cpu/families_internal.h"
#include "ops/granularity.h"
#include "ops/quantize_linear.h"

/* Elements whose least and largest one thread looks for at a time. */
#define RANGE_ELEMENTS ((size_t)1 << 15)

typedef enum form_t {
  FORM_TENSOR, /* one scale */
  FORM_RUNS,   /* `units` runs of neighbours, each with a scale */
  FORM_LINES,  /* `units` lines of neighbours, each element of a line with a scale */
} form_t;

typedef struct state_t {
  or_slot_id_t x, scale, zero, y; /* zero: OR_NO_SLOT where there is none */
  or_granularity_t granularity;
  form_t form;
  bool quantize, is_signed; /* the narrow side is int8 */
  size_t units, blocks;     /* blocks: of a line, in runs along the last axis; 0: runs of `inner` elements */
} state_t;

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  bool quantize = or_view_is(view, &or_op_quantize_linear);
  if (view->fused || (!quantize && !or_view_is(view, &or_op_dequantize_linear))) return false;
  const or_op_tensor_t *x = or_view_input(view, 0), *scale = or_view_input(view, 1), *y = or_view_output(view, 0);
  const or_op_tensor_t *narrow = quantize ? y : x, *wide = quantize ? x : y;
  if (!or_cpu_is_byte(narrow->dtype) || wide->dtype != OR_FLOAT32 || scale->dtype != OR_FLOAT32) return false;
  if (!or_shape_is_static(&x->shape) || !or_shape_is_static(&scale->shape)) return false;
  int64_t precision = or_op_attribute_int(&view->call, "precision", OR_FLOAT32);
  if (precision != OR_FLOAT32 && precision != OR_DTYPE_NONE) return false;
  or_granularity_t granularity;
  or_status_t status = or_granularity_make(&view->call, &granularity);
  bool fits = or_ok(status) && (!granularity.blocked || granularity.inner == 1);
  or_status_ignore(status); /* shape inference has told it already */
  return fits;
}

typedef struct work_t {
  const state_t *state;
  const or_cpu_kernels_t *kernels;
  const char *x;
  const float *scales;
  const void *zeros;
  char *y;
} work_t;

static int32_t zero_of(const work_t *work, size_t index) {
  return or_cpu_byte_at(work->zeros, work->state->is_signed, index);
}

/* Elements first .. first + count - 1, all of one scale. */
static void convert(const work_t *work, size_t first, size_t count, size_t scale) {
  const or_cpu_convert_t *by = &work->kernels->convert;
  float factor = work->scales[scale];
  int32_t zero = zero_of(work, scale);
  const float *wide_x = (const float *)(const void *)work->x + first;
  float *wide_y = (float *)(void *)work->y + first;
  if (work->state->quantize && work->state->is_signed) {
    by->quantize_s8(count, wide_x, factor, zero, (int8_t *)work->y + first);
  } else if (work->state->quantize) {
    by->quantize_u8(count, wide_x, factor, zero, (uint8_t *)work->y + first);
  } else if (work->state->is_signed) {
    by->dequantize_s8(count, (const int8_t *)work->x + first, factor, zero, wide_y);
  } else {
    by->dequantize_u8(count, (const uint8_t *)work->x + first, factor, zero, wide_y);
  }
}

static void tensor_body(void *self, size_t begin, size_t end, int thread) {
  (void)thread;
  convert(self, begin, end - begin, 0);
}

static void runs_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const or_granularity_t *granularity = &work->state->granularity;
  size_t blocks = work->state->blocks, axis = (size_t)granularity->axis;
  (void)thread;
  for (size_t u = begin; u < end; ++u) {
    if (blocks == 0) {
      convert(work, u * (size_t)granularity->inner, (size_t)granularity->inner, u % axis);
      continue;
    }
    size_t first = u % blocks * (size_t)granularity->block; /* within its line */
    convert(work, u / blocks * axis + first, or_cpu_min((size_t)granularity->block, axis - first), u);
  }
}

/* The same arithmetic as the vector kernels', element by element. */
static float quantized(float x, float scale, int32_t zero, float low, float high) {
  float value = rintf(x / scale) + (float)zero;
  return value >= high ? high : value > low ? value : low; /* NaN: low */
}

static void lines_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  size_t axis = (size_t)state->granularity.axis;
  const float *wide_x = (const float *)(const void *)work->x;
  float *wide_y = (float *)(void *)work->y;
  (void)thread;
  for (size_t u = begin; u < end; ++u) {
    for (size_t a = 0, i = u * axis; a < axis; ++a, ++i) {
      int32_t zero = zero_of(work, a);
      float scale = work->scales[a];
      if (state->quantize && state->is_signed) {
        ((int8_t *)work->y)[i] = (int8_t)quantized(wide_x[i], scale, zero, -128, 127);
      } else if (state->quantize) {
        ((uint8_t *)work->y)[i] = (uint8_t)quantized(wide_x[i], scale, zero, 0, 255);
      } else {
        int32_t value = state->is_signed ? ((const int8_t *)work->x)[i] : ((const uint8_t *)work->x)[i];
        wide_y[i] = (float)(value - zero) * scale;
      }
    }
  }
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  static const or_parallel_body_t bodies[] = {tensor_body, runs_body, lines_body};
  const state_t *state = step->state;
  work_t work = {.state = state,
                 .kernels = run_state->kernels,
                 .x = run_state->slots[state->x],
                 .scales = run_state->slots[state->scale],
                 .zeros = state->zero != OR_NO_SLOT ? run_state->slots[state->zero] : NULL,
                 .y = run_state->slots[state->y]};
  if (state->units == 0) return or_status_success();
  size_t each = (size_t)state->granularity.count / state->units;
  return or_cpu_parallel_elements(run_state, state->units, each * 5, bodies[state->form], &work);
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  or_granularity_t *granularity = &state->granularity;
  status = or_granularity_make(&view->call, granularity);
  if (!or_ok(status)) return status;
  state->zero = OR_NO_SLOT;
  state->quantize = or_view_is(view, &or_op_quantize_linear);
  state->is_signed = (state->quantize ? or_view_output(view, 0) : or_view_input(view, 0))->dtype == OR_INT8;
  size_t count = (size_t)granularity->count, axis = (size_t)granularity->axis, inner = (size_t)granularity->inner;
  state->units = count;
  if (granularity->blocked && count > 0) {
    state->form = FORM_RUNS;
    state->blocks = (axis - 1) / (size_t)granularity->block + 1;
    state->units = count / axis * state->blocks;
  } else if (granularity->scale_count > 1 && count > 0) {
    state->form = inner > 1 ? FORM_RUNS : FORM_LINES;
    state->units = inner > 1 ? count / inner : count / axis;
  }
  status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_read(build, view->core->inputs[1], &state->scale);
  if (or_ok(status) && or_view_has_input(view, 2))
    status = or_cpu_build_read(build, view->core->inputs[2], &state->zero);
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->y);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  const char *kind = state->quantize ? "quantize" : "dequantize";
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s %s", build->device->kernels->name, kind);
  return status;
}

const or_cpu_family_t or_cpu_family_quantize = {.name = "quantize", .match = match, .prepare = prepare};

/* ---- DynamicQuantizeLinear ---- */

typedef struct dynamic_t {
  or_slot_id_t x, ranges, outputs[3]; /* OR_NO_SLOT: nobody wants it */
  size_t count, pieces;
} dynamic_t;

static bool dynamic_match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  return !view->fused && or_view_is(view, &or_op_dynamic_quantize_linear) &&
         or_shape_is_static(&or_view_input(view, 0)->shape);
}

typedef struct dynamic_work_t {
  const dynamic_t *state;
  const or_cpu_kernels_t *kernels;
  const float *x;
  float (*ranges)[2]; /* of each piece */
  float scale;
  int32_t zero;
  uint8_t *y;
} dynamic_work_t;

static void ranges_body(void *self, size_t begin, size_t end, int thread) {
  const dynamic_work_t *work = self;
  (void)thread;
  for (size_t p = begin; p < end; ++p) {
    const float *x = work->x + p * RANGE_ELEMENTS;
    size_t count = or_cpu_min(RANGE_ELEMENTS, work->state->count - p * RANGE_ELEMENTS);
    float low = work->kernels->f32.min(count, x), high = work->kernels->f32.max(count, x);
    if (isnan(low) || isnan(high)) { /* apart from NaN, then */
      low = high = 0;
      for (size_t i = 0; i < count; ++i) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
      }
    }
    work->ranges[p][0] = low;
    work->ranges[p][1] = high;
  }
}

static void dynamic_body(void *self, size_t begin, size_t end, int thread) {
  const dynamic_work_t *work = self;
  (void)thread;
  work->kernels->convert.quantize_u8(end - begin, work->x + begin, work->scale, work->zero, work->y + begin);
}

static void *slot_of(const or_cpu_run_t *run_state, or_slot_id_t slot) {
  return slot == OR_NO_SLOT ? NULL : run_state->slots[slot];
}

static or_status_t dynamic_run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const dynamic_t *state = step->state;
  dynamic_work_t work = {.state = state,
                         .kernels = run_state->kernels,
                         .x = run_state->slots[state->x],
                         .ranges = run_state->slots[state->ranges]};
  or_status_t status =
      or_cpu_parallel_elements(run_state, state->pieces, RANGE_ELEMENTS * sizeof(float), ranges_body, &work);
  if (!or_ok(status)) return status;
  float low = 0, high = 0;
  for (size_t p = 0; p < state->pieces; ++p) {
    low = work.ranges[p][0] < low ? work.ranges[p][0] : low;
    high = work.ranges[p][1] > high ? work.ranges[p][1] : high;
  }
  work.scale = (high - low) / 255;
  work.zero = (int32_t)quantized(0 - low / work.scale, 1, 0, 0, 255);
  float *scale = slot_of(run_state, state->outputs[1]);
  uint8_t *zero = slot_of(run_state, state->outputs[2]);
  work.y = slot_of(run_state, state->outputs[0]);
  if (scale != NULL) *scale = work.scale;
  if (zero != NULL) *zero = (uint8_t)work.zero;
  return work.y != NULL ? or_cpu_parallel_elements(run_state, state->count, 5, dynamic_body, &work) : status;
}

static or_status_t dynamic_prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(dynamic_t), &memory);
  if (!or_ok(status)) return status;
  dynamic_t *state = memory;
  state->count = or_view_count(&or_view_input(view, 0)->shape);
  state->pieces = state->count / RANGE_ELEMENTS + (state->count % RANGE_ELEMENTS != 0);
  status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status)) {
    size_t bytes = or_cpu_max(state->pieces, 1) * sizeof(float[2]);
    status = or_cpu_build_scratch(build, bytes, &state->ranges);
  }
  for (uint32_t i = 0; or_ok(status) && i < 3; ++i) {
    state->outputs[i] = OR_NO_SLOT;
    if (i < view->core->output_count && view->core->outputs[i] != OR_NO_VALUE)
      status = or_cpu_build_write(build, view->core->outputs[i], &state->outputs[i]);
  }
  if (or_ok(status)) status = or_cpu_build_step(build, dynamic_run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s quantize", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_dynamic_quantize = {
    .name = "dynamic quantize", .match = dynamic_match, .prepare = dynamic_prepare};
