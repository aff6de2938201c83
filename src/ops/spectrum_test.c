#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

#define F64(...) ((const double[]){__VA_ARGS__})

/* Expected values of this file are numpy.fft's. */
static const double five[] = {1, 2, -1, 0.5, 3};

static void a_real_signal_has_complex_coefficients(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "DFT", 17); /* axis 1 */
  call_input(&f, OR_FLOAT64, SHAPE(1, 5, 1), five);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(1, 5, 2));
  expect_doubles(&f, 0, 1e-14,
                 DOUBLES(5.5, 0, 2.949593469062211, 1.8327343947338632, -3.199593469062211, -0.8387995221502571,
                         -3.199593469062211, 0.8387995221502571, 2.949593469062211, -1.8327343947338632));
  call_deinit(&f);
}

static void the_length_cuts_or_fills_the_signal(void **state) {
  (void)state;
  call_fixture_t f;
  const int64_t longer = 7;
  call_init(&f, "", "DFT", 20); /* axis -2 */
  call_input(&f, OR_FLOAT64, SHAPE(5, 1), five);
  call_input(&f, OR_INT64, SCALAR, &longer);
  call_int(&f, "onesided", 1);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(4, 2));
  expect_doubles(&f, 0, 1e-14,
                 DOUBLES(5.5, 0, -0.6838904999846855, 0.4959742950396592, 3.6381413064953576, -4.33831826965128,
                         -2.2042508065106716, 0.7877208197514132));
  call_deinit(&f);
  const int32_t shorter = 4;
  call_init(&f, "", "DFT", 17);
  call_input(&f, OR_FLOAT32, SHAPE(1, 5, 1), FLOATS(1, 2, -1, 0.5F, 3));
  call_input(&f, OR_INT32, SHAPE(1), &shorter);
  call_int(&f, "onesided", 1);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 3, 2));
  expect_doubles(&f, 0, 1e-6, DOUBLES(2.5, 0, 2, -1.5, -2.5, 0));
  call_deinit(&f);
}

static void any_axis_but_the_last_is_transformed(void **state) {
  (void)state;
  call_fixture_t f;
  const double root = 1.7320508075688772;
  const int64_t axes[] = {0, -3};
  for (size_t a = 0; a < 2; ++a) {
    call_init(&f, "", "DFT", 20);
    call_input(&f, OR_FLOAT64, SHAPE(3, 2, 1), F64(0, 1, 2, 3, 4, 5));
    call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
    call_input(&f, OR_INT64, SCALAR, &axes[a]);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT64, SHAPE(3, 2, 2));
    expect_doubles(&f, 0, 1e-14, DOUBLES(6, 0, 9, 0, -3, root, -3, root, -3, -root, -3, -root));
    call_deinit(&f);
  }
}

static void the_inverse_divides_by_the_length(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "DFT", 20);
  call_input(&f, OR_FLOAT64, SHAPE(1, 3, 2), F64(1, 2, -1, 0.5, 3, -1));
  call_int(&f, "inverse", 1);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(1, 3, 2));
  expect_doubles(&f, 0, 1e-14,
                 DOUBLES(1, 0.5, -0.4330127018922193, -0.40470053837925146, 0.4330127018922193, 1.9047005383792515));
  call_deinit(&f);
}

static void one_side_gives_back_a_real_signal(void **state) {
  (void)state;
  const struct {
    int64_t length, count;
    double values[8];
  } rows[] = {
      {0, 4, {0.5, -0.75, 1.5, -0.25}},
      {3, 3, {-0.3333333333333333, 0.37799153207185376, 0.9553418012614794}},
      {5, 5, {1.0, -0.8495243933419574, 0.3964475340233599, 1.3924068479764722, -0.9393299886578745}},
      {8,
       8,
       {0.625, 0.1098349570550447, -0.75, -0.03661165235168154, 1.125, 0.6401650429449552, -0.5, -0.21338834764831846}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    call_fixture_t f;
    call_init(&f, "", "DFT", i % 2 == 0 ? 20 : 17);
    call_input(&f, OR_FLOAT64, SHAPE(1, 3, 2), F64(1, 2, -1, 0.5, 3, -1));
    if (rows[i].length > 0) call_input(&f, OR_INT64, SCALAR, &rows[i].length);
    call_int(&f, "inverse", 1);
    call_int(&f, "onesided", 1);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT64, SHAPE(1, rows[i].count, 1));
    expect_doubles(&f, 0, 1e-14, rows[i].values, (size_t)rows[i].count);
    call_deinit(&f);
  }
}

/* A wave of 3 turns over a prime number of points: one pair of coefficients, n / 2 each. */
static void long_prime_lengths_are_exact_too(void **state) {
  (void)state;
  enum { N = 1009 };
  static float wave[N];
  for (int i = 0; i < N; ++i) wave[i] = (float)cos(6.283185307179586 * 3 * i / N);
  call_fixture_t f;
  call_init(&f, "", "DFT", 20);
  call_input(&f, OR_FLOAT32, SHAPE(N, 1), wave);
  call_int(&f, "onesided", 1);
  call_run(&f, 1);
  for (size_t k = 0; k < N / 2 + 1; ++k) {
    double expected = k == 3 ? N / 2.0 : 0;
    assert_true(fabs(or_element_get(OR_FLOAT32, f.outputs[0].data, 2 * k) - expected) < 1e-3);
    assert_true(fabs(or_element_get(OR_FLOAT32, f.outputs[0].data, 2 * k + 1)) < 1e-3);
  }
  call_deinit(&f);
}

static void nothing_is_transformed_to_nothing_and_zeros_to_zeros(void **state) {
  (void)state;
  call_fixture_t f;
  const int64_t length = 3;
  call_init(&f, "", "DFT", 20);
  call_input(&f, OR_FLOAT32, SHAPE(0, 5, 1), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 5, 2));
  expect_ok(or_op_reference(&f.call));
  call_deinit(&f);
  call_init(&f, "", "DFT", 20);
  call_input(&f, OR_FLOAT16, SHAPE(0, 1), NULL);
  call_input(&f, OR_INT64, SCALAR, &length);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0, 0, 0, 0, 0));
  call_deinit(&f);
}

static void what_is_not_known_stays_open(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "DFT", 20); /* neither length nor axis */
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 5, UNKNOWN), NULL);
  call_input(&f, OR_INT64, SCALAR, NULL);
  call_input(&f, OR_INT64, SCALAR, NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN, 2));
  call_deinit(&f);
  call_init(&f, "", "DFT", 17); /* no length: the axis's own symbol */
  call_input(&f, OR_FLOAT32, SHAPE(3, SYMBOL(0), 2), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, SYMBOL(0), 2));
  call_int(&f, "onesided", 1);
  call_int(&f, "inverse", 1);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, UNKNOWN, 1));
  call_deinit(&f);
  call_init(&f, "", "DFT", 17);
  call_input(&f, OR_FLOAT64, RANK_UNKNOWN, NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, RANK_UNKNOWN);
  call_deinit(&f);
}

static void refuses(int version, or_shape_t x, const int64_t *length, const int64_t *axis, const char *part) {
  call_fixture_t f;
  call_init(&f, "", "DFT", version);
  call_input(&f, OR_FLOAT32, x, NULL);
  if (length != NULL || axis != NULL)
    call_input(&f, length != NULL ? OR_INT64 : OR_DTYPE_NONE, length != NULL ? SHAPE(1) : SCALAR, length);
  if (axis != NULL) call_input(&f, OR_INT64, SHAPE(1), axis);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, part);
  call_deinit(&f);
}

static void shapes_lengths_and_axes_that_fit_nothing_are_refused(void **state) {
  (void)state;
  const int64_t zero = 0, last = -1, far = 5;
  refuses(20, SHAPE(4), NULL, NULL, "input 0 has rank 1");
  refuses(20, SHAPE(4, 3), NULL, NULL, "the last axis of input 0 has 3 entries");
  refuses(20, SHAPE(4, 1), &zero, NULL, "dft_length) is 0");
  refuses(20, SHAPE(4, 1), NULL, &last, "axis -1 is the last");
  refuses(20, SHAPE(4, 1), NULL, &far, "axis 5");
  refuses(17, SHAPE(4, 1), NULL, NULL, "axis 1 is the last");
  refuses(17, SHAPE(1, 4, 1), NULL, &zero, "version 17 of DFT has 2");
  refuses(20, SHAPE(0, 1), NULL, NULL, "extent 0");
  call_fixture_t f;
  for (int inverse = 0; inverse < 2; ++inverse) {
    call_init(&f, "", "DFT", 20);
    call_input(&f, OR_FLOAT32, SHAPE(4, inverse ? 1 : 2), NULL);
    call_int(&f, "onesided", 1);
    call_int(&f, "inverse", inverse);
    expect_refused(&f, 1, OR_INVALID_ARGUMENT, inverse ? "must be complex" : "must be real");
    call_deinit(&f);
  }
  call_init(&f, "", "DFT", 20); /* 2 (1 - 1) */
  call_input(&f, OR_FLOAT32, SHAPE(1, 2), NULL);
  call_int(&f, "onesided", 1);
  call_int(&f, "inverse", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "extent 1");
  f.attributes[1].integer = 2;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"inverse\" is 2");
  call_int(&f, "axis", 0);
  f.attributes[1].integer = 0;
  f.attributes[0].integer = 0;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "attribute \"axis\" does not exist in version 20");
  call_deinit(&f);
  const int64_t pair[] = {1, 1};
  call_init(&f, "", "DFT", 20);
  call_input(&f, OR_FLOAT32, SHAPE(4, 1), NULL);
  call_list(&f, pair, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "dft_length) has 2 elements");
  f.inputs[1].dtype = OR_DTYPE_NONE;
  call_list(&f, pair, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis) has 2 elements");
  call_deinit(&f);
}

/* ---- STFT ---- */

static const float seven[] = {1, 2, 3, 4, 5, 6, 7};
static const int64_t two = 2, three = 3;

static void frames_are_windowed_and_transformed(void **state) {
  (void)state;
  for (int onesided = 1; onesided >= 0; --onesided) {
    call_fixture_t f;
    call_init(&f, "", "STFT", 17);
    call_input(&f, OR_FLOAT32, SHAPE(1, 7, 1), seven);
    call_input(&f, OR_INT64, SCALAR, &two);
    call_input(&f, OR_FLOAT32, SHAPE(3), FLOATS(0.5F, 1, 0.5F));
    if (!onesided) call_input(&f, OR_INT64, SCALAR, &three);
    if (!onesided) call_int(&f, "onesided", 0);
    call_run(&f, 1);
    const double a = 0.4330127018922193, b = 1.299038105676658, c = 2.1650635094610964;
    if (onesided) {
      expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 3, 2, 2));
      expect_doubles(&f, 0, 1e-6, DOUBLES(4, 0, -1.25, -a, 8, 0, -1.75, -b, 12, 0, -2.25, -c));
    } else {
      expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 3, 3, 2));
      expect_doubles(&f, 0, 1e-6,
                     DOUBLES(4, 0, -1.25, -a, -1.25, a, 8, 0, -1.75, -b, -1.75, b, 12, 0, -2.25, -c, -2.25, c));
    }
    call_deinit(&f);
  }
}

/* As torch.onnx.export writes torch.stft. */
static void a_signal_without_a_last_axis_is_real(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "STFT", 17);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), FLOATS(1, 2, 4, 8, 16, 32));
  call_input(&f, OR_INT64, SCALAR, (const int64_t[]){1});
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_INT64, SCALAR, &two);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2, 2, 2));
  expect_doubles(&f, 0, 1e-6, DOUBLES(3, 0, -1, 0, 6, 0, -2, 0, 24, 0, -8, 0, 48, 0, -16, 0));
  call_deinit(&f);
}

static void a_frame_without_a_length_is_the_signal(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "STFT", 17);
  call_input(&f, OR_FLOAT32, SHAPE(1, 7, 1), seven);
  call_input(&f, OR_INT64, SCALAR, &two);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 4, 2));
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(28, 0, -3.5, 7.267824888003178, -3.5, 2.7911568610884143, -3.5, 0.7988521603655246));
  call_deinit(&f);
}

/* Two signals, the second i times the first: coefficients turn by a quarter. Frames of two: sum and difference. */
static void complex_signals_have_both_sides(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "STFT", 17);
  call_input(&f, OR_FLOAT64, SHAPE(2, 3, 2), F64(1, 2, 3, 5, -4, 8, -2, 1, -5, 3, -8, -4));
  call_input(&f, OR_INT64, SCALAR, (const int64_t[]){1});
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  call_input(&f, OR_INT64, SCALAR, &two);
  call_int(&f, "onesided", 0);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(2, 2, 2, 2));
  expect_doubles(&f, 0, 1e-15, DOUBLES(4, 7, -2, -3, -1, 13, 7, -3, -7, 4, 3, -2, -13, -1, 3, 7));
  call_deinit(&f);
}

static void frames_that_are_not_known_stay_open(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "STFT", 17);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), SYMBOL(1), 1), NULL);
  call_input(&f, OR_INT64, SCALAR, &two);
  call_input(&f, OR_FLOAT32, SHAPE(8), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN, 5, 2));
  f.inputs[2].shape = SHAPE(SYMBOL(2));
  f.inputs[0].shape = SHAPE(2, 9, 1);
  call_int(&f, "onesided", 0);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, UNKNOWN, SYMBOL(2), 2));
  f.inputs[0].shape = RANK_UNKNOWN;
  f.inputs[1].data = NULL;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN, SYMBOL(2), 2));
  call_deinit(&f);
}

static void frames_that_fit_nothing_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  const int64_t zero = 0, nine = 9;
  call_init(&f, "", "STFT", 17);
  call_input(&f, OR_FLOAT32, SHAPE(1, 7, 1), seven);
  call_input(&f, OR_INT64, SCALAR, &zero);
  call_input(&f, OR_FLOAT32, SHAPE(4), NULL);
  call_input(&f, OR_INT64, SCALAR, &three);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "frame_step) is 0");
  f.inputs[1].data = (void *)(uintptr_t)&two;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "points of a frame and of its window: 3 and 4 differ");
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_FLOAT64, .shape = SHAPE(3)};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 is float64");
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_FLOAT32, .shape = SHAPE(3, 1)};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 has rank 2");
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_FLOAT32, .shape = SHAPE(9)};
  f.inputs[3].data = (void *)(uintptr_t)&nine;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "frames of 9 points of a signal of 7");
  f.inputs[0].shape = SHAPE(1, 9, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "the signal is complex");
  f.inputs[0].shape = SHAPE(7);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank 1, expected 3");
  f.inputs[0].shape = SHAPE(7, 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "frames of 9 points of a signal of 1");
  call_int(&f, "onesided", -1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"onesided\" is -1");
  call_deinit(&f);
}

static void gives_everything_back_when_there_is_no_memory(void **state) {
  (void)state;
  for (int stft = 0; stft < 2; ++stft) {
    for (size_t n = 1;; ++n) {
      call_fixture_t f;
      call_init(&f, "", stft ? "STFT" : "DFT", 17);
      static float zeros[2 * 521];
      call_input(&f, OR_FLOAT32, SHAPE(1, 521, 1), zeros); /* a prime: by convolution */
      if (stft) call_input(&f, OR_INT64, SCALAR, &two);
      if (stft) call_int(&f, "onesided", 0);
      call_run(&f, 1);
      f.allocator.fail_at = f.allocator.alloc_count + n;
      or_status_t status = or_op_reference(&f.call);
      bool done = or_ok(status);
      if (!done) assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
      or_status_ignore(status); /* expected */
      call_deinit(&f);
      if (done) break;
      assert_true(n < 6);
    }
  }
}

/* 5 n log2 n a transform, half of it from a real signal. */
static void costs_are_those_of_fast_transforms(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "DFT", 20);
  call_input(&f, OR_FLOAT32, SHAPE(3, 8, 2), NULL);
  call_infer(&f, 1);
  assert_true(f.call.op->cost(&f.call).flops == 3 * 5 * 8 * 3);
  call_deinit(&f);
  call_init(&f, "", "STFT", 17);
  call_input(&f, OR_FLOAT32, SHAPE(2, 16, 1), NULL);
  call_input(&f, OR_INT64, SCALAR, (const int64_t[]){8});
  call_input(&f, OR_FLOAT32, SHAPE(8), NULL);
  call_infer(&f, 1);
  assert_true(f.call.op->cost(&f.call).flops == 4 * (8 + 0.5 * 5 * 8 * 3));
  f.inputs[0].shape = SHAPE(2, 4, 1);
  assert_true(f.call.op->cost(&f.call).flops == 0);
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_real_signal_has_complex_coefficients),
      cmocka_unit_test(the_length_cuts_or_fills_the_signal),
      cmocka_unit_test(any_axis_but_the_last_is_transformed),
      cmocka_unit_test(the_inverse_divides_by_the_length),
      cmocka_unit_test(one_side_gives_back_a_real_signal),
      cmocka_unit_test(long_prime_lengths_are_exact_too),
      cmocka_unit_test(nothing_is_transformed_to_nothing_and_zeros_to_zeros),
      cmocka_unit_test(what_is_not_known_stays_open),
      cmocka_unit_test(shapes_lengths_and_axes_that_fit_nothing_are_refused),
      cmocka_unit_test(frames_are_windowed_and_transformed),
      cmocka_unit_test(a_signal_without_a_last_axis_is_real),
      cmocka_unit_test(a_frame_without_a_length_is_the_signal),
      cmocka_unit_test(complex_signals_have_both_sides),
      cmocka_unit_test(frames_that_are_not_known_stay_open),
      cmocka_unit_test(frames_that_fit_nothing_are_refused),
      cmocka_unit_test(gives_everything_back_when_there_is_no_memory),
      cmocka_unit_test(costs_are_those_of_fast_transforms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
