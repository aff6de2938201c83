/* Builds an operator case's one-node subgraph by hand, computes the expectation with the catalogue's C reference,
 * compiles and runs it on the device, and compares. */
#include "cts/op_case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "base/string.h"
#include "ops/shape.h"

#define NAME_BYTES 400
#define POISON 0xa5 /* fills outputs before a run */

cts_op_case_t cts_op_case(const cts_generator_t *generator, const char *label) {
  return (cts_op_case_t){.op = generator->op, .version = generator->version, .label = label, .output_count = 1};
}

cts_input_t *cts_input_fill(cts_op_case_t *it, or_dtype_t dtype, or_shape_t shape, cts_fill_t fill) {
  cts_input_t *input = &it->inputs[it->input_count++];
  *input = (cts_input_t){.dtype = dtype, .shape = shape, .fill = fill};
  return input;
}

cts_input_t *cts_input(cts_op_case_t *it, or_dtype_t dtype, or_shape_t shape) {
  return cts_input_fill(it, dtype, shape, CTS_RANDOM);
}

cts_input_t *cts_input_range(cts_op_case_t *it, or_dtype_t dtype, or_shape_t shape, double low, double high) {
  cts_input_t *input = cts_input_fill(it, dtype, shape, CTS_RANGE);
  input->low = low;
  input->high = high;
  return input;
}

cts_input_t *cts_input_values(cts_op_case_t *it, or_dtype_t dtype, const double *values, size_t count) {
  cts_input_t *input = cts_input_fill(it, dtype, SHAPE((int64_t)count), CTS_VALUES);
  input->values = values;
  input->value_count = count;
  input->constant = true;
  return input;
}

cts_input_t *cts_input_scalar(cts_op_case_t *it, or_dtype_t dtype, const double *value) {
  cts_input_t *input = cts_input_values(it, dtype, value, 1);
  input->shape = SCALAR;
  return input;
}

void cts_input_absent(cts_op_case_t *it) { (void)cts_input_fill(it, OR_DTYPE_NONE, SCALAR, CTS_ABSENT); }

static or_attribute_t *add_attribute(cts_op_case_t *it, const char *name, or_attribute_kind_t kind) {
  or_attribute_t *attribute = &it->attributes[it->attribute_count++];
  *attribute = (or_attribute_t){.name = name, .kind = kind};
  return attribute;
}

void cts_attribute_int(cts_op_case_t *it, const char *name, int64_t value) {
  add_attribute(it, name, OR_ATTRIBUTE_INT)->integer = value;
}

void cts_attribute_float(cts_op_case_t *it, const char *name, float value) {
  add_attribute(it, name, OR_ATTRIBUTE_FLOAT)->real = value;
}

void cts_attribute_string(cts_op_case_t *it, const char *name, const char *value) {
  add_attribute(it, name, OR_ATTRIBUTE_STRING)->string = (or_string_t){.data = value, .length = strlen(value)};
}

void cts_attribute_ints(cts_op_case_t *it, const char *name, const int64_t *values, size_t count) {
  or_attribute_t *attribute = add_attribute(it, name, OR_ATTRIBUTE_INTS);
  attribute->integers = values;
  attribute->count = count;
}

void cts_attribute_floats(cts_op_case_t *it, const char *name, const float *values, size_t count) {
  or_attribute_t *attribute = add_attribute(it, name, OR_ATTRIBUTE_FLOATS);
  attribute->reals = values;
  attribute->count = count;
}

void cts_attribute_strings(cts_op_case_t *it, const char *name, const or_string_t *values, size_t count) {
  or_attribute_t *attribute = add_attribute(it, name, OR_ATTRIBUTE_STRINGS);
  attribute->strings = values;
  attribute->count = count;
}

void cts_attribute_tensor(cts_op_case_t *it, const char *name, const or_constant_t *value) {
  add_attribute(it, name, OR_ATTRIBUTE_TENSOR)->tensor = value;
}

or_dtype_t cts_next_dtype(const cts_generator_t *generator, or_dtype_t dtype) {
  uint32_t dtypes = or_op_dtypes(generator->op, generator->version);
  for (int next = (int)dtype + 1; next < OR_DTYPE_COUNT; ++next) {
    if (next != OR_STRING && (dtypes & OR_DTYPE_BIT(next)) != 0) return (or_dtype_t)next;
  }
  return OR_DTYPE_NONE;
}

static void write_name(const cts_op_case_t *it, char name[NAME_BYTES]);
static or_status_t run_op_case(cts_t *cts, const void *data);

typedef struct named_t {
  const cts_op_case_t *it;
  const char *name;
} named_t;

void cts_emit(cts_generator_t *generator, const cts_op_case_t *it) {
  char name[NAME_BYTES];
  ++generator->cases;
  write_name(it, name);
  named_t named = {it, name};
  cts_case(generator->cts, name, run_op_case, &named);
}

static void append(char name[NAME_BYTES], const char *format, ...) OR_PRINTF(2, 3);
static void append(char name[NAME_BYTES], const char *format, ...) {
  size_t used = strlen(name);
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(name + used, NAME_BYTES - used, format, arguments);
  va_end(arguments);
}

static void append_attribute(char name[NAME_BYTES], const or_attribute_t *attribute) {
  append(name, " %s=", attribute->name);
  switch (attribute->kind) {
  case OR_ATTRIBUTE_INT: append(name, "%lld", (long long)attribute->integer); break;
  case OR_ATTRIBUTE_FLOAT: append(name, "%g", (double)attribute->real); break;
  case OR_ATTRIBUTE_STRING: append(name, "%.*s", (int)attribute->string.length, attribute->string.data); break;
  case OR_ATTRIBUTE_INTS:
    for (size_t i = 0; i < attribute->count; ++i)
      append(name, "%s%lld", i > 0 ? "," : "", (long long)attribute->integers[i]);
    break;
  case OR_ATTRIBUTE_FLOATS:
    for (size_t i = 0; i < attribute->count; ++i) append(name, "%s%g", i > 0 ? "," : "", (double)attribute->reals[i]);
    break;
  case OR_ATTRIBUTE_STRINGS:
    for (size_t i = 0; i < attribute->count; ++i) {
      append(name, "%s%.*s", i > 0 ? "," : "", (int)attribute->strings[i].length, attribute->strings[i].data);
    }
    break;
  default: append(name, "%s", "tensor"); break;
  }
}

/* "op/Conv-11/float32 [1,3,5,5] [4,3,3,3] pads=1,1,1,1 label" */
static void write_name(const cts_op_case_t *it, char name[NAME_BYTES]) {
  or_dtype_t first = it->input_count > 0 ? it->inputs[0].dtype : OR_DTYPE_NONE;
  name[0] = '\0';
  append(name, "op/%s%s%s-%d", it->op->domain, it->op->domain[0] != '\0' ? ":" : "", it->op->name, it->version);
  if (first != OR_DTYPE_NONE) append(name, "/%s", or_dtype_name(first));
  for (uint32_t i = 0; i < it->input_count; ++i) {
    const cts_input_t *input = &it->inputs[i];
    char shape[160];
    if (input->fill == CTS_ABSENT) {
      append(name, " -");
      continue;
    }
    append(name, " %s%s%s", input->dtype != first ? or_dtype_name(input->dtype) : "",
           or_shape_format(&input->shape, shape, sizeof shape), input->fill == CTS_SPECIAL ? "!" : "");
    if (input->fill != CTS_VALUES) continue;
    append(name, "{");
    for (size_t k = 0; k < input->value_count; ++k) append(name, "%s%g", k > 0 ? "," : "", input->values[k]);
    append(name, "}");
  }
  for (uint32_t i = 0; i < it->attribute_count; ++i) append_attribute(name, &it->attributes[i]);
  if (it->output_count != 1) append(name, " outputs=%u", it->output_count);
  if (it->label[0] != '\0') append(name, " %s", it->label);
}

/* A case made concrete: values with data, the subgraph over them. */
typedef struct prepared_t {
  or_op_tensor_t inputs[CTS_MAX_INPUTS], outputs[CTS_MAX_OUTPUTS];
  or_value_info_t values[CTS_MAX_INPUTS + CTS_MAX_OUTPUTS];
  or_constant_t constants[CTS_MAX_INPUTS];
  or_value_id_t node_inputs[CTS_MAX_INPUTS], node_outputs[CTS_MAX_OUTPUTS], run_inputs[CTS_MAX_INPUTS];
  uint32_t run_input_count;
  or_node_t node;
  or_subgraph_t subgraph;
} prepared_t;

static or_status_t fill_inputs(cts_t *cts, const cts_op_case_t *it, const char *name, prepared_t *out);
static or_status_t fill_input(const cts_input_t *input, or_random_t *random, void *data, uint64_t count);
static void build(const cts_op_case_t *it, const char *name, prepared_t *out);
static or_status_t infer_outputs(cts_t *cts, const cts_op_case_t *it, prepared_t *out);
static or_status_t expect_outputs(cts_t *cts, const cts_op_case_t *it, prepared_t *out);
static or_status_t run_and_compare(cts_t *cts, const prepared_t *it, const or_executable_t *executable,
                                   or_tolerance_t tolerance);

static or_status_t run_op_case(cts_t *cts, const void *data) {
  const named_t *named = data;
  const cts_op_case_t *it = named->it;
  void *memory = NULL;
  CTS_TRY(or_arena_alloc(&cts->arena, sizeof(prepared_t), &memory));
  prepared_t *prepared = memory;
  CTS_TRY(fill_inputs(cts, it, named->name, prepared));
  build(it, named->name, prepared);
  CTS_TRY(infer_outputs(cts, it, prepared));

  or_support_t support = {.supported = false};
  CTS_TRY(cts->opened->supports(cts->opened->self, &prepared->subgraph, &prepared->node, &support));
  CTS_CHECK(support.supported || support.reason[0] != '\0', "supports: a no without a reason");
  if (!support.supported) return cts_skip_unsupported(cts, support.reason);
  CTS_TRY(expect_outputs(cts, it, prepared));

  or_executable_t executable;
  CTS_TRY(cts_compile(cts, cts->queue, &prepared->subgraph, &executable));
  or_executable_node_t report = {0};
  executable.node(executable.self, 0, &report);
  or_status_t status =
      report.kernel != NULL ? or_status_success() : or_error(OR_INTERNAL, "the executable names no kernel");
  if (or_ok(status)) (void)or_format(cts->note, sizeof cts->note, "%s", report.kernel);
  if (or_ok(status)) status = run_and_compare(cts, prepared, &executable, it->op->tolerance);
  executable.release(executable.self);
  return status;
}

static or_status_t data_of(cts_t *cts, or_dtype_t dtype, const or_shape_t *shape, void **out, uint64_t *count) {
  CTS_CHECK(or_shape_count(shape, count), "a case with a shape that is not static");
  return or_arena_alloc(&cts->arena, or_dtype_bytes(dtype, *count) + 1, out);
}

static or_status_t fill_inputs(cts_t *cts, const cts_op_case_t *it, const char *name, prepared_t *out) {
  or_random_t random = {.state = or_hash_bytes(name, strlen(name), 1)};
  for (uint32_t i = 0; i < it->input_count; ++i) {
    const cts_input_t *input = &it->inputs[i];
    uint64_t count = 0;
    if (input->fill == CTS_ABSENT) continue;
    out->inputs[i] = (or_op_tensor_t){.dtype = input->dtype, .shape = input->shape};
    CTS_TRY(data_of(cts, input->dtype, &input->shape, &out->inputs[i].data, &count));
    CTS_TRY(fill_input(input, &random, out->inputs[i].data, count));
  }
  return or_status_success();
}

static double special(or_dtype_t dtype, uint64_t index) {
  static const double reals[] = {0.5, NAN, -1.25, INFINITY, 0.0, -0.0, 2.0, -INFINITY, 1e-40, -3.0, 0.75};
  if (or_dtype_is_float(dtype)) return reals[index % (sizeof reals / sizeof *reals)];
  double bits = or_dtype_bits(dtype), top = ldexp(1, (int)(or_dtype_is_signed(dtype) ? bits - 1 : bits));
  const double integers[] = {
      0, top - 1, 1, or_dtype_is_signed(dtype) ? -top : 2, 5, or_dtype_is_signed(dtype) ? -1 : 3};
  return integers[index % (sizeof integers / sizeof *integers)];
}

static or_status_t fill_input(const cts_input_t *input, or_random_t *random, void *data, uint64_t count) {
  or_dtype_t dtype = input->dtype;
  if (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128) {
    or_random_fill(random, dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64, data, (size_t)count * 2);
    return or_status_success();
  }
  if (input->fill == CTS_RANDOM) {
    or_random_fill(random, dtype, data, (size_t)count);
    return or_status_success();
  }
  bool integer = or_dtype_is_integer(dtype) || dtype == OR_BOOL;
  for (uint64_t i = 0; i < count; ++i) {
    double value = input->fill == CTS_RANGE     ? input->low + or_random_uniform(random) * (input->high - input->low)
                   : input->fill == CTS_SPECIAL ? special(dtype, i)
                                                : input->values[i % input->value_count];
    if (!integer) {
      or_element_set(dtype, data, (size_t)i, value);
    } else if (value >= 0x1p63) {
      or_element_set_int(dtype, data, (size_t)i, value >= 0x1p64 ? -1 : INT64_MAX); /* the top of uint64 and of int64 */
    } else {
      or_element_set_int(dtype, data, (size_t)i, (int64_t)floor(value));
    }
  }
  return or_status_success();
}

static or_status_t read_constant(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  memcpy(destination, (const char *)constant->source + offset, length);
  return or_status_success();
}

/* Every second constant is read on demand, as weights in a file are. */
static void make_constant(const or_op_tensor_t *tensor, bool on_demand, or_constant_t *out) {
  uint64_t count = or_shape_product(&tensor->shape, 0, tensor->shape.rank);
  size_t bytes = or_dtype_bytes(tensor->dtype, count);
  *out = (or_constant_t){.dtype = tensor->dtype,
                         .shape = tensor->shape,
                         .bytes = bytes,
                         .hash = or_hash_bytes(tensor->data, bytes, 7),
                         .data = on_demand ? NULL : tensor->data,
                         .read = on_demand ? read_constant : NULL,
                         .source = tensor->data};
}

static void build(const cts_op_case_t *it, const char *name, prepared_t *out) {
  static const char *const value_names[] = {"in0", "in1", "in2",  "in3",  "in4",  "in5",  "in6",  "in7",
                                            "in8", "in9", "in10", "in11", "in12", "in13", "in14", "in15"};
  for (uint32_t i = 0; i < it->input_count; ++i) {
    const or_op_tensor_t *tensor = &out->inputs[i];
    bool absent = it->inputs[i].fill == CTS_ABSENT;
    out->values[i] = (or_value_info_t){.name = value_names[i], .dtype = tensor->dtype, .shape = tensor->shape};
    out->node_inputs[i] = absent ? OR_NO_VALUE : i;
    if (it->inputs[i].constant) {
      bool deciding = (it->op->value_inputs >> i & 1) != 0; /* resident, since shape inference looks at it */
      make_constant(tensor, !deciding && strlen(name) % 2 == 0, &out->constants[i]);
      out->values[i].constant = &out->constants[i];
    } else if (!absent) {
      out->run_inputs[out->run_input_count++] = i;
    }
  }
  for (uint32_t i = 0; i < it->output_count; ++i) out->node_outputs[i] = it->input_count + i;
  out->node = (or_node_t){.name = "case",
                          .domain = it->op->domain,
                          .op = it->op->name,
                          .version = it->version,
                          .inputs = out->node_inputs,
                          .input_count = it->input_count,
                          .outputs = out->node_outputs,
                          .output_count = it->output_count,
                          .attributes = it->attributes,
                          .attribute_count = it->attribute_count,
                          .definition = it->op};
  out->subgraph = (or_subgraph_t){.values = out->values,
                                  .value_count = it->input_count + it->output_count,
                                  .nodes = &out->node,
                                  .node_count = 1,
                                  .inputs = out->run_inputs,
                                  .input_count = out->run_input_count,
                                  .outputs = out->node_outputs,
                                  .output_count = it->output_count};
}

/* Shapes by inference, as a graph would have them. */
static or_status_t infer_outputs(cts_t *cts, const cts_op_case_t *it, prepared_t *out) {
  or_op_tensor_t seen[CTS_MAX_INPUTS]; /* inference sees the data of constants only */
  for (uint32_t i = 0; i < it->input_count; ++i) {
    seen[i] = out->inputs[i];
    if (!it->inputs[i].constant) seen[i].data = NULL;
  }
  or_op_call_t call = {.op = it->op,
                       .node = &out->node,
                       .inputs = seen,
                       .input_count = it->input_count,
                       .outputs = out->outputs,
                       .output_count = it->output_count,
                       .allocator = cts->allocator};
  CTS_TRY(or_status_context(or_op_infer(&call), "inference"));
  for (uint32_t i = 0; i < it->output_count; ++i) {
    or_op_tensor_t *output = &out->outputs[i];
    uint64_t count = 0;
    CTS_TRY(data_of(cts, output->dtype, &output->shape, &output->data, &count));
    out->values[it->input_count + i] = (or_value_info_t){.name = "out", .dtype = output->dtype, .shape = output->shape};
  }
  return or_status_success();
}

static or_status_t expect_outputs(cts_t *cts, const cts_op_case_t *it, prepared_t *out) {
  or_op_call_t call = {.op = it->op,
                       .node = &out->node,
                       .inputs = out->inputs,
                       .input_count = it->input_count,
                       .outputs = out->outputs,
                       .output_count = it->output_count,
                       .allocator = cts->allocator};
  return or_status_context(or_op_reference(&call), "reference");
}

static or_status_t make_buffers(cts_t *cts, const prepared_t *it, or_buffer_t **inputs, or_buffer_t **outputs) {
  for (uint32_t i = 0; i < it->subgraph.input_count; ++i) {
    const or_op_tensor_t *tensor = &it->inputs[it->subgraph.inputs[i]];
    size_t bytes = or_dtype_bytes(tensor->dtype, or_shape_product(&tensor->shape, 0, tensor->shape.rank));
    CTS_TRY(cts_buffer(cts, cts->device, bytes, &inputs[i]));
    CTS_TRY(or_buffer_write(inputs[i], 0, tensor->data, bytes));
  }
  for (uint32_t i = 0; i < it->subgraph.output_count; ++i) {
    const or_op_tensor_t *tensor = &it->outputs[i];
    size_t bytes = or_dtype_bytes(tensor->dtype, or_shape_product(&tensor->shape, 0, tensor->shape.rank));
    CTS_TRY(cts_buffer(cts, cts->device, bytes, &outputs[i]));
  }
  return or_status_success();
}

/* Twice, so that what a run leaves behind in its workspace or outputs shows. */
static or_status_t run_and_compare(cts_t *cts, const prepared_t *it, const or_executable_t *executable,
                                   or_tolerance_t tolerance) {
  or_buffer_t *inputs[CTS_MAX_INPUTS] = {0}, *outputs[CTS_MAX_OUTPUTS] = {0};
  CTS_TRY(make_buffers(cts, it, inputs, outputs));
  void *memory = NULL;
  CTS_TRY(or_arena_alloc(&cts->arena, sizeof(cts_call_t), &memory));
  cts_call_t *call = memory;
  call->executable = executable;
  call->inputs = inputs;
  call->outputs = outputs;
  call->input_count = it->subgraph.input_count;
  call->output_count = it->subgraph.output_count;
  CTS_TRY(cts_bind(cts, call));
  for (int round = 0; round < 2; ++round) {
    for (uint32_t i = 0; i < it->subgraph.output_count; ++i) {
      size_t bytes = or_buffer_bytes(outputs[i]);
      void *poison = NULL;
      CTS_TRY(or_arena_alloc(&cts->arena, bytes + 1, &poison));
      memset(poison, POISON, bytes);
      CTS_TRY(or_buffer_write(outputs[i], 0, poison, bytes));
    }
    CTS_TRY(or_status_context(or_queue_run(cts->queue, cts_work, call), "run"));
    for (uint32_t i = 0; i < it->subgraph.output_count; ++i) {
      or_op_tensor_t got = it->outputs[i];
      CTS_TRY(or_arena_alloc(&cts->arena, or_buffer_bytes(outputs[i]) + 1, &got.data));
      CTS_TRY(or_buffer_read(outputs[i], 0, got.data, or_buffer_bytes(outputs[i])));
      or_status_t status = cts_compare(&got, &it->outputs[i], cts_tolerance(cts, tolerance, got.dtype));
      CTS_TRY(or_status_context(status, "%soutput %u", round > 0 ? "second run: " : "", i));
    }
  }
  return or_status_success();
}
