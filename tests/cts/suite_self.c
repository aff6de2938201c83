/* The suite's own eyes: a comparison that sees nothing would pass everything. */
#include <math.h>

#include "base/alloc.h"
#include "cts/cts.h"

static or_status_t compare(or_dtype_t dtype, const void *got, const void *expected, int64_t count,
                           or_tolerance_t tolerance) {
  or_shape_t shape = or_shape_make(1, &count);
  or_op_tensor_t a = {.dtype = dtype, .shape = shape, .data = (void *)(uintptr_t)got},
                 b = {.dtype = dtype, .shape = shape, .data = (void *)(uintptr_t)expected};
  return cts_compare(&a, &b, tolerance);
}

static or_status_t sees_differences_of_floats(cts_t *cts, const void *data) {
  (void)cts;
  (void)data;
  const or_tolerance_t exact = {0, 0}, loose = {1e-3, 1e-6};
  const float ones[4] = {1, 1, 1, 1};
  const float cases[][4] = {{1, 1, 1, 1.01f}, {1, NAN, 1, 1}, {INFINITY, 1, 1, 1}, {1, 1, -1, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    CTS_TRY(cts_expect(compare(OR_FLOAT32, cases[i], ones, 4, loose), OR_INTERNAL, "a wrong element"));
    CTS_TRY(cts_expect(compare(OR_FLOAT32, ones, cases[i], 4, loose), OR_INTERNAL, "a wrong element"));
  }
  const float near[4] = {1, 1.001f, 1, 0.999f}, nan[2] = {NAN, -INFINITY}, other[2] = {NAN, INFINITY}, zero = 0,
              minus = -0.0f;
  CTS_TRY(compare(OR_FLOAT32, near, ones, 4, loose));
  CTS_TRY(cts_expect(compare(OR_FLOAT32, near, ones, 4, exact), OR_INTERNAL, "an inexact element"));
  CTS_TRY(compare(OR_FLOAT32, nan, nan, 2, exact));
  CTS_TRY(cts_expect(compare(OR_FLOAT32, nan, other, 2, loose), OR_INTERNAL, "the other infinity"));
  return compare(OR_FLOAT32, &zero, &minus, 1, exact);
}

static or_status_t sees_differences_of_other_dtypes(cts_t *cts, const void *data) {
  (void)cts;
  (void)data;
  const or_tolerance_t loose = {0.5, 0.5};
  const int8_t bytes[3] = {1, 2, 3}, others[3] = {1, 2, 4};
  CTS_TRY(compare(OR_INT8, bytes, bytes, 3, loose));
  CTS_TRY(cts_expect(compare(OR_INT8, bytes, others, 3, loose), OR_INTERNAL, "integers are exact"));
  const int64_t large = INT64_MAX, next = INT64_MAX - 1; /* equal as doubles */
  CTS_TRY(cts_expect(compare(OR_INT64, &large, &next, 1, loose), OR_INTERNAL, "large integers"));
  const double complex[4] = {1, 2, 3, 4}, imaginary[4] = {1, 2, 3, 5};
  CTS_TRY(cts_expect(compare(OR_COMPLEX128, complex, imaginary, 2, (or_tolerance_t){1e-6, 0}), OR_INTERNAL,
                     "an imaginary part"));
  const uint8_t nibbles[1] = {0x21}, high[1] = {0x31};
  CTS_TRY(cts_expect(compare(OR_UINT4, nibbles, high, 2, loose), OR_INTERNAL, "the second of two in a byte"));
  const uint16_t half[1] = {0x3c00}, next_half[1] = {0x3c01};
  return cts_expect(compare(OR_FLOAT16, half, next_half, 1, (or_tolerance_t){0, 0}), OR_INTERNAL, "float16");
}

static or_status_t keeps_tolerances_narrow(cts_t *cts, const void *data) {
  (void)data;
  or_tolerance_t base = {1e-5, 1e-6}, exact = cts_tolerance(cts, (or_tolerance_t){0, 0}, OR_BFLOAT16);
  CTS_CHECK(exact.rel == 0 && exact.abs == 0, "what is exact stays exact");
  CTS_CHECK(cts_tolerance(cts, base, OR_FLOAT64).rel < 1e-9, "float64 is too loose");
  CTS_CHECK(cts_tolerance(cts, base, OR_FLOAT16).rel < 2e-3, "float16 is too loose");
  CTS_CHECK(cts_tolerance(cts, base, OR_BFLOAT16).rel < 2e-2, "bfloat16 is too loose");
  return or_status_success();
}

void cts_suite_self(cts_t *cts) {
  cts_case(cts, "self/sees_differences_of_floats", sees_differences_of_floats, NULL);
  cts_case(cts, "self/sees_differences_of_other_dtypes", sees_differences_of_other_dtypes, NULL);
  cts_case(cts, "self/keeps_tolerances_narrow", keeps_tolerances_narrow, NULL);
}
