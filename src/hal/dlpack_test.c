#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fake/expect.h"
#include "fake/fake.h"
#include "fake/rig.h"
#include "hal/dlpack_abi.h"
#include "hal/tensor.h"

static or_rig_t rig;
static or_device_t *far, *host;

static int set_up(void **state) {
  (void)state;
  or_fake_reset();
  or_fake_set_devices(2, false);
  or_fake_set_unified(1);
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  far = rig.devices[0];
  host = rig.devices[1];
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  assert_int_equal(or_device_counters(host).live_buffers, 0);
  or_rig_close(&rig);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static int deleted;

static void count_deletion(or_dl_managed_t *managed) {
  (void)managed;
  ++deleted;
}

static float numbers[6] = {0, 1, 2, 3, 4, 5};
static int64_t dims[] = {2, 3}, dense[] = {3, 1};

static or_dl_managed_t foreign(void) {
  deleted = 0;
  return (or_dl_managed_t){.tensor = {.data = numbers,
                                      .device = {OR_DL_CPU, 0},
                                      .rank = 2,
                                      .dtype = {OR_DL_FLOAT, 32, 1},
                                      .shape = dims,
                                      .strides = dense},
                           .deleter = count_deletion};
}

static void takes_foreign_memory_and_deletes_it_once(void **state) {
  (void)state;
  or_dl_managed_t managed = foreign();
  or_tensor_t *tensor = NULL;
  or_expect_ok(or_tensor_from_dlpack_on(host, &managed, &tensor));
  assert_ptr_equal(or_tensor_data(tensor), numbers);
  assert_int_equal(or_tensor_dtype(tensor), OR_FLOAT32);
  assert_int_equal(or_tensor_shape(tensor)->dims[1], 3);
  or_tensor_retain(tensor);
  or_tensor_release(tensor);
  assert_int_equal(deleted, 0);
  or_tensor_release(tensor);
  assert_int_equal(deleted, 1);

  managed = foreign();
  managed.tensor.byte_offset = 4;
  managed.tensor.rank = 1;
  managed.tensor.strides = NULL;
  managed.deleter = NULL;
  or_expect_ok(or_tensor_from_dlpack_on(host, &managed, &tensor));
  assert_ptr_equal(or_tensor_data(tensor), numbers + 1);
  or_tensor_release(tensor);
}

static void ignores_strides_that_say_nothing(void **state) {
  (void)state;
  or_dl_managed_t managed = foreign();
  or_tensor_t *tensor = NULL;
  int64_t one[] = {1, 6}, odd[] = {99, 1}, none[] = {0, 3};
  managed.tensor.shape = one;
  managed.tensor.strides = odd;
  or_expect_ok(or_tensor_from_dlpack_on(host, &managed, &tensor));
  or_tensor_release(tensor);
  managed.tensor.shape = none;
  managed.tensor.data = NULL;
  or_expect_ok(or_tensor_from_dlpack_on(host, &managed, &tensor));
  assert_int_equal(or_tensor_count(tensor), 0);
  or_tensor_release(tensor);
}

static void leaves_what_it_refuses_to_the_caller(void **state) {
  (void)state;
  or_tensor_t *tensor = NULL;
  int64_t transposed[] = {1, 2}, negative[] = {2, -3};
  or_dl_managed_t cases[9];
  for (int i = 0; i < 9; ++i) cases[i] = foreign();
  cases[0].tensor.device.type = 2;
  cases[1].tensor.dtype.lanes = 4;
  cases[2].tensor.dtype.bits = 12;
  cases[3].tensor.strides = transposed;
  cases[4].tensor.rank = 17;
  cases[5].tensor.rank = -1;
  cases[6].tensor.shape = negative;
  cases[7].tensor.byte_offset = 2;
  cases[8].tensor.shape = NULL;
  static const or_status_code_t codes[] = {OR_UNIMPLEMENTED,    OR_UNIMPLEMENTED,    OR_UNIMPLEMENTED,
                                           OR_UNIMPLEMENTED,    OR_INVALID_ARGUMENT, OR_INVALID_ARGUMENT,
                                           OR_INVALID_ARGUMENT, OR_INVALID_ARGUMENT, OR_INVALID_ARGUMENT};
  for (int i = 0; i < 9; ++i) {
    or_expect_words(or_tensor_from_dlpack_on(host, &cases[i], &tensor), codes[i], "DLPack");
    assert_null(tensor);
  }
  or_expect(or_tensor_from_dlpack_on(host, NULL, &tensor), OR_INVALID_ARGUMENT);
  assert_int_equal(deleted, 0);
}

static void goes_out_and_comes_back_with_every_dtype(void **state) {
  (void)state;
  static const or_dtype_t dtypes[] = {
      OR_INT8,      OR_INT16,      OR_INT32,   OR_INT64,        OR_UINT8,          OR_UINT16,
      OR_UINT32,    OR_UINT64,     OR_FLOAT16, OR_FLOAT32,      OR_FLOAT64,        OR_BFLOAT16,
      OR_COMPLEX64, OR_COMPLEX128, OR_BOOL,    OR_FLOAT8E4M3FN, OR_FLOAT8E5M2FNUZ, OR_FLOAT8E8M0,
  };
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; ++i) {
    or_tensor_t *tensor = NULL, *back = NULL;
    void *managed = NULL;
    or_expect_ok(or_tensor_create(host, dtypes[i], or_shape_make(2, dims), &tensor));
    const void *data = or_tensor_data(tensor);
    or_expect_ok(or_tensor_to_dlpack(tensor, &managed));
    or_tensor_release(tensor); /* what went out holds it */
    const or_dl_tensor_t *out = &((or_dl_managed_t *)managed)->tensor;
    assert_int_equal(out->rank, 2);
    assert_int_equal(out->strides[0], 3);
    assert_int_equal(out->strides[1], 1);
    or_expect_ok(or_tensor_from_dlpack_on(host, managed, &back));
    assert_int_equal(or_tensor_dtype(back), dtypes[i]);
    assert_true(or_shape_equal(or_tensor_shape(back), &(or_shape_t){.rank = 2, .dims = {2, 3}}));
    assert_ptr_equal(or_tensor_data(back), data);
    assert_int_equal(or_device_counters(host).live_buffers, 2);
    or_tensor_release(back);
    assert_int_equal(or_device_counters(host).live_buffers, 0);
  }
}

static void keeps_what_no_other_library_can_read(void **state) {
  (void)state;
  or_tensor_t *tensor = NULL;
  void *managed = NULL;
  or_expect_ok(or_tensor_create(far, OR_FLOAT32, or_shape_make(2, dims), &tensor));
  or_expect_words(or_tensor_to_dlpack(tensor, &managed), OR_UNIMPLEMENTED, "fake_0");
  or_tensor_release(tensor);
  or_expect_ok(or_tensor_create(host, OR_INT4, or_shape_make(2, dims), &tensor));
  or_expect_words(or_tensor_to_dlpack(tensor, &managed), OR_UNIMPLEMENTED, "int4");
  assert_null(managed);
  or_tensor_release(tensor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(takes_foreign_memory_and_deletes_it_once), TEST(ignores_strides_that_say_nothing),
      TEST(leaves_what_it_refuses_to_the_caller),     TEST(goes_out_and_comes_back_with_every_dtype),
      TEST(keeps_what_no_other_library_can_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
