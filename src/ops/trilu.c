#include "ops/trilu.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/indices.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t trilu_infer(or_op_call_t *call);
static or_status_t trilu_reference(or_op_call_t *call);

const or_op_t or_op_trilu = {
    .domain = "",
    .name = "Trilu",
    .summary = "upper or lower triangle of matrices, zeros elsewhere",
    .since = {14},
    .input_min = 1,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS,
    .attributes = {{"upper", OR_ATTRIBUTE_INT, false}},
    .infer = trilu_infer,
    .cost = or_cost_move,
    .reference = trilu_reference,
};

static or_status_t trilu_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  int64_t diagonal = 0;
  bool known = false;
  if (in->rank >= 0 && in->rank < 2)
    return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected at least 2", (int)in->rank);
  or_status_t status = or_scalar_input(call, 1, "k", 0, &diagonal, &known);
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

static void fill(or_dtype_t dtype, void *elements, uint64_t count) {
  if (dtype == OR_STRING) {
    or_strings_clear(elements, count);
  } else {
    memset(elements, 0, count * or_dtype_bits(dtype) / 8);
  }
}

static or_status_t trilu_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = &call->inputs[0];
  int64_t rows = in->shape.dims[in->shape.rank - 2], columns = in->shape.dims[in->shape.rank - 1], diagonal = 0;
  bool upper = or_op_attribute_int(call, "upper", 1) != 0, known = false;
  or_status_t status = or_scalar_input(call, 1, "k", 0, &diagonal, &known);
  if (!or_ok(status)) return status;
  diagonal = clamp(diagonal, -rows, columns);
  size_t bytes = or_dtype_bits(in->dtype) / 8;
  uint64_t count = columns > 0 ? or_shape_product(&in->shape, 0, in->shape.rank - 1) : 0;
  for (uint64_t r = 0; r < count && !or_stops(call->stop, 1 + (uint64_t)columns / 4); ++r) {
    int64_t row = (int64_t)(r % (uint64_t)rows);
    /* The upper triangle keeps columns from row + diagonal on, the lower one those up to it. */
    int64_t begin = upper ? clamp(row + diagonal, 0, columns) : 0;
    int64_t end = upper ? columns : clamp(row + diagonal + 1, 0, columns);
    const char *from = (const char *)in->data + r * (size_t)columns * bytes;
    char *to = (char *)call->outputs[0].data + r * (size_t)columns * bytes;
    fill(in->dtype, to, (uint64_t)begin);
    if (end > begin && to != from)
      memcpy(to + (size_t)begin * bytes, from + (size_t)begin * bytes, (size_t)(end - begin) * bytes);
    fill(in->dtype, to + (size_t)end * bytes, (uint64_t)(columns - end));
  }
  return status;
}
