#include "ops/conv_transpose.h"

#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/product_internal.h"
#include "ops/window_internal.h"

static or_status_t conv_transpose_infer(or_op_call_t *call);
static or_cost_t conv_transpose_cost(const or_op_call_t *call);
static or_status_t conv_transpose_reference(or_op_call_t *call);

const or_op_t or_op_conv_transpose = {
    .domain = "",
    .name = "ConvTranspose",
    .summary = "transposed convolution over any number of spatial dimensions, with groups and bias",
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
                   {"output_padding", OR_ATTRIBUTE_INTS, false},
                   {"output_shape", OR_ATTRIBUTE_INTS, false},
                   {"pads", OR_ATTRIBUTE_INTS, false},
                   {"strides", OR_ATTRIBUTE_INTS, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = conv_transpose_infer,
    .cost = conv_transpose_cost,
    .reference = conv_transpose_reference,
};

static or_status_t check_channels(const or_op_call_t *call, int64_t group, int64_t *filters) {
  int64_t channels = call->inputs[0].shape.dims[1];
  int64_t per_group = call->inputs[1].shape.dims[1];
  *filters = OR_DIM_UNKNOWN;
  if (group < 1)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"group\" is %lld, expected at least 1", (long long)group);
  or_status_t status =
      or_infer_same_extent("input channels and weights", channels, call->inputs[1].shape.dims[0], &channels);
  if (or_ok(status) && channels >= 0 && channels % group != 0) {
    status = or_error(OR_INVALID_ARGUMENT, "%lld input channels do not divide into %lld groups", (long long)channels,
                      (long long)group);
  }
  if (or_ok(status) && per_group >= 0 && !or_mul_i64(per_group, group, filters)) {
    status = or_error(OR_OUT_OF_RANGE, "%lld filters in each of %lld groups are too many", (long long)per_group,
                      (long long)group);
  }
  if (or_ok(status) && or_op_has_input(call, 2) && call->inputs[2].shape.rank == 1) {
    status = or_infer_same_extent("filters and bias", *filters, call->inputs[2].shape.dims[0], filters);
  }
  return status;
}

static or_status_t conv_transpose_infer(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape, *w = &call->inputs[1].shape;
  or_shape_t y = {.rank = x->rank};
  or_window_t window;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_status_t status = or_infer_check_dtype(call, 1);
  if (or_ok(status)) status = or_infer_check_dtype(call, 2);
  if (or_ok(status)) status = or_infer_check_rank(call, 2, 1);
  if (!or_ok(status) || x->rank < 0 || w->rank < 0) return status; /* nothing can be said of the shape */

  if (x->rank < 3) return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected [N,C,spatial...]", (int)x->rank);
  y.dims[0] = x->dims[0];
  status = or_infer_check_rank(call, 1, x->rank);
  if (or_ok(status)) status = check_channels(call, or_op_attribute_int(call, "group", 1), &y.dims[1]);
  if (or_ok(status)) status = or_conv_transpose_window(call, x, w, &window);
  if (!or_ok(status)) return status;
  for (int32_t i = 0; i < window.rank; ++i) y.dims[i + 2] = window.in[i];
  call->outputs[0].shape = y;
  return or_shape_check_count(&y);
}

/* The length of Y along an axis before anything is cut off; OR_DIM_UNKNOWN where extents are not known. */
static or_status_t whole_length(const or_window_t *window, int32_t axis, int64_t extra, int64_t *out) {
  int64_t in = window->out[axis], moved = 0, reach = (window->kernel[axis] - 1) * window->dilation[axis] + 1;
  *out = OR_DIM_UNKNOWN;
  if (in < 0 || window->kernel[axis] < 0) return or_status_success();
  if (or_mul_i64(in - 1, window->stride[axis], &moved) && or_add_i64(moved, reach + extra, out)) {
    return or_status_success();
  }
  return or_error(OR_OUT_OF_RANGE, "the input's extent %lld in dimension %d is too large", (long long)in,
                  (int)axis + 2);
}

/* Y gets `wanted` elements: pads are what the whole has more. */
static void place_wanted(or_window_t *window, int32_t axis, int64_t whole, int64_t wanted, bool upper) {
  int64_t total = whole > wanted ? whole - wanted : 0;
  window->in[axis] = wanted;
  window->pad_begin[axis] = upper ? total / 2 : total - total / 2;
  window->pad_end[axis] = total - window->pad_begin[axis];
  if (window->out[axis] < 0 || window->kernel[axis] < 0) {
    window->pad_begin[axis] = window->pad_end[axis] = OR_DIM_UNKNOWN;
  }
}

static or_status_t place_same(or_window_t *window, int32_t axis, int64_t whole, bool upper) {
  int64_t in = window->out[axis], wanted = window->stride[axis] == 1 ? in : OR_DIM_UNKNOWN;
  if (in >= 0 && !or_mul_i64(in, window->stride[axis], &wanted)) {
    return or_error(OR_OUT_OF_RANGE, "the input's extent %lld in dimension %d is too large", (long long)in,
                    (int)axis + 2);
  }
  place_wanted(window, axis, whole, wanted, upper);
  return or_status_success();
}

static or_status_t place_padded(or_window_t *window, int32_t axis, int64_t whole, int64_t extra) {
  int64_t pads = window->pad_begin[axis] + window->pad_end[axis];
  int64_t reach = (window->kernel[axis] - 1) * window->dilation[axis] + 1;
  window->in[axis] = OR_DIM_UNKNOWN;
  if (window->kernel[axis] < 0) return or_status_success();
  if (window->out[axis] < 0) { /* as many elements as windows: the symbol stays */
    if (window->stride[axis] == 1 && reach + extra - 1 == pads) window->in[axis] = window->out[axis];
    return or_status_success();
  }
  window->in[axis] = whole - pads;
  if (whole >= pads) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "of %lld elements in dimension %d the pads cut off %lld", (long long)whole,
                  (int)axis + 2, (long long)pads);
}

/* output_shape is of the spatial dimensions; files that give all of them are common, so the last ones count. */
static or_status_t read_output_shape(const or_op_call_t *call, int32_t rank, int64_t *out, bool *given) {
  size_t count = 0;
  const int64_t *values = or_op_attribute_ints(call, "output_shape", &count);
  *given = count > 0;
  if (count != (size_t)rank + 2) return or_window_read_ints(call, "output_shape", rank, 0, out);
  for (int32_t i = 0; i < rank; ++i) {
    out[i] = values[i + 2];
    if (out[i] < 0 || out[i] > OR_WINDOW_LIMIT) {
      return or_error(OR_INVALID_ARGUMENT, "attribute \"output_shape\" holds %lld at %d, outside [0, %lld]",
                      (long long)out[i], (int)i + 2, (long long)OR_WINDOW_LIMIT);
    }
  }
  return or_status_success();
}

or_status_t or_conv_transpose_window(const or_op_call_t *call, const or_shape_t *x, const or_shape_t *w,
                                     or_window_t *out) {
  int64_t extra[OR_MAX_SPATIAL] = {0}, wanted[OR_MAX_SPATIAL] = {0};
  or_auto_pad_t auto_pad = OR_PAD_EXPLICIT;
  bool given = false;
  or_window_t window;
  or_status_t status = or_window_read(call, x, w->dims + 2, &auto_pad, &window);
  if (or_ok(status)) status = or_window_read_ints(call, "output_padding", window.rank, 0, extra);
  if (or_ok(status)) status = read_output_shape(call, window.rank, wanted, &given);
  for (int32_t i = 0; or_ok(status) && i < window.rank; ++i) {
    int64_t whole = 0;
    bool upper = auto_pad == OR_PAD_SAME_UPPER;
    window.out[i] = window.in[i];
    status = whole_length(&window, i, extra[i], &whole);
    if (!or_ok(status)) return status;
    if (given) {
      place_wanted(&window, i, whole, wanted[i], upper);
    } else if (upper || auto_pad == OR_PAD_SAME_LOWER) {
      status = place_same(&window, i, whole, upper);
    } else {
      status = place_padded(&window, i, whole, extra[i]);
    }
  }
  if (or_ok(status)) *out = window;
  return status;
}

static or_cost_t conv_transpose_cost(const or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape, *w = &call->inputs[1].shape;
  or_cost_t cost = or_cost_per_output(call, or_op_has_input(call, 2) ? 1 : 0);
  cost.flops += 2 * (double)or_shape_product(x, 0, x->rank) * (double)or_shape_product(w, 1, w->rank);
  return cost;
}

/* Of one group of one image, and of some of its filters: the product [(filter, kernel position), channels] x [channels,
 * input positions], whose elements are added where the window puts them. */
typedef struct group_t {
  or_window_t window;
  or_matrix_t weights, input;
  double *sums; /* [filters, output positions] */
  uint64_t kernel_count, out_count;
} group_t;

#define SUMS_BYTES ((uint64_t)4 << 20) /* of the filters done at once, if more than one */

static void load_weights(const or_product_t *product, or_block_t block, void *out);
static void load_input(const or_product_t *product, or_block_t block, void *out);
static void add_block(const or_product_t *product, or_block_t block, void *values);
static void begin_with_bias(const or_op_tensor_t *bias, uint64_t first, uint64_t filters, group_t *group);
static or_status_t alloc_scratch(const or_op_call_t *call, uint64_t sums, void **product, void **out);

static or_status_t conv_transpose_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *w = &call->inputs[1], *y = &call->outputs[0];
  const or_op_tensor_t *bias = or_op_has_input(call, 2) ? &call->inputs[2] : NULL;
  group_t group = {.kernel_count = or_shape_product(&w->shape, 2, w->shape.rank),
                   .out_count = or_shape_product(&y->shape, 2, y->shape.rank)};
  uint64_t groups = (uint64_t)or_op_attribute_int(call, "group", 1), filters = (uint64_t)w->shape.dims[1];
  uint64_t channels = (uint64_t)x->shape.dims[1] / groups, positions = or_shape_product(&x->shape, 2, x->shape.rank);
  uint64_t row = filters * group.kernel_count, batch = (uint64_t)x->shape.dims[0];
  if (batch == 0 || group.out_count == 0 || filters == 0) return or_status_success();

  void *scratch = NULL, *sums = NULL;
  uint64_t room = SUMS_BYTES / sizeof(double) / group.out_count;
  uint64_t step = room < 1 ? 1 : room < filters ? room : filters;
  or_status_t status = or_conv_transpose_window(call, &x->shape, &w->shape, &group.window);
  if (or_ok(status)) status = alloc_scratch(call, step * group.out_count, &scratch, &sums);
  if (!or_ok(status)) return status;
  group.sums = sums;
  for (uint64_t i = 0; i < batch * groups; ++i) {
    for (uint64_t done = 0; done < filters && !or_stops(call->stop, group.out_count); done += step) {
      uint64_t g = i % groups, count = filters - done < step ? filters - done : step;
      uint64_t first_weight = g * channels * row + done * group.kernel_count;
      group.weights = (or_matrix_t){w->dtype, w->data, first_weight, 1, row};
      group.input = (or_matrix_t){x->dtype, x->data, i * channels * positions, positions, 1};
      begin_with_bias(bias, g * filters + done, count, &group);
      or_product_t product = {.m = count * group.kernel_count,
                              .n = positions,
                              .k = channels,
                              .load_a = load_weights,
                              .load_b = load_input,
                              .store = add_block,
                              .self = &group,
                              .stop = call->stop};
      or_product_run(&product, scratch);
      or_elements_store(y->dtype, y->data, (i * filters + done) * group.out_count, (size_t)(count * group.out_count),
                        group.sums);
    }
  }
  or_free(call->allocator, sums);
  or_free(call->allocator, scratch);
  return status;
}

static or_status_t alloc_scratch(const or_op_call_t *call, uint64_t sums, void **product, void **out) {
  size_t bytes = 0;
  if (!or_mul_size((size_t)sums, sizeof(double), &bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "an image of %llu sums is too large", (unsigned long long)sums);
  }
  or_status_t status = or_alloc(call->allocator, OR_PRODUCT_SCRATCH_BYTES, product);
  if (!or_ok(status)) return status;
  status = or_alloc(call->allocator, bytes, out);
  if (!or_ok(status)) or_free(call->allocator, *product);
  return status;
}

static void begin_with_bias(const or_op_tensor_t *bias, uint64_t first, uint64_t filters, group_t *group) {
  for (uint64_t f = 0; f < filters; ++f) {
    double value = 0;
    if (bias != NULL) or_elements_load(bias->dtype, bias->data, first + f, 1, &value);
    for (uint64_t i = 0; i < group->out_count; ++i) group->sums[f * group->out_count + i] = value;
  }
}

static void load_weights(const or_product_t *product, or_block_t block, void *out) {
  or_matrix_load(&((const group_t *)product->self)->weights, false, block, OR_PRODUCT_DEPTH, out);
}

static void load_input(const or_product_t *product, or_block_t block, void *out) {
  or_matrix_load(&((const group_t *)product->self)->input, false, block, OR_PRODUCT_COLUMNS, out);
}

static void add_block(const or_product_t *product, or_block_t block, void *values) {
  const group_t *group = product->self;
  for (size_t row = 0; row < block.rows; ++row) {
    int64_t kernel[OR_MAX_SPATIAL];
    uint64_t filter = (block.row + row) / group->kernel_count;
    or_window_unravel((block.row + row) % group->kernel_count, group->window.kernel, group->window.rank, kernel);
    or_window_values_t added = {.first = (int64_t)block.column,
                                .count = (int64_t)block.columns,
                                .data = (const double *)values + row * OR_PRODUCT_COLUMNS};
    or_window_add(&group->window, kernel, added, group->sums + filter * group->out_count);
  }
}
