#include "ops/extents.h"

#include <string.h>

#include "ops/infer.h"
#include "ops/shape.h"

or_status_t or_integers_input(const or_op_call_t *call, uint32_t index, const char *name, bool wide_only,
                              or_integers_t *out) {
  *out = (or_integers_t){.known = true};
  if (!or_op_has_input(call, index)) return or_status_success();

  const or_op_tensor_t *input = &call->inputs[index];
  if (input->dtype != OR_INT64 && (wide_only || input->dtype != OR_INT32)) {
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) is %s; it must be int64%s", index, name,
                    or_dtype_name(input->dtype), wide_only ? "" : " or int32");
  }
  if (input->shape.rank > 1) {
    return or_error(OR_INVALID_ARGUMENT, "input %u (%s) has rank %d; it must be a list (rank 1)", index, name,
                    input->shape.rank);
  }
  out->known = false;
  out->count = OR_RANK_UNKNOWN;
  if (input->shape.rank == 0) out->count = 1;
  if (input->shape.rank == 1 && input->shape.dims[0] >= 0) {
    if (input->shape.dims[0] > OR_MAX_RANK) {
      return or_error(OR_INVALID_ARGUMENT, "input %u (%s) has %lld entries; a tensor has at most %d dimensions", index,
                      name, (long long)input->shape.dims[0], OR_MAX_RANK);
    }
    out->count = (int32_t)input->shape.dims[0];
  }
  if (out->count < 0 || (input->data == NULL && out->count > 0)) return or_status_success();
  out->known = true;
  for (int32_t i = 0; i < out->count; ++i) {
    if (input->dtype == OR_INT64) {
      memcpy(&out->values[i], (const char *)input->data + (size_t)i * sizeof(int64_t), sizeof(int64_t));
    } else {
      int32_t narrow;
      memcpy(&narrow, (const char *)input->data + (size_t)i * sizeof narrow, sizeof narrow);
      out->values[i] = narrow;
    }
  }
  return or_status_success();
}

or_status_t or_integers_attribute(const or_op_call_t *call, const char *name, or_integers_t *out) {
  *out = (or_integers_t){.known = true};
  size_t count = 0;
  const int64_t *values = or_op_attribute_ints(call, name, &count);
  if (count > OR_MAX_RANK) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" has %zu entries; a tensor has at most %d dimensions", name,
                    count, OR_MAX_RANK);
  }
  out->count = (int32_t)count;
  if (count > 0) memcpy(out->values, values, count * sizeof *values);
  return or_status_success();
}

or_status_t or_integers_mark_axes(const or_integers_t *axes, int32_t rank, bool marked[OR_MAX_RANK]) {
  memset(marked, 0, OR_MAX_RANK * sizeof *marked);
  for (int32_t i = 0; i < axes->count; ++i) {
    int32_t axis = 0;
    or_status_t status = or_axis_normalize(axes->values[i], rank, &axis);
    if (!or_ok(status)) return status;
    if (marked[axis]) return or_error(OR_INVALID_ARGUMENT, "axis %d is given twice", axis);
    marked[axis] = true;
  }
  return or_status_success();
}

or_status_t or_refuse_attribute(const or_op_call_t *call, const char *name, int since) {
  if (call->node->version < since || or_op_attribute(call, name) == NULL) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "attribute \"%s\" does not exist in version %d; since version %d it is an input",
                  name, call->node->version, since);
}

or_status_t or_extent_product(const int64_t *extents, int32_t count, int64_t *out) {
  int64_t product = 1, symbol = 0;
  uint32_t symbol_count = 0;
  for (int32_t i = 0; i < count; ++i) {
    if (extents[i] == 0) {
      *out = 0;
      return or_status_success();
    }
    if (extents[i] < 0) {
      symbol = extents[i];
      symbol_count++;
    } else if (!or_mul_i64(product, extents[i], &product)) {
      return or_error(OR_OUT_OF_RANGE, "the product of %d extents exceeds %lld", count, (long long)INT64_MAX);
    }
  }
  *out = symbol_count == 0 ? product : OR_DIM_UNKNOWN;
  if (symbol_count == 1 && product == 1) *out = symbol;
  return or_status_success();
}

or_status_t or_shape_check_count(const or_shape_t *shape) {
  uint64_t count = 0;
  if (!or_shape_is_static(shape) || or_shape_count(shape, &count)) return or_status_success();
  char text[OR_MAX_RANK * 21];
  return or_error(OR_OUT_OF_RANGE, "the output's shape %s has more than %lld elements",
                  or_shape_format(shape, text, sizeof text), (long long)INT64_MAX);
}

or_status_t or_shape_unknown(int32_t rank, or_shape_t *out) {
  if (rank > OR_MAX_RANK) {
    return or_error(OR_INVALID_ARGUMENT, "the output would have rank %d; the limit is %d", rank, OR_MAX_RANK);
  }
  *out = (or_shape_t){.rank = rank < 0 ? OR_RANK_UNKNOWN : rank};
  for (int32_t i = 0; i < rank; ++i) out->dims[i] = OR_DIM_UNKNOWN;
  return or_status_success();
}

#define COPY_BYTES ((size_t)4 << 20) /* at once */

or_status_t or_reference_copy(or_op_call_t *call) {
  uint64_t count = or_shape_product(&call->outputs[0].shape, 0, call->outputs[0].shape.rank);
  size_t bytes = or_dtype_bytes(call->outputs[0].dtype, count);
  if (call->outputs[0].data == call->inputs[0].data) return or_status_success();
  for (size_t done = 0; done < bytes; done += COPY_BYTES) {
    const size_t part = bytes - done < COPY_BYTES ? bytes - done : COPY_BYTES;
    memcpy((char *)call->outputs[0].data + done, (const char *)call->inputs[0].data + done, part);
    if (or_stops(call->stop, OR_STOP_COPIED(part))) break;
  }
  return or_status_success();
}

or_cost_t or_cost_move(const or_op_call_t *call) {
  or_cost_t cost = {0};
  for (uint32_t i = 0; i < call->output_count; ++i) cost.bytes_written += or_cost_bytes(&call->outputs[i]);
  cost.bytes_read = cost.bytes_written;
  return cost;
}
