#include "ops/mean_variance.h"

#include <math.h>

#include "ops/elements.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/rows.h"

static or_status_t mean_variance_infer(or_op_call_t *call);
static or_cost_t mean_variance_cost(const or_op_call_t *call) { return or_cost_per_output(call, 8); }
static or_status_t mean_variance_reference(or_op_call_t *call);

const or_op_t or_op_mean_variance_normalization = {
    .domain = "",
    .name = "MeanVarianceNormalization",
    .summary = "shifted and scaled to mean 0 and variance 1 over some axes",
    .since = {9, 13},
    .changes = {OR_OP_BFLOAT16_SINCE(13)},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_FLOATS,
    .attributes = {{"axes", OR_ATTRIBUTE_INTS, false}},
    .tolerance = {.rel = 1e-4, .abs = 1e-5},
    .infer = mean_variance_infer,
    .cost = mean_variance_cost,
    .reference = mean_variance_reference,
};

#define EPSILON 1e-9 /* of the definition, added to the deviation */

static or_status_t read_axes(const or_op_call_t *call, bool marked[OR_MAX_RANK]) {
  or_integers_t axes;
  or_status_t status = or_integers_attribute(call, "axes", &axes);
  if (or_ok(status) && or_op_attribute(call, "axes") == NULL)
    axes = (or_integers_t){.known = true, .count = 3, .values = {0, 2, 3}};
  return or_ok(status) ? or_integers_mark_axes(&axes, call->inputs[0].shape.rank, marked) : status;
}

static or_status_t mean_variance_infer(or_op_call_t *call) {
  bool marked[OR_MAX_RANK];
  or_status_t status = call->inputs[0].shape.rank < 0 ? or_status_success() : read_axes(call, marked);
  return or_ok(status) ? or_infer_same_as_input(call) : status;
}

typedef struct moments_t {
  double sum, squares;
} moments_t;

/* Visits every element with its group's moments: step 0 sums, step 1 sums squares of differences, step 2 writes. */
static void visit(const or_op_call_t *call, const or_rows_layout_t *layout, moments_t *groups, double size, int step) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  double values[OR_LANES];
  or_rows_t rows;
  for (or_rows_begin(&rows, layout); rows.more; or_rows_next(&rows)) {
    for (int64_t done = 0; done < rows.length; done += OR_LANES) {
      size_t count = (size_t)(rows.length - done < OR_LANES ? rows.length - done : OR_LANES);
      or_elements_load(x->dtype, x->data, (uint64_t)(rows.out + done), count, values);
      for (size_t i = 0; i < count; ++i) {
        moments_t *group = &groups[rows.first[0] + (done + (int64_t)i) * rows.step[0]];
        double mean = group->sum / size;
        if (step == 0) group->sum += values[i];
        if (step == 1) group->squares += (values[i] - mean) * (values[i] - mean);
        if (step == 2) values[i] = (values[i] - mean) / (sqrt(group->squares / size) + EPSILON);
      }
      if (step == 2) or_elements_store(y->dtype, y->data, (uint64_t)(rows.out + done), count, values);
    }
  }
}

static or_status_t mean_variance_reference(or_op_call_t *call) {
  const or_shape_t *in = &call->inputs[0].shape;
  bool marked[OR_MAX_RANK];
  void *memory = NULL;
  or_status_t status = read_axes(call, marked);
  if (!or_ok(status) || or_shape_product(in, 0, in->rank) == 0) return status;
  or_rows_layout_t layout = {.rank = in->rank, .operand_count = 1, .stop = call->stop};
  int64_t groups = 1, size = 1;
  for (int32_t i = in->rank - 1; i >= 0; --i) {
    layout.extent[i] = in->dims[i];
    layout.stride[0][i] = marked[i] ? 0 : groups;
    *(marked[i] ? &size : &groups) *= in->dims[i];
  }
  status = or_alloc_array(call->allocator, (size_t)groups, sizeof(moments_t), &memory);
  if (!or_ok(status)) return status;
  for (int64_t i = 0; i < groups; ++i) ((moments_t *)memory)[i] = (moments_t){0};
  for (int step = 0; step < 3; ++step) visit(call, &layout, memory, (double)size, step);
  or_free(call->allocator, memory);
  return status;
}
