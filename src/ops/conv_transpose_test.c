#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* X = 1, 10, 100 and W = 1, 2, 3, 4: each digit of a sum says which element of W it came from. */
static void of_digits(call_fixture_t *f, int version) {
  static const float x[3] = {1, 10, 100}, w[4] = {1, 2, 3, 4};
  call_init(f, "", "ConvTranspose", version);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 3), x);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 4), w);
}

static void every_element_adds_its_multiple_of_the_kernel(void **state) {
  (void)state;
  for (int version = 1; version <= 22; version += version == 1 ? 10 : 11) {
    call_fixture_t f;
    of_digits(&f, version);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 6));
    expect_doubles(&f, 0, 0, DOUBLES(1, 12, 123, 234, 340, 400));
    call_deinit(&f);
  }
}

static void strides_dilations_and_pads(void **state) {
  (void)state;
  call_fixture_t f;
  of_digits(&f, 22);
  call_ints(&f, "strides", INTS(2));
  call_ints(&f, "pads", INTS(1, 2));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2, 13, 24, 130, 240)); /* of 1 2 13 24 130 240 300 400 */
  call_deinit(&f);

  of_digits(&f, 22);
  call_ints(&f, "dilations", INTS(2));
  call_ints(&f, "kernel_shape", INTS(4));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 10, 102, 20, 203, 30, 304, 40, 400));
  call_deinit(&f);
}

static void output_padding_adds_to_the_end(void **state) {
  (void)state;
  call_fixture_t f;
  of_digits(&f, 11);
  call_ints(&f, "strides", INTS(2));
  call_ints(&f, "output_padding", INTS(1));
  call_ints(&f, "pads", INTS(0, 2));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 2, 13, 24, 130, 240, 300));
  call_deinit(&f);

  of_digits(&f, 11);
  call_ints(&f, "output_padding", INTS(2));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 12, 123, 234, 340, 400, 0, 0));
  call_deinit(&f);
}

/* The whole is 1 12 123 234 340 400. */
static void output_shape_is_cut_out_of_the_whole(void **state) {
  (void)state;
  static const struct {
    const char *auto_pad;
    int64_t length;
    double expected[8];
  } rows[] = {{"NOTSET", 5, {12, 123, 234, 340, 400}},
              {"SAME_LOWER", 5, {12, 123, 234, 340, 400}},
              {"SAME_UPPER", 5, {1, 12, 123, 234, 340}},
              {"VALID", 4, {12, 123, 234, 340}},
              {"SAME_UPPER", 3, {12, 123, 234}},
              {"NOTSET", 3, {123, 234, 340}},
              {"NOTSET", 8, {1, 12, 123, 234, 340, 400, 0}}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    const int64_t all[3] = {1, 1, rows[i].length};
    for (size_t skip = 0; skip < 3; skip += 2) { /* of all dimensions, or of the spatial one */
      call_fixture_t f;
      of_digits(&f, 11);
      call_string(&f, "auto_pad", rows[i].auto_pad);
      call_ints(&f, "output_shape", all + skip, 3 - skip);
      call_run(&f, 1);
      expect_doubles(&f, 0, 0, rows[i].expected, (size_t)rows[i].length);
      call_deinit(&f);
    }
  }
}

static void auto_pad_makes_it_as_long_as_the_input_times_the_stride(void **state) {
  (void)state;
  static const struct {
    const char *auto_pad;
    int64_t stride;
    double expected[15];
  } rows[] = {{"SAME_UPPER", 1, {12, 123, 234}},
              {"SAME_LOWER", 1, {123, 234, 340}},
              {"SAME_UPPER", 2, {2, 13, 24, 130, 240, 300}},
              {"SAME_LOWER", 5, {1, 2, 3, 4, 0, 10, 20, 30, 40, 0, 100, 200, 300, 400, 0}}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    call_fixture_t f;
    of_digits(&f, 22);
    call_string(&f, "auto_pad", rows[i].auto_pad);
    call_ints(&f, "strides", &rows[i].stride, 1);
    call_run(&f, 1);
    expect_doubles(&f, 0, 0, rows[i].expected, (size_t)(3 * rows[i].stride));
    call_deinit(&f);
  }
}

static void groups_have_channels_filters_and_bias_of_their_own(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ConvTranspose", 22);
  call_input(&f, OR_FLOAT64, SHAPE(1, 4, 1, 2), ((double[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT64, SHAPE(4, 2, 1, 1), ((double[]){1, 10, 100, 1000, -1, 1, 2, 0}));
  call_input(&f, OR_FLOAT64, SHAPE(4), ((double[]){0.5, 0, 0, 0.25}));
  call_int(&f, "group", 2);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(1, 4, 1, 2));
  expect_doubles(&f, 0, 0, DOUBLES(301.5, 402.5, 3010, 4020, 9, 10, 5.25, 6.25));
  call_deinit(&f);
}

static void three_dimensions_and_many_filters(void **state) {
  (void)state;
  enum { FILTERS = 300, SIDE = 41 }; /* more sums than are held at once */
  static float w[FILTERS];
  static double expected[FILTERS * SIDE * SIDE];
  static float x[SIDE * SIDE];
  for (int i = 0; i < FILTERS; ++i) w[i] = (float)i;
  for (int i = 0; i < SIDE * SIDE; ++i) x[i] = (float)(i % 7);
  for (int i = 0; i < FILTERS * SIDE * SIDE; ++i)
    expected[i] = (double)(i / (SIDE * SIDE)) * (double)(i % (SIDE * SIDE) % 7);
  call_fixture_t f;
  call_init(&f, "", "ConvTranspose", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, SIDE, SIDE), x);
  call_input(&f, OR_FLOAT32, SHAPE(1, FILTERS, 1, 1, 1), w);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, expected, FILTERS * SIDE * SIDE);
  call_deinit(&f);
}

static void half_precision_is_rounded_once(void **state) {
  (void)state;
  const uint16_t one = 0x3c00, big = 0x6800; /* 1, 2048: 2048 + 1 + 1 is 2050 only if nothing between is rounded */
  call_fixture_t f;
  call_init(&f, "", "ConvTranspose", 22);
  call_input(&f, OR_FLOAT16, SHAPE(1, 3, 1), ((uint16_t[]){big, one, one}));
  call_input(&f, OR_FLOAT16, SHAPE(3, 1, 1), ((uint16_t[]){one, one, one}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2050));
  call_deinit(&f);
}

static void nothing_in_gives_the_bias(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ConvTranspose", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 0), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 3), FLOATS(1, 2, 3, 4, 5, 6));
  call_input(&f, OR_FLOAT32, SHAPE(1), FLOATS(7));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(7, 7)); /* -stride + kernel long */
  call_deinit(&f);

  call_init(&f, "", "ConvTranspose", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, 0, 2), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(0, 1, 2), NULL);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0, 0));
  call_deinit(&f);

  call_init(&f, "", "ConvTranspose", 11);
  call_input(&f, OR_FLOAT32, SHAPE(0, 1, 2), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2), FLOATS(1, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 1, 3));
  call_deinit(&f);
}

static void symbols_stay_where_as_many_come_out(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ConvTranspose", 22);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 2, SYMBOL(1), 5), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3, 3, 3), NULL);
  call_ints(&f, "pads", INTS(1, 1, 1, 1));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 3, SYMBOL(1), 5));
  call_ints(&f, "strides", INTS(2, 1));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 3, UNKNOWN, 5));
  call_ints(&f, "output_shape", INTS(9, 4));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 3, 9, 4));
  f.inputs[1].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);

  call_init(&f, "", "ConvTranspose", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, UNKNOWN, SYMBOL(1), SYMBOL(2)), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2, UNKNOWN, UNKNOWN, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(6), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 6, UNKNOWN, UNKNOWN));
  call_string(&f, "auto_pad", "SAME_UPPER");
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 6, SYMBOL(1), SYMBOL(2)));
  call_deinit(&f);
}

typedef struct refusal_t {
  const char *part;
  or_status_code_t code;
  or_shape_t x, w;
  const char *attribute;
  int64_t values[3];
  size_t count;
} refusal_t;

static void refuses(const refusal_t *refusal) {
  call_fixture_t f;
  call_init(&f, "", "ConvTranspose", 22);
  call_input(&f, OR_FLOAT32, refusal->x, NULL);
  call_input(&f, OR_FLOAT32, refusal->w, NULL);
  if (refusal->count == 0) {
    call_int(&f, refusal->attribute, refusal->values[0]);
  } else if (strcmp(refusal->attribute, "auto_pad") == 0) {
    call_string(&f, "auto_pad", "SAME_UPPER");
    call_ints(&f, "strides", refusal->values, refusal->count);
  } else {
    call_ints(&f, refusal->attribute, refusal->values, refusal->count);
  }
  expect_refused(&f, 1, refusal->code, refusal->part);
  call_deinit(&f);
}

static void what_does_not_fit_is_refused(void **state) {
  (void)state;
  const int64_t huge = INT64_MAX / 2;
  const refusal_t refusals[] = {
      {"input 0 has rank 2", OR_INVALID_ARGUMENT, SHAPE(1, 2), SHAPE(2, 1), "pads", {0, 0}, 2},
      {"input 1 has rank 4", OR_INVALID_ARGUMENT, SHAPE(1, 2, 3), SHAPE(2, 1, 3, 3), "pads", {0, 0}, 2},
      {"3 and 2 differ", OR_INVALID_ARGUMENT, SHAPE(1, 3, 3), SHAPE(2, 1, 3), "pads", {0, 0}, 2},
      {"\"group\" is 0", OR_INVALID_ARGUMENT, SHAPE(1, 3, 3), SHAPE(3, 1, 3), "group", {0}, 0},
      {"do not divide into 2", OR_INVALID_ARGUMENT, SHAPE(1, 3, 3), SHAPE(3, 1, 3), "group", {2}, 0},
      {"too many", OR_OUT_OF_RANGE, SHAPE(1, UNKNOWN, 3), SHAPE(UNKNOWN, huge, 3), "group", {4}, 0},
      {"\"strides\" holds 0", OR_INVALID_ARGUMENT, SHAPE(1, 1, 3), SHAPE(1, 1, 3), "strides", {0}, 1},
      {"\"output_padding\" has 2", OR_INVALID_ARGUMENT, SHAPE(1, 1, 3), SHAPE(1, 1, 3), "output_padding", {1, 1}, 2},
      {"\"output_shape\" holds -1", OR_INVALID_ARGUMENT, SHAPE(1, 1, 3), SHAPE(1, 1, 3), "output_shape", {-1}, 1},
      {"\"output_shape\" holds -1 at 2",
       OR_INVALID_ARGUMENT,
       SHAPE(1, 1, 3),
       SHAPE(1, 1, 3),
       "output_shape",
       {1, 1, -1},
       3},
      {"\"kernel_shape\" is 2", OR_INVALID_ARGUMENT, SHAPE(1, 1, 3), SHAPE(1, 1, 3), "kernel_shape", {2}, 1},
      {"the pads cut off 6", OR_INVALID_ARGUMENT, SHAPE(1, 1, 3), SHAPE(1, 1, 3), "pads", {3, 3}, 2},
      {"is too large", OR_OUT_OF_RANGE, SHAPE(1, 1, huge), SHAPE(1, 1, 3), "strides", {4}, 1},
      {"is too large", OR_OUT_OF_RANGE, SHAPE(1, 1, INT64_MAX), SHAPE(1, 1, 3), "strides", {1}, 1},
      {"is too large", OR_OUT_OF_RANGE, SHAPE(1, 1, INT64_MAX / 2 + 1), SHAPE(1, 1, 1), "auto_pad", {2}, 1},
      {"elements", OR_OUT_OF_RANGE, SHAPE(huge, 1, 30), SHAPE(1, 1, 3), "strides", {4}, 1}};
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; ++i) refuses(&refusals[i]);

  call_fixture_t f;
  call_init(&f, "", "ConvTranspose", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(3), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "filters and bias: 2 and 3");
  f.inputs[2].dtype = OR_FLOAT16;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2 is float16");
  call_deinit(&f);
}

static void gives_everything_back_when_memory_fails(void **state) {
  (void)state;
  float y[6];
  for (uint64_t n = 1;; ++n) {
    call_fixture_t f;
    of_digits(&f, 22);
    call_infer(&f, 1);
    f.outputs[0].data = y;
    f.allocator.fail_at = n;
    or_status_t status = or_op_reference(&f.call);
    bool done = or_ok(status);
    if (!done) assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* looked at */
    assert_int_equal(f.allocator.live_bytes, 0);
    if (!done) continue;
    assert_true(n > 2);
    break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_element_adds_its_multiple_of_the_kernel),
      cmocka_unit_test(strides_dilations_and_pads),
      cmocka_unit_test(output_padding_adds_to_the_end),
      cmocka_unit_test(output_shape_is_cut_out_of_the_whole),
      cmocka_unit_test(auto_pad_makes_it_as_long_as_the_input_times_the_stride),
      cmocka_unit_test(groups_have_channels_filters_and_bias_of_their_own),
      cmocka_unit_test(three_dimensions_and_many_filters),
      cmocka_unit_test(half_precision_is_rounded_once),
      cmocka_unit_test(nothing_in_gives_the_bias),
      cmocka_unit_test(symbols_stay_where_as_many_come_out),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(gives_everything_back_when_memory_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
