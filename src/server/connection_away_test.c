/* Requests that are too large for a loop, over real sockets of loopback: one loop, whose other connections go on. */
#include <poll.h>
#include <sched.h>

#include "server/net_internal.h"
#include "server/net_test_internal.h"

#define HOST "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\n"
#define LARGE (OR_LOOP_WORK_BYTES + 1)

/* A handler that says where it runs and waits, away from its loop, until the test lets it go on. */
static struct {
  or_mutex_t mutex;
  or_cond_t changed;
  int inside, gone;
  bool open;
  or_request_t *request; /* kept, for the test to answer */
  pthread_t loop;
} gate;

static void enter(void) {
  or_mutex_lock(&gate.mutex);
  ++gate.inside;
  or_cond_broadcast(&gate.changed);
  while (!gate.open) or_cond_wait(&gate.changed, &gate.mutex);
  or_mutex_unlock(&gate.mutex);
}
static void wait_inside(int count) {
  or_mutex_lock(&gate.mutex);
  while (gate.inside < count) or_cond_wait(&gate.changed, &gate.mutex);
  or_mutex_unlock(&gate.mutex);
}
static void open_gate(void) {
  or_mutex_lock(&gate.mutex);
  gate.open = true;
  or_cond_broadcast(&gate.changed);
  or_mutex_unlock(&gate.mutex);
}
static bool on_loop(void) { return pthread_equal(pthread_self(), gate.loop) != 0; }

static void on_gone(void *self, or_request_t *request) {
  (void)self, (void)request;
  or_mutex_lock(&gate.mutex);
  ++gate.gone;
  or_cond_broadcast(&gate.changed);
  or_mutex_unlock(&gate.mutex);
}

static void hello(or_request_t *request) {
  gate.loop = pthread_self();
  or_reply_text(request, "text/plain", "hello", 5);
}
static void tell_size(or_request_t *request) {
  char text[64];
  if (!on_loop()) enter();
  (void)or_format(text, sizeof text, "%zu %s", request->body_bytes, on_loop() ? "here" : "away");
  request->reply.parse_ns = 0;
  or_reply_text(request, "text/plain", text, strlen(text));
}
static void give(or_request_t *request) {
  or_mutex_lock(&gate.mutex);
  gate.request = request;
  or_cond_broadcast(&gate.changed);
  or_mutex_unlock(&gate.mutex);
}
/* Kept once more where it is away already. */
static void later(or_request_t *request) {
  or_request_keep(request);
  or_request_on_gone(request, on_gone, NULL);
  give(request);
  enter();
}
/* The same, but that its client has gone before it says what it wants to hear. */
static void late(or_request_t *request) {
  enter();
  while (!or_cancel_requested(&request->cancel)) (void)sched_yield();
  or_request_keep(request);
  or_request_on_gone(request, on_gone, NULL);
  or_reply_text(request, "text/plain", "nobody hears it", 15);
  or_reply_post(request);
}
/* Finds out that there is much to write. */
static void much(or_request_t *request) {
  if (or_request_elsewhere(request, LARGE)) return;
  assert_false(on_loop());
  or_reply_text(request, "text/plain", "away", 4);
}
/* Finds out that it has to wait for something. */
static void wait_elsewhere(or_request_t *request) {
  bool moved = false;
  if (or_request_may_not_wait(request, &moved)) {
    if (!moved) or_reply_text(request, "text/plain", "without", 7);
    return;
  }
  assert_false(on_loop());
  enter();
  or_reply_text(request, "text/plain", "waited", 6);
}
static const or_route_t routes[] = {
    {.method = OR_HTTP_GET, .pattern = "/hello", .handle = hello},
    {.method = OR_HTTP_POST, .pattern = "/size", .body = OR_BODY_JSON, .handle = tell_size},
    {.method = OR_HTTP_POST, .pattern = "/later", .body = OR_BODY_JSON, .handle = later},
    {.method = OR_HTTP_POST, .pattern = "/late", .body = OR_BODY_JSON, .handle = late},
    {.method = OR_HTTP_GET, .pattern = "/much", .handle = much},
    {.method = OR_HTTP_GET, .pattern = "/wait", .handle = wait_elsewhere},
};
#define HELLO "GET /hello HTTP/1.1\r\n" HOST "\r\n"

static char *post_text;
static const char *post(const char *path, size_t bytes) {
  int head = snprintf(post_text, 256, "POST %s HTTP/1.1\r\n" HOST JSON "Content-Length: %zu\r\n\r\n", path, bytes);
  memset(post_text + head, 'x', bytes);
  post_text[(size_t)head + bytes] = '\0';
  return post_text;
}

static int begin_with(size_t away_bytes) {
  gate.inside = gate.gone = 0;
  gate.open = true;
  gate.request = NULL;
  or_net_options_t options = net_options(routes, sizeof routes / sizeof *routes);
  if (away_bytes > 0) options.limits.away_bytes = away_bytes;
  start_net(&options);
  int client = dial(); /* its handler notes the loop */
  assert_int_equal(ask(client, HELLO), 200);
  (void)close(client);
  return 0;
}
static int begin(void **state) {
  (void)state;
  return begin_with(0);
}
static int end(void **state) {
  (void)state;
  open_gate();
  stop_net();
  return 0;
}

static void the_loop_does_what_is_small(void **state) {
  (void)state;
  int client = dial();
  assert_int_equal(ask(client, post("/size", LARGE - 1)), 200);
  assert_string_equal(answer_body, "131072 here");
  assert_null(strstr(answer, "parse_queue"));
  (void)close(client);
}

static void the_loop_goes_on_while_a_large_body_is_looked_at(void **state) {
  (void)state;
  int client = dial(), other = dial();
  gate.open = false;
  say(client, post("/size", LARGE));
  say(client, HELLO);
  wait_inside(1);
  assert_int_equal(ask(other, HELLO), 200);
  open_gate();
  assert_int_equal(hear_answer(client, false), 200);
  assert_string_equal(answer_body, "131073 away");
  expect_in_answer("Server-Timing: parse_queue;dur=");
  assert_int_equal(hear_answer(client, false), 200); /* what came behind it is answered behind it */
  assert_string_equal(answer_body, "hello");
  assert_int_equal(ask(client, post("/size", 10)), 200);
  assert_null(strstr(answer, "parse_queue"));
  (void)close(client), (void)close(other);
}

static void a_handler_that_is_away_may_answer_later(void **state) {
  (void)state;
  int client = dial();
  say(client, post("/later", LARGE));
  wait_inside(1);
  or_reply_text(gate.request, "text/plain", "at last", 7);
  or_reply_post(gate.request);
  assert_int_equal(hear_answer(client, false), 200);
  assert_string_equal(answer_body, "at last");
  assert_int_equal(gate.gone, 0);
  (void)close(client);
}

/* Goes while the handler is inside, which hears of it. */
static void leave(int client) {
  wait_inside(1);
  (void)close(client);
  or_mutex_lock(&gate.mutex);
  while (gate.gone == 0) or_cond_wait(&gate.changed, &gate.mutex);
  or_mutex_unlock(&gate.mutex);
}

static void its_keeper_hears_that_the_client_has_gone(void **state) {
  (void)state;
  int client = dial();
  say(client, post("/later", LARGE));
  leave(client);
  or_reply_text(gate.request, "text/plain", "nobody hears it", 15);
  or_reply_post(gate.request);
  client = dial();
  assert_int_equal(ask(client, HELLO), 200);
  assert_int_equal(gate.gone, 1);
  (void)close(client);
}

static void hears_at_once_that_the_client_had_gone_before(void **state) {
  (void)state;
  int client = dial();
  say(client, post("/late", LARGE));
  leave(client);
  while (or_net_connections(net) > 0) (void)sched_yield();
  assert_int_equal(gate.gone, 1);
}

static void nobody_is_told_who_asked_for_nothing(void **state) {
  (void)state;
  int client = dial();
  gate.open = false;
  say(client, post("/size", LARGE));
  wait_inside(1);
  (void)close(client);
  while (or_net_connections(net) > 0) (void)sched_yield();
  open_gate();
  client = dial();
  assert_int_equal(ask(client, HELLO), 200);
  assert_int_equal(gate.gone, 0);
  (void)close(client);
}

static void a_handler_may_find_out_that_its_work_is_large(void **state) {
  (void)state;
  int client = dial();
  assert_int_equal(ask(client, "GET /much HTTP/1.1\r\n" HOST "\r\n"), 200);
  assert_string_equal(answer_body, "away");
  (void)close(client);
}

static void a_handler_waits_elsewhere_or_does_without(void **state) {
  (void)state;
  enum { WAITING = 2 + OR_WORKERS_MAX_QUEUED };
  static struct pollfd clients[WAITING + 1];
  gate.open = false;
  for (size_t i = 0; i <= WAITING; ++i) {
    clients[i] = (struct pollfd){.fd = dial(), .events = POLLIN};
    say(clients[i].fd, "GET /wait HTTP/1.1\r\n" HOST "\r\n");
    if (i < 2) wait_inside((int)i + 1); /* the rest wait for these two */
  }
  size_t without = 0;
  assert_int_equal(poll(clients, WAITING + 1, -1), 1);
  while (clients[without].revents == 0) ++without;
  assert_int_equal(hear_answer(clients[without].fd, false), 200);
  assert_string_equal(answer_body, "without");
  assert_int_equal(ask(clients[without].fd, HELLO), 200);
  open_gate();
  for (size_t i = 0; i <= WAITING; ++i) {
    if (i != without) assert_int_equal(hear_answer(clients[i].fd, false), 200);
    if (i != without) assert_string_equal(answer_body, "waited");
    (void)close(clients[i].fd);
  }
}

#define THREADS 2 /* of a net with one loop */
#define MOST (THREADS + OR_AWAY_MAX_QUEUED)
static void refuses_more_than_may_wait(void **state) {
  (void)state;
  struct pollfd clients[MOST + 1];
  size_t refused = 0;
  gate.open = false;
  for (size_t i = 0; i <= MOST; ++i) {
    clients[i] = (struct pollfd){.fd = dial(), .events = POLLIN};
    say(clients[i].fd, post("/size", LARGE));
    if (i < THREADS) wait_inside((int)i + 1); /* else it would wait, and take the place of another */
  }
  assert_int_equal(poll(clients, MOST + 1, 30000), 1); /* whichever came last */
  while (clients[refused].revents == 0) ++refused;
  assert_int_equal(hear_answer(clients[refused].fd, false), 503);
  expect_in_answer("\r\nRetry-After: 1\r\n");
  expect_in_answer("too many large requests are at work");
  assert_int_equal(ask(clients[refused].fd, HELLO), 200); /* the connection stays */
  open_gate();
  for (size_t i = 0; i <= MOST; ++i) {
    if (i != refused) assert_int_equal(hear_answer(clients[i].fd, false), 200);
    (void)close(clients[i].fd);
  }
}

static void refuses_more_bytes_than_may_wait_but_not_one_body(void **state) {
  (void)state;
  (void)begin_with(LARGE / 2);
  int first = dial(), second = dial();
  gate.open = false;
  say(first, post("/size", LARGE));
  wait_inside(1);
  assert_int_equal(ask(second, post("/size", LARGE)), 503);
  open_gate();
  assert_int_equal(hear_answer(first, false), 200);
  /* The reply was sent before its bytes are given back, or after. */
  while (ask(second, post("/size", LARGE)) == 503) (void)sched_yield();
  expect_in_answer("131073 away");
  (void)close(first), (void)close(second);
  stop_net();
}

static void a_drain_waits_for_what_is_away(void **state) {
  (void)state;
  (void)begin_with(0);
  int client = dial();
  gate.open = false;
  say(client, post("/size", LARGE));
  wait_inside(1);
  assert_false(or_net_drain(net, 0));
  open_gate();
  assert_int_equal(hear_answer(client, false), 200);
  expect_in_answer("Connection: close\r\n");
  (void)close(client);
  stop_net();
}

static void gives_a_large_body_back(void **state) {
  (void)state;
  int client = dial();
  const size_t before = counting.live_bytes;
  assert_int_equal(ask(client, post("/size", (size_t)4 << 20)), 200);
  assert_int_equal(ask(client, HELLO), 200);
  while (counting.live_bytes > before + 65536) (void)sched_yield(); /* by another thread, soon */
  (void)close(client);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      CASE(the_loop_does_what_is_small),
      CASE(the_loop_goes_on_while_a_large_body_is_looked_at),
      CASE(a_handler_that_is_away_may_answer_later),
      CASE(its_keeper_hears_that_the_client_has_gone),
      CASE(hears_at_once_that_the_client_had_gone_before),
      CASE(nobody_is_told_who_asked_for_nothing),
      CASE(a_handler_may_find_out_that_its_work_is_large),
      CASE(a_handler_waits_elsewhere_or_does_without),
      CASE(refuses_more_than_may_wait),
      cmocka_unit_test(refuses_more_bytes_than_may_wait_but_not_one_body),
      cmocka_unit_test(a_drain_waits_for_what_is_away),
      CASE(gives_a_large_body_back),
  };
  post_text = malloc(((size_t)4 << 20) + 512);
  or_mutex_init(&gate.mutex);
  or_cond_init(&gate.changed);
  int failures = cmocka_run_group_tests(tests, NULL, NULL);
  free(post_text);
  return failures;
}
