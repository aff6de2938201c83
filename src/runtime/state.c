#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "runtime/state_internal.h"

#define SHAPE_TEXT_BYTES 160

static or_status_t make(or_session_t *session, or_state_t **out);
static or_status_t choose_kind(or_state_t *state);
static or_status_t hold(or_state_t *state);
static or_status_t zeroed(or_device_t *device, or_dtype_t dtype, or_shape_t shape, or_tensor_t **out);
static void destroy(or_state_t *state);

or_status_t or_state_create(or_session_t *session, const or_state_options_t *options, or_state_t **out) {
  or_state_t *state = NULL;
  *out = NULL;
  or_status_t status = make(session, &state);
  if (!or_ok(status)) return status;
  state->layout.batch = options->batch == 0 ? 1 : options->batch;
  state->layout.capacity = options->capacity;
  status = or_state_find_ties(state, options);
  if (or_ok(status) && state->layout.batch < 1)
    status = or_error(OR_INVALID_ARGUMENT, "a batch of %lld sequences", (long long)options->batch);
  if (or_ok(status) && state->grows && options->capacity < 1)
    status = or_error(OR_INVALID_ARGUMENT, "a capacity of %lld rows", (long long)options->capacity);
  if (or_ok(status)) status = choose_kind(state);
  if (or_ok(status)) status = hold(state);
  if (!or_ok(status)) {
    destroy(state);
    return status;
  }
  *out = state;
  return status;
}

void or_state_retain(or_state_t *state) { or_ref_retain(&state->ref); }

void or_state_release(or_state_t *state) {
  if (state != NULL && or_ref_release(&state->ref)) destroy(state);
}

static or_status_t make(or_session_t *session, or_state_t **out) {
  const or_allocator_t *allocator = session->runtime->allocator;
  const or_graph_t *graph = session->graph;
  size_t most = graph->input_count + 1, outputs = graph->output_count;
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_state_t), &memory);
  if (!or_ok(status)) return status;
  or_state_t *state = memory;
  or_ref_init(&state->ref);
  or_mutex_init(&state->mutex);
  state->session = session;
  or_session_retain(session);
  status = or_alloc_array(allocator, most, sizeof(or_tensor_t *), (void **)&state->held);
  if (or_ok(status)) status = or_alloc_array(allocator, most, sizeof(or_binding_t), (void **)&state->inputs);
  if (or_ok(status)) status = or_alloc_array(allocator, outputs + 1, sizeof(or_binding_t), (void **)&state->outputs);
  if (!or_ok(status)) {
    destroy(state);
    return status;
  }
  *out = state;
  return status;
}

static void destroy(or_state_t *state) {
  or_session_t *session = state->session;
  const or_allocator_t *allocator = session->runtime->allocator;
  for (size_t t = 0; t < state->layout.tie_count && state->held != NULL; ++t) or_tensor_release(state->held[t]);
  or_tensor_release(state->mask);
  or_tensor_release(state->past_length);
  void *const arrays[] = {(void *)(uintptr_t)state->layout.ties, state->growth, state->held, state->inputs,
                          state->outputs};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(allocator, arrays[i]);
  or_mutex_deinit(&state->mutex);
  or_free(allocator, state);
  or_session_release(session);
}

static const or_value_info_t *input_of(const or_state_t *state, uint32_t index) {
  return &state->session->graph->values[state->session->graph->inputs[index]];
}

static const or_value_info_t *output_of(const or_state_t *state, uint32_t index) {
  return &state->session->graph->values[state->session->graph->outputs[index]];
}

static const or_value_info_t *tied_input(const or_state_t *state, size_t tie) {
  return input_of(state, state->layout.ties[tie].input);
}

/* Rows are appended where the graph for one new row can be had that way. */
static or_status_t choose_kind(or_state_t *state) {
  or_session_t *one_row = NULL;
  for (size_t t = 0; t < state->layout.tie_count; ++t) {
    if (state->growth[t] != 2 || tied_input(state, t)->shape.rank != 4) {
      or_format(state->reason, sizeof state->reason, "input \"%s\" does not grow along dimension 2 of 4",
                tied_input(state, t)->name);
      return or_status_success();
    }
  }
  or_status_t status = or_state_session(state, 1, &one_row, state->reason);
  state->appends = or_ok(status) && one_row != NULL;
  or_session_release(one_row);
  return status;
}

/* The memory of an empty state. */
static or_status_t hold(or_state_t *state) {
  or_status_t status = or_status_success();
  for (size_t t = 0; or_ok(status) && t < state->layout.tie_count; ++t) {
    or_shape_t shape = or_state_shape(state, t, state->appends ? state->layout.capacity : 0);
    status = zeroed(state->session->device, tied_input(state, t)->dtype, shape, &state->held[t]);
  }
  if (!or_ok(status) || !state->appends) return status;
  or_device_t *host = or_runtime_host_device(state->session->runtime);
  if (state->layout.mask != UINT32_MAX) {
    or_shape_t shape = or_shape_make(2, (int64_t[]){state->layout.batch, state->layout.capacity});
    status = zeroed(host, input_of(state, state->layout.mask)->dtype, shape, &state->mask);
  }
  if (or_ok(status)) status = zeroed(host, OR_INT64, or_shape_make(1, (int64_t[]){1}), &state->past_length);
  return status;
}

static or_status_t zeroed(or_device_t *device, or_dtype_t dtype, or_shape_t shape, or_tensor_t **out) {
  static const char zeros[4096];
  or_tensor_t *tensor = NULL;
  or_status_t status = or_tensor_create(device, dtype, shape, &tensor);
  size_t bytes = or_ok(status) ? or_tensor_bytes(tensor) : 0;
  for (size_t at = 0; or_ok(status) && at < bytes; at += sizeof zeros) {
    size_t length = bytes - at < sizeof zeros ? bytes - at : sizeof zeros;
    status = or_buffer_write(or_tensor_buffer(tensor), or_tensor_offset(tensor) + at, zeros, length);
  }
  if (or_ok(status)) {
    *out = tensor;
  } else {
    or_tensor_release(tensor);
  }
  return status;
}

/* Runs. */

static or_status_t bind_inputs(or_state_t *state, const or_binding_t *inputs, size_t count, int64_t *rows);
static or_status_t check_outputs(const or_state_t *state, const or_binding_t *outputs, size_t count);
static or_status_t run_appending(or_state_t *state, size_t input_count, int64_t rows, or_binding_t *outputs,
                                 size_t output_count);
static or_status_t run_handing_on(or_state_t *state, size_t input_count, or_binding_t *outputs, size_t output_count);

or_status_t or_session_run_with_state(or_session_t *session, or_state_t *state, const or_binding_t *inputs,
                                      size_t input_count, or_binding_t *outputs, size_t output_count) {
  int64_t rows = 0;
  if (state->session != session) {
    return or_error(OR_INVALID_ARGUMENT, "the state belongs to another session, of model \"%s\"",
                    state->session->graph->name);
  }
  or_mutex_lock(&state->mutex);
  or_status_t status = bind_inputs(state, inputs, input_count, &rows);
  if (or_ok(status)) status = check_outputs(state, outputs, output_count);
  if (or_ok(status) && state->grows && rows > state->layout.capacity - state->length) {
    status = or_error(OR_OUT_OF_RANGE, "a past of %lld rows and %lld new ones exceed the state's capacity of %lld",
                      (long long)state->length, (long long)rows, (long long)state->layout.capacity);
  }
  if (or_ok(status)) {
    status = state->appends ? run_appending(state, input_count, rows, outputs, output_count)
                            : run_handing_on(state, input_count, outputs, output_count);
  }
  or_mutex_unlock(&state->mutex);
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

static or_status_t run_appending(or_state_t *state, size_t input_count, int64_t rows, or_binding_t *outputs,
                                 size_t output_count) {
  or_session_t *session = NULL;
  char reason[160] = "";
  or_status_t status = or_state_session(state, rows, &session, reason);
  if (or_ok(status) && session == NULL)
    status = or_error(OR_UNIMPLEMENTED, "%lld new rows at once can't be appended: %s", (long long)rows, reason);
  for (size_t b = 0; or_ok(status) && b < input_count && state->layout.mask != UINT32_MAX; ++b) {
    if (strcmp(state->inputs[b].name, input_of(state, state->layout.mask)->name) == 0)
      status = widen_mask(state, &state->inputs[b]);
  }
  if (or_ok(status)) {
    status = or_buffer_write(or_tensor_buffer(state->past_length), or_tensor_offset(state->past_length), &state->length,
                             sizeof state->length);
  }
  for (size_t t = 0; t < state->layout.tie_count; ++t)
    state->inputs[input_count++] = (or_binding_t){.name = tied_input(state, t)->name, .tensor = state->held[t]};
  state->inputs[input_count++] = (or_binding_t){.name = OR_GRAPH_PAST_LENGTH, .tensor = state->past_length};
  if (or_ok(status)) status = or_session_run(session, state->inputs, input_count, outputs, output_count);
  or_session_release(session);
  if (!or_ok(status)) return status;
  state->length += rows;
  for (size_t t = 0; t < state->layout.tie_count; ++t)
    state->copied_bytes += or_tensor_bytes(state->held[t]) / (uint64_t)state->layout.capacity * (uint64_t)rows;
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

static or_status_t run_handing_on(or_state_t *state, size_t input_count, or_binding_t *outputs, size_t output_count) {
  size_t ties = state->layout.tie_count;
  for (size_t t = 0; t < ties; ++t)
    state->inputs[input_count + t] = (or_binding_t){.name = tied_input(state, t)->name, .tensor = state->held[t]};
  for (size_t b = 0; b < output_count; ++b)
    state->outputs[b] = (or_binding_t){.name = output_name(state, &outputs[b], b), .tensor = outputs[b].tensor};
  for (size_t t = 0; t < ties; ++t)
    state->outputs[output_count + t] =
        (or_binding_t){.name = output_of(state, state->layout.ties[t].output)->name, .tensor = NULL};
  or_status_t status =
      or_session_run(state->session, state->inputs, input_count + ties, state->outputs, output_count + ties);
  if (!or_ok(status)) return status;
  for (size_t b = 0; b < output_count; ++b) {
    outputs[b].tensor = state->outputs[b].tensor;
    outputs[b].shape = state->outputs[b].shape;
  }
  for (size_t t = 0; t < ties; ++t) {
    or_tensor_release(state->held[t]);
    state->held[t] = state->outputs[output_count + t].tensor;
    state->copied_bytes += or_tensor_bytes(state->held[t]);
    if (state->growth[t] >= 0) state->length = or_tensor_shape(state->held[t])->dims[state->growth[t]];
  }
  return status;
}

/* Of an appending state the rows stay where they are: they count no more. */
or_status_t or_state_reset(or_state_t *state) {
  or_status_t status = or_status_success();
  or_mutex_lock(&state->mutex);
  for (size_t t = 0; or_ok(status) && !state->appends && t < state->layout.tie_count; ++t) {
    or_tensor_t *empty = NULL;
    status = zeroed(state->session->device, tied_input(state, t)->dtype, or_state_shape(state, t, 0), &empty);
    if (!or_ok(status)) break;
    or_tensor_release(state->held[t]);
    state->held[t] = empty;
  }
  if (or_ok(status)) state->length = 0;
  or_mutex_unlock(&state->mutex);
  return status;
}

static or_status_t copy_layout(const or_state_t *from, or_state_t *to) {
  const or_allocator_t *allocator = from->session->runtime->allocator;
  size_t count = from->layout.tie_count;
  void *ties = NULL, *growth = NULL;
  or_status_t status = or_alloc_array(allocator, count, sizeof(or_graph_tie_t), &ties);
  if (!or_ok(status)) return status;
  memcpy(ties, from->layout.ties, count * sizeof(or_graph_tie_t));
  to->layout = from->layout;
  to->layout.ties = ties;
  status = or_alloc_array(allocator, count, sizeof(int32_t), &growth);
  if (!or_ok(status)) return status;
  memcpy(growth, from->growth, count * sizeof(int32_t));
  to->growth = growth;
  to->grows = from->grows;
  to->appends = from->appends;
  memcpy(to->reason, from->reason, sizeof to->reason);
  return status;
}

/* Tensors that are handed on are never written again: both states may hold one. */
static or_status_t copy_held(const or_state_t *from, or_state_t *to) {
  or_status_t status = to->appends ? hold(to) : or_status_success();
  for (size_t t = 0; or_ok(status) && t < from->layout.tie_count; ++t) {
    or_tensor_t *source = from->held[t];
    if (!to->appends) {
      or_tensor_retain(source);
      to->held[t] = source;
      continue;
    }
    status = or_buffer_copy(or_tensor_buffer(source), or_tensor_offset(source), or_tensor_buffer(to->held[t]),
                            or_tensor_offset(to->held[t]), or_tensor_bytes(source));
  }
  to->length = from->length;
  return status;
}

or_status_t or_state_fork(or_state_t *state, or_state_t **out) {
  or_state_t *copy = NULL;
  *out = NULL;
  or_status_t status = make(state->session, &copy);
  if (!or_ok(status)) return status;
  or_mutex_lock(&state->mutex);
  status = copy_layout(state, copy);
  if (or_ok(status)) status = copy_held(state, copy);
  or_mutex_unlock(&state->mutex);
  if (!or_ok(status)) {
    destroy(copy);
    return status;
  }
  *out = copy;
  return status;
}

int64_t or_state_length(or_state_t *state) {
  or_mutex_lock(&state->mutex);
  int64_t length = state->length;
  or_mutex_unlock(&state->mutex);
  return length;
}

size_t or_state_bytes(or_state_t *state) {
  size_t bytes = 0;
  or_mutex_lock(&state->mutex);
  for (size_t t = 0; t < state->layout.tie_count; ++t) bytes += or_tensor_bytes(state->held[t]);
  or_mutex_unlock(&state->mutex);
  return bytes;
}

void or_state_explain(or_state_t *state, or_state_report_t *out) {
  or_mutex_lock(&state->mutex);
  *out = (or_state_report_t){
      .appends = state->appends, .reason = state->appends ? "" : state->reason, .copied_bytes = state->copied_bytes};
  or_mutex_unlock(&state->mutex);
}
