/* Handlers, and which thread they run on: their loop's, or another where they may take long. A request that is away is
 * a kept one; its reply comes back as any posted reply does. */
#include "base/clock.h"
#include "server/net_internal.h"

#define LOOP_FREE_BYTES ((size_t)1 << 20)
#define WAITING_THREADS 2  /* models read side by side */
#define AWAY_MIN_THREADS 2 /* else as many as loops: one request that takes long does not hold up the next */

/* or_connection_t.parted */
enum { TOGETHER, WANTS_TO_HEAR, GONE };

static _Thread_local const or_connection_t *handled; /* whose handler this thread, a loop's, is in */
static _Thread_local const or_connection_t *away;    /* the same of a thread that is none */
static _Thread_local bool away_kept;                 /* that handler will post its reply */

static bool hand_over(or_connection_t *connection, or_workers_t *workers);

static or_connection_t *connection_of(or_request_t *request) {
  return (or_connection_t *)((char *)request - offsetof(or_connection_t, request));
}

or_status_t or_away_start(or_net_t *net) {
  size_t threads = net->loop_count > AWAY_MIN_THREADS ? net->loop_count : AWAY_MIN_THREADS;
  if (threads > OR_WORKERS_MAX_THREADS) threads = OR_WORKERS_MAX_THREADS;
  const or_workers_options_t options = {.allocator = net->allocator,
                                        .name = "or-large",
                                        .threads = (unsigned)threads,
                                        .queued = OR_AWAY_MAX_QUEUED,
                                        .patient = true};
  const or_workers_options_t waiting = {
      .allocator = net->allocator, .name = "or-wait", .threads = WAITING_THREADS, .patient = true};
  or_status_t status = or_workers_create(&options, &net->workers);
  return or_ok(status) ? or_workers_create(&waiting, &net->waiters) : status;
}

void or_away_stop(or_net_t *net) {
  or_workers_free(net->workers);
  or_workers_free(net->waiters);
}

void or_connection_handle(or_connection_t *connection) {
  or_request_t *request = &connection->request;
  handled = connection;
  if (!or_request_elsewhere(request, request->body_bytes)) request->route->handle(request);
  handled = NULL;
}

bool or_connection_is_handled(const or_connection_t *connection) { return handled == connection; }

bool or_connection_keep_away(or_connection_t *connection) {
  if (away != connection) return false;
  away_kept = true;
  return true;
}

bool or_request_elsewhere(or_request_t *request, size_t bytes) {
  or_connection_t *connection = connection_of(request);
  if (bytes <= OR_LOOP_WORK_BYTES || handled != connection) return false;
  if (hand_over(connection, connection->loop->net->workers)) return true;
  or_reply_header(request, "Retry-After", "1");
  or_reply_error(request, 503, "unavailable", "too many large requests are at work; the limits are %u, and %zu MiB",
                 OR_AWAY_MAX_QUEUED, connection->loop->net->options.limits.away_bytes >> 20);
  return true;
}

bool or_request_may_not_wait(or_request_t *request, bool *moved) {
  or_connection_t *connection = connection_of(request);
  *moved = false;
  if (handled != connection) return false;
  *moved = hand_over(connection, connection->loop->net->waiters);
  return true;
}

static size_t claim(const or_connection_t *connection) { return connection->request.body_bytes; }

/* On a worker's thread. */
static void handle_away(void *self, bool stopped) {
  or_connection_t *connection = self;
  or_request_t *request = &connection->request;
  or_net_t *net = connection->loop->net;
  const size_t bytes = claim(connection); /* not touched once it may be posted */
  bool kept = false;
  if (stopped) {
    or_reply_error(request, 503, "unavailable", "the server is draining");
  } else {
    away = connection;
    away_kept = false;
    request->handled_ns = or_clock_ns();
    request->route->handle(request);
    kept = away_kept;
    away = NULL;
  }
  (void)atomic_fetch_sub_explicit(&net->away_bytes, bytes, memory_order_relaxed);
  if (!kept) or_reply_post(request);
}

static void free_away(void *self, bool stopped) {
  (void)stopped;
  or_free(*(const or_allocator_t **)self, self);
}

void or_net_free(or_net_t *net, void *memory, size_t bytes) {
  if (memory == NULL || bytes <= LOOP_FREE_BYTES) {
    or_free(net->allocator, memory);
    return;
  }
  *(const or_allocator_t **)memory = net->allocator; /* nobody reads it any more */
  or_status_t status = or_workers_submit(net->workers, free_away, memory);
  if (!or_ok(status)) or_free(net->allocator, memory);
  or_status_ignore(status); /* it is given back here */
}

/* One alone may be as large as any body. */
static bool has_room(or_net_t *net, size_t bytes) {
  const size_t before = atomic_fetch_add_explicit(&net->away_bytes, bytes, memory_order_relaxed);
  if (before == 0 || before + bytes <= net->options.limits.away_bytes) return true;
  (void)atomic_fetch_sub_explicit(&net->away_bytes, bytes, memory_order_relaxed);
  return false;
}

static bool hand_over(or_connection_t *connection, or_workers_t *workers) {
  or_net_t *net = connection->loop->net;
  const size_t bytes = claim(connection);
  if (!has_room(net, bytes)) return false;
  or_request_keep(&connection->request);
  connection->away = true;
  atomic_store_explicit(&connection->parted, TOGETHER, memory_order_relaxed);
  or_status_t status = or_workers_submit(workers, handle_away, connection);
  const bool good = or_ok(status);
  or_status_ignore(status); /* the reply says it */
  if (good) return true;
  (void)atomic_fetch_sub_explicit(&net->away_bytes, bytes, memory_order_relaxed);
  connection->away = false;
  or_reply_post(&connection->request); /* within its handler: it is as if it had not been kept */
  return false;
}

void or_request_on_gone(or_request_t *request, void (*gone)(void *self, or_request_t *request), void *self) {
  or_connection_t *connection = connection_of(request);
  request->gone = gone;
  request->gone_self = self;
  if (away != connection) return;
  if (atomic_exchange_explicit(&connection->parted, WANTS_TO_HEAR, memory_order_acq_rel) == GONE) gone(self, request);
}

void or_connection_part(or_connection_t *connection) {
  or_request_t *request = &connection->request;
  or_cancel_request(&request->cancel);
  if (connection->away && atomic_exchange_explicit(&connection->parted, GONE, memory_order_acq_rel) != WANTS_TO_HEAR)
    return; /* its handler will see it */
  if (request->gone != NULL) request->gone(request->gone_self, request);
}
