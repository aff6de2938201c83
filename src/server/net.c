#include "server/net.h"

#include "base/clock.h"
#include "server/net_internal.h"

or_limits_t or_limits_default(void) {
  return (or_limits_t){.connections = 16384,
                       .head_bytes = 16 << 10,
                       .target_bytes = 8 << 10,
                       .header_count = 64,
                       .body_bytes = (size_t)256 << 20,
                       .away_bytes = (size_t)1 << 30,
                       .ws_message_bytes = 64 << 10,
                       .header_timeout_ms = 10000,
                       .body_timeout_ms = 30000,
                       .idle_timeout_ms = 75000,
                       .write_timeout_ms = 60000,
                       .ws_ping_ms = 30000};
}

static void stop_loops(or_net_t *net) {
  for (size_t i = 0; i < net->loops_started; ++i) or_loop_stop(&net->loops[i]);
}

static void free_net(or_net_t *net) {
  or_router_free(net->router);
  or_away_stop(net);
  or_file_readers_stop(net);
  or_free(net->allocator, net->loops);
  or_cond_deinit(&net->changed);
  or_mutex_deinit(&net->mutex);
  or_free(net->allocator, net);
}

or_status_t or_net_start(const or_net_options_t *options, or_net_t **out) {
  void *memory = NULL;
  *out = NULL;
  if (options->loops < 1 || options->loops > OR_NET_MAX_LOOPS)
    return or_error(OR_INVALID_ARGUMENT, "%zu loops; there may be 1 to %d", options->loops, OR_NET_MAX_LOOPS);
  or_status_t status = or_alloc_zeroed(options->allocator, sizeof(or_net_t), &memory);
  if (!or_ok(status)) return status;
  or_net_t *net = memory;
  net->options = *options;
  net->allocator = options->allocator;
  or_mutex_init(&net->mutex);
  or_cond_init(&net->changed);
  status = or_router_create(options->allocator, options->routes, options->route_count, &net->router);
  if (or_ok(status)) status = or_alloc_array(net->allocator, options->loops, sizeof(or_loop_t), (void **)&net->loops);
  net->loop_count = options->loops;
  if (or_ok(status)) status = or_away_start(net);
  if (or_ok(status)) status = or_file_readers_start(net);
  for (size_t i = 0; i < options->loops && or_ok(status); ++i) {
    status = or_loop_start(&net->loops[i], net);
    net->loops_started += or_ok(status);
  }
  *out = net; /* before the first connection: its request may ask for it */
  if (or_ok(status)) status = or_acceptor_start(net);
  if (or_ok(status)) return status;
  *out = NULL;
  stop_loops(net);
  free_net(net);
  return status;
}

void or_net_set_phase(or_net_t *net, or_net_phase_t phase) {
  if (phase == OR_NET_READY) atomic_store_explicit(&net->was_ready, true, memory_order_release);
  atomic_store_explicit(&net->phase, (int)phase, memory_order_seq_cst);
}

or_net_phase_t or_net_phase(const or_net_t *net) {
  return (or_net_phase_t)atomic_load_explicit(&net->phase, memory_order_acquire);
}

size_t or_net_connections(const or_net_t *net) {
  size_t count = 0;
  for (size_t i = 0; i < net->loop_count; ++i)
    count += atomic_load_explicit(&net->loops[i].connection_count, memory_order_relaxed);
  return count;
}

uint64_t or_net_refused(const or_net_t *net) { return atomic_load_explicit(&net->refused, memory_order_relaxed); }

size_t or_net_websockets(const or_net_t *net) {
  size_t count = 0;
  for (size_t i = 0; i < net->loop_count; ++i)
    count += atomic_load_explicit(&net->loops[i].websockets, memory_order_relaxed);
  return count;
}

bool or_net_is_alive(or_net_t *net) {
  bool alive = true;
  for (size_t i = 0; i < net->loop_count; ++i) {
    or_loop_t *loop = &net->loops[i];
    if (atomic_exchange_explicit(&loop->asked, true, memory_order_acq_rel)) {
      alive = false;
    } else {
      or_mailbox_send(&loop->mailbox, &loop->beat_mail);
    }
  }
  return alive;
}

static bool is_busy(const or_net_t *net) {
  for (size_t i = 0; i < net->loop_count; ++i) {
    if (atomic_load_explicit(&net->loops[i].busy, memory_order_acquire) > 0) return true;
  }
  return false;
}

/* A loop that was busy before the phase changed may not have seen the change when it became idle: so the wait looks
 * again now and then. */
#define DRAIN_LOOK_NS ((int64_t)20000000)

bool or_net_drain(or_net_t *net, int64_t deadline_ns) {
  or_net_set_phase(net, OR_NET_DRAINING);
  for (size_t i = 0; i < net->loop_count; ++i) or_mailbox_send(&net->loops[i].mailbox, &net->loops[i].drain_mail);
  or_mutex_lock(&net->mutex);
  while (is_busy(net) && !net->hurry && or_clock_ns() < deadline_ns) {
    int64_t next_ns = or_clock_ns() + DRAIN_LOOK_NS;
    (void)or_cond_wait_until(&net->changed, &net->mutex, next_ns < deadline_ns ? next_ns : deadline_ns);
  }
  or_mutex_unlock(&net->mutex);
  return !is_busy(net);
}

void or_net_hurry(or_net_t *net) {
  or_mutex_lock(&net->mutex);
  net->hurry = true;
  or_cond_broadcast(&net->changed);
  or_mutex_unlock(&net->mutex);
}

void or_net_stop(or_net_t *net) {
  if (net == NULL) return;
  or_acceptor_stop(net);
  stop_loops(net);
  free_net(net);
}
