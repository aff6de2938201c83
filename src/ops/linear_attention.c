#include "ops/linear_attention.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t linear_attention_infer(or_op_call_t *call);
static or_cost_t linear_attention_cost(const or_op_call_t *call);
static or_status_t linear_attention_reference(or_op_call_t *call);

const or_op_t or_op_linear_attention = {
    .domain = "",
    .name = "LinearAttention",
    .summary = "attention by a state that keys and values are added to, position by position",
    .since = {27},
    .input_min = 3,
    .input_max = 6,
    .output_min = 1,
    .output_max = 2,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"chunk_size", OR_ATTRIBUTE_INT, false},
                   {"kv_num_heads", OR_ATTRIBUTE_INT, true},
                   {"q_num_heads", OR_ATTRIBUTE_INT, true},
                   {"scale", OR_ATTRIBUTE_FLOAT, false},
                   {"update_rule", OR_ATTRIBUTE_STRING, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = linear_attention_infer,
    .cost = linear_attention_cost,
    .reference = linear_attention_reference,
};

enum { QUERY, KEY, VALUE, PAST, DECAY, BETA };
static const char *const input_names[] = {"query", "key", "value", "past_state", "decay", "beta"};

/* Extents may be symbolic; what is not known is OR_DIM_UNKNOWN. */
typedef struct extents_t {
  bool gated, delta;
  int64_t batch, length, q_heads, kv_heads, head, value_head;
} extents_t;

static or_status_t read_attributes(const or_op_call_t *call, extents_t *e);
static or_status_t read_rows(const or_op_call_t *call, uint32_t index, extents_t *e);
static or_status_t read_past(const or_op_call_t *call, extents_t *e);
static or_status_t check_gate(const or_op_call_t *call, uint32_t index, bool needed, extents_t *e);

static or_status_t read_extents(const or_op_call_t *call, extents_t *e) {
  *e = (extents_t){
      .batch = OR_DIM_UNKNOWN, .length = OR_DIM_UNKNOWN, .head = OR_DIM_UNKNOWN, .value_head = OR_DIM_UNKNOWN};
  or_status_t status = read_attributes(call, e);
  for (uint32_t i = 0; or_ok(status) && i <= VALUE; ++i) status = read_rows(call, i, e);
  if (or_ok(status)) status = read_past(call, e);
  if (or_ok(status)) status = check_gate(call, DECAY, e->gated, e);
  if (or_ok(status)) status = check_gate(call, BETA, e->delta, e);
  return status;
}

static or_status_t linear_attention_infer(or_op_call_t *call) {
  extents_t e;
  int64_t hidden = OR_DIM_UNKNOWN;
  or_status_t status = read_extents(call, &e);
  if (or_ok(status)) status = or_extent_product((int64_t[]){e.q_heads, e.value_head}, 2, &hidden);
  if (!or_ok(status)) return status;
  bool past = or_op_has_input(call, PAST);
  const or_shape_t shapes[] = {
      {.rank = 3, .dims = {e.batch, e.length, hidden}},
      {.rank = 4, .dims = {e.batch, e.kv_heads, e.head, e.value_head}},
  };
  for (uint32_t i = 0; or_ok(status) && i < call->output_count; ++i) {
    call->outputs[i].dtype = call->inputs[i == 1 && past ? PAST : QUERY].dtype;
    call->outputs[i].shape = shapes[i];
    status = or_shape_check_count(&shapes[i]);
  }
  return status;
}

static or_status_t read_attributes(const or_op_call_t *call, extents_t *e) {
  static const struct {
    const char *name;
    bool gated, delta;
  } rules[] = {{"linear", false, false}, {"gated", true, false}, {"delta", false, true}, {"gated_delta", true, true}};
  const size_t count = sizeof rules / sizeof *rules;
  size_t rule = 0;
  while (rule < count && !or_op_attribute_is(call, "update_rule", rules[rule].name, "gated_delta")) ++rule;
  if (rule == count) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"update_rule\" is none of linear, gated, delta and gated_delta");
  }
  e->gated = rules[rule].gated;
  e->delta = rules[rule].delta;
  e->q_heads = or_op_attribute_int(call, "q_num_heads", 0);
  e->kv_heads = or_op_attribute_int(call, "kv_num_heads", 0);
  if (e->q_heads > 0 && e->kv_heads > 0 && e->q_heads % e->kv_heads == 0) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "%lld heads of queries are no positive multiple of %lld of keys",
                  (long long)e->q_heads, (long long)e->kv_heads);
}

/* Extent `axis` of input `index` is *extent, which becomes known by it. */
static or_status_t same(const or_op_call_t *call, uint32_t index, int32_t axis, int64_t *extent) {
  return or_infer_same_extent(input_names[index], call->inputs[index].shape.dims[axis], *extent, extent);
}

/* Batch and positions of an input of three dimensions; *last is its last extent, OR_DIM_UNKNOWN if nothing is known. */
static or_status_t read_positions(const or_op_call_t *call, uint32_t index, extents_t *e, int64_t *last) {
  *last = OR_DIM_UNKNOWN;
  or_status_t status = or_infer_check_dtype(call, index);
  if (or_ok(status)) status = or_infer_check_rank(call, index, 3);
  if (!or_ok(status) || call->inputs[index].shape.rank < 0) return status;
  status = same(call, index, 0, &e->batch);
  if (or_ok(status)) status = same(call, index, 1, &e->length);
  *last = call->inputs[index].shape.dims[2];
  return status;
}

/* query, key or value. */
static or_status_t read_rows(const or_op_call_t *call, uint32_t index, extents_t *e) {
  int64_t heads = index == QUERY ? e->q_heads : e->kv_heads, hidden = 0;
  int64_t *width = index == VALUE ? &e->value_head : &e->head;
  or_status_t status = read_positions(call, index, e, &hidden);
  if (!or_ok(status) || hidden < 0) return status;
  if (hidden % heads != 0) {
    return or_error(OR_INVALID_ARGUMENT, "%s: %lld elements are not %lld heads", input_names[index], (long long)hidden,
                    (long long)heads);
  }
  return or_infer_same_extent(index == VALUE ? "head size of values" : "head size of queries and keys", hidden / heads,
                              *width, width);
}

static or_status_t read_past(const or_op_call_t *call, extents_t *e) {
  if (!or_op_has_input(call, PAST)) return or_status_success();
  const or_op_tensor_t *past = &call->inputs[PAST];
  if (!or_dtype_is_one_of(past->dtype, OR_OP_FLOATS)) {
    return or_error(OR_INVALID_ARGUMENT, "past_state is %s, expected a float type", or_dtype_name(past->dtype));
  }
  or_status_t status = or_infer_check_rank(call, PAST, 4);
  if (!or_ok(status) || past->shape.rank < 0) return status;
  status = same(call, PAST, 0, &e->batch);
  if (or_ok(status)) status = same(call, PAST, 1, &e->kv_heads);
  if (or_ok(status)) status = same(call, PAST, 2, &e->head);
  if (or_ok(status)) status = same(call, PAST, 3, &e->value_head);
  return status;
}

/* decay or beta. */
static or_status_t check_gate(const or_op_call_t *call, uint32_t index, bool needed, extents_t *e) {
  int64_t last = 0, heads = e->kv_heads;
  if (or_op_has_input(call, index) != needed) {
    return or_error(OR_INVALID_ARGUMENT, "%s is %s, but the update rule %s it", input_names[index],
                    needed ? "missing" : "given", needed ? "needs" : "does not use");
  }
  if (!needed) return or_status_success();
  or_status_t status = read_positions(call, index, e, &last);
  if (!or_ok(status) || last < 0 || last == heads) return status;
  if (index == BETA) {
    if (last == 1) return status;
    return or_error(OR_INVALID_ARGUMENT, "beta: the last extent is %lld, expected 1 or %lld", (long long)last,
                    (long long)heads);
  }
  if (last % heads == 0 && (e->head < 0 || last / heads == e->head)) return status;
  return or_error(OR_INVALID_ARGUMENT, "decay: the last extent is %lld, expected one or a head size for each of %lld",
                  (long long)last, (long long)heads);
}

static or_cost_t linear_attention_cost(const or_op_call_t *call) {
  extents_t e;
  or_status_ignore(read_extents(call, &e)); /* infer has let it pass */
  double group = (double)(e.q_heads / e.kv_heads), update = 2 + (e.gated ? 1 : 0) + (e.delta ? 2 : 0);
  return or_cost_per_output(call, (double)e.head * (2 + update / group));
}

typedef struct reference_t {
  const or_op_call_t *call;
  extents_t e;
  double scale;
  double *state;               /* of one head, [head, value_head] */
  double *query, *key, *decay; /* [head] */
  double *value, *read;        /* [value_head] */
} reference_t;

static or_status_t take_memory(reference_t *r, void **memory) {
  size_t head = (size_t)r->e.head, value_head = (size_t)r->e.value_head, row = 0, count = 0, twice = 0;
  bool fits = or_add_size(value_head, 3, &row) && or_mul_size(head, row, &count) &&
              or_mul_size(value_head, 2, &twice) && or_add_size(count, twice, &count);
  if (!fits) return or_error(OR_RESOURCE_EXHAUSTED, "a state of %zu by %zu overflows size_t", head, value_head);
  or_status_t status = or_alloc_array(r->call->allocator, count, sizeof(double), memory);
  if (!or_ok(status)) return status;
  r->state = *memory;
  r->query = r->state + head * value_head;
  r->key = r->query + head;
  r->decay = r->key + head;
  r->value = r->decay + head;
  r->read = r->value + value_head;
  return status;
}

/* `count` neighbours of input `index`, the `at`-th such group. */
static void load(const reference_t *r, uint32_t index, uint64_t at, size_t count, double *out) {
  const or_op_tensor_t *tensor = &r->call->inputs[index];
  or_elements_load(tensor->dtype, tensor->data, at * count, count, out);
}

/* out = S^T row. */
static void multiply(const reference_t *r, const double *row, double *out) {
  size_t head = (size_t)r->e.head, value_head = (size_t)r->e.value_head;
  for (size_t j = 0; j < value_head; ++j) out[j] = 0;
  for (size_t i = 0; i < head; ++i) {
    for (size_t j = 0; j < value_head; ++j) out[j] += row[i] * r->state[i * value_head + j];
  }
}

/* Head `h` at position `at`, which counts through the batches. */
static void forget(const reference_t *r, uint64_t at, uint64_t h) {
  size_t head = (size_t)r->e.head, value_head = (size_t)r->e.value_head;
  uint64_t row = at * (uint64_t)r->e.kv_heads + h;
  bool shared = r->call->inputs[DECAY].shape.dims[2] == r->e.kv_heads;
  if (head == 0) return;
  load(r, DECAY, row, shared ? 1 : head, r->decay);
  for (size_t i = 0; i < head; ++i) {
    double keep = exp(r->decay[shared ? 0 : i]);
    for (size_t j = 0; j < value_head; ++j) r->state[i * value_head + j] *= keep;
  }
}

/* r->value = b (v - S^T k). */
static void correct(const reference_t *r, uint64_t at, uint64_t h) {
  uint64_t betas = (uint64_t)r->call->inputs[BETA].shape.dims[2];
  double beta = 0;
  load(r, BETA, at * betas + (betas == 1 ? 0 : h), 1, &beta);
  multiply(r, r->key, r->read);
  for (int64_t j = 0; j < r->e.value_head; ++j) r->value[j] = beta * (r->value[j] - r->read[j]);
}

/* Whether output `index` is to be written. Where none is, nothing bounds how many heads and positions there are. */
static bool has_elements(const or_op_call_t *call, uint32_t index) {
  if (!or_op_has_output(call, index) || call->outputs[index].data == NULL) return false;
  return or_shape_product(&call->outputs[index].shape, 0, call->outputs[index].shape.rank) > 0;
}

static void one_position(const reference_t *r, uint64_t at, uint64_t h) {
  const or_op_tensor_t *y = &r->call->outputs[0];
  size_t head = (size_t)r->e.head, value_head = (size_t)r->e.value_head;
  uint64_t kv_heads = (uint64_t)r->e.kv_heads, group = (uint64_t)r->e.q_heads / kv_heads;
  load(r, KEY, at * kv_heads + h, head, r->key);
  load(r, VALUE, at * kv_heads + h, value_head, r->value);
  if (r->e.gated) forget(r, at, h);
  if (r->e.delta) correct(r, at, h);
  for (size_t i = 0; i < head; ++i) {
    for (size_t j = 0; j < value_head; ++j) r->state[i * value_head + j] += r->key[i] * r->value[j];
  }
  for (uint64_t g = 0; has_elements(r->call, 0) && g < group; ++g) {
    uint64_t row = (at * kv_heads + h) * group + g;
    load(r, QUERY, row, head, r->query);
    multiply(r, r->query, r->read);
    for (size_t j = 0; j < value_head; ++j) r->read[j] *= r->scale;
    or_elements_store(y->dtype, y->data, row * value_head, value_head, r->read);
  }
}

static or_status_t linear_attention_reference(or_op_call_t *call) {
  reference_t r = {.call = call, .scale = (double)or_op_attribute_float(call, "scale", 0)};
  void *memory = NULL;
  or_status_t status = read_extents(call, &r.e);
  if (or_ok(status) && !has_elements(call, 0) && !has_elements(call, 1)) return status;
  if (or_ok(status)) status = take_memory(&r, &memory);
  if (!or_ok(status)) return status;
  if (r.scale == 0) r.scale = r.e.head > 0 ? 1 / sqrt((double)r.e.head) : 1;
  size_t count = (size_t)(r.e.head * r.e.value_head);
  uint64_t kv_heads = (uint64_t)r.e.kv_heads, length = (uint64_t)r.e.length, states = (uint64_t)r.e.batch * kv_heads;
  for (uint64_t i = 0; i < states && !or_stops(call->stop, count); ++i) {
    for (size_t j = 0; j < count; ++j) r.state[j] = 0;
    if (or_op_has_input(call, PAST)) load(&r, PAST, i, count, r.state);
    for (uint64_t t = 0; t < length && !or_stops(call->stop, 4 * (1 + count)); ++t)
      one_position(&r, i / kv_heads * length + t, i % kv_heads);
    if (!has_elements(call, 1)) continue;
    or_elements_store(call->outputs[1].dtype, call->outputs[1].data, i * count, count, r.state);
  }
  or_free(call->allocator, memory);
  return status;
}
