#include "ops/depth_to_space.h"

#include "base/string.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/rows.h"
#include "ops/strings.h"

static or_status_t block_infer(or_op_call_t *call);
static or_status_t block_reference(or_op_call_t *call);

#define BLOCKS(op_name, text)                                                                                       \
  .domain = "", .name = op_name, .summary = text, .input_min = 1, .input_max = 1, .output_min = 1, .output_max = 1, \
  .dtypes = OR_OP_ALL_FIXED | OR_OP_STRINGS, .infer = block_infer, .cost = or_cost_move, .reference = block_reference

const or_op_t or_op_depth_to_space = {
    BLOCKS("DepthToSpace", "channels laid out as blocks of pixels"),
    .since = {1, 11, 13, 28},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .attributes = {{"blocksize", OR_ATTRIBUTE_INT, true}, {"mode", OR_ATTRIBUTE_STRING, false}},
};

const or_op_t or_op_space_to_depth = {
    BLOCKS("SpaceToDepth", "blocks of pixels laid out as channels"),
    .since = {1, 13, 28},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .attributes = {{"blocksize", OR_ATTRIBUTE_INT, true}, {"mode", OR_ATTRIBUTE_STRING, false}},
};

static or_status_t divide(int64_t extent, int64_t divisor, const char *what, int64_t *out) {
  *out = extent < 0 ? OR_DIM_UNKNOWN : extent / divisor;
  if (extent < 0 || extent % divisor == 0) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "%s %lld does not divide by %lld", what, (long long)extent, (long long)divisor);
}

static or_status_t multiply(int64_t extent, int64_t factor, int64_t *out) {
  *out = OR_DIM_UNKNOWN;
  if (extent < 0 || or_mul_i64(extent, factor, out)) return or_status_success();
  return or_error(OR_OUT_OF_RANGE, "an extent of %lld times %lld", (long long)extent, (long long)factor);
}

static or_status_t block_infer(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  or_shape_t *out = &call->outputs[0].shape;
  int64_t block = or_op_attribute_int(call, "blocksize", 1), area = 0;
  call->outputs[0].dtype = call->inputs[0].dtype;
  if (block < 1 || !or_mul_i64(block, block, &area))
    return or_error(OR_INVALID_ARGUMENT, "attribute \"blocksize\" is %lld", (long long)block);
  if (!or_op_attribute_is(call, "mode", "DCR", "DCR") && !or_op_attribute_is(call, "mode", "CRD", "DCR"))
    return or_error(OR_INVALID_ARGUMENT, "attribute \"mode\" is neither DCR nor CRD");
  if (or_op_attribute(call, "mode") != NULL && call->node->version < (call->op == &or_op_depth_to_space ? 11 : 28))
    return or_error(OR_INVALID_ARGUMENT, "attribute \"mode\" does not exist in version %d", call->node->version);
  or_status_t status = or_infer_check_rank(call, 0, 4);
  if (or_ok(status)) status = or_shape_unknown(4, out);
  if (!or_ok(status) || in->rank < 0) return status;
  out->dims[0] = in->dims[0];
  if (call->op == &or_op_depth_to_space) {
    status = divide(in->dims[1], area, "the number of channels", &out->dims[1]);
    for (int32_t i = 2; or_ok(status) && i < 4; ++i) status = multiply(in->dims[i], block, &out->dims[i]);
  } else {
    status = multiply(in->dims[1], area, &out->dims[1]);
    for (int32_t i = 2; or_ok(status) && i < 4; ++i)
      status = divide(in->dims[i], block, i == 2 ? "the height" : "the width", &out->dims[i]);
  }
  return or_ok(status) ? or_shape_check_count(out) : status;
}

/* Both are a copy between two orders of the same six dimensions: image, depth, block row and column, row and column. */
static or_status_t block_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  bool to_space = call->op == &or_op_depth_to_space;
  const or_shape_t *deep = to_space ? &x->shape : &call->outputs[0].shape;
  int64_t block = or_op_attribute_int(call, "blocksize", 1), rows = deep->dims[2], columns = deep->dims[3];
  int64_t depth = deep->dims[1] / (block * block), plane = rows * columns;
  bool inner = or_op_attribute_is(call, "mode", "CRD", "DCR");
  /* Strides in the tensor with many channels of depth, block row, block column. */
  int64_t depth_step = inner ? block * block * plane : plane, row_step = (inner ? block : block * depth) * plane;
  int64_t column_step = (inner ? 1 : depth) * plane, wide = columns * block, image = depth * block * block * plane;
  or_rows_layout_t layout = {.rank = 6, .operand_count = 1, .stop = call->stop};
  if (to_space) { /* walks n, depth, row, block row, column, block column */
    const int64_t extent[] = {deep->dims[0], depth, rows, block, columns, block};
    const int64_t stride[] = {image, depth_step, columns, row_step, 1, column_step};
    for (int i = 0; i < 6; ++i) layout.extent[i] = extent[i], layout.stride[0][i] = stride[i];
  } else if (inner) { /* walks n, depth, block row, block column, row, column */
    const int64_t extent[] = {deep->dims[0], depth, block, block, rows, columns};
    const int64_t stride[] = {image, rows * block * wide, wide, 1, block * wide, block};
    for (int i = 0; i < 6; ++i) layout.extent[i] = extent[i], layout.stride[0][i] = stride[i];
  } else { /* walks n, block row, block column, depth, row, column */
    const int64_t extent[] = {deep->dims[0], block, block, depth, rows, columns};
    const int64_t stride[] = {image, wide, 1, rows * block * wide, block * wide, block};
    for (int i = 0; i < 6; ++i) layout.extent[i] = extent[i], layout.stride[0][i] = stride[i];
  }
  or_rows_copy(&layout, or_dtype_bits(x->dtype), x->data, call->outputs[0].data);
  return or_status_success();
}
