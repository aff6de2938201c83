#include "ops/dropout.h"

#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"

static or_status_t dropout_infer(or_op_call_t *call);
static or_status_t dropout_reference(or_op_call_t *call);

const or_op_t or_op_dropout = {
    .domain = "",
    .name = "Dropout",
    .summary = "the input itself: nothing is dropped at inference",
    .since = {1, 6, 7, 10, 12, 13, 22},
    .input_min = 1,
    .input_max = 3,
    .output_min = 1,
    .output_max = 2,
    .dtypes = OR_OP_FLOATS | OR_OP_FLOAT8,
    .value_inputs = 1u << 2,
    .attributes = {{"ratio", OR_ATTRIBUTE_FLOAT, false},
                   {"seed", OR_ATTRIBUTE_INT, false},
                   {"is_test", OR_ATTRIBUTE_INT, false}},
    .infer = dropout_infer,
    .cost = or_cost_move,
    .reference = dropout_reference,
};

static or_status_t training_form(void) {
  return or_error(OR_UNIMPLEMENTED, "the training form of Dropout; export the model for inference");
}

static or_status_t dropout_infer(or_op_call_t *call) {
  if (call->node->version < 7 && or_op_attribute_int(call, "is_test", 0) == 0) return training_form();
  if (or_op_has_input(call, 2)) {
    const or_op_tensor_t *training = &call->inputs[2];
    if (training->dtype != OR_BOOL)
      return or_error(OR_INVALID_ARGUMENT, "input 2 (training_mode) is %s; it must be bool",
                      or_dtype_name(training->dtype));
    uint64_t count = 0;
    if (training->data != NULL && or_shape_count(&training->shape, &count) && count > 0 &&
        *(const uint8_t *)training->data != 0)
      return training_form();
  }
  if (call->output_count > 1) {
    call->outputs[1].dtype = call->node->version < 10 ? call->inputs[0].dtype : OR_BOOL;
    call->outputs[1].shape = call->inputs[0].shape;
  }
  return or_infer_same_as_input(call);
}

static or_status_t dropout_reference(or_op_call_t *call) {
  if (or_op_has_input(call, 2) && call->inputs[2].data != NULL && *(const uint8_t *)call->inputs[2].data != 0)
    return training_form();
  if (call->output_count > 1 && call->outputs[1].data != NULL) {
    const or_op_tensor_t *mask = &call->outputs[1];
    uint64_t total = or_shape_product(&mask->shape, 0, mask->shape.rank);
    or_lanes_t ones;
    for (size_t i = 0; i < OR_LANES; ++i) ones.integer[i] = 1;
    for (uint64_t first = 0; first < total; first += OR_LANES) {
      size_t count = total - first < OR_LANES ? (size_t)(total - first) : OR_LANES;
      or_lanes_store(mask->dtype, mask->data, (int64_t)first, count, OR_LANE_INTEGER, &ones);
    }
  }
  return call->outputs[0].data != NULL ? or_reference_copy(call) : or_status_success();
}
