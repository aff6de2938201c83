/* What a compute task asks of its operator: shapes and dtypes of generated operands, attributes, and the count of
 * operations, for the types where these are more than a row of a table says. */
#include <math.h>
#include <string.h>

#include "task/task_internal.h"

static bool is(const or_task_t *task, const char *type) { return strcmp(task->kind->type, type) == 0; }

static int64_t size_of(const or_task_t *task) {
  return task->parameters.size > 0 ? task->parameters.size : task->kind->default_size;
}

static int64_t or_else(int64_t value, int64_t fallback) { return value > 0 ? value : fallback; }

/* Along the last axis of what is transformed: where the result is real its coefficients come in. */
static or_shape_t fft_shape(const or_task_t *task) {
  const or_task_parameters_t *p = &task->parameters;
  int64_t size = p->size > 0 ? p->size : p->dims == 2 ? task->kind->default_second : task->kind->default_size;
  int64_t last = p->real && p->inverse ? size / 2 + 1 : size;
  or_shape_t shape = {.rank = 0};
  if (p->batch_size > 1) shape.dims[shape.rank++] = p->batch_size;
  if (p->dims == 2) shape.dims[shape.rank++] = size;
  shape.dims[shape.rank++] = last;
  return shape;
}

static or_shape_t convolution_shape(const or_task_t *task, int operand) {
  const or_task_parameters_t *p = &task->parameters;
  int64_t channels = or_else(p->channels, OR_TASK_CHANNELS), kernel = or_else(p->kernel, OR_TASK_KERNEL);
  if (operand == 0) return or_shape_make(4, (int64_t[]){p->batch_size, channels, size_of(task), size_of(task)});
  int64_t filters = or_else(p->filters, channels);
  return or_shape_make(4, (int64_t[]){filters, channels / or_else(p->groups, 1), kernel, kernel});
}

or_shape_t or_task_operand_shape(const or_task_t *task, int operand) {
  const or_task_parameters_t *p = &task->parameters;
  if (is(task, "fft")) return fft_shape(task);
  if (is(task, "convolution")) return convolution_shape(task, operand);
  int64_t size = size_of(task), m = or_else(p->m, size), n = or_else(p->n, size), k = or_else(p->k, size);
  if (is(task, "matrix_multiply")) {
    return operand == 0 ? or_shape_make(2, (int64_t[]){m, k}) : or_shape_make(2, (int64_t[]){k, n});
  }
  bool matrix = is(task, "reduce") || is(task, "softmax") || is(task, "transpose");
  return matrix ? or_shape_make(2, (int64_t[]){m, n}) : or_shape_make(1, (int64_t[]){size});
}

or_dtype_t or_task_operand_dtype(const or_task_t *task) {
  const or_task_parameters_t *p = &task->parameters;
  if (!is(task, "fft") || (p->real && !p->inverse)) return p->dtype;
  return p->dtype == OR_FLOAT64 ? OR_COMPLEX128 : OR_COMPLEX64;
}

static void add_integer(or_task_attributes_t *out, const char *name, int64_t value) {
  out->items[out->count++] = (or_compute_attribute_t){.name = name, .integer = value};
}

static void add_integers(or_task_attributes_t *out, const char *name, const int64_t *values, size_t count) {
  out->items[out->count++] = (or_compute_attribute_t){.name = name, .integers = values, .integer_count = count};
}

static void fft_attributes(const or_task_t *task, or_dtype_t input, or_task_attributes_t *out) {
  const or_task_parameters_t *p = &task->parameters;
  bool complex = input == OR_COMPLEX64 || input == OR_COMPLEX128;
  add_integer(out, "dims", or_else(p->dims, 1));
  add_integer(out, "inverse", p->inverse ? 1 : 0);
  if (p->norm != NULL) out->items[out->count++] = (or_compute_attribute_t){.name = "norm", .string = p->norm};
  if (!p->real || !complex) return;
  add_integer(out, "real", 1);
  if (p->size > 0) add_integer(out, "length", p->size);
}

static void convolution_attributes(const or_task_t *task, const or_shape_t *weights, or_task_attributes_t *out) {
  const or_task_parameters_t *p = &task->parameters;
  int64_t kernel = weights != NULL && weights->rank == 4 ? weights->dims[2] : or_else(p->kernel, OR_TASK_KERNEL);
  int64_t padding = p->padding >= 0 ? p->padding : (kernel - 1) / 2;
  for (size_t i = 0; i < 4; ++i) out->pads[i] = padding;
  out->strides[0] = out->strides[1] = or_else(p->stride, 1);
  add_integers(out, "pads", out->pads, 4);
  add_integers(out, "strides", out->strides, 2);
  add_integer(out, "group", or_else(p->groups, 1));
}

void or_task_attributes(const or_task_t *task, const char *op, or_tensor_t *const *inputs, size_t input_count,
                        or_task_attributes_t *out) {
  const or_task_parameters_t *p = &task->parameters;
  out->count = 0;
  if (is(task, "fft")) {
    fft_attributes(task, or_tensor_dtype(inputs[0]), out);
  } else if (is(task, "convolution")) {
    convolution_attributes(task, input_count > 1 ? or_tensor_shape(inputs[1]) : NULL, out);
  } else if (strcmp(op, "openruntime:Fill") == 0) {
    out->extent = or_task_operand_shape(task, 0).dims[0];
    add_integers(out, "shape", &out->extent, 1);
    add_integer(out, "dtype", (int64_t)p->dtype);
    out->items[out->count++] = (or_compute_attribute_t){.name = "value", .real = OR_TASK_FILL_VALUE};
  } else if (strcmp(op, "openruntime:Axpy") == 0 || strcmp(op, "openruntime:Scale") == 0 ||
             strcmp(op, "openruntime:Triad") == 0) {
    out->items[out->count++] = (or_compute_attribute_t){.name = "alpha", .real = p->alpha};
  }
}

/* 5 n log2 n, half of it where one side is real. */
static double fft_flops(const or_task_t *task, const or_tensor_t *in, const or_tensor_t *out) {
  or_dtype_t from = or_tensor_dtype(in), to = or_tensor_dtype(out);
  bool real_in = from == OR_FLOAT32 || from == OR_FLOAT64, real_out = to == OR_FLOAT32 || to == OR_FLOAT64;
  const or_shape_t *shape = or_tensor_shape(real_out ? out : in);
  double all = (double)or_tensor_count(real_out ? out : in), points = (double)shape->dims[shape->rank - 1];
  if (task->parameters.dims == 2 && shape->rank > 1) points *= (double)shape->dims[shape->rank - 2];
  return 5 * all * log2(points) * (real_in || real_out ? 0.5 : 1);
}

bool or_task_flops(const or_task_t *task, or_tensor_t *const *inputs, const or_tensor_t *output, double *flops) {
  const or_shape_t *a = or_tensor_shape(inputs[0]);
  double out = (double)or_tensor_count(output);
  if (is(task, "fft")) {
    *flops = fft_flops(task, inputs[0], output);
  } else if (is(task, "convolution")) {
    const or_shape_t *weights = or_tensor_shape(inputs[1]);
    double terms = 1; /* products in an element: channels of a group, kernel height and width */
    for (int32_t d = 1; d < weights->rank; ++d) terms *= (double)weights->dims[d];
    *flops = 2 * terms * out;
  } else if (is(task, "matrix_multiply")) {
    *flops = 2 * (a->rank > 0 ? (double)a->dims[a->rank - 1] : 1.0) * out;
  } else {
    return false;
  }
  return true;
}
