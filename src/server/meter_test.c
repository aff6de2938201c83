/* What is counted of requests and tasks, and what GET /metrics shows of a server, on fake devices. */
#include "server/net_test_internal.h"

#include <math.h>

#include "fake/fake.h"
#include "hal/device.h"
#include "runtime/runtime.h"
#include "server/meter_internal.h"
#include "server/server.h"

#define BODY "{\"operation\":\"compute\",\"data\":{\"size\":4,\"iterations\":1}}"

static void nothing(or_request_t *request) { (void)request; }
static const or_route_t routes[] = {
    {.method = OR_HTTP_GET, .pattern = "/a", .handle = nothing, .when = OR_WHEN_LISTENING},
    {.method = OR_HTTP_POST, .pattern = "/b/{id}", .handle = nothing, .when = OR_WHEN_LISTENING},
};

static or_server_t server;
static or_text_t shown;

/* The jobs that ended, as the meter was told. */
static struct {
  or_mutex_t mutex;
  or_cond_t cond;
  size_t count;
  uint64_t response_bytes;
} ended;

static void on_job(void *self, or_job_t *job, or_job_event_t event) {
  (void)self;
  if (event != OR_JOB_FINISHED) return;
  or_meter_task(server.meter, job, server.services.store);
  or_mutex_lock(&ended.mutex);
  ++ended.count;
  ended.response_bytes += or_job_response(job)->length;
  or_cond_broadcast(&ended.cond);
  or_mutex_unlock(&ended.mutex);
}

static void await_ends(size_t count) {
  or_mutex_lock(&ended.mutex);
  while (ended.count < count) or_cond_wait(&ended.cond, &ended.mutex);
  or_mutex_unlock(&ended.mutex);
}

/* All that a server works with, on one fake device. */
static int open_server(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  (void)state;
  or_runtime_t *runtime = NULL;
  or_services_t *services = &server.services;
  or_fake_reset();
  or_fake_set_unified(0);
  server = (or_server_t){.allocator = or_allocator_system()};
  ended.count = ended.response_bytes = 0;
  or_text_init(&shown, or_allocator_system());
  expect_ok(or_meter_create(server.allocator, routes, 2, &server.meter));
  or_net_options_t options = net_options(routes, 2);
  options.observe = or_meter_request;
  options.observe_self = server.meter;
  start_net(&options);
  server.net = net;
  expect_ok(or_runtime_create_with(&(or_runtime_options_t){0}, backends, 1, &runtime));
  const or_store_options_t store = or_store_options(OR_STORE_MEMORY);
  expect_ok(or_store_open(&store, &services->store));
  expect_ok(or_model_pool_create(&(or_model_pool_options_t){.runtime = runtime}, &services->pool));
  const or_scheduler_options_t scheduler = {.runtime = runtime, .listener = on_job};
  expect_ok(or_scheduler_create(&scheduler, &services->scheduler));
  expect_ok(or_telemetry_create(runtime, &(or_telemetry_options_t){0}, &services->telemetry));
  or_device_sample_t sample;
  while (or_telemetry_newest(services->telemetry, or_runtime_device(runtime, 0), &sample, 1) == 0) {
  }
  atomic_store(&server.runtime, runtime);
  return 0;
}

static int close_server(void **state) {
  (void)state;
  or_runtime_t *runtime = atomic_load(&server.runtime);
  or_services_close(&server.services);
  or_runtime_release(runtime);
  stop_net();
  or_meter_free(server.meter);
  or_text_deinit(&shown);
  return 0;
}

static void look(void) {
  or_text_clear(&shown);
  expect_ok(or_meter_write(server.meter, &server, &shown));
}

/* The whole line "name{labels} value" is there. */
#define expect_line(line)                                          \
  do {                                                             \
    if (strstr(or_text_string(&shown), "\n" line "\n") == NULL)    \
      fail_msg("no line %s in\n%s", line, or_text_string(&shown)); \
  } while (0)

/* The value behind a series' name and labels; NAN if there is no such line. */
static double value_of(const char *series) {
  char start[256];
  or_format(start, sizeof start, "\n%s ", series);
  const char *found = strstr(or_text_string(&shown), start);
  return found != NULL ? strtod(found + strlen(start), NULL) : (double)NAN;
}

static void answer_request(const or_route_t *route, or_http_method_t method, int status) {
  const or_request_t request = {.route = route, .method = method, .reply = {.status = status}};
  or_meter_request(server.meter, &request, 30000);
}

static void counts_requests_by_route_method_and_class(void **state) {
  (void)state;
  answer_request(&routes[0], OR_HTTP_GET, 200);
  answer_request(&routes[0], OR_HTTP_GET, 204);
  answer_request(&routes[0], OR_HTTP_HEAD, 200);
  answer_request(&routes[1], OR_HTTP_POST, 422);
  answer_request(&routes[1], OR_HTTP_POST, 503);
  answer_request(&routes[1], OR_HTTP_POST, 101);
  answer_request(NULL, OR_HTTP_OTHER, 404);
  answer_request(NULL, OR_HTTP_OTHER, 0);
  look();
  expect_line("openruntime_http_requests_total{route=\"/a\",method=\"GET\",status=\"2xx\"} 2");
  expect_line("openruntime_http_requests_total{route=\"/a\",method=\"HEAD\",status=\"2xx\"} 1");
  expect_line("openruntime_http_requests_total{route=\"/b/{id}\",method=\"POST\",status=\"4xx\"} 1");
  expect_line("openruntime_http_requests_total{route=\"/b/{id}\",method=\"POST\",status=\"5xx\"} 1");
  expect_line("openruntime_http_requests_total{route=\"/b/{id}\",method=\"POST\",status=\"1xx\"} 1");
  expect_line("openruntime_http_requests_total{route=\"none\",method=\"OTHER\",status=\"4xx\"} 1");
  expect_line("openruntime_http_requests_total{route=\"none\",method=\"OTHER\",status=\"none\"} 1");
  expect_line("openruntime_http_request_duration_seconds_bucket{route=\"/b/{id}\",method=\"POST\",le=\"0.000025\"} 0");
  expect_line("openruntime_http_request_duration_seconds_bucket{route=\"/b/{id}\",method=\"POST\",le=\"0.00005\"} 3");
  expect_line("openruntime_http_request_duration_seconds_count{route=\"/a\",method=\"GET\"} 2");
}

static void counts_what_the_sockets_answer(void **state) {
  (void)state;
  const int client = dial();
  assert_int_equal(ask(client, "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
  assert_int_equal(ask(client, "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404);
  look();
  expect_line("openruntime_http_requests_total{route=\"/a\",method=\"GET\",status=\"2xx\"} 1");
  expect_line("openruntime_http_requests_total{route=\"none\",method=\"GET\",status=\"4xx\"} 1");
  expect_line("openruntime_http_connections 1");
  expect_line("openruntime_websocket_connections 0");
  (void)close(client);
}

static or_job_t *submit(const char *id, const char *owner) {
  or_json_document_t *document = NULL;
  or_task_problems_t problems = {.count = 0};
  or_task_t *task = NULL;
  or_submission_result_t result;
  expect_ok(or_json_parse(or_allocator_system(), BODY, strlen(BODY), &document));
  expect_ok(or_task_parse(or_allocator_system(), or_json_root(document), &problems, &task));
  or_json_document_free(document);
  const or_job_request_t request = {
      .task = task, .task_id = id, .owner = owner, .body = BODY, .body_bytes = strlen(BODY)};
  expect_ok(or_scheduler_submit(server.services.scheduler, &request, &result));
  return result.job;
}

/* One task stands at the gate, and all others wait for it. */
static void block(const char *id) {
  or_device_t *device = or_runtime_device(server.runtime, 0);
  or_device_settings_t settings = or_scheduler_device(server.services.scheduler, device);
  settings.max_concurrency = 1;
  expect_ok(or_scheduler_set_device(server.services.scheduler, device, &settings));
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_release(submit(id, NULL));
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
}

/* A task that ends without having run. */
static void cancel_one(const char *owner) {
  or_job_t *job = submit(NULL, owner);
  or_scheduler_cancel(server.services.scheduler, job);
  or_job_release(job);
}

#define PLACE "operation=\"compute\",type=\"matrix_multiply\",device=\"fake_0\""
static void counts_tasks_by_how_they_ended(void **state) {
  (void)state;
  or_job_release(submit("a", NULL));
  or_job_release(submit("b", NULL));
  await_ends(2);
  or_fake_fail(OR_FAKE_RUN, 1, OR_INTERNAL);
  or_job_release(submit("c", NULL));
  await_ends(3);
  block("d");
  or_job_t *waits = submit("e", NULL);
  look();
  expect_line("openruntime_tasks_waiting 1");
  expect_line("openruntime_tasks_running{device=\"fake_0\"} 1");
  or_scheduler_cancel(server.services.scheduler, waits);
  or_job_release(waits);
  await_ends(4);
  or_fake_open_gate(OR_FAKE_RUN);
  await_ends(5);
  look();
  expect_line("openruntime_tasks_total{" PLACE ",status=\"completed\"} 3");
  expect_line("openruntime_tasks_total{" PLACE ",status=\"failed\"} 1");
  expect_line("openruntime_tasks_total{operation=\"compute\",type=\"matrix_multiply\",device=\"\","
              "status=\"cancelled\"} 1");
  expect_line("openruntime_task_queue_wait_seconds_count{" PLACE ",model=\"\"} 4");
  expect_line("openruntime_task_run_seconds_count{" PLACE ",model=\"\"} 4");
  expect_line("openruntime_tasks_waiting 0");
  assert_true(value_of("openruntime_task_request_bytes_total{operation=\"compute\",model=\"\",key=\"\"}") ==
              5.0 * (double)strlen(BODY));
  assert_true(value_of("openruntime_task_response_bytes_total{operation=\"compute\",model=\"\",key=\"\"}") ==
              (double)ended.response_bytes);
  const double device_s =
      value_of("openruntime_task_device_seconds_total{operation=\"compute\",model=\"\",device=\"fake_0\",key=\"\"}");
  assert_true(device_s > 0);
  assert_true(fabs(device_s - value_of("openruntime_task_run_seconds_sum{" PLACE ",model=\"\"}")) < 1e-9);
}

static void shows_a_key_by_its_label_and_without_one_by_its_id(void **state) {
  (void)state;
  or_store_key_t labelled, plain;
  char secret[OR_STORE_SECRET_BYTES], other[OR_STORE_SECRET_BYTES];
  or_store_waiter_t waiter;
  or_store_t *store = server.services.store;
  or_store_waiter_init(&waiter);
  const or_store_new_key_t first = {.label = "nightly \"jobs\"", .scopes = OR_SCOPE_RUN};
  expect_ok(or_store_waiter_wait(&waiter,
                                 or_store_create_key(store, &first, &labelled, secret, or_store_waiter_done, &waiter)));
  or_store_waiter_init(&waiter);
  const or_store_new_key_t second = {.label = "", .scopes = OR_SCOPE_RUN};
  expect_ok(
      or_store_waiter_wait(&waiter, or_store_create_key(store, &second, &plain, other, or_store_waiter_done, &waiter)));
  or_job_release(submit("a", labelled.id));
  or_job_release(submit("b", plain.id));
  await_ends(2);
  look();
  char series[256];
  assert_true(value_of("openruntime_task_request_bytes_total{operation=\"compute\",model=\"\","
                       "key=\"nightly \\\"jobs\\\"\"}") == (double)strlen(BODY));
  assert_true(value_of(or_format(series, sizeof series,
                                 "openruntime_task_request_bytes_total{operation=\"compute\",model=\"\",key=\"%s\"}",
                                 plain.id)) == (double)strlen(BODY));
  assert_null(strstr(or_text_string(&shown), secret));
  assert_null(strstr(or_text_string(&shown), labelled.id));
}

/* More kinds of work than series and than handles that are kept: no task is lost, the rest goes to "other". */
static void keeps_at_most_a_thousand_label_sets_of_a_metric(void **state) {
  (void)state;
  const size_t count = OR_METER_MAX_WORK + 40;
  block("first");
  for (size_t i = 0; i < count; ++i) {
    char owner[OR_TASK_OWNER_BYTES];
    cancel_one(or_format(owner, sizeof owner, "owner-%zu", i));
  }
  cancel_one("owner-7");
  look();
  static const char name[] = "\nopenruntime_task_request_bytes_total{";
  size_t sets = 0;
  double bytes = 0;
  for (const char *at = or_text_string(&shown); (at = strstr(at, name)) != NULL; ++sets) {
    at += sizeof name;
    bytes += strtod(strchr(at, '}') + 2, NULL);
  }
  assert_int_equal(sets, OR_METRICS_MAX_SERIES);
  assert_true(bytes == (double)(count + 1) * (double)strlen(BODY));
  expect_line("openruntime_tasks_total{operation=\"compute\",type=\"matrix_multiply\",device=\"\","
              "status=\"cancelled\"} 1065");
  assert_true(value_of("openruntime_task_request_bytes_total{operation=\"other\",model=\"other\",key=\"other\"}") ==
              (double)(count - OR_METRICS_MAX_SERIES + 1) * (double)strlen(BODY));
  assert_true(value_of("openruntime_task_request_bytes_total{operation=\"compute\",model=\"\",key=\"owner-7\"}") ==
              2.0 * (double)strlen(BODY));
  or_fake_open_gate(OR_FAKE_RUN);
  await_ends(count + 2);
}

static void counts_what_was_not_accepted(void **state) {
  (void)state;
  or_meter_refusal(server.meter, OR_REFUSED_MEMORY);
  or_meter_refusal(server.meter, OR_REFUSED_MEMORY);
  or_meter_refusal(server.meter, OR_REFUSED_QUOTA);
  look();
  expect_line("openruntime_task_refusals_total{reason=\"memory\"} 2");
  expect_line("openruntime_task_refusals_total{reason=\"quota\"} 1");
}

static void shows_the_server_before_and_after_its_devices_are_found(void **state) {
  (void)state;
  or_runtime_t *runtime = atomic_exchange(&server.runtime, NULL);
  or_net_set_phase(net, OR_NET_STARTING);
  look();
  expect_line("openruntime_ready 0");
  assert_true(isnan(value_of("openruntime_tasks_waiting")));
  assert_true(value_of("openruntime_process_cpu_seconds_total") > 0);
  assert_true(value_of("openruntime_process_start_time_seconds") > 1.7e9);
  atomic_store(&server.runtime, runtime);
  or_net_set_phase(net, OR_NET_READY);
  look();
  expect_line("openruntime_ready 1");
  expect_line("openruntime_device_available{device=\"fake_0\"} 1");
  expect_line("openruntime_device_flops_total{device=\"fake_0\"} 0");
  expect_line("openruntime_store_disk_full 0");
  expect_line("openruntime_models_loaded 0");
  assert_null(strstr(or_text_string(&shown), "openruntime_device_temperature_celsius")); /* nobody reports it */
}

static void a_device_that_was_lost_has_no_numbers_of_now(void **state) {
  (void)state;
  or_fake_set_capacity(1000);
  or_device_t *device = or_runtime_device(server.runtime, 0);
  const or_device_sample_t sample = {.memory_available_bytes = 900,
                                     .utilization_percent = 50,
                                     .temperature_celsius = (double)NAN,
                                     .power_watts = 7,
                                     .clock_hz = (double)NAN};
  expect_ok(or_device_metrics_set(&server.meter->devices[0], server.meter->registry, device, &sample));
  or_device_mark_lost(device, "a test");
  look();
  expect_line("openruntime_device_available{device=\"fake_0\"} 0");
  expect_line("openruntime_device_utilization_ratio{device=\"fake_0\"} NaN");
  expect_line("openruntime_device_power_watts{device=\"fake_0\"} NaN");
}

static or_status_t meter_something(const or_allocator_t *allocator) {
  or_meter_t *meter = NULL;
  or_text_t text;
  or_status_t status = or_meter_create(allocator, routes, 2, &meter);
  if (!or_ok(status)) return status;
  or_text_init(&text, allocator);
  status = or_meter_write(meter, &server, &text);
  or_text_deinit(&text);
  or_meter_free(meter);
  return status;
}

static void gives_back_all_memory_when_any_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(meter_something);
}

/* Counting has no one to tell that there was no memory: the answer or the task goes on all the same. */
static void counting_goes_on_without_memory(void **state) {
  (void)state;
  for (size_t n = 4; n < 12; ++n) {
    or_counting_allocator_t failing;
    or_meter_t *meter = NULL;
    or_counting_allocator_init(&failing, or_allocator_system(), n);
    expect_ok(or_meter_create(&failing.base, routes, 2, &meter));
    const or_request_t request = {.route = &routes[0], .reply = {.status = 200}};
    or_meter_request(meter, &request, 1);
    or_meter_refusal(meter, OR_REFUSED_QUOTA);
    or_job_t *job = submit(NULL, NULL);
    await_ends(n - 3);
    or_meter_task(meter, job, NULL);
    or_meter_task(meter, job, NULL);
    or_job_release(job);
    or_meter_free(meter);
    assert_int_equal(failing.live_bytes, 0);
  }
}

int main(void) {
  or_mutex_init(&ended.mutex);
  or_cond_init(&ended.cond);
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_server, close_server)
  const struct CMUnitTest tests[] = {
      TEST(counts_requests_by_route_method_and_class),
      TEST(counts_what_the_sockets_answer),
      TEST(counts_tasks_by_how_they_ended),
      TEST(shows_a_key_by_its_label_and_without_one_by_its_id),
      TEST(keeps_at_most_a_thousand_label_sets_of_a_metric),
      TEST(counts_what_was_not_accepted),
      TEST(shows_the_server_before_and_after_its_devices_are_found),
      TEST(a_device_that_was_lost_has_no_numbers_of_now),
      TEST(gives_back_all_memory_when_any_allocation_fails),
      TEST(counting_goes_on_without_memory),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  or_cond_deinit(&ended.cond);
  or_mutex_deinit(&ended.mutex);
  return failed;
}
