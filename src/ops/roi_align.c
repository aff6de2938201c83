/* The RoiAlign part of ops/roi_pool.h. */
#include <math.h>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/roi_pool.h"
#include "ops/roi_pool_internal.h"

static or_status_t roi_align_infer(or_op_call_t *call);
static or_cost_t roi_align_cost(const or_op_call_t *call);
static or_status_t roi_align_reference(or_op_call_t *call);

const or_op_t or_op_roi_align = {
    .domain = "",
    .name = "RoiAlign",
    .summary = "means or maxima of interpolated points in the bins of regions",
    .since = {10, 16, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 3,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"coordinate_transformation_mode", OR_ATTRIBUTE_STRING, false},
                   {"mode", OR_ATTRIBUTE_STRING, false},
                   {"output_height", OR_ATTRIBUTE_INT, false},
                   {"output_width", OR_ATTRIBUTE_INT, false},
                   {"sampling_ratio", OR_ATTRIBUTE_INT, false},
                   {"spatial_scale", OR_ATTRIBUTE_FLOAT, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = roi_align_infer,
    .cost = roi_align_cost,
    .reference = roi_align_reference,
};

#define SAMPLING_RATIO_MAX 1024 /* points a side of a bin */

static or_status_t check_words(const or_op_call_t *call) {
  if (!or_op_attribute_is(call, "mode", "avg", "avg") && !or_op_attribute_is(call, "mode", "max", "avg")) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"mode\" is neither avg nor max");
  }
  const char *name = "coordinate_transformation_mode";
  if (or_op_attribute(call, name) == NULL) return or_status_success();
  if (call->node->version < 16) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" came with version 16, the node is of version %d", name,
                    call->node->version);
  }
  if (or_op_attribute_is(call, name, "half_pixel", "") || or_op_attribute_is(call, name, "output_half_pixel", "")) {
    return or_status_success();
  }
  return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" is neither half_pixel nor output_half_pixel", name);
}

static or_status_t roi_align_infer(or_op_call_t *call) {
  const or_op_tensor_t *images = &call->inputs[2];
  int64_t ratio = or_op_attribute_int(call, "sampling_ratio", 0);
  or_status_t status = check_words(call);
  if (or_ok(status) && (ratio < 0 || ratio > SAMPLING_RATIO_MAX)) {
    status = or_error(OR_INVALID_ARGUMENT, "attribute \"sampling_ratio\" is %lld, outside [0, %d]", (long long)ratio,
                      SAMPLING_RATIO_MAX);
  }
  if (or_ok(status) && images->dtype != OR_INT64) {
    status = or_error(OR_INVALID_ARGUMENT, "input 2 is %s, expected int64", or_dtype_name(images->dtype));
  }
  if (or_ok(status)) status = or_infer_check_rank(call, 2, 1);
  if (or_ok(status)) {
    status = or_roi_infer(call, 4, or_op_attribute_int(call, "output_height", 1),
                          or_op_attribute_int(call, "output_width", 1));
  }
  if (or_ok(status) && images->shape.rank == 1) {
    int64_t *regions = &call->outputs[0].shape.dims[0];
    status = or_infer_same_extent("regions and batch_indices", *regions, images->shape.dims[0], regions);
  }
  return status;
}

static or_cost_t roi_align_cost(const or_op_call_t *call) {
  double ratio = (double)or_op_attribute_int(call, "sampling_ratio", 0);
  return or_cost_per_output(call, 10 * (ratio > 0 ? ratio * ratio : 4));
}

/* Where a point lies between two elements. */
typedef struct between_t {
  int64_t low, high;
  double weight; /* of high */
} between_t;

/* Along one axis of a region: the points near X of each bin, which are rows or columns of points in the plane. */
typedef struct side_t {
  or_roi_numbers_t numbers;
  double start, bin, total; /* of the region; size of a bin; points of a bin, near X or not */
  int64_t extent, bins;     /* of X and Y */
  int64_t room;             /* near points of a bin at most */
  between_t *points;        /* [bins, room] */
  int64_t *counts;          /* [bins] of them */
  int64_t low, high;        /* the elements that points touch; high < low: none */
} side_t;

/* The numbers [begin, end) of points among which all that are near X lie: an enormous region has few of those. */
static void range_of(const side_t *side, double start, int64_t *begin, int64_t *end) {
  *begin = 0;
  *end = side->total <= SAMPLING_RATIO_MAX ? (int64_t)side->total : 0;
  if (side->total <= SAMPLING_RATIO_MAX || !(side->bin > 0)) return;
  double spacing = side->bin / side->total; /* at most 1, and nearly that */
  double first = floor((-1 - start) / spacing) - 2, last = ceil(((double)side->extent - start) / spacing) + 2;
  if (!(first < side->total && first < 0x1p53 && last > 0)) return;
  *begin = first > 0 ? (int64_t)first : 0;
  *end = (int64_t)fmin(fmin(last, side->total), 0x1p54);
}

/* False: outside. */
static bool place(const side_t *side, double start, int64_t index, between_t *out) {
  const or_roi_numbers_t *numbers = &side->numbers;
  double moved = or_roi_round(numbers, or_roi_round(numbers, ((double)index + 0.5) * side->bin) / side->total);
  double at = or_roi_round(numbers, start + moved);
  if (!(at >= -1 && at <= (double)side->extent) || side->extent == 0) return false;
  if (at < 0) at = 0;
  *out = (between_t){.low = (int64_t)at};
  if (out->low >= side->extent - 1) {
    out->low = out->high = side->extent - 1;
  } else {
    out->high = out->low + 1;
    out->weight = or_roi_round(numbers, at - (double)out->low);
  }
  return true;
}

static void place_points(side_t *side) {
  side->low = side->extent;
  side->high = -1;
  for (int64_t bin = 0; bin < side->bins; ++bin) {
    double start = or_roi_round(&side->numbers, side->start + or_roi_round(&side->numbers, (double)bin * side->bin));
    between_t *points = side->points + bin * side->room;
    int64_t begin = 0, end = 0, count = 0;
    range_of(side, start, &begin, &end);
    for (int64_t i = begin; i < end && count < side->room; ++i) {
      if (!place(side, start, i, &points[count])) continue;
      if (points[count].low < side->low) side->low = points[count].low;
      if (points[count].high > side->high) side->high = points[count].high;
      ++count;
    }
    side->counts[bin] = count;
  }
}

/* A region is cut: axis 0 is y. */
static void cut(const or_op_call_t *call, const double *roi, side_t sides[2]) {
  int64_t ratio = or_op_attribute_int(call, "sampling_ratio", 0);
  bool half = call->node->version >= 16 &&
              or_op_attribute_is(call, "coordinate_transformation_mode", "half_pixel", "half_pixel");
  for (int axis = 0; axis < 2; ++axis) {
    side_t *side = &sides[axis];
    const or_roi_numbers_t *numbers = &side->numbers;
    double offset = half ? 0.5 : 0;
    double end = or_roi_round(numbers, or_roi_round(numbers, roi[3 - axis] * numbers->scale) - offset);
    side->start = or_roi_round(numbers, or_roi_round(numbers, roi[1 - axis] * numbers->scale) - offset);
    double size = or_roi_round(numbers, end - side->start);
    if (!half && size < 1) size = 1;
    side->bin = or_roi_round(numbers, size / (double)side->bins);
    side->total = ratio > 0 ? (double)ratio : ceil(side->bin);
    if (!(side->total >= 0)) side->total = 0; /* NaN and what is turned round have no points */
    place_points(side);
  }
}

/* What bins are made of: the part of a channel that points touch, as doubles. */
typedef struct plane_t {
  const side_t *sides;
  double *values;
  bool max;
} plane_t;

static void load_plane(or_stop_t *stop, const or_op_tensor_t *x, uint64_t channel, plane_t *plane) {
  const side_t *rows = &plane->sides[0], *columns = &plane->sides[1];
  uint64_t width = (uint64_t)x->shape.dims[3], first = channel * (uint64_t)x->shape.dims[2] * width;
  if (rows->high < rows->low || columns->high < columns->low) return;
  size_t count = (size_t)(columns->high - columns->low + 1);
  for (int64_t row = rows->low; row <= rows->high && !or_stops(stop, count); ++row) {
    or_elements_load(x->dtype, x->data, first + (uint64_t)row * width + (uint64_t)columns->low, count,
                     plane->values + (uint64_t)row * width + (uint64_t)columns->low);
  }
}

static double larger(double a, double b) { return b > a || isnan(b) ? b : a; }

static double bin_value(const plane_t *plane, int64_t bin_y, int64_t bin_x) {
  const side_t *rows = &plane->sides[0], *columns = &plane->sides[1];
  const between_t *row = rows->points + bin_y * rows->room;
  int64_t row_count = rows->counts[bin_y], column_count = columns->counts[bin_x];
  double total = rows->total * columns->total, sum = 0;
  double best = (double)row_count * (double)column_count < total || total < 1 ? 0 : -INFINITY; /* 0: those outside */
  for (int64_t i = 0; i < row_count; ++i, ++row) {
    const double *low = plane->values + row->low * columns->extent;
    const double *high = plane->values + row->high * columns->extent;
    const between_t *column = columns->points + bin_x * columns->room;
    for (int64_t j = 0; j < column_count; ++j, ++column) {
      double a = (1 - row->weight) * (1 - column->weight) * low[column->low];
      double b = (1 - row->weight) * column->weight * low[column->high];
      double c = row->weight * (1 - column->weight) * high[column->low];
      double d = row->weight * column->weight * high[column->high];
      if (plane->max) {
        best = larger(best, larger(larger(a, b), larger(c, d)));
      } else {
        sum += a + b + c + d;
      }
    }
  }
  return plane->max ? best : sum / fmax(total, 1);
}

static or_status_t alloc_array(const or_op_call_t *call, int64_t rows, int64_t columns, size_t bytes, void **out) {
  size_t count = 0, total = 0;
  if (!or_mul_size((size_t)rows, (size_t)columns, &count) || !or_mul_size(count, bytes, &total)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "%lld x %lld elements are too many", (long long)rows, (long long)columns);
  }
  return or_alloc(call->allocator, total > 0 ? total : 1, out);
}

static or_status_t alloc_side(const or_op_call_t *call, int axis, side_t *side) {
  int64_t ratio = or_op_attribute_int(call, "sampling_ratio", 0);
  void *points = NULL, *counts = NULL;
  *side = (side_t){.numbers = or_roi_numbers(call),
                   .extent = call->inputs[0].shape.dims[2 + axis],
                   .bins = call->outputs[0].shape.dims[2 + axis]};
  /* Adaptive points are half an element apart or more, and from one before X to one behind it. */
  side->room = ratio > 0 ? ratio : 2 * side->extent + 8;
  or_status_t status = alloc_array(call, side->bins, side->room, sizeof(between_t), &points);
  if (or_ok(status)) status = alloc_array(call, side->bins, 1, sizeof(int64_t), &counts);
  side->points = points;
  side->counts = counts;
  return status;
}

static or_status_t align_regions(const or_op_call_t *call, side_t sides[2], double *values) {
  const or_op_tensor_t *x = &call->inputs[0], *rois = &call->inputs[1], *y = &call->outputs[0];
  const int64_t *images = call->inputs[2].data, channels = y->shape.dims[1], width = y->shape.dims[3];
  plane_t plane = {.sides = sides, .values = values, .max = or_op_attribute_is(call, "mode", "max", "avg")};
  uint64_t at = 0;
  for (int64_t r = 0; r < y->shape.dims[0] && !or_stops(call->stop, 16 * (uint64_t)(sides[0].bins + sides[1].bins));
       ++r) {
    double roi[4];
    or_elements_load(rois->dtype, rois->data, (uint64_t)r * 4, 4, roi);
    if (images[r] < 0 || images[r] >= x->shape.dims[0]) {
      return or_error(OR_INVALID_ARGUMENT, "region %lld is of image %lld, input 0 has %lld", (long long)r,
                      (long long)images[r], (long long)x->shape.dims[0]);
    }
    cut(call, roi, sides);
    for (int64_t channel = 0; channel < channels && !or_stops(call->stop, 1); ++channel) {
      load_plane(call->stop, x, (uint64_t)(images[r] * channels + channel), &plane);
      for (int64_t bin = 0;
           bin < y->shape.dims[2] * width && !or_stops(call->stop, 4 * (uint64_t)(1 + sides[0].room * sides[1].room));
           ++bin) {
        double value = bin_value(&plane, bin / width, bin % width);
        or_elements_store(y->dtype, y->data, at++, 1, &value);
      }
    }
  }
  return or_status_success();
}

static or_status_t roi_align_reference(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape;
  side_t sides[2] = {{.points = NULL}, {.points = NULL}};
  void *values = NULL;
  if (call->outputs[0].shape.dims[0] == 0) return or_status_success();
  or_status_t status = alloc_side(call, 0, &sides[0]);
  if (or_ok(status)) status = alloc_side(call, 1, &sides[1]);
  if (or_ok(status)) status = alloc_array(call, x->dims[2], x->dims[3], sizeof(double), &values);
  if (or_ok(status)) status = align_regions(call, sides, values);
  or_free(call->allocator, values);
  for (int axis = 0; axis < 2; ++axis) {
    or_free(call->allocator, sides[axis].points);
    or_free(call->allocator, sides[axis].counts);
  }
  return status;
}
