#include "ops/unique.h"

#include <math.h>
#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t unique_infer(or_op_call_t *call);
static or_cost_t unique_cost(const or_op_call_t *call);
static or_status_t unique_reference(or_op_call_t *call);

const or_op_t or_op_unique = {
    .domain = "",
    .name = "Unique",
    .summary = "the different elements of a tensor, or its different slices",
    .since = {11, 28},
    .changes = {OR_OP_BFLOAT16_SINCE(28)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 4,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .value_inputs = 1u << 0,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}, {"sorted", OR_ATTRIBUTE_INT, false}},
    .infer = unique_infer,
    .cost = unique_cost,
    .reference = unique_reference,
};

/* X seen as [outer, count, inner]: `count` slices, of which the different ones are wanted. */
typedef struct slices_t {
  bool flat;
  int32_t axis;
  uint64_t outer, count, inner;
  uint64_t parts; /* numbers of an element: 2 of complex ones */
} slices_t;

/* Which slices are equal. Arrays have `count` entries; one entry of first, size and rank belongs to a group. */
typedef struct groups_t {
  const or_allocator_t *allocator;
  or_stop_t *stop;
  bool empty;            /* slices have no elements, so that all are equal: the first stands for them */
  uint64_t count, width; /* slices, and keys of each */
  uint64_t *keys;        /* numbers in the order of the values that they stand for; of text where it is */
  bool text;
  uint64_t *order; /* slices in ascending order, equal ones as they are met */
  uint64_t *group; /* of each slice */
  uint64_t *first, *size, *rank;
  uint64_t group_count;
} groups_t;

static or_status_t read_slices(const or_op_call_t *call, slices_t *out);
static or_status_t find_groups(const or_op_call_t *call, const slices_t *slices, groups_t *out);
static void groups_deinit(groups_t *groups);

static or_status_t unique_infer(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  bool flat = or_op_attribute(call, "axis") == NULL;
  int64_t sorted = or_op_attribute_int(call, "sorted", 1), unique = OR_DIM_UNKNOWN, all = OR_DIM_UNKNOWN;
  int32_t axis = 0;
  or_status_t status = or_status_success();
  if (sorted != 0 && sorted != 1)
    status = or_error(OR_INVALID_ARGUMENT, "attribute \"sorted\" is %lld; it must be 0 or 1", (long long)sorted);
  if (or_ok(status) && !flat && x->shape.rank >= 0)
    status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), x->shape.rank, &axis);
  if (or_ok(status) && flat && x->shape.rank >= 0) status = or_extent_product(x->shape.dims, x->shape.rank, &all);
  if (!or_ok(status)) return status;
  if (!flat && x->shape.rank >= 0) all = x->shape.dims[axis];
  if (x->data != NULL && or_shape_is_static(&x->shape)) {
    slices_t slices;
    groups_t groups;
    status = read_slices(call, &slices);
    if (or_ok(status)) status = find_groups(call, &slices, &groups);
    if (!or_ok(status)) return status;
    unique = (int64_t)groups.group_count;
    groups_deinit(&groups);
  }
  for (uint32_t i = 0; i < call->output_count; ++i) {
    call->outputs[i].dtype = i == 0 ? x->dtype : OR_INT64;
    call->outputs[i].shape = (or_shape_t){.rank = 1, .dims = {i == 2 ? all : unique}};
  }
  if (!flat) call->outputs[0].shape = x->shape;
  if (!flat && x->shape.rank > 0) call->outputs[0].shape.dims[axis] = unique;
  return status;
}

/* Comparisons of a sort. */
static or_cost_t unique_cost(const or_op_call_t *call) {
  double count = (double)or_shape_product(&call->inputs[0].shape, 0, call->inputs[0].shape.rank);
  or_cost_t cost = or_cost_per_output(call, 0);
  cost.flops = count * log2(count + 2);
  return cost;
}

static or_status_t read_slices(const or_op_call_t *call, slices_t *out) {
  const or_shape_t *shape = &call->inputs[0].shape;
  or_dtype_t dtype = call->inputs[0].dtype;
  *out = (slices_t){.flat = or_op_attribute(call, "axis") == NULL,
                    .outer = 1,
                    .inner = 1,
                    .parts = dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128 ? 2 : 1};
  out->count = or_shape_product(shape, 0, shape->rank);
  if (out->flat) return or_status_success();
  or_status_t status = or_axis_normalize(or_op_attribute_int(call, "axis", 0), shape->rank, &out->axis);
  if (!or_ok(status)) return status;
  out->count = (uint64_t)shape->dims[out->axis];
  out->outer = or_shape_product(shape, 0, out->axis);
  out->inner = or_shape_product(shape, out->axis + 1, shape->rank);
  return status;
}

/* ---- groups ---- */

static void load_keys(const or_op_tensor_t *x, const slices_t *slices, or_stop_t *stop, uint64_t *keys);
static uint64_t *sort(const groups_t *groups, uint64_t *from, uint64_t *to);
static int compare(const groups_t *groups, uint64_t a, uint64_t b);
static int compare_text(uint64_t a, uint64_t b);

static or_status_t find_groups(const or_op_call_t *call, const slices_t *slices, groups_t *out) {
  void *memory[6] = {NULL};
  size_t keys = 0;
  *out = (groups_t){.allocator = call->allocator,
                    .stop = call->stop,
                    .count = slices->count,
                    .width = slices->outer * slices->inner * slices->parts,
                    .text = call->inputs[0].dtype == OR_STRING};
  out->empty = out->width == 0 && out->count > 0;
  if (out->empty) out->count = 1;
  or_status_t status = or_status_success();
  if (!or_mul_size((size_t)out->count, (size_t)out->width, &keys))
    status = or_error(OR_RESOURCE_EXHAUSTED, "%llu slices to compare", (unsigned long long)out->count);
  for (int i = 0; or_ok(status) && i < 6; ++i)
    status = or_alloc_array(call->allocator, i == 0 ? keys : (size_t)out->count, sizeof(uint64_t), &memory[i]);
  out->keys = memory[0];
  out->order = memory[1];
  out->group = memory[2];
  out->first = memory[3];
  out->size = memory[4];
  out->rank = memory[5];
  if (!or_ok(status)) {
    groups_deinit(out);
    return status;
  }
  if (out->width > 0) load_keys(&call->inputs[0], slices, call->stop, out->keys);
  for (uint64_t i = 0; i < out->count; ++i) out->order[i] = i;
  uint64_t *sorted = sort(out, out->order, out->rank); /* either of the two */
  if (or_stops(call->stop, 0)) return status;          /* it is not all there */
  for (uint64_t i = 0; i < out->count; ++i) {
    bool opens = i == 0 || compare(out, sorted[i - 1], sorted[i]) != 0;
    if (opens) out->first[out->group_count++] = sorted[i];
    out->group[sorted[i]] = out->group_count - 1;
    ++out->size[out->group_count - 1];
  }
  if (out->empty) out->size[0] = slices->count;
  bool ascending = or_op_attribute_int(call, "sorted", 1) != 0;
  for (uint64_t i = 0, next = 0; i < out->count; ++i) {
    uint64_t group = out->group[i];
    if (out->first[group] == i) out->rank[group] = ascending ? group : next++;
  }
  return status;
}

static void groups_deinit(groups_t *groups) {
  uint64_t *const memory[6] = {groups->keys, groups->order, groups->group, groups->first, groups->size, groups->rank};
  for (int i = 0; i < 6; ++i) or_free(groups->allocator, memory[i]);
}

/* The bits of doubles and of signed integers, changed so that they are ordered as unsigned numbers. */
static uint64_t key_of(or_lane_kind_t kind, const or_lanes_t *lanes, size_t i) {
  const uint64_t top = UINT64_C(1) << 63;
  uint64_t bits = lanes->natural[i];
  if (kind == OR_LANE_INTEGER) return bits ^ top;
  if (kind == OR_LANE_NATURAL) return bits;
  if (isnan(lanes->real[i])) return UINT64_MAX;
  if (lanes->real[i] == 0) return top;
  return (bits & top) != 0 ? ~bits : bits | top;
}

static void load_run(or_stop_t *stop, or_dtype_t dtype, const void *data, uint64_t first, uint64_t length,
                     uint64_t *keys) {
  or_lanes_t lanes;
  if (dtype == OR_STRING) {
    for (uint64_t i = 0; i < length; ++i) keys[i] = (uintptr_t)((const or_string_t *)data + first + i);
    return;
  }
  or_lane_kind_t kind = or_lane_kind(dtype);
  for (uint64_t done = 0; done < length && !or_stops(stop, OR_LANES); done += OR_LANES) {
    size_t count = length - done < OR_LANES ? (size_t)(length - done) : OR_LANES;
    or_lanes_load(dtype, data, (int64_t)(first + done), 1, count, &lanes);
    for (size_t i = 0; i < count; ++i) keys[done + i] = key_of(kind, &lanes, i);
  }
}

static void load_keys(const or_op_tensor_t *x, const slices_t *slices, or_stop_t *stop, uint64_t *keys) {
  or_dtype_t dtype = x->dtype == OR_COMPLEX64 ? OR_FLOAT32 : x->dtype == OR_COMPLEX128 ? OR_FLOAT64 : x->dtype;
  uint64_t run = slices->inner * slices->parts;
  if (slices->outer == 1) {
    load_run(stop, dtype, x->data, 0, slices->count * run, keys);
    return;
  }
  for (uint64_t i = 0; i < slices->outer * slices->count && !or_stops(stop, 1); ++i) {
    uint64_t outer = i / slices->count, slice = i % slices->count;
    load_run(stop, dtype, x->data, i * run, run, keys + (slice * slices->outer + outer) * run);
  }
}

static int compare(const groups_t *groups, uint64_t a, uint64_t b) {
  const uint64_t *left = groups->keys + a * groups->width, *right = groups->keys + b * groups->width;
  int order = 0;
  for (uint64_t i = 0; order == 0 && i < groups->width; ++i) {
    if (left[i] != right[i]) order = groups->text ? compare_text(left[i], right[i]) : left[i] < right[i] ? -1 : 1;
  }
  return order;
}

/* By bytes, which of UTF-8 is by code points. */
static int compare_text(uint64_t a, uint64_t b) {
  const or_string_t *left = (const void *)(uintptr_t)a, *right = (const void *)(uintptr_t)b;
  size_t common = left->length < right->length ? left->length : right->length;
  int order = common > 0 ? memcmp(left->data, right->data, common) : 0;
  return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

/* Merges runs of twice the length until there is one; equal slices stay in their order. Gives the one of the two arrays
 * that it ends in. */
static uint64_t *sort(const groups_t *groups, uint64_t *from, uint64_t *to) {
  for (uint64_t run = 1; run < groups->count; run *= 2) {
    for (uint64_t begin = 0; begin < groups->count; begin += 2 * run) {
      uint64_t middle = begin + run < groups->count ? begin + run : groups->count;
      uint64_t end = middle + run < groups->count ? middle + run : groups->count;
      uint64_t left = begin, right = middle;
      for (uint64_t i = begin; i < end; ++i) {
        if (or_stops(groups->stop, 1 + groups->width / 8)) return from;
        bool take_left = right == end || (left < middle && compare(groups, from[left], from[right]) <= 0);
        to[i] = take_left ? from[left++] : from[right++];
      }
    }
    uint64_t *merged = to;
    to = from;
    from = merged;
  }
  return from;
}

/* ---- the reference ---- */

static void store(const or_op_call_t *call, uint32_t output, uint64_t at, uint64_t value) {
  if (!or_op_has_output(call, output) || call->outputs[output].data == NULL) return;
  ((int64_t *)call->outputs[output].data)[at] = (int64_t)value;
}

static or_status_t unique_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  slices_t slices;
  groups_t groups;
  or_status_t status = read_slices(call, &slices);
  if (or_ok(status)) status = find_groups(call, &slices, &groups);
  if (or_ok(status) && or_stops(call->stop, 0)) groups_deinit(&groups);
  if (!or_ok(status) || or_stops(call->stop, 0)) return status;
  uint64_t unique = (uint64_t)y->shape.dims[slices.axis];
  if (groups.group_count != unique)
    status = or_error(OR_INVALID_ARGUMENT, "%llu different slices where the shape says %llu",
                      (unsigned long long)groups.group_count, (unsigned long long)unique);
  size_t run = (size_t)slices.inner * or_dtype_bits(x->dtype) / 8;
  for (uint64_t g = 0; or_ok(status) && g < unique && !or_stops(call->stop, 8); ++g) {
    uint64_t to = groups.rank[g], from = groups.first[g];
    store(call, 1, to, from);
    store(call, 3, to, groups.size[g]);
    for (uint64_t o = 0; y->data != NULL && run > 0 && o < slices.outer; ++o)
      memcpy((char *)y->data + (o * unique + to) * run, (const char *)x->data + (o * slices.count + from) * run, run);
  }
  const uint64_t listed = or_op_has_output(call, 2) ? slices.count : 0;
  for (uint64_t i = 0; or_ok(status) && i < listed; ++i)
    store(call, 2, i, groups.rank[groups.group[groups.empty ? 0 : i]]);
  groups_deinit(&groups);
  return status;
}
