#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void quantize(call_fixture_t *f, int version, or_dtype_t dtype, or_shape_t shape, const void *x) {
  call_init(f, "", "QuantizeLinear", version);
  call_input(f, dtype, shape, x);
}

static void dequantize(call_fixture_t *f, int version, or_dtype_t dtype, or_shape_t shape, const void *x) {
  call_init(f, "", "DequantizeLinear", version);
  call_input(f, dtype, shape, x);
}

/* The standard's own example, and halves: 0.5 and 2.5 go to the even neighbour before the zero point is added. */
static void one_scale_rounds_halves_to_even_and_saturates(void **state) {
  (void)state;
  call_fixture_t f;
  quantize(&f, 10, OR_FLOAT32, SHAPE(6), FLOATS(0, 2, 3, 1000, -254, -1000));
  call_input(&f, OR_FLOAT32, SCALAR, FLOATS(2));
  call_input(&f, OR_UINT8, SCALAR, (uint8_t[]){128});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(6));
  expect_ints(&f, 0, INTS(128, 129, 130, 255, 1, 0));
  call_deinit(&f);
  quantize(&f, 13, OR_FLOAT32, SHAPE(2, 4), FLOATS(1, 3, 5, -1, (float)NAN, INFINITY, -INFINITY, -3));
  call_input(&f, OR_FLOAT32, SHAPE(1), FLOATS(2));
  call_input(&f, OR_INT8, SCALAR, (int8_t[]){1});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 3, 3, 1, -128, 127, -128, -1));
  call_deinit(&f);
}

static void without_a_zero_point_the_result_is_uint8(void **state) {
  (void)state;
  call_fixture_t f;
  quantize(&f, 21, OR_INT32, SHAPE(3), (int32_t[]){-7, 7, 1000});
  call_input(&f, OR_FLOAT32, SCALAR, FLOATS(2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(3));
  expect_ints(&f, 0, INTS(0, 4, 255));
  call_deinit(&f);
  quantize(&f, 21, OR_INT32, SHAPE(2), (int32_t[]){-7, 1000000});
  call_input(&f, OR_INT32, SCALAR, (int32_t[]){3}); /* int32 scales: -2.33, 333333.3 */
  call_int(&f, "output_dtype", OR_INT16);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT16, SHAPE(2));
  expect_ints(&f, 0, INTS(-2, 32767));
  call_deinit(&f);
}

static void an_axis_has_a_scale_an_index(void **state) {
  (void)state;
  const float x[] = {-10, 10, 20, 30, 100, 200, 1, 2, 3, 4, 5, 6};
  call_fixture_t f;
  quantize(&f, 13, OR_FLOAT32, SHAPE(2, 3, 2), x); /* axis 1 */
  call_input(&f, OR_FLOAT32, SHAPE(3), FLOATS(10, 20, 0.5F));
  call_input(&f, OR_INT8, SHAPE(3), (int8_t[]){0, 1, -100});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-1, 1, 2, 3, 100, 127, 0, 0, 1, 1, -90, -88));
  call_deinit(&f);
  quantize(&f, 13, OR_FLOAT32, SHAPE(2, 3, 2), x);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(1, 2));
  call_int(&f, "axis", -1);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 5, 20, 15, 100, 100, 1, 1, 3, 2, 5, 3));
  call_deinit(&f);
  dequantize(&f, 13, OR_UINT8, SHAPE(2, 2), (uint8_t[]){3, 4, 5, 255});
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(0.5F, -1));
  call_input(&f, OR_UINT8, SHAPE(2), (uint8_t[]){4, 5});
  call_int(&f, "axis", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-0.5, 0, 0, -250));
  call_deinit(&f);
  quantize(&f, 13, OR_FLOAT32, SHAPE(2), FLOATS(4, 4)); /* of one dimension: `axis` says nothing */
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(2, 4));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(2, 1));
  call_deinit(&f);
}

/* Blocks of 2 along an axis of 3: the last one is shorter. */
static void blocks_have_scales_of_their_own(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60};
  call_fixture_t f;
  quantize(&f, 21, OR_FLOAT32, SHAPE(2, 3, 2), x);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 2), FLOATS(1, 2, 5, 3, 10, 20, 25, 30));
  call_input(&f, OR_INT4, SHAPE(2, 2, 2), (uint8_t[]){0x10, 0xf0, 0x00, 0x00}); /* 0 1 0 -1 0 0 0 0 */
  call_int(&f, "block_size", 2);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 2, 3, 3, 1, 1, 1, 1, 3, 2, 2, 2));
  call_deinit(&f);
  dequantize(&f, 25, OR_INT2, SHAPE(5), (uint8_t[]){0xe4, 0x01});             /* 0 1 -2 -1 1 */
  call_input(&f, OR_FLOAT16, SHAPE(3), (uint16_t[]){0x3c00, 0x4000, 0x4200}); /* 1 2 3 */
  call_int(&f, "block_size", 2);
  call_int(&f, "axis", 0);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT16, SHAPE(5));
  expect_doubles(&f, 0, 0, DOUBLES(0, 1, -4, -2, 3));
  call_deinit(&f);
}

static void narrow_floats_are_results_too(void **state) {
  (void)state;
  call_fixture_t f;
  quantize(&f, 19, OR_FLOAT32, SHAPE(5), FLOATS(0, 1, 2, 1e6F, -200)); /* the standard's example has scale 2 */
  call_input(&f, OR_FLOAT32, SCALAR, FLOATS(2));
  call_input(&f, OR_FLOAT8E4M3FN, SCALAR, (uint8_t[]){0});
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0.5, 1, 448, -96)); /* -100 is a tie between -96 and -104 */
  call_deinit(&f);
  quantize(&f, 19, OR_FLOAT32, SHAPE(2), FLOATS(1e6F, 3));
  call_input(&f, OR_FLOAT32, SCALAR, FLOATS(2));
  call_input(&f, OR_FLOAT8E5M2, SCALAR, (uint8_t[]){0});
  call_int(&f, "saturate", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(INFINITY, 1.5));
  call_deinit(&f);
  quantize(&f, 28, OR_FLOAT32, SHAPE(4), FLOATS(0.5F, -9, 1e6F, (float)NAN));
  call_input(&f, OR_FLOAT8E8M0, SCALAR, (uint8_t[]){128}); /* 2 */
  call_int(&f, "output_dtype", OR_FLOAT6E2M3);
  call_int(&f, "saturate", 0); /* says nothing here */
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0.25, -4.5, 7.5, 0));
  call_deinit(&f);
  dequantize(&f, 24, OR_FLOAT4E2M1, SHAPE(3), (uint8_t[]){0x71, 0x0a}); /* 0.5 6 -1 */
  call_input(&f, OR_FLOAT8E8M0, SCALAR, (uint8_t[]){129});
  call_int(&f, "output_dtype", OR_BFLOAT16);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_BFLOAT16, SHAPE(3));
  expect_doubles(&f, 0, 0, DOUBLES(2, 24, -4));
  call_deinit(&f);
}

/* 2049 / 1 is 2048 in float16, and 2049 in float32. */
static void the_division_has_the_precision_of_the_scale_or_the_one_asked_for(void **state) {
  (void)state;
  call_fixture_t f;
  for (int given = 0; given < 2; ++given) {
    quantize(&f, 23, OR_FLOAT32, SHAPE(1), FLOATS(2049));
    call_input(&f, OR_FLOAT16, SCALAR, (uint16_t[]){0x3c00});
    call_input(&f, OR_UINT16, SCALAR, (uint16_t[]){0});
    if (given) call_int(&f, "precision", OR_FLOAT32);
    call_run(&f, 1);
    expect_ints(&f, 0, INTS(given ? 2049 : 2048));
    call_deinit(&f);
  }
}

static void the_range_of_a_tensor_becomes_that_of_uint8(void **state) {
  (void)state;
  call_fixture_t f; /* the standard's example */
  call_init(&f, "", "DynamicQuantizeLinear", 11);
  call_input(&f, OR_FLOAT32, SHAPE(6), FLOATS(0, 2, -3, -2.5F, 1.34F, 0.5F));
  call_run(&f, 3);
  expect_ints(&f, 0, INTS(153, 255, 0, 26, 221, 179));
  expect_doubles(&f, 1, 1e-9, DOUBLES(5.0 / 255));
  expect_ints(&f, 2, INTS(153));
  expect_shape(&f, 1, OR_FLOAT32, SCALAR);
  call_deinit(&f);
  call_init(&f, "", "DynamicQuantizeLinear", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3), FLOATS(-1, -51, (float)NAN));
  call_run(&f, 3);
  expect_ints(&f, 0, INTS(250, 0, 0));
  expect_ints(&f, 2, INTS(255));
  call_deinit(&f);
  call_init(&f, "", "DynamicQuantizeLinear", 11);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(0, 0));
  call_run(&f, 3);
  expect_ints(&f, 0, INTS(0, 0));
  expect_doubles(&f, 1, 0, DOUBLES(0));
  expect_ints(&f, 2, INTS(0));
  call_deinit(&f);
}

static void symbols_pass_and_nothing_may_be_empty(void **state) {
  (void)state;
  call_fixture_t f;
  quantize(&f, 21, OR_FLOAT16, SHAPE(SYMBOL(0), UNKNOWN), NULL);
  call_input(&f, OR_FLOAT16, SHAPE(UNKNOWN), NULL);
  call_input(&f, OR_INT8, SHAPE(3), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT8, SHAPE(SYMBOL(0), UNKNOWN));
  call_deinit(&f);
  quantize(&f, 21, OR_FLOAT16, RANK_UNKNOWN, NULL);
  call_input(&f, OR_FLOAT16, RANK_UNKNOWN, NULL);
  call_infer(&f, 1);
  call_deinit(&f);
  dequantize(&f, 21, OR_INT8, SHAPE(SYMBOL(0), 5), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(UNKNOWN, 3), NULL);
  call_int(&f, "block_size", 2);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 5));
  call_deinit(&f);
  dequantize(&f, 21, OR_INT8, SHAPE(2, 0), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(0), NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 0));
  call_deinit(&f);
}

typedef struct refusal_t {
  const char *op;
  int version;
  or_dtype_t x, scale, zero;                           /* zero OR_DTYPE_NONE: left out */
  int64_t x_extents[2], scale_extents[2], zero_extent; /* 0: a scalar */
  const char *attribute;
  int64_t value;
  const char *words;
} refusal_t;

static or_shape_t shape_of(const int64_t *extents) {
  return or_shape_make(extents[0] == 0 ? 0 : extents[1] == 0 ? 1 : 2, extents);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  const char *q = "QuantizeLinear", *d = "DequantizeLinear";
  const refusal_t rows[] = {
      {q, 21, OR_FLOAT32, OR_FLOAT64, OR_DTYPE_NONE, {2, 3}, {0}, 0, NULL, 0, "the scale) is float64"},
      {d, 21, OR_INT8, OR_INT32, OR_DTYPE_NONE, {2, 3}, {0}, 0, NULL, 0, "the scale) is int32"},
      {q, 21, OR_FLOAT32, OR_FLOAT32, OR_INT32, {2, 3}, {0}, 0, NULL, 0, "int32 can't take its place"},
      {q,
       21,
       OR_FLOAT32,
       OR_FLOAT32,
       OR_INT8,
       {2, 3},
       {0},
       0,
       "output_dtype",
       OR_UINT8,
       "zero point is int8, expected"},
      {q, 21, OR_FLOAT32, OR_FLOAT32, OR_DTYPE_NONE, {2, 3}, {0}, 0, "output_dtype", 77, "is 77 (invalid)"},
      {q, 23, OR_FLOAT32, OR_FLOAT32, OR_DTYPE_NONE, {2, 3}, {0}, 0, "precision", OR_INT8, "\"precision\" is 3 (int8)"},
      {d, 21, OR_INT8, OR_FLOAT32, OR_UINT8, {2, 3}, {0}, 0, NULL, 0, "the zero point is uint8, expected int8"},
      {d, 24, OR_INT8, OR_FLOAT8E8M0, OR_DTYPE_NONE, {2, 3}, {0}, 0, NULL, 0, "\"output_dtype\" is missing"},
      {q, 13, OR_FLOAT32, OR_FLOAT32, OR_DTYPE_NONE, {2, 3}, {4}, 0, NULL, 0, "4 and 3 differ"},
      {q, 13, OR_FLOAT32, OR_FLOAT32, OR_UINT8, {2, 3}, {3}, 2, NULL, 0, "zero point has shape [2], the scale [3]"},
      {q, 10, OR_FLOAT32, OR_FLOAT32, OR_DTYPE_NONE, {2, 3}, {3}, 0, NULL, 0, "3 scales; version 10 takes one"},
      {q, 13, OR_FLOAT32, OR_FLOAT32, OR_DTYPE_NONE, {0}, {3}, 0, NULL, 0, "input 0 is a scalar"},
      {q, 13, OR_FLOAT32, OR_FLOAT32, OR_DTYPE_NONE, {2, 3}, {3}, 0, "axis", 2, "axis 2"},
      {q, 21, OR_FLOAT32, OR_FLOAT32, OR_DTYPE_NONE, {2, 3}, {2, 2}, 0, NULL, 0, "rank 2 without block_size"},
      {q, 21, OR_FLOAT32, OR_FLOAT32, OR_DTYPE_NONE, {2, 3}, {2, 2}, 0, "block_size", 3, "in blocks of 3 along axis 1"},
      {q, 21, OR_FLOAT32, OR_FLOAT32, OR_DTYPE_NONE, {2, 3}, {3}, 0, "block_size", 3, "in blocks of 3"},
      {q, 21, OR_FLOAT32, OR_FLOAT32, OR_DTYPE_NONE, {2, 3}, {3}, 0, "block_size", -1, "\"block_size\" is -1"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    call_fixture_t f;
    call_init(&f, "", rows[i].op, rows[i].version);
    call_input(&f, rows[i].x, shape_of(rows[i].x_extents), NULL);
    call_input(&f, rows[i].scale, shape_of(rows[i].scale_extents), NULL);
    const int64_t zero[2] = {rows[i].zero_extent, 0};
    if (rows[i].zero != OR_DTYPE_NONE) call_input(&f, rows[i].zero, shape_of(zero), NULL);
    if (rows[i].attribute != NULL) call_int(&f, rows[i].attribute, rows[i].value);
    expect_refused(&f, 1, OR_INVALID_ARGUMENT, rows[i].words);
    call_deinit(&f);
  }
}

static void gives_way_when_there_is_no_memory(void **state) {
  (void)state;
  for (int i = 0; i < 2; ++i) {
    call_fixture_t f;
    uint8_t bytes[4] = {0};
    if (i == 0) quantize(&f, 13, OR_FLOAT32, SCALAR, FLOATS(1));
    if (i == 1) dequantize(&f, 13, OR_UINT8, SCALAR, bytes);
    call_input(&f, OR_FLOAT32, SCALAR, FLOATS(1));
    call_infer(&f, 1);
    f.outputs[0].data = bytes;
    f.allocator.fail_at = 1;
    or_status_t status = or_op_reference(&f.call);
    assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* expected */
    f.outputs[0].data = NULL;
    call_deinit(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_scale_rounds_halves_to_even_and_saturates),
      cmocka_unit_test(without_a_zero_point_the_result_is_uint8),
      cmocka_unit_test(an_axis_has_a_scale_an_index),
      cmocka_unit_test(blocks_have_scales_of_their_own),
      cmocka_unit_test(narrow_floats_are_results_too),
      cmocka_unit_test(the_division_has_the_precision_of_the_scale_or_the_one_asked_for),
      cmocka_unit_test(the_range_of_a_tensor_becomes_that_of_uint8),
      cmocka_unit_test(symbols_pass_and_nothing_may_be_empty),
      cmocka_unit_test(refuses_what_does_not_fit),
      cmocka_unit_test(gives_way_when_there_is_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
