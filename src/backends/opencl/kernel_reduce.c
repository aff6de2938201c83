/* Reductions along any axes, and the places of the largest and the smallest. Neighbouring dimensions that share their
 * fate are one; where more than one group of them is reduced, x is first rearranged so that all of them come last. */
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/arg.h"
#include "ops/extents.h"
#include "ops/pool.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vector.h"

#define LEAST_PIECE 16384u /* elements of a row that is cut, at least */
#define MOST_PIECES 8192u  /* of a row; so many fewer than LEAST_PIECE that none is empty */
#define PIECES_A_UNIT 8u   /* and so many pieces for each unit */
#define PIECES_A_UNIT_CPU 4u

/* How an operator is called in kernels/reduce.cl: in one step; or pieces of a row first, and then what they gave. */
typedef struct row_t {
  const char *domain, *op, *options, *first, *second; /* second NULL: never in pieces */
  bool integers, wraps;                               /* wraps: signed ones are computed as unsigned */
} row_t;
#define SAME "-DMAP=map_same -DFINISH=finish_same"
#define ARG_MAX "-DJOIN_MAX " SAME
#define ARG_MIN "-DJOIN_MIN " SAME
#define SUM_OF(map) "-DMAP=" map " -DFINISH=finish_same"
#define SUM_TO(finish) "-DMAP=map_same -DFINISH=" finish
static const row_t rows[] = {
    {"", "ReduceSum", SAME, SAME, SAME, true, true},
    {"", "ReduceMean", SUM_TO("finish_mean"), SAME, SUM_TO("finish_mean"), false, false},
    {"", "ReduceMax", ARG_MAX, ARG_MAX, ARG_MAX, true, false},
    {"", "ReduceMin", ARG_MIN, ARG_MIN, ARG_MIN, true, false},
    {"", "ReduceProd", "-DJOIN_PRODUCT " SAME, "-DJOIN_PRODUCT " SAME, "-DJOIN_PRODUCT " SAME, true, true},
    {"", "ReduceL1", SUM_OF("map_abs"), SUM_OF("map_abs"), SAME, false, false},
    {"", "ReduceL2", "-DMAP=map_square -DFINISH=finish_sqrt", SUM_OF("map_square"), SUM_TO("finish_sqrt"), false,
     false},
    {"", "ReduceSumSquare", SUM_OF("map_square"), SUM_OF("map_square"), SAME, true, true},
    {"", "ReduceLogSum", SUM_TO("finish_log"), SAME, SUM_TO("finish_log"), false, false},
    {"", "ReduceLogSumExp", "-DSHIFTED -DMAP=map_exp -DFINISH=finish_log_shifted", NULL, NULL, false, false},
    {"", "GlobalAveragePool", SUM_TO("finish_mean"), SAME, SUM_TO("finish_mean"), false, false},
    {"", "GlobalMaxPool", ARG_MAX, ARG_MAX, ARG_MAX, false, false},
    {"", "ArgMax", ARG_MAX, NULL, NULL, true, false},
    {"", "ArgMin", ARG_MIN, NULL, NULL, true, false},
    {"openruntime", "ReadSum", SAME, SAME, SAME, true, true},
    {"openruntime", "Norm", "-DMAP=map_square -DFINISH=finish_sqrt", SUM_OF("map_square"), SUM_TO("finish_sqrt"), false,
     false},
    {"openruntime", "Dot", "-DDOT " SAME, "-DDOT " SAME, SAME, true, true},
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

/* Over no elements a maximum, and what begins with one, is not computed by the kernels. */
static bool is_undefined(const or_node_view_t *view) {
  const or_op_t *op = view->call.op;
  bool sums = op == &or_op_reduce_sum || op == &or_op_reduce_sum_square || op == &or_op_reduce_mean ||
              op == &or_op_reduce_l1 || op == &or_op_reduce_l2 || op->domain[0] != '\0';
  return !sums && or_view_count(&or_view_input(view, 0)->shape) == 0;
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  const row_t *row = row_of(view);
  if (view->fused || row == NULL) return false;
  const or_op_tensor_t *x = or_view_input(view, 0);
  if (!or_shape_is_static(&x->shape) || is_undefined(view)) return false;
  bool whole = row->integers && or_dtype_is_one_of(x->dtype, OR_OP_INTS);
  if (!whole && !or_cl_is_float(device, x->dtype)) return false;
  bool reduced[OR_MAX_RANK];
  or_cl_lines_t lines;
  or_cl_move_t move = {.dtype = x->dtype};
  if (!find_reduced(view, reduced)) return false;
  return (read_lines(&x->shape, reduced, &lines, &move.layout) || or_cl_move_fits(&move)) && or_cl_lines_fit(&lines);
}

/* What a launch reduces: pieces of lines, as numbers of `from` to numbers of `to`. */
typedef struct launch_t {
  or_cl_lines_t lines;
  uint64_t piece, pieces; /* of each row: elements, and how many */
  uint64_t total;         /* elements of a whole line */
  const char *from, *to, *options;
  or_dtype_t dtype; /* of the width of `from` */
  or_slot_id_t x, other, y;
} launch_t;

static or_status_t add_rows(or_cl_build_t *build, const launch_t *what) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const or_cl_lines_t pieces = {what->lines.outer * what->pieces, what->piece, 1};
  or_cl_line_form_t form = or_cl_line_form(device, &pieces, what->dtype);
  char options[192];
  (void)or_format(options, sizeof options, "-DT=%s -DU=%s -DW=%u -DLANES=%u %s", what->from, what->to, form.width,
                  form.lanes, what->options);
  const or_cl_argument_t arguments[] = {
      or_cl_slot(what->x),
      or_cl_slot(what->other),
      or_cl_slot(what->y),
      or_cl_int((int64_t)pieces.outer),
      or_cl_int((int64_t)what->lines.n),
      or_cl_int((int64_t)what->piece),
      or_cl_int((int64_t)what->pieces),
      or_cl_int((int64_t)what->total),
      or_cl_local(form.local_bytes),
  };
  or_cl_launch_t launch = {.source = "reduce", .entry = "reduce_rows", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.flops = (double)what->lines.outer * (double)what->lines.n;
  launch.bytes = launch.flops * (double)or_dtype_bytes(what->dtype, 1);
  or_cl_launch_lines(device, &pieces, &form, &launch);
  return or_cl_build_launch(build, &launch);
}

/* Columns, or where the extremes are. */
static or_status_t add_columns(or_cl_build_t *build, const launch_t *what, bool arg) {
  const or_cl_device_t *device = or_cl_build_device(build);
  or_cl_line_form_t form = or_cl_line_form(device, &what->lines, what->dtype);
  if (arg) form.width = 1;
  char options[192];
  (void)or_format(options, sizeof options, "-DT=%s -DU=%s -DW=%u -DLANES=1 %s", what->from, what->to, form.width,
                  what->options);
  const or_cl_argument_t arguments[] = {
      or_cl_slot(what->x),
      or_cl_slot(what->y),
      or_cl_int((int64_t)what->lines.outer),
      or_cl_int((int64_t)what->lines.n),
      or_cl_int((int64_t)what->lines.columns),
  };
  or_cl_launch_t launch = {.source = "reduce", .entry = arg ? "arg" : "reduce_columns", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.flops = (double)what->lines.outer * (double)what->lines.n * (double)what->lines.columns;
  launch.bytes = launch.flops * (double)or_dtype_bytes(what->dtype, 1);
  or_cl_launch_rows(device, &launch, (size_t)what->lines.columns / form.width, (size_t)what->lines.outer);
  return or_cl_build_launch(build, &launch);
}

/* Few long rows are cut, that all units have work: so many pieces of each. */
static uint64_t pieces_of(const or_cl_device_t *device, const row_t *row, const or_cl_lines_t *lines) {
  const or_cl_traits_t *traits = or_cl_device_traits(device);
  uint64_t wanted = (traits->is_cpu ? PIECES_A_UNIT_CPU : PIECES_A_UNIT) * (uint64_t)traits->compute_units;
  if (lines->outer == 0 || lines->outer >= wanted || row->second == NULL) return 1;
  uint64_t pieces = wanted / lines->outer, most = lines->n / LEAST_PIECE;
  if (most > MOST_PIECES) most = MOST_PIECES;
  return pieces < most ? pieces : most < 1 ? 1 : most;
}

static or_status_t add_lines(or_cl_build_t *build, const or_node_view_t *view, const or_cl_lines_t *lines,
                             const or_slot_id_t slots[3]) {
  const or_cl_device_t *device = or_cl_build_device(build);
  const row_t *row = row_of(view);
  or_dtype_t dtype = or_view_input(view, 0)->dtype;
  bool unsigned_type = row->wraps && or_cl_unsigned_name(dtype) != NULL, arg = is_arg(view);
  const char *type = unsigned_type ? or_cl_unsigned_name(dtype) : or_cl_type_name(device, dtype);
  launch_t what = {.lines = *lines, .piece = lines->n, .pieces = 1, .total = lines->n, .dtype = dtype};
  what.from = what.to = type;
  what.options = row->options;
  what.x = slots[0];
  what.other = slots[1];
  what.y = slots[2];
  if (arg && or_op_attribute_int(&view->call, "select_last_index", 0) != 0) {
    what.options = view->call.op == &or_op_arg_max ? "-DLAST " ARG_MAX : "-DLAST " ARG_MIN;
  }
  if (arg || lines->columns != 1) return add_columns(build, &what, arg);
  what.pieces = pieces_of(device, row, lines);
  if (what.pieces == 1) return add_rows(build, &what);
  /* First each piece, into numbers as they are computed, and then those. */
  launch_t rest = what;
  bool real = or_cl_is_float(device, dtype);
  what.piece = (lines->n + what.pieces - 1) / what.pieces;
  what.options = row->first;
  what.to = real && dtype != OR_FLOAT64 ? "float" : type;
  rest.from = what.to;
  rest.dtype = real && dtype != OR_FLOAT64 ? OR_FLOAT32 : dtype;
  rest.options = row->second;
  rest.lines.n = rest.piece = what.pieces;
  rest.pieces = 1;
  or_status_t status = or_cl_build_scratch(build, or_dtype_bytes(rest.dtype, lines->outer * what.pieces), &what.y);
  rest.x = rest.other = what.y;
  if (or_ok(status)) status = add_rows(build, &what);
  return or_ok(status) ? add_rows(build, &rest) : status;
}

static or_status_t find_operands(or_cl_build_t *build, const or_node_view_t *view, or_slot_id_t slots[2]) {
  or_status_t status = or_cl_build_read(build, view->core->inputs[0], &slots[0]);
  slots[1] = slots[0];
  if (!or_ok(status) || view->call.op != &or_op_dot) return status;
  return or_cl_build_read(build, view->core->inputs[1], &slots[1]);
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_op_tensor_t *x = or_view_input(view, 0);
  bool reduced[OR_MAX_RANK];
  or_cl_lines_t lines;
  or_cl_move_t move = {.dtype = x->dtype};
  (void)find_reduced(view, reduced); /* match has looked */
  bool direct = read_lines(&x->shape, reduced, &lines, &move.layout);
  or_slot_id_t slots[3];
  or_status_t status = find_operands(build, view, slots);
  if (or_ok(status) && !direct) {
    move.x = slots[0];
    status = or_cl_build_scratch(build, or_view_bytes(x), &move.y);
    if (or_ok(status)) status = or_cl_move(build, &move);
    slots[0] = slots[1] = move.y;
  }
  if (or_ok(status)) status = or_cl_build_write(build, view->core->outputs[0], &slots[2]);
  or_cl_build_name(build, "reduce");
  return or_ok(status) ? add_lines(build, view, &lines, slots) : status;
}

const or_cl_family_t or_cl_family_reduce = {.name = "reduce", .match = match, .prepare = prepare};
