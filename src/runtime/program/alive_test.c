#include "runtime/program/alive.h"

#include "fixtures/graphs.h"
#include "runtime/runtime.h"

#define OWN ((uint64_t)OR_ALIVE_VALUE_BYTES)

typedef struct fixture_t {
  or_counting_allocator_t allocator;
  or_runtime_t *runtime;
  or_model_limits_t limits;
  or_alive_t alive;
} fixture_t;

static int setup(void **state) {
  static fixture_t f;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  or_counting_allocator_init(&f.allocator, or_allocator_system(), 0);
  or_runtime_options_t options = or_runtime_options_default();
  options.allocator = &f.allocator.base;
  options.vendor_libraries = false;
  options.threads = 1;
  or_expect_ok(or_runtime_create_with(&options, backends, 1, &f.runtime));
  f.alive = (or_alive_t){.expansion = {.limits = &f.limits}, .allocator = &f.allocator.base};
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  fixture_t *f = *state;
  or_alive_deinit(&f->alive);
  or_runtime_release(f->runtime);
  assert_int_equal(atomic_load(&f->allocator.live_bytes), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_value_t *held(fixture_t *f, or_tensor_t *tensor) {
  or_value_t *value = NULL;
  or_expect_ok(or_value_from_tensor(&f->allocator.base, tensor, &value));
  or_tensor_release(tensor);
  return value;
}

static or_tensor_t *floats(fixture_t *f, int64_t count) {
  or_tensor_t *tensor = NULL;
  or_expect_ok(or_tensor_create(or_runtime_host_device(f->runtime), OR_FLOAT32, SHAPE(count), &tensor));
  return tensor;
}

static or_value_t *sequence_of(fixture_t *f, or_value_t *const *elements, size_t count) {
  or_value_t *sequence = NULL;
  or_expect_ok(or_value_sequence(&f->allocator.base, elements, count, &sequence));
  return sequence;
}

static void a_value_counts_once_however_many_have_it(void **state) {
  fixture_t *f = *state;
  or_value_t *value = held(f, floats(f, 1000));
  or_expect_ok(or_alive_add(&f->alive, value));
  assert_int_equal(f->alive.expansion.alive, 4000 + OWN);
  or_expect_ok(or_alive_add(&f->alive, value));
  or_value_t *const twice[] = {value, value};
  or_value_t *sequence = sequence_of(f, twice, 2);
  or_expect_ok(or_alive_add(&f->alive, sequence));
  assert_int_equal(f->alive.expansion.alive, 4000 + 2 * OWN + 2 * sizeof(void *));
  or_alive_remove(&f->alive, value);
  or_alive_remove(&f->alive, value);
  assert_int_equal(f->alive.expansion.alive, 4000 + 2 * OWN + 2 * sizeof(void *)); /* the sequence has it */
  or_alive_remove(&f->alive, sequence);
  assert_int_equal(f->alive.expansion.alive, 0);
  assert_int_equal(f->alive.count, 0);
  or_value_release(sequence);
  or_value_release(value);
}

static void a_view_holds_its_whole_buffer_once(void **state) {
  fixture_t *f = *state;
  or_tensor_t *whole = floats(f, 1000), *view = NULL;
  or_expect_ok(or_tensor_view(or_tensor_buffer(whole), 64, OR_FLOAT32, SHAPE(1), &view));
  or_value_t *part = held(f, view), *all = held(f, whole);
  or_expect_ok(or_alive_add(&f->alive, part));
  assert_int_equal(f->alive.expansion.alive, 4000 + OWN);
  or_expect_ok(or_alive_add(&f->alive, all));
  assert_int_equal(f->alive.expansion.alive, 4000 + 2 * OWN);
  or_alive_remove(&f->alive, all);
  or_alive_remove(&f->alive, part);
  assert_int_equal(f->alive.expansion.alive, 0);
  or_value_release(part);
  or_value_release(all);
}

static void what_a_caller_gives_counts_as_input_without_what_lies_around_it(void **state) {
  fixture_t *f = *state;
  or_tensor_t *whole = floats(f, 1000), *view = NULL;
  or_expect_ok(or_tensor_view(or_tensor_buffer(whole), 64, OR_FLOAT32, SHAPE(1), &view));
  or_value_t *part = held(f, view), *optional = NULL;
  or_expect_ok(or_value_optional(&f->allocator.base, part, &optional));
  f->alive.expansion.input_bytes = 0;
  or_expect_ok(or_alive_add_input(&f->alive, optional));
  assert_int_equal(f->alive.expansion.input_bytes, 4 + 2 * OWN + sizeof(void *));
  assert_int_equal(f->alive.expansion.alive, f->alive.expansion.input_bytes);
  or_expect_ok(or_alive_add_input(&f->alive, NULL));
  or_alive_remove(&f->alive, optional);
  assert_int_equal(f->alive.expansion.alive, 0);
  or_value_release(optional);
  or_value_release(part);
  or_tensor_release(whole);
}

/* More than fit without growing, taken out in another order than they were put in: a table that loses track of one
 * after others went would leave bytes behind. */
static void every_one_of_very_many_is_found_again(void **state) {
  fixture_t *f = *state;
  enum { COUNT = 1000 };
  or_value_t *values[COUNT];
  for (int i = 0; i < COUNT; ++i) {
    values[i] = held(f, floats(f, 1));
    or_expect_ok(or_alive_add(&f->alive, values[i]));
  }
  assert_int_equal(f->alive.expansion.alive, COUNT * (4 + OWN));
  for (int i = 0; i < COUNT; ++i) or_alive_remove(&f->alive, values[i * 7 % COUNT]);
  assert_int_equal(f->alive.expansion.alive, 0);
  assert_int_equal(f->alive.count, 0);
  or_alive_remove(&f->alive, values[0]); /* is not there */
  or_alive_remove(&f->alive, NULL);
  assert_int_equal(f->alive.expansion.alive, 0);
  for (int i = 0; i < COUNT; ++i) or_value_release(values[i]);
}

static void nothing_is_counted_where_there_is_no_memory_for_it(void **state) {
  fixture_t *f = *state;
  or_counting_allocator_t none;
  or_counting_allocator_init(&none, or_allocator_system(), 1);
  or_value_t *value = held(f, floats(f, 1));
  or_alive_t alive = {.expansion = {.limits = &f->limits}, .allocator = &none.base};
  or_expect_words(or_alive_add(&alive, value), OR_RESOURCE_EXHAUSTED, "");
  assert_int_equal(alive.expansion.alive, 0);
  or_alive_remove(&alive, value);
  or_alive_deinit(&alive);
  or_value_release(value);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_value_counts_once_however_many_have_it, setup, teardown),
      cmocka_unit_test_setup_teardown(a_view_holds_its_whole_buffer_once, setup, teardown),
      cmocka_unit_test_setup_teardown(what_a_caller_gives_counts_as_input_without_what_lies_around_it, setup, teardown),
      cmocka_unit_test_setup_teardown(every_one_of_very_many_is_found_again, setup, teardown),
      cmocka_unit_test_setup_teardown(nothing_is_counted_where_there_is_no_memory_for_it, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
