/* LayerNormalization, RMSNormalization, InstanceNormalization, and AddLayerNormalization, whose sum stays in the cache
 * between the two. */
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/add_layer_normalization.h"
#include "ops/instance_normalization.h"
#include "ops/layer_normalization.h"
#include "ops/rms_normalization.h"
#include "ops/shape.h"

#define NO_INPUT UINT32_MAX

/* A node read: which inputs are what. */
typedef struct state_t {
  bool adds, rms, channels, keeps;
  uint32_t scale, bias;             /* inputs, or NO_INPUT */
  uint64_t rows, n, a_rows, b_rows; /* after so many rows a summand begins anew */
  uint64_t channel_count;
  or_dtype_t dtype, scale_dtype, statistics; /* NONE: no mean and no deviation are asked for */
  int given;                                 /* of them: 1 mean, 2 deviation */
} state_t;

/* The rows of an input that is laid out as the result, or as its last dimensions; 0: neither. */
static uint64_t rows_of(const or_op_tensor_t *input, const or_op_tensor_t *y, uint64_t n) {
  int32_t before = 0, shift = y->shape.rank - input->shape.rank;
  while (before < input->shape.rank && input->shape.dims[before] == 1) ++before;
  for (int32_t d = before; d < input->shape.rank; ++d) {
    if (input->shape.dims[d] != y->shape.dims[d + shift]) return 0;
  }
  uint64_t count = or_view_count(&input->shape);
  return n > 0 && count % n == 0 ? count / n : 0;
}

static bool read_axis(const or_node_view_t *view, const or_shape_t *shape, state_t *out) {
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(&view->call, "axis", -1), shape->rank, &axis);
  bool ok = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok) return false;
  out->rows = or_shape_product(shape, 0, axis);
  out->n = or_shape_product(shape, axis, shape->rank);
  return true;
}

static bool covers(const or_node_view_t *view, uint32_t input, uint64_t n) {
  return input == NO_INPUT || or_view_count(&or_view_input(view, input)->shape) == n;
}

/* Scales and biases lie along the elements of a row, or are one for each channel. */
static bool read_operands(const or_node_view_t *view, state_t *out) {
  const or_op_tensor_t *y = or_view_output(view, 0);
  if (out->channels) return true;
  out->a_rows = out->b_rows = out->rows;
  if (out->adds) {
    out->a_rows = rows_of(or_view_input(view, 0), y, out->n);
    out->b_rows = rows_of(or_view_input(view, 1), y, out->n);
  }
  return (out->rows == 0 || (out->a_rows > 0 && out->b_rows > 0)) && covers(view, out->scale, out->n) &&
         covers(view, out->bias, out->n);
}

static bool has_output(const or_node_view_t *view, uint32_t index) {
  return index < view->call.output_count && view->core->outputs[index] != OR_NO_VALUE;
}

static bool read(const or_node_view_t *view, state_t *out) {
  const or_op_t *op = view->call.op;
  const or_op_tensor_t *x = or_view_input(view, 0);
  const or_shape_t *shape = &or_view_output(view, 0)->shape;
  if (view->fused || !or_shape_is_static(shape)) return false;
  *out = (state_t){.dtype = x->dtype, .adds = op == &or_op_add_layer_normalization};
  out->rms = op == &or_op_rms_normalization;
  out->channels = op == &or_op_instance_normalization;
  if (!out->adds && !out->rms && !out->channels && op != &or_op_layer_normalization) return false;
  out->scale = out->adds ? 2 : 1;
  out->bias = out->rms || !or_view_has_input(view, out->scale + 1) ? NO_INPUT : out->scale + 1;
  out->scale_dtype = or_view_input(view, out->scale)->dtype;
  out->keeps = out->adds && has_output(view, 1);
  if (op == &or_op_layer_normalization) {
    out->given = (has_output(view, 1) ? 1 : 0) | (has_output(view, 2) ? 2 : 0);
    if (out->given != 0) out->statistics = or_view_output(view, has_output(view, 1) ? 1 : 2)->dtype;
  }
  if (out->channels) {
    out->channel_count = (uint64_t)shape->dims[1];
    out->rows = or_shape_product(shape, 0, 2);
    out->n = or_shape_product(shape, 2, shape->rank);
  } else if (!read_axis(view, shape, out)) {
    return false;
  }
  const or_cl_lines_t lines = {out->rows, out->n, 1};
  return out->n > 0 && or_cl_lines_fit(&lines) && read_operands(view, out);
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  state_t state;
  if (!read(view, &state)) return false;
  if (!or_cl_is_float(device, state.dtype) || !or_cl_is_float(device, state.scale_dtype)) return false;
  return (state.dtype == OR_FLOAT64) == (state.scale_dtype == OR_FLOAT64);
}

typedef struct slots_t {
  or_slot_id_t a, b, scale, bias, y, kept, mean, deviation;
} slots_t;

static or_status_t find_results(or_cl_build_t *build, const or_node_view_t *view, const state_t *state, slots_t *at) {
  const or_node_t *node = view->core;
  /* The first of two summands is written over only where each of its rows is read once. */
  or_value_id_t first = node->outputs[state->keeps ? 1 : 0];
  or_slot_id_t *slot = state->keeps ? &at->kept : &at->y;
  bool over = state->channels || (state->a_rows == state->rows && state->dtype == state->scale_dtype);
  or_status_t status =
      over ? or_cl_build_overwrite(build, node->inputs[0], first, slot) : or_cl_build_write(build, first, slot);
  if (or_ok(status) && state->keeps) status = or_cl_build_write(build, node->outputs[0], &at->y);
  if (or_ok(status) && !state->keeps) at->kept = at->y;
  at->mean = at->deviation = at->y;
  if (or_ok(status) && (state->given & 1)) status = or_cl_build_write(build, node->outputs[1], &at->mean);
  if (or_ok(status) && (state->given & 2)) status = or_cl_build_write(build, node->outputs[2], &at->deviation);
  return status;
}

static or_status_t find_slots(or_cl_build_t *build, const or_node_view_t *view, const state_t *state, slots_t *at) {
  const or_node_t *node = view->core;
  or_status_t status = or_cl_build_read(build, node->inputs[0], &at->a);
  at->b = at->a;
  if (or_ok(status) && state->adds) status = or_cl_build_read(build, node->inputs[1], &at->b);
  if (or_ok(status)) status = or_cl_build_read(build, node->inputs[state->scale], &at->scale);
  at->bias = at->scale;
  if (or_ok(status) && state->bias != NO_INPUT) {
    status = or_cl_build_read(build, node->inputs[state->bias], &at->bias);
  }
  return or_ok(status) ? find_results(build, view, state, at) : status;
}

static or_status_t add_launch(or_cl_build_t *build, const or_node_view_t *view, const state_t *state,
                              const slots_t *at) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_cl_lines_t lines = {state->rows, state->n, 1};
  or_cl_line_form_t form = or_cl_line_form(device, &lines, state->dtype);
  char options[192], statistics[32] = "";
  if (state->given != 0) {
    (void)or_format(statistics, sizeof statistics, " -DSTATISTICS=%s", or_cl_type_name(device, state->statistics));
  }
  (void)or_format(options, sizeof options, "-DT=%s -DS=%s -DW=%u -DLANES=%u%s%s%s%s%s%s",
                  or_cl_type_name(device, state->dtype), or_cl_type_name(device, state->scale_dtype), form.width,
                  form.lanes, state->rms ? " -DRMS" : "", state->adds ? " -DADD" : "", state->keeps ? " -DKEEP" : "",
                  state->bias != NO_INPUT ? " -DBIAS" : "", state->channels ? " -DCHANNELS" : "", statistics);
  const or_cl_argument_t arguments[] = {
      or_cl_slot(at->a),
      or_cl_slot(at->b),
      or_cl_slot(at->scale),
      or_cl_slot(at->bias),
      or_cl_slot(at->y),
      or_cl_slot(at->kept),
      or_cl_slot(at->mean),
      or_cl_slot(at->deviation),
      or_cl_int((int64_t)state->rows),
      or_cl_int((int64_t)state->n),
      or_cl_int((int64_t)state->a_rows),
      or_cl_int((int64_t)state->b_rows),
      or_cl_int((int64_t)state->channel_count),
      or_cl_float(or_op_attribute_float(&view->call, "epsilon", 1e-5F)),
      or_cl_int(state->given),
      or_cl_local(form.local_bytes),
  };
  or_cl_launch_t launch = {.source = "norm", .entry = "norm", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = (state->adds ? 4 : 2) * (double)or_view_bytes(or_view_output(view, 0));
  launch.flops = view->call.op->cost(&view->call).flops;
  or_cl_launch_lines(device, &lines, &form, &launch);
  return or_cl_build_launch(build, &launch);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  state_t state;
  slots_t at;
  if (!read(view, &state)) return or_error(OR_UNIMPLEMENTED, "shapes of another family");
  or_status_t status = find_slots(build, view, &state, &at);
  or_cl_build_name(build, "norm");
  return or_ok(status) ? add_launch(build, view, &state, &at) : status;
}

const or_cl_family_t or_cl_family_norm = {.name = "norm", .match = match, .prepare = prepare};
