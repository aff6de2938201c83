#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void bytes_are_multiplied_less_their_zero_points(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MatMulInteger", 10);
  call_input(&f, OR_UINT8, SHAPE(2, 2), ((uint8_t[]){0, 255, 12, 13}));
  call_input(&f, OR_INT8, SHAPE(2, 2), ((int8_t[]){-128, 1, 127, -1}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(2, 2));
  expect_ints(&f, 0, INTS(255 * 127, -255, -12 * 128 + 13 * 127, -1));
  call_deinit(&f);

  call_init(&f, "", "MatMulInteger", 10);
  call_input(&f, OR_UINT8, SHAPE(2, 1), ((uint8_t[]){5, 200}));
  call_input(&f, OR_INT8, SHAPE(1, 2), ((int8_t[]){3, -4}));
  call_input(&f, OR_UINT8, SHAPE(2), ((uint8_t[]){10, 100})); /* a row each */
  call_input(&f, OR_INT8, SCALAR, ((int8_t[]){1}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-5 * 2, -5 * -5, 100 * 2, 100 * -5));
  call_deinit(&f);
}

/* Zero points as shapes of rank 3 have them: of each matrix its own, or of all the same. */
static void matrices_of_a_batch_have_zero_points_of_their_own(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MatMulInteger", 10);
  call_input(&f, OR_UINT8, SHAPE(2, 2, 1), ((uint8_t[]){1, 2, 3, 4}));
  call_input(&f, OR_UINT8, SHAPE(2, 1, 2), ((uint8_t[]){10, 20, 30, 40}));
  call_input(&f, OR_UINT8, SHAPE(2, 2, 1), ((uint8_t[]){0, 1, 2, 3}));
  call_input(&f, OR_UINT8, SHAPE(1, 1, 2), ((uint8_t[]){0, 10}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(10, 10, 10, 10, 30, 30, 30, 30));
  call_deinit(&f);
}

/* uint8 [2,2] times int8 [2,2]. */
static void qlinear(call_fixture_t *f, or_shape_t rows, or_shape_t columns, const void *const data[8]) {
  const or_shape_t shapes[] = {SHAPE(2, 2), rows, rows, SHAPE(2, 2), columns, columns, SCALAR, SCALAR};
  const or_dtype_t dtypes[] = {OR_UINT8, OR_FLOAT32, OR_UINT8, OR_INT8, OR_FLOAT32, OR_INT8, OR_FLOAT32, OR_UINT8};
  call_init(f, "", "QLinearMatMul", 21);
  for (int i = 0; i < 8; ++i) call_input(f, dtypes[i], shapes[i], data[i]);
}

/* Halves go to even before the zero point is added. */
static void products_are_quantised_again(void **state) {
  (void)state;
  const uint8_t a[] = {12, 11, 9, 13}, a_zero[] = {10}, y_zero[] = {101};
  const int8_t b[] = {2, 0, 1, 3}, b_zero[] = {1}, many_b[] = {1, -1};
  const or_shape_t scalar = SCALAR;
  call_fixture_t f;
  /* (a - 10) = [2 1; -1 3], (b - 1) = [1 -1; 0 2]: the product is [2 0; -1 7] */
  qlinear(&f, scalar, scalar, (const void *const[]){a, FLOATS(0.5F), a_zero, b, FLOATS(1), b_zero, FLOATS(2), y_zero});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(2, 2));
  expect_ints(&f, 0, INTS(101, 101, 101, 103)); /* 0.5 0 -0.25 1.75 */
  call_deinit(&f);
  /* Zero points of rows 10, 9, of columns 1, -1: [2 1; 0 4] [1 1; 0 4] = [2 6; 0 16]; scales 1, 2 and 1, 8. */
  qlinear(&f, SHAPE(2), SHAPE(2),
          (const void *const[]){a, FLOATS(1, 2), ((uint8_t[]){10, 9}), b, FLOATS(1, 8), many_b, FLOATS(2), y_zero});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(102, 125, 101, 229));
  call_deinit(&f);
}

static void float8_products_are_floats(void **state) {
  (void)state;
  const uint8_t one[] = {0x38, 0x38, 0x40, 0x38}, zero[] = {0}; /* [1 1; 2 1] */
  const or_shape_t scalar = SCALAR;
  call_fixture_t f;
  qlinear(&f, scalar, scalar, (const void *const[]){one, FLOATS(1), zero, one, FLOATS(3), zero, FLOATS(2), zero});
  for (int i = 0; i < 8; ++i) f.inputs[i].dtype = i == 1 || i == 4 || i == 6 ? OR_FLOAT32 : OR_FLOAT8E4M3FN;
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(4.5, 3, 6, 4.5)); /* [3 2; 4 3] 3 / 2 */
  call_deinit(&f);
}

static void refuses_operands_and_parameters_that_do_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  static const or_dtype_t good[] = {OR_UINT8, OR_FLOAT32, OR_UINT8, OR_INT8, OR_FLOAT32, OR_INT8, OR_FLOAT32, OR_INT8};
  static const struct {
    int input;
    or_dtype_t dtype;
    int64_t extent; /* 0: as it is, else a list */
    const char *words;
  } rows[] = {{1, OR_FLOAT64, 0, "input 1 is float64"},
              {2, OR_INT8, 0, "zero point 2 is int8, its operand uint8"},
              {3, OR_INT16, 0, "input 3 is int16"},
              {4, OR_INT8, 0, "input 4 is int8"},
              {5, OR_UINT8, 0, "zero point 5 is uint8"},
              {6, OR_FLOAT32, 2, "input 6 is not one number"},
              {7, OR_INT8, 2, "input 7 is not one number"},
              {7, OR_INT32, 0, "input 7 is int32"},
              {1, OR_FLOAT32, 3, "input 1 has shape [3], which is neither one number nor one a row of input 0, [4,5]"},
              {4, OR_FLOAT32, 4, "nor one a column of input 3, [5,6]"},
              {2, OR_UINT8, 5, "nor one a row"},
              {5, OR_INT8, 5, "nor one a column"},
              {0, OR_UINT8, 5, NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    call_init(&f, "", "QLinearMatMul", 21);
    for (int k = 0; k < 8; ++k) call_input(&f, good[k], k == 0 ? SHAPE(4, 5) : k == 3 ? SHAPE(5, 6) : SCALAR, NULL);
    f.inputs[rows[i].input].dtype = rows[i].dtype;
    if (rows[i].extent > 0) f.inputs[rows[i].input].shape = SHAPE(rows[i].extent);
    if (rows[i].words != NULL) {
      expect_refused(&f, 1, OR_INVALID_ARGUMENT, rows[i].words);
    } else { /* a row times a matrix */
      call_infer(&f, 1);
      expect_shape(&f, 0, OR_INT8, SHAPE(6));
    }
    call_deinit(&f);
  }
  for (int input = 6; input < 8; ++input) {
    call_init(&f, "", "QLinearMatMul", 21);
    for (int k = 0; k < 8; ++k) call_input(&f, good[k], k == 0 ? SHAPE(4, 5) : k == 3 ? SHAPE(5, 6) : SCALAR, NULL);
    f.inputs[input].shape = SHAPE(0); /* nothing to be read */
    expect_refused(&f, 1, OR_INVALID_ARGUMENT, "is not one number");
    call_deinit(&f);
  }
  call_init(&f, "", "MatMulInteger", 10);
  call_input(&f, OR_UINT8, SHAPE(SYMBOL(0), 5), NULL);
  call_input(&f, OR_UINT8, SHAPE(5, 6), NULL);
  call_input(&f, OR_UINT8, SHAPE(UNKNOWN), NULL);
  call_input(&f, OR_UINT8, SHAPE(1, 6), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(SYMBOL(0), 6));
  f.inputs[3].shape = SHAPE(6, 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 3 has shape [6,1]");
  f.inputs[1].shape = SCALAR;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is a scalar");
  f.inputs[1] = (or_op_tensor_t){.dtype = OR_INT32, .shape = SHAPE(5, 6)};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is int32");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_are_multiplied_less_their_zero_points),
      cmocka_unit_test(matrices_of_a_batch_have_zero_points_of_their_own),
      cmocka_unit_test(products_are_quantised_again),
      cmocka_unit_test(float8_products_are_floats),
      cmocka_unit_test(refuses_operands_and_parameters_that_do_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
