#include "ops/recurrent.h"

#include <math.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t recurrent_infer(or_op_call_t *call);
static or_cost_t recurrent_cost(const or_op_call_t *call);

#define ATTRIBUTES                                                                                   \
  {"activation_alpha", OR_ATTRIBUTE_FLOATS, false}, {"activation_beta", OR_ATTRIBUTE_FLOATS, false}, \
      {"activations", OR_ATTRIBUTE_STRINGS, false}, {"clip", OR_ATTRIBUTE_FLOAT, false},             \
      {"direction", OR_ATTRIBUTE_STRING, false}, {"hidden_size", OR_ATTRIBUTE_INT, false},           \
      {"layout", OR_ATTRIBUTE_INT, false}, {                                                         \
    "output_sequence", OR_ATTRIBUTE_INT, false                                                       \
  }

const or_op_t or_op_rnn = {
    .domain = "",
    .name = "RNN",
    .summary = "a recurrent layer: each step's output goes into the next",
    .since = {1, 7, 14, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 3,
    .input_max = 6,
    .output_min = 0,
    .output_max = 2,
    .dtypes = OR_OP_FLOATS,
    .attributes = {ATTRIBUTES},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = recurrent_infer,
    .cost = recurrent_cost,
    .reference = or_recurrent_reference,
};

const or_op_t or_op_gru = {
    .domain = "",
    .name = "GRU",
    .summary = "a recurrent layer with gates for update and reset",
    .since = {1, 3, 7, 14, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 3,
    .input_max = 6,
    .output_min = 0,
    .output_max = 2,
    .dtypes = OR_OP_FLOATS,
    .attributes = {ATTRIBUTES, {"linear_before_reset", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = recurrent_infer,
    .cost = recurrent_cost,
    .reference = or_recurrent_reference,
};

const or_op_t or_op_lstm = {
    .domain = "",
    .name = "LSTM",
    .summary = "a recurrent layer with a cell, and gates for input, output and forgetting",
    .since = {1, 7, 14, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 3,
    .input_max = 8,
    .output_min = 0,
    .output_max = 3,
    .dtypes = OR_OP_FLOATS,
    .attributes = {ATTRIBUTES, {"input_forget", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = recurrent_infer,
    .cost = recurrent_cost,
    .reference = or_recurrent_reference,
};

static or_status_t read_options(const or_op_call_t *call, or_recurrent_t *out);
static or_status_t read_extents(const or_op_call_t *call, or_recurrent_t *out);
static or_status_t check_input(const or_op_call_t *call, uint32_t index, const char *name, or_shape_t expected);

or_status_t or_recurrent_read(const or_op_call_t *call, or_recurrent_t *out) {
  *out = (or_recurrent_t){.kind = OR_RECURRENT_RNN, .gates = 1};
  if (call->op == &or_op_gru) *out = (or_recurrent_t){.kind = OR_RECURRENT_GRU, .gates = 3};
  if (call->op == &or_op_lstm) *out = (or_recurrent_t){.kind = OR_RECURRENT_LSTM, .gates = 4};
  or_status_t status = read_options(call, out);
  if (or_ok(status)) status = or_recurrent_read_activations(call, out);
  if (or_ok(status)) status = read_extents(call, out);
  return status;
}

/* An attribute that versions before `since`, or from `until` on, do not have. */
static or_status_t check_version(const or_op_call_t *call, const char *name, int since, int until) {
  int version = call->node->version;
  if (or_op_attribute(call, name) == NULL || (version >= since && version < until)) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" does not exist in version %d of %s", name, version,
                  call->op->name);
}

static or_status_t read_options(const or_op_call_t *call, or_recurrent_t *out) {
  int64_t layout = or_op_attribute_int(call, "layout", 0);
  out->batch_first = layout == 1;
  out->input_forget = or_op_attribute_int(call, "input_forget", 0) != 0;
  out->linear_before_reset = or_op_attribute_int(call, "linear_before_reset", 0) != 0;
  out->clip = (double)INFINITY;
  or_status_t status = check_version(call, "layout", 14, INT32_MAX);
  if (or_ok(status)) status = check_version(call, "output_sequence", 1, 7);
  if (or_ok(status)) status = check_version(call, "linear_before_reset", 3, INT32_MAX);
  if (or_ok(status) && layout != 0 && layout != 1) {
    status = or_error(OR_INVALID_ARGUMENT, "attribute \"layout\" is %lld, expected 0 or 1", (long long)layout);
  }
  if (!or_ok(status) || or_op_attribute(call, "clip") == NULL) return status;
  out->clip = (double)or_op_attribute_float(call, "clip", 0);
  if (out->clip >= 0) return status;
  return or_error(OR_INVALID_ARGUMENT, "attribute \"clip\" is %g, expected at least 0", out->clip);
}

/* Of an input of three dimensions; unknown where it is left out or its shape is not known. */
static int64_t extent_of(const or_op_call_t *call, uint32_t index, int32_t dimension) {
  if (!or_op_has_input(call, index) || call->inputs[index].shape.rank != 3) return OR_DIM_UNKNOWN;
  return call->inputs[index].shape.dims[dimension];
}

static or_status_t read_hidden(const or_op_call_t *call, or_recurrent_t *out) {
  out->hidden = extent_of(call, OR_RECURRENT_R, 2);
  if (out->hidden < 0) {
    int64_t state = extent_of(call, OR_RECURRENT_H, 2);
    if (state != OR_DIM_UNKNOWN) out->hidden = state;
  }
  const or_attribute_t *attribute = or_op_attribute(call, "hidden_size");
  if (attribute == NULL) return or_status_success();
  if (attribute->integer < 1) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"hidden_size\" is %lld, expected at least 1",
                    (long long)attribute->integer);
  }
  return or_infer_same_extent("attribute \"hidden_size\" and the weights", attribute->integer, out->hidden,
                              &out->hidden);
}

static or_status_t scaled(int64_t factor, int64_t extent, int64_t *out) {
  if (extent < 0) {
    *out = OR_DIM_UNKNOWN;
  } else if (!or_mul_i64(factor, extent, out)) {
    return or_error(OR_OUT_OF_RANGE, "%lld gates of %lld elements overflow int64", (long long)factor,
                    (long long)extent);
  }
  return or_status_success();
}

static or_shape_t state_shape(const or_recurrent_t *r) {
  int64_t first = r->batch_first ? r->batch : r->directions, second = r->batch_first ? r->directions : r->batch;
  return or_shape_make(3, (int64_t[]){first, second, r->hidden});
}

static or_status_t read_extents(const or_op_call_t *call, or_recurrent_t *out) {
  out->steps = extent_of(call, OR_RECURRENT_X, out->batch_first ? 1 : 0);
  out->batch = extent_of(call, OR_RECURRENT_X, out->batch_first ? 0 : 1);
  out->input = extent_of(call, OR_RECURRENT_X, 2);
  if (out->input < 0) out->input = extent_of(call, OR_RECURRENT_W, 2);
  or_status_t status = read_hidden(call, out);
  int64_t rows = 0, biases = 0, peepholes = 0;
  if (or_ok(status)) status = scaled(out->gates, out->hidden, &rows);
  if (or_ok(status)) status = scaled(2 * out->gates, out->hidden, &biases);
  if (or_ok(status)) status = scaled(3, out->hidden, &peepholes);
  if (!or_ok(status)) return status;
  int64_t d = out->directions, sequence[3] = {out->steps, out->batch, out->input};
  if (out->batch_first) sequence[0] = out->batch, sequence[1] = out->steps;
  const struct {
    const char *name;
    or_shape_t shape;
  } expected[] = {
      [OR_RECURRENT_X] = {"X", or_shape_make(3, sequence)},
      [OR_RECURRENT_W] = {"W", or_shape_make(3, (int64_t[]){d, rows, out->input})},
      [OR_RECURRENT_R] = {"R", or_shape_make(3, (int64_t[]){d, rows, out->hidden})},
      [OR_RECURRENT_B] = {"B", or_shape_make(2, (int64_t[]){d, biases})},
      [OR_RECURRENT_LENGTHS] = {"sequence_lens", or_shape_make(1, &out->batch)},
      [OR_RECURRENT_H] = {"initial_h", state_shape(out)},
      [OR_RECURRENT_C] = {"initial_c", state_shape(out)},
      [OR_RECURRENT_P] = {"P", or_shape_make(2, (int64_t[]){d, peepholes})},
  };
  for (uint32_t i = 0; or_ok(status) && i < call->input_count; ++i) {
    status = check_input(call, i, expected[i].name, expected[i].shape);
  }
  return status;
}

static or_status_t check_input(const or_op_call_t *call, uint32_t index, const char *name, or_shape_t expected) {
  if (!or_op_has_input(call, index)) return or_status_success();
  const or_op_tensor_t *input = &call->inputs[index];
  or_dtype_t dtype = index == OR_RECURRENT_LENGTHS ? OR_INT32 : call->inputs[0].dtype;
  if (input->dtype != dtype) {
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) is %s, expected %s", index, name, or_dtype_name(input->dtype),
                    or_dtype_name(dtype));
  }
  if (input->shape.rank == OR_RANK_UNKNOWN) return or_status_success();
  bool fits = input->shape.rank == expected.rank;
  for (int32_t i = 0; fits && i < expected.rank; ++i) {
    fits = input->shape.dims[i] < 0 || expected.dims[i] < 0 || input->shape.dims[i] == expected.dims[i];
  }
  if (fits) return or_status_success();
  char text[160], wanted[160];
  return or_error(OR_INVALID_ARGUMENT, "input %u (%s) has shape %s, expected %s", index, name,
                  or_shape_format(&input->shape, text, sizeof text), or_shape_format(&expected, wanted, sizeof wanted));
}

static or_status_t recurrent_infer(or_op_call_t *call) {
  or_recurrent_t r;
  or_status_t status = or_recurrent_read(call, &r);
  if (!or_ok(status)) return status;
  int64_t y[4] = {r.steps, r.directions, r.batch, r.hidden};
  if (r.batch_first) {
    y[0] = r.batch;
    y[1] = r.steps;
    y[2] = r.directions;
  }
  for (uint32_t i = 0; or_ok(status) && i < call->output_count; ++i) {
    call->outputs[i].dtype = call->inputs[0].dtype;
    call->outputs[i].shape = i == OR_RECURRENT_Y ? or_shape_make(4, y) : state_shape(&r);
    if (or_shape_is_static(&call->outputs[i].shape)) status = or_shape_check_count(&call->outputs[i].shape);
  }
  return status;
}

/* The products, and per element of a gate a function (counted as 16), the biases and the combination. */
static or_cost_t recurrent_cost(const or_op_call_t *call) {
  or_recurrent_t r;
  or_cost_t cost = {0};
  if (call->output_count > 0) cost = or_cost_per_output(call, 0);
  or_status_t status = or_recurrent_read(call, &r);
  if (or_ok(status)) {
    double rows = (double)r.steps * (double)r.batch * (double)r.directions;
    cost.flops = rows * (double)r.gates * (double)r.hidden * (2.0 * (double)r.input + 2.0 * (double)r.hidden + 20.0);
  }
  or_status_ignore(status); /* infer has let it pass */
  return cost;
}

or_status_t or_recurrent_length(const or_op_tensor_t *lengths, const or_recurrent_t *recurrent, int64_t index,
                                int64_t *out) {
  *out = ((const int32_t *)lengths->data)[index];
  if (*out >= 0 && *out <= recurrent->steps) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "sequence_lens[%lld] is %lld, expected 0 to %lld, the steps of X",
                  (long long)index, (long long)*out, (long long)recurrent->steps);
}
