#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void shape_is_clamped_between_start_and_end(void **state) {
  (void)state;
  static const struct {
    int64_t start, end;
    int64_t expected[3];
    size_t count;
  } cases[] = {{0, 3, {2, 3, 4}, 3}, {-1, 9, {4}, 1}, {-9, -1, {2, 3}, 2}, {2, 1, {0}, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    call_fixture_t f;
    call_init(&f, "", "Shape", 15);
    call_input(&f, OR_FLOAT16, SHAPE(2, 3, 4), NULL); /* the data is never looked at */
    call_int(&f, "start", cases[i].start);
    call_int(&f, "end", cases[i].end);
    call_run(&f, 1);
    expect_ints(&f, 0, cases[i].expected, cases[i].count);
    call_deinit(&f);
  }
  call_fixture_t f;
  call_init(&f, "", "Shape", 13);
  call_input(&f, OR_STRING, SHAPE(SYMBOL(0), 2), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(2));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(UNKNOWN));
  call_deinit(&f);
}

static void size_counts_the_elements(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Size", 13);
  call_input(&f, OR_BOOL, SHAPE(2, 3, 4), NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SCALAR);
  expect_ints(&f, 0, INTS(24));
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shape_is_clamped_between_start_and_end),
      cmocka_unit_test(size_counts_the_elements),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
