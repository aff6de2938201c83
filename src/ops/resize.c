#include "ops/resize.h"

#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/resize_taps.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t resize_infer(or_op_call_t *call);
static or_cost_t resize_cost(const or_op_call_t *call);

const or_op_t or_op_resize = {
    .domain = "",
    .name = "Resize",
    .summary = "a tensor at another resolution: nearest, linear or cubic",
    .since = {10, 11, 13, 18, 19},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 1,
    .input_max = 4,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .value_inputs = 1u << 1 | 1u << 2 | 1u << 3,
    .attributes = {{"antialias", OR_ATTRIBUTE_INT, false},
                   {"axes", OR_ATTRIBUTE_INTS, false},
                   {"coordinate_transformation_mode", OR_ATTRIBUTE_STRING, false},
                   {"cubic_coeff_a", OR_ATTRIBUTE_FLOAT, false},
                   {"exclude_outside", OR_ATTRIBUTE_INT, false},
                   {"extrapolation_value", OR_ATTRIBUTE_FLOAT, false},
                   {"keep_aspect_ratio_policy", OR_ATTRIBUTE_STRING, false},
                   {"mode", OR_ATTRIBUTE_STRING, false},
                   {"nearest_mode", OR_ATTRIBUTE_STRING, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = resize_infer,
    .cost = resize_cost,
    .reference = or_resize_reference,
};

const or_op_t or_op_upsample = {
    .domain = "",
    .name = "Upsample",
    .summary = "the older form of Resize",
    .since = {7, 9},
    .changes = {OR_OP_BFLOAT16_SINCE(13)}, /* as Resize, which took over at 10 */
    .input_min = 1,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .value_inputs = 1u << 1,
    .attributes = {{"mode", OR_ATTRIBUTE_STRING, false}, {"scales", OR_ATTRIBUTE_FLOATS, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = resize_infer,
    .cost = resize_cost,
    .reference = or_resize_reference,
};

static or_status_t resize_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  or_resize_t resize;
  call->outputs[0].dtype = call->inputs[0].dtype;
  if (in->rank < 0) return or_status_success();
  or_status_t status = or_resize_make(call, &resize);
  if (or_ok(status) && resize.mode != OR_RESIZE_NEAREST && call->inputs[0].dtype == OR_STRING)
    status = or_error(OR_INVALID_ARGUMENT, "text can't be interpolated: the mode of string must be nearest");
  if (or_ok(status)) status = or_shape_unknown(in->rank, out);
  if (!or_ok(status)) return status;
  for (int32_t i = 0; i < in->rank; ++i) out->dims[i] = resize.axes[i].out;
  return or_shape_check_count(out);
}

static or_cost_t resize_cost(const or_op_call_t *call) {
  bool nearest = or_op_attribute_is(call, "mode", "nearest", "nearest");
  bool cubic = or_op_attribute_is(call, "mode", "cubic", "nearest");
  return or_cost_per_output(call, nearest ? 0 : cubic ? 32 : 8);
}

/* ---- attributes ---- */

static or_status_t choose(const or_op_call_t *call, const char *name, const char *const *names, size_t count,
                          const char *fallback, int *out) {
  for (size_t i = 0; i < count; ++i) {
    *out = (int)i;
    if (or_op_attribute_is(call, name, names[i], fallback)) return or_status_success();
  }
  const or_attribute_t *attribute = or_op_attribute(call, name);
  return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" is \"%.*s\", which is not known", name,
                  (int)attribute->string.length, attribute->string.data);
}

static bool is_old(const or_op_call_t *call) { return call->op == &or_op_upsample || call->node->version < 11; }

static or_status_t read_modes(const or_op_call_t *call, or_resize_t *out) {
  static const char *const modes[] = {"nearest", "linear", "cubic", "bilinear"};
  static const char *const coordinates[] = {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                                            "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
  static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  int choice = 0;
  or_status_t status = choose(call, "mode", modes, is_old(call) ? 4 : 3, "nearest", &choice);
  if (!or_ok(status)) return status;
  out->mode = choice == 3 ? OR_RESIZE_LINEAR : (or_resize_mode_t)choice;
  if (is_old(call)) {
    out->coordinates = OR_RESIZE_ASYMMETRIC;
    out->rounding = OR_RESIZE_SIMPLE;
    if (out->mode == OR_RESIZE_CUBIC) return or_error(OR_INVALID_ARGUMENT, "mode cubic came with version 11 of Resize");
    return status;
  }
  status = choose(call, "coordinate_transformation_mode", coordinates, 7, "half_pixel", &choice);
  out->coordinates = (or_resize_coordinates_t)choice;
  if (or_ok(status)) status = choose(call, "nearest_mode", roundings, 4, "round_prefer_floor", &choice);
  out->rounding = (or_resize_rounding_t)choice;
  out->antialias = or_op_attribute_int(call, "antialias", 0) != 0;
  out->exclude_outside = or_op_attribute_int(call, "exclude_outside", 0) != 0;
  out->cubic = (double)or_op_attribute_float(call, "cubic_coeff_a", -0.75F);
  out->extrapolation = (double)or_op_attribute_float(call, "extrapolation_value", 0);
  return status;
}

/* ---- scales, sizes, region ---- */

/* `count` numbers of a list input as doubles; *known false where the values are not known, *count 0 for an empty one.
 * */
static or_status_t read_numbers(const or_op_call_t *call, uint32_t index, const char *name, double *values,
                                int32_t *count, bool *known) {
  *count = 0;
  *known = true;
  if (!or_op_has_input(call, index)) return or_status_success();
  const or_op_tensor_t *input = &call->inputs[index];
  uint64_t length = 0;
  if (!or_dtype_is_one_of(input->dtype, OR_OP_FLOATS | OR_DTYPE_BIT(OR_INT64)))
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) is %s", index, name, or_dtype_name(input->dtype));
  if (!or_shape_count(&input->shape, &length)) {
    *known = false;
    *count = -1;
    return or_status_success();
  }
  if (length > 2 * OR_MAX_RANK)
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) has %llu entries", index, name, (unsigned long long)length);
  *count = (int32_t)length;
  *known = length == 0 || input->data != NULL;
  for (size_t i = 0; *known && i < length; ++i) values[i] = or_element_get(input->dtype, input->data, i);
  return or_status_success();
}

static or_status_t apply_scales(const or_op_call_t *call, const int32_t *axes, int32_t count, const double *scales,
                                or_resize_t *out);
static or_status_t apply_sizes(const or_op_call_t *call, const int32_t *axes, int32_t count, const double *sizes,
                               or_resize_t *out);

/* The axes that the inputs speak of, in their order. */
static or_status_t read_axes(const or_op_call_t *call, int32_t rank, int32_t axes[OR_MAX_RANK], int32_t *count) {
  or_integers_t given;
  or_status_t status = or_integers_attribute(call, "axes", &given);
  bool marked[OR_MAX_RANK], all = or_op_attribute(call, "axes") == NULL;
  if (or_ok(status) && !all) status = or_integers_mark_axes(&given, rank, marked);
  *count = all ? rank : given.count;
  for (int32_t i = 0; or_ok(status) && i < *count; ++i) {
    axes[i] = i;
    if (!all) status = or_axis_normalize(given.values[i], rank, &axes[i]);
  }
  return status;
}

static or_status_t read_region(const or_op_call_t *call, const int32_t *axes, int32_t count, or_resize_t *out) {
  double region[2 * OR_MAX_RANK];
  int32_t length = 0;
  bool known = false;
  if (out->coordinates != OR_RESIZE_TF_CROP) return or_status_success();
  or_status_t status = read_numbers(call, 1, "roi", region, &length, &known);
  if (!or_ok(status) || !known) {
    out->known = false;
    return status;
  }
  if (length != 2 * count)
    return or_error(OR_INVALID_ARGUMENT, "input 1 (roi) has %d entries for %d axes; it must have two each", length,
                    count);
  for (int32_t i = 0; i < count; ++i) {
    out->axes[axes[i]].start = region[i];
    out->axes[axes[i]].end = region[count + i];
  }
  return status;
}

static or_status_t read_attribute_scales(const or_op_call_t *call, double *scales, int32_t *count) {
  const or_attribute_t *attribute = or_op_attribute(call, "scales");
  if (attribute == NULL) return or_error(OR_INVALID_ARGUMENT, "attribute \"scales\" is missing");
  if (attribute->count > OR_MAX_RANK)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"scales\" has %zu entries", attribute->count);
  *count = (int32_t)attribute->count;
  for (int32_t i = 0; i < *count; ++i) scales[i] = (double)attribute->reals[i];
  return or_status_success();
}

or_status_t or_resize_make(const or_op_call_t *call, or_resize_t *out) {
  const or_shape_t *in = &call->inputs[0].shape;
  double scales[2 * OR_MAX_RANK], sizes[2 * OR_MAX_RANK];
  int32_t axes[OR_MAX_RANK], axis_count = 0, scale_count = 0, size_count = 0;
  bool scales_known = true, sizes_known = true;
  *out = (or_resize_t){.known = true, .rank = in->rank};
  for (int32_t i = 0; i < in->rank; ++i)
    out->axes[i] = (or_resize_axis_t){.in = in->dims[i], .out = in->dims[i], .scale = 1, .from = 1, .to = 1, .end = 1};
  or_status_t status = read_modes(call, out);
  if (or_ok(status)) status = read_axes(call, in->rank, axes, &axis_count);
  if (or_ok(status)) status = read_region(call, axes, axis_count, out);
  if (!or_ok(status)) return status;
  if (call->op == &or_op_upsample && call->node->version < 9) {
    status = read_attribute_scales(call, scales, &scale_count);
  } else {
    status = read_numbers(call, is_old(call) ? 1 : 2, "scales", scales, &scale_count, &scales_known);
    if (or_ok(status) && !is_old(call)) status = read_numbers(call, 3, "sizes", sizes, &size_count, &sizes_known);
  }
  if (!or_ok(status)) return status;
  if (!scales_known || !sizes_known || !out->known) {
    out->known = false;
    for (int32_t i = 0; i < axis_count; ++i) out->axes[axes[i]].out = OR_DIM_UNKNOWN;
    return status;
  }
  if ((scale_count > 0) == (size_count > 0) && axis_count > 0)
    return or_error(OR_INVALID_ARGUMENT, "one of scales and sizes must be given, and only one");
  int32_t count = scale_count > 0 ? scale_count : size_count;
  if (count != axis_count) return or_error(OR_INVALID_ARGUMENT, "%d scales or sizes for %d axes", count, axis_count);
  return scale_count > 0 ? apply_scales(call, axes, count, scales, out) : apply_sizes(call, axes, count, sizes, out);
}

/* Largest extent that a double tells from its neighbours. */
#define MAX_EXTENT 9007199254740992.0

static or_status_t apply_scales(const or_op_call_t *call, const int32_t *axes, int32_t count, const double *scales,
                                or_resize_t *out) {
  (void)call;
  for (int32_t i = 0; i < count; ++i) {
    or_resize_axis_t *axis = &out->axes[axes[i]];
    if (!(scales[i] > 0) || isinf(scales[i]))
      return or_error(OR_INVALID_ARGUMENT, "scale %g of axis %d must be greater than 0", scales[i], axes[i]);
    axis->scale = axis->to = scales[i];
    if (axis->in < 0) {
      if (scales[i] != 1) axis->out = OR_DIM_UNKNOWN;
      continue;
    }
    /* In float, as the standard's own shape inference computes it. */
    float extent = floorf((float)axis->in * (float)scales[i]);
    if (!(extent >= 0) || (double)extent > MAX_EXTENT)
      return or_error(OR_OUT_OF_RANGE, "axis %d would have %g elements", axes[i], (double)extent);
    axis->out = scales[i] == 1 ? axis->in : (int64_t)extent;
  }
  return or_status_success();
}

static or_status_t apply_sizes(const or_op_call_t *call, const int32_t *axes, int32_t count, const double *sizes,
                               or_resize_t *out) {
  static const char *const policies[] = {"stretch", "not_larger", "not_smaller"};
  int policy = 0;
  or_resize_axis_t shared = {.scale = 0};
  or_status_t status = choose(call, "keep_aspect_ratio_policy", policies, 3, "stretch", &policy);
  for (int32_t i = 0; or_ok(status) && i < count; ++i) {
    or_resize_axis_t *axis = &out->axes[axes[i]];
    if (!(sizes[i] >= 0) || sizes[i] > MAX_EXTENT)
      return or_error(OR_INVALID_ARGUMENT, "size %.0f of axis %d", sizes[i], axes[i]);
    axis->out = (int64_t)sizes[i];
    if (policy != 0 && axis->in < 0) out->known = false;
    if (axis->in <= 0) continue;
    axis->from = (double)axis->in;
    axis->to = sizes[i];
    axis->scale = axis->to / axis->from;
    bool sets = shared.in == 0 || (policy == 1 ? axis->scale < shared.scale : axis->scale > shared.scale);
    if (sets) shared = *axis;
  }
  for (int32_t i = 0; or_ok(status) && policy != 0 && i < count; ++i) {
    or_resize_axis_t *axis = &out->axes[axes[i]];
    axis->out = OR_DIM_UNKNOWN;
    if (!out->known) continue;
    axis->out = 0;
    if (axis->in == 0) continue;
    axis->scale = shared.scale;
    axis->from = shared.from;
    axis->to = shared.to;
    double extent = floor((double)axis->in * axis->to / axis->from + 0.5);
    if (extent > MAX_EXTENT) return or_error(OR_OUT_OF_RANGE, "axis %d would have %g elements", axes[i], extent);
    axis->out = (int64_t)extent;
  }
  return status;
}
