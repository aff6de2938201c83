#include "base/testing.h"
#include "server/http_body.h"

static or_http_body_t body;
static size_t used;
static bool done;

/* Feeds `text` in pieces of `step` bytes; the status. `used`, `done`: what is known after the last. */
static int feed(const or_http_head_t *head, size_t limit, const char *text, size_t step) {
  int status = or_http_body_begin(&body, or_allocator_system(), head, limit);
  size_t length = strlen(text);
  done = false;
  used = 0;
  while (status == 0 && !done && used < length) {
    size_t consumed = 0;
    status = or_http_body_feed(&body, text + used, length - used < step ? length - used : step, &consumed, &done);
    used += consumed;
  }
  return status;
}

static void gathers_chunks_however_they_are_cut(void **state) {
  (void)state;
  const char *text = "5\r\nhello\r\n1;name=\"x\"\r\n \r\n00a\r\nchunked it\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\nGET";
  const or_http_head_t head = {.chunked = true};
  for (size_t step = 1; step <= strlen(text); ++step) {
    assert_int_equal(feed(&head, 100, text, step), 0);
    assert_true(done);
    assert_string_equal(text + used, "GET");
    assert_int_equal(body.length, 16);
    assert_string_equal(body.data, "hello chunked it");
    assert_int_equal((uintptr_t)body.data % OR_DEFAULT_ALIGNMENT, 0);
    or_http_body_deinit(&body);
  }
}

static void gathers_a_body_of_known_length_without_copying_all_of_it(void **state) {
  (void)state;
  const or_http_head_t head = {.has_length = true, .content_length = 10};
  assert_int_equal(feed(&head, 10, "012", 3), 0);
  assert_false(done);
  size_t room = 0;
  char *to = or_http_body_room(&body, &room);
  assert_int_equal(room, 7);
  memcpy(to, "3456789", 7);
  or_http_body_received(&body, 7, &done);
  assert_true(done);
  assert_string_equal(body.data, "0123456789");
  or_http_body_deinit(&body);
  const or_http_head_t empty = {.has_length = true};
  assert_int_equal(feed(&empty, 10, "", 1), 0);
  assert_null(or_http_body_room(&body, &room));
}

static void refuses_chunks_that_are_none(void **state) {
  (void)state;
  static const char *const bad[] = {
      "\r\n",         "g\r\n",       "-1\r\n",          "5\nhello",     "5\r\nhello0\r\n",
      "5\r\nhello\n", "0x5\r\n",     ";x\r\n",          "5\rhello",     "1000000000000000\r\n",
      "0\r\n\n",      "0\r\nA: b\n", "0\r\nA: b\r\r\n", "0\r\n\rA\r\n", "5 \nhello"};
  const or_http_head_t head = {.chunked = true};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    int status = feed(&head, 100, bad[i], 1);
    if (status != 400) fail_msg("row %zu: %d", i, status);
    or_http_body_deinit(&body);
  }
  char extension[OR_HTTP_CHUNK_LINE_BYTES + 10] = "5;";
  memset(extension + 2, 'x', OR_HTTP_CHUNK_LINE_BYTES);
  assert_int_equal(feed(&head, 100, extension, 64), 400);
  or_http_body_deinit(&body);
}

static void bounds_the_body(void **state) {
  (void)state;
  const or_http_head_t chunks = {.chunked = true}, whole = {.has_length = true, .content_length = 11};
  assert_int_equal(feed(&whole, 10, "", 1), 413);
  assert_int_equal(feed(&chunks, 10, "fffffffffffffff\r\n", 1), 413);
  or_http_body_deinit(&body);
  assert_int_equal(feed(&chunks, 10, "6\r\n012345\r\n5\r\n", 1), 413);
  or_http_body_deinit(&body);
  assert_int_equal(feed(&chunks, 10, "6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n", 1), 0);
  assert_true(done);
  or_http_body_deinit(&body);
}

static void says_that_there_is_no_memory(void **state) {
  (void)state;
  const or_http_head_t head = {.has_length = true, .content_length = 5};
  or_counting_allocator_t counting;
  size_t consumed = 0;
  or_counting_allocator_init(&counting, or_allocator_system(), 1);
  assert_int_equal(or_http_body_begin(&body, &counting.base, &head, 10), 0);
  assert_int_equal(or_http_body_feed(&body, "hello", 5, &consumed, &done), 507);
  or_http_body_deinit(&body);
  assert_int_equal(counting.live_blocks, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gathers_chunks_however_they_are_cut),
      cmocka_unit_test(gathers_a_body_of_known_length_without_copying_all_of_it),
      cmocka_unit_test(refuses_chunks_that_are_none),
      cmocka_unit_test(bounds_the_body),
      cmocka_unit_test(says_that_there_is_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
