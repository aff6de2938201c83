#include "ops/mel_weight_matrix.h"

#include <math.h>
#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

enum { NUM_MEL_BINS, DFT_LENGTH, SAMPLE_RATE, LOWER_EDGE, UPPER_EDGE, INPUTS };
static const char *const input_names[] = {"num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz",
                                          "upper_edge_hertz"};

/* One of the integers: *known says whether *out is filled. */
static or_status_t read_integer(const or_op_call_t *call, uint32_t index, int64_t at_least, bool *known, int64_t *out) {
  or_integers_t list;
  or_status_t status = or_integers_input(call, index, input_names[index], false, &list);
  if (or_ok(status) && list.count >= 0 && list.count != 1)
    status = or_error(OR_INVALID_ARGUMENT, "input %u (%s) has %d elements, expected 1", index, input_names[index],
                      list.count);
  *known = or_ok(status) && list.known;
  if (!*known) return status;
  *out = list.values[0];
  if (*out >= at_least) return status;
  return or_error(OR_INVALID_ARGUMENT, "input %u (%s) is %lld; it must be at least %lld", index, input_names[index],
                  (long long)*out, (long long)at_least);
}

static or_status_t check_edge(const or_op_call_t *call, uint32_t index) {
  const or_op_tensor_t *edge = &call->inputs[index];
  uint64_t count = 1;
  if (!or_dtype_is_one_of(edge->dtype, OR_OP_FLOATS) || edge->dtype != call->inputs[LOWER_EDGE].dtype)
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) is %s; the edges must be of one floating-point type", index,
                    input_names[index], or_dtype_name(edge->dtype));
  if (edge->shape.rank <= 1 && (!or_shape_count(&edge->shape, &count) || count == 1)) return or_status_success();
  char text[OR_MAX_RANK * 21];
  return or_error(OR_INVALID_ARGUMENT, "input %u (%s) has shape %s, expected a scalar", index, input_names[index],
                  or_shape_format(&edge->shape, text, sizeof text));
}

static or_status_t mel_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  int64_t dtype = or_op_attribute_int(call, "output_datatype", OR_FLOAT32), values[LOWER_EDGE];
  bool known[LOWER_EDGE] = {false};
  out->dtype = dtype > 0 && dtype < OR_DTYPE_COUNT ? (or_dtype_t)dtype : OR_DTYPE_NONE;
  if (!or_dtype_is_one_of(out->dtype, OR_OP_NUMERIC))
    return or_error(OR_INVALID_ARGUMENT,
                    "attribute \"output_datatype\" is %lld (%s), which MelWeightMatrix does not give", (long long)dtype,
                    or_dtype_name(out->dtype));
  or_status_t status = or_shape_unknown(2, &out->shape);
  for (uint32_t i = 0; or_ok(status) && i < LOWER_EDGE; ++i) {
    status = or_infer_check_dtype(call, i);
    if (or_ok(status)) status = read_integer(call, i, i == SAMPLE_RATE, &known[i], &values[i]);
  }
  for (uint32_t i = LOWER_EDGE; or_ok(status) && i < INPUTS; ++i) status = check_edge(call, i);
  if (!or_ok(status)) return status;
  if (known[DFT_LENGTH]) out->shape.dims[0] = values[DFT_LENGTH] / 2 + 1;
  if (known[NUM_MEL_BINS]) out->shape.dims[1] = values[NUM_MEL_BINS];
  return or_shape_check_count(&out->shape);
}

static or_cost_t mel_cost(const or_op_call_t *call) { return or_cost_per_output(call, 2); }

typedef struct mel_t {
  int64_t triangles, dft_length, sample_rate, bins;
  double low, step; /* in mel, of b[k] */
} mel_t;

static double mel_of_hertz(double hertz) { return 2595 * log1p(hertz / 700) / log(10); }

/* b[k], at most one more than the number of bins. */
static int64_t bin_at(const mel_t *mel, int64_t k) {
  double hertz = 700 * expm1((mel->low + (double)k * mel->step) / 2595 * log(10));
  double bin = floor(((double)mel->dft_length + 1) * hertz / (double)mel->sample_rate);
  return bin <= (double)mel->bins ? (int64_t)bin : mel->bins + 1;
}

static or_status_t read_mel(const or_op_call_t *call, mel_t *out) {
  or_lanes_t edges[2];
  bool known = false;
  *out = (mel_t){.sample_rate = 1};
  or_status_t status = read_integer(call, SAMPLE_RATE, 1, &known, &out->sample_rate);
  if (or_ok(status)) status = read_integer(call, DFT_LENGTH, 0, &known, &out->dft_length);
  if (!or_ok(status)) return status;
  out->bins = call->outputs[0].shape.dims[0];
  out->triangles = call->outputs[0].shape.dims[1];
  for (uint32_t i = 0; i < 2; ++i)
    or_lanes_load(call->inputs[LOWER_EDGE + i].dtype, call->inputs[LOWER_EDGE + i].data, 0, 1, 1, &edges[i]);
  double lower = edges[0].real[0], upper = edges[1].real[0];
  if (!(lower >= 0 && lower <= upper && isfinite(upper)))
    return or_error(OR_INVALID_ARGUMENT, "edges of %g and %g hertz: expected 0 <= lower <= upper", lower, upper);
  out->low = mel_of_hertz(lower);
  out->step = (mel_of_hertz(upper) - out->low) / ((double)out->triangles + 2);
  if (out->triangles == 0 || (bin_at(out, out->triangles) < out->bins && bin_at(out, out->triangles + 1) <= out->bins))
    return status;
  return or_error(OR_INVALID_ARGUMENT,
                  "the upper edge of %g hertz: the last triangle ends beyond the %lld bins of a spectrum "
                  "of %lld points at %lld samples a second",
                  upper, (long long)out->bins, (long long)out->dft_length, (long long)out->sample_rate);
}

static void set(const or_op_call_t *call, int64_t bin, int64_t triangle, double value) {
  const or_op_tensor_t *out = &call->outputs[0];
  or_lanes_t one;
  one.real[0] = value;
  or_lanes_store(out->dtype, out->data, bin * out->shape.dims[1] + triangle, 1, OR_LANE_REAL, &one);
}

static or_status_t mel_reference(or_op_call_t *call) {
  const or_op_tensor_t *out = &call->outputs[0];
  mel_t mel;
  or_status_t status = read_mel(call, &mel);
  size_t bytes = or_dtype_bytes(out->dtype, or_shape_product(&out->shape, 0, 2));
  if (!or_ok(status) || bytes == 0) return status;
  memset(out->data, 0, bytes);
  for (int64_t i = 0; i < mel.triangles && !or_stops(call->stop, 8); ++i) {
    int64_t left = bin_at(&mel, i), peak = bin_at(&mel, i + 1), right = bin_at(&mel, i + 2);
    for (int64_t j = left; j < peak && !or_stops(call->stop, 4); ++j)
      set(call, j, i, (double)(j - left) / (double)(peak - left));
    set(call, peak, i, 1);
    for (int64_t j = peak + 1; j < right && !or_stops(call->stop, 4); ++j)
      set(call, j, i, (double)(right - j) / (double)(right - peak));
  }
  return status;
}

const or_op_t or_op_mel_weight_matrix = {
    .domain = "",
    .name = "MelWeightMatrix",
    .summary = "triangles that gather a spectrum's bins on the mel scale",
    .since = {17},
    .input_min = INPUTS,
    .input_max = INPUTS,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64),
    .value_inputs = 1u << NUM_MEL_BINS | 1u << DFT_LENGTH,
    .attributes = {{"output_datatype", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 1e-5, .abs = 1e-6},
    .infer = mel_infer,
    .cost = mel_cost,
    .reference = mel_reference,
};
