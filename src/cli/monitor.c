#include "cli/monitor.h"

#include <math.h>
#include <string.h>

static void copy(char *to, size_t capacity, const char *text) {
  or_format(to, capacity, "%s", text);
  or_utf8_repair(to, strlen(to), true);
}

void or_monitor_init(or_monitor_t *monitor, const char *source) {
  memset(monitor, 0, sizeof *monitor);
  copy(monitor->source, sizeof monitor->source, source);
  monitor->ended_per_second = (double)NAN;
}

static or_monitor_device_t *find_device(or_monitor_t *monitor, const char *id) {
  for (size_t i = 0; i < monitor->device_count; ++i) {
    if (strcmp(monitor->devices[i].id, id) == 0) return &monitor->devices[i];
  }
  if (monitor->device_count == OR_MONITOR_DEVICES) return NULL;
  or_monitor_device_t *device = &monitor->devices[monitor->device_count++];
  const double unknown = (double)NAN;
  *device = (or_monitor_device_t){.is_available = true,
                                  .memory_total_bytes = unknown,
                                  .utilization_percent = unknown,
                                  .memory_percent = unknown,
                                  .temperature_celsius = unknown,
                                  .power_watts = unknown,
                                  .gflops = unknown,
                                  .kernels = unknown};
  copy(device->id, sizeof device->id, id);
  return device;
}

static double number(const or_json_value_t *object, const char *key) {
  return or_json_get_double(or_json_get(object, key), (double)NAN);
}

static void take_devices(or_monitor_t *monitor, const or_json_value_t *devices) {
  for (size_t i = 0; i < or_json_count(devices); ++i) {
    const or_json_value_t *item = or_json_at(devices, i);
    or_monitor_device_t *device = find_device(monitor, or_json_get_string(or_json_get(item, "id"), "?"));
    if (device == NULL) return;
    copy(device->name, sizeof device->name, or_json_get_string(or_json_get(item, "name"), ""));
    device->is_available = or_json_get_bool(or_json_get(item, "is_available"), true);
    device->memory_total_bytes = number(item, "memory_total");
  }
}

static void take_sample(or_monitor_device_t *device, const or_json_value_t *sample) {
  device->utilization_percent = number(sample, "gpu_utilization");
  device->memory_percent = number(sample, "memory_usage");
  device->temperature_celsius = number(sample, "temperature");
  device->power_watts = number(sample, "power_usage");
  device->gflops = number(sample, "throughput");
  device->kernels = number(sample, "active_kernels");
  device->history[device->sample_count++ % OR_MONITOR_HISTORY] = device->utilization_percent;
}

static uint64_t ended(const or_monitor_t *monitor) { return monitor->completed + monitor->failed + monitor->cancelled; }

static void take_metrics(or_monitor_t *monitor, const or_json_value_t *message, int64_t now_ns) {
  const or_json_value_t *metrics = or_json_get(message, "metrics"), *sample = NULL;
  for (size_t i = 0; or_json_kind(metrics) == OR_JSON_OBJECT && i < or_json_count(metrics); ++i) {
    or_monitor_device_t *device = find_device(monitor, or_json_key_at(metrics, i, &sample));
    if (device != NULL) take_sample(device, sample);
  }
  const int64_t active = or_json_get_int(or_json_get(message, "active_tasks"), 0);
  monitor->active = active > 0 ? (uint64_t)active : 0;
  copy(monitor->timestamp, sizeof monitor->timestamp, or_json_get_string(or_json_get(message, "timestamp"), ""));
  if (monitor->updated_ns != 0 && now_ns > monitor->updated_ns)
    monitor->ended_per_second =
        (double)(ended(monitor) - monitor->ended_before) * 1e9 / (double)(now_ns - monitor->updated_ns);
  monitor->ended_before = ended(monitor);
  monitor->updated_ns = now_ns;
}

static or_monitor_task_t *find_task(or_monitor_t *monitor, const char *id, bool make) {
  for (size_t i = 0; i < monitor->task_count; ++i) {
    if (strcmp(monitor->tasks[i].id, id) == 0) return &monitor->tasks[i];
  }
  if (!make || monitor->task_count == OR_MONITOR_TASKS) return NULL;
  or_monitor_task_t *task = &monitor->tasks[monitor->task_count++];
  memset(task, 0, sizeof *task);
  copy(task->id, sizeof task->id, id);
  return task;
}

static void take_update(or_monitor_t *monitor, const or_json_value_t *message, int64_t now_ns) {
  const char *status = or_json_get_string(or_json_get(message, "status"), "");
  or_monitor_task_t *task = find_task(monitor, or_json_get_string(or_json_get(message, "task_id"), "?"), true);
  if (task == NULL) return;
  const bool runs = strcmp(status, "running") == 0;
  if (task->operation[0] == '\0' || (runs && task->device[0] == '\0')) monitor->list_wanted = true;
  if (runs && task->begun_ns == 0) task->begun_ns = now_ns;
  copy(task->status, sizeof task->status, status);
  task->progress = or_json_get_double(or_json_get(message, "progress"), 0);
}

static void take_end(or_monitor_t *monitor, const or_json_value_t *message) {
  const char *status = or_json_get_string(or_json_get(message, "status"), "");
  or_monitor_task_t *task = find_task(monitor, or_json_get_string(or_json_get(message, "task_id"), "?"), false);
  if (task != NULL) {
    const size_t after = (size_t)(monitor->tasks + monitor->task_count - task - 1);
    memmove(task, task + 1, after * sizeof *task);
    --monitor->task_count;
  }
  if (strcmp(status, "completed") == 0) {
    ++monitor->completed;
  } else if (strcmp(status, "cancelled") == 0) {
    ++monitor->cancelled;
  } else {
    ++monitor->failed; /* a time-out too */
  }
}

bool or_monitor_take(or_monitor_t *monitor, const or_json_value_t *message, int64_t now_ns) {
  const char *type = or_json_get_string(or_json_get(message, "type"), "");
  const char *time = or_json_get_string(or_json_get(message, "timestamp"), "");
  if (strcmp(type, "metrics_update") == 0 && strcmp(time, monitor->timestamp) == 0) return false;
  if (strcmp(type, "device_status") == 0) take_devices(monitor, or_json_get(message, "devices"));
  if (strcmp(type, "metrics_update") == 0) take_metrics(monitor, message, now_ns);
  if (strcmp(type, "task_update") == 0) take_update(monitor, message, now_ns);
  if (strcmp(type, "task_completed") == 0) take_end(monitor, message);
  if (strcmp(type, "skipped") == 0) {
    ++monitor->skipped;
    monitor->list_wanted = true;
  }
  return strcmp(type, "metrics_update") == 0;
}

void or_monitor_take_list(or_monitor_t *monitor, const or_json_value_t *list, int64_t now_ns) {
  const or_json_value_t *tasks = or_json_get(list, "active_tasks");
  bool listed[OR_MONITOR_TASKS] = {false};
  for (size_t i = 0; i < or_json_count(tasks); ++i) {
    const or_json_value_t *item = or_json_at(tasks, i);
    or_monitor_task_t *task = find_task(monitor, or_json_get_string(or_json_get(item, "task_id"), "?"), true);
    if (task == NULL) break;
    const double seconds = or_json_get_double(or_json_get(item, "running_time"), 0);
    listed[task - monitor->tasks] = true;
    copy(task->operation, sizeof task->operation, or_json_get_string(or_json_get(item, "operation"), ""));
    copy(task->device, sizeof task->device, or_json_get_string(or_json_get(item, "device_id"), ""));
    copy(task->status, sizeof task->status, or_json_get_string(or_json_get(item, "status"), ""));
    if (seconds > 0 && seconds < 1e9) task->begun_ns = now_ns - (int64_t)(seconds * 1e9);
  }
  size_t kept = 0;
  for (size_t i = 0; i < monitor->task_count; ++i) {
    if (listed[i]) monitor->tasks[kept++] = monitor->tasks[i];
  }
  monitor->task_count = kept;
  monitor->list_wanted = false;
}
