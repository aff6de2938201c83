/* Runs with a state: one at a time, waited for or called back. What the run needs lies in the state, which is the
 * run's from begin to finish; on failure the state is what it was. */
#include <string.h>

#include "base/alloc.h"
#include "hal/queue.h"
#include "runtime/state_internal.h"

#define SHAPE_TEXT_BYTES 160

static or_status_t begin(or_session_t *session, or_state_t *state, const or_run_request_t *request);
static or_status_t prepare(or_state_t *state, const or_run_request_t *request);
static or_status_t bind_inputs(or_state_t *state, const or_binding_t *inputs, size_t count, int64_t *rows);
static or_status_t check_outputs(const or_state_t *state, const or_binding_t *outputs, size_t count);
static or_status_t prepare_appending(or_state_t *state, const or_run_request_t *request);
static void prepare_handing_on(or_state_t *state, const or_run_request_t *request);
static or_status_t finish(or_state_t *state, or_status_t status);
static void ended(void *self, or_status_t status, or_binding_t *outputs, size_t output_count);

or_status_t or_session_run_with_state(or_session_t *session, or_state_t *state, const or_binding_t *inputs,
                                      size_t input_count, or_binding_t *outputs, size_t output_count) {
  const or_run_request_t request = {
      .inputs = inputs, .input_count = input_count, .outputs = outputs, .output_count = output_count};
  if (or_queue_on_thread()) {
    return or_error(OR_FAILED_PRECONDITION, "or_session_run_with_state in a callback would wait for itself; use "
                                            "or_session_run_with_state_async there");
  }
  or_status_t status = begin(session, state, &request);
  if (!or_ok(status)) return status;
  return finish(state, or_run_and_count(state->target, &state->request, &state->run_copied_bytes));
}

or_status_t or_session_run_with_state_async(or_session_t *session, or_state_t *state, const or_run_request_t *request,
                                            or_run_t **out) {
  if (out != NULL) *out = NULL;
  if (request->callback == NULL) return or_error(OR_INVALID_ARGUMENT, "the request has no callback");
  or_status_t status = begin(session, state, request);
  if (!or_ok(status)) return status;
  or_state_retain(state); /* until it has ended */
  state->callback = request->callback;
  state->callback_self = request->self;
  state->request.callback = ended;
  state->request.self = state;
  status = or_run_async_and_count(state->target, &state->request, &state->run_copied_bytes, out);
  if (or_ok(status)) return status; /* the state is the run's now, and may be idle again */
  status = finish(state, status);
  or_state_release(state);
  return status;
}

static void ended(void *self, or_status_t status, or_binding_t *outputs, size_t output_count) {
  or_state_t *state = self;
  or_run_callback_t callback = state->callback;
  void *callback_self = state->callback_self;
  or_binding_t *results = state->results;
  size_t result_count = state->result_count;
  (void)outputs; /* the caller's, or the state's own */
  (void)output_count;
  status = finish(state, status);
  or_state_release(state);
  callback(callback_self, status, results, result_count);
}

static or_status_t begin(or_session_t *session, or_state_t *state, const or_run_request_t *request) {
  if (state->session != session) {
    return or_error(OR_INVALID_ARGUMENT, "the state belongs to another session, of model \"%s\"",
                    state->session->graph->name);
  }
  or_mutex_lock(&state->mutex);
  bool running = state->running;
  state->running = true;
  or_mutex_unlock(&state->mutex);
  if (running) {
    return or_error(OR_FAILED_PRECONDITION,
                    "a run with this state is under way: wait for its end, or give each sequence a state of its own");
  }
  or_status_t status = prepare(state, request);
  return or_ok(status) ? status : finish(state, status);
}

/* Everything into the state: what is given to which session, and what is to come of it. */
static or_status_t prepare(or_state_t *state, const or_run_request_t *request) {
  int64_t rows = 0;
  state->target = NULL;
  state->run_copied_bytes = 0;
  state->results = request->outputs;
  state->result_count = request->output_count;
  or_status_t status = bind_inputs(state, request->inputs, request->input_count, &rows);
  if (or_ok(status)) status = check_outputs(state, request->outputs, request->output_count);
  if (!or_ok(status)) return status;
  if (state->grows && rows > state->layout.capacity - state->length) {
    return or_error(OR_OUT_OF_RANGE, "a past of %lld rows and %lld new ones exceed the state's capacity of %lld",
                    (long long)state->length, (long long)rows, (long long)state->layout.capacity);
  }
  state->rows = rows;
  if (state->appends) return prepare_appending(state, request);
  prepare_handing_on(state, request);
  return status;
}

static size_t tie_of_input(const or_state_t *state, uint32_t input) {
  size_t t = 0;
  while (t < state->layout.tie_count && state->layout.ties[t].input != input) ++t;
  return t;
}

static size_t tie_of_output(const or_state_t *state, uint32_t output) {
  size_t t = 0;
  while (t < state->layout.tie_count && state->layout.ties[t].output != output) ++t;
  return t;
}

/* The input that a binding means: by name, or the `position`-th that is not tied. */
static or_status_t find_input(const or_state_t *state, const or_binding_t *binding, size_t position, uint32_t *out) {
  const or_graph_t *graph = state->session->graph;
  size_t untied = 0;
  for (uint32_t i = 0; i < graph->input_count; ++i) {
    bool tied = tie_of_input(state, i) < state->layout.tie_count;
    *out = i;
    if (binding->name != NULL && strcmp(binding->name, input_of(state, i)->name) == 0) {
      return tied ? or_error(OR_INVALID_ARGUMENT, "input \"%s\" comes from the state", binding->name)
                  : or_status_success();
    }
    if (tied) continue;
    if (binding->name == NULL && untied == position) return or_status_success();
    ++untied;
  }
  if (binding->name != NULL) return or_error(OR_INVALID_ARGUMENT, "the model has no input \"%s\"", binding->name);
  return or_error(OR_INVALID_ARGUMENT, "the model has %zu inputs beside the state's; number %zu is given", untied,
                  position + 1);
}

static or_status_t mask_mismatch(const or_state_t *state, const or_tensor_t *mask, int64_t rows) {
  char text[SHAPE_TEXT_BYTES];
  return or_error(
      OR_INVALID_ARGUMENT, "input \"%s\": expected [%lld,%lld] for %lld rows in the state and %lld new ones, got %s",
      input_of(state, state->layout.mask)->name, (long long)state->layout.batch, (long long)(state->length + rows),
      (long long)state->length, (long long)rows, or_shape_format(or_tensor_shape(mask), text, sizeof text));
}

/* Whether dimension 0 of an input is the one that the state's tensors call the batch. */
static bool is_batch(const or_state_t *state, const or_value_info_t *value) {
  if (value->shape.rank < 1 || value->shape.dims[0] >= OR_DIM_UNKNOWN) return false;
  for (size_t t = 0; t < state->layout.tie_count; ++t) {
    if (state->growth[t] != 0 && tied_input(state, t)->shape.dims[0] == value->shape.dims[0]) return true;
  }
  return false;
}

/* Into state->inputs by name; how many new rows they speak of. */
static or_status_t bind_inputs(or_state_t *state, const or_binding_t *inputs, size_t count, int64_t *rows) {
  const or_graph_t *graph = state->session->graph;
  const or_tensor_t *mask = NULL;
  if (count + state->layout.tie_count > graph->input_count)
    return or_error(OR_INVALID_ARGUMENT, "%zu inputs are given, and the model has %zu beside the state's", count,
                    graph->input_count - state->layout.tie_count);
  for (size_t b = 0; b < count; ++b) {
    uint32_t index = 0;
    or_status_t status = find_input(state, &inputs[b], b, &index);
    if (!or_ok(status)) return status;
    const or_value_info_t *value = input_of(state, index);
    if (inputs[b].tensor == NULL) return or_error(OR_INVALID_ARGUMENT, "input \"%s\": no tensor is given", value->name);
    state->inputs[b] = (or_binding_t){.name = value->name, .tensor = inputs[b].tensor};
    const or_shape_t *shape = or_tensor_shape(inputs[b].tensor);
    if (is_batch(state, value) && shape->rank > 0 && shape->dims[0] != state->layout.batch) {
      return or_error(OR_INVALID_ARGUMENT, "input \"%s\": a batch of %lld, and the state is of %lld", value->name,
                      (long long)shape->dims[0], (long long)state->layout.batch);
    }
    if (index == state->layout.mask) {
      mask = inputs[b].tensor;
    } else if (*rows == 0 && shape->rank >= 2 && value->shape.rank >= 2 && value->shape.dims[1] < 0) {
      *rows = shape->dims[1];
    }
  }
  if (mask != NULL) {
    const or_shape_t *shape = or_tensor_shape(mask);
    if (*rows == 0 && shape->rank == 2) *rows = shape->dims[1] - state->length;
    bool fits = shape->rank == 2 && shape->dims[0] == state->layout.batch && shape->dims[1] == state->length + *rows &&
                or_tensor_dtype(mask) == input_of(state, state->layout.mask)->dtype;
    if (!fits) return mask_mismatch(state, mask, *rows);
  }
  if (state->grows && *rows < 1) return or_error(OR_INVALID_ARGUMENT, "the inputs hold no new rows");
  return or_status_success();
}

static or_status_t check_outputs(const or_state_t *state, const or_binding_t *outputs, size_t count) {
  const or_graph_t *graph = state->session->graph;
  if (count + state->layout.tie_count > graph->output_count)
    return or_error(OR_INVALID_ARGUMENT, "%zu outputs are asked for, and the model has %zu beside the state's", count,
                    graph->output_count - state->layout.tie_count);
  for (size_t b = 0; b < count; ++b) {
    for (size_t t = 0; outputs[b].name != NULL && t < state->layout.tie_count; ++t) {
      if (strcmp(outputs[b].name, output_of(state, state->layout.ties[t].output)->name) == 0)
        return or_error(OR_INVALID_ARGUMENT, "output \"%s\" stays in the state", outputs[b].name);
    }
  }
  return or_status_success();
}

/* The mask as wide as the caches. */
static or_status_t widen_mask(or_state_t *state, or_binding_t *binding) {
  const or_tensor_t *given = binding->tensor;
  size_t element = or_dtype_bytes(or_tensor_dtype(given), 1);
  size_t from = or_tensor_bytes(given) / (size_t)state->layout.batch, to = (size_t)state->layout.capacity * element;
  or_status_t status = or_status_success();
  for (int64_t b = 0; or_ok(status) && b < state->layout.batch; ++b) {
    status = or_buffer_copy(or_tensor_buffer(given), or_tensor_offset(given) + (size_t)b * from,
                            or_tensor_buffer(state->mask), or_tensor_offset(state->mask) + (size_t)b * to, from);
  }
  binding->tensor = state->mask;
  return status;
}

static or_status_t prepare_appending(or_state_t *state, const or_run_request_t *request) {
  char reason[160] = "";
  size_t count = request->input_count;
  or_status_t status = or_state_session(state, state->rows, &state->target, reason);
  if (!or_ok(status)) return status;
  if (state->target == NULL) {
    return or_error(OR_UNIMPLEMENTED, "%lld new rows at once can't be appended: %s", (long long)state->rows, reason);
  }
  for (size_t b = 0; or_ok(status) && b < count && state->layout.mask != UINT32_MAX; ++b) {
    if (strcmp(state->inputs[b].name, input_of(state, state->layout.mask)->name) == 0)
      status = widen_mask(state, &state->inputs[b]);
  }
  if (or_ok(status)) {
    status = or_buffer_write(or_tensor_buffer(state->past_length), or_tensor_offset(state->past_length), &state->length,
                             sizeof state->length);
  }
  for (size_t t = 0; t < state->layout.tie_count; ++t)
    state->inputs[count++] = (or_binding_t){.name = tied_input(state, t)->name, .tensor = state->held[t]};
  state->inputs[count++] = (or_binding_t){.name = OR_GRAPH_PAST_LENGTH, .tensor = state->past_length};
  state->request = (or_run_request_t){.inputs = state->inputs,
                                      .input_count = count,
                                      .outputs = request->outputs,
                                      .output_count = request->output_count};
  return status;
}

/* Outputs by name or position among those that are not tied, then the tied ones. */
static const char *output_name(const or_state_t *state, const or_binding_t *binding, size_t position) {
  const or_graph_t *graph = state->session->graph;
  if (binding->name != NULL) return binding->name;
  for (uint32_t i = 0; i < graph->output_count; ++i) {
    if (tie_of_output(state, i) < state->layout.tie_count) continue;
    if (position-- == 0) return output_of(state, i)->name;
  }
  return NULL; /* check_outputs has counted */
}

static void prepare_handing_on(or_state_t *state, const or_run_request_t *request) {
  size_t ties = state->layout.tie_count, inputs = request->input_count, outputs = request->output_count;
  for (size_t t = 0; t < ties; ++t)
    state->inputs[inputs + t] = (or_binding_t){.name = tied_input(state, t)->name, .tensor = state->held[t]};
  for (size_t b = 0; b < outputs; ++b) {
    const or_binding_t *given = &request->outputs[b];
    state->outputs[b] = (or_binding_t){.name = output_name(state, given, b), .tensor = given->tensor};
  }
  for (size_t t = 0; t < ties; ++t)
    state->outputs[outputs + t] = (or_binding_t){.name = output_of(state, state->layout.ties[t].output)->name};
  state->request = (or_run_request_t){
      .inputs = state->inputs, .input_count = inputs + ties, .outputs = state->outputs, .output_count = outputs + ties};
  state->target = state->session;
  or_session_retain(state->target);
}

/* The tied outputs are whole tensors that the run has written. */
static void take_outputs_locked(or_state_t *state) {
  for (size_t b = 0; b < state->result_count; ++b) {
    state->results[b].tensor = state->outputs[b].tensor;
    state->results[b].shape = state->outputs[b].shape;
  }
  state->run_copied_bytes = 0;
  for (size_t t = 0; t < state->layout.tie_count; ++t) {
    or_tensor_release(state->held[t]);
    state->held[t] = state->outputs[state->result_count + t].tensor;
    state->run_copied_bytes += or_tensor_bytes(state->held[t]);
    if (state->growth[t] >= 0) state->length = or_tensor_shape(state->held[t])->dims[state->growth[t]];
  }
}

static or_status_t finish(or_state_t *state, or_status_t status) {
  or_session_t *target = state->target;
  or_mutex_lock(&state->mutex);
  if (or_ok(status)) {
    if (state->appends) {
      state->length += state->rows;
    } else {
      take_outputs_locked(state);
    }
    state->copied_bytes += state->run_copied_bytes;
  }
  state->target = NULL;
  state->running = false;
  or_mutex_unlock(&state->mutex);
  or_session_release(target);
  return status;
}
