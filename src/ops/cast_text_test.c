/* Expectations: C's printf and strtod, and decimals that IEEE 754 rounds to a known value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "ops/call_fixture_template.h"
#include "ops/lanes.h"

static void start(call_fixture_t *f, or_dtype_t from, int64_t count, const void *data, or_dtype_t to) {
  call_init(f, "", "Cast", 28);
  call_input(f, from, SHAPE(count), data);
  call_int(f, "to", to);
}

static void writes(or_dtype_t from, const void *data, const char *const *expected, size_t count) {
  call_fixture_t f;
  start(&f, from, (int64_t)count, data, OR_STRING);
  call_run(&f, 1);
  expect_strings(&f, 0, expected, count);
  call_deinit(&f);
}

static void writes_the_shortest_text(void **state) {
  (void)state;
  writes(OR_FLOAT32, FLOATS(0, -0.0F, 1, -1.5F, 0.1F, 1e-4F, 1e-5F, 123456.0F, 12345678.0F, 1e8F, 3.4028235e38F),
         TEXTS("0", "-0", "1", "-1.5", "0.1", "0.0001", "1e-05", "123456", "12345678", "1e+08", "3.4028235e+38"));
  writes(OR_FLOAT32, FLOATS(NAN, INFINITY, -INFINITY, 1.4e-45F, 0.33333334F, 100.25F),
         TEXTS("NaN", "INF", "-INF", "1e-45", "0.33333334", "100.25"));
  writes(OR_FLOAT64, ((double[]){0.1, 1e16, 1e17, 2.5e-310, 0.30000000000000004, -1.25e100, 1e22}),
         TEXTS("0.1", "10000000000000000", "1e+17", "2.5e-310", "0.30000000000000004", "-1.25e+100", "1e+22"));
  writes(OR_FLOAT16, ((uint16_t[]){0x3c00, 0x2e66, 0x7bff, 0x7c00}), TEXTS("1", "0.099975586", "65504", "INF"));
  writes(OR_BFLOAT16, ((uint16_t[]){0x4049, 0xff80}), TEXTS("3.140625", "-INF"));
  writes(OR_FLOAT8E5M2, ((uint8_t[]){0x3c, 0x38}), TEXTS("1", "0.5"));
  writes(OR_INT8, ((int8_t[]){-128, 7}), TEXTS("-128", "7"));
  writes(OR_INT64, ((int64_t[]){INT64_MIN, 0}), TEXTS("-9223372036854775808", "0"));
  writes(OR_UINT64, ((uint64_t[]){UINT64_MAX}), TEXTS("18446744073709551615"));
  writes(OR_BOOL, ((uint8_t[]){1, 0}), TEXTS("1", "0"));
  writes(OR_INT4, ((uint8_t[]){0x1f, 0x08}), TEXTS("-1", "1", "-8"));
  writes(OR_STRING, STRINGS(TEXT("kept")), TEXTS("kept"));
}

/* More than one block, and every exponent. */
static void what_is_written_reads_back(void **state) {
  (void)state;
  enum { COUNT = 3 * OR_LANES + 5 };
  static float values[COUNT];
  for (int i = 0; i < COUNT; ++i) values[i] = (i % 2 ? 1.0F : -1.0F) * ldexpf(1.0F + (float)i / 4096, i % 250 - 125);
  call_fixture_t f;
  start(&f, OR_FLOAT32, COUNT, values, OR_STRING);
  call_run(&f, 1);
  const or_string_t *texts = f.outputs[0].data;
  for (int i = 0; i < COUNT; ++i) {
    char text[40] = "";
    memcpy(text, texts[i].data, texts[i].length);
    assert_true(strtof(text, NULL) == values[i]);
  }
  call_fixture_t back;
  start(&back, OR_STRING, COUNT, texts, OR_FLOAT32);
  call_run(&back, 1);
  assert_memory_equal(back.outputs[0].data, values, sizeof values);
  or_free(&back.allocator.base, back.outputs[0].data);
  back.call.output_count = 0;
  or_arena_deinit(&back.strings);
  assert_int_equal(back.allocator.live_bytes, 0);
  call_deinit(&f);
}

#define NUMBERS \
  STRINGS(TEXT("1"), TEXT("-1.5"), TEXT(" +2.\t"), TEXT(".5"), TEXT("1E3"), TEXT("1e-2"), TEXT("0012"), TEXT("0e9"))

static void reads_decimals(void **state) {
  (void)state;
  call_fixture_t f;
  static const or_dtype_t dtypes[] = {OR_FLOAT32, OR_FLOAT64};
  for (size_t i = 0; i < 2; ++i) {
    start(&f, OR_STRING, 8, NUMBERS, dtypes[i]);
    call_run(&f, 1);
    expect_doubles(&f, 0, 1e-7 * (double)(1 - i), DOUBLES(1, -1.5, 2, 0.5, 1000, 0.01, 12, 0));
    call_deinit(&f);
  }
  start(&f, OR_STRING, 6,
        STRINGS(TEXT("nan"), TEXT("INF"), TEXT("+inf"), TEXT("-InFiNiTy"), TEXT("1e999999999999999999999"),
                TEXT("-1e-99999999999")),
        OR_FLOAT32);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(NAN, INFINITY, INFINITY, -INFINITY, INFINITY, 0));
  call_deinit(&f);
  start(&f, OR_STRING, 3, STRINGS(TEXT("0"), TEXT("-2.5"), TEXT("NaN")), OR_BOOL);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 1, 1));
  call_deinit(&f);
  start(&f, OR_STRING, 2, STRINGS(TEXT("300"), TEXT("-1.5")), OR_FLOAT8E5M2);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(320, -1.5));
  call_deinit(&f);
  start(&f, OR_STRING, 2, STRINGS(TEXT("3"), TEXT("0.25")), OR_FLOAT8E8M0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(4, 0.25));
  call_deinit(&f);
}

/* 1 + 2^-24 is the middle of 1 and the next float32; what follows it a thousand digits later decides. */
static void rounds_once_however_long_the_text(void **state) {
  (void)state;
  static char tie[1100], above[1100];
  memset(tie, '0', sizeof tie);
  memcpy(tie, "1.000000059604644775390625", 26);
  memcpy(above, tie, sizeof tie);
  above[1099] = '1';
  const or_string_t texts[] = {{tie, sizeof tie}, {above, sizeof above}, {"1.00000005960464477539062500000001", 34}};
  call_fixture_t f;
  start(&f, OR_STRING, 3, texts, OR_FLOAT32);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 1 + 0x1p-23, 1 + 0x1p-23));
  call_deinit(&f);
  static char zeros[2000];
  memset(zeros, '0', sizeof zeros);
  zeros[0] = '.';
  memcpy(zeros + 1900, "5e1900", 6); /* 0.[1899 zeros]5e1900 */
  static char nines[1000];
  memset(nines, '9', sizeof nines);
  memcpy(nines + 990, "e-990", 5);
  const or_string_t far[] = {{zeros, 1906}, {nines, 995}};
  start(&f, OR_STRING, 2, far, OR_FLOAT64);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(5, 1));
  call_deinit(&f);
}

static void reads_whole_numbers_exactly(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_STRING, 5,
        STRINGS(TEXT("9007199254740993"), TEXT("-9223372036854775808"), TEXT("1e3"), TEXT("-2.9"), TEXT("INF")),
        OR_INT64);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT64_C(9007199254740993), INT64_MIN, 1000, -2, INT64_MAX));
  call_deinit(&f);
  start(&f, OR_STRING, 2, STRINGS(TEXT("18446744073709551615"), TEXT("0")), OR_UINT64);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-1, 0));
  call_deinit(&f);
  start(&f, OR_STRING, 2, STRINGS(TEXT("300"), TEXT("-1")), OR_INT8);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(44, -1));
  call_deinit(&f);
}

static void text_that_is_no_number_is_named(void **state) {
  (void)state;
  static const or_string_t wrong[] = {TEXT("abc"),   TEXT(""),        TEXT(" "),  TEXT("1.5x"), TEXT("0x10"),
                                      TEXT("1e"),    TEXT("1e+"),     TEXT("."),  TEXT("-"),    TEXT("--1"),
                                      TEXT("1.2.3"), TEXT("1 2"),     TEXT("e5"), TEXT("in"),   TEXT("nano"),
                                      TEXT("1e5.5"), TEXT("\xff\xfe")};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    call_fixture_t f;
    or_string_t texts[] = {TEXT("1"), wrong[i]};
    start(&f, OR_STRING, 2, texts, i % 2 ? OR_INT32 : OR_FLOAT32);
    expect_run_fails(&f, 1, "element 1 is \"");
    call_deinit(&f);
  }
  static const or_string_t wide[] = {TEXT("18446744073709551616"), TEXT("-9223372036854775809")};
  for (size_t i = 0; i < 2; ++i) {
    call_fixture_t f;
    start(&f, OR_STRING, 1, &wide[i], OR_UINT64);
    expect_run_fails(&f, 1, "no number that uint64 can be made of");
    call_deinit(&f);
  }
  call_fixture_t f;
  start(&f, OR_STRING, 1, STRINGS(TEXT("a text of more than forty bytes, which is cut")), OR_FLOAT8E8M0);
  expect_run_fails(&f, 1, "\"a text of more than forty bytes, which i\" and so on");
  call_deinit(&f);
}

static void text_came_with_version_9(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_STRING, 1, NULL, OR_FLOAT32);
  f.node.version = 6;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 is string, which version 6 of Cast does not take");
  call_deinit(&f);
  call_init(&f, "", "CastLike", 19);
  call_input(&f, OR_INT32, SHAPE(1), (int32_t[]){-7});
  call_input(&f, OR_STRING, SHAPE(0), NULL);
  call_run(&f, 1);
  expect_strings(&f, 0, TEXTS("-7"));
  call_deinit(&f);
  start(&f, OR_INT32, 1, (int32_t[]){-7}, OR_STRING);
  call_infer(&f, 1);
  or_string_t out[1];
  f.outputs[0].data = out;
  f.call.strings = NULL;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_FAILED_PRECONDITION);
  or_status_ignore(status); /* expected */
  f.call.output_count = 0;
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_the_shortest_text),
      cmocka_unit_test(what_is_written_reads_back),
      cmocka_unit_test(reads_decimals),
      cmocka_unit_test(rounds_once_however_long_the_text),
      cmocka_unit_test(reads_whole_numbers_exactly),
      cmocka_unit_test(text_that_is_no_number_is_named),
      cmocka_unit_test(text_came_with_version_9),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
