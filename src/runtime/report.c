/* or_session_explain: a report of the plan that serves given shapes. */
#include "base/alloc.h"
#include "base/string.h"
#include "runtime/program/program.h"
#include "runtime/session_internal.h"

/* The public report first, so that its address is the holder's. */
typedef struct holder_t {
  or_session_report_t report;
  const or_allocator_t *allocator;
  or_arena_t arena;
} holder_t;

or_session_memory_t or_session_memory(or_session_t *session) {
  or_session_memory_t memory = {.state_known = atomic_load(&session->states) == 0};
  or_mutex_lock(&session->mutex);
  for (size_t i = 0; i < session->class_count; ++i) {
    or_plan_t *plan = session->classes[i]->plan;
    if (plan != NULL) memory.arena_bytes += or_plan_held_bytes(plan);
  }
  or_mutex_unlock(&session->mutex);
  if (session->program != NULL) memory.arena_bytes += or_program_held_bytes(session->program);
  return memory;
}

or_session_place_t or_session_place(or_session_t *session) {
  or_session_place_t place = {.share = 1};
  const or_device_t *host = or_runtime_host_device(session->runtime);
  if (session->program != NULL && session->device != host && host != NULL)
    or_format(place.elsewhere, sizeof place.elsewhere, "what lies between its static pieces ran on %s",
              or_device_facts(host)->id);
  or_mutex_lock(&session->mutex);
  const or_shape_class_t *last = NULL;
  for (size_t i = 0; i < session->class_count; ++i) {
    const or_shape_class_t *class = session->classes[i];
    if (class->plan != NULL && (last == NULL || class->last_used > last->last_used)) last = class;
  }
  if (last != NULL) place.share = or_plan_elsewhere(last->plan, place.elsewhere, sizeof place.elsewhere);
  or_mutex_unlock(&session->mutex);
  return place;
}

/* Bindings name shapes, and values where a value decides a shape; a profiled run needs every tensor. */
static or_status_t explain(or_session_t *session, const or_binding_t *inputs, size_t input_count, bool profile,
                           or_cancel_t *cancel, or_session_report_t **out) {
  or_run_t *run = NULL;
  *out = NULL;
  if (session->program != NULL) return or_session_explain_program(session, inputs, input_count, cancel, out);
  or_status_t status = or_run_take(session, &run);
  if (!or_ok(status)) return status;
  run->outer = cancel;
  status = or_run_bind(run, inputs, input_count, NULL, 0);
  for (size_t i = 0; i < session->graph->output_count; ++i) run->wanted[i] = profile;
  if (or_ok(status)) status = or_session_prepare(session, run, cancel);
  or_plan_t *plan = run->plan;
  if (or_ok(status)) or_plan_retain(plan);
  if (or_ok(status) && profile) {
    status = or_run_wait(run, true);
    for (size_t i = 0; i < session->graph->output_count; ++i) or_tensor_release(run->outputs[i]);
  }
  or_run_release(run);
  or_arena_t *arena = NULL;
  if (or_ok(status)) status = or_session_report_make(session, out, &arena);
  if (or_ok(status)) status = or_plan_report(plan, arena, *out);
  if (!or_ok(status)) {
    or_session_report_free(*out);
    *out = NULL;
  }
  or_plan_release(plan);
  return status;
}

or_status_t or_session_report_make(or_session_t *session, or_session_report_t **out, or_arena_t **arena) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(session->runtime->allocator, sizeof(holder_t), &memory);
  if (!or_ok(status)) return status;
  holder_t *holder = memory;
  holder->allocator = session->runtime->allocator;
  or_arena_init(&holder->arena, holder->allocator);
  *out = &holder->report;
  *arena = &holder->arena;
  return status;
}

or_status_t or_session_explain(or_session_t *session, const or_binding_t *inputs, size_t input_count, bool profile,
                               or_session_report_t **out) {
  return explain(session, inputs, input_count, profile, NULL, out);
}

or_status_t or_session_profile(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                               or_cancel_t *cancel, or_session_report_t **out) {
  return explain(session, inputs, input_count, true, cancel, out);
}

void or_session_report_free(or_session_report_t *report) {
  if (report == NULL) return;
  holder_t *holder = (holder_t *)(void *)report;
  or_arena_deinit(&holder->arena);
  or_free(holder->allocator, holder);
}
