#include "runtime/trace_json.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"

#define TASKS_PID 1
#define WORKERS_PID 2
#define FIRST_DEVICE_PID 10

/* What is being written. */
typedef struct writer_t {
  or_json_writer_t *json;
  const or_trace_view_t *view;
  uint64_t wait_id;                          /* of the wait that was written last */
  bool used[OR_TRACE_MAX_THREADS][2];        /* per known thread: on a worker, on a device */
  const char *devices[OR_TRACE_MAX_THREADS]; /* of which device's queue it is */
} writer_t;

static double microseconds(const writer_t *writer, int64_t ns) {
  return (double)(ns - writer->view->recording->start_ns) / 1e3;
}

static bool is_hidden(const writer_t *writer, const or_trace_event_t *event) {
  return !writer->view->all && event->scope.task != 0 && event->scope.owner != writer->view->owner;
}

static int pid_of(const writer_t *writer, const char *device) {
  or_runtime_t *runtime = writer->view->runtime;
  for (size_t i = 0; device != NULL && i < or_runtime_device_count(runtime); ++i) {
    if (strcmp(or_device_facts(or_runtime_device(runtime, i))->id, device) == 0) return FIRST_DEVICE_PID + (int)i;
  }
  return WORKERS_PID;
}

/* The members that every event has; the object stays open. */
static void begin_event(const writer_t *writer, const char *phase, const char *name, const char *category, int pid,
                        uint32_t thread) {
  or_json_writer_t *json = writer->json;
  or_json_object_begin(json);
  or_json_field_string(json, "ph", phase);
  or_json_field_string(json, "name", name[0] != '\0' ? name : category);
  or_json_field_string(json, "cat", category);
  or_json_field_int(json, "pid", pid);
  or_json_field_int(json, "tid", thread);
}

static void write_id(or_json_writer_t *json, const char *kind, uint64_t id) {
  char text[40];
  or_json_field_string(json, "id", or_format(text, sizeof text, "%s-%llu", kind, (unsigned long long)id));
}

typedef struct span_t {
  const char *name, *category;
  int pid;
  uint64_t id;
  int64_t begin_ns, end_ns;
} span_t;

static void write_async(const writer_t *writer, const char *phase, const span_t *span, const char *kind) {
  begin_event(writer, phase, span->name, span->category, span->pid, 0);
  write_id(writer->json, kind, span->id);
  or_json_field_double(writer->json, "ts", microseconds(writer, phase[0] == 'b' ? span->begin_ns : span->end_ns));
}

static void write_task(writer_t *writer, const or_trace_event_t *event) {
  or_json_writer_t *json = writer->json;
  const bool hidden = is_hidden(writer, event);
  const int64_t begun_ns = event->begin_ns != 0 ? event->begin_ns : event->end_ns;
  const span_t whole = {
      hidden ? "other" : event->name, "task", TASKS_PID, event->scope.task, event->submitted_ns, event->end_ns};
  const span_t wait = {"wait", "task", TASKS_PID, event->scope.task, event->submitted_ns, begun_ns};
  const span_t run = {"run", "task", TASKS_PID, event->scope.task, begun_ns, event->end_ns};
  const span_t *const parts[] = {&wait, event->begin_ns != 0 ? &run : NULL};
  write_async(writer, "b", &whole, "task");
  or_json_key(json, "args");
  or_json_object_begin(json);
  if (!hidden) {
    or_json_field_string(json, "task_id", event->label);
    or_json_field_string(json, "status", event->kernel);
  }
  or_json_object_end(json);
  or_json_object_end(json);
  for (size_t i = 0; i < 2 && parts[i] != NULL; ++i) {
    write_async(writer, "b", parts[i], "task");
    or_json_object_end(json);
    write_async(writer, "e", parts[i], "task");
    or_json_object_end(json);
  }
  write_async(writer, "e", &whole, "task");
  or_json_object_end(json);
}

/* A complete event; `args` is open then. */
static void begin_slice(writer_t *writer, const or_trace_event_t *event, const char *name, const char *category,
                        int pid) {
  or_json_writer_t *json = writer->json;
  begin_event(writer, "X", name, category, pid, event->thread);
  or_json_field_double(json, "ts", microseconds(writer, event->begin_ns));
  or_json_field_double(json, "dur", (double)(event->end_ns - event->begin_ns) / 1e3);
  or_json_key(json, "args");
  or_json_object_begin(json);
  if (event->scope.task != 0 && !is_hidden(writer, event)) or_json_field_int(json, "task", (int64_t)event->scope.task);
}

static void end_slice(writer_t *writer) {
  or_json_object_end(writer->json);
  or_json_object_end(writer->json);
}

static void note_thread(writer_t *writer, uint32_t number, const char *device) {
  const or_trace_recording_t *recording = writer->view->recording;
  for (size_t i = 0; i < recording->thread_count; ++i) {
    if (recording->threads[i].number != number) continue;
    writer->used[i][device != NULL] = true;
    if (device != NULL) writer->devices[i] = device;
  }
}

static void write_work(writer_t *writer, const or_trace_event_t *event) {
  const bool hidden = is_hidden(writer, event);
  note_thread(writer, event->thread, NULL);
  begin_slice(writer, event, hidden ? "other" : event->name, "work", WORKERS_PID);
  if (!hidden) or_json_field_string(writer->json, "task_id", event->label);
  end_slice(writer);
}

/* From the thread that handed the submission over to the one that began it. */
static void write_flow(writer_t *writer, const or_trace_event_t *event, int pid) {
  or_json_writer_t *json = writer->json;
  begin_event(writer, "s", "submit", "flow", WORKERS_PID, event->submitter);
  write_id(json, "flow", writer->wait_id);
  or_json_field_double(json, "ts", microseconds(writer, event->submitted_ns));
  or_json_object_end(json);
  begin_event(writer, "f", "submit", "flow", pid, event->thread);
  write_id(json, "flow", writer->wait_id);
  or_json_field_string(json, "bp", "e");
  or_json_field_double(json, "ts", microseconds(writer, event->begin_ns));
  or_json_object_end(json);
}

static void write_submission(writer_t *writer, const or_trace_event_t *event) {
  const int pid = pid_of(writer, event->device);
  note_thread(writer, event->thread, event->device);
  begin_slice(writer, event, event->name, "submission", pid);
  end_slice(writer);
  if (event->submitted_ns == 0) return;
  const span_t wait = {"queue wait", "queue", pid, ++writer->wait_id, event->submitted_ns, event->begin_ns};
  write_async(writer, "b", &wait, "wait");
  or_json_object_end(writer->json);
  write_async(writer, "e", &wait, "wait");
  or_json_object_end(writer->json);
  if (event->scope.task != 0) write_flow(writer, event, pid);
}

static void write_node(writer_t *writer, const or_trace_event_t *event) {
  or_json_writer_t *json = writer->json;
  const bool hidden = is_hidden(writer, event);
  const int pid = pid_of(writer, event->device);
  note_thread(writer, event->thread, event->device);
  begin_slice(writer, event, hidden ? "other" : event->name, "node", pid);
  if (!hidden) {
    or_json_field_string(json, "op", event->label);
    or_json_field_string(json, "kernel", event->kernel);
    or_json_field_double(json, "flops", event->flops);
    or_json_field_double(json, "bytes", event->bytes);
  }
  end_slice(writer);
  begin_slice(writer, event, hidden ? "other" : event->kernel, "kernel", pid);
  end_slice(writer);
}

static void write_copy(writer_t *writer, const or_trace_event_t *event) {
  const bool hidden = is_hidden(writer, event);
  note_thread(writer, event->thread, event->device);
  begin_slice(writer, event, hidden ? "other" : event->name, "copy", pid_of(writer, event->device));
  if (!hidden) {
    or_json_field_string(writer->json, "from", event->label);
    or_json_field_string(writer->json, "to", event->device);
    or_json_field_double(writer->json, "bytes", event->bytes);
  }
  end_slice(writer);
}

static void write_name(const writer_t *writer, const char *what, const char *name, int pid, uint32_t thread) {
  begin_event(writer, "M", what, "__metadata", pid, thread);
  or_json_field_double(writer->json, "ts", 0);
  or_json_key(writer->json, "args");
  or_json_object_begin(writer->json);
  or_json_field_string(writer->json, "name", name);
  or_json_object_end(writer->json);
  or_json_object_end(writer->json);
}

static void write_names(const writer_t *writer) {
  const or_trace_recording_t *recording = writer->view->recording;
  or_runtime_t *runtime = writer->view->runtime;
  write_name(writer, "process_name", "tasks", TASKS_PID, 0);
  write_name(writer, "process_name", "workers", WORKERS_PID, 0);
  for (size_t i = 0; i < or_runtime_device_count(runtime); ++i)
    write_name(writer, "process_name", or_device_facts(or_runtime_device(runtime, i))->id, FIRST_DEVICE_PID + (int)i,
               0);
  for (size_t i = 0; i < recording->thread_count; ++i) {
    const or_trace_thread_t *thread = &recording->threads[i];
    if (writer->used[i][0]) write_name(writer, "thread_name", thread->name, WORKERS_PID, thread->number);
    if (writer->used[i][1])
      write_name(writer, "thread_name", thread->name, pid_of(writer, writer->devices[i]), thread->number);
  }
}

static void write_facts(or_json_writer_t *json, const or_trace_view_t *view) {
  const or_trace_recording_t *recording = view->recording;
  char text[40];
  or_json_field_string(json, "displayTimeUnit", "ms");
  or_json_key(json, "otherData");
  or_json_object_begin(json);
  or_json_field_string(json, "profile_id", view->id);
  or_json_field_string(json, "started_at", or_clock_format(recording->start_wall_us, text, sizeof text));
  or_json_field_double(json, "duration", (double)(recording->end_ns - recording->start_ns) * 1e-9);
  or_json_field_int(json, "recorded_events", (int64_t)recording->count);
  or_json_field_int(json, "dropped_events", (int64_t)recording->dropped);
  or_json_object_end(json);
}

void or_trace_write(or_json_writer_t *json, const or_trace_view_t *view) {
  static void (*const write[])(writer_t * writer,
                               const or_trace_event_t *event) = {[OR_TRACE_TASK] = write_task,
                                                                 [OR_TRACE_WORK] = write_work,
                                                                 [OR_TRACE_SUBMISSION] = write_submission,
                                                                 [OR_TRACE_NODE] = write_node,
                                                                 [OR_TRACE_COPY] = write_copy};
  writer_t writer = {.json = json, .view = view};
  or_json_object_begin(json);
  or_json_key(json, "traceEvents");
  or_json_array_begin(json);
  for (size_t i = 0; i < view->recording->count; ++i) {
    const or_trace_event_t *event = &view->recording->events[i];
    write[event->kind](&writer, event);
  }
  write_names(&writer);
  or_json_array_end(json);
  write_facts(json, view);
  or_json_object_end(json);
}
