/* Shortest decimals by Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles", 2021): of the decimals
 * that round to the value, one with the fewest digits, and of these the one nearest to it. */
#include <string.h>

#include "base/numbers.h"
#include "base/numbers_internal.h"

#define INLINE __attribute__((always_inline)) inline

typedef struct decimal_t {
  uint64_t digits;
  int exponent; /* value = digits * 10^exponent */
} decimal_t;

static INLINE decimal_t shortest(uint64_t significand, int exponent, bool lower_closer, bool single);
static INLINE size_t write_decimal(decimal_t decimal, char *text);

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
static INLINE uint64_t round_to_odd(or_power_t power, uint64_t factor) {
  or_uint128_t low = (or_uint128_t)power.low * factor;
  or_uint128_t sum = (or_uint128_t)power.high * factor + (uint64_t)(low >> 64);
  return (uint64_t)(sum >> 64) | ((uint64_t)sum > 1 ? 1 : 0);
}

/* The same for floats, whose factors have 32 bits: the upper half of the power, rounded up, is enough. */
static INLINE uint64_t round_to_odd_single(or_power_t power, uint64_t factor) {
  uint64_t upper = power.high + (power.low != 0 ? 1 : 0);
  or_uint128_t product = (or_uint128_t)upper * factor;
  return (uint64_t)(product >> 64) | ((uint64_t)product >> 32 > 1 ? 1 : 0);
}

static INLINE decimal_t choose(uint64_t low, uint64_t at, uint64_t high, int k);

/* value = significand * 2^exponent. lower_closer: the neighbour below is only half as far as the one above. */
static INLINE decimal_t shortest(uint64_t significand, int exponent, bool lower_closer, bool single) {
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
static INLINE decimal_t choose(uint64_t low, uint64_t at, uint64_t high, int k) {
  /* One digit fewer, if exactly one of the two neighbours lies inside. */
  uint64_t whole = at / 4, tens = at / 40;
  unsigned tens_down = low <= 40 * tens, tens_up = 40 * tens + 40 <= high;
  unsigned shorter = (tens_down ^ tens_up) & (whole >= 10);
  unsigned down = low <= 4 * whole, up = 4 * whole + 4 <= high;
  uint64_t middle = 4 * whole + 2;
  unsigned nearer_up = (at > middle) | ((at == middle) & (whole & 1));
  unsigned one = down ^ up;
  uint64_t last = whole + ((one & up) | ((one ^ 1U) & nearer_up));
  last ^= (last ^ (tens + tens_up)) & (0 - (uint64_t)shorter);
  return (decimal_t){last, k + (int)shorter};
}

/* The digits of a value below 10^8, each in a byte, the highest in the lowest: fours, pairs and single ones by
 * multiplications, side by side in one word. */
static inline uint64_t split_eight(uint64_t value) {
  const uint64_t fours = value / 10000 | value % 10000 << 32;
  const uint64_t hundreds = fours * 10486 >> 20 & UINT64_C(0x0000007F0000007F);
  const uint64_t pairs = hundreds | (fours - 100 * hundreds) << 16;
  const uint64_t tens = pairs * 103 >> 10 & UINT64_C(0x000F000F000F000F);
  return tens | (pairs - 10 * tens) << 8;
}

static inline void put_eight(uint64_t digits, char *text) {
  digits |= UINT64_C(0x3030303030303030);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  digits = __builtin_bswap64(digits);
#endif
  memcpy(text, &digits, sizeof digits);
}

/* At most 17 digits, the first of them not 0; more zeros follow. They stay in registers until they are written in their
 * place: a processor waits when it reads what several stores have just written. */
typedef struct digits_t {
  uint64_t first, second; /* eight each */
  uint64_t last;
  unsigned count; /* without the zeros behind them */
  unsigned zeros;
} digits_t;

/* Zeros before and behind, in bytes, of words that are not 0. */
static inline unsigned zeros_before(uint64_t digits) { return (unsigned)__builtin_ctzll(digits) / 8; }
static inline unsigned zeros_behind(uint64_t digits) { return (unsigned)__builtin_clzll(digits) / 8; }

/* Up to 17 digits: one and two words. */
static digits_t split_long(uint64_t value) {
  const uint64_t lead = value / UINT64_C(10000000000000000), low = split_eight(value % 100000000);
  const uint64_t middle = split_eight(value / 100000000 % 100000000);
  if (lead != 0) {
    const unsigned zeros = low != 0 ? zeros_behind(low) : middle != 0 ? 8 + zeros_behind(middle) : 16;
    return (digits_t){middle << 8 | lead, low << 8 | middle >> 56, low >> 56, 17 - zeros, zeros};
  }
  const unsigned before = zeros_before(middle), shift = 8 * before;
  const unsigned zeros = low != 0 ? zeros_behind(low) : 8 + zeros_behind(middle);
  const uint64_t carried = shift != 0 ? low << (64 - shift) : 0;
  return (digits_t){middle >> shift | carried, low >> shift, 0, 16 - before - zeros, zeros};
}

/* Of up to 9 digits, which are as good as random: no branch. */
static INLINE digits_t split(uint64_t value) {
  if (value >= 1000000000) return split_long(value);
  const uint64_t lead = value / 100000000, low = split_eight(value % 100000000);
  const unsigned zeros = low != 0 ? zeros_behind(low | 1) : 8, before = zeros_before(low | UINT64_C(1) << 63);
  const uint64_t with = low << 8 | lead, without = low >> (8 * before), has = 0 - (uint64_t)(lead != 0);
  return (digits_t){(with & has) | (without & ~has), (low >> 56) & has, 0, (has != 0 ? 9 : 8 - before) - zeros, zeros};
}

static inline void put_digits(const digits_t *digits, char *text) {
  put_eight(digits->first, text);
  put_eight(digits->second, text + 8);
  text[16] = (char)('0' + digits->last);
}

/* The first `count` bytes of one word, then those of the other. */
static inline uint64_t join(uint64_t before, uint64_t behind, unsigned count) {
  const uint64_t mask = count < 8 ? (UINT64_C(1) << (8 * count)) - 1 : UINT64_MAX;
  return (before & mask) | (behind & ~mask);
}

/* The digits with a point behind the first `point` of them. */
static inline void put_with_point(const digits_t *digits, unsigned point, char *text) {
  put_digits(digits, text + 1);
  if (point < 8) {
    put_eight(join(digits->first, digits->first << 8, point), text);
  } else {
    put_eight(digits->first, text);
    put_eight(join(digits->second, digits->second << 8 | digits->first >> 56, point - 8), text + 8);
  }
  text[point] = '.';
}

static size_t write_exponent(int exponent, char *text) {
  size_t length = 0;
  unsigned left = (unsigned)(exponent < 0 ? -exponent : exponent);
  text[length++] = 'e';
  if (exponent < 0) text[length++] = '-';
  if (left >= 100) text[length++] = (char)('0' + left / 100);
  if (left >= 10) text[length++] = (char)('0' + left / 10 % 10);
  text[length++] = (char)('0' + left % 10);
  return length;
}

/* Plain notation from 1e-6 up to 17 digits, which every reader of 64-bit integers takes; else scientific. Fewer than 26
 * bytes are touched. */
#define PLAIN_DIGITS 17
static INLINE size_t write_decimal(decimal_t decimal, char *text) {
  static const char zero_point[8] = {'0', '.', '0', '0', '0', '0', '0', '0'};
  if (decimal.digits == 0) {
    text[0] = '0';
    return 1;
  }
  const digits_t digits = split(decimal.digits);
  const int point = (int)(digits.count + digits.zeros) + decimal.exponent; /* digits before it */
  if (point <= 0 && point > -6) {
    const size_t zeros = (size_t)-point;
    memcpy(text, zero_point, sizeof zero_point); /* more than is kept */
    put_digits(&digits, text + 2 + zeros);
    return 2 + zeros + digits.count;
  }
  if (point > 0 && point <= PLAIN_DIGITS) {
    if ((unsigned)point < digits.count) {
      put_with_point(&digits, (unsigned)point, text);
      return digits.count + 1;
    }
    put_digits(&digits, text);
    return (size_t)point;
  }
  put_with_point(&digits, 1, text);
  const size_t length = digits.count > 1 ? digits.count + 1 : 1;
  return length + write_exponent(point - 1, text + length);
}
