/* GatherElements: each element of a row of indices picks one along an axis of the data. */
#include <stdatomic.h>
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "ops/shape.h"

/* Rows are the last dimension of the indices; the others are walked. Strides are of the data, in elements. */
typedef struct state_t {
  or_slot_id_t x, indices, y;
  size_t rows, columns, bytes; /* bytes: of an element */
  int walked;
  size_t extent[OR_MAX_RANK], stride[OR_MAX_RANK]; /* of what is walked; stride 0 along the axis */
  size_t axis_stride, column_stride;               /* column_stride: 0 where the last dimension is the axis */
  int64_t axis_extent;
  int32_t axis;
  bool wide; /* indices are int64 */
} state_t;

typedef struct work_t {
  const state_t *state;
  const char *x, *indices;
  char *y;
  atomic_bool outside; /* some index is */
} work_t;

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0' || strcmp(view->call.op->name, "GatherElements") != 0)
    return false;
  const or_op_tensor_t *x = or_view_input(view, 0);
  size_t bits = or_dtype_bits(x->dtype);
  return x->dtype != OR_STRING && (bits == 8 || bits == 16 || bits == 32 || bits == 64) && x->shape.rank >= 1 &&
         or_shape_is_static(&x->shape) && or_shape_is_static(&or_view_output(view, 0)->shape);
}

static int64_t index_at(const state_t *state, const char *indices, size_t i) {
  int64_t index =
      state->wide ? ((const int64_t *)(const void *)indices)[i] : ((const int32_t *)(const void *)indices)[i];
  return index < 0 ? index + state->axis_extent : index;
}

static void copy_element(size_t bytes, char *to, const char *from) {
  switch (bytes) {
  case 1: *to = *from; break;
  case 2: memcpy(to, from, 2); break;
  case 4: memcpy(to, from, 4); break;
  default: memcpy(to, from, 8); break;
  }
}

static void gather_rows(void *self, size_t begin, size_t end, int thread) {
  work_t *work = self;
  const state_t *state = work->state;
  (void)thread;
  for (size_t row = begin; row < end; ++row) {
    size_t rest = row, base = 0, at = row * state->columns;
    for (int d = state->walked; d-- > 0;) {
      base += rest % state->extent[d] * state->stride[d];
      rest /= state->extent[d];
    }
    for (size_t c = 0; c < state->columns; ++c) {
      int64_t index = index_at(state, work->indices, at + c);
      if (index < 0 || index >= state->axis_extent) {
        atomic_store_explicit(&work->outside, true, memory_order_relaxed);
        continue;
      }
      size_t from = base + (size_t)index * state->axis_stride + c * state->column_stride;
      copy_element(state->bytes, work->y + (at + c) * state->bytes, work->x + from * state->bytes);
    }
  }
}

static or_status_t say_which(const state_t *state, const char *indices) {
  size_t i = 0;
  int64_t index = 0;
  for (; i < state->rows * state->columns; ++i) {
    index = index_at(state, indices, i);
    if (index < 0 || index >= state->axis_extent) break;
  }
  return or_error(OR_INVALID_ARGUMENT, "index %lld at %zu is outside axis %d of extent %lld",
                  (long long)(index < 0 ? index - state->axis_extent : index), i, (int)state->axis,
                  (long long)state->axis_extent);
}

static or_status_t run_gather_elements(const or_cpu_step_t *step, const or_cpu_run_t *run) {
  const state_t *state = step->state;
  work_t work = {
      .state = state, .x = run->slots[state->x], .indices = run->slots[state->indices], .y = run->slots[state->y]};
  if (state->rows * state->columns == 0) return or_status_success();
  atomic_init(&work.outside, false);
  size_t row_bytes = state->columns * (2 * state->bytes + (state->wide ? sizeof(int64_t) : sizeof(int32_t)));
  or_status_t status = or_cpu_parallel_rows(run, state->rows, row_bytes, gather_rows, &work);
  const bool outside = atomic_load_explicit(&work.outside, memory_order_relaxed);
  return or_ok(status) && outside ? say_which(state, work.indices) : status;
}

static void measure(const or_op_tensor_t *x, const or_op_tensor_t *indices, int32_t axis, state_t *state) {
  size_t stride = 1;
  const int32_t last = x->shape.rank - 1;
  state->rows = 1;
  state->walked = last;
  for (int32_t d = last; d >= 0; --d) {
    size_t own = d == axis ? 0 : stride;
    if (d == axis) state->axis_stride = stride;
    if (d == last) {
      state->columns = (size_t)indices->shape.dims[d];
      state->column_stride = own;
    } else {
      state->extent[d] = (size_t)indices->shape.dims[d];
      state->stride[d] = own;
      state->rows *= state->extent[d];
    }
    stride *= (size_t)x->shape.dims[d];
  }
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  const or_node_t *node = view->core;
  const or_op_tensor_t *x = or_view_input(view, 0), *indices = or_view_input(view, 1);
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(&view->call, "axis", 0), x->shape.rank, &axis);
  if (or_ok(status)) status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  state->axis = axis;
  state->axis_extent = x->shape.dims[axis];
  state->bytes = or_dtype_bytes(x->dtype, 1);
  state->wide = indices->dtype == OR_INT64;
  measure(x, indices, axis, state);
  status = or_cpu_build_read(build, node->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_read(build, node->inputs[1], &state->indices);
  if (or_ok(status)) status = or_cpu_build_write(build, node->outputs[0], &state->y);
  if (or_ok(status)) status = or_cpu_build_step(build, run_gather_elements, state);
  or_cpu_build_name(build, "gather elements");
  return status;
}

const or_cpu_family_t or_cpu_family_gather_elements = {.name = "gather elements", .match = match, .prepare = prepare};
