/* The devices of the machine. */
#include <string.h>

#include "runtime/device_json.h"
#include "server/server.h"

void or_handle_devices(or_request_t *request) {
  const or_runtime_t *runtime = or_server_runtime(request->server);
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "devices");
  or_json_array_begin(&json);
  for (size_t i = 0; i < or_runtime_device_count(runtime); ++i)
    or_device_write_json(&json, or_runtime_device(runtime, i));
  or_json_array_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

/* By id alone: a type or "auto" names no one device. */
static or_device_t *find(const or_runtime_t *runtime, const char *id) {
  for (size_t i = 0; i < or_runtime_device_count(runtime); ++i) {
    or_device_t *device = or_runtime_device(runtime, i);
    const char *known = or_device_facts(device)->id;
    if (or_slice_is((or_slice_t){id, strlen(id)}, known)) return device;
  }
  return NULL;
}

void or_handle_device(or_request_t *request) {
  const char *id = or_request_parameter(request, 0);
  or_device_t *device = find(or_server_runtime(request->server), id);
  or_json_writer_t json;
  if (device == NULL) {
    or_reply_error(request, 404, "not_found", "no device \"%.64s\"; GET /devices lists them", id);
    return;
  }
  or_reply_json_begin(request, &json);
  or_device_write_json(&json, device);
  or_reply_json_end(request, &json);
}
