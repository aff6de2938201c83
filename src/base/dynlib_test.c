#include "base/dynlib.h"

#include <math.h>

#include "base/testing.h"

#if defined(__APPLE__)
#define MATH_LIBRARY "/usr/lib/libm.dylib"
#else
#define MATH_LIBRARY "libm.so.6"
#endif

static double (*cosine)(double);
static void *nothing;

static void fills_the_table_from_the_first_library_that_loads(void **state) {
  (void)state;
  const char *const names[] = {"libopenruntime-does-not-exist.so", MATH_LIBRARY, NULL};
  const or_dynlib_symbol_t symbols[] = {{"cos", (void **)(void *)&cosine, true}, {"no_such_function", &nothing, false}};
  void *handle = NULL, *again = NULL;
  nothing = &handle;
  expect_ok(or_dynlib_open(names, symbols, 2, &handle));
  assert_non_null(handle);
  assert_null(nothing);
  assert_true(fabs(cosine(0) - 1) < 1e-15);
  expect_ok(or_dynlib_open(names, symbols, 2, &again));
  assert_ptr_equal(handle, again);
}

static void names_the_library_and_the_symbol_that_are_missing(void **state) {
  (void)state;
  const char *const absent[] = {"libopenruntime-does-not-exist.so", NULL}, *const none[] = {NULL},
                    *const there[] = {MATH_LIBRARY, NULL};
  const or_dynlib_symbol_t symbols[] = {{"cos", (void **)(void *)&cosine, true}, {"no_such_function", &nothing, true}};
  void *handle = &handle;
  expect_failure(or_dynlib_open(absent, symbols, 2, &handle), OR_UNAVAILABLE,
                 "\"libopenruntime-does-not-exist.so\" can't be loaded");
  assert_null(handle);
  expect_failure(or_dynlib_open(none, symbols, 2, &handle), OR_UNAVAILABLE, "can't be loaded");
  expect_failure(or_dynlib_open(there, symbols, 2, &handle), OR_UNAVAILABLE, "lacks no_such_function");
  assert_null(handle);
  assert_null(cosine);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fills_the_table_from_the_first_library_that_loads),
      cmocka_unit_test(names_the_library_and_the_symbol_that_are_missing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
