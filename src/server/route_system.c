/* What the server is and how it is. */
#include <string.h>

#include "base/clock.h"
#include "base/string.h"
#include "runtime/device_json.h"
#include "server/task_answer.h"

/* Of the devices, none before they are found. */
static size_t device_count(const or_server_t *server) {
  const or_runtime_t *runtime = or_server_runtime(server);
  return runtime != NULL ? or_runtime_device_count(runtime) : 0;
}

static bool has_device_type(const or_server_t *server, const char *type) {
  const or_runtime_t *runtime = or_server_runtime(server);
  for (size_t i = 0; runtime != NULL && i < or_runtime_device_count(runtime); ++i) {
    if (strcmp(or_device_facts(or_runtime_device(runtime, i))->type, type) == 0) return true;
  }
  return false;
}

static void write_timestamp(or_json_writer_t *json) {
  char text[OR_CLOCK_TEXT_BYTES];
  or_json_field_string(json, "timestamp", or_clock_format(or_clock_wall_us(), text, sizeof text));
}

static void root_as_page(or_request_t *request);

void or_handle_root(or_request_t *request) {
  const or_server_t *server = request->server;
  or_runtime_t *runtime = or_server_runtime(server);
  or_backend_info_t info;
  or_json_writer_t json;
  or_reply_header(request, "Vary", "Accept");
  if (or_slice_accepts(request->headers[OR_HEADER_ACCEPT], "text/html")) {
    root_as_page(request);
    return;
  }
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "name", "OpenRuntime");
  or_json_field_string(&json, "version", or_version());
  or_json_field_string(&json, "author", "The OpenRuntime authors");
  or_json_field_string(&json, "status", "running");
  or_json_field_int(&json, "devices", (int64_t)device_count(server));
  or_json_field_int(&json, "active_tasks",
                    (int64_t)or_scheduler_active(server->services.scheduler, or_request_owner(request), NULL, 0));
  or_json_field_bool(&json, "mlx_available", has_device_type(server, "mlx"));
  or_json_field_bool(&json, "torch_available", has_device_type(server, "torch"));
  or_json_key(&json, "backends");
  or_json_array_begin(&json);
  for (size_t i = 0; or_runtime_backend(runtime, i, &info); ++i) {
    if (info.usable) or_json_string(&json, info.name);
  }
  or_json_array_end(&json);
  or_json_key(&json, "backend_details");
  or_runtime_write_backends(&json, runtime);
  or_json_field_string(&json, "details", or_version_details());
  or_json_field_double(&json, "uptime_seconds", (double)((or_clock_ns() - server->started_ns) / 1000000) / 1e3);
  write_timestamp(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

void or_handle_health(or_request_t *request) {
  const or_server_t *server = request->server;
  bool ready = or_net_phase(server->net) == OR_NET_READY;
  or_json_writer_t json;
  request->reply.status = ready ? 200 : 503;
  if (!ready) or_reply_header(request, "Retry-After", "1");
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "status", or_server_phase_name(server));
  write_timestamp(&json);
  or_json_field_string(&json, "version", or_version());
  or_json_field_int(&json, "devices", (int64_t)device_count(server));
  or_json_field_bool(&json, "mlx_available", has_device_type(server, "mlx"));
  or_json_field_bool(&json, "torch_available", has_device_type(server, "torch"));
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

static void probe(or_request_t *request, bool good, const char *status) {
  or_json_writer_t json;
  request->reply.status = good ? 200 : 503;
  if (!good) or_reply_header(request, "Retry-After", "1");
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "status", status);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

void or_handle_health_live(or_request_t *request) { probe(request, true, "live"); }

void or_handle_health_ready(or_request_t *request) {
  bool ready = or_net_phase(request->server->net) == OR_NET_READY;
  probe(request, ready, ready ? "ready" : or_server_phase_name(request->server));
}

/* page_status.html asks / and /devices again now and then; what comes from there it puts in as text. */
static void root_as_page(or_request_t *request) {
  or_reply_header(request, "Content-Security-Policy", OR_PAGE_POLICY);
  or_reply_bytes(request, "text/html; charset=utf-8", or_page_status, or_page_status_bytes, (or_owner_t){NULL, NULL});
}
