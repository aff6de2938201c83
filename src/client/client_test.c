#include "client/client.h"

#include "base/testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "fake/peer.h"
#include "or_config.h"

#if OR_HAVE_CURL
static or_peer_t peer;
static or_cancel_t cancel;
static or_client_reply_t reply;

/* A client of a peer with these answers, up to NULL. */
static or_client_t *client_of(const char *const *answers) {
  char url[64];
  or_client_t *client = NULL;
  peer = (or_peer_t){.count = 0};
  for (; answers[peer.count] != NULL; ++peer.count) peer.answers[peer.count] = answers[peer.count];
  expect_ok(or_peer_start(&peer, NULL));
  or_cancel_init(&cancel, INT64_MAX);
  or_client_reply_init(&reply, or_allocator_system());
  const or_client_options_t options = {.allocator = or_allocator_system(),
                                       .url = or_format(url, sizeof url, "http://127.0.0.1:%d/base/", peer.port),
                                       .key = "secret",
                                       .cancel = &cancel};
  expect_ok(or_client_create(&options, &client));
  return client;
}
#define CLIENT_OF(...) client_of((const char *const[]){__VA_ARGS__, NULL})

static void done(or_client_t *client) {
  or_client_free(client);
  or_peer_stop(&peer);
  or_client_reply_deinit(&reply);
  assert_int_equal(or_status_live_count(), 0);
}

static void expect_asked(size_t index, const char *words) {
  if (strstr(peer.requests[index], words) == NULL) fail_msg("%s is not in %s", words, peer.requests[index]);
}

static void asks_and_takes_status_headers_and_body(void **state) {
  char value[32], little[3];
  or_client_t *client =
      CLIENT_OF("HTTP/1.1 202 Accepted\r\nLocation: /tasks/1\r\nX-Empty:\r\nContent-Length: 2\r\n\r\n{}",
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
  const or_client_request_t post = {.method = "POST",
                                    .path = "/tasks",
                                    .query = "wait=false",
                                    .content_type = "application/json",
                                    .body = "{\"a\":1}",
                                    .body_bytes = 7,
                                    .prefer = "respond-async"};
  const or_client_request_t get = {.method = "GET", .path = "/metrics", .accept = "text/plain"};
  (void)state;
  expect_ok(or_client_call(client, &post, &reply));
  assert_int_equal(reply.status, 202);
  assert_string_equal(or_text_string(&reply.body), "{}");
  assert_true(or_client_reply_header(&reply, "location", value, sizeof value));
  assert_string_equal(value, "/tasks/1");
  assert_true(or_client_reply_header(&reply, "X-Empty", value, sizeof value));
  assert_string_equal(value, "");
  assert_false(or_client_reply_header(&reply, "Loc", value, sizeof value));
  assert_false(or_client_reply_header(&reply, "Location", little, sizeof little));
  expect_ok(or_client_call(client, &get, &reply));
  assert_int_equal(reply.status, 200);
  assert_string_equal(or_text_string(&reply.body), "abc");
  assert_false(or_client_reply_header(&reply, "Location", value, sizeof value));
  assert_string_equal(or_client_url(client) + strlen(or_client_url(client)) - 6, "/base/");
  done(client);
  assert_int_equal(peer.connections, 1);
  expect_asked(0, "POST /base/tasks?wait=false HTTP/1.1\r\n");
  expect_asked(0, "Authorization: Bearer secret\r\n");
  expect_asked(0, "Content-Type: application/json\r\n");
  expect_asked(0, "Prefer: respond-async\r\n");
  expect_asked(0, "\r\n\r\n{\"a\":1}");
  expect_asked(1, "GET /base/metrics HTTP/1.1\r\n");
  expect_asked(1, "Accept: text/plain\r\n");
}

static void sends_parts(void **state) {
  const or_client_part_t parts[] = {
      {"request", "application/json", "{}", 2}, {"x", NULL, "\0\1\2", 3}, {"y", NULL, NULL, 0}};
  const or_client_request_t request = {.method = "POST", .path = "/tasks", .parts = parts, .part_count = 3};
  or_client_t *client = CLIENT_OF("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  (void)state;
  expect_ok(or_client_call(client, &request, &reply));
  done(client);
  expect_asked(0, "Content-Type: multipart/form-data; boundary=");
  expect_asked(0, "Content-Disposition: form-data; name=\"request\"\r\nContent-Type: application/json\r\n\r\n{}\r\n");
  expect_asked(0, "name=\"x\"\r\nContent-Type: application/octet-stream\r\n\r\n");
}

static const or_client_request_t get_health = {.method = "GET", .path = "/health"};

static void says_where_no_server_is_and_what_helps(void **state) {
  or_client_t *client = CLIENT_OF("unused");
  (void)state;
  or_peer_stop(&peer); /* nobody listens there any more */
  expect_failure(or_client_call(client, &get_health, &reply), OR_UNAVAILABLE, "Start it with: openruntime server");
  assert_int_equal(reply.status, 0);
  or_client_free(client);
  or_client_reply_deinit(&reply);
}

static void tells_a_connection_that_ends_from_an_answer(void **state) {
  or_client_t *client = CLIENT_OF(or_peer_hangs_up, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  (void)state;
  for (int i = 0; i < 2; ++i) { /* without a word; within the body, for the peer closes after its last answer */
    expect_failure(or_client_call(client, &get_health, &reply), OR_UNAVAILABLE, "the connection to");
    assert_int_equal(reply.status, 0);
  }
  done(client);
}

static void pull(void *token) { or_cancel_request(token); }

static void ends_at_once_when_the_token_is_pulled_and_can_clean_up(void **state) {
  or_client_request_t request = get_health;
  or_client_t *client = CLIENT_OF(or_peer_holds, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  (void)state;
  peer.asked = pull, peer.asked_self = &cancel;
  request.timeout_s = OR_CLIENT_NO_TIMEOUT;
  expect_failure(or_client_call(client, &request, &reply), OR_CANCELLED, "cancelled");
  assert_int_equal(reply.status, 0);
  request.uncancelled = true;
  expect_ok(or_client_call(client, &request, &reply));
  done(client);
  assert_int_equal(peer.connections, 2);
}

static void gives_up_at_its_time(void **state) {
  or_client_request_t request = get_health;
  or_client_t *client = CLIENT_OF(or_peer_holds);
  (void)state;
  request.timeout_s = 0.05;
  expect_failure(or_client_call(client, &request, &reply), OR_DEADLINE_EXCEEDED, "did not answer in time");
  assert_int_equal(reply.status, 0);
  done(client);
}

static int ticks;
static void on_tick(void *token) {
  if (++ticks == 2) or_cancel_request(token);
}

static void ticks_while_it_waits(void **state) {
  or_client_request_t request = get_health;
  or_client_t *client = CLIENT_OF(or_peer_holds);
  (void)state;
  ticks = 0;
  request.timeout_s = OR_CLIENT_NO_TIMEOUT;
  request.tick = on_tick, request.tick_self = &cancel;
  expect_failure(or_client_call(client, &request, &reply), OR_CANCELLED, "cancelled");
  assert_int_equal(ticks, 2);
  done(client);
}

static void asks_over_a_unix_socket(void **state) {
  char path[] = "/tmp/client_test_XXXXXX", url[64];
  or_client_t *client = NULL;
  (void)state;
  assert_non_null(mkdtemp(path));
  or_format(url, sizeof url, "%s/socket", path);
  peer = (or_peer_t){.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}, .count = 1};
  expect_ok(or_peer_start(&peer, url));
  or_format(url, sizeof url, "unix:%s/socket", path);
  const or_client_options_t options = {.allocator = or_allocator_system(), .url = url};
  expect_ok(or_client_create(&options, &client));
  or_client_reply_init(&reply, or_allocator_system());
  expect_ok(or_client_call(client, &get_health, &reply));
  assert_string_equal(or_text_string(&reply.body), "ok");
  done(client);
  expect_asked(0, "GET /health HTTP/1.1\r\nHost: localhost\r\n");
  assert_int_equal(remove(url + 5), 0);
  assert_int_equal(remove(path), 0);
}

static void refuses_a_url_a_key_or_a_ca_that_can_not_be(void **state) {
  char longest[600];
  or_client_t *client = NULL;
  (void)state;
  memset(longest, 'k', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  or_client_options_t options = {.allocator = or_allocator_system(), .url = "ftp://x"};
  expect_failure(or_client_create(&options, &client), OR_INVALID_ARGUMENT, "there are http://");
  assert_null(client);
  options.url = "http://localhost:1";
  options.key = "line\r\nbreak";
  expect_failure(or_client_create(&options, &client), OR_INVALID_ARGUMENT, "holds a byte");
  options.key = longest;
  expect_failure(or_client_create(&options, &client), OR_INVALID_ARGUMENT, "fewer than 512");
  options.key = "";
  options.url = "https://localhost:1";
  options.ca_file = "/nowhere/ca.pem";
  expect_ok(or_client_create(&options, &client));
  or_client_free(client);
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    char url[64];
    or_counting_allocator_t counting;
    or_client_t *client = NULL;
    peer = (or_peer_t){
        .answers = {"HTTP/1.1 404 Not Found\r\nContent-Length: 33\r\n\r\n{\"detail\":\"d\",\"error_code\":\"none\"}"},
        .count = 1};
    expect_ok(or_peer_start(&peer, NULL));
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    const or_client_options_t options = {
        .allocator = &counting.base, .url = or_format(url, sizeof url, "127.0.0.1:%d", peer.port), .ca_file = "ca.pem"};
    or_client_reply_init(&reply, &counting.base);
    or_status_t status = or_client_create(&options, &client);
    if (or_ok(status)) status = or_client_call(client, &get_health, &reply);
    or_client_free(client);
    or_client_reply_deinit(&reply);
    or_peer_stop(&peer);
    assert_int_equal(counting.live_blocks, 0);
    assert_false(or_ok(status));
    const or_status_code_t code = or_status_code(status);
    or_status_ignore(status);
    if (!counting.triggered) {
      assert_int_equal(code, OR_NOT_FOUND);
      break;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(asks_and_takes_status_headers_and_body),
      cmocka_unit_test(sends_parts),
      cmocka_unit_test(says_where_no_server_is_and_what_helps),
      cmocka_unit_test(tells_a_connection_that_ends_from_an_answer),
      cmocka_unit_test(ends_at_once_when_the_token_is_pulled_and_can_clean_up),
      cmocka_unit_test(gives_up_at_its_time),
      cmocka_unit_test(ticks_while_it_waits),
      cmocka_unit_test(asks_over_a_unix_socket),
      cmocka_unit_test(refuses_a_url_a_key_or_a_ca_that_can_not_be),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  or_client_t *client = NULL;
  const or_client_options_t options = {.allocator = or_allocator_system(), .url = "localhost"};
  expect_failure(or_client_create(&options, &client), OR_UNIMPLEMENTED, "no libcurl");
  return 0;
}
#endif
