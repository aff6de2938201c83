/* Fourier transforms by kernels of our own. The last axis as lines: of complex numbers, of real ones as complex lines
 * of half the length (of twice the data where the length is odd). The axis before it as columns side by side. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "backends/cpu/families_internal.h"
#include "ops/fft.h"
#include "ops/shape.h"

/* A line of this many bytes is shared by the team; shorter ones are shared as whole lines. */
#define SHARED_LINE_BYTES ((size_t)512 << 10)
/* Columns of a matrix at a time: what two buffers take of the caches. */
#define COLUMN_BUDGET_BYTES ((size_t)256 << 10)
/* Bytes worked on between two looks at the cancel token. */
#define GROUP_BYTES ((size_t)32 << 20)

typedef struct state_t {
  or_fft_call_t call;
  const or_fft_ops_t *ops;
  size_t scalar, pair;      /* bytes */
  size_t lines, matrices;   /* lines in all; matrices of call.rows lines, 0: no columns */
  size_t spectrum;          /* complex numbers of a line that its columns see */
  bool halved, shared_line; /* a real line of even length; the team works on one line after another */
  or_fft_plan_t line;       /* of n, or n / 2 */
  const void *real_roots;
  or_fft_columns_t columns;          /* of a number of rows without large prime factors */
  or_fft_plan_t column;              /* of others, one at a time */
  size_t staging_bytes, slice_bytes; /* of a line that is not where it is to be; of a thread's scratch */
  or_slot_id_t x, y, middle, scratch, shared;
} state_t;

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  or_fft_call_t call;
  (void)device;
  if (view->fused || !or_view_is(view, &or_op_fft)) return false;
  or_status_t status = or_fft_call_read(&view->call, &call);
  bool known = or_ok(status);
  or_status_ignore(status); /* the reference then says what is wrong */
  return known && call.n <= INT32_MAX && call.rows <= INT32_MAX;
}

/* The build's arenas as the plans' memory; the first failure is kept. */
typedef struct memory_t {
  or_cpu_build_t *build;
  or_status_t status;
} memory_t;

static void *alloc_table(void *self, size_t bytes, bool keep) {
  memory_t *memory = self;
  void *out = NULL;
  if (!or_ok(memory->status)) return NULL;
  size_t room = bytes + OR_DEFAULT_ALIGNMENT;
  memory->status =
      keep ? or_cpu_build_alloc(memory->build, room, &out) : or_cpu_build_temporary(memory->build, room, &out);
  if (!or_ok(memory->status)) return NULL;
  return (void *)or_align_up((uintptr_t)out, OR_DEFAULT_ALIGNMENT);
}

static void plan_line(state_t *state, or_fft_memory_t memory) {
  const or_fft_call_t *call = &state->call;
  size_t n = (size_t)call->n, length = state->halved ? n / 2 : n;
  bool last = state->matrices == 0 || call->real_out; /* the scale goes to what runs last */
  (void)or_fft_plan_init(&state->line, state->ops, length, call->inverse, last ? call->scale : 1, memory);
  if (state->halved) state->real_roots = or_fft_real_roots(state->ops, n, memory);
  bool staged = call->real_out || (call->real_in && !state->halved);
  state->staging_bytes = staged ? or_align_up(length * state->pair, OR_DEFAULT_ALIGNMENT) : 0;
}

static void plan_columns(state_t *state, or_fft_memory_t memory) {
  const or_fft_call_t *call = &state->call;
  size_t rows = (size_t)call->rows;
  double scale = call->real_out ? 1 : call->scale;
  if (or_fft_is_smooth(rows)) {
    const or_fft_columns_options_t options = {.length = rows,
                                              .columns = state->spectrum,
                                              .in_ld = state->spectrum,
                                              .out_ld = state->spectrum,
                                              .inverse = call->inverse,
                                              .scale = scale,
                                              .budget_bytes = COLUMN_BUDGET_BYTES};
    (void)or_fft_columns_init(&state->columns, state->ops, &options, memory);
  } else {
    (void)or_fft_plan_init(&state->column, state->ops, rows, call->inverse, scale, memory);
  }
}

static size_t largest(size_t a, size_t b, size_t c) { return or_cpu_max(a, or_cpu_max(b, c)); }

/* Scratch of each thread: for whole lines, for columns. */
static or_status_t plan_scratch(or_cpu_build_t *build, state_t *state) {
  size_t threads = (size_t)build->device->threads, column = 0, columns = 2 * state->columns.buffer_bytes;
  size_t line = state->line.scratch_bytes, common = state->line.shared_bytes + state->staging_bytes;
  if (state->column.n > 0)
    column = state->column.shared_bytes + state->column.scratch_bytes + or_align_up(state->column.n * state->pair, 64);
  if (!state->shared_line) line += common;
  state->slice_bytes = or_align_up(largest(line, column, columns), OR_DEFAULT_ALIGNMENT);
  or_status_t status = or_cpu_build_scratch(build, state->slice_bytes * threads, &state->scratch);
  state->shared = state->middle = OR_NO_SLOT;
  if (or_ok(status) && state->shared_line && common > 0) status = or_cpu_build_scratch(build, common, &state->shared);
  if (or_ok(status) && state->call.real_out && state->matrices > 0)
    status = or_cpu_build_scratch(build, state->lines * state->spectrum * state->pair, &state->middle);
  return status;
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory_of_state = NULL;
  memory_t memory = {build, or_status_success()};
  const or_fft_memory_t tables = {alloc_table, &memory};
  const or_op_tensor_t *x = or_view_input(view, 0);
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory_of_state);
  if (!or_ok(status)) return status;
  state_t *state = memory_of_state;
  status = or_fft_call_read(&view->call, &state->call);
  if (!or_ok(status)) return status;
  const or_fft_call_t *call = &state->call;
  bool wide = x->dtype == OR_FLOAT64 || x->dtype == OR_COMPLEX128;
  state->ops = wide ? build->device->kernels->fft_f64 : build->device->kernels->fft_f32;
  state->scalar = or_fft_scalar_bytes(state->ops);
  state->pair = 2 * state->scalar;
  state->lines = (size_t)or_shape_product(&x->shape, 0, x->shape.rank - 1);
  state->matrices = call->rows > 1 ? state->lines / (size_t)call->rows : 0;
  state->spectrum = (size_t)(call->real_out ? call->in_n : call->out_n);
  state->halved = (call->real_in || call->real_out) && call->n % 2 == 0;
  plan_line(state, tables);
  if (or_ok(memory.status) && state->matrices > 0) plan_columns(state, tables);
  if (!or_ok(memory.status)) return memory.status;
  size_t threads = (size_t)build->device->threads;
  state->shared_line =
      state->matrices == 0 && state->lines < 4 * threads && state->line.n * state->pair >= SHARED_LINE_BYTES;
  status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->y);
  if (or_ok(status)) status = plan_scratch(build, state);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s fft", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_fft = {.name = "fft", .match = match, .prepare = prepare};

/* ---- around a line: between what it is given or gives, and the complex line in between ---- */

/* From x (real or half a spectrum) to the complex line that is transformed. */
static void enter_line(const state_t *state, const void *x, void *line) {
  assert(x != NULL && line != NULL);
  size_t n = (size_t)state->call.n;
  if (state->halved) {
    or_fft_tangle(state->ops, n, state->real_roots, x, line);
    return;
  }
  for (size_t i = 0; i < n && state->call.real_in; ++i) {
    memset((char *)line + i * state->pair, 0, state->pair);
    memcpy((char *)line + i * state->pair, (const char *)x + i * state->scalar, state->scalar);
  }
  if (state->call.real_in) return;
  or_fft_complete(state->ops, n, x, line);
}

static void leave_line(const state_t *state, const void *line, void *y) {
  assert(line != NULL && y != NULL);
  size_t n = (size_t)state->call.n;
  if (state->halved) {
    or_fft_untangle(state->ops, n, state->real_roots, line, y);
  } else if (state->call.real_in) {
    memcpy(y, line, (n / 2 + 1) * state->pair);
  } else {
    for (size_t i = 0; i < n; ++i)
      memcpy((char *)y + i * state->scalar, (const char *)line + i * state->pair, state->scalar);
  }
}

typedef struct work_t {
  const state_t *state;
  const char *x;
  char *y, *scratch, *shared;
  size_t stage; /* of a shared line */
} work_t;

/* Where a line's transform reads and writes. */
static void line_ends(const state_t *state, const void *x, void *y, void *staging, const void **from, void **to) {
  const or_fft_call_t *call = &state->call;
  *from = call->real_out || (call->real_in && !state->halved) ? staging : x;
  *to = (call->real_in || call->real_out) && !state->halved ? staging : y;
}

static void whole_line(const state_t *state, const void *x, void *y, char *scratch) {
  char *staging = scratch, *shared = staging + state->staging_bytes, *own = shared + state->line.shared_bytes;
  const or_fft_call_t *call = &state->call;
  const void *from;
  void *to;
  line_ends(state, x, y, staging, &from, &to);
  if (from == staging) enter_line(state, x, staging);
  or_fft_run_line(&state->line, &(or_fft_places_t){from, to, shared, own});
  if (call->real_in || to == staging) leave_line(state, to, y);
}

static void lines_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  const or_fft_call_t *call = &state->call;
  size_t in_bytes = (size_t)call->in_n * (call->real_in ? state->scalar : state->pair);
  size_t out_bytes = (size_t)call->out_n * (call->real_out ? state->scalar : state->pair);
  for (size_t i = begin; i < end; ++i)
    whole_line(state, work->x + i * in_bytes, work->y + i * out_bytes,
               work->scratch + (size_t)thread * state->slice_bytes);
}

static void stage_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  const or_fft_places_t places = {work->x, work->y, work->shared, work->scratch + (size_t)thread * state->slice_bytes};
  or_fft_run(&state->line, work->stage, begin, end, &places);
}

/* One line after another, each by the whole team. */
static or_status_t run_shared_lines(const or_cpu_run_t *run_state, const work_t *all) {
  const state_t *state = all->state;
  const or_fft_call_t *call = &state->call;
  size_t in_bytes = (size_t)call->in_n * (call->real_in ? state->scalar : state->pair);
  size_t out_bytes = (size_t)call->out_n * (call->real_out ? state->scalar : state->pair);
  for (size_t i = 0; i < state->lines; ++i) {
    const void *from;
    void *to, *y = all->y + i * out_bytes;
    work_t work = *all;
    line_ends(state, all->x + i * in_bytes, y, all->shared, &from, &to);
    if (from == all->shared) enter_line(state, all->x + i * in_bytes, all->shared);
    work.x = from;
    work.y = to;
    work.shared = all->shared + state->staging_bytes;
    for (work.stage = 0; work.stage < state->line.stage_count; ++work.stage) {
      if (or_cancel_requested(run_state->cancel)) return or_cancel_status(run_state->cancel);
      or_parallel_for(run_state->team, state->line.units[work.stage], 1, stage_body, &work);
    }
    if (call->real_in || to == all->shared) leave_line(state, to, y);
  }
  return or_status_success();
}

/* Units of `count` transforms of n points each, shared by the team where that is worth waking it; many in groups,
 * cancel asked between them. */
static or_status_t share(const or_cpu_run_t *run_state, size_t units, size_t n, size_t count, or_parallel_body_t body,
                         const work_t *work) {
  double flops = 5 * (double)n * log2((double)n + 1) * (double)count;
  size_t bytes = n * count * work->state->pair, group = or_cpu_max(GROUP_BYTES / bytes, 1);
  void *self = (void *)(uintptr_t)work; /* bodies only read it */
  if (units > group) return or_cpu_parallel_groups(run_state, units, group, body, self);
  size_t grain = (size_t)((double)OR_CPU_GRAIN_FLOPS / flops);
  or_parallel_for(run_state->team, units, or_cpu_max(grain, 1), body, self);
  return or_status_success();
}

static or_status_t run_lines(const or_cpu_run_t *run_state, const work_t *work) {
  const state_t *state = work->state;
  if (state->shared_line) return run_shared_lines(run_state, work);
  return share(run_state, state->lines, state->line.n, 1, lines_body, work);
}

/* Blocks of columns, matrix after matrix; x and y may be one place. */
static void columns_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  size_t width = state->spectrum, block = state->columns.block, blocks = (width + block - 1) / block;
  for (; begin < end; ++begin) {
    size_t column = begin % blocks * block;
    size_t at = (begin / blocks * (size_t)state->call.rows * width + column) * state->pair;
    or_fft_columns_run(&state->columns, work->x + at, work->y + at, or_cpu_min(block, width - column),
                       work->scratch + (size_t)thread * state->slice_bytes);
  }
}

/* One column at a time, by way of a line. */
static void column_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  size_t width = state->spectrum, rows = (size_t)state->call.rows, pair = state->pair;
  char *line = work->scratch + (size_t)thread * state->slice_bytes, *shared = line + or_align_up(rows * pair, 64);
  const or_fft_places_t places = {line, line, shared, shared + state->column.shared_bytes};
  for (; begin < end; ++begin) {
    size_t at = (begin / width * rows * width + begin % width) * pair;
    for (size_t r = 0; r < rows; ++r) memcpy(line + r * pair, work->x + at + r * width * pair, pair);
    or_fft_run_line(&state->column, &places);
    for (size_t r = 0; r < rows; ++r) memcpy(work->y + at + r * width * pair, line + r * pair, pair);
  }
}

static or_status_t run_columns(const or_cpu_run_t *run_state, const work_t *work) {
  const state_t *state = work->state;
  bool one = state->column.n > 0;
  size_t block = one ? 1 : state->columns.block, blocks = (state->spectrum + block - 1) / block;
  return share(run_state, state->matrices * blocks, (size_t)state->call.rows, block, one ? column_body : columns_body,
               work);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  work_t work = {.state = state, .x = run_state->slots[state->x], .y = run_state->slots[state->y]};
  work.scratch = run_state->slots[state->scratch];
  if (state->shared != OR_NO_SLOT) work.shared = run_state->slots[state->shared];
  if (state->lines == 0) return or_status_success();
  if (state->matrices == 0) return run_lines(run_state, &work);
  work_t columns = work;
  if (state->call.real_out) { /* the lines, whose results are real, come last */
    columns.y = run_state->slots[state->middle];
    or_status_t status = run_columns(run_state, &columns);
    work.x = columns.y;
    return or_ok(status) ? run_lines(run_state, &work) : status;
  }
  columns.x = work.y;
  or_status_t status = run_lines(run_state, &work);
  return or_ok(status) ? run_columns(run_state, &columns) : status;
}
