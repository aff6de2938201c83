/* Shape classes: which plan serves the shapes of a run. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "runtime/session_internal.h"

#define CANCEL_POLL_NS INT64_C(5000000) /* between two looks at a cancel request */

static or_shape_class_t *find_locked(or_session_t *session, const or_graph_binding_t *key);
static or_status_t reserve_locked(or_session_t *session, const or_graph_binding_t *key, or_shape_class_t **out);
static or_status_t build(or_session_t *session, const or_shape_class_t *class, const or_cancel_t *cancel,
                         or_plan_t **out);
static void remove_locked(or_session_t *session, or_shape_class_t *class);

/* Until another run has prepared the class, or failed to. */
static or_status_t wait_locked(or_session_t *session, const or_cancel_t *cancel) {
  const int64_t until_ns = cancel != NULL ? or_clock_ns() + CANCEL_POLL_NS : INT64_MAX;
  (void)or_cond_wait_until(&session->prepared, &session->mutex, until_ns);
  return or_cancel_status(cancel);
}

or_status_t or_session_prepare(or_session_t *session, or_run_t *run, const or_cancel_t *cancel) {
  or_shape_class_t *class = NULL;
  or_status_t status = or_status_success();
  or_mutex_lock(&session->mutex);
  while (or_ok(status)) {
    class = find_locked(session, run->key);
    if (class == NULL || class->plan != NULL) break;
    status = wait_locked(session, cancel);
  }
  if (or_ok(status) && class == NULL) {
    status = reserve_locked(session, run->key, &class);
    if (or_ok(status)) {
      or_plan_t *plan = NULL;
      or_mutex_unlock(&session->mutex);
      status = build(session, class, cancel, &plan);
      or_mutex_lock(&session->mutex);
      class->plan = plan;
      if (!or_ok(status)) remove_locked(session, class);
      or_cond_broadcast(&session->prepared);
    }
  }
  if (or_ok(status)) {
    class->last_used = ++session->clock;
    run->plan = class->plan;
    or_plan_retain(run->plan);
  }
  or_mutex_unlock(&session->mutex);
  return status;
}

bool or_session_find_prepared(or_session_t *session, or_run_t *run) {
  or_mutex_lock(&session->mutex);
  or_shape_class_t *class = find_locked(session, run->key);
  const bool found = class != NULL && class->plan != NULL;
  if (found) {
    class->last_used = ++session->clock;
    run->plan = class->plan;
    or_plan_retain(run->plan);
  }
  or_mutex_unlock(&session->mutex);
  return found;
}

static size_t content_bytes(const or_session_t *session, const or_graph_binding_t *key, size_t input) {
  uint64_t count = 0;
  if (key[input].data == NULL || !or_shape_count(&key[input].shape, &count)) return 0;
  return or_dtype_bytes(session->graph->values[session->graph->inputs[input]].dtype, count);
}

static bool same_class(const or_session_t *session, const or_graph_binding_t *a, const or_graph_binding_t *b) {
  for (size_t i = 0; i < session->graph->input_count; ++i) {
    if (a[i].given != b[i].given || !or_shape_equal(&a[i].shape, &b[i].shape)) return false;
    if ((a[i].data == NULL) != (b[i].data == NULL)) return false;
    size_t bytes = content_bytes(session, a, i);
    if (bytes > 0 && memcmp(a[i].data, b[i].data, bytes) != 0) return false;
  }
  return true;
}

static or_shape_class_t *find_locked(or_session_t *session, const or_graph_binding_t *key) {
  for (size_t i = 0; i < session->class_count; ++i) {
    if (same_class(session, session->classes[i]->bindings, key)) return session->classes[i];
  }
  return NULL;
}

static void free_class(or_session_t *session, or_shape_class_t *class) {
  if (class == NULL) return;
  or_plan_release(class->plan);
  or_free(session->runtime->allocator, class->bindings);
  or_free(session->runtime->allocator, class->content);
  or_free(session->runtime->allocator, class);
}

/* A copy of the key: its deciding data moves into one block. */
static or_status_t copy_class(or_session_t *session, const or_graph_binding_t *key, or_shape_class_t **out) {
  const or_allocator_t *allocator = session->runtime->allocator;
  size_t inputs = session->graph->input_count, bytes = 0;
  void *memory = NULL;
  for (size_t i = 0; i < inputs; ++i) bytes += or_align_up(content_bytes(session, key, i), sizeof(uint64_t));
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_shape_class_t), &memory);
  if (!or_ok(status)) return status;
  or_shape_class_t *class = memory;
  status = or_alloc_array(allocator, inputs + 1, sizeof *class->bindings, &memory);
  if (or_ok(status)) {
    class->bindings = memory;
    status = or_alloc(allocator, bytes, &memory);
  }
  if (!or_ok(status)) {
    free_class(session, class);
    return status;
  }
  class->content = memory;
  char *content = memory;
  for (size_t i = 0; i < inputs; ++i) {
    size_t length = content_bytes(session, key, i);
    class->bindings[i] = key[i];
    if (key[i].data == NULL) continue;
    if (length > 0) memcpy(content, key[i].data, length);
    class->bindings[i].data = content;
    content += or_align_up(length, sizeof(uint64_t));
  }
  *out = class;
  return status;
}

/* Room for one more: the least recently used of those that are prepared goes; runs in flight keep its plan. */
static or_status_t reserve_locked(or_session_t *session, const or_graph_binding_t *key, or_shape_class_t **out) {
  if (session->class_count == session->options.max_shape_classes) {
    or_shape_class_t *oldest = NULL;
    for (size_t i = 0; i < session->class_count; ++i) {
      or_shape_class_t *class = session->classes[i];
      if (class->plan != NULL && (oldest == NULL || class->last_used < oldest->last_used)) oldest = class;
    }
    if (oldest == NULL) {
      return or_error(OR_RESOURCE_EXHAUSTED, "%u shape classes are being prepared at once, which is the limit",
                      session->options.max_shape_classes);
    }
    or_log(OR_LOG_RUNTIME, OR_LOG_DEBUG, "shape_class_evicted", "classes=%zu", session->class_count);
    remove_locked(session, oldest);
  }
  or_status_t status = copy_class(session, key, out);
  if (or_ok(status)) session->classes[session->class_count++] = *out;
  return status;
}

static void remove_locked(or_session_t *session, or_shape_class_t *class) {
  for (size_t i = 0; i < session->class_count; ++i) {
    if (session->classes[i] != class) continue;
    session->classes[i] = session->classes[--session->class_count];
    break;
  }
  free_class(session, class);
}

static or_status_t build(or_session_t *session, const or_shape_class_t *class, const or_cancel_t *cancel,
                         or_plan_t **out) {
  or_graph_pass_counts_t counts = {0};
  or_graph_t *specialized = NULL;
  or_plan_options_t options = {.device = session->device,
                               .fallback = or_runtime_host_device(session->runtime),
                               .strict = session->options.strict,
                               .precision = session->options.precision,
                               .cancel = cancel,
                               .reference = session->options.reference};
  or_status_t status =
      or_graph_specialize(session->graph, class->bindings, session->options.no_fusion || session->options.reference,
                          cancel, &specialized, &counts);
  if (or_ok(status)) status = or_plan_create(specialized, &options, out);
  or_graph_release(specialized);
  return or_status_context(status, "model \"%s\"", session->graph->name);
}

void or_shape_classes_deinit(or_session_t *session) {
  while (session->class_count > 0) free_class(session, session->classes[--session->class_count]);
}
