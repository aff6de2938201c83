/* Small JSON bodies: what is read of them, and what is told of those that are wrong. */
#include "server/fields.h"

#include "base/string.h"
#include "base/testing.h"

static or_request_t request;
static or_counting_allocator_t counting;

static int begin(void **state) {
  (void)state;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  memset(&request, 0, sizeof request);
  request.allocator = &counting.base;
  request.reply.status = 200;
  or_text_init(&request.reply.text, &counting.base);
  return 0;
}

static int end(void **state) {
  (void)state;
  or_text_deinit(&request.reply.text);
  assert_int_equal(counting.live_blocks, 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static void set_body(const char *body) {
  request.body = body;
  request.body_bytes = body != NULL ? strlen(body) : 0;
}

static void expect_reply(int status, const char *words) {
  assert_int_equal(request.reply.status, status);
  if (strstr(or_text_string(&request.reply.text), words) == NULL)
    fail_msg("%s is not in %s", words, or_text_string(&request.reply.text));
}

static void reads_the_fields_that_came(void **state) {
  (void)state;
  or_fields_t fields;
  int64_t number = -1, absent = -1;
  set_body("{\"on\":true,\"count\":7}");
  or_fields_begin(&fields, &request, "on count more");
  assert_true(or_json_get_bool(or_fields_get(&fields, "on", OR_JSON_BOOL), false));
  assert_true(or_fields_integer(&fields, "count", 7, 7, &number));
  assert_int_equal(number, 7);
  assert_false(or_fields_integer(&fields, "more", 1, 9, &absent));
  assert_int_equal(absent, -1);
  assert_null(or_fields_get(&fields, "more", OR_JSON_STRING));
  assert_true(or_fields_good(&fields));
  or_fields_end(&fields);
  assert_int_equal(request.reply.status, 200);
}

static void tells_every_field_that_is_wrong(void **state) {
  (void)state;
  or_fields_t fields;
  int64_t number = -1;
  set_body("{\"on\":1,\"count\":10,\"more\":1.5,\"other\":null,\"o\":null}");
  or_fields_begin(&fields, &request, "on count more");
  assert_null(or_fields_get(&fields, "on", OR_JSON_BOOL));
  assert_false(or_fields_integer(&fields, "count", 1, 9, &number));
  assert_false(or_fields_integer(&fields, "more", 1, 9, &number));
  or_fields_problem(&fields, "a.b", "value_error", "is %s", "odd");
  assert_false(or_fields_good(&fields));
  or_fields_end(&fields);
  assert_int_equal(number, -1);
  expect_reply(422, "{\"loc\":[\"body\",\"on\"],\"msg\":\"must be true or false\",\"type\":\"type_error.bool\"}");
  expect_reply(422, "[\"body\",\"count\"],\"msg\":\"is 10; it must be from 1 to 9\",\"type\":\"value_error.range\"");
  expect_reply(422, "[\"body\",\"more\"],\"msg\":\"must be a whole number\",\"type\":\"type_error.integer\"");
  expect_reply(422, "[\"body\",\"other\"],\"msg\":\"there is no such field; there are: on count more\"");
  expect_reply(422, "[\"body\",\"o\"]");
  expect_reply(422, "{\"loc\":[\"body\",\"a.b\"],\"msg\":\"is odd\",\"type\":\"value_error\"}");
}

static void tells_what_is_no_object(void **state) {
  (void)state;
  static const struct {
    const char *body, *words;
  } cases[] = {{NULL, "json_invalid"}, {"{", "json_invalid"}, {"[]", "not an object"}, {"null", "not an object"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_fields_t fields;
    set_body(cases[i].body);
    or_fields_begin(&fields, &request, "on");
    assert_null(or_fields_get(&fields, "on", OR_JSON_BOOL));
    assert_false(or_fields_good(&fields));
    or_fields_end(&fields);
    expect_reply(422, cases[i].words);
  }
}

static void keeps_no_more_problems_than_it_has_room_for(void **state) {
  (void)state;
  or_fields_t fields;
  char body[1024] = "{\"a0\":1";
  for (int i = 1; i < 40; ++i) (void)or_format(body + strlen(body), sizeof body - strlen(body), ",\"a%d\":1", i);
  (void)or_format(body + strlen(body), sizeof body - strlen(body), "}");
  set_body(body);
  or_fields_begin(&fields, &request, "on");
  assert_int_equal(fields.problems.count, OR_TASK_MAX_PROBLEMS);
  or_fields_end(&fields); /* without having asked */
}

static void a_name_that_is_cut_stays_text(void **state) {
  (void)state;
  or_fields_t fields;
  char body[256] = "{\"x";
  for (int i = 0; i < 60; ++i) (void)or_format(body + strlen(body), sizeof body - strlen(body), "\xC3\xA4");
  (void)or_format(body + strlen(body), sizeof body - strlen(body), "\":1}");
  set_body(body);
  or_fields_begin(&fields, &request, "on");
  assert_int_equal(fields.problems.count, 1);
  assert_true(or_utf8_valid(fields.problems.items[0].loc, strlen(fields.problems.items[0].loc)));
  or_fields_end(&fields);
}

static void says_when_there_is_no_memory(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    or_fields_t fields;
    request.reply.status = 200;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    or_text_init(&request.reply.text, &counting.base);
    set_body("{\"on\":[1,2,{\"deep\":\"text\"}]}");
    or_fields_begin(&fields, &request, "on");
    const bool good = or_fields_good(&fields);
    or_fields_end(&fields);
    assert_int_equal(request.reply.status, good ? 200 : 507);
    const bool triggered = counting.triggered;
    or_text_deinit(&request.reply.text);
    assert_int_equal(counting.live_blocks, 0);
    if (!triggered) break;
    assert_false(good);
  }
  or_text_init(&request.reply.text, &counting.base);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(reads_the_fields_that_came, begin, end),
      cmocka_unit_test_setup_teardown(tells_every_field_that_is_wrong, begin, end),
      cmocka_unit_test_setup_teardown(tells_what_is_no_object, begin, end),
      cmocka_unit_test_setup_teardown(keeps_no_more_problems_than_it_has_room_for, begin, end),
      cmocka_unit_test_setup_teardown(a_name_that_is_cut_stays_text, begin, end),
      cmocka_unit_test_setup_teardown(says_when_there_is_no_memory, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
