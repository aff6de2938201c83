/* Functions of one element, in place where nobody reads the operand again. */
#include <math.h>
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/activation.h"
#include "ops/compare.h"
#include "ops/elements.h"
#include "ops/vector.h"

/* How an operator is called in kernels/unary.cl, and its attributes with their defaults. */
typedef struct row_t {
  const char *op;
  const char *real, *integer; /* NULL: not of such types */
  const char *alpha, *beta;   /* names of attributes, or NULL */
  float first, second;        /* in their place */
} row_t;
static const row_t rows[] = {
    {"Relu", "op_relu", "op_relu", NULL, NULL, 0, 0},
    {"Sigmoid", "op_sigmoid", NULL, NULL, NULL, 0, 0},
    {"Tanh", "op_tanh", NULL, NULL, NULL, 0, 0},
    {"Exp", "op_exp", NULL, NULL, NULL, 0, 0},
    {"Log", "op_log", NULL, NULL, NULL, 0, 0},
    {"Sqrt", "op_sqrt", NULL, NULL, NULL, 0, 0},
    {"Abs", "op_abs", "op_abs_integer", NULL, NULL, 0, 0},
    {"Neg", "op_neg", "op_neg_integer", NULL, NULL, 0, 0},
    {"Reciprocal", "op_reciprocal", NULL, NULL, NULL, 0, 0},
    {"Erf", "op_erf", NULL, NULL, NULL, 0, 0},
    {"Gelu", "op_gelu_erf", NULL, NULL, NULL, 0, 0},
    {"HardSigmoid", "op_hard_sigmoid", NULL, "alpha", "beta", 0.2F, 0.5F},
    {"HardSwish", "op_hard_swish", NULL, NULL, NULL, 0, 0},
    {"Elu", "op_elu", NULL, "alpha", NULL, 1, 0},
    {"Celu", "op_celu", NULL, "alpha", NULL, 1, 0},
    {"Selu", "op_selu", NULL, "alpha", "gamma", 1.67326319217681884765625F, 1.05070102214813232421875F},
    {"LeakyRelu", "op_leaky_relu", NULL, "alpha", NULL, 0.01F, 0},
    {"ThresholdedRelu", "op_thresholded_relu", NULL, "alpha", NULL, 1, 0},
    {"Softplus", "op_softplus", NULL, NULL, NULL, 0, 0},
    {"Softsign", "op_softsign", NULL, NULL, NULL, 0, 0},
    {"Mish", "op_mish", NULL, NULL, NULL, 0, 0},
    {"Swish", "op_swish", NULL, "alpha", NULL, 1, 0},
    {"Sin", "op_sin", NULL, NULL, NULL, 0, 0},
    {"Cos", "op_cos", NULL, NULL, NULL, 0, 0},
    {"Tan", "op_tan", NULL, NULL, NULL, 0, 0},
    {"Asin", "op_asin", NULL, NULL, NULL, 0, 0},
    {"Acos", "op_acos", NULL, NULL, NULL, 0, 0},
    {"Atan", "op_atan", NULL, NULL, NULL, 0, 0},
    {"Sinh", "op_sinh", NULL, NULL, NULL, 0, 0},
    {"Cosh", "op_cosh", NULL, NULL, NULL, 0, 0},
    {"Asinh", "op_asinh", NULL, NULL, NULL, 0, 0},
    {"Acosh", "op_acosh", NULL, NULL, NULL, 0, 0},
    {"Atanh", "op_atanh", NULL, NULL, NULL, 0, 0},
    {"Shrink", "op_shrink", NULL, "lambd", "bias", 0.5F, 0},
    {"Floor", "op_floor", NULL, NULL, NULL, 0, 0},
    {"Ceil", "op_ceil", NULL, NULL, NULL, 0, 0},
    {"Round", "op_round", NULL, NULL, NULL, 0, 0},
    {"Sign", "op_sign", "op_sign", NULL, NULL, 0, 0},
    {"Not", NULL, "op_not", NULL, NULL, 0, 0},
};
static const row_t gelu_tanh = {"Gelu", "op_gelu_tanh", NULL, NULL, NULL, 0, 0};
static const row_t scale = {"Scale", "op_scale", NULL, "alpha", NULL, 1, 0};
static const row_t square = {"Pow", "op_square", NULL, NULL, NULL, 0, 0};

/* Pow by a constant 2. */
static bool is_square(const or_node_view_t *view) {
  if (!or_view_is(view, or_op_find("", "Pow")) || !or_view_has_input(view, 1)) return false;
  const or_op_tensor_t *exponent = or_view_input(view, 1);
  double value = 0.0;
  if (exponent->data == NULL || or_view_count(&exponent->shape) != 1) return false;
  or_elements_load(exponent->dtype, exponent->data, 0, 1, &value);
  return value == 2.0 && or_shape_equal(&or_view_input(view, 0)->shape, &or_view_output(view, 0)->shape);
}

static const row_t *row_of(const or_node_view_t *view) {
  if (view->call.op == &or_op_gelu && or_op_attribute_is(&view->call, "approximate", "tanh", "none")) return &gelu_tanh;
  if (is_square(view)) return &square;
  if (view->call.op == &or_op_scale) return &scale;
  for (size_t i = 0; view->call.op->domain[0] == '\0' && i < sizeof rows / sizeof *rows; ++i) {
    if (strcmp(view->call.op->name, rows[i].op) == 0) return &rows[i];
  }
  return NULL;
}

static bool is_clip(const or_node_view_t *view) { return view->call.op == &or_op_clip; }

/* The function for the node's type; NULL if there is none. */
static const char *function_of(const or_cl_device_t *device, const or_node_view_t *view) {
  const row_t *row = row_of(view);
  or_dtype_t dtype = or_view_input(view, 0)->dtype;
  if (row == NULL) return NULL;
  return or_cl_is_float(device, dtype) ? row->real : or_cl_type_name(device, dtype) != NULL ? row->integer : NULL;
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  if (view->fused || view->call.input_count == 0) return false;
  or_dtype_t dtype = or_view_input(view, 0)->dtype;
  if (!or_shape_is_static(&or_view_input(view, 0)->shape)) return false;
  if (is_clip(view)) return or_cl_type_name(device, dtype) != NULL && dtype != OR_BOOL;
  return function_of(device, view) != NULL;
}

/* Where the operand and the result lie. */
typedef struct places_t {
  or_slot_id_t x, y;
  size_t count;
} places_t;

static or_status_t find_places(or_cl_build_t *build, const or_node_view_t *view, places_t *out) {
  or_value_id_t x = view->core->inputs[0];
  out->count = or_view_count(&or_view_input(view, 0)->shape);
  or_status_t status = or_cl_build_read(build, x, &out->x);
  return or_ok(status) ? or_cl_build_overwrite(build, x, view->core->outputs[0], &out->y) : status;
}

static or_status_t launch(or_cl_build_t *build, const or_node_view_t *view, const char *function, float alpha,
                          float beta) {
  const or_cl_device_t *device = or_cl_build_device(build);
  or_dtype_t dtype = or_view_input(view, 0)->dtype;
  uint32_t width = or_cl_vector_width(device, dtype);
  places_t at;
  or_status_t status = find_places(build, view, &at);
  if (!or_ok(status)) return status;
  char options[96];
  bool plain = or_cl_device_traits(device)->is_cpu && or_cl_is_float(device, dtype) && dtype != OR_FLOAT64;
  (void)or_format(options, sizeof options, "-DT=%s -DW=%u -DOP=%s%s", or_cl_type_name(device, dtype), width, function,
                  plain ? " -DPLAIN" : "");
  const or_cl_argument_t arguments[] = {or_cl_slot(at.x), or_cl_slot(at.y), or_cl_long((int64_t)at.count),
                                        or_cl_float(alpha), or_cl_float(beta)};
  or_cl_launch_t launch = {.source = "unary", .entry = "unary", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = 2 * (double)or_dtype_bytes(dtype, at.count);
  launch.flops = view->call.op->cost(&view->call).flops;
  or_cl_launch_items(device, &launch, (at.count + width - 1) / width);
  return or_cl_build_launch(build, &launch);
}

/* Bounds as attributes, before version 11. */
static or_status_t clip_by_attributes(or_cl_build_t *build, const or_node_view_t *view) {
  float limit = or_clip_default(view->core->version);
  return launch(build, view, "op_clip", or_op_attribute_float(&view->call, "min", -limit),
                or_op_attribute_float(&view->call, "max", limit));
}

/* A constant bound of float32; `none` where it is left out. False: another one. */
static bool constant_bound(const or_node_view_t *view, uint32_t input, float none, float *out) {
  *out = none;
  if (!or_view_has_input(view, input)) return true;
  const or_op_tensor_t *bound = or_view_input(view, input);
  if (bound->dtype != OR_FLOAT32 || bound->data == NULL || or_view_count(&bound->shape) != 1) return false;
  memcpy(out, bound->data, sizeof *out);
  return !isnan(*out);
}

static or_status_t clip_by_inputs(or_cl_build_t *build, const or_node_view_t *view) {
  const or_cl_device_t *device = or_cl_build_device(build);
  float low, high;
  if (constant_bound(view, 1, -INFINITY, &low) && constant_bound(view, 2, INFINITY, &high)) {
    if (or_view_input(view, 0)->dtype == OR_FLOAT32) return launch(build, view, "op_clip", low, high);
  }
  or_slot_id_t bounds[2];
  int given = 0;
  or_status_t status = or_cl_build_read(build, view->core->inputs[0], &bounds[0]);
  bounds[1] = bounds[0];
  for (uint32_t i = 0; or_ok(status) && i < 2; ++i) {
    if (!or_view_has_input(view, i + 1)) continue;
    given |= 1 << i;
    status = or_cl_build_read(build, view->core->inputs[i + 1], &bounds[i]);
  }
  places_t at;
  if (or_ok(status)) status = find_places(build, view, &at);
  if (!or_ok(status)) return status;
  char options[96];
  (void)or_format(options, sizeof options, "-DT=%s -DW=1 -DOP=op_abs_integer",
                  or_cl_type_name(device, or_view_input(view, 0)->dtype));
  const or_cl_argument_t arguments[] = {or_cl_slot(at.x), or_cl_slot(bounds[0]),         or_cl_slot(bounds[1]),
                                        or_cl_slot(at.y), or_cl_long((int64_t)at.count), or_cl_int(given)};
  or_cl_launch_t launch = {.source = "unary", .entry = "clip", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = 2 * (double)or_view_bytes(or_view_input(view, 0));
  or_cl_launch_items(device, &launch, at.count);
  return or_cl_build_launch(build, &launch);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  or_cl_build_name(build, "pointwise");
  if (is_clip(view)) {
    return view->core->version < 11 ? clip_by_attributes(build, view) : clip_by_inputs(build, view);
  }
  const row_t *row = row_of(view);
  float alpha = row->alpha == NULL ? 0 : or_op_attribute_float(&view->call, row->alpha, row->first);
  float beta = row->beta == NULL ? 0 : or_op_attribute_float(&view->call, row->beta, row->second);
  return launch(build, view, function_of(or_cl_build_device(build), view), alpha, beta);
}

const or_cl_family_t or_cl_family_unary = {.name = "unary", .match = match, .prepare = prepare};
