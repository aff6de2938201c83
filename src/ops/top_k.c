#include "ops/top_k.h"

#include <math.h>

#include "ops/extents.h"
#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

static or_status_t top_k_infer(or_op_call_t *call);
static or_cost_t top_k_cost(const or_op_call_t *call);
static or_status_t top_k_reference(or_op_call_t *call);

const or_op_t or_op_top_k = {
    .domain = "",
    .name = "TopK",
    .summary = "the k largest or smallest elements along an axis, and their indices",
    .since = {1, 10, 11, 24},
    .changes = {{11, OR_OP_INTS, 0}, OR_OP_BFLOAT16_SINCE(24)},
    .input_min = 1,
    .input_max = 2,
    .output_min = 1,
    .output_max = 2,
    .dtypes = OR_OP_NUMERIC,
    .value_inputs = 1u << 1,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false},
                   {"k", OR_ATTRIBUTE_INT, false},
                   {"largest", OR_ATTRIBUTE_INT, false},
                   {"sorted", OR_ATTRIBUTE_INT, false}},
    .infer = top_k_infer,
    .cost = top_k_cost,
    .reference = top_k_reference,
};

static or_status_t read_k(const or_op_call_t *call, int64_t *k, bool *known) {
  or_status_t status = or_status_success();
  *known = true;
  *k = or_op_attribute_int(call, "k", -1);
  if (call->node->version >= 10) {
    status = or_refuse_attribute(call, "k", 10);
    if (or_ok(status) && !or_op_has_input(call, 1)) status = or_error(OR_INVALID_ARGUMENT, "input 1 (k) is missing");
    if (or_ok(status)) status = or_scalar_input(call, 1, "k", -1, k, known);
  } else if (or_op_has_input(call, 1)) {
    status = or_error(OR_INVALID_ARGUMENT, "input 1 (k) does not exist before version 10; it is an attribute");
  }
  if (or_ok(status) && *known && *k < 0) {
    status = or_error(OR_INVALID_ARGUMENT, "k is %lld, expected at least 0", (long long)*k);
  }
  return status;
}

static or_status_t top_k_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  int64_t k = 0;
  bool known = false;
  int32_t axis = 0;
  or_status_t status = read_k(call, &k, &known);
  if (or_ok(status) && in->rank >= 0)
    status = or_axis_normalize(or_op_attribute_int(call, "axis", -1), in->rank, &axis);
  if (or_ok(status) && in->rank >= 0 && known && in->dims[axis] >= 0 && k > in->dims[axis]) {
    status = or_error(OR_INVALID_ARGUMENT, "k is %lld; axis %d has %lld elements", (long long)k, axis,
                      (long long)in->dims[axis]);
  }
  if (!or_ok(status)) return status;
  for (uint32_t i = 0; i < call->output_count; ++i) {
    call->outputs[i].dtype = i == 0 ? call->inputs[0].dtype : OR_INT64;
    call->outputs[i].shape = *in;
    if (in->rank > 0) call->outputs[i].shape.dims[axis] = known ? k : OR_DIM_UNKNOWN;
  }
  return status;
}

/* A comparison with the worst of the kept for each element, and log k for some. */
static or_cost_t top_k_cost(const or_op_call_t *call) {
  or_cost_t cost = or_cost_per_output(call, 2);
  cost.flops += (double)or_shape_product(&call->inputs[0].shape, 0, call->inputs[0].shape.rank);
  return cost;
}

typedef union key_t {
  double real;
  int64_t integer;
  uint64_t natural;
} key_t;

typedef struct kept_t {
  key_t key;
  int64_t index;
} kept_t;

typedef struct selection_t {
  or_stop_t *stop;
  or_lane_kind_t kind;
  bool largest;
  kept_t *heap; /* the worst of the kept first */
  uint64_t count, capacity;
} selection_t;

static void offer(selection_t *selection, kept_t candidate);
static void sort(selection_t *selection);
static void select_line(const or_op_tensor_t *in, uint64_t first, uint64_t length, uint64_t step,
                        selection_t *selection);
static void store_line(const or_op_call_t *call, const selection_t *selection, uint64_t first, uint64_t step);

static or_status_t top_k_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0];
  int64_t k = 0;
  bool known = false;
  int32_t axis = 0;
  or_status_t status = read_k(call, &k, &known);
  if (or_ok(status)) status = or_axis_normalize(or_op_attribute_int(call, "axis", -1), in->shape.rank, &axis);
  selection_t selection = {.kind = or_lane_kind(in->dtype),
                           .largest = or_op_attribute_int(call, "largest", 1) != 0,
                           .capacity = (uint64_t)k};
  void *memory = NULL;
  if (or_ok(status)) status = or_alloc_array(call->allocator, (size_t)k, sizeof(kept_t), &memory);
  if (!or_ok(status) || k == 0) {
    or_free(call->allocator, memory);
    return status;
  }
  selection.heap = memory;
  selection.stop = call->stop;
  uint64_t outer = or_shape_product(&in->shape, 0, axis), length = (uint64_t)in->shape.dims[axis];
  uint64_t inner = or_shape_product(&in->shape, axis + 1, in->shape.rank);
  for (uint64_t i = 0; i < outer * inner && !or_stops(call->stop, 1); ++i) {
    select_line(in, i / inner * length * inner + i % inner, length, inner, &selection);
    sort(&selection);
    store_line(call, &selection, i / inner * (uint64_t)k * inner + i % inner, inner);
  }
  or_free(call->allocator, memory);
  return status;
}

static void select_line(const or_op_tensor_t *in, uint64_t first, uint64_t length, uint64_t step,
                        selection_t *selection) {
  or_lanes_t lanes;
  selection->count = 0;
  for (uint64_t done = 0; done < length && !or_stops(selection->stop, 4 * OR_LANES); done += OR_LANES) {
    size_t count = length - done < OR_LANES ? (size_t)(length - done) : OR_LANES;
    or_lanes_load(in->dtype, in->data, (int64_t)(first + done * step), (int64_t)step, count, &lanes);
    for (size_t i = 0; i < count; ++i)
      offer(selection, (kept_t){.key.natural = lanes.natural[i], .index = (int64_t)(done + i)});
  }
}

static void store_line(const or_op_call_t *call, const selection_t *selection, uint64_t first, uint64_t step) {
  or_lanes_t lane;
  for (uint64_t i = 0; i < selection->count && !or_stops(call->stop, 4); ++i) {
    lane.natural[0] = selection->heap[i].key.natural;
    const or_op_tensor_t *values = &call->outputs[0];
    if (values->data != NULL)
      or_lanes_store(values->dtype, values->data, (int64_t)(first + i * step), 1, selection->kind, &lane);
    if (call->output_count < 2 || call->outputs[1].data == NULL) continue;
    lane.integer[0] = selection->heap[i].index;
    or_lanes_store(OR_INT64, call->outputs[1].data, (int64_t)(first + i * step), 1, OR_LANE_INTEGER, &lane);
  }
}

/* Whether `a` comes before `b`: no two do both, for their indices differ. */
static bool precedes(const selection_t *selection, const kept_t *a, const kept_t *b) {
  int order = 0; /* > 0: a's key is the larger */
  switch (selection->kind) {
  case OR_LANE_REAL:
    order = isnan(a->key.real) || isnan(b->key.real) ? (isnan(a->key.real) != 0) - (isnan(b->key.real) != 0)
                                                     : (a->key.real > b->key.real) - (a->key.real < b->key.real);
    break;
  case OR_LANE_INTEGER: order = (a->key.integer > b->key.integer) - (a->key.integer < b->key.integer); break;
  case OR_LANE_NATURAL: order = (a->key.natural > b->key.natural) - (a->key.natural < b->key.natural); break;
  }
  if (order == 0) return a->index < b->index;
  return selection->largest ? order > 0 : order < 0;
}

/* Lets the element at the root sink to its place among the first `count`. */
static void sink(const selection_t *selection, uint64_t root, uint64_t count) {
  kept_t *heap = selection->heap, moving = heap[root];
  for (uint64_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && precedes(selection, &heap[child], &heap[child + 1])) ++child;
    if (precedes(selection, &heap[child], &moving)) break;
    heap[root] = heap[child];
  }
  heap[root] = moving;
}

static void offer(selection_t *selection, kept_t candidate) {
  kept_t *heap = selection->heap;
  if (selection->count == selection->capacity) {
    if (!precedes(selection, &candidate, &heap[0])) return;
    heap[0] = candidate;
    sink(selection, 0, selection->count);
    return;
  }
  uint64_t at = selection->count++;
  for (; at > 0 && precedes(selection, &heap[(at - 1) / 2], &candidate); at = (at - 1) / 2)
    heap[at] = heap[(at - 1) / 2];
  heap[at] = candidate;
}

static void sort(selection_t *selection) {
  for (uint64_t left = selection->count; left > 1 && !or_stops(selection->stop, 16); --left) {
    kept_t worst = selection->heap[0];
    selection->heap[0] = selection->heap[left - 1];
    selection->heap[left - 1] = worst;
    sink(selection, 0, left - 1);
  }
}
