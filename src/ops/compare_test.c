#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

typedef struct relation_t {
  const char *name;
  int version;
  int64_t expected[4];
} relation_t;

/* a < b, a == b, a > b, and one of them NaN. */
static void comparisons_with_nan_are_false(void **state) {
  (void)state;
  static const relation_t relations[] = {{"Equal", 19, {0, 1, 0, 0}},
                                         {"Less", 13, {1, 0, 0, 0}},
                                         {"Greater", 13, {0, 0, 1, 0}},
                                         {"LessOrEqual", 16, {1, 1, 0, 0}},
                                         {"GreaterOrEqual", 16, {0, 1, 1, 0}}};
  for (size_t i = 0; i < sizeof relations / sizeof *relations; ++i) {
    call_fixture_t f;
    call_init(&f, "", relations[i].name, relations[i].version);
    call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(1, 2, 3, NAN));
    call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(2, 2, 2, 2));
    call_run(&f, 1);
    expect_shape(&f, 0, OR_BOOL, SHAPE(4));
    expect_ints(&f, 0, relations[i].expected, 4);
    call_deinit(&f);
  }
}

static void integers_compare_in_their_own_range(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Less", 13); /* as int64 the second would be negative; as double both are equal */
  call_input(&f, OR_UINT64, SHAPE(2), (uint64_t[]){1, UINT64_MAX - 1});
  call_input(&f, OR_UINT64, SHAPE(2), (uint64_t[]){UINT64_MAX, UINT64_MAX});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 1));
  call_deinit(&f);
  call_init(&f, "", "Greater", 13);
  call_input(&f, OR_INT8, SHAPE(2), (int8_t[]){-1, 1});
  call_input(&f, OR_INT8, SCALAR, (int8_t[]){0});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 1));
  call_deinit(&f);
}

static void logic_follows_its_truth_tables(void **state) {
  (void)state;
  static const relation_t relations[] = {{"And", 7, {0, 0, 0, 1}}, {"Or", 7, {0, 1, 1, 1}}, {"Xor", 7, {0, 1, 1, 0}}};
  for (size_t i = 0; i < sizeof relations / sizeof *relations; ++i) {
    call_fixture_t f;
    call_init(&f, "", relations[i].name, relations[i].version);
    call_input(&f, OR_BOOL, SHAPE(2, 1), (uint8_t[]){0, 1});
    call_input(&f, OR_BOOL, SHAPE(2), (uint8_t[]){0, 1});
    call_run(&f, 1);
    expect_shape(&f, 0, OR_BOOL, SHAPE(2, 2));
    expect_ints(&f, 0, relations[i].expected, 4);
    call_deinit(&f);
  }
  call_fixture_t f;
  call_init(&f, "", "Not", 1);
  call_input(&f, OR_BOOL, SHAPE(2), (uint8_t[]){0, 1});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 0));
  call_deinit(&f);
}

static void refuses_logic_on_numbers(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "And", 7);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 is float32");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comparisons_with_nan_are_false),
      cmocka_unit_test(integers_compare_in_their_own_range),
      cmocka_unit_test(logic_follows_its_truth_tables),
      cmocka_unit_test(refuses_logic_on_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
