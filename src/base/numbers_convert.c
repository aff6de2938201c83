#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/numbers.h"

/* A binary floating-point format of at most 16 bits: sign, exponent, fraction, from the top. Float8 formats: ONNX,
 * "Float stored in 8 bits" (tables of values and of casts with saturation); float4 and float6: OCP Microscaling Formats
 * 1.0. */
typedef struct format_t {
  int exponent_bits, fraction_bits, bias;
  uint32_t largest;  /* code of the largest finite value */
  uint32_t infinity; /* code that infinity becomes */
  uint32_t overflow; /* code that larger finite values become */
  uint32_t nan;      /* code that NaN becomes */
  bool one_zero;     /* FNUZ: the code of minus zero is the only NaN, and it has no sign */
} format_t;

static const format_t float16 = {5, 10, 15, 0x7BFF, 0x7C00, 0x7C00, 0x7E00, false};
static const format_t bfloat16 = {8, 7, 127, 0x7F7F, 0x7F80, 0x7F80, 0x7FC0, false};

static const format_t *small_format(or_dtype_t dtype) {
  static const format_t e4m3fn = {4, 3, 7, 0x7E, 0x7E, 0x7E, 0x7F, false};
  static const format_t e4m3fnuz = {4, 3, 8, 0x7F, 0x80, 0x7F, 0x80, true};
  static const format_t e5m2 = {5, 2, 15, 0x7B, 0x7B, 0x7B, 0x7F, false};
  static const format_t e5m2fnuz = {5, 2, 16, 0x7F, 0x80, 0x7F, 0x80, true};
  static const format_t e2m1 = {2, 1, 1, 0x7, 0x7, 0x7, 0x7, false};
  static const format_t e2m3 = {2, 3, 1, 0x1F, 0x1F, 0x1F, 0x1F, false};
  static const format_t e3m2 = {3, 2, 3, 0x1F, 0x1F, 0x1F, 0x1F, false};
  switch (dtype) {
  case OR_FLOAT16: return &float16;
  case OR_BFLOAT16: return &bfloat16;
  case OR_FLOAT8E4M3FN: return &e4m3fn;
  case OR_FLOAT8E4M3FNUZ: return &e4m3fnuz;
  case OR_FLOAT8E5M2: return &e5m2;
  case OR_FLOAT8E5M2FNUZ: return &e5m2fnuz;
  case OR_FLOAT4E2M1: return &e2m1;
  case OR_FLOAT6E2M3: return &e2m3;
  case OR_FLOAT6E3M2: return &e3m2;
  default: return NULL;
  }
}

static double decode(const format_t *format, uint32_t code) {
  int sign_bit = format->exponent_bits + format->fraction_bits;
  uint32_t magnitude = code & ((1U << sign_bit) - 1), sign = code >> sign_bit;
  if (format->one_zero && code == format->nan) return (double)NAN;
  double value = 0;
  if (magnitude > format->largest) {
    /* Beyond the largest finite value: infinity where the format has one right there, else NaN. */
    bool ieee = (format->largest & ((1U << format->fraction_bits) - 1)) == (1U << format->fraction_bits) - 1;
    value = ieee && magnitude == format->largest + 1 ? (double)INFINITY : (double)NAN;
  } else {
    uint32_t fraction = magnitude & ((1U << format->fraction_bits) - 1);
    int exponent = (int)(magnitude >> format->fraction_bits);
    if (exponent > 0) fraction |= 1U << format->fraction_bits;
    value = ldexp((double)fraction, (exponent > 0 ? exponent : 1) - format->bias - format->fraction_bits);
  }
  return sign != 0 ? -value : value;
}

static uint32_t encode(const format_t *format, double value) {
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  uint32_t sign = (uint32_t)(bits >> 63) << (format->exponent_bits + format->fraction_bits);
  if (isnan(value)) return format->one_zero || format->nan == format->largest ? format->nan : sign | format->nan;
  if (isinf(value)) return format->one_zero ? format->infinity : sign | format->infinity;

  int exponent = (int)(bits >> 52 & 0x7FF) - 1023;
  uint64_t significand = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
  int lowest =
      1 -
      format->bias; /* of normal numbers; below it the spacing stays the same. Doubles' own subnormals all become 0. */
  int cut = 52 - format->fraction_bits + (exponent < lowest ? lowest - exponent : 0);
  uint32_t magnitude = 0;
  if (cut <= 53) {
    uint64_t kept = significand >> cut, rest = significand & ((UINT64_C(1) << cut) - 1),
             half = UINT64_C(1) << (cut - 1);
    if (rest > half || (rest == half && (kept & 1) != 0)) ++kept;
    /* Above the subnormals the leading bit adds one to the exponent field; so does a carry out of the fraction. */
    uint64_t field = exponent < lowest ? 0 : (uint64_t)(exponent - lowest);
    kept += field << format->fraction_bits;
    magnitude = kept > format->largest ? format->overflow : (uint32_t)kept;
  }
  if (magnitude == 0 && format->one_zero) return 0;
  return sign | magnitude;
}

float or_float16_to_float(uint16_t bits) {
  uint32_t sign = (uint32_t)(bits & 0x8000) << 16, magnitude = bits & 0x7FFF, result = 0;
  float value = 0;
  if (magnitude >= 0x7C00) {
    result = sign | 0x7F800000 | (magnitude & 0x3FF) << 13;
  } else if (magnitude >= 0x400) {
    result = sign | ((magnitude << 13) + ((127 - 15) << 23));
  } else {
    value = (float)magnitude * 0x1p-24F;
    memcpy(&result, &value, sizeof result);
    result |= sign;
  }
  memcpy(&value, &result, sizeof value);
  return value;
}

uint16_t or_float_to_float16(float value) {
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF, result = 0;
  if (magnitude > 0x7F800000) {
    result = 0x7E00 | (magnitude >> 13 & 0x1FF);
  } else if (magnitude >= 0x47800000) { /* 65536 and more */
    result = 0x7C00;
  } else if (magnitude >=
             0x38800000) { /* normal: round the 13 bits that go; a carry runs into the exponent, up to infinity */
    result = (magnitude - ((127U - 15U) << 23) + 0xFFF + (magnitude >> 13 & 1)) >> 13;
  } else if (magnitude >=
             0x33000000) { /* subnormal: adding 0.5 puts the units of 2^-24 at the bottom of the sum, rounded */
    float positive = 0, sum = 0;
    memcpy(&positive, &magnitude, sizeof positive);
    sum = positive + 0.5F;
    memcpy(&result, &sum, sizeof result);
    result -= 0x3F000000;
  }
  return (uint16_t)(sign | result);
}

float or_bfloat16_to_float(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float value = 0;
  memcpy(&value, &wide, sizeof value);
  return value;
}

uint16_t or_float_to_bfloat16(float value) {
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

#define E8M0_NAN 0xFF
#define E8M0_BIAS 127

uint8_t or_double_to_float8e8m0(double value, or_e8m0_rounding_t rounding, bool saturate) {
  double magnitude = fabs(value), lowest = 0x1p-127, largest = 0x1p127;
  if (isnan(value)) return E8M0_NAN;
  int exponent = 0;
  if (magnitude >= lowest && !isinf(magnitude)) { /* magnitude = fraction 2^exponent, fraction in [0.5, 1) */
    double fraction = frexp(magnitude, &exponent);
    bool up = rounding == OR_E8M0_UP ? fraction > 0.5 : rounding == OR_E8M0_NEAREST && fraction >= 0.75;
    magnitude = ldexp(1, up ? exponent : exponent - 1);
  }
  if (magnitude > largest || magnitude < lowest) {
    if (!saturate) return E8M0_NAN;
    magnitude = magnitude > largest ? largest : lowest;
  }
  (void)frexp(magnitude, &exponent);
  return (uint8_t)(exponent - 1 + E8M0_BIAS);
}

static double decode_e8m0(uint32_t code) { return code == E8M0_NAN ? (double)NAN : ldexp(1, (int)code - E8M0_BIAS); }

uint32_t or_bits_get(uint32_t bits, const void *data, uint64_t index) {
  const uint8_t *byte = (const uint8_t *)data + index / 8 * bits + index % 8 * bits / 8;
  uint32_t shift = (uint32_t)(index % 8 * bits % 8), code = (uint32_t)*byte >> shift;
  if (shift + bits > 8) code |= (uint32_t)byte[1] << (8 - shift);
  return code & ((1U << bits) - 1);
}

static void put_bits(uint32_t bits, void *data, uint64_t index, uint32_t code, uint32_t kept_behind) {
  uint8_t *byte = (uint8_t *)data + index / 8 * bits + index % 8 * bits / 8;
  uint32_t shift = (uint32_t)(index % 8 * bits % 8), mask = (1U << bits) - 1;
  code &= mask;
  uint32_t below = (1U << shift) - 1, above = ~(mask << shift) & ~below & kept_behind;
  *byte = (uint8_t)((*byte & (below | above)) | code << shift);
  if (shift + bits > 8) byte[1] = (uint8_t)((byte[1] & ~(mask >> (8 - shift)) & kept_behind) | code >> (8 - shift));
}

void or_bits_set(uint32_t bits, void *data, uint64_t index, uint32_t code) {
  put_bits(bits, data, index, code, UINT32_MAX);
}

void or_bits_append(uint32_t bits, void *data, uint64_t index, uint32_t code) { put_bits(bits, data, index, code, 0); }

void or_bits_copy(uint32_t bits, const void *from, uint64_t first, void *to, uint64_t at, uint64_t count) {
  if (bits < 8) {
    for (uint64_t i = 0; i < count; ++i) or_bits_set(bits, to, at + i, or_bits_get(bits, from, first + i));
    return;
  }
  size_t bytes = bits / 8;
  memcpy((char *)to + at * bytes, (const char *)from + first * bytes, count * bytes);
}

bool or_dtype_is_float(or_dtype_t dtype) {
  return dtype == OR_FLOAT32 || dtype == OR_FLOAT64 || dtype == OR_FLOAT8E8M0 || small_format(dtype) != NULL;
}

bool or_dtype_is_integer(or_dtype_t dtype) {
  switch (dtype) {
  case OR_UINT2:
  case OR_INT2:
  case OR_UINT4:
  case OR_INT4:
  case OR_UINT8:
  case OR_INT8:
  case OR_UINT16:
  case OR_INT16:
  case OR_UINT32:
  case OR_INT32:
  case OR_UINT64:
  case OR_INT64: return true;
  default: return false;
  }
}

bool or_dtype_is_signed(or_dtype_t dtype) {
  switch (dtype) {
  case OR_INT2:
  case OR_INT4:
  case OR_INT8:
  case OR_INT16:
  case OR_INT32:
  case OR_INT64:
  case OR_COMPLEX64:
  case OR_COMPLEX128: return true;
  case OR_FLOAT8E8M0: return false;
  default: return or_dtype_is_float(dtype);
  }
}

double or_dtype_largest(or_dtype_t dtype) {
  const format_t *format = small_format(dtype);
  if (format != NULL) return decode(format, format->largest);
  if (dtype == OR_FLOAT64 || dtype == OR_COMPLEX128) return 0x1.fffffffffffffp1023;
  if (dtype == OR_FLOAT32 || dtype == OR_COMPLEX64) return 0x1.fffffep127;
  if (dtype == OR_FLOAT8E8M0) return 0x1p127;
  if (dtype == OR_BOOL) return 1;
  int bits = (int)or_dtype_bits(dtype) - (or_dtype_is_signed(dtype) ? 1 : 0);
  return or_dtype_is_integer(dtype) ? ldexp(1, bits) - (bits <= 53 ? 1 : 0) : 0;
}

/* The bits of element `index` of a type of at most 16 bits. */
static uint32_t get_code(or_dtype_t dtype, const void *data, size_t index) {
  uint32_t bits = or_dtype_bits(dtype);
  switch (bits) {
  case 8: return ((const uint8_t *)data)[index];
  case 16: return ((const uint16_t *)data)[index];
  default: return or_bits_get(bits, data, index);
  }
}

static void set_code(or_dtype_t dtype, void *data, size_t index, uint32_t code) {
  uint32_t bits = or_dtype_bits(dtype);
  switch (bits) {
  case 8: ((uint8_t *)data)[index] = (uint8_t)code; break;
  case 16: ((uint16_t *)data)[index] = (uint16_t)code; break;
  default: or_bits_set(bits, data, index, code); break;
  }
}

double or_element_get(or_dtype_t dtype, const void *data, size_t index) {
  switch (dtype) {
  case OR_FLOAT32: return (double)((const float *)data)[index];
  case OR_FLOAT64: return ((const double *)data)[index];
  case OR_COMPLEX64: return (double)((const float *)data)[index * 2];
  case OR_COMPLEX128: return ((const double *)data)[index * 2];
  case OR_FLOAT16: return (double)or_float16_to_float(((const uint16_t *)data)[index]);
  case OR_BFLOAT16: return (double)or_bfloat16_to_float(((const uint16_t *)data)[index]);
  case OR_UINT64: return (double)((const uint64_t *)data)[index];
  case OR_FLOAT8E8M0: return decode_e8m0(((const uint8_t *)data)[index]);
  default: break;
  }
  const format_t *format = small_format(dtype);
  return format != NULL ? decode(format, get_code(dtype, data, index)) : (double)or_element_get_int(dtype, data, index);
}

/* Towards zero; beyond the range its nearest end, NaN 0. */
static int64_t truncate_to_int(double value) {
  if (isnan(value)) return 0;
  if (value >= 0x1p63) return INT64_MAX;
  return value < -0x1p63 ? INT64_MIN : (int64_t)value;
}

int64_t or_element_get_int(or_dtype_t dtype, const void *data, size_t index) {
  switch (dtype) {
  case OR_INT64: return ((const int64_t *)data)[index];
  case OR_UINT64: return (int64_t)((const uint64_t *)data)[index];
  case OR_INT32: return ((const int32_t *)data)[index];
  case OR_UINT32: return ((const uint32_t *)data)[index];
  case OR_INT16: return ((const int16_t *)data)[index];
  case OR_UINT16: return ((const uint16_t *)data)[index];
  case OR_INT8: return ((const int8_t *)data)[index];
  case OR_UINT8: return ((const uint8_t *)data)[index];
  case OR_BOOL: return ((const uint8_t *)data)[index] != 0;
  case OR_UINT2:
  case OR_UINT4: return (int64_t)get_code(dtype, data, index);
  case OR_INT2: return (int64_t)(get_code(dtype, data, index) ^ 2U) - 2;
  case OR_INT4: return (int64_t)(get_code(dtype, data, index) ^ 8U) - 8;
  default: break;
  }
  bool real = or_dtype_is_float(dtype) || or_dtype_is_signed(dtype);
  assert(real); /* a float or complex type; strings have no number */
  return real ? truncate_to_int(or_element_get(dtype, data, index)) : 0;
}

void or_element_set(or_dtype_t dtype, void *data, size_t index, double value) {
  const format_t *format = small_format(dtype);
  switch (dtype) {
  case OR_FLOAT32: ((float *)data)[index] = (float)value; return;
  case OR_FLOAT64: ((double *)data)[index] = value; return;
  case OR_COMPLEX64:
    ((float *)data)[index * 2] = (float)value;
    ((float *)data)[index * 2 + 1] = 0;
    return;
  case OR_COMPLEX128:
    ((double *)data)[index * 2] = value;
    ((double *)data)[index * 2 + 1] = 0;
    return;
  case OR_BOOL: ((uint8_t *)data)[index] = value != 0; return;
  case OR_FLOAT8E8M0: ((uint8_t *)data)[index] = or_double_to_float8e8m0(value, OR_E8M0_UP, true); return;
  case OR_UINT64:
    if (value >= 0x1p63) {
      ((uint64_t *)data)[index] = value >= 0x1p64 ? UINT64_MAX : (uint64_t)value;
      return;
    }
    break;
  default: break;
  }
  if (format != NULL) {
    set_code(dtype, data, index, encode(format, value));
  } else if (or_dtype_bits(dtype) < 8) { /* ONNX: to so few bits by rounding to nearest even */
    or_element_set_int(dtype, data, index, truncate_to_int(nearbyint(value)));
  } else {
    or_element_set_int(dtype, data, index, truncate_to_int(value));
  }
}

void or_element_set_int(or_dtype_t dtype, void *data, size_t index, int64_t value) {
  switch (dtype) {
  case OR_INT64:
  case OR_UINT64: ((uint64_t *)data)[index] = (uint64_t)value; return;
  case OR_INT32:
  case OR_UINT32: ((uint32_t *)data)[index] = (uint32_t)value; return;
  case OR_INT16:
  case OR_UINT16: ((uint16_t *)data)[index] = (uint16_t)value; return;
  case OR_INT8:
  case OR_UINT8: ((uint8_t *)data)[index] = (uint8_t)value; return;
  case OR_BOOL: ((uint8_t *)data)[index] = value != 0; return;
  case OR_INT2:
  case OR_UINT2:
  case OR_INT4:
  case OR_UINT4: set_code(dtype, data, index, (uint32_t)value); return;
  case OR_FLOAT32: ((float *)data)[index] = (float)value; return;
  default: or_element_set(dtype, data, index, (double)value); return;
  }
}
