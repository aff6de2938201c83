#include <math.h>

#include "base/numbers.h"
#include "base/testing.h"

static void gives_the_published_sequence(void **state) {
  (void)state;
  /* The first values of splitmix64 from 1234567, as published with it (and used by Rosetta Code as its test). */
  static const uint64_t expected[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                      UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                      UINT64_C(16408922859458223821)};
  or_random_t random = {1234567};
  for (size_t i = 0; i < 5; ++i) assert_true(or_random_next(&random) == expected[i]);
}

static void is_uniform(void **state) {
  (void)state;
  or_random_t random = {1};
  double sum = 0, squares = 0;
  for (int i = 0; i < 100000; ++i) {
    double value = or_random_uniform(&random);
    assert_true(value >= 0 && value < 1);
    sum += value;
    squares += value * value;
  }
  assert_true(fabs(sum / 100000 - 0.5) < 0.005); /* five standard errors */
  assert_true(fabs(squares / 100000 - 1.0 / 3) < 0.005);
}

static void fills_every_dtype_within_its_bounds(void **state) {
  (void)state;
  enum { COUNT = 4001 };
  static double storage[2 * COUNT], again[2 * COUNT];
  for (int d = OR_FLOAT32; d < OR_DTYPE_COUNT; ++d) {
    or_dtype_t dtype = (or_dtype_t)d;
    if (dtype == OR_STRING) continue;
    or_random_t random = {42}, same = {42};
    or_random_fill(&random, dtype, storage, COUNT);
    or_random_fill(&same, dtype, again, COUNT);
    assert_memory_equal(storage, again, or_dtype_bytes(dtype, COUNT) - 1);
    double low = 100, high = -100, sum = 0;
    for (size_t i = 0; i < COUNT; ++i) {
      double value = or_element_get(dtype, storage, i);
      low = value < low ? value : low;
      high = value > high ? value : high;
      sum += value;
    }
    if (dtype == OR_FLOAT8E8M0) {
      assert_true(low == 0.0625 && high == 8);
      continue;
    }
    bool real = !or_dtype_is_integer(dtype) && dtype != OR_BOOL;
    double span = or_dtype_bits(dtype) == 2 ? 4 : 16;
    double first = real ? -1 : or_dtype_is_integer(dtype) && or_dtype_is_signed(dtype) ? -span / 2 : 0;
    double beyond = real ? 1 : dtype == OR_BOOL ? 2 : first + span;
    assert_true(low >= first && high < beyond && low < first + 0.1 * (beyond - first));
    double mean = real ? (low + high) / 2 : (first + beyond - 1) / 2; /* few values: the middle of those there are */
    assert_true(fabs(sum / COUNT - mean) < 0.05 * (beyond - first));
  }
}

/* However many are made at once: (z >> 40) / 2^23 - 1 of each number of the published sequence. */
static void fills_floats_as_one_after_another(void **state) {
  (void)state;
  enum { MOST = 70 };
  float filled[MOST + 1];
  for (size_t count = 0; count <= MOST; ++count) {
    or_random_t random = {count * UINT64_C(0x123456789ABCDEF)}, single = random;
    filled[count] = 7;
    or_random_fill(&random, OR_FLOAT32, filled, count);
    for (size_t i = 0; i < count; ++i)
      assert_true((double)filled[i] == (double)(or_random_next(&single) >> 40) / 8388608.0 - 1.0);
    assert_true(filled[count] == 7.0F && random.state == single.state);
  }
}

static void hashes_tell_all_single_changes_apart(void **state) {
  (void)state;
  unsigned char bytes[200];
  static uint64_t hashes[200 * 8 + 201];
  size_t count = 0;
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (unsigned char)(i * 7);
  uint64_t whole = or_hash_bytes(bytes, sizeof bytes, 1);
  assert_true(whole == or_hash_bytes(bytes, sizeof bytes, 1));
  assert_true(whole != or_hash_bytes(bytes, sizeof bytes, 2));
  for (size_t length = 0; length <= sizeof bytes; ++length) hashes[count++] = or_hash_bytes(bytes, length, 1);
  int changed_bits = 0;
  for (size_t bit = 0; bit < 8 * sizeof bytes; ++bit) {
    bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    hashes[count++] = or_hash_bytes(bytes, sizeof bytes, 1);
    changed_bits += __builtin_popcountll(hashes[count - 1] ^ whole);
    bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
  }
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < i; ++j) assert_true(hashes[i] != hashes[j]);
  }
  double mean = (double)changed_bits / (8 * (double)sizeof bytes); /* half of 64 */
  assert_true(mean > 31 && mean < 33);
}

static void hashes_zeros_by_their_number(void **state) {
  (void)state;
  static const unsigned char zeros[4096];
  for (size_t length = 1; length < sizeof zeros; length += 13) {
    assert_true(or_hash_bytes(zeros, length, 0) != or_hash_bytes(zeros, length - 1, 0));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_the_published_sequence),         cmocka_unit_test(is_uniform),
      cmocka_unit_test(fills_every_dtype_within_its_bounds),  cmocka_unit_test(fills_floats_as_one_after_another),
      cmocka_unit_test(hashes_tell_all_single_changes_apart), cmocka_unit_test(hashes_zeros_by_their_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
