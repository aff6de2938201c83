#include "ops/conv.h"

#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "ops/conv_internal.h"
#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/product_internal.h"
#include "ops/window_internal.h"

static or_status_t conv_infer(or_op_call_t *call);
static or_cost_t conv_cost(const or_op_call_t *call);
static or_status_t conv_reference(or_op_call_t *call);

const or_op_t or_op_conv = {
    .domain = "",
    .name = "Conv",
    .summary = "convolution over any number of spatial dimensions, with groups and bias",
    .since = {1, 11, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 2,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"auto_pad", OR_ATTRIBUTE_STRING, false},
                   {"dilations", OR_ATTRIBUTE_INTS, false},
                   {"group", OR_ATTRIBUTE_INT, false},
                   {"kernel_shape", OR_ATTRIBUTE_INTS, false},
                   {"pads", OR_ATTRIBUTE_INTS, false},
                   {"strides", OR_ATTRIBUTE_INTS, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = conv_infer,
    .cost = conv_cost,
    .reference = conv_reference,
};

static const or_conv_inputs_t conv_inputs = {0, 1, 2};

static or_status_t check_channels(const or_shape_t *x, const or_shape_t *w, int64_t group) {
  int64_t channels = x->dims[1], filters = w->dims[0], per_group = w->dims[1], expected = 0;
  if (group < 1)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"group\" is %lld, expected at least 1", (long long)group);
  if (filters >= 0 && filters % group != 0) {
    return or_error(OR_INVALID_ARGUMENT, "%lld filters do not divide into %lld groups", (long long)filters,
                    (long long)group);
  }
  if (channels < 0 || per_group < 0) return or_status_success();
  if (or_mul_i64(per_group, group, &expected) && channels == expected) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input 0 has %lld channels, the weights take %lld in each of %lld groups",
                  (long long)channels, (long long)per_group, (long long)group);
}

static or_status_t conv_infer(or_op_call_t *call) {
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_status_t status = or_infer_check_dtype(call, 1);
  if (or_ok(status)) status = or_infer_check_dtype(call, 2);
  return or_ok(status) ? or_conv_infer_shape(call, conv_inputs, &call->outputs[0].shape) : status;
}

or_status_t or_conv_infer_shape(const or_op_call_t *call, or_conv_inputs_t inputs, or_shape_t *y) {
  const or_shape_t *x = &call->inputs[inputs.x].shape, *w = &call->inputs[inputs.w].shape;
  or_status_t status = or_infer_check_rank(call, inputs.bias, 1);
  if (!or_ok(status) || x->rank < 0 || w->rank < 0) return status; /* nothing can be said of the shape */

  if (x->rank < 3) return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected [N,C,spatial...]", (int)x->rank);
  status = or_infer_check_rank(call, inputs.w, x->rank);
  if (or_ok(status)) status = check_channels(x, w, or_op_attribute_int(call, "group", 1));
  or_window_t window;
  if (or_ok(status)) status = or_window_make(call, x, w->dims + 2, &window);
  int64_t filters = OR_DIM_UNKNOWN;
  if (or_ok(status)) {
    filters = w->dims[0];
    if (or_op_has_input(call, inputs.bias) && call->inputs[inputs.bias].shape.rank == 1) {
      status = or_infer_same_extent("filters and bias", filters, call->inputs[inputs.bias].shape.dims[0], &filters);
    }
  }
  if (!or_ok(status)) return status;
  y->rank = x->rank;
  y->dims[0] = x->dims[0];
  y->dims[1] = filters;
  for (int32_t i = 0; i < window.rank; ++i) y->dims[i + 2] = window.out[i];
  return status;
}

static or_cost_t conv_cost(const or_op_call_t *call) { return or_conv_cost(call, conv_inputs); }

or_cost_t or_conv_cost(const or_op_call_t *call, or_conv_inputs_t inputs) {
  const or_shape_t *w = &call->inputs[inputs.w].shape;
  double taps = (double)or_shape_product(w, 1, w->rank);
  return or_cost_per_output(call, 2 * taps + (or_op_has_input(call, inputs.bias) ? 1 : 0));
}

/* The product [filters of a group, taps] x [taps, output positions] of one group of one image; a tap is (channel,
 * kernel position). */
typedef struct group_t {
  or_window_t window;
  or_matrix_t weights;
  const or_conv_t *conv;
  uint64_t first_input;  /* element of the group's first channel */
  uint64_t first_output; /* element of the group's first filter's results */
  uint64_t first_filter;
  uint64_t kernel_count, in_count; /* kernel positions; elements of a channel */
} group_t;

static void load_weights(const or_product_t *product, or_block_t block, void *out);
static void load_taps(const or_product_t *product, or_block_t block, void *out);
static void store_rows(const or_product_t *product, or_block_t block, void *values);
static void store_with_bias(const or_conv_t *conv, uint64_t filter, uint64_t first, size_t count, double *values);

static or_status_t conv_reference(or_op_call_t *call) {
  const or_conv_t conv = {.x = &call->inputs[0],
                          .w = &call->inputs[1],
                          .y = &call->outputs[0],
                          .store = store_with_bias,
                          .self = or_op_has_input(call, 2) ? &call->inputs[2] : NULL};
  return or_conv_run(call, &conv);
}

static void store_with_bias(const or_conv_t *conv, uint64_t filter, uint64_t first, size_t count, double *values) {
  const or_op_tensor_t *bias = conv->self;
  double added = 0;
  if (bias != NULL) or_elements_load(bias->dtype, bias->data, filter, 1, &added);
  for (size_t i = 0; bias != NULL && i < count; ++i) values[i] += added;
  or_elements_store(conv->y->dtype, conv->y->data, first, count, values);
}

or_status_t or_conv_run(const or_op_call_t *call, const or_conv_t *conv) {
  const or_op_tensor_t *x = conv->x, *w = conv->w, *y = conv->y;
  group_t group = {.conv = conv};
  or_status_t status = or_window_make(call, &x->shape, w->shape.dims + 2, &group.window);
  void *scratch = NULL;
  if (or_ok(status)) status = or_alloc(call->allocator, OR_PRODUCT_SCRATCH_BYTES, &scratch);
  if (!or_ok(status)) return status;

  uint64_t groups = (uint64_t)or_op_attribute_int(call, "group", 1);
  uint64_t filters = (uint64_t)w->shape.dims[0] / groups, channels = (uint64_t)w->shape.dims[1];
  uint64_t positions = or_shape_product(&y->shape, 2, y->shape.rank);
  group.kernel_count = or_shape_product(&w->shape, 2, w->shape.rank);
  group.in_count = or_shape_product(&x->shape, 2, x->shape.rank);
  uint64_t taps = channels * group.kernel_count;
  for (uint64_t image = 0; image < (uint64_t)x->shape.dims[0]; ++image) {
    for (uint64_t g = 0; g < groups && !or_stops(call->stop, 1); ++g) {
      group.first_filter = g * filters;
      group.first_input = (image * groups + g) * channels * group.in_count;
      group.first_output = (image * groups + g) * filters * positions;
      group.weights = (or_matrix_t){w->dtype, w->data, g * filters * taps, taps, 1};
      or_product_t product = {.m = filters,
                              .n = positions,
                              .k = taps,
                              .load_a = load_weights,
                              .load_b = load_taps,
                              .store = store_rows,
                              .self = &group,
                              .stop = call->stop};
      or_product_run(&product, scratch);
    }
  }
  or_free(call->allocator, scratch);
  return status;
}

static void load_weights(const or_product_t *product, or_block_t block, void *out) {
  const group_t *group = product->self;
  const or_op_tensor_t *zero = group->conv->w_zero;
  or_matrix_load(&group->weights, false, block, OR_PRODUCT_DEPTH, out);
  if (zero == NULL) return;
  bool one = or_shape_product(&zero->shape, 0, zero->shape.rank) == 1;
  for (size_t r = 0; r < block.rows; ++r) {
    double *row = (double *)out + r * OR_PRODUCT_DEPTH;
    double off = or_element_get(zero->dtype, zero->data, one ? 0 : (size_t)(group->first_filter + block.row + r));
    for (size_t c = 0; c < block.columns; ++c) row[c] -= off;
  }
}

static void store_rows(const or_product_t *product, or_block_t block, void *values) {
  const group_t *group = product->self;
  for (size_t r = 0; r < block.rows; ++r) {
    uint64_t row = block.row + r;
    group->conv->store(group->conv, group->first_filter + row, group->first_output + row * product->n + block.column,
                       block.columns, (double *)values + r * OR_PRODUCT_COLUMNS);
  }
}

static void load_run(const group_t *group, uint64_t tap, const int64_t *position, int64_t count, double *out);

/* One row of the block is what one tap sees at `columns` consecutive output positions: split into runs along the last
 * dimension. */
static void load_taps(const or_product_t *product, or_block_t block, void *out) {
  const group_t *group = product->self;
  const or_window_t *window = &group->window;
  int32_t last = window->rank - 1;
  int64_t start[OR_MAX_SPATIAL], position[OR_MAX_SPATIAL];
  or_window_unravel(block.column, window->out, window->rank, start);
  for (size_t row = 0; row < block.rows; ++row) {
    double *to = (double *)out + row * OR_PRODUCT_COLUMNS;
    memcpy(position, start, sizeof position);
    for (int64_t done = 0, run = 0; done < (int64_t)block.columns; done += run) {
      int64_t left = window->out[last] - position[last], wanted = (int64_t)block.columns - done;
      run = left < wanted ? left : wanted;
      load_run(group, block.row + row, position, run, to + done);
      position[last] = 0; /* the next run, if there is one, begins a line */
      for (int32_t d = last - 1; d >= 0 && ++position[d] == window->out[d]; --d) position[d] = 0;
    }
  }
}

static void load_run(const group_t *group, uint64_t tap, const int64_t *position, int64_t count, double *out) {
  int64_t kernel[OR_MAX_SPATIAL];
  or_window_unravel(tap % group->kernel_count, group->window.kernel, group->window.rank, kernel);
  or_window_run_t run = or_window_run(&group->window, kernel, position, count);
  for (int64_t i = 0; i < run.begin; ++i) out[i] = 0;
  for (int64_t i = run.end; i < count; ++i) out[i] = 0;
  if (run.begin == run.end) return;
  uint64_t channel = tap / group->kernel_count;
  int64_t first = (int64_t)(group->first_input + channel * group->in_count) + run.first;
  const or_op_tensor_t *x = group->conv->x;
  size_t length = (size_t)(run.end - run.begin);
  or_lanes_t lanes; /* holds a run: OR_PRODUCT_COLUMNS <= OR_LANES */
  or_lanes_load(x->dtype, x->data, first, run.step, length, &lanes);
  or_lanes_convert(&lanes, length, or_lane_kind(x->dtype), OR_LANE_REAL);
  for (size_t i = 0; i < length; ++i) out[(size_t)run.begin + i] = lanes.real[i] - group->conv->x_zero;
}
