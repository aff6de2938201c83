/* Concat, Split, Slice, Expand and Tile of any type of whole bytes: elements that move along strides. Pieces of what
 * already lies together are not moved at all. */
#include <string.h>

#include "backends/opencl/families_internal.h"
#include "ops/shape.h"

typedef enum kind_t { CONCAT, SPLIT, SLICE, EXPAND, TILE, KINDS } kind_t;
static const char *const names[KINDS] = {"Concat", "Split", "Slice", "Expand", "Tile"};

static bool kind_of(const or_node_view_t *view, kind_t *kind) {
  for (int i = 0; i < KINDS; ++i) {
    *kind = (kind_t)i;
    if (strcmp(view->call.op->name, names[i]) == 0) return true;
  }
  return false;
}

static bool is_static(const or_node_view_t *view) {
  for (uint32_t i = 0; i < view->call.input_count; ++i) {
    if (or_view_has_input(view, i) && !or_shape_is_static(&or_view_input(view, i)->shape)) return false;
  }
  for (uint32_t i = 0; i < view->call.output_count; ++i) {
    if (view->core->outputs[i] != OR_NO_VALUE && !or_shape_is_static(&or_view_output(view, i)->shape)) return false;
  }
  return true;
}

static bool read_pieces(const or_node_view_t *view, bool concat, uint32_t piece, int64_t first, or_cl_move_t *out);
static bool read_slice(const or_node_view_t *view, or_cl_move_t *out);
static void read_expand(const or_node_view_t *view, or_cl_move_t *out);
static void read_tile(const or_node_view_t *view, or_cl_move_t *out);

/* The piece of Concat or Split, or all of another; *first: where a piece begins along the axis. */
static bool read_copy(const or_node_view_t *view, kind_t kind, uint32_t piece, int64_t first, or_cl_move_t *out) {
  *out = (or_cl_move_t){.dtype = or_view_input(view, 0)->dtype, .layout = {.operands = 2}};
  switch (kind) {
  case CONCAT:
  case SPLIT:
    if (!read_pieces(view, kind == CONCAT, piece, first, out)) return false;
    break;
  case SLICE:
    if (!read_slice(view, out)) return false;
    break;
  case EXPAND: read_expand(view, out); break;
  default: read_tile(view, out); break;
  }
  return or_cl_move_fits(out);
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  kind_t kind;
  or_cl_move_t copy;
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0' || !kind_of(view, &kind) || !is_static(view)) return false;
  if (or_cl_bytes_name(or_view_input(view, 0)->dtype) == NULL) return false;
  uint32_t pieces = kind == CONCAT ? view->call.input_count : kind == SPLIT ? view->call.output_count : 1;
  for (uint32_t i = 0; i < pieces; ++i) {
    bool left_out = kind == SPLIT && view->core->outputs[i] == OR_NO_VALUE;
    if (!left_out && !read_copy(view, kind, i, 0, &copy)) return false;
  }
  return true;
}

static or_status_t prepare_pieces(or_cl_build_t *build, const or_node_view_t *view, kind_t kind);
static or_status_t prepare_whole(or_cl_build_t *build, const or_node_view_t *view, kind_t kind);

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  kind_t kind = CONCAT;
  (void)kind_of(view, &kind); /* match has looked */
  return kind <= SPLIT ? prepare_pieces(build, view, kind) : prepare_whole(build, view, kind);
}

const or_cl_family_t or_cl_family_move = {.name = "move", .match = match, .prepare = prepare};

/* Where x's elements are neighbours as the copy goes: an offset in bytes is all. */
static bool lies_together(const or_cl_move_t *copy) {
  or_cl_strides_t joined;
  if (!or_cl_layout_join(&copy->layout, &joined)) return false;
  size_t offset = (size_t)copy->x_first * or_dtype_bytes(copy->dtype, 1);
  bool dense = joined.rank == 0 || (joined.rank == 1 && joined.strides[1][0] == 1);
  return dense && copy->x_first >= 0 && offset % OR_DEFAULT_ALIGNMENT == 0;
}

/* Copies, or only shares, all of one value into all of another. */
static or_status_t copy_or_share(or_cl_build_t *build, or_value_id_t from, or_value_id_t to, or_cl_move_t *copy) {
  bool shared = false;
  or_status_t status = or_status_success();
  if (lies_together(copy)) {
    size_t offset = (size_t)copy->x_first * or_dtype_bytes(copy->dtype, 1);
    status = or_cl_build_share(build, from, to, offset, &shared);
  }
  if (!or_ok(status) || shared) return status;
  or_cl_build_name(build, "copy");
  status = or_cl_build_read(build, from, &copy->x);
  if (or_ok(status)) status = or_cl_build_write(build, to, &copy->y);
  return or_ok(status) ? or_cl_move(build, copy) : status;
}

/* Pieces. */

static bool axis_of(const or_node_view_t *view, bool concat, int32_t *axis) {
  const or_op_tensor_t *whole = concat ? or_view_output(view, 0) : or_view_input(view, 0);
  int64_t fallback = concat && view->core->version < 4 ? 1 : 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(&view->call, "axis", fallback), whole->shape.rank, axis);
  bool ok = or_ok(status);
  or_status_ignore(status); /* shape inference has told it already */
  return ok;
}

static const or_op_tensor_t *piece_of(const or_node_view_t *view, bool concat, uint32_t piece) {
  return concat ? or_view_input(view, piece) : or_view_output(view, piece);
}

static bool read_pieces(const or_node_view_t *view, bool concat, uint32_t piece, int64_t first, or_cl_move_t *out) {
  int32_t axis = 0;
  if (!axis_of(view, concat, &axis)) return false;
  const or_shape_t *part = &piece_of(view, concat, piece)->shape;
  const or_shape_t *whole = concat ? &or_view_output(view, 0)->shape : &or_view_input(view, 0)->shape;
  out->layout.rank = part->rank;
  for (int32_t i = 0; i < part->rank; ++i) out->layout.dims[i] = part->dims[i];
  or_cl_dense_strides(whole, out->layout.strides[concat ? 0 : 1]);
  or_cl_dense_strides(part, out->layout.strides[concat ? 1 : 0]);
  *(concat ? &out->y_first : &out->x_first) = first * out->layout.strides[concat ? 0 : 1][axis];
  return true;
}

static or_status_t prepare_pieces(or_cl_build_t *build, const or_node_view_t *view, kind_t kind) {
  const or_node_t *node = view->core;
  or_slot_id_t whole = OR_NO_SLOT;
  int32_t axis = 0;
  int64_t first = 0;
  bool concat = kind == CONCAT;
  (void)axis_of(view, concat, &axis); /* match has looked */
  or_status_t status = concat ? or_cl_build_write(build, node->outputs[0], &whole) : or_status_success();
  or_cl_build_name(build, concat ? "copy" : "alias");
  for (uint32_t i = 0; or_ok(status) && i < (concat ? view->call.input_count : view->call.output_count); ++i) {
    or_cl_move_t copy;
    if (!concat && node->outputs[i] == OR_NO_VALUE) {
      first += piece_of(view, concat, i)->shape.dims[axis];
      continue;
    }
    (void)read_copy(view, kind, i, first, &copy); /* match has looked */
    first += piece_of(view, concat, i)->shape.dims[axis];
    if (concat) {
      copy.y = whole;
      status = or_cl_build_read(build, node->inputs[i], &copy.x);
      if (or_ok(status)) status = or_cl_move(build, &copy);
    } else {
      status = copy_or_share(build, node->inputs[0], node->outputs[i], &copy);
    }
  }
  return status;
}

/* Slices, and what is repeated. */

static bool read_slice(const or_node_view_t *view, or_cl_move_t *out) {
  or_slice_t slice;
  bool known = false;
  or_status_t status = or_slice_make(&view->call, &slice, &known);
  bool ok = or_ok(status) && known;
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok) return false;
  const or_shape_t *x = &or_view_input(view, 0)->shape, *y = &or_view_output(view, 0)->shape;
  int64_t strides[OR_MAX_RANK];
  or_cl_dense_strides(x, strides);
  or_cl_dense_strides(y, out->layout.strides[0]);
  out->layout.rank = x->rank;
  for (int32_t i = 0; i < x->rank; ++i) {
    out->layout.dims[i] = y->dims[i];
    out->layout.strides[1][i] = y->dims[i] > 1 ? strides[i] * slice.step[i] : strides[i];
    out->x_first += slice.start[i] * strides[i];
  }
  return true;
}

static void read_expand(const or_node_view_t *view, or_cl_move_t *out) {
  const or_shape_t *y = &or_view_output(view, 0)->shape;
  out->layout.rank = y->rank;
  for (int32_t i = 0; i < y->rank; ++i) out->layout.dims[i] = y->dims[i];
  or_cl_dense_strides(y, out->layout.strides[0]);
  or_shape_broadcast_strides(&or_view_input(view, 0)->shape, y, out->layout.strides[1]);
}

/* Each dimension is two: the repeats, along which x stays, and the input's own. */
static void read_tile(const or_node_view_t *view, or_cl_move_t *out) {
  const or_shape_t *x = &or_view_input(view, 0)->shape, *y = &or_view_output(view, 0)->shape;
  int64_t x_strides[OR_MAX_RANK], y_strides[OR_MAX_RANK];
  or_cl_dense_strides(x, x_strides);
  or_cl_dense_strides(y, y_strides);
  out->layout.rank = 2 * x->rank;
  for (int32_t i = 0; i < x->rank; ++i) {
    out->layout.dims[2 * i] = x->dims[i] > 0 ? y->dims[i] / x->dims[i] : 0;
    out->layout.strides[0][2 * i] = y_strides[i] * x->dims[i];
    out->layout.dims[2 * i + 1] = x->dims[i];
    out->layout.strides[0][2 * i + 1] = y_strides[i];
    out->layout.strides[1][2 * i + 1] = x_strides[i];
  }
}

static or_status_t prepare_whole(or_cl_build_t *build, const or_node_view_t *view, kind_t kind) {
  or_cl_move_t copy;
  (void)read_copy(view, kind, 0, 0, &copy); /* match has looked */
  or_cl_build_name(build, "alias");
  return copy_or_share(build, view->core->inputs[0], view->core->outputs[0], &copy);
}
