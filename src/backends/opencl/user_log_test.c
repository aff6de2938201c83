#include "backends/opencl/user_kernel_internal.h"
#include "base/string.h"
#include "base/testing.h"

static void expect_log(const char *source, const char *words, const char *expected) {
  char log[512];
  or_format(log, sizeof log, "%s", words);
  expect_ok(or_cl_user_log(or_allocator_system(), source, log, sizeof log));
  assert_string_equal(log, expected);
}

static void what_compilers_call_the_source_becomes_one_name(void **state) {
  (void)state;
  expect_log("x", "error: /root/.cache/kcache/tempfile_aiRnJd.cl:2:10: use of undeclared identifier 'y'\n",
             "error: kernel.cl:2:10: use of undeclared identifier 'y'\n");
  expect_log("x", "<kernel>:4:10: error: a\n  x[1] = y;\n<kernel>:5:1: error: b\n",
             "kernel.cl:4:10: error: a\n  x[1] = y;\nkernel.cl:5:1: error: b\n");
}

static void other_words_stay_as_they_are(void **state) {
  (void)state;
  expect_log("x", "", "");
  expect_log("x", "no place: a/b:2 <a:1 <> / /: 3 / 4", "no place: a/b:2 <a:1 <> / /: 3 / 4");
  expect_log("#include \"/opt/parts.h\"\n", "/opt/parts.h:7:1: error: c", "/opt/parts.h:7:1: error: c");
  expect_log("#line 5 \"mine.cl\"\n", "mine.cl:7:1: error: c", "mine.cl:7:1: error: c");
}

static void a_log_that_grows_is_cut_to_its_room(void **state) {
  (void)state;
  char log[16] = "<a>:1:2: wrong";
  expect_ok(or_cl_user_log(or_allocator_system(), "x", log, sizeof log));
  assert_string_equal(log, "kernel.cl:1:2: ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_compilers_call_the_source_becomes_one_name),
      cmocka_unit_test(other_words_stay_as_they_are),
      cmocka_unit_test(a_log_that_grows_is_cut_to_its_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
