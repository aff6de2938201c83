#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "base/string.h"
#include "cts/cts.h"
#include "ops/shape.h"

/* Relative spacing of a dtype's numbers; 0 if it is no floating-point type that is rounded to here. */
static double spacing(or_dtype_t dtype) {
  switch (dtype) {
  case OR_FLOAT16: return 0x1p-10;
  case OR_BFLOAT16: return 0x1p-7;
  default: return 0;
  }
}

or_tolerance_t cts_tolerance(const cts_t *cts, or_tolerance_t base, or_dtype_t dtype) {
  if (base.rel <= 0 && base.abs <= 0) return base;
  or_tolerance_t out = {base.rel * cts->backend->tolerance_scale, base.abs * cts->backend->tolerance_scale};
  if (dtype == OR_FLOAT64 || dtype == OR_COMPLEX128) return (or_tolerance_t){out.rel * 1e-6, out.abs * 1e-6};
  /* Rounded once to the narrow type: half a spacing, and a whole one where an intermediate was rounded too. */
  if (out.rel < spacing(dtype)) out.rel = spacing(dtype);
  return out;
}

static double rms_of(or_dtype_t dtype, const void *data, uint64_t count) {
  double sum = 0;
  uint64_t finite = 0;
  for (uint64_t i = 0; i < count; ++i) {
    double value = or_element_get(dtype, data, (size_t)i);
    if (!isfinite(value)) continue;
    sum += value * value;
    ++finite;
  }
  double rms = finite > 0 ? sqrt(sum / (double)finite) : 0;
  return isfinite(rms) ? rms : 0;
}

typedef struct mismatch_t {
  uint64_t count, first, total;
  double got, expected, allowed;
} mismatch_t;

static void look_at_floats(or_dtype_t dtype, const or_op_tensor_t *got, const or_op_tensor_t *expected,
                           or_tolerance_t tolerance, mismatch_t *out) {
  bool exact = tolerance.rel <= 0 && tolerance.abs <= 0;
  double rms = exact ? 0 : rms_of(dtype, expected->data, out->total);
  for (uint64_t i = 0; i < out->total; ++i) {
    double a = or_element_get(dtype, got->data, (size_t)i), b = or_element_get(dtype, expected->data, (size_t)i);
    double allowed = exact ? 0 : tolerance.abs + tolerance.rel * (fabs(b) + rms);
    bool same = a == b || (isnan(a) && isnan(b)) || (isfinite(a) && isfinite(b) && fabs(a - b) <= allowed);
    if (same) continue;
    if (out->count++ > 0) continue;
    out->first = i;
    out->got = a;
    out->expected = b;
    out->allowed = allowed;
  }
}

static void look_at_integers(or_dtype_t dtype, const or_op_tensor_t *got, const or_op_tensor_t *expected,
                             mismatch_t *out) {
  for (uint64_t i = 0; i < out->total; ++i) {
    int64_t a = or_element_get_int(dtype, got->data, (size_t)i),
            b = or_element_get_int(dtype, expected->data, (size_t)i);
    if (a == b) continue;
    if (out->count++ > 0) continue;
    out->first = i;
    out->got = (double)a;
    out->expected = (double)b;
  }
}

static or_status_t describe(const or_op_tensor_t *tensor, or_dtype_t dtype, const mismatch_t *mismatch) {
  char shape[160], place[160] = "";
  uint64_t rest = tensor->dtype == dtype ? mismatch->first : mismatch->first / 2;
  int64_t index[OR_MAX_RANK] = {0};
  for (int32_t i = tensor->shape.rank; i-- > 0;) {
    index[i] = (int64_t)(rest % (uint64_t)tensor->shape.dims[i]);
    rest /= (uint64_t)tensor->shape.dims[i];
  }
  for (int32_t i = 0; i < tensor->shape.rank; ++i) {
    size_t used = strlen(place);
    (void)or_format(place + used, sizeof place - used, "%s%lld", i > 0 ? "," : "", (long long)index[i]);
  }
  return or_error(OR_INTERNAL,
                  "%s %s: %llu of %llu elements differ, first [%s]: got %.9g, expected %.9g, allowed difference %.3g",
                  or_dtype_name(tensor->dtype), or_shape_format(&tensor->shape, shape, sizeof shape),
                  (unsigned long long)mismatch->count, (unsigned long long)mismatch->total, place, mismatch->got,
                  mismatch->expected, mismatch->allowed);
}

or_status_t cts_compare(const or_op_tensor_t *got, const or_op_tensor_t *expected, or_tolerance_t tolerance) {
  or_dtype_t dtype = expected->dtype;
  mismatch_t mismatch = {.total = or_shape_product(&expected->shape, 0, expected->shape.rank)};
  if (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128) {
    dtype = dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64; /* real and imaginary parts, one after the other */
    mismatch.total *= 2;
  }
  if (or_dtype_is_float(dtype)) {
    look_at_floats(dtype, got, expected, tolerance, &mismatch);
  } else {
    look_at_integers(dtype, got, expected, &mismatch);
  }
  return mismatch.count == 0 ? or_status_success() : describe(expected, dtype, &mismatch);
}
