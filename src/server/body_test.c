/* Bodies against a table of fields: each field that is wrong is named. */
#include "base/testing.h"

#include "base/string.h"
#include "server/body.h"

static const or_body_field_t fields[] = {
    {"name", OR_BODY_KIND(OR_JSON_STRING), true, 1, 4},
    {"count", OR_BODY_KIND(OR_JSON_INTEGER), false, 1, 9},
    {"share", OR_BODY_KIND(OR_JSON_REAL), false, -1, 1},
    {"either", OR_BODY_KIND(OR_JSON_OBJECT) | OR_BODY_KIND(OR_JSON_ARRAY), false, 0, 0},
    {"flag", OR_BODY_KIND(OR_JSON_BOOL), false, 0, 0},
};

/* Reads a body; the reply's text stays in request->reply.text. */
static bool read_body(or_request_t *request, const char *body, or_json_document_t **document) {
  request->body = body;
  request->body_bytes = body != NULL ? strlen(body) : 0;
  or_text_clear(&request->reply.text);
  request->reply.status = 200;
  return or_body_read(request, fields, sizeof fields / sizeof *fields, document);
}

static void expect_wrong(or_request_t *request, const char *body, const char *words) {
  or_json_document_t *document = NULL;
  assert_false(read_body(request, body, &document));
  assert_null(document);
  assert_int_equal(request->reply.status, 422);
  if (strstr(or_text_string(&request->reply.text), words) == NULL)
    fail_msg("%s is not in %s", words, or_text_string(&request->reply.text));
}

static void takes_what_fits_the_table(void **state) {
  (void)state;
  or_request_t request = {.allocator = or_allocator_system()};
  static const char *const bodies[] = {
      "{\"name\":\"abcd\"}", "{\"name\":\"a\",\"count\":9,\"share\":1,\"either\":[],\"flag\":false}",
      "{\"name\":\"a\",\"count\":null,\"share\":-0.5,\"either\":{\"x\":1},\"flag\":null}"};
  or_text_init(&request.reply.text, request.allocator);
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; ++i) {
    or_json_document_t *document = NULL;
    assert_true(read_body(&request, bodies[i], &document));
    assert_non_null(or_json_get(or_json_root(document), "name"));
    or_json_document_free(document);
  }
  or_text_deinit(&request.reply.text);
}

static void names_every_field_that_is_wrong(void **state) {
  (void)state;
  or_request_t request = {.allocator = or_allocator_system()};
  or_text_init(&request.reply.text, request.allocator);
  expect_wrong(&request, NULL, "[\"body\",\"name\"],\"msg\":\"is required\"");
  expect_wrong(&request, "{", "json_invalid");
  expect_wrong(&request, "[]", "must be an object");
  expect_wrong(&request, "{\"name\":null}", "must be a string");
  expect_wrong(&request, "{\"name\":\"\"}", "must have 1 to 4 bytes");
  expect_wrong(&request, "{\"name\":\"abcde\"}", "must have 1 to 4 bytes");
  expect_wrong(&request, "{\"name\":\"a\",\"count\":0}", "must be from 1 to 9");
  expect_wrong(&request, "{\"name\":\"a\",\"count\":1.5}", "must be a whole number");
  expect_wrong(&request, "{\"name\":\"a\",\"share\":1.1}", "must be from -1 to 1");
  expect_wrong(&request, "{\"name\":\"a\",\"either\":1}", "must be an array or an object");
  expect_wrong(&request, "{\"name\":\"a\",\"flag\":1}", "must be true or false");
  expect_wrong(&request, "{\"name\":\"a\",\"more\":1}", "[\"body\",\"more\"],\"msg\":\"there is no such field\"");
  expect_wrong(&request, "{\"count\":0,\"share\":\"x\",\"more\":1}", "\"more\"");
  static const char *const named[] = {"\"name\"", "\"count\"", "\"share\""};
  for (size_t i = 0; i < 3; ++i) assert_non_null(strstr(or_text_string(&request.reply.text), named[i]));
  or_text_deinit(&request.reply.text);
}

static void names_no_more_than_a_bounded_number(void **state) {
  (void)state;
  or_request_t request = {.allocator = or_allocator_system()};
  or_text_t body;
  or_text_init(&request.reply.text, request.allocator);
  or_text_init(&body, request.allocator);
  expect_ok(or_text_append_string(&body, "{\"name\":\"a\""));
  for (int i = 0; i < 100; ++i) expect_ok(or_text_printf(&body, ",\"x%d\":0", i));
  expect_ok(or_text_append_string(&body, "}"));
  expect_wrong(&request, or_text_string(&body), "\"x15\"");
  assert_null(strstr(or_text_string(&request.reply.text), "\"x16\""));
  or_text_deinit(&body);
  or_text_deinit(&request.reply.text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_what_fits_the_table),
      cmocka_unit_test(names_every_field_that_is_wrong),
      cmocka_unit_test(names_no_more_than_a_bounded_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
