/* How a recurrent layer's work is cut, and its weights packed. */
#include <math.h>

#include "backends/cpu/recurrent_internal.h"
#include "backends/cpu/work_internal.h"

/* Fewer sequences than these make products that read the weights for too little. */
#define SEQUENCES_OF_A_TASK 4
/* What inputs and gates of a chunk may take: so that they are still in the second-level cache when their step comes. */
#define CHUNK_BYTES ((size_t)512 << 10)
/* A product of fewer rows is slower for each. */
#define CHUNK_ROWS 16

static or_cpu_recurrent_act_t act_of(const or_recurrent_activation_t *activation);
static bool lay_out_matrices(or_cpu_recurrent_t *layer, const or_cpu_device_t *device);
static void share_work(or_cpu_recurrent_t *layer, const or_cpu_device_t *device);
static bool plan_size(const or_cpu_recurrent_t *layer, const or_cpu_device_t *device, size_t rows,
                      or_cpu_recurrent_size_t *out);
static void lay_out_worker(or_cpu_recurrent_t *layer, const or_cpu_device_t *device);

bool or_cpu_recurrent_plan(or_cpu_recurrent_t *layer, const or_cpu_device_t *device) {
  const or_recurrent_t *r = &layer->r;
  layer->steps = (size_t)r->steps;
  layer->batch = (size_t)r->batch;
  layer->input = (size_t)r->input;
  layer->hidden = (size_t)r->hidden;
  layer->columns = (size_t)r->gates * layer->hidden;
  layer->clipped = !isinf(r->clip);
  layer->clip = (float)r->clip;
  for (int64_t d = 0; d < r->directions; ++d) {
    for (int i = 0; i < or_recurrent_function_count(r->kind); ++i) layer->acts[d][i] = act_of(&r->activations[d][i]);
  }
  if (!lay_out_matrices(layer, device)) return false;
  share_work(layer, device);
  size_t last = layer->batch - (layer->slices - 1) * layer->slice;
  if (!plan_size(layer, device, layer->slice, &layer->sizes[0])) return false;
  if (!plan_size(layer, device, last, &layer->sizes[1])) return false;
  lay_out_worker(layer, device);
  return true;
}

static or_cpu_recurrent_act_t act_of(const or_recurrent_activation_t *activation) {
  or_act_t act = {.kind = OR_ACT_NONE, .lo = (float)activation->alpha, .hi = (float)activation->beta};
  switch (activation->function) {
  case OR_RECURRENT_RELU: act.kind = OR_ACT_RELU; break;
  case OR_RECURRENT_TANH: act.kind = OR_ACT_TANH; break;
  case OR_RECURRENT_SIGMOID: act.kind = OR_ACT_SIGMOID; break;
  case OR_RECURRENT_HARD_SIGMOID: act.kind = OR_ACT_HARD_SIGMOID; break;
  case OR_RECURRENT_LEAKY_RELU:
    if (isfinite(act.lo)) act.kind = OR_ACT_LEAKY_RELU;
    break;
  case OR_RECURRENT_AFFINE:
  case OR_RECURRENT_THRESHOLDED_RELU:
  case OR_RECURRENT_SCALED_TANH:
  case OR_RECURRENT_ELU:
  case OR_RECURRENT_SOFTSIGN:
  case OR_RECURRENT_SOFTPLUS:
  case OR_RECURRENT_FUNCTION_COUNT: break;
  }
  return (or_cpu_recurrent_act_t){.act = act, .plain = *activation};
}

static or_gemm_const_t source_of(const or_cpu_recurrent_matrix_t *matrix, const or_cpu_device_t *device) {
  return (or_gemm_const_t){.ops = device->kernels->gemm_f32,
                           .k = matrix->k,
                           .extent = matrix->columns,
                           .transposed = true,
                           .caches = device->caches,
                           .ld = matrix->k};
}

static bool lay_out_matrices(or_cpu_recurrent_t *layer, const or_cpu_device_t *device) {
  size_t n = layer->hidden, early = layer->r.kind == OR_RECURRENT_GRU ? 2 * n : layer->columns;
  layer->matrices[OR_CPU_RECURRENT_W] = (or_cpu_recurrent_matrix_t){.k = layer->input, .columns = layer->columns};
  layer->matrices[OR_CPU_RECURRENT_R] = (or_cpu_recurrent_matrix_t){.k = n, .columns = early};
  layer->matrices[OR_CPU_RECURRENT_R_NEW] =
      (or_cpu_recurrent_matrix_t){.k = n, .columns = layer->columns - early, .first = early};
  for (int i = 0; i < OR_CPU_RECURRENT_MATRICES; ++i) {
    or_cpu_recurrent_matrix_t *matrix = &layer->matrices[i];
    size_t *total = i == OR_CPU_RECURRENT_W ? &layer->w_bytes : &layer->r_bytes;
    or_gemm_const_t source = source_of(matrix, device);
    matrix->at = *total;
    matrix->bytes = matrix->columns > 0 ? or_gemm_packed_b_bytes(&source) : 0;
    if (matrix->bytes > SIZE_MAX / 8 || *total > SIZE_MAX / 8) return false; /* two directions of two matrices fit */
    *total += or_align_up(matrix->bytes, OR_GEMM_ALIGNMENT_BYTES);
  }
  return true;
}

/* Each thread takes sequences of its own where there are enough; else the team shares each step's product where that
 * is worth waking it for. */
static void share_work(or_cpu_recurrent_t *layer, const or_cpu_device_t *device) {
  size_t threads = (size_t)device->threads, directions = (size_t)layer->r.directions;
  double step = 2.0 * (double)layer->batch * (double)layer->columns * (double)layer->hidden;
  double inputs = 2.0 * (double)layer->batch * (double)layer->columns * (double)layer->input;
  double all = (step + inputs) * (double)directions * (double)layer->steps;
  size_t most = layer->batch / SEQUENCES_OF_A_TASK, wanted = (threads + directions - 1) / directions;
  layer->slices = 1;
  layer->small = all < 2.0 * (double)OR_CPU_GRAIN_FLOPS;
  if (threads > 1 && !layer->small) {
    layer->slices = or_cpu_max(or_cpu_min(wanted, most), 1);
    size_t tasks = layer->slices * directions;
    layer->together = tasks < threads && step / (double)OR_CPU_GRAIN_FLOPS > (double)tasks;
    if (layer->together) layer->slices = 1;
  }
  layer->slice = (layer->batch + layer->slices - 1) / layer->slices;
  layer->slices = (layer->batch + layer->slice - 1) / layer->slice;
}

static bool plan_product(const or_cpu_recurrent_t *layer, const or_cpu_device_t *device, size_t rows, int matrix,
                         or_gemm_plan_t *out) {
  const or_cpu_recurrent_matrix_t *b = &layer->matrices[matrix];
  or_gemm_shape_t shape = {.m = rows, .n = b->columns, .k = b->k, .trans_b = true, .packed_b = true};
  double flops = 2.0 * (double)rows * (double)b->columns * (double)b->k;
  size_t worth = (size_t)(flops / (double)OR_CPU_GRAIN_FLOPS) + 1;
  size_t threads = layer->together ? or_cpu_min((size_t)device->threads, worth) : 1;
  return or_gemm_plan_init(out, device->kernels->gemm_f32, &shape, &device->caches, (unsigned)threads);
}

static bool plan_size(const or_cpu_recurrent_t *layer, const or_cpu_device_t *device, size_t rows,
                      or_cpu_recurrent_size_t *out) {
  size_t bytes = rows * (layer->columns + layer->input) * sizeof(float);
  size_t chunk = or_cpu_max(CHUNK_BYTES / (bytes + 1), (CHUNK_ROWS + rows - 1) / rows);
  *out = (or_cpu_recurrent_size_t){.rows = rows, .chunk = or_cpu_min(chunk, layer->steps)};
  size_t last = layer->steps % out->chunk;
  if (last == 0) last = out->chunk;
  return plan_product(layer, device, out->chunk * rows, OR_CPU_RECURRENT_W, &out->input) &&
         plan_product(layer, device, last * rows, OR_CPU_RECURRENT_W, &out->last) &&
         plan_product(layer, device, rows, OR_CPU_RECURRENT_R, &out->step[OR_CPU_RECURRENT_R]) &&
         plan_product(layer, device, rows, OR_CPU_RECURRENT_R_NEW, &out->step[OR_CPU_RECURRENT_R_NEW]);
}

static size_t place(size_t *next, size_t bytes) {
  size_t at = *next;
  *next += or_align_up(bytes, OR_GEMM_ALIGNMENT_BYTES);
  return at;
}

static void lay_out_worker(or_cpu_recurrent_t *layer, const or_cpu_device_t *device) {
  size_t workspace = 0, scratch = 0, next = 0, chunk_rows = 0;
  for (int i = 0; i < 2; ++i) {
    const or_cpu_recurrent_size_t *size = &layer->sizes[i];
    const or_gemm_plan_t *plans[] = {&size->input, &size->last, &size->step[OR_CPU_RECURRENT_R],
                                     &size->step[OR_CPU_RECURRENT_R_NEW]};
    for (size_t p = 0; p < sizeof plans / sizeof *plans; ++p) {
      workspace = or_cpu_max(workspace, plans[p]->workspace_bytes);
      scratch = or_cpu_max(scratch, plans[p]->scratch_bytes);
    }
    chunk_rows = or_cpu_max(chunk_rows, size->chunk * size->rows);
  }
  size_t state = layer->slice * layer->hidden * sizeof(float);
  layer->scratch_bytes = or_align_up(scratch, OR_GEMM_ALIGNMENT_BYTES);
  layer->x_at = place(&next, chunk_rows * layer->input * sizeof(float));
  layer->gates_at = place(&next, chunk_rows * layer->columns * sizeof(float));
  layer->h_at = place(&next, state);
  layer->c_at = place(&next, state);
  layer->part_at = place(&next, state);
  layer->workspace_at = place(&next, workspace);
  layer->scratch_at = place(&next, layer->scratch_bytes * (layer->together ? (size_t)device->threads : 1));
  layer->worker_bytes = next;
}

void or_cpu_recurrent_pack(const or_cpu_recurrent_t *layer, const or_cpu_device_t *device, bool is_r, const float *from,
                           char *to) {
  int first = is_r ? OR_CPU_RECURRENT_R : OR_CPU_RECURRENT_W, end = is_r ? OR_CPU_RECURRENT_MATRICES : first + 1;
  for (size_t d = 0; d < (size_t)layer->r.directions; ++d) {
    for (int i = first; i < end; ++i) {
      const or_cpu_recurrent_matrix_t *matrix = &layer->matrices[i];
      or_gemm_const_t source = source_of(matrix, device);
      source.data = from + (d * layer->columns + matrix->first) * matrix->k;
      if (matrix->columns > 0) or_gemm_pack_b_const(&source, 0, matrix->columns, to + matrix->at);
    }
    to += is_r ? layer->r_bytes : layer->w_bytes;
  }
}
