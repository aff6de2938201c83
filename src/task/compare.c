#include "task/compare.h"

#include <math.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "task/task_internal.h"

/* A complex element is two numbers. */
static or_dtype_t parts_of(or_dtype_t dtype, uint64_t *count) {
  if (dtype != OR_COMPLEX64 && dtype != OR_COMPLEX128) return dtype;
  *count *= 2;
  return dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64;
}

double or_task_rms(or_dtype_t dtype, const void *data, uint64_t count) {
  double sum = 0;
  uint64_t finite = 0;
  dtype = parts_of(dtype, &count);
  for (uint64_t i = 0; i < count; ++i) {
    double value = or_element_get(dtype, data, (size_t)i);
    if (!isfinite(value)) continue;
    sum += value * value;
    ++finite;
  }
  return finite > 0 ? sqrt(sum / (double)finite) : 0;
}

double or_task_cosine(or_dtype_t dtype, const void *rows, size_t width, size_t a, size_t b) {
  double product = 0, square_a = 0, square_b = 0;
  for (size_t i = 0; i < width; ++i) {
    double x = or_element_get(dtype, rows, a * width + i), y = or_element_get(dtype, rows, b * width + i);
    product += x * y;
    square_a += x * x;
    square_b += y * y;
  }
  double lengths = sqrt(square_a) * sqrt(square_b);
  return lengths > 0 ? product / lengths : 0;
}

void or_task_compare(or_dtype_t dtype, const void *actual, const void *expected, uint64_t count,
                     or_task_tolerance_t tolerance, or_difference_t *out) {
  dtype = parts_of(dtype, &count);
  *out = (or_difference_t){.count = count, .first_wrong = UINT64_MAX};
  for (uint64_t i = 0; i < count; ++i) {
    double a = or_element_get(dtype, actual, (size_t)i), b = or_element_get(dtype, expected, (size_t)i);
    bool same = a == b || (isnan(a) && isnan(b)), finite = isfinite(a) && isfinite(b);
    double error = finite ? fabs(a - b) : 0.0;
    if (!same && (!finite || error > tolerance.abs + tolerance.rel * fabs(b))) {
      if (out->wrong++ == 0) {
        out->first_wrong = i;
        out->wrong_actual = a;
        out->wrong_expected = b;
      }
    }
    out->mean_abs += error;
    if (error > out->max_abs) out->max_abs = error;
    if (finite && b != 0.0 && error / fabs(b) > out->max_rel) out->max_rel = error / fabs(b);
  }
  if (count > 0) out->mean_abs /= (double)count;
}

or_status_t or_task_compare_tensors(const or_allocator_t *allocator, const or_tensor_t *actual,
                                    const or_tensor_t *expected, or_task_tolerance_t tolerance, or_difference_t *out) {
  void *copies[2] = {NULL, NULL};
  const void *a = NULL, *b = NULL;
  or_status_t status = or_task_host_bytes(allocator, actual, &copies[0], &a);
  if (or_ok(status)) status = or_task_host_bytes(allocator, expected, &copies[1], &b);
  if (or_ok(status)) or_task_compare(or_tensor_dtype(actual), a, b, or_tensor_count(actual), tolerance, out);
  or_free(allocator, copies[0]);
  or_free(allocator, copies[1]);
  return status;
}
