/* Counting what happens: requests and tasks. */
#include "server/meter.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"
#include "server/meter_internal.h"

/* Of all times, in seconds: from what a small inference adds to a request to the longest task. */
static const double times[] = {1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025,
                               0.05, 0.1,    0.25, 0.5,  1,      2.5,  5,    10,     30,   60,   300};
#define TIMES .buckets = times, .bucket_count = sizeof times / sizeof *times

static const or_metric_t http_requests = {.name = "openruntime_http_requests_total",
                                          .help = "Requests answered, by pattern of the route and class of the status.",
                                          .labels = {"route", "method", "status"}};
static const or_metric_t http_duration = {.name = "openruntime_http_request_duration_seconds",
                                          .help = "From the end of a request's head to its reply.",
                                          .labels = {"route", "method"},
                                          TIMES};
static const or_metric_t tasks = {.name = "openruntime_tasks_total",
                                  .help = "Tasks that ended, by their last state.",
                                  .labels = {"operation", "type", "device", "status"}};
static const or_metric_t refusals = {.name = "openruntime_task_refusals_total",
                                     .help = "Tasks that were not accepted, by the reason.",
                                     .labels = {"reason"}};
static const or_metric_t queue_wait = {.name = "openruntime_task_queue_wait_seconds",
                                       .help = "From the acceptance of a task to the beginning of its last attempt.",
                                       .labels = {"operation", "type", "device", "model"},
                                       TIMES};
static const or_metric_t run_time = {.name = "openruntime_task_run_seconds",
                                     .help = "From the beginning of a task's last attempt to its end.",
                                     .labels = {"operation", "type", "device", "model"},
                                     TIMES};
static const or_metric_t device_time = {
    .name = "openruntime_task_device_seconds_total",
    .help = "Time for which tasks held a place on a device, by whose they were and what they ran; of one "
            "run for several tasks each has its part.",
    .labels = {"operation", "model", "device", "key"},
    .scale = 1e-9};
static const or_metric_t request_bytes = {.name = "openruntime_task_request_bytes_total",
                                          .help = "Bytes of the requests and tensors of tasks that ended.",
                                          .labels = {"operation", "model", "key"}};
static const or_metric_t response_bytes = {.name = "openruntime_task_response_bytes_total",
                                           .help = "Bytes of the responses of tasks that ended.",
                                           .labels = {"operation", "model", "key"}};

or_status_t or_meter_create(const or_allocator_t *allocator, const or_route_t *routes, size_t count, or_meter_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_meter_t), &memory);
  if (!or_ok(status)) return status;
  or_meter_t *meter = memory;
  meter->allocator = allocator;
  meter->routes = routes;
  meter->route_count = count;
  meter->start_us = or_clock_wall_us();
  or_mutex_init(&meter->work_mutex);
  or_mutex_init(&meter->look_mutex);
  status = or_metrics_registry_create(allocator, &meter->registry);
  if (or_ok(status))
    status =
        or_alloc_array(allocator, (count + 1) * OR_METER_METHODS, sizeof *meter->by_route, (void **)&meter->by_route);
  if (!or_ok(status)) {
    or_meter_free(meter);
    return status;
  }
  *out = meter;
  return status;
}

static void forget_work(or_meter_t *meter) {
  for (size_t i = 0; i < OR_METER_BUCKETS; ++i) {
    while (meter->work[i] != NULL) {
      or_meter_work_t *work = meter->work[i];
      meter->work[i] = work->next;
      or_free(meter->allocator, work);
    }
  }
  meter->work_count = 0;
}

void or_meter_free(or_meter_t *meter) {
  if (meter == NULL) return;
  forget_work(meter);
  or_metrics_registry_free(meter->registry);
  or_mutex_deinit(&meter->look_mutex);
  or_mutex_deinit(&meter->work_mutex);
  or_free(meter->allocator, meter->by_route);
  or_free(meter->allocator, meter);
}

/* ---- requests ---- */

/* Two threads may look the same handle up: it is one and the same. */
void or_meter_request(void *self, const or_request_t *request, int64_t took_ns) {
  static const char *const classes[OR_METER_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
  or_meter_t *meter = self;
  const size_t row = request->route != NULL ? (size_t)(request->route - meter->routes) : meter->route_count;
  const int hundreds = request->reply.status / 100;
  const size_t class = hundreds >= 1 && hundreds < OR_METER_CLASSES ? (size_t)hundreds : 0;
  or_meter_route_t *route = &meter->by_route[row * OR_METER_METHODS + (size_t)request->method];
  const char *const labels[] = {request->route != NULL ? request->route->pattern : "none",
                                or_http_method_name(request->method), classes[class]};
  or_counter_t *counter = atomic_load_explicit(&route->requests[class], memory_order_acquire);
  or_histogram_t *histogram = atomic_load_explicit(&route->duration, memory_order_acquire);
  or_status_t status = or_status_success();
  if (counter == NULL) {
    status = or_metrics_counter(meter->registry, &http_requests, labels, &counter);
    atomic_store_explicit(&route->requests[class], counter, memory_order_release);
  }
  if (or_ok(status) && histogram == NULL) {
    status = or_metrics_histogram(meter->registry, &http_duration, labels, &histogram);
    atomic_store_explicit(&route->duration, histogram, memory_order_release);
  }
  if (counter != NULL) or_counter_add(counter, 1);
  if (histogram != NULL) or_histogram_observe(histogram, (double)took_ns * 1e-9);
  or_status_ignore(status); /* without memory for the count the answer is still the answer */
}

/* ---- tasks ---- */

typedef struct search_t {
  const char *id;
  char label[OR_STORE_LABEL_BYTES];
} search_t;

static void on_key(void *self, const or_store_key_t *key) {
  search_t *search = self;
  if (strcmp(key->id, search->id) == 0 && key->label[0] != '\0')
    (void)or_format(search->label, sizeof search->label, "%s", key->label);
}

/* A key is shown by its label; by its id where it has none or is not known any more. */
static void find_label(search_t *search, const char *owner, or_store_t *store) {
  search->id = owner;
  (void)or_format(search->label, sizeof search->label, "%s", owner);
  if (owner[0] != '\0' && store != NULL) or_store_list_keys(store, on_key, search);
}

/* What tells kinds of work apart. */
enum { OPERATION, TYPE, DEVICE, MODEL, OWNER, WORD_COUNT };

/* The handles of a kind of work. */
static or_status_t look_up(or_meter_t *meter, const char *const words[WORD_COUNT], const char *key,
                           or_meter_work_t *work) {
  const char *const place[] = {words[OPERATION], words[TYPE], words[DEVICE], words[MODEL]};
  const char *const used[] = {words[OPERATION], words[MODEL], words[DEVICE], key};
  const char *const moved[] = {words[OPERATION], words[MODEL], key};
  or_metrics_registry_t *registry = meter->registry;
  or_status_t status = or_metrics_histogram(registry, &queue_wait, place, &work->wait);
  if (or_ok(status)) status = or_metrics_histogram(registry, &run_time, place, &work->run);
  if (or_ok(status)) status = or_metrics_counter(registry, &device_time, used, &work->device_time);
  if (or_ok(status)) status = or_metrics_counter(registry, &request_bytes, moved, &work->request_bytes);
  if (or_ok(status)) status = or_metrics_counter(registry, &response_bytes, moved, &work->response_bytes);
  return status;
}

static uint64_t hash_words(const char *const words[WORD_COUNT]) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (int i = 0; i < WORD_COUNT; ++i) {
    const char *c = words[i];
    do hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    while (*c++ != '\0');
  }
  return hash;
}

static bool has_words(const or_meter_work_t *work, const char *const words[WORD_COUNT]) {
  const char *at = work->words;
  for (int i = 0; i < WORD_COUNT; at += strlen(at) + 1, ++i) {
    if (strcmp(at, words[i]) != 0) return false;
  }
  return true;
}

static or_meter_work_t *find_work(const or_meter_t *meter, uint64_t hash, const char *const words[WORD_COUNT]) {
  or_meter_work_t *work = meter->work[hash % OR_METER_BUCKETS];
  while (work != NULL && (work->hash != hash || !has_words(work, words))) work = work->next;
  return work;
}

static or_status_t make_work(const or_meter_t *meter, uint64_t hash, const char *const words[WORD_COUNT],
                             or_meter_work_t **out) {
  size_t bytes = sizeof(or_meter_work_t);
  void *memory = NULL;
  for (int i = 0; i < WORD_COUNT; ++i) bytes += strlen(words[i]) + 1;
  or_status_t status = or_alloc_zeroed(meter->allocator, bytes, &memory);
  if (!or_ok(status)) return status;
  *out = memory;
  (*out)->hash = hash;
  char *at = (*out)->words;
  for (int i = 0; i < WORD_COUNT; ++i) {
    const size_t length = strlen(words[i]) + 1;
    memcpy(at, words[i], length);
    at += length;
  }
  return status;
}

static void count(or_meter_work_t *work, or_job_t *job, const or_job_facts_t *facts) {
  if (facts->begun_ns != 0) {
    or_histogram_observe(work->wait, (double)(facts->begun_ns - facts->accepted_ns) * 1e-9);
    or_histogram_observe(work->run, (double)(facts->ended_ns - facts->begun_ns) * 1e-9);
    or_counter_add(work->device_time, (uint64_t)(facts->ended_ns - facts->begun_ns) / or_job_run_jobs(job));
  }
  or_counter_add(work->request_bytes, or_job_request_bytes(job));
  or_counter_add(work->response_bytes, or_job_response(job)->length);
  or_counter_add(work->ended[facts->state], 1);
}

/* The kind of work with these words, known already or new; the registry keeps what was counted of one that is
 * forgotten. With work_mutex held. */
static or_status_t work_of(or_meter_t *meter, const char *const words[WORD_COUNT], or_store_t *store,
                           or_meter_work_t **out) {
  const uint64_t hash = hash_words(words);
  *out = find_work(meter, hash, words);
  if (*out != NULL) return or_status_success();
  if (meter->work_count == OR_METER_MAX_WORK) forget_work(meter);
  or_meter_work_t *work = NULL;
  search_t key;
  find_label(&key, words[OWNER], store);
  or_status_t status = make_work(meter, hash, words, &work);
  if (or_ok(status)) status = look_up(meter, words, key.label, work);
  if (!or_ok(status)) {
    or_free(meter->allocator, work);
    return status;
  }
  work->next = meter->work[hash % OR_METER_BUCKETS];
  meter->work[hash % OR_METER_BUCKETS] = work;
  ++meter->work_count;
  *out = work;
  return status;
}

void or_meter_task(or_meter_t *meter, or_job_t *job, or_store_t *store) {
  const or_task_t *task = or_job_task(job);
  const or_job_facts_t facts = or_job_facts(job);
  const char *const words[WORD_COUNT] = {or_task_operation(task), or_task_type(task), facts.device_id,
                                         or_task_model(task) != NULL ? or_task_model(task) : "", or_job_owner(job)};
  const char *const labels[] = {words[OPERATION], words[TYPE], words[DEVICE], or_task_state_name(facts.state)};
  or_meter_work_t *work = NULL;
  or_mutex_lock(&meter->work_mutex);
  or_status_t status = work_of(meter, words, store, &work);
  if (or_ok(status) && work->ended[facts.state] == NULL)
    status = or_metrics_counter(meter->registry, &tasks, labels, &work->ended[facts.state]);
  if (or_ok(status)) count(work, job, &facts);
  or_mutex_unlock(&meter->work_mutex);
  or_status_ignore(status); /* without memory for the count the task is still done */
}

void or_meter_refusal(or_meter_t *meter, or_refusal_kind_t kind) {
  static const char *const reasons[] = {[OR_REFUSED_REQUEST] = "request",
                                        [OR_REFUSED_QUOTA] = "quota",
                                        [OR_REFUSED_CAPACITY] = "capacity",
                                        [OR_REFUSED_MEMORY] = "memory"};
  or_counter_t *counter = NULL;
  or_status_t status = or_metrics_counter(meter->registry, &refusals, &reasons[kind], &counter);
  if (or_ok(status)) or_counter_add(counter, 1);
  or_status_ignore(status); /* without memory for the count it is still refused */
}

or_status_t or_meter_write(or_meter_t *meter, const or_server_t *server, or_text_t *text) {
  or_mutex_lock(&meter->look_mutex);
  or_status_t status = or_meter_look(meter, server);
  or_mutex_unlock(&meter->look_mutex);
  return or_ok(status) ? or_metrics_write_prometheus(meter->registry, text) : status;
}
