#include "ops/add_layer_normalization.h"

#include "ops/binary.h"
#include "ops/infer.h"
#include "ops/layer_normalization.h"
#include "ops/shape.h"

enum { A, B, SCALE, BIAS };

static or_status_t add_layer_normalization_infer(or_op_call_t *call);
static or_cost_t add_layer_normalization_cost(const or_op_call_t *call);
static or_status_t add_layer_normalization_reference(or_op_call_t *call);

const or_op_t or_op_add_layer_normalization = {
    .domain = "openruntime",
    .name = "AddLayerNormalization",
    .summary = "LayerNormalization of a sum, which may be an output too",
    .since = {1},
    .input_min = 3,
    .input_max = 4,
    .output_min = 1,
    .output_max = 2,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"axis", OR_ATTRIBUTE_INT, false}, {"epsilon", OR_ATTRIBUTE_FLOAT, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = add_layer_normalization_infer,
    .cost = add_layer_normalization_cost,
    .reference = add_layer_normalization_reference,
};

/* The norm's own call, on `sum`. */
static or_op_call_t norm_call(const or_op_call_t *call, const or_op_tensor_t *sum, or_op_tensor_t inputs[3],
                              or_op_tensor_t *output) {
  inputs[0] = *sum;
  inputs[1] = call->inputs[SCALE];
  inputs[2] = or_op_has_input(call, BIAS) ? call->inputs[BIAS] : (or_op_tensor_t){.dtype = OR_DTYPE_NONE};
  return (or_op_call_t){.op = &or_op_layer_normalization,
                        .node = call->node,
                        .inputs = inputs,
                        .input_count = or_op_has_input(call, BIAS) ? 3 : 2,
                        .outputs = output,
                        .output_count = 1,
                        .allocator = call->allocator};
}

static or_status_t add_layer_normalization_infer(or_op_call_t *call) {
  or_op_tensor_t sum = {.dtype = call->inputs[A].dtype}, inputs[3];
  or_status_t status = or_infer_check_dtype(call, B);
  if (or_ok(status)) status = or_shape_broadcast(&call->inputs[A].shape, &call->inputs[B].shape, &sum.shape);
  if (!or_ok(status)) return status;
  or_op_call_t norm = norm_call(call, &sum, inputs, &call->outputs[0]);
  status = or_op_layer_normalization.infer(&norm);
  if (or_ok(status) && call->output_count > 1) {
    call->outputs[1].dtype = sum.dtype;
    call->outputs[1].shape = sum.shape;
  }
  /* cppcheck-suppress returnDanglingLifetime ; a status owns its message and points to no call */
  return status;
}

static or_cost_t add_layer_normalization_cost(const or_op_call_t *call) { return or_cost_per_output(call, 9); }

static or_status_t add_layer_normalization_reference(or_op_call_t *call) {
  or_op_tensor_t sum = {.dtype = call->outputs[0].dtype, .shape = call->outputs[0].shape}, inputs[3];
  void *scratch = NULL;
  uint64_t count = or_shape_product(&sum.shape, 0, sum.shape.rank);
  or_status_t status = or_status_success();
  if (call->output_count > 1) sum.data = call->outputs[1].data;
  if (sum.data == NULL) {
    status = or_alloc(call->allocator, or_dtype_bytes(sum.dtype, count), &scratch);
    sum.data = scratch;
  }
  or_op_call_t add = {.op = &or_op_add,
                      .node = call->node,
                      .inputs = call->inputs,
                      .input_count = 2,
                      .outputs = &sum,
                      .output_count = 1,
                      .allocator = call->allocator,
                      .stop = call->stop};
  if (or_ok(status)) status = or_op_add.reference(&add);
  or_op_call_t norm = norm_call(call, &sum, inputs, &call->outputs[0]);
  norm.stop = call->stop;
  if (or_ok(status)) status = or_op_layer_normalization.reference(&norm);
  or_free(call->allocator, scratch);
  /* cppcheck-suppress returnDanglingLifetime ; a status owns its message and points to no call */
  return status;
}
