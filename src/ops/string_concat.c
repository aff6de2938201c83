#include "ops/string_concat.h"

#include "ops/binary.h"
#include "ops/infer.h"
#include "ops/rows.h"
#include "ops/strings.h"

static or_status_t concat_infer(or_op_call_t *call) { return or_infer_broadcast_pair(call, OR_STRING); }
static or_cost_t concat_cost(const or_op_call_t *call) { return or_cost_per_output(call, 0); }

static void begin(const or_op_call_t *call, or_rows_t *rows) {
  const or_shape_t *shapes[] = {&call->inputs[0].shape, &call->inputs[1].shape};
  or_rows_begin_broadcast(rows, &call->outputs[0].shape, shapes, 2, call->stop);
}

static or_status_t measure(const or_op_call_t *call, size_t *bytes) {
  const or_string_t *x = call->inputs[0].data, *y = call->inputs[1].data;
  or_status_t status = or_status_success();
  or_rows_t rows;
  for (begin(call, &rows); or_ok(status) && rows.more; or_rows_next(&rows)) {
    for (int64_t i = 0; or_ok(status) && i < rows.length; ++i) {
      status = or_strings_add(bytes, x[rows.first[0] + i * rows.step[0]].length);
      if (or_ok(status)) status = or_strings_add(bytes, y[rows.first[1] + i * rows.step[1]].length);
    }
  }
  return status;
}

static or_status_t concat_reference(or_op_call_t *call) {
  const or_string_t *x = call->inputs[0].data, *y = call->inputs[1].data;
  or_string_t *z = call->outputs[0].data;
  size_t bytes = 0;
  char *text = NULL;
  or_rows_t rows;
  or_status_t status = measure(call, &bytes);
  if (or_ok(status)) status = or_strings_room(call, bytes, &text);
  if (!or_ok(status)) return status;
  for (begin(call, &rows); rows.more; or_rows_next(&rows)) {
    for (int64_t i = 0; i < rows.length; ++i) {
      const or_string_t a = x[rows.first[0] + i * rows.step[0]], b = y[rows.first[1] + i * rows.step[1]];
      if (a.length > 0) memcpy(text, a.data, a.length);
      if (b.length > 0) memcpy(text + a.length, b.data, b.length);
      z[rows.out + i] = (or_string_t){.data = text, .length = a.length + b.length};
      text += a.length + b.length;
    }
  }
  return status;
}

const or_op_t or_op_string_concat = {
    .domain = "",
    .name = "StringConcat",
    .summary = "texts one behind the other, broadcast",
    .since = {20},
    .input_min = 2,
    .input_max = 2,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_STRINGS,
    .infer = concat_infer,
    .cost = concat_cost,
    .reference = concat_reference,
};
