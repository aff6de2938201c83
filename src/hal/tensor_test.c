#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fake/expect.h"
#include "fake/fake.h"
#include "fake/rig.h"
#include "hal/tensor.h"
#include "openruntime/value.h"

static or_rig_t rig;
static or_device_t *far, *other, *host; /* two with memory of their own, one with the host's */

static int set_up(void **state) {
  (void)state;
  or_fake_reset();
  or_fake_set_devices(3, false);
  or_fake_set_unified(2);
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  far = rig.devices[0];
  other = rig.devices[1];
  host = rig.devices[2];
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (int i = 0; i < 3; ++i) assert_int_equal(or_device_counters(rig.devices[i]).live_buffers, 0);
  or_rig_close(&rig);
  assert_int_equal(or_fake_live_bytes(), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_shape_t shape(size_t rank, int64_t a, int64_t b, int64_t c) {
  int64_t dims[] = {a, b, c};
  return or_shape_make(rank, dims);
}

static void knows_its_layout(void **state) {
  (void)state;
  or_tensor_t *tensor = NULL;
  or_expect_ok(or_tensor_create(far, OR_FLOAT16, shape(3, 2, 3, 5), &tensor));
  assert_int_equal(or_tensor_dtype(tensor), OR_FLOAT16);
  assert_int_equal(or_tensor_count(tensor), 30);
  assert_int_equal(or_tensor_bytes(tensor), 60);
  assert_int_equal(or_tensor_offset(tensor), 0);
  assert_int_equal(or_tensor_shape(tensor)->rank, 3);
  assert_int_equal(or_tensor_shape(tensor)->dims[2], 5);
  assert_ptr_equal(or_tensor_device(tensor), far);
  assert_int_equal(or_buffer_bytes(or_tensor_buffer(tensor)), 60);
  assert_null(or_tensor_data(tensor));
  or_tensor_retain(tensor);
  or_tensor_release(tensor);
  or_tensor_release(tensor);
  or_tensor_release(NULL);
  or_expect_ok(or_tensor_create(host, OR_INT4, shape(1, 5, 0, 0), &tensor));
  assert_int_equal(or_tensor_bytes(tensor), 3);
  assert_non_null(or_tensor_data(tensor));
  or_tensor_release(tensor);
  or_expect_ok(or_tensor_create(host, OR_FLOAT32, shape(2, 0, 7, 0), &tensor));
  assert_int_equal(or_tensor_count(tensor), 0);
  assert_non_null(or_tensor_data(tensor));
  or_tensor_release(tensor);
}

static void refuses_shapes_that_are_none(void **state) {
  (void)state;
  or_tensor_t *tensor = NULL;
  or_expect(or_tensor_create(far, OR_DTYPE_NONE, shape(1, 1, 0, 0), &tensor), OR_INVALID_ARGUMENT);
  or_expect(or_tensor_create(far, (or_dtype_t)99, shape(1, 1, 0, 0), &tensor), OR_INVALID_ARGUMENT);
  or_expect_words(or_tensor_create(far, OR_FLOAT32, shape(2, 3, -1, 0), &tensor), OR_INVALID_ARGUMENT, "dimension 1");
  or_shape_t unknown = {.rank = OR_RANK_UNKNOWN}, deep = {.rank = OR_MAX_RANK + 1};
  or_expect(or_tensor_create(far, OR_FLOAT32, unknown, &tensor), OR_INVALID_ARGUMENT);
  or_expect(or_tensor_create(far, OR_FLOAT32, deep, &tensor), OR_INVALID_ARGUMENT);
  or_expect(or_tensor_create(far, OR_FLOAT32, shape(2, INT64_MAX, 2, 0), &tensor), OR_OUT_OF_RANGE);
  or_expect(or_tensor_create(far, OR_FLOAT64, shape(1, INT64_MAX, 0, 0), &tensor), OR_OUT_OF_RANGE);
  assert_null(tensor);
  assert_int_equal(or_fake_calls(OR_FAKE_ALLOC), 0);
}

static void takes_and_gives_data(void **state) {
  (void)state;
  float data[6] = {1, 2, 3, 4, 5, 6}, back[7] = {0};
  or_tensor_t *tensor = NULL;
  or_expect_words(or_tensor_create_from(far, OR_FLOAT32, shape(2, 2, 3, 0), data, 20, &tensor), OR_INVALID_ARGUMENT,
                  "takes 24 bytes, 20 were given");
  or_fake_fail(OR_FAKE_WRITE, 1, OR_INTERNAL);
  or_expect(or_tensor_create_from(far, OR_FLOAT32, shape(2, 2, 3, 0), data, 24, &tensor), OR_INTERNAL);
  assert_null(tensor);
  or_expect_ok(or_tensor_create_from(far, OR_FLOAT32, shape(2, 2, 3, 0), data, 24, &tensor));
  or_expect_ok(or_tensor_read(tensor, back, sizeof back));
  assert_memory_equal(data, back, 24);
  assert_true(back[6] == 0);
  or_expect_words(or_tensor_read(tensor, back, 23), OR_OUT_OF_RANGE, "24 bytes");
  or_tensor_release(tensor);
}

static void views_a_part_of_a_buffer(void **state) {
  (void)state;
  or_buffer_t *buffer = NULL;
  or_tensor_t *tensor = NULL;
  int32_t values[] = {10, 11, 12, 13}, back[2] = {0};
  or_expect_ok(or_buffer_create(far, 16, &buffer));
  or_expect_ok(or_buffer_write(buffer, 0, values, 16));
  or_expect(or_tensor_view(buffer, 12, OR_INT32, shape(1, 2, 0, 0), &tensor), OR_OUT_OF_RANGE);
  or_expect(or_tensor_view(buffer, SIZE_MAX - 3, OR_INT32, shape(1, 2, 0, 0), &tensor), OR_OUT_OF_RANGE);
  or_expect_words(or_tensor_view(buffer, 2, OR_INT32, shape(1, 2, 0, 0), &tensor), OR_INVALID_ARGUMENT, "4 bytes");
  or_expect_ok(or_tensor_view(buffer, 4, OR_INT32, shape(1, 2, 0, 0), &tensor));
  or_buffer_release(buffer); /* the view holds it */
  assert_int_equal(or_tensor_offset(tensor), 4);
  or_expect_ok(or_tensor_read(tensor, back, 8));
  assert_int_equal(back[0], 11);
  assert_int_equal(back[1], 12);
  or_tensor_t *copy = NULL;
  or_expect_ok(or_tensor_copy_to(tensor, other, &copy));
  assert_int_equal(or_tensor_offset(copy), 0);
  memset(back, 0, sizeof back);
  or_expect_ok(or_tensor_read(copy, back, 8));
  assert_int_equal(back[1], 12);
  or_tensor_release(copy);
  or_tensor_release(tensor);
}

static void count_release(void *self) { ++*(int *)self; }

static void wraps_memory_aligned_to_its_dtype_only(void **state) {
  (void)state;
  static _Alignas(64) char memory[64];
  int released = 0;
  or_owner_t owner = {.self = &released, .release = count_release};
  or_tensor_t *tensor = NULL;
  or_expect_ok(or_tensor_wrap_on(host, OR_FLOAT32, shape(1, 3, 0, 0), memory + 4, owner, &tensor));
  assert_ptr_equal(or_tensor_data(tensor), memory + 4);
  or_tensor_t *same = NULL, *copy = NULL;
  or_expect_ok(or_tensor_copy_to(tensor, host, &same));
  assert_ptr_equal(same, tensor);
  or_expect_ok(or_tensor_copy_to(tensor, far, &copy));
  or_tensor_release(copy);
  or_tensor_release(same);
  assert_int_equal(released, 0);
  or_tensor_release(tensor);
  assert_int_equal(released, 1);
  or_expect(or_tensor_wrap_on(host, OR_FLOAT32, shape(1, 3, 0, 0), memory + 2, owner, &tensor), OR_INVALID_ARGUMENT);
  or_expect(or_tensor_wrap_on(host, OR_FLOAT32, shape(1, -3, 0, 0), memory, owner, &tensor), OR_INVALID_ARGUMENT);
  or_expect(or_tensor_wrap_on(far, OR_FLOAT32, shape(1, 3, 0, 0), memory, owner, &tensor), OR_UNIMPLEMENTED);
  or_expect_ok(or_tensor_wrap_on(host, OR_COMPLEX128, shape(1, 3, 0, 0), memory + 8, (or_owner_t){0}, &tensor));
  or_tensor_release(tensor);
  assert_int_equal(released, 1);
}

static void owns_the_text_of_strings(void **state) {
  (void)state;
  char word[] = "pear";
  or_string_t strings[] = {{"apple", 5}, {NULL, 0}, {word, 4}};
  or_tensor_t *tensor = NULL, *copy = NULL;
  or_expect_ok(or_tensor_create_from(host, OR_STRING, shape(1, 3, 0, 0), strings, sizeof strings, &tensor));
  word[0] = 'B';
  const or_string_t *own = or_tensor_data(tensor);
  assert_int_equal(own[1].length, 0);
  assert_int_equal(own[2].length, 4);
  assert_memory_equal(own[2].data, "pear", 4);
  or_expect_words(or_tensor_copy_to(tensor, far, &copy), OR_UNIMPLEMENTED, "fake_0");
  or_tensor_release(tensor);
}

static or_status_t make_all(const or_allocator_t *allocator) {
  or_rig_t own;
  static _Alignas(64) char memory[64];
  int released = 0;
  or_tensor_t *a = NULL, *b = NULL, *c = NULL;
  or_value_t *value = NULL, *sequence = NULL, *optional = NULL;
  or_status_t status = or_rig_open(&own, allocator, or_fake_entry, NULL);
  if (!or_ok(status)) return status;
  status = or_tensor_create_from(own.devices[0], OR_INT8, shape(1, 64, 0, 0), memory, 64, &a);
  if (or_ok(status)) status = or_tensor_copy_to(a, own.devices[1], &b);
  bool wrapped = false;
  or_owner_t owner = {.self = &released, .release = count_release};
  if (or_ok(status)) {
    status = or_tensor_wrap_on(own.devices[2], OR_INT8, shape(1, 64, 0, 0), memory, owner, &c);
    wrapped = or_ok(status);
  }
  if (or_ok(status)) status = or_value_from_tensor(allocator, a, &value);
  if (or_ok(status)) status = or_value_sequence(allocator, &value, 1, &sequence);
  if (or_ok(status)) status = or_value_optional(allocator, sequence, &optional);
  or_value_release(optional);
  or_value_release(sequence);
  or_value_release(value);
  or_tensor_release(a);
  or_tensor_release(b);
  or_tensor_release(c);
  or_rig_close(&own);
  assert_int_equal(released, wrapped);
  return status;
}

static void gives_everything_back_when_the_nth_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    or_status_t status = make_all(&counting.base);
    bool done = or_ok(status);
    or_expect(status, done ? OR_OK : OR_RESOURCE_EXHAUSTED);
    assert_int_equal(counting.live_bytes, 0);
    assert_true(counting.triggered == !done);
    if (done) break;
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(knows_its_layout),
      TEST(refuses_shapes_that_are_none),
      TEST(takes_and_gives_data),
      TEST(views_a_part_of_a_buffer),
      TEST(owns_the_text_of_strings),
      TEST(wraps_memory_aligned_to_its_dtype_only),
      TEST(gives_everything_back_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
