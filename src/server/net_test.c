/* Requests over real sockets of loopback. */
#include <sched.h>

#include "base/clock.h"
#include "server/net_test_internal.h"

#define HOST "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\n"

static void echo(or_request_t *request) {
  or_reply_text(request, "text/plain", request->body != NULL ? request->body : "", request->body_bytes);
  or_reply_header(request, "X-Query", "%.*s", (int)request->query.length,
                  request->query.data != NULL ? request->query.data : "");
}
static void hello(or_request_t *request) { or_reply_text(request, "text/plain", "hello", 5); }
static void parameter(or_request_t *request) {
  const char *text = or_request_parameter(request, 0);
  or_reply_text(request, "text/plain", text, strlen(text));
}

/* The request that is kept, handed from the loop's thread to the test's. */
static struct {
  or_mutex_t mutex;
  or_cond_t changed;
  or_request_t *request;
  int gone;
} kept;
static void on_gone(void *self, or_request_t *request) {
  (void)request;
  or_mutex_lock(&kept.mutex);
  ++*(int *)self;
  or_cond_signal(&kept.changed);
  or_mutex_unlock(&kept.mutex);
}
static void later(or_request_t *request) {
  or_request_keep(request);
  or_request_on_gone(request, on_gone, &kept.gone);
  or_mutex_lock(&kept.mutex);
  kept.request = request;
  or_cond_signal(&kept.changed);
  or_mutex_unlock(&kept.mutex);
}
static or_request_t *take_kept(void) {
  or_mutex_lock(&kept.mutex);
  while (kept.request == NULL) or_cond_wait(&kept.changed, &kept.mutex);
  or_request_t *request = kept.request;
  kept.request = NULL;
  or_mutex_unlock(&kept.mutex);
  return request;
}

/* A handler whose answer is there before it returns, though it was to come later. */
static void at_once(or_request_t *request) {
  or_request_keep(request);
  or_request_on_gone(request, on_gone, &kept.gone);
  or_reply_text(request, "text/plain", "soon", 4);
  or_reply_post(request);
}

/* A handler that keeps its loop until the test lets go. */
static _Atomic int stuck_inside, stuck_let_go;
static void stuck(or_request_t *request) {
  atomic_store(&stuck_inside, 1);
  while (!atomic_load(&stuck_let_go)) (void)sched_yield();
  or_reply_text(request, "text/plain", "free", 4);
}

#define LARGE ((size_t)8 << 20)
static char *large;
static _Atomic int large_released;
static void release_large(void *self) { (void)self, (void)atomic_fetch_add(&large_released, 1); }
static void send_large(or_request_t *request) {
  or_reply_bytes(request, "application/octet-stream", large, LARGE, (or_owner_t){NULL, release_large});
}

static const or_route_t routes[] = {
    {.method = OR_HTTP_GET, .pattern = "/hello", .handle = hello},
    {.method = OR_HTTP_POST, .pattern = "/echo", .body = OR_BODY_JSON, .handle = echo},
    {.method = OR_HTTP_GET, .pattern = "/items/{id}", .handle = parameter},
    {.method = OR_HTTP_GET, .pattern = "/later", .handle = later},
    {.method = OR_HTTP_GET, .pattern = "/at-once", .handle = at_once},
    {.method = OR_HTTP_GET, .pattern = "/large", .handle = send_large},
    {.method = OR_HTTP_GET, .pattern = "/stuck", .handle = stuck},
    {.method = OR_HTTP_GET, .pattern = "/live", .handle = hello, .when = OR_WHEN_LISTENING},
    {.method = OR_HTTP_POST, .pattern = "/work", .handle = hello, .scope = OR_SCOPE_RUN},
};

static or_net_options_t options(void) { return net_options(routes, sizeof routes / sizeof *routes); }

static int begin(void **state) {
  (void)state;
  or_net_options_t plain = options();
  start_net(&plain);
  return 0;
}

static void answers_requests_on_one_connection(void **state) {
  (void)state;
  int client = dial();
  for (int i = 0; i < 3; ++i) {
    assert_int_equal(ask(client, "GET /hello HTTP/1.1\r\n" HOST "X-Request-Id: my.id:1\r\n\r\n"), 200);
    assert_string_equal(answer_body, "hello");
    expect_in_answer("\r\nServer: test\r\n");
    expect_in_answer("\r\nX-Request-Id: my.id:1\r\n");
    expect_in_answer(" GMT\r\n");
  }
  assert_int_equal(ask(client, "HEAD /hello HTTP/1.1\r\n" HOST "X-Request-Id: not an id\r\n\r\n"), 200);
  expect_in_answer("\r\nContent-Length: 5\r\n");
  assert_null(strstr(answer, "not an id"));
  assert_int_equal(ask(client, "GET /items/a%20b%2Fc?x=1 HTTP/1.1\r\n" HOST "\r\n"), 200);
  assert_string_equal(answer_body, "a b/c");
  assert_int_equal(ask(client, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), 200);
  expect_in_answer("\r\nConnection: close\r\n");
  assert_true(is_over(client));
  (void)close(client);
}

static void answers_pipelined_requests_in_order(void **state) {
  (void)state;
  int client = dial();
  say(client, "GET /items/1 HTTP/1.1\r\n" HOST "\r\nPOST /echo?q HTTP/1.1\r\n" HOST JSON "Content-Length: 3\r\n\r\nabc"
              "GET /items/2 HTTP/1.1\r\n" HOST "\r\nGET /lat");
  assert_int_equal(hear_answer(client, false), 200);
  assert_string_equal(answer_body, "1");
  assert_int_equal(hear_answer(client, false), 200);
  assert_string_equal(answer_body, "abc");
  expect_in_answer("X-Query: q\r\n");
  assert_int_equal(hear_answer(client, false), 200);
  assert_string_equal(answer_body, "2");
  say(client, "er HTTP/1.1\r\n" HOST "\r\nGET /items/3 HTTP/1.1\r\n" HOST "\r\n");
  or_request_t *request = take_kept(); /* what comes behind a kept request waits for it */
  or_reply_text(request, "text/plain", "at last", 7);
  or_reply_post(request);
  assert_int_equal(hear_answer(client, false), 200);
  assert_string_equal(answer_body, "at last");
  assert_int_equal(hear_answer(client, false), 200);
  assert_string_equal(answer_body, "3");
  (void)close(client);
}

static void an_answer_that_is_there_when_the_handler_returns_needs_no_message(void **state) {
  (void)state;
  int client = dial();
  const int gone = kept.gone;
  say(client, "GET /at-once HTTP/1.1\r\n" HOST "\r\nGET /items/1 HTTP/1.1\r\n" HOST "\r\n");
  assert_int_equal(hear_answer(client, false), 200);
  assert_string_equal(answer_body, "soon");
  assert_int_equal(hear_answer(client, false), 200);
  assert_string_equal(answer_body, "1");
  assert_int_equal(ask(client, "GET /at-once HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), 200);
  assert_true(is_over(client));
  assert_int_equal(kept.gone, gone);
  (void)close(client);
}

static void reads_bodies_of_both_kinds(void **state) {
  (void)state;
  int client = dial();
  assert_int_equal(ask(client, "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
                   200);
  assert_string_equal(answer_body, "abcde");
  say(client, "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  assert_int_equal(hear_answer(client, false), 100);
  assert_int_equal(ask(client, "12345"), 200);
  assert_string_equal(answer_body, "12345");
  /* Refused before its body: the client need not send it. */
  assert_int_equal(ask(client, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"),
                   415);
  assert_true(is_over(client));
  (void)close(client);
}

static void refuses_and_keeps_the_connection_where_it_can(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *text, *words;
  } rows[] = {
      {404, "GET /none HTTP/1.1\r\n" HOST "\r\n", "not_found"},
      {404, "GET /items/%zz HTTP/1.1\r\n" HOST "\r\n", "not_found"},
      {404, "GET /items/a/b HTTP/1.1\r\n" HOST "\r\n", "not_found"},
      {405, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nabcd", "Allow: GET, HEAD, OPTIONS\r\n"},
      {405, "BREW /hello HTTP/1.1\r\n" HOST "\r\n", "method_not_allowed"},
      {204, "OPTIONS /echo HTTP/1.1\r\n" HOST "\r\n", "Allow: POST, OPTIONS\r\n"},
      {204, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "Allow: GET, "},
      {415, "POST /echo HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
       "application/json"},
      {421, "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", "misdirected_request"},
      {403, "GET /hello HTTP/1.1\r\n" HOST "Origin: http://evil.example\r\n\r\n", "permission_denied"},
      {200, "GET /hello HTTP/1.1\r\n" HOST "Origin: http://localhost\r\n\r\n", "hello"},
      {200, "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}", "hello"},
  };
  int client = dial();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    int status = ask(client, rows[i].text);
    if (status != rows[i].status || strstr(answer, rows[i].words) == NULL)
      fail_msg("row %zu: not %d with %s: %s", i, rows[i].status, rows[i].words, answer);
  }
  (void)close(client);
}

static void refuses_what_is_too_large_and_ends(void **state) {
  (void)state;
  static char text[40000];
  static const struct {
    int status;
    const char *before, *after;
    size_t fill;
  } rows[] = {
      {414, "GET /", " HTTP/1.1\r\n" HOST "\r\n", 9000},
      {431, "GET /hello HTTP/1.1\r\n" HOST "X: ", "\r\n\r\n", 20000},
      {413, "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 999999999999\r\n\r\n", "", 0},
      {413, "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n", "", 0},
      {400, "GET /hello HTTP/1.1\r\n\r\n", "", 0},
      {400, "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\nno chunk", "", 0},
      {505, "GET /hello HTTP/3.0\r\n" HOST "\r\n", "", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    int client = dial();
    size_t length = strlen(rows[i].before);
    memcpy(text, rows[i].before, length);
    memset(text + length, 'a', rows[i].fill);
    memcpy(text + length + rows[i].fill, rows[i].after, strlen(rows[i].after) + 1);
    int status = ask(client, text);
    if (status != rows[i].status) fail_msg("row %zu: %s", i, answer);
    assert_true(is_over(client));
    (void)close(client);
  }
}

static void tells_the_handler_when_the_client_goes(void **state) {
  (void)state;
  int client = dial(), other = dial();
  say(client, "GET /later HTTP/1.1\r\n" HOST "\r\n");
  or_request_t *request = take_kept();
  (void)close(client);
  or_mutex_lock(&kept.mutex);
  while (kept.gone == 0) or_cond_wait(&kept.changed, &kept.mutex);
  kept.gone = 0;
  or_mutex_unlock(&kept.mutex);
  or_reply_text(request, "text/plain", "nobody hears it", 15);
  or_reply_post(request);
  assert_int_equal(ask(other, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
  (void)close(other);
}

static void streams_a_large_reply_to_a_slow_reader_without_a_copy(void **state) {
  (void)state;
  int slow = dial_with(4096), other = dial();
  atomic_store(&large_released, 0);
  size_t before = counting.peak_bytes;
  say(slow, "GET /large HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
  char *all = malloc(LARGE);
  size_t at = 0;
  for (answer[0] = '\0'; strstr(answer, "\r\n\r\n") == NULL; answer[++at] = '\0') hear_bytes(slow, answer + at, 1);
  assert_int_equal(ask(other, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200); /* others are served meanwhile */
  hear_bytes(slow, all, LARGE);
  assert_memory_equal(all, large, LARGE);
  free(all);
  assert_int_equal(hear_answer(slow, false), 200);
  assert_string_equal(answer_body, "hello");
  assert_int_equal(large_released, 1);
  assert_true(counting.peak_bytes < before + ((size_t)1 << 20));
  (void)close(slow);
  (void)close(other);
}

static void allocates_nothing_for_small_replies(void **state) {
  (void)state;
  int client = dial();
  assert_int_equal(ask(client, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
  size_t before = counting.alloc_count;
  for (int i = 0; i < 100; ++i) assert_int_equal(ask(client, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
  say(client, "GET /later HTTP/1.1\r\n" HOST "\r\n");
  or_request_t *request = take_kept();
  or_reply_text(request, "text/plain", "small", 5);
  or_reply_post(request);
  assert_int_equal(hear_answer(client, false), 200);
  assert_int_equal(counting.alloc_count, before);
  (void)close(client);
}

/* So that an idle connection is a small one, whatever it was asked. */
static void gives_back_what_a_large_request_needed(void **state) {
  (void)state;
  static char text[16384];
  int client = dial();
  assert_int_equal(ask(client, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
  size_t before = counting.live_bytes;
  (void)or_format(text, sizeof text,
                  "POST /echo HTTP/1.1\r\n" HOST JSON "X-Filler: %05000d\r\nContent-Length: 9000\r\n\r\n%09000d", 0, 0);
  assert_int_equal(ask(client, text), 200);
  assert_int_equal(strlen(answer_body), 9000);
  assert_int_equal(ask(client, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
  assert_true(counting.live_bytes <= before + 1024); /* the text of a small reply is kept */
  (void)close(client);
}

static void ends_connections_that_are_too_slow(void **state) {
  (void)state;
  or_net_options_t quick = options();
  quick.limits.header_timeout_ms = quick.limits.body_timeout_ms = quick.limits.idle_timeout_ms = 20;
  quick.limits.write_timeout_ms = 20;
  start_net(&quick);
  int head = dial(), body = dial(), silent = dial(), idle = dial(), reader = dial_with(4096);
  say(head, "GET /hello HTTP/1.1\r\n");
  say(body, "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 10\r\n\r\n123");
  say(reader, "GET /large HTTP/1.1\r\n" HOST "\r\n");
  assert_int_equal(hear_answer(head, false), 408);
  expect_in_answer("request_timeout");
  assert_true(is_over(head));
  assert_int_equal(hear_answer(body, false), 408);
  assert_true(is_over(body));
  assert_true(is_over(silent));
  say(idle, "");
  assert_true(is_over(idle));
  /* What the system had taken of the reply comes, then the end: far from all of it. */
  static char piece[4096];
  size_t heard = 0;
  while (or_net_connections(net) > 0) (void)sched_yield(); /* it does not read before it is cut off */
  for (ssize_t count = 1; count > 0; heard += count > 0 ? (size_t)count : 0)
    count = hear_some(reader, piece, sizeof piece);
  assert_true(heard < LARGE);
  (void)close(head), (void)close(body), (void)close(silent), (void)close(idle), (void)close(reader);
  stop_net();
}

static void refuses_more_connections_than_it_may_have(void **state) {
  (void)state;
  or_net_options_t few = options();
  few.limits.connections = 2;
  start_net(&few);
  int first = dial(), second = dial();
  assert_int_equal(ask(first, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
  assert_int_equal(ask(second, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
  int third = dial();
  assert_int_equal(hear_answer(third, false), 503);
  expect_in_answer("Retry-After: 1\r\n");
  assert_int_equal(or_net_refused(net), 1);
  (void)close(first), (void)close(second), (void)close(third);
  stop_net();
}

static void says_what_it_does_while_it_starts_and_drains(void **state) {
  (void)state;
  or_net_options_t plain = options();
  expect_ok(or_net_start(&plain, &net));
  int client = dial(), waiting = dial();
  assert_int_equal(ask(client, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 503);
  expect_in_answer("the server is starting");
  assert_int_equal(ask(client, "GET /live HTTP/1.1\r\n" HOST "\r\n"), 200);
  or_net_set_phase(net, OR_NET_READY);
  say(waiting, "GET /later HTTP/1.1\r\n" HOST "\r\n");
  or_request_t *request = take_kept();
  assert_false(or_net_drain(net, 0)); /* the deadline is over: one is still at work */
  assert_true(is_over(client));       /* idle connections are closed */
  int late = dial();
  assert_int_equal(ask(late, "POST /work HTTP/1.1\r\n" HOST "\r\n"), 503);
  expect_in_answer("the server is draining");
  or_reply_text(request, "text/plain", "done", 4);
  or_reply_post(request);
  assert_int_equal(hear_answer(waiting, false), 200);
  expect_in_answer("Connection: close\r\n");
  assert_true(is_over(waiting));
  (void)close(client), (void)close(waiting), (void)close(late);
  stop_net();
}

/* 30 s: no measure of ours, after it a broken test ends. */
static void waits_for_no_body_whose_client_has_gone(void **state) {
  (void)state;
  int client = dial();
  say(client, "POST /echo HTTP/1.1\r\n" HOST JSON "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n");
  assert_int_equal(hear_answer(client, false), 100); /* so the request is at work */
  say(client, "{");
  (void)close(client);
  assert_true(or_net_drain(net, or_clock_ns() + INT64_C(30000000000)));
}

static void a_body_that_is_under_way_holds_no_drain_up(void **state) {
  (void)state;
  int client = dial();
  say(client, "POST /echo HTTP/1.1\r\n" HOST JSON "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n");
  assert_int_equal(hear_answer(client, false), 100); /* so the request is at work */
  say(client, "{");
  assert_true(or_net_drain(net, or_clock_ns() + INT64_C(30000000000)));
  assert_int_equal(hear_answer(client, false), 503);
  expect_in_answer("the server is draining");
  expect_in_answer("Connection: close\r\n");
  (void)close(client);
}

/* Handlers have nothing to read from before the server was ready. */
static void what_drains_before_it_was_ready_answers_no_reads(void **state) {
  (void)state;
  or_net_options_t plain = options();
  for (int was_ready = 0; was_ready < 2; ++was_ready) {
    expect_ok(or_net_start(&plain, &net));
    if (was_ready) or_net_set_phase(net, OR_NET_READY);
    assert_true(or_net_drain(net, INT64_MAX));
    int late = dial();
    assert_int_equal(ask(late, "GET /hello HTTP/1.1\r\n" HOST "\r\n"), was_ready ? 200 : 503);
    (void)close(late);
    stop_net();
  }
}

static void says_what_is_wrong_with_an_address(void **state) {
  (void)state;
  or_net_options_t taken = options();
  or_net_t *second = NULL;
  start_net(&taken);
  taken.port = or_net_port(net);
  expect_failure(or_net_start(&taken, &second), OR_UNAVAILABLE, "choose another with --port");
  taken.host = "no such host";
  expect_failure(or_net_start(&taken, &second), OR_INVALID_ARGUMENT, "no such host");
  taken.host = NULL;
  taken.unix_path = "/no/such/folder/socket";
  expect_failure(or_net_start(&taken, &second), OR_UNAVAILABLE, "/no/such/folder/socket");
  assert_null(second);
  stop_net();
}

static or_status_t start_and_stop(const or_allocator_t *allocator) {
  or_net_options_t plain = options();
  or_net_t *started = NULL;
  plain.allocator = allocator;
  or_status_t status = or_net_start(&plain, &started);
  or_net_stop(started);
  return status;
}

static void gives_everything_back_when_it_can_not_start(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(start_and_stop);
}

/* Asks on a connection of its own, and reads until it ends; the status, 0 without an answer. */
static int ask_once(const char *text) {
  int client = dial();
  size_t at = 0;
  (void)send(client, text, strlen(text), MSG_NOSIGNAL);
  for (ssize_t count = 1; count > 0; at += count > 0 ? (size_t)count : 0)
    count = hear_some(client, answer + at, sizeof answer - 1 - at);
  answer[at] = '\0';
  (void)close(client);
  return at > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

/* All of them are read in one turn of the loop, after the one that it was stuck in. */
static void answers_many_connections_of_one_turn(void **state) {
  (void)state;
  enum { COUNT = 70 }; /* more than are held together */
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  int busy = dial(), clients[COUNT];
  for (int i = 0; i < COUNT; ++i) {
    clients[i] = dial();
    assert_int_equal(ask(clients[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n"), 200);
  }
  atomic_store(&stuck_inside, 0);
  atomic_store(&stuck_let_go, 0);
  say(busy, "GET /stuck HTTP/1.1\r\n" HOST "\r\n");
  while (!atomic_load(&stuck_inside)) (void)sched_yield();
  for (int i = 0; i < COUNT; ++i) {
    char text[128];
    (void)snprintf(text, sizeof text, "GET /items/%d HTTP/1.1\r\n" HOST "%s\r\n", i,
                   i % 9 == 4 ? "Connection: close\r\n" : "");
    say(clients[i], text);
  }
  (void)setsockopt(clients[7], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  (void)close(clients[7]); /* nobody hears its answer */
  atomic_store(&stuck_let_go, 1);
  assert_int_equal(hear_answer(busy, false), 200);
  for (int i = 0; i < COUNT; ++i) {
    if (i == 7) continue;
    assert_int_equal(hear_answer(clients[i], false), 200);
    assert_int_equal(strtol(answer_body, NULL, 10), i);
    if (i % 9 == 4) assert_true(is_over(clients[i]));
    (void)close(clients[i]);
  }
  (void)close(busy);
}

/* A client that goes on asking as long as it can before it reads: the server stops taking what it can't answer. */
static void holds_no_more_than_the_socket_takes(void **state) {
  (void)state;
  enum { COUNT = 1500, BODY = 8000 };
  static char text[BODY + 256];
  int client = dial_with(4096), heard = 0;
  (void)snprintf(text, sizeof text, "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: %d\r\n\r\n%0*d", BODY, BODY,
                 7);
  const size_t length = strlen(text), total = length * COUNT;
  for (size_t at = 0; at < total;) {
    ssize_t sent = send(client, text + at % length, length - at % length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) at += (size_t)sent;
    if (sent > 0 || (size_t)heard == at / length) continue; /* what it has whole is answered */
    assert_int_equal(hear_answer(client, false), 200);
    ++heard;
  }
  assert_true(heard > 0);
  for (; heard < COUNT; ++heard) {
    assert_int_equal(hear_answer(client, false), 200);
    assert_int_equal(strlen(answer_body), BODY);
  }
  (void)close(client);
}

static void is_alive_until_a_loop_is_stuck(void **state) {
  (void)state;
  assert_true(or_net_is_alive(net));
  while (!or_net_is_alive(net)) (void)sched_yield();
  int client = dial();
  say(client, "GET /stuck HTTP/1.1\r\n" HOST "\r\n");
  while (!atomic_load(&stuck_inside)) (void)sched_yield();
  (void)or_net_is_alive(net); /* the call before may have been answered; this one can't be */
  assert_false(or_net_is_alive(net));
  assert_false(or_net_is_alive(net));
  atomic_store(&stuck_let_go, 1);
  assert_int_equal(hear_answer(client, false), 200);
  while (!or_net_is_alive(net)) (void)sched_yield();
  (void)close(client);
}

static void an_allocation_that_fails_costs_one_request(void **state) {
  (void)state;
  static const char text[] =
      "POST /echo HTTP/1.1\r\n" HOST JSON "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n0\r\n\r\n";
  or_net_options_t plain = options();
  start_net(&plain);
  size_t of_the_start = counting.alloc_count;
  stop_net();
  for (size_t n = 1;; ++n) {
    plain = options();
    counting.fail_at = of_the_start + n;
    start_net(&plain);
    int first = ask_once(text), second = ask_once(text);
    bool triggered = counting.triggered;
    stop_net();
    assert_int_equal((first != 200) + (second != 200), triggered && (first != 200 || second != 200));
    if (!triggered) break; /* the run that never reached n proves that every n was tried */
  }
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end_net)
  const struct CMUnitTest tests[] = {
      CASE(answers_requests_on_one_connection),
      CASE(answers_pipelined_requests_in_order),
      CASE(an_answer_that_is_there_when_the_handler_returns_needs_no_message),
      CASE(is_alive_until_a_loop_is_stuck),
      CASE(reads_bodies_of_both_kinds),
      CASE(refuses_and_keeps_the_connection_where_it_can),
      CASE(refuses_what_is_too_large_and_ends),
      CASE(tells_the_handler_when_the_client_goes),
      CASE(waits_for_no_body_whose_client_has_gone),
      CASE(a_body_that_is_under_way_holds_no_drain_up),
      CASE(streams_a_large_reply_to_a_slow_reader_without_a_copy),
      CASE(answers_many_connections_of_one_turn),
      CASE(holds_no_more_than_the_socket_takes),
      CASE(allocates_nothing_for_small_replies),
      CASE(gives_back_what_a_large_request_needed),
      cmocka_unit_test(ends_connections_that_are_too_slow),
      cmocka_unit_test(refuses_more_connections_than_it_may_have),
      cmocka_unit_test(says_what_it_does_while_it_starts_and_drains),
      cmocka_unit_test(what_drains_before_it_was_ready_answers_no_reads),
      cmocka_unit_test(says_what_is_wrong_with_an_address),
      cmocka_unit_test(gives_everything_back_when_it_can_not_start),
      cmocka_unit_test(an_allocation_that_fails_costs_one_request),
  };
  large = malloc(LARGE);
  for (size_t i = 0; i < LARGE; ++i) large[i] = (char)(i * 2654435761u >> 13);
  or_mutex_init(&kept.mutex);
  or_cond_init(&kept.changed);
  int failures = cmocka_run_group_tests(tests, NULL, NULL);
  free(large);
  return failures;
}
