#include "runtime/session.h"

#include <string.h>

#include "base/alloc.h"
#include "runtime/program/program.h"
#include "runtime/state_internal.h"

static or_status_t check_options(or_session_t *session);
static or_status_t check_precision(or_session_t *session);
static or_status_t make_program(or_session_t *session);
static or_status_t prepare_static(or_session_t *session);
static void destroy(or_session_t *session);

or_status_t or_session_create_for_graph(or_runtime_t *runtime, const or_graph_t *graph,
                                        const or_session_options_t *options, or_owner_t keep_alive,
                                        or_session_t **out) {
  static const or_session_options_t defaults = {0};
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(runtime->allocator, sizeof(or_session_t), &memory);
  if (!or_ok(status)) return status;
  or_session_t *session = memory;
  or_ref_init(&session->ref);
  session->runtime = runtime;
  session->graph = graph;
  session->options = options != NULL ? *options : defaults;
  session->device = session->options.device;
  or_mutex_init(&session->mutex);
  or_mutex_init(&session->derived_mutex);
  or_cond_init(&session->prepared);
  or_runtime_keep(runtime);
  or_graph_retain(graph);
  if (session->options.max_shape_classes == 0) session->options.max_shape_classes = OR_SESSION_SHAPE_CLASSES;

  if (session->device == NULL) status = or_runtime_find_device(runtime, "auto", &session->device);
  if (or_ok(status)) status = check_options(session);
  if (or_ok(status)) {
    status = or_alloc_array(runtime->allocator, session->options.max_shape_classes, sizeof *session->classes, &memory);
    if (or_ok(status)) session->classes = memory;
  }
  if (or_ok(status)) status = or_alloc_array(runtime->allocator, graph->input_count + 1, sizeof(bool), &memory);
  if (or_ok(status)) {
    session->deciding = memory;
    status = or_graph_deciding_inputs(graph, session->deciding);
  }
  if (or_ok(status)) status = make_program(session);
  for (size_t i = 0; or_ok(status) && session->program == NULL && i < graph->input_count; ++i) {
    session->any_deciding = session->any_deciding || session->deciding[i];
  }
  if (or_ok(status) && session->program == NULL) status = prepare_static(session);
  if (!or_ok(status)) {
    destroy(session);
    return status;
  }
  session->keep_alive = keep_alive;
  *out = session;
  return status;
}

void or_session_retain(or_session_t *session) { or_ref_retain(&session->ref); }

void or_session_release(or_session_t *session) {
  if (session != NULL && or_ref_release(&session->ref)) destroy(session);
}

static void destroy(or_session_t *session) {
  or_runtime_t *runtime = session->runtime;
  or_shape_classes_deinit(session);
  or_program_release(session->program);
  for (or_run_t *run = session->idle_runs, *next; run != NULL; run = next) {
    next = run->next;
    or_run_free(session, run);
  }
  or_free(runtime->allocator, session->classes);
  or_free(runtime->allocator, session->deciding);
  or_cond_deinit(&session->prepared);
  or_mutex_deinit(&session->mutex);
  or_derived_deinit(session);
  or_mutex_deinit(&session->derived_mutex);
  or_graph_release(session->graph);
  if (session->keep_alive.release != NULL) session->keep_alive.release(session->keep_alive.self);
  or_free(runtime->allocator, session);
  or_runtime_let_go(runtime);
}

static or_status_t check_options(or_session_t *session) {
  if (or_runtime_of_device(session->device) != session->runtime) {
    return or_error(OR_INVALID_ARGUMENT, "device \"%s\" belongs to another runtime than the model",
                    or_device_facts(session->device)->id);
  }
  const char *reason = "";
  if (or_device_state(session->device, &reason) == OR_DEVICE_STATE_LOST)
    return or_error(OR_DEVICE_LOST, "device \"%s\" was lost: %s", or_device_facts(session->device)->id, reason);
  return check_precision(session);
}

/* The device is opened to be asked; float32 is what it does anyway. */
static or_status_t check_precision(or_session_t *session) {
  or_dtype_t precision = session->options.precision;
  if (precision == OR_FLOAT32) session->options.precision = OR_DTYPE_NONE;
  if (precision == OR_DTYPE_NONE || precision == OR_FLOAT32 || session->options.reference) return or_status_success();
  const or_backend_device_t *backend = NULL;
  or_status_t status = or_device_open(session->device, &backend);
  if (!or_ok(status)) return status;
  or_support_t answer = {.reason = "the device runs models in their own types"};
  if (backend->precision != NULL) backend->precision(backend->self, precision, &answer);
  if (answer.supported) return status;
  return or_error(OR_UNIMPLEMENTED, "precision \"%s\" is not offered on device \"%s\": %s", or_dtype_name(precision),
                  or_device_facts(session->device)->id, answer.reason);
}

/* What no single plan can hold is cut into pieces. */
static or_status_t make_program(or_session_t *session) {
  bool needed = false;
  or_status_t status = or_program_needed(session->graph, &needed);
  if (!or_ok(status) || !needed) return status;
  if (session->options.strict && session->device != or_runtime_host_device(session->runtime)) {
    return or_error(OR_FAILED_PRECONDITION,
                    "model \"%s\" has control flow, or shapes or values that run on the host between its pieces, so it "
                    "does not run on device \"%s\" alone",
                    session->graph->name, or_device_facts(session->device)->id);
  }
  or_session_options_t options = session->options;
  options.device = session->device;
  return or_status_context(or_program_create(session->runtime, session->graph, &options, &session->program),
                           "model \"%s\"", session->graph->name);
}

/* Where no input leaves anything open the one shape class is prepared now, so that its errors come now. */
static or_status_t prepare_static(or_session_t *session) {
  const or_graph_t *graph = session->graph;
  if (session->any_deciding) return or_status_success();
  for (size_t i = 0; i < graph->input_count; ++i) {
    if (!or_shape_is_static(&graph->values[graph->inputs[i]].shape)) return or_status_success();
  }
  or_run_t *run = NULL;
  or_status_t status = or_run_take(session, &run);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < graph->input_count; ++i) {
    const or_value_info_t *value = &graph->values[graph->inputs[i]];
    run->key[i] = (or_graph_binding_t){.shape = value->shape, .given = value->constant == NULL};
  }
  status = or_session_prepare(session, run, NULL);
  or_plan_release(run->plan);
  run->plan = NULL;
  or_run_free(session,
              run); /* not or_run_release: the session may not come to be, and is not to go with its first run */
  (void)or_ref_release(&session->ref);
  return status;
}

size_t or_session_class_count(const or_session_t *session) {
  or_session_t *unlocked = (or_session_t *)(uintptr_t)session; /* the mutex is not part of what const promises */
  or_mutex_lock(&unlocked->mutex);
  size_t count = session->class_count;
  or_mutex_unlock(&unlocked->mutex);
  return count;
}
