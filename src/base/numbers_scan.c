/* Decimal to binary: exact small cases directly (W. Clinger, "How to read floating point numbers accurately", 1990),
 * nearly all others by one or two 64 x 128 bit products (D. Lemire, "Number parsing at a gigabyte per second", 2021),
 * the rest by strtod on a bounded copy. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "base/numbers_internal.h"

/* A double's rounding can hang on 767 digits; what follows counts only as zero or not. */
#define HARD_DIGITS 780

static bool scan_exponent(const char **cursor, const char *end, int64_t *exponent);
static bool multiply(uint64_t digits, int exponent, uint64_t *bits);
static double hard_double(const or_scanned_t *scanned, bool single);

static const double small_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Both factors are exact as doubles, so one operation rounds once. */
static bool is_small(uint64_t digits, int64_t exponent) {
  return digits <= UINT64_C(1) << 53 && exponent >= -22 && exponent <= 22;
}

static double small_product(uint64_t digits, int exponent) {
  return exponent < 0 ? (double)digits / small_powers[-exponent] : (double)digits * small_powers[exponent];
}

double or_scanned_double(const or_scanned_t *scanned) {
  double value = 0;
  uint64_t bits = 0;
  if (scanned->digits == 0) {
    value = 0;
  } else if (!scanned->more && scanned->digits <= UINT64_C(1) << 53 && scanned->exponent >= -22 &&
             scanned->exponent <= 22) {
    double digits = (double)scanned->digits;
    value =
        scanned->exponent < 0 ? digits / small_powers[-scanned->exponent] : digits * small_powers[scanned->exponent];
  } else if (scanned->exponent > 310) {
    value = (double)INFINITY;
  } else if (scanned->exponent < OR_POWER_FIRST - 20) {
    value = 0;
  } else {
    uint64_t above = 0;
    bool sure = multiply(scanned->digits, (int)scanned->exponent, &bits);
    /* Digits beyond the 19th: the value lies between digits and digits + 1; sure if both round to the same. */
    if (sure && scanned->more) sure = multiply(scanned->digits + 1, (int)scanned->exponent, &above) && above == bits;
    if (sure) {
      memcpy(&value, &bits, sizeof value);
    } else {
      value = hard_double(scanned, false);
    }
  }
  return scanned->negative ? -value : value;
}

/* A double that rounds to the same float as the decimal that it came from does: rounding twice goes wrong only where
 * the double lies half way between two floats, or where floats have fewer bits. */
static bool rounds_once_more(double value) {
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  double magnitude = value < 0 ? -value : value;
  return (bits & UINT64_C(0x1FFFFFFF)) != UINT64_C(0x10000000) && magnitude >= 0x1p-126;
}

float or_scanned_float(const or_scanned_t *scanned) {
  double value = or_scanned_double(scanned);
  if (scanned->digits == 0 || rounds_once_more(value)) return (float)value;
  float single = (float)hard_double(scanned, true);
  return scanned->negative ? -single : single;
}

bool or_scanned_integer(const or_scanned_t *scanned, int64_t *out) {
  const uint64_t limit = (uint64_t)INT64_MAX + (scanned->negative ? 1 : 0);
  if (!scanned->integer || scanned->more || scanned->exponent != 0 || scanned->digits > limit) return false;
  *out = (int64_t)(scanned->negative ? (uint64_t)0 - scanned->digits : scanned->digits);
  return true;
}

bool or_scanned_unsigned(const or_scanned_t *scanned, uint64_t *out) {
  uint64_t value = 0; /* `digits` may lack the twentieth */
  if (!scanned->integer || (scanned->negative && scanned->digits != 0)) return false;
  for (const char *at = scanned->text; at < scanned->text_end; ++at) {
    if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
        __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
      return false;
  }
  *out = value;
  return true;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

typedef struct eight_t {
  uint64_t digits; /* a value 0..9 in each byte, up to the first character that is no digit */
  unsigned count;  /* digits before that one */
} eight_t;

/* Looks at eight characters in one word, without a branch for each. */
static eight_t look_at_eight(const char *at) {
  uint64_t eight = 0;
  memcpy(&eight, at, sizeof eight);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  eight = __builtin_bswap64(eight);
#endif
  uint64_t digits = eight - UINT64_C(0x3030303030303030);
  uint64_t others = (digits | (eight + UINT64_C(0x4646464646464646))) & UINT64_C(0x8080808080808080);
  return (eight_t){digits, others != 0 ? (unsigned)__builtin_ctzll(others) / 8 : 8};
}

/* The number that the first `count` digits make: moved to the top of the word, then added up in pairs, fours and
 * eights. */
static uint64_t add_up(uint64_t digits, unsigned count) {
  digits = digits << (32 - 4 * count) << (32 - 4 * count); /* in two steps, for a shift by 64 is none */
  digits = digits * 10 + (digits >> 8);
  uint64_t low = (digits & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064);
  uint64_t high = (digits >> 16 & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001);
  return (low + high) >> 32;
}

/* Appends digits to *value, right while they are no more than 19; returns the first character that is none. */
static const char *take_digits(const char *at, const char *end, uint64_t *value) {
  while (end - at >= 8) {
    eight_t eight = look_at_eight(at);
    if (eight.count < 8) break;
    *value = *value * 100000000 + add_up(eight.digits, 8);
    at += 8;
  }
  for (; at < end && is_digit(*at); ++at) *value = *value * 10 + (uint64_t)(*at - '0');
  return at;
}

/* The rare number of more than 19 digits: takes the first 19 that count again. */
static void take_leading(or_scanned_t *out, int64_t exponent) {
  uint64_t value = 0;
  int count = 0;
  int64_t point = 0; /* of the digits taken: how many stand after the point */
  bool after_point = false;
  out->more = false;
  for (const char *at = out->text; at < out->text_end; ++at) {
    if (*at == '.') {
      after_point = true;
    } else if (count < 19) {
      value = value * 10 + (uint64_t)(*at - '0');
      if (value != 0) ++count;
      if (after_point) ++point;
    } else {
      out->more = out->more || *at != '0';
      if (!after_point) --point;
    }
  }
  out->digits = value;
  out->exponent = exponent - point;
}

bool or_scan_decimal(const char **cursor, const char *end, or_scanned_t *out) {
  const char *at = *cursor;
  *out = (or_scanned_t){.negative = at < end && *at == '-'};
  if (out->negative) ++at;
  out->text = at;
  const char *whole_end = take_digits(at, end, &out->digits);
  if (whole_end == at || (*at == '0' && whole_end > at + 1)) return false; /* JSON: a digit, and no leading zeros */
  int64_t digit_count = whole_end - at, exponent = 0;
  at = whole_end;
  out->integer = true;
  if (at < end && *at == '.') {
    const char *fraction = at + 1;
    at = take_digits(fraction, end, &out->digits);
    if (at == fraction) return false;
    out->exponent = -(int64_t)(at - fraction);
    digit_count += at - fraction;
    out->integer = false;
  }
  out->text_end = at;
  if (at < end && (*at == 'e' || *at == 'E')) {
    if (!scan_exponent(&at, end, &exponent)) return false;
    out->integer = false;
  }
  out->written_exponent = exponent;
  out->exponent += exponent;
  if (digit_count > 19) take_leading(out, exponent);
  *cursor = at;
  return true;
}

static bool scan_exponent(const char **cursor, const char *end, int64_t *exponent) {
  const char *at = *cursor + 1;
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) ++at;
  if (at == end || !is_digit(*at)) return false;
  int64_t value = 0;
  for (; at < end && is_digit(*at); ++at) {
    if (value < INT64_C(1) << 40) value = value * 10 + (*at - '0');
  }
  *exponent = negative ? -value : value;
  *cursor = at;
  return true;
}

/* digits * 10^exponent, rounded to nearest even, as a double's bits; false if 128 bits don't decide it. */
static bool multiply(uint64_t digits, int exponent, uint64_t *bits) {
  if (digits == 0 || exponent < OR_POWER_FIRST) return false;
  if (exponent > 308) return false;
  int leading = __builtin_clzll(digits);
  digits <<= leading;
  or_power_t power = or_powers[exponent - OR_POWER_FIRST];
  if (exponent > OR_POWER_LAST_EXACT || exponent < -27) { /* the table is rounded up; here the paper has it cut off */
    power.high -= power.low == 0 ? 1 : 0;
    --power.low;
  }
  or_uint128_t product = (or_uint128_t)digits * power.high;
  uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
  if ((high & 0x1FF) == 0x1FF) { /* a carry from the low half could reach the bits that are kept */
    or_uint128_t second = (or_uint128_t)digits * power.low;
    uint64_t carry = (uint64_t)(second >> 64);
    low += carry;
    if (low < carry) ++high;
    if (low == UINT64_MAX && (exponent < -27 || exponent > OR_POWER_LAST_EXACT)) return false;
  }
  int upper = (int)(high >> 63);
  uint64_t mantissa = high >> (upper + 64 - 52 - 3); /* 54 bits: one more than a double has */
  int biased = or_floor_log2_pow10(exponent) + 63 + upper - leading + 1023;
  if (biased <= 0) return false; /* subnormal: rare enough for the slow way */
  /* Half way exactly, and so possibly a tie: only for small powers, where the product is exact. */
  if (low <= 1 && exponent >= -4 && exponent <= 23 && (mantissa & 3) == 1 && mantissa << (upper + 64 - 52 - 3) == high)
    mantissa &= ~UINT64_C(1);
  mantissa += mantissa & 1;
  mantissa >>= 1;
  if (mantissa >= UINT64_C(1) << 53) {
    mantissa = UINT64_C(1) << 52;
    ++biased;
  }
  if (biased >= 2047) return false;
  *bits = (mantissa & ((UINT64_C(1) << 52) - 1)) | (uint64_t)biased << 52;
  return true;
}

/* Writes digits and exponent in a form without a decimal point, which no locale changes, and lets the C library round
 * it. */
static double hard_double(const or_scanned_t *scanned, bool single) {
  char copy[HARD_DIGITS + 32];
  size_t length = 0;
  int64_t exponent = scanned->written_exponent;
  bool after_point = false, rest = false;
  for (const char *at = scanned->text; at < scanned->text_end; ++at) {
    if (*at == '.') {
      after_point = true;
      continue;
    }
    bool kept = length < HARD_DIGITS;
    if (kept && (length > 0 || *at != '0')) copy[length++] = *at;
    if (!kept && *at != '0') rest = true;
    if (after_point && kept) --exponent;
    if (!after_point && !kept) ++exponent;
  }
  if (rest) { /* one more digit stands for all that were left out */
    copy[length++] = '1';
    --exponent;
  }
  if (length == 0) return 0;
  if (exponent > 100000) exponent = 100000;
  if (exponent < -100000) exponent = -100000;
  copy[length++] = 'e';
  if (exponent < 0) copy[length++] = '-';
  uint64_t magnitude = (uint64_t)(exponent < 0 ? -exponent : exponent);
  for (uint64_t unit = 100000; unit > 0; unit /= 10) copy[length++] = (char)('0' + magnitude / unit % 10);
  copy[length] = '\0';
  return single ? (double)strtof(copy, NULL) : strtod(copy, NULL);
}

/* As take_digits; at most 16. Both words are looked at before the first is known to be full, so that the next number's
 * start does not wait for one after the other. */
static const char *take_sixteen(const char *at, uint64_t *value) {
  static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  eight_t first = look_at_eight(at), second = look_at_eight(at + 8);
  unsigned more = first.count < 8 ? 0 : second.count;
  *value =
      (*value * powers[first.count] + add_up(first.digits, first.count)) * powers[more] + add_up(second.digits, more);
  return at + first.count + more;
}

const char *or_scan_plain(const char *at, or_plain_t *out) {
  out->negative = *at == '-';
  if (out->negative) ++at;
  const char *start = at;
  uint64_t digits = 0;
  if (is_digit(*at) && at[1] == '.') { /* the most frequent form */
    digits = (uint64_t)(*at++ - '0');
  } else {
    at = take_sixteen(at, &digits);
    if (at == start || (*start == '0' && at > start + 1) || is_digit(*at)) return NULL;
  }
  int exponent = 0;
  if (*at == '.') {
    const char *fraction = ++at;
    at = take_sixteen(at, &digits);
    if (at == fraction || at - start > 19 || is_digit(*at)) return NULL; /* 18 digits and the point */
    exponent = (int)(fraction - at);
  }
  if (*at == 'e' || *at == 'E') {
    bool down = at[1] == '-';
    at += down || at[1] == '+' ? 2 : 1;
    if (!is_digit(*at)) return NULL;
    int written = *at++ - '0';
    if (is_digit(*at)) written = written * 10 + (*at++ - '0');
    if (is_digit(*at)) return NULL;
    exponent += down ? -written : written;
  }
  out->digits = digits;
  out->exponent = exponent;
  return at;
}

bool or_plain_double(const or_plain_t *plain, double *out) {
  double value = 0;
  uint64_t bits = 0;
  if (is_small(plain->digits, plain->exponent)) {
    value = small_product(plain->digits, plain->exponent);
  } else if (plain->digits != 0) {
    if (!multiply(plain->digits, plain->exponent, &bits)) return false;
    memcpy(&value, &bits, sizeof value);
  }
  *out = plain->negative ? -value : value;
  return true;
}

bool or_plain_single(const or_plain_t *plain, float *out) {
  if (!is_small(plain->digits, plain->exponent)) return false;
  const double value = small_product(plain->digits, plain->exponent); /* within the range of normal floats, or 0 */
  if (value != 0 && !rounds_once_more(value)) return false;
  *out = plain->negative ? -(float)value : (float)value;
  return true;
}
