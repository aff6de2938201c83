#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void multiplies_transposes_and_sums(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){1, 2, 3, 4, 5, 6}));
  call_input(&f, OR_FLOAT32, SHAPE(3, 2), ((float[]){1, 0, 2, 1, -1, 1}));
  call_string(&f, "equation", "ij,jk->ik");
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(2, 5, 8, 11));
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "ii");
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SCALAR);
  expect_doubles(&f, 0, 0, DOUBLES(5));
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "ii -> i");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 4));
  call_deinit(&f);

  call_init(&f, "", "Einsum", 28);
  call_input(&f, OR_INT32, SHAPE(1, 2, 2), ((int32_t[]){1, 2, 3, 4}));
  call_string(&f, "equation", "...ij->...ji");
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(1, 2, 2));
  expect_ints(&f, 0, INTS(1, 3, 2, 4));
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "ba");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 3, 2, 4));
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){3, 4}));
  call_string(&f, "equation", "i,j");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(3, 4, 6, 8));
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2), ((float[]){1, 2}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "ij,ij->i");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(5, 11));
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(0, 1), ((float[]){0}));
  call_string(&f, "equation", "ij,jk->ik");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0));
  call_deinit(&f);
}

static void keeps_symbols(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 4, SYMBOL(1), 8), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 4, SYMBOL(2), 8), NULL);
  call_string(&f, "equation", "bhqd,bhkd->bhqk");
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 4, SYMBOL(1), SYMBOL(2)));
  call_deinit(&f);
}

static void refuses_equations_that_do_not_parse_or_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "ij,jk");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "more terms");
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "ij");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "fewer terms");
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "i1->i");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "letters");
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "ijk");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank");
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "i");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank");
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "ij->k");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "no operand");
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "ij->ii");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "twice");
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_input(&f, OR_FLOAT32, SHAPE(3, 1), ((float[]){1, 2, 3}));
  call_string(&f, "equation", "ij,jk");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "extents");
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_string(&f, "equation", "...i...");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "two ellipses");
  call_deinit(&f);

  call_init(&f, "", "Einsum", 12);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 2), NULL);
  call_string(&f, "equation", "...i,...");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "different numbers");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(multiplies_transposes_and_sums),
      cmocka_unit_test(keeps_symbols),
      cmocka_unit_test(refuses_equations_that_do_not_parse_or_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
