/* A block of queries against all keys. */
#include "backends/cpu/attention_internal.h"

#include <math.h>
#include <string.h>

#include "backends/cpu/half_internal.h"

#define FEW_ROWS 32u /* queries are not cut into smaller blocks */

static bool add(size_t *offset, size_t count, size_t bytes, size_t *out) {
  size_t size = 0;
  *out = *offset;
  if (!or_mul_size(count, bytes, &size) || size > SIZE_MAX - 63) return false;
  return or_add_size(*offset, or_align_up(size, OR_GEMM_ALIGNMENT_BYTES), offset);
}

static bool make_plan(const or_cpu_attention_t *shape, const or_cpu_kernels_t *kernels, size_t m, size_t n,
                      or_cpu_attention_plan_t *out) {
  const or_gemm_shape_t scores = {.m = m, .n = n, .k = (size_t)shape->a.head, .trans_b = true};
  const or_gemm_shape_t mix = {.m = m, .n = (size_t)shape->a.value_head, .k = n};
  out->m = m;
  out->n = n;
  return or_gemm_plan_init(&out->scores, kernels->gemm_f32, &scores, &shape->caches, 1) &&
         or_gemm_plan_init(&out->mix, kernels->gemm_f32, &mix, &shape->caches, 1);
}

/* The most that the products need, for every number of keys that a last block may have. */
static bool gemm_bytes(const or_cpu_attention_t *shape, const or_cpu_kernels_t *kernels, size_t *scratch,
                       size_t *workspace) {
  const size_t rows[] = {shape->m_block, (size_t)shape->a.q_length % shape->m_block};
  *scratch = *workspace = 1;
  for (size_t r = 0; r < 2; ++r) {
    for (size_t n = 1; rows[r] > 0 && n <= shape->n_block; ++n) {
      or_cpu_attention_plan_t plan;
      if (!make_plan(shape, kernels, rows[r], n, &plan)) return false;
      *scratch = or_cpu_max(*scratch, or_cpu_max(plan.scores.scratch_bytes, plan.mix.scratch_bytes));
      *workspace = or_cpu_max(*workspace, or_cpu_max(plan.scores.workspace_bytes, plan.mix.workspace_bytes));
    }
  }
  return true;
}

bool or_cpu_attention_lay_out(or_cpu_attention_t *shape, const or_cpu_kernels_t *kernels, size_t threads) {
  const or_attention_t *a = &shape->a;
  size_t queries = (size_t)a->q_length, heads = (size_t)(a->batch * a->q_heads);
  size_t total = (size_t)(a->past_length + (a->cached ? 0 : a->new_length));
  size_t m = or_cpu_min(or_cpu_max(queries, 1), OR_CPU_ATTENTION_QUERIES);
  while (m >= 2 * FEW_ROWS && heads * ((queries + m - 1) / m) < 2 * threads) m /= 2;
  size_t most = m == 1 ? OR_CPU_ATTENTION_KEYS_OF_ONE : a->causal ? OR_CPU_ATTENTION_QUERIES : OR_CPU_ATTENTION_KEYS;
  shape->m_block = m;
  shape->n_block = or_cpu_min(or_cpu_max(total, 1), most);
  shape->q_blocks = (queries + m - 1) / m;
  shape->score_ld = (shape->n_block + 15) / 16 * 16;

  or_cpu_attention_scratch_t *scratch = &shape->scratch;
  size_t n = shape->n_block, wide = shape->dtype == OR_FLOAT32 ? 0 : 1, gemm = 0, workspace = 0;
  size_t head = (size_t)a->head, value_head = (size_t)a->value_head;
  scratch->bytes = 0;
  return gemm_bytes(shape, kernels, &gemm, &workspace) &&
         add(&scratch->bytes, m * shape->score_ld, sizeof(float), &scratch->scores) &&
         add(&scratch->bytes, m, value_head * sizeof(float), &scratch->out) &&
         add(&scratch->bytes, m, sizeof(float), &scratch->max) &&
         add(&scratch->bytes, m, sizeof(float), &scratch->factor) &&
         add(&scratch->bytes, m, sizeof(double), &scratch->sum) &&
         add(&scratch->bytes, wide * m, head * sizeof(float), &scratch->query) &&
         add(&scratch->bytes, wide * n, head * sizeof(float), &scratch->key) &&
         add(&scratch->bytes, wide * n, value_head * sizeof(float), &scratch->value) &&
         add(&scratch->bytes, wide * n, sizeof(float), &scratch->mask) &&
         add(&scratch->bytes, gemm, 1, &scratch->gemm) && add(&scratch->bytes, workspace, 1, &scratch->workspace);
}

void or_cpu_attention_plan(or_cpu_attention_run_t *run) {
  const or_cpu_attention_t *shape = run->shape;
  const size_t rows[] = {shape->m_block, (size_t)shape->a.q_length % shape->m_block};
  run->plan_count = 0;
  for (size_t r = 0; r < 2 && (r == 0 || rows[r] > 0); ++r) {
    bool whole = false;
    for (size_t s = 0; s < run->keys_count; ++s) {
      size_t count = (size_t)run->keys[s].count, last = count % shape->n_block;
      if (count >= shape->n_block && !whole) {
        (void)make_plan(shape, run->kernels, rows[r], shape->n_block, &run->plans[run->plan_count++]); /* as laid out */
        whole = true;
      }
      if (last > 0) (void)make_plan(shape, run->kernels, rows[r], last, &run->plans[run->plan_count++]);
    }
  }
}

/* A block in the hands of one thread. */
typedef struct block_t {
  const or_cpu_attention_run_t *run;
  const or_cpu_attention_t *shape;
  int64_t batch, head, kv_head, query; /* of the first row */
  size_t m;
  int64_t offset, total; /* keys before query 0, and all of them, for this element of the batch */
  const float *q;
  size_t q_ld;
  char *scratch;
  float *scores, *out, *max, *factor;
  double *sum;
  bool fresh; /* no keys have been met */
} block_t;

static void begin(block_t *block);
static void meet_keys(block_t *block, const or_cpu_attention_keys_t *keys);
static void finish(const block_t *block);

void or_cpu_attention_block(const or_cpu_attention_run_t *run, int64_t batch, int64_t head, size_t index, int thread) {
  const or_cpu_attention_t *shape = run->shape;
  const or_attention_t *a = &shape->a;
  char *scratch = run->scratch + shape->scratch.bytes * (size_t)thread;
  block_t block = {.run = run,
                   .shape = shape,
                   .batch = batch,
                   .head = head,
                   .kv_head = head / (a->q_heads / a->kv_heads),
                   .query = (int64_t)(index * shape->m_block),
                   .offset = run->past,
                   .total = run->total,
                   .scratch = scratch,
                   .scores = (float *)(void *)(scratch + shape->scratch.scores),
                   .out = (float *)(void *)(scratch + shape->scratch.out),
                   .max = (float *)(void *)(scratch + shape->scratch.max),
                   .factor = (float *)(void *)(scratch + shape->scratch.factor),
                   .sum = (double *)(void *)(scratch + shape->scratch.sum),
                   .fresh = true};
  block.m = or_cpu_min(shape->m_block, (size_t)(a->q_length - block.query));
  if (run->lengths != NULL) {
    int64_t length = run->lengths[batch];
    block.offset = length - a->q_length;
    block.total = length < 0 ? 0 : length < run->total ? length : run->total;
  }
  begin(&block);
  for (size_t s = 0; s < run->keys_count; ++s) meet_keys(&block, &run->keys[s]);
  finish(&block);
}

static size_t row_at(const or_attention_rows_t *rows, int64_t batch, int64_t head, int64_t row) {
  return (size_t)(batch * rows->batch + head * rows->head + row * rows->row);
}

/* Rows of a head: `rows` of `width` elements from element `first` of `data`, `ld` apart. */
typedef struct head_rows_t {
  const char *data;
  size_t first, rows, width, ld;
} head_rows_t;

/* In float32: where they are, or widened into `wide`, an offset into the scratch; from->ld is then theirs. */
static const float *float_rows(const block_t *block, head_rows_t *from, size_t wide) {
  if (block->shape->dtype == OR_FLOAT32) return (const float *)(const void *)from->data + from->first;
  or_cpu_half_t half = or_cpu_half(block->run->kernels, block->shape->dtype);
  const uint16_t *narrow = (const uint16_t *)(const void *)from->data + from->first;
  float *to = (float *)(void *)(block->scratch + wide);
  for (size_t i = 0; i < from->rows; ++i) half.widen(from->width, narrow + i * from->ld, to + i * from->width);
  from->ld = from->width;
  return to;
}

static void begin(block_t *block) {
  const or_attention_t *a = &block->shape->a;
  head_rows_t rows = {.data = block->run->q,
                      .first = row_at(&a->q, block->batch, block->head, block->query),
                      .rows = block->m,
                      .width = (size_t)a->head,
                      .ld = (size_t)a->q.row};
  block->q = float_rows(block, &rows, block->shape->scratch.query);
  block->q_ld = rows.ld;
  for (size_t i = 0; i < block->m; ++i) {
    block->max[i] = -INFINITY;
    block->sum[i] = 0;
  }
}

/* Keys that row `row` of the block may attend. */
static void range_of(const block_t *block, size_t row, int64_t *first, int64_t *end) {
  const or_attention_t *a = &block->shape->a;
  or_attention_range(a, block->query + (int64_t)row, block->offset, block->total, first, end);
  if (*end > a->mask_length) *end = a->mask_length;
}

static const or_cpu_attention_plan_t *plan_for(const block_t *block, size_t n, or_cpu_attention_plan_t *own) {
  const or_cpu_attention_run_t *run = block->run;
  for (size_t i = 0; i < run->plan_count; ++i) {
    if (run->plans[i].m == block->m && run->plans[i].n == n) return &run->plans[i];
  }
  (void)make_plan(block->shape, run->kernels, block->m, n, own); /* every number of keys fits the layout */
  return own;
}

static void score(const block_t *block, const or_cpu_attention_plan_t *plan, const float *k, size_t k_ld);
static void mask_scores(const block_t *block, int64_t position, size_t n);
static void cut_scores(const block_t *block, int64_t position, size_t n);
static void mix(block_t *block, const or_cpu_attention_plan_t *plan, const float *v, size_t v_ld);

static void meet_keys(block_t *block, const or_cpu_attention_keys_t *keys) {
  const or_cpu_attention_t *shape = block->shape;
  const or_cpu_attention_scratch_t *scratch = &shape->scratch;
  int64_t first = 0, end = 0, unused = 0, step = (int64_t)shape->n_block;
  range_of(block, 0, &first, &unused);
  range_of(block, block->m - 1, &unused, &end);
  for (int64_t at = 0; at < keys->count; at += step) {
    int64_t position = keys->first + at;
    int64_t last = keys->first + keys->count < block->total ? keys->first + keys->count : block->total;
    if (position >= end || position + step <= first) continue;
    size_t n = or_cpu_min(shape->n_block, (size_t)(last - position));
    or_cpu_attention_plan_t own;
    const or_cpu_attention_plan_t *plan = plan_for(block, n, &own);
    head_rows_t k = {.data = keys->k,
                     .first = row_at(&keys->k_rows, block->batch, block->kv_head, at),
                     .rows = n,
                     .width = (size_t)shape->a.head,
                     .ld = (size_t)keys->k_rows.row};
    head_rows_t v = {.data = keys->v,
                     .first = row_at(&keys->v_rows, block->batch, block->kv_head, at),
                     .rows = n,
                     .width = (size_t)shape->a.value_head,
                     .ld = (size_t)keys->v_rows.row};
    const float *key = float_rows(block, &k, scratch->key);
    score(block, plan, key, k.ld);
    if (shape->mask_dtype != OR_DTYPE_NONE) mask_scores(block, position, n);
    cut_scores(block, position, n);
    block->run->kernels->rows.softmax_step(block->m, n, block->scores, shape->score_ld, block->max, block->sum,
                                           block->factor);
    const float *value = float_rows(block, &v, scratch->value);
    mix(block, plan, value, v.ld);
  }
}

static void score(const block_t *block, const or_cpu_attention_plan_t *plan, const float *k, size_t k_ld) {
  const or_cpu_attention_t *shape = block->shape;
  double cap = shape->a.softcap;
  or_gemm_args_t args = {.a = block->q,
                         .lda = block->q_ld,
                         .b = k,
                         .ldb = k_ld,
                         .c = block->scores,
                         .ldc = shape->score_ld,
                         .alpha = cap > 0 ? shape->a.scale / cap : shape->a.scale,
                         .workspace = block->scratch + shape->scratch.workspace};
  or_gemm_run(&plan->scores, &args, block->scratch + shape->scratch.gemm);
  for (size_t i = 0; cap > 0 && i < block->m; ++i) {
    float *row = block->scores + i * shape->score_ld;
    block->run->kernels->unary[OR_CPU_UNARY_TANH](plan->n, row, row);
    block->run->kernels->f32.scale(plan->n, (float)cap, row, row, false);
  }
}

/* Adds the mask's numbers, or hides what a bool mask leaves out. */
static void mask_scores(const block_t *block, int64_t position, size_t n) {
  const or_cpu_attention_t *shape = block->shape;
  const or_attention_t *a = &shape->a;
  const or_cpu_kernels_t *kernels = block->run->kernels;
  bool single = a->mask_column == 0;
  size_t count = single ? 1 : n;
  if (!single && position + (int64_t)n > a->mask_length) /* cut_scores hides the rest */
    count = position < a->mask_length ? (size_t)(a->mask_length - position) : 0;
  for (size_t i = 0; count > 0 && i < block->m; ++i) {
    float *row = block->scores + i * shape->score_ld;
    size_t at = (size_t)(block->batch * a->mask_batch + block->head * a->mask_head +
                         (block->query + (int64_t)i) * a->mask_row + position * a->mask_column);
    if (shape->mask_dtype == OR_BOOL) {
      const uint8_t *attended = (const uint8_t *)block->run->mask + at;
      for (size_t j = 0; j < (single ? n : count); ++j) row[j] = attended[single ? 0 : j] != 0 ? row[j] : -INFINITY;
      continue;
    }
    head_rows_t part = {.data = block->run->mask, .first = at, .rows = 1, .width = count, .ld = count};
    const float *summand = float_rows(block, &part, shape->scratch.mask);
    or_cpu_form_t form = single ? OR_CPU_VECTOR_SCALAR : OR_CPU_VECTOR_VECTOR;
    kernels->f32.binary[OR_CPU_BINARY_ADD][form](single ? n : count, row, summand, row, false);
  }
}

/* Hides the keys that a row may not attend, in the few blocks where that differs from row to row. */
static void cut_scores(const block_t *block, int64_t position, size_t n) {
  for (size_t i = 0; i < block->m; ++i) {
    float *row = block->scores + i * block->shape->score_ld;
    int64_t first = 0, end = 0, last = position + (int64_t)n;
    range_of(block, i, &first, &end);
    for (int64_t j = position; j < first && j < last; ++j) row[j - position] = -INFINITY;
    for (int64_t j = end > position ? end : position; j < last; ++j) row[j - position] = -INFINITY;
  }
}

static void mix(block_t *block, const or_cpu_attention_plan_t *plan, const float *v, size_t v_ld) {
  const or_cpu_attention_t *shape = block->shape;
  size_t width = (size_t)shape->a.value_head;
  for (size_t i = 0; !block->fresh && i < block->m; ++i) {
    if (block->factor[i] == 1.0F) continue;
    block->run->kernels->f32.scale(width, block->factor[i], block->out + i * width, block->out + i * width, false);
  }
  or_gemm_args_t args = {.a = block->scores,
                         .lda = shape->score_ld,
                         .b = v,
                         .ldb = v_ld,
                         .c = block->out,
                         .ldc = width,
                         .alpha = 1,
                         .beta = block->fresh ? 0 : 1,
                         .workspace = block->scratch + shape->scratch.workspace};
  or_gemm_run(&plan->mix, &args, block->scratch + shape->scratch.gemm);
  block->fresh = false;
}

/* A row that attended nothing gives zeros. */
static void finish(const block_t *block) {
  const or_cpu_attention_t *shape = block->shape;
  const or_attention_t *a = &shape->a;
  size_t width = (size_t)a->value_head;
  const or_cpu_kernels_t *kernels = block->run->kernels;
  for (size_t i = 0; i < block->m; ++i) {
    float *from = block->out + i * width;
    size_t at = row_at(&a->y, block->batch, block->head, block->query + (int64_t)i);
    float *to = shape->dtype == OR_FLOAT32 ? (float *)(void *)block->run->y + at : from;
    if (block->sum[i] == 0) {
      memset(to, 0, width * sizeof(float));
    } else {
      kernels->f32.scale(width, (float)(1.0 / block->sum[i]), from, to, false);
    }
    if (to == from) {
      or_cpu_half(kernels, shape->dtype).narrow(width, from, (uint16_t *)(void *)block->run->y + at);
    }
  }
}
