#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void gates_by_swish(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "SwiGLU", 28);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, -2, 0.5F}));
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){3, 1, -1}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(2.193175793, -0.238405868, -0.311229676));
  call_deinit(&f);
}

static void refuses_broadcasting(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "SwiGLU", 28);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "differ");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gates_by_swish),
      cmocka_unit_test(refuses_broadcasting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
