#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "runtime/state_internal.h"

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
  if (or_ok(status) && state->grows && options->capacity > OR_STATE_MAX_ROWS) {
    status = or_error(OR_INVALID_ARGUMENT, "a capacity of %lld rows; the limit is %lld", (long long)options->capacity,
                      (long long)OR_STATE_MAX_ROWS);
  }
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
  atomic_fetch_add(&session->states, 1);
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
  atomic_fetch_sub(&session->states, 1);
  or_session_release(session);
}

/* Rows are appended where the graph for one new row can be had that way. */
static or_status_t choose_kind(or_state_t *state) {
  or_session_t *one_row = NULL;
  if (state->session->program != NULL) {
    or_format(state->reason, sizeof state->reason, "the model has control flow or shapes that only data tells");
    return or_status_success();
  }
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

static or_status_t check_idle_locked(const or_state_t *state) {
  if (!state->running) return or_status_success();
  return or_error(OR_FAILED_PRECONDITION, "a run with this state is under way: reset and fork wait for its end");
}

/* Of an appending state the rows stay where they are: they count no more. */
or_status_t or_state_reset(or_state_t *state) {
  or_mutex_lock(&state->mutex);
  or_status_t status = check_idle_locked(state);
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
  status = check_idle_locked(state);
  if (or_ok(status)) status = copy_layout(state, copy);
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
  *out = (or_state_report_t){.appends = state->appends,
                             .reason = state->appends ? "" : state->reason,
                             .capacity = state->grows ? state->layout.capacity : 0,
                             .tie_count = state->layout.tie_count};
  for (size_t t = 0; t < state->layout.tie_count; ++t) {
    or_shape_t row = or_state_shape(state, t, 1);
    uint64_t count = 0;
    if (state->growth[t] >= 0 && or_shape_count(&row, &count)) /* else the caches could not have been made */
      out->row_bytes += or_dtype_bytes(tied_input(state, t)->dtype, count);
  }
  or_mutex_lock(&state->mutex);
  out->copied_bytes = state->copied_bytes;
  or_mutex_unlock(&state->mutex);
}

or_state_tie_t or_state_tie(const or_state_t *state, size_t index, int32_t *grows) {
  *grows = state->growth[index];
  return (or_state_tie_t){.input = tied_input(state, index)->name,
                          .output = output_of(state, state->layout.ties[index].output)->name};
}
