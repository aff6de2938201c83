#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void start(call_fixture_t *f, const char *name, int inputs) {
  static const float x[3] = {1, 2, -3}, y[3] = {10, 20, 30};
  call_init(f, "openruntime", name, 1);
  if (inputs > 0) call_input(f, OR_FLOAT32, SHAPE(3), x);
  if (inputs > 1) call_input(f, OR_FLOAT32, SHAPE(3), y);
}

static void element_by_element(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int inputs;
    double expected[3];
  } cases[] = {{"Scale", 1, {2.5, 5, -7.5}}, {"Axpy", 2, {12.5, 25, 22.5}}, {"Triad", 2, {26, 52, 72}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    call_fixture_t f;
    start(&f, cases[i].name, cases[i].inputs);
    call_float(&f, "alpha", 2.5F);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(3));
    expect_doubles(&f, 0, 0, cases[i].expected, 3);
    call_deinit(&f);
  }
}

static void sums_are_taken_in_double(void **state) {
  (void)state;
  enum { COUNT = 3000 };
  float numbers[COUNT];
  for (int i = 0; i < COUNT; ++i) numbers[i] = i % 2 == 0 ? 16777216.0F : 1; /* float32 would lose every 1 */
  call_fixture_t f;
  call_init(&f, "openruntime", "ReadSum", 1);
  call_input(&f, OR_FLOAT32, SHAPE(COUNT), numbers);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1));
  expect_doubles(&f, 0, 0, DOUBLES((double)(float)(1500.0 * 16777216 + 1500)));
  call_deinit(&f);
}

static void products_and_norms(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "openruntime", "Dot", 1);
  call_input(&f, OR_FLOAT64, SHAPE(3), (double[]){1, 2, -3});
  call_input(&f, OR_FLOAT64, SHAPE(3), (double[]){10, 20, 30});
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-40));
  call_deinit(&f);
  call_init(&f, "openruntime", "Dot", 1); /* wraps around in its own dtype */
  call_input(&f, OR_INT8, SHAPE(2), (int8_t[]){100, 1});
  call_input(&f, OR_INT8, SHAPE(2), (int8_t[]){2, 3});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(203 - 256));
  call_deinit(&f);
  call_init(&f, "openruntime", "Norm", 1);
  call_input(&f, OR_BFLOAT16, SHAPE(2), (uint16_t[]){0x4040, 0xC080}); /* 3, -4 */
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(5));
  call_deinit(&f);
}

static void copy_and_fill_write_every_element(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "openruntime", "Copy", 1);
  call_input(&f, OR_UINT4, SHAPE(3), (uint8_t[]){0x21, 0x03});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 2, 3));
  call_deinit(&f);
  call_init(&f, "openruntime", "Fill", 1);
  call_ints(&f, "shape", INTS(20, 30));
  call_float(&f, "value", -2.5F);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(20, 30));
  for (size_t i = 0; i < 600; ++i) assert_true(((float *)f.outputs[0].data)[i] == -2.5F);
  call_deinit(&f);
  call_init(&f, "openruntime", "Fill", 1);
  call_ints(&f, "shape", INTS(2));
  call_float(&f, "value", 7);
  call_int(&f, "dtype", OR_INT64);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(7, 7));
  call_deinit(&f);
}

static void counts_bytes_and_operations(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Triad", 2);
  call_infer(&f, 1);
  or_cost_t cost = f.call.op->cost(&f.call);
  assert_true(cost.flops == 6 && cost.bytes_read == 24 && cost.bytes_written == 12);
  call_deinit(&f);
  start(&f, "ReadSum", 1);
  call_infer(&f, 1);
  cost = f.call.op->cost(&f.call);
  assert_true(cost.flops == 3 && cost.bytes_read == 12 && cost.bytes_written == 4);
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Axpy", 2);
  f.inputs[1].shape = SHAPE(4);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "differ in shape: [3] and [4]");
  f.inputs[1].dtype = OR_FLOAT64;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is float64");
  call_deinit(&f);
  start(&f, "Fill", 0);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"shape\" is missing");
  call_ints(&f, "shape", INTS(-1));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "extent -1 at 0");
  call_int(&f, "dtype", 77);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "77");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(element_by_element),          cmocka_unit_test(sums_are_taken_in_double),
      cmocka_unit_test(products_and_norms),          cmocka_unit_test(copy_and_fill_write_every_element),
      cmocka_unit_test(counts_bytes_and_operations), cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
