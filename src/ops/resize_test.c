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

/* 1 2 4 8 at twice the resolution, half a pixel apart: quarters of the distances between them. */
static void every_dtype_is_interpolated(void **state) {
  (void)state;
  call_fixture_t f;
  const float scales[] = {1, 2};
  for (int wide = 0; wide < 2; ++wide) {
    call_init(&f, "", "Resize", 19);
    call_input(&f, wide ? OR_COMPLEX128 : OR_COMPLEX64, SHAPE(1, 4),
               wide ? (const void *)((double[]){1, 8, 2, 4, 4, 2, 8, 1}) : FLOATS(1, 8, 2, 4, 4, 2, 8, 1));
    call_input(&f, OR_FLOAT32, SHAPE(0), NULL);
    call_input(&f, OR_FLOAT32, SHAPE(2), scales);
    call_string(&f, "mode", "linear");
    call_run(&f, 1);
    expect_shape(&f, 0, wide ? OR_COMPLEX128 : OR_COMPLEX64, SHAPE(1, 8));
    const double expected[] = {1, 1.25, 1.75, 2.5, 3.5, 5, 7, 8};
    for (size_t i = 0; i < 8; ++i) {
      or_dtype_t part = wide ? OR_FLOAT64 : OR_FLOAT32;
      assert_true(or_element_get(part, f.outputs[0].data, 2 * i) == expected[i]);
      assert_true(or_element_get(part, f.outputs[0].data, 2 * i + 1) == expected[7 - i]);
    }
    call_deinit(&f);
  }
  call_init(&f, "", "Resize", 13); /* true where one that is true has a share */
  call_input(&f, OR_BOOL, SHAPE(1, 4), ((uint8_t[]){1, 0, 0, 1}));
  call_input(&f, OR_FLOAT32, SHAPE(0), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2), scales);
  call_string(&f, "mode", "linear");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 1, 1, 0, 0, 1, 1, 1));
  call_deinit(&f);
}

static void strings_are_only_picked(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Resize", 19);
  call_input(&f, OR_STRING, SHAPE(1, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(0, 0, 1, 2));
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(1, 2));
  call_string(&f, "mode", "linear");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "can't be interpolated");
  f.attributes[0].string = (or_string_t){.data = "nearest", .length = 7};
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_STRING, SHAPE(1, 8));
  call_string(&f, "coordinate_transformation_mode", "tf_crop_and_resize");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "extrapolated");
  call_deinit(&f);
}

/* Coordinates 1 to 5 of four elements: the last two lie outside, of whatever type. */
static void what_lies_outside_gets_the_value_for_it(void **state) {
  (void)state;
  for (int real = 0; real < 2; ++real) {
    call_fixture_t f;
    call_init(&f, "", "Resize", 19);
    call_input(&f, real ? OR_FLOAT32 : OR_INT32, SHAPE(4),
               real ? (const void *)FLOATS(1, 2, 3, 4) : (const void *)((int32_t[]){1, 2, 3, 4}));
    call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(1.0F / 3, 5.0F / 3));
    call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
    call_list(&f, INTS(5));
    call_string(&f, "coordinate_transformation_mode", "tf_crop_and_resize");
    call_float(&f, "extrapolation_value", 9);
    call_run(&f, 1);
    expect_ints(&f, 0, INTS(2, 3, 4, 9, 9));
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
      cmocka_unit_test(every_dtype_is_interpolated),
      cmocka_unit_test(strings_are_only_picked),
      cmocka_unit_test(what_lies_outside_gets_the_value_for_it),
      cmocka_unit_test(samples_as_the_old_versions_did),
      cmocka_unit_test(knows_extents_where_it_can),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
