#include "backends/opencl/user_kernel_internal.h"
#include "base/testing.h"

static void expect_type(const char *name, or_dtype_t dtype, uint32_t width) {
  or_dtype_t got = OR_DTYPE_NONE;
  uint32_t elements = 0;
  const bool known = or_cl_user_type(name, &got, &elements);
  if (known != (dtype != OR_DTYPE_NONE) || got != dtype || elements != width)
    fail_msg("\"%s\" is read as %s of %u", name, or_dtype_name(got), elements);
}

static void names_of_numbers_and_vectors_are_known(void **state) {
  (void)state;
  expect_type("float", OR_FLOAT32, 1);
  expect_type("float*", OR_FLOAT32, 1);
  expect_type("float4 *", OR_FLOAT32, 4);
  expect_type("const uchar16*", OR_UINT8, 16);
  expect_type("unsigned int", OR_UINT32, 1);
  expect_type("unsigned char *", OR_UINT8, 1);
  expect_type("volatile short3*", OR_INT16, 3);
  expect_type("signed char", OR_INT8, 1);
  expect_type("long8", OR_INT64, 8);
  expect_type("ulong", OR_UINT64, 1);
  expect_type("double2", OR_FLOAT64, 2);
  expect_type("half", OR_FLOAT16, 1);
}

static void other_names_are_none_of_the_languages(void **state) {
  (void)state;
  static const char *const names[] = {"",        "struct point", "real*",     "float5", "float01", "int32",
                                      "float44", "sampler_t",    "image2d_t", "4",      "void*",   "uuint"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) expect_type(names[i], OR_DTYPE_NONE, 1);
}

static void a_long_name_is_cut_and_unknown(void **state) {
  (void)state;
  char name[300];
  memset(name, 'f', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  expect_type(name, OR_DTYPE_NONE, 1);
  memset(name, ' ', sizeof name - 1);
  expect_type(name, OR_DTYPE_NONE, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_of_numbers_and_vectors_are_known),
      cmocka_unit_test(other_names_are_none_of_the_languages),
      cmocka_unit_test(a_long_name_is_cut_and_unknown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
