/* Shortest decimals by Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles", 2021): of the decimals
 * that round to the value, one with the fewest digits, and of these the one nearest to it. */
#include <string.h>

#include "base/numbers.h"
#include "base/numbers_internal.h"

typedef struct decimal_t {
  uint64_t digits;
  int exponent; /* value = digits * 10^exponent */
} decimal_t;

static inline decimal_t shortest(uint64_t significand, int exponent, bool lower_closer, bool single);
static size_t write_decimal(decimal_t decimal, char *text);

size_t or_number_write_double(double value, char *text) {
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  text[0] = '-';
  size_t sign = bits >> 63;
  uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
  int biased = (int)(bits >> 52 & 0x7FF);
  if (biased == 0 && fraction == 0) return sign + write_decimal((decimal_t){0, 0}, text + sign);
  uint64_t significand = biased > 0 ? fraction | UINT64_C(1) << 52 : fraction;
  int exponent = (biased > 0 ? biased : 1) - 1075;
  return sign + write_decimal(shortest(significand, exponent, fraction == 0 && biased > 1, false), text + sign);
}

size_t or_number_write_float(float value, char *text) {
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  text[0] = '-';
  size_t sign = bits >> 31;
  uint32_t fraction = bits & ((UINT32_C(1) << 23) - 1);
  int biased = (int)(bits >> 23 & 0xFF);
  if (biased == 0 && fraction == 0) return sign + write_decimal((decimal_t){0, 0}, text + sign);
  uint32_t significand = biased > 0 ? fraction | UINT32_C(1) << 23 : fraction;
  int exponent = (biased > 0 ? biased : 1) - 150;
  return sign + write_decimal(shortest(significand, exponent, fraction == 0 && biased > 1, true), text + sign);
}

/* The upper part of power * factor, its lowest bit set if anything was cut off ("round to odd", paper 9.9). */
static uint64_t round_to_odd(or_power_t power, uint64_t factor) {
  or_uint128_t low = (or_uint128_t)power.low * factor;
  or_uint128_t sum = (or_uint128_t)power.high * factor + (uint64_t)(low >> 64);
  return (uint64_t)(sum >> 64) | ((uint64_t)sum > 1 ? 1 : 0);
}

/* The same for floats, whose factors have 32 bits: the upper half of the power, rounded up, is enough. */
static uint64_t round_to_odd_single(or_power_t power, uint64_t factor) {
  uint64_t upper = power.high + (power.low != 0 ? 1 : 0);
  or_uint128_t product = (or_uint128_t)upper * factor;
  return (uint64_t)(product >> 64) | ((uint64_t)product >> 32 > 1 ? 1 : 0);
}

static decimal_t choose(uint64_t low, uint64_t at, uint64_t high, int k);

/* value = significand * 2^exponent. lower_closer: the neighbour below is only half as far as the one above. */
static inline decimal_t shortest(uint64_t significand, int exponent, bool lower_closer, bool single) {
  if (exponent <= 0 && exponent > -53 && (significand & ((UINT64_C(1) << -exponent) - 1)) == 0) {
    return (decimal_t){significand >> -exponent, 0}; /* a whole number is its own shortest form */
  }
  /* Everything below is in quarters of a unit of the last place, scaled by 10^-k: `at` the value, `low` and `high` the
   * bounds of the interval that rounds to it. Bounds belong to it when the significand is even. */
  uint64_t odd = significand & 1;
  int k = or_floor_shift((int64_t)exponent * 1262611 - (lower_closer ? 524031 : 0), 22); /* floor(log10 of its width) */
  int shift = exponent + or_floor_log2_pow10(-k) + 1;
  or_power_t power = or_powers[-k - OR_POWER_FIRST];
  uint64_t below = (4 * significand - (lower_closer ? 1 : 2)) << shift, above = (4 * significand + 2) << shift;
  if (single) {
    return choose(round_to_odd_single(power, below) + odd, round_to_odd_single(power, (4 * significand) << shift),
                  round_to_odd_single(power, above) - odd, k);
  }
  return choose(round_to_odd(power, below) + odd, round_to_odd(power, (4 * significand) << shift),
                round_to_odd(power, above) - odd, k);
}

/* Which way it goes is as good as random, so nothing here branches. */
static decimal_t choose(uint64_t low, uint64_t at, uint64_t high, int k) {
  /* One digit fewer, if exactly one of the two neighbours lies inside. */
  uint64_t whole = at / 4, tens = at / 40;
  unsigned tens_down = low <= 40 * tens, tens_up = 40 * tens + 40 <= high;
  unsigned shorter = (tens_down ^ tens_up) & (whole >= 10);
  unsigned down = low <= 4 * whole, up = 4 * whole + 4 <= high;
  uint64_t middle = 4 * whole + 2;
  unsigned nearer_up = (at > middle) | ((at == middle) & (whole & 1));
  unsigned one = down ^ up;
  uint64_t last = whole + ((one & up) | ((one ^ 1U) & nearer_up));
  return (decimal_t){shorter != 0 ? tens + tens_up : last, k + (int)shorter};
}

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051"
    "52535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697989900";

static const char zero_point[8] = {'0', '.', '0', '0', '0', '0', '0', '0'};

static unsigned digit_count(uint64_t value) {
  static const uint64_t powers[] = {UINT64_C(0),
                                    UINT64_C(10),
                                    UINT64_C(100),
                                    UINT64_C(1000),
                                    UINT64_C(10000),
                                    UINT64_C(100000),
                                    UINT64_C(1000000),
                                    UINT64_C(10000000),
                                    UINT64_C(100000000),
                                    UINT64_C(1000000000),
                                    UINT64_C(10000000000),
                                    UINT64_C(100000000000),
                                    UINT64_C(1000000000000),
                                    UINT64_C(10000000000000),
                                    UINT64_C(100000000000000),
                                    UINT64_C(1000000000000000),
                                    UINT64_C(10000000000000000),
                                    UINT64_C(100000000000000000),
                                    UINT64_C(1000000000000000000)};
  unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
  unsigned low = bits * 1233 >> 12; /* bits * log10(2): the digits, or one fewer */
  return low + (value >= powers[low] ? 1 : 0);
}

/* Writes `value` so that it ends before `end`. */
static void write_digits(uint64_t value, unsigned count, char *end) {
  while (count >= 2) {
    end -= 2;
    memcpy(end, pairs + value % 100 * 2, 2);
    value /= 100;
    count -= 2;
  }
  if (count > 0) end[-1] = (char)('0' + value);
}

/* Plain notation from 1e-6 up to 17 digits, which every reader of 64-bit integers takes; else scientific. */
#define PLAIN_DIGITS 17
static size_t write_decimal(decimal_t decimal, char *text) {
  if (decimal.digits == 0) {
    text[0] = '0';
    return 1;
  }
  while (decimal.digits % 10 == 0) {
    decimal.digits /= 10;
    ++decimal.exponent;
  }
  unsigned count = digit_count(decimal.digits);
  int point = (int)count + decimal.exponent; /* digits before the point */
  if (decimal.exponent >= 0 && point <= PLAIN_DIGITS) {
    write_digits(decimal.digits, count, text + count);
    for (int i = (int)count; i < point; ++i) text[i] = '0';
    return (size_t)point;
  }
  if (point > 0 && point <= PLAIN_DIGITS) {
    write_digits(decimal.digits, count, text + count + 1);
    for (int i = 0; i < point; ++i) text[i] = text[i + 1];
    text[point] = '.';
    return count + 1;
  }
  if (point <= 0 && point > -6) {
    size_t zeros = (size_t)-point;
    memcpy(text, zero_point, sizeof zero_point); /* more than is kept */
    write_digits(decimal.digits, count, text + 2 + zeros + count);
    return 2 + zeros + count;
  }
  size_t length = count > 1 ? count + 1 : 1;
  write_digits(decimal.digits, count, text + length);
  if (count > 1) {
    text[0] = text[1];
    text[1] = '.';
  }
  int exponent = point - 1;
  text[length++] = 'e';
  if (exponent < 0) text[length++] = '-';
  unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
  unsigned exponent_count = digit_count(magnitude);
  write_digits(magnitude, exponent_count, text + length + exponent_count);
  return length + exponent_count;
}
