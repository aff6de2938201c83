#include "openruntime/status.h"

#include "base/string.h"
#include "base/testing.h"
#include "base/thread.h"

static void carries_code_message_and_place(void **state) {
  (void)state;
  or_status_t status = or_error(OR_NOT_FOUND, "model \"%s\": no such file", "a.onnx");
  assert_false(or_ok(status));
  assert_int_equal(or_status_code(status), OR_NOT_FOUND);
  assert_string_equal(or_status_message(status), "model \"a.onnx\": no such file");
  assert_true(or_string_starts_with(or_status_place(status), "base/status_test.c:"));
  or_status_ignore(status); /* looked at */
  assert_string_equal(or_status_message(or_status_success()), "");
  assert_string_equal(or_status_place(or_status_success()), "");
}

static void shortens_a_place_to_the_path_below_src(void **state) {
  (void)state;
  or_status_t status = or_status_make(OR_INTERNAL, "/home/src/project/src/hal/buffer.c:7", "x");
  assert_string_equal(or_status_place(status), "hal/buffer.c:7");
  or_status_ignore(status); /* looked at */
}

static void puts_context_before_the_message(void **state) {
  (void)state;
  or_status_t status = or_status_context(or_error(OR_DATA_LOSS, "dimension 3 differs"), "input \"%s\"", "pixels");
  status = or_status_context(status, "model");
  assert_string_equal(or_status_message(status), "model: input \"pixels\": dimension 3 differs");
  assert_int_equal(or_status_code(status), OR_DATA_LOSS);
  or_status_ignore(status); /* looked at */
  assert_true(or_ok(or_status_context(or_status_success(), "nothing")));
}

static void cuts_long_messages_at_whole_characters(void **state) {
  (void)state;
  char text[3 * OR_STATUS_MESSAGE_BYTES];
  for (size_t i = 0; i + 1 < sizeof text; ++i) text[i] = "\xE2\x82\xAC"[i % 3]; /* euro signs: 999 is 333 of them */
  text[sizeof text - 1] = '\0';
  for (size_t shift = 0; shift < 3; ++shift) {
    or_status_t status = or_error(OR_INTERNAL, "%.*s%s", (int)shift, "ab", text);
    size_t length = strlen(or_status_message(status));
    assert_true(length < OR_STATUS_MESSAGE_BYTES && length >= OR_STATUS_MESSAGE_BYTES - 4);
    assert_true(or_utf8_valid(or_status_message(status), length));
    status = or_status_context(status, "%s", text);
    assert_true(or_utf8_valid(or_status_message(status), strlen(or_status_message(status))));
    or_status_ignore(status); /* looked at */
  }
}

static void keeps_the_message_when_the_context_is_long(void **state) {
  (void)state;
  char text[2000];
  memset(text, 'c', sizeof text);
  text[sizeof text - 1] = '\0';
  or_status_t status = or_status_context(or_error(OR_INTERNAL, "the cause"), "%s", text);
  assert_true(or_string_ends_with(or_status_message(status), ": the cause"));
  or_status_ignore(status); /* looked at */
}

static void makes_foreign_bytes_valid(void **state) {
  (void)state;
  or_status_t status = or_error(OR_NOT_FOUND, "file \"caf\xE9.png\": not there");
  assert_string_equal(or_status_message(status), "file \"caf?.png\": not there");
  or_status_ignore(status); /* looked at */
}

static void keeps_the_first_of_two_failures(void **state) {
  (void)state;
  size_t alive = or_status_live_count();
  or_status_t status = or_status_first(or_error(OR_CANCELLED, "first"), or_error(OR_INTERNAL, "second"));
  assert_int_equal(or_status_code(status), OR_CANCELLED);
  assert_int_equal(or_status_live_count(), alive + 1);
  status = or_status_first(or_status_success(), status);
  assert_int_equal(or_status_code(status), OR_CANCELLED);
  or_status_ignore(status); /* looked at */
  assert_int_equal(or_status_live_count(), alive);
}

#define MANY 300 /* more than the pool has */
static void keeps_the_code_when_too_many_errors_are_alive(void **state) {
  (void)state;
  or_status_t all[MANY];
  size_t with_message = 0;
  for (size_t i = 0; i < MANY; ++i)
    all[i] = or_error((or_status_code_t)(1 + i % (OR_STATUS_CODE_COUNT - 1)), "number %zu", i);
  assert_int_equal(or_status_live_count(), MANY);
  for (size_t i = 0; i < MANY; ++i) {
    char expected[32];
    assert_int_equal(or_status_code(all[i]), 1 + i % (OR_STATUS_CODE_COUNT - 1));
    bool own = strcmp(or_status_message(all[i]), or_format(expected, sizeof expected, "number %zu", i)) == 0;
    if (!own) {
      assert_string_equal(or_status_message(all[i]), "too many errors alive; message lost");
      all[i] = or_status_context(all[i], "context");
    }
    with_message += own ? 1 : 0;
  }
  assert_int_equal(with_message, 256);
  for (size_t i = 0; i < MANY; ++i) or_status_ignore(all[i]); /* looked at */
  assert_int_equal(or_status_live_count(), 0);
  or_status_t status = or_error(OR_INTERNAL, "room again");
  assert_string_equal(or_status_message(status), "room again");
  or_status_ignore(status); /* looked at */
}

#define THREADS 4
#define HELD 100 /* times THREADS: more than the pool has */
static void make_and_end_many(void *opaque) {
  atomic_uint *wrong = opaque;
  or_status_t held[HELD];
  for (int round = 0; round < 200; ++round) {
    char expected[64];
    for (size_t i = 0; i < HELD; ++i) held[i] = or_error(OR_UNAVAILABLE, "%p %zu", (void *)held, i);
    for (size_t i = 0; i < HELD; ++i) {
      bool own =
          strcmp(or_status_message(held[i]), or_format(expected, sizeof expected, "%p %zu", (void *)held, i)) == 0;
      bool lost = strcmp(or_status_message(held[i]), "too many errors alive; message lost") == 0;
      if ((!own && !lost) || or_status_code(held[i]) != OR_UNAVAILABLE) (void)atomic_fetch_add(wrong, 1);
      or_status_ignore(held[i]); /* looked at */
    }
  }
}

static void gives_each_thread_records_of_its_own(void **state) {
  (void)state;
  atomic_uint wrong = 0;
  or_thread_t threads[THREADS];
  for (size_t i = 0; i < THREADS; ++i) expect_ok(or_thread_start(&threads[i], "status", make_and_end_many, &wrong));
  for (size_t i = 0; i < THREADS; ++i) or_thread_join(&threads[i]);
  assert_int_equal(wrong, 0);
  assert_int_equal(or_status_live_count(), 0);
}

static void maps_every_code_once(void **state) {
  (void)state;
  for (int code = 0; code < OR_STATUS_CODE_COUNT; ++code) {
    const or_status_mapping_t *row = or_status_mapping((or_status_code_t)code);
    assert_int_equal(row->code, code);
    assert_true(code == OR_OK ? row->http == 200 : row->http >= 400 && row->http < 600);
    assert_int_equal(row->grpc == 0, code == OR_OK);
    assert_int_equal(row->exit_code == 0, code == OR_OK);
    assert_true(strlen(row->summary) > 0);
    for (int other = 0; other < code; ++other)
      assert_string_not_equal(row->name, or_status_mapping((or_status_code_t)other)->name);
  }
  assert_int_equal(or_status_mapping((or_status_code_t)99)->code, OR_INTERNAL);
  assert_int_equal(or_status_mapping(OR_NOT_FOUND)->http, 404);
  assert_int_equal(or_status_mapping(OR_NOT_FOUND)->grpc, 5);
  assert_int_equal(or_status_mapping(OR_CANCELLED)->exit_code, 130);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(carries_code_message_and_place),
      cmocka_unit_test(shortens_a_place_to_the_path_below_src),
      cmocka_unit_test(puts_context_before_the_message),
      cmocka_unit_test(cuts_long_messages_at_whole_characters),
      cmocka_unit_test(keeps_the_message_when_the_context_is_long),
      cmocka_unit_test(makes_foreign_bytes_valid),
      cmocka_unit_test(keeps_the_first_of_two_failures),
      cmocka_unit_test(keeps_the_code_when_too_many_errors_are_alive),
      cmocka_unit_test(gives_each_thread_records_of_its_own),
      cmocka_unit_test(maps_every_code_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
