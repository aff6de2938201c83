#include "ops/col2im.h"

#include <string.h>

#include "base/numbers.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/window_internal.h"

static or_status_t col2im_infer(or_op_call_t *call);
static or_cost_t col2im_cost(const or_op_call_t *call);
static or_status_t col2im_reference(or_op_call_t *call);

const or_op_t or_op_col2im = {
    .domain = "",
    .name = "Col2Im",
    .summary = "images from columns of blocks, added up where they overlap",
    .since = {18},
    .input_min = 3,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED,
    .value_inputs = 1U << 1 | 1U << 2,
    .attributes = {{"dilations", OR_ATTRIBUTE_INTS, false},
                   {"pads", OR_ATTRIBUTE_INTS, false},
                   {"strides", OR_ATTRIBUTE_INTS, false}},
    .tolerance = {.rel = 1e-5, .abs = 1e-6},
    .infer = col2im_infer,
    .cost = col2im_cost,
    .reference = col2im_reference,
};

static or_status_t read_list(const or_op_call_t *call, uint32_t index, const char *name, or_integers_t *out) {
  or_status_t status = or_integers_input(call, index, name, true, out);
  if (or_ok(status) && (out->count == 0 || out->count > OR_MAX_SPATIAL)) {
    return or_error(OR_INVALID_ARGUMENT, "%s has %d entries, outside [1, %d]", name, (int)out->count, OR_MAX_SPATIAL);
  }
  for (int32_t i = 0; or_ok(status) && out->known && i < out->count; ++i) {
    if (out->values[i] >= 1 && out->values[i] <= OR_WINDOW_LIMIT) continue;
    status = or_error(OR_INVALID_ARGUMENT, "%s holds %lld at %d, outside [1, %lld]", name, (long long)out->values[i],
                      (int)i, (long long)OR_WINDOW_LIMIT);
  }
  return status;
}

/* The window that moves over an image, `in`, and stops at `out` places. */
static or_status_t make_window(const or_op_call_t *call, const or_integers_t *image, const or_integers_t *block,
                               or_window_t *out) {
  int64_t pads[2 * OR_MAX_SPATIAL] = {0};
  *out = (or_window_t){.rank = image->count};
  for (int32_t i = 0; i < out->rank; ++i) {
    out->in[i] = image->values[i];
    out->kernel[i] = block->values[i];
    out->stride[i] = out->dilation[i] = 1;
  }
  or_status_t status = or_window_read_ints(call, "strides", out->rank, 1, out->stride);
  if (or_ok(status)) status = or_window_read_ints(call, "dilations", out->rank, 1, out->dilation);
  if (or_ok(status)) status = or_window_read_ints(call, "pads", 2 * out->rank, 0, pads);
  for (int32_t i = 0; or_ok(status) && i < out->rank; ++i) {
    int64_t reach = (out->kernel[i] - 1) * out->dilation[i] + 1, whole = out->in[i] + pads[i] + pads[i + out->rank];
    out->pad_begin[i] = pads[i];
    out->pad_end[i] = pads[i + out->rank];
    out->out[i] = (whole - reach) / out->stride[i] + 1;
    if (whole >= reach) continue;
    status =
        or_error(OR_INVALID_ARGUMENT, "a block of %lld does not fit into dimension %d of the image, %lld with pads",
                 (long long)reach, (int)i, (long long)whole);
  }
  return status;
}

/* Both lists are known: how X is cut. */
static or_status_t cut(const or_op_call_t *call, const or_integers_t *block, const or_window_t *window,
                       int64_t *channels) {
  const or_shape_t *x = &call->inputs[0].shape;
  int64_t rows = 0, blocks = 0, found = 0;
  *channels = OR_DIM_UNKNOWN;
  or_status_t status = or_extent_product(block->values, block->count, &rows);
  if (or_ok(status)) status = or_extent_product(window->out, window->rank, &blocks);
  if (!or_ok(status) || x->rank < 0) return status;
  status = or_infer_same_extent("columns and blocks of the image", x->dims[2], blocks, &found);
  if (!or_ok(status) || x->dims[1] < 0) return status;
  *channels = x->dims[1] / rows;
  if (x->dims[1] % rows == 0) return status;
  return or_error(OR_INVALID_ARGUMENT, "%lld rows do not divide into blocks of %lld elements", (long long)x->dims[1],
                  (long long)rows);
}

static or_status_t col2im_infer(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape;
  or_shape_t *y = &call->outputs[0].shape;
  or_integers_t image, block;
  or_window_t window;
  int64_t channels = OR_DIM_UNKNOWN;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_status_t status = or_infer_check_rank(call, 0, 3);
  if (or_ok(status)) status = read_list(call, 1, "image_shape", &image);
  if (or_ok(status)) status = read_list(call, 2, "block_shape", &block);
  if (!or_ok(status)) return status;
  if (image.count < 0) image.count = block.count;
  if (block.count >= 0 && image.count != block.count) {
    return or_error(OR_INVALID_ARGUMENT, "image_shape has %d entries, block_shape %d", (int)image.count,
                    (int)block.count);
  }
  if (image.count < 0) return status; /* nothing can be said of the shape */
  if (image.known && block.known) {
    status = make_window(call, &image, &block, &window);
    if (or_ok(status)) status = cut(call, &block, &window, &channels);
    if (!or_ok(status)) return status;
  }
  y->rank = image.count + 2;
  y->dims[0] = x->rank < 0 ? OR_DIM_UNKNOWN : x->dims[0];
  y->dims[1] = channels;
  for (int32_t i = 0; i < image.count; ++i) y->dims[i + 2] = image.known ? image.values[i] : OR_DIM_UNKNOWN;
  return or_shape_check_count(y);
}

static or_cost_t col2im_cost(const or_op_call_t *call) {
  or_cost_t cost = or_cost_per_output(call, 0);
  cost.flops = (double)or_shape_product(&call->inputs[0].shape, 0, 3);
  return cost;
}

/* One image is added up in 64-bit numbers; of complex ones first the real parts, then the imaginary ones. */
typedef struct columns_t {
  or_window_t window;
  or_dtype_t dtype; /* of the parts */
  int64_t parts, part;
  int64_t kernel_count, block_count, image_count;
  void *sums; /* [image_count] */
  or_stop_t *stop;
} columns_t;

static void add_image(const or_op_tensor_t *x, int64_t first, const columns_t *columns) {
  or_lanes_t lanes;
  memset(columns->sums, 0, (size_t)columns->image_count * sizeof(double));
  for (int64_t row = 0; row < columns->kernel_count && !or_stops(columns->stop, 1); ++row) {
    int64_t kernel[OR_MAX_SPATIAL];
    or_window_unravel((uint64_t)row, columns->window.kernel, columns->window.rank, kernel);
    for (int64_t done = 0; done < columns->block_count && !or_stops(columns->stop, OR_LANES); done += OR_LANES) {
      int64_t count = columns->block_count - done < OR_LANES ? columns->block_count - done : OR_LANES;
      int64_t at = (first + row * columns->block_count + done) * columns->parts + columns->part;
      or_lanes_load(columns->dtype, x->data, at, columns->parts, (size_t)count, &lanes);
      or_window_values_t added = {
          .first = done, .count = count, .integer = or_lane_kind(columns->dtype) != OR_LANE_REAL, .data = &lanes};
      or_window_add(&columns->window, kernel, added, columns->sums);
    }
  }
}

static void store_image(const or_op_tensor_t *y, int64_t first, const columns_t *columns) {
  or_lanes_t lanes;
  if (columns->parts > 1) {
    const double *sums = columns->sums;
    for (int64_t i = 0; i < columns->image_count; ++i) {
      or_element_set(columns->dtype, y->data, (size_t)((first + i) * columns->parts + columns->part), sums[i]);
    }
    return;
  }
  for (int64_t done = 0; done < columns->image_count; done += OR_LANES) {
    int64_t count = columns->image_count - done < OR_LANES ? columns->image_count - done : OR_LANES;
    memcpy(&lanes, (const double *)columns->sums + done, (size_t)count * sizeof(double));
    or_lanes_store(y->dtype, y->data, first + done, (size_t)count, or_lane_kind(columns->dtype), &lanes);
  }
}

static or_status_t col2im_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  or_integers_t image, block;
  columns_t columns = {.stop = call->stop, .parts = x->dtype == OR_COMPLEX64 || x->dtype == OR_COMPLEX128 ? 2 : 1};
  columns.dtype = columns.parts == 1 ? x->dtype : x->dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64;
  or_status_t status = read_list(call, 1, "image_shape", &image);
  if (or_ok(status)) status = read_list(call, 2, "block_shape", &block);
  if (or_ok(status)) status = make_window(call, &image, &block, &columns.window);
  int64_t images = (int64_t)or_shape_product(&y->shape, 0, 2);
  if (!or_ok(status) || images == 0) return status;
  columns.kernel_count = x->shape.dims[1] / y->shape.dims[1];
  columns.block_count = x->shape.dims[2];
  columns.image_count = (int64_t)or_shape_product(&y->shape, 2, y->shape.rank);
  size_t bytes = 0;
  if (!or_mul_size((size_t)columns.image_count, sizeof(double), &bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "an image of %lld sums is too large", (long long)columns.image_count);
  }
  status = or_alloc(call->allocator, bytes, &columns.sums);
  if (!or_ok(status)) return status;
  for (int64_t i = 0; i < images * columns.parts && !or_stops(call->stop, (uint64_t)columns.image_count); ++i) {
    int64_t at = i / columns.parts;
    columns.part = i % columns.parts;
    add_image(x, at * columns.kernel_count * columns.block_count, &columns);
    store_image(y, at * columns.image_count, &columns);
  }
  or_free(call->allocator, columns.sums);
  return status;
}
