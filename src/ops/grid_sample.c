#include "ops/grid_sample.h"

#include <math.h>
#include <string.h>

#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/rows.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t grid_sample_infer(or_op_call_t *call);
static or_cost_t grid_sample_cost(const or_op_call_t *call);
static or_status_t grid_sample_reference(or_op_call_t *call);

const or_op_t or_op_grid_sample = {
    .domain = "",
    .name = "GridSample",
    .summary = "an image sampled where a grid says: nearest, linear or cubic",
    .since = {16, 20, 22},
    .changes = {OR_OP_BFLOAT16_SINCE(22)},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .attributes = {{"align_corners", OR_ATTRIBUTE_INT, false},
                   {"mode", OR_ATTRIBUTE_STRING, false},
                   {"padding_mode", OR_ATTRIBUTE_STRING, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = grid_sample_infer,
    .cost = grid_sample_cost,
    .reference = grid_sample_reference,
};

#define MAX_CUBIC 8 /* spatial dimensions: 4^8 pixels for a value */

typedef enum sampling_mode_t { SAMPLE_LINEAR, SAMPLE_NEAREST, SAMPLE_CUBIC } sampling_mode_t;
typedef enum padding_mode_t { PADDING_ZEROS, PADDING_BORDER, PADDING_REFLECTION } padding_mode_t;

typedef struct sampling_t {
  sampling_mode_t mode;
  padding_mode_t padding;
  bool corners;
} sampling_t;

static or_status_t choose(const or_op_call_t *call, const char *name, const char *const names[3], int *out) {
  for (*out = 0; *out < 3; ++*out) {
    if (or_op_attribute_is(call, name, names[*out], names[0])) return or_status_success();
  }
  const or_attribute_t *attribute = or_op_attribute(call, name);
  return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" is \"%.*s\"; version %d knows %s, %s and %s", name,
                  (int)attribute->string.length, attribute->string.data, call->node->version, names[0], names[1],
                  names[2]);
}

static or_status_t read_sampling(const or_op_call_t *call, sampling_t *out) {
  static const char *const old_modes[3] = {"bilinear", "nearest", "bicubic"}, *const modes[3] = {"linear", "nearest",
                                                                                                 "cubic"};
  static const char *const paddings[3] = {"zeros", "border", "reflection"};
  int mode = 0, padding = 0;
  or_status_t status = choose(call, "mode", call->node->version < 20 ? old_modes : modes, &mode);
  if (or_ok(status)) status = choose(call, "padding_mode", paddings, &padding);
  *out = (sampling_t){.mode = (sampling_mode_t)mode,
                      .padding = (padding_mode_t)padding,
                      .corners = or_op_attribute_int(call, "align_corners", 0) != 0};
  return status;
}

static or_status_t grid_sample_infer(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape, *grid = &call->inputs[1].shape;
  or_shape_t *out = &call->outputs[0].shape;
  sampling_t sampling;
  call->outputs[0].dtype = call->inputs[0].dtype;
  or_status_t status = read_sampling(call, &sampling);
  if (or_ok(status) && !or_dtype_is_one_of(call->inputs[1].dtype, OR_OP_FLOATS))
    status = or_error(OR_INVALID_ARGUMENT, "input 1 (grid) is %s; it must be of a floating-point type",
                      or_dtype_name(call->inputs[1].dtype));
  if (or_ok(status) && call->inputs[0].dtype == OR_STRING && sampling.mode != SAMPLE_NEAREST)
    status = or_error(OR_INVALID_ARGUMENT, "text has nothing between two elements; mode must be nearest");
  if (!or_ok(status)) return status;
  int32_t rank = x->rank >= 0 ? x->rank : grid->rank, least = call->node->version < 20 ? 4 : 3;
  if (rank < 0) return or_shape_unknown(OR_RANK_UNKNOWN, out);
  if (rank < least || (call->node->version < 20 && rank > 4) || (grid->rank >= 0 && grid->rank != rank)) {
    return or_error(OR_INVALID_ARGUMENT, "X has rank %d, grid has rank %d; both must be %s", x->rank, grid->rank,
                    least == 4 ? "4" : "the same and at least 3");
  }
  if (sampling.mode == SAMPLE_CUBIC && rank - 2 > MAX_CUBIC)
    return or_error(OR_UNIMPLEMENTED, "cubic sampling along %d dimensions; the limit is %d", rank - 2, MAX_CUBIC);
  status = or_shape_unknown(rank, out);
  if (!or_ok(status)) return status;
  for (int32_t i = 0; x->rank >= 0 && i < 2; ++i) out->dims[i] = x->dims[i];
  if (grid->rank < 0) return status;
  for (int32_t i = 2; i < rank; ++i) out->dims[i] = grid->dims[i - 1];
  int64_t same = 0;
  status = or_infer_same_extent("batches of X and grid", out->dims[0], grid->dims[0], &out->dims[0]);
  if (or_ok(status)) status = or_infer_same_extent("numbers of a position", rank - 2, grid->dims[rank - 1], &same);
  return or_ok(status) ? or_shape_check_count(out) : status;
}

static or_cost_t grid_sample_cost(const or_op_call_t *call) {
  sampling_t sampling;
  or_status_t status = read_sampling(call, &sampling);
  or_status_ignore(status); /* infer has looked */
  double taps = sampling.mode == SAMPLE_NEAREST ? 0 : sampling.mode == SAMPLE_LINEAR ? 2 : 4;
  return or_cost_per_output(call, 2 * pow(taps, call->inputs[0].shape.rank - 2));
}

/* ---- where a value comes from ---- */

#define MAX_TAPS 4

/* Along one dimension: elements that lie offset[i] from the image's first one, or outside. */
typedef struct taps_t {
  int count;
  bool outside[MAX_TAPS];
  int64_t offset[MAX_TAPS];
  double weight[MAX_TAPS];
} taps_t;

static double position(double at, int64_t extent, bool corners, or_dtype_t dtype) {
  if (dtype == OR_FLOAT64) {
    double length = (double)extent;
    return corners ? (at + 1) / 2 * (length - 1) : ((at + 1) * length - 1) / 2;
  }
  float x = (float)at, length = (float)extent;
  return (double)(corners ? (x + 1) / 2 * (length - 1) : ((x + 1) * length - 1) / 2);
}

static double clamp(double value, double high) { return value > 0 ? fmin(value, high) : 0; }

static double mirror(double value, double low, double high) {
  double span = high - low;
  if (!isfinite(value) || span <= 0) return 0;
  if (value >= low && value <= high) return value;
  double past = fmod(value < low ? low - value : value - high, 2 * span);
  double inside = past <= span ? past : 2 * span - past;
  return value < low ? low + inside : high - inside;
}

/* The element of a whole position, which padding may move into the image. */
static void put_tap(const sampling_t *sampling, double at, int64_t extent, int64_t stride, taps_t *taps,
                    double weight) {
  double last = (double)extent - 1, edge = sampling->corners ? 0 : 0.5;
  if (sampling->padding == PADDING_REFLECTION) at = clamp(trunc(mirror(at, -edge, last + edge)), last);
  if (sampling->padding == PADDING_BORDER) at = clamp(at, last);
  taps->outside[taps->count] = !(at >= 0 && at <= last);
  taps->offset[taps->count] = taps->outside[taps->count] ? 0 : (int64_t)at * stride;
  taps->weight[taps->count++] = weight;
}

static void find_taps(const sampling_t *sampling, double at, int64_t extent, int64_t stride, taps_t *taps) {
  double last = (double)extent - 1, edge = sampling->corners ? 0 : 0.5;
  taps->count = 0;
  if (sampling->mode == SAMPLE_NEAREST) at = nearbyint(at);
  if (!(at >= -edge && at <= last + edge)) {
    if (sampling->padding == PADDING_BORDER) at = clamp(at, last);
    if (sampling->padding == PADDING_REFLECTION) at = mirror(at, -edge, last + edge);
  }
  if (sampling->mode == SAMPLE_NEAREST || !isfinite(at)) {
    put_tap(sampling, at, extent, stride, taps, 1);
    return;
  }
  double below = floor(at), t = at - below, a = -0.75;
  if (sampling->mode == SAMPLE_LINEAR) {
    put_tap(sampling, below, extent, stride, taps, 1 - t);
    put_tap(sampling, below + 1, extent, stride, taps, t);
    return;
  }
  for (int i = -1; i <= 2; ++i) {
    double x = fabs(t - i);
    double weight = x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    put_tap(sampling, below + i, extent, stride, taps, weight);
  }
}

/* ---- the sums ---- */

typedef struct image_t {
  or_dtype_t dtype; /* of what is summed: complex numbers are two */
  int32_t rank;     /* spatial */
  int64_t parts;    /* numbers of an element */
  int64_t pixels, places, channels;
  const void *x;
  void *y;
} image_t;

static void copy_nearest(const or_op_call_t *call, const image_t *image, const taps_t *taps, int64_t batch,
                         int64_t place);
static void sum_taps(const image_t *image, const taps_t *taps, int64_t batch, int64_t place);

static or_status_t grid_sample_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *grid = &call->inputs[1], *y = &call->outputs[0];
  sampling_t sampling;
  or_status_t status = read_sampling(call, &sampling);
  uint64_t total = or_shape_product(&y->shape, 0, y->shape.rank);
  if (!or_ok(status) || total == 0) return status;
  image_t image = {.dtype = x->dtype,
                   .rank = x->shape.rank - 2,
                   .parts = 1,
                   .channels = x->shape.dims[1],
                   .x = x->data,
                   .y = y->data};
  if (x->dtype == OR_COMPLEX64) image.dtype = OR_FLOAT32;
  if (x->dtype == OR_COMPLEX128) image.dtype = OR_FLOAT64;
  if (image.dtype != x->dtype) image.parts = 2;
  image.pixels = (int64_t)or_shape_product(&x->shape, 2, x->shape.rank);
  image.places = (int64_t)or_shape_product(&y->shape, 2, y->shape.rank);
  if (image.pixels == 0 && sampling.padding != PADDING_ZEROS)
    return or_error(OR_INVALID_ARGUMENT, "X has no pixels to sample");
  int64_t strides[OR_MAX_RANK];
  taps_t taps[OR_MAX_SPATIAL] = {0};
  double at[OR_MAX_SPATIAL];
  or_dense_strides(&x->shape, strides);
  for (int64_t k = 0; k < x->shape.dims[0] * image.places && !or_stops(call->stop, 16 + 4 * (uint64_t)image.channels);
       ++k) {
    or_elements_load(grid->dtype, grid->data, (uint64_t)(k * image.rank), (size_t)image.rank, at);
    for (int32_t d = 0; d < image.rank; ++d) {
      int64_t extent = x->shape.dims[d + 2];
      double where = position(at[image.rank - 1 - d], extent, sampling.corners, grid->dtype);
      find_taps(&sampling, where, extent, strides[d + 2], &taps[d]);
    }
    if (sampling.mode == SAMPLE_NEAREST) {
      copy_nearest(call, &image, taps, k / image.places, k % image.places);
    } else {
      sum_taps(&image, taps, k / image.places, k % image.places);
    }
  }
  return status;
}

static void copy_nearest(const or_op_call_t *call, const image_t *image, const taps_t *taps, int64_t batch,
                         int64_t place) {
  size_t bytes = or_dtype_bits(call->inputs[0].dtype) / 8;
  int64_t offset = 0;
  bool outside = false;
  for (int32_t d = 0; d < image->rank; ++d) {
    offset += taps[d].offset[0];
    outside = outside || taps[d].outside[0];
  }
  for (int64_t c = batch * image->channels; c < (batch + 1) * image->channels; ++c) {
    char *to = (char *)image->y + (size_t)(c * image->places + place) * bytes;
    if (outside) or_elements_clear(call->inputs[0].dtype, to, 1);
    if (!outside) memcpy(to, (const char *)image->x + (size_t)(c * image->pixels + offset) * bytes, bytes);
  }
}

/* Adds, to `count` channels from `first` on, one pixel of each that lies at `offset`. */
static void add_pixel(const image_t *image, int64_t first, size_t count, int64_t offset, double weight, double *sums) {
  or_lanes_t lanes;
  or_lanes_load(image->dtype, image->x, first + offset, image->pixels * image->parts, count, &lanes);
  or_lanes_convert(&lanes, count, or_lane_kind(image->dtype), OR_LANE_REAL);
  for (size_t i = 0; i < count; ++i) sums[i] += weight * lanes.real[i];
}

/* Every combination of the dimensions' taps, for a block of channels at once. */
static void sum_block(const image_t *image, const taps_t *taps, int64_t first, size_t count, double *sums) {
  int chosen[OR_MAX_SPATIAL] = {0};
  memset(sums, 0, count * sizeof *sums);
  for (bool more = true; more;) {
    double weight = 1;
    int64_t offset = 0;
    bool outside = false;
    for (int32_t d = 0; d < image->rank; ++d) {
      weight *= taps[d].weight[chosen[d]];
      offset += taps[d].offset[chosen[d]];
      outside = outside || taps[d].outside[chosen[d]];
    }
    if (!outside) add_pixel(image, first, count, offset * image->parts, weight, sums);
    int32_t d = image->rank - 1;
    for (; d >= 0 && ++chosen[d] == taps[d].count; --d) chosen[d] = 0;
    more = d >= 0;
  }
}

static void sum_taps(const image_t *image, const taps_t *taps, int64_t batch, int64_t place) {
  double sums[OR_LANES];
  for (int64_t c = 0; c < image->channels; c += OR_LANES) {
    size_t count = image->channels - c < OR_LANES ? (size_t)(image->channels - c) : OR_LANES;
    int64_t channel = batch * image->channels + c;
    for (int64_t part = 0; part < image->parts; ++part) {
      sum_block(image, taps, channel * image->pixels * image->parts + part, count, sums);
      for (size_t i = 0; i < count; ++i) {
        int64_t to = ((channel + (int64_t)i) * image->places + place) * image->parts + part;
        or_elements_store(image->dtype, image->y, (uint64_t)to, 1, &sums[i]);
      }
    }
  }
}
