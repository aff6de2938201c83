/* MaxRoiPool, and what it shares with RoiAlign. */
#include "ops/roi_pool.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/roi_pool_internal.h"

static or_status_t max_roi_pool_infer(or_op_call_t *call);
static or_cost_t max_roi_pool_cost(const or_op_call_t *call);
static or_status_t max_roi_pool_reference(or_op_call_t *call);

const or_op_t or_op_max_roi_pool = {
    .domain = "",
    .name = "MaxRoiPool",
    .summary = "maxima of the bins of regions",
    .since = {1, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"pooled_shape", OR_ATTRIBUTE_INTS, true}, {"spatial_scale", OR_ATTRIBUTE_FLOAT, false}},
    .infer = max_roi_pool_infer,
    .cost = max_roi_pool_cost,
    .reference = max_roi_pool_reference,
};

or_status_t or_roi_infer(or_op_call_t *call, int64_t columns, int64_t height, int64_t width) {
  const or_shape_t *x = &call->inputs[0].shape, *rois = &call->inputs[1].shape;
  int64_t found = columns;
  call->outputs[0].dtype = call->inputs[0].dtype;
  if (height < 1 || width < 1) {
    return or_error(OR_INVALID_ARGUMENT, "the output is %lld x %lld, expected at least 1 x 1", (long long)height,
                    (long long)width);
  }
  or_status_t status = or_infer_check_dtype(call, 1);
  if (or_ok(status)) status = or_infer_check_rank(call, 0, 4);
  if (or_ok(status)) status = or_infer_check_rank(call, 1, 2);
  if (or_ok(status) && rois->rank == 2) {
    status = or_infer_same_extent("numbers of a region", columns, rois->dims[1], &found);
  }
  if (!or_ok(status)) return status;
  call->outputs[0].shape = (or_shape_t){.rank = 4,
                                        .dims = {rois->rank == 2 ? rois->dims[0] : OR_DIM_UNKNOWN,
                                                 x->rank == 4 ? x->dims[1] : OR_DIM_UNKNOWN, height, width}};
  return or_shape_check_count(&call->outputs[0].shape);
}

or_roi_numbers_t or_roi_numbers(const or_op_call_t *call) {
  return (or_roi_numbers_t){.wide = call->inputs[0].dtype == OR_FLOAT64,
                            .scale = (double)or_op_attribute_float(call, "spatial_scale", 1)};
}

static or_status_t max_roi_pool_infer(or_op_call_t *call) {
  size_t count = 0;
  const int64_t *pooled = or_op_attribute_ints(call, "pooled_shape", &count);
  if (count != 2) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"pooled_shape\" has %zu values, expected 2", count);
  }
  return or_roi_infer(call, 5, pooled[0], pooled[1]);
}

static or_cost_t max_roi_pool_cost(const or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape, *y = &call->outputs[0].shape;
  double bins = (double)or_shape_product(y, 2, 4);
  return or_cost_per_output(call, (double)or_shape_product(x, 2, 4) / (bins > 0 ? bins : 1));
}

/* The elements [begin, end) of a bin along one axis of `extent` elements. */
typedef struct bin_t {
  int64_t begin, end;
} bin_t;

static int64_t limited(double value, int64_t extent) {
  return value > 0 ? value < (double)extent ? (int64_t)value : extent : 0; /* NaN: 0 */
}

static bin_t find_bin(const or_roi_numbers_t *numbers, const double *ends, int64_t bin, int64_t bins, int64_t extent) {
  double first = round(or_roi_round(numbers, ends[0] * numbers->scale));
  double last = round(or_roi_round(numbers, ends[1] * numbers->scale));
  double size = or_roi_round(numbers, fmax(last - first + 1, 1) / (double)bins);
  return (bin_t){limited(floor(or_roi_round(numbers, (double)bin * size)) + first, extent),
                 limited(ceil(or_roi_round(numbers, (double)(bin + 1) * size)) + first, extent)};
}

static double maximum_of(const or_op_call_t *call, uint64_t channel, bin_t rows, bin_t columns) {
  const or_op_tensor_t *x = &call->inputs[0];
  uint64_t width = (uint64_t)x->shape.dims[3], first = channel * (uint64_t)x->shape.dims[2] * width;
  double best = -INFINITY, values[OR_LANES];
  if (rows.begin >= rows.end || columns.begin >= columns.end) return 0;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    for (int64_t done = columns.begin; done < columns.end && !or_stops(call->stop, OR_LANES); done += OR_LANES) {
      size_t count = columns.end - done < OR_LANES ? (size_t)(columns.end - done) : OR_LANES;
      or_elements_load(x->dtype, x->data, first + (uint64_t)row * width + (uint64_t)done, count, values);
      for (size_t i = 0; i < count; ++i) {
        if (values[i] > best || isnan(values[i])) best = values[i]; /* nothing is larger than NaN */
      }
    }
  }
  return best;
}

static or_status_t max_roi_pool_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *rois = &call->inputs[1], *y = &call->outputs[0];
  const or_roi_numbers_t numbers = or_roi_numbers(call);
  int64_t regions = y->shape.dims[0], channels = y->shape.dims[1], bins_y = y->shape.dims[2];
  int64_t bins_x = y->shape.dims[3];
  uint64_t at = 0;
  for (int64_t region = 0; region < regions; ++region) {
    double roi[5];
    or_elements_load(rois->dtype, rois->data, (uint64_t)region * 5, 5, roi);
    if (!(roi[0] >= 0 && roi[0] < (double)x->shape.dims[0])) {
      return or_error(OR_INVALID_ARGUMENT, "region %lld is of image %g, input 0 has %lld", (long long)region, roi[0],
                      (long long)x->shape.dims[0]);
    }
    const double ends_x[2] = {roi[1], roi[3]}, ends_y[2] = {roi[2], roi[4]};
    for (int64_t bin = 0; bin < channels * bins_y * bins_x && !or_stops(call->stop, 8); ++bin) {
      uint64_t channel = (uint64_t)((int64_t)roi[0] * channels + bin / (bins_y * bins_x));
      bin_t rows = find_bin(&numbers, ends_y, bin / bins_x % bins_y, bins_y, x->shape.dims[2]);
      bin_t columns = find_bin(&numbers, ends_x, bin % bins_x, bins_x, x->shape.dims[3]);
      double value = maximum_of(call, channel, rows, columns);
      or_elements_store(y->dtype, y->data, at++, 1, &value);
    }
  }
  return or_status_success();
}
