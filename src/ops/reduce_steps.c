#include <math.h>

#include "ops/reduce_internal.h"

/* -max..max of the integer types, by dtype; the largest is below 2^63. */
static void integer_ends(or_dtype_t dtype, int64_t *low, int64_t *high) {
  uint32_t bits = or_dtype_bits(dtype);
  bool is_signed = dtype == OR_INT8 || dtype == OR_INT16 || dtype == OR_INT32 || dtype == OR_INT64;
  if (dtype == OR_BOOL) {
    *low = 0;
    *high = 1;
  } else if (is_signed) {
    *high = (int64_t)(UINT64_MAX >> (65 - bits));
    *low = -*high - 1;
  } else {
    *low = 0;
    *high = (int64_t)(UINT64_MAX >> (64 - bits));
  }
}

or_reduce_value_t or_reduce_start(or_reduce_step_t step, or_lane_kind_t kind, or_dtype_t dtype) {
  or_reduce_value_t value = {.natural = 0}; /* +0 of each kind */
  if (step == OR_REDUCE_PRODUCT) {
    if (kind == OR_LANE_REAL) {
      value.real = 1;
    } else {
      value.natural = 1;
    }
  }
  if (step != OR_REDUCE_MAX && step != OR_REDUCE_MIN) return value;
  if (kind == OR_LANE_REAL) {
    value.real = step == OR_REDUCE_MAX ? -INFINITY : INFINITY;
  } else if (kind == OR_LANE_NATURAL) {
    value.natural = step == OR_REDUCE_MAX ? 0 : UINT64_MAX;
  } else {
    int64_t low = 0, high = 0;
    integer_ends(dtype, &low, &high);
    value.integer = step == OR_REDUCE_MAX ? low : high;
  }
  return value;
}

/* One element into one accumulator: `a` is the accumulator, `x` the element. Sums of integers are taken on the unsigned
 * type, where overflow is defined. */
#define REAL_STEP(a, x, shift)                                         \
  switch (step) {                                                      \
  case OR_REDUCE_SUM: STEP_LOOP(a += x); break;                        \
  case OR_REDUCE_SUM_ABS: STEP_LOOP(a += fabs(x)); break;              \
  case OR_REDUCE_SUM_SQUARE: STEP_LOOP(a += x * x); break;             \
  case OR_REDUCE_SUM_EXP: STEP_LOOP(a += exp(x - (shift))); break;     \
  case OR_REDUCE_PRODUCT: STEP_LOOP(a *= x); break;                    \
  case OR_REDUCE_MAX: STEP_LOOP(a = isnan(a) || a > x ? a : x); break; \
  case OR_REDUCE_MIN: STEP_LOOP(a = isnan(a) || a < x ? a : x); break; \
  }
#define INTEGER_STEP(a, x)                                                                                        \
  switch (step) {                                                                                                 \
  case OR_REDUCE_SUM: STEP_LOOP(a = (int64_t)((uint64_t)a + (uint64_t)x)); break;                                 \
  case OR_REDUCE_SUM_ABS: STEP_LOOP(a = (int64_t)((uint64_t)a + (x < 0 ? 0 - (uint64_t)x : (uint64_t)x))); break; \
  case OR_REDUCE_SUM_SQUARE: STEP_LOOP(a = (int64_t)((uint64_t)a + (uint64_t)x * (uint64_t)x)); break;            \
  case OR_REDUCE_PRODUCT: STEP_LOOP(a = (int64_t)((uint64_t)a * (uint64_t)x)); break;                             \
  case OR_REDUCE_MAX: STEP_LOOP(a = a > x ? a : x); break;                                                        \
  case OR_REDUCE_MIN: STEP_LOOP(a = a < x ? a : x); break;                                                        \
  case OR_REDUCE_SUM_EXP: break; /* always in double */                                                           \
  }
#define NATURAL_STEP(a, x)                                 \
  switch (step) {                                          \
  case OR_REDUCE_SUM:                                      \
  case OR_REDUCE_SUM_ABS: STEP_LOOP(a += x); break;        \
  case OR_REDUCE_SUM_SQUARE: STEP_LOOP(a += x * x); break; \
  case OR_REDUCE_PRODUCT: STEP_LOOP(a *= x); break;        \
  case OR_REDUCE_MAX: STEP_LOOP(a = a > x ? a : x); break; \
  case OR_REDUCE_MIN: STEP_LOOP(a = a < x ? a : x); break; \
  case OR_REDUCE_SUM_EXP: break;                           \
  }
#define STEP_LOOP(statement) \
  for (size_t i = 0; i < count; ++i) statement

void or_reduce_row(or_reduce_step_t step, or_lane_kind_t kind, const or_lanes_t *lanes, size_t count, double shift,
                   or_reduce_value_t *accumulator) {
  if (kind == OR_LANE_REAL) {
    double total = accumulator->real;
    REAL_STEP(total, lanes->real[i], shift)
    accumulator->real = total;
  } else if (kind == OR_LANE_INTEGER) {
    int64_t total = accumulator->integer;
    INTEGER_STEP(total, lanes->integer[i])
    accumulator->integer = total;
  } else {
    uint64_t total = accumulator->natural;
    NATURAL_STEP(total, lanes->natural[i])
    accumulator->natural = total;
  }
}

void or_reduce_each(or_reduce_step_t step, or_lane_kind_t kind, const or_lanes_t *lanes, size_t count,
                    const double *shifts, or_reduce_value_t *accumulators) {
  if (kind == OR_LANE_REAL) {
    REAL_STEP(accumulators[i].real, lanes->real[i], shifts[i])
  } else if (kind == OR_LANE_INTEGER) {
    INTEGER_STEP(accumulators[i].integer, lanes->integer[i])
  } else {
    NATURAL_STEP(accumulators[i].natural, lanes->natural[i])
  }
}
