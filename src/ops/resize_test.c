#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void interpolates_as_the_reference_evaluator_of_onnx_does(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Resize", 19);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 2}));
  call_string(&f, "mode", "linear");
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-5, DOUBLES(1, 1.25, 1.75, 2.5, 3.5, 5, 7, 8));
  call_deinit(&f);

  call_init(&f, "", "Resize", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 1.5F}));
  call_string(&f, "mode", "cubic");
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-5, DOUBLES(0.913194835, 1.3125, 2.304401636, 3.38310194, 6.1875, 8.347225189));
  call_deinit(&f);

  call_init(&f, "", "Resize", 18);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 0.5F}));
  call_string(&f, "mode", "linear");
  call_int(&f, "antialias", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-5, DOUBLES(1.75, 5.75));
  call_deinit(&f);

  call_init(&f, "", "Resize", 19);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 1.5F}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 1, 2, 4, 4, 8));
  call_deinit(&f);

  call_init(&f, "", "Resize", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_list(&f, INTS(1, 1, 1, 3));
  call_string(&f, "mode", "linear");
  call_string(&f, "coordinate_transformation_mode", "align_corners");
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-5, DOUBLES(1, 3, 8));
  call_deinit(&f);

  call_init(&f, "", "Resize", 19);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(8), ((float[]){0, 0, 0, 0.25F, 1, 1, 1, 1.25F}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_list(&f, INTS(1, 1, 1, 3));
  call_string(&f, "mode", "linear");
  call_string(&f, "coordinate_transformation_mode", "tf_crop_and_resize");
  call_float(&f, "extrapolation_value", 9.0F);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-5, DOUBLES(1.75, 5, 9));
  call_deinit(&f);
}

/* X [1,1,1,4] with a region along the last axis, and one of scales and sizes. */
static void begin(call_fixture_t *f, or_dtype_t dtype, const void *x, const float *roi, const float *scales,
                  const int64_t *sizes) {
  call_init(f, "", "Resize", 19);
  call_input(f, dtype, SHAPE(1, 1, 1, 4), x);
  call_input(f, roi != NULL ? OR_FLOAT32 : OR_DTYPE_NONE, SHAPE(8), roi);
  call_input(f, scales != NULL ? OR_FLOAT32 : OR_DTYPE_NONE, SHAPE(4), scales);
  if (sizes != NULL) call_input(f, OR_INT64, SHAPE(4), sizes);
}

static void integers_are_rounded_and_kept_in_range(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, OR_INT32, ((int32_t[]){1, 2, -6, 9}), NULL, FLOATS(1, 1, 1, 2), NULL);
  call_string(&f, "mode", "linear");
  call_run(&f, 1); /* 1 1.25 1.75 0 -4 -2.25 5.25 9 */
  expect_ints(&f, 0, INTS(1, 1, 2, 0, -4, -2, 5, 9));
  call_deinit(&f);

  begin(&f, OR_UINT8, ((uint8_t[]){0, 0, 255, 255}), NULL, FLOATS(1, 1, 1, 2), NULL);
  call_string(&f, "mode", "cubic");
  call_run(&f, 1); /* the cubic swings past both ends of the range */
  expect_ints(&f, 0, INTS(0, 0, 0, 58, 197, 255, 255, 255));
  call_deinit(&f);
}

static void complex_numbers_and_bools_are_interpolated(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f, OR_COMPLEX64, ((float[]){1, 10, 2, 20, 4, 40, 8, 80}), NULL, NULL, ((int64_t[]){1, 1, 1, 3}));
  call_string(&f, "mode", "linear");
  call_string(&f, "coordinate_transformation_mode", "align_corners");
  call_run(&f, 1);
  const float *out = f.outputs[0].data;
  assert_true(out[0] == 1 && out[1] == 10 && out[2] == 3 && out[3] == 30 && out[4] == 8 && out[5] == 80);
  call_deinit(&f);

  begin(&f, OR_BOOL, ((uint8_t[]){1, 0, 0, 0}), NULL, FLOATS(1, 1, 1, 2), NULL);
  call_string(&f, "mode", "linear");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 1, 1, 0, 0, 0, 0, 0));
  call_deinit(&f);

  begin(&f, OR_COMPLEX128, ((double[]){1, 10, 2, 20, 4, 40, 8, 80}), NULL, FLOATS(1, 1, 1, 0.5F), NULL);
  call_string(&f, "coordinate_transformation_mode", "asymmetric");
  call_run(&f, 1);
  const double *wide = f.outputs[0].data;
  assert_true(wide[0] == 1 && wide[1] == 10 && wide[2] == 4 && wide[3] == 40);
  call_deinit(&f);
}

static void outside_a_region_is_the_extrapolation_value_of_any_dtype(void **state) {
  (void)state;
  const float roi[] = {0, 0, 0, 0, 1, 1, 1, 1.5F};
  call_fixture_t f;
  begin(&f, OR_INT16, ((int16_t[]){1, 2, 3, 4}), roi, NULL, ((int64_t[]){1, 1, 1, 4}));
  call_string(&f, "coordinate_transformation_mode", "tf_crop_and_resize");
  call_float(&f, "extrapolation_value", -7);
  call_run(&f, 1); /* at 0 1.5 3 4.5 */
  expect_ints(&f, 0, INTS(1, 2, 4, -7));
  call_deinit(&f);

  begin(&f, OR_COMPLEX64, ((float[]){1, 10, 2, 20, 4, 40, 8, 80}), roi, NULL, ((int64_t[]){1, 1, 1, 4}));
  call_string(&f, "coordinate_transformation_mode", "tf_crop_and_resize");
  call_string(&f, "mode", "linear");
  call_float(&f, "extrapolation_value", 5);
  call_run(&f, 1);
  const float *out = f.outputs[0].data;
  assert_true(out[2] == 3 && out[3] == 30 && out[6] == 5 && out[7] == 0);
  call_deinit(&f);

  begin(&f, OR_FLOAT32, FLOATS(1, 2, 3, 4), roi, FLOATS(1, 1, 1, 1.25F), NULL); /* the extent is in times scale */
  call_string(&f, "coordinate_transformation_mode", "tf_crop_and_resize");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 2, 3, 0, 0)); /* at 0 1.125 2.25 3.375 4.5 */
  call_deinit(&f);
}

static void text_is_picked_but_not_mixed(void **state) {
  (void)state;
  const or_string_t x[] = {{"a", 1}, {"bc", 2}, {"", 0}, {"d", 1}};
  const float roi[] = {0, 0, 0, 0, 1, 1, 1, 1.5F};
  call_fixture_t f;
  begin(&f, OR_STRING, x, roi, NULL, ((int64_t[]){1, 1, 1, 4}));
  call_string(&f, "coordinate_transformation_mode", "tf_crop_and_resize");
  call_run(&f, 1); /* at 0 1.5 3 4.5 */
  const or_string_t *out = f.outputs[0].data;
  assert_ptr_equal(out[1].data, x[1].data);
  assert_true(out[0].length == 1 && out[2].length == 1 && out[3].length == 0 && out[3].data != NULL);
  or_free(&f.allocator.base, f.outputs[0].data);
  call_string(&f, "mode", "linear");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "text can't be interpolated");
  f.outputs[0].data = NULL;
  call_deinit(&f);
}

/* 7 / 3 of each place, which times 3 is 7, not a little less. */
static void quotients_of_extents_are_rounded_once(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Resize", 13);
  call_input(&f, OR_INT64, SHAPE(49), NULL);
  int64_t places[49];
  for (int i = 0; i < 49; ++i) places[i] = i;
  f.inputs[0].data = places;
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_list(&f, INTS(21));
  call_string(&f, "coordinate_transformation_mode", "asymmetric");
  call_string(&f, "nearest_mode", "floor");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 2, 4, 7, 9, 11, 14, 16, 18, 21, 23, 25, 28, 30, 32, 35, 37, 39, 42, 44, 46));
  call_deinit(&f);
}

/* A row becomes a column of as many: the square of both never exists. */
static void needs_no_more_memory_than_input_or_output(void **state) {
  (void)state;
  static float x[1 << 15];
  call_fixture_t f;
  call_init(&f, "", "Resize", 13);
  or_counting_allocator_init(&f.allocator, or_allocator_system(), 0);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1 << 15), x);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_list(&f, INTS(1 << 15, 1));
  call_string(&f, "mode", "linear");
  call_run(&f, 1);
  assert_true(f.allocator.peak_bytes < (size_t)16 << 20);
  call_deinit(&f);
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 2; n <= 5; ++n) {
    call_fixture_t f;
    begin(&f, OR_FLOAT32, FLOATS(1, 2, 4, 8), NULL, FLOATS(1, 1, 1, 2), NULL);
    or_counting_allocator_init(&f.allocator, or_allocator_system(), n < 5 ? n : 2);
    if (n < 5) call_string(&f, "mode", "linear");
    call_infer(&f, 1);
    expect_ok(or_alloc(&f.allocator.base, 8 * sizeof(float), &f.outputs[0].data));
    or_status_t status = or_op_reference(&f.call);
    assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* expected */
    call_deinit(&f);
  }
}

static void samples_as_the_old_versions_did(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Resize", 10);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 2}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 1, 2, 2, 4, 4, 8, 8));
  call_deinit(&f);

  call_init(&f, "", "Upsample", 9);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 2}));
  call_string(&f, "mode", "linear");
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(1, 1.5, 2, 3, 4, 6, 8, 8));
  call_deinit(&f);
}

static void knows_extents_where_it_can(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Resize", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 3, 8, UNKNOWN), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 2}));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 3, 8, UNKNOWN));
  call_deinit(&f);

  call_init(&f, "", "Resize", 19);
  call_input(&f, OR_FLOAT32, SHAPE(4, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_list(&f, INTS(8, 6));
  call_string(&f, "keep_aspect_ratio_policy", "not_larger");
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(6, 6));
  call_deinit(&f);

  call_init(&f, "", "Resize", 18);
  call_input(&f, OR_FLOAT32, SHAPE(4, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_list(&f, INTS(8));
  call_ints(&f, "axes", INTS(1));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(4, 8));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Resize", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 2}));
  call_list(&f, INTS(1, 1, 1, 3));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "only one");
  call_deinit(&f);

  call_init(&f, "", "Resize", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "for 4 axes");
  call_deinit(&f);

  call_init(&f, "", "Resize", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 0}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "greater than 0");
  call_deinit(&f);

  call_init(&f, "", "Resize", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 2}));
  call_string(&f, "mode", "area");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "not known");
  call_deinit(&f);

  call_init(&f, "", "Resize", 18);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4), NULL);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_list(&f, INTS(INT64_MAX / 2, 4));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "size");
  f.inputs[0].shape = SHAPE(1, 1 << 20);
  f.inputs[3].data = (int64_t[]){INT64_C(1) << 50, 1};
  call_string(&f, "keep_aspect_ratio_policy", "not_smaller");
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "axis 1 would have");
  call_deinit(&f);

  call_init(&f, "", "Resize", 10);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 4, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 1, 1, 2}));
  call_string(&f, "mode", "cubic");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "version 11");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(interpolates_as_the_reference_evaluator_of_onnx_does),
      cmocka_unit_test(integers_are_rounded_and_kept_in_range),
      cmocka_unit_test(complex_numbers_and_bools_are_interpolated),
      cmocka_unit_test(outside_a_region_is_the_extrapolation_value_of_any_dtype),
      cmocka_unit_test(text_is_picked_but_not_mixed),
      cmocka_unit_test(quotients_of_extents_are_rounded_once),
      cmocka_unit_test(needs_no_more_memory_than_input_or_output),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
      cmocka_unit_test(samples_as_the_old_versions_did),
      cmocka_unit_test(knows_extents_where_it_can),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
