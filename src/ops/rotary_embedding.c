#include "ops/rotary_embedding.h"

#include "ops/elements.h"
#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t rotary_infer(or_op_call_t *call);
static or_cost_t rotary_cost(const or_op_call_t *call);
static or_status_t rotary_reference(or_op_call_t *call);

const or_op_t or_op_rotary_embedding = {
    .domain = "",
    .name = "RotaryEmbedding",
    .summary = "pairs of elements turned by an angle of their token's position",
    .since = {23},
    .input_min = 3,
    .input_max = 4,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"interleaved", OR_ATTRIBUTE_INT, false},
                   {"num_heads", OR_ATTRIBUTE_INT, false},
                   {"rotary_embedding_dim", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 1e-5, .abs = 1e-6},
    .infer = rotary_infer,
    .cost = rotary_cost,
    .reference = rotary_reference,
};

/* Extents of X; unknown ones stay so. Element (b, h, s, i) lies at ((b * heads + h) * steps + s) * size + i, or with
 * three dimensions at ((b * steps + s) * heads + h) * size + i. */
typedef struct heads_t {
  bool flat;
  int64_t batch, heads, steps, size, rotated;
} heads_t;

static or_status_t read_heads(const or_op_call_t *call, heads_t *out) {
  const or_shape_t *x = &call->inputs[0].shape;
  int64_t heads = or_op_attribute_int(call, "num_heads", 0);
  if (x->rank != 3 && x->rank != 4)
    return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected [B,heads,S,D] or [B,S,heads D]", (int)x->rank);
  *out = (heads_t){.flat = x->rank == 3, .batch = x->dims[0]};
  if (out->flat) {
    int64_t width = x->dims[2];
    if (heads < 1 || (width >= 0 && width % heads != 0)) {
      return or_error(OR_INVALID_ARGUMENT, "attribute \"num_heads\" is %lld; input 0 has %lld elements a token",
                      (long long)heads, (long long)width);
    }
    out->heads = heads;
    out->steps = x->dims[1];
    out->size = width < 0 ? OR_DIM_UNKNOWN : width / heads;
  } else {
    out->heads = x->dims[1];
    out->steps = x->dims[2];
    out->size = x->dims[3];
  }
  int64_t rotated = or_op_attribute_int(call, "rotary_embedding_dim", 0);
  out->rotated = rotated != 0 ? rotated : out->size;
  if (rotated < 0 || (out->size >= 0 && out->rotated > out->size) || (out->rotated >= 0 && out->rotated % 2 != 0)) {
    return or_error(OR_INVALID_ARGUMENT, "%lld elements of each head of %lld are to be turned in pairs",
                    (long long)out->rotated, (long long)out->size);
  }
  return or_status_success();
}

static or_status_t check_cache(const or_op_call_t *call, uint32_t index, const heads_t *heads) {
  const or_shape_t *cache = &call->inputs[index].shape;
  bool by_position = or_op_has_input(call, 3);
  or_status_t status = or_infer_check_dtype(call, index);
  if (or_ok(status)) status = or_infer_check_rank(call, index, by_position ? 2 : 3);
  if (!or_ok(status) || cache->rank < 0) return status;
  int64_t extent = 0, half = heads->rotated < 0 ? OR_DIM_UNKNOWN : heads->rotated / 2;
  status = or_infer_same_extent("angles of a token", half, cache->dims[cache->rank - 1], &extent);
  if (or_ok(status) && !by_position) status = or_infer_same_extent("batch", heads->batch, cache->dims[0], &extent);
  if (or_ok(status) && !by_position) status = or_infer_same_extent("tokens", heads->steps, cache->dims[1], &extent);
  return status;
}

static or_status_t rotary_infer(or_op_call_t *call) {
  heads_t heads = {.size = OR_DIM_UNKNOWN};
  or_status_t status = or_status_success();
  if (call->inputs[0].shape.rank >= 0) {
    status = read_heads(call, &heads);
    for (uint32_t i = 1; or_ok(status) && i < 3; ++i) status = check_cache(call, i, &heads);
  }
  if (or_ok(status) && or_op_has_input(call, 3)) {
    const or_shape_t *positions = &call->inputs[3].shape;
    int64_t extent = 0;
    status = or_indices_check(call, 3, "position_ids", true);
    if (or_ok(status)) status = or_infer_check_rank(call, 3, 2);
    if (or_ok(status) && positions->rank == 2 && call->inputs[0].shape.rank >= 0) {
      status = or_infer_same_extent("batch of position_ids", heads.batch, positions->dims[0], &extent);
      if (or_ok(status)) status = or_infer_same_extent("position_ids", heads.steps, positions->dims[1], &extent);
    }
  }
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static or_cost_t rotary_cost(const or_op_call_t *call) { return or_cost_per_output(call, 3); }

/* One token of one head, in pieces of pairs. */
static void turn(const or_op_call_t *call, const heads_t *heads, uint64_t first, uint64_t angles);

static or_status_t rotary_reference(or_op_call_t *call) {
  heads_t heads;
  or_status_t status = read_heads(call, &heads);
  if (!or_ok(status)) return status;
  bool by_position = or_op_has_input(call, 3);
  uint64_t half = (uint64_t)heads.rotated / 2;
  for (int64_t token = 0; token < heads.batch * heads.steps && !or_stops(call->stop, 1); ++token) {
    int64_t b = token / heads.steps, s = token % heads.steps, row = token;
    if (by_position) status = or_index_read(&call->inputs[3], (uint64_t)token, call->inputs[1].shape.dims[0], &row);
    if (!or_ok(status)) return status;
    for (int64_t h = 0; h < heads.heads && !or_stops(call->stop, (uint64_t)heads.size); ++h) {
      int64_t at = heads.flat ? token * heads.heads + h : (b * heads.heads + h) * heads.steps + s;
      turn(call, &heads, (uint64_t)(at * heads.size), (uint64_t)row * half);
    }
  }
  return status;
}

static void load(const or_op_tensor_t *tensor, uint64_t first, int64_t step, size_t count, or_lanes_t *out) {
  or_lanes_load(tensor->dtype, tensor->data, (int64_t)first, step, count, out);
}

static void turn(const or_op_call_t *call, const heads_t *heads, uint64_t first, uint64_t angles) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  bool interleaved = or_op_attribute_int(call, "interleaved", 0) != 0;
  uint64_t half = (uint64_t)heads->rotated / 2;
  double values[OR_LANES];
  or_lanes_t a, b, cosine, sine;
  for (uint64_t done = 0; done < half; done += OR_LANES / 2) {
    size_t count = half - done < OR_LANES / 2 ? (size_t)(half - done) : OR_LANES / 2;
    uint64_t from = first + (interleaved ? 2 * done : done);
    load(x, from, interleaved ? 2 : 1, count, &a);
    load(x, interleaved ? from + 1 : from + half, interleaved ? 2 : 1, count, &b);
    load(&call->inputs[1], angles + done, 1, count, &cosine);
    load(&call->inputs[2], angles + done, 1, count, &sine);
    for (size_t i = 0; i < count; ++i) {
      values[interleaved ? 2 * i : i] = a.real[i] * cosine.real[i] - b.real[i] * sine.real[i];
      values[interleaved ? 2 * i + 1 : count + i] = b.real[i] * cosine.real[i] + a.real[i] * sine.real[i];
    }
    or_elements_store(y->dtype, y->data, from, interleaved ? 2 * count : count, values);
    if (!interleaved) or_elements_store(y->dtype, y->data, from + half, count, values + count);
  }
  for (uint64_t done = 2 * half; done < (uint64_t)heads->size; done += OR_LANES) {
    size_t count = (uint64_t)heads->size - done < OR_LANES ? (size_t)((uint64_t)heads->size - done) : OR_LANES;
    or_elements_load(x->dtype, x->data, first + done, count, values);
    or_elements_store(y->dtype, y->data, first + done, count, values);
  }
}
