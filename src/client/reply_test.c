#include "base/testing.h"
#include "client/client.h"

static or_client_reply_t reply_of(int http, const char *headers, const char *body) {
  or_client_reply_t reply;
  or_client_reply_init(&reply, or_allocator_system());
  reply.status = http;
  expect_ok(or_text_append_string(&reply.headers, headers));
  expect_ok(or_text_append_string(&reply.body, body));
  return reply;
}

static void expect_meaning(int http, const char *headers, const char *body, or_status_code_t code, const char *words) {
  or_client_reply_t reply = reply_of(http, headers, body);
  expect_failure(or_client_reply_status(&reply), code, words);
  or_client_reply_deinit(&reply);
}

static void every_word_of_the_table_is_its_code(void **state) {
  (void)state;
  for (int code = OR_OK + 1; code <= OR_INTERNAL; ++code) {
    char body[128];
    const or_status_mapping_t *mapping = or_status_mapping((or_status_code_t)code);
    or_format(body, sizeof body, "{\"detail\":\"what\",\"error_code\":\"%s\"}", mapping->name);
    expect_meaning(mapping->http, "", body, (or_status_code_t)code, "what");
  }
}

static void a_status_without_a_word_of_ours_has_a_code(void **state) {
  static const struct {
    int http;
    or_status_code_t code;
  } rows[] = {{301, OR_FAILED_PRECONDITION}, {400, OR_INVALID_ARGUMENT},
              {401, OR_PERMISSION_DENIED},   {403, OR_PERMISSION_DENIED},
              {404, OR_NOT_FOUND},           {405, OR_INVALID_ARGUMENT},
              {408, OR_DEADLINE_EXCEEDED},   {409, OR_FAILED_PRECONDITION},
              {413, OR_OUT_OF_RANGE},        {414, OR_OUT_OF_RANGE},
              {415, OR_INVALID_ARGUMENT},    {421, OR_INVALID_ARGUMENT},
              {422, OR_INVALID_ARGUMENT},    {429, OR_RESOURCE_EXHAUSTED},
              {431, OR_OUT_OF_RANGE},        {500, OR_INTERNAL},
              {501, OR_UNIMPLEMENTED},       {502, OR_UNAVAILABLE},
              {503, OR_UNAVAILABLE},         {504, OR_DEADLINE_EXCEEDED},
              {507, OR_RESOURCE_EXHAUSTED},  {599, OR_INTERNAL}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    char words[32];
    expect_meaning(rows[i].http, "", "<html>", rows[i].code,
                   or_format(words, sizeof words, "answered HTTP %d", rows[i].http));
    expect_meaning(rows[i].http, "", "{\"detail\":\"d\",\"error_code\":\"ok\"}", rows[i].code, "d");
  }
}

static void names_each_field_of_a_422(void **state) {
  (void)state;
  expect_meaning(422, "",
                 "{\"detail\":[{\"loc\":[\"body\",\"data.size\"],\"msg\":\"must be 1 or more\",\"type\":\"t\"},"
                 "{\"loc\":[\"query\",\"limit\"],\"msg\":\"too large\",\"type\":\"t\"},"
                 "{\"loc\":[\"body\"],\"msg\":\"no JSON\",\"type\":\"t\"},{\"loc\":\"x\",\"msg\":\"y\"}]}",
                 OR_INVALID_ARGUMENT, "data.size: must be 1 or more; query.limit: too large; body: no JSON; x: y");
}

static void says_what_helps(void **state) {
  (void)state;
  expect_meaning(401, "", "{\"detail\":\"no key\",\"error_code\":\"unauthorized\"}", OR_PERMISSION_DENIED,
                 "no key (give an API key: OPENRUNTIME_API_KEY or --key-file FILE)");
  expect_meaning(503, "Retry-After: 7\r\n", "{\"detail\":\"busy\"}", OR_UNAVAILABLE, "busy (try again in 7 s)");
  expect_meaning(308, "A: b\r\nlocation:  https://x/\r\n", "", OR_FAILED_PRECONDITION,
                 "HTTP 308 (it says: go to https://x/)");
}

static void below_300_is_success(void **state) {
  or_client_reply_t reply = reply_of(204, "", "");
  (void)state;
  expect_ok(or_client_reply_status(&reply));
  or_client_reply_deinit(&reply);
}

static or_status_t escape(const or_allocator_t *allocator) {
  or_text_t text;
  or_text_init(&text, allocator);
  or_status_t status = or_client_escape(&text, "bert-base:2 /?&%\xc3\xa9");
  if (or_ok(status)) assert_string_equal(or_text_string(&text), "bert-base:2%20%2F%3F%26%25%C3%A9");
  or_text_deinit(&text);
  return status;
}

static void escapes_a_segment(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(escape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_word_of_the_table_is_its_code),
      cmocka_unit_test(a_status_without_a_word_of_ours_has_a_code),
      cmocka_unit_test(names_each_field_of_a_422),
      cmocka_unit_test(says_what_helps),
      cmocka_unit_test(below_300_is_success),
      cmocka_unit_test(escapes_a_segment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
