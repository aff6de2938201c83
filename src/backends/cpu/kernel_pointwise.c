/* One-operand functions, squares, and arithmetic on two operands with broadcasting: runs of neighbouring elements by
 * the vector kernels, in place where nobody reads the operand again, in the order in which images lie. float32; float16
 * and bfloat16 by way of it; arithmetic in float64 too. */
#include <math.h>
#include <string.h>

#include "backends/cpu/dnnl_steps_internal.h"
#include "backends/cpu/families_internal.h"
#include "backends/cpu/half_internal.h"
#include "ops/activation.h"
#include "ops/elements.h"
#include "ops/shape.h"

typedef struct unary_row_t {
  const char *op;
  or_cpu_unary_t function;
} unary_row_t;
/* Those that are no activations. */
static const unary_row_t unary_rows[] = {
    {"Exp", OR_CPU_UNARY_EXP},
    {"Log", OR_CPU_UNARY_LOG},
    {"Sqrt", OR_CPU_UNARY_SQRT},
    {"Abs", OR_CPU_UNARY_ABS},
    {"Neg", OR_CPU_UNARY_NEG},
    {"Erf", OR_CPU_UNARY_ERF},
    {"Reciprocal", OR_CPU_UNARY_RECIPROCAL},
};

typedef struct binary_row_t {
  const char *op;
  or_cpu_binary_t function;
} binary_row_t;
static const binary_row_t binary_rows[] = {
    {"Add", OR_CPU_BINARY_ADD}, {"Sub", OR_CPU_BINARY_SUB}, {"Mul", OR_CPU_BINARY_MUL},
    {"Div", OR_CPU_BINARY_DIV}, {"Max", OR_CPU_BINARY_MAX}, {"Min", OR_CPU_BINARY_MIN},
};

static const unary_row_t *unary_of(const or_node_view_t *view) {
  for (size_t i = 0; i < sizeof unary_rows / sizeof *unary_rows; ++i) {
    if (strcmp(view->call.op->name, unary_rows[i].op) == 0) return &unary_rows[i];
  }
  return NULL;
}

static const binary_row_t *binary_of(const or_node_view_t *view) {
  for (size_t i = 0; i < sizeof binary_rows / sizeof *binary_rows; ++i) {
    if (strcmp(view->call.op->name, binary_rows[i].op) == 0) return &binary_rows[i];
  }
  return NULL;
}

/* Pow by a constant 2 is a product, rounded once as the reference's is. */
static bool is_square(const or_node_view_t *view) {
  if (strcmp(view->call.op->name, "Pow") != 0 || !or_view_has_input(view, 1)) return false;
  const or_op_tensor_t *exponent = or_view_input(view, 1);
  double value = 0.0;
  if (exponent->data == NULL || or_view_count(&exponent->shape) != 1) return false;
  or_elements_load(exponent->dtype, exponent->data, 0, 1, &value);
  return value == 2.0 && or_shape_equal(&or_view_input(view, 0)->shape, &or_view_output(view, 0)->shape);
}

/* Clip's bounds: attributes before version 11, inputs since; constant ones only. */
static bool clip_bounds(const or_node_view_t *view, float bounds[2]) {
  static const char *const names[] = {"min", "max"};
  float limit = or_clip_default(view->core->version);
  for (uint32_t i = 0; i < 2; ++i) {
    bounds[i] = or_op_attribute_float(&view->call, names[i], i == 0 ? -limit : limit);
    if (!or_view_has_input(view, i + 1)) continue;
    const void *data = or_view_input(view, i + 1)->data;
    if (data == NULL || or_view_count(&or_view_input(view, i + 1)->shape) != 1) return false;
    double bound = 0.0;
    or_elements_load(or_view_input(view, i + 1)->dtype, data, 0, 1, &bound);
    bounds[i] = (float)bound;
  }
  return !isnan(bounds[0]) && !isnan(bounds[1]) && bounds[0] <= bounds[1];
}

static bool activation_of(const or_node_view_t *view, or_act_t *act) {
  if (strcmp(view->call.op->name, "Clip") != 0) return or_view_read_activation(view->core, act);
  float bounds[2];
  if (!clip_bounds(view, bounds)) return false;
  *act = (or_act_t){OR_ACT_CLIP, bounds[0], bounds[1]};
  return true;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0' || view->call.input_count == 0) return false;
  const or_op_tensor_t *x = or_view_input(view, 0);
  or_act_t act;
  if (binary_of(view) != NULL) {
    bool known = x->dtype == OR_FLOAT32 || x->dtype == OR_FLOAT64 || or_cpu_is_half(x->dtype);
    return view->call.input_count == 2 && known;
  }
  if (x->dtype != OR_FLOAT32 && !or_cpu_is_half(x->dtype)) return false;
  return unary_of(view) != NULL || is_square(view) || activation_of(view, &act);
}

static or_status_t prepare_unary(or_cpu_build_t *build, const or_node_view_t *view);
static or_status_t prepare_binary(or_cpu_build_t *build, const or_node_view_t *view);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  or_status_t status = binary_of(view) != NULL ? prepare_binary(build, view) : prepare_unary(build, view);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s pointwise", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_pointwise = {.name = "pointwise", .match = match, .prepare = prepare};

/* One operand. */

typedef struct unary_state_t {
  or_slot_id_t x, y;
  size_t count;
  or_cpu_unary_fn function; /* NULL: `act`, or the product with itself */
  bool square;
  or_act_t act;
  or_dtype_t dtype;
} unary_state_t;

typedef struct unary_work_t {
  const unary_state_t *state;
  const or_cpu_kernels_t *kernels;
  const void *x;
  void *y;
} unary_work_t;

static void unary_run(const unary_work_t *work, size_t n, const float *x, float *y) {
  const unary_state_t *state = work->state;
  if (state->function != NULL) {
    state->function(n, x, y);
  } else if (state->square) {
    work->kernels->f32.binary[OR_CPU_BINARY_MUL][OR_CPU_VECTOR_VECTOR](n, x, x, y, false);
  } else {
    or_cpu_activate(work->kernels, &state->act, n, x, y);
  }
}

static void unary_body(void *self, size_t begin, size_t end, int thread) {
  const unary_work_t *work = self;
  (void)thread;
  unary_run(work, end - begin, (const float *)work->x + begin, (float *)work->y + begin);
}

static void unary_half_body(void *self, size_t begin, size_t end, int thread) {
  const unary_work_t *work = self;
  or_cpu_half_t half = or_cpu_half(work->kernels, work->state->dtype);
  float piece[OR_CPU_HALF_PIECE];
  (void)thread;
  for (size_t n; begin < end; begin += n) {
    n = or_cpu_min(end - begin, OR_CPU_HALF_PIECE);
    half.widen(n, (const uint16_t *)work->x + begin, piece);
    unary_run(work, n, piece, piece);
    half.narrow(n, piece, (uint16_t *)work->y + begin);
  }
}

static or_status_t run_unary(const or_cpu_step_t *step, const or_cpu_run_t *run) {
  const unary_state_t *state = step->state;
  unary_work_t work = {state, run->kernels, run->slots[state->x], run->slots[state->y]};
  bool half = or_cpu_is_half(state->dtype);
  return or_cpu_parallel_elements(run, state->count, 8, half ? unary_half_body : unary_body, &work);
}

static or_status_t prepare_unary(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(unary_state_t), &memory);
  if (!or_ok(status)) return status;
  unary_state_t *state = memory;
  state->count = or_view_count(&or_view_output(view, 0)->shape);
  state->dtype = or_view_input(view, 0)->dtype;
  const unary_row_t *row = unary_of(view);
  if (row != NULL) {
    state->function = build->device->kernels->unary[row->function];
  } else if (is_square(view)) {
    state->square = true;
  } else {
    (void)activation_of(view, &state->act); /* match has looked */
  }
  or_value_id_t x = view->core->inputs[0], y = view->core->outputs[0];
  if (or_cpu_is_channels_last(build, x)) {
    state->x = build->blocked[x].slot;
    status = or_cpu_build_touch(build, state->x);
    if (or_ok(status)) status = or_cpu_channels_last_overwrite(build, x, y, &state->y);
  } else {
    status = or_cpu_build_read(build, x, &state->x);
    if (or_ok(status)) status = or_cpu_build_overwrite(build, x, y, &state->y);
  }
  if (or_ok(status)) status = or_cpu_build_step(build, run_unary, state);
  return status;
}

/* Two operands. The result is seen as rows of `inner` elements; along a row each operand is a vector or one element,
 * and between rows it moves by the strides of the outer dimensions. */

typedef struct binary_state_t {
  or_slot_id_t a, b, y;
  size_t count, inner;
  int rank; /* of the outer dimensions */
  size_t extent[OR_MAX_RANK], a_stride[OR_MAX_RANK], b_stride[OR_MAX_RANK];
  bool a_vector, b_vector;
  or_dtype_t dtype;
  size_t element; /* bytes */
  or_cpu_binary_t function;
} binary_state_t;

typedef struct binary_work_t {
  const binary_state_t *state;
  const or_cpu_kernels_t *kernels;
  const char *a, *b;
  char *y;
  bool stream;
} binary_work_t;

static void binary_half_run(const binary_work_t *work, or_cpu_form_t form, size_t n, const uint16_t *a,
                            const uint16_t *b, uint16_t *y) {
  const binary_state_t *state = work->state;
  or_cpu_half_t half = or_cpu_half(work->kernels, state->dtype);
  float left[OR_CPU_HALF_PIECE], right[OR_CPU_HALF_PIECE];
  if (!state->a_vector) half.widen(1, a, left);
  if (!state->b_vector) half.widen(1, b, right);
  for (size_t done = 0, count; done < n; done += count) {
    count = or_cpu_min(n - done, OR_CPU_HALF_PIECE);
    if (state->a_vector) half.widen(count, a + done, left);
    if (state->b_vector) half.widen(count, b + done, right);
    float *result = state->a_vector ? left : right; /* in place: one of the two is a vector */
    work->kernels->f32.binary[state->function][form](count, left, right, result, false);
    half.narrow(count, result, y + done);
  }
}

/* `n` elements of one row: offsets in elements. */
static void binary_run(const binary_work_t *work, size_t n, const size_t at[3]) {
  const binary_state_t *state = work->state;
  const void *a = work->a + at[0] * state->element, *b = work->b + at[1] * state->element;
  void *y = work->y + at[2] * state->element;
  or_cpu_form_t form = !state->a_vector   ? OR_CPU_SCALAR_VECTOR
                       : !state->b_vector ? OR_CPU_VECTOR_SCALAR
                                          : OR_CPU_VECTOR_VECTOR;
  if (state->dtype == OR_FLOAT64) {
    work->kernels->f64.binary[state->function][form](n, a, b, y, work->stream);
  } else if (state->dtype == OR_FLOAT32) {
    work->kernels->f32.binary[state->function][form](n, a, b, y, work->stream);
  } else {
    binary_half_run(work, form, n, a, b, y);
  }
}

/* Elements [begin, end) of the result: the rest of a row, whole rows, the start of a row. */
static void binary_body(void *self, size_t begin, size_t end, int thread) {
  const binary_work_t *work = self;
  const binary_state_t *state = work->state;
  (void)thread;
  size_t index[OR_MAX_RANK], a = 0, b = 0, row = begin / state->inner, column = begin % state->inner;
  for (int i = state->rank; i-- > 0;) {
    index[i] = row % state->extent[i];
    row /= state->extent[i];
    a += index[i] * state->a_stride[i];
    b += index[i] * state->b_stride[i];
  }
  while (begin < end) {
    size_t n = or_cpu_min(state->inner - column, end - begin);
    const size_t at[3] = {a + (state->a_vector ? column : 0), b + (state->b_vector ? column : 0), begin};
    binary_run(work, n, at);
    begin += n;
    column = 0;
    for (int i = state->rank; i-- > 0;) {
      a += state->a_stride[i];
      b += state->b_stride[i];
      if (++index[i] < state->extent[i]) break;
      a -= index[i] * state->a_stride[i];
      b -= index[i] * state->b_stride[i];
      index[i] = 0;
    }
  }
}

static or_status_t run_binary(const or_cpu_step_t *step, const or_cpu_run_t *run) {
  const binary_state_t *state = step->state;
  binary_work_t work = {.state = state, .kernels = run->kernels};
  work.a = run->slots[state->a];
  work.b = run->slots[state->b];
  work.y = run->slots[state->y];
  bool in_place = work.y == work.a || work.y == work.b;
  work.stream = !in_place && state->count * state->element >= or_cpu_stream_bytes(run->device);
  return or_cpu_parallel_elements(run, state->count, 3 * state->element, binary_body, &work);
}

/* Extents of the result, and how far each operand moves along them. */
typedef struct walk_t {
  int32_t rank;
  int64_t extent[OR_MAX_RANK], a[OR_MAX_RANK], b[OR_MAX_RANK];
} walk_t;

static void walk_rows(const or_node_view_t *view, walk_t *walk) {
  const or_shape_t *shape = &or_view_output(view, 0)->shape;
  walk->rank = shape->rank;
  memcpy(walk->extent, shape->dims, sizeof walk->extent);
  or_shape_broadcast_strides(&or_view_input(view, 0)->shape, shape, walk->a);
  or_shape_broadcast_strides(&or_view_input(view, 1)->shape, shape, walk->b);
}

/* As [N,H,W,C], or [N,W,C] of signals, which lie as images of one row: an operand of the result's shape lies so,
 * another one is row-major. */
static void walk_channels_last(const or_node_view_t *view, walk_t *walk) {
  const or_shape_t *shape = &or_view_output(view, 0)->shape;
  walk_t rows = {.rank = 0};
  walk_rows(view, &rows);
  int64_t *const strides[2] = {walk->a, walk->b}, *const from[2] = {rows.a, rows.b};
  int32_t rank = walk->rank = shape->rank;
  for (uint32_t k = 0; k < 2; ++k) {
    bool whole = or_shape_equal(&or_view_input(view, k)->shape, shape);
    int64_t step = 1;
    for (int32_t i = rank; i-- > 0;) {
      int32_t axis = i == 0 ? 0 : i == rank - 1 ? 1 : i + 1;
      walk->extent[i] = shape->dims[axis];
      strides[k][i] = whole ? step : from[k][axis];
      step *= shape->dims[axis];
    }
  }
}

/* Merges dimensions along which both operands move on as if there were one. */
static void collapse(const walk_t *walk, binary_state_t *state) {
  int rank = 0;
  for (int32_t i = 0; i < walk->rank; ++i) {
    size_t extent = (size_t)walk->extent[i], as = (size_t)walk->a[i], bs = (size_t)walk->b[i];
    if (extent == 1) continue;
    if (rank > 0 && state->a_stride[rank - 1] == extent * as && state->b_stride[rank - 1] == extent * bs) {
      state->extent[rank - 1] *= extent;
    } else {
      state->extent[rank++] = extent;
    }
    state->a_stride[rank - 1] = as;
    state->b_stride[rank - 1] = bs;
  }
  state->inner = 1;
  state->a_vector = state->b_vector = true;
  if (rank > 0) {
    --rank;
    state->inner = state->extent[rank];
    state->a_vector = state->a_stride[rank] != 0;
    state->b_vector = state->b_stride[rank] != 0;
  }
  state->rank = rank;
}

/* An operand of the result's shape that lies with channels last; 2: none does. */
static uint32_t image_of(const or_cpu_build_t *build, const or_node_view_t *view) {
  const or_shape_t *shape = &or_view_output(view, 0)->shape;
  uint32_t i = 0;
  for (; i < 2; ++i) {
    bool whole = or_shape_equal(&or_view_input(view, i)->shape, shape);
    if (whole && or_cpu_is_channels_last(build, view->core->inputs[i])) break;
  }
  return i;
}

static or_status_t place_channels_last(or_cpu_build_t *build, const or_node_view_t *view, uint32_t image,
                                       binary_state_t *state) {
  const or_node_t *node = view->core;
  const or_cpu_blocked_t layout = build->blocked[node->inputs[image]];
  or_slot_id_t *const slots[2] = {&state->a, &state->b};
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < 2; ++i) {
    bool whole = or_shape_equal(&or_view_input(view, i)->shape, &or_view_output(view, 0)->shape);
    status = whole ? or_cpu_dnnl_read(build, node->inputs[i], layout.layout, layout.dense_layout, slots[i])
                   : or_cpu_build_read(build, node->inputs[i], slots[i]);
  }
  if (!or_ok(status)) return status;
  return or_cpu_channels_last_overwrite(build, node->inputs[image], node->outputs[0], &state->y);
}

static or_status_t place_rows(or_cpu_build_t *build, const or_node_view_t *view, binary_state_t *state) {
  const or_node_t *node = view->core;
  or_status_t status = or_cpu_build_read(build, node->inputs[0], &state->a);
  if (or_ok(status)) status = or_cpu_build_read(build, node->inputs[1], &state->b);
  bool a_whole = or_view_count(&or_view_input(view, 0)->shape) == state->count;
  or_value_id_t victim = node->inputs[a_whole ? 0 : 1];
  /* The other operand, if it is as large, may be the one that is free. */
  bool b_whole = or_view_count(&or_view_input(view, 1)->shape) == state->count;
  if (a_whole && b_whole && build->lowering.values[victim].uses != 1) victim = node->inputs[1];
  return or_ok(status) ? or_cpu_build_overwrite(build, victim, node->outputs[0], &state->y) : status;
}

static or_status_t prepare_binary(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(binary_state_t), &memory);
  if (!or_ok(status)) return status;
  binary_state_t *state = memory;
  walk_t walk = {.rank = 0};
  uint32_t image = image_of(build, view);
  state->count = or_view_count(&or_view_output(view, 0)->shape);
  state->dtype = or_view_input(view, 0)->dtype;
  state->element = or_dtype_bytes(state->dtype, 1);
  state->function = binary_of(view)->function;
  if (image < 2) {
    walk_channels_last(view, &walk);
  } else {
    walk_rows(view, &walk);
  }
  collapse(&walk, state);
  status = image < 2 ? place_channels_last(build, view, image, state) : place_rows(build, view, state);
  if (or_ok(status)) status = or_cpu_build_step(build, run_binary, state);
  return status;
}
