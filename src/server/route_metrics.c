/* What the server counts and measures, for Prometheus and for people. */
#include "server/server.h"

static void reply_summary(or_request_t *request) {
  const or_runtime_t *runtime = or_server_runtime(request->server);
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "summary");
  or_json_object_begin(&json);
  for (size_t i = 0; runtime != NULL && i < or_runtime_device_count(runtime); ++i) {
    const or_device_t *device = or_runtime_device(runtime, i);
    or_telemetry_summary_t summary;
    or_telemetry_summarize(request->server->services.telemetry, device, &summary);
    or_json_key(&json, or_device_facts(device)->id);
    or_telemetry_write_summary(&json, &summary);
  }
  or_json_object_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

void or_handle_metrics(or_request_t *request) {
  or_reply_header(request, "Vary", "Accept");
  if (or_slice_accepts(request->headers[OR_HEADER_ACCEPT], "application/json")) {
    reply_summary(request);
    return;
  }
  request->reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  or_status_t status = or_meter_write(request->server->meter, request->server, &request->reply.text);
  if (!or_ok(status)) or_reply_failure(request, status);
}

void or_handle_metrics_summary(or_request_t *request) { reply_summary(request); }
