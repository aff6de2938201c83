/* Reductions along any axes, and the places of the largest and the smallest. Neighbouring dimensions that share their
 * fate are one; where more than one group of them is reduced, x is first rearranged so that all of them come last. */
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/arg.h"
#include "ops/extents.h"
#include "ops/pool.h"
#include "ops/shape.h"
#include "ops/vector.h"

/* How an operator is called in kernels/reduce.cl. */
typedef struct row_t {
  const char *domain, *op, *options;
  bool integers, wraps; /* wraps: signed ones are computed as unsigned */
} row_t;
static const row_t rows[] = {
    {"", "ReduceSum", "-DMAP=map_same -DFINISH=finish_same", true, true},
    {"", "ReduceMean", "-DMAP=map_same -DFINISH=finish_mean", false, false},
    {"", "ReduceMax", "-DJOIN_MAX -DMAP=map_same -DFINISH=finish_same", true, false},
    {"", "ReduceMin", "-DJOIN_MIN -DMAP=map_same -DFINISH=finish_same", true, false},
    {"", "ReduceProd", "-DJOIN_PRODUCT -DMAP=map_same -DFINISH=finish_same", true, true},
    {"", "ReduceL1", "-DMAP=map_abs -DFINISH=finish_same", false, false},
    {"", "ReduceL2", "-DMAP=map_square -DFINISH=finish_sqrt", false, false},
    {"", "ReduceSumSquare", "-DMAP=map_square -DFINISH=finish_same", true, true},
    {"", "ReduceLogSum", "-DMAP=map_same -DFINISH=finish_log", false, false},
    {"", "ReduceLogSumExp", "-DSHIFTED -DMAP=map_exp -DFINISH=finish_log_shifted", false, false},
    {"", "GlobalAveragePool", "-DMAP=map_same -DFINISH=finish_mean", false, false},
    {"", "GlobalMaxPool", "-DJOIN_MAX -DMAP=map_same -DFINISH=finish_same", false, false},
    {"", "ArgMax", "-DJOIN_MAX -DMAP=map_same -DFINISH=finish_same", true, false},
    {"", "ArgMin", "-DJOIN_MIN -DMAP=map_same -DFINISH=finish_same", true, false},
    {"openruntime", "ReadSum", "-DMAP=map_same -DFINISH=finish_same", true, true},
    {"openruntime", "Norm", "-DMAP=map_square -DFINISH=finish_sqrt", false, false},
};

static const row_t *row_of(const or_node_view_t *view) {
  const or_op_t *op = view->call.op;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    if (strcmp(op->name, rows[i].op) == 0 && strcmp(op->domain, rows[i].domain) == 0) return &rows[i];
  }
  return NULL;
}

static bool is_arg(const or_node_view_t *view) {
  return view->call.op == &or_op_arg_max || view->call.op == &or_op_arg_min;
}

static bool find_reduced(const or_node_view_t *view, bool reduced[OR_MAX_RANK]) {
  const or_shape_t *shape = &or_view_input(view, 0)->shape;
  or_reduction_t reduction = {.known = true};
  or_status_t status = or_status_success();
  for (int32_t i = 0; i < shape->rank; ++i) reduction.reduced[i] = true; /* ReadSum and Norm: all */
  if (is_arg(view)) {
    int32_t axis = 0;
    status = or_axis_normalize(or_op_attribute_int(&view->call, "axis", 0), shape->rank, &axis);
    for (int32_t i = 0; i < shape->rank; ++i) reduction.reduced[i] = i == axis;
  } else if (view->call.op == &or_op_global_average_pool || view->call.op == &or_op_global_max_pool) {
    for (int32_t i = 0; i < shape->rank; ++i) reduction.reduced[i] = i >= 2;
  } else if (view->call.op->domain[0] == '\0') {
    status = or_reduction_make(&view->call, &reduction);
  }
  bool ok = or_ok(status) && reduction.known;
  or_status_ignore(status); /* shape inference has told it already */
  memcpy(reduced, reduction.reduced, sizeof reduction.reduced);
  return ok;
}

/* Up to three groups of dimensions, kept, reduced, kept. False: more, and then `rearranged` says how x becomes
 * [kept, reduced]. */
static bool read_lines(const or_shape_t *shape, const bool *reduced, or_cl_lines_t *out, or_cl_layout_t *rearranged) {
  uint64_t groups[3] = {1, 1, 1}, kept = 1, together = 1;
  int group = 0, at = 0;
  for (int32_t i = 0; i < shape->rank; ++i) {
    if (shape->dims[i] == 1) continue;
    int parity = reduced[i] ? 1 : 0;
    if (group % 2 != parity) ++group;
    if (group < 3) groups[group] *= (uint64_t)shape->dims[i];
    *(reduced[i] ? &together : &kept) *= (uint64_t)shape->dims[i];
  }
  *out = (or_cl_lines_t){groups[0], groups[1], groups[2]};
  if (group < 3) return true;
  *out = (or_cl_lines_t){kept, together, 1};
  int64_t strides[OR_MAX_RANK];
  or_cl_dense_strides(shape, strides);
  *rearranged = (or_cl_layout_t){.rank = shape->rank, .operands = 2};
  for (int pass = 0; pass < 2; ++pass) {
    for (int32_t i = 0; i < shape->rank; ++i) {
      if (reduced[i] != (pass == 1)) continue;
      rearranged->dims[at] = shape->dims[i];
      rearranged->strides[1][at++] = strides[i];
    }
  }
  int64_t step = 1;
  for (int32_t i = shape->rank; i-- > 0;) {
    rearranged->strides[0][i] = step;
    step *= rearranged->dims[i];
  }
  return false;
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  const row_t *row = row_of(view);
  if (view->fused || row == NULL) return false;
  const or_op_tensor_t *x = or_view_input(view, 0);
  if (!or_shape_is_static(&x->shape) || or_view_count(&x->shape) == 0) return false;
  bool whole = row->integers && or_dtype_is_one_of(x->dtype, OR_OP_INTS);
  if (!whole && !or_cl_is_float(device, x->dtype)) return false;
  bool reduced[OR_MAX_RANK];
  or_cl_lines_t lines;
  or_cl_move_t move = {.dtype = x->dtype};
  if (!find_reduced(view, reduced)) return false;
  return (read_lines(&x->shape, reduced, &lines, &move.layout) || or_cl_move_fits(&move)) && or_cl_lines_fit(&lines);
}

static or_status_t add_lines(or_cl_build_t *build, const or_node_view_t *view, const or_cl_lines_t *lines,
                             or_cl_slot_id_t x, or_cl_slot_id_t y) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const row_t *row = row_of(view);
  or_dtype_t dtype = or_view_input(view, 0)->dtype;
  bool unsigned_type = row->wraps && or_cl_unsigned_name(dtype) != NULL, arg = is_arg(view);
  or_cl_line_form_t form = or_cl_line_form(device, lines, dtype);
  if (arg) form = (or_cl_line_form_t){.width = 1, .lanes = 1, .local_bytes = sizeof(double)};
  bool last = arg && or_op_attribute_int(&view->call, "select_last_index", 0) != 0;
  char options[192];
  (void)or_format(options, sizeof options, "-DT=%s -DW=%u -DLANES=%u %s%s",
                  unsigned_type ? or_cl_unsigned_name(dtype) : or_cl_type_name(device, dtype), form.width, form.lanes,
                  row->options, last ? " -DLAST" : "");
  bool in_rows = lines->columns == 1 && !arg;
  const or_cl_argument_t arguments[] = {
      or_cl_slot(x),
      or_cl_slot(y),
      or_cl_int((int64_t)lines->outer),
      or_cl_int((int64_t)lines->n),
      in_rows ? or_cl_local(form.local_bytes) : or_cl_int((int64_t)lines->columns),
  };
  or_cl_launch_t launch = {.source = "reduce", .options = options};
  launch.entry = arg ? "arg" : in_rows ? "reduce_rows" : "reduce_columns";
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = (double)or_view_bytes(or_view_input(view, 0));
  launch.flops = (double)or_view_count(&or_view_input(view, 0)->shape);
  if (arg) {
    or_cl_launch_rows(device, &launch, (size_t)lines->columns, (size_t)lines->outer);
  } else {
    or_cl_launch_lines(device, lines, &form, &launch);
  }
  return or_cl_build_launch(build, &launch);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_op_tensor_t *x = or_view_input(view, 0);
  bool reduced[OR_MAX_RANK];
  or_cl_lines_t lines;
  or_cl_move_t move = {.dtype = x->dtype};
  (void)find_reduced(view, reduced); /* match has looked */
  bool direct = read_lines(&x->shape, reduced, &lines, &move.layout);
  or_cl_slot_id_t from, to;
  or_status_t status = or_cl_build_read(build, view->core->inputs[0], &from);
  if (or_ok(status) && !direct) {
    move.x = from;
    status = or_cl_build_scratch(build, or_view_bytes(x), &move.y);
    if (or_ok(status)) status = or_cl_move(build, &move);
    from = move.y;
  }
  if (or_ok(status)) status = or_cl_build_write(build, view->core->outputs[0], &to);
  or_cl_build_name(build, "reduce");
  return or_ok(status) ? add_lines(build, view, &lines, from, to) : status;
}

const or_cl_family_t or_cl_family_reduce = {.name = "reduce", .match = match, .prepare = prepare};
