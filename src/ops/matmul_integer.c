#include "ops/matmul_integer.h"

#include "base/numbers.h"
#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/matmul_internal.h"
#include "ops/quantize_internal.h"

static or_status_t integer_infer(or_op_call_t *call);
static or_cost_t integer_cost(const or_op_call_t *call);
static or_status_t integer_reference(or_op_call_t *call);
static or_status_t qlinear_infer(or_op_call_t *call);
static or_status_t qlinear_reference(or_op_call_t *call);

#define BYTES (OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_UINT8))

const or_op_t or_op_matmul_integer = {
    .domain = "",
    .name = "MatMulInteger",
    .summary = "matrix product of 8-bit integers less their zero points, in 32 bits",
    .since = {10},
    .input_min = 2,
    .input_max = 4,
    .output_min = 1,
    .output_max = 1,
    .dtypes = BYTES,
    .infer = integer_infer,
    .cost = integer_cost,
    .reference = integer_reference,
};

const or_op_t or_op_qlinear_matmul = {
    .domain = "",
    .name = "QLinearMatMul",
    .summary = "matrix product of quantised numbers, quantised again",
    .since = {10, 21},
    .changes = {{21, OR_OP_FLOAT8, 0}},
    .input_min = 8,
    .input_max = 8,
    .output_min = 1,
    .output_max = 1,
    .dtypes = BYTES | OR_OP_FLOAT8,
    .infer = qlinear_infer,
    .cost = integer_cost,
    .reference = qlinear_reference,
};

static or_status_t check_dtype(const or_op_call_t *call, uint32_t index, uint32_t allowed) {
  or_dtype_t dtype = call->inputs[index].dtype;
  if (or_dtype_is_one_of(dtype, allowed)) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input %u is %s, which %s does not take", index, or_dtype_name(dtype),
                  call->op->name);
}

/* A zero point has the dtype of the operand that it is taken off. */
static or_status_t check_zero_point(const or_op_call_t *call, uint32_t index, uint32_t of, bool of_rows) {
  if (!or_op_has_input(call, index)) return or_status_success();
  or_dtype_t dtype = call->inputs[index].dtype;
  if (dtype != call->inputs[of].dtype) {
    return or_error(OR_INVALID_ARGUMENT, "zero point %u is %s, its operand %s", index, or_dtype_name(dtype),
                    or_dtype_name(call->inputs[of].dtype));
  }
  return or_matmul_check_parameter(call, index, of, of_rows);
}

static or_status_t integer_infer(or_op_call_t *call) {
  call->outputs[0].dtype = OR_INT32;
  or_status_t status = check_dtype(call, 1, BYTES);
  if (or_ok(status)) status = or_matmul_infer_shape(call, 0, 1, &call->outputs[0].shape);
  if (or_ok(status)) status = check_zero_point(call, 2, 0, true);
  return or_ok(status) ? check_zero_point(call, 3, 1, false) : status;
}

static or_cost_t integer_cost(const or_op_call_t *call) {
  const or_shape_t *a = &call->inputs[0].shape;
  return or_cost_per_output(call, 2 * (double)a->dims[a->rank - 1]);
}

/* Sums of products of bytes are exact as doubles; as int32 they wrap. */
static int32_t wrap(double sum) { return (int32_t)(uint32_t)(int64_t)sum; }

static void store_integers(const or_matmul_t *matmul, uint64_t row, uint64_t column, uint64_t first, size_t count,
                           double *values) {
  (void)row, (void)column;
  int32_t *y = (int32_t *)matmul->y->data + first;
  for (size_t i = 0; i < count; ++i) y[i] = wrap(values[i]);
}

static const or_op_tensor_t *optional(const or_op_call_t *call, uint32_t index) {
  return or_op_has_input(call, index) ? &call->inputs[index] : NULL;
}

static or_status_t integer_reference(or_op_call_t *call) {
  or_matmul_t matmul = {.a = &call->inputs[0],
                        .b = &call->inputs[1],
                        .y = &call->outputs[0],
                        .zero_a.tensor = optional(call, 2),
                        .zero_b.tensor = optional(call, 3),
                        .store = store_integers};
  return or_matmul_run(call, &matmul);
}

enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, Y_SCALE, Y_ZERO }; /* inputs of QLinearMatMul */

static or_status_t qlinear_infer(or_op_call_t *call) {
  const uint32_t quantised = call->op->dtypes;
  const uint32_t scales = OR_DTYPE_BIT(OR_FLOAT32) | OR_DTYPE_BIT(OR_FLOAT16) | OR_DTYPE_BIT(OR_BFLOAT16);
  call->outputs[0].dtype = call->inputs[Y_ZERO].dtype;
  or_status_t status = check_dtype(call, B, quantised);
  if (or_ok(status)) status = check_dtype(call, Y_ZERO, quantised);
  for (uint32_t i = A_SCALE; or_ok(status) && i <= Y_SCALE; ++i) {
    if (i == A_SCALE || i == B_SCALE || i == Y_SCALE) status = check_dtype(call, i, scales);
  }
  for (uint32_t i = Y_SCALE; or_ok(status) && i <= Y_ZERO; ++i) {
    const or_shape_t *shape = &call->inputs[i].shape;
    if (shape->rank > 1 || (shape->rank == 1 && shape->dims[0] >= 0 && shape->dims[0] != 1))
      status = or_error(OR_INVALID_ARGUMENT, "input %u is not one number", i);
  }
  if (or_ok(status)) status = or_matmul_infer_shape(call, A, B, &call->outputs[0].shape);
  if (or_ok(status)) status = or_matmul_check_parameter(call, A_SCALE, A, true);
  if (or_ok(status)) status = or_matmul_check_parameter(call, B_SCALE, B, false);
  if (or_ok(status)) status = check_zero_point(call, A_ZERO, A, true);
  return or_ok(status) ? check_zero_point(call, B_ZERO, B, false) : status;
}

typedef struct qlinear_t {
  or_cast_target_t to;
  double zero;   /* of y */
  float scale;   /* of y */
  bool integers; /* both operands are */
} qlinear_t;

static void store_quantized(const or_matmul_t *matmul, uint64_t row, uint64_t column, uint64_t first, size_t count,
                            double *values) {
  const qlinear_t *qlinear = matmul->self;
  double zeros[OR_LANES];
  float scale_a = (float)or_matmul_parameter(&matmul->scale_a, row, 1);
  for (size_t i = 0; i < count; ++i) {
    float scale_b = (float)or_matmul_parameter(&matmul->scale_b, column + i, 1);
    float product = qlinear->integers ? (float)wrap(values[i]) : (float)values[i];
    values[i] = (double)(product * (scale_a * scale_b / qlinear->scale));
    zeros[i] = qlinear->zero;
  }
  or_quantized_store(&qlinear->to, first, count, values, zeros);
}

static double one_of(const or_op_tensor_t *tensor) { return or_element_get(tensor->dtype, tensor->data, 0); }

static or_status_t qlinear_reference(or_op_call_t *call) {
  const or_op_tensor_t *in = call->inputs, *y = &call->outputs[0];
  const qlinear_t qlinear = {.to = {y->dtype, y->data, call->node->version, true},
                             .zero = one_of(&in[Y_ZERO]),
                             .scale = (float)one_of(&in[Y_SCALE]),
                             .integers = or_dtype_is_integer(in[A].dtype) && or_dtype_is_integer(in[B].dtype)};
  or_matmul_t matmul = {.a = &in[A],
                        .b = &in[B],
                        .y = y,
                        .zero_a.tensor = &in[A_ZERO],
                        .zero_b.tensor = &in[B_ZERO],
                        .scale_a.tensor = &in[A_SCALE],
                        .scale_b.tensor = &in[B_SCALE],
                        .store = store_quantized,
                        .self = &qlinear};
  return or_matmul_run(call, &matmul);
}
