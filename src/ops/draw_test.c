#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"
#include "ops/draw.h"

/* Known answers of the authors' library Random123, file kat_vectors, "philox4x32 10". */
static void the_generator_gives_its_published_vectors(void **state) {
  (void)state;
  static const struct {
    uint32_t counter[4], key[2], out[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    uint32_t out[4];
    or_draw_block(known[i].counter, known[i].key, out);
    assert_memory_equal(out, known[i].out, sizeof out);
  }
}

/* The first of the vectors above: words of 64 bits, of which 53 are kept. The other number is of block
 * 0x091a2b3c4855e6f7, by the paper's formula in Python. */
static void numbers_are_the_bits_of_blocks(void **state) {
  (void)state;
  double out[3];
  or_draw_uniform(&(or_draw_t){0, 0}, 0, 2, out);
  assert_true(out[0] == (double)(UINT64_C(0xe169c58d6627e8d5) >> 11) / 9007199254740992.0);
  assert_true(out[1] == (double)(UINT64_C(0x9b00dbd8bc57ac4c) >> 11) / 9007199254740992.0);
  or_draw_t pi = {.key = UINT64_C(0x299f31d0a4093822), .stream = UINT64_C(0x0370734413198a2e)};
  or_draw_uniform(&pi, UINT64_C(0x1234567890abcdef), 1, out);
  assert_true(out[0] == (double)(UINT64_C(0x3667c3e7b888ed1b) >> 11) / 9007199254740992.0);
}

static void any_part_may_be_drawn_by_itself(void **state) {
  (void)state;
  enum { COUNT = 300 };
  or_draw_t draw = {.key = 7};
  void (*const kinds[])(const or_draw_t *, uint64_t, size_t, double *) = {or_draw_uniform, or_draw_normal};
  for (size_t k = 0; k < 2; ++k) {
    double whole[COUNT], part[COUNT];
    kinds[k](&draw, 0, COUNT, whole);
    for (size_t first = 0; first < 5; ++first) {
      for (size_t count = 0; count < COUNT - 5; count += 59) {
        kinds[k](&draw, first, count, part);
        assert_memory_equal(part, whole + first, count * sizeof(double));
      }
    }
  }
}

/* Percentage points as tables have them (NIST/SEMATECH handbook, 1.3.6.7.1; and AS 241's own three). */
static void quantiles_are_those_of_the_tables(void **state) {
  (void)state;
  static const double points[][2] = {{0.5, 0},
                                     {0.25, -0.6744897501960817},
                                     {0.001, -3.090232306167814},
                                     {1e-20, -9.262340089798408},
                                     {0.9, 1.2815515655446004},
                                     {0.975, 1.959963984540054},
                                     {0.999999, 4.753424308822899}};
  for (size_t i = 0; i < sizeof points / sizeof *points; ++i) {
    double value = or_draw_normal_quantile(points[i][0]);
    assert_true(fabs(value - points[i][1]) <= 4e-15 * fabs(points[i][1]) + (points[i][0] > 0.99 ? 1e-10 : 0));
  }
  assert_true(fabs(or_draw_normal_quantile(0x1p-53) + or_draw_normal_quantile(1 - 0x1p-53)) == 0);
}

enum { DRAWS = 1 << 18 };
#define SIGMAS 5.0

/* The mean of n numbers of a known mean and deviation is within 5 / sqrt(n) deviations of it. */
static void expect_mean(const double *values, size_t count, double mean, double deviation) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  double off = (sum / (double)count - mean) / (deviation / sqrt((double)count));
  if (fabs(off) > SIGMAS) fail_msg("mean %g instead of %g: %g deviations", sum / (double)count, mean, off);
}

/* Moments: of the uniform distribution 1/2, 1/12 and (for the squared distance) 1/180; of the normal one 0, 1, 2. */
static void moments_are_those_of_the_distributions(void **state) {
  (void)state;
  static double values[DRAWS], squares[DRAWS], neighbours[DRAWS];
  for (uint64_t seed = 0; seed < 4; ++seed) {
    or_draw_t draw = {.key = seed * UINT64_C(0x123456789)};
    for (int normal = 0; normal < 2; ++normal) {
      double mean = normal ? 0 : 0.5, variance = normal ? 1 : 1.0 / 12;
      (normal ? or_draw_normal : or_draw_uniform)(&draw, 0, DRAWS, values);
      for (size_t i = 0; i < DRAWS; ++i) {
        squares[i] = (values[i] - mean) * (values[i] - mean);
        neighbours[i] = (values[i] - mean) * (values[(i + 1) % DRAWS] - mean);
      }
      expect_mean(values, DRAWS, mean, sqrt(variance));
      expect_mean(squares, DRAWS, variance, sqrt(normal ? 2 : 1.0 / 180));
      expect_mean(neighbours, DRAWS, 0, variance);
    }
  }
}

/* Of each of 16 parts that are equally likely: a count is binomial. */
static void each_part_gets_its_share(void **state) {
  (void)state;
  static double values[DRAWS];
  static const double sixteenths[] = {0.15731068461017070, 0.31863936396437514, 0.48877641111466955,
                                      0.67448975019608170, 0.88714655901887600, 1.15034938037600800,
                                      1.53412054435254640};
  for (int normal = 0; normal < 2; ++normal) {
    or_draw_t draw = {.key = 99, .stream = (uint64_t)normal};
    (normal ? or_draw_normal : or_draw_uniform)(&draw, 0, DRAWS, values);
    size_t counts[16] = {0};
    for (size_t i = 0; i < DRAWS; ++i) {
      size_t part = (size_t)(values[i] * 16);
      if (normal) {
        part = 0;
        while (part < 7 && fabs(values[i]) >= sixteenths[part]) ++part;
        part = values[i] < 0 ? 7 - part : 8 + part;
      }
      assert_true(part < 16);
      counts[part]++;
    }
    double deviation = sqrt(DRAWS * (1.0 / 16) * (15.0 / 16));
    for (size_t i = 0; i < 16; ++i) assert_true(fabs((double)counts[i] - DRAWS / 16.0) < SIGMAS * deviation);
  }
}

static void a_seed_decides_and_without_one_no_stream_comes_twice(void **state) {
  (void)state;
  or_draw_t draw, other;
  for (int kind = 0; kind < 3; ++kind) { /* int 5, float 5, none */
    or_attribute_t seed = {.name = "seed", .kind = kind == 0 ? OR_ATTRIBUTE_INT : OR_ATTRIBUTE_FLOAT};
    seed.integer = 5;
    if (kind == 1) seed = (or_attribute_t){.name = "seed", .kind = OR_ATTRIBUTE_FLOAT, .real = 5};
    or_node_t node = {.attributes = &seed, .attribute_count = kind < 2 ? 1 : 0};
    or_op_call_t call = {.node = &node};
    expect_ok(or_draw_begin(&call, &draw));
    expect_ok(or_draw_begin(&call, &other));
    assert_int_equal(or_draw_without_seed(&node), kind == 2);
    assert_true(draw.key == other.key);
    assert_int_equal(draw.stream == other.stream, kind < 2);
    if (kind == 0) assert_true(draw.key == 5 && draw.stream == 0);
    if (kind == 1) assert_true(draw.key == UINT64_C(0x4014000000000000) && draw.stream == 0);
    if (kind == 2) assert_true(other.stream == draw.stream + 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_generator_gives_its_published_vectors),
      cmocka_unit_test(numbers_are_the_bits_of_blocks),
      cmocka_unit_test(any_part_may_be_drawn_by_itself),
      cmocka_unit_test(quantiles_are_those_of_the_tables),
      cmocka_unit_test(moments_are_those_of_the_distributions),
      cmocka_unit_test(each_part_gets_its_share),
      cmocka_unit_test(a_seed_decides_and_without_one_no_stream_comes_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
