/* The sessions that append to a state's caches: one for each number of new rows, whatever the past, kept by the session
 * that the states belong to. */
#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "runtime/state_internal.h"

static or_status_t make(or_state_t *state, const or_graph_cached_t *request, or_session_t **out, char reason[160]);
static or_status_t keep(or_session_t *owner, const or_graph_cached_t *request, or_session_t *session);

static bool same_request(const or_graph_cached_t *a, const or_graph_cached_t *b) {
  return a->tie_count == b->tie_count && a->mask == b->mask && a->batch == b->batch && a->rows == b->rows &&
         a->capacity == b->capacity && memcmp(a->ties, b->ties, a->tie_count * sizeof *a->ties) == 0;
}

or_status_t or_state_session(or_state_t *state, int64_t rows, or_session_t **out, char reason[160]) {
  or_session_t *owner = state->session;
  or_graph_cached_t request = state->layout;
  or_status_t status = or_status_success();
  request.rows = rows;
  *out = NULL;
  or_mutex_lock(&owner->derived_mutex);
  for (size_t i = 0; i < owner->derived_count && *out == NULL; ++i) {
    or_derived_t *derived = &owner->derived[i];
    if (!same_request(&derived->request, &request)) continue;
    derived->last_used = ++owner->derived_clock;
    *out = derived->session;
    or_session_retain(*out);
  }
  if (*out == NULL) {
    status = make(state, &request, out, reason);
    if (or_ok(status) && *out != NULL) status = keep(owner, &request, *out);
    if (!or_ok(status)) {
      or_session_release(*out);
      *out = NULL;
    }
  }
  or_mutex_unlock(&owner->derived_mutex);
  return status;
}

/* A device that hands an attention on to another would append to a copy. */
static or_status_t check_places(const or_session_t *session, char reason[160]) {
  or_session_report_t report;
  or_arena_t arena;
  if (session->class_count == 0) {
    or_format(reason, 160, "an input decides a shape");
    return or_status_success();
  }
  or_arena_init(&arena, session->runtime->allocator);
  or_status_t status = or_plan_report(session->classes[0]->plan, &arena, &report);
  const char *id = or_device_facts(session->device)->id;
  for (size_t n = 0; or_ok(status) && n < report.node_count; ++n) {
    if (strcmp(report.nodes[n].op, "CachedAttention") != 0 || strcmp(report.nodes[n].device_id, id) == 0) continue;
    or_format(reason, 160, "device \"%s\" does not run attention", id);
  }
  or_arena_deinit(&arena);
  return status;
}

static or_status_t make(or_state_t *state, const or_graph_cached_t *request, or_session_t **out, char reason[160]) {
  const or_session_t *owner = state->session;
  or_session_options_t options = owner->options;
  or_graph_t *graph = NULL;
  options.device = owner->device;
  or_status_t status = or_graph_cached(owner->graph, request, &graph, reason);
  if (!or_ok(status) || graph == NULL) return status;
  status = or_session_create_for_graph(owner->runtime, graph, &options, (or_owner_t){NULL, NULL}, out);
  or_graph_release(graph);
  if (or_ok(status)) status = check_places(*out, reason);
  if (!or_ok(status) || reason[0] != '\0') {
    or_session_release(*out);
    *out = NULL;
  }
  return status;
}

static void forget(or_session_t *owner, size_t index) {
  or_derived_t *derived = &owner->derived[index];
  or_free(owner->runtime->allocator, (void *)(uintptr_t)derived->request.ties);
  or_session_release(derived->session);
  *derived = owner->derived[--owner->derived_count];
}

/* At most as many as shape classes: the least recently used goes. */
static or_status_t keep(or_session_t *owner, const or_graph_cached_t *request, or_session_t *session) {
  const or_allocator_t *allocator = owner->runtime->allocator;
  void *ties = NULL;
  or_status_t status = or_grow_array(allocator, owner->options.max_shape_classes, sizeof *owner->derived,
                                     (void **)&owner->derived, &owner->derived_capacity);
  if (or_ok(status)) status = or_alloc_array(allocator, request->tie_count, sizeof *request->ties, &ties);
  if (!or_ok(status)) return status;
  memcpy(ties, request->ties, request->tie_count * sizeof *request->ties);
  if (owner->derived_count == owner->options.max_shape_classes) {
    size_t oldest = 0;
    for (size_t i = 1; i < owner->derived_count; ++i) {
      if (owner->derived[i].last_used < owner->derived[oldest].last_used) oldest = i;
    }
    forget(owner, oldest);
  }
  or_derived_t *derived = &owner->derived[owner->derived_count++];
  *derived = (or_derived_t){.request = *request, .session = session, .last_used = ++owner->derived_clock};
  derived->request.ties = ties;
  or_session_retain(session);
  return status;
}

void or_derived_deinit(or_session_t *session) {
  while (session->derived_count > 0) forget(session, session->derived_count - 1);
  or_free(session->runtime->allocator, session->derived);
}
