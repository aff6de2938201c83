#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* Element (row, column) is 10 row + column: what is interpolated is that of where. */
static const float plane[16] = {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33};
static const int64_t twos[2] = {2, 2}, ones[2] = {1, 1}, first_image = 0;

static void max_roi(call_fixture_t *f, const float *roi, const int64_t *pooled) {
  call_init(f, "", "MaxRoiPool", 22);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 4, 4), plane);
  call_input(f, OR_FLOAT32, SHAPE(1, 5), roi);
  call_ints(f, "pooled_shape", pooled, 2);
}

static void takes_the_maximum_of_each_bin(void **state) {
  (void)state;
  call_fixture_t f;
  max_roi(&f, FLOATS(0, 0, 0, 3, 3), twos);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(11, 13, 31, 33));
  call_deinit(&f);

  max_roi(&f, FLOATS(0, 1, 2, 5, 6), twos); /* times 0.5: 1..3 (halves away from 0), 1..3; bins of 1.5 overlap */
  call_float(&f, "spatial_scale", 0.5F);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(22, 23, 32, 33));
  call_deinit(&f);
}

static void bins_outside_are_zero_and_regions_turned_round_one_element(void **state) {
  (void)state;
  call_fixture_t f;
  max_roi(&f, FLOATS(0, 9, 9, 12, 12), twos);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0, 0, 0));
  call_deinit(&f);

  max_roi(&f, FLOATS(0, 2, 2, 0, 0), ones);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(22));
  call_deinit(&f);

  max_roi(&f, FLOATS(0, (float)NAN, 0, (float)NAN, 0), ones);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);
}

static void regions_of_images_and_channels(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxRoiPool", 1);
  call_input(&f, OR_FLOAT64, SHAPE(2, 2, 1, 2), ((double[]){1, 2, 3, 4, 5, NAN, 7, -8}));
  call_input(&f, OR_FLOAT64, SHAPE(2, 5), ((double[]){1, 0, 0, 1, 0, 0, 1, 0, 1, 0}));
  call_ints(&f, "pooled_shape", INTS(1, 1));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(2, 2, 1, 1));
  expect_doubles(&f, 0, 0, DOUBLES(NAN, 7, 2, 4));
  call_deinit(&f);
}

static void regions_of_no_image_are_refused(void **state) {
  (void)state;
  const float images[3] = {-1, 1, (float)NAN};
  for (size_t i = 0; i < 3; ++i) {
    call_fixture_t f;
    max_roi(&f, FLOATS(images[i], 0, 0, 3, 3), twos);
    expect_run_fails(&f, 1, "region 0 is of image");
    call_deinit(&f);
  }
  for (int64_t image = -1; image < 2; image += 2) {
    call_fixture_t f;
    call_init(&f, "", "RoiAlign", 22);
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 4, 4), plane);
    call_input(&f, OR_FLOAT32, SHAPE(1, 4), FLOATS(0, 0, 1, 1));
    call_input(&f, OR_INT64, SHAPE(1), &image);
    expect_run_fails(&f, 1, "region 0 is of image");
    call_deinit(&f);
  }
}

static void align(call_fixture_t *f, int version, const float *roi, int64_t side, int64_t ratio) {
  call_init(f, "", "RoiAlign", version);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 4, 4), plane);
  call_input(f, OR_FLOAT32, SHAPE(1, 4), roi);
  call_input(f, OR_INT64, SHAPE(1), &first_image);
  call_int(f, "output_height", side);
  call_int(f, "output_width", side);
  if (ratio > 0) call_int(f, "sampling_ratio", ratio);
}

static void interpolates_in_the_middle_of_bins(void **state) {
  (void)state;
  call_fixture_t f;
  align(&f, 10, FLOATS(1, 1, 3, 3), 2, 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(16.5, 17.5, 26.5, 27.5));
  call_deinit(&f);

  align(&f, 16, FLOATS(1, 1, 3, 3), 2, 1); /* half an element is taken off */
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(11, 12, 21, 22));
  call_deinit(&f);

  align(&f, 22, FLOATS(2, 2, 6, 6), 2, 1);
  call_string(&f, "coordinate_transformation_mode", "output_half_pixel");
  call_string(&f, "mode", "avg");
  call_float(&f, "spatial_scale", 0.5F);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(16.5, 17.5, 26.5, 27.5));
  call_deinit(&f);
}

static void as_many_points_as_elements(void **state) {
  (void)state;
  call_fixture_t f;
  align(&f, 10, FLOATS(0, 0, 3, 3), 1, 0); /* 0.5, 1.5, 2.5 */
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(16.5));
  call_deinit(&f);

  align(&f, 22, FLOATS(2, 2, 2, 2), 1, 0); /* no elements, no points */
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);

  align(&f, 10, FLOATS(2, 2, 2, 2), 1, 0); /* at least one element: the point is 2.5, 2.5 */
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(27.5));
  call_deinit(&f);
}

static void points_outside_are_zero_and_near_ones_on_the_edge(void **state) {
  (void)state;
  call_fixture_t f;
  align(&f, 10, FLOATS(-6, -6, -4, -4), 1, 2);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);

  align(&f, 10, FLOATS(-1, 0, 0, 1), 1, 1); /* x -0.5 */
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(5));
  call_deinit(&f);

  align(&f, 10, FLOATS(3, 3, 4, 4), 1, 1); /* 3.5: the last element */
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(33));
  call_deinit(&f);
}

/* Of 4 x 4 ones, 5 points a side are not outside: -0.5 to 3.5. */
static void enormous_regions_take_no_longer(void **state) {
  (void)state;
  static const float all_one[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  call_fixture_t f;
  align(&f, 10, FLOATS(-1e6F, -1e6F, 1e6F, 1e6F), 1, 0);
  f.inputs[0].data = (void *)(uintptr_t)all_one;
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-15, DOUBLES(25.0 / 4e12));
  call_deinit(&f);

  align(&f, 10, FLOATS(-1e30F, -1e30F, 3e38F, (float)INFINITY), 1, 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);

  align(&f, 16, FLOATS((float)NAN, 0, 1, 1), 1, 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);
}

static void the_largest_weighted_element(void **state) {
  (void)state;
  call_fixture_t f;
  align(&f, 10, FLOATS(1, 1, 2, 2), 1, 1); /* a quarter each of 11, 12, 21, 22 */
  call_string(&f, "mode", "max");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(5.5));
  call_deinit(&f);

  static const float negative[16] = {-8, -8, -8, -8, -8, -8, -8, -8, -8, -8, -8, -8, -8, -8, -8, -8};
  align(&f, 10, FLOATS(1, 1, 2, 2), 1, 1);
  f.inputs[0].data = (void *)(uintptr_t)negative;
  call_string(&f, "mode", "max");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-2));
  call_deinit(&f);

  align(&f, 10, FLOATS(3, 3, 7, 7), 1, 2); /* of points 4 and 6 those at 6 are outside, and 0 */
  f.inputs[0].data = (void *)(uintptr_t)negative;
  call_string(&f, "mode", "max");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);
}

static void symbols_and_no_regions(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "RoiAlign", 16);
  call_input(&f, OR_FLOAT32, SHAPE(1, SYMBOL(1), UNKNOWN, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(2), 4), NULL);
  call_input(&f, OR_INT64, SHAPE(UNKNOWN), NULL);
  call_int(&f, "output_width", 7);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(2), SYMBOL(1), 1, 7));
  f.inputs[0].shape = f.inputs[1].shape = f.inputs[2].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN, 1, 7));
  call_deinit(&f);

  call_init(&f, "", "RoiAlign", 16);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 0, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(0, 4), NULL);
  call_input(&f, OR_INT64, SHAPE(0), NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 2, 1, 1));
  call_deinit(&f);
}

static void attributes_that_do_not_fit_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  align(&f, 10, FLOATS(0, 0, 1, 1), 1, 0);
  call_string(&f, "coordinate_transformation_mode", "half_pixel");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "came with version 16");
  call_deinit(&f);
  align(&f, 16, FLOATS(0, 0, 1, 1), 1, 0);
  call_string(&f, "coordinate_transformation_mode", "pixel");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "neither half_pixel");
  call_deinit(&f);
  align(&f, 16, FLOATS(0, 0, 1, 1), 1, 0);
  call_string(&f, "mode", "min");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "neither avg nor max");
  call_deinit(&f);
  align(&f, 16, FLOATS(0, 0, 1, 1), 1, 1025);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"sampling_ratio\" is 1025");
  call_deinit(&f);
  align(&f, 16, FLOATS(0, 0, 1, 1), 0, 0);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "0 x 0");
  call_deinit(&f);
}

static void shapes_that_do_not_fit_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  align(&f, 16, FLOATS(0, 0, 1, 1), 1, 0);
  f.inputs[2].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "regions and batch_indices: 1 and 2");
  f.inputs[2].shape = SHAPE(1, 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 has rank 2");
  f.inputs[2].dtype = OR_INT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "expected int64");
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_INT64, .shape = SHAPE(1)};
  f.inputs[1].shape = SHAPE(1, 5);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "numbers of a region: 4 and 5");
  f.inputs[1].shape = SHAPE(4);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 has rank 1");
  f.inputs[0].shape = SHAPE(4, 4);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 has rank 2");
  f.inputs[1].dtype = OR_FLOAT64;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is float64");
  call_deinit(&f);

  max_roi(&f, FLOATS(0, 0, 0, 3, 3), twos);
  f.attributes[0].count = 1;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"pooled_shape\" has 1 values");
  call_deinit(&f);
}

static void gives_everything_back_when_memory_fails(void **state) {
  (void)state;
  float y[4];
  for (size_t n = 1;; ++n) {
    call_fixture_t f;
    align(&f, 22, FLOATS(1, 1, 3, 3), 2, 1);
    call_infer(&f, 1);
    f.outputs[0].data = y;
    f.allocator.fail_at = n;
    or_status_t status = or_op_reference(&f.call);
    bool done = or_ok(status);
    if (!done) assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* looked at */
    assert_int_equal(f.allocator.live_bytes, 0);
    if (!done) continue;
    assert_int_equal(n, 6);
    break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_the_maximum_of_each_bin),
      cmocka_unit_test(bins_outside_are_zero_and_regions_turned_round_one_element),
      cmocka_unit_test(regions_of_images_and_channels),
      cmocka_unit_test(regions_of_no_image_are_refused),
      cmocka_unit_test(interpolates_in_the_middle_of_bins),
      cmocka_unit_test(as_many_points_as_elements),
      cmocka_unit_test(points_outside_are_zero_and_near_ones_on_the_edge),
      cmocka_unit_test(enormous_regions_take_no_longer),
      cmocka_unit_test(the_largest_weighted_element),
      cmocka_unit_test(symbols_and_no_regions),
      cmocka_unit_test(attributes_that_do_not_fit_are_refused),
      cmocka_unit_test(shapes_that_do_not_fit_are_refused),
      cmocka_unit_test(gives_everything_back_when_memory_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
