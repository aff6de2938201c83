#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static const float plane[9] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
static const float ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
static const float zeros[64] = {0};

/* A kernel of ones, 2 x 2, over 3 x 3 elements. */
static void on_plane(call_fixture_t *f, const float *offset) {
  call_init(f, "", "DeformConv", 19);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 3, 3), plane);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 2, 2), ones);
  call_input(f, OR_FLOAT32, SHAPE(1, 8, 2, 2), offset);
}

static void is_a_convolution_without_offsets(void **state) {
  (void)state;
  call_fixture_t f;
  on_plane(&f, zeros);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(8, 12, 20, 24));
  call_deinit(&f);
}

/* ONNX's own example: the first element of the kernel is looked for half an element below, the last but one a tenth
 * above. */
static void looks_between_elements(void **state) {
  (void)state;
  float offset[32] = {0.5F};
  offset[5 * 4 + 1] = -0.1F; /* kernel position 2, x; output 1 */
  call_fixture_t f;
  on_plane(&f, offset);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(9.5, 11.9, 20, 24));
  call_deinit(&f);
}

static void outside_is_zero_and_half_outside_half(void **state) {
  (void)state;
  const float offset[6] = {-0.5F, 0, 0.5F, -1, 5, (float)NAN};
  call_fixture_t f;
  call_init(&f, "", "DeformConv", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 6), FLOATS(8, 1, 2, 3, 4, 5));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1), ones);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 6), offset);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(4, 1, 2.5, 2, 0, 0));
  call_deinit(&f);

  call_init(&f, "", "DeformConv", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2), FLOATS(8, 4));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1), ones);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 4), FLOATS(0.75F, 0, 0, -0.75F)); /* at -0.25, 0, 1, 1.25 */
  call_ints(&f, "pads", INTS(1, 1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(6, 8, 4, 3));
  call_deinit(&f);
}

static void bias_and_mask(void **state) {
  (void)state;
  float mask[16];
  for (int i = 0; i < 16; ++i) mask[i] = i < 4 ? 2.0F : 1.0F; /* the first element of the kernel counts twice */
  call_fixture_t f;
  on_plane(&f, zeros);
  call_input(&f, OR_FLOAT32, SHAPE(1), FLOATS(100));
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 2, 2), mask);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(108, 113, 123, 128));
  call_deinit(&f);

  on_plane(&f, zeros);
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 2, 2), mask);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(8, 13, 23, 28));
  call_deinit(&f);
}

/* Four channels in two groups; the offset groups are channels 0 1 and 2 3, moved by 1 and by 2. */
static void groups_and_offset_groups(void **state) {
  (void)state;
  const double x[12] = {1, 2, 3, 10, 20, 30, 100, 200, 300, 1000, 2000, 3000};
  call_fixture_t f;
  call_init(&f, "", "DeformConv", 22);
  call_input(&f, OR_FLOAT64, SHAPE(1, 4, 3), x);
  call_input(&f, OR_FLOAT64, SHAPE(2, 2, 1), ((double[]){1, 1, 1, 1}));
  call_input(&f, OR_FLOAT64, SHAPE(1, 2, 3), ((double[]){1, 1, 1, -1, -1, -1}));
  call_int(&f, "group", 2);
  call_int(&f, "offset_group", 2);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(1, 2, 3));
  expect_doubles(&f, 0, 0, DOUBLES(22, 33, 0, 0, 1100, 2200));
  call_deinit(&f);
}

static void three_dimensions_strides_and_dilations(void **state) {
  (void)state;
  float x[27], offset[3 * 8] = {0};
  for (int i = 0; i < 27; ++i) x[i] = (float)i;
  offset[0] = 0.5F; /* the first corner half an element further in the first dimension: 4.5 more */
  call_fixture_t f;
  call_init(&f, "", "DeformConv", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3, 3, 3), x);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 2, 2), ones);
  call_input(&f, OR_FLOAT32, SHAPE(1, 24, 1, 1, 1), offset);
  call_ints(&f, "dilations", INTS(2, 2, 2));
  call_ints(&f, "strides", INTS(3, 3, 3));
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(0 + 2 + 6 + 8 + 18 + 20 + 24 + 26 + 4.5));
  call_deinit(&f);
}

static void symbols_pass(void **state) {
  (void)state;
  call_fixture_t f;
  on_plane(&f, NULL);
  f.inputs[0].shape = SHAPE(SYMBOL(0), UNKNOWN, 3, SYMBOL(1));
  f.inputs[2].shape = SHAPE(SYMBOL(0), 8, UNKNOWN, UNKNOWN);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 1, 2, UNKNOWN));
  f.inputs[1].shape = SHAPE(UNKNOWN, 1, UNKNOWN, 2);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN, UNKNOWN, UNKNOWN));
  f.inputs[2].shape = RANK_UNKNOWN;
  call_input(&f, OR_FLOAT32, SHAPE(5), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 5, UNKNOWN, UNKNOWN));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

static void empty_batches_are_legal(void **state) {
  (void)state;
  call_fixture_t f;
  on_plane(&f, NULL);
  f.inputs[0].shape = SHAPE(0, 1, 3, 3);
  f.inputs[2].shape = SHAPE(0, 8, 2, 2);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 1, 2, 2));
  call_deinit(&f);
}

static void shapes_that_do_not_fit_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  on_plane(&f, NULL);
  f.inputs[2].shape = SHAPE(1, 4, 2, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "offset: 4 and 8");
  f.inputs[2].shape = SHAPE(2, 8, 2, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "offset: 2 and 1");
  f.inputs[2].shape = SHAPE(1, 8, 2, 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "offset: 3 and 2");
  f.inputs[2].shape = SHAPE(1, 8, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 has rank 3");
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_FLOAT64, .shape = SHAPE(1, 8, 2, 2)};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 is float64");
  f.inputs[2].dtype = OR_FLOAT32;
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "filters and bias: 1 and 2");
  f.inputs[3].dtype = OR_DTYPE_NONE;
  call_input(&f, OR_FLOAT32, SHAPE(1, 8, 2, 2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "mask: 8 and 4");
  f.inputs[1].shape = SHAPE(1, 1, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 has rank 3");
  f.inputs[0].shape = SHAPE(1, 1, 3, 3, 3, 3, 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "of rank 3 to 6");
  call_deinit(&f);
}

static void groups_that_do_not_fit_are_refused(void **state) {
  (void)state;
  static const struct {
    int64_t channels, filters, per_group, group, offset_group;
    const char *part;
  } rows[] = {{1, 1, 1, 0, 1, "expected at least 1"},
              {1, 1, 1, 1, 0, "expected at least 1"},
              {2, 3, 1, 2, 1, "3 filters do not divide"},
              {3, 1, 3, 1, 2, "do not divide into 2 offset groups"},
              {4, 2, 1, 2, 1, "take 1 in each of 2 groups"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    call_fixture_t f;
    call_init(&f, "", "DeformConv", 22);
    call_input(&f, OR_FLOAT32, SHAPE(1, rows[i].channels, 3), NULL);
    call_input(&f, OR_FLOAT32, SHAPE(rows[i].filters, rows[i].per_group, 1), NULL);
    call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3), NULL);
    call_int(&f, "group", rows[i].group);
    call_int(&f, "offset_group", rows[i].offset_group);
    expect_refused(&f, 1, OR_INVALID_ARGUMENT, rows[i].part);
    call_deinit(&f);
  }
}

static void gives_everything_back_when_memory_fails(void **state) {
  (void)state;
  float y[4];
  for (size_t n = 1;; ++n) {
    call_fixture_t f;
    on_plane(&f, zeros);
    call_infer(&f, 1);
    f.outputs[0].data = y;
    f.allocator.fail_at = n;
    or_status_t status = or_op_reference(&f.call);
    bool done = or_ok(status);
    if (!done) assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* looked at */
    assert_int_equal(f.allocator.live_bytes, 0);
    if (!done) continue;
    assert_int_equal(n, 3);
    break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_a_convolution_without_offsets),
      cmocka_unit_test(looks_between_elements),
      cmocka_unit_test(outside_is_zero_and_half_outside_half),
      cmocka_unit_test(bias_and_mask),
      cmocka_unit_test(groups_and_offset_groups),
      cmocka_unit_test(three_dimensions_strides_and_dilations),
      cmocka_unit_test(symbols_pass),
      cmocka_unit_test(empty_batches_are_legal),
      cmocka_unit_test(shapes_that_do_not_fit_are_refused),
      cmocka_unit_test(groups_that_do_not_fit_are_refused),
      cmocka_unit_test(gives_everything_back_when_memory_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
