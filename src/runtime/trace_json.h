#ifndef OR_RUNTIME_TRACE_JSON_H
#define OR_RUNTIME_TRACE_JSON_H
/* A recording in the trace event format (JSON object format) that Perfetto and chrome://tracing open:
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 *
 * Processes: 1 the tasks, each an async event with its wait and its run; 2 the threads that work on tasks; from 10 the
 * devices, each with the threads of its queues: submissions, in them nodes and copies, in each node its kernel; waits
 * in the queue are async events. Flow arrows lead from where a submission was handed over to where it began. Times are
 * microseconds from the start. */

#include "base/json.h"
#include "runtime/runtime.h"

typedef struct or_trace_view_t {
  const or_trace_recording_t *recording;
  const char *id; /* of the profile */
  bool all;       /* else what was done for another owner is there without names */
  uint64_t owner; /* or_trace_owner of who looks */
  or_runtime_t *runtime;
} or_trace_view_t;

/* Writes the one object. */
void or_trace_write(or_json_writer_t *json, const or_trace_view_t *view);

#endif
