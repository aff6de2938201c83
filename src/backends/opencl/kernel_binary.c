/* Functions of two operands that are broadcast to one shape: arithmetic, comparisons, logic; Max, Min and Sum of any
 * number, two by two. In place where nobody reads an operand of the result's shape again. */
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/extents.h"
#include "ops/shape.h"

/* How an operator is called in kernels/binary.cl. */
typedef struct row_t {
  const char *domain, *op;
  const char *real, *integer, *natural; /* of floats, signed and unsigned integers; NULL: not of such */
  bool to_bool, wraps; /* wraps: signed integers are computed as unsigned ones, whose overflow is defined */
} row_t;
static const row_t rows[] = {
    {"", "Add", "op_add", "op_add", "op_add", false, true},
    {"", "Sub", "op_sub", "op_sub", "op_sub", false, true},
    {"", "Mul", "op_mul", "op_mul", "op_mul", false, true},
    {"", "Div", "op_div", "op_div_integer", "op_div_natural", false, false},
    {"", "Mod", "op_mod", "op_mod_integer", "op_mod_natural", false, false},
    {"", "Pow", "op_pow", NULL, NULL, false, false},
    {"", "Max", "op_max", "op_max", "op_max", false, false},
    {"", "Min", "op_min", "op_min", "op_min", false, false},
    {"", "Sum", "op_add", NULL, NULL, false, false},
    {"", "PRelu", "op_prelu", "op_prelu", "op_prelu", false, false},
    {"", "Equal", "op_equal", "op_equal", "op_equal", true, false},
    {"", "Greater", "op_greater", "op_greater", "op_greater", true, false},
    {"", "Less", "op_less", "op_less", "op_less", true, false},
    {"", "GreaterOrEqual", "op_greater_or_equal", "op_greater_or_equal", "op_greater_or_equal", true, false},
    {"", "LessOrEqual", "op_less_or_equal", "op_less_or_equal", "op_less_or_equal", true, false},
    {"", "And", NULL, NULL, "op_and", true, false},
    {"", "Or", NULL, NULL, "op_or", true, false},
    {"", "Xor", NULL, NULL, "op_xor", true, false},
    {"openruntime", "Axpy", "op_axpy", NULL, NULL, false, false},
    {"openruntime", "Triad", "op_triad", NULL, NULL, false, false},
};

static const row_t *row_of(const or_node_view_t *view) {
  const or_op_t *op = view->call.op;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    if (strcmp(op->name, rows[i].op) == 0 && strcmp(op->domain, rows[i].domain) == 0) return &rows[i];
  }
  return NULL;
}

static const char *function_of(const or_cl_device_t *device, const or_node_view_t *view, const row_t *row) {
  or_dtype_t dtype = or_view_input(view, 0)->dtype;
  if (or_cl_type_name(device, dtype) == NULL) return NULL;
  bool by_c = strcmp(row->op, "Mod") == 0 && or_op_attribute_int(&view->call, "fmod", 0) != 0;
  /* A driver is known whose fmod of doubles is not exact (PoCL 3.1). */
  if (strcmp(row->op, "Mod") == 0 && dtype == OR_FLOAT64) return NULL;
  if (or_cl_is_float(device, dtype)) return by_c ? "op_fmod" : row->real;
  if (or_dtype_is_one_of(dtype, OR_OP_SIGNED_INTS)) return by_c ? "op_fmod_integer" : row->integer;
  return row->natural;
}

/* Before version 7 shapes were broadcast by an attribute. */
static bool is_old(const or_node_view_t *view) {
  return view->call.op->domain[0] == '\0' && view->core->version < 7 && view->call.input_count == 2 &&
         !or_shape_equal(&or_view_input(view, 0)->shape, &or_view_input(view, 1)->shape);
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  const row_t *row = row_of(view);
  if (view->fused || row == NULL || view->call.input_count < 1 || is_old(view)) return false;
  if (function_of(device, view, row) == NULL) return false;
  const or_shape_t *out = &or_view_output(view, 0)->shape;
  or_cl_strides_t strides;
  for (uint32_t i = 0; i < view->call.input_count; ++i) {
    const or_shape_t *pair[] = {i == 0 ? &or_view_input(view, 0)->shape : out, &or_view_input(view, i)->shape};
    if (or_view_input(view, i)->dtype != or_view_input(view, 0)->dtype) return false;
    if (!or_cl_broadcast(out, pair, 2, &strides)) return false;
  }
  return true;
}

typedef struct operands_t {
  or_slot_id_t a, b, y;
  const or_shape_t *a_shape, *b_shape;
} operands_t;

static int step_kind(int32_t step) { return step == 0 || step == 1 ? (int)step : 2; }

static or_status_t add_launch(or_cl_build_t *build, const or_node_view_t *view, const operands_t *at) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const row_t *row = row_of(view);
  const or_shape_t *out = &or_view_output(view, 0)->shape, *shapes[] = {at->a_shape, at->b_shape};
  or_dtype_t dtype = or_view_input(view, 0)->dtype;
  const char *type =
      row->wraps && or_cl_unsigned_name(dtype) != NULL ? or_cl_unsigned_name(dtype) : or_cl_type_name(device, dtype);
  or_cl_strides_t strides;
  int32_t steps[3];
  if (!or_cl_broadcast(out, shapes, 2, &strides)) return or_error(OR_INTERNAL, "operands that match refused");
  int32_t inner = or_cl_split_rows(&strides, steps);
  uint32_t width = inner < 4 ? 1 : or_cl_vector_width(device, dtype);
  size_t count = or_view_count(out), row_count = inner > 0 ? count / (size_t)inner : 0;
  char options[192];
  (void)or_format(options, sizeof options, "-DT=%s -DU=%s -DW=%u -DOP=%s -DA_STEP=%d -DB_STEP=%d%s", type,
                  row->to_bool ? "uchar" : type, width, function_of(device, view, row), step_kind(steps[0]),
                  step_kind(steps[1]), row->to_bool ? " -DTO_BOOL" : "");
  const or_cl_argument_t arguments[] = {
      or_cl_slot(at->a),
      or_cl_slot(at->b),
      or_cl_slot(at->y),
      or_cl_bytes(&strides, sizeof strides),
      or_cl_int((int64_t)row_count),
      or_cl_int(inner),
      or_cl_int(steps[0]),
      or_cl_int(steps[1]),
      or_cl_float(or_op_attribute_float(&view->call, "alpha", 1.0F)),
  };
  or_cl_launch_t launch = {.source = "binary", .entry = "binary", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.flops = (double)count;
  launch.bytes = 3 * (double)or_dtype_bytes(dtype, count);
  or_cl_launch_rows(device, &launch, ((size_t)inner + width - 1) / width, row_count);
  return or_cl_build_launch(build, &launch);
}

/* Where two operands meet the result: in the place of one that is as large, unless it is still read. */
static or_status_t place_pair(or_cl_build_t *build, const or_node_view_t *view, operands_t *at) {
  const or_node_t *node = view->core;
  const or_op_tensor_t *y = or_view_output(view, 0);
  or_status_t status = or_cl_build_read(build, node->inputs[0], &at->a);
  if (or_ok(status)) status = or_cl_build_read(build, node->inputs[1], &at->b);
  if (!or_ok(status)) return status;
  for (uint32_t i = 0; i < 2; ++i) {
    const or_op_tensor_t *x = or_view_input(view, i);
    if (!or_shape_equal(&x->shape, &y->shape) || or_dtype_bits(x->dtype) != or_dtype_bits(y->dtype)) continue;
    if (or_view_input_constant(view, i) != NULL) continue;
    return or_cl_build_overwrite(build, node->inputs[i], node->outputs[0], &at->y);
  }
  return or_cl_build_write(build, node->outputs[0], &at->y);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_node_t *node = view->core;
  operands_t at = {.a_shape = &or_view_input(view, 0)->shape};
  if (view->call.input_count == 1) return or_cl_same(build, view); /* Max, Min or Sum of one */
  or_status_t status;
  or_cl_build_name(build, "pointwise");
  if (view->call.input_count == 2) {
    at.b_shape = &or_view_input(view, 1)->shape;
    status = place_pair(build, view, &at);
    return or_ok(status) ? add_launch(build, view, &at) : status;
  }
  status = or_cl_build_read(build, node->inputs[0], &at.a);
  if (or_ok(status)) status = or_cl_build_write(build, node->outputs[0], &at.y);
  for (uint32_t i = 1; or_ok(status) && i < view->call.input_count; ++i) {
    at.b_shape = &or_view_input(view, i)->shape;
    status = or_cl_build_read(build, node->inputs[i], &at.b);
    if (or_ok(status)) status = add_launch(build, view, &at);
    at.a = at.y;
    at.a_shape = &or_view_output(view, 0)->shape;
  }
  return status;
}

const or_cl_family_t or_cl_family_binary = {.name = "binary", .match = match, .prepare = prepare};
