/* The client's WebSocket against a peer of loopback that answers by RFC 6455, or not. */
#include "client/ws_client.h"

#include "base/testing.h"

#include <poll.h>
#include <stdio.h>

#include "base/ws_frame.h"
#include "fake/ws_peer.h"
#include "or_config.h"

#if OR_HAVE_CURL
static or_ws_peer_t peer;
static or_cancel_t cancel;
static or_client_t *client;
static or_ws_client_t *ws;

static void start_peer(void) {
  char url[64];
  expect_ok(or_ws_peer_start(&peer));
  or_cancel_init(&cancel, INT64_MAX);
  const or_client_options_t options = {.allocator = or_allocator_system(),
                                       .url = or_format(url, sizeof url, "http://127.0.0.1:%d/base", peer.port),
                                       .key = "secret",
                                       .cancel = &cancel};
  expect_ok(or_client_create(&options, &client));
}
static void stop_peer(void) {
  or_ws_client_close(ws);
  ws = NULL;
  or_client_free(client);
  or_ws_peer_stop(&peer);
  assert_int_equal(or_status_live_count(), 0);
}
#define PEER(...)                  \
  do {                             \
    memset(&peer, 0, sizeof peer); \
    __VA_ARGS__;                   \
    start_peer();                  \
  } while (0)

/* The next message; fails at the end of the connection. */
static void expect_message(const char *wanted) {
  const char *text = NULL;
  size_t length = 0;
  while (text == NULL) {
    struct pollfd wait_for = {.fd = or_ws_client_descriptor(ws), .events = POLLIN};
    expect_ok(or_ws_client_receive(ws, &text, &length));
    if (text == NULL) assert_int_equal(poll(&wait_for, 1, 30000), 1);
  }
  assert_int_equal(length, strlen(wanted));
  assert_memory_equal(text, wanted, length);
}
static void expect_end(or_status_code_t code, const char *words) {
  const char *text = NULL;
  size_t length = 0;
  for (;;) {
    struct pollfd wait_for = {.fd = or_ws_client_descriptor(ws), .events = POLLIN};
    or_status_t status = or_ws_client_receive(ws, &text, &length);
    if (!or_ok(status)) {
      expect_failure(status, code, words);
      return;
    }
    assert_null(text);
    assert_int_equal(poll(&wait_for, 1, 30000), 1);
  }
}

static void shakes_hands_and_hears_messages(void **state) {
  (void)state;
  static const char frames[] = "\x81\x05Hello\x82\x01x\x01\x02Wo\x89\x01?\x80\x03rld";
  for (int i = 0; i < 2; ++i) {
    PEER(peer.frames = frames, peer.frame_bytes = sizeof frames - 1, peer.with_the_handshake = i == 1);
    expect_ok(or_ws_client_open(client, "/ws", &ws));
    expect_message("Hello");
    expect_message("World");
    expect_ok(or_ws_client_send(ws, "{}", 2));
    stop_peer();
    assert_true(strncmp(peer.request, "GET /base/ws HTTP/1.1\r\nHost: 127.0.0.1:", 39) == 0);
    assert_non_null(strstr(peer.request, "\r\nAuthorization: Bearer secret\r\n"));
    assert_non_null(strstr(peer.request, "\r\nSec-WebSocket-Version: 13\r\n"));
    or_ws_reader_t reader; /* what it said: a pong, a message and a close, masked */
    or_ws_event_t event;
    static const struct {
      or_ws_opcode_t opcode;
      const char *data;
    } said[] = {{OR_WS_PONG, "?"}, {OR_WS_TEXT, "{}"}, {OR_WS_CLOSE, "\x03\xe8"}};
    size_t at = 0;
    or_ws_reader_init(&reader, or_allocator_system(), 100, OR_WS_CLIENT);
    for (size_t n = 0; n < 3; ++n) {
      size_t consumed = 0;
      assert_int_equal(or_ws_read(&reader, peer.heard + at, peer.heard_bytes - at, &consumed, &event), 0);
      assert_int_equal(event.opcode, said[n].opcode);
      assert_memory_equal(event.data, said[n].data, event.length);
      at += consumed;
    }
    assert_int_equal(at, peer.heard_bytes);
    or_ws_reader_deinit(&reader);
  }
}

static void says_why_the_server_ends_it(void **state) {
  (void)state;
  static const struct {
    const char *frames;
    size_t bytes;
    const char *words;
  } rows[] = {{"\x88\x0b\x03\xe9the end.", 13, "closed the connection: 1001 the end."},
              {"\x88\x00", 2, "closed the connection: 1005"},
              {"\x81\x81", 2, "sends what no WebSocket sends (1002)"},
              {"\x81\x01\xff", 3, "sends what no WebSocket sends (1007)"},
              {"\x81\x05He", 4, "has gone"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    PEER(peer.frames = rows[i].frames, peer.frame_bytes = rows[i].bytes, peer.hangs_up = true);
    expect_ok(or_ws_client_open(client, "/ws", &ws));
    expect_end(OR_UNAVAILABLE, rows[i].words);
    stop_peer();
  }
}

static void says_why_there_is_no_handshake(void **state) {
  (void)state;
  static const struct {
    const char *answer;
    or_status_code_t code;
    const char *words;
  } rows[] = {
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 44\r\n\r\n{\"detail\":\"no /ws\",\"error_code\":\"not_found\"}",
       OR_NOT_FOUND, "no /ws"},
      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", OR_PERMISSION_DENIED, ""},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", OR_UNAVAILABLE, "answers a handshake with HTTP 200"},
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n{", OR_UNAVAILABLE, "has gone"},
      {"HTTP/1.1 101 Switching\r\n\r\n", OR_UNAVAILABLE, "no handshake of a WebSocket"},
      {"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", OR_UNAVAILABLE,
       "no handshake of a WebSocket"},
      {"what", OR_UNAVAILABLE, "has gone"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    PEER(peer.answer = rows[i].answer, peer.hangs_up = true);
    expect_failure(or_ws_client_open(client, "/ws", &ws), rows[i].code, rows[i].words);
    assert_null(ws);
    stop_peer();
  }
  or_client_options_t options = {.allocator = or_allocator_system(), .url = "unix:/no/such/socket"};
  expect_ok(or_client_create(&options, &client));
  expect_failure(or_ws_client_open(client, "/ws", &ws), OR_UNAVAILABLE, "no server at unix:/no/such/socket");
  or_client_free(client);
  or_ws_client_close(NULL);
}

static void ends_when_its_user_does_not_want_it_any_more(void **state) {
  (void)state;
  PEER(peer.answer = ""); /* says nothing */
  or_cancel_init(&cancel, 0);
  or_status_t status = or_ws_client_open(client, "/ws", &ws);
  assert_int_equal(or_status_code(status), OR_DEADLINE_EXCEEDED);
  or_status_ignore(status); /* as it should be */
  stop_peer();
}

static or_status_t open_with(const or_allocator_t *allocator) {
  char url[64];
  or_client_t *made = NULL;
  or_ws_client_t *opened = NULL;
  const or_client_options_t options = {.allocator = allocator,
                                       .url = or_format(url, sizeof url, "http://127.0.0.1:%d", peer.port)};
  or_status_t status = or_client_create(&options, &made);
  if (or_ok(status)) status = or_ws_client_open(made, "/ws", &opened);
  or_ws_client_close(opened);
  or_client_free(made);
  return status;
}
/* Each try takes a connection of the peer's own, unless memory ran out before it. */
static void takes_memory_from_the_allocator(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    PEER(peer.frames = "", peer.frame_bytes = 0);
    or_status_t status = open_with(&counting.base);
    const bool triggered = counting.triggered;
    assert_int_equal(or_status_code(status), triggered ? OR_RESOURCE_EXHAUSTED : OR_OK);
    or_status_ignore(status); /* its code was checked */
    assert_int_equal(counting.live_blocks, 0);
    stop_peer();
    if (!triggered) return;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shakes_hands_and_hears_messages), cmocka_unit_test(says_why_the_server_ends_it),
      cmocka_unit_test(says_why_there_is_no_handshake),  cmocka_unit_test(ends_when_its_user_does_not_want_it_any_more),
      cmocka_unit_test(takes_memory_from_the_allocator),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void says_that_there_is_no_libcurl(void **state) {
  or_ws_client_t *ws = NULL;
  (void)state;
  expect_failure(or_ws_client_open(NULL, "/ws", &ws), OR_UNIMPLEMENTED, "no libcurl");
}
int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(says_that_there_is_no_libcurl)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
