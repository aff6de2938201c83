#include "ops/attention.h"

#include <math.h>
#include <string.h>

#include "ops/attention_internal.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t attention_infer(or_op_call_t *call);
static or_cost_t attention_cost(const or_op_call_t *call);

#define ATTENTION_ATTRIBUTES                                                                           \
  {"is_causal", OR_ATTRIBUTE_INT, false}, {"kv_num_heads", OR_ATTRIBUTE_INT, false},                   \
      {"q_num_heads", OR_ATTRIBUTE_INT, false}, {"qk_matmul_output_mode", OR_ATTRIBUTE_INT, false},    \
      {"scale", OR_ATTRIBUTE_FLOAT, false}, {"softcap", OR_ATTRIBUTE_FLOAT, false},                    \
      {"softmax_precision", OR_ATTRIBUTE_INT, false}, {"left_window_size", OR_ATTRIBUTE_INT, false}, { \
    "right_window_size", OR_ATTRIBUTE_INT, false                                                       \
  }

const or_op_t or_op_attention = {
    .domain = "",
    .name = "Attention",
    .summary = "softmax of scaled products of queries and keys, times values, head by head",
    .since = {23, 24, 25},
    .input_min = 3,
    .input_max = 7,
    .output_min = 1,
    .output_max = 4,
    .dtypes = OR_OP_FLOATS,
    .attributes = {ATTENTION_ATTRIBUTES},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = attention_infer,
    .cost = attention_cost,
    .reference = or_attention_reference,
};

const or_op_t or_op_cached_attention = {
    .domain = "openruntime",
    .name = "CachedAttention",
    .summary = "Attention that appends keys and values to the caches of a state; not in files",
    .since = {1},
    .input_min = 3,
    .input_max = 7,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .internal = true,
    .attributes = {ATTENTION_ATTRIBUTES},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = attention_infer,
    .cost = attention_cost,
    .reference = or_attention_reference,
};

/* Extents that may be symbolic; what is not known is OR_DIM_UNKNOWN. */
typedef struct extents_t {
  int64_t batch, q_heads, kv_heads, q_length, new_length, past_length, head, value_head;
} extents_t;

static bool is_cached(const or_op_call_t *call) { return call->op == &or_op_cached_attention; }

static or_status_t check_attributes(const or_op_call_t *call);
static or_status_t read_extents(const or_op_call_t *call, extents_t *out);
static or_status_t read_past(const or_op_call_t *call, extents_t *extents);
static or_status_t check_mask(const or_op_call_t *call, const extents_t *extents);
static or_status_t check_lengths(const or_op_call_t *call, const extents_t *extents);

static int64_t total_of(const or_op_call_t *call, const extents_t *extents) {
  if (!or_op_has_input(call, OR_ATTENTION_PAST_KEY)) return extents->new_length;
  if (is_cached(call)) return extents->past_length;
  if (extents->past_length < 0 || extents->new_length < 0) return OR_DIM_UNKNOWN;
  return extents->past_length + extents->new_length; /* both are extents of tensors that exist */
}

static or_shape_t shape_of(int64_t a, int64_t b, int64_t c, int64_t d) {
  return or_shape_make(4, (int64_t[]){a, b, c, d});
}

static int64_t product_of(int64_t a, int64_t b) {
  int64_t product = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) return OR_DIM_UNKNOWN;
  return product;
}

static or_status_t attention_infer(or_op_call_t *call) {
  extents_t e;
  or_status_t status = check_attributes(call);
  if (or_ok(status)) status = or_infer_check_dtype(call, OR_ATTENTION_K);
  if (or_ok(status)) status = read_extents(call, &e);
  if (or_ok(status)) status = read_past(call, &e);
  if (or_ok(status)) status = check_mask(call, &e);
  if (or_ok(status)) status = check_lengths(call, &e);
  if (!or_ok(status)) return status;

  int64_t total = total_of(call, &e);
  call->outputs[0].dtype = call->inputs[0].dtype;
  if (call->inputs[0].shape.rank == 3) {
    call->outputs[0].shape = or_shape_make(3, (int64_t[]){e.batch, e.q_length, product_of(e.q_heads, e.value_head)});
  } else if (call->inputs[0].shape.rank == 4) {
    call->outputs[0].shape = shape_of(e.batch, e.q_heads, e.q_length, e.value_head);
  }
  if (or_op_has_output(call, 1)) {
    call->outputs[1] = (or_op_tensor_t){.dtype = call->inputs[OR_ATTENTION_K].dtype,
                                        .shape = shape_of(e.batch, e.kv_heads, total, e.head)};
  }
  if (or_op_has_output(call, 2)) {
    call->outputs[2] = (or_op_tensor_t){.dtype = call->inputs[OR_ATTENTION_V].dtype,
                                        .shape = shape_of(e.batch, e.kv_heads, total, e.value_head)};
  }
  if (or_op_has_output(call, 3)) {
    call->outputs[3] =
        (or_op_tensor_t){.dtype = call->inputs[0].dtype, .shape = shape_of(e.batch, e.q_heads, e.q_length, total)};
  }
  return status;
}

static or_status_t check_attributes(const or_op_call_t *call) {
  static const char *const windows[] = {"left_window_size", "right_window_size"};
  for (size_t i = 0; i < 2; ++i) {
    if (or_op_attribute(call, windows[i]) == NULL) continue;
    if (!is_cached(call) && call->node->version < 25) {
      return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" came with version 25", windows[i]);
    }
    if (or_op_attribute_int(call, windows[i], -1) < -1) {
      return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" is %lld, expected -1 or more", windows[i],
                      (long long)or_op_attribute_int(call, windows[i], -1));
    }
  }
  int64_t mode = or_op_attribute_int(call, "qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"qk_matmul_output_mode\" is %lld, expected 0 to 3",
                    (long long)mode);
  }
  int64_t precision = or_op_attribute_int(call, "softmax_precision", OR_FLOAT32);
  if (precision != OR_FLOAT32 && precision != OR_FLOAT16 && precision != OR_FLOAT64 && precision != OR_BFLOAT16) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"softmax_precision\" is %lld, expected a float type",
                    (long long)precision);
  }
  if (!(or_op_attribute_float(call, "softcap", 0) >= 0)) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"softcap\" is negative");
  }
  return or_status_success();
}

/* One of Q, K, V: its heads, rows and row elements. */
static or_status_t read_operand(const or_op_call_t *call, uint32_t input, const char *attribute, int64_t part[4]) {
  const or_shape_t *shape = &call->inputs[input].shape;
  for (int i = 0; i < 4; ++i) part[i] = shape->rank == 4 ? shape->dims[i] : OR_DIM_UNKNOWN;
  if (shape->rank != 3) return or_status_success();
  int64_t heads = or_op_attribute_int(call, attribute, 0), hidden = shape->dims[2];
  if (heads <= 0) {
    return or_error(OR_INVALID_ARGUMENT, "input %u has three dimensions, and attribute \"%s\" is %lld", input,
                    attribute, (long long)heads);
  }
  if (hidden >= 0 && hidden % heads != 0) {
    return or_error(OR_INVALID_ARGUMENT, "input %u: %lld elements are not %lld heads", input, (long long)hidden,
                    (long long)heads);
  }
  part[0] = shape->dims[0];
  part[1] = heads;
  part[2] = shape->dims[1];
  part[3] = hidden >= 0 ? hidden / heads : OR_DIM_UNKNOWN;
  return or_status_success();
}

static or_status_t read_extents(const or_op_call_t *call, extents_t *out) {
  int64_t q[4] = {0}, k[4] = {0}, v[4] = {0};
  int32_t rank = call->inputs[0].shape.rank;
  for (uint32_t i = 0; i < 3; ++i) {
    int32_t own = call->inputs[i].shape.rank;
    if (own == OR_RANK_UNKNOWN || ((own == 3 || own == 4) && (rank == own || rank == OR_RANK_UNKNOWN))) continue;
    return or_error(OR_INVALID_ARGUMENT, "input %u has rank %d, expected %s", i, (int)own,
                    i == 0 ? "3 or 4" : "that of input 0");
  }
  if (rank == 4 && call->node->version >= 25 &&
      (or_op_attribute(call, "q_num_heads") != NULL || or_op_attribute(call, "kv_num_heads") != NULL)) {
    return or_error(OR_INVALID_ARGUMENT, "\"q_num_heads\" and \"kv_num_heads\" are for inputs of three dimensions");
  }
  or_status_t status = read_operand(call, OR_ATTENTION_Q, "q_num_heads", q);
  if (or_ok(status)) status = read_operand(call, OR_ATTENTION_K, "kv_num_heads", k);
  if (or_ok(status)) status = read_operand(call, OR_ATTENTION_V, "kv_num_heads", v);
  *out = (extents_t){.q_heads = q[1], .q_length = q[2], .value_head = v[3], .past_length = 0};
  if (or_ok(status)) status = or_infer_same_extent("batch of queries and keys", q[0], k[0], &out->batch);
  if (or_ok(status)) status = or_infer_same_extent("batch of keys and values", out->batch, v[0], &out->batch);
  if (or_ok(status)) status = or_infer_same_extent("heads of keys and values", k[1], v[1], &out->kv_heads);
  if (or_ok(status)) status = or_infer_same_extent("rows of keys and values", k[2], v[2], &out->new_length);
  if (or_ok(status)) status = or_infer_same_extent("head size of queries and keys", q[3], k[3], &out->head);
  bool divides = out->q_heads < 0 || out->kv_heads < 0 || (out->kv_heads > 0 && out->q_heads % out->kv_heads == 0) ||
                 out->q_heads == 0;
  if (or_ok(status) && !divides) {
    status = or_error(OR_INVALID_ARGUMENT, "%lld heads of queries are no multiple of %lld of keys",
                      (long long)out->q_heads, (long long)out->kv_heads);
  }
  return status;
}

static or_status_t read_past(const or_op_call_t *call, extents_t *e) {
  static const uint32_t inputs[] = {OR_ATTENTION_PAST_KEY, OR_ATTENTION_PAST_VALUE};
  bool has_key = or_op_has_input(call, inputs[0]), has_value = or_op_has_input(call, inputs[1]);
  if (has_key != has_value || (is_cached(call) && !has_key)) {
    return or_error(OR_INVALID_ARGUMENT,
                    is_cached(call) ? "both caches are needed" : "past_key and past_value come together");
  }
  if (has_key) e->past_length = OR_DIM_UNKNOWN;
  for (size_t i = 0; has_key && i < 2; ++i) {
    const or_op_tensor_t *past = &call->inputs[inputs[i]];
    if (past->dtype != call->inputs[i + 1].dtype) {
      return or_error(OR_INVALID_ARGUMENT, "input %u is %s, expected %s as input %zu", inputs[i],
                      or_dtype_name(past->dtype), or_dtype_name(call->inputs[i + 1].dtype), i + 1);
    }
    or_status_t status = or_infer_check_rank(call, inputs[i], 4);
    if (!or_ok(status) || past->shape.rank < 0) return status;
    const int64_t *dims = past->shape.dims;
    status = or_infer_same_extent("batch of the past", e->batch, dims[0], &e->batch);
    if (or_ok(status)) status = or_infer_same_extent("heads of the past", e->kv_heads, dims[1], &e->kv_heads);
    if (or_ok(status)) status = or_infer_same_extent("rows of the past", e->past_length, dims[2], &e->past_length);
    int64_t *width = i == 0 ? &e->head : &e->value_head;
    if (or_ok(status)) status = or_infer_same_extent("head size of the past", *width, dims[3], width);
    if (!or_ok(status)) return status;
  }
  if (is_cached(call) && e->past_length >= 0 && e->new_length > e->past_length) {
    return or_error(OR_INVALID_ARGUMENT, "%lld rows do not fit in a cache of %lld", (long long)e->new_length,
                    (long long)e->past_length);
  }
  return or_status_success();
}

static or_status_t check_mask(const or_op_call_t *call, const extents_t *e) {
  if (!or_op_has_input(call, OR_ATTENTION_MASK)) return or_status_success();
  const or_op_tensor_t *mask = &call->inputs[OR_ATTENTION_MASK];
  if ((unsigned)mask->dtype >= OR_DTYPE_COUNT ||
      (OR_DTYPE_BIT(mask->dtype) & (OR_OP_NUMERIC | OR_DTYPE_BIT(OR_BOOL))) == 0) {
    return or_error(OR_INVALID_ARGUMENT, "attn_mask is %s, expected bool or numbers", or_dtype_name(mask->dtype));
  }
  if (mask->shape.rank < 0) return or_status_success();
  const or_shape_t scores = shape_of(e->batch, e->q_heads, e->q_length, total_of(call, e));
  or_shape_t given = mask->shape;
  int64_t total = scores.dims[3];
  bool shorter = !is_cached(call) && given.rank > 0 && total >= 0 && given.dims[given.rank - 1] >= 0 &&
                 given.dims[given.rank - 1] < total;
  if (shorter) given.dims[given.rank - 1] = total;
  bool fits = given.rank <= 4;
  for (int32_t d = 0; fits && d < given.rank; ++d) {
    int64_t extent = given.dims[d], wanted = scores.dims[d + 4 - given.rank];
    fits = extent == 1 || extent < 0 || wanted < 0 || extent == wanted;
  }
  if (fits) return or_status_success();
  char text[200], wanted[200];
  return or_error(OR_INVALID_ARGUMENT, "attn_mask has shape %s, which does not broadcast to %s",
                  or_shape_format(&mask->shape, text, sizeof text), or_shape_format(&scores, wanted, sizeof wanted));
}

static or_status_t check_lengths(const or_op_call_t *call, const extents_t *e) {
  bool given = or_op_has_input(call, OR_ATTENTION_LENGTH);
  if (!given && is_cached(call)) return or_error(OR_INVALID_ARGUMENT, "the past length is left out");
  if (!given) return or_status_success();
  const or_op_tensor_t *lengths = &call->inputs[OR_ATTENTION_LENGTH];
  if (!is_cached(call) && call->node->version < 24) {
    return or_error(OR_INVALID_ARGUMENT, "nonpad_kv_seqlen came with version 24");
  }
  if (!is_cached(call) && or_op_has_input(call, OR_ATTENTION_PAST_KEY)) {
    return or_error(OR_INVALID_ARGUMENT, "nonpad_kv_seqlen and past_key exclude each other");
  }
  if (lengths->dtype != OR_INT64) {
    return or_error(OR_INVALID_ARGUMENT, "input 6 is %s, expected int64", or_dtype_name(lengths->dtype));
  }
  or_status_t status = or_infer_check_rank(call, OR_ATTENTION_LENGTH, 1);
  if (!or_ok(status) || lengths->shape.rank < 0) return status;
  int64_t wanted = is_cached(call) ? 1 : e->batch, same = 0;
  return or_infer_same_extent("lengths and batch", lengths->shape.dims[0], wanted, &same);
}

/* Two products; of the softmax: the difference, the exponential (counted as 16), the sum and the quotient. */
static or_cost_t attention_cost(const or_op_call_t *call) {
  or_attention_t a;
  or_attention_read(call, &a);
  or_cost_t cost = or_cost_per_output(call, 0);
  double total = (double)a.past_length + (a.cached ? 0 : (double)a.new_length);
  double pairs = (double)a.batch * (double)a.q_heads * (double)a.q_length * total;
  if (a.causal && !a.cached) { /* half of the square behind the past is left out */
    pairs -= (double)a.batch * (double)a.q_heads * (double)a.q_length * fmin((double)a.q_length, total) / 2;
  }
  cost.flops = pairs * (2.0 * (double)a.head + 2.0 * (double)a.value_head + 20.0);
  return cost;
}

static or_attention_rows_t rows_of(int32_t rank, int64_t heads, int64_t length, int64_t width) {
  if (rank == 3) return (or_attention_rows_t){length * heads * width, width, heads * width};
  return (or_attention_rows_t){heads * length * width, length * width, width};
}

static void read_mask(const or_op_call_t *call, or_attention_t *out) {
  const or_shape_t *mask = &call->inputs[OR_ATTENTION_MASK].shape;
  int64_t *strides[] = {&out->mask_batch, &out->mask_head, &out->mask_row, &out->mask_column}, step = 1;
  int64_t total = out->past_length + (out->cached ? 0 : out->new_length);
  for (int32_t d = mask->rank; d-- > 0;) {
    *strides[d + 4 - mask->rank] = mask->dims[d] == 1 ? 0 : step;
    step *= mask->dims[d];
  }
  bool padded = call->node->version >= 24 && mask->rank > 0 && mask->dims[mask->rank - 1] < total && !out->cached;
  out->mask_length = out->mask_column == 0 && !padded ? INT64_MAX : mask->dims[mask->rank - 1];
}

void or_attention_read(const or_op_call_t *call, or_attention_t *out) {
  extents_t e = {0};
  or_status_t status = read_extents(call, &e);
  if (or_ok(status)) status = read_past(call, &e);
  or_status_ignore(status); /* infer has let it pass */
  int32_t rank = call->inputs[0].shape.rank;
  *out = (or_attention_t){
      .cached = is_cached(call),
      .batch = e.batch,
      .q_heads = e.q_heads,
      .kv_heads = e.kv_heads,
      .q_length = e.q_length,
      .new_length = e.new_length,
      .past_length = e.past_length,
      .head = e.head,
      .value_head = e.value_head,
      .q = rows_of(rank, e.q_heads, e.q_length, e.head),
      .k = rows_of(rank, e.kv_heads, e.new_length, e.head),
      .v = rows_of(rank, e.kv_heads, e.new_length, e.value_head),
      .y = rows_of(rank, e.q_heads, e.q_length, e.value_head),
      .past_key = rows_of(4, e.kv_heads, e.past_length, e.head),
      .past_value = rows_of(4, e.kv_heads, e.past_length, e.value_head),
      .mask_length = INT64_MAX,
      .scale = (double)or_op_attribute_float(call, "scale", 0),
      .softcap = (double)or_op_attribute_float(call, "softcap", 0),
      .causal = or_op_attribute_int(call, "is_causal", 0) != 0,
      .left_window = or_op_attribute_int(call, "left_window_size", -1),
      .right_window = or_op_attribute_int(call, "right_window_size", -1),
      .output_mode = or_op_attribute_int(call, "qk_matmul_output_mode", 0),
  };
  if (or_op_attribute(call, "scale") == NULL) out->scale = e.head > 0 ? 1 / sqrt((double)e.head) : 1;
  if (or_op_has_input(call, OR_ATTENTION_MASK)) read_mask(call, out);
}

void or_attention_range(const or_attention_t *attention, int64_t row, int64_t offset, int64_t total, int64_t *begin,
                        int64_t *end) {
  int64_t position = row + offset, right = attention->causal ? 0 : -1;
  if (attention->right_window >= 0 && !attention->causal) right = attention->right_window;
  *begin = 0;
  *end = total;
  if (right >= 0 && position < total && position + 1 <= total - right) *end = position + 1 + right;
  if (attention->left_window >= 0 && position > attention->left_window) *begin = position - attention->left_window;
  if (*end < 0) *end = 0;
  if (*begin > *end) *begin = *end;
}
