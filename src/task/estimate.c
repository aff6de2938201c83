#include "task/estimate.h"

#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "task/task_internal.h"

#define GENERATED_S 0.7 /* half a second of timed runs, with the warm-up and the making of the input */
#define INFERENCE_S 0.3

static double elements(const or_shape_t *shape) {
  double product = 1;
  for (int32_t d = 0; d < shape->rank; ++d) product *= (double)(shape->dims[d] < 0 ? 1 : shape->dims[d]);
  return product;
}

static uint64_t saturated(double bytes) { return bytes >= 0x1p63 ? UINT64_MAX : (uint64_t)bytes; }

/* The operand's shape as given, else as it will be generated. */
static or_shape_t shape_of(const or_task_t *task, int operand) {
  const or_task_parameters_t *p = &task->parameters;
  return (size_t)operand < p->operand_count ? p->operands[operand].shape : or_task_operand_shape(task, operand);
}

static void estimate_compute(const or_task_t *task, or_task_estimate_t *out) {
  const or_task_parameters_t *p = &task->parameters;
  const bool given = p->operand_count > 0;
  const bool matrix = strcmp(task->kind->type, "matrix_multiply") == 0;
  const bool network = strcmp(task->kind->type, "neural_network") == 0;
  double bytes = (double)or_dtype_bytes(given ? p->operands[0].dtype : or_task_operand_dtype(task), 1);
  if (network) {
    const double rows = (double)(p->batch_size > 0 ? p->batch_size : 1), hidden = (double)p->hidden_size;
    const double weights = hidden * ((double)p->input_size + (double)p->output_size);
    out->units = 2 * rows * weights;
    out->memory_bytes = saturated(bytes * (weights + rows * (hidden + (double)p->input_size + (double)p->output_size)));
  } else {
    const or_shape_t a = shape_of(task, 0), b = shape_of(task, 1);
    const double first = elements(&a), second = elements(&b);
    const double rows = a.rank > 1 ? (double)a.dims[a.rank - 2] : 1,
                 columns = b.rank > 0 ? (double)b.dims[b.rank - 1] : 1;
    out->units = matrix ? 2 * first * columns : first;
    out->memory_bytes = saturated(bytes * (matrix ? first + second + rows * columns : 3 * first));
  }
  out->seconds = given || p->iterations > 0 ? 0 : GENERATED_S;
  if (!given && p->iterations > 0) out->units *= (double)p->iterations;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length) { return or_hash_bytes(bytes, length, hash); }

static uint64_t mix_text(uint64_t hash, const char *text) {
  return text != NULL ? mix(hash, text, strlen(text) + 1) : mix(hash, "\1", 1);
}

/* Everything that decides what a task does but its numbers. */
static uint64_t hash_of(const or_task_t *task) {
  const or_task_parameters_t *p = &task->parameters;
  const int64_t numbers[] = {p->size,     p->m,          p->n,           p->k,           p->iterations,
                             p->dtype,    p->axis,       p->dims,        p->real,        p->inverse,
                             p->channels, p->filters,    p->kernel,      p->stride,      p->groups,
                             p->padding,  p->input_size, p->hidden_size, p->output_size, p->batch_size};
  uint64_t hash = mix(1, &task->kind, sizeof(const or_task_kind_t *));
  hash = mix(hash, numbers, sizeof numbers);
  hash = mix_text(mix_text(mix_text(hash, p->function), p->norm), p->model);
  for (size_t i = 0; i < p->operand_count; ++i) {
    const or_task_operand_t *operand = &p->operands[i];
    hash = mix(mix_text(hash, operand->name), &operand->dtype, sizeof operand->dtype);
    hash = mix(hash, operand->shape.dims, (size_t)operand->shape.rank * sizeof *operand->shape.dims);
  }
  return hash != 0 ? hash : 1;
}

void or_task_estimate(const or_task_t *task, or_task_estimate_t *out) {
  const char *operation = task->kind->operation;
  *out = (or_task_estimate_t){0};
  if (strcmp(operation, "benchmark") == 0) {
    out->seconds = task->parameters.duration_s;
    out->exclusive = true;
  } else if (strcmp(operation, "inference") == 0) {
    out->units = (double)(task->parameters.batch_size > 0 ? task->parameters.batch_size : 1);
    const bool read = task->parameters.image != NULL || task->parameters.text_count > 0;
    const bool given = task->parameters.operand_count > 0;
    out->seconds = given || read ? 0 : INFERENCE_S;
    if (given && !read) out->shape = hash_of(task);
  } else if (strcmp(operation, "kernel") == 0) {
    out->isolated = true;
    for (size_t i = 0; i < task->parameters.operand_count; ++i) out->memory_bytes += task->parameters.operands[i].bytes;
  } else {
    estimate_compute(task, out);
    out->shape = hash_of(task);
  }
}
