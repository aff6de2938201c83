/* Concat, Split, Slice and Gather as runs of bytes that move, of any type of whole bytes; pieces of what already lies
 * together are not moved at all. */
#include <string.h>

#include "backends/cpu/dnnl_steps_internal.h"
#include "backends/cpu/families_internal.h"
#include "ops/shape.h"

typedef enum kind_t { CONCAT, SPLIT, SLICE, GATHER, KINDS } kind_t;
static const char *const names[KINDS] = {"Concat", "Split", "Slice", "Gather"};

static bool kind_of(const or_node_view_t *view, kind_t *kind) {
  for (int i = 0; i < KINDS; ++i) {
    *kind = (kind_t)i;
    if (strcmp(view->call.op->name, names[i]) == 0) return true;
  }
  return false;
}

static bool forward_slice(const or_node_view_t *view, or_slice_t *slice) {
  bool known = false;
  or_status_t status = or_slice_make(&view->call, slice, &known);
  bool ok = or_ok(status) && known;
  or_status_ignore(status); /* shape inference has told it already */
  if (!ok) return false;
  int32_t rank = or_view_input(view, 0)->shape.rank;
  for (int32_t i = 0; i < rank; ++i) {
    if (slice->step[i] != 1 && slice->count[i] > 1) return false;
  }
  return true;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  kind_t kind;
  or_slice_t slice;
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0' || !kind_of(view, &kind)) return false;
  const or_op_tensor_t *x = or_view_input(view, 0);
  if (x->dtype == OR_STRING || or_dtype_bits(x->dtype) % 8 != 0 || x->shape.rank < 1) return false;
  for (uint32_t i = 0; i < view->call.output_count; ++i) {
    if (!or_shape_is_static(&or_view_output(view, i)->shape)) return false;
  }
  return kind != SLICE || forward_slice(view, &slice);
}

static or_status_t prepare_pieces(or_cpu_build_t *build, const or_node_view_t *view, bool concat);
static or_status_t prepare_slice(or_cpu_build_t *build, const or_node_view_t *view);
static or_status_t prepare_gather(or_cpu_build_t *build, const or_node_view_t *view);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  kind_t kind = CONCAT;
  (void)kind_of(view, &kind); /* match has looked */
  switch (kind) {
  case SLICE: return prepare_slice(build, view);
  case GATHER: return prepare_gather(build, view);
  default: return prepare_pieces(build, view, kind == CONCAT);
  }
}

const or_cpu_family_t or_cpu_family_move = {.name = "move", .match = match, .prepare = prepare};

/* A block of rows: `bytes` of each, rows `from_ld` and `to_ld` bytes apart. */
typedef struct block_t {
  or_slot_id_t from, to;
  size_t from_offset, to_offset, from_ld, to_ld, bytes, rows;
} block_t;

typedef struct block_work_t {
  const block_t *block;
  const char *from;
  char *to;
} block_work_t;

static void block_body(void *self, size_t begin, size_t end, int thread) {
  const block_work_t *work = self;
  const block_t *block = work->block;
  (void)thread;
  for (size_t i = begin; i < end; ++i) {
    memcpy(work->to + i * block->to_ld, work->from + i * block->from_ld, block->bytes);
  }
}

static or_status_t run_block(const or_cpu_step_t *step, const or_cpu_run_t *run) {
  const block_t *block = step->state;
  if (block->rows == 0 || block->bytes == 0) return or_status_success();
  block_work_t work = {block, (const char *)run->slots[block->from] + block->from_offset,
                       (char *)run->slots[block->to] + block->to_offset};
  if (block->rows == 1) return or_cpu_copy_bytes(run, work.from, work.to, block->bytes);
  return or_cpu_parallel_rows(run, block->rows, 2 * block->bytes, block_body, &work);
}

static or_status_t add_block(or_cpu_build_t *build, const block_t *block) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof *block, &memory);
  if (!or_ok(status)) return status;
  memcpy(memory, block, sizeof *block);
  or_cpu_build_name(build, "copy");
  return or_cpu_build_step(build, run_block, memory);
}

/* Extents of the whole around the axis of Concat or Split, in bytes. */
typedef struct pieces_t {
  size_t outer, whole, inner; /* rows; bytes of a row of the whole; bytes of one index along the axis */
  int32_t axis;
  bool channels_last; /* the pieces are channels of images that lie so */
} pieces_t;

/* Where along channels alone images are cut or joined, each pixel is a row. */
static void measure_channels_last(const or_op_tensor_t *whole, pieces_t *pieces) {
  const int64_t *dims = whole->shape.dims;
  pieces->channels_last = true;
  pieces->outer = (size_t)(dims[0] * dims[2] * dims[3]);
  pieces->inner = or_dtype_bytes(whole->dtype, 1);
  pieces->whole = pieces->inner * (size_t)dims[1];
}

static or_status_t read_piece(or_cpu_build_t *build, const pieces_t *pieces, or_value_id_t value, or_slot_id_t *out) {
  if (!pieces->channels_last) return or_cpu_build_read(build, value, out);
  *out = build->blocked[value].slot;
  return or_cpu_build_touch(build, *out);
}

static or_status_t write_piece(or_cpu_build_t *build, const pieces_t *pieces, or_value_id_t value, or_slot_id_t *out) {
  return pieces->channels_last ? or_cpu_channels_last_write(build, value, out) : or_cpu_build_write(build, value, out);
}

static or_status_t measure(const or_node_view_t *view, const or_op_tensor_t *whole, bool concat, pieces_t *out) {
  int64_t fallback = concat && view->core->version < 4 ? 1 : 0;
  or_status_t status =
      or_axis_normalize(or_op_attribute_int(&view->call, "axis", fallback), whole->shape.rank, &out->axis);
  if (!or_ok(status)) return status;
  const or_shape_t *shape = &whole->shape;
  out->outer = (size_t)or_shape_product(shape, 0, out->axis);
  out->inner = (size_t)or_shape_product(shape, out->axis + 1, shape->rank) * or_dtype_bytes(whole->dtype, 1);
  out->whole = out->inner * (size_t)shape->dims[out->axis];
  return status;
}

static or_status_t prepare_concat(or_cpu_build_t *build, const or_node_view_t *view, const pieces_t *pieces) {
  const or_node_t *node = view->core;
  or_slot_id_t whole = OR_NO_SLOT;
  size_t offset = 0;
  or_status_t status = write_piece(build, pieces, node->outputs[0], &whole);
  for (uint32_t i = 0; or_ok(status) && i < view->call.input_count; ++i) {
    block_t block = {.to = whole, .to_offset = offset, .to_ld = pieces->whole, .rows = pieces->outer};
    block.bytes = block.from_ld = pieces->inner * (size_t)or_view_input(view, i)->shape.dims[pieces->axis];
    offset += block.bytes;
    status = read_piece(build, pieces, node->inputs[i], &block.from);
    if (or_ok(status)) status = or_cpu_build_touch(build, whole);
    if (or_ok(status)) status = add_block(build, &block);
  }
  return status;
}

static or_status_t prepare_split(or_cpu_build_t *build, const or_node_view_t *view, const pieces_t *pieces) {
  const or_node_t *node = view->core;
  size_t offset = 0;
  or_status_t status = or_status_success();
  or_cpu_build_name(build, "alias");
  for (uint32_t i = 0; or_ok(status) && i < view->call.output_count; ++i) {
    if (node->outputs[i] == OR_NO_VALUE) continue;
    block_t block = {.from_offset = offset, .from_ld = pieces->whole, .rows = pieces->outer};
    block.bytes = block.to_ld = pieces->inner * (size_t)or_view_output(view, i)->shape.dims[pieces->axis];
    offset += block.bytes;
    bool shared = false;
    if (pieces->outer == 1 && !pieces->channels_last && block.from_offset % OR_DEFAULT_ALIGNMENT == 0) {
      status = or_cpu_build_share(build, node->inputs[0], node->outputs[i], block.from_offset, &shared);
    }
    if (!or_ok(status) || shared) continue;
    status = read_piece(build, pieces, node->inputs[0], &block.from);
    if (or_ok(status)) status = write_piece(build, pieces, node->outputs[i], &block.to);
    if (or_ok(status)) status = add_block(build, &block);
  }
  return status;
}

static or_status_t prepare_pieces(or_cpu_build_t *build, const or_node_view_t *view, bool concat) {
  pieces_t pieces = {.channels_last = false};
  const or_op_tensor_t *whole = concat ? or_view_output(view, 0) : or_view_input(view, 0);
  or_status_t status = measure(view, whole, concat, &pieces);
  if (!or_ok(status)) return status;
  bool last = whole->shape.rank == 4 && pieces.axis == 1;
  for (uint32_t i = 0; last && i < (concat ? view->call.input_count : 1); ++i) {
    last = or_cpu_is_channels_last(build, view->core->inputs[i]);
  }
  if (last) measure_channels_last(whole, &pieces);
  return concat ? prepare_concat(build, view, &pieces) : prepare_split(build, view, &pieces);
}

/* Slices: the dimensions behind the last one that is cut are one run; the others are walked. */

typedef struct slice_state_t {
  or_slot_id_t x, y;
  size_t run_bytes, offset; /* offset: of the first element, in bytes */
  int rank;
  size_t extent[OR_MAX_RANK], stride[OR_MAX_RANK]; /* of what is walked: bytes of the input */
  size_t runs;
} slice_state_t;

typedef struct slice_work_t {
  const slice_state_t *state;
  const char *x;
  char *y;
} slice_work_t;

static void slice_body(void *self, size_t begin, size_t end, int thread) {
  const slice_work_t *work = self;
  const slice_state_t *state = work->state;
  (void)thread;
  for (size_t i = begin; i < end; ++i) {
    size_t rest = i, at = state->offset;
    for (int d = state->rank; d-- > 0;) {
      at += rest % state->extent[d] * state->stride[d];
      rest /= state->extent[d];
    }
    memcpy(work->y + i * state->run_bytes, work->x + at, state->run_bytes);
  }
}

static or_status_t run_slice(const or_cpu_step_t *step, const or_cpu_run_t *run) {
  const slice_state_t *state = step->state;
  slice_work_t work = {state, run->slots[state->x], run->slots[state->y]};
  if (state->run_bytes == 0) return or_status_success();
  return or_cpu_parallel_rows(run, state->runs, 2 * state->run_bytes, slice_body, &work);
}

static void walk_of(const or_op_tensor_t *x, const or_slice_t *slice, slice_state_t *state) {
  size_t stride[OR_MAX_RANK], step = or_dtype_bytes(x->dtype, 1);
  bool whole = true; /* all behind is taken */
  state->run_bytes = step;
  state->runs = 1;
  int walked = 0;
  size_t extents[OR_MAX_RANK], strides[OR_MAX_RANK];
  for (int32_t i = x->shape.rank; i-- > 0;) {
    stride[i] = step;
    step *= (size_t)x->shape.dims[i];
    size_t count = (size_t)slice->count[i];
    state->offset += (size_t)slice->start[i] * stride[i];
    if (whole) {
      state->run_bytes *= count;
      whole = slice->count[i] == x->shape.dims[i];
    } else {
      extents[walked] = count;
      strides[walked++] = stride[i];
      state->runs *= count;
    }
  }
  state->rank = walked;
  for (int i = 0; i < walked; ++i) {
    state->extent[i] = extents[walked - 1 - i];
    state->stride[i] = strides[walked - 1 - i];
  }
}

static or_status_t prepare_slice(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_slice_t slice;
  const or_node_t *node = view->core;
  or_status_t status = or_cpu_build_alloc(build, sizeof(slice_state_t), &memory);
  if (!or_ok(status)) return status;
  slice_state_t *state = memory;
  (void)forward_slice(view, &slice); /* match has looked */
  if (or_view_count(&or_view_output(view, 0)->shape) > 0) walk_of(or_view_input(view, 0), &slice, state);
  bool shared = false;
  if (state->runs == 1 && state->offset % OR_DEFAULT_ALIGNMENT == 0) {
    or_cpu_build_name(build, "alias");
    status = or_cpu_build_share(build, node->inputs[0], node->outputs[0], state->offset, &shared);
  }
  if (!or_ok(status) || shared) return status;
  status = or_cpu_build_read(build, node->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_write(build, node->outputs[0], &state->y);
  if (or_ok(status)) status = or_cpu_build_step(build, run_slice, state);
  or_cpu_build_name(build, "copy");
  return status;
}

/* Gather: [outer, extent, inner] by indices. */

typedef struct gather_state_t {
  or_slot_id_t x, indices, y;
  size_t outer, extent, inner, count; /* inner: bytes; count: indices */
  int32_t axis;
  bool wide;        /* indices are int64 */
  const char *name; /* of the indices */
} gather_state_t;

typedef struct gather_work_t {
  const gather_state_t *state;
  const char *x;
  const void *indices;
  char *y;
} gather_work_t;

static int64_t index_at(const gather_state_t *state, const void *indices, size_t i) {
  int64_t index = state->wide ? ((const int64_t *)indices)[i] : ((const int32_t *)indices)[i];
  return index < 0 ? index + (int64_t)state->extent : index;
}

static void gather_body(void *self, size_t begin, size_t end, int thread) {
  const gather_work_t *work = self;
  const gather_state_t *state = work->state;
  (void)thread;
  for (size_t i = begin; i < end; ++i) {
    size_t from = i / state->count * state->extent + (size_t)index_at(state, work->indices, i % state->count);
    memcpy(work->y + i * state->inner, work->x + from * state->inner, state->inner);
  }
}

static or_status_t run_gather(const or_cpu_step_t *step, const or_cpu_run_t *run) {
  const gather_state_t *state = step->state;
  gather_work_t work = {state, run->slots[state->x], run->slots[state->indices], run->slots[state->y]};
  for (size_t i = 0; i < state->count; ++i) {
    int64_t index = index_at(state, work.indices, i);
    if (index >= 0 && index < (int64_t)state->extent) continue;
    return or_error(OR_INVALID_ARGUMENT, "\"%s\": index %lld at %zu is outside axis %d of extent %zu", state->name,
                    (long long)(index < 0 ? index - (int64_t)state->extent : index), i, (int)state->axis,
                    state->extent);
  }
  if (state->inner == 0) return or_status_success();
  return or_cpu_parallel_rows(run, state->outer * state->count, 2 * state->inner, gather_body, &work);
}

static or_status_t prepare_gather(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  const or_node_t *node = view->core;
  const or_op_tensor_t *x = or_view_input(view, 0), *indices = or_view_input(view, 1);
  int32_t axis = 0;
  or_status_t status = or_axis_normalize(or_op_attribute_int(&view->call, "axis", 0), x->shape.rank, &axis);
  if (or_ok(status)) status = or_cpu_build_alloc(build, sizeof(gather_state_t), &memory);
  if (!or_ok(status)) return status;
  gather_state_t *state = memory;
  state->axis = axis;
  state->outer = (size_t)or_shape_product(&x->shape, 0, axis);
  state->extent = (size_t)x->shape.dims[axis];
  state->inner = (size_t)or_shape_product(&x->shape, axis + 1, x->shape.rank) * or_dtype_bytes(x->dtype, 1);
  state->count = or_view_count(&indices->shape);
  state->wide = indices->dtype == OR_INT64;
  status = or_cpu_build_read(build, node->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_read(build, node->inputs[1], &state->indices);
  if (or_ok(status)) status = or_cpu_build_source(build, node->inputs[1], &state->name);
  if (or_ok(status)) status = or_cpu_build_write(build, node->outputs[0], &state->y);
  if (or_ok(status)) status = or_cpu_build_step(build, run_gather, state);
  or_cpu_build_name(build, "copy");
  return status;
}
