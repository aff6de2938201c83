/* Plans of lines: which way a length goes, and what can be computed beforehand. */
#include <math.h>
#include <string.h>

#include "backends/cpu/kernels/fft_internal.h"

/* Up to this many elements a line of W columns stays in the caches, and needs no matrix of its own to turn. */
#define FINISH_BYTES ((size_t)256 << 10)
/* Two buffers of columns. */
#define BUDGET_BYTES ((size_t)256 << 10)
/* Elements of a unit of Bluestein's products. */
#define CHUNK ((size_t)8192)

static bool plan_finish(or_fft_plan_t *plan, bool inverse, or_fft_memory_t memory);
static bool plan_turn(or_fft_plan_t *plan, bool inverse, or_fft_memory_t memory);
static bool plan_bluestein(or_fft_plan_t *plan, bool inverse, or_fft_memory_t memory);

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* n1 n2 = n, so that few lanes are idle and both are of a size; n1 = 1: there is no such pair. */
static void divide(or_fft_plan_t *plan) {
  const size_t n = plan->n, width = plan->ops->width;
  double best = INFINITY;
  for (size_t a = 1; a * a <= n; ++a) {
    if (n % a != 0) continue;
    for (int turn = 0; turn < 2; ++turn) {
      const size_t n1 = turn ? n / a : a, n2 = n / n1;
      const double lanes = (double)round_up(n1, width) * (double)round_up(n2, width);
      const double skew = fabs(log2((double)n1 / (double)n2));
      const double cost = lanes / (double)n * (1 + 0.02 * skew + (skew > 4 ? 0.2 * (skew - 4) : 0));
      if (cost >= best) continue;
      best = cost;
      plan->n1 = n1;
      plan->n2 = n2;
    }
  }
}

bool or_fft_plan_init(or_fft_plan_t *plan, const or_fft_ops_t *ops, size_t n, bool inverse, double scale,
                      or_fft_memory_t memory) {
  if (ops->narrow != NULL && n < ops->width * ops->width) ops = ops->narrow;
  *plan = (or_fft_plan_t){.ops = ops, .n = n, .scale = scale};
  if (!or_fft_is_smooth(n)) return plan_bluestein(plan, inverse, memory);
  if (n % ops->width == 0 && n * 2 * ops->scalar_bytes <= FINISH_BYTES) return plan_finish(plan, inverse, memory);
  divide(plan);
  if (plan->n1 > 1 && plan->n2 > 1) return plan_turn(plan, inverse, memory);
  plan->n1 = n;
  plan->n2 = 1;
  plan->stage_count = 1;
  plan->units[0] = 1;
  const or_fft_columns_options_t options = {
      .length = n, .columns = 1, .in_ld = 1, .out_ld = 1, .inverse = inverse, .scale = scale};
  const bool made = or_fft_columns_init(&plan->first, ops, &options, memory);
  plan->scratch_bytes = 2 * plan->first.buffer_bytes;
  return made;
}

static void put_root(const or_fft_ops_t *ops, void *array, size_t at, size_t im_at, const double root[2],
                     double scale) {
  or_fft_put(ops, array, at, root[0] * scale);
  or_fft_put(ops, array, im_at, root[1] * scale);
}

static void root_of(size_t j, size_t k, size_t n, bool inverse, double root[2]) {
  or_fft_root(j * k, n, &root[0], &root[1]);
  if (inverse) root[1] = -root[1];
}

static bool plan_finish(or_fft_plan_t *plan, bool inverse, or_fft_memory_t memory) {
  const or_fft_ops_t *ops = plan->ops;
  const size_t width = ops->width, n1 = plan->n / width, tiles = round_up(n1, width) / width;
  plan->n1 = n1;
  plan->n2 = width;
  plan->stage_count = 1;
  plan->units[0] = 1;
  const or_fft_columns_options_t options = {.length = n1,
                                            .columns = width,
                                            .in_ld = width,
                                            .out_ld = width,
                                            .out_split = true,
                                            .inverse = inverse,
                                            .scale = 1};
  if (!or_fft_columns_init(&plan->first, ops, &options, memory)) return false;
  plan->scratch_bytes = 2 * plan->first.buffer_bytes;
  void *roots = memory.alloc(memory.self, tiles * width * width * 2 * ops->scalar_bytes, true);
  if (roots == NULL) return false;
  for (size_t i = 0; i < tiles * width; ++i) {
    for (size_t lane = 0; lane < width; ++lane) {
      double root[2];
      root_of(i % width, i / width * width + ops->order[lane], plan->n, inverse, root);
      put_root(ops, roots, i * 2 * width + lane, i * 2 * width + width + lane, root, plan->scale);
    }
  }
  plan->finish_roots = roots;
  return true;
}

/* Row stride of the turned matrix in elements: no multiple of a page, so that a column's elements lie in different sets
 * of the caches. */
static size_t turned_ld(const or_fft_plan_t *plan) {
  const size_t width = plan->ops->width, ld = round_up(plan->n1, width);
  return ld % 256 == 0 ? ld + width : ld;
}

static bool plan_turn(or_fft_plan_t *plan, bool inverse, or_fft_memory_t memory) {
  const or_fft_ops_t *ops = plan->ops;
  const size_t width = ops->width, n1 = plan->n1, n2 = plan->n2, pair = 2 * ops->scalar_bytes;
  const size_t steps = round_up(n1, width) / width, ld = turned_ld(plan);
  or_fft_columns_options_t options = {.length = n1,
                                      .columns = n2,
                                      .in_ld = n2,
                                      .out_split = true,
                                      .inverse = inverse,
                                      .scale = 1,
                                      .budget_bytes = BUDGET_BYTES};
  if (!or_fft_columns_init(&plan->first, ops, &options, memory)) return false;
  /* The result stays in scratch, rows of a block. */
  options.out_ld = plan->first.block;
  if (!or_fft_columns_init(&plan->first, ops, &options, memory)) return false;
  options = (or_fft_columns_options_t){.length = n2,
                                       .columns = n1,
                                       .in_ld = ld,
                                       .out_ld = n1,
                                       .in_split = true,
                                       .inverse = inverse,
                                       .scale = plan->scale,
                                       .budget_bytes = BUDGET_BYTES};
  if (!or_fft_columns_init(&plan->second, ops, &options, memory)) return false;
  plan->stage_count = 2;
  plan->units[0] = (n2 + plan->first.block - 1) / plan->first.block;
  plan->units[1] = (n1 + plan->second.block - 1) / plan->second.block;
  plan->shared_bytes = round_up(n2 * ld * pair, 64);
  const size_t first = plan->first.buffer_bytes, second = plan->second.buffer_bytes;
  plan->scratch_bytes = 2 * (first > second ? first : second);
  void *step = memory.alloc(memory.self, round_up(n2, width) * steps * pair, true);
  void *start = memory.alloc(memory.self, round_up(n2, width) * width * pair, true);
  if (step == NULL || start == NULL) return false;
  for (size_t j = 0; j < n2; ++j) {
    double root[2];
    for (size_t k = 0; k < steps; ++k) {
      root_of(j, k * width, plan->n, inverse, root);
      put_root(ops, step, 2 * (j * steps + k), 2 * (j * steps + k) + 1, root, 1);
    }
    for (size_t lane = 0; lane < width; ++lane) {
      root_of(j, ops->order[lane], plan->n, inverse, root);
      put_root(ops, start, j * 2 * width + lane, j * 2 * width + width + lane, root, 1);
    }
  }
  plan->turn_step = step;
  plan->turn_start = start;
  return true;
}

/* In place, of a power of two, in double: for tables. */
static void transform_table(size_t n, double *x) {
  for (size_t i = 1, j = 0; i < n; ++i) {
    size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j |= bit;
    if (i >= j) continue;
    for (size_t part = 0; part < 2; ++part) {
      const double t = x[2 * i + part];
      x[2 * i + part] = x[2 * j + part];
      x[2 * j + part] = t;
    }
  }
  for (size_t half = 1; half < n; half *= 2) {
    for (size_t k = 0; k < half; ++k) {
      double wr, wi;
      or_fft_root(k, 2 * half, &wr, &wi);
      for (size_t i = k; i < n; i += 2 * half) {
        double *a = x + 2 * i, *b = x + 2 * (i + half);
        const double re = b[0] * wr - b[1] * wi, im = b[0] * wi + b[1] * wr;
        b[0] = a[0] - re;
        b[1] = a[1] - im;
        a[0] += re;
        a[1] += im;
      }
    }
  }
}

static bool plan_bluestein(or_fft_plan_t *plan, bool inverse, or_fft_memory_t memory) {
  const or_fft_ops_t *ops = plan->ops;
  const size_t n = plan->n, pair = 2 * ops->scalar_bytes;
  size_t m = 1;
  while (m < 2 * n - 1) m *= 2;
  or_fft_plan_t *inner = memory.alloc(memory.self, sizeof *inner, true);
  double *table = memory.alloc(memory.self, m * 2 * sizeof(double), false);
  void *chirp = memory.alloc(memory.self, n * pair, true), *last = memory.alloc(memory.self, n * pair, true);
  void *filter = memory.alloc(memory.self, m * pair, true);
  if (inner == NULL || table == NULL || chirp == NULL || last == NULL || filter == NULL) return false;
  if (!or_fft_plan_init(inner, ops, m, false, 1, memory)) return false;
  memset(table, 0, m * 2 * sizeof(double));
  for (size_t j = 0, square = 0; j < n; square = (square + 2 * j + 1) % (2 * n), ++j) {
    double root[2]; /* exp(-+ pi i j j / n) */
    root_of(1, square, 2 * n, inverse, root);
    put_root(ops, chirp, 2 * j, 2 * j + 1, root, 1);
    root[1] = -root[1];
    put_root(ops, last, 2 * j, 2 * j + 1, root, plan->scale / (double)m);
    memcpy(table + 2 * j, root, sizeof root);
    if (j > 0) memcpy(table + 2 * (m - j), root, sizeof root);
  }
  transform_table(m, table);
  for (size_t i = 0; i < 2 * m; ++i) or_fft_put(ops, filter, i, table[i]);
  plan->inner = inner;
  plan->chirp = chirp;
  plan->last = last;
  plan->filter = filter;
  const size_t chunks = (m + CHUNK - 1) / CHUNK;
  plan->units[plan->stage_count++] = chunks;
  for (size_t i = 0; i < inner->stage_count; ++i) plan->units[plan->stage_count++] = inner->units[i];
  plan->units[plan->stage_count++] = chunks;
  for (size_t i = 0; i < inner->stage_count; ++i) plan->units[plan->stage_count++] = inner->units[i];
  plan->units[plan->stage_count++] = (n + CHUNK - 1) / CHUNK;
  plan->shared_bytes = round_up(m * pair, 64) + inner->shared_bytes;
  plan->scratch_bytes = inner->scratch_bytes;
  return true;
}

/* ---- runs ---- */

/* Columns of the first matrix, transformed, and turned into the second. */
static void run_turn(const or_fft_plan_t *plan, size_t unit, const or_fft_places_t *places) {
  const or_fft_ops_t *ops = plan->ops;
  const or_fft_columns_t *first = &plan->first;
  const size_t pair = 2 * ops->scalar_bytes, width = ops->width, at = unit * first->block;
  const size_t count = plan->n2 - at < first->block ? plan->n2 - at : first->block;
  const size_t steps = round_up(plan->n1, width) / width, ld = turned_ld(plan);
  char *columns = (char *)places->scratch + (first->pass_count - 1) % 2 * first->buffer_bytes;
  or_fft_columns_run(first, (const char *)places->in + at * pair, columns, count, places->scratch);
  const or_fft_turn_t turn = {.rows = plan->n1,
                              .columns = count,
                              .in_ld = 2 * first->block,
                              .out_ld = 2 * ld,
                              .step = (const char *)plan->turn_step + at * steps * pair,
                              .start = (const char *)plan->turn_start + at * width * pair,
                              .step_ld = steps};
  ops->turn(&turn, columns, (char *)places->shared + at * ld * pair);
}

static void run_second(const or_fft_plan_t *plan, size_t unit, const or_fft_places_t *places) {
  const size_t pair = 2 * plan->ops->scalar_bytes, at = unit * plan->second.block;
  const size_t count = plan->n1 - at < plan->second.block ? plan->n1 - at : plan->second.block;
  or_fft_columns_run(&plan->second, (const char *)places->shared + at * pair, (char *)places->out + at * pair, count,
                     places->scratch);
}

/* The passes go to and fro between scratch and the result's own place, so that as little as can be is touched. */
static void run_finish(const or_fft_plan_t *plan, const or_fft_places_t *places) {
  const or_fft_columns_t *first = &plan->first;
  const ptrdiff_t row = 2 * (ptrdiff_t)plan->n1, width = (ptrdiff_t)plan->ops->width;
  const bool inverse = first->passes[0].out_k < 0;
  char *scratch = places->scratch;
  const void *from = places->in;
  for (size_t i = 0; i < first->pass_count; ++i) {
    void *to = scratch;
    if ((first->pass_count - i) % 2 == 0) to = from == places->out ? scratch + first->buffer_bytes : places->out;
    plan->ops->pass(&first->passes[i], from, to, plan->n2, 1);
    from = to;
  }
  const or_fft_finish_t finish = {plan->n1, inverse ? width * row : 0, inverse ? -row : row, plan->finish_roots,
                                  plan->scale};
  plan->ops->finish(&finish, from, places->out);
}

static void run_bluestein(const or_fft_plan_t *plan, size_t stage, size_t unit, const or_fft_places_t *places) {
  const or_fft_ops_t *ops = plan->ops;
  const or_fft_plan_t *inner = plan->inner;
  const size_t pair = 2 * ops->scalar_bytes, m = inner->n, at = unit * CHUNK, middle = 1 + inner->stage_count;
  const size_t last = plan->stage_count - 1, extent = stage == 0 || stage == middle ? m : plan->n;
  const size_t end = extent < at + CHUNK ? extent : at + CHUNK;
  char *line = places->shared;
  if (stage == 0) {
    const size_t known = plan->n < end ? plan->n : end, some = known > at ? known - at : 0;
    const char *in = (const char *)places->in + at * pair;
    if (some > 0) ops->multiply(some, in, (const char *)plan->chirp + at * pair, false, line + at * pair);
    memset(line + (at + some) * pair, 0, (end - at - some) * pair);
  } else if (stage == middle) {
    ops->multiply(end - at, line + at * pair, (const char *)plan->filter + at * pair, true, line + at * pair);
  } else if (stage == last) {
    char *out = (char *)places->out + at * pair;
    ops->multiply(end - at, line + at * pair, (const char *)plan->last + at * pair, true, out);
  } else {
    const or_fft_places_t deeper = {line, line, line + round_up(m * pair, 64), places->scratch};
    or_fft_run(inner, stage < middle ? stage - 1 : stage - middle - 1, unit, unit + 1, &deeper);
  }
}

void or_fft_run(const or_fft_plan_t *plan, size_t stage, size_t begin, size_t end, const or_fft_places_t *places) {
  for (; begin < end; ++begin) {
    if (plan->inner != NULL) {
      run_bluestein(plan, stage, begin, places);
    } else if (plan->finish_roots != NULL) {
      run_finish(plan, places);
    } else if (plan->n2 == 1) {
      or_fft_columns_run(&plan->first, places->in, places->out, 1, places->scratch);
    } else if (stage == 0) {
      run_turn(plan, begin, places);
    } else {
      run_second(plan, begin, places);
    }
  }
}

void or_fft_run_line(const or_fft_plan_t *plan, const or_fft_places_t *places) {
  for (size_t stage = 0; stage < plan->stage_count; ++stage) or_fft_run(plan, stage, 0, plan->units[stage], places);
}
