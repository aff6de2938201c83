/* Which outputs a state ties to which inputs, and along which dimension they grow. */
#include <string.h>

#include "base/alloc.h"
#include "runtime/state_internal.h"

static or_status_t find_by_names(or_state_t *state);
static or_status_t find_given(or_state_t *state, const or_state_options_t *options);
static or_status_t check_tie(or_state_t *state, size_t tie);
static uint32_t find_mask(const or_state_t *state);

or_status_t or_state_find_ties(or_state_t *state, const or_state_options_t *options) {
  const or_graph_t *graph = state->session->graph;
  const or_allocator_t *allocator = state->session->runtime->allocator;
  void *ties = NULL, *growth = NULL;
  size_t most = options->ties != NULL ? options->tie_count : graph->input_count;
  state->layout.mask = UINT32_MAX;
  or_status_t status = or_alloc_array(allocator, most + 1, sizeof(or_graph_tie_t), &ties);
  if (or_ok(status)) {
    state->layout.ties = ties;
    status = or_alloc_array(allocator, most + 1, sizeof(int32_t), &growth);
  }
  if (!or_ok(status)) return status;
  state->growth = growth;
  status = options->ties != NULL ? find_given(state, options) : find_by_names(state);
  for (size_t t = 0; or_ok(status) && t < state->layout.tie_count; ++t) {
    status = check_tie(state, t);
    state->grows = state->grows || state->growth[t] >= 0;
  }
  if (or_ok(status) && state->grows) state->layout.mask = find_mask(state);
  return status;
}

static void add_tie(or_state_t *state, uint32_t input, uint32_t output) {
  ((or_graph_tie_t *)state->layout.ties)[state->layout.tie_count++] = (or_graph_tie_t){input, output};
}

/* The text without the first of `words` that it holds: what stands before it and behind. */
static bool split_at(const char *text, const char *const words[2], size_t *before, const char **behind) {
  for (int i = 0; i < 2; ++i) {
    const char *at = strstr(text, words[i]);
    if (at == NULL) continue;
    *before = (size_t)(at - text);
    *behind = at + strlen(words[i]);
    return true;
  }
  return false;
}

static bool names_match(const char *input, const char *output) {
  static const char *const pasts[] = {"past_key_values", "past"}, *const presents[] = {"present_key_values", "present"};
  size_t before = 0, output_before = 0;
  const char *behind = NULL, *output_behind = NULL;
  return split_at(input, pasts, &before, &behind) && split_at(output, presents, &output_before, &output_behind) &&
         before == output_before && memcmp(input, output, before) == 0 && strcmp(behind, output_behind) == 0;
}

static or_status_t find_by_names(or_state_t *state) {
  const or_graph_t *graph = state->session->graph;
  for (uint32_t i = 0; i < graph->input_count; ++i) {
    for (uint32_t o = 0; o < graph->output_count; ++o) {
      if (!names_match(input_of(state, i)->name, output_of(state, o)->name)) continue;
      add_tie(state, i, o);
      break;
    }
  }
  if (state->layout.tie_count > 0) return or_status_success();
  return or_error(OR_NOT_FOUND, "model \"%s\" has no inputs \"past…\" with outputs \"present…\": name the ties",
                  graph->name);
}

static or_status_t find_given(or_state_t *state, const or_state_options_t *options) {
  const or_graph_t *graph = state->session->graph;
  for (size_t t = 0; t < options->tie_count; ++t) {
    const or_state_tie_t *tie = &options->ties[t];
    uint32_t input = 0, output = 0;
    while (input < graph->input_count && strcmp(input_of(state, input)->name, tie->input) != 0) ++input;
    while (output < graph->output_count && strcmp(output_of(state, output)->name, tie->output) != 0) ++output;
    if (input == graph->input_count)
      return or_error(OR_INVALID_ARGUMENT, "the model has no input \"%s\" to tie", tie->input);
    if (output == graph->output_count)
      return or_error(OR_INVALID_ARGUMENT, "the model has no output \"%s\" to tie", tie->output);
    for (size_t other = 0; other < state->layout.tie_count; ++other) {
      if (state->layout.ties[other].input == input || state->layout.ties[other].output == output)
        return or_error(OR_INVALID_ARGUMENT, "\"%s\" and \"%s\": one of them is tied twice", tie->input, tie->output);
    }
    add_tie(state, input, output);
  }
  return options->tie_count > 0 ? or_status_success() : or_error(OR_INVALID_ARGUMENT, "no ties are given");
}

/* An extent that the model leaves open and gives back unchanged is the batch; one that comes back as another is the
 * length. */
static or_status_t check_tie(or_state_t *state, size_t tie) {
  const or_value_info_t *in = input_of(state, state->layout.ties[tie].input);
  const or_value_info_t *out = output_of(state, state->layout.ties[tie].output);
  bool shaped = in->shape.rank > 0 && (out->shape.rank == OR_RANK_UNKNOWN || out->shape.rank == in->shape.rank);
  if ((out->dtype != OR_DTYPE_NONE && in->dtype != out->dtype) || !shaped || in->dtype == OR_STRING) {
    return or_error(OR_INVALID_ARGUMENT, "output \"%s\" can't be the next run's input \"%s\": dtypes or ranks differ",
                    out->name, in->name);
  }
  state->growth[tie] = -1;
  for (int32_t d = 0; d < in->shape.rank; ++d) {
    int64_t extent = in->shape.dims[d], given = out->shape.rank == in->shape.rank ? out->shape.dims[d] : OR_DIM_UNKNOWN;
    if (extent >= 0) {
      if (given < 0 || given == extent) continue;
      return or_error(OR_INVALID_ARGUMENT, "output \"%s\" can't be the next run's input \"%s\": dimension %d differs",
                      out->name, in->name, d);
    }
    if (d == 0 || (given == extent && given != OR_DIM_UNKNOWN)) continue;
    if (state->growth[tie] >= 0) {
      return or_error(OR_UNIMPLEMENTED,
                      "input \"%s\" leaves dimensions %d and %d open: one of them only can be a length", in->name,
                      state->growth[tie], d);
    }
    state->growth[tie] = d;
  }
  return or_status_success();
}

or_shape_t or_state_shape(const or_state_t *state, size_t tie, int64_t length) {
  or_shape_t shape = input_of(state, state->layout.ties[tie].input)->shape;
  for (int32_t d = 0; d < shape.rank; ++d) {
    if (shape.dims[d] < 0) shape.dims[d] = d == state->growth[tie] ? length : state->layout.batch;
  }
  return shape;
}

static bool is_tied(const or_state_t *state, uint32_t input) {
  for (size_t t = 0; t < state->layout.tie_count; ++t) {
    if (state->layout.ties[t].input == input) return true;
  }
  return false;
}

/* Among the inputs that are not tied, [batch, N] each, the one whose second extent is another than the first's: past
 * and new rows together. */
static uint32_t find_mask(const or_state_t *state) {
  const or_graph_t *graph = state->session->graph;
  int64_t rows = 0;
  for (uint32_t i = 0; i < graph->input_count; ++i) {
    const or_shape_t *shape = &input_of(state, i)->shape;
    if (is_tied(state, i) || shape->rank != 2 || shape->dims[1] >= 0 || input_of(state, i)->constant != NULL) continue;
    if (strstr(input_of(state, i)->name, "mask") != NULL) return i;
    if (rows == 0) rows = shape->dims[1];
    if (rows != shape->dims[1]) return i;
  }
  return UINT32_MAX;
}
