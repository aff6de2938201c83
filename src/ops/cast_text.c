/* Numbers as text, and text as numbers. */
#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "ops/cast_internal.h"
#include "ops/shape.h"
#include "ops/strings.h"

#define NUMBER_BYTES 32 /* of a double, a 64-bit integer, or what stands for no number */

/* ---- to text ---- */

/* `out` has room for NUMBER_BYTES, here and below. */
static size_t write_special(const char *word, char *out) { return strlen(or_format(out, NUMBER_BYTES, "%s", word)); }

/* A decimal as its digits and the power of ten of the first one. */
typedef struct digits_t {
  char digits[NUMBER_BYTES];
  size_t count;
  int exponent;
} digits_t;

/* From the form of base/numbers.h: digits, perhaps a point, perhaps an exponent. */
static void split_digits(const char *text, size_t length, digits_t *out) {
  size_t whole = SIZE_MAX, at = 0, read = 0;
  int written = 0, sign = 1;
  *out = (digits_t){.count = 0};
  for (; at < length && text[at] != 'e' && text[at] != 'E'; ++at) {
    if (text[at] == '.') {
      whole = read;
      continue;
    }
    ++read;
    if (out->count == 0 && text[at] == '0') {
      --out->exponent; /* zeros before the first digit that counts */
    } else {
      out->digits[out->count++] = text[at];
    }
  }
  if (whole == SIZE_MAX) whole = read;
  for (++at; at < length; ++at) {
    if (text[at] == '-') sign = -1;
    if (text[at] >= '0' && text[at] <= '9') written = written * 10 + (text[at] - '0');
  }
  while (out->count > 1 && out->digits[out->count - 1] == '0') --out->count;
  out->exponent += (int)whole - 1 + sign * written;
}

/* Plain from 1e-4 on to below 10^plain, else with an exponent of at least two digits, as C's %g. */
static size_t write_digits(const digits_t *self, int plain, char *out) {
  const int point = self->exponent; /* digits up to this one stand before the point */
  size_t length = 0;
  if (point < -4 || point >= plain) {
    out[length++] = self->digits[0];
    if (self->count > 1) out[length++] = '.';
    memcpy(out + length, self->digits + 1, self->count - 1);
    length += self->count - 1;
    or_format(out + length, NUMBER_BYTES - 1 - length, "e%c%02d", point < 0 ? '-' : '+', point < 0 ? -point : point);
    return length + strlen(out + length);
  }
  for (int zeros = point < 0 ? -point : 0; zeros > 0; --zeros) {
    out[length++] = '0';
    if (length == 1) out[length++] = '.';
  }
  for (int i = 0; i < (int)self->count || i <= point; ++i) {
    if (i > 0 && i == point + 1) out[length++] = '.';
    out[length++] = i < (int)self->count ? self->digits[i] : '0';
  }
  return length;
}

static size_t write_real(double value, bool wide, char *out) {
  if (isnan(value)) return write_special("NaN", out);
  if (isinf(value)) return write_special(value < 0 ? "-INF" : "INF", out);
  char text[NUMBER_BYTES];
  const size_t length = wide ? or_number_write_double(value, text) : or_number_write_float((float)value, text);
  const size_t sign = text[0] == '-';
  if (value == 0) return write_special(sign ? "-0" : "0", out);
  digits_t digits;
  split_digits(text + sign, length - sign, &digits);
  out[0] = '-';
  return sign + write_digits(&digits, wide ? 17 : 8, out + sign);
}

static size_t write_lane(or_dtype_t dtype, const or_lanes_t *lanes, size_t at, char *out) {
  switch (or_lane_kind(dtype)) {
  case OR_LANE_REAL: return write_real(lanes->real[at], dtype == OR_FLOAT64, out);
  case OR_LANE_NATURAL: return strlen(or_format(out, NUMBER_BYTES, "%llu", (unsigned long long)lanes->natural[at]));
  case OR_LANE_INTEGER: break;
  }
  return strlen(or_format(out, NUMBER_BYTES, "%lld", (long long)lanes->integer[at]));
}

or_status_t or_cast_to_text(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0];
  or_string_t *out = call->outputs[0].data;
  const uint64_t count = or_shape_product(&in->shape, 0, in->shape.rank);
  size_t total = 0;
  or_status_t status = or_status_success();
  for (uint64_t first = 0; or_ok(status) && first < count && !or_stops(call->stop, 8 * OR_LANES); first += OR_LANES) {
    const size_t block = (size_t)(count - first < OR_LANES ? count - first : OR_LANES);
    char text[OR_LANES * NUMBER_BYTES], *kept = NULL;
    size_t used = 0;
    or_lanes_t lanes;
    text[0] = '\0'; /* where every element is written in no characters */
    or_lanes_load(in->dtype, in->data, (int64_t)first, 1, block, &lanes);
    for (size_t i = 0; i < block; ++i) {
      out[first + i].length = write_lane(in->dtype, &lanes, i, text + used);
      used += out[first + i].length;
    }
    status = or_strings_add(&total, used);
    if (or_ok(status)) status = or_strings_room(call, used, &kept);
    if (!or_ok(status)) break;
    memcpy(kept, text, used);
    for (size_t i = 0; i < block; ++i) {
      out[first + i].data = kept;
      kept += out[first + i].length;
    }
  }
  return status;
}

/* ---- from text ---- */

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* More digits than these, of which the last is a 1 if anything followed, round like all of them. */
#define MAX_DIGITS 800
#define MAX_EXPONENT 100000

/* A decimal as strtod has it, without hexadecimals, as a whole number with an exponent, for base/numbers.h. */
typedef struct decimal_t {
  bool negative, whole; /* whole: neither point nor exponent was written */
  size_t length;
  char text[MAX_DIGITS + 16];
} decimal_t;

static bool equals_nocase(or_string_t text, const char *word) {
  if (text.length != strlen(word)) return false;
  for (size_t i = 0; i < text.length; ++i) {
    if ((text.data[i] | 0x20) != word[i]) return false;
  }
  return true;
}

static or_string_t trimmed(or_string_t text) {
  while (text.length > 0 && is_space(text.data[0])) text = (or_string_t){text.data + 1, text.length - 1};
  while (text.length > 0 && is_space(text.data[text.length - 1])) --text.length;
  return text;
}

/* Takes a sign off. */
static bool take_sign(or_string_t *text) {
  const bool negative = text->length > 0 && text->data[0] == '-';
  if (negative || (text->length > 0 && text->data[0] == '+')) *text = (or_string_t){text->data + 1, text->length - 1};
  return negative;
}

static bool read_exponent(or_string_t text, int64_t *exponent) {
  const bool negative = take_sign(&text);
  int64_t value = 0;
  for (size_t i = 0; i < text.length; ++i) {
    if (!is_digit(text.data[i])) return false;
    if (value < MAX_EXPONENT) value = value * 10 + (text.data[i] - '0');
  }
  *exponent = negative ? -value : value;
  return text.length > 0;
}

/* `text` has no sign and no space around it. */
static bool read_decimal(or_string_t text, bool negative, decimal_t *out) {
  *out = (decimal_t){.negative = negative, .whole = true};
  int64_t scale = 0, written = 0;
  size_t at = 0, seen = 0;
  bool more = false;
  for (; at < text.length && (is_digit(text.data[at]) || (text.data[at] == '.' && out->whole)); ++at) {
    if (text.data[at] == '.') {
      out->whole = false;
      continue;
    }
    ++seen;
    const bool kept = out->length<MAX_DIGITS, counts = out->length> 0 || text.data[at] != '0';
    if (counts && kept) out->text[out->length++] = text.data[at];
    if (counts && !kept) more = more || text.data[at] != '0';
    if (counts && !kept && out->whole && scale < MAX_EXPONENT) ++scale;
    if ((!counts || kept) && !out->whole && scale > -MAX_EXPONENT) --scale;
  }
  if (seen == 0) return false;
  if (at < text.length) {
    if ((text.data[at] | 0x20) != 'e') return false;
    out->whole = false;
    if (!read_exponent((or_string_t){text.data + at + 1, text.length - at - 1}, &written)) return false;
  }
  if (out->length == 0) out->text[out->length++] = '0';
  if (more) out->text[out->length - 1] |= 1; /* odd, so that no tie is seen */
  char exponent[16];
  or_format(exponent, sizeof exponent, "e%lld", (long long)scale + written);
  memcpy(out->text + out->length, exponent, strlen(exponent));
  out->length += strlen(exponent);
  return true;
}

static double decimal_value(const decimal_t *decimal, bool single) {
  const char *cursor = decimal->text;
  double value = 0;
  float narrow = 0;
  if (single) {
    (void)or_number_fill(&cursor, decimal->text + decimal->length, OR_FLOAT32, &narrow, 1);
    value = (double)narrow;
  } else {
    (void)or_number_fill(&cursor, decimal->text + decimal->length, OR_FLOAT64, &value, 1);
  }
  return decimal->negative ? -value : value;
}

/* Of a whole number; false beyond 64 bits. */
static bool whole_value(or_string_t digits, bool negative, uint64_t *out) {
  uint64_t value = 0;
  for (size_t i = 0; i < digits.length; ++i) {
    if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
        __builtin_add_overflow(value, (uint64_t)(digits.data[i] - '0'), &value))
      return false;
  }
  if (negative && value > UINT64_C(1) << 63) return false;
  *out = negative ? 0 - value : value;
  return true;
}

static bool read_lane(or_string_t text, or_lane_kind_t kind, bool single, or_lanes_t *lanes, size_t at) {
  or_lanes_t one;
  decimal_t decimal;
  text = trimmed(text);
  const bool negative = take_sign(&text);
  if (equals_nocase(text, "nan")) {
    one.real[0] = (double)NAN;
  } else if (equals_nocase(text, "inf") || equals_nocase(text, "infinity")) {
    one.real[0] = negative ? -(double)INFINITY : (double)INFINITY;
  } else {
    if (!read_decimal(text, negative, &decimal)) return false;
    if (kind != OR_LANE_REAL && decimal.whole) return whole_value(text, negative, &lanes->natural[at]);
    one.real[0] = decimal_value(&decimal, single);
  }
  or_lanes_convert(&one, 1, OR_LANE_REAL, kind);
  lanes->natural[at] = one.natural[0]; /* the bits of whichever member it is */
  return true;
}

or_status_t or_cast_read_texts(const or_op_tensor_t *in, or_dtype_t to, uint64_t first, size_t count,
                               or_lane_kind_t kind, or_lanes_t *out) {
  const or_string_t *texts = (const or_string_t *)in->data + first;
  for (size_t i = 0; i < count; ++i) {
    if (read_lane(texts[i], kind, to == OR_FLOAT32, out, i)) continue;
    char shown[41];
    const size_t length = texts[i].length < sizeof shown - 1 ? texts[i].length : sizeof shown - 1;
    if (length > 0) memcpy(shown, texts[i].data, length);
    shown[length] = '\0';
    or_utf8_repair(shown, length, true);
    return or_error(OR_INVALID_ARGUMENT, "element %llu is \"%s\"%s, which is no number that %s can be made of",
                    (unsigned long long)(first + i), shown, texts[i].length > length ? " and so on" : "",
                    or_dtype_name(to));
  }
  return or_status_success();
}
