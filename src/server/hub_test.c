/* The hub over real sockets of loopback: whose events reach whom, in which order, and what becomes of slow readers. */
#include <stdatomic.h>

#include "server/hub.h"
#include "server/net_test_internal.h"

static or_hub_t *hub;
static atomic_int devices_written, metrics_written, joined;
static _Atomic int64_t interval_ms;

static void write_devices(void *self, or_json_writer_t *json) {
  (void)self;
  ++devices_written;
  or_json_array_begin(json);
  or_json_array_end(json);
}
static void write_metrics(void *self, or_json_writer_t *json) {
  (void)self;
  ++metrics_written;
  or_json_object_begin(json);
  or_json_object_end(json);
}
static size_t active_tasks(void *self, const char *owner) {
  (void)self;
  return owner == NULL ? 3 : strlen(owner);
}
static void set_interval(void *self, int64_t ms) {
  (void)self;
  interval_ms = ms;
}

static or_status_t on_opened(or_ws_t *ws, const or_request_t *request, void **self) {
  or_status_t status = or_hub_join(hub, ws, &request->key, (or_hub_reader_t **)self);
  ++joined;
  return status;
}
static const or_ws_endpoint_t endpoint = {on_opened, or_hub_heard, or_hub_leave, or_hub_room};
static const or_route_t routes[] = {
    {.method = OR_HTTP_GET, .pattern = "/ws", .scope = OR_SCOPE_READ, .websocket = &endpoint}};

/* Keys: the secret is the owner; "root" is an admin. */
static bool have_keys(void *self) {
  (void)self;
  return true;
}
static bool find_key(void *self, or_slice_t secret, or_key_t *out) {
  (void)self;
  *out = (or_key_t){"", or_slice_is(secret, "root") ? OR_SCOPE_ADMIN : OR_SCOPE_READ};
  or_format(out->id, sizeof out->id, "%.*s", (int)secret.length, secret.data);
  return true;
}

static int begin(void **state) {
  const or_hub_source_t source = {NULL, write_devices, write_metrics, active_tasks, set_interval};
  or_net_options_t options = net_options(routes, 1);
  (void)state;
  options.access.keys = (or_keys_t){NULL, have_keys, find_key};
  devices_written = metrics_written = joined = 0;
  interval_ms = 1000;
  expect_ok(or_hub_create(&counting.base, &source, &hub));
  start_net(&options);
  return 0;
}
static int end(void **state) {
  (void)state;
  or_net_stop(net);
  net = NULL;
  or_hub_free(hub);
  assert_int_equal(counting.live_blocks, 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static void send_text(int client, const char *text) {
  char bytes[256] = {(char)0x81, (char)(0x80 | strlen(text))};
  assert_true(strlen(text) < 126);
  memcpy(bytes + 6, text, strlen(text)); /* a mask of zeros */
  assert_int_equal(send(client, bytes, 6 + strlen(text), MSG_NOSIGNAL), 6 + strlen(text));
}

static char frame[1 << 16];
/* Text: its message; a close: "close CODE REASON". */
static const char *hear(int client) {
  unsigned char header[4];
  hear_bytes(client, (char *)header, 2);
  size_t length = header[1];
  if (length == 126) {
    hear_bytes(client, (char *)header + 2, 2);
    length = (size_t)header[2] << 8 | header[3];
  }
  assert_true(length < sizeof frame);
  hear_bytes(client, frame, length);
  frame[length] = '\0';
  if (header[0] != 0x88) return frame;
  static char words[160];
  return or_format(words, sizeof words, "close %d %.123s", (uint8_t)frame[0] << 8 | (uint8_t)frame[1], frame + 2);
}
static void expect_heard(int client, const char *start) {
  const char *heard = hear(client);
  if (strncmp(heard, start, strlen(start)) != 0) fail_msg("expected %s, heard %s", start, heard);
}

static int open_as(const char *key, int receive_buffer) {
  char text[400];
  int client = dial_with(receive_buffer);
  (void)or_format(text, sizeof text,
                  "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                  "Sec-WebSocket-Protocol: openruntime.key.%s\r\n\r\n",
                  key);
  assert_int_equal(ask(client, text), 101);
  expect_heard(client, "{\"type\":\"device_status\",\"devices\":[],\"timestamp\":\"");
  const size_t active = strcmp(key, "root") == 0 ? 3 : strlen(key); /* one's own, but for an admin */
  expect_heard(client,
               or_format(text, sizeof text,
                         "{\"type\":\"metrics_update\",\"metrics\":{},\"active_tasks\":%zu,\"timestamp\":\"", active));
  return client;
}

static void tell(const char *id, const char *owner, or_task_state_t state, double progress, bool accepted) {
  const or_hub_task_t task = {id, owner, state, progress, accepted};
  or_hub_tell_task(hub, &task);
}

static void tells_a_task_to_its_owner_and_to_admins(void **state) {
  (void)state;
  int alice = open_as("alice", 0), bob = open_as("bob", 0), root = open_as("root", 0);
  tell("t", "alice", OR_TASK_PENDING, 0, true);
  tell("t", "alice", OR_TASK_RUNNING, 0.5, false);
  tell("t", "alice", OR_TASK_COMPLETED, 1, false);
  tell("t", "alice", OR_TASK_RUNNING, 0.75, false); /* too late */
  tell("u", "bob", OR_TASK_FAILED, 0, false);
  for (int i = 0; i < 2; ++i) {
    int client = i == 0 ? alice : root;
    expect_heard(client, "{\"type\":\"task_update\",\"task_id\":\"t\",\"status\":\"pending\",\"progress\":0,\"time");
    expect_heard(client, "{\"type\":\"task_update\",\"task_id\":\"t\",\"status\":\"running\",\"progress\":0.5,\"ti");
    expect_heard(client, "{\"type\":\"task_completed\",\"task_id\":\"t\",\"status\":\"completed\",\"timestamp\":");
  }
  expect_heard(root, "{\"type\":\"task_completed\",\"task_id\":\"u\",\"status\":\"failed\",\"timestamp\":");
  expect_heard(bob, "{\"type\":\"task_completed\",\"task_id\":\"u\",\"status\":\"failed\",\"timestamp\":");
  tell("t", "alice", OR_TASK_PENDING, 0, true); /* the id again, after the first was forgotten */
  send_text(alice, "{\"subscribe\":[\"tasks\"]}");
  expect_heard(alice, "{\"type\":\"task_update\",\"task_id\":\"t\",\"status\":\"pending\"");
  assert_true(devices_written <= 3);
  (void)close(alice), (void)close(bob), (void)close(root);
}

static void closes_what_a_key_opened_and_nothing_else(void **state) {
  (void)state;
  int alice = open_as("alice", 0), again = open_as("alice", 0), bob = open_as("bob", 0);
  or_hub_shut_out(NULL, "alice");
  or_hub_shut_out(hub, "nobody");
  or_hub_shut_out(hub, "alice");
  tell("t", "alice", OR_TASK_RUNNING, 0, true);
  expect_heard(alice, "close 1008 the key was revoked");
  expect_heard(again, "close 1008 the key was revoked");
  assert_true(is_over(alice) && is_over(again));
  tell("u", "bob", OR_TASK_FAILED, 0, true);
  expect_heard(bob, "{\"type\":\"task_completed\",\"task_id\":\"u\"");
  (void)close(alice), (void)close(again), (void)close(bob);
}

/* More owners than there are places for what was written. */
static void counts_each_owners_tasks_apart(void **state) {
  char key[32] = {0};
  (void)state;
  for (int i = 0; i < 24; ++i) {
    key[i] = 'k';
    (void)close(open_as(key, 0));
    if (i % 2 == 0) (void)close(open_as("k", 0));
  }
}

static void sends_what_was_asked_for_as_often_as_asked(void **state) {
  (void)state;
  int client = open_as("root", 0), other = open_as("root", 0);
  send_text(client, "{\"subscribe\":[\"metrics\",\"logs\"],\"interval\":0.1}");
  for (int i = 0; i < 4; ++i) expect_heard(client, "{\"type\":\"metrics_update\"");
  assert_int_equal(interval_ms, 100);
  tell("t", "root", OR_TASK_PENDING, 0, true);
  expect_heard(other, "{\"type\":\"task_update\"");
  or_hub_tell_log(hub, OR_LOG_WARNING, "level=warning event=\"x\"");
  while (strncmp(hear(client), "{\"type\":\"metrics", 16) == 0) {
  }
  const char words[] =
      "{\"type\":\"log\",\"level\":\"warning\",\"message\":\"level=warning event=\\\"x\\\"\",\"timestamp\":\"";
  if (strncmp(frame, words, strlen(words)) != 0) fail_msg("%s", frame);
  send_text(client, "{\"subscribe\":[]}");
  send_text(client, "{\"subscribe\":[\"metrics\"],\"interval\":60}");
  expect_heard(client, "{\"type\":\"metrics_update\"");
  while (interval_ms != 1000) {
  } /* the last quick reader has gone */
  (void)close(client), (void)close(other);
}

static void closes_for_what_it_does_not_understand(void **state) {
  (void)state;
  static const struct {
    const char *key, *message, *close;
  } rows[] = {{"root", "x", "close 1008 JSON: "},
              {"root", "[]", "close 1008 not an object"},
              {"root", "{}", "close 1008 not an object"},
              {"root", "{\"type\":\"ping\"}", "close 1008 \"type\" is unknown here: subscribe, interval"},
              {"root", "{\"subscribe\":\"tasks\"}", "close 1008 subscribe: a list"},
              {"root", "{\"subscribe\":[\"weather\"]}", "close 1008 subscribe: \"weather\" is no topic"},
              {"root", "{\"subscribe\":[1]}", "close 1008 subscribe: \"\" is no topic"},
              {"root", "{\"interval\":0.05}", "close 1008 interval: a number of seconds, 0.1 to 60"},
              {"root", "{\"interval\":61}", "close 1008 interval:"},
              {"root", "{\"interval\":\"1\"}", "close 1008 interval:"},
              {"alice", "{\"subscribe\":[\"logs\"]}", "close 1008 subscribe: logs need a key with scope admin"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    int client = open_as(rows[i].key, 0);
    send_text(client, rows[i].message);
    expect_heard(client, rows[i].close);
    assert_true(is_over(client));
    (void)close(client);
  }
  int client = open_as("root", 0);
  assert_int_equal(send(client, "\x82\x81\0\0\0\0x", 7, MSG_NOSIGNAL), 7);
  expect_heard(client, "close 1008 text messages only");
  (void)close(client);
}

/* More than the sockets hold, so that the reader is behind; the other hears all of it. */
static void keeps_completions_for_a_slow_reader_and_skips_old_updates(void **state) {
  (void)state;
  enum { TASKS = 2000 };
  int slow = open_as("root", 4096), quick = open_as("root", 0);
  char id[32];
  send_text(slow, "{\"subscribe\":[\"tasks\"]}");
  send_text(quick, "{\"subscribe\":[\"tasks\"]}");
  for (int round = 0; round < 20; ++round) { /* 20 updates of one task beside it */
    for (int i = 0; i < TASKS / 20; ++i) {
      const int number = round * (TASKS / 20) + i;
      (void)or_format(id, sizeof id, "t%d", number);
      tell(id, "x", OR_TASK_COMPLETED, 1, false);
      tell("long", "x", OR_TASK_RUNNING, (double)number / TASKS, number == 0);
      if (number % 50 != 49) continue;
      do (void)hear(quick); /* in step, so that it is never behind */
      while (strstr(frame, or_format(id, sizeof id, "\"progress\":%g", (double)number / TASKS)) == NULL);
    }
  }
  int completions = 0, updates = 0;
  while (completions < TASKS) {
    (void)hear(slow);
    if (strstr(frame, "task_completed") != NULL) {
      assert_non_null(strstr(frame, or_format(id, sizeof id, "\"t%d\"", completions)));
      ++completions;
    } else if (strstr(frame, "task_update") != NULL) {
      ++updates;
    } else {
      assert_null(strstr(frame, "skipped"));
    }
  }
  assert_true(updates < TASKS);
  (void)close(slow), (void)close(quick);
}

static void says_when_a_reader_is_too_far_behind(void **state) {
  (void)state;
  int slow = open_as("root", 4096);
  char id[32], padded[OR_TASK_ID_BYTES];
  send_text(slow, "{\"subscribe\":[\"tasks\"]}");
  memset(padded, 'x', sizeof padded - 8);
  for (int i = 0; i < 60000; ++i) {
    (void)or_format(padded + sizeof padded - 9, 9, "%08d", i);
    tell(padded, "x", OR_TASK_COMPLETED, 1, false);
  }
  bool skipped = false;
  do {
    (void)hear(slow);
    skipped = skipped || strncmp(frame, "{\"type\":\"skipped\",\"topic\":\"tasks\",\"timestamp\":", 46) == 0;
  } while (strstr(frame, "00059999") == NULL); /* the newest is never lost */
  assert_true(skipped);
  assert_true(counting.peak_bytes < (size_t)16 << 20);
  for (int i = 0; i < 2000; ++i)
    or_hub_tell_log(hub, OR_LOG_INFO, or_format(id, sizeof id, "%d", i)); /* nobody hears */
  (void)close(slow);
}

static void writes_nothing_while_nobody_listens(void **state) {
  (void)state;
  size_t before = counting.alloc_count;
  assert_false(or_hub_hears_tasks(hub));
  assert_false(or_hub_hears_tasks(NULL));
  tell("t", "", OR_TASK_RUNNING, 0, true);
  or_hub_tell_log(hub, OR_LOG_INFO, "x");
  assert_int_equal(counting.alloc_count, before);
  assert_int_equal(metrics_written, 0);
}

/* The n-th allocation from here on fails: one message is missing, which the reader is told, and the next is there. */
static void loses_one_message_for_want_of_memory(void **state) {
  (void)state;
  int client = open_as("root", 0);
  send_text(client, "{\"subscribe\":[\"tasks\",\"logs\"]}");
  or_hub_tell_log(hub, OR_LOG_INFO, "not yet, or heard");
  send_text(client, "{\"subscribe\":[\"tasks\",\"metrics\",\"logs\"],\"interval\":60}");
  do (void)hear(client);
  while (strstr(frame, "metrics_update") == NULL);
  for (size_t n = 1; n <= 3; ++n) {
    counting.triggered = false;
    counting.fail_at = counting.alloc_count + n;
    tell("t", "x", OR_TASK_RUNNING, 0.25, false);
    or_hub_tell_log(hub, OR_LOG_INFO, "line");
    tell("u", "x", OR_TASK_FAILED, 0, false);
    do (void)hear(client);
    while (strstr(frame, "\"u\"") == NULL && strstr(frame, "skipped") == NULL);
    counting.fail_at = 0;
    tell("end", "x", OR_TASK_FAILED, 0, true);
    do (void)hear(client);
    while (strstr(frame, "\"end\"") == NULL);
  }
  (void)close(client);
}

static or_status_t make_hub(const or_allocator_t *allocator) {
  const or_hub_source_t source = {NULL, write_devices, write_metrics, active_tasks, set_interval};
  or_hub_t *made = NULL;
  or_status_t status = or_hub_create(allocator, &source, &made);
  or_hub_free(made);
  return status;
}
static void takes_memory_from_the_allocator(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(make_hub);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      CASE(closes_what_a_key_opened_and_nothing_else), CASE(counts_each_owners_tasks_apart),
      CASE(tells_a_task_to_its_owner_and_to_admins),   CASE(sends_what_was_asked_for_as_often_as_asked),
      CASE(closes_for_what_it_does_not_understand),    CASE(keeps_completions_for_a_slow_reader_and_skips_old_updates),
      CASE(says_when_a_reader_is_too_far_behind),      CASE(writes_nothing_while_nobody_listens),
      CASE(loses_one_message_for_want_of_memory),      cmocka_unit_test(takes_memory_from_the_allocator),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
