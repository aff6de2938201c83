/* The TaskResponse around a result or a failure. */
#include <math.h>

#include "base/clock.h"
#include "task/task.h"

static void write_time(or_json_writer_t *json, const char *key, int64_t wall_us) {
  char text[OR_CLOCK_TEXT_BYTES];
  or_json_field_string(json, key, wall_us != 0 ? or_clock_format(wall_us, text, sizeof text) : NULL);
}

static void write_metrics(or_json_writer_t *json, const or_task_result_t *result) {
  or_json_key(json, "metrics");
  or_json_object_begin(json);
  or_json_field_double(json, "execution_time", result->execution_time_s);
  or_json_field_string(json, "device_used", result->device_used[0] != '\0' ? result->device_used : NULL);
  or_json_field_int(json, "memory_peak", (int64_t)result->memory_peak_bytes);
  if (isfinite(result->throughput)) {
    or_json_field_double(json, "throughput", result->throughput);
  } else {
    or_json_field_null(json, "throughput");
  }
  or_json_object_end(json);
}

void or_task_write_response(or_json_writer_t *json, const or_task_outcome_t *outcome) {
  const or_task_result_t *result = outcome->result;
  bool completed = outcome->error == NULL && result->json.length > 0;
  or_json_object_begin(json);
  or_json_field_string(json, "task_id", outcome->task_id);
  or_json_field_string(json, "status", outcome->state);
  or_json_key(json, "result");
  if (completed) {
    or_json_raw(json, result->json.data, result->json.length);
  } else {
    or_json_null(json);
  }
  write_metrics(json, result);
  or_json_field_string(json, "error", outcome->error);
  or_json_field_string(json, "error_code", outcome->error_code);
  or_json_field_int(json, "attempts", outcome->attempts);
  or_json_field_bool(json, "shared_run", outcome->shared_run);
  or_json_field_double(json, "execution_time", result->execution_time_s);
  or_json_field_string(json, "device_used", result->device_used[0] != '\0' ? result->device_used : NULL);
  or_json_field_string(json, "fallback_reason", result->fallback_reason[0] != '\0' ? result->fallback_reason : NULL);
  write_time(json, "created_at", outcome->created_us);
  write_time(json, "started_at", outcome->started_us);
  write_time(json, "finished_at", outcome->finished_us);
  or_json_object_end(json);
}
