#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static const int32_t numbers[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

static void lengths_are_an_input_since_13_and_an_attribute_before(void **state) {
  (void)state;
  static const int64_t lengths[3] = {1, 0, 4};
  for (int version = 11; version <= 13; version += 2) {
    call_fixture_t f;
    call_init(&f, "", "Split", version);
    call_input(&f, OR_INT32, SHAPE(2, 5), numbers);
    if (version >= 13) {
      call_list(&f, lengths, 3);
    } else {
      call_ints(&f, "split", lengths, 3);
    }
    call_int(&f, "axis", -1);
    call_run(&f, 3);
    expect_shape(&f, 1, OR_INT32, SHAPE(2, 0));
    expect_ints(&f, 0, INTS(0, 5));
    expect_ints(&f, 2, INTS(1, 2, 3, 4, 6, 7, 8, 9));
    call_deinit(&f);
  }
}

static void pieces_are_equal_and_the_last_may_be_smaller_since_18(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Split", 13);
  call_input(&f, OR_INT32, SHAPE(10), numbers);
  call_run(&f, 2);
  expect_ints(&f, 0, INTS(0, 1, 2, 3, 4));
  expect_ints(&f, 1, INTS(5, 6, 7, 8, 9));
  call_deinit(&f);
  call_init(&f, "", "Split", 18);
  call_input(&f, OR_INT32, SHAPE(10), numbers);
  call_int(&f, "num_outputs", 4);
  call_run(&f, 4);
  expect_ints(&f, 0, INTS(0, 1, 2));
  expect_ints(&f, 3, INTS(9));
  call_deinit(&f);
}

static void extents_that_are_not_known_stay_so(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Split", 18);
  call_input(&f, OR_INT32, SHAPE(SYMBOL(0), SYMBOL(1)), NULL);
  call_int(&f, "axis", 1);
  call_infer(&f, 2);
  expect_shape(&f, 1, OR_INT32, SHAPE(SYMBOL(0), UNKNOWN));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(SYMBOL(0), SYMBOL(1)));
  call_list(&f, INTS(3, 4));
  call_infer(&f, 2);
  expect_shape(&f, 1, OR_INT32, SHAPE(SYMBOL(0), 4));
  f.inputs[1].data = NULL;
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_INT32, SHAPE(SYMBOL(0), UNKNOWN));
  call_deinit(&f);
}

static void refuses_lengths_that_do_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Split", 13);
  call_input(&f, OR_INT32, SHAPE(10), NULL);
  expect_refused(&f, 3, OR_INVALID_ARGUMENT, "extent 10 does not divide into 3 equal pieces");
  call_list(&f, INTS(3, 4));
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "add up to 7, but axis 0 has extent 10");
  expect_refused(&f, 3, OR_INVALID_ARGUMENT, "2 lengths for 3 outputs");
  f.inputs[1].data = (int64_t[]){11, -1};
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "length -1 of output 1 is negative");
  f.inputs[1].data = (int64_t[]){INT64_MAX, INT64_MAX};
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "more than an extent can be");
  f.node.version = 18;
  call_int(&f, "num_outputs", 2);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "only one may be");
  f.call.input_count = 1;
  expect_refused(&f, 3, OR_INVALID_ARGUMENT, "\"num_outputs\" is 2, but there are 3 outputs");
  f.attributes[0].integer = 7; /* 2 + 2 + 2 + 2 + 2 + 2 is more than 10 already */
  expect_refused(&f, 7, OR_INVALID_ARGUMENT, "7 pieces of 2");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lengths_are_an_input_since_13_and_an_attribute_before),
      cmocka_unit_test(pieces_are_equal_and_the_last_may_be_smaller_since_18),
      cmocka_unit_test(extents_that_are_not_known_stay_so),
      cmocka_unit_test(refuses_lengths_that_do_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
