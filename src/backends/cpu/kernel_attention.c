/* Attention and CachedAttention: float32; float16 and bfloat16 widened block by block, with scores and sums in
 * float32. */
#include <stdatomic.h>
#include <string.h>

#include "backends/cpu/attention_internal.h"
#include "backends/cpu/families_internal.h"
#include "backends/cpu/half_internal.h"
#include "ops/infer.h"

/* Operations of one thread between two looks at the cancel token: some milliseconds. */
#define FLOPS_BETWEEN_LOOKS 4e8

enum { SLOT_Q, SLOT_K, SLOT_V, SLOT_MASK, SLOT_PAST_KEY, SLOT_PAST_VALUE, SLOT_LENGTH, INPUTS };

typedef struct state_t {
  or_cpu_attention_t shape;
  or_slot_id_t inputs[INPUTS], y, present[2], scratch; /* OR_NO_SLOT: left out */
  bool append_first;                                   /* rows are copied before, not by the tasks themselves */
  size_t tasks, group;                                 /* group: tasks between two looks at the cancel token */
  size_t grain;
} state_t;

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state);
static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, state_t *state);
static void share_work(const or_node_view_t *view, size_t threads, state_t *state);

static bool match(const or_cpu_device_t *device, const or_node_view_t *view) {
  (void)device;
  bool ours = or_view_is(view, &or_op_attention) || or_view_is(view, &or_op_cached_attention);
  if (!ours || view->fused) return false;
  or_dtype_t dtype = or_view_input(view, 0)->dtype;
  if (dtype != OR_FLOAT32 && !or_cpu_is_half(dtype)) return false;
  if (or_view_input(view, OR_ATTENTION_V)->dtype != dtype) return false;
  if (or_view_has_input(view, OR_ATTENTION_MASK)) {
    or_dtype_t mask = or_view_input(view, OR_ATTENTION_MASK)->dtype;
    if (mask != OR_BOOL && mask != dtype) return false;
  }
  bool scores = view->call.output_count > 3 && view->core->outputs[3] != OR_NO_VALUE;
  return !scores && or_view_count(&or_view_output(view, 0)->shape) > 0;
}

static or_status_t prepare(or_cpu_build_t *build, const or_node_view_t *view) {
  void *memory = NULL;
  or_status_t status = or_cpu_build_alloc(build, sizeof(state_t), &memory);
  if (!or_ok(status)) return status;
  state_t *state = memory;
  or_cpu_attention_t *shape = &state->shape;
  or_attention_read(&view->call, &shape->a);
  shape->dtype = or_view_input(view, 0)->dtype;
  shape->mask_dtype =
      or_view_has_input(view, OR_ATTENTION_MASK) ? or_view_input(view, OR_ATTENTION_MASK)->dtype : OR_DTYPE_NONE;
  shape->caches = build->device->caches;
  size_t threads = (size_t)build->device->threads, bytes = 0;
  if (!or_cpu_attention_lay_out(shape, build->device->kernels, threads) ||
      !or_mul_size(shape->scratch.bytes, threads, &bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "the scratch of attention over heads of %lld elements overflows size_t",
                    (long long)shape->a.head);
  }
  share_work(view, threads, state);
  status = find_slots(build, view, state);
  if (or_ok(status)) status = or_cpu_build_scratch(build, bytes, &state->scratch);
  if (or_ok(status)) status = or_cpu_build_step(build, run, state);
  if (or_ok(status)) status = or_cpu_build_name_format(build, "%s attention", build->device->kernels->name);
  return status;
}

const or_cpu_family_t or_cpu_family_attention = {.name = "attention", .match = match, .prepare = prepare};

static bool copies_rows(const or_node_view_t *view) {
  bool present = false;
  for (uint32_t i = 1; i < 3; ++i)
    present = present || (i < view->call.output_count && view->core->outputs[i] != OR_NO_VALUE);
  return present || or_view_is(view, &or_op_cached_attention);
}

/* A task is a head of keys (with the heads of queries that share it) where it also copies their rows; else a block of
 * queries of one head. */
static void share_work(const or_node_view_t *view, size_t threads, state_t *state) {
  const or_cpu_attention_t *shape = &state->shape;
  const or_attention_t *a = &shape->a;
  size_t key_heads = (size_t)(a->batch * a->kv_heads), heads = (size_t)(a->batch * a->q_heads);
  bool whole = shape->q_blocks == 1 && (a->kv_heads == a->q_heads || key_heads >= 2 * threads);
  state->append_first = copies_rows(view) && !whole;
  state->tasks = copies_rows(view) && whole ? key_heads : heads * shape->q_blocks;
  or_cost_t cost = view->call.op->cost(&view->call);
  double tasks = (double)or_cpu_max(state->tasks, 1), flops = cost.flops / tasks + 1;
  double bytes = (cost.bytes_read + cost.bytes_written) / tasks + 1;
  double grain = (double)OR_CPU_GRAIN_FLOPS / flops, by_bytes = (double)OR_CPU_GRAIN_BYTES / bytes;
  if (by_bytes < grain) grain = by_bytes;
  state->grain = grain < 1 ? 1 : grain < tasks ? (size_t)grain : (size_t)tasks;
  state->group = flops < FLOPS_BETWEEN_LOOKS ? (size_t)(FLOPS_BETWEEN_LOOKS / flops) * threads + 1 : threads;
}

static or_status_t find_slots(or_cpu_build_t *build, const or_node_view_t *view, state_t *state) {
  const or_node_t *node = view->core;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; i < INPUTS; ++i) state->inputs[i] = OR_NO_SLOT;
  for (uint32_t i = 0; i < 2; ++i) state->present[i] = OR_NO_SLOT;
  for (uint32_t i = 0; or_ok(status) && i < view->call.input_count && i < INPUTS; ++i) {
    if (or_view_has_input(view, i)) status = or_cpu_build_read(build, node->inputs[i], &state->inputs[i]);
  }
  if (or_ok(status)) status = or_cpu_build_write(build, node->outputs[0], &state->y);
  for (uint32_t i = 1; or_ok(status) && i < 3 && i < view->call.output_count; ++i) {
    if (node->outputs[i] != OR_NO_VALUE) status = or_cpu_build_write(build, node->outputs[i], &state->present[i - 1]);
  }
  return status;
}

/* Runs. */

/* Rows of keys (or values) that are put together: the past, unless it is there, and the new ones. */
typedef struct copy_t {
  const char *past, *fresh;
  char *to;
  or_attention_rows_t past_rows, fresh_rows, to_rows;
  int64_t width;
} copy_t;

typedef struct work_t {
  const state_t *state;
  or_cpu_attention_run_t run;
  copy_t copies[2];
  size_t copy_count;
  size_t element;
  atomic_uint_least64_t copied_bytes; /* by all threads */
} work_t;

static char *slot_of(const or_cpu_run_t *run_state, or_slot_id_t slot) {
  return slot == OR_NO_SLOT ? NULL : run_state->slots[slot];
}

/* `count` rows of a head, `width` bytes each, that lie from_step and to_step bytes apart; how many bytes that were. */
static size_t copy_rows(const char *from, size_t from_step, char *to, size_t to_step, size_t width, size_t count) {
  if (from_step == width && to_step == width) {
    memcpy(to, from, width * count);
    return width * count;
  }
  for (size_t i = 0; i < count; ++i) memcpy(to + i * to_step, from + i * from_step, width);
  return width * count;
}

static size_t byte_at(const work_t *work, const or_attention_rows_t *rows, int64_t batch, int64_t head, int64_t row) {
  return (size_t)(batch * rows->batch + head * rows->head + row * rows->row) * work->element;
}

static void copy_head(work_t *work, int64_t batch, int64_t head) {
  size_t past = (size_t)work->run.past, fresh = (size_t)work->state->shape.a.new_length, copied = 0;
  for (size_t i = 0; i < work->copy_count; ++i) {
    const copy_t *copy = &work->copies[i];
    size_t width = (size_t)copy->width * work->element, step = (size_t)copy->to_rows.row * work->element;
    char *to = copy->to + byte_at(work, &copy->to_rows, batch, head, 0);
    if (copy->past != NULL) {
      copied += copy_rows(copy->past + byte_at(work, &copy->past_rows, batch, head, 0),
                          (size_t)copy->past_rows.row * work->element, to, step, width, past);
    }
    copied += copy_rows(copy->fresh + byte_at(work, &copy->fresh_rows, batch, head, 0),
                        (size_t)copy->fresh_rows.row * work->element, to + past * step, step, width, fresh);
  }
  atomic_fetch_add_explicit(&work->copied_bytes, copied, memory_order_relaxed);
}

static void copy_body(void *self, size_t begin, size_t end, int thread) {
  work_t *work = self;
  int64_t heads = work->state->shape.a.kv_heads;
  (void)thread;
  for (size_t i = begin; i < end; ++i) copy_head(work, (int64_t)i / heads, (int64_t)i % heads);
}

/* Tasks that are heads of keys. */
static void heads_body(void *self, size_t begin, size_t end, int thread) {
  work_t *work = self;
  const or_attention_t *a = &work->state->shape.a;
  int64_t sharing = a->q_heads / a->kv_heads;
  for (size_t i = begin; i < end; ++i) {
    int64_t batch = (int64_t)i / a->kv_heads, head = (int64_t)i % a->kv_heads;
    copy_head(work, batch, head);
    for (int64_t g = 0; g < sharing; ++g) or_cpu_attention_block(&work->run, batch, head * sharing + g, 0, thread);
  }
}

/* Tasks that are blocks of queries. */
static void blocks_body(void *self, size_t begin, size_t end, int thread) {
  const work_t *work = self;
  const or_cpu_attention_t *shape = &work->state->shape;
  for (size_t i = begin; i < end; ++i) {
    size_t head = i / shape->q_blocks, heads = (size_t)shape->a.q_heads;
    or_cpu_attention_block(&work->run, (int64_t)(head / heads), (int64_t)(head % heads), i % shape->q_blocks, thread);
  }
}

static or_status_t find_lengths(const or_cpu_run_t *run_state, work_t *work);
static void find_keys(const or_cpu_run_t *run_state, work_t *work);

static or_status_t run(const or_cpu_step_t *step, const or_cpu_run_t *run_state) {
  const state_t *state = step->state;
  const or_attention_t *a = &state->shape.a;
  work_t work = {.state = state, .element = or_dtype_bytes(state->shape.dtype, 1)};
  work.run.shape = &state->shape;
  work.run.kernels = run_state->kernels;
  work.run.q = slot_of(run_state, state->inputs[SLOT_Q]);
  work.run.mask = slot_of(run_state, state->inputs[SLOT_MASK]);
  work.run.y = slot_of(run_state, state->y);
  work.run.scratch = slot_of(run_state, state->scratch);
  or_status_t status = find_lengths(run_state, &work);
  if (!or_ok(status)) return status;
  find_keys(run_state, &work);
  or_cpu_attention_plan(&work.run);
  if (state->append_first) {
    size_t row = 2 * (size_t)(a->head + a->value_head) * work.element;
    or_parallel_for(run_state->team, (size_t)(a->batch * a->kv_heads), or_cpu_row_grain(row * (size_t)work.run.total),
                    copy_body, &work);
  }
  bool heads = work.copy_count > 0 && !state->append_first;
  or_parallel_body_t body = heads ? heads_body : blocks_body;
  if (state->tasks > state->group) {
    status = or_cpu_parallel_groups(run_state, state->tasks, state->group, body, &work);
  } else {
    or_parallel_for(run_state->team, state->tasks, state->grain, body, &work);
  }
  if (run_state->appended_bytes != NULL) *run_state->appended_bytes += atomic_load(&work.copied_bytes);
  return status;
}

static or_status_t find_lengths(const or_cpu_run_t *run_state, work_t *work) {
  const or_attention_t *a = &work->state->shape.a;
  const void *lengths = slot_of(run_state, work->state->inputs[SLOT_LENGTH]);
  work->run.past = a->past_length;
  if (a->cached) {
    memcpy(&work->run.past, lengths, sizeof work->run.past);
    if (work->run.past < 0 || work->run.past > a->past_length - a->new_length) {
      return or_error(OR_OUT_OF_RANGE, "a past of %lld rows and %lld new ones exceed the cache of %lld",
                      (long long)work->run.past, (long long)a->new_length, (long long)a->past_length);
    }
  } else {
    work->run.lengths = lengths;
  }
  work->run.total = work->run.past + a->new_length;
  return or_status_success();
}

static copy_t copy_of(const or_attention_t *a, const char *past, const char *fresh, char *to, bool values) {
  copy_t copy = {.past = past, .fresh = fresh, .to = to, .width = values ? a->value_head : a->head};
  copy.past_rows = values ? a->past_value : a->past_key;
  copy.fresh_rows = values ? a->v : a->k;
  int64_t rows = a->past_length + (a->cached ? 0 : a->new_length);
  copy.to_rows = (or_attention_rows_t){a->kv_heads * rows * copy.width, rows * copy.width, copy.width};
  return copy;
}

/* Where keys and values lie when the tasks read them: in the cache, or in the outputs that hold past and new ones
 * together, or the past and the new ones for themselves. */
static void find_keys(const or_cpu_run_t *run_state, work_t *work) {
  const state_t *state = work->state;
  const or_attention_t *a = &state->shape.a;
  char *past[2], *fresh[2], *joint[2];
  for (int i = 0; i < 2; ++i) {
    past[i] = slot_of(run_state, state->inputs[SLOT_PAST_KEY + i]);
    fresh[i] = slot_of(run_state, state->inputs[SLOT_K + i]);
    joint[i] = a->cached ? past[i] : slot_of(run_state, state->present[i]);
    if (joint[i] == NULL) continue;
    work->copies[work->copy_count++] = copy_of(a, a->cached ? NULL : past[i], fresh[i], joint[i], i == 1);
  }
  or_cpu_attention_keys_t *keys = work->run.keys;
  if (joint[0] != NULL && joint[1] != NULL) {
    keys[0] = (or_cpu_attention_keys_t){
        .k = joint[0], .v = joint[1], .k_rows = work->copies[0].to_rows, .v_rows = work->copies[1].to_rows};
    keys[0].count = work->run.total;
    work->run.keys_count = 1;
    return;
  }
  if (past[0] != NULL && work->run.past > 0) {
    keys[work->run.keys_count++] = (or_cpu_attention_keys_t){
        .k = past[0], .v = past[1], .k_rows = a->past_key, .v_rows = a->past_value, .count = work->run.past};
  }
  keys[work->run.keys_count++] = (or_cpu_attention_keys_t){
      .k = fresh[0], .v = fresh[1], .k_rows = a->k, .v_rows = a->v, .first = work->run.past, .count = a->new_length};
}
