/* Subgraphs: node after node by the catalogue's C reference, in the device's own memory. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/string.h"
#include "fake/fake_internal.h"
#include "hal/packed.h"
#include "ops/node_copy.h"
#include "ops/op.h"

#define MAX_PORTS 64u                  /* inputs or outputs of a node */
#define PIECE_BYTES ((size_t)64 << 10) /* of a constant on its way from its file */

/* Where a value's bytes are during a run. */
typedef enum place_kind_t { PLACE_NONE, PLACE_CONSTANT, PLACE_INPUT, PLACE_OUTPUT, PLACE_WORKSPACE } place_kind_t;
typedef struct place_t {
  place_kind_t kind;
  or_dtype_t dtype;
  or_shape_t shape;
  size_t bytes;
  size_t index;  /* of the input, output */
  size_t offset; /* into the workspace */
  or_packed_t *packed;
} place_t;

typedef struct step_t {
  or_node_t node; /* a copy of our own: the subgraph is borrowed */
  const or_op_t *op;
  uint32_t outer; /* index of the subgraph's node that it is, or is a part of */
} step_t;

typedef struct fake_executable_t {
  fake_device_t *device;
  or_arena_t arena; /* everything below, and itself not */
  place_t *places;  /* one a value */
  uint32_t place_count;
  step_t *steps;
  uint32_t step_count, node_count;
  or_value_id_t *outputs;
  uint32_t output_count;
  size_t workspace_bytes;
  uint64_t packed_bytes;
} fake_executable_t;

static const or_op_t *operator_of(const or_node_t *node) {
  return node->definition != NULL ? node->definition : or_op_find(node->domain, node->op);
}

static void refuse(or_support_t *out, const char *reason) {
  out->supported = false;
  (void)or_format(out->reason, sizeof out->reason, "%s", reason);
}

static bool ports_fit(const or_subgraph_t *subgraph, const or_value_id_t *ports, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    if (ports[i] == OR_NO_VALUE) continue;
    const or_value_info_t *value = &subgraph->values[ports[i]];
    if (value->dtype == OR_STRING || !or_shape_is_static(&value->shape)) return false;
  }
  return count <= MAX_PORTS;
}

or_status_t fake_supports(void *self, const or_subgraph_t *subgraph, const or_node_t *node, or_support_t *out) {
  (void)self;
  *out = (or_support_t){.supported = true};
  if (or_node_is_fused(node)) {
    if (!fake_supports_fused()) refuse(out, "fused nodes are not on the fake's list");
    return or_status_success();
  }
  if (operator_of(node) == NULL) {
    refuse(out, "the catalogue has no such operator");
  } else if (!fake_supports_operator(node->op)) {
    refuse(out, "not on the fake's list");
  } else if (!ports_fit(subgraph, node->inputs, node->input_count) ||
             !ports_fit(subgraph, node->outputs, node->output_count)) {
    refuse(out, "strings, symbolic shapes and more than 64 inputs are not for the fake");
  }
  return or_status_success();
}

static or_status_t copy_steps(fake_executable_t *executable, const or_subgraph_t *subgraph);
static or_status_t place_values(fake_executable_t *executable, const or_subgraph_t *subgraph);
static or_status_t run(void *self, void *queue, const or_run_arguments_t *arguments);

static void describe_node(void *self, uint32_t index, or_executable_node_t *out) {
  (void)self;
  (void)index;
  *out = (or_executable_node_t){.kernel = "fake reference"};
}

static void release(void *self) {
  fake_executable_t *executable = self;
  const or_allocator_t *allocator = executable->device->host->allocator;
  for (uint32_t i = 0; executable->places != NULL && i < executable->place_count; ++i) {
    or_packed_release(executable->places[i].packed);
  }
  or_arena_deinit(&executable->arena);
  or_free(allocator, executable);
  fake_object_gone();
}

or_status_t fake_compile(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out) {
  (void)queue;
  fake_device_t *device = self;
  void *memory = NULL;
  or_status_t status = fake_arrive(device, OR_FAKE_COMPILE);
  if (or_ok(status)) status = or_cancel_status(subgraph->cancel);
  if (or_ok(status)) status = or_alloc_zeroed(device->host->allocator, sizeof(fake_executable_t), &memory);
  if (!or_ok(status)) return status;
  fake_executable_t *executable = memory;
  fake_object_made();
  executable->device = device;
  or_arena_init(&executable->arena, device->host->allocator);
  status = copy_steps(executable, subgraph);
  if (or_ok(status)) status = place_values(executable, subgraph);
  if (!or_ok(status)) {
    release(executable);
    return status;
  }
  *out = (or_executable_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .self = executable,
      .workspace_bytes = executable->workspace_bytes,
      .workspace_bytes_unplanned = executable->workspace_bytes,
      .packed_bytes = executable->packed_bytes,
      .run = run,
      .node = describe_node,
      .release = release,
      .queue_optional = fake_queue_is_optional(),
  };
  return or_status_success();
}

static or_status_t copy_step(fake_executable_t *executable, const or_node_t *node, uint32_t outer) {
  step_t *step = &executable->steps[executable->step_count];
  *step = (step_t){.op = operator_of(node), .outer = outer};
  if (step->op == NULL)
    return or_error(OR_UNIMPLEMENTED, "node \"%s\": the fake has no operator %s", node->name, node->op);
  ++executable->step_count;
  return or_node_copy(&executable->arena, node, &step->node);
}

static or_status_t copy_steps(fake_executable_t *executable, const or_subgraph_t *subgraph) {
  size_t count = 0;
  void *memory = NULL;
  for (uint32_t i = 0; i < subgraph->node_count; ++i) {
    count += or_node_is_fused(&subgraph->nodes[i]) ? subgraph->nodes[i].part_count : 1;
  }
  executable->node_count = subgraph->node_count;
  or_status_t status = or_arena_array(&executable->arena, count, sizeof(step_t), &memory);
  executable->steps = memory;
  for (uint32_t i = 0; or_ok(status) && i < subgraph->node_count; ++i) {
    const or_node_t *node = &subgraph->nodes[i];
    bool fused = or_node_is_fused(node);
    if (!fused) status = copy_step(executable, node, i);
    for (uint32_t part = 0; fused && or_ok(status) && part < node->part_count; ++part) {
      status = copy_step(executable, &node->parts[part], i);
    }
  }
  return status;
}

static or_status_t fill_constant(void *self, or_buffer_t *buffer) {
  const or_constant_t *constant = self;
  if (constant->data != NULL) return or_buffer_write(buffer, 0, constant->data, constant->bytes);
  const or_allocator_t *allocator = or_device_allocator(or_buffer_device(buffer));
  void *piece = NULL;
  or_status_t status = or_alloc(allocator, PIECE_BYTES, &piece);
  for (size_t offset = 0; or_ok(status) && offset < constant->bytes; offset += PIECE_BYTES) {
    size_t length = constant->bytes - offset < PIECE_BYTES ? constant->bytes - offset : PIECE_BYTES;
    status = constant->read(constant, offset, piece, length);
    if (or_ok(status)) status = or_buffer_write(buffer, offset, piece, length);
  }
  or_free(allocator, piece);
  return status;
}

static or_status_t place_constant(fake_executable_t *executable, const or_constant_t *constant, place_t *place) {
  or_packed_key_t key = {
      .hash = constant->hash, .dtype = constant->dtype, .source_bytes = constant->bytes, .packing = "plain"};
  place->kind = PLACE_CONSTANT;
  or_status_t status = or_packed_get(executable->device->device, &key, constant->bytes, fill_constant,
                                     (void *)(uintptr_t)constant, &place->packed);
  if (or_ok(status)) executable->packed_bytes += constant->bytes;
  return status;
}

static or_status_t place_value(fake_executable_t *executable, const or_value_info_t *value, place_t *place) {
  uint64_t count = 0;
  if (place->kind == PLACE_NONE || !or_shape_count(&value->shape, &count)) return or_status_success();
  place->dtype = value->dtype;
  place->shape = value->shape;
  place->bytes = or_dtype_bytes(value->dtype, count);
  if (value->constant != NULL) return place_constant(executable, value->constant, place);
  if (place->kind != PLACE_WORKSPACE) return or_status_success();
  place->offset = executable->workspace_bytes;
  executable->workspace_bytes += or_align_up(place->bytes > 0 ? place->bytes : 1, OR_DEFAULT_ALIGNMENT);
  return or_status_success();
}

static or_status_t place_values(fake_executable_t *executable, const or_subgraph_t *subgraph) {
  void *memory = NULL, *outputs = NULL;
  or_status_t status = or_arena_array(&executable->arena, subgraph->value_count, sizeof(place_t), &memory);
  if (or_ok(status)) {
    status = or_arena_array(&executable->arena, subgraph->output_count, sizeof(or_value_id_t), &outputs);
  }
  if (!or_ok(status)) return status;
  if (subgraph->output_count > 0) memcpy(outputs, subgraph->outputs, subgraph->output_count * sizeof(or_value_id_t));
  executable->places = memory;
  executable->place_count = subgraph->value_count;
  executable->outputs = outputs;
  executable->output_count = subgraph->output_count;
  place_t *places = executable->places;
  for (uint32_t i = 0; i < executable->step_count; ++i) {
    const or_node_t *node = &executable->steps[i].node;
    for (uint32_t k = 0; k < node->input_count; ++k) {
      if (node->inputs[k] != OR_NO_VALUE) places[node->inputs[k]].kind = PLACE_WORKSPACE;
    }
    for (uint32_t k = 0; k < node->output_count; ++k) {
      if (node->outputs[k] != OR_NO_VALUE) places[node->outputs[k]].kind = PLACE_WORKSPACE;
    }
  }
  for (uint32_t i = 0; i < subgraph->output_count; ++i) {
    place_t *place = &places[subgraph->outputs[i]];
    if (place->kind == PLACE_OUTPUT) continue; /* asked for twice: copied at the end */
    place->kind = PLACE_OUTPUT;
    place->index = i;
  }
  for (uint32_t i = 0; i < subgraph->input_count; ++i) {
    places[subgraph->inputs[i]].kind = PLACE_INPUT;
    places[subgraph->inputs[i]].index = i;
  }
  for (uint32_t i = 0; or_ok(status) && i < subgraph->value_count; ++i) {
    status = place_value(executable, &subgraph->values[i], &places[i]);
  }
  return status;
}

static unsigned char *range_bytes(const or_memory_range_t *range) {
  return range->memory != NULL ? fake_bytes(range->memory) + range->offset : NULL;
}

static unsigned char *place_bytes(const place_t *place, const or_run_arguments_t *arguments) {
  switch (place->kind) {
  case PLACE_CONSTANT: return fake_bytes(or_buffer_memory(or_packed_buffer(place->packed)));
  case PLACE_INPUT: return range_bytes(&arguments->inputs[place->index]);
  case PLACE_OUTPUT: return range_bytes(&arguments->outputs[place->index]);
  case PLACE_WORKSPACE: return range_bytes(&arguments->workspace) + place->offset;
  case PLACE_NONE: break;
  }
  return NULL;
}

static void bind(const fake_executable_t *executable, const or_run_arguments_t *arguments, const or_value_id_t *ports,
                 uint32_t count, or_op_tensor_t *out) {
  for (uint32_t i = 0; i < count; ++i) {
    out[i] = (or_op_tensor_t){.dtype = OR_DTYPE_NONE};
    if (ports[i] == OR_NO_VALUE) continue;
    const place_t *place = &executable->places[ports[i]];
    out[i] = (or_op_tensor_t){.dtype = place->dtype, .shape = place->shape, .data = place_bytes(place, arguments)};
  }
}

static or_status_t run_step(const fake_executable_t *executable, const step_t *step,
                            const or_run_arguments_t *arguments) {
  or_op_tensor_t inputs[MAX_PORTS], outputs[MAX_PORTS];
  bind(executable, arguments, step->node.inputs, step->node.input_count, inputs);
  bind(executable, arguments, step->node.outputs, step->node.output_count, outputs);
  or_op_call_t call = {.op = step->op,
                       .node = &step->node,
                       .inputs = inputs,
                       .input_count = step->node.input_count,
                       .outputs = outputs,
                       .output_count = step->node.output_count,
                       .allocator = executable->device->host->allocator};
  or_status_t status = or_op_reference(&call);
  float error = fake_error_of(step->node.op);
  if (or_ok(status) && error != 0 && outputs[0].dtype == OR_FLOAT32) *(float *)outputs[0].data += error;
  return or_status_context(status, "node \"%s\"", step->node.name);
}

static or_status_t run(void *self, void *queue, const or_run_arguments_t *arguments) {
  (void)queue;
  const fake_executable_t *executable = self;
  const or_host_t *host = executable->device->host;
  or_status_t status = fake_arrive(executable->device, OR_FAKE_RUN);
  if (!or_ok(status)) return status;
  assert(arguments->workspace.bytes >= executable->workspace_bytes && "too small a workspace");
  if (executable->workspace_bytes > 0) {
    memset(range_bytes(&arguments->workspace), FAKE_POISON, executable->workspace_bytes);
  }
  if (arguments->node_ns != NULL) memset(arguments->node_ns, 0, executable->node_count * sizeof *arguments->node_ns);

  for (uint32_t i = 0; or_ok(status) && i < executable->step_count; ++i) {
    const step_t *step = &executable->steps[i];
    status = fake_arrive(executable->device, OR_FAKE_NODE);
    if (or_ok(status) && host->cancel_requested(arguments->cancel)) {
      status = or_status_context(or_cancel_status(arguments->cancel), "before node \"%s\"", step->node.name);
    }
    int64_t start_ns = or_clock_ns();
    if (or_ok(status)) status = run_step(executable, step, arguments);
    if (arguments->node_ns != NULL) arguments->node_ns[step->outer] += or_clock_ns() - start_ns;
  }
  /* Outputs that no node writes: inputs and constants handed through, values asked for twice. */
  for (uint32_t i = 0; or_ok(status) && i < executable->output_count; ++i) {
    const place_t *place = &executable->places[executable->outputs[i]];
    bool written = place->kind == PLACE_OUTPUT && place->index == i;
    if (!written && place->bytes > 0) {
      memmove(range_bytes(&arguments->outputs[i]), place_bytes(place, arguments), place->bytes);
    }
  }
  return status;
}
