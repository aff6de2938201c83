#include "base/numbers_internal.h"
#include "base/testing.h"

/* A natural number in words of 32 bits, lowest first; enough for 10^342 * 2^128. */
#define WORDS 48
typedef struct big_t {
  uint32_t words[WORDS];
} big_t;

static void multiply(big_t *a, uint32_t factor) {
  uint64_t carry = 0;
  for (size_t i = 0; i < WORDS; ++i) {
    carry += (uint64_t)a->words[i] * factor;
    a->words[i] = (uint32_t)carry;
    carry >>= 32;
  }
  assert_int_equal(carry, 0);
}

static int bit_length(const big_t *a) {
  for (int i = WORDS - 1; i >= 0; --i) {
    if (a->words[i] != 0) return 32 * i + 32 - __builtin_clz(a->words[i]);
  }
  return 0;
}

static void shift_left(big_t *a, int bits) {
  for (; bits >= 16; bits -= 16) multiply(a, UINT32_C(1) << 16);
  multiply(a, UINT32_C(1) << bits);
}

static int compare(const big_t *a, const big_t *b) {
  for (int i = WORDS - 1; i >= 0; --i) {
    if (a->words[i] != b->words[i]) return a->words[i] < b->words[i] ? -1 : 1;
  }
  return 0;
}

static big_t from_row(uint64_t high, uint64_t low) {
  return (big_t){.words = {(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)}};
}

static big_t power_of_ten(int exponent) {
  big_t power = {.words = {1}};
  for (int i = 0; i < exponent; ++i) multiply(&power, 10);
  return power;
}

/* row is 10^e cut to 128 bits and rounded up: row * 2^s >= 10^e > (row - 1) * 2^s. For e < 0 the same with both sides
 * times 10^-e. */
static void checks_every_row(void **state) {
  (void)state;
  for (int exponent = OR_POWER_FIRST; exponent <= OR_POWER_LAST; ++exponent) {
    or_power_t row = or_powers[exponent - OR_POWER_FIRST];
    assert_true(row.high >> 63 == 1);
    big_t at = from_row(row.high, row.low), below = from_row(row.low > 0 ? row.high : row.high - 1, row.low - 1), exact;
    if (exponent >= 0) {
      exact = power_of_ten(exponent);
      int shift = bit_length(&exact) - 128;
      if (shift >= 0) {
        shift_left(&at, shift);
        shift_left(&below, shift);
      } else {
        shift_left(&exact, -shift);
      }
      if (exponent <= OR_POWER_LAST_EXACT) assert_int_equal(compare(&at, &exact), 0);
    } else {
      big_t power = power_of_ten(-exponent);
      exact = (big_t){.words = {1}};
      shift_left(&exact, bit_length(&power) + 127);
      for (int i = 0; i < -exponent; ++i) {
        multiply(&at, 10);
        multiply(&below, 10);
      }
    }
    assert_true(compare(&at, &exact) >= 0);
    assert_true(compare(&below, &exact) < 0);
    int bits = exponent >= 0 ? 0 : -1;
    big_t magnitude = power_of_ten(exponent < 0 ? -exponent : exponent);
    int log2 = exponent >= 0 ? bit_length(&magnitude) - 1 : bits - (bit_length(&magnitude) - 1);
    assert_int_equal(or_floor_log2_pow10(exponent), log2);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(checks_every_row)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
