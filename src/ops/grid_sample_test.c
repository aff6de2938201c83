#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* X of one batch and one channel, [1,1,4] or [1,1,2,2]; `count` positions. */
static void line(call_fixture_t *f, or_dtype_t dtype, const void *x, const float *grid, int64_t count) {
  call_init(f, "", "GridSample", 22);
  call_input(f, dtype, SHAPE(1, 1, 4), x);
  call_input(f, OR_FLOAT32, SHAPE(1, count, 1), grid);
}

static void square(call_fixture_t *f, int version, const char *mode, const char *padding, int64_t corners) {
  static const float x[] = {1, 2, 3, 4}, grid[] = {0, 0, -1, -1, 1, -1, -3, 0.5F};
  call_init(f, "", "GridSample", version);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 2, 2), x);
  call_input(f, OR_FLOAT32, SHAPE(1, 4, 1, 2), grid);
  call_string(f, "mode", mode);
  call_string(f, "padding_mode", padding);
  call_int(f, "align_corners", corners);
}

static void mixes_neighbours_by_distance(void **state) {
  (void)state;
  call_fixture_t f;
  square(&f, 16, "bilinear", "zeros", 0);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 4, 1));
  expect_doubles(&f, 0, 1e-6, DOUBLES(2.5, 0.25, 0.5, 0));
  call_deinit(&f);

  square(&f, 20, "linear", "border", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(2.5, 1, 2, 3));
  call_deinit(&f);

  square(&f, 22, "linear", "reflection", 0); /* x = -2.5 comes back to 1.5, whose neighbours are both the last pixel */
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(2.5, 1, 2, 4));
  call_deinit(&f);

  square(&f, 22, "linear", "reflection", 1); /* x = -1 is mirrored at 0 to 1; y = 0.75 */
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(2.5, 1, 2, 3.5));
  call_deinit(&f);
}

static void nearest_takes_the_even_one_of_two_as_near(void **state) {
  (void)state;
  call_fixture_t f;
  line(&f, OR_FLOAT32, FLOATS(1, 2, 4, 8), FLOATS(-0.5F, 0, 0.5F, 0.99F, 1.5F, -1.25F), 6);
  call_string(&f, "mode", "nearest");
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 6));
  expect_doubles(&f, 0, 0, DOUBLES(1, 4, 4, 8, 0, 0)); /* at 0.5 1.5 2.5 3.48 4.5 -1 */
  call_deinit(&f);

  line(&f, OR_FLOAT32, FLOATS(1, 2, 4, 8), FLOATS(1.5F, -1.5F, 2.5F),
       3); /* at 4.5, -1.5 and 6.5, which are even ones */
  call_string(&f, "mode", "nearest");
  call_string(&f, "padding_mode", "reflection");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(8, 2, 2));
  call_deinit(&f);
}

/* Keys' weights at a distance of 1/2: -0.09375 and 0.59375. */
static void cubic_looks_at_two_on_each_side(void **state) {
  (void)state;
  call_fixture_t f;
  line(&f, OR_FLOAT32, FLOATS(1, 2, 4, 8), FLOATS(0, -0.5F), 2);
  call_string(&f, "mode", "cubic");
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(0.59375 * 6 - 0.09375 * 9, 0.59375 * 3 - 0.09375 * 4));
  call_deinit(&f);

  line(&f, OR_FLOAT64, ((double[]){1, 2, 4, 8}), FLOATS(-0.5F, -2), 2);
  call_string(&f, "mode", "cubic");
  call_string(&f, "padding_mode", "border");
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-12, DOUBLES(0.59375 * 3 - 0.09375 * 5, 1));
  call_deinit(&f);

  line(&f, OR_FLOAT32, FLOATS(1, 2, 4, 8), FLOATS(-0.5F), 1);
  call_string(&f, "mode", "cubic");
  call_string(&f, "padding_mode", "reflection");
  call_int(&f, "align_corners", 1); /* at 0.75 */
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-0.03515625 * 2 + 0.26171875 * 1 + 0.87890625 * 2 - 0.10546875 * 4));
  call_deinit(&f);
}

static void keeps_integers_complex_numbers_and_bools(void **state) {
  (void)state;
  call_fixture_t f;
  line(&f, OR_INT32, ((int32_t[]){-1, -2, -6, 8}), FLOATS(-0.5F, 0, 0.5F), 3);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-1, -4, 1)); /* -1.5 -4 1 */
  call_deinit(&f);

  line(&f, OR_INT64, ((int64_t[]){INT64_MAX - 1, INT64_MIN + 1, 3, 4}), FLOATS(-0.75F, -0.25F), 2);
  call_string(&f, "mode", "nearest");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT64_MAX - 1, INT64_MIN + 1));
  call_deinit(&f);

  line(&f, OR_COMPLEX64, ((float[]){1, 10, 2, 20, 4, 40, 8, 80}), FLOATS(-0.5F, 0), 2);
  call_run(&f, 1);
  const float *out = f.outputs[0].data;
  assert_true(out[0] == 1.5F && out[1] == 15 && out[2] == 3 && out[3] == 30);
  call_deinit(&f);

  line(&f, OR_BOOL, ((uint8_t[]){1, 0, 0, 1}), FLOATS(-0.5F, 0), 2);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 0));
  call_deinit(&f);
}

static void a_position_that_is_no_number_is_outside_or_first(void **state) {
  (void)state;
  static const char *const paddings[] = {"zeros", "border", "reflection"};
  static const double expected[3][3] = {{0, 0, 0}, {1, 8, 1}, {1, 1, 1}};
  for (int i = 0; i < 6; ++i) {
    call_fixture_t f;
    line(&f, OR_FLOAT32, FLOATS(1, 2, 4, 8), FLOATS(NAN, (float)INFINITY, -(float)INFINITY), 3);
    call_string(&f, "mode", i % 2 == 0 ? "nearest" : "cubic");
    call_string(&f, "padding_mode", paddings[i / 2]);
    call_run(&f, 1);
    expect_doubles(&f, 0, 1e-6, expected[i / 2], 3);
    call_deinit(&f);
  }
}

static void samples_volumes_and_every_batch_and_channel(void **state) {
  (void)state;
  float x[2 * 3 * 8];
  for (int i = 0; i < 48; ++i) x[i] = (float)i;
  call_fixture_t f;
  call_init(&f, "", "GridSample", 20);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3, 2, 2, 2), x);
  call_input(&f, OR_FLOAT64, SHAPE(2, 1, 1, 1, 3), ((double[]){0, 0, 0, 1, -1, 0}));
  call_int(&f, "align_corners", 1);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 3, 1, 1, 1));
  expect_doubles(&f, 0, 1e-6, DOUBLES(3.5, 11.5, 19.5, 27, 35, 43)); /* the last: mean of 1 and 5 of each */
  call_deinit(&f);
}

static void empty_images_give_zeros_or_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "GridSample", 16);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 0, 2), FLOATS(0));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 2), FLOATS(0, 0));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);

  call_init(&f, "", "GridSample", 16);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 0, 2), FLOATS(0));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 2), FLOATS(0, 0));
  call_string(&f, "padding_mode", "border");
  expect_run_fails(&f, 1, "no pixels");
  call_deinit(&f);
}

static void symbols_pass(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "GridSample", 20);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), SYMBOL(1), 4, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(UNKNOWN, SYMBOL(2), 7, 2), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), SYMBOL(1), SYMBOL(2), 7));
  call_deinit(&f);

  call_init(&f, "", "GridSample", 20);
  call_input(&f, OR_FLOAT32, RANK_UNKNOWN, NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2, 5, 7, 2), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, UNKNOWN, 5, 7));
  f.inputs[1].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  f.inputs[0].shape = SHAPE(2, 3, 5, 7);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 3, UNKNOWN, UNKNOWN));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  square(&f, 20, "bilinear", "zeros", 0);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "version 20 knows linear");
  call_deinit(&f);
  square(&f, 16, "bilinear", "wrap", 0);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"padding_mode\" is \"wrap\"");
  call_deinit(&f);

  square(&f, 16, "bilinear", "zeros", 0);
  f.inputs[1].dtype = OR_INT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 (grid) is int32");
  f.inputs[1].dtype = OR_FLOAT32;
  f.inputs[1].shape = SHAPE(2, 4, 1, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "batches of X and grid");
  f.inputs[1].shape = SHAPE(1, 4, 1, 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "numbers of a position");
  f.inputs[1].shape = SHAPE(1, 4, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "both must be 4");
  f.node.version = 22;
  f.node.attribute_count = 0;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "the same and at least 3");
  call_deinit(&f);

  call_init(&f, "", "GridSample", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2), NULL);
  call_input(&f, OR_FLOAT32, RANK_UNKNOWN, NULL);
  call_string(&f, "mode", "cubic");
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "along 9 dimensions");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mixes_neighbours_by_distance),
      cmocka_unit_test(nearest_takes_the_even_one_of_two_as_near),
      cmocka_unit_test(cubic_looks_at_two_on_each_side),
      cmocka_unit_test(keeps_integers_complex_numbers_and_bools),
      cmocka_unit_test(a_position_that_is_no_number_is_outside_or_first),
      cmocka_unit_test(samples_volumes_and_every_batch_and_channel),
      cmocka_unit_test(empty_images_give_zeros_or_are_refused),
      cmocka_unit_test(symbols_pass),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
