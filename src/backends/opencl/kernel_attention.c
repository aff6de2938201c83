/* Attention and CachedAttention without their parts: scores are never in memory. Keys and values that come in two
 * pieces are put together first, in the outputs that ask for that or in scratch. */
#include "backends/opencl/families_internal.h"
#include "base/string.h"
#include "ops/attention.h"

#define MAX_HEAD 256  /* as in kernels/attention.cl */
#define TILE 32       /* likewise */
#define LEAST_TILED 4 /* queries, so that turning rows of keys pays */
#define MIN_LANES 64u
#define MAX_LANES 256u

enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, LENGTH };

/* attention_t of kernels/attention.cl. */
typedef struct shape_t {
  or_attention_rows_t q, k, v, y;
  int64_t mask_batch, mask_head, mask_row, mask_column, mask_length;
  int32_t q_heads, sharing, q_length, head, value_head;
  int32_t before, rows, added;
  int32_t causal, left, right;
  float scale, softcap;
} shape_t;

static bool has_output(const or_node_view_t *view, uint32_t index) {
  return index < view->call.output_count && view->core->outputs[index] != OR_NO_VALUE;
}

static bool counts(const or_node_view_t *view) {
  for (uint32_t i = 0; i < view->call.input_count; ++i) {
    const or_shape_t *shape = &or_view_input(view, i)->shape;
    if (or_view_has_input(view, i) && (!or_shape_is_static(shape) || or_view_count(shape) > INT32_MAX)) return false;
  }
  return true;
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  bool ours = or_view_is(view, &or_op_attention) || or_view_is(view, &or_op_cached_attention);
  if (!ours || view->fused || !counts(view)) return false;
  or_dtype_t dtype = or_view_input(view, Q)->dtype;
  if (!or_cl_is_float(device, dtype) || dtype == OR_FLOAT64 || or_view_input(view, V)->dtype != dtype) return false;
  if (or_view_has_input(view, MASK)) {
    or_dtype_t mask = or_view_input(view, MASK)->dtype;
    if (mask != OR_BOOL && mask != dtype) return false;
  }
  or_attention_t a;
  or_attention_read(&view->call, &a);
  bool fits = a.head > 0 && a.head <= MAX_HEAD && a.value_head <= MAX_HEAD;
  return fits && !has_output(view, 3) && or_view_count(&or_view_output(view, 0)->shape) > 0;
}

/* The node read, and where its operands lie. */
typedef struct state_t {
  or_attention_t a;
  shape_t shape;
  or_dtype_t dtype;
  or_slot_id_t q, keys[2], mask, lengths, y; /* keys, and values */
} state_t;

static or_status_t join_keys(or_cl_build_t *build, const or_node_view_t *view, state_t *state, uint32_t which);
static or_status_t append_keys(or_cl_build_t *build, const or_node_view_t *view, state_t *state, uint32_t which);
static or_status_t add_launch(or_cl_build_t *build, const or_node_view_t *view, const state_t *state);

static void read_shape(state_t *state) {
  const or_attention_t *a = &state->a;
  state->shape = (shape_t){.q = a->q, .k = a->k, .v = a->v, .y = a->y, .mask_batch = a->mask_batch};
  shape_t *to = &state->shape;
  to->mask_head = a->mask_head;
  to->mask_row = a->mask_row;
  to->mask_column = a->mask_column;
  to->mask_length = a->mask_length;
  to->q_heads = (int32_t)a->q_heads;
  to->sharing = (int32_t)(a->kv_heads > 0 ? a->q_heads / a->kv_heads : 1);
  to->q_length = (int32_t)a->q_length;
  to->head = (int32_t)a->head;
  to->value_head = (int32_t)a->value_head;
  to->before = (int32_t)a->past_length;
  to->rows = (int32_t)(a->past_length + (a->cached ? 0 : a->new_length));
  to->added = (int32_t)a->new_length;
  to->causal = a->causal;
  to->left = (int32_t)(a->left_window > INT32_MAX / 2 ? -1 : a->left_window);
  to->right = (int32_t)(a->right_window > INT32_MAX / 2 ? -1 : a->right_window);
  to->scale = (float)a->scale;
  to->softcap = (float)a->softcap;
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  const or_node_t *node = view->core;
  state_t state = {.dtype = or_view_input(view, Q)->dtype};
  or_attention_read(&view->call, &state.a);
  read_shape(&state);
  or_cl_build_name(build, "attention");
  or_status_t status = or_cl_build_read(build, node->inputs[Q], &state.q);
  state.mask = state.lengths = state.q;
  if (or_ok(status) && or_view_has_input(view, MASK)) status = or_cl_build_read(build, node->inputs[MASK], &state.mask);
  if (or_ok(status) && or_view_has_input(view, LENGTH)) {
    status = or_cl_build_read(build, node->inputs[LENGTH], &state.lengths);
  }
  for (uint32_t i = 0; or_ok(status) && i < 2; ++i) {
    status = state.a.cached ? append_keys(build, view, &state, i) : join_keys(build, view, &state, i);
  }
  if (or_ok(status)) status = or_cl_build_write(build, node->outputs[0], &state.y);
  return or_ok(status) ? add_launch(build, view, &state) : status;
}

const or_cl_family_t or_cl_family_attention = {.name = "attention", .match = match, .prepare = prepare};

/* Rows that lie apart, from `first` on in the rows of all. */
typedef struct piece_t {
  or_slot_id_t x;
  or_attention_rows_t from;
  int64_t rows, first;
} piece_t;

/* A piece to its place in dense rows of all. */
static or_status_t add_piece(or_cl_build_t *build, const state_t *state, const piece_t *piece, uint32_t which) {
  const or_attention_t *a = &state->a;
  int64_t width = which == 0 ? a->head : a->value_head, rows = state->shape.rows;
  or_cl_move_t move = {.x = piece->x, .y = state->keys[which], .dtype = state->dtype, .y_first = piece->first * width};
  move.layout = (or_cl_layout_t){.rank = 4, .operands = 2};
  const int64_t extents[4] = {a->batch, a->kv_heads, piece->rows, width};
  const int64_t to[4] = {a->kv_heads * rows * width, rows * width, width, 1};
  const int64_t from[4] = {piece->from.batch, piece->from.head, piece->from.row, 1};
  for (int32_t i = 0; i < 4; ++i) {
    move.layout.dims[i] = extents[i];
    move.layout.strides[0][i] = to[i];
    move.layout.strides[1][i] = from[i];
  }
  return or_cl_move(build, &move);
}

static or_status_t join_keys(or_cl_build_t *build, const or_node_view_t *view, state_t *state, uint32_t which) {
  const or_attention_t *a = &state->a;
  const or_node_t *node = view->core;
  bool present = has_output(view, 1 + which), past = or_view_has_input(view, PAST_KEY) && a->past_length > 0;
  int64_t width = which == 0 ? a->head : a->value_head, rows = state->shape.rows;
  piece_t before = {.from = which == 0 ? a->past_key : a->past_value, .rows = a->past_length};
  piece_t fresh = {.from = which == 0 ? a->k : a->v, .rows = a->new_length, .first = past ? a->past_length : 0};
  or_status_t status = or_cl_build_read(build, node->inputs[K + which], &fresh.x);
  state->keys[which] = fresh.x;
  if (!or_ok(status) || (!past && !present)) return status;
  size_t bytes = or_dtype_bytes(state->dtype, (uint64_t)(a->batch * a->kv_heads * rows * width));
  if (past) status = or_cl_build_read(build, node->inputs[PAST_KEY + which], &before.x);
  if (or_ok(status)) {
    status = present ? or_cl_build_write(build, node->outputs[1 + which], &state->keys[which])
                     : or_cl_build_scratch(build, bytes, &state->keys[which]);
  }
  if (or_ok(status) && past) status = add_piece(build, state, &before, which);
  if (or_ok(status)) status = add_piece(build, state, &fresh, which);
  *(which == 0 ? &state->shape.k : &state->shape.v) =
      (or_attention_rows_t){a->kv_heads * rows * width, rows * width, width};
  return status;
}

static or_status_t append_keys(or_cl_build_t *build, const or_node_view_t *view, state_t *state, uint32_t which) {
  const or_attention_t *a = &state->a;
  const or_node_t *node = view->core;
  int64_t width = which == 0 ? a->head : a->value_head;
  const or_attention_rows_t *rows = which == 0 ? &a->k : &a->v;
  or_slot_id_t fresh;
  or_status_t status = or_cl_build_read(build, node->inputs[K + which], &fresh);
  if (or_ok(status)) status = or_cl_build_read(build, node->inputs[PAST_KEY + which], &state->keys[which]);
  if (!or_ok(status)) return status;
  *(which == 0 ? &state->shape.k : &state->shape.v) = which == 0 ? a->past_key : a->past_value;
  char options[96];
  (void)or_format(options, sizeof options, "-DT=%s -DW=1 -DLANES=1",
                  or_cl_type_name(or_cl_build_device(build), state->dtype));
  const or_cl_argument_t arguments[] = {
      or_cl_slot(fresh),
      or_cl_slot(state->lengths),
      or_cl_slot(state->keys[which]),
      or_cl_bytes(rows, sizeof *rows),
      or_cl_int(a->batch * a->kv_heads),
      or_cl_int(a->kv_heads),
      or_cl_int(a->new_length),
      or_cl_int(width),
      or_cl_int(a->past_length),
      or_cl_fault(),
  };
  or_cl_launch_t launch = {.source = "attention", .entry = "append", .options = options};
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments;
  launch.dimensions = 3;
  launch.global[0] = (size_t)width;
  launch.global[1] = (size_t)a->new_length;
  launch.global[2] = (size_t)(a->batch * a->kv_heads);
  launch.bytes = 2 * (double)or_view_bytes(or_view_input(view, K + which));
  return or_cl_build_launch(build, &launch);
}

/* Neighbours at a time: both head sizes are multiples. */
static uint32_t width_of(const or_cl_device_t *device, const state_t *state) {
  uint32_t width = or_cl_vector_width(device, state->dtype);
  while (width > 1 && (state->a.head % width != 0 || state->a.value_head % width != 0)) width /= 2;
  return width;
}

static uint32_t lanes_of(const or_cl_device_t *device, const state_t *state) {
  const or_cl_traits_t *traits = or_cl_device_traits(device);
  if (traits->is_cpu || traits->max_group < MIN_LANES) return 1;
  uint32_t lanes = MIN_LANES;
  while (lanes < MAX_LANES && lanes * 2 <= traits->max_group && (int32_t)lanes < state->shape.rows) lanes *= 2;
  return lanes;
}

static or_status_t add_launch(or_cl_build_t *build, const or_node_view_t *view, const state_t *state) {
  const or_cl_device_t *device = or_cl_build_device(build);
  uint32_t lanes = lanes_of(device, state), width = lanes > 1 ? 1 : width_of(device, state);
  bool tiled = or_cl_device_traits(device)->is_cpu && lanes == 1 && state->a.q_length >= LEAST_TILED;
  bool masked = or_view_has_input(view, MASK), lengths = or_view_has_input(view, LENGTH);
  or_dtype_t mask = masked ? or_view_input(view, MASK)->dtype : OR_DTYPE_NONE;
  char options[160], mask_option[48] = "";
  if (masked) {
    (void)or_format(mask_option, sizeof mask_option, " -DMASK=%s%s", or_cl_type_name(device, mask),
                    mask == OR_BOOL ? " -DBOOLEAN" : "");
  }
  const char *counted = state->a.cached ? " -DCACHED" : lengths ? " -DLENGTHS" : "";
  (void)or_format(options, sizeof options, "-DT=%s -DW=%u -DLANES=%u%s%s%s", or_cl_type_name(device, state->dtype),
                  width, lanes, mask_option, counted, tiled ? " -DTILED" : "");
  size_t heads = (size_t)(state->a.batch * state->a.q_heads);
  const or_cl_argument_t arguments[] = {
      or_cl_slot(state->q),
      or_cl_slot(state->keys[0]),
      or_cl_slot(state->keys[1]),
      or_cl_slot(state->mask),
      or_cl_slot(state->lengths),
      or_cl_slot(state->y),
      or_cl_bytes(&state->shape, sizeof state->shape),
      or_cl_int((int64_t)heads),
      or_cl_local(MAX_HEAD * sizeof(double)),
      or_cl_local(lanes * sizeof(double)),
      or_cl_local(lanes * sizeof(double)),
  };
  or_cl_launch_t launch = {.source = "attention", .options = options};
  launch.entry = lanes > 1 ? "attention_groups" : tiled ? "attention_tiles" : "attention_items";
  launch.arguments = arguments;
  launch.argument_count = sizeof arguments / sizeof *arguments - (lanes > 1 ? 0 : 3);
  or_cost_t cost = view->call.op->cost(&view->call);
  launch.flops = cost.flops;
  launch.bytes = cost.bytes_read + cost.bytes_written;
  launch.dimensions = 3;
  launch.global[0] = lanes;
  launch.global[1] = tiled ? ((size_t)state->a.q_length + TILE - 1) / TILE : (size_t)state->a.q_length;
  launch.global[2] = heads;
  launch.local[0] = lanes;
  launch.local[1] = launch.local[2] = 1;
  return or_cl_build_launch(build, &launch);
}
