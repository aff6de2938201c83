/* `monitor`: samples of this process's own, or a server's by /ws, on a screen or as lines. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/monitor.h"
#include "cli/remote.h"
#include "cli/terminal.h"
#include "client/ws_client.h"
#include "runtime/device_json.h"
#include "runtime/telemetry.h"

#define RECONNECT_NS INT64_C(1000000000)
#define LIST_NS INT64_C(1000000000) /* the list of tasks is asked for at most so often */
#define LIST_TIMEOUT_S 2.0
#define FIRST_NS INT64_C(250000000)  /* until the first sample: utilisation needs a while to be over */
#define CLOCK_NS INT64_C(1000000000) /* the seconds of running tasks go on without a message */

typedef struct view_t {
  or_cli_t *cli;
  or_monitor_t *monitor;
  or_monitor_view_t shape;
  int64_t interval_ns, next_ns; /* next_ns: sample, reconnect or draw again */
  bool screen, dirty, leaves;
  int code;
  int signals;         /* descriptor */
  or_client_t *client; /* NULL: in process */
  or_ws_client_t *ws;  /* NULL: the server has gone */
  int64_t list_ns;     /* when it may be asked for again */
  or_text_t text;
} view_t;

static void leave(view_t *view, int code) {
  view->leaves = true;
  view->code = code;
}

static void fail(view_t *view, or_status_t status) {
  or_terminal_leave();
  leave(view, or_cli_fail(view->cli, status));
}

static void print(view_t *view) {
  if (fwrite(view->text.data, 1, view->text.length, stdout) != view->text.length || fflush(stdout) != 0)
    leave(view, or_cancel_requested(&view->cli->cancel) ? OR_EXIT_INTERRUPTED : OR_EXIT_FAILED);
}

/* One message, of /ws or made here. */
static void take(view_t *view, const char *text, size_t length) {
  or_json_document_t *document = NULL;
  or_status_t status = or_json_parse(view->cli->allocator, text, length, &document);
  if (!or_ok(status)) {
    fail(view, status);
    return;
  }
  const bool sampled = or_monitor_take(view->monitor, or_json_root(document), or_clock_ns());
  or_json_document_free(document);
  view->dirty = true;
  if (!sampled || view->screen) return;
  or_text_clear(&view->text);
  if (view->cli->json) {
    status = or_text_append(&view->text, text, length);
    if (or_ok(status)) status = or_text_append(&view->text, "\n", 1);
  } else {
    status = or_monitor_write_lines(view->monitor, &view->text);
  }
  if (or_ok(status)) {
    print(view);
  } else {
    fail(view, status);
  }
}

/* In process: the same messages as a server's. */

static void write_samples(view_t *view, or_json_writer_t *json) {
  or_runtime_t *runtime = view->cli->runtime;
  or_json_object_begin(json);
  for (size_t i = 0; i < or_runtime_device_count(runtime); ++i) {
    or_device_t *device = or_runtime_device(runtime, i);
    or_device_sample_t sample;
    or_status_t status = or_telemetry_look(device, &sample);
    if (or_ok(status)) {
      or_json_key(json, or_device_facts(device)->id);
      or_telemetry_write_sample(json, or_device_facts(device), &sample);
    }
    or_status_ignore(status); /* a device that can't be sampled has none */
  }
  or_json_object_end(json);
}

static void write_devices(view_t *view, or_json_writer_t *json) {
  or_json_array_begin(json);
  for (size_t i = 0; i < or_runtime_device_count(view->cli->runtime); ++i)
    or_device_write_json(json, or_runtime_device(view->cli->runtime, i));
  or_json_array_end(json);
}

static void make_message(view_t *view, bool devices) {
  char time[OR_CLOCK_TEXT_BYTES];
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, view->cli->allocator);
  or_json_begin(&json, &text, 0);
  or_json_object_begin(&json);
  or_json_field_string(&json, "type", devices ? "device_status" : "metrics_update");
  or_json_key(&json, devices ? "devices" : "metrics");
  if (devices) write_devices(view, &json);
  if (!devices) write_samples(view, &json);
  if (!devices) or_json_field_int(&json, "active_tasks", 0);
  or_json_field_string(&json, "timestamp", or_clock_format(or_clock_wall_us(), time, sizeof time));
  or_json_object_end(&json);
  or_status_t status = or_json_finish(&json);
  if (or_ok(status)) {
    take(view, text.data, text.length);
  } else {
    fail(view, status);
  }
  or_text_deinit(&text);
}

/* Of a server. */

static or_status_t connect_to_server(view_t *view) {
  char wish[96];
  or_status_t status = or_ws_client_open(view->client, "/ws", &view->ws);
  or_format(wish, sizeof wish, "{\"subscribe\":[\"metrics\",\"tasks\"],\"interval\":%.3f}",
            (double)view->interval_ns * 1e-9);
  if (or_ok(status)) status = or_ws_client_send(view->ws, wish, strlen(wish));
  if (!or_ok(status)) {
    or_ws_client_close(view->ws);
    view->ws = NULL;
    return status;
  }
  view->monitor->trouble[0] = '\0';
  view->monitor->list_wanted = view->screen;
  view->list_ns = 0;
  return status;
}

/* Lines end with the server; a screen waits for it to come back. */
static void lose_server(view_t *view, or_status_t status) {
  or_ws_client_close(view->ws);
  view->ws = NULL;
  if (!view->screen) {
    (void)or_cli_fail(view->cli, status);
    leave(view, OR_EXIT_UNREACHABLE);
    return;
  }
  or_format(view->monitor->trouble, sizeof view->monitor->trouble, "trying again: %s", or_status_message(status));
  or_utf8_repair(view->monitor->trouble, strlen(view->monitor->trouble), true);
  or_status_ignore(status); /* shown */
  view->monitor->task_count = 0;
  view->next_ns = or_clock_ns() + RECONNECT_NS;
  view->dirty = true;
}

static void hear(view_t *view) {
  const char *text = NULL;
  size_t length = 0;
  while (view->ws != NULL && !view->leaves) {
    or_status_t status = or_ws_client_receive(view->ws, &text, &length);
    if (!or_ok(status)) {
      lose_server(view, status);
    } else if (text == NULL) {
      return;
    } else {
      take(view, text, length);
    }
  }
}

/* What runs already, and what an update does not say of a task. */
static void ask_for_list(view_t *view) {
  const or_client_request_t request = {.method = "GET", .path = "/tasks", .timeout_s = LIST_TIMEOUT_S};
  or_client_reply_t reply;
  or_json_document_t *document = NULL;
  or_client_reply_init(&reply, view->cli->allocator);
  or_status_t status = or_client_call(view->client, &request, &reply);
  if (or_ok(status))
    status = or_json_parse(view->cli->allocator, or_text_string(&reply.body), reply.body.length, &document);
  if (or_ok(status)) or_monitor_take_list(view->monitor, or_json_root(document), or_clock_ns());
  or_status_ignore(status); /* the tasks show without their operation, and it is asked again */
  or_json_document_free(document);
  or_client_reply_deinit(&reply);
  view->list_ns = or_clock_ns() + LIST_NS;
  view->dirty = true;
}

/* The loop. */

static void look_at_signals(view_t *view) {
  for (int number = or_terminal_signal(); number != 0; number = or_terminal_signal()) {
    if (number == SIGWINCH) {
      or_terminal_size(&view->shape.columns, &view->shape.rows);
      view->dirty = true;
    } else if (number == SIGTSTP) {
      or_terminal_suspend();
      or_terminal_size(&view->shape.columns, &view->shape.rows);
      view->dirty = true;
    } else {
      leave(view, OR_EXIT_INTERRUPTED);
    }
  }
}

static void look_at_keys(view_t *view) {
  char keys[64];
  const ssize_t count = read(STDIN_FILENO, keys, sizeof keys);
  for (ssize_t i = 0; i < count; ++i) {
    if (keys[i] == 'q' || keys[i] == 'Q')
      leave(view, view->client != NULL && view->ws == NULL ? OR_EXIT_UNREACHABLE : OR_EXIT_OK);
    if (keys[i] == '\f') view->dirty = true; /* Ctrl-L */
  }
}

static void draw(view_t *view) {
  or_text_clear(&view->text);
  or_status_t status = or_monitor_draw(view->monitor, &view->shape, or_clock_ns(), &view->text);
  view->dirty = false;
  if (or_ok(status)) {
    print(view);
  } else {
    fail(view, status);
  }
}

static void on_time(view_t *view) {
  if (view->client == NULL) {
    make_message(view, false);
    view->next_ns += view->interval_ns;
    if (view->next_ns < or_clock_ns()) view->next_ns = or_clock_ns() + view->interval_ns; /* it was stopped */
    return;
  }
  if (view->ws == NULL) {
    or_status_t status = connect_to_server(view);
    if (!or_ok(status)) {
      lose_server(view, status);
      return;
    }
    hear(view);
  }
  view->next_ns = or_clock_ns() + CLOCK_NS;
  view->dirty = true;
}

static void watch(view_t *view) {
  while (!view->leaves) {
    if (or_cancel_requested(&view->cli->cancel)) leave(view, OR_EXIT_INTERRUPTED); /* before signals were ours too */
    if (view->leaves) return;
    if (view->ws != NULL && view->monitor->list_wanted && view->screen && or_clock_ns() >= view->list_ns)
      ask_for_list(view);
    if (view->screen && view->dirty) draw(view);
    if (view->leaves) return;
    const bool keys = view->screen && isatty(STDIN_FILENO) == 1;
    struct pollfd wait_for[3] = {{.fd = view->signals, .events = POLLIN},
                                 {.fd = keys ? STDIN_FILENO : -1, .events = POLLIN},
                                 {.fd = view->ws != NULL ? or_ws_client_descriptor(view->ws) : -1, .events = POLLIN}};
    const int64_t left_ns = view->next_ns - or_clock_ns();
    const int ready = poll(wait_for, 3, left_ns > 0 ? (int)((left_ns + 999999) / 1000000) : 0);
    if (ready < 0 && errno != EINTR) {
      leave(view, OR_EXIT_FAILED);
      return;
    }
    look_at_signals(view);
    if (ready > 0 && (wait_for[1].revents & POLLIN) != 0) look_at_keys(view);
    if (ready > 0 && (wait_for[1].revents & (POLLHUP | POLLERR)) != 0) leave(view, OR_EXIT_INTERRUPTED);
    if (ready > 0 && wait_for[2].revents != 0) hear(view);
    if (!view->leaves && or_clock_ns() >= view->next_ns) on_time(view);
  }
}

static or_status_t begin(view_t *view) {
  view->next_ns = or_clock_ns();
  if (view->client == NULL) {
    make_message(view, true);
    view->next_ns += view->interval_ns < FIRST_NS ? view->interval_ns : FIRST_NS;
    return or_status_success();
  }
  or_status_t status = connect_to_server(view);
  if (or_ok(status)) hear(view); /* what came with the handshake */
  return status;
}

static bool wants_screen(const or_cli_t *cli) {
  const char *term = getenv("TERM");
  return cli->terminal && !cli->json && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

int or_cli_monitor_command(or_cli_t *cli) {
  double interval_s = 1;
  void *memory = NULL;
  view_t view = {.cli = cli, .screen = wants_screen(cli)};
  if (!or_cli_number(cli, "--interval", 0.1, 60, 1, &interval_s)) return OR_EXIT_USAGE;
  view.interval_ns = (int64_t)(interval_s * 1e9);
  if (or_cli_is_remote(cli) ? !or_cli_client(cli, &view.client) : !or_cli_runtime(cli)) return cli->code;
  or_status_t status = or_alloc_zeroed(cli->allocator, sizeof *view.monitor, &memory);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  view.monitor = memory;
  or_monitor_init(view.monitor, view.client != NULL ? or_client_url(view.client) : "this machine");
  view.monitor->has_tasks = view.client != NULL;
  view.shape.color = cli->color;
  view.shape.utf8 = or_terminal_is_utf8();
  or_terminal_size(&view.shape.columns, &view.shape.rows);
  or_text_init(&view.text, cli->allocator);
  status = begin(&view); /* before the screen changes: a server that is not there is one line */
  if (or_ok(status) && !view.leaves) {
    view.signals = or_terminal_enter(view.screen, &cli->cancel);
    if (view.signals < 0) status = or_error(OR_RESOURCE_EXHAUSTED, "no pipe for signals");
    if (view.signals >= 0) watch(&view);
  }
  or_ws_client_close(view.ws);
  or_terminal_leave();
  or_text_deinit(&view.text);
  or_free(cli->allocator, view.monitor);
  if (or_ok(status)) return view.code;
  const bool away = or_status_code(status) == OR_UNAVAILABLE;
  const int code = or_cli_fail(cli, status);
  return away ? OR_EXIT_UNREACHABLE : code;
}
