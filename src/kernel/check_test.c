/* Launches against a signature; nothing runs. */
#include <math.h>
#include <stdio.h>

#include "base/numbers.h"
#include "base/testing.h"
#include "kernel/kernel_internal.h"
#include "runtime/runtime.h"

static or_runtime_t *runtime;
static or_kernel_t kernel;
static or_kernel_parameter_t parameters[4];

/* What was found wrong. */
static struct {
  int count, index;
  char where[16], message[256];
} found;

static void note(void *self, const char *where, int index, const char *message) {
  (void)self;
  if (found.count++ > 0) return; /* the first */
  found.index = index;
  (void)snprintf(found.where, sizeof found.where, "%s", where);
  (void)snprintf(found.message, sizeof found.message, "%s", message);
}

static int set_up(void **state) {
  (void)state;
  expect_ok(or_runtime_create(NULL, &runtime));
  memset(&kernel, 0, sizeof kernel);
  kernel.facts = (or_kernel_facts_t){.parameters = parameters,
                                     .parameter_count = 1,
                                     .max_block = 256,
                                     .max_blocks = {256, 128, 64},
                                     .local_bytes = 1024};
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_runtime_release(runtime);
  return 0;
}

#define GOOD_GRID                           \
  {                                         \
    .grid = {1, 1, 1}, .block = { 1, 1, 1 } \
  }

static bool check_grid_of(or_kernel_grid_t grid) {
  memset(&found, 0, sizeof found);
  kernel.facts.parameter_count = 0;
  return or_kernel_check(&kernel, &(or_kernel_launch_t){.grid = grid}, note, NULL);
}

static bool check_arguments(const or_kernel_argument_t *arguments, uint32_t count) {
  memset(&found, 0, sizeof found);
  return or_kernel_check(
      &kernel, &(or_kernel_launch_t){.grid = GOOD_GRID, .arguments = arguments, .argument_count = count}, note, NULL);
}

static void expect_problem(const char *where, int index, const char *words) {
  assert_true(found.count > 0);
  assert_string_equal(found.where, where);
  assert_int_equal(found.index, index);
  if (strstr(found.message, words) == NULL) fail_msg("\"%s\" lacks \"%s\"", found.message, words);
}

static void a_block_that_the_source_asks_for_is_the_only_one(void **state) {
  (void)state;
  memcpy(kernel.facts.required_block, (const uint32_t[]){8, 4, 1}, sizeof kernel.facts.required_block);
  assert_true(check_grid_of((or_kernel_grid_t){{3, 1, 1}, {8, 4, 1}}));
  assert_false(check_grid_of((or_kernel_grid_t){{3, 1, 1}, {8, 1, 1}}));
  expect_problem("block", 1, "8 x 4 x 1");
  assert_int_equal(found.count, 1);
  assert_false(check_grid_of((or_kernel_grid_t){{3, 1, 1}, {1, 4, 1}}));
  expect_problem("block", 0, "8 x 4 x 1");
}

static void grids_and_blocks_have_bounds(void **state) {
  (void)state;
  assert_true(check_grid_of((or_kernel_grid_t)GOOD_GRID));
  assert_true(check_grid_of((or_kernel_grid_t){{1u << 20, 1u << 20, 1}, {16, 16, 1}}));
  assert_false(check_grid_of((or_kernel_grid_t){{1, 0, 1}, {1, 1, 1}}));
  expect_problem("grid", 1, "at least 1");
  assert_false(check_grid_of((or_kernel_grid_t){{1, 1, 1}, {1, 1, 0}}));
  expect_problem("block", 2, "at least 1");
  assert_false(check_grid_of((or_kernel_grid_t){{1, 1, 1}, {1, 129, 1}}));
  expect_problem("block", 1, "at most 128");
  assert_false(check_grid_of((or_kernel_grid_t){{1, 1, 1}, {32, 16, 1}}));
  expect_problem("block", 1, "512 work items in a block; this kernel takes at most 256");
  assert_false(check_grid_of((or_kernel_grid_t){{UINT64_MAX, UINT64_MAX, UINT64_MAX}, {1, 1, 1}}));
  expect_problem("grid", 0, "2^63");
  assert_false(check_grid_of((or_kernel_grid_t){{1ull << 31, 1ull << 31, 2}, {1, 1, 1}}));
  expect_problem("grid", 2, "2^63");
  assert_false(or_kernel_check(&kernel, &(or_kernel_launch_t){.grid = {{0, 1, 1}, {1, 1, 1}}}, NULL, NULL));
}

static void the_count_of_arguments_is_the_kernels(void **state) {
  (void)state;
  const or_kernel_argument_t two[2] = {{.is_number = true}, {.is_number = true}};
  parameters[0] = (or_kernel_parameter_t){.name = "n", .type = "int", .dtype = OR_INT32, .width = 1};
  assert_false(check_arguments(two, 2));
  expect_problem("arguments", -1, "2 were given; the kernel takes 1 (n)");
  assert_true(check_arguments(two, 1));
}

static or_tensor_t *tensor_of(or_dtype_t dtype, int64_t count) {
  or_tensor_t *tensor = NULL;
  expect_ok(or_tensor_create(or_runtime_host_device(runtime), dtype, or_shape_make(1, &count), &tensor));
  memset((void *)(uintptr_t)or_tensor_data(tensor), 1, or_tensor_bytes(tensor));
  return tensor;
}

static bool check_tensor(or_dtype_t dtype, int64_t count) {
  or_tensor_t *tensor = tensor_of(dtype, count);
  const or_kernel_argument_t argument = {.tensor = tensor};
  const bool right = check_arguments(&argument, 1);
  or_tensor_release(tensor);
  return right;
}

static void buffers_take_tensors_of_their_type_and_whole_vectors(void **state) {
  (void)state;
  const or_kernel_argument_t number = {.is_number = true, .real = 1}, nothing = {.tensor = NULL};
  parameters[0] = (or_kernel_parameter_t){
      .name = "x", .type = "float4*", .role = OR_KERNEL_BUFFER, .dtype = OR_FLOAT32, .width = 4};
  assert_true(check_tensor(OR_FLOAT32, 8));
  assert_false(check_tensor(OR_FLOAT32, 6));
  expect_problem("arguments", 0, "24 bytes for x; a multiple of 16 is needed (float4*)");
  assert_false(check_tensor(OR_INT32, 8));
  expect_problem("arguments", 0, "x is float32 (float4*); a tensor of int32 was given");
  assert_false(check_tensor(OR_FLOAT32, 0));
  expect_problem("arguments", 0, "no elements");
  assert_false(check_arguments(&number, 1));
  expect_problem("arguments", 0, "takes a tensor");
  assert_false(check_arguments(&nothing, 1));
  parameters[0].width = 3; /* takes the room of four */
  assert_false(check_tensor(OR_FLOAT32, 3));
  assert_true(check_tensor(OR_FLOAT32, 4));
  parameters[0].dtype = OR_DTYPE_NONE;
  parameters[0].width = 1;
  assert_true(check_tensor(OR_INT8, 5));
}

static bool check_number(or_dtype_t dtype, double real) {
  const or_kernel_argument_t argument = {.is_number = true, .real = real};
  parameters[0] = (or_kernel_parameter_t){.name = "a", .type = "a type", .dtype = dtype, .width = 1};
  return check_arguments(&argument, 1);
}

static bool check_integer(or_dtype_t dtype, int64_t integer) {
  const or_kernel_argument_t argument = {.is_number = true, .is_integer = true, .integer = integer};
  parameters[0] = (or_kernel_parameter_t){.name = "a", .type = "a type", .dtype = dtype, .width = 1};
  return check_arguments(&argument, 1);
}

static bool check_unsigned(or_dtype_t dtype, uint64_t integer) {
  const or_kernel_argument_t argument = {
      .is_number = true, .is_integer = true, .is_unsigned = true, .integer = (int64_t)integer};
  parameters[0] = (or_kernel_parameter_t){.name = "a", .type = "a type", .dtype = dtype, .width = 1};
  return check_arguments(&argument, 1);
}

static bool check_rounded(or_dtype_t dtype, double real) {
  const or_kernel_argument_t argument = {.is_number = true, .is_rounded = true, .real = real};
  parameters[0] = (or_kernel_parameter_t){.name = "a", .type = "a type", .dtype = dtype, .width = 1};
  return check_arguments(&argument, 1);
}

static void numbers_fit_exactly_or_not_at_all(void **state) {
  (void)state;
  assert_true(check_integer(OR_INT8, -128));
  assert_false(check_integer(OR_INT8, -129));
  assert_false(check_integer(OR_INT8, 128));
  expect_problem("arguments", 0, "128 does not fit a, which is a type");
  assert_true(check_integer(OR_UINT8, 255));
  assert_false(check_integer(OR_UINT8, 256));
  assert_false(check_integer(OR_UINT8, -1));
  assert_true(check_integer(OR_INT64, INT64_MIN));
  assert_false(check_integer(OR_UINT64, -1));
  assert_true(check_integer(OR_FLOAT32, INT64_MAX));
  assert_true(check_unsigned(OR_UINT64, UINT64_MAX));
  assert_true(check_unsigned(OR_FLOAT32, UINT64_MAX));
  assert_true(check_unsigned(OR_INT8, 127));
  assert_false(check_unsigned(OR_INT64, (uint64_t)1 << 63));
  expect_problem("arguments", 0, "9223372036854775808 does not fit a");
  assert_true(check_number(OR_INT32, 2147483647.0));
  assert_false(check_number(OR_INT32, 2147483648.0));
  assert_false(check_number(OR_INT32, 0.5));
  expect_problem("arguments", 0, "0.5 does not fit");
  assert_false(check_number(OR_INT32, NAN));
  assert_true(check_number(OR_UINT64, 0x1p63));
  assert_false(check_number(OR_UINT64, 0x1p64));
  assert_false(check_number(OR_INT64, 0x1p63));
  assert_true(check_number(OR_INT64, -0x1p63));
  assert_false(check_rounded(OR_INT64, -0x1p63)); /* written as -2^63 - 1 */
  expect_problem("arguments", 0, "about -9.22337e+18 does not fit a");
  assert_true(check_rounded(OR_FLOAT64, -0x1p63));
  assert_true(check_number(OR_FLOAT32, 0.1));
  assert_true(check_number(OR_FLOAT32, INFINITY));
  assert_true(check_number(OR_FLOAT32, NAN));
  assert_false(check_number(OR_FLOAT32, 1e39));
  assert_true(check_number(OR_FLOAT64, 1e300));
  assert_true(check_number(OR_FLOAT16, 65504));
  assert_false(check_number(OR_FLOAT16, 70000));
}

static void a_numbers_bytes_are_the_parameters_own(void **state) {
  (void)state;
  const or_kernel_parameter_t byte = {.name = "a", .type = "char", .dtype = OR_INT8, .width = 1},
                              half = {.name = "a", .type = "half", .dtype = OR_FLOAT16, .width = 1},
                              wide = {.name = "a", .type = "ulong", .dtype = OR_UINT64, .width = 1};
  or_kernel_scalar_t scalar;
  char words[64];
  assert_true(or_kernel_scalar(&byte, &(or_kernel_argument_t){.is_number = true, .is_integer = true, .integer = -2},
                               &scalar, words, sizeof words));
  assert_int_equal(scalar.length, 1);
  assert_int_equal(scalar.bytes[0], 0xfe);
  assert_true(
      or_kernel_scalar(&half, &(or_kernel_argument_t){.is_number = true, .real = 1.5}, &scalar, words, sizeof words));
  uint16_t bits = 0;
  assert_int_equal(scalar.length, sizeof bits);
  memcpy(&bits, scalar.bytes, sizeof bits);
  assert_int_equal(bits, 0x3e00); /* IEEE 754: 1.1b times 2 to the 0 */
  assert_true(or_kernel_scalar(&wide, &(or_kernel_argument_t){.is_number = true, .real = 0x1p63}, &scalar, words,
                               sizeof words));
  uint64_t big = 0;
  assert_int_equal(scalar.length, sizeof big);
  memcpy(&big, scalar.bytes, sizeof big);
  assert_true(big == (uint64_t)1 << 63);
  const or_kernel_argument_t largest = {.is_number = true, .is_integer = true, .is_unsigned = true, .integer = -2};
  assert_true(or_kernel_scalar(&wide, &largest, &scalar, words, sizeof words));
  memcpy(&big, scalar.bytes, sizeof big);
  assert_true(big == UINT64_MAX - 1);
  const or_kernel_parameter_t real = {.name = "a", .type = "double", .dtype = OR_FLOAT64, .width = 1};
  double value = 0;
  assert_true(or_kernel_scalar(&real, &largest, &scalar, words, sizeof words));
  memcpy(&value, scalar.bytes, sizeof value);
  assert_true(value == 0x1p64);
}

static void vectors_by_value_take_tensors_of_as_many_elements(void **state) {
  (void)state;
  const or_kernel_argument_t number = {.is_number = true, .real = 1};
  parameters[0] = (or_kernel_parameter_t){.name = "v", .type = "int3", .dtype = OR_INT32, .width = 3};
  assert_true(check_tensor(OR_INT32, 3));
  assert_false(check_tensor(OR_INT32, 4));
  expect_problem("arguments", 0, "it takes 3 elements of int32; 4 of int32 were given");
  assert_false(check_tensor(OR_UINT32, 3));
  assert_false(check_arguments(&number, 1));
  expect_problem("arguments", 0, "tensor of as many elements");
  or_tensor_t *tensor = tensor_of(OR_INT32, 3);
  or_kernel_scalar_t scalar;
  char words[64];
  assert_true(
      or_kernel_scalar(&parameters[0], &(or_kernel_argument_t){.tensor = tensor}, &scalar, words, sizeof words));
  assert_int_equal(scalar.length, 16); /* a vector of three has the room of four */
  or_tensor_release(tensor);
}

static void local_memory_is_shared_by_its_parameters(void **state) {
  (void)state;
  kernel.facts.parameter_count = 2;
  for (int i = 0; i < 2; ++i) {
    parameters[i] = (or_kernel_parameter_t){
        .name = i == 0 ? "s" : "t", .type = "float*", .role = OR_KERNEL_LOCAL, .dtype = OR_FLOAT32, .width = 1};
  }
  assert_true(check_arguments((or_kernel_argument_t[]){{.local_bytes = 512}, {.local_bytes = 512}}, 2));
  assert_false(check_arguments((or_kernel_argument_t[]){{.local_bytes = 1000}, {.local_bytes = 28}}, 2));
  expect_problem("arguments", 1, "28 bytes of local memory for t; a block has 24 of 1024 left");
  assert_false(check_arguments((or_kernel_argument_t[]){{.local_bytes = 0}, {.local_bytes = 4}}, 2));
  expect_problem("arguments", 0, "at least 1");
  assert_false(check_arguments((or_kernel_argument_t[]){{.local_bytes = 6}, {.local_bytes = 4}}, 2));
  expect_problem("arguments", 0, "a multiple of 4");
  assert_false(check_arguments((or_kernel_argument_t[]){{.local_bytes = 4, .is_number = true}, {.local_bytes = 4}}, 2));
  expect_problem("arguments", 0, "one thing");
}

static void every_problem_is_told(void **state) {
  (void)state;
  const or_kernel_argument_t wrong[2] = {{.is_number = true, .real = 0.5}, {.tensor = NULL}};
  kernel.facts.parameter_count = 2;
  parameters[0] = (or_kernel_parameter_t){.name = "n", .type = "int", .dtype = OR_INT32, .width = 1};
  parameters[1] =
      (or_kernel_parameter_t){.name = "x", .type = "int*", .role = OR_KERNEL_BUFFER, .dtype = OR_INT32, .width = 1};
  memset(&found, 0, sizeof found);
  assert_false(or_kernel_check(
      &kernel, &(or_kernel_launch_t){.grid = {{0, 1, 1}, {1, 1, 0}}, .arguments = wrong, .argument_count = 2}, note,
      NULL));
  assert_int_equal(found.count, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(a_block_that_the_source_asks_for_is_the_only_one),
      TEST(grids_and_blocks_have_bounds),
      TEST(the_count_of_arguments_is_the_kernels),
      TEST(buffers_take_tensors_of_their_type_and_whole_vectors),
      TEST(numbers_fit_exactly_or_not_at_all),
      TEST(a_numbers_bytes_are_the_parameters_own),
      TEST(vectors_by_value_take_tensors_of_as_many_elements),
      TEST(local_memory_is_shared_by_its_parameters),
      TEST(every_problem_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
