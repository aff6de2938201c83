/* WebSockets over real sockets of loopback. */
#include <stdatomic.h>

#include "server/net_test_internal.h"
#include "server/ws.h"

/* What the endpoint saw; it runs on the loop's thread. */
static struct {
  or_mutex_t mutex;
  or_cond_t changed;
  or_ws_t *ws;
  int opened, closed, ticks;
  uint64_t skipped;
} seen;

static void note(int *count) {
  or_mutex_lock(&seen.mutex);
  ++*count;
  or_cond_broadcast(&seen.changed);
  or_mutex_unlock(&seen.mutex);
}
static void wait_for(const int *count, int value) {
  or_mutex_lock(&seen.mutex);
  while (*count < value) or_cond_wait(&seen.changed, &seen.mutex);
  or_mutex_unlock(&seen.mutex);
}

static or_status_t on_open(or_ws_t *ws, const or_request_t *request, void **self) {
  (void)request;
  *self = &seen;
  seen.ws = ws;
  note(&seen.opened);
  return or_ws_send(ws, 1, "welcome", 7);
}

static void on_tick(or_ws_t *ws, void *self) {
  (void)self;
  or_status_ignore(or_ws_send(ws, 2, "tick", 4)); /* no memory is no failure of this test */
  note(&seen.ticks);
}

#define STATE_BYTES 100000
static or_status_t on_message(or_ws_t *ws, void *self, or_slice_t message, bool binary) {
  (void)self;
  if (binary) return or_error(OR_INVALID_ARGUMENT, "text only");
  if (or_slice_is(message, "tick")) or_ws_every(ws, 10, on_tick);
  if (or_slice_is(message, "stop")) or_ws_every(ws, 0, on_tick);
  if (or_slice_is(message, "flood")) { /* far more than the socket and the backlog hold */
    static char state[STATE_BYTES];
    for (int i = 0; i < 200; ++i) {
      memset(state, 'a' + i % 26, sizeof state);
      (void)or_format(state, 8, "%06d", i);
      or_status_t status = or_ws_send(ws, 3, state, sizeof state);
      if (!or_ok(status)) return status;
    }
    seen.skipped = or_ws_skipped(ws);
  }
  return or_ws_send(ws, 0, message.data, message.length);
}

static void on_close(or_ws_t *ws, void *self) {
  (void)ws, (void)self;
  note(&seen.closed);
}

static const or_ws_endpoint_t endpoint = {on_open, on_message, on_close, NULL};
static const or_route_t routes[] = {{.method = OR_HTTP_GET, .pattern = "/ws", .websocket = &endpoint}};

static int begin(void **state) {
  (void)state;
  or_net_options_t options = net_options(routes, 1);
  options.limits.ws_message_bytes = 1000;
  seen.opened = seen.closed = seen.ticks = 0;
  start_net(&options);
  return 0;
}

#define UPGRADE                                                                                      \
  "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" \
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* A frame of the client with a mask of zeros. */
static void send_frame(int client, int first, const char *text, size_t length) {
  char bytes[256] = {(char)first, (char)(0x80 | length)};
  assert_true(length < 126);
  memcpy(bytes + 6, text, length);
  assert_int_equal(send(client, bytes, 6 + length, MSG_NOSIGNAL), 6 + length);
}

static char frame[STATE_BYTES + 1];
static int hear_frame(int client) {
  unsigned char header[2], extended[8];
  hear_bytes(client, (char *)header, 2);
  size_t length = header[1];
  if (length >= 126) {
    size_t bytes = length == 126 ? 2 : 8;
    hear_bytes(client, (char *)extended, bytes);
    length = 0;
    for (size_t i = 0; i < bytes; ++i) length = length << 8 | extended[i];
  }
  assert_true(length < sizeof frame);
  hear_bytes(client, frame, length);
  frame[length] = '\0';
  return header[0];
}

static int open_ws(void) {
  int client = dial();
  assert_int_equal(ask(client, UPGRADE "Sec-WebSocket-Protocol: openruntime.key.x, y\r\n\r\n"), 101);
  expect_in_answer("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"); /* RFC 6455 section 1.3 */
  expect_in_answer("Sec-WebSocket-Protocol: openruntime.key.x\r\n");
  assert_int_equal(hear_frame(client), 0x81);
  assert_string_equal(frame, "welcome");
  return client;
}

static void speaks_and_closes_as_the_client_asks(void **state) {
  (void)state;
  int client = open_ws();
  send_frame(client, 0x81, "hello", 5);
  assert_int_equal(hear_frame(client), 0x81);
  assert_string_equal(frame, "hello");
  send_frame(client, 0x89, "are you there", 13);
  assert_int_equal(hear_frame(client), 0x8a);
  assert_string_equal(frame, "are you there");
  send_frame(client, 0x88, "\x0b\xb8", 2);
  assert_int_equal(hear_frame(client), 0x88);
  assert_memory_equal(frame, "\x0b\xb8", 2);
  assert_true(is_over(client));
  wait_for(&seen.closed, 1);
  (void)close(client);
}

static void closes_for_faults_of_the_client(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t length;
    const char *code;
  } rows[] = {{"\x81\x05Hello", 7, "\x03\xea"},               /* 1002: not masked */
              {"\x81\x81\0\0\0\0\xff", 7, "\x03\xef"},        /* 1007: no UTF-8 */
              {"\x81\xfe\x03\xe9\0\0\0\0", 8, "\x03\xf1"},    /* 1009: 1001 bytes */
              {"\x82\x81\0\0\0\0x", 7, "\x03\xf0text only"}}; /* 1008: the endpoint's own */
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    int client = open_ws();
    assert_int_equal(send(client, rows[i].bytes, rows[i].length, MSG_NOSIGNAL), rows[i].length);
    assert_int_equal(hear_frame(client), 0x88);
    assert_memory_equal(frame, rows[i].code, strlen(rows[i].code));
    assert_true(is_over(client));
    (void)close(client);
  }
  wait_for(&seen.closed, 4);
}

static void sends_a_slow_reader_the_newest_state(void **state) {
  (void)state;
  int client = open_ws();
  send_frame(client, 0x81, "flood", 5);
  int last = -1, count = 0;
  for (;;) {
    assert_int_equal(hear_frame(client), 0x81);
    if (strcmp(frame, "flood") == 0) break;
    int number = (int)strtol(frame, NULL, 10);
    assert_true(number > last); /* in order, without those that were replaced */
    last = number;
    ++count;
  }
  assert_int_equal(last, 199);
  assert_true(counting.peak_bytes < (size_t)4 << 20);
  (void)close(client);
  wait_for(&seen.closed, 1);
  assert_int_equal((uint64_t)count + seen.skipped, 200);
}

static void calls_back_at_its_interval(void **state) {
  (void)state;
  int client = open_ws();
  send_frame(client, 0x81, "tick", 4);
  for (int i = 0; i < 4; ++i) {
    assert_int_equal(hear_frame(client), 0x81);
    assert_string_equal(frame, "tick");
  }
  send_frame(client, 0x81, "stop", 4);
  while (strcmp(frame, "stop") != 0) assert_int_equal(hear_frame(client), 0x81);
  send_frame(client, 0x81, "tick", 4);
  wait_for(&seen.ticks, 5);
  (void)close(client); /* with the timer running */
  wait_for(&seen.closed, 1);
}

static void takes_messages_from_other_threads(void **state) {
  (void)state;
  int client = open_ws();
  wait_for(&seen.opened, 1);
  for (int i = 0; i < 50; ++i) expect_ok(or_ws_post(seen.ws, 0, "event", 5));
  for (int i = 0; i < 50; ++i) {
    assert_int_equal(hear_frame(client), 0x81);
    assert_string_equal(frame, "event");
  }
  (void)close(client);
  wait_for(&seen.closed, 1);
}

static void asks_silent_clients_and_ends_dead_ones(void **state) {
  (void)state;
  or_net_options_t options = net_options(routes, 1);
  options.limits.ws_ping_ms = 20;
  start_net(&options);
  int client = open_ws();
  assert_int_equal(hear_frame(client), 0x89);
  send_frame(client, 0x8a, "", 0);
  assert_int_equal(hear_frame(client), 0x89); /* the answer was heard: it is asked again */
  assert_true(is_over(client));
  (void)close(client);
  stop_net();
}

static void refuses_what_is_no_handshake(void **state) {
  (void)state;
  int client = dial();
  assert_int_equal(ask(client, "GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n"), 426);
  expect_in_answer("Sec-WebSocket-Version: 13\r\n");
  assert_int_equal(ask(client, "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Version: 8\r\n\r\n"),
                   426);
  assert_int_equal(ask(client, "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n"),
                   400);
  assert_int_equal(ask(client, UPGRADE "Origin: http://evil.example\r\n\r\n"), 403);
  (void)close(client);
}

static void tells_clients_that_the_server_ends(void **state) {
  (void)state;
  int client = open_ws();
  assert_true(or_net_drain(net, INT64_MAX));
  assert_int_equal(hear_frame(client), 0x88);
  assert_memory_equal(frame, "\x03\xe9", 2); /* 1001: going away */
  (void)close(client);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end_net)
  const struct CMUnitTest tests[] = {
      CASE(speaks_and_closes_as_the_client_asks), CASE(closes_for_faults_of_the_client),
      CASE(sends_a_slow_reader_the_newest_state), CASE(calls_back_at_its_interval),
      CASE(takes_messages_from_other_threads),    CASE(refuses_what_is_no_handshake),
      CASE(tells_clients_that_the_server_ends),   cmocka_unit_test(asks_silent_clients_and_ends_dead_ones),
  };
  or_mutex_init(&seen.mutex);
  or_cond_init(&seen.changed);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
