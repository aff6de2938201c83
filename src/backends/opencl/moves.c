/* Elements that move along strides: as one copy of bytes, as rows, or as planes that are transposed. */
#include "backends/opencl/families_internal.h"
#include "base/string.h"

#define TILE 32u /* as in kernels/move.cl, likewise below */
#define TILE_ROWS 8u
#define BLOCK 16u

typedef struct launch_state_t {
  or_cl_build_t *build;
  const or_cl_move_t *copy;
  or_cl_strides_t strides;
  double count;
} launch_state_t;

bool or_cl_move_fits(const or_cl_move_t *copy) {
  or_cl_strides_t strides;
  return or_cl_bytes_name(copy->dtype) != NULL && or_cl_layout_join(&copy->layout, &strides);
}

static or_status_t rows(launch_state_t *state);
static or_status_t planes(launch_state_t *state, int32_t fast);

/* The dimension along which x's elements are neighbours, where that is not the last one; -1: none, or no gain. */
static int32_t moving_dimension(const or_cl_strides_t *strides) {
  int32_t last = strides->rank - 1;
  if (last < 1 || strides->strides[0][last] != 1 || strides->strides[1][last] <= 1) return -1;
  for (int32_t i = 0; i < last; ++i) {
    bool both = strides->dims[i] >= 4 && strides->dims[last] >= 4;
    if (strides->strides[1][i] == 1 && both) return i;
  }
  return -1;
}

or_status_t or_cl_move(or_cl_build_t *build, const or_cl_move_t *copy) {
  launch_state_t state = {.build = build, .copy = copy, .count = 1};
  if (!or_cl_layout_join(&copy->layout, &state.strides)) return or_error(OR_INTERNAL, "a copy that no kernel fits");
  for (int32_t i = 0; i < state.strides.rank; ++i) state.count *= state.strides.dims[i];
  if (state.count <= 0) return or_status_success();
  bool dense = state.strides.rank == 0 ||
               (state.strides.rank == 1 && state.strides.strides[0][0] == 1 && state.strides.strides[1][0] == 1);
  size_t element = or_dtype_bytes(copy->dtype, 1);
  if (dense) {
    return or_cl_build_copy(build, copy->x, (size_t)copy->x_first * element, copy->y, (size_t)copy->y_first * element,
                            (size_t)state.count * element);
  }
  int32_t fast = copy->x_first == 0 && copy->y_first == 0 ? moving_dimension(&state.strides) : -1;
  return fast >= 0 ? planes(&state, fast) : rows(&state);
}

static or_status_t rows(launch_state_t *state) {
  const or_cl_device_t *device = or_cl_build_device(state->build);
  const or_cl_move_t *copy = state->copy;
  or_cl_strides_t outer = state->strides;
  int32_t steps[3], inner = or_cl_split_rows(&outer, steps);
  uint32_t width = inner < 4 ? 1 : or_cl_vector_width(device, copy->dtype);
  size_t row_count = (size_t)(state->count / inner);
  char options[64];
  (void)or_format(options, sizeof options, "-DT=%s -DW=%u", or_cl_bytes_name(copy->dtype), width);
  const or_cl_argument_t arguments[] = {
      or_cl_slot(copy->x),           or_cl_slot(copy->y),       or_cl_bytes(&outer, sizeof outer),
      or_cl_int((int64_t)row_count), or_cl_int(inner),          or_cl_int(steps[0]),
      or_cl_int(steps[1]),           or_cl_long(copy->y_first), or_cl_long(copy->x_first),
  };
  or_cl_launch_t launch = {.source = "move", .entry = "move", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.bytes = 2 * state->count * (double)or_dtype_bytes(copy->dtype, 1);
  or_cl_launch_rows(device, &launch, ((size_t)inner + width - 1) / width, row_count);
  return or_cl_build_launch(state->build, &launch);
}

static size_t blocks(int32_t extent, size_t of) { return ((size_t)extent + of - 1) / of; }

static bool takes_tiles(const or_cl_traits_t *traits) {
  return !traits->is_cpu && traits->max_group >= (size_t)TILE * TILE_ROWS && traits->max_items[0] >= TILE &&
         traits->max_items[1] >= TILE_ROWS;
}

static or_status_t planes(launch_state_t *state, int32_t fast) {
  const or_cl_move_t *copy = state->copy;
  or_cl_strides_t outer = state->strides;
  int32_t slow = --outer.rank, extents[2] = {outer.dims[fast], outer.dims[slow]};
  int32_t y_step = outer.strides[0][fast], x_step = outer.strides[1][slow];
  for (int32_t i = fast; i + 1 < outer.rank; ++i) { /* takes it out */
    outer.dims[i] = outer.dims[i + 1];
    for (int k = 0; k < 2; ++k) outer.strides[k][i] = outer.strides[k][i + 1];
  }
  --outer.rank;
  size_t count = 1;
  for (int32_t i = 0; i < outer.rank; ++i) count *= (size_t)outer.dims[i];
  bool tiles = takes_tiles(or_cl_device_traits(or_cl_build_device(state->build)));
  char options[64];
  (void)or_format(options, sizeof options, "-DT=%s", or_cl_bytes_name(copy->dtype));
  const or_cl_argument_t arguments[] = {
      or_cl_slot(copy->x),
      or_cl_slot(copy->y),
      or_cl_bytes(&outer, sizeof outer),
      or_cl_int(extents[0]),
      or_cl_int(extents[1]),
      or_cl_int(y_step),
      or_cl_int(x_step),
      or_cl_local(TILE * (TILE + 1) * or_dtype_bytes(copy->dtype, 1)),
  };
  or_cl_launch_t launch = {.source = "move", .entry = tiles ? "transpose_tiles" : "transpose_blocks"};
  launch.options = options;
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments - (tiles ? 0 : 1);
  launch.dimensions = 3;
  launch.global[0] = tiles ? blocks(extents[0], TILE) * TILE : blocks(extents[0], BLOCK);
  launch.global[1] = tiles ? blocks(extents[1], TILE) * TILE_ROWS : blocks(extents[1], BLOCK);
  launch.global[2] = count;
  if (tiles) {
    launch.local[0] = TILE;
    launch.local[1] = TILE_ROWS;
    launch.local[2] = 1;
  }
  launch.bytes = 2 * state->count * (double)or_dtype_bytes(copy->dtype, 1);
  return or_cl_build_launch(state->build, &launch);
}

or_status_t or_cl_same(or_cl_build_t *build, const or_node_view_t *view) {
  or_slot_id_t from, to;
  bool shared = false;
  or_status_t status = or_cl_build_share(build, view->core->inputs[0], view->core->outputs[0], 0, &shared);
  or_cl_build_name(build, "alias");
  if (!or_ok(status) || shared) return status;
  or_cl_build_name(build, "copy");
  status = or_cl_build_read(build, view->core->inputs[0], &from);
  if (or_ok(status)) status = or_cl_build_write(build, view->core->outputs[0], &to);
  return or_ok(status) ? or_cl_build_copy(build, from, 0, to, 0, or_view_bytes(or_view_input(view, 0))) : status;
}
