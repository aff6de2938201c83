/* Tensors cut along an axis and joined again: what control flow and sequences do with them, in any dtype. */
#include "base/alloc.h"
#include "base/numbers.h"
#include "graph/expansion.h"
#include "runtime/program/program_internal.h"

/* An operator with a few attributes that no file has: Slice and Concat of what control flow cuts and joins. */
static or_status_t call_op(const or_program_t *program, const char *name, const or_attribute_t *axis,
                           or_tensor_t *const *inputs, uint32_t count, or_tensor_t **out) {
  const or_op_t *op = or_op_find("", name);
  const or_value_id_t none = OR_NO_VALUE;
  const or_node_t node = {.name = name,
                          .domain = "",
                          .op = name,
                          .version = 13,
                          .inputs = &none,
                          .outputs = &none,
                          .input_count = count,
                          .output_count = 1,
                          .attributes = axis,
                          .attribute_count = axis != NULL ? 1 : 0,
                          .definition = op};
  const or_host_call_t call = {.program = program,
                               .op = op,
                               .node = &node,
                               .inputs = inputs,
                               .input_count = count,
                               .outputs = out,
                               .output_count = 1};
  return or_host_call(&call);
}

static or_status_t slice(const or_program_t *program, or_tensor_t *tensor, int32_t axis, int64_t first, int64_t count,
                         or_tensor_t **out) {
  const or_shape_t one = {.rank = 1, .dims = {1}};
  const int64_t numbers[3] = {first, first + count, axis};
  or_tensor_t *inputs[4] = {tensor};
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < 3; ++i)
    status = or_tensor_create_from(program->host, OR_INT64, one, &numbers[i], sizeof numbers[i], &inputs[i + 1]);
  if (or_ok(status)) status = call_op(program, "Slice", NULL, inputs, 4, out);
  for (size_t i = 1; i < 4; ++i) or_tensor_release(inputs[i]);
  return status;
}

/* How elements lie around an axis: `outer` runs of `extent` rows of `row` elements. */
typedef struct runs_t {
  uint64_t outer, extent, row;
} runs_t;

static runs_t runs_around(const or_shape_t *shape, int32_t axis) {
  runs_t runs = {.outer = 1, .extent = (uint64_t)shape->dims[axis], .row = 1};
  for (int32_t d = 0; d < axis; ++d) runs.outer *= (uint64_t)shape->dims[d];
  for (int32_t d = axis + 1; d < shape->rank; ++d) runs.row *= (uint64_t)shape->dims[d];
  return runs;
}

/* A tensor to be filled by or_bits_copy, which sets no more of its last byte than elements. */
static or_status_t make_target(const or_program_t *program, or_dtype_t dtype, or_shape_t shape, or_tensor_t **out) {
  or_status_t status = or_tensor_create(program->host, dtype, shape, out);
  if (!or_ok(status) || or_tensor_bytes(*out) == 0) return status;
  ((char *)(uintptr_t)or_tensor_data(*out))[or_tensor_bytes(*out) - 1] = 0;
  return status;
}

or_status_t or_host_slice(const or_program_t *program, or_tensor_t *tensor, int32_t axis, int64_t first, int64_t count,
                          or_tensor_t **out) {
  or_shape_t shape = *or_tensor_shape(tensor);
  const or_dtype_t dtype = or_tensor_dtype(tensor);
  const runs_t runs = runs_around(&shape, axis);
  const uint64_t skipped = (uint64_t)first * runs.row, kept = (uint64_t)count * runs.row;
  const uint32_t bits = or_dtype_bits(dtype);
  if (runs.outer == 1 && bits * skipped % 8 == 0) {
    shape.dims[axis] = count;
    const size_t offset = or_tensor_offset(tensor) + (size_t)(bits * skipped / 8);
    return or_tensor_view(or_tensor_buffer(tensor), offset, dtype, shape, out);
  }
  if (dtype == OR_STRING) return slice(program, tensor, axis, first, count, out);
  shape.dims[axis] = count;
  or_status_t status = make_target(program, dtype, shape, out);
  if (!or_ok(status) || or_tensor_bytes(*out) == 0) return status;
  void *to = (void *)(uintptr_t)or_tensor_data(*out);
  for (uint64_t o = 0; o < runs.outer; ++o)
    or_bits_copy(bits, or_tensor_data(tensor), o * runs.extent * runs.row + skipped, to, o * kept, kept);
  return status;
}

/* Under one dimension more, of extent 1 at the axis. */
static or_status_t stacked(or_tensor_t *tensor, int32_t axis, or_tensor_t **out) {
  or_shape_t shape = *or_tensor_shape(tensor);
  if (shape.rank == OR_MAX_RANK)
    return or_error(OR_INVALID_ARGUMENT, "one dimension more than %d, the limit", OR_MAX_RANK);
  for (int32_t d = shape.rank; d > axis; --d) shape.dims[d] = shape.dims[d - 1];
  shape.dims[axis] = 1;
  ++shape.rank;
  return or_host_reshaped(tensor, shape, out);
}

/* Along any axis, of any dtype but strings. */
static or_status_t join_runs(const or_program_t *program, or_tensor_t *const *parts, size_t count, int32_t axis,
                             or_tensor_t **out) {
  or_shape_t shape = *or_tensor_shape(parts[0]);
  const or_dtype_t dtype = or_tensor_dtype(parts[0]);
  int64_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    or_shape_t other = *or_tensor_shape(parts[i]);
    const bool same_rank = other.rank == shape.rank;
    if (!same_rank || !or_add_i64(total, other.dims[axis], &total))
      return or_error(OR_INVALID_ARGUMENT, "tensor %zu has %d dimensions, and the first has %d", i, other.rank,
                      shape.rank);
    other.dims[axis] = shape.dims[axis];
    if (!or_shape_equal(&other, &shape) || or_tensor_dtype(parts[i]) != dtype) {
      char first[200], got[200];
      return or_error(OR_INVALID_ARGUMENT, "tensor %zu is %s %s, and the first is %s %s: they differ beside axis %d", i,
                      or_dtype_name(or_tensor_dtype(parts[i])),
                      or_shape_format(or_tensor_shape(parts[i]), got, sizeof got), or_dtype_name(dtype),
                      or_shape_format(or_tensor_shape(parts[0]), first, sizeof first), axis);
    }
  }
  shape.dims[axis] = total;
  if (!or_shape_is_within(&shape, program->graph->limits.tensor_elements)) {
    char text[200];
    return or_error(OR_RESOURCE_EXHAUSTED,
                    "what is joined, of shape %s, has more than %llu elements, the limit: raise limits.tensor_elements",
                    or_shape_format(&shape, text, sizeof text),
                    (unsigned long long)program->graph->limits.tensor_elements);
  }
  or_status_t status = make_target(program, dtype, shape, out);
  if (!or_ok(status) || or_tensor_bytes(*out) == 0) return status;
  const runs_t whole = runs_around(&shape, axis);
  void *to = (void *)(uintptr_t)or_tensor_data(*out);
  uint64_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t length = (uint64_t)or_tensor_shape(parts[i])->dims[axis] * whole.row;
    for (uint64_t o = 0; o < whole.outer && length > 0; ++o)
      or_bits_copy(or_dtype_bits(dtype), or_tensor_data(parts[i]), o * length, to, o * whole.extent * whole.row + at,
                   length);
    at += length;
  }
  return status;
}

or_status_t or_host_concat(const or_program_t *program, or_tensor_t *const *tensors, size_t count, int32_t axis,
                           bool stack, or_tensor_t **out) {
  const or_attribute_t attribute = {.name = "axis", .kind = OR_ATTRIBUTE_INT, .integer = axis};
  const or_dtype_t dtype = or_tensor_dtype(tensors[0]);
  or_tensor_t **parts = NULL;
  *out = NULL;
  or_status_t status = or_alloc_array(program->allocator, count + 1, sizeof *parts, (void **)&parts);
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    or_tensor_t *near = NULL;
    status = or_host_tensor(program, tensors[i], &near);
    if (or_ok(status) && stack) status = stacked(near, axis, &parts[i]);
    if (or_ok(status) && !stack) {
      or_tensor_retain(near);
      parts[i] = near;
    }
    or_tensor_release(near);
  }
  if (or_ok(status) && count > UINT32_MAX)
    status = or_error(OR_RESOURCE_EXHAUSTED, "%zu tensors to be joined, more than %u", count, UINT32_MAX);
  if (or_ok(status) && dtype != OR_STRING) {
    status = join_runs(program, parts, count, axis, out);
  } else if (or_ok(status)) {
    status = call_op(program, "Concat", &attribute, parts, (uint32_t)count, out);
  }
  for (size_t i = 0; parts != NULL && i < count; ++i) or_tensor_release(parts[i]);
  or_free(program->allocator, parts);
  return status;
}
