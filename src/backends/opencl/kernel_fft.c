/* Fft, DFT and STFT: lines of complex numbers, transformed by fft.c. A real line of even length goes as a complex one
 * of half the length; what else is not complex numbers of the kernels' type, all of them, goes through a copy. */
#include <assert.h>

#include "backends/opencl/fft_internal.h"
#include "ops/fft.h"
#include "ops/shape.h"
#include "ops/spectrum.h"

/* Transforms along one axis: x [outer, in_extent, inner, in_parts] -> y [outer, out_extent, inner, out_parts]. */
typedef struct line_t {
  or_cl_fft_shape_t shape;
  size_t in_extent, out_extent;
  int in_parts, out_parts;
  bool half_in;     /* x has coefficients 0 to n / 2 of a real result */
  const char *edge; /* the type of x's and y's elements; NULL: the kernels' own */
} line_t;

typedef enum form_t { FORM_FFT, FORM_DFT, FORM_STFT } form_t;

/* What a node asks for, in at most two lines; its reading is pure. */
typedef struct transform_t {
  form_t form;
  or_fft_call_t fft;
  or_dft_call_t dft;
  or_stft_call_t stft;
  or_dtype_t dtype; /* of real elements: float16 bfloat16 float32 float64 */
  bool wide;
} transform_t;

static bool read_forms(const or_node_view_t *view, transform_t *out, or_status_t *status) {
  *out = (transform_t){.dtype = or_view_input(view, 0)->dtype};
  if (or_view_is(view, &or_op_fft)) {
    out->form = FORM_FFT;
    *status = or_fft_call_read(&view->call, &out->fft);
  } else if (or_view_is(view, &or_op_dft)) {
    out->form = FORM_DFT;
    *status = or_dft_call_read(&view->call, &out->dft);
  } else if (or_view_is(view, &or_op_stft)) {
    out->form = FORM_STFT;
    *status = or_stft_call_read(&view->call, &out->stft);
  } else {
    return false;
  }
  if (out->dtype == OR_COMPLEX64) out->dtype = OR_FLOAT32;
  if (out->dtype == OR_COMPLEX128) out->dtype = OR_FLOAT64;
  out->wide = out->dtype == OR_FLOAT64;
  return true;
}

static size_t axis_inner(const or_shape_t *shape, int32_t axis) {
  return (size_t)or_shape_product(shape, axis + 1, shape->rank - 1);
}

static bool fits(const transform_t *it, const or_node_view_t *view) {
  const or_shape_t *x = &or_view_input(view, 0)->shape;
  switch (it->form) {
  case FORM_FFT:
    return or_cl_fft_fits((size_t)it->fft.n, 1) &&
           or_cl_fft_fits((size_t)it->fft.rows, (size_t)(it->fft.real_out ? it->fft.in_n : it->fft.out_n));
  case FORM_DFT:
    if (!it->dft.axis_known || it->dft.n < 1 || x->dims[it->dft.axis] > INT32_MAX) return false;
    return axis_inner(x, it->dft.axis) == 0 || or_cl_fft_fits((size_t)it->dft.n, axis_inner(x, it->dft.axis));
  default: /* a frame begins at an int, as its kernel counts */
    return it->stft.n >= 1 && it->stft.step >= 1 && it->stft.step <= INT32_MAX && or_cl_fft_fits((size_t)it->stft.n, 1);
  }
}

static bool match(const or_cl_device_t *device, const or_node_view_t *view) {
  transform_t it;
  or_status_t status = or_status_success();
  if (view->fused || !read_forms(view, &it, &status)) return false;
  bool known = or_ok(status);
  or_status_ignore(status); /* whoever runs it then says what is wrong */
  return known && or_cl_type_name(device, it.dtype) != NULL && fits(&it, view);
}

/* ---- one line ---- */

static double line_bytes(const or_cl_fft_t *fft, const line_t *line, size_t extent) {
  return 2.0 * (double)(line->shape.outer * line->shape.inner) * (double)extent * (double)fft->pair_bytes;
}

/* Between a real line of an even length and a complex one of half of it; `back`: to the real one's spectrum's half. */
static or_status_t add_tangle(const or_cl_fft_t *fft, const line_t *line, bool back, or_slot_id_t source,
                              or_slot_id_t target) {
  size_t half = line->shape.n / 2, count = back ? half + 1 : half;
  or_slot_id_t roots;
  or_status_t status = or_cl_fft_roots(fft, line->shape.n, half + 1, &roots);
  if (!or_ok(status)) return status;
  const or_cl_argument_t arguments[] = {or_cl_slot(source), or_cl_slot(target), or_cl_slot(roots),
                                        or_cl_int((int64_t)half)};
  const or_cl_fft_edge_t edge = {.entry = back ? "untangle" : "tangle",
                                 .dims = {1, count, line->shape.outer},
                                 .bytes = line_bytes(fft, line, count)};
  return or_cl_fft_edge(fft, &edge, arguments, sizeof arguments / sizeof *arguments);
}

static or_status_t add_halved(const or_cl_fft_t *fft, const line_t *line, or_slot_id_t source, or_slot_id_t target) {
  or_slot_id_t middle;
  or_cl_fft_shape_t half = line->shape;
  half.n /= 2;
  or_status_t status = or_cl_fft_scratch(fft, half.outer, half.n, 1, &middle);
  if (!or_ok(status)) return status;
  if (line->half_in) {
    status = add_tangle(fft, line, false, source, middle);
    return or_ok(status) ? or_cl_fft_add(fft, &half, middle, target) : status;
  }
  status = or_cl_fft_add(fft, &half, source, middle);
  return or_ok(status) ? add_tangle(fft, line, true, middle, target) : status;
}

static or_status_t add_enter(const or_cl_fft_t *fft, const line_t *line, or_slot_id_t source, or_slot_id_t target) {
  const or_cl_fft_shape_t *shape = &line->shape;
  const or_cl_argument_t arguments[] = {or_cl_slot(source),
                                        or_cl_slot(target),
                                        or_cl_int((int64_t)shape->inner),
                                        or_cl_int((int64_t)shape->n),
                                        or_cl_int((int64_t)line->in_extent),
                                        or_cl_int(line->in_parts),
                                        or_cl_int(line->half_in)};
  const or_cl_fft_edge_t edge = {.entry = "enter",
                                 .edge = line->edge,
                                 .dims = {shape->inner, shape->n, shape->outer},
                                 .bytes = line_bytes(fft, line, shape->n)};
  return or_cl_fft_edge(fft, &edge, arguments, sizeof arguments / sizeof *arguments);
}

static or_status_t add_leave(const or_cl_fft_t *fft, const line_t *line, or_slot_id_t source, or_slot_id_t target) {
  const or_cl_fft_shape_t *shape = &line->shape;
  const or_cl_argument_t arguments[] = {or_cl_slot(source),
                                        or_cl_slot(target),
                                        or_cl_int((int64_t)shape->inner),
                                        or_cl_int((int64_t)shape->n),
                                        or_cl_int((int64_t)line->out_extent),
                                        or_cl_int(line->out_parts)};
  const or_cl_fft_edge_t edge = {.entry = "leave",
                                 .edge = line->edge,
                                 .dims = {shape->inner, line->out_extent, shape->outer},
                                 .bytes = line_bytes(fft, line, line->out_extent)};
  return or_cl_fft_edge(fft, &edge, arguments, sizeof arguments / sizeof *arguments);
}

static or_status_t add_line(const or_cl_fft_t *fft, const line_t *line, or_slot_id_t source, or_slot_id_t target) {
  const or_cl_fft_shape_t *shape = &line->shape;
  bool even = shape->n % 2 == 0 && shape->inner == 1 && line->edge == NULL;
  bool real_in = line->in_parts == 1 && line->in_extent == shape->n && line->out_extent == shape->n / 2 + 1;
  bool real_out = line->half_in && line->in_parts == 2 && line->in_extent == shape->n / 2 + 1;
  if (even && !shape->inverse && real_in) return add_halved(fft, line, source, target);
  if (even && shape->inverse && real_out) return add_halved(fft, line, source, target);

  or_slot_id_t from = source, to = target;
  bool enters = line->edge != NULL || line->in_parts == 1 || line->half_in || line->in_extent != shape->n;
  bool leaves = line->edge != NULL || line->out_parts == 1 || line->out_extent != shape->n;
  or_status_t status = or_status_success();
  if (enters) status = or_cl_fft_scratch(fft, shape->outer, shape->n, shape->inner, &from);
  if (or_ok(status) && enters) status = add_enter(fft, line, source, from);
  if (or_ok(status) && leaves) status = or_cl_fft_scratch(fft, shape->outer, shape->n, shape->inner, &to);
  if (or_ok(status)) status = or_cl_fft_add(fft, shape, from, to);
  if (or_ok(status) && leaves) status = add_leave(fft, line, to, target);
  return status;
}

/* ---- Fft ---- */

/* Rows and columns; a real side is where the rows are. */
static or_status_t prepare_fft(const or_cl_fft_t *fft, const or_node_view_t *view, const or_fft_call_t *call,
                               const or_slot_id_t ends[2]) {
  const or_shape_t *x = &or_view_input(view, 0)->shape;
  size_t lines = (size_t)or_shape_product(x, 0, x->rank - 1), rows = (size_t)call->rows;
  assert(rows > 0);
  size_t spectrum = (size_t)(call->real_out ? call->in_n : call->out_n);
  line_t row = {.shape = {.outer = lines, .n = (size_t)call->n, .inner = 1, .inverse = call->inverse, .scale = 1},
                .in_extent = (size_t)call->in_n,
                .out_extent = (size_t)call->out_n,
                .in_parts = call->real_in ? 1 : 2,
                .out_parts = call->real_out ? 1 : 2,
                .half_in = call->real_out};
  or_cl_fft_shape_t column = {
      .outer = lines / rows, .n = rows, .inner = spectrum, .inverse = call->inverse, .scale = call->scale};
  or_slot_id_t middle;
  if (rows == 1) {
    row.shape.scale = call->scale;
    return add_line(fft, &row, ends[0], ends[1]);
  }
  or_status_t status = or_cl_fft_scratch(fft, lines, spectrum, 1, &middle);
  if (!or_ok(status)) return status;
  if (call->real_out) {
    status = or_cl_fft_add(fft, &column, ends[0], middle);
    return or_ok(status) ? add_line(fft, &row, middle, ends[1]) : status;
  }
  status = add_line(fft, &row, ends[0], middle);
  return or_ok(status) ? or_cl_fft_add(fft, &column, middle, ends[1]) : status;
}

/* ---- DFT, STFT ---- */

static const char *edge_of(const or_cl_fft_t *fft, const transform_t *it) {
  if (it->dtype == OR_FLOAT32 || it->dtype == OR_FLOAT64) return NULL;
  return or_cl_type_name(or_cl_build_device(fft->build), it->dtype);
}

static or_status_t prepare_dft(const or_cl_fft_t *fft, const or_node_view_t *view, const transform_t *it,
                               const or_slot_id_t ends[2]) {
  const or_shape_t *x = &or_view_input(view, 0)->shape, *y = &or_view_output(view, 0)->shape;
  const or_dft_call_t *call = &it->dft;
  size_t n = (size_t)call->n;
  const line_t line = {.shape = {.outer = (size_t)or_shape_product(x, 0, call->axis),
                                 .n = n,
                                 .inner = axis_inner(x, call->axis),
                                 .inverse = call->inverse,
                                 .scale = call->inverse ? 1 / (double)n : 1},
                       .in_extent = (size_t)x->dims[call->axis],
                       .out_extent = (size_t)y->dims[call->axis],
                       .in_parts = (int)call->parts,
                       .out_parts = call->onesided && call->inverse ? 1 : 2,
                       .half_in = call->onesided && call->inverse,
                       .edge = edge_of(fft, it)};
  return add_line(fft, &line, ends[0], ends[1]);
}

static or_status_t add_frames(const or_cl_fft_t *fft, const or_node_view_t *view, const transform_t *it,
                              or_slot_id_t source, or_slot_id_t target) {
  const or_shape_t *signal = &or_view_input(view, 0)->shape, *y = &or_view_output(view, 0)->shape;
  const or_stft_call_t *call = &it->stft;
  bool windowed = or_view_has_input(view, 2);
  or_slot_id_t window = source;
  or_status_t status = or_status_success();
  if (windowed) status = or_cl_build_read(fft->build, view->core->inputs[2], &window);
  if (!or_ok(status)) return status;
  const or_cl_argument_t arguments[] = {
      or_cl_slot(source),          or_cl_slot(window),     or_cl_slot(target),
      or_cl_int(call->n),          or_cl_int(y->dims[1]),  or_cl_int(call->step),
      or_cl_long(signal->dims[1]), or_cl_int(call->parts), or_cl_int(windowed ? 1 : 0)};
  const or_cl_fft_edge_t edge = {.entry = "frames",
                                 .edge = edge_of(fft, it),
                                 .dims = {(size_t)call->n, (size_t)y->dims[1], (size_t)y->dims[0]},
                                 .bytes = 2.0 * (double)or_view_count(y) * (double)fft->pair_bytes};
  return or_cl_fft_edge(fft, &edge, arguments, sizeof arguments / sizeof *arguments);
}

static or_status_t prepare_stft(const or_cl_fft_t *fft, const or_node_view_t *view, const transform_t *it,
                                const or_slot_id_t ends[2]) {
  const or_shape_t *y = &or_view_output(view, 0)->shape;
  size_t n = (size_t)it->stft.n;
  line_t line = {.shape = {.outer = (size_t)(y->dims[0] * y->dims[1]), .n = n, .inner = 1, .scale = 1},
                 .in_extent = n,
                 .out_extent = (size_t)y->dims[2],
                 .in_parts = 2,
                 .out_parts = 2};
  or_slot_id_t whole, to = ends[1];
  bool leaves = line.out_extent != n || edge_of(fft, it) != NULL;
  or_status_t status = or_cl_fft_scratch(fft, line.shape.outer, n, 1, &whole);
  if (or_ok(status)) status = add_frames(fft, view, it, ends[0], whole);
  if (or_ok(status) && leaves) status = or_cl_fft_scratch(fft, line.shape.outer, n, 1, &to);
  if (or_ok(status)) status = or_cl_fft_add(fft, &line.shape, whole, to);
  line.edge = edge_of(fft, it);
  if (or_ok(status) && leaves) status = add_leave(fft, &line, to, ends[1]);
  return status;
}

static or_status_t prepare(or_cl_build_t *build, const or_node_view_t *view) {
  transform_t it;
  or_cl_fft_t fft;
  or_slot_id_t ends[2];
  or_status_t status = or_status_success();
  (void)read_forms(view, &it, &status);
  if (or_ok(status)) status = or_cl_build_read(build, view->core->inputs[0], &ends[0]);
  if (or_ok(status)) status = or_cl_build_write(build, view->core->outputs[0], &ends[1]);
  if (!or_ok(status)) return status;
  or_cl_fft_init(build, it.wide, &fft);
  or_cl_build_name(build, "fft");
  if (or_view_count(&or_view_output(view, 0)->shape) == 0) return status;
  switch (it.form) {
  case FORM_FFT: return prepare_fft(&fft, view, &it.fft, ends);
  case FORM_DFT: return prepare_dft(&fft, view, &it, ends);
  default: return prepare_stft(&fft, view, &it, ends);
  }
}

const or_cl_family_t or_cl_family_fft = {.name = "fft", .match = match, .prepare = prepare};
