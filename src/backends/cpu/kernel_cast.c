/* Cast and CastLike between the types that networks use: float32 with float16 and bfloat16 by the vector kernels,
 * float32 with float64, and whole numbers to them. */
#include <string.h>

#include "backends/cpu/families_internal.h"

typedef void (*cast_fn)(const or_cpu_kernels_t *kernels, size_t n, const void *x, void *y);

#define VECTOR_CAST(name, from, to, kernel)                                             \
  static void name(const or_cpu_kernels_t *kernels, size_t n, const void *x, void *y) { \
    kernels->convert.kernel(n, (const from *)x, (to *)y);                               \
  }
#define PLAIN_CAST(name, from, to)                                                      \
  static void name(const or_cpu_kernels_t *kernels, size_t n, const void *x, void *y) { \
    const from *source = x;                                                             \
    to *target = y;                                                                     \
    (void)kernels;                                                                      \
    for (size_t i = 0; i < n; ++i) target[i] = (to)source[i];                           \
  }
VECTOR_CAST(f16_to_f32, uint16_t, float, f16_to_f32)
VECTOR_CAST(f32_to_f16, float, uint16_t, f32_to_f16)
VECTOR_CAST(bf16_to_f32, uint16_t, float, bf16_to_f32)
VECTOR_CAST(f32_to_bf16, float, uint16_t, f32_to_bf16)
PLAIN_CAST(f32_to_f64, float, double)
PLAIN_CAST(f64_to_f32, double, float)
PLAIN_CAST(i32_to_f32, int32_t, float)
PLAIN_CAST(i64_to_f32, int64_t, float)
PLAIN_CAST(u8_to_f32, uint8_t, float)
PLAIN_CAST(i8_to_f32, int8_t, float)
PLAIN_CAST(i32_to_i64, int32_t, int64_t)
PLAIN_CAST(u8_to_i64, uint8_t, int64_t)

typedef struct row_t {
  or_dtype_t from, to;
  cast_fn function;
} row_t;
/* A bool holds 0 or 1 in a byte. */
static const row_t rows[] = {
    {OR_FLOAT16, OR_FLOAT32, f16_to_f32},   {OR_FLOAT32, OR_FLOAT16, f32_to_f16},
    {OR_BFLOAT16, OR_FLOAT32, bf16_to_f32}, {OR_FLOAT32, OR_BFLOAT16, f32_to_bf16},
    {OR_FLOAT32, OR_FLOAT64, f32_to_f64},   {OR_FLOAT64, OR_FLOAT32, f64_to_f32},
    {OR_INT32, OR_FLOAT32, i32_to_f32},     {OR_INT64, OR_FLOAT32, i64_to_f32},
    {OR_UINT8, OR_FLOAT32, u8_to_f32},      {OR_INT8, OR_FLOAT32, i8_to_f32},
    {OR_BOOL, OR_FLOAT32, u8_to_f32},       {OR_INT32, OR_INT64, i32_to_i64},
    {OR_BOOL, OR_INT64, u8_to_i64},
};

static const row_t *row_of(const or_node_view_t *view) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    if (rows[i].from == or_view_input(view, 0)->dtype && rows[i].to == or_view_output(view, 0)->dtype) return &rows[i];
  }
  return NULL;
}

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  if (view->fused || view->call.op->domain[0] != '\0') return false;
  bool cast = strcmp(view->call.op->name, "Cast") == 0 || strcmp(view->call.op->name, "CastLike") == 0;
  if (!cast || !or_shape_is_static(&or_view_input(view, 0)->shape)) return false;
  if (or_view_input(view, 0)->dtype == OR_STRING) return false;
  return row_of(view) != NULL || or_view_input(view, 0)->dtype == or_view_output(view, 0)->dtype;
}

typedef struct state_t {
  const row_t *row; /* NULL: the same type, copied */
  or_slot_id_t x, y;
  size_t count, from, to; /* elements; bytes of one */
  size_t bytes;           /* of all of x */
} state_t;

typedef struct work_t {
  const state_t *state;
  const or_cpu_kernels_t *kernels;
  const char *x;
  char *y;
} work_t;

static void body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const state_t *state = work->state;
  (void)thread;
  state->row->function(work->kernels, end - begin, work->x + begin * state->from, work->y + begin * state->to);
}

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  work_t work = {state, run_state->kernels, run_state->slots[state->x], run_state->slots[state->y]};
  if (state->row == NULL) return or_cpu_copy_bytes(run_state, work.x, work.y, state->bytes);
  return or_cpu_parallel_elements(run_state, state->count, state->from + state->to, body, &work);
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_status_t status;
  if (row_of(view) == NULL) {
    bool shared = false;
    or_cpu_build_name(build, "alias");
    status = or_cpu_build_share(build, view->core->inputs[0], view->core->outputs[0], 0, &shared);
    if (!or_ok(status) || shared) return status;
  }
  status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  state->row = row_of(view);
  state->from = or_dtype_bytes(or_view_input(view, 0)->dtype, 1);
  state->to = or_dtype_bytes(or_view_output(view, 0)->dtype, 1);
  state->count = or_view_count(&or_view_output(view, 0)->shape);
  state->bytes = or_view_bytes(or_view_input(view, 0));
  status = or_cpu_build_read(build, view->core->inputs[0], &state->x);
  if (or_ok(status)) status = or_cpu_build_write(build, view->core->outputs[0], &state->y);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s cast", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_cast = {.name = "cast", .match = match, .prepare = prepare};
