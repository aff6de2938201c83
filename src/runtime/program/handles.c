/* Sequences and optionals: values are handed about, tensors in them are not copied. */
#include <string.h>

#include "base/alloc.h"
#include "runtime/program/program_internal.h"

static const or_node_t *node_of(const or_program_frame_t *frame, const or_step_t *step) {
  return or_step_first_node(frame->program, step);
}

/* Input `index`; NULL: left out. */
static or_value_t *input(const or_program_frame_t *frame, const or_node_t *node, uint32_t index) {
  return index < node->input_count ? or_frame_value(frame, node->inputs[index]) : NULL;
}

static int64_t attribute_int(const or_node_t *node, const char *name, int64_t fallback) {
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    if (strcmp(node->attributes[i].name, name) == 0) return node->attributes[i].integer;
  }
  return fallback;
}

static or_status_t need_sequence(or_value_t *value, or_value_t **out) {
  *out = value;
  if (value != NULL && or_value_kind(value) == OR_VALUE_OPTIONAL) *out = or_value_element(value, 0);
  if (*out != NULL && or_value_kind(*out) == OR_VALUE_SEQUENCE) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "what should be a sequence is none");
}

/* An index into `count` elements, counted from the end if it is negative; `past`: one behind the last is fine. */
static or_status_t read_index(const or_program_frame_t *frame, const or_value_t *value, size_t count, bool past,
                              size_t *out) {
  int64_t index = 0;
  const int64_t end = (int64_t)count + (past ? 1 : 0);
  or_status_t status = or_host_read_scalar(frame->program, value, "position", &index);
  if (!or_ok(status)) return status;
  if (index < -(int64_t)count || index >= end)
    return or_error(OR_INVALID_ARGUMENT, "position %lld in a sequence of %zu", (long long)index, count);
  *out = (size_t)(index < 0 ? index + (int64_t)count : index);
  return status;
}

static or_status_t put_sequence(or_program_frame_t *frame, const or_node_t *node, or_value_t *const *elements,
                                size_t count) {
  or_value_t *sequence = NULL;
  or_status_t status = or_value_sequence(frame->program->allocator, elements, count, &sequence);
  return or_ok(status) ? or_frame_put(frame, node->outputs[0], sequence) : status;
}

static or_status_t construct(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  or_value_t **elements = NULL;
  or_status_t status =
      or_alloc_array(frame->program->allocator, node->input_count + 1, sizeof *elements, (void **)&elements);
  for (uint32_t i = 0; or_ok(status) && i < node->input_count; ++i) elements[i] = input(frame, node, i);
  if (or_ok(status)) status = put_sequence(frame, node, elements, node->input_count);
  or_free(frame->program->allocator, elements);
  return status;
}

static or_status_t empty(or_program_frame_t *frame, const or_step_t *step) {
  return put_sequence(frame, node_of(frame, step), NULL, 0);
}

static or_status_t at(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  or_value_t *sequence = NULL;
  size_t index = 0;
  or_status_t status = need_sequence(input(frame, node, 0), &sequence);
  if (or_ok(status)) status = read_index(frame, input(frame, node, 1), or_value_count(sequence), false, &index);
  if (!or_ok(status)) return status;
  or_value_t *element = or_value_element(sequence, index);
  or_value_retain(element);
  return or_frame_put(frame, node->outputs[0], element);
}

/* The elements of a sequence with one more before `index`, or without the one there. */
static or_status_t changed(or_program_frame_t *frame, const or_node_t *node, or_value_t *sequence, size_t index,
                           or_value_t *added) {
  const size_t count = or_value_count(sequence);
  or_value_t **elements = NULL;
  size_t filled = 0;
  or_status_t status = or_alloc_array(frame->program->allocator, count + 1, sizeof *elements, (void **)&elements);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i <= count; ++i) {
    if (i == index && added != NULL) elements[filled++] = added;
    if (i < count && (i != index || added != NULL)) elements[filled++] = or_value_element(sequence, i);
  }
  status = put_sequence(frame, node, elements, filled);
  or_free(frame->program->allocator, elements);
  return status;
}

static or_status_t insert(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  or_value_t *sequence = NULL, *added = input(frame, node, 1), *position = input(frame, node, 2);
  or_status_t status = need_sequence(input(frame, node, 0), &sequence);
  size_t index = or_ok(status) ? or_value_count(sequence) : 0;
  if (or_ok(status) && position != NULL) status = read_index(frame, position, or_value_count(sequence), true, &index);
  return or_ok(status) ? changed(frame, node, sequence, index, added) : status;
}

static or_status_t erase(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  or_value_t *sequence = NULL, *position = input(frame, node, 1);
  or_status_t status = need_sequence(input(frame, node, 0), &sequence);
  if (or_ok(status) && or_value_count(sequence) == 0)
    status = or_error(OR_INVALID_ARGUMENT, "nothing can be taken from an empty sequence");
  size_t index = or_ok(status) ? or_value_count(sequence) - 1 : 0;
  if (or_ok(status) && position != NULL) status = read_index(frame, position, or_value_count(sequence), false, &index);
  return or_ok(status) ? changed(frame, node, sequence, index, NULL) : status;
}

static or_status_t put_scalar(or_program_frame_t *frame, const or_node_t *node, or_dtype_t dtype, int64_t content) {
  or_tensor_t *tensor = NULL;
  or_status_t status = or_host_scalar(frame->program, dtype, content, &tensor);
  if (or_ok(status)) status = or_frame_put_tensor(frame, node->outputs[0], tensor);
  or_tensor_release(tensor);
  return status;
}

static or_status_t length(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  or_value_t *sequence = NULL;
  or_status_t status = need_sequence(input(frame, node, 0), &sequence);
  return or_ok(status) ? put_scalar(frame, node, OR_INT64, (int64_t)or_value_count(sequence)) : status;
}

static or_status_t concat(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  or_value_t *sequence = NULL;
  or_tensor_t **tensors = NULL, *joined = NULL;
  uint64_t bytes = 0;
  const bool stack = attribute_int(node, "new_axis", 0) != 0;
  int64_t axis = attribute_int(node, "axis", 0);
  or_status_t status = need_sequence(input(frame, node, 0), &sequence);
  if (!or_ok(status)) return status;
  const size_t count = or_value_count(sequence);
  if (count == 0) return or_error(OR_INVALID_ARGUMENT, "an empty sequence can't be joined");
  const int32_t rank = or_tensor_shape(or_value_tensor(or_value_element(sequence, 0)))->rank + (stack ? 1 : 0);
  if (axis < -rank || axis >= rank)
    return or_error(OR_INVALID_ARGUMENT, "axis %lld of a result of %d dimensions", (long long)axis, rank);
  if (axis < 0) axis += rank;
  status = or_alloc_array(frame->program->allocator, count, sizeof *tensors, (void **)&tensors);
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    tensors[i] = or_value_tensor(or_value_element(sequence, i));
    if (__builtin_add_overflow(bytes, (uint64_t)or_tensor_bytes(tensors[i]), &bytes)) bytes = UINT64_MAX;
  }
  if (or_ok(status)) status = or_expansion_check(&frame->alive->expansion, bytes);
  if (or_ok(status)) status = or_host_concat(frame->program, tensors, count, (int32_t)axis, stack, &joined);
  if (or_ok(status)) status = or_frame_put_tensor(frame, node->outputs[0], joined);
  or_tensor_release(joined);
  or_free(frame->program->allocator, tensors);
  return status;
}

/* How SplitToSequence cuts: `sizes` of `count` pieces; one each of `each` where there is no list. */
typedef struct cuts_t {
  int64_t extent, each;
  int64_t *sizes; /* or_free */
  size_t count;
  bool keep; /* the dimension stays */
} cuts_t;

static or_status_t read_sizes(const or_program_frame_t *frame, or_tensor_t *given, cuts_t *cuts) {
  or_tensor_t *tensor = NULL;
  int64_t total = 0;
  const bool wide = or_tensor_dtype(given) == OR_INT64;
  if (!wide && or_tensor_dtype(given) != OR_INT32)
    return or_error(OR_INVALID_ARGUMENT, "the sizes are %s, expected int32 or int64",
                    or_dtype_name(or_tensor_dtype(given)));
  or_status_t status = or_host_tensor(frame->program, given, &tensor);
  cuts->count = (size_t)or_tensor_count(given);
  if (or_ok(status))
    status = or_alloc_array(frame->program->allocator, cuts->count + 1, sizeof *cuts->sizes, (void **)&cuts->sizes);
  for (size_t i = 0; or_ok(status) && i < cuts->count; ++i) {
    const void *data = or_tensor_data(tensor);
    cuts->sizes[i] = wide ? ((const int64_t *)data)[i] : ((const int32_t *)data)[i];
    if (cuts->sizes[i] < 0 || !or_add_i64(total, cuts->sizes[i], &total))
      status = or_error(OR_INVALID_ARGUMENT, "size %zu is %lld", i, (long long)cuts->sizes[i]);
  }
  if (or_ok(status) && total != cuts->extent)
    status = or_error(OR_INVALID_ARGUMENT, "the sizes are %lld together, and the dimension is %lld", (long long)total,
                      (long long)cuts->extent);
  or_tensor_release(tensor);
  return status;
}

static or_status_t find_cuts(const or_program_frame_t *frame, const or_node_t *node, or_value_t *split, cuts_t *cuts) {
  cuts->each = 1;
  cuts->keep = split != NULL || attribute_int(node, "keepdims", 1) != 0;
  if (split == NULL) {
    cuts->count = (size_t)cuts->extent;
    return or_status_success();
  }
  or_tensor_t *given = or_value_tensor(split);
  if (given == NULL) return or_error(OR_INVALID_ARGUMENT, "the sizes are no tensor");
  if (or_tensor_shape(given)->rank > 0) return read_sizes(frame, given, cuts);
  or_status_t status = or_host_read_scalar(frame->program, split, "size", &cuts->each);
  if (or_ok(status) && cuts->each < 1) return or_error(OR_INVALID_ARGUMENT, "a size of %lld", (long long)cuts->each);
  if (or_ok(status)) cuts->count = (size_t)(cuts->extent / cuts->each + (cuts->extent % cuts->each != 0));
  return status;
}

static or_status_t cut(const or_program_frame_t *frame, or_tensor_t *tensor, int32_t axis, const cuts_t *cuts,
                       or_value_t **pieces) {
  const or_program_t *program = frame->program;
  or_status_t status = or_status_success();
  int64_t first = 0;
  for (size_t i = 0; or_ok(status) && i < cuts->count; ++i) {
    or_tensor_t *piece = NULL, *shaped = NULL;
    int64_t size = cuts->sizes != NULL ? cuts->sizes[i] : cuts->each;
    if (size > cuts->extent - first) size = cuts->extent - first;
    status = or_host_slice(program, tensor, axis, first, size, &piece);
    if (or_ok(status)) {
      or_shape_t shape = *or_tensor_shape(piece);
      for (int32_t d = axis; !cuts->keep && d + 1 < shape.rank; ++d) shape.dims[d] = shape.dims[d + 1];
      if (!cuts->keep) --shape.rank;
      status = or_host_reshaped(piece, shape, &shaped);
    }
    if (or_ok(status)) status = or_value_from_tensor(program->allocator, shaped, &pieces[i]);
    or_tensor_release(shaped);
    or_tensor_release(piece);
    first += size;
  }
  return status;
}

/* Each piece is a value, and a tensor that may be a copy. */
static uint64_t bytes_of_cuts(const cuts_t *cuts) {
  uint64_t bytes = 0;
  if (__builtin_mul_overflow((uint64_t)cuts->count, (uint64_t)OR_ALIVE_VALUE_BYTES, &bytes)) return UINT64_MAX;
  return bytes;
}

static or_status_t split(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  const or_allocator_t *allocator = frame->program->allocator;
  or_value_t *value = input(frame, node, 0), **pieces = NULL;
  or_tensor_t *tensor = value != NULL ? or_value_tensor(value) : NULL, *near = NULL;
  int64_t axis = attribute_int(node, "axis", 0);
  cuts_t cuts = {.sizes = NULL};
  if (tensor == NULL) return or_error(OR_INVALID_ARGUMENT, "what should be cut is no tensor");
  const or_shape_t *shape = or_tensor_shape(tensor);
  if (axis < -shape->rank || axis >= shape->rank)
    return or_error(OR_INVALID_ARGUMENT, "axis %lld of %d dimensions", (long long)axis, shape->rank);
  if (axis < 0) axis += shape->rank;
  cuts.extent = shape->dims[axis];
  or_status_t status = find_cuts(frame, node, input(frame, node, 1), &cuts);
  if (or_ok(status)) status = or_host_tensor(frame->program, tensor, &near);
  if (or_ok(status)) status = or_expansion_check(&frame->alive->expansion, bytes_of_cuts(&cuts));
  if (or_ok(status)) status = or_alloc_array(allocator, cuts.count + 1, sizeof(or_value_t *), (void **)&pieces);
  if (or_ok(status)) status = cut(frame, near, (int32_t)axis, &cuts, pieces);
  if (or_ok(status)) status = put_sequence(frame, node, pieces, cuts.count);
  for (size_t i = 0; pieces != NULL && i < cuts.count; ++i) or_value_release(pieces[i]);
  or_tensor_release(near);
  or_free(allocator, pieces);
  or_free(allocator, cuts.sizes);
  return status;
}

static or_status_t optional(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  or_value_t *made = NULL;
  or_status_t status = or_value_optional(frame->program->allocator, input(frame, node, 0), &made);
  return or_ok(status) ? or_frame_put(frame, node->outputs[0], made) : status;
}

static or_status_t has_element(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  const or_value_t *value = input(frame, node, 0);
  const bool empty_optional = value != NULL && or_value_kind(value) == OR_VALUE_OPTIONAL && or_value_count(value) == 0;
  return put_scalar(frame, node, OR_BOOL, value != NULL && !empty_optional);
}

static or_status_t get_element(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  or_value_t *value = input(frame, node, 0);
  if (value != NULL && or_value_kind(value) == OR_VALUE_OPTIONAL) value = or_value_element(value, 0);
  if (value == NULL) return or_error(OR_INVALID_ARGUMENT, "the optional is empty");
  or_value_retain(value);
  return or_frame_put(frame, node->outputs[0], value);
}

static or_status_t identity(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = node_of(frame, step);
  or_value_t *value = input(frame, node, 0);
  if (value == NULL) return or_error(OR_INVALID_ARGUMENT, "input 0 is not there");
  or_value_retain(value);
  return or_frame_put(frame, node->outputs[0], value);
}

or_step_run_t or_step_handle(const char *op) {
  static const struct {
    const char *op;
    or_step_run_t run;
  } rows[] = {{"SequenceConstruct", construct},
              {"SequenceEmpty", empty},
              {"SequenceAt", at},
              {"SequenceInsert", insert},
              {"SequenceErase", erase},
              {"SequenceLength", length},
              {"ConcatFromSequence", concat},
              {"SplitToSequence", split},
              {"Optional", optional},
              {"OptionalHasElement", has_element},
              {"OptionalGetElement", get_element},
              {"Identity", identity}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    if (strcmp(op, rows[i].op) == 0) return rows[i].run;
  }
  return NULL;
}
