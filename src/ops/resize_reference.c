/* The arithmetic of Resize: one axis after the other. */
#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/resize_taps.h"
#include "ops/rows.h"
#include "ops/shape.h"
#include "ops/strings.h"

static double coordinate(const or_resize_t *resize, const or_resize_axis_t *axis, int64_t at);
static double filter(const or_resize_t *resize, double distance);
static int64_t clamp(int64_t value, int64_t high) { return value < 0 ? 0 : value > high ? high : value; }

/* ---- where an element comes from ---- */

/* Half the width of the filter, in elements of the input. */
static double reach(const or_resize_t *resize, const or_resize_axis_t *axis) {
  double width = resize->mode == OR_RESIZE_CUBIC ? 2 : 1;
  return resize->antialias && axis->scale < 1 ? width / axis->scale : width;
}

size_t or_resize_tap_count(const or_resize_t *resize, int32_t axis) {
  if (resize->mode == OR_RESIZE_NEAREST) return 1;
  return 2 * (size_t)ceil(reach(resize, &resize->axes[axis]));
}

bool or_resize_is_identity(const or_resize_t *resize, int32_t axis) {
  const or_resize_axis_t *a = &resize->axes[axis];
  return a->in == a->out && a->scale == 1 && resize->coordinates != OR_RESIZE_TF_CROP &&
         resize->coordinates != OR_RESIZE_TF_HALF_PIXEL;
}

static int64_t nearest(const or_resize_t *resize, const or_resize_axis_t *axis, double x) {
  double below = floor(x);
  switch (resize->rounding) {
  case OR_RESIZE_PREFER_FLOOR: return (int64_t)(x - below > 0.5 ? below + 1 : below);
  case OR_RESIZE_PREFER_CEIL: return (int64_t)(x - below >= 0.5 ? below + 1 : below);
  case OR_RESIZE_FLOOR: return (int64_t)below;
  case OR_RESIZE_CEIL: return (int64_t)ceil(x);
  case OR_RESIZE_SIMPLE: return (int64_t)(axis->scale < 1 ? ceil(x) : below);
  }
  return 0;
}

void or_resize_taps(const or_resize_t *resize, int32_t index, int64_t at, double *weights, or_taps_t *out) {
  const or_resize_axis_t *axis = &resize->axes[index];
  double x = coordinate(resize, axis, at);
  *out = (or_taps_t){.count = 1, .weights = weights};
  out->outside = resize->coordinates == OR_RESIZE_TF_CROP && (x < 0 || x > (double)(axis->in - 1));
  weights[0] = 1;
  /* Nothing is meant to be taken from far outside, and what is must fit an integer. */
  if (x < -(double)axis->in) x = -(double)axis->in;
  if (x > 2 * (double)axis->in) x = 2 * (double)axis->in;
  if (resize->mode == OR_RESIZE_NEAREST) {
    out->first = clamp(nearest(resize, axis, x), axis->in - 1);
    return;
  }
  double base = ceil(x) - 1, ratio = x - base, sum = 0; /* of two elements as far, the left one is nearer */
  double stretch = resize->antialias && axis->scale < 1 ? axis->scale : 1;
  out->count = or_resize_tap_count(resize, index);
  int64_t begin = 1 - (int64_t)(out->count / 2);
  out->first = (int64_t)base + begin;
  for (size_t i = 0; i < out->count; ++i) {
    int64_t position = out->first + (int64_t)i;
    bool excluded = resize->exclude_outside && (position < 0 || position >= axis->in);
    weights[i] = excluded ? 0 : filter(resize, ((double)(begin + (int64_t)i) - ratio) * stretch);
    sum += weights[i];
  }
  for (size_t i = 0; sum != 0 && i < out->count; ++i) weights[i] /= sum;
}

static double coordinate(const or_resize_t *resize, const or_resize_axis_t *axis, int64_t at) {
  double x = (double)at, in = (double)axis->in, out = (double)axis->out, length = in * axis->to / axis->from;
  double half_pixel = (x + 0.5) * axis->from / axis->to - 0.5;
  switch (resize->coordinates) {
  case OR_RESIZE_HALF_PIXEL: return half_pixel;
  case OR_RESIZE_HALF_PIXEL_SYMMETRIC: return in / 2 * (1 - out / length) + half_pixel;
  case OR_RESIZE_PYTORCH_HALF_PIXEL: return axis->out > 1 ? half_pixel : 0;
  case OR_RESIZE_ALIGN_CORNERS: return axis->out > 1 ? x * (in - 1) / (length - 1) : 0; /* not rounded */
  case OR_RESIZE_ASYMMETRIC: return x * axis->from / axis->to;
  case OR_RESIZE_TF_HALF_PIXEL: return half_pixel + 0.5;
  case OR_RESIZE_TF_CROP:
    if (axis->out > 1) return axis->start * (in - 1) + x * (axis->end - axis->start) * (in - 1) / (out - 1);
    return 0.5 * (axis->start + axis->end) * (in - 1);
  }
  return 0;
}

static double filter(const or_resize_t *resize, double distance) {
  double x = fabs(distance), a = resize->cubic;
  if (resize->mode == OR_RESIZE_LINEAR) return x < 1 ? 1 - x : 0;
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* ---- the passes ---- */

/* What is worked on: X as numbers, of which a complex element is two. */
typedef struct samples_t {
  or_dtype_t dtype;
  uint64_t parts; /* numbers of an element */
} samples_t;

static samples_t samples_of(or_dtype_t dtype) {
  if (dtype == OR_COMPLEX64) return (samples_t){OR_FLOAT32, 2};
  if (dtype == OR_COMPLEX128) return (samples_t){OR_FLOAT64, 2};
  return (samples_t){dtype, 1};
}

/* Integers are rounded, halves to even. */
static void store_samples(samples_t samples, void *data, uint64_t first, size_t count, double *values) {
  for (size_t i = 0; or_dtype_is_integer(samples.dtype) && i < count; ++i) values[i] = nearbyint(values[i]);
  or_elements_store(samples.dtype, data, first, count, values);
}

typedef struct resampling_t {
  const or_resize_t *resize;
  uint64_t parts;
  or_stop_t *stop;
} resampling_t;

/* Resamples one axis of `from` (shape `shape`, whose extent there becomes the output's) to `to`. */
static void resample(const resampling_t *resampling, int32_t axis, or_shape_t *shape, double *const data[2],
                     double *weights) {
  const or_resize_t *resize = resampling->resize;
  const uint64_t parts = resampling->parts;
  const double *from = data[0];
  uint64_t outer = or_shape_product(shape, 0, axis), inner = or_shape_product(shape, axis + 1, shape->rank) * parts;
  int64_t in = resize->axes[axis].in, out = resize->axes[axis].out;
  for (int64_t at = 0; at < out && !or_stops(resampling->stop, 1); ++at) {
    or_taps_t taps;
    or_resize_taps(resize, axis, at, weights, &taps);
    for (uint64_t o = 0; o < outer && !or_stops(resampling->stop, inner * (1 + taps.count)); ++o) {
      double *row = data[1] + (o * (uint64_t)out + (uint64_t)at) * inner;
      for (uint64_t i = 0; i < inner; ++i) row[i] = 0;
      for (size_t k = 0; k < taps.count; ++k) {
        const double *source = from + (o * (uint64_t)in + (uint64_t)clamp(taps.first + (int64_t)k, in - 1)) * inner;
        for (uint64_t i = 0; i < inner; ++i) row[i] += taps.weights[k] * source[i];
      }
    }
  }
  shape->dims[axis] = out;
}

/* Elements whose coordinate along some axis lies outside the region get the extrapolation value. */
static void extrapolate(const or_op_call_t *call, const or_resize_t *resize, double *weights) {
  const or_op_tensor_t *y = &call->outputs[0];
  uint8_t element[16] = {0};
  double value = resize->extrapolation;
  size_t bytes = or_dtype_bits(y->dtype) / 8;
  if (resize->coordinates != OR_RESIZE_TF_CROP) return;
  if (y->dtype == OR_STRING) {
    or_strings_clear(element, 1);
  } else {
    store_samples(samples_of(y->dtype), element, 0, 1, &value);
  }
  for (int32_t axis = 0; axis < resize->rank; ++axis) {
    uint64_t outer = or_shape_product(&y->shape, 0, axis), inner = or_shape_product(&y->shape, axis + 1, y->shape.rank);
    for (int64_t at = 0; at < resize->axes[axis].out; ++at) {
      or_taps_t taps;
      or_resize_taps(resize, axis, at, weights, &taps);
      for (uint64_t o = 0; taps.outside && o < outer && !or_stops(call->stop, inner); ++o) {
        uint64_t first = (o * (uint64_t)resize->axes[axis].out + (uint64_t)at) * inner;
        for (uint64_t i = 0; i < inner; ++i) memcpy((char *)y->data + (first + i) * bytes, element, bytes);
      }
    }
  }
}

/* Axes that shrink come first, so that nothing between two passes is larger than both X and Y. */
static or_status_t interpolate(or_op_call_t *call, const or_resize_t *resize) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  samples_t samples = samples_of(x->dtype);
  or_shape_t shape = x->shape;
  size_t taps = 1, bound = 0;
  uint64_t in = or_shape_product(&x->shape, 0, x->shape.rank), out = or_shape_product(&y->shape, 0, y->shape.rank);
  for (int32_t i = 0; i < resize->rank; ++i) {
    size_t own = or_resize_tap_count(resize, i);
    if (own > taps) taps = own;
  }
  if (!or_mul_size((size_t)(in > out ? in : out), (size_t)samples.parts, &bound))
    return or_error(OR_RESOURCE_EXHAUSTED, "the intermediate result has more than %zu elements", SIZE_MAX);
  void *buffers[2] = {NULL, NULL}, *weights = NULL;
  or_status_t status = or_alloc_array(call->allocator, taps, sizeof(double), &weights);
  for (int i = 0; or_ok(status) && i < 2; ++i)
    status = or_alloc_array(call->allocator, bound, sizeof(double), &buffers[i]);
  if (or_ok(status)) {
    double *data[2] = {buffers[0], buffers[1]};
    const resampling_t resampling = {.resize = resize, .parts = samples.parts, .stop = call->stop};
    or_elements_load_long(call->stop, samples.dtype, x->data, 0, (size_t)(in * samples.parts), data[0]);
    for (int32_t k = 0; k < 2 * resize->rank; ++k) {
      int32_t axis = k % resize->rank;
      bool shrinks = resize->axes[axis].out <= resize->axes[axis].in;
      if (shrinks != (k < resize->rank) || or_resize_is_identity(resize, axis)) continue;
      resample(&resampling, axis, &shape, data, weights);
      double *resampled = data[1];
      data[1] = data[0];
      data[0] = resampled;
    }
    store_samples(samples, y->data, 0, (size_t)(out * samples.parts), data[0]);
    extrapolate(call, resize, weights);
  }
  for (int i = 0; i < 2; ++i) or_free(call->allocator, buffers[i]);
  or_free(call->allocator, weights);
  return status;
}

/* ---- nearest ---- */

#define PICK(type)                                                                         \
  for (size_t i = 0; i < count; ++i) {                                                     \
    memcpy(to + i * sizeof(type), from + (size_t)sources[i] * sizeof(type), sizeof(type)); \
  }

static void pick_row(size_t bytes, const char *from, const int64_t *sources, size_t count, char *to) {
  switch (bytes) {
  case 1: PICK(uint8_t) break;
  case 2: PICK(uint16_t) break;
  case 4: PICK(uint32_t) break;
  case 8: PICK(uint64_t) break;
  default:
    for (size_t i = 0; i < count; ++i) memcpy(to + i * bytes, from + (size_t)sources[i] * bytes, bytes);
    break;
  }
}

/* sources: for each place along each axis, how far the element that it comes from lies from the first one; those of an
 * axis begin at its offset. */
static void pick_rows(const or_op_call_t *call, const int64_t *sources, const size_t offsets[OR_MAX_RANK]) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  size_t bytes = or_dtype_bits(x->dtype) / 8, length = (size_t)y->shape.dims[y->shape.rank - 1];
  int64_t at[OR_MAX_RANK] = {0};
  or_shape_t outer = y->shape;
  --outer.rank;
  uint64_t rows = or_shape_product(&outer, 0, outer.rank);
  for (uint64_t row = 0; row < rows && !or_stops(call->stop, 1 + length); ++row) {
    int64_t first = 0;
    for (int32_t d = 0; d < outer.rank; ++d) first += sources[offsets[d] + (size_t)at[d]];
    pick_row(bytes, (const char *)x->data + (size_t)first * bytes, sources + offsets[outer.rank], length,
             (char *)y->data + row * length * bytes);
    or_index_next(&outer, at);
  }
}

static or_status_t pick(or_op_call_t *call, const or_resize_t *resize) {
  const or_op_tensor_t *x = &call->inputs[0];
  int64_t strides[OR_MAX_RANK];
  size_t length = 0, offsets[OR_MAX_RANK] = {0};
  double weight = 0;
  void *memory = NULL;
  if (resize->rank == 0) return or_reference_copy(call);
  or_dense_strides(&x->shape, strides);
  for (int32_t i = 0; i < resize->rank; ++i) {
    offsets[i] = length;
    length += (size_t)resize->axes[i].out;
  }
  or_status_t status = or_alloc_array(call->allocator, length, sizeof(int64_t), &memory);
  if (!or_ok(status)) return status;
  int64_t *sources = memory;
  for (int32_t i = 0; i < resize->rank; ++i) {
    for (int64_t k = 0; k < resize->axes[i].out && !or_stops(call->stop, 8); ++k) {
      or_taps_t taps;
      or_resize_taps(resize, i, k, &weight, &taps);
      sources[offsets[i] + (size_t)k] = (or_resize_is_identity(resize, i) ? k : taps.first) * strides[i];
    }
  }
  if (!or_stops(call->stop, 0)) pick_rows(call, sources, offsets);
  extrapolate(call, resize, &weight);
  or_free(call->allocator, memory);
  return status;
}

or_status_t or_resize_reference(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape, *out = &call->outputs[0].shape;
  or_resize_t resize;
  or_status_t status = or_resize_make(call, &resize);
  if (!or_ok(status) || or_shape_product(out, 0, out->rank) == 0) return status;
  if (or_shape_product(in, 0, in->rank) == 0) return or_error(OR_INVALID_ARGUMENT, "there is nothing to resize");
  return resize.mode == OR_RESIZE_NEAREST ? pick(call, &resize) : interpolate(call, &resize);
}
