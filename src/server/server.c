#include "server/server.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "server/keys.h"
#include "server/mailbox.h"
#include "server/notify.h"

#define SIGNALS 3

/* What the run consists of; the calling thread's, but for what a comment says. */
typedef struct run_t {
  const or_server_options_t *options;
  or_server_t server;
  or_tls_t *tls;
  uv_loop_t loop;
  uv_signal_t signals[SIGNALS];
  or_notify_t notify;
  uv_timer_t watchdog;
  or_mailbox_t mailbox;
  or_thread_t finder, drainer;
  or_mail_t found_mail, drained_mail;
  or_status_t found; /* the finder's until found_mail is sent */
  or_runtime_t *runtime;
  or_status_t status;
  bool has_found, stopping;
} run_t;

static or_status_t open_net(run_t *run);
static or_status_t open_loop(run_t *run);
static void begin_drain(run_t *run, int number);
static void close_loop(run_t *run);
static void close_all(run_t *run);

or_runtime_t *or_server_runtime(const or_server_t *server) {
  return atomic_load_explicit(&server->runtime, memory_order_acquire);
}

const char *or_server_phase_name(const or_server_t *server) {
  static const char *const names[] = {"starting", "healthy", "draining"};
  return names[or_net_phase(server->net)];
}

static or_status_t make_openapi(or_server_t *server) {
  or_text_t text;
  or_text_init(&text, server->allocator);
  or_status_t status = or_openapi_write(or_routes, or_route_count, &text);
  if (or_ok(status)) status = or_strndup(server->allocator, or_text_string(&text), text.length, &server->openapi);
  if (or_ok(status)) server->openapi_bytes = text.length;
  or_text_deinit(&text);
  return status;
}

/* As many descriptors as the system allows: a connection takes one. */
static void raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void find_devices(void *argument) {
  run_t *run = argument;
  run->found = run->options->make_runtime(run->options->self, &run->runtime);
  if (or_ok(run->found))
    run->found = or_services_open(&run->server.services, run->runtime, run->options->config, run->server.meter);
  or_mailbox_send(&run->mailbox, &run->found_mail);
}

or_status_t or_server_run(const or_server_options_t *options) {
  run_t run = {.options = options};
  run.server.allocator = options->allocator;
  run.server.config = options->config;
  run.server.started_ns = or_clock_ns();
  run.server.log = options->log_writer;
  or_mutex_init(&run.server.changes);
  raise_descriptor_limit();
  or_status_t status = or_notify_open(options->notify_socket, &run.notify);
  if (or_ok(status)) status = make_openapi(&run.server);
  if (or_ok(status)) status = or_services_open_store(&run.server.services, options->config);
  if (or_ok(status)) status = or_meter_create(options->allocator, or_routes, or_route_count, &run.server.meter);
  if (or_ok(status)) status = open_net(&run);
  if (or_ok(status)) status = open_loop(&run);
  if (or_ok(status)) {
    status = or_thread_start(&run.finder, "or-find", find_devices, &run);
    if (!or_ok(status)) close_loop(&run);
    if (or_ok(status) && options->interrupted != NULL && or_cancel_requested(options->interrupted))
      begin_drain(&run, SIGTERM);
    (void)uv_run(&run.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&run.loop);
    status = or_status_first(status, run.status);
  }
  close_all(&run);
  return status;
}

static or_status_t load_tls(const or_server_config_t *config, or_tls_t **out) {
  *out = NULL;
  if (config->tls_cert[0] == '\0' && config->tls_key[0] == '\0') return or_status_success();
  if (config->tls_cert[0] == '\0' || config->tls_key[0] == '\0')
    return or_error(OR_FAILED_PRECONDITION, "TLS needs both: --tls-cert FILE and --tls-key FILE");
  return or_tls_load(config->tls_cert, config->tls_key, out);
}

static or_status_t check_address(const or_server_config_t *config) {
  if (config->host[0] != '\0' || config->unix_path[0] != '\0') return or_status_success();
  return or_error(OR_FAILED_PRECONDITION, "there is nowhere to listen: name a --host, a --unix path, or both");
}

static or_status_t check_models(const or_server_config_t *config) {
  if (config->models[0] == '\0' || access(config->models, R_OK | X_OK) == 0) return or_status_success();
  return or_error(OR_FAILED_PRECONDITION, "models: folder \"%s\" can't be read: make it, or name another",
                  config->models);
}

or_status_t or_server_check(const or_server_config_t *config) {
  or_tls_t *tls = NULL;
  or_status_t status = check_address(config);
  if (or_ok(status)) status = load_tls(config, &tls);
  or_tls_release(tls);
  return or_ok(status) ? check_models(config) : status;
}

/* The folder may come while the server runs. */
static void warn_of_models(const or_server_config_t *config) {
  or_status_t status = check_models(config);
  if (!or_ok(status)) or_log(OR_LOG_SERVER, OR_LOG_WARNING, "no_models", "reason=\"%s\"", or_status_message(status));
  or_status_ignore(status); /* logged: built-in ones are served */
}

/* A server that anyone may reach must know whom it answers. */
static or_status_t check_exposure(const run_t *run) {
  const or_server_config_t *config = run->options->config;
  if (or_store_has_keys(run->server.services.store) || config->insecure || config->host[0] == '\0' ||
      or_access_is_loopback(config->host))
    return or_status_success();
  return or_error(OR_FAILED_PRECONDITION,
                  "%s is not loopback, and there are no API keys: make one with \"openruntime keys create\", or say "
                  "--insecure",
                  config->host);
}

/* Counted, and told in the log. */
static void on_answered(void *self, const or_request_t *request, int64_t took_ns) {
  const or_server_t *server = self;
  or_meter_request(server->meter, request, took_ns);
  or_request_log(NULL, request, took_ns);
}

static or_status_t open_net(run_t *run) {
  const or_server_config_t *config = run->options->config;
  or_keys_warn(run->server.services.store);
  or_status_t status = check_address(config);
  if (or_ok(status)) status = check_exposure(run);
  if (or_ok(status)) status = load_tls(config, &run->tls);
  if (!or_ok(status)) return status;
  warn_of_models(config);
  or_net_options_t net = {
      .allocator = run->options->allocator,
      .server = &run->server,
      .routes = or_routes,
      .route_count = or_route_count,
      .host = config->host[0] != '\0' ? config->host : NULL,
      .port = (int)config->port,
      .unix_path = config->unix_path[0] != '\0' ? config->unix_path : NULL,
      .loops = (size_t)config->loops,
      .tls = run->tls,
      .access = {.hosts = config->hosts[0] != '\0' ? config->hosts : NULL,
                 .origins = config->origins[0] != '\0' ? config->origins : NULL,
                 .keys = or_keys_of_store(run->server.services.store),
                 .metrics_open = config->metrics_open},
      .limits = {.connections = (size_t)config->connections,
                 .head_bytes = (size_t)config->head_bytes,
                 .target_bytes = (size_t)config->target_bytes,
                 .header_count = (size_t)config->header_count,
                 .body_bytes = (size_t)config->body_bytes,
                 .away_bytes = or_limits_default().away_bytes,
                 .ws_message_bytes = (size_t)config->ws_message_bytes,
                 .header_timeout_ms = config->header_timeout_ms,
                 .body_timeout_ms = config->body_timeout_ms,
                 .idle_timeout_ms = config->idle_timeout_ms,
                 .write_timeout_ms = config->write_timeout_ms,
                 .ws_ping_ms = config->ws_ping_ms},
      .name = "openruntime",
      .observe = on_answered,
      .observe_self = &run->server,
  };
  return or_net_start(&net, &run->server.net);
}

/* A manager that does not hear is told of in the log; what it makes of the silence is its own affair. */
static void notify(const run_t *run, const char *state) {
  or_status_t status = or_notify_send(&run->notify, state);
  if (!or_ok(status))
    or_log(OR_LOG_SERVER, OR_LOG_WARNING, "notify_failed", "reason=\"%s\"", or_status_message(status));
  or_status_ignore(status); /* logged */
}

static void notify_ready(const run_t *run) {
  char where[2 * OR_CONFIG_TEXT_BYTES], state[4 * OR_CONFIG_TEXT_BYTES];
  notify(run, or_format(state, sizeof state, "READY=1\nMAINPID=%ld\nSTATUS=listens at %s; %zu devices", (long)getpid(),
                        or_net_describe(run->server.net, where, sizeof where), or_runtime_device_count(run->runtime)));
}

/* A sign of life, if every loop gave one since the last. */
static void on_watchdog(uv_timer_t *timer) {
  const run_t *run = timer->data;
  if (or_net_is_alive(run->server.net)) {
    notify(run, "WATCHDOG=1");
  } else {
    or_log(OR_LOG_SERVER, OR_LOG_WARNING, "loop_stuck", "withheld=watchdog");
  }
}

/* The one line that says what there is. */
static void say_ready(run_t *run) {
  const or_server_config_t *config = run->options->config;
  char where[2 * OR_CONFIG_TEXT_BYTES], found[512] = "", line[4 * OR_CONFIG_TEXT_BYTES];
  size_t used = 0;
  for (size_t i = 0; i < or_runtime_device_count(run->runtime) && used + 64 < sizeof found; ++i) {
    const or_device_facts_t *facts = or_device_facts(or_runtime_device(run->runtime, i));
    (void)or_format(found + used, sizeof found - used, "%s%s", used > 0 ? ", " : "", facts->id);
    used += strlen(found + used);
  }
  run->options->say(run->options->self,
                    or_format(line, sizeof line, "openruntime %s listens at %s; devices: %s; data: %s", or_version(),
                              or_net_describe(run->server.net, where, sizeof where), used > 0 ? found : "none",
                              strcmp(config->data, ":memory:") == 0 ? "in memory, lost at the end" : config->data));
}

static void on_found(or_mail_t *mail) {
  run_t *run = (run_t *)((char *)mail - offsetof(run_t, found_mail));
  if (run->has_found) return; /* close_loop was quicker */
  or_thread_join(&run->finder);
  run->has_found = true;
  if (!or_ok(run->found)) {
    run->status = or_status_first(run->status, run->found);
    close_loop(run);
    return;
  }
  atomic_store_explicit(&run->server.runtime, run->runtime, memory_order_release);
  if (run->stopping) return;
  or_net_set_phase(run->server.net, OR_NET_READY);
  say_ready(run);
  notify_ready(run);
}

static void drain(void *argument) {
  run_t *run = argument;
  int64_t deadline_ns = or_clock_ns() + run->options->config->drain_ms * 1000000;
  or_net_set_phase(run->server.net, OR_NET_DRAINING);
  if (or_server_runtime(&run->server) != NULL) /* else they are the finder's, and close_all ends them */
    or_services_drain(&run->server.services, run->options->config->drain_ms * 1000000);
  (void)or_net_drain(run->server.net, deadline_ns);
  or_mailbox_send(&run->mailbox, &run->drained_mail);
}

static void on_drained(or_mail_t *mail) { close_loop((run_t *)((char *)mail - offsetof(run_t, drained_mail))); }

static void reload_tls(run_t *run) {
  or_tls_t *tls = NULL;
  char line[OR_STATUS_MESSAGE_BYTES + 64];
  or_status_t status = load_tls(run->options->config, &tls);
  if (or_ok(status) && tls != NULL) status = or_net_set_tls(run->server.net, tls);
  if (!or_ok(status)) {
    run->options->say(run->options->self,
                      or_format(line, sizeof line, "the former certificate stays: %s", or_status_message(status)));
  } else if (tls != NULL) {
    run->options->say(run->options->self, "the certificate was read again");
  }
  or_status_ignore(status); /* told: the server goes on with what it has */
  or_tls_release(tls);
}

static void begin_drain(run_t *run, int number) {
  run->stopping = true;
  notify(run, "STOPPING=1\nSTATUS=draining");
  or_log(OR_LOG_SERVER, OR_LOG_INFO, "draining", "signal=%d connections=%zu", number,
         or_net_connections(run->server.net));
  or_status_t status = or_thread_start(&run->drainer, "or-drain", drain, run);
  if (!or_ok(status)) close_loop(run);
  or_status_ignore(status); /* without a thread to wait on, nothing is waited for */
}

static void on_signal(uv_signal_t *handle, int number) {
  run_t *run = handle->data;
  if (number == SIGHUP) {
    char state[64];
    bool ready = or_net_phase(run->server.net) == OR_NET_READY;
    if (ready)
      notify(run, or_format(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, or_clock_ns() / 1000));
    reload_tls(run);
    if (ready) notify_ready(run);
    return;
  }
  if (run->stopping) {
    run->options->end_at_once(run->options->self);
    or_net_hurry(run->server.net);
    return;
  }
  begin_drain(run, number);
}

static or_status_t open_loop(run_t *run) {
  static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
  int error = uv_loop_init(&run->loop);
  if (error != 0) return or_error(OR_RESOURCE_EXHAUSTED, "an event loop: %s", uv_strerror(error));
  or_status_t status = or_mailbox_init(&run->mailbox, &run->loop);
  if (!or_ok(status)) {
    (void)uv_loop_close(&run->loop);
    return status;
  }
  run->found_mail.run = on_found;
  run->drained_mail.run = on_drained;
  for (size_t i = 0; i < SIGNALS; ++i) {
    (void)uv_signal_init(&run->loop, &run->signals[i]);
    run->signals[i].data = run;
    error = uv_signal_start(&run->signals[i], on_signal, numbers[i]);
    if (error != 0) or_log(OR_LOG_SERVER, OR_LOG_WARNING, "no_signal", "signal=%d", numbers[i]);
  }
  (void)uv_timer_init(&run->loop, &run->watchdog);
  run->watchdog.data = run;
  const or_server_options_t *options = run->options;
  int64_t ms = or_notify_watchdog_ms(options->watchdog_usec, options->watchdog_pid, (long)getpid());
  if (ms > 0) (void)uv_timer_start(&run->watchdog, on_watchdog, 0, (uint64_t)ms);
  return status;
}

/* The calling thread's loop ends when its handles are closed. The finder can't be interrupted, and its mail needs the
 * box: so the end waits for it. */
static void close_loop(run_t *run) {
  if (run->finder.started && !run->has_found) {
    or_thread_join(&run->finder);
    run->has_found = true;
    run->status = or_status_first(run->status, run->found);
  }
  for (size_t i = 0; i < SIGNALS; ++i) {
    if (!uv_is_closing((uv_handle_t *)&run->signals[i])) uv_close((uv_handle_t *)&run->signals[i], NULL);
  }
  if (!uv_is_closing((uv_handle_t *)&run->watchdog)) uv_close((uv_handle_t *)&run->watchdog, NULL);
  if (!uv_is_closing((uv_handle_t *)&run->mailbox.async)) or_mailbox_close(&run->mailbox);
}

static void close_all(run_t *run) {
  or_thread_join(&run->drainer);
  or_services_drain(&run->server.services, 0);
  or_net_stop(run->server.net);
  or_notify_close(&run->notify);
  or_tls_release(run->tls);
  or_services_close(&run->server.services);
  or_runtime_release(run->runtime);
  or_meter_free(run->server.meter);
  or_free(run->server.allocator, run->server.openapi);
  or_mutex_deinit(&run->server.changes);
}
