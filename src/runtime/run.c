/* Runs: taken from the session's idle ones, bound, submitted to a plan, waited for or called back. */
#include <string.h>

#include "base/alloc.h"
#include "graph/expansion.h"
#include "hal/queue.h"
#include "runtime/session_internal.h"

static or_status_t make_run(or_session_t *session, or_run_t **out);
static or_status_t submit(or_run_t *run, bool profile);
static void finished(void *self, or_status_t status);
static or_status_t start_program(or_run_t *run, or_run_t **out);

or_status_t or_session_run(or_session_t *session, const or_binding_t *inputs, size_t input_count, or_binding_t *outputs,
                           size_t output_count) {
  const or_run_request_t request = {
      .inputs = inputs, .input_count = input_count, .outputs = outputs, .output_count = output_count};
  return or_run_and_count(session, &request, NULL);
}

or_status_t or_run_and_count(or_session_t *session, const or_run_request_t *request, uint64_t *copied_bytes) {
  or_run_t *run = NULL;
  if (or_queue_on_thread()) {
    return or_error(OR_FAILED_PRECONDITION,
                    "or_session_run in a callback would wait for itself; use or_session_run_async there");
  }
  or_status_t status = or_run_take(session, &run);
  if (!or_ok(status)) return status;
  run->copied_bytes = copied_bytes;
  status = or_run_bind(run, request->inputs, request->input_count, request->outputs, request->output_count);
  if (or_ok(status) && session->program != NULL) {
    status = or_run_program(run, NULL);
    if (or_ok(status)) or_run_deliver(run);
  } else {
    if (or_ok(status)) status = or_session_prepare(session, run, NULL);
    if (or_ok(status)) status = or_run_wait(run, false);
  }
  or_run_release(run);
  return status;
}

or_status_t or_session_run_within(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                                  or_binding_t *outputs, size_t output_count, const or_session_within_t *within) {
  or_run_t *run = NULL;
  or_status_t status = or_run_take(session, &run);
  if (!or_ok(status)) return status;
  run->outer = within->cancel;
  status = or_run_bind(run, inputs, input_count, outputs, output_count);
  if (or_ok(status) && session->program != NULL) {
    status = or_run_program(run, NULL);
    if (or_ok(status)) or_run_deliver(run);
  } else if (or_ok(status)) {
    if (!or_session_find_prepared(session, run)) status = or_session_prepare(session, run, within->cancel);
    run->here = or_ok(status) && within->report == NULL && or_plan_is_small(run->plan);
    or_plan_t *plan = or_ok(status) ? run->plan : NULL;
    if (plan != NULL) or_plan_retain(plan);
    if (or_ok(status) && within->expansion != NULL)
      status = or_expansion_check(within->expansion, or_plan_run_bytes(plan));
    if (or_ok(status)) status = or_run_wait(run, within->report != NULL);
    if (or_ok(status) && within->report != NULL) {
      or_arena_t *arena = NULL;
      status = or_session_report_make(session, within->report, &arena);
      if (or_ok(status)) status = or_plan_report(plan, arena, *within->report);
    }
    or_plan_release(plan);
  }
  or_run_release(run);
  return status;
}

or_status_t or_session_run_here(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                                or_binding_t *outputs, size_t output_count, bool *ran) {
  or_run_t *run = NULL;
  *ran = false;
  if (session->program != NULL) return or_status_success();
  or_status_t status = or_run_take(session, &run);
  if (!or_ok(status)) return status;
  status = or_run_bind(run, inputs, input_count, outputs, output_count);
  if (or_ok(status) && or_session_find_prepared(session, run) && or_plan_is_small(run->plan)) {
    *ran = true;
    run->here = true;
    status = or_run_wait(run, false);
  }
  or_run_release(run);
  return status;
}

or_status_t or_session_run_program(or_session_t *session, const or_run_request_t *request, or_cancel_t *cancel,
                                   bool *ran) {
  const or_session_within_t within = {.cancel = cancel};
  *ran = session->program != NULL;
  if (!*ran) return or_status_success();
  return or_session_run_within(session, request->inputs, request->input_count, request->outputs, request->output_count,
                               &within);
}

static or_status_t start(or_session_t *session, const or_run_request_t *request, const or_cancel_t *cancel,
                         uint64_t *copied_bytes, or_run_t **out);

or_status_t or_session_run_async(or_session_t *session, const or_run_request_t *request, or_run_t **out) {
  return start(session, request, NULL, NULL, out);
}

or_status_t or_session_start(or_session_t *session, const or_run_request_t *request, const or_cancel_t *cancel,
                             or_run_t **out) {
  return start(session, request, cancel, NULL, out);
}

or_status_t or_run_async_and_count(or_session_t *session, const or_run_request_t *request, uint64_t *copied_bytes,
                                   or_run_t **out) {
  return start(session, request, NULL, copied_bytes, out);
}

static or_status_t start(or_session_t *session, const or_run_request_t *request, const or_cancel_t *cancel,
                         uint64_t *copied_bytes, or_run_t **out) {
  or_run_t *run = NULL;
  if (out != NULL) *out = NULL;
  if (request->callback == NULL) return or_error(OR_INVALID_ARGUMENT, "the request has no callback");
  or_status_t status = or_run_take(session, &run);
  if (!or_ok(status)) return status;
  status = or_run_bind(run, request->inputs, request->input_count, request->outputs, request->output_count);
  run->copied_bytes = copied_bytes;
  run->callback = request->callback;
  run->callback_self = request->self;
  if (or_ok(status) && session->program != NULL) return start_program(run, out);
  if (or_ok(status)) status = or_session_prepare(session, run, cancel);
  if (or_ok(status)) {
    if (out != NULL) {
      or_ref_retain(&run->ref); /* before it starts: it may have ended when submit returns */
      *out = run;
    }
    status = submit(run, false);
    if (or_ok(status)) return status;
    if (out != NULL) {
      or_run_release(run);
      *out = NULL;
    }
  }
  or_run_release(run);
  return status;
}

/* Takes the run over. */
static or_status_t start_program(or_run_t *run, or_run_t **out) {
  if (out != NULL) {
    or_ref_retain(&run->ref);
    *out = run;
  }
  or_status_t status = or_run_program_async(run);
  if (or_ok(status)) return status;
  if (out != NULL) {
    or_run_release(run);
    *out = NULL;
  }
  or_run_release(run);
  return status;
}

void or_run_cancel(or_run_t *run) { or_cancel_request(&run->cancel); }

/* The last one to let go makes the run idle; the session goes with its last run. */
void or_run_release(or_run_t *run) {
  if (run == NULL || !or_ref_release(&run->ref)) return;
  or_session_t *session = run->session;
  or_run_unbind(run);
  or_plan_release(run->plan);
  run->plan = NULL;
  or_mutex_lock(&session->mutex);
  bool keep = session->idle_count < OR_SESSION_IDLE_RUNS;
  if (keep) {
    run->next = session->idle_runs;
    session->idle_runs = run;
    ++session->idle_count;
  }
  or_mutex_unlock(&session->mutex);
  if (!keep) or_run_free(session, run);
  or_session_release(session);
}

or_status_t or_run_take(or_session_t *session, or_run_t **out) {
  or_mutex_lock(&session->mutex);
  or_run_t *run = session->idle_runs;
  if (run != NULL) {
    session->idle_runs = run->next;
    --session->idle_count;
  }
  or_mutex_unlock(&session->mutex);
  if (run == NULL) {
    or_status_t status = make_run(session, &run);
    if (!or_ok(status)) return status;
  }
  or_ref_init(&run->ref);
  or_session_retain(session);
  or_cancel_init(&run->cancel, INT64_MAX);
  run->outer = NULL;
  run->here = false;
  run->callback = NULL;
  run->copied_bytes = NULL;
  run->results = NULL;
  run->result_count = 0;
  or_latch_close(&run->ended);
  *out = run;
  return or_status_success();
}

static or_status_t make_run(or_session_t *session, or_run_t **out) {
  const or_allocator_t *allocator = session->runtime->allocator;
  size_t inputs = session->graph->input_count + 1, outputs = session->graph->output_count + 1;
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_run_t), &memory);
  if (!or_ok(status)) return status;
  or_run_t *run = memory;
  run->session = session;
  or_latch_init(&run->ended);
#define ARRAY(field, count)                                                                    \
  do {                                                                                         \
    if (or_ok(status)) status = or_alloc_array(allocator, count, sizeof *run->field, &memory); \
    if (or_ok(status)) run->field = memory;                                                    \
  } while (0)
  ARRAY(inputs, inputs);
  ARRAY(key, inputs);
  ARRAY(outputs, outputs);
  if (session->program != NULL) ARRAY(values, inputs + outputs);
  ARRAY(wanted, outputs);
  ARRAY(given, outputs);
  ARRAY(shapes, outputs);
#undef ARRAY
  if (!or_ok(status)) {
    or_run_free(session, run);
    return status;
  }
  *out = run;
  return status;
}

void or_run_free(or_session_t *session, or_run_t *run) {
  const or_allocator_t *allocator = session->runtime->allocator;
  or_latch_deinit(&run->ended);
  or_free(allocator, run->inputs);
  or_free(allocator, run->key);
  or_free(allocator, run->outputs);
  or_free(allocator, run->values);
  or_free(allocator, run->wanted);
  or_free(allocator, run->given);
  or_free(allocator, run->shapes);
  or_free(allocator, run->content);
  or_free(allocator, run);
}

static or_status_t submit(or_run_t *run, bool profile) {
  or_plan_run_t plan_run = {.inputs = run->inputs,
                            .outputs = run->outputs,
                            .wanted = run->wanted,
                            .output_shapes = run->shapes,
                            .cancel = run->outer != NULL ? run->outer : &run->cancel,
                            .copied_bytes = run->copied_bytes,
                            .profile = profile,
                            .here = run->here,
                            .done = finished,
                            .self = run};
  return or_plan_submit(run->plan, &plan_run);
}

/* What the caller bound gets its tensors and shapes; the run keeps no reference to outputs that it hands over. */
void or_run_deliver(or_run_t *run) {
  const or_graph_t *graph = run->session->graph;
  for (size_t b = 0; b < run->result_count; ++b) {
    or_binding_t *result = &run->results[b];
    for (size_t i = 0; i < graph->output_count; ++i) {
      bool same = result->name == NULL ? i == b : strcmp(graph->values[graph->outputs[i]].name, result->name) == 0;
      if (!same) continue;
      result->shape = run->shapes[i];
      if (run->values != NULL && graph->values[graph->outputs[i]].form != OR_FORM_TENSOR) {
        result->value = run->values[graph->input_count + i];
        run->values[graph->input_count + i] = NULL;
      } else if (!run->given[i]) {
        result->tensor = run->outputs[i];
        run->outputs[i] = NULL;
      }
      break;
    }
  }
}

static void finished(void *self, or_status_t status) {
  or_run_t *run = self;
  if (or_ok(status)) or_run_deliver(run);
  if (run->callback != NULL) { /* ours is let go first: a caller that is told finds nothing of the run in use */
    or_run_callback_t callback = run->callback;
    void *callback_self = run->callback_self;
    or_binding_t *results = run->results;
    size_t result_count = run->result_count;
    or_run_release(run);
    callback(callback_self, status, results, result_count);
    return;
  }
  run->status = status;
  or_latch_open(&run->ended);
}

or_status_t or_run_wait(or_run_t *run, bool profile) {
  or_status_t status = submit(run, profile);
  if (!or_ok(status)) return status;
  or_latch_wait(&run->ended);
  return run->status;
}
