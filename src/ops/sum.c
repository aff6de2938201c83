#include "ops/sum.h"

#include <string.h>

#include "ops/elements.h"
#include "ops/infer.h"
#include "ops/rows.h"

static or_status_t sum_infer(or_op_call_t *call);
static or_cost_t sum_cost(const or_op_call_t *call);
static or_status_t sum_reference(or_op_call_t *call);

#define SUM(symbol, op_name, text)             \
  const or_op_t or_op_##symbol = {             \
      .domain = "",                            \
      .name = op_name,                         \
      .summary = text,                         \
      .since = {1, 6, 8, 13},                  \
      .changes = {OR_OP_BFLOAT16_SINCE(13)},   \
      .input_min = 1,                          \
      .input_max = OR_OP_VARIADIC,             \
      .output_min = 1,                         \
      .output_max = 1,                         \
      .dtypes = OR_OP_FLOATS,                  \
      .pointwise = true,                       \
      .tolerance = {.rel = 1e-5, .abs = 1e-6}, \
      .infer = sum_infer,                      \
      .cost = sum_cost,                        \
      .reference = sum_reference,              \
  };
SUM(sum, "Sum", "sum of any number of tensors element by element, broadcast")
SUM(mean, "Mean", "mean of any number of tensors element by element, broadcast")

static or_status_t sum_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  or_status_t status = or_infer_same_as_input(call);
  for (uint32_t i = 1; or_ok(status) && i < call->input_count; ++i) {
    or_shape_t shape = {.rank = 0};
    status = or_infer_check_dtype(call, i);
    if (or_ok(status)) status = or_shape_broadcast(&out->shape, &call->inputs[i].shape, &shape);
    if (or_ok(status)) out->shape = shape;
    status = or_status_context(status, "input %u", i);
  }
  return status;
}

static or_cost_t sum_cost(const or_op_call_t *call) { return or_cost_per_output(call, (double)call->input_count); }

static void add_input(const or_op_call_t *call, const or_op_tensor_t *in, double *totals) {
  const or_shape_t *shapes[] = {&in->shape};
  or_rows_t rows;
  or_lanes_t x;
  for (or_rows_begin_broadcast(&rows, &call->outputs[0].shape, shapes, 1, call->stop); rows.more; or_rows_next(&rows)) {
    for (int64_t done = 0; done < rows.length; done += OR_LANES) {
      size_t count = (size_t)(rows.length - done < OR_LANES ? rows.length - done : OR_LANES);
      or_lanes_load(in->dtype, in->data, rows.first[0] + done * rows.step[0], rows.step[0], count, &x);
      for (size_t i = 0; i < count; ++i) totals[rows.out + done + (int64_t)i] += x.real[i];
    }
  }
}

static or_status_t sum_reference(or_op_call_t *call) {
  const or_op_tensor_t *out = &call->outputs[0];
  uint64_t count = or_shape_product(&out->shape, 0, out->shape.rank);
  void *memory = NULL;
  or_status_t status = or_alloc_array(call->allocator, count, sizeof(double), &memory);
  if (!or_ok(status) || count == 0) {
    or_free(call->allocator, memory);
    return status;
  }
  double *totals = memory;
  for (uint64_t i = 0; i < count; ++i) totals[i] = 0;
  for (uint32_t i = 0; i < call->input_count; ++i) add_input(call, &call->inputs[i], totals);
  for (uint64_t i = 0; call->op == &or_op_mean && i < count; ++i) totals[i] /= (double)call->input_count;
  or_elements_store(out->dtype, out->data, 0, count, totals);
  or_free(call->allocator, memory);
  return status;
}
