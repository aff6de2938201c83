#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"
#include "ops/strings.h"

static void joins_texts_broadcast(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "StringConcat", 20);
  call_input(&f, OR_STRING, SHAPE(2, 1), STRINGS(TEXT("abc"), TEXT("")));
  call_input(&f, OR_STRING, SHAPE(2), STRINGS(TEXT(".com"), TEXT("\xc3\xa4")));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_STRING, SHAPE(2, 2));
  expect_strings(&f, 0, TEXTS("abc.com", "abc\xc3\xa4", ".com", "\xc3\xa4"));
  assert_true(f.call.op->cost(&f.call).bytes_written == 4 * sizeof(or_string_t));
  call_deinit(&f);
  call_init(&f, "", "StringConcat", 20);
  call_input(&f, OR_STRING, SHAPE(0), NULL);
  call_input(&f, OR_STRING, SCALAR, STRINGS(TEXT("x")));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_STRING, SHAPE(0));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "StringConcat", 20);
  call_input(&f, OR_STRING, SHAPE(2), NULL);
  call_input(&f, OR_STRING, SHAPE(3), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "[2]");
  f.inputs[1] = (or_op_tensor_t){.dtype = OR_INT32, .shape = SHAPE(2)};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "int32");
  call_deinit(&f);
}

/* 2^16 times a text of 2^15 bytes, which lies in memory once. */
static void refuses_more_text_than_a_node_may_make(void **state) {
  (void)state;
  static char text[1 << 15];
  static const or_string_t empty = TEXT("");
  memset(text, 'a', sizeof text);
  const or_string_t one = {.data = text, .length = sizeof text};
  call_fixture_t f;
  call_init(&f, "", "StringConcat", 20);
  call_input(&f, OR_STRING, SHAPE(1), &one);
  void *many = NULL;
  expect_ok(or_alloc(&f.allocator.base, (sizeof empty) << 16, &many));
  for (size_t i = 0; i < (size_t)1 << 16; ++i) ((or_string_t *)many)[i] = empty;
  call_input(&f, OR_STRING, SHAPE(1 << 16), many);
  call_infer(&f, 1);
  expect_ok(or_alloc(&f.allocator.base, (sizeof empty) << 16, &f.outputs[0].data));
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
  or_status_ignore(status); /* expected */
  or_free(&f.allocator.base, many);
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(joins_texts_broadcast),
      cmocka_unit_test(refuses_what_does_not_fit),
      cmocka_unit_test(refuses_more_text_than_a_node_may_make),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
