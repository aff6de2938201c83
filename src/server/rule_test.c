/* The routes that rule a server, over sockets: keys of a store in memory, devices that are fakes, levels of the log;
 * and what of it is set again at the next start. */
#include "server/net_test_internal.h"

#include "base/log.h"
#include "fake/fake.h"
#include "runtime/runtime.h"
#include "server/keys.h"
#include "server/server.h"
#include "server/settings.h"

#define HEAD "Host: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"

static or_server_t server;
static or_runtime_t *devices;

static void open_scheduler(void) {
  const or_scheduler_options_t options = {.runtime = devices};
  expect_ok(or_scheduler_create(&options, &server.services.scheduler));
  expect_ok(or_telemetry_create(devices, &(or_telemetry_options_t){0}, &server.services.telemetry));
}

static void close_scheduler(void) {
  or_telemetry_free(server.services.telemetry);
  or_scheduler_drain(server.services.scheduler, 0);
  or_scheduler_free(server.services.scheduler);
}

/* Two devices of one hardware, a store in memory. */
static int begin(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  const or_runtime_options_t options = {.allocator = or_allocator_system()};
  const or_store_options_t store = or_store_options(OR_STORE_MEMORY);
  (void)state;
  or_fake_reset();
  or_fake_set_devices(2, true);
  memset(&server, 0, sizeof server);
  expect_ok(or_runtime_create_with(&options, backends, 1, &devices));
  expect_ok(or_store_open(&store, &server.services.store));
  open_scheduler();
  atomic_store(&server.runtime, devices);
  or_mutex_init(&server.changes);
  return 0;
}

static int end(void **state) {
  (void)state;
  close_scheduler();
  or_store_close(server.services.store);
  or_mutex_deinit(&server.changes);
  or_runtime_release(devices);
  or_log_set_sink(NULL, NULL);
  or_log_set_level(OR_LOG_INFO);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_net_options_t options(void) {
  or_net_options_t net_with = net_options(or_routes, or_route_count);
  net_with.server = &server;
  net_with.access.keys = or_keys_of_store(server.services.store);
  net_with.observe = or_request_log;
  return net_with;
}

/* One request on a connection of its own, read until that ends; its status, 0 without an answer. */
static int ask_for(const char *method, const char *path, const char *headers, const char *body) {
  char text[1024];
  int client = dial();
  size_t at = 0;
  (void)or_format(text, sizeof text, "%s %s HTTP/1.1\r\n" HEAD "%sContent-Length: %zu\r\n\r\n%s", method, path, headers,
                  strlen(body), body);
  (void)send(client, text, strlen(text), MSG_NOSIGNAL);
  for (ssize_t count = 1; count > 0; at += count > 0 ? (size_t)count : 0)
    count = hear_some(client, answer + at, sizeof answer - 1 - at);
  answer[at] = '\0';
  answer_body = strstr(answer, "\r\n\r\n");
  (void)close(client);
  return at > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static void take(const char *field, char *text, size_t capacity) {
  char name[32];
  const char *at = strstr(answer_body, or_format(name, sizeof name, "\"%s\":\"", field));
  assert_non_null(at);
  at += strlen(name);
  (void)or_format(text, capacity, "%.*s", (int)strcspn(at, "\""), at);
}

static void keys_shut_the_doors_and_open_them(void **state) {
  (void)state;
  const or_net_options_t with = options();
  char header[128], secret[OR_STORE_SECRET_BYTES], id[64], path[96];
  start_net(&with);
  assert_int_equal(ask_for("GET", "/keys", "", ""), 200);
  assert_int_equal(ask_for("POST", "/keys", "", "{\"scopes\":[\"admin\",\"reed\",7,\"a,b\"]}"), 422);
  assert_int_equal(ask_for("POST", "/keys", "", "{\"scopes\":[]}"), 422);
  assert_int_equal(ask_for("POST", "/keys", "", "{}"), 422);
  expect_in_answer("the first key needs the scope admin");
  assert_int_equal(ask_for("POST", "/keys", "", "{\"scopes\":[\"admin\"],\"label\":\"root\"}"), 200);
  take("secret", secret, sizeof secret);
  take("id", id, sizeof id);
  assert_int_equal(ask_for("GET", "/keys", "", ""), 401);
  assert_int_equal(ask_for("GET", "/keys", "X-API-Key: short\r\n", ""), 401);
  (void)or_format(header, sizeof header, "X-API-Key: ork_%064d\r\n", 0);
  assert_int_equal(ask_for("GET", "/keys", header, ""), 401);
  (void)or_format(header, sizeof header, "Authorization: Bearer %s\r\n", secret);
  assert_int_equal(ask_for("GET", "/keys", header, ""), 200);
  expect_in_answer("\"label\":\"root\"");
  assert_null(strstr(answer_body, "secret"));
  assert_int_equal(ask_for("DELETE", "/keys/nobody", header, ""), 404);
  assert_int_equal(ask_for("DELETE", or_format(path, sizeof path, "/keys/%s", id), header, ""), 200);
  expect_in_answer("\"revoked\":true");
  assert_int_equal(ask_for("GET", "/keys", header, ""), 401);
  assert_int_equal(ask_for("GET", "/keys", "", ""), 401); /* without the last key nobody comes in */
  stop_net();
}

static void an_allocation_that_fails_makes_no_key(void **state) {
  (void)state;
  or_net_options_t with = options();
  start_net(&with);
  const size_t of_the_start = counting.alloc_count;
  stop_net();
  for (size_t n = 1;; ++n) {
    with = options();
    counting.fail_at = of_the_start + n;
    start_net(&with);
    const size_t before = or_store_key_count(server.services.store);
    const int status = ask_for("PATCH", "/devices/fake_0", "", "{\"max_concurrency\":3}");
    const int second = ask_for("POST", "/keys", "", "{\"scopes\":[\"admin\"]}");
    const size_t made = or_store_key_count(server.services.store) - before;
    const bool triggered = counting.triggered;
    stop_net();
    assert_true((status != 200) + (second != 200) <= (triggered ? 1 : 0));
    if (made == 1) { /* the doors are shut now: begin anew */
      assert_true(end(NULL) == 0 && begin(NULL) == 0);
    }
    if (!triggered) break;
  }
}

static void devices_are_taken_out_and_bounded(void **state) {
  (void)state;
  const or_net_options_t with = options();
  start_net(&with);
  assert_int_equal(ask_for("PATCH", "/devices/fake_9", "", "{}"), 404);
  assert_int_equal(ask_for("PATCH", "/devices/fake_0", "", "{\"max_concurrency\":65,\"x\":1}"), 422);
  assert_int_equal(ask_for("PATCH", "/devices/fake_0", "", "{}"), 200);
  expect_in_answer("\"is_available\":true");
  expect_in_answer("\"reason\":null");
  assert_int_equal(ask_for("PATCH", "/devices/fake_0", "", "{\"is_available\":false,\"max_concurrency\":2}"), 200);
  expect_in_answer("\"is_available\":false");
  expect_in_answer("\"reason\":\"it was taken out of scheduling\"");
  assert_int_equal(ask_for("PATCH", "/devices/fake_1", "", "{\"memory_limit\":4096}"), 200);
  expect_in_answer("\"is_available\":true");
  expect_in_answer("\"max_concurrency\":2,\"memory_limit\":4096"); /* the hardware is one */
  assert_int_equal(ask_for("GET", "/devices", "", ""), 200);
  expect_in_answer("taken out");
  or_device_mark_lost(or_runtime_device(devices, 0), "it is gone");
  assert_int_equal(ask_for("PATCH", "/devices/fake_0", "", "{\"is_available\":true}"), 200);
  expect_in_answer("\"is_available\":false"); /* no word brings it back */
  expect_in_answer("\"reason\":\"it is gone\"");
  stop_net();
}

static void put(const char *name, const char *value) {
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  expect_ok(or_store_waiter_wait(&waiter, or_store_put_setting(server.services.store, OR_STORE_DEVICE, name, value,
                                                               or_store_waiter_done, &waiter)));
}

static or_device_settings_t of_device(size_t index) {
  return or_scheduler_device(server.services.scheduler, or_runtime_device(devices, index));
}

static void what_was_set_is_set_again(void **state) {
  (void)state;
  const or_net_options_t with = options();
  const or_device_facts_t *facts = or_device_facts(or_runtime_device(devices, 0));
  char name[96];
  start_net(&with);
  assert_int_equal(ask_for("PATCH", "/devices/fake_1", "", "{\"is_available\":false,\"max_concurrency\":9}"), 200);
  assert_int_equal(ask_for("PATCH", "/devices/fake_0", "", "{\"memory_limit\":5000}"), 200);
  stop_net();
  close_scheduler();
  open_scheduler();
  expect_ok(or_settings_restore_devices(server.services.store, server.services.scheduler, devices));
  assert_true(of_device(0).is_available);
  assert_false(of_device(1).is_available);
  assert_int_equal(of_device(0).max_concurrency, 9);
  assert_int_equal(of_device(1).memory_limit, 5000);
  /* What is no JSON, out of bounds, or of a device that is gone leaves things as they are. */
  put("fake_1", "no json");
  put("fake_7", "{\"is_available\":false}");
  put(or_format(name, sizeof name, "hardware:%s", facts->hardware_id),
      "{\"max_concurrency\":1000,\"memory_limit\":-1}");
  close_scheduler();
  open_scheduler();
  const or_device_settings_t plain = of_device(1);
  expect_ok(or_settings_restore_devices(server.services.store, server.services.scheduler, devices));
  assert_true(of_device(1).is_available);
  assert_int_equal(of_device(1).max_concurrency, plain.max_concurrency);
  assert_int_equal(of_device(1).memory_limit, plain.memory_limit);
}

static char told[8192];
static void keep_line(void *self, or_log_level_t level, const char *line) {
  (void)self, (void)level;
  const size_t used = strlen(told); /* one loop, and lines are read once it has ended */
  (void)or_format(told + used, sizeof told - used, "%s\n", line);
}

static void each_request_is_a_line_of_its_level(void **state) {
  (void)state;
  const or_net_options_t with = options();
  told[0] = '\0';
  or_log_set_sink(keep_line, NULL);
  start_net(&with);
  assert_int_equal(ask_for("PATCH", "/log", "X-Request-Id: w1\r\n", "{\"level\":\"loud\"}"), 422);
  assert_int_equal(ask_for("PATCH", "/log", "", "{\"modules\":{\"server\":1,\"x\":\"info\"}}"), 422);
  assert_int_equal(ask_for("GET", "/devices/fake_0", "X-Request-Id: r1\r\n", ""), 200);
  assert_int_equal(ask_for("PATCH", "/log", "", "{\"level\":\"warning\",\"modules\":{\"server\":\"debug\"}}"), 200);
  expect_in_answer("\"store\":\"warning\",\"server\":\"debug\"");
  assert_int_equal(ask_for("GET", "/devices/fake_0", "X-Request-Id: r2\r\n", ""), 200);
  assert_int_equal(ask_for("GET", "/none", "X-Request-Id: r3\r\n", ""), 404);
  assert_int_equal(ask_for("GET", "/log", "Origin: http://x\r\nX-Request-Id: r4\r\n", ""), 403);
  stop_net();
  or_log_set_sink(NULL, NULL);
  assert_non_null(strstr(told, "level=info event=request request=w1 method=PATCH route=/log status=422 ms="));
  assert_null(strstr(told, "request=r1"));
  assert_non_null(strstr(told, "level=debug event=request request=r2 method=GET route=/devices/{id} status=200 ms="));
  assert_non_null(strstr(told, "request=r3 method=GET route=- status=404"));
  assert_non_null(strstr(told, "level=info event=request request=r4 method=GET route=- status=403"));
  const or_request_t broken = {.method = OR_HTTP_GET, .reply = {.status = 500}, .key = {.id = "k"}};
  told[0] = '\0';
  or_log_set_sink(keep_line, NULL);
  or_request_log(NULL, &broken, 1500000);
  assert_string_equal(told, "level=error event=request request= method=GET route=- status=500 ms=1.500 key=k\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(keys_shut_the_doors_and_open_them, begin, end),
      cmocka_unit_test_setup_teardown(an_allocation_that_fails_makes_no_key, begin, end),
      cmocka_unit_test_setup_teardown(devices_are_taken_out_and_bounded, begin, end),
      cmocka_unit_test_setup_teardown(what_was_set_is_set_again, begin, end),
      cmocka_unit_test_setup_teardown(each_request_is_a_line_of_its_level, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
