#include "runtime/door.h"

#include <string.h>

#include "base/string.h"
#include "graph/graph.h"

#define WORDS_BYTES 200 /* of what is wanted, or given: a dtype and a shape */
#define MAX_LISTED_BYTES 300

void or_door_open(or_door_t *door, const or_graph_t *graph) {
  door->graph = graph;
  for (size_t s = 0; s < OR_DOOR_SYMBOLS; ++s) door->symbols[s] = OR_DIM_UNKNOWN;
}

static const or_value_info_t *info_of(const or_door_t *door, size_t input) {
  return &door->graph->values[door->graph->inputs[input]];
}

static bool wants_optional(const or_door_t *door, size_t input) {
  const or_value_form_t form = info_of(door, input)->form;
  return form == OR_FORM_OPTIONAL_TENSOR || form == OR_FORM_OPTIONAL_SEQUENCE;
}

/* "float32 [N,3]", "a sequence of int64 tensors", "null or a tensor of float32" */
static const char *wanted(const or_door_t *door, size_t input, char *words, size_t capacity) {
  const or_value_info_t *info = info_of(door, input);
  const char *dtype = or_dtype_name(info->dtype);
  char shape[WORDS_BYTES];
  switch (info->form) {
  case OR_FORM_TENSOR: break;
  case OR_FORM_SEQUENCE: return or_format(words, capacity, "a sequence of %s tensors", dtype);
  case OR_FORM_OPTIONAL_TENSOR: return or_format(words, capacity, "null or a tensor of %s", dtype);
  case OR_FORM_OPTIONAL_SEQUENCE: return or_format(words, capacity, "null or a sequence of %s tensors", dtype);
  }
  return or_format(words, capacity, "%s %s", dtype,
                   or_graph_format_shape(door->graph, &info->shape, shape, sizeof shape));
}

/* `detail`: " in element 3", ": dimension 1 differs"; "" */
static or_status_t mismatch(const or_door_t *door, size_t input, const char *given, const char *detail) {
  char words[WORDS_BYTES];
  return or_error(OR_INVALID_ARGUMENT, "input \"%s\": expected %s, got %s%s", info_of(door, input)->name,
                  wanted(door, input, words, sizeof words), given, detail);
}

static or_status_t tensor_mismatch(const or_door_t *door, size_t input, or_dtype_t dtype, const or_shape_t *shape,
                                   const char *detail) {
  char words[WORDS_BYTES], dims[WORDS_BYTES - 32];
  or_format(words, sizeof words, "%s %s", or_dtype_name(dtype), or_shape_format(shape, dims, sizeof dims));
  return mismatch(door, input, words, detail);
}

static or_status_t dimension_mismatch(const or_door_t *door, size_t input, or_dtype_t dtype, const or_shape_t *shape,
                                      int32_t dim, int64_t expected) {
  const int64_t declared = info_of(door, input)->shape.dims[dim];
  char detail[48];
  or_format(detail, sizeof detail, ": dimension %d differs", dim);
  or_status_t status = tensor_mismatch(door, input, dtype, shape, detail);
  if (declared >= 0) return status;
  or_status_t named =
      or_error(OR_INVALID_ARGUMENT, "%s: \"%s\" is %lld in an input before it", or_status_message(status),
               door->graph->symbols[OR_DIM_SYMBOL_INDEX(declared)], (long long)expected);
  or_status_ignore(status); /* said with where the other extent comes from */
  return named;
}

static or_status_t check_shape(or_door_t *door, size_t input, or_dtype_t dtype, const or_shape_t *shape) {
  const or_shape_t *declared = &info_of(door, input)->shape;
  if (declared->rank == OR_RANK_UNKNOWN) return or_status_success();
  if (shape->rank != declared->rank) return tensor_mismatch(door, input, dtype, shape, "");
  for (int32_t d = 0; d < shape->rank; ++d) {
    int64_t expected = declared->dims[d];
    if (expected < OR_DIM_UNKNOWN && OR_DIM_SYMBOL_INDEX(expected) < OR_DOOR_SYMBOLS) {
      int64_t *symbol = &door->symbols[OR_DIM_SYMBOL_INDEX(expected)];
      if (*symbol == OR_DIM_UNKNOWN) *symbol = shape->dims[d];
      expected = *symbol;
    }
    if (expected >= 0 && expected != shape->dims[d]) return dimension_mismatch(door, input, dtype, shape, d, expected);
  }
  return or_status_success();
}

or_status_t or_door_check_tensor(or_door_t *door, size_t input, or_dtype_t dtype, const or_shape_t *shape) {
  const or_value_info_t *info = info_of(door, input);
  const bool may_be = info->form == OR_FORM_TENSOR || info->form == OR_FORM_OPTIONAL_TENSOR;
  if (!may_be || dtype != info->dtype) return tensor_mismatch(door, input, dtype, shape, "");
  return info->form == OR_FORM_TENSOR ? check_shape(door, input, dtype, shape) : or_status_success();
}

or_status_t or_door_check_nothing(const or_door_t *door, size_t input) {
  return wants_optional(door, input) ? or_status_success() : mismatch(door, input, "null", "");
}

or_status_t or_door_check_sequence(const or_door_t *door, size_t input, size_t count) {
  const or_value_form_t form = info_of(door, input)->form;
  char words[WORDS_BYTES];
  if (form == OR_FORM_SEQUENCE || form == OR_FORM_OPTIONAL_SEQUENCE) return or_status_success();
  return mismatch(door, input, or_format(words, sizeof words, "a sequence of %zu", count), "");
}

or_status_t or_door_check_element(const or_door_t *door, size_t input, size_t element, or_dtype_t dtype,
                                  const or_shape_t *shape) {
  char detail[48];
  if (dtype == info_of(door, input)->dtype) return or_status_success();
  or_format(detail, sizeof detail, " as element %zu", element);
  return tensor_mismatch(door, input, dtype, shape, detail);
}

static or_status_t check_elements(const or_door_t *door, size_t input, const or_value_t *sequence) {
  or_status_t status = or_door_check_sequence(door, input, or_value_count(sequence));
  for (size_t i = 0; or_ok(status) && i < or_value_count(sequence); ++i) {
    const or_tensor_t *tensor = or_value_tensor(or_value_element(sequence, i));
    char detail[48];
    or_format(detail, sizeof detail, " as element %zu", i);
    status = tensor != NULL ? or_door_check_element(door, input, i, or_tensor_dtype(tensor), or_tensor_shape(tensor))
                            : mismatch(door, input, "what is no tensor", detail);
  }
  return status;
}

or_status_t or_door_check_given(or_door_t *door, size_t input, const or_value_t *value) {
  if (or_value_kind(value) == OR_VALUE_OPTIONAL) {
    if (or_value_count(value) == 0) return or_door_check_nothing(door, input);
    if (!wants_optional(door, input)) return mismatch(door, input, "an optional", "");
    value = or_value_element(value, 0);
  }
  const or_tensor_t *tensor = or_value_tensor(value);
  if (tensor != NULL) return or_door_check_tensor(door, input, or_tensor_dtype(tensor), or_tensor_shape(tensor));
  if (or_value_kind(value) == OR_VALUE_SEQUENCE) return check_elements(door, input, value);
  return mismatch(door, input, "an optional in an optional", "");
}

or_status_t or_door_check_value(or_door_t *door, size_t input, const or_value_t *value) {
  if (!wants_optional(door, input) || or_value_kind(value) == OR_VALUE_OPTIONAL)
    return or_door_check_given(door, input, value);
  return mismatch(door, input, "a value that is not in an optional", "");
}

or_status_t or_door_missing(const or_door_t *door, size_t input) {
  char words[WORDS_BYTES];
  return or_error(OR_INVALID_ARGUMENT, "input \"%s\" (%s) is missing", info_of(door, input)->name,
                  wanted(door, input, words, sizeof words));
}

or_status_t or_door_unknown(const or_graph_t *graph, const char *name, bool input) {
  const or_value_id_t *ids = input ? graph->inputs : graph->outputs;
  const size_t count = input ? graph->input_count : graph->output_count;
  char list[MAX_LISTED_BYTES] = "";
  for (size_t i = 0; i < count; ++i) {
    const size_t used = strlen(list);
    or_format(list + used, sizeof list - used, "%s\"%s\"", i > 0 ? ", " : "", graph->values[ids[i]].name);
  }
  return or_error(OR_INVALID_ARGUMENT, "the model has no %s \"%s\"; it has: %s", input ? "input" : "output", name,
                  list);
}
