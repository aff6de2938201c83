#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void normalises_channels_and_groups(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "InstanceNormalization", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 2), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 2, 0.5F, 1}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){0, 1, 0, -1}));
  call_float(&f, "epsilon", 0.01F);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(-0.980580688, 0.980580688, -0.997504711, 2.997504711, -0.490290344, 0.490290344, -1.995037079,
                         -0.004962862));
  call_deinit(&f);

  call_init(&f, "", "GroupNormalization", 21);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 2), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 2, 0.5F, 1}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){0, 1, 0, -1}));
  call_int(&f, "num_groups", 2);
  call_float(&f, "epsilon", 0.01F);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(-1.025042415, -0.652299702, 1.186371326, 4.168313026, -0.576050401, -0.366577536, -0.476317823,
                         0.361573696));
  call_deinit(&f);

  call_init(&f, "", "GroupNormalization", 18);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 2), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){0, 1}));
  call_int(&f, "num_groups", 2);
  call_float(&f, "epsilon", 0.01F);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(-1.025042415, -0.652299702, 0.093185678, 1.584156513, -1.304201603, -0.466310143, 2.047364235,
                         3.723147392));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "GroupNormalization", 21);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 2), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 2, 3, 4}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 2, 3, 4}));
  call_int(&f, "num_groups", 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "do not divide");
  call_deinit(&f);

  call_init(&f, "", "GroupNormalization", 21);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 2), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_int(&f, "num_groups", 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "channels");
  call_deinit(&f);

  call_init(&f, "", "InstanceNormalization", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank 1");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normalises_channels_and_groups),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
