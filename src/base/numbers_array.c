#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "base/numbers_internal.h"
#include "base/string.h"

/* The words that stand for numbers in JSON tensors. */
static const struct {
  const char *text;
  double value;
  bool quoted;
} words[] = {
    {"\"NaN\"", (double)NAN, true},
    {"\"Infinity\"", (double)INFINITY, true},
    {"\"-Infinity\"", -(double)INFINITY, true},
    {"true", 1, false},
    {"false", 0, false},
};
#define WORD_NONE (sizeof words / sizeof words[0])

static size_t scan_word(const char **cursor, const char *end) {
  size_t left = (size_t)(end - *cursor);
  for (size_t i = 0; i < WORD_NONE; ++i) {
    size_t length = strlen(words[i].text);
    if (left < length || memcmp(*cursor, words[i].text, length) != 0) continue;
    *cursor += length;
    return i;
  }
  return WORD_NONE;
}

/* The next few characters, for a message. */
static const char *excerpt(const char *at, const char *end, char *buffer, size_t capacity) {
  size_t length = 0;
  while (at + length < end && length + 1 < capacity && length < 24 && strchr(",[] \t\r\n", at[length]) == NULL)
    ++length;
  if (length == 0 && at < end) length = 1;
  memcpy(buffer, at, length);
  buffer[length] = '\0';
  or_utf8_repair(buffer, length, true);
  return at < end ? buffer : "the end of the text";
}

or_status_t or_number_scan_double(const char **cursor, const char *end, double *out) {
  or_scanned_t scanned;
  const char *at = *cursor;
  char shown[32];
  if (or_scan_decimal(&at, end, &scanned)) {
    double value = or_scanned_double(&scanned);
    if (isinf(value)) {
      return or_error(OR_INVALID_ARGUMENT, "number %s: beyond the range of float64 (1.8e308)",
                      excerpt(*cursor, end, shown, sizeof shown));
    }
    *out = value;
    *cursor = at;
    return or_status_success();
  }
  size_t word = scan_word(cursor, end);
  if (word == WORD_NONE)
    return or_error(OR_INVALID_ARGUMENT, "expected a number, found %s", excerpt(at, end, shown, sizeof shown));
  *out = words[word].value;
  return or_status_success();
}

or_status_t or_number_scan_integer(const char **cursor, const char *end, uint64_t *out, bool *negative) {
  or_scanned_t scanned;
  const char *at = *cursor;
  char shown[32];
  if (!or_scan_decimal(&at, end, &scanned) || !scanned.integer) {
    return or_error(OR_INVALID_ARGUMENT, "expected an integer, found %s", excerpt(*cursor, end, shown, sizeof shown));
  }
  uint64_t value = 0;
  bool overflow = false;
  for (const char *digit = scanned.text; digit < scanned.text_end; ++digit) {
    overflow = overflow || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
               __builtin_add_overflow(value, (uint64_t)(*digit - '0'), &value);
  }
  if (overflow || (scanned.negative && value > UINT64_C(1) << 63)) {
    return or_error(OR_OUT_OF_RANGE, "integer %s: outside -2^63..2^64-1", excerpt(*cursor, end, shown, sizeof shown));
  }
  *negative = scanned.negative && value != 0;
  *out = *negative ? (uint64_t)0 - value : value;
  *cursor = at;
  return or_status_success();
}

/* True if the integer fits into the dtype. */
static bool integer_fits(or_dtype_t dtype, uint64_t value, bool negative) {
  uint32_t bits = or_dtype_bits(dtype);
  if (!or_dtype_is_signed(dtype)) return !negative && (bits == 64 || value >> bits == 0);
  uint64_t limit = UINT64_C(1) << (bits - 1);
  return negative ? (uint64_t)0 - value <= limit : value < limit;
}

static bool scan_integer_element(const char **cursor, const char *end, or_dtype_t dtype, void *data, size_t index) {
  const char *at = *cursor;
  or_scanned_t scanned;
  uint64_t value = 0;
  bool negative = false;
  if (!or_scan_decimal(&at, end, &scanned)) {
    size_t word = scan_word(&at, end);
    if (word == WORD_NONE || words[word].quoted) return false;
    value = (uint64_t)words[word].value;
  } else if (scanned.integer && !scanned.more && scanned.exponent == 0) {
    negative = scanned.negative && scanned.digits != 0;
    value = negative ? (uint64_t)0 - scanned.digits : scanned.digits;
    if (negative && scanned.digits > UINT64_C(1) << 63) return false;
  } else if (scanned.integer) {
    or_status_t status = or_number_scan_integer(cursor, end, &value, &negative);
    if (!or_ok(status)) {
      or_status_ignore(status); /* the caller's message names the element as well */
      return false;
    }
  } else { /* 1.0 and 1e3 are whole numbers too */
    double real = or_scanned_double(&scanned);
    if (real != floor(real) || fabs(real) > 0x1p53) return false;
    negative = real < 0;
    value = (uint64_t)(int64_t)real;
  }
  if (dtype == OR_BOOL ? value > 1 || negative : !integer_fits(dtype, value, negative)) return false;
  or_element_set_int(dtype, data, index, (int64_t)value);
  *cursor = at;
  return true;
}

static bool scan_float_element(const char **cursor, const char *end, or_dtype_t dtype, void *data, size_t index) {
  or_scanned_t scanned;
  const char *at = *cursor;
  if (or_scan_decimal(&at, end, &scanned)) {
    if (dtype == OR_FLOAT32 || dtype == OR_COMPLEX64) {
      float value = or_scanned_float(&scanned);
      if (isinf(value)) return false;
      ((float *)data)[index] = value;
    } else {
      double value = or_scanned_double(&scanned);
      if (dtype == OR_COMPLEX128) dtype = OR_FLOAT64;
      if (isinf(value) || fabs(value) > or_dtype_largest(dtype)) return false;
      if (value <= 0 && dtype == OR_FLOAT8E8M0) return false;
      or_element_set(dtype, data, index, value);
    }
    *cursor = at;
    return true;
  }
  size_t word = scan_word(&at, end);
  if (word == WORD_NONE) return false;
  double value = words[word].value;
  if (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128) dtype = dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64;
  or_element_set(dtype, data, index, value);
  double stored = or_element_get(dtype, data, index); /* some types have no infinity or no NaN */
  if (isnan(value) ? !isnan(stored) : stored != value) return false;
  *cursor = at;
  return true;
}

static or_status_t element_error(const char *at, const char *end, or_dtype_t dtype, size_t index) {
  char shown[32];
  return or_error(OR_INVALID_ARGUMENT, "element %zu: expected a number that fits into %s, found %s", index,
                  or_dtype_name(dtype), excerpt(at, end, shown, sizeof shown));
}

/* The quick way through long rows of plain numbers, for the types that models' inputs have. */
static size_t scan_run(const char **at, const char *end, or_dtype_t dtype, void *data, size_t index, size_t count) {
  if (dtype == OR_FLOAT32) return or_run_singles(at, end, (float *)data + index, count - index);
  if (dtype == OR_FLOAT64) return or_run_doubles(at, end, (double *)data + index, count - index);
  return 0;
}

static const char *skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
  return at;
}

/* Opens as many brackets as stand at *at. */
static or_status_t open_brackets(const char **at, const char *end, size_t *depth, bool *opened) {
  *opened = false;
  for (*at = skip_space(*at, end); *at < end && **at == '['; *at = skip_space(*at + 1, end)) {
    if (*depth == OR_MAX_RANK)
      return or_error(OR_INVALID_ARGUMENT, "the array is nested deeper than %d, the limit", OR_MAX_RANK);
    ++*depth;
    *opened = true;
  }
  return or_status_success();
}

or_status_t or_number_scan_array(const char **cursor, const char *end, or_dtype_t dtype, void *data, size_t count) {
  const char *at = skip_space(*cursor, end);
  char shown[32];
  size_t depth = 0, index = 0;
  bool real = or_dtype_is_float(dtype), opened = false;
  if (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128) { /* pairs, nested or not */
    if (__builtin_mul_overflow(count, (size_t)2, &count))
      return or_error(OR_OUT_OF_RANGE, "%zu complex elements are too many", count);
    real = true;
  } else if (!real && !or_dtype_is_integer(dtype) && dtype != OR_BOOL) {
    return or_error(OR_INVALID_ARGUMENT, "%s elements can't be read from numbers", or_dtype_name(dtype));
  }
  if (at == end || *at != '[')
    return or_error(OR_INVALID_ARGUMENT, "expected an array of numbers, found %s",
                    excerpt(at, end, shown, sizeof shown));
  for (bool more = true; more;) {
    or_status_t status = open_brackets(&at, end, &depth, &opened);
    if (!or_ok(status)) return status;
    if (!(opened && at < end && *at == ']')) { /* an empty array has no value */
      if (index == count)
        return or_error(OR_INVALID_ARGUMENT, "more than %zu elements, which the shape asks for", count);
      size_t ran = scan_run(&at, end, dtype, data, index, count - 1);
      index += ran;
      if (ran > 0) continue; /* at the next value */
      bool taken =
          real ? scan_float_element(&at, end, dtype, data, index) : scan_integer_element(&at, end, dtype, data, index);
      if (!taken) return element_error(at, end, dtype, index);
      ++index;
      at = skip_space(at, end);
    }
    while (at < end && *at == ']' && depth > 0) {
      ++at;
      if (--depth > 0) at = skip_space(at, end);
    }
    more = depth > 0;
    if (more && (at == end || *at != ',')) {
      return or_error(OR_INVALID_ARGUMENT, "after element %zu: expected , or ], found %s", index,
                      excerpt(at, end, shown, sizeof shown));
    }
    if (more) ++at;
  }
  if (index != count) return or_error(OR_INVALID_ARGUMENT, "%zu elements, but the shape asks for %zu", index, count);
  *cursor = at;
  return or_status_success();
}

/* A whole number that the dtype can hold. */
static bool fill_integer(const or_scanned_t *scanned, or_dtype_t dtype, void *data, size_t index) {
  int64_t value = 0;
  uint64_t large = 0;
  if (!or_scanned_integer(scanned, &value)) {
    if (dtype != OR_UINT64 || !or_scanned_unsigned(scanned, &large)) return false;
    ((uint64_t *)data)[index] = large;
    return true;
  }
  const bool negative = value < 0;
  if (dtype == OR_BOOL ? negative || value > 1 : !integer_fits(dtype, (uint64_t)value, negative)) return false;
  or_element_set_int(dtype, data, index, value);
  return true;
}

size_t or_number_fill(const char **cursor, const char *end, or_dtype_t dtype, void *data, size_t count) {
  const bool complex = dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128;
  if (complex) dtype = dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64;
  const size_t last = complex ? 2 * count : count;
  const bool whole = or_dtype_is_integer(dtype) || dtype == OR_BOOL;
  size_t index = 0;
  const char *at = *cursor;
  for (;;) {
    while (at < end &&
           (*at == ',' || *at == ' ' || *at == ']' || *at == '[' || *at == '\n' || *at == '\t' || *at == '\r'))
      ++at;
    const size_t ran = scan_run(&at, end, dtype, data, index, last);
    index += ran;
    if (ran > 0) continue; /* at a number or a bracket */
    or_scanned_t scanned;
    const char *behind = at;
    if (at == end || index == last || !or_scan_decimal(&behind, end, &scanned)) break;
    if (whole && !fill_integer(&scanned, dtype, data, index)) break;
    if (dtype == OR_FLOAT32) {
      ((float *)data)[index] = or_scanned_float(&scanned);
    } else if (!whole) {
      or_element_set(dtype, data, index, or_scanned_double(&scanned));
    }
    ++index;
    at = behind;
  }
  *cursor = at;
  return index;
}

/* The end of a number that a document can hold; NULL if none stands there. */
static const char *skip_number(const char *at, const char *end) {
  or_scanned_t scanned;
  if (!or_scan_decimal(&at, end, &scanned)) return NULL;
  return isinf(or_scanned_double(&scanned)) ? NULL : at;
}

bool or_skip_numbers(const char **cursor, const char *end, size_t depth, size_t *count) {
  const char *at = *cursor;
  size_t level = 0;
  bool good = true;
  *count = 0;
  do {
    bool opened = false;
    for (at = skip_space(at, end); at < end && *at == '[' && level < depth; at = skip_space(at + 1, end)) {
      ++level;
      opened = true;
    }
    if (!(opened && at < end && *at == ']')) { /* an empty array has no value */
      const size_t ran = or_run_over(&at, end);
      *count += ran;
      if (ran > 0 && level > 0) continue; /* at the next value */
      const char *behind = skip_number(at, end);
      good = behind != NULL && level > 0;
      if (!good) break;
      ++*count;
      at = skip_space(behind, end);
    }
    while (at < end && *at == ']' && level > 0) {
      ++at;
      if (--level > 0) at = skip_space(at, end);
    }
    good = level == 0 || (at < end && *at == ',');
    if (good && level > 0) ++at;
  } while (good && level > 0);
  *cursor = at;
  return good;
}
