#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* A 4x4 picture of ascending numbers; what a kernel of ones makes of it is easily summed by hand. */
static const float picture[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const float ones[64] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                               1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                               1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static void picture_and_ones(call_fixture_t *f) {
  call_init(f, "", "Conv", 11);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 4, 4), picture);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 3, 3), ones);
}

static void sums_what_lies_under_the_kernel(void **state) {
  (void)state;
  call_fixture_t f;
  picture_and_ones(&f);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(45, 54, 81, 90));
  call_deinit(&f);
}

static void padding_is_zero(void **state) {
  (void)state;
  call_fixture_t f;
  picture_and_ones(&f);
  call_ints(&f, "pads", INTS(1, 0, 0, 1)); /* above and at the right */
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 3, 3));
  expect_doubles(&f, 0, 0, DOUBLES(18, 24, 18, 45, 54, 39, 81, 90, 63));
  call_deinit(&f);
}

static void strides_skip_positions(void **state) {
  (void)state;
  call_fixture_t f;
  picture_and_ones(&f);
  call_ints(&f, "pads", INTS(1, 1, 1, 1));
  call_ints(&f, "strides", INTS(2, 3));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(0 + 1 + 4 + 5, 2 + 3 + 6 + 7, 4 + 5 + 8 + 9 + 12 + 13, 6 + 7 + 10 + 11 + 14 + 15));
  call_deinit(&f);
}

static void dilation_spreads_the_kernel(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Conv", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 4, 4), picture);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 2), FLOATS(1, 10, 100, 1000));
  call_ints(&f, "dilations", INTS(3, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 1, 2));
  expect_doubles(&f, 0, 0, DOUBLES(0 + 20 + 1200 + 14000, 1 + 30 + 1300 + 15000));
  call_deinit(&f);
}

static void same_upper_puts_the_odd_padding_behind_and_same_lower_before(void **state) {
  (void)state;
  call_fixture_t f;
  const char *const names[] = {"SAME_UPPER", "SAME_LOWER"};
  for (int i = 0; i < 2; ++i) {
    call_init(&f, "", "Conv", 1);
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3), FLOATS(1, 2, 3));
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2), FLOATS(1, 10));
    call_string(&f, "auto_pad", names[i]);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 3));
    if (i == 0) expect_doubles(&f, 0, 0, DOUBLES(21, 32, 3));
    if (i == 1) expect_doubles(&f, 0, 0, DOUBLES(10, 21, 32));
    call_deinit(&f);
  }
}

static void groups_see_their_own_channels_and_bias_is_added_per_filter(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Conv", 11);
  /* Two pictures of four channels of two elements; two groups of two channels; four filters with kernels of one
   * element. */
  call_input(&f, OR_FLOAT32, SHAPE(2, 4, 2), FLOATS(1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4, -5, -6, -7, -8));
  call_input(&f, OR_FLOAT32, SHAPE(4, 2, 1), FLOATS(1, 0, 0, 1, 1, 1, 2, -1));
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(100, 200, 300, 400));
  call_int(&f, "group", 2);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 4, 2));
  expect_doubles(&f, 0, 0, DOUBLES(101, 102, 203, 204, 312, 314, 403, 404, 99, 98, 197, 196, 288, 286, 397, 396));
  call_deinit(&f);
}

static void three_dimensions_work_as_two(void **state) {
  (void)state;
  call_fixture_t f;
  float volume[3 * 3 * 3];
  for (int i = 0; i < 27; ++i) volume[i] = (float)i;
  call_init(&f, "", "Conv", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3, 3, 3), volume);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 2, 2), ones);
  call_ints(&f, "strides", INTS(1, 1, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 2, 2, 1));
  /* The mean of the eight corners is the cube's corner + 6.5. */
  expect_doubles(&f, 0, 0, DOUBLES(8 * 6.5, 8 * 9.5, 8 * 15.5, 8 * 18.5));
  call_deinit(&f);
}

/* Larger than one block of the product in each direction: filters, taps and output positions. */
static void large_convolutions_agree_with_the_definition(void **state) {
  (void)state;
  enum { CHANNELS = 30, FILTERS = 70, SIZE = 11, KERNEL = 3, OUT = 11 };
  static float x[CHANNELS * SIZE * SIZE], w[FILTERS * CHANNELS * KERNEL * KERNEL];
  static double expected[FILTERS * OUT * OUT];
  or_random_t random = {1};
  or_random_fill(&random, OR_FLOAT32, x, sizeof x / sizeof *x);
  or_random_fill(&random, OR_FLOAT32, w, sizeof w / sizeof *w);
  for (int m = 0; m < FILTERS; ++m) {
    for (int oy = 0; oy < OUT; ++oy) {
      for (int ox = 0; ox < OUT; ++ox) {
        double sum = 0;
        for (int tap = 0; tap < CHANNELS * KERNEL * KERNEL; ++tap) {
          int c = tap / 9, y = oy + tap / 3 % 3 - 1, at = ox + tap % 3 - 1;
          if (y < 0 || y >= SIZE || at < 0 || at >= SIZE) continue;
          sum += (double)x[(c * SIZE + y) * SIZE + at] * (double)w[m * CHANNELS * 9 + tap];
        }
        expected[(m * OUT + oy) * OUT + ox] = sum;
      }
    }
  }
  call_fixture_t f;
  call_init(&f, "", "Conv", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, CHANNELS, SIZE, SIZE), x);
  call_input(&f, OR_FLOAT32, SHAPE(FILTERS, CHANNELS, KERNEL, KERNEL), w);
  call_ints(&f, "pads", INTS(1, 1, 1, 1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, expected, FILTERS * OUT * OUT);
  call_deinit(&f);
}

static void every_floating_point_type_gives_the_same(void **state) {
  (void)state;
  const or_dtype_t dtypes[] = {OR_FLOAT16, OR_BFLOAT16, OR_FLOAT64};
  for (size_t d = 0; d < 3; ++d) {
    uint64_t x[16], w[9]; /* room for the widest */
    for (size_t i = 0; i < 16; ++i) or_element_set(dtypes[d], x, i, (double)picture[i]);
    for (size_t i = 0; i < 9; ++i) or_element_set(dtypes[d], w, i, 1);
    call_fixture_t f;
    call_init(&f, "", "Conv", 22);
    call_input(&f, dtypes[d], SHAPE(1, 1, 4, 4), x);
    call_input(&f, dtypes[d], SHAPE(1, 1, 3, 3), w);
    call_run(&f, 1);
    expect_doubles(&f, 0, 0, DOUBLES(45, 54, 81, 90));
    call_deinit(&f);
  }
}

static void empty_batches_and_channels_are_legal(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Conv", 11);
  call_input(&f, OR_FLOAT32, SHAPE(0, 1, 4, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 3, 3), ones);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 2, 2, 2));
  call_deinit(&f);

  call_init(&f, "", "Conv", 11); /* a sum of nothing, and the bias */
  call_input(&f, OR_FLOAT32, SHAPE(1, 0, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2, 0, 2), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(7, 8));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(7, 7, 8, 8));
  call_deinit(&f);
}

static void infinity_and_nan_reach_the_positions_that_see_them(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Conv", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 6), FLOATS(1, (float)INFINITY, 2, 3, (float)NAN, 4));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2), FLOATS(1, -1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-INFINITY, INFINITY, -1, NAN, NAN));
  call_deinit(&f);
}

static void symbols_pass_where_extents_do_not_change(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Conv", 11);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN, SYMBOL(1), 8), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(5, 2, 3, 3), NULL);
  call_ints(&f, "pads", INTS(1, 0, 1, 0));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 5, SYMBOL(1), 6));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  f.inputs[0].shape = SHAPE(SYMBOL(0), UNKNOWN, UNKNOWN, 8);
  f.inputs[1].shape = SHAPE(UNKNOWN, 2, UNKNOWN, 3);
  call_input(&f, OR_FLOAT32, SHAPE(6), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 6, UNKNOWN, 6));
  call_deinit(&f);
}

static void refuse(or_shape_t x, or_shape_t w, int64_t group, const char *part) {
  call_fixture_t f;
  call_init(&f, "", "Conv", 11);
  call_input(&f, OR_FLOAT32, x, NULL);
  call_input(&f, OR_FLOAT32, w, NULL);
  call_int(&f, "group", group);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, part);
  call_deinit(&f);
}

static void refuses_shapes_that_do_not_fit(void **state) {
  (void)state;
  refuse(SHAPE(1, 3, 8, 8), SHAPE(4, 2, 3, 3), 1, "input 0 has 3 channels, the weights take 2");
  refuse(SHAPE(1, 4, 8, 8), SHAPE(5, 2, 3, 3), 2, "5 filters do not divide into 2 groups");
  refuse(SHAPE(1, 4, 8, 8), SHAPE(5, 2, 3, 3), 0, "\"group\" is 0");
  refuse(SHAPE(1, 4, 8, 8), SHAPE(4, 4, 3), 1, "input 1 has rank 3, expected 4");
  refuse(SHAPE(1, 4), SHAPE(4, 4), 1, "input 0 has rank 2");
  refuse(SHAPE(1, 4, 2, 8), SHAPE(4, 4, 3, 3), 1, "window of 3 does not fit into dimension 2");
  refuse(SHAPE(1, 1, 8), SHAPE(4, INT64_MAX, 3), 4, "channels");

  call_fixture_t f;
  picture_and_ones(&f);
  call_ints(&f, "kernel_shape", INTS(3, 2));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"kernel_shape\" is 2 in dimension 1, the weights have 3");
  f.node.attribute_count = 0;
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "filters and bias: 1 and 2 differ");
  f.inputs[2].dtype = OR_FLOAT16;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 is float16, expected float32");
  call_deinit(&f);
}

static void gives_everything_back_when_there_is_no_memory(void **state) {
  (void)state;
  call_fixture_t f;
  picture_and_ones(&f);
  call_infer(&f, 1);
  float y[4];
  f.allocator.fail_at = 1;
  f.outputs[0].data = y;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  or_status_ignore(status); /* expected */
  f.outputs[0].data = NULL;
  call_deinit(&f);
}

static void counts_two_operations_for_each_tap(void **state) {
  (void)state;
  call_fixture_t f;
  picture_and_ones(&f);
  call_infer(&f, 1);
  or_cost_t cost = f.call.op->cost(&f.call);
  assert_true(cost.flops == 2 * 9 * 4);
  assert_true(cost.bytes_read == 4 * (16 + 9));
  assert_true(cost.bytes_written == 4 * 4);
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_what_lies_under_the_kernel),
      cmocka_unit_test(padding_is_zero),
      cmocka_unit_test(strides_skip_positions),
      cmocka_unit_test(dilation_spreads_the_kernel),
      cmocka_unit_test(same_upper_puts_the_odd_padding_behind_and_same_lower_before),
      cmocka_unit_test(groups_see_their_own_channels_and_bias_is_added_per_filter),
      cmocka_unit_test(three_dimensions_work_as_two),
      cmocka_unit_test(large_convolutions_agree_with_the_definition),
      cmocka_unit_test(every_floating_point_type_gives_the_same),
      cmocka_unit_test(empty_batches_and_channels_are_legal),
      cmocka_unit_test(infinity_and_nan_reach_the_positions_that_see_them),
      cmocka_unit_test(symbols_pass_where_extents_do_not_change),
      cmocka_unit_test(refuses_shapes_that_do_not_fit),
      cmocka_unit_test(gives_everything_back_when_there_is_no_memory),
      cmocka_unit_test(counts_two_operations_for_each_tap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
