#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static const float picture[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void pool_of_picture(call_fixture_t *f, const char *name, int version) {
  call_init(f, "", name, version);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 4, 4), picture);
}

static void takes_the_maximum_of_each_window(void **state) {
  (void)state;
  call_fixture_t f;
  pool_of_picture(&f, "MaxPool", 1);
  call_ints(&f, "kernel_shape", INTS(2, 2));
  call_ints(&f, "strides", INTS(2, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(6, 8, 14, 16));
  call_deinit(&f);
}

static void padding_never_is_the_maximum(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3), FLOATS(-3, -1, -2));
  call_ints(&f, "kernel_shape", INTS(3));
  call_ints(&f, "pads", INTS(2, 2));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-3, -1, -1, -1, -2));
  call_deinit(&f);
}

static void dilated_windows_and_ceil_mode(void **state) {
  (void)state;
  call_fixture_t f;
  pool_of_picture(&f, "MaxPool", 10);
  call_ints(&f, "kernel_shape", INTS(2, 2));
  call_ints(&f, "dilations", INTS(2, 2));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(11, 12, 15, 16));
  call_deinit(&f);

  pool_of_picture(&f, "MaxPool", 10);
  call_ints(&f, "kernel_shape", INTS(3, 3));
  call_ints(&f, "strides", INTS(2, 2));
  call_int(&f, "ceil_mode", 1);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(11, 12, 15, 16));
  call_deinit(&f);
}

static void indices_point_into_the_whole_input(void **state) {
  (void)state;
  const float x[2 * 2 * 3] = {1, 5, 2, 5, 0, 9, -1, -2, -3, -4, -5, -1};
  for (int order = 0; order < 2; ++order) {
    call_fixture_t f;
    call_init(&f, "", "MaxPool", 12);
    call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2, 3), x);
    call_ints(&f, "kernel_shape", INTS(2, 2));
    call_int(&f, "storage_order", order);
    call_run(&f, 2);
    expect_shape(&f, 1, OR_INT64, SHAPE(1, 2, 1, 2));
    expect_doubles(&f, 0, 0, DOUBLES(5, 9, -1, -1));
    /* Rows and columns of the maxima: (0,1), (1,2); (0,0), (1,2). The first of two fives wins. */
    if (order == 0) expect_ints(&f, 1, INTS(1, 5, 6, 11));
    if (order == 1) expect_ints(&f, 1, INTS(2, 5, 6, 11));
    call_deinit(&f);
  }
}

static void bytes_are_pooled_exactly(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 12);
  call_input(&f, OR_INT8, SHAPE(1, 1, 4), ((int8_t[]){-128, -127, -128, -128}));
  call_ints(&f, "kernel_shape", INTS(2));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-127, -127, -128));
  call_deinit(&f);

  call_init(&f, "", "MaxPool", 12);
  call_input(&f, OR_UINT8, SHAPE(1, 1, 3), ((uint8_t[]){255, 0, 7}));
  call_ints(&f, "kernel_shape", INTS(2));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(255, 7));
  call_deinit(&f);
}

static void nan_in_a_window_is_its_maximum(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 12);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 5), FLOATS(1, (float)NAN, 3, -(float)INFINITY, -(float)INFINITY));
  call_ints(&f, "kernel_shape", INTS(2));
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(NAN, NAN, 3, -INFINITY));
  expect_ints(&f, 1, INTS(1, 1, 2, 3));
  call_deinit(&f);
}

static void averages_without_and_with_padding(void **state) {
  (void)state;
  for (int include = 0; include < 2; ++include) {
    call_fixture_t f;
    call_init(&f, "", "AveragePool", 7);
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3), FLOATS(2, 4, 9));
    call_ints(&f, "kernel_shape", INTS(3));
    call_ints(&f, "pads", INTS(1, 1));
    call_int(&f, "count_include_pad", include);
    call_run(&f, 1);
    if (include == 0) expect_doubles(&f, 0, 1e-7, DOUBLES(3, 5, 6.5));
    if (include == 1) expect_doubles(&f, 0, 1e-7, DOUBLES(2, 5, 13.0 / 3));
    call_deinit(&f);
  }
}

/* With ceil_mode the last window reaches behind the padding, and what lies there does not count. */
static void averages_never_count_what_lies_behind_the_padding(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "AveragePool", 19);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 4), FLOATS(1, 2, 3, 4));
  call_ints(&f, "kernel_shape", INTS(3));
  call_ints(&f, "strides", INTS(3));
  call_ints(&f, "pads", INTS(1, 0));
  call_int(&f, "ceil_mode", 1);
  call_int(&f, "count_include_pad", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 3.5)); /* (0 + 1 + 2) / 3, (3 + 4) / 2 */
  call_deinit(&f);
}

/* Two taps two apart around one element: neither lies on it. */
static void the_average_of_padding_alone_is_zero(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "AveragePool", 19);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1), FLOATS(7));
  call_ints(&f, "kernel_shape", INTS(2));
  call_ints(&f, "dilations", INTS(2));
  call_ints(&f, "pads", INTS(1, 1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);
}

static void averages_in_two_dimensions_with_dilation(void **state) {
  (void)state;
  call_fixture_t f;
  pool_of_picture(&f, "AveragePool", 19);
  call_ints(&f, "kernel_shape", INTS(2, 2));
  call_ints(&f, "dilations", INTS(2, 2));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(6, 7, 10, 11));
  call_deinit(&f);
}

static void one_and_three_dimensions_and_long_lines(void **state) {
  (void)state;
  enum { LENGTH = 1000 };
  static float x[LENGTH];
  static double expected[LENGTH / 2];
  for (int i = 0; i < LENGTH; ++i) x[i] = (float)(i % 2 == 0 ? i : -i);
  for (int i = 0; i < LENGTH / 2; ++i) expected[i] = 2 * i;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 8);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, LENGTH), x);
  call_ints(&f, "kernel_shape", INTS(2));
  call_ints(&f, "strides", INTS(2));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, expected, LENGTH / 2);
  call_deinit(&f);

  call_init(&f, "", "AveragePool", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2, 2, 2), picture);
  call_ints(&f, "kernel_shape", INTS(2, 2, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 2, 1, 1, 1));
  expect_doubles(&f, 0, 0, DOUBLES(4.5, 12.5));
  call_deinit(&f);
}

static void global_pools_see_each_channel_whole(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "GlobalAveragePool", 1);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 2, 2), picture);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2, 1, 1));
  expect_doubles(&f, 0, 0, DOUBLES(2.5, 6.5, 10.5, 14.5));
  call_deinit(&f);

  call_init(&f, "", "GlobalMaxPool", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 3, 2), FLOATS(-1, -2, (float)NAN, 9, 9, (float)NAN));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-1, NAN, NAN));
  call_deinit(&f);

  call_init(&f, "", "GlobalAveragePool", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 0), NULL);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(NAN));
  call_deinit(&f);
}

static void norms_of_each_window(void **state) {
  (void)state;
  static const double expected[4][3] = {{0 + 3, 3 + 4, 4 + 12},
                                        {3, 5, 12.649110640673518},
                                        {3, 4.497941445275415, 12.146355887502649},
                                        {3, 4.284572294953817, 12.036866793738255}};
  for (int64_t p = 1; p <= 4; ++p) {
    call_fixture_t f;
    call_init(&f, "", "LpPool", 22);
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3), FLOATS(-3, 4, -12));
    call_ints(&f, "kernel_shape", INTS(2));
    call_ints(&f, "pads", INTS(1, 0)); /* of zeros */
    if (p != 2) call_int(&f, "p", p);
    call_run(&f, 1);
    expect_doubles(&f, 0, 1e-6, expected[p - 1], 3);
    call_deinit(&f);
  }
}

static void norms_of_each_channel(void **state) {
  (void)state;
  static const double expected[3][2] = {{7, 17}, {5, 13}, {4.497941445275415, 12.28264235951734}};
  for (int64_t p = 1; p <= 3; ++p) {
    call_fixture_t f;
    call_init(&f, "", "GlobalLpPool", 2);
    call_input(&f, OR_FLOAT64, SHAPE(1, 2, 2), ((double[]){3, -4, -5, 12}));
    if (p != 2) call_int(&f, "p", p);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT64, SHAPE(1, 2, 1));
    expect_doubles(&f, 0, 1e-12, expected[p - 1], 2);
    call_deinit(&f);
  }
  call_fixture_t f;
  call_init(&f, "", "GlobalLpPool", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 0), NULL);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);
}

/* Of a kernel of two thousand million elements a side only those over the input are looked at. */
static void enormous_kernels_take_no_longer(void **state) {
  (void)state;
  const int64_t side = INT64_C(2000000000);
  const char *const names[] = {"MaxPool", "AveragePool", "LpPool"};
  const double expected[3] = {16, 8.5, 136};
  for (size_t i = 0; i < 3; ++i) {
    call_fixture_t f;
    pool_of_picture(&f, names[i], 22);
    call_ints(&f, "kernel_shape", INTS(side, side));
    call_ints(&f, "pads", INTS(side - 5, side - 5, 2, 2)); /* two positions a side */
    if (i == 2) call_int(&f, "p", 1);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 2, 2));
    expect_doubles(&f, 0, 0, (double[]){expected[i], expected[i], expected[i], expected[i]}, 4);
    call_deinit(&f);
  }
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 22); /* positions far apart */
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2), FLOATS(3, 4));
  call_ints(&f, "kernel_shape", INTS(side / 2));
  call_ints(&f, "pads", INTS(side / 2, side / 2));
  call_ints(&f, "strides", INTS(side / 4));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-INFINITY, 4, 4));
  call_deinit(&f);
}

static void norms_without_a_root_are_refused(void **state) {
  (void)state;
  const char *const names[] = {"LpPool", "GlobalLpPool"};
  for (size_t i = 0; i < 2; ++i) {
    call_fixture_t f;
    call_init(&f, "", names[i], 22);
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3), NULL);
    if (i == 0) call_ints(&f, "kernel_shape", INTS(2));
    call_int(&f, "p", 0);
    expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"p\" is 0");
    call_deinit(&f);
  }
}

static void empty_batches_are_legal(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 12);
  call_input(&f, OR_FLOAT32, SHAPE(0, 3, 8, 8), NULL);
  call_ints(&f, "kernel_shape", INTS(2, 2));
  call_run(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 3, 7, 7));
  call_deinit(&f);
}

static void symbols_pass_where_extents_do_not_change(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxPool", 12);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 64, SYMBOL(1), 112), NULL);
  call_ints(&f, "kernel_shape", INTS(3, 3));
  call_ints(&f, "strides", INTS(2, 2));
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 64, UNKNOWN, 55));
  expect_shape(&f, 1, OR_INT64, SHAPE(SYMBOL(0), 64, UNKNOWN, 55));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);

  call_init(&f, "", "GlobalAveragePool", 22);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN, SYMBOL(1)), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN, 1));
  f.inputs[0].shape = SHAPE(3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 has rank 1");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_the_maximum_of_each_window),
      cmocka_unit_test(padding_never_is_the_maximum),
      cmocka_unit_test(dilated_windows_and_ceil_mode),
      cmocka_unit_test(indices_point_into_the_whole_input),
      cmocka_unit_test(bytes_are_pooled_exactly),
      cmocka_unit_test(nan_in_a_window_is_its_maximum),
      cmocka_unit_test(averages_without_and_with_padding),
      cmocka_unit_test(averages_never_count_what_lies_behind_the_padding),
      cmocka_unit_test(the_average_of_padding_alone_is_zero),
      cmocka_unit_test(averages_in_two_dimensions_with_dilation),
      cmocka_unit_test(one_and_three_dimensions_and_long_lines),
      cmocka_unit_test(global_pools_see_each_channel_whole),
      cmocka_unit_test(norms_of_each_window),
      cmocka_unit_test(norms_of_each_channel),
      cmocka_unit_test(norms_without_a_root_are_refused),
      cmocka_unit_test(enormous_kernels_take_no_longer),
      cmocka_unit_test(empty_batches_are_legal),
      cmocka_unit_test(symbols_pass_where_extents_do_not_change),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
