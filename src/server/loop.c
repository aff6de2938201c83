#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/string.h"
#include "server/net_internal.h"

static void loop_main(void *argument);
static void on_timer(uv_timer_t *timer);
static void on_turn(uv_check_t *check);
static void on_prepare(uv_prepare_t *prepare);
static void on_drain(or_mail_t *mail);
static void on_stop(or_mail_t *mail);
static void on_beat(or_mail_t *mail);

typedef struct adoption_t {
  or_mail_t mail;
  or_loop_t *loop;
  int descriptor;
  or_tls_t *tls;
  bool from_unix;
} adoption_t;

static or_status_t open_handles(or_loop_t *loop) {
  int error = uv_loop_init(&loop->uv);
  if (error != 0) return or_error(OR_RESOURCE_EXHAUSTED, "an event loop: %s", uv_strerror(error));
  or_status_t status = or_mailbox_init(&loop->mailbox, &loop->uv);
  if (!or_ok(status)) {
    (void)uv_loop_close(&loop->uv);
    return status;
  }
  (void)uv_check_init(&loop->uv, &loop->turn);
  (void)uv_check_start(&loop->turn, on_turn);
  loop->turn.data = loop;
  (void)uv_timer_init(&loop->uv, &loop->timer);
  loop->timer.data = loop;
  (void)uv_prepare_init(&loop->uv, &loop->prepare);
  loop->prepare.data = loop;
  (void)uv_prepare_start(&loop->prepare, on_prepare);
  return status;
}

or_status_t or_loop_start(or_loop_t *loop, or_net_t *net) {
  *loop = (or_loop_t){.net = net, .timer_ns = INT64_MAX, .date_s = -1};
  loop->drain_mail.run = on_drain;
  loop->stop_mail.run = on_stop;
  loop->beat_mail.run = on_beat;
  if (getrandom(&loop->id_seed, sizeof loop->id_seed, 0) != (ssize_t)sizeof loop->id_seed)
    loop->id_seed = (uint64_t)or_clock_wall_us() ^ (uint64_t)(uintptr_t)loop;
  or_status_t status = or_alloc(net->allocator, OR_LOOP_BUFFER_BYTES, (void **)&loop->in);
  if (or_ok(status)) status = or_alloc(net->allocator, OR_LOOP_BUFFER_BYTES, (void **)&loop->out);
  if (or_ok(status)) status = or_alloc(net->allocator, OR_LOOP_BUFFER_BYTES, (void **)&loop->held.data);
  if (or_ok(status)) status = open_handles(loop);
  if (or_ok(status)) {
    status = or_thread_start(&loop->thread, "or-http", loop_main, loop);
    if (or_ok(status)) return status;
    on_stop(&loop->stop_mail);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop->uv);
  }
  or_free(net->allocator, loop->in);
  or_free(net->allocator, loop->out);
  or_free(net->allocator, loop->held.data);
  return status;
}

void or_loop_stop(or_loop_t *loop) {
  if (!loop->thread.started) return;
  or_mailbox_send(&loop->mailbox, &loop->stop_mail);
  or_thread_join(&loop->thread);
  (void)uv_loop_close(&loop->uv);
  or_free(loop->net->allocator, loop->in);
  or_free(loop->net->allocator, loop->out);
  or_free(loop->net->allocator, loop->held.data);
}

static void loop_main(void *argument) { (void)uv_run(&((or_loop_t *)argument)->uv, UV_RUN_DEFAULT); }

/* Before it looks at its sockets. */
static void on_prepare(uv_prepare_t *prepare) { ((or_loop_t *)prepare->data)->worked_ns = 0; }

static void on_adopt(or_mail_t *mail) {
  adoption_t *adoption = (adoption_t *)mail;
  or_loop_t *loop = adoption->loop;
  if (loop->stopping) {
    (void)close(adoption->descriptor);
    (void)atomic_fetch_sub_explicit(&loop->connection_count, 1, memory_order_relaxed);
  } else {
    or_status_t status = or_connection_open(loop, adoption->descriptor, adoption->tls, adoption->from_unix);
    if (!or_ok(status)) {
      or_log(OR_LOG_SERVER, OR_LOG_WARNING, "connection_refused", "reason=\"%s\"", or_status_message(status));
      (void)atomic_fetch_sub_explicit(&loop->connection_count, 1, memory_order_relaxed);
    }
    or_status_ignore(status); /* logged */
  }
  or_tls_release(adoption->tls);
  or_free(loop->net->allocator, adoption);
}

or_status_t or_loop_adopt(or_loop_t *loop, int descriptor, or_tls_t *tls, bool from_unix) {
  void *memory = NULL;
  or_status_t status = or_alloc(loop->net->allocator, sizeof(adoption_t), &memory);
  if (!or_ok(status)) {
    (void)close(descriptor);
    return status;
  }
  adoption_t *adoption = memory;
  *adoption = (adoption_t){{NULL, on_adopt}, loop, descriptor, or_tls_retain(tls), from_unix};
  (void)atomic_fetch_add_explicit(&loop->connection_count, 1, memory_order_relaxed);
  or_mailbox_send(&loop->mailbox, &adoption->mail);
  return status;
}

static void on_drain(or_mail_t *mail) {
  or_loop_t *loop = (or_loop_t *)((char *)mail - offsetof(or_loop_t, drain_mail));
  for (or_connection_t *connection = loop->all, *next; connection != NULL; connection = next) {
    next = connection->all_next;
    or_connection_drain(connection);
  }
}

static void on_beat(or_mail_t *mail) {
  or_loop_t *loop = (or_loop_t *)((char *)mail - offsetof(or_loop_t, beat_mail));
  atomic_store_explicit(&loop->asked, false, memory_order_release);
}

static void on_stop(or_mail_t *mail) {
  or_loop_t *loop = (or_loop_t *)((char *)mail - offsetof(or_loop_t, stop_mail));
  loop->stopping = true;
  for (or_connection_t *connection = loop->all, *next; connection != NULL; connection = next) {
    next = connection->all_next;
    or_connection_close(connection);
  }
  or_loop_connection_gone(loop);
}

/* The loop runs as long as it has handles: those of the net go when the last connection and the last kept request are
 * gone. */
void or_loop_connection_gone(or_loop_t *loop) {
  if (!loop->stopping || loop->all != NULL || loop->kept > 0 || loop->handles_closed ||
      atomic_load_explicit(&loop->posts, memory_order_relaxed) > 0)
    return;
  loop->handles_closed = true;
  uv_close((uv_handle_t *)&loop->turn, NULL);
  uv_close((uv_handle_t *)&loop->timer, NULL);
  uv_close((uv_handle_t *)&loop->prepare, NULL);
  or_mailbox_close(&loop->mailbox);
}

void or_loop_post(or_loop_t *loop, or_mail_t *mail) {
  (void)atomic_fetch_add_explicit(&loop->posts, 1, memory_order_relaxed);
  or_mailbox_send(&loop->mailbox, mail);
}

void or_loop_posted(or_loop_t *loop) {
  (void)atomic_fetch_sub_explicit(&loop->posts, 1, memory_order_relaxed);
  or_loop_connection_gone(loop);
}

static int64_t timeout_ns(const or_loop_t *loop, or_wait_t wait) {
  const or_limits_t *limits = &loop->net->options.limits;
  const int64_t ms[OR_WAIT_COUNT] = {
      [OR_WAIT_HEAD] = limits->header_timeout_ms, [OR_WAIT_BODY] = limits->body_timeout_ms,
      [OR_WAIT_IDLE] = limits->idle_timeout_ms,   [OR_WAIT_WRITE] = limits->write_timeout_ms,
      [OR_WAIT_WEBSOCKET] = limits->ws_ping_ms,   [OR_WAIT_LINGER] = 2000};
  return ms[wait] * 1000000;
}

static void set_timer(or_loop_t *loop, int64_t when_ns, int64_t now_ns) {
  if (when_ns >= loop->timer_ns) return;
  int64_t ms = when_ns > now_ns ? (when_ns - now_ns + 999999) / 1000000 : 0;
  uv_update_time(&loop->uv);
  (void)uv_timer_start(&loop->timer, on_timer, (uint64_t)ms, 0);
  loop->timer_ns = when_ns;
}

void or_loop_forget(or_connection_t *connection) {
  or_loop_t *loop = connection->loop;
  or_wait_t wait = connection->wait;
  if (wait == OR_WAIT_NOTHING) return;
  if (connection->wait_previous != NULL) connection->wait_previous->wait_next = connection->wait_next;
  if (connection->wait_next != NULL) connection->wait_next->wait_previous = connection->wait_previous;
  if (loop->waiting[wait].first == connection) loop->waiting[wait].first = connection->wait_next;
  if (loop->waiting[wait].last == connection) loop->waiting[wait].last = connection->wait_previous;
  connection->wait_previous = connection->wait_next = NULL;
  connection->wait = OR_WAIT_NOTHING;
}

static void append_waiting(or_connection_t *connection, or_wait_t wait) {
  or_loop_t *loop = connection->loop;
  connection->wait = wait;
  connection->wait_next = NULL;
  connection->wait_previous = loop->waiting[wait].last;
  if (loop->waiting[wait].last != NULL) loop->waiting[wait].last->wait_next = connection;
  if (loop->waiting[wait].first == NULL) loop->waiting[wait].first = connection;
  loop->waiting[wait].last = connection;
}

/* In the list that it is in already a connection keeps its place; the timer sees that its deadline has moved. */
void or_loop_wait(or_connection_t *connection, or_wait_t wait) {
  int64_t now_ns = or_clock_ns();
  connection->deadline_ns = now_ns + timeout_ns(connection->loop, wait);
  if (connection->wait == wait) return;
  or_loop_forget(connection);
  if (wait == OR_WAIT_NOTHING) return;
  append_waiting(connection, wait);
  set_timer(connection->loop, connection->deadline_ns, now_ns);
}

static void on_turn(uv_check_t *check) { or_loop_send_held(check->data); }

static void on_timer(uv_timer_t *timer) {
  or_loop_t *loop = timer->data;
  int64_t now_ns = or_clock_ns(), next_ns = INT64_MAX;
  loop->timer_ns = INT64_MAX;
  for (int wait = OR_WAIT_HEAD; wait < OR_WAIT_COUNT; ++wait) {
    /* Each connection that is there now is looked at once at most. */
    or_connection_t *last = loop->waiting[wait].last, *connection = NULL;
    while (connection != last && loop->waiting[wait].first != NULL) {
      connection = loop->waiting[wait].first;
      if (connection->deadline_ns <= now_ns) {
        or_connection_timed_out(connection);
        if (connection == last) break;
        continue;
      }
      if (connection->wait_next == NULL) break;
      /* A head that moved its deadline goes to its place, the end, unless it is in order there already. */
      if (connection->deadline_ns <= connection->wait_next->deadline_ns) break;
      or_loop_forget(connection);
      append_waiting(connection, (or_wait_t)wait);
    }
    connection = loop->waiting[wait].first;
    if (connection != NULL && connection->deadline_ns < next_ns) next_ns = connection->deadline_ns;
  }
  if (next_ns != INT64_MAX) set_timer(loop, next_ns, now_ns);
}

const char *or_loop_date(or_loop_t *loop) {
  static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int64_t now_s = or_clock_wall_us() / 1000000;
  struct tm tm;
  time_t seconds = (time_t)now_s;
  if (now_s == loop->date_s || gmtime_r(&seconds, &tm) == NULL) return loop->date;
  loop->date_s = now_s;
  return or_format(loop->date, sizeof loop->date, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7],
                   tm.tm_mday, months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* 32 hexadecimal digits: a random part of the loop and a count. */
void or_loop_make_id(or_loop_t *loop, char id[OR_REQUEST_ID_BYTES]) {
  static const char digits[] = "0123456789abcdef";
  uint64_t halves[2] = {loop->id_seed, ++loop->id_count * 0x9e3779b97f4a7c15u};
  for (size_t i = 0; i < 32; ++i) id[i] = digits[halves[i / 16] >> 4 * (15 - i % 16) & 15];
  id[32] = '\0';
}

void or_loop_busy(or_loop_t *loop, bool more) {
  if (more) {
    (void)atomic_fetch_add_explicit(&loop->busy, 1, memory_order_relaxed);
    return;
  }
  size_t before = atomic_fetch_sub_explicit(&loop->busy, 1, memory_order_release);
  if (before != 1 || or_net_phase(loop->net) != OR_NET_DRAINING) return;
  or_mutex_lock(&loop->net->mutex);
  or_cond_broadcast(&loop->net->changed);
  or_mutex_unlock(&loop->net->mutex);
}
