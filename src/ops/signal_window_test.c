#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* numpy.hanning and numpy.blackman, which are symmetric; a periodic window is the symmetric one of a point more,
 * without its last. */
static void windows_are_those_of_numpy(void **state) {
  (void)state;
  call_fixture_t f;
  for (int periodic = 0; periodic < 2; ++periodic) {
    const int64_t size = 7 - periodic;
    call_init(&f, "", "HannWindow", 17);
    call_input(&f, OR_INT64, SCALAR, &size);
    if (!periodic) call_int(&f, "periodic", 0);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(size));
    const double hann[] = {0, 0.25, 0.75, 1, 0.75, 0.25, 0};
    expect_doubles(&f, 0, 1e-7, hann, (size_t)size);
    call_deinit(&f);

    const int32_t narrow = (int32_t)size;
    call_init(&f, "", "BlackmanWindow", 17);
    call_input(&f, OR_INT32, SCALAR, &narrow);
    call_int(&f, "output_datatype", OR_FLOAT64);
    call_int(&f, "periodic", periodic);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT64, SHAPE(size));
    const double blackman[] = {0, 0.13, 0.63, 1, 0.63, 0.13, 0};
    expect_doubles(&f, 0, 1e-14, blackman, (size_t)size);
    call_deinit(&f);
  }
}

/* 25/46 - 21/46 = 4/46 at the ends, 1 in the middle. */
static void a_hamming_window_does_not_reach_zero(void **state) {
  (void)state;
  call_fixture_t f;
  const int64_t size = 5;
  call_init(&f, "", "HammingWindow", 17);
  call_input(&f, OR_INT64, SHAPE(1), &size);
  call_int(&f, "output_datatype", OR_FLOAT64);
  call_int(&f, "periodic", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-15, DOUBLES(4.0 / 46, 25.0 / 46, 1, 25.0 / 46, 4.0 / 46));
  call_deinit(&f);
}

static void integers_keep_the_integer_part(void **state) {
  (void)state;
  const or_dtype_t dtypes[] = {OR_INT8, OR_UINT16, OR_INT64, OR_UINT64};
  for (size_t d = 0; d < 4; ++d) {
    call_fixture_t f;
    const int64_t size = 4;
    static const char *const names[] = {"HannWindow", "HammingWindow", "BlackmanWindow", "BlackmanWindow"};
    call_init(&f, "", names[d], 17);
    call_input(&f, OR_INT64, SCALAR, &size);
    call_int(&f, "output_datatype", dtypes[d]);
    call_run(&f, 1);
    expect_shape(&f, 0, dtypes[d], SHAPE(4));
    expect_ints(&f, 0, INTS(0, 0, 1, 0));
    call_deinit(&f);
  }
}

static void sizes_may_be_nothing_large_or_not_known(void **state) {
  (void)state;
  call_fixture_t f;
  const int64_t none = 0, large = 1000;
  call_init(&f, "", "BlackmanWindow", 17);
  call_input(&f, OR_INT64, SCALAR, &none);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0));
  expect_ok(or_op_reference(&f.call));
  call_deinit(&f);
  call_init(&f, "", "HannWindow", 17);
  call_input(&f, OR_INT64, SCALAR, &large);
  call_run(&f, 1);
  assert_true(fabs(or_element_get(OR_FLOAT32, f.outputs[0].data, 750) - 0.5) < 1e-7);
  call_deinit(&f);
  call_init(&f, "", "HannWindow", 17);
  call_input(&f, OR_INT64, SCALAR, NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN));
  call_deinit(&f);
}

static void other_sizes_and_types_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  const int64_t sizes[] = {-1, 3};
  call_init(&f, "", "HannWindow", 17);
  call_input(&f, OR_INT64, SCALAR, &sizes[0]);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "size) is -1");
  f.inputs[0].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "has 2 elements, expected 1");
  f.inputs[0].shape = SHAPE(1, 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank 2");
  call_int(&f, "output_datatype", OR_BOOL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"output_datatype\" is 9 (bool)");
  f.attributes[0].integer = 99;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"output_datatype\" is 99");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(windows_are_those_of_numpy),        cmocka_unit_test(a_hamming_window_does_not_reach_zero),
      cmocka_unit_test(integers_keep_the_integer_part),    cmocka_unit_test(sizes_may_be_nothing_large_or_not_known),
      cmocka_unit_test(other_sizes_and_types_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
