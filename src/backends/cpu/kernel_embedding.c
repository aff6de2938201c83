/* EmbeddingSum: the rows of all tables are read once and their sum is written once. float32. */
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "ops/embedding_sum.h"
#include "ops/shape.h"

/* A table and its indices. */
typedef struct lookup_t {
  or_slot_id_t table, indices;
  size_t rows, count;
  bool wide;        /* indices are int64 */
  const char *name; /* of the indices */
  size_t stride[OR_MAX_RANK];
} lookup_t;

typedef struct state_t {
  lookup_t lookups[OR_EMBEDDING_MAX_TABLES];
  uint32_t lookup_count;
  int32_t rank; /* of the result without its last dimension */
  size_t extent[OR_MAX_RANK];
  size_t places, hidden;
  or_slot_id_t y;
} state_t;

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  return !view->fused && strcmp(view->call.op->name, "EmbeddingSum") == 0 &&
         or_view_input(view, 0)->dtype == OR_FLOAT32;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  const or_node_t *node = view->core;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  or_shape_t places = or_view_output(view, 0)->shape;
  state->hidden = (size_t)places.dims[--places.rank];
  state->places = (size_t)or_shape_product(&places, 0, places.rank);
  state->rank = places.rank;
  for (int32_t d = 0; d < places.rank; ++d) state->extent[d] = (size_t)places.dims[d];
  state->lookup_count = view->call.input_count / 2;
  for (uint32_t i = 0; or_ok(status) && i < state->lookup_count; ++i) {
    const or_op_tensor_t *table = or_view_input(view, 2 * i), *indices = or_view_input(view, 2 * i + 1);
    lookup_t *lookup = &state->lookups[i];
    int64_t strides[OR_MAX_RANK];
    or_shape_broadcast_strides(&indices->shape, &places, strides);
    for (int32_t d = 0; d < places.rank; ++d) lookup->stride[d] = (size_t)strides[d];
    lookup->rows = (size_t)table->shape.dims[0];
    lookup->count = or_view_count(&indices->shape);
    lookup->wide = indices->dtype == OR_INT64;
    status = or_cpu_build_source(build, node->inputs[2 * i + 1], &lookup->name);
    if (or_ok(status)) status = or_cpu_build_read(build, node->inputs[2 * i], &lookup->table);
    if (or_ok(status)) status = or_cpu_build_read(build, node->inputs[2 * i + 1], &lookup->indices);
  }
  if (or_ok(status)) status = or_cpu_build_write(build, node->outputs[0], &state->y);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s embedding", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_embedding = {.name = "embedding", .match = match, .prepare = prepare};

static int64_t index_at(const lookup_t *lookup, const void *indices, size_t i) {
  return lookup->wide ? ((const int64_t *)indices)[i] : ((const int32_t *)indices)[i];
}

typedef struct work_t {
  const state_t *state;
  const or_cpu_run_t *run;
  float *y;
} work_t;

static const float *row_of(const work_t *work, const lookup_t *lookup, size_t place) {
  const state_t *state = work->state;
  size_t at = 0;
  for (int32_t d = state->rank; d-- > 0;) {
    at += place % state->extent[d] * lookup->stride[d];
    place /= state->extent[d];
  }
  int64_t index = index_at(lookup, work->run->slots[lookup->indices], at);
  if (index < 0) index += (int64_t)lookup->rows;
  return (const float *)work->run->slots[lookup->table] + (size_t)index * state->hidden;
}

static void body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  (void)thread;
  for (size_t place = begin; place < end; ++place) {
    float *y = work->y + place * state->hidden;
    const float *sum = row_of(work, &state->lookups[0], place);
    for (uint32_t i = 1; i < state->lookup_count; ++i) {
      const float *row = row_of(work, &state->lookups[i], place);
      work->run->kernels->f32.binary[OR_CPU_BINARY_ADD][OR_CPU_VECTOR_VECTOR](state->hidden, sum, row, y, false);
      sum = y;
    }
  }
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  for (uint32_t i = 0; i < state->lookup_count; ++i) {
    const lookup_t *lookup = &state->lookups[i];
    for (size_t k = 0; k < lookup->count; ++k) {
      int64_t index = index_at(lookup, run_state->slots[lookup->indices], k);
      if (index >= -(int64_t)lookup->rows && index < (int64_t)lookup->rows) continue;
      return or_error(OR_INVALID_ARGUMENT, "\"%s\": index %lld at %zu is outside a table of %zu rows", lookup->name,
                      (long long)index, k, lookup->rows);
    }
  }
  work_t work = {state, run_state, run_state->slots[state->y]};
  size_t row_bytes = (state->lookup_count + 1) * state->hidden * sizeof(float);
  if (state->hidden == 0) return or_status_success();
  return or_cpu_parallel_rows(run_state, state->places, row_bytes, body, &work);
}
