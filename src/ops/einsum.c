#include "ops/einsum.h"

#include <string.h>

#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"

static or_status_t einsum_infer(or_op_call_t *call);
static or_cost_t einsum_cost(const or_op_call_t *call);
static or_status_t einsum_reference(or_op_call_t *call);

const or_op_t or_op_einsum = {
    .domain = "",
    .name = "Einsum",
    .summary = "sums of products by Einstein's convention",
    .since = {12, 28},
    .changes = {OR_OP_BFLOAT16_SINCE(28)},
    .input_min = 1,
    .input_max = OR_OP_VARIADIC,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_NUMERIC,
    .attributes = {{"equation", OR_ATTRIBUTE_STRING, true}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = einsum_infer,
    .cost = einsum_cost,
    .reference = einsum_reference,
};

static or_status_t einsum_infer(or_op_call_t *call) {
  or_einsum_t einsum;
  or_shape_t *out = &call->outputs[0].shape;
  call->outputs[0].dtype = call->inputs[0].dtype;
  for (uint32_t i = 0; i < call->input_count; ++i) {
    if (!or_op_has_input(call, i)) return or_error(OR_INVALID_ARGUMENT, "input %u is left out, and must not be", i);
    or_status_t status = or_infer_check_dtype(call, i);
    if (!or_ok(status) || call->inputs[i].shape.rank < 0) return status;
  }
  or_status_t status = or_einsum_parse(call, &einsum);
  if (!or_ok(status)) return status;
  out->rank = einsum.output_rank;
  for (int32_t i = 0; i < out->rank; ++i) out->dims[i] = einsum.extent[einsum.output[i]];
  return or_shape_check_count(out);
}

static or_cost_t einsum_cost(const or_op_call_t *call) {
  or_einsum_t einsum;
  or_cost_t cost = or_cost_per_output(call, 0);
  or_status_t status = or_einsum_parse(call, &einsum);
  if (!or_ok(status)) {
    or_status_ignore(status); /* inference refused it before */
    return cost;
  }
  double products = (double)call->input_count;
  for (int i = 0; i < OR_EINSUM_MAX_LABELS; ++i) products *= einsum.used[i] ? (double)einsum.extent[i] : 1;
  cost.flops = products;
  return cost;
}

/* The labels as one nest of loops, the output's outermost. Operands are widened to 64 bits each: doubles, or integers
 * as their bits. */
typedef struct nest_t {
  uint32_t term_count;
  int32_t rank, output_rank;
  int64_t extent[OR_EINSUM_MAX_LABELS];
  int64_t stride[OR_EINSUM_MAX_TERMS][OR_EINSUM_MAX_LABELS];
  void *operands[OR_EINSUM_MAX_TERMS]; /* arrays of double or uint64_t */
  bool real;
} nest_t;

static void make_nest(const or_op_call_t *call, const or_einsum_t *einsum, nest_t *nest);
static or_status_t widen(const or_op_call_t *call, nest_t *nest);
static void run_nest(const or_op_call_t *call, const nest_t *nest);

static or_status_t einsum_reference(or_op_call_t *call) {
  or_einsum_t einsum;
  nest_t nest;
  or_status_t status = or_einsum_parse(call, &einsum);
  if (!or_ok(status)) return status;
  make_nest(call, &einsum, &nest);
  status = widen(call, &nest);
  if (or_ok(status)) run_nest(call, &nest);
  for (uint32_t t = 0; t < nest.term_count; ++t) or_free(call->allocator, nest.operands[t]);
  return status;
}

static void add_loop(const or_op_call_t *call, const or_einsum_t *einsum, uint8_t label, nest_t *nest) {
  int32_t at = nest->rank++;
  nest->extent[at] = einsum->extent[label];
  for (uint32_t t = 0; t < nest->term_count; ++t) {
    const or_shape_t *shape = &call->inputs[t].shape;
    int64_t stride = 1;
    nest->stride[t][at] = 0;
    for (int32_t d = shape->rank - 1; d >= 0; --d) {
      if (einsum->labels[t][d] == label && shape->dims[d] != 1) nest->stride[t][at] += stride;
      stride *= shape->dims[d];
    }
  }
}

static void make_nest(const or_op_call_t *call, const or_einsum_t *einsum, nest_t *nest) {
  memset(nest, 0, sizeof *nest);
  nest->term_count = call->input_count;
  nest->real = or_lane_kind(call->inputs[0].dtype) == OR_LANE_REAL;
  bool kept[OR_EINSUM_MAX_LABELS] = {false};
  for (int32_t i = 0; i < einsum->output_rank; ++i) {
    kept[einsum->output[i]] = true;
    add_loop(call, einsum, einsum->output[i], nest);
  }
  nest->output_rank = nest->rank;
  for (uint8_t label = 0; label < OR_EINSUM_MAX_LABELS; ++label) {
    if (einsum->used[label] && !kept[label]) add_loop(call, einsum, label, nest);
  }
}

static or_status_t widen(const or_op_call_t *call, nest_t *nest) {
  or_status_t status = or_status_success();
  for (uint32_t t = 0; or_ok(status) && t < nest->term_count; ++t) {
    const or_op_tensor_t *in = &call->inputs[t];
    uint64_t count = or_shape_product(&in->shape, 0, in->shape.rank);
    void *memory = NULL;
    status = or_alloc_array(call->allocator, count, sizeof(uint64_t), &memory);
    if (!or_ok(status)) break;
    nest->operands[t] = memory;
    if (nest->real) {
      or_elements_load_long(call->stop, in->dtype, in->data, 0, count, memory);
    } else {
      or_elements_load_int(in->dtype, in->data, 0, count, memory);
    }
  }
  return status;
}

/* Counts loops [begin, end) up by one and moves the operands' offsets along; false after the last. */
static bool next(const nest_t *nest, int32_t begin, int32_t end, int64_t *index, int64_t *offset) {
  for (int32_t d = end - 1; d >= begin; --d) {
    for (uint32_t t = 0; t < nest->term_count; ++t) offset[t] += nest->stride[t][d];
    if (++index[d] < nest->extent[d]) return true;
    for (uint32_t t = 0; t < nest->term_count; ++t) offset[t] -= nest->stride[t][d] * nest->extent[d];
    index[d] = 0;
  }
  return false;
}

static double real_product(const nest_t *nest, const int64_t *offset) {
  double product = 1;
  for (uint32_t t = 0; t < nest->term_count; ++t) product *= ((const double *)nest->operands[t])[offset[t]];
  return product;
}

static uint64_t integer_product(const nest_t *nest, const int64_t *offset) {
  uint64_t product = 1;
  for (uint32_t t = 0; t < nest->term_count; ++t) product *= ((const uint64_t *)nest->operands[t])[offset[t]];
  return product;
}

static void run_nest(const or_op_call_t *call, const nest_t *nest) {
  const or_op_tensor_t *out = &call->outputs[0];
  int64_t index[OR_EINSUM_MAX_LABELS] = {0}, offset[OR_EINSUM_MAX_TERMS] = {0};
  bool empty = false; /* sums over nothing are 0 */
  for (int32_t d = nest->output_rank; d < nest->rank; ++d) empty = empty || nest->extent[d] == 0;
  uint64_t count = or_shape_product(&out->shape, 0, out->shape.rank);
  for (uint64_t i = 0; i < count && !or_stops(call->stop, 1); ++i) {
    double sum = 0;
    uint64_t wrapped = 0;
    bool more = !empty;
    while (more) {
      if (nest->real) {
        sum += real_product(nest, offset);
      } else {
        wrapped += integer_product(nest, offset);
      }
      more = next(nest, nest->output_rank, nest->rank, index, offset) && !or_stops(call->stop, nest->term_count);
    }
    if (nest->real) {
      or_elements_store(out->dtype, out->data, i, 1, &sum);
    } else {
      or_elements_store_int(out->dtype, out->data, i, 1, &wrapped);
    }
    (void)next(nest, 0, nest->output_rank, index, offset);
  }
}
