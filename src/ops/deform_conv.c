#include "ops/deform_conv.h"

#include <math.h>
#include <string.h>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/product_internal.h"
#include "ops/window_internal.h"

static or_status_t deform_conv_infer(or_op_call_t *call);
static or_cost_t deform_conv_cost(const or_op_call_t *call);
static or_status_t deform_conv_reference(or_op_call_t *call);

const or_op_t or_op_deform_conv = {
    .domain = "",
    .name = "DeformConv",
    .summary = "convolution whose elements are looked for beside their places",
    .since = {19, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 3,
    .input_max = 5,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"dilations", OR_ATTRIBUTE_INTS, false},
                   {"group", OR_ATTRIBUTE_INT, false},
                   {"kernel_shape", OR_ATTRIBUTE_INTS, false},
                   {"offset_group", OR_ATTRIBUTE_INT, false},
                   {"pads", OR_ATTRIBUTE_INTS, false},
                   {"strides", OR_ATTRIBUTE_INTS, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = deform_conv_infer,
    .cost = deform_conv_cost,
    .reference = deform_conv_reference,
};

enum { X, W, OFFSET, BIAS, MASK };

static or_status_t check_groups(const or_op_call_t *call) {
  int64_t group = or_op_attribute_int(call, "group", 1), offset_group = or_op_attribute_int(call, "offset_group", 1);
  int64_t channels = call->inputs[X].shape.dims[1], filters = call->inputs[W].shape.dims[0];
  int64_t per_group = call->inputs[W].shape.dims[1], expected = 0;
  if (group < 1 || offset_group < 1) {
    return or_error(OR_INVALID_ARGUMENT,
                    "attributes \"group\" and \"offset_group\" are %lld and %lld, expected at least 1",
                    (long long)group, (long long)offset_group);
  }
  if (filters >= 0 && filters % group != 0) {
    return or_error(OR_INVALID_ARGUMENT, "%lld filters do not divide into %lld groups", (long long)filters,
                    (long long)group);
  }
  if (channels >= 0 && channels % offset_group != 0) {
    return or_error(OR_INVALID_ARGUMENT, "%lld input channels do not divide into %lld offset groups",
                    (long long)channels, (long long)offset_group);
  }
  if (channels < 0 || per_group < 0) return or_status_success();
  if (or_mul_i64(per_group, group, &expected) && channels == expected) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input 0 has %lld channels, the weights take %lld in each of %lld groups",
                  (long long)channels, (long long)per_group, (long long)group);
}

/* offset and mask: [N, offset_group * product(kernel) * each, spatial'...], as far as that is known. */
static or_status_t check_field(const or_op_call_t *call, uint32_t index, const or_window_t *window, int64_t each) {
  const char *name = index == OFFSET ? "offset" : "mask";
  if (!or_op_has_input(call, index)) return or_status_success();
  or_status_t status = or_infer_check_dtype(call, index);
  if (or_ok(status)) status = or_infer_check_rank(call, index, call->inputs[X].shape.rank);
  const or_shape_t *field = &call->inputs[index].shape;
  if (!or_ok(status) || field->rank < 0) return status;
  int64_t rows = each, found = 0;
  bool known = or_mul_i64(rows, or_op_attribute_int(call, "offset_group", 1), &rows);
  for (int32_t i = 0; i < window->rank; ++i) {
    known = known && window->kernel[i] >= 0 && or_mul_i64(rows, window->kernel[i], &rows);
  }
  status = or_infer_same_extent(name, field->dims[0], call->inputs[X].shape.dims[0], &found);
  if (or_ok(status)) status = or_infer_same_extent(name, field->dims[1], known ? rows : OR_DIM_UNKNOWN, &found);
  for (int32_t i = 0; or_ok(status) && i < window->rank; ++i) {
    status = or_infer_same_extent(name, field->dims[i + 2], window->out[i], &found);
  }
  return status;
}

static or_status_t deform_conv_infer(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[X].shape, *w = &call->inputs[W].shape;
  or_shape_t *y = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[X].dtype;
  or_status_t status = or_infer_check_dtype(call, W);
  if (or_ok(status)) status = or_infer_check_dtype(call, BIAS);
  if (or_ok(status)) status = or_infer_check_rank(call, BIAS, 1);
  if (!or_ok(status) || x->rank < 0 || w->rank < 0) return status; /* nothing can be said of the shape */
  if (x->rank < 3 || x->rank - 2 > DEFORM_CONV_MAX_SPATIAL) {
    return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected [N,C,spatial...] of rank 3 to %d", (int)x->rank,
                    DEFORM_CONV_MAX_SPATIAL + 2);
  }
  or_window_t window = {.rank = 0};
  status = or_infer_check_rank(call, W, x->rank);
  if (or_ok(status)) status = check_groups(call);
  if (or_ok(status)) status = or_window_make(call, x, w->dims + 2, &window);
  if (or_ok(status)) status = check_field(call, OFFSET, &window, window.rank);
  if (or_ok(status)) status = check_field(call, MASK, &window, 1);
  int64_t filters = OR_DIM_UNKNOWN;
  if (or_ok(status)) {
    filters = w->dims[0];
    if (or_op_has_input(call, BIAS) && call->inputs[BIAS].shape.rank == 1) {
      status = or_infer_same_extent("filters and bias", filters, call->inputs[BIAS].shape.dims[0], &filters);
    }
  }
  if (!or_ok(status)) return status;
  y->rank = x->rank;
  y->dims[0] = x->dims[0];
  y->dims[1] = filters;
  for (int32_t i = 0; i < window.rank; ++i) y->dims[i + 2] = window.out[i];
  return status;
}

static or_cost_t deform_conv_cost(const or_op_call_t *call) {
  const or_shape_t *w = &call->inputs[W].shape;
  return or_cost_per_output(call, 2 * (double)or_shape_product(w, 1, w->rank));
}

/* The product [filters of a group, taps] x [taps, output positions] of one group of one image, as Conv's reference has
 * it; a tap is (channel, kernel position). */
typedef struct group_t {
  const or_op_call_t *call;
  or_window_t window;
  or_matrix_t weights, output;
  const double *input; /* the channels of the group, as doubles */
  uint64_t image, first_channel, first_filter;
  uint64_t channels_per_offset_group, offset_groups;
  uint64_t kernel_count, in_count, out_count;
} group_t;

static void load_weights(const or_product_t *product, or_block_t block, void *out);
static void load_samples(const or_product_t *product, or_block_t block, void *out);
static void store_with_bias(const or_product_t *product, or_block_t block, void *values);

static or_status_t run_groups(const or_op_call_t *call, group_t *group, double *input, void *scratch) {
  const or_op_tensor_t *x = &call->inputs[X], *w = &call->inputs[W], *y = &call->outputs[0];
  uint64_t groups = (uint64_t)or_op_attribute_int(call, "group", 1), channels = (uint64_t)w->shape.dims[1];
  uint64_t filters = (uint64_t)w->shape.dims[0] / groups, taps = channels * group->kernel_count;
  for (uint64_t i = 0; i < (uint64_t)x->shape.dims[0] * groups && !or_stops(call->stop, 1); ++i) {

    uint64_t g = i % groups;
    group->image = i / groups;
    group->first_channel = g * channels;
    group->first_filter = g * filters;
    group->weights = (or_matrix_t){w->dtype, w->data, g * filters * taps, taps, 1};
    group->output = (or_matrix_t){y->dtype, y->data, i * filters * group->out_count, group->out_count, 1};
    or_elements_load_long(call->stop, x->dtype, x->data, i * channels * group->in_count,
                          (size_t)(channels * group->in_count), input);
    or_product_t product = {.m = filters,
                            .n = group->out_count,
                            .k = taps,
                            .load_a = load_weights,
                            .load_b = load_samples,
                            .store = store_with_bias,
                            .self = group,
                            .stop = call->stop};
    or_product_run(&product, scratch);
  }
  return or_status_success();
}

static or_status_t deform_conv_reference(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[X].shape, *w = &call->inputs[W].shape, *y = &call->outputs[0].shape;
  uint64_t offset_groups = (uint64_t)or_op_attribute_int(call, "offset_group", 1);
  group_t group = {.call = call,
                   .offset_groups = offset_groups,
                   .channels_per_offset_group = (uint64_t)x->dims[1] / offset_groups,
                   .kernel_count = or_shape_product(w, 2, w->rank),
                   .in_count = or_shape_product(x, 2, x->rank),
                   .out_count = or_shape_product(y, 2, y->rank)};
  void *scratch = NULL, *input = NULL;
  size_t count = 0, bytes = 0;
  or_status_t status = or_window_make(call, x, w->dims + 2, &group.window);
  if (!or_ok(status)) return status;
  if (!or_mul_size((size_t)w->dims[1], (size_t)group.in_count, &count) || !or_mul_size(count, sizeof(double), &bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "an image of %lld channels is too large", (long long)w->dims[1]);
  }
  status = or_alloc(call->allocator, OR_PRODUCT_SCRATCH_BYTES, &scratch);
  if (or_ok(status)) status = or_alloc(call->allocator, bytes > 0 ? bytes : 1, &input);
  group.input = input;
  if (or_ok(status)) status = run_groups(call, &group, input, scratch);
  or_free(call->allocator, input);
  or_free(call->allocator, scratch);
  return status;
}

static void load_weights(const or_product_t *product, or_block_t block, void *out) {
  or_matrix_load(&((const group_t *)product->self)->weights, false, block, OR_PRODUCT_DEPTH, out);
}

static void store_with_bias(const or_product_t *product, or_block_t block, void *values) {
  const group_t *group = product->self;
  double bias[OR_PRODUCT_ROWS], *sums = values;
  if (or_op_has_input(group->call, BIAS)) {
    const or_op_tensor_t *given = &group->call->inputs[BIAS];
    or_elements_load(given->dtype, given->data, group->first_filter + block.row, block.rows, bias);
    for (size_t i = 0; i < block.rows; ++i) {
      for (size_t j = 0; j < block.columns; ++j) sums[i * OR_PRODUCT_COLUMNS + j] += bias[i];
    }
  }
  or_matrix_store(&group->output, false, block, values);
}

/* The element of a channel at `at`, or between those around it. */
static double sample(const or_window_t *window, const double *channel, const double *at) {
  int64_t low[DEFORM_CONV_MAX_SPATIAL];
  double weight[DEFORM_CONV_MAX_SPATIAL], sum = 0; /* weight: of the next element */
  for (int32_t d = 0; d < window->rank; ++d) {
    if (!(at[d] > -1 && at[d] < (double)window->in[d])) return 0; /* NaN too */
    double floor_at = floor(at[d]);
    low[d] = (int64_t)floor_at;
    weight[d] = at[d] - floor_at;
  }
  for (unsigned corner = 0; corner < 1U << window->rank; ++corner) {
    double factor = 1;
    int64_t element = 0;
    bool inside = true;
    for (int32_t d = 0; d < window->rank; ++d) {
      bool next = (corner >> d & 1) != 0;
      int64_t place = low[d] + next;
      factor *= next ? weight[d] : 1 - weight[d];
      inside = inside && place >= 0 && place < window->in[d];
      element = element * window->in[d] + place;
    }
    if (inside && factor != 0) sum += factor * channel[element];
  }
  return sum;
}

/* The rows of offset, and of the mask, that belong to a tap at the columns of a block. */
typedef struct fields_t {
  double offset[DEFORM_CONV_MAX_SPATIAL][OR_PRODUCT_COLUMNS], mask[OR_PRODUCT_COLUMNS];
} fields_t;

static void load_fields(const group_t *group, uint64_t channel, uint64_t kernel, or_block_t block, fields_t *out) {
  const or_op_tensor_t *offset = &group->call->inputs[OFFSET];
  uint64_t rank = (uint64_t)group->window.rank;
  uint64_t row =
      (group->image * group->offset_groups + channel / group->channels_per_offset_group) * group->kernel_count + kernel;
  for (uint64_t d = 0; d < rank; ++d) {
    or_elements_load(offset->dtype, offset->data, (row * rank + d) * group->out_count + block.column, block.columns,
                     out->offset[d]);
  }
  for (size_t i = 0; i < block.columns; ++i) out->mask[i] = 1;
  if (!or_op_has_input(group->call, MASK)) return;
  const or_op_tensor_t *mask = &group->call->inputs[MASK];
  or_elements_load(mask->dtype, mask->data, row * group->out_count + block.column, block.columns, out->mask);
}

static void load_samples(const or_product_t *product, or_block_t block, void *out) {
  const group_t *group = product->self;
  const or_window_t *window = &group->window;
  for (size_t row = 0; row < block.rows; ++row) {
    uint64_t channel = (block.row + row) / group->kernel_count, tap = (block.row + row) % group->kernel_count;
    double *to = (double *)out + row * OR_PRODUCT_COLUMNS;
    int64_t kernel[OR_MAX_SPATIAL], position[OR_MAX_SPATIAL];
    fields_t fields;
    load_fields(group, group->first_channel + channel, tap, block, &fields);
    or_window_unravel(tap, window->kernel, window->rank, kernel);
    or_window_unravel(block.column, window->out, window->rank, position);
    for (size_t i = 0; i < block.columns; ++i) {
      double at[DEFORM_CONV_MAX_SPATIAL];
      for (int32_t d = 0; d < window->rank; ++d) {
        int64_t place = position[d] * window->stride[d] - window->pad_begin[d] + kernel[d] * window->dilation[d];
        at[d] = (double)place + fields.offset[d][i];
      }
      to[i] = fields.mask[i] * sample(window, group->input + channel * group->in_count, at);
      for (int32_t d = window->rank - 1; d >= 0 && ++position[d] == window->out[d]; --d) position[d] = 0;
    }
  }
}
