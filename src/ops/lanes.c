#include "ops/lanes.h"

#include <math.h>
#include <string.h>

#include "base/numbers.h"

or_lane_kind_t or_lane_kind(or_dtype_t dtype) {
  if (dtype == OR_UINT64) return OR_LANE_NATURAL;
  return or_dtype_is_integer(dtype) || dtype == OR_BOOL ? OR_LANE_INTEGER : OR_LANE_REAL;
}

/* ---- widening ---- */

static void load_other(or_dtype_t dtype, const void *data, int64_t first, int64_t step, size_t count, or_lanes_t *out);

#define LOAD(type, member, expression)                                                           \
  do {                                                                                           \
    for (size_t i = 0; i < count; ++i) {                                                         \
      type value;                                                                                \
      memcpy(&value, bytes + (first + (int64_t)i * step) * (int64_t)sizeof value, sizeof value); \
      out->member[i] = (expression);                                                             \
    }                                                                                            \
  } while (0)

void or_lanes_load(or_dtype_t dtype, const void *data, int64_t first, int64_t step, size_t count, or_lanes_t *out) {
  const char *bytes = data;
  switch (dtype) {
  case OR_FLOAT32: LOAD(float, real, (double)value); break;
  case OR_FLOAT64: LOAD(double, real, value); break;
  case OR_FLOAT16: LOAD(uint16_t, real, (double)or_float16_to_float(value)); break;
  case OR_BFLOAT16: LOAD(uint16_t, real, (double)or_bfloat16_to_float(value)); break;
  case OR_INT8: LOAD(uint8_t, integer, (int64_t)(value ^ 0x80U) - 0x80); break; /* sign-extended */
  case OR_INT16: LOAD(int16_t, integer, value); break;
  case OR_INT32: LOAD(int32_t, integer, value); break;
  case OR_INT64: LOAD(int64_t, integer, value); break;
  case OR_UINT8: LOAD(uint8_t, integer, value); break;
  case OR_UINT16: LOAD(uint16_t, integer, value); break;
  case OR_UINT32: LOAD(uint32_t, integer, value); break;
  case OR_UINT64: LOAD(uint64_t, natural, value); break;
  case OR_BOOL: LOAD(uint8_t, integer, value != 0); break;
  default: load_other(dtype, data, first, step, count, out); break;
  }
}

static void load_other(or_dtype_t dtype, const void *data, int64_t first, int64_t step, size_t count, or_lanes_t *out) {
  bool integer = or_dtype_is_integer(dtype);
  for (size_t i = 0; i < count; ++i) {
    size_t index = (size_t)(first + (int64_t)i * step);
    if (integer) {
      out->integer[i] = or_element_get_int(dtype, data, index);
    } else {
      out->real[i] = or_element_get(dtype, data, index);
    }
  }
}

/* ---- narrowing ---- */

static void store_real(or_dtype_t dtype, char *bytes, int64_t first, size_t count, const double *in);
static void store_integer(or_dtype_t dtype, char *bytes, int64_t first, size_t count, const int64_t *in);
static void store_natural(or_dtype_t dtype, char *bytes, int64_t first, size_t count, const uint64_t *in);
static int64_t integer_of_real(double value, double low, double high);
static float odd_float(double value);
static double odd_double(bool negative, uint64_t magnitude);

void or_lanes_store(or_dtype_t dtype, void *data, int64_t first, size_t count, or_lane_kind_t kind,
                    const or_lanes_t *in) {
  if (kind == OR_LANE_REAL) store_real(dtype, data, first, count, in->real);
  if (kind == OR_LANE_INTEGER) store_integer(dtype, data, first, count, in->integer);
  if (kind == OR_LANE_NATURAL) store_natural(dtype, data, first, count, in->natural);
}

#define STORE(type, expression)                                                           \
  do {                                                                                    \
    for (size_t i = 0; i < count; ++i) {                                                  \
      type value = (type)(expression);                                                    \
      memcpy(bytes + (first + (int64_t)i) * (int64_t)sizeof value, &value, sizeof value); \
    }                                                                                     \
  } while (0)

static void store_real(or_dtype_t dtype, char *bytes, int64_t first, size_t count, const double *in) {
  switch (dtype) {
  case OR_FLOAT32: STORE(float, in[i]); break;
  case OR_FLOAT64: STORE(double, in[i]); break;
  case OR_FLOAT16: STORE(uint16_t, or_float_to_float16(odd_float(in[i]))); break;
  case OR_BFLOAT16: STORE(uint16_t, or_float_to_bfloat16(odd_float(in[i]))); break;
  case OR_INT8: STORE(int8_t, integer_of_real(in[i], INT8_MIN, INT8_MAX)); break;
  case OR_INT16: STORE(int16_t, integer_of_real(in[i], INT16_MIN, INT16_MAX)); break;
  case OR_INT32: STORE(int32_t, integer_of_real(in[i], INT32_MIN, INT32_MAX)); break;
  case OR_INT64: STORE(int64_t, integer_of_real(in[i], -0x1p63, 0x1p63)); break;
  case OR_UINT8: STORE(uint8_t, integer_of_real(in[i], 0, UINT8_MAX)); break;
  case OR_UINT16: STORE(uint16_t, integer_of_real(in[i], 0, UINT16_MAX)); break;
  case OR_UINT32: STORE(uint32_t, integer_of_real(in[i], 0, UINT32_MAX)); break;
  case OR_UINT64: STORE(uint64_t, in[i] >= 0x1p64 ? UINT64_MAX : in[i] > 0 ? (uint64_t)in[i] : 0); break;
  case OR_BOOL: STORE(uint8_t, in[i] != 0); break;
  case OR_INT2:
  case OR_UINT2:
  case OR_INT4:
  case OR_UINT4:
    for (size_t i = 0; i < count; ++i) {
      int64_t value = integer_of_real(in[i], -0x1p63, 0x1p63);
      or_bits_append(or_dtype_bits(dtype), bytes, (uint64_t)first + i, (uint32_t)(uint64_t)value);
    }
    break;
  default:
    for (size_t i = 0; i < count; ++i) {
      size_t index = (size_t)first + i;
      if (or_dtype_bits(dtype) < 8) or_bits_append(or_dtype_bits(dtype), bytes, index, 0);
      or_element_set(dtype, bytes, index, (double)odd_float(in[i]));
    }
    break;
  }
}

static void store_integer(or_dtype_t dtype, char *bytes, int64_t first, size_t count, const int64_t *in) {
  switch (dtype) {
  case OR_FLOAT32: STORE(float, in[i]); break;
  case OR_FLOAT64: STORE(double, in[i]); break;
  case OR_INT8: STORE(int8_t, in[i]); break;
  case OR_INT16: STORE(int16_t, in[i]); break;
  case OR_INT32: STORE(int32_t, in[i]); break;
  case OR_INT64: STORE(int64_t, in[i]); break;
  case OR_UINT8: STORE(uint8_t, in[i]); break;
  case OR_UINT16: STORE(uint16_t, in[i]); break;
  case OR_UINT32: STORE(uint32_t, in[i]); break;
  case OR_UINT64: STORE(uint64_t, in[i]); break;
  case OR_BOOL: STORE(uint8_t, in[i] != 0); break;
  case OR_INT2:
  case OR_UINT2:
  case OR_INT4:
  case OR_UINT4:
    for (size_t i = 0; i < count; ++i)
      or_bits_append(or_dtype_bits(dtype), bytes, (uint64_t)first + i, (uint32_t)(uint64_t)in[i]);
    break;
  default:
    for (size_t i = 0; i < count; ++i) {
      double wide = odd_double(in[i] < 0, in[i] < 0 ? -(uint64_t)in[i] : (uint64_t)in[i]);
      store_real(dtype, bytes, first + (int64_t)i, 1, &wide);
    }
    break;
  }
}

static void store_natural(or_dtype_t dtype, char *bytes, int64_t first, size_t count, const uint64_t *in) {
  for (size_t i = 0; i < count; ++i) {
    int64_t at = first + (int64_t)i;
    if (dtype == OR_FLOAT32) {
      float value = (float)in[i];
      memcpy(bytes + at * 4, &value, sizeof value);
    } else if (dtype == OR_FLOAT64) {
      double value = (double)in[i];
      memcpy(bytes + at * 8, &value, sizeof value);
    } else if (or_dtype_is_integer(dtype) || dtype == OR_BOOL) {
      int64_t same_bits = (int64_t)in[i];
      store_integer(dtype, bytes, at, 1, &same_bits);
    } else {
      double wide = odd_double(false, in[i]);
      store_real(dtype, bytes, at, 1, &wide);
    }
  }
}

/* `low` and `high` are the ends of the target's range; 2^63 stands for int64's, which no double meets. */
static int64_t integer_of_real(double value, double low, double high) {
  if (isnan(value)) return 0;
  if (value >= high) return high == 0x1p63 ? INT64_MAX : (int64_t)high;
  return value <= low ? (int64_t)low : (int64_t)value;
}

/* Rounded to odd: a last bit that is set keeps the memory of what was cut off, so that rounding once more to half the
 * bits or fewer gives what rounding once would have (Boldo and Melquiond, "When double rounding is odd", 2005). */
static float odd_float(double value) {
  float nearest = (float)value;
  if ((double)nearest == value || isnan(value)) return nearest;
  uint32_t bits;
  memcpy(&bits, &nearest, sizeof bits);
  if (bits & 1) return nearest;
  bits += fabs((double)nearest) < fabs(value) ? 1u : UINT32_MAX;
  memcpy(&nearest, &bits, sizeof bits);
  return nearest;
}

static double odd_double(bool negative, uint64_t magnitude) {
  double value = (double)magnitude;
  if (magnitude >> 53) value = ldexp((double)(magnitude >> 11 | ((magnitude & 0x7ff) != 0)), 11);
  return negative ? -value : value;
}

void or_lanes_convert(or_lanes_t *lanes, size_t count, or_lane_kind_t from, or_lane_kind_t to) {
  if (from == to) return;
  for (size_t i = 0; i < count; ++i) {
    int64_t integer = lanes->integer[i];
    if (to == OR_LANE_REAL && from == OR_LANE_INTEGER) {
      lanes->real[i] = odd_double(integer < 0, integer < 0 ? -(uint64_t)integer : (uint64_t)integer);
    } else if (to == OR_LANE_REAL) {
      lanes->real[i] = odd_double(false, lanes->natural[i]);
    } else if (from == OR_LANE_REAL) {
      double real = lanes->real[i];
      store_real(to == OR_LANE_INTEGER ? OR_INT64 : OR_UINT64, (char *)&lanes->integer[i], 0, 1, &real);
    }
  }
}
