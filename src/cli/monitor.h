#ifndef OR_CLI_MONITOR_H
#define OR_CLI_MONITOR_H
/* What `monitor` shows: kept from the messages of /ws, drawn as a screen or as lines. No terminal, no sockets. Owned by
 * one thread. */

#include "base/json.h"

#define OR_MONITOR_DEVICES 64u /* more are not shown */
#define OR_MONITOR_TASKS 256u
#define OR_MONITOR_HISTORY 512u /* samples of a sparkline: one a column */

typedef struct or_monitor_device_t {
  char id[32], name[96];
  bool is_available;
  /* NAN: the machine does not say. */
  double memory_total_bytes, utilization_percent, memory_percent, temperature_celsius, power_watts, gflops, kernels;
  double history[OR_MONITOR_HISTORY]; /* of utilisation; the newest before `sample_count` modulo the size */
  size_t sample_count;
} or_monitor_device_t;

typedef struct or_monitor_task_t {
  char id[65], operation[24], device[32], status[16];
  double progress;
  int64_t begun_ns; /* or_clock_ns; 0: it waits */
} or_monitor_task_t;

typedef struct or_monitor_t {
  char source[96];   /* what is watched: an address, or this process */
  char trouble[200]; /* "" while all is well */
  char timestamp[40];
  bool has_tasks; /* a server's */
  or_monitor_device_t devices[OR_MONITOR_DEVICES];
  size_t device_count;
  or_monitor_task_t tasks[OR_MONITOR_TASKS]; /* in the order in which they were met */
  size_t task_count;
  uint64_t active, completed, failed, cancelled, skipped; /* ended since the start, by how */
  double ended_per_second;                                /* over the last interval; NAN before there was one */
  uint64_t ended_before;
  int64_t updated_ns;
  bool list_wanted; /* a task was met of which the list of tasks knows more */
} or_monitor_t;

void or_monitor_init(or_monitor_t *monitor, const char *source);
/* A message of /ws; what is unknown is passed over. True if it was a metrics_update, and no
 * repetition of the last one. */
bool or_monitor_take(or_monitor_t *monitor, const or_json_value_t *message, int64_t now_ns);
/* The answer of GET /tasks: the tasks that are active now. */
void or_monitor_take_list(or_monitor_t *monitor, const or_json_value_t *list, int64_t now_ns);

typedef struct or_monitor_view_t {
  int columns, rows;
  bool color, utf8;
} or_monitor_view_t;
/* Appends what draws one whole screen over the last one. */
or_status_t or_monitor_draw(const or_monitor_t *monitor, const or_monitor_view_t *view, int64_t now_ns, or_text_t *out);
/* Appends one line a device, for a file or a pipe. */
or_status_t or_monitor_write_lines(const or_monitor_t *monitor, or_text_t *out);

#endif
