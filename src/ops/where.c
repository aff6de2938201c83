#include "ops/where.h"

#include <string.h>

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/rows.h"
#include "ops/strings.h"

static or_status_t where_infer(or_op_call_t *call) {
  or_dtype_t x = call->inputs[1].dtype, y = call->inputs[2].dtype;
  if (x != y) {
    return or_error(OR_INVALID_ARGUMENT, "inputs 1 and 2 differ in dtype: %s and %s", or_dtype_name(x),
                    or_dtype_name(y));
  }
  if (!or_dtype_is_one_of(x, OR_OP_ALL_FIXED | OR_OP_STRINGS)) {
    return or_error(OR_UNIMPLEMENTED, "Where does not take %s in inputs 1 and 2", or_dtype_name(x));
  }
  or_shape_t shape;
  or_status_t status = or_shape_broadcast(&call->inputs[1].shape, &call->inputs[2].shape, &shape);
  if (!or_ok(status)) return or_status_context(status, "inputs 1 and 2");
  call->outputs[0].dtype = x;
  status = or_shape_broadcast(&call->inputs[0].shape, &shape, &call->outputs[0].shape);
  return or_status_context(status, "the condition");
}

#define SELECT(bytes)                                                                                       \
  do {                                                                                                      \
    for (int64_t i = 0; i < rows->length; ++i) {                                                            \
      const char *from =                                                                                    \
          condition[i * rows->step[0]] ? x + i * rows->step[1] * (bytes) : y + i * rows->step[2] * (bytes); \
      memcpy(out + i * (bytes), from, (bytes));                                                             \
    }                                                                                                       \
  } while (0)

static void select_row(const or_op_call_t *call, const or_rows_t *rows, int64_t bytes) {
  const uint8_t *condition = (const uint8_t *)call->inputs[0].data + rows->first[0];
  const char *x = (const char *)call->inputs[1].data + rows->first[1] * bytes;
  const char *y = (const char *)call->inputs[2].data + rows->first[2] * bytes;
  char *out = (char *)call->outputs[0].data + rows->out * bytes;
  switch (bytes) {
  case 1: SELECT(1); break;
  case 2: SELECT(2); break;
  case 4: SELECT(4); break;
  case 8: SELECT(8); break;
  default: SELECT(16); break;
  }
}

static or_status_t where_reference(or_op_call_t *call) {
  const or_shape_t *shapes[] = {&call->inputs[0].shape, &call->inputs[1].shape, &call->inputs[2].shape};
  int64_t bytes = or_dtype_bits(call->outputs[0].dtype) / 8;
  or_rows_t rows;
  for (or_rows_begin_broadcast(&rows, &call->outputs[0].shape, shapes, 3, call->stop); rows.more; or_rows_next(&rows)) {
    select_row(call, &rows, bytes);
  }
  return or_status_success();
}

static or_cost_t where_cost(const or_op_call_t *call) { return or_cost_per_output(call, 0); }

const or_op_t or_op_where = {
    .domain = "",
    .name = "Where",
    .summary = "elements of X where the condition is true, of Y elsewhere, broadcast",
    .since = {9, 16},
    .input_min = 3,
    .input_max = 3,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_DTYPE_BIT(OR_BOOL),
    .pointwise = true,
    .infer = where_infer,
    .cost = where_cost,
    .reference = where_reference,
};
