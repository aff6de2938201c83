/* Operators on the host, by their references: what lies between pieces. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "graph/expansion.h"
#include "hal/tensor.h"
#include "runtime/program/program_internal.h"

/* The tensors of one call. */
typedef struct host_t {
  const or_host_call_t *call;
  or_op_call_t op;
  or_op_tensor_t *tensors; /* inputs, then outputs */
  or_tensor_t **held;      /* inputs where the host reaches them */
  void **scratch;          /* per output of strings: its elements before they are copied */
  or_arena_t strings;
} host_t;

static or_status_t take_inputs(host_t *host);
static or_status_t make_outputs(host_t *host);
static or_status_t keep_strings(host_t *host);
static bool keeps_bytes(const or_op_t *op);

or_status_t or_host_call(const or_host_call_t *call) {
  const or_allocator_t *allocator = call->program->allocator;
  const size_t count = (size_t)call->input_count + call->output_count + 1;
  host_t host = {.call = call};
  or_arena_init(&host.strings, allocator);
  for (uint32_t i = 0; i < call->output_count; ++i) call->outputs[i] = NULL;
  or_status_t status = or_alloc_array(allocator, count, sizeof *host.tensors, (void **)&host.tensors);
  if (or_ok(status)) status = or_alloc_array(allocator, count, sizeof(or_tensor_t *), (void **)&host.held);
  if (or_ok(status)) status = or_alloc_array(allocator, count, sizeof(void *), (void **)&host.scratch);
  if (or_ok(status)) status = take_inputs(&host);
  if (or_ok(status)) status = or_op_infer(&host.op);
  if (or_ok(status) && keeps_bytes(call->op)) {
    status = or_host_reshaped(host.held[0], host.op.outputs[0].shape, &call->outputs[0]);
  } else {
    if (or_ok(status)) status = make_outputs(&host);
    if (or_ok(status)) status = or_op_reference(&host.op);
    if (or_ok(status)) status = keep_strings(&host);
  }
  for (uint32_t i = 0; host.held != NULL && i < call->input_count; ++i) or_tensor_release(host.held[i]);
  for (uint32_t i = 0; host.scratch != NULL && i < call->output_count; ++i) or_free(allocator, host.scratch[i]);
  for (uint32_t i = 0; !or_ok(status) && i < call->output_count; ++i) {
    or_tensor_release(call->outputs[i]);
    call->outputs[i] = NULL;
  }
  or_arena_deinit(&host.strings);
  or_free(allocator, host.scratch);
  or_free(allocator, host.held);
  or_free(allocator, host.tensors);
  return status;
}

static or_status_t take_inputs(host_t *host) {
  const or_host_call_t *call = host->call;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < call->input_count; ++i) {
    if (call->inputs[i] == NULL) continue;
    status = or_host_tensor(call->program, call->inputs[i], &host->held[i]);
    if (!or_ok(status)) break;
    host->tensors[i] = (or_op_tensor_t){.dtype = or_tensor_dtype(host->held[i]),
                                        .shape = *or_tensor_shape(host->held[i]),
                                        .data = (void *)(uintptr_t)or_tensor_data(host->held[i])};
  }
  host->op = (or_op_call_t){.op = call->op,
                            .node = call->node,
                            .inputs = host->tensors,
                            .input_count = call->input_count,
                            .outputs = host->tensors + call->input_count,
                            .output_count = call->output_count,
                            .allocator = call->program->allocator,
                            .strings = &host->strings,
                            .cancel = call->cancel};
  return status;
}

static or_status_t check_output(const or_program_t *program, const or_op_tensor_t *output, uint32_t index,
                                uint64_t *count) {
  char text[200];
  const uint64_t limit = program->graph->limits.tensor_elements;
  if (output->dtype == OR_DTYPE_NONE || !or_shape_is_static(&output->shape))
    return or_error(OR_UNIMPLEMENTED, "the shape of output %u is not known when its inputs are", index);
  if (or_shape_count(&output->shape, count) && or_shape_is_within(&output->shape, limit)) return or_status_success();
  return or_error(OR_RESOURCE_EXHAUSTED,
                  "output %u of shape %s has more than %llu elements, the limit: raise limits.tensor_elements", index,
                  or_shape_format(&output->shape, text, sizeof text), (unsigned long long)limit);
}

static or_status_t make_outputs(host_t *host) {
  const or_host_call_t *call = host->call;
  or_status_t status = or_status_success();
  uint64_t bytes = 0;
  for (uint32_t i = 0; or_ok(status) && i < call->output_count; ++i) {
    or_op_tensor_t *output = &host->op.outputs[i];
    uint64_t count = 0;
    status = check_output(call->program, output, i, &count);
    if (!or_ok(status)) break;
    if (__builtin_add_overflow(bytes, (uint64_t)or_dtype_bytes(output->dtype, count), &bytes)) bytes = UINT64_MAX;
    if (call->expansion != NULL) status = or_expansion_check(call->expansion, bytes);
    if (!or_ok(status)) break;
    if (output->dtype == OR_STRING) {
      status = or_alloc_array(call->program->allocator, count + 1, sizeof(or_string_t), &host->scratch[i]);
      output->data = host->scratch[i];
      continue;
    }
    status = or_tensor_create(call->program->host, output->dtype, output->shape, &call->outputs[i]);
    if (or_ok(status)) output->data = (void *)(uintptr_t)or_tensor_data(call->outputs[i]);
  }
  return status;
}

static or_status_t keep_strings(host_t *host) {
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < host->call->output_count; ++i) {
    if (host->scratch[i] == NULL) continue;
    status = or_host_strings(host->call->program, host->op.outputs[i].shape, host->scratch[i], &host->call->outputs[i]);
  }
  return status;
}

/* The output is the first input's bytes under another shape. */
static bool keeps_bytes(const or_op_t *op) {
  static const char *const names[] = {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"};
  for (size_t i = 0; op->domain[0] == '\0' && i < sizeof names / sizeof *names; ++i) {
    if (strcmp(op->name, names[i]) == 0) return true;
  }
  return false;
}

static void free_block(void *block) {
  const or_allocator_t *allocator = *(const or_allocator_t **)block;
  or_free(allocator, block);
}

/* One block: the allocator it came from, the elements, their bytes. */
or_status_t or_host_strings(const or_program_t *program, or_shape_t shape, const or_string_t *elements,
                            or_tensor_t **out) {
  uint64_t count = 0, text = 0;
  size_t bytes = 0;
  void *block = NULL;
  *out = NULL;
  if (!or_shape_count(&shape, &count)) return or_error(OR_RESOURCE_EXHAUSTED, "the elements can't be counted");
  for (uint64_t i = 0; i < count; ++i) {
    if (__builtin_add_overflow(text, (uint64_t)elements[i].length, &text) ||
        text > program->graph->limits.string_bytes) {
      return or_error(OR_RESOURCE_EXHAUSTED,
                      "the strings of a tensor have more than %llu bytes, the limit: raise limits.string_bytes",
                      (unsigned long long)program->graph->limits.string_bytes);
    }
  }
  if (!or_mul_size((size_t)count, sizeof(or_string_t), &bytes) ||
      !or_add_size(bytes, (size_t)text + OR_DEFAULT_ALIGNMENT, &bytes))
    return or_error(OR_RESOURCE_EXHAUSTED, "%llu strings exceed the address space", (unsigned long long)count);
  or_status_t status = or_alloc(program->allocator, bytes, &block);
  if (!or_ok(status)) return status;
  *(const or_allocator_t **)block = program->allocator;
  or_string_t *strings = (or_string_t *)(void *)((char *)block + OR_DEFAULT_ALIGNMENT);
  char *at = (char *)(strings + count);
  for (uint64_t i = 0; i < count; ++i) {
    strings[i] = (or_string_t){at, elements[i].length};
    if (elements[i].length > 0) memcpy(at, elements[i].data, elements[i].length);
    at += elements[i].length;
  }
  status = or_tensor_wrap_on(program->host, OR_STRING, shape, strings, (or_owner_t){block, free_block}, out);
  if (!or_ok(status)) or_free(program->allocator, block);
  return status;
}

or_status_t or_host_tensor(const or_program_t *program, or_tensor_t *tensor, or_tensor_t **out) {
  if (or_tensor_data(tensor) == NULL && or_tensor_bytes(tensor) > 0)
    return or_tensor_copy_to(tensor, program->host, out);
  or_tensor_retain(tensor);
  *out = tensor;
  return or_status_success();
}

or_status_t or_host_scalar(const or_program_t *program, or_dtype_t dtype, int64_t content, or_tensor_t **out) {
  const uint8_t truth = content != 0;
  const or_shape_t shape = {.rank = 0};
  if (dtype == OR_BOOL) return or_tensor_create_from(program->host, dtype, shape, &truth, sizeof truth, out);
  return or_tensor_create_from(program->host, OR_INT64, shape, &content, sizeof content, out);
}

or_status_t or_host_read_scalar(const or_program_t *program, const or_value_t *value, const char *what, int64_t *out) {
  or_tensor_t *given = value != NULL ? or_value_tensor(value) : NULL, *tensor = NULL;
  if (given == NULL || or_tensor_count(given) != 1)
    return or_error(OR_INVALID_ARGUMENT, "the %s is not a tensor of one element", what);
  or_status_t status = or_host_tensor(program, given, &tensor);
  if (!or_ok(status)) return status;
  const void *data = or_tensor_data(tensor);
  int32_t narrow = 0;
  switch (or_tensor_dtype(tensor)) {
  case OR_BOOL: *out = *(const uint8_t *)data; break;
  case OR_INT64: memcpy(out, data, sizeof *out); break;
  case OR_INT32:
    memcpy(&narrow, data, sizeof narrow);
    *out = narrow;
    break;
  default:
    status = or_error(OR_INVALID_ARGUMENT, "the %s is %s, expected bool or an integer", what,
                      or_dtype_name(or_tensor_dtype(tensor)));
  }
  or_tensor_release(tensor);
  return status;
}

or_status_t or_host_reshaped(or_tensor_t *tensor, or_shape_t shape, or_tensor_t **out) {
  if (or_shape_equal(or_tensor_shape(tensor), &shape)) {
    or_tensor_retain(tensor);
    *out = tensor;
    return or_status_success();
  }
  return or_tensor_view(or_tensor_buffer(tensor), or_tensor_offset(tensor), or_tensor_dtype(tensor), shape, out);
}

or_status_t or_step_node(or_program_frame_t *frame, const or_step_t *step) {
  or_program_t *program = frame->program;
  const or_node_t *node = or_step_first_node(program, step);
  or_tensor_t **tensors = NULL;
  const bool timed = frame->run->report != NULL;
  const int64_t begin_ns = timed ? or_clock_ns() : 0, traced_ns = or_program_trace_begin(program);
  or_status_t status = or_alloc_array(program->allocator, (size_t)node->input_count + node->output_count + 1,
                                      sizeof *tensors, (void **)&tensors);
  for (uint32_t i = 0; or_ok(status) && i < node->input_count; ++i) {
    if (node->inputs[i] == OR_NO_VALUE) continue;
    or_value_t *value = or_frame_value(frame, node->inputs[i]);
    tensors[i] = value != NULL ? or_value_tensor(value) : NULL;
    if (tensors[i] == NULL)
      status = or_error(OR_INVALID_ARGUMENT, "\"%s\" is no tensor", program->graph->values[node->inputs[i]].name);
  }
  if (or_ok(status)) {
    or_tensor_t **outputs = tensors + node->input_count;
    const or_host_call_t call = {.program = program,
                                 .expansion = &frame->alive->expansion,
                                 .cancel = frame->run->cancel,
                                 .op = node->definition,
                                 .node = node,
                                 .inputs = tensors,
                                 .input_count = node->input_count,
                                 .outputs = outputs,
                                 .output_count = node->output_count};
    status = or_host_call(&call);
    for (uint32_t i = 0; or_ok(status) && i < node->output_count; ++i)
      status = or_frame_put_tensor(frame, node->outputs[i], outputs[i]);
    for (uint32_t i = 0; i < node->output_count; ++i) or_tensor_release(outputs[i]);
  }
  or_free(program->allocator, tensors);
  or_program_trace_end(program, node, "reference", traced_ns);
  if (or_ok(status) && timed) status = or_program_report_node(frame, node, (double)(or_clock_ns() - begin_ns) * 1e-9);
  return status;
}
