#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* a + b = 1 3 1 3 | 30 10 10 30: means 2 and 20, deviations 1 and 10. */
static const float a[] = {0, 1, 2, 3, 10, 10, 10, 10}, b[] = {1, 2, -1, 0, 20, 0, 0, 20};

static void normalises_the_sum_and_gives_it_out(void **state) {
  (void)state;
  for (uint32_t outputs = 1; outputs <= 2; ++outputs) {
    call_fixture_t f;
    call_init(&f, "openruntime", "AddLayerNormalization", 1);
    call_input(&f, OR_FLOAT32, SHAPE(2, 4), a);
    call_input(&f, OR_FLOAT32, SHAPE(2, 4), b);
    call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(1, 2, 3, 4));
    call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(0, 10, 20, 30));
    call_float(&f, "epsilon", 0);
    call_run(&f, outputs);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 4));
    expect_doubles(&f, 0, 1e-6, DOUBLES(-1, 12, 17, 34, 1, 8, 17, 34));
    if (outputs == 2) expect_shape(&f, 1, OR_FLOAT32, SHAPE(2, 4));
    if (outputs == 2) expect_doubles(&f, 1, 0, DOUBLES(1, 3, 1, 3, 30, 10, 10, 30));
    call_deinit(&f);
  }
}

static void summands_broadcast(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "openruntime", "AddLayerNormalization", 1);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4), FLOATS(0, 1, 0, 1));
  call_input(&f, OR_FLOAT32, SHAPE(2, 1, 4), FLOATS(1, 2, 1, 2, 30, 9, 10, 29));
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(1, 1, 1, 1));
  call_float(&f, "epsilon", 0);
  call_run(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 1, 4));
  expect_doubles(&f, 0, 1e-6, DOUBLES(-1, 1, -1, 1, 1, -1, -1, 1));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "openruntime", "AddLayerNormalization", 1);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), a);
  call_input(&f, OR_FLOAT16, SHAPE(2, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(1, 2, 3, 4));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is float16, expected float32");
  call_deinit(&f);
  call_init(&f, "openruntime", "AddLayerNormalization", 1);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), a);
  call_input(&f, OR_FLOAT32, SHAPE(3, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(4), FLOATS(1, 2, 3, 4));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "[2,4] and [3,4]");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normalises_the_sum_and_gives_it_out),
      cmocka_unit_test(summands_broadcast),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
