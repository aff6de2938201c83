#include "ops/fft.h"

#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/line_transform_internal.h"
#include "ops/shape.h"

static or_status_t fft_infer(or_op_call_t *call);
static or_cost_t fft_cost(const or_op_call_t *call);
static or_status_t fft_reference(or_op_call_t *call);

const or_op_t or_op_fft = {
    .domain = "openruntime",
    .name = "Fft",
    .summary = "discrete Fourier transform of lines or matrices, complex or real",
    .since = {1},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_COMPLEX | OR_DTYPE_BIT(OR_FLOAT32) | OR_DTYPE_BIT(OR_FLOAT64),
    .attributes = {{"dims", OR_ATTRIBUTE_INT, false},
                   {"inverse", OR_ATTRIBUTE_INT, false},
                   {"real", OR_ATTRIBUTE_INT, false},
                   {"length", OR_ATTRIBUTE_INT, false},
                   {"norm", OR_ATTRIBUTE_STRING, false}},
    .tolerance = {.rel = 5e-6, .abs = 1e-7},
    .infer = fft_infer,
    .cost = fft_cost,
    .reference = fft_reference,
};

static bool is_real(or_dtype_t dtype) { return dtype == OR_FLOAT32 || dtype == OR_FLOAT64; }

static or_status_t read_flag(const or_op_call_t *call, const char *name, bool *out) {
  int64_t value = or_op_attribute_int(call, name, 0);
  *out = value == 1;
  if (value == 0 || value == 1) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" is %lld; it must be 0 or 1", name, (long long)value);
}

/* What does not need the extents. */
static or_status_t read_attributes(const or_op_call_t *call, or_fft_call_t *out) {
  bool real = false;
  int64_t dims = or_op_attribute_int(call, "dims", 1);
  *out = (or_fft_call_t){.two_dims = dims == 2, .real_in = is_real(call->inputs[0].dtype), .rows = 1, .scale = 1};
  if (dims != 1 && dims != 2)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"dims\" is %lld; it must be 1 or 2", (long long)dims);
  or_status_t status = read_flag(call, "inverse", &out->inverse);
  if (or_ok(status)) status = read_flag(call, "real", &real);
  if (!or_ok(status)) return status;
  if (out->real_in && out->inverse)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"inverse\" is 1, but input 0 is %s: the way back starts complex",
                    or_dtype_name(call->inputs[0].dtype));
  out->real_out = real && !out->real_in;
  if (out->real_out && !out->inverse)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"real\" is 1 on a complex input: \"inverse\" must be 1 as well");
  if (or_op_attribute(call, "length") != NULL && !out->real_out)
    return or_error(OR_INVALID_ARGUMENT, "attribute \"length\" belongs to a complex input with \"real\" 1");
  const char *const norms[] = {"backward", "ortho", "forward"};
  for (size_t i = 0; i < sizeof norms / sizeof *norms; ++i) {
    if (or_op_attribute_is(call, "norm", norms[i], "backward")) return status;
  }
  return or_error(OR_INVALID_ARGUMENT, "attribute \"norm\" is none of: backward, ortho, forward");
}

/* The last axis: known extents only. */
static or_status_t read_extents(const or_op_call_t *call, or_fft_call_t *out) {
  const or_shape_t *shape = &call->inputs[0].shape;
  int64_t d = shape->dims[shape->rank - 1];
  out->in_n = out->n = out->out_n = d;
  if (out->two_dims) out->rows = shape->dims[shape->rank - 2];
  if (d == 0 || out->rows == 0)
    return or_error(OR_INVALID_ARGUMENT, "a transform of length 0 along axis %d", d == 0 ? -1 : -2);
  if (out->real_in && d > 0) out->out_n = d / 2 + 1;
  if (!out->real_out || d < 0) return or_status_success();
  out->n = out->out_n = or_op_attribute_int(call, "length", 2 * (d - 1));
  if (out->n > 0 && out->n / 2 + 1 == d) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "length %lld of a real result has %lld coefficients; input 0 has %lld",
                  (long long)out->n, (long long)(out->n / 2 + 1), (long long)d);
}

or_status_t or_fft_call_read(const or_op_call_t *call, or_fft_call_t *out) {
  or_status_t status = read_attributes(call, out);
  if (or_ok(status)) status = read_extents(call, out);
  if (!or_ok(status)) return status;
  double points = (double)out->n * (double)out->rows;
  if (or_op_attribute_is(call, "norm", "ortho", "backward")) {
    out->scale = 1 / sqrt(points);
  } else if (or_op_attribute_is(call, "norm", out->inverse ? "backward" : "forward", "backward")) {
    out->scale = 1 / points;
  }
  return status;
}

static or_dtype_t result_dtype(const or_fft_call_t *fft, or_dtype_t dtype) {
  bool wide = dtype == OR_FLOAT64 || dtype == OR_COMPLEX128;
  if (fft->real_out) return wide ? OR_FLOAT64 : OR_FLOAT32;
  return wide ? OR_COMPLEX128 : OR_COMPLEX64;
}

static or_status_t fft_infer(or_op_call_t *call) {
  or_fft_call_t fft;
  const or_op_tensor_t *x = &call->inputs[0];
  or_status_t status = read_attributes(call, &fft);
  if (!or_ok(status)) return status;
  call->outputs[0].dtype = result_dtype(&fft, x->dtype);
  call->outputs[0].shape = x->shape;
  if (x->shape.rank < 0) return status;
  if (x->shape.rank < (fft.two_dims ? 2 : 1))
    return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d; a transform along %d axes needs as many", x->shape.rank,
                    fft.two_dims ? 2 : 1);
  status = read_extents(call, &fft);
  int64_t *last = &call->outputs[0].shape.dims[x->shape.rank - 1];
  if (fft.real_in || fft.real_out) *last = *last < 0 ? OR_DIM_UNKNOWN : fft.out_n;
  return status;
}

/* The customary count: 5 n log2 n of a complex transform, half of it where one side is real. */
static or_cost_t fft_cost(const or_op_call_t *call) {
  or_fft_call_t fft;
  or_cost_t cost = or_cost_per_output(call, 0);
  or_status_t status = or_fft_call_read(call, &fft);
  if (!or_ok(status)) {
    or_status_ignore(status); /* infer has refused it; there is no work */
    return cost;
  }
  const or_shape_t *shape = &call->inputs[0].shape;
  double points = (double)fft.n * (double)fft.rows;
  double transforms = (double)or_shape_product(shape, 0, shape->rank - (fft.two_dims ? 2 : 1));
  cost.flops = 5 * points * log2(points) * transforms * (fft.real_in || fft.real_out ? 0.5 : 1);
  return cost;
}

/* ---- the reference ---- */

/* One transform: `matrix` holds rows of n complex numbers, `line` n or rows of them. */
typedef struct reference_t {
  const or_fft_call_t *fft;
  or_line_transform_t along_rows, along_columns;
  double *matrix, *line;
} reference_t;

static void load(const or_op_tensor_t *x, uint64_t first, int64_t count, bool real, double *out);
static void store(const or_op_tensor_t *y, uint64_t first, int64_t count, bool real, double scale, const double *in);
static void one_transform(const reference_t *reference, or_op_call_t *call, uint64_t index);

static or_status_t fft_reference(or_op_call_t *call) {
  or_fft_call_t fft;
  void *memory = NULL;
  or_status_t status = or_fft_call_read(call, &fft);
  if (!or_ok(status)) return status;
  const or_shape_t *shape = &call->inputs[0].shape;
  reference_t reference = {.fft = &fft};
  uint64_t n = (uint64_t)fft.n, rows = (uint64_t)fft.rows, longer = n > rows ? n : rows;
  uint64_t transforms = or_shape_product(shape, 0, shape->rank - (fft.two_dims ? 2 : 1));
  if (n > SIZE_MAX / 64 / rows)
    return or_error(OR_RESOURCE_EXHAUSTED, "transform of %llu points", (unsigned long long)n);
  status = or_line_transform_init(&reference.along_rows, call->allocator, (size_t)n, fft.inverse, call->stop);
  if (or_ok(status)) {
    status = or_line_transform_init(&reference.along_columns, call->allocator, (size_t)rows, fft.inverse, call->stop);
    if (or_ok(status)) status = or_alloc(call->allocator, (size_t)(n * rows + longer) * 2 * sizeof(double), &memory);
    if (or_ok(status)) {
      reference.matrix = memory;
      reference.line = reference.matrix + n * rows * 2;
      for (uint64_t i = 0; i < transforms && !or_stops(call->stop, n * rows); ++i) one_transform(&reference, call, i);
    }
    or_free(call->allocator, memory);
    or_line_transform_deinit(&reference.along_columns);
  }
  or_line_transform_deinit(&reference.along_rows);
  return status;
}

/* Down each of the first `width` columns. */
static void columns(const reference_t *reference, int64_t width) {
  size_t n = (size_t)reference->fft->n, rows = (size_t)reference->fft->rows;
  or_stop_t *stop = reference->along_columns.stop;
  for (size_t c = 0; rows > 1 && c < (size_t)width && !or_stops(stop, rows); ++c) {
    or_line_transform_run(&reference->along_columns, reference->matrix + 2 * c, n, reference->line);
    for (size_t r = 0; r < rows; ++r)
      memcpy(reference->matrix + 2 * (r * n + c), reference->line + 2 * r, 2 * sizeof(double));
  }
}

/* A real result's other coefficients: x[n - k] = conj x[k], and where both are one, no imaginary part. */
static void complete(double *line, int64_t n) {
  line[1] = 0;
  if (n % 2 == 0) line[n + 1] = 0;
  for (int64_t k = n / 2 + 1; k < n; ++k) {
    line[2 * k] = line[2 * (n - k)];
    line[2 * k + 1] = -line[2 * (n - k) + 1];
  }
}

static void one_transform(const reference_t *reference, or_op_call_t *call, uint64_t index) {
  const or_fft_call_t *fft = reference->fft;
  uint64_t in_bytes = (uint64_t)fft->in_n, out_count = (uint64_t)fft->out_n, rows = (uint64_t)fft->rows;
  for (uint64_t r = 0; r < rows; ++r)
    load(&call->inputs[0], (index * rows + r) * in_bytes, fft->in_n, fft->real_in,
         reference->matrix + 2 * r * (uint64_t)fft->n);
  if (fft->real_out) columns(reference, fft->in_n);
  for (uint64_t r = 0; r < rows && !or_stops(call->stop, (uint64_t)fft->n); ++r) {
    double *row = reference->matrix + 2 * r * (uint64_t)fft->n;
    if (fft->real_out) complete(row, fft->n);
    or_line_transform_run(&reference->along_rows, row, 1, reference->line);
    memcpy(row, reference->line, (size_t)fft->n * 2 * sizeof(double));
  }
  if (!fft->real_out) columns(reference, fft->out_n);
  for (uint64_t r = 0; r < rows; ++r)
    store(&call->outputs[0], (index * rows + r) * out_count, fft->out_n, fft->real_out, fft->scale,
          reference->matrix + 2 * r * (uint64_t)fft->n);
}

/* Elements first .. first + count - 1 as complex doubles; complex elements are two scalars. */
static void load(const or_op_tensor_t *x, uint64_t first, int64_t count, bool real, double *out) {
  bool wide = x->dtype == OR_FLOAT64 || x->dtype == OR_COMPLEX128;
  for (int64_t i = 0; i < count; ++i) {
    for (int part = 0; part < 2; ++part) {
      uint64_t at = real ? first + (uint64_t)i : 2 * (first + (uint64_t)i) + (uint64_t)part;
      double value = wide ? ((const double *)x->data)[at] : (double)((const float *)x->data)[at];
      out[2 * i + part] = real && part == 1 ? 0 : value;
    }
  }
}

static void store(const or_op_tensor_t *y, uint64_t first, int64_t count, bool real, double scale, const double *in) {
  bool wide = y->dtype == OR_FLOAT64 || y->dtype == OR_COMPLEX128;
  int parts = real ? 1 : 2;
  for (int64_t i = 0; i < count; ++i) {
    for (int part = 0; part < parts; ++part) {
      uint64_t at = (first + (uint64_t)i) * (uint64_t)parts + (uint64_t)part;
      double value = in[2 * i + part] * scale;
      if (wide) {
        ((double *)y->data)[at] = value;
      } else {
        ((float *)y->data)[at] = (float)value;
      }
    }
  }
}
