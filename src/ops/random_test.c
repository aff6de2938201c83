#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/string.h"
#include "ops/call_fixture_template.h"

/* Philox4x32-10 by the paper's formula, in Python, key: the bits of the double 5; quantiles by mpmath in 40 digits. */
static void a_seed_gives_known_numbers(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "RandomUniform", 22);
  call_ints(&f, "shape", INTS(2, 3));
  call_float(&f, "seed", 5);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 3));
  expect_doubles(&f, 0, 0,
                 DOUBLES(0.3980599045753479, 0.89460313320159912, 0.93792939186096191, 0.11086273193359375,
                         0.41222631931304932, 0.38746809959411621));
  call_deinit(&f);

  call_init(&f, "", "RandomUniform", 1);
  call_ints(&f, "shape", INTS(6));
  call_float(&f, "seed", 5);
  call_float(&f, "low", -2);
  call_float(&f, "high", 6);
  call_int(&f, "dtype", OR_FLOAT16);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT16, SHAPE(6));
  expect_doubles(&f, 0, 1e-3,
                 DOUBLES(8 * 0.39794921875 - 2, 8 * 0.89453125 - 2, 8 * 0.9375 - 2, 8 * 0.11083984375 - 2,
                         8 * 0.412109375 - 2, 8 * 0.38720703125 - 2));
  call_deinit(&f);

  call_init(&f, "", "RandomNormal", 22);
  call_ints(&f, "shape", INTS(6, 1));
  call_float(&f, "seed", 5);
  call_float(&f, "mean", 10);
  call_float(&f, "scale", 2);
  call_int(&f, "dtype", OR_FLOAT64);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(6, 1));
  expect_doubles(&f, 0, 1e-15,
                 DOUBLES(10 - 2 * 0.25837197338603057, 10 + 2 * 1.251385887407145, 10 + 2 * 1.5376217943600051,
                         10 - 2 * 1.2219525218804622, 10 - 2 * 0.22182164704023776, 10 - 2 * 0.28592414764881371));
  call_deinit(&f);
}

/* The same numbers as above, in the shape and the dtype of the input, or the one that is asked for. */
static void like_takes_shape_and_dtype_of_the_input(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "RandomUniformLike", 22);
  call_input(&f, OR_FLOAT64, SHAPE(1, 2), ((double[]){0, 0}));
  call_float(&f, "seed", 5);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(1, 2));
  expect_doubles(&f, 0, 0, DOUBLES(0.39805992222065933, 0.89460313818916792));
  call_deinit(&f);

  call_init(&f, "", "RandomNormalLike", 1);
  call_input(&f, OR_BOOL, SHAPE(2), ((uint8_t[]){0, 1}));
  call_float(&f, "seed", 5);
  call_int(&f, "dtype", OR_FLOAT32);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 0, 1e-7, DOUBLES(-0.25837197338603057, 1.251385887407145));
  call_deinit(&f);

  call_init(&f, "", "RandomNormalLike", 22);
  call_input(&f, OR_BFLOAT16, SHAPE(SYMBOL(0), UNKNOWN), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_BFLOAT16, SHAPE(SYMBOL(0), UNKNOWN));
  call_deinit(&f);

  call_init(&f, "", "RandomUniformLike", 22);
  call_input(&f, OR_STRING, SHAPE(2), NULL);
  call_int(&f, "dtype", OR_FLOAT32);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2));
  call_deinit(&f);

  call_init(&f, "", "RandomUniformLike", 22);
  call_input(&f, OR_INT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "the dtype of input 0 is 6 (int32)");
  call_deinit(&f);
}

static void no_uniform_number_is_the_upper_end(void **state) {
  (void)state;
  const or_dtype_t dtypes[] = {OR_FLOAT16, OR_BFLOAT16, OR_FLOAT32, OR_FLOAT64};
  for (size_t d = 0; d < 4; ++d) {
    call_fixture_t f;
    call_init(&f, "", "RandomUniform", 22);
    call_ints(&f, "shape", INTS(20000));
    call_float(&f, "seed", 1);
    call_int(&f, "dtype", dtypes[d]);
    call_run(&f, 1);
    double sum = 0;
    for (size_t i = 0; i < 20000; ++i) {
      double value = or_element_get(dtypes[d], f.outputs[0].data, i);
      assert_true(value >= 0 && value < 1);
      sum += value;
    }
    /* 5 deviations of a mean of 20000, and half of a step of the coarsest type, by which all are rounded down. */
    assert_true(fabs(sum / 20000 - 0.5) < 5 * sqrt(1.0 / 12 / 20000) + (dtypes[d] == OR_BFLOAT16 ? 0x1p-9 : 0x1p-12));
    call_deinit(&f);
  }
}

static void without_a_seed_every_run_differs(void **state) {
  (void)state;
  static const char *const names[] = {"RandomNormal", "RandomUniform"};
  for (size_t n = 0; n < 2; ++n) {
    double drawn[2][8];
    for (int run = 0; run < 2; ++run) {
      call_fixture_t f;
      call_init(&f, "", names[n], 22);
      call_ints(&f, "shape", INTS(8));
      call_int(&f, "dtype", OR_FLOAT64);
      call_run(&f, 1);
      memcpy(drawn[run], f.outputs[0].data, sizeof drawn[run]);
      assert_false(or_op_is_repeatable(f.call.op, &f.node));
      call_float(&f, "seed", 0);
      assert_true(or_op_is_repeatable(f.call.op, &f.node));
      call_deinit(&f);
    }
    for (size_t i = 0; i < 8; ++i) assert_true(drawn[0][i] != drawn[1][i]);
  }
}

static void scalars_and_empty_shapes_are_drawn(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "RandomNormal", 1);
  call_ints(&f, "shape", NULL, 0);
  call_float(&f, "scale", 0);
  call_float(&f, "mean", 3);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SCALAR);
  expect_doubles(&f, 0, 0, DOUBLES(3));
  call_deinit(&f);

  call_init(&f, "", "RandomUniform", 1);
  call_ints(&f, "shape", INTS(3, 0));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 0));
  expect_ok(or_op_reference(&f.call));
  call_deinit(&f);
}

static void attributes_that_make_no_distribution_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *op, *first, *second;
    float a, b;
    const char *part;
  } rows[] = {{"RandomNormal", "mean", "scale", 0, -1, "scale not negative"},
              {"RandomNormal", "mean", "scale", NAN, 1, "finite"},
              {"RandomNormal", "mean", "scale", 0, INFINITY, "finite"},
              {"RandomUniform", "low", "high", 2, 1, "low not above high"},
              {"RandomUniform", "low", "high", -INFINITY, 1, "finite"},
              {"RandomUniform", "low", "high", 0, NAN, "finite"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    for (int like = 0; like < 2; ++like) {
      char name[32];
      or_format(name, sizeof name, "%s%s", rows[i].op, like ? "Like" : "");
      call_fixture_t f;
      call_init(&f, "", name, 22);
      if (like) call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
      if (!like) call_ints(&f, "shape", INTS(2));
      call_float(&f, rows[i].first, rows[i].a);
      call_float(&f, rows[i].second, rows[i].b);
      expect_refused(&f, 1, OR_INVALID_ARGUMENT, rows[i].part);
      call_deinit(&f);
    }
  }
}

static void shapes_that_are_none_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "RandomNormal", 22);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "attribute \"shape\" is missing");
  call_ints(&f, "shape", INTS(2, -3));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "negative extent -3 at 1");
  call_int(&f, "dtype", OR_INT32);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "attribute \"dtype\" is 6 (int32)");
  call_deinit(&f);
  call_init(&f, "", "RandomUniform", 22);
  call_ints(&f, "shape", INTS(INT64_C(1) << 40, INT64_C(1) << 40));
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "more than");
  call_deinit(&f);
  call_init(&f, "", "RandomUniform", 22);
  call_ints(&f, "shape", INTS(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "17 entries");
  call_deinit(&f);
}

/* ---- Bernoulli ---- */

/* Uniform numbers of seed 5, as above: 0.398, 0.895, 0.938, 0.111. */
static void bernoulli_compares_with_uniform_numbers(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Bernoulli", 15);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), FLOATS(0.39F, 0.9F, 0.93F, 0.12F));
  call_float(&f, "seed", 5);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(0, 1, 0, 1));
  call_deinit(&f);

  const or_dtype_t dtypes[] = {OR_BOOL, OR_INT8, OR_UINT64, OR_BFLOAT16};
  for (size_t d = 0; d < 4; ++d) {
    call_init(&f, "", "Bernoulli", 22);
    call_input(&f, OR_FLOAT64, SHAPE(5), ((double[]){0, 1, NAN, -1, 7}));
    call_int(&f, "dtype", dtypes[d]);
    call_run(&f, 1);
    expect_shape(&f, 0, dtypes[d], SHAPE(5));
    expect_ints(&f, 0, INTS(0, 1, 0, 0, 1));
    assert_false(or_op_is_repeatable(f.call.op, &f.node));
    call_deinit(&f);
  }
  call_init(&f, "", "Bernoulli", 22);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  call_int(&f, "dtype", OR_COMPLEX64);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "attribute \"dtype\" is 14 (complex64)");
  call_deinit(&f);
}

static void bernoulli_is_1_as_often_as_it_should(void **state) {
  (void)state;
  enum { COUNT = 100000 };
  static float chances[COUNT];
  for (int tenths = 1; tenths < 10; tenths += 4) {
    double p = (double)(float)tenths / 10;
    for (size_t i = 0; i < COUNT; ++i) chances[i] = (float)tenths / 10;
    call_fixture_t f;
    call_init(&f, "", "Bernoulli", 22);
    call_input(&f, OR_FLOAT32, SHAPE(COUNT), chances);
    call_float(&f, "seed", (float)tenths);
    call_int(&f, "dtype", OR_UINT8);
    call_run(&f, 1);
    double ones = 0;
    for (size_t i = 0; i < COUNT; ++i) ones += ((const uint8_t *)f.outputs[0].data)[i];
    assert_true(fabs(ones - p * COUNT) < 5 * sqrt(p * (1 - p) * COUNT));
    call_deinit(&f);
  }
}

/* ---- Multinomial ---- */

static void multinomial_draws_each_class_as_often_as_it_should(void **state) {
  (void)state;
  enum { COUNT = 100000 };
  static const double chances[2][3] = {{0.5, 0.2, 0.3}, {0, 0.25, 0.75}}; /* the rows' factors are 1 and e^1000 */
  const double logarithms[] = {log(0.5), log(0.2), log(0.3), -INFINITY, 1000 + log(0.25), 1000 + log(0.75)};
  call_fixture_t f;
  call_init(&f, "", "Multinomial", 7);
  call_input(&f, OR_FLOAT64, SHAPE(2, 3), logarithms);
  call_int(&f, "sample_size", COUNT);
  call_float(&f, "seed", 3);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(2, COUNT));
  const int32_t *drawn = f.outputs[0].data;
  for (size_t row = 0; row < 2; ++row) {
    double counts[3] = {0};
    for (size_t i = 0; i < COUNT; ++i) {
      const size_t class = (size_t)drawn[row * COUNT + i];
      assert_true(class < 3);
      counts[class] += 1;
    }
    for (size_t c = 0; c < 3; ++c) {
      double p = chances[row][c];
      assert_true(fabs(counts[c] - p * COUNT) <= 5 * sqrt(p * (1 - p) * COUNT));
    }
  }
  call_deinit(&f);
}

/* Four equal classes: the class is the integer part of four times the uniform number (seed 5, as above). */
static void multinomial_divides_the_uniform_numbers(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Multinomial", 22);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), FLOATS(7, 7, 7, 7, -2, -2, -2, -2));
  call_int(&f, "sample_size", 3);
  call_int(&f, "dtype", OR_INT64);
  call_float(&f, "seed", 5);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(2, 3));
  expect_ints(&f, 0, INTS(1, 3, 3, 0, 1, 1));
  call_deinit(&f);

  call_init(&f, "", "Multinomial", 22); /* all of it at two places: the halves of the numbers */
  call_input(&f, OR_FLOAT16, SHAPE(1, 5), ((uint16_t[]){0x3c00, 0x7c00, 0x3c00, 0x7c00, 0xfc00}));
  call_int(&f, "sample_size", 4);
  call_float(&f, "seed", 5);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 3, 3, 1));
  call_deinit(&f);

  call_init(&f, "", "Multinomial", 22); /* one of one */
  call_input(&f, OR_FLOAT32, SHAPE(3, 1), FLOATS(0, 1, 2));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 0));
  call_deinit(&f);
}

static void multinomial_refuses_what_is_no_distribution(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Multinomial", 22);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), FLOATS(0, 0, 0, NAN));
  expect_run_fails(&f, 1, "row 1 of input 0 has NaN");
  call_deinit(&f);
  call_init(&f, "", "Multinomial", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2), FLOATS(-INFINITY, -INFINITY));
  expect_run_fails(&f, 1, "row 0 of input 0 is -infinity throughout");
  call_deinit(&f);
}

static void multinomial_refuses_other_shapes(void **state) {
  (void)state;
  call_fixture_t f;
  const struct {
    or_shape_t shape;
    int64_t samples, dtype;
    const char *part;
  } rows[] = {{SHAPE(2), 1, OR_INT32, "rank 1, expected 2"},
              {SHAPE(2, 0), 1, OR_INT32, "no classes"},
              {SHAPE(2, 3), -1, OR_INT32, "\"sample_size\" is -1"},
              {SHAPE(2, 3), 1, OR_UINT8, "\"dtype\" is 2 (uint8)"},
              {SHAPE(1, INT64_C(1) << 32), 1, OR_INT32, "int32 counts"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    call_init(&f, "", "Multinomial", 22);
    call_input(&f, OR_FLOAT32, rows[i].shape, NULL);
    call_int(&f, "sample_size", rows[i].samples);
    call_int(&f, "dtype", rows[i].dtype);
    expect_refused(&f, 1, OR_INVALID_ARGUMENT, rows[i].part);
    call_deinit(&f);
  }
  call_init(&f, "", "Multinomial", 7);
  call_input(&f, OR_FLOAT32, RANK_UNKNOWN, NULL);
  call_int(&f, "sample_size", 9);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(UNKNOWN, 9));
  call_deinit(&f);
  call_init(&f, "", "Multinomial", 7);
  call_input(&f, OR_FLOAT32, SHAPE(INT64_C(1) << 40, 2), NULL);
  call_int(&f, "sample_size", INT64_C(1) << 40);
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "more than");
  call_deinit(&f);
}

static void multinomial_gives_up_without_memory(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Multinomial", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2), FLOATS(0, 0));
  call_run(&f, 1);
  f.allocator.fail_at = f.allocator.alloc_count + 1;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  or_status_ignore(status); /* expected */
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_seed_gives_known_numbers),
      cmocka_unit_test(like_takes_shape_and_dtype_of_the_input),
      cmocka_unit_test(no_uniform_number_is_the_upper_end),
      cmocka_unit_test(without_a_seed_every_run_differs),
      cmocka_unit_test(scalars_and_empty_shapes_are_drawn),
      cmocka_unit_test(attributes_that_make_no_distribution_are_refused),
      cmocka_unit_test(shapes_that_are_none_are_refused),
      cmocka_unit_test(bernoulli_compares_with_uniform_numbers),
      cmocka_unit_test(bernoulli_is_1_as_often_as_it_should),
      cmocka_unit_test(multinomial_draws_each_class_as_often_as_it_should),
      cmocka_unit_test(multinomial_divides_the_uniform_numbers),
      cmocka_unit_test(multinomial_refuses_what_is_no_distribution),
      cmocka_unit_test(multinomial_refuses_other_shapes),
      cmocka_unit_test(multinomial_gives_up_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
