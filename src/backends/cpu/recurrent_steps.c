/* The steps of a recurrent layer. */
#include <string.h>

#include "backends/cpu/recurrent_internal.h"

/* Elements of gates from which on the team shares them, where it shares the products. */
#define SHARED_ELEMENTS 4096

/* A task in hand. */
typedef struct worker_t {
  const or_cpu_recurrent_run_t *run;
  const or_cpu_recurrent_t *layer;
  const or_cpu_recurrent_size_t *size;
  size_t direction, first, rows; /* the sequences [first, first + rows) */
  size_t longest;
  float *x, *gates, *h, *c, *part;
  char *workspace, *scratch;
  const char *w, *r;
  size_t number; /* of the step in hand */
  float *step;   /* its gates, [rows][columns] */
} worker_t;

static void begin(worker_t *worker, size_t task, int thread);
static void multiply_inputs(worker_t *worker, size_t first, size_t count);
static void take_step(worker_t *worker);
static void finish(const worker_t *worker);

void or_cpu_recurrent_task(const or_cpu_recurrent_run_t *run, size_t task, int thread) {
  worker_t worker = {.run = run, .layer = run->layer};
  begin(&worker, task, thread);
  size_t chunk = worker.size->chunk, steps = worker.layer->steps;
  for (size_t first = 0; first < worker.longest; first += chunk) {
    size_t count = or_cpu_min(chunk, steps - first);
    multiply_inputs(&worker, first, count);
    for (size_t i = 0; i < count && first + i < worker.longest; ++i) {
      if (or_cancel_requested(run->cancel)) return;
      worker.number = first + i;
      worker.step = worker.gates + i * worker.rows * worker.layer->columns;
      take_step(&worker);
    }
  }
  finish(&worker);
}

static size_t length_of(const worker_t *worker, size_t row) {
  const int32_t *lengths = worker->run->lengths;
  return lengths != NULL ? (size_t)lengths[worker->first + row] : worker->layer->steps;
}

static size_t state_at(const worker_t *worker, size_t row) {
  return (size_t)or_recurrent_state_row(&worker->layer->r, (int64_t)(worker->first + row), (int64_t)worker->direction);
}

static void load_state(const worker_t *worker, const float *from, float *to) {
  size_t n = worker->layer->hidden;
  for (size_t row = 0; row < worker->rows; ++row) {
    if (from != NULL) {
      memcpy(to + row * n, from + state_at(worker, row), n * sizeof *to);
    } else {
      memset(to + row * n, 0, n * sizeof *to);
    }
  }
}

static void begin(worker_t *worker, size_t task, int thread) {
  const or_cpu_recurrent_run_t *run = worker->run;
  const or_cpu_recurrent_t *layer = worker->layer;
  size_t slice = task % layer->slices;
  worker->direction = task / layer->slices;
  worker->size = &layer->sizes[slice + 1 == layer->slices ? 1 : 0];
  worker->first = slice * layer->slice;
  worker->rows = worker->size->rows;
  char *memory = run->memory + (layer->together ? 0 : (size_t)thread) * layer->worker_bytes;
  worker->x = (float *)(void *)(memory + layer->x_at);
  worker->gates = (float *)(void *)(memory + layer->gates_at);
  worker->h = (float *)(void *)(memory + layer->h_at);
  worker->c = (float *)(void *)(memory + layer->c_at);
  worker->part = (float *)(void *)(memory + layer->part_at);
  worker->workspace = memory + layer->workspace_at;
  worker->scratch = memory + layer->scratch_at;
  worker->w = run->w + worker->direction * layer->w_bytes;
  worker->r = run->r + worker->direction * layer->r_bytes;
  for (size_t row = 0; row < worker->rows; ++row) worker->longest = or_cpu_max(worker->longest, length_of(worker, row));
  load_state(worker, run->initial_h, worker->h);
  load_state(worker, run->initial_c, worker->c);
}

/* Products. */

typedef struct product_t {
  const or_gemm_plan_t *plan;
  or_gemm_args_t args;
  char *scratch;
  size_t scratch_bytes; /* of a thread */
} product_t;

static void pack_body(void *self, size_t begin, size_t end, int thread) {
  const product_t *product = self;
  (void)thread;
  for (size_t i = begin; i < end; ++i) or_gemm_pack(product->plan, &product->args, i);
}

static void tiles_body(void *self, size_t begin, size_t end, int thread) {
  const product_t *product = self;
  char *scratch = product->scratch + product->scratch_bytes * (size_t)thread;
  for (size_t i = begin; i < end; ++i) or_gemm_tile(product->plan, &product->args, i, scratch);
}

static bool is_cancelled(const void *cancel) { return or_cancel_requested(cancel); }

/* C = beta C + A times `matrix` + bias; where the team shares it, all of it is done when this returns. */
static void multiply(const worker_t *worker, const or_gemm_plan_t *plan, int matrix, or_gemm_args_t args) {
  product_t product = {plan, args, worker->scratch, worker->layer->scratch_bytes};
  const char *packed = matrix == OR_CPU_RECURRENT_W ? worker->w : worker->r;
  product.args.b = packed + worker->layer->matrices[matrix].at;
  product.args.lda = plan->shape.k;
  product.args.alpha = 1;
  product.args.workspace = worker->workspace;
  product.args.stop = is_cancelled;
  product.args.stop_context = worker->run->cancel;
  if (worker->run->team == NULL) {
    or_gemm_run(plan, &product.args, worker->scratch);
    return;
  }
  or_parallel_for(worker->run->team, plan->pack_tasks, 1, pack_body, &product);
  or_parallel_for(worker->run->team, plan->tiles, 1, tiles_body, &product);
}

/* The place in X of what sequence `row` reads as its step `number`; behind its end, of nothing: NULL. */
static const float *input_of(const worker_t *worker, size_t row, size_t number) {
  const or_recurrent_t *r = &worker->layer->r;
  size_t length = length_of(worker, row);
  if (number >= length) return NULL;
  int64_t step = or_recurrent_step(r, (int64_t)number, (int64_t)length, (int64_t)worker->direction);
  return worker->run->x + or_recurrent_x_row(r, step, (int64_t)(worker->first + row));
}

/* Whether the inputs of `count` steps lie in X one behind the other, as the product reads them. */
static bool lies_in_order(const worker_t *worker, size_t count) {
  const or_cpu_recurrent_t *layer = worker->layer;
  if (worker->run->lengths != NULL) return false;
  if (count > 1 && layer->r.reversed[worker->direction]) return false;
  if (layer->r.batch_first) return worker->rows == 1 || layer->steps == 1;
  return worker->rows == layer->batch || count == 1;
}

static void multiply_inputs(worker_t *worker, size_t first, size_t count) {
  const or_cpu_recurrent_t *layer = worker->layer;
  const or_cpu_recurrent_size_t *size = worker->size;
  const float *x = worker->x;
  if (lies_in_order(worker, count)) {
    x = input_of(worker, 0, first);
  } else {
    float *to = worker->x;
    for (size_t i = first; i < first + count; ++i) {
      for (size_t row = 0; row < worker->rows; ++row, to += layer->input) {
        const float *from = input_of(worker, row, i);
        if (from != NULL) {
          memcpy(to, from, layer->input * sizeof *to);
        } else {
          memset(to, 0, layer->input * sizeof *to);
        }
      }
    }
  }
  const float *bias = worker->run->bias;
  or_gemm_args_t args = {.a = x, .c = worker->gates, .ldc = layer->columns};
  if (bias != NULL) args.bias_col = bias + worker->direction * layer->columns;
  multiply(worker, count == size->chunk ? &size->input : &size->last, OR_CPU_RECURRENT_W, args);
}

/* Gates. */

static void apply(const worker_t *worker, int index, size_t count, const float *x, float *y) {
  const or_cpu_recurrent_act_t *act = &worker->layer->acts[worker->direction][index];
  if (act->act.kind != OR_ACT_NONE) {
    or_cpu_activate(worker->run->kernels, &act->act, count, x, y);
    return;
  }
  double values[64];
  const size_t most = sizeof values / sizeof *values;
  for (size_t done = 0; done < count; done += most) {
    size_t piece = or_cpu_min(count - done, most);
    for (size_t i = 0; i < piece; ++i) values[i] = (double)x[done + i];
    or_recurrent_activate(&act->plain, piece, values);
    for (size_t i = 0; i < piece; ++i) y[done + i] = (float)values[i];
  }
}

/* In place, after the bound. */
static void apply_gate(const worker_t *worker, int index, size_t count, float *gate) {
  const or_cpu_recurrent_t *layer = worker->layer;
  if (layer->clipped) worker->run->kernels->clip(count, -layer->clip, layer->clip, gate, gate);
  apply(worker, index, count, gate, gate);
}

static void combine(const worker_t *worker, or_cpu_binary_t function, const float *a, const float *b, float *out) {
  worker->run->kernels->f32.binary[function][OR_CPU_VECTOR_VECTOR](worker->layer->hidden, a, b, out, false);
}

/* gate += peephole c, by way of `scratch`. */
static void look_in(const worker_t *worker, size_t index, const float *c, float *gate, float *scratch) {
  size_t n = worker->layer->hidden;
  combine(worker, OR_CPU_BINARY_MUL, worker->run->peepholes + (3 * worker->direction + index) * n, c, scratch);
  combine(worker, OR_CPU_BINARY_ADD, gate, scratch, gate);
}

static void lstm_row(const worker_t *worker, float *i, float *h, float *c, float *scratch) {
  size_t n = worker->layer->hidden;
  float *o = i + n, *f = o + n, *g = f + n;
  bool peepholes = worker->run->peepholes != NULL, coupled = worker->layer->r.input_forget;
  if (peepholes) {
    look_in(worker, 0, c, i, scratch);
    if (!coupled) look_in(worker, 2, c, f, scratch);
    apply_gate(worker, 0, n, i);
    if (!coupled) apply_gate(worker, 0, n, f);
  } else {
    apply_gate(worker, 0, coupled ? 2 * n : 3 * n, i);
  }
  if (coupled) {
    const float one = 1;
    worker->run->kernels->f32.binary[OR_CPU_BINARY_SUB][OR_CPU_SCALAR_VECTOR](n, &one, i, f, false);
  }
  apply_gate(worker, 1, n, g);
  combine(worker, OR_CPU_BINARY_MUL, f, c, c);
  combine(worker, OR_CPU_BINARY_MUL, i, g, g);
  combine(worker, OR_CPU_BINARY_ADD, c, g, c);
  if (peepholes) {
    look_in(worker, 1, c, o, scratch);
    apply_gate(worker, 0, n, o);
  }
  apply(worker, 2, n, c, scratch);
  combine(worker, OR_CPU_BINARY_MUL, o, scratch, h);
}

/* z and r; then r h, or what linear_before_reset makes of the product. */
static void gru_reset_row(const worker_t *worker, float *z, const float *h, float *part) {
  size_t n = worker->layer->hidden;
  float *r = z + n, *fresh = r + n;
  apply_gate(worker, 0, 2 * n, z);
  if (worker->layer->r.linear_before_reset) {
    combine(worker, OR_CPU_BINARY_MUL, r, part, part);
    combine(worker, OR_CPU_BINARY_ADD, fresh, part, fresh);
  } else {
    combine(worker, OR_CPU_BINARY_MUL, r, h, part);
  }
}

/* h = n + z (h - n) */
static void gru_row(const worker_t *worker, float *z, float *h) {
  size_t n = worker->layer->hidden;
  float *fresh = z + 2 * n;
  apply_gate(worker, 1, n, fresh);
  combine(worker, OR_CPU_BINARY_SUB, h, fresh, h);
  combine(worker, OR_CPU_BINARY_MUL, z, h, h);
  combine(worker, OR_CPU_BINARY_ADD, fresh, h, h);
}

static void reset_body(void *self, size_t begin, size_t end, int thread) {
  const worker_t *worker = self;
  size_t n = worker->layer->hidden, columns = worker->layer->columns;
  (void)thread;
  for (size_t row = begin; row < end; ++row)
    gru_reset_row(worker, worker->step + row * columns, worker->h + row * n, worker->part + row * n);
}

/* What follows the last product of a step; rows behind their sequence's end keep their state. */
static void rows_body(void *self, size_t begin, size_t end, int thread) {
  const worker_t *worker = self;
  const or_cpu_recurrent_t *layer = worker->layer;
  size_t n = layer->hidden, number = worker->number;
  (void)thread;
  for (size_t row = begin; row < end; ++row) {
    float *gates = worker->step + row * layer->columns, *h = worker->h + row * n;
    size_t length = length_of(worker, row);
    if (number >= length) continue;
    switch (layer->r.kind) {
    case OR_RECURRENT_RNN:
      apply_gate(worker, 0, n, gates);
      memcpy(h, gates, n * sizeof *h);
      break;
    case OR_RECURRENT_GRU: gru_row(worker, gates, h); break;
    case OR_RECURRENT_LSTM: lstm_row(worker, gates, h, worker->c + row * n, worker->part + row * n); break;
    }
    if (worker->run->y == NULL) continue;
    int64_t d = (int64_t)worker->direction, step = or_recurrent_step(&layer->r, (int64_t)number, (int64_t)length, d);
    memcpy(worker->run->y + or_recurrent_y_row(&layer->r, step, (int64_t)(worker->first + row), d), h, n * sizeof *h);
  }
}

static void each_row(worker_t *worker, or_parallel_body_t body) {
  if (worker->rows * worker->layer->columns < SHARED_ELEMENTS || worker->run->team == NULL) {
    body(worker, 0, worker->rows, 0);
  } else {
    or_parallel_for(worker->run->team, worker->rows, 1, body, worker);
  }
}

static void take_step(worker_t *worker) {
  const or_cpu_recurrent_t *layer = worker->layer;
  const or_gemm_plan_t *plans = worker->size->step;
  size_t n = layer->hidden;
  or_gemm_args_t args = {.a = worker->h, .c = worker->step, .ldc = layer->columns, .beta = 1};
  multiply(worker, &plans[OR_CPU_RECURRENT_R], OR_CPU_RECURRENT_R, args);
  if (layer->r.kind == OR_RECURRENT_GRU) {
    or_gemm_args_t fresh = {.a = worker->h, .c = worker->part, .ldc = n};
    if (layer->r.linear_before_reset) {
      if (worker->run->late_bias != NULL) fresh.bias_col = worker->run->late_bias + worker->direction * n;
      multiply(worker, &plans[OR_CPU_RECURRENT_R_NEW], OR_CPU_RECURRENT_R_NEW, fresh);
    }
    each_row(worker, reset_body);
    if (!layer->r.linear_before_reset) {
      fresh = (or_gemm_args_t){.a = worker->part, .c = worker->step + 2 * n, .ldc = layer->columns, .beta = 1};
      multiply(worker, &plans[OR_CPU_RECURRENT_R_NEW], OR_CPU_RECURRENT_R_NEW, fresh);
    }
  }
  each_row(worker, rows_body);
}

/* The last states, and zeros where there were no steps. */
static void finish(const worker_t *worker) {
  const or_cpu_recurrent_run_t *run = worker->run;
  const or_cpu_recurrent_t *layer = worker->layer;
  size_t n = layer->hidden, bytes = n * sizeof(float);
  for (size_t row = 0; row < worker->rows; ++row) {
    size_t length = length_of(worker, row), at = state_at(worker, row);
    if (length == 0) {
      memset(worker->h + row * n, 0, bytes);
      memset(worker->c + row * n, 0, bytes);
    }
    if (run->y_h != NULL) memcpy(run->y_h + at, worker->h + row * n, bytes);
    if (run->y_c != NULL) memcpy(run->y_c + at, worker->c + row * n, bytes);
    for (size_t step = length; run->y != NULL && step < layer->steps; ++step) {
      int64_t to =
          or_recurrent_y_row(&layer->r, (int64_t)step, (int64_t)(worker->first + row), (int64_t)worker->direction);
      memset(run->y + to, 0, bytes);
    }
  }
}
