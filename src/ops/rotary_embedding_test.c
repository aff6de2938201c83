#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void turns_pairs_by_their_position(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "RotaryEmbedding", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 4), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 0.5F, 0.8F, -0.6F}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 0.25F, 0.6F, 0.8F}));
  call_input(&f, OR_INT64, SHAPE(1, 2), ((int64_t[]){1, 0}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-1, -4.4, 3, -0.8, 5, 1, 7, 5.5));
  call_deinit(&f);

  call_init(&f, "", "RotaryEmbedding", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 4), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 0.5F, 0.8F, -0.6F}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 0.25F, 0.6F, 0.8F}));
  call_input(&f, OR_INT64, SHAPE(1, 2), ((int64_t[]){1, 0}));
  call_int(&f, "interleaved", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-0.4, 2.2, -5, 0, 5, 6, 1.5, 5.75));
  call_deinit(&f);

  call_init(&f, "", "RotaryEmbedding", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 4), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2), ((float[]){0.8F, -0.6F, 1, 0.5F}));
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2), ((float[]){0.6F, 0.8F, 0, 0.25F}));
  call_int(&f, "num_heads", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-1, -4.4, 3, -0.8, 5, 1, 7, 5.5));
  call_deinit(&f);

  call_init(&f, "", "RotaryEmbedding", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 1, 4), ((float[]){1, 2, 3, 4}));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(1, 1), ((float[]){1}));
  call_input(&f, OR_INT64, SHAPE(1, 1), ((int64_t[]){0}));
  call_int(&f, "rotary_embedding_dim", 2);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-2, 1, 3, 4));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "RotaryEmbedding", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 0.5F, 0.8F, -0.6F}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 0.25F, 0.6F, 0.8F}));
  call_input(&f, OR_INT64, SHAPE(1, 2), ((int64_t[]){1, 0}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "num_heads");
  call_deinit(&f);

  call_init(&f, "", "RotaryEmbedding", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 4), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 0.5F, 0.8F, -0.6F}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 0.25F, 0.6F, 0.8F}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank 2");
  call_deinit(&f);

  call_init(&f, "", "RotaryEmbedding", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 0.5F, 0.8F, -0.6F}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 0.25F, 0.6F, 0.8F}));
  call_input(&f, OR_INT64, SHAPE(1, 2), ((int64_t[]){1, 0}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "in pairs");
  call_deinit(&f);

  call_init(&f, "", "RotaryEmbedding", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 2, 4), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 0.5F, 0.8F, -0.6F}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){0, 0.25F, 0.6F, 0.8F}));
  call_input(&f, OR_INT64, SHAPE(1, 2), ((int64_t[]){5, 0}));
  expect_run_fails(&f, 1, "outside an axis");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(turns_pairs_by_their_position),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
