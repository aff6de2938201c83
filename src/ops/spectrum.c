#include "ops/spectrum.h"

#include <math.h>
#include <string.h>

#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/line_transform_internal.h"
#include "ops/shape.h"

#define MAX_POINTS (INT64_MAX / 256) /* of a line: what its transform needs can be counted in bytes */

/* ---- what both read ---- */

/* A scalar of int32 or int64, at least 1, that may be left out. *known: *out is filled in. */
static or_status_t read_length(const or_op_call_t *call, uint32_t index, const char *name, bool *known, int64_t *out) {
  or_integers_t list;
  or_status_t status = or_integers_input(call, index, name, false, &list);
  *known = false;
  if (!or_ok(status) || !or_op_has_input(call, index)) return status;
  if (list.count >= 0 && list.count != 1)
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) has %d elements, expected 1", index, name, list.count);
  *known = list.known;
  if (!list.known) return status;
  *out = list.values[0];
  if (*out >= 1) return status;
  return or_error(OR_INVALID_ARGUMENT, "input %u (%s) is %lld; it must be at least 1", index, name, (long long)*out);
}

/* The extent of the last axis says whether numbers are complex; unknown: -1. */
static or_status_t read_parts(const or_op_tensor_t *x, int64_t *parts) {
  *parts = x->shape.dims[x->shape.rank - 1];
  if (*parts < 0) *parts = -1;
  if (*parts < 0 || *parts == 1 || *parts == 2) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "the last axis of input 0 has %lld entries; expected 1 (real) or 2 (complex)",
                  (long long)*parts);
}

static or_status_t read_flag(const or_op_call_t *call, const char *name, int64_t fallback, bool *out) {
  int64_t value = or_op_attribute_int(call, name, fallback);
  *out = value == 1;
  if (value == 0 || value == 1) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" is %lld; it must be 0 or 1", name, (long long)value);
}

static double transform_flops(double points, double transforms) {
  return points > 1 ? 5 * points * log2(points) * transforms : 0;
}

/* ---- DFT ---- */

static or_status_t read_axis(const or_op_call_t *call, or_dft_call_t *out) {
  int32_t rank = call->inputs[0].shape.rank;
  int64_t axis = or_op_attribute_int(call, "axis", 1);
  out->axis_known = true;
  if (call->node->version >= 20) {
    or_integers_t list;
    or_status_t status = or_refuse_attribute(call, "axis", 20);
    if (or_ok(status)) status = or_integers_input(call, 2, "axis", true, &list);
    if (!or_ok(status)) return status;
    if (or_op_has_input(call, 2) && list.count >= 0 && list.count != 1)
      return or_error(OR_INVALID_ARGUMENT, "input 2 (axis) has %d elements, expected 1", list.count);
    out->axis_known = list.known;
    axis = list.known && list.count == 1 ? list.values[0] : -2;
  } else if (or_op_has_input(call, 2)) {
    return or_error(OR_INVALID_ARGUMENT, "3 inputs; version %d of DFT has 2", call->node->version);
  }
  if (!out->axis_known) return or_status_success();
  or_status_t status = or_axis_normalize(axis, rank, &out->axis);
  if (or_ok(status) && out->axis == rank - 1)
    status = or_error(OR_INVALID_ARGUMENT, "axis %lld is the last, which holds the parts of complex numbers",
                      (long long)axis);
  return status;
}

or_status_t or_dft_call_read(const or_op_call_t *call, or_dft_call_t *out) {
  const or_op_tensor_t *x = &call->inputs[0];
  bool known = false;
  *out = (or_dft_call_t){.n = OR_DIM_UNKNOWN};
  or_status_t status = read_flag(call, "inverse", 0, &out->inverse);
  if (or_ok(status)) status = read_flag(call, "onesided", 0, &out->onesided);
  if (or_ok(status) && x->shape.rank < 2)
    status = or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d; the least is 2: a signal and the parts of its numbers",
                      x->shape.rank);
  if (or_ok(status)) status = read_parts(x, &out->parts);
  if (or_ok(status)) status = read_axis(call, out);
  if (or_ok(status)) status = read_length(call, 1, "dft_length", &known, &out->n);
  if (!or_ok(status)) return status;
  if (out->onesided && out->parts == (out->inverse ? 1 : 2))
    return or_error(OR_INVALID_ARGUMENT,
                    "attribute \"onesided\" is 1, \"inverse\" %d: input 0 must be %s, its last axis %d", out->inverse,
                    out->inverse ? "complex" : "real", out->inverse ? 2 : 1);
  if (or_op_has_input(call, 1) || !out->axis_known) return status;
  int64_t extent = x->shape.dims[out->axis];
  out->n = extent;
  if (out->onesided && out->inverse) out->n = extent < 0 ? OR_DIM_UNKNOWN : extent > MAX_POINTS ? 0 : 2 * (extent - 1);
  if (out->n > 0 || extent < 0) return status;
  return or_error(OR_INVALID_ARGUMENT, "axis %d of input 0 has extent %lld, of which there is no transform", out->axis,
                  (long long)extent);
}

static or_status_t dft_infer(or_op_call_t *call) {
  or_dft_call_t dft;
  or_op_tensor_t *out = &call->outputs[0];
  const or_shape_t *in = &call->inputs[0].shape;
  or_status_t status = or_infer_same_as_input(call);
  if (!or_ok(status) || in->rank < 0) return status;
  status = or_dft_call_read(call, &dft);
  if (!or_ok(status)) return status;
  int64_t extent = dft.n;
  if (dft.onesided && !dft.inverse) extent = dft.n < 0 ? OR_DIM_UNKNOWN : dft.n / 2 + 1;
  for (int32_t i = 0; !dft.axis_known && i < in->rank - 1; ++i) out->shape.dims[i] = OR_DIM_UNKNOWN;
  if (dft.axis_known) out->shape.dims[dft.axis] = extent;
  out->shape.dims[in->rank - 1] = dft.onesided && dft.inverse ? 1 : 2;
  return or_shape_check_count(&out->shape);
}

static or_cost_t dft_cost(const or_op_call_t *call) {
  or_dft_call_t dft;
  or_cost_t cost = or_cost_per_output(call, 0);
  or_status_t status = or_dft_call_read(call, &dft);
  if (!or_ok(status) || !dft.axis_known || dft.n < 1) {
    or_status_ignore(status); /* infer has refused it; there is no work */
    return cost;
  }
  const or_shape_t *out = &call->outputs[0].shape;
  double lines =
      (double)or_shape_product(out, 0, dft.axis) * (double)or_shape_product(out, dft.axis + 1, out->rank - 1);
  cost.flops = transform_flops((double)dft.n, lines) * (dft.onesided || dft.parts == 1 ? 0.5 : 1);
  return cost;
}

/* The lines that lie beside each other behind one index of the outer axes: `inner` of them, of n complex numbers. */
typedef struct slab_t {
  or_line_transform_t transform;
  double *points, *line; /* [n, inner] and [n], complex */
  size_t n, inner;
} slab_t;

static or_status_t slab_init(slab_t *slab, const or_op_call_t *call, size_t n, size_t inner, bool inverse) {
  void *memory = NULL;
  size_t count = 0;
  *slab = (slab_t){.n = n, .inner = inner};
  if (n > (size_t)MAX_POINTS || !or_mul_size(n, inner, &count) || !or_add_size(count, n, &count))
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu transforms of %zu points", inner, n);
  or_status_t status = or_line_transform_init(&slab->transform, call->allocator, n, inverse, call->stop);
  if (or_ok(status)) status = or_alloc_array(call->allocator, count, 2 * sizeof(double), &memory);
  slab->points = memory;
  if (or_ok(status)) slab->line = slab->points + 2 * n * inner;
  return status;
}

static void slab_deinit(slab_t *slab, const or_allocator_t *allocator) {
  or_free(allocator, slab->points);
  or_line_transform_deinit(&slab->transform);
}

/* `count` numbers of one or two parts from element `first` of x on, as complex ones. */
static void load_complex(const or_op_tensor_t *x, uint64_t first, size_t count, size_t parts, double *out) {
  or_elements_load(x->dtype, x->data, first, count * parts, out);
  for (size_t i = count; parts == 1 && i-- > 0;) {
    out[2 * i] = out[i];
    out[2 * i + 1] = 0;
  }
}

/* A real result's other coefficients: x[n - k] = conj x[k], and where both are one, no imaginary part. */
static void complete(double *points, size_t n, size_t inner, size_t column) {
  points[2 * column + 1] = 0;
  if (n % 2 == 0) points[2 * (n / 2 * inner + column) + 1] = 0;
  for (size_t k = n / 2 + 1; k < n; ++k) {
    const double *other = points + 2 * ((n - k) * inner + column);
    points[2 * (k * inner + column)] = other[0];
    points[2 * (k * inner + column) + 1] = -other[1];
  }
}

static void transform_slab(slab_t *slab, or_stop_t *stop, bool symmetric, double scale) {
  for (size_t c = 0; c < slab->inner && !or_stops(stop, slab->n); ++c) {
    if (symmetric) complete(slab->points, slab->n, slab->inner, c);
    or_line_transform_run(&slab->transform, slab->points + 2 * c, slab->inner, slab->line);
    for (size_t k = 0; k < slab->n; ++k) {
      slab->points[2 * (k * slab->inner + c)] = slab->line[2 * k] * scale;
      slab->points[2 * (k * slab->inner + c) + 1] = slab->line[2 * k + 1] * scale;
    }
  }
}

static or_status_t dft_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  or_dft_call_t dft;
  slab_t slab;
  or_status_t status = or_dft_call_read(call, &dft);
  uint64_t total = or_shape_product(&y->shape, 0, y->shape.rank);
  if (!or_ok(status) || total == 0) return status;
  size_t n = (size_t)dft.n, inner = (size_t)or_shape_product(&x->shape, dft.axis + 1, x->shape.rank - 1);
  size_t in = (size_t)x->shape.dims[dft.axis], out = (size_t)y->shape.dims[dft.axis], parts = (size_t)dft.parts;
  bool real_out = dft.onesided && dft.inverse;
  size_t wanted = real_out ? n / 2 + 1 : n, read = in < wanted ? in : wanted;
  status = slab_init(&slab, call, n, inner, dft.inverse);
  uint64_t outer = or_shape_product(&x->shape, 0, dft.axis);
  for (uint64_t o = 0; or_ok(status) && o < outer && !or_stops(call->stop, n * inner); ++o) {
    load_complex(x, o * in * inner * parts, read * inner, parts, slab.points);
    memset(slab.points + 2 * read * inner, 0, 2 * (wanted - read) * inner * sizeof(double));
    transform_slab(&slab, call->stop, real_out, dft.inverse ? 1 / (double)n : 1);
    for (size_t i = 0; real_out && i < n * inner; ++i) slab.points[i] = slab.points[2 * i];
    size_t count = out * inner * (real_out ? 1 : 2);
    or_elements_store(y->dtype, y->data, o * count, count, slab.points);
  }
  slab_deinit(&slab, call->allocator);
  return status;
}

const or_op_t or_op_dft = {
    .domain = "",
    .name = "DFT",
    .summary = "discrete Fourier transform along one axis",
    .since = {17, 20},
    .input_min = 1,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .value_inputs = 1u << 1 | 1u << 2,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false},
                   {"inverse", OR_ATTRIBUTE_INT, false},
                   {"onesided", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 5e-6, .abs = 1e-6},
    .infer = dft_infer,
    .cost = dft_cost,
    .reference = dft_reference,
};

/* ---- STFT ---- */

or_status_t or_stft_call_read(const or_op_call_t *call, or_stft_call_t *out) {
  const or_op_tensor_t *signal = &call->inputs[0];
  bool known = false;
  *out = (or_stft_call_t){.parts = -1, .step = OR_DIM_UNKNOWN, .n = OR_DIM_UNKNOWN};
  or_status_t status = read_flag(call, "onesided", 1, &out->onesided);
  if (or_ok(status) && signal->shape.rank != 2) status = or_infer_check_rank(call, 0, 3);
  if (or_ok(status)) status = or_infer_check_dtype(call, 2);
  if (or_ok(status)) status = or_infer_check_rank(call, 2, 1);
  if (or_ok(status) && signal->shape.rank == 3) status = read_parts(signal, &out->parts);
  if (signal->shape.rank == 2) out->parts = 1;
  if (or_ok(status)) status = read_length(call, 1, "frame_step", &known, &out->step);
  if (or_ok(status)) status = read_length(call, 3, "frame_length", &known, &out->n);
  if (!or_ok(status)) return status;
  if (out->onesided && out->parts == 2)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"onesided\" is 1 (its default), but the signal is complex");
  int64_t length = signal->shape.rank >= 2 ? signal->shape.dims[1] : OR_DIM_UNKNOWN;
  if (or_op_has_input(call, 2) && call->inputs[2].shape.rank == 1) {
    status =
        or_infer_same_extent("points of a frame and of its window", out->n, call->inputs[2].shape.dims[0], &out->n);
  } else if (!or_op_has_input(call, 2) && !or_op_has_input(call, 3)) {
    out->n = length;
  }
  if (!or_ok(status)) return status;
  if (out->n == 0 || (out->n > 0 && length >= 0 && out->n > length))
    return or_error(OR_INVALID_ARGUMENT, "frames of %lld points of a signal of %lld", (long long)out->n,
                    (long long)length);
  return status;
}

static or_status_t stft_infer(or_op_call_t *call) {
  or_stft_call_t stft;
  const or_shape_t *in = &call->inputs[0].shape;
  or_op_tensor_t *out = &call->outputs[0];
  or_status_t status = or_stft_call_read(call, &stft);
  if (!or_ok(status)) return status;
  out->dtype = call->inputs[0].dtype;
  status = or_shape_unknown(4, &out->shape);
  if (in->rank >= 2) out->shape.dims[0] = in->dims[0];
  if (in->rank >= 2 && in->dims[1] >= 0 && stft.n > 0 && stft.step > 0)
    out->shape.dims[1] = (in->dims[1] - stft.n) / stft.step + 1;
  if (!stft.onesided) out->shape.dims[2] = stft.n;
  if (stft.onesided && stft.n > 0) out->shape.dims[2] = stft.n / 2 + 1;
  out->shape.dims[3] = 2;
  return or_ok(status) ? or_shape_check_count(&out->shape) : status;
}

static or_cost_t stft_cost(const or_op_call_t *call) {
  or_stft_call_t stft;
  or_cost_t cost = or_cost_per_output(call, 0);
  or_status_t status = or_stft_call_read(call, &stft);
  if (!or_ok(status)) {
    or_status_ignore(status); /* infer has refused it; there is no work */
    return cost;
  }
  double frames = (double)or_shape_product(&call->outputs[0].shape, 0, 2), n = (double)stft.n;
  cost.flops = frames * n + transform_flops(n, frames) * (stft.onesided || stft.parts == 1 ? 0.5 : 1);
  return cost;
}

static or_status_t stft_reference(or_op_call_t *call) {
  const or_op_tensor_t *signal = &call->inputs[0], *y = &call->outputs[0];
  or_stft_call_t stft;
  slab_t slab;
  void *memory = NULL;
  or_status_t status = or_stft_call_read(call, &stft);
  if (!or_ok(status) || or_shape_product(&y->shape, 0, 3) == 0) return status;
  size_t n = (size_t)stft.n, parts = (size_t)stft.parts, kept = 2 * (size_t)y->shape.dims[2];
  uint64_t length = (uint64_t)signal->shape.dims[1], frames = (uint64_t)y->shape.dims[1];
  uint64_t total = frames * (uint64_t)y->shape.dims[0];
  status = slab_init(&slab, call, n, 1, false);
  if (or_ok(status)) status = or_alloc_array(call->allocator, n, sizeof(double), &memory);
  double *window = memory;
  for (size_t i = 0; or_ok(status) && i < n; ++i) window[i] = 1;
  if (or_ok(status) && or_op_has_input(call, 2))
    or_elements_load(call->inputs[2].dtype, call->inputs[2].data, 0, n, window);
  for (uint64_t f = 0; or_ok(status) && f < total && !or_stops(call->stop, n); ++f) {
    uint64_t begin = f / frames * length + f % frames * (uint64_t)stft.step;
    load_complex(signal, begin * parts, n, parts, slab.points);
    for (size_t i = 0; i < 2 * n; ++i) slab.points[i] *= window[i / 2];
    transform_slab(&slab, call->stop, false, 1);
    or_elements_store(y->dtype, y->data, f * kept, kept, slab.points);
  }
  or_free(call->allocator, memory);
  slab_deinit(&slab, call->allocator);
  return status;
}

const or_op_t or_op_stft = {
    .domain = "",
    .name = "STFT",
    .summary = "Fourier transforms of windowed frames of a signal",
    .since = {17},
    .input_min = 2,
    .input_max = 4,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .value_inputs = 1u << 1 | 1u << 3,
    .attributes = {{"onesided", OR_ATTRIBUTE_INT, false}},
    .tolerance = {.rel = 5e-6, .abs = 1e-6},
    .infer = stft_infer,
    .cost = stft_cost,
    .reference = stft_reference,
};
