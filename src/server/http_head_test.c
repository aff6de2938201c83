#include "base/testing.h"
#include "server/http_head.h"

static const or_http_limits_t limits = {.target_bytes = 64, .head_bytes = 512, .header_count = 6};
static or_http_head_t head;
static size_t consumed;
static const char *why;

static int parse(const char *text) { return or_http_head_parse(text, strlen(text), &limits, &head, &consumed, &why); }

static void expect_slice(or_slice_t slice, const char *text) {
  if (!or_slice_is(slice, text)) fail_msg("\"%.*s\" is not \"%s\"", (int)slice.length, slice.data, text);
}

static void reads_a_request_with_the_headers_that_matter(void **state) {
  (void)state;
  const char *text =
      "POST /tasks?wait=false&x=1 HTTP/1.1\r\nhOsT:  a.example:8000 \r\nContent-Length: 12\r\nX-Other: y\r\n"
      "Connection: foo, Close\r\nExpect: 100-Continue\r\n\r\nbody of it..";
  assert_int_equal(parse(text), 0);
  assert_int_equal(consumed, strlen(text) - 12);
  assert_int_equal(head.method, OR_HTTP_POST);
  expect_slice(head.path, "/tasks");
  expect_slice(head.query, "wait=false&x=1");
  expect_slice(head.headers[OR_HEADER_HOST], "a.example:8000");
  assert_int_equal(head.content_length, 12);
  assert_true(head.has_length && !head.chunked && !head.keep_alive && head.expects_continue);
}

static void asks_for_more_until_the_blank_line(void **state) {
  (void)state;
  const char *text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (size_t length = 0; length < strlen(text); ++length) {
    assert_int_equal(or_http_head_parse(text, length, &limits, &head, &consumed, &why), 0);
    assert_int_equal(consumed, 0);
    assert_int_equal(or_http_head_end(text, length, length > 0 ? length - 1 : 0), 0);
  }
  assert_int_equal(parse(text), 0);
  assert_int_equal(consumed, strlen(text));
  assert_int_equal(or_http_head_end(text, strlen(text), strlen(text) - 1), strlen(text));
  assert_null(head.query.data);
}

static void knows_what_keeps_a_connection_alive(void **state) {
  (void)state;
  assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  assert_true(head.keep_alive);
  assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n"), 0);
  assert_false(head.keep_alive);
  assert_int_equal(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), 0);
  assert_true(head.keep_alive);
}

static void takes_the_absolute_form_and_the_asterisk(void **state) {
  (void)state;
  assert_int_equal(parse("GET http://a.example:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  expect_slice(head.path, "/x");
  expect_slice(head.query, "y");
  assert_int_equal(parse("GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  expect_slice(head.path, "/");
  assert_int_equal(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  expect_slice(head.path, "*");
  assert_int_equal(parse("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  assert_int_equal(consumed, 29);
}

/* RFC 9112 and 9110 name each of these; several are ways to hide one request in another. */
static void refuses_what_can_be_read_in_two_ways(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *text;
  } bad[] = {
      {400, "GET / HTTP/1.1\nHost: a\n\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET / x HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET x HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET /\r\nHost: a\r\n\r\n"},
      {400, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
      {400, "\x16\x03\x01\x02\n"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    int status = parse(bad[i].text);
    if (status != bad[i].status) fail_msg("row %zu: %d, not %d: %s", i, status, bad[i].status, why);
    assert_true(why[0] != '\0');
  }
}

static void bounds_target_header_and_their_number(void **state) {
  (void)state;
  char text[1024] = "GET /";
  memset(text + 5, 'a', 200);
  assert_int_equal(or_http_head_parse(text, 205, &limits, &head, &consumed, &why), 414); /* before its end has come */
  memcpy(text + 5 + 63, " HTTP/1.1\r\nHost: a\r\n\r\n", 23);
  assert_int_equal(parse(text), 0); /* 64 bytes with the slash */
  memcpy(text + 5 + 63, "b HTTP/1.1\r\nHost: a\r\n\r\n", 24);
  assert_int_equal(parse(text), 414);
  assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n\r\n"), 0);
  assert_int_equal(parse("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\n\r\n"), 431);
  memcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
  memset(text + 28, 'a', 700);
  assert_int_equal(or_http_head_parse(text, 728, &limits, &head, &consumed, &why), 431);
}

static void looks_into_lists(void **state) {
  (void)state;
  or_slice_t list = {"text/html;q=0.9 , application/xml,*/*", 37};
  assert_true(or_slice_accepts(list, "text/html") && or_slice_accepts(list, "APPLICATION/XML"));
  assert_false(or_slice_accepts(list, "application/json") || or_slice_accepts((or_slice_t){NULL, 0}, "text/html"));
  assert_true(or_slice_has_token((or_slice_t){"keep-alive, Upgrade", 19}, "upgrade"));
  assert_false(or_slice_has_token((or_slice_t){"keep-alive, Upgrades", 20}, "upgrade"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_a_request_with_the_headers_that_matter),
      cmocka_unit_test(asks_for_more_until_the_blank_line),
      cmocka_unit_test(knows_what_keeps_a_connection_alive),
      cmocka_unit_test(takes_the_absolute_form_and_the_asterisk),
      cmocka_unit_test(refuses_what_can_be_read_in_two_ways),
      cmocka_unit_test(bounds_target_header_and_their_number),
      cmocka_unit_test(looks_into_lists),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
