#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fake/expect.h"
#include "fake/fake.h"
#include "fake/rig.h"
#include "openruntime/value.h"

static or_rig_t rig;
static or_tensor_t *tensor;

static int set_up(void **state) {
  (void)state;
  or_fake_reset();
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  or_expect_ok(or_tensor_create(rig.devices[0], OR_FLOAT32, or_shape_make(0, NULL), &tensor));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_tensor_release(tensor);
  assert_int_equal(or_device_counters(rig.devices[0]).live_buffers, 0);
  or_rig_close(&rig);
  return 0;
}

static void holds_what_it_is_made_of(void **state) {
  (void)state;
  const or_allocator_t *allocator = or_allocator_system();
  or_value_t *one = NULL, *sequence = NULL, *full = NULL, *empty = NULL;
  or_expect_ok(or_value_from_tensor(allocator, tensor, &one));
  assert_int_equal(or_value_kind(one), OR_VALUE_TENSOR);
  assert_ptr_equal(or_value_tensor(one), tensor);
  assert_int_equal(or_value_count(one), 1);
  assert_null(or_value_element(one, 0));

  or_value_t *elements[] = {one, one, one};
  or_expect_ok(or_value_sequence(allocator, elements, 3, &sequence));
  or_value_release(one); /* the sequence has its own */
  assert_int_equal(or_value_kind(sequence), OR_VALUE_SEQUENCE);
  assert_int_equal(or_value_count(sequence), 3);
  assert_ptr_equal(or_value_element(sequence, 2), one);
  assert_null(or_value_element(sequence, 3));
  assert_null(or_value_tensor(sequence));

  or_expect_ok(or_value_optional(allocator, sequence, &full));
  or_expect_ok(or_value_optional(allocator, NULL, &empty));
  assert_int_equal(or_value_count(full), 1);
  assert_ptr_equal(or_value_element(full, 0), sequence);
  assert_int_equal(or_value_count(empty), 0);
  assert_int_equal(or_value_kind(empty), OR_VALUE_OPTIONAL);
  or_value_retain(full);
  or_value_release(full);
  or_value_release(full);
  or_value_release(empty);
  or_value_release(sequence);
  or_value_release(NULL);
}

static void refuses_what_does_not_belong_together(void **state) {
  (void)state;
  const or_allocator_t *allocator = or_allocator_system();
  or_value_t *one = NULL, *empty = NULL, *out = NULL;
  or_expect(or_value_from_tensor(allocator, NULL, &out), OR_INVALID_ARGUMENT);
  or_expect_ok(or_value_from_tensor(allocator, tensor, &one));
  or_expect_ok(or_value_optional(allocator, NULL, &empty));
  or_value_t *mixed[] = {one, empty}, *missing[] = {one, NULL};
  or_expect_words(or_value_sequence(allocator, mixed, 2, &out), OR_INVALID_ARGUMENT, "element 1");
  or_expect_words(or_value_sequence(allocator, missing, 2, &out), OR_INVALID_ARGUMENT, "element 1");
  assert_null(out);
  or_expect_ok(or_value_sequence(allocator, NULL, 0, &out));
  assert_int_equal(or_value_count(out), 0);
  or_value_release(out);
  or_value_release(one);
  or_value_release(empty);
}

static void bounds_how_deep_values_lie_in_values(void **state) {
  (void)state;
  or_value_t *value = NULL;
  or_expect_ok(or_value_optional(or_allocator_system(), NULL, &value));
  for (int i = 0; i < 64; ++i) {
    or_value_t *outer = NULL;
    or_expect_ok(or_value_optional(or_allocator_system(), value, &outer));
    or_value_release(value);
    value = outer;
  }
  or_value_t *outer = NULL;
  or_expect_words(or_value_optional(or_allocator_system(), value, &outer), OR_INVALID_ARGUMENT, "64");
  or_expect(or_value_sequence(or_allocator_system(), &value, 1, &outer), OR_INVALID_ARGUMENT);
  or_value_release(value);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(holds_what_it_is_made_of, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_what_does_not_belong_together, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bounds_how_deep_values_lie_in_values, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
