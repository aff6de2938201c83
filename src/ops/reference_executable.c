#include "ops/reference_executable.h"

#include <string.h>

#include "base/clock.h"
#include "ops/node_copy.h"
#include "ops/op.h"

typedef enum place_kind_t { PLACE_NONE, PLACE_CONSTANT, PLACE_INPUT, PLACE_OUTPUT, PLACE_WORKSPACE } place_kind_t;

/* Where a value's bytes are during a run. */
typedef struct place_t {
  place_kind_t kind;
  or_dtype_t dtype;
  or_shape_t shape;
  size_t bytes;
  size_t index;     /* of the input or output; offset in the workspace */
  const void *data; /* of a constant */
} place_t;

typedef struct step_t {
  or_node_t node;
  const or_op_t *op;
  uint32_t outer; /* the subgraph's node that this is, or is a part of */
} step_t;

/* Immutable after creation. */
typedef struct reference_t {
  const or_allocator_t *allocator;
  or_arena_t arena; /* everything below */
  place_t *places;  /* per value */
  step_t *steps;
  uint32_t step_count, node_count, input_count, output_count;
  const or_value_id_t *outputs;
  size_t ports_offset; /* in the workspace: the arrays that an operator's call points to */
  uint64_t packed_bytes;
  void **held; /* of constants that are not its own */
  size_t held_count;
  void (*let_go)(void *held);
  or_status_t (*cancel_status)(const or_cancel_t *cancel);
} reference_t;

static or_status_t copy_steps(reference_t *self, const or_subgraph_t *subgraph, size_t *max_ports);
static or_status_t copy_step(reference_t *self, const or_node_t *node, uint32_t outer, size_t *max_ports);
static or_status_t place_values(reference_t *self, const or_subgraph_t *subgraph,
                                const or_reference_options_t *options);
static or_status_t place_constant(reference_t *self, const or_reference_options_t *options,
                                  const or_constant_t *constant, place_t *place);
static or_status_t run(void *opaque, void *queue, const or_run_arguments_t *arguments);
static or_status_t check_ranges(const reference_t *self, const or_run_arguments_t *arguments);
static or_status_t run_step(const reference_t *self, const step_t *step, const or_run_arguments_t *arguments);
static void bind(const reference_t *self, const or_run_arguments_t *arguments, const or_value_id_t *ids, uint32_t count,
                 or_op_tensor_t *out);
static void *address(const place_t *place, const or_run_arguments_t *arguments);
static void *range_address(const or_memory_range_t *range);
static void describe_node(void *opaque, uint32_t index, or_executable_node_t *out);
static void release(void *opaque);

or_status_t or_reference_executable_create(const or_reference_options_t *options, const or_subgraph_t *subgraph,
                                           or_executable_t *out) {
  void *memory = NULL;
  size_t max_ports = 0, workspace_bytes = 0;
  or_status_t status = or_alloc_zeroed(options->allocator, sizeof(reference_t), &memory);
  if (!or_ok(status)) return status;
  reference_t *self = memory;
  self->allocator = options->allocator;
  self->cancel_status = options->cancel_status;
  self->let_go = options->let_go;
  or_arena_init(&self->arena, options->allocator);
  status = copy_steps(self, subgraph, &max_ports);
  if (or_ok(status)) status = place_values(self, subgraph, options);
  self->ports_offset = or_align_up(options->workspace_bytes, OR_DEFAULT_ALIGNMENT);
  if (or_ok(status) && !or_add_size(self->ports_offset, max_ports * sizeof(or_op_tensor_t), &workspace_bytes)) {
    status = or_error(OR_OUT_OF_RANGE, "the workspace takes more bytes than there are addresses");
  }
  if (!or_ok(status)) {
    release(self);
    return status;
  }
  *out = (or_executable_t){.abi_version = OR_BACKEND_ABI_VERSION,
                           .struct_size = sizeof *out,
                           .self = self,
                           .workspace_bytes = workspace_bytes,
                           .workspace_bytes_unplanned = options->workspace_bytes_unplanned,
                           .packed_bytes = self->packed_bytes,
                           .run = run,
                           .node = describe_node,
                           .release = release};
  return or_status_success();
}

static or_status_t copy_steps(reference_t *self, const or_subgraph_t *subgraph, size_t *max_ports) {
  size_t count = 0;
  void *memory = NULL;
  for (uint32_t n = 0; n < subgraph->node_count; ++n)
    count += or_node_is_fused(&subgraph->nodes[n]) ? subgraph->nodes[n].part_count : 1;
  self->node_count = subgraph->node_count;
  or_status_t status = or_arena_array(&self->arena, count, sizeof(step_t), &memory);
  self->steps = memory;
  for (uint32_t n = 0; or_ok(status) && n < subgraph->node_count; ++n) {
    const or_node_t *node = &subgraph->nodes[n];
    bool fused = or_node_is_fused(node);
    if (!fused) status = copy_step(self, node, n, max_ports);
    for (uint32_t p = 0; fused && or_ok(status) && p < node->part_count; ++p)
      status = copy_step(self, &node->parts[p], n, max_ports);
  }
  return status;
}

static or_status_t copy_step(reference_t *self, const or_node_t *node, uint32_t outer, size_t *max_ports) {
  step_t *step = &self->steps[self->step_count++];
  size_t ports = (size_t)node->input_count + node->output_count;
  if (ports > *max_ports) *max_ports = ports;
  step->outer = outer;
  step->op = node->definition != NULL ? node->definition : or_op_find(node->domain, node->op);
  if (step->op == NULL || step->op->reference == NULL) {
    return or_error(OR_UNIMPLEMENTED, "node \"%s\" (%s): the operator has no reference", node->name, node->op);
  }
  return or_node_copy(&self->arena, node, &step->node);
}

static or_status_t place_values(reference_t *self, const or_subgraph_t *subgraph,
                                const or_reference_options_t *options) {
  void *memory = NULL, *outputs = NULL;
  or_status_t status = or_arena_array(&self->arena, subgraph->value_count, sizeof(place_t), &memory);
  if (or_ok(status)) status = or_arena_array(&self->arena, subgraph->output_count, sizeof(or_value_id_t), &outputs);
  if (or_ok(status)) status = or_arena_array(&self->arena, subgraph->value_count, sizeof(void *), (void **)&self->held);
  if (!or_ok(status)) return status;
  self->places = memory;
  self->input_count = subgraph->input_count;
  self->output_count = subgraph->output_count;
  if (subgraph->output_count > 0) memcpy(outputs, subgraph->outputs, subgraph->output_count * sizeof(or_value_id_t));
  self->outputs = outputs;
  for (uint32_t s = 0; s < self->step_count; ++s) { /* of the value table, only what the nodes read */
    const or_node_t *node = &self->steps[s].node;
    for (uint32_t i = 0; i < node->input_count; ++i) {
      if (node->inputs[i] != OR_NO_VALUE) self->places[node->inputs[i]].kind = PLACE_CONSTANT;
    }
  }
  for (uint32_t i = 0; i < subgraph->output_count; ++i) self->places[subgraph->outputs[i]].kind = PLACE_CONSTANT;
  for (uint32_t v = 0; or_ok(status) && v < subgraph->value_count; ++v) {
    const or_value_info_t *value = &subgraph->values[v];
    place_t *place = &self->places[v];
    uint64_t count = 0;
    bool constant = place->kind == PLACE_CONSTANT && value->constant != NULL;
    place->dtype = value->dtype;
    place->shape = value->shape;
    if (or_shape_count(&value->shape, &count)) place->bytes = or_dtype_bytes(value->dtype, count);
    place->kind = options->offsets[v] != SIZE_MAX ? PLACE_WORKSPACE : PLACE_NONE;
    place->index = options->offsets[v];
    if (constant) status = place_constant(self, options, value->constant, place);
  }
  for (uint32_t i = subgraph->output_count;
       i-- > 0;) { /* of several outputs that are the same value, the first is written */
    place_t *place = &self->places[subgraph->outputs[i]];
    if (place->kind == PLACE_CONSTANT) continue;
    place->kind = PLACE_OUTPUT;
    place->index = i;
  }
  for (uint32_t i = 0; i < subgraph->input_count; ++i) {
    self->places[subgraph->inputs[i]].kind = PLACE_INPUT;
    self->places[subgraph->inputs[i]].index = i;
  }
  return status;
}

static or_status_t place_constant(reference_t *self, const or_reference_options_t *options,
                                  const or_constant_t *constant, place_t *place) {
  place->kind = PLACE_CONSTANT;
  place->data = constant->data;
  if (constant->data != NULL) return or_status_success();
  if (options->hold != NULL && constant->bytes > 0) {
    self->packed_bytes += constant->bytes;
    or_status_t held = options->hold(options->holder, constant, &self->held[self->held_count], &place->data);
    if (or_ok(held)) ++self->held_count;
    return held;
  }
  void *memory = NULL;
  or_status_t status = or_arena_alloc(&self->arena, constant->bytes, &memory);
  if (or_ok(status) && constant->bytes > 0) status = constant->read(constant, 0, memory, constant->bytes);
  place->data = memory;
  self->packed_bytes += constant->bytes;
  return status;
}

static or_status_t run(void *opaque, void *queue, const or_run_arguments_t *arguments) {
  const reference_t *self = opaque;
  (void)queue;
  or_status_t status = check_ranges(self, arguments);
  if (or_ok(status) && arguments->node_ns != NULL)
    memset(arguments->node_ns, 0, self->node_count * sizeof *arguments->node_ns);
  for (uint32_t s = 0; or_ok(status) && s < self->step_count; ++s) {
    const step_t *step = &self->steps[s];
    status = self->cancel_status(arguments->cancel);
    int64_t start_ns = arguments->node_ns != NULL ? or_clock_ns() : 0;
    if (or_ok(status))
      status = or_status_context(run_step(self, step, arguments), "node \"%s\" (%s)", step->node.name, step->node.op);
    if (arguments->node_ns != NULL) arguments->node_ns[step->outer] += or_clock_ns() - start_ns;
  }
  for (uint32_t i = 0; or_ok(status) && i < self->output_count; ++i) { /* those that no node wrote */
    const place_t *place = &self->places[self->outputs[i]];
    bool written = place->kind == PLACE_OUTPUT && place->index == i;
    if (!written && place->bytes > 0)
      memmove(range_address(&arguments->outputs[i]), address(place, arguments), place->bytes);
  }
  return status;
}

static or_status_t check_ranges(const reference_t *self, const or_run_arguments_t *arguments) {
  bool reached = self->ports_offset == 0 || range_address(&arguments->workspace) != NULL;
  for (uint32_t i = 0; i < self->input_count; ++i) reached = reached && range_address(&arguments->inputs[i]) != NULL;
  for (uint32_t i = 0; i < self->output_count; ++i) reached = reached && range_address(&arguments->outputs[i]) != NULL;
  if (reached) return or_status_success();
  return or_error(OR_UNIMPLEMENTED, "the C references need memory that the host reaches, and this device's is not");
}

static or_status_t run_step(const reference_t *self, const step_t *step, const or_run_arguments_t *arguments) {
  or_op_tensor_t *inputs =
      (or_op_tensor_t *)(void *)((char *)range_address(&arguments->workspace) + self->ports_offset);
  or_op_tensor_t *outputs = inputs + step->node.input_count;
  bind(self, arguments, step->node.inputs, step->node.input_count, inputs);
  bind(self, arguments, step->node.outputs, step->node.output_count, outputs);
  or_op_call_t call = {.op = step->op,
                       .node = &step->node,
                       .inputs = inputs,
                       .input_count = step->node.input_count,
                       .outputs = outputs,
                       .output_count = step->node.output_count,
                       .allocator = self->allocator,
                       .appended_bytes = arguments->appended_bytes,
                       .cancel = arguments->cancel};
  return or_op_reference(&call);
}

static void bind(const reference_t *self, const or_run_arguments_t *arguments, const or_value_id_t *ids, uint32_t count,
                 or_op_tensor_t *out) {
  for (uint32_t i = 0; i < count; ++i) {
    out[i] = (or_op_tensor_t){.dtype = OR_DTYPE_NONE};
    if (ids[i] == OR_NO_VALUE) continue;
    const place_t *place = &self->places[ids[i]];
    out[i] = (or_op_tensor_t){.dtype = place->dtype, .shape = place->shape, .data = address(place, arguments)};
  }
}

static void *address(const place_t *place, const or_run_arguments_t *arguments) {
  switch (place->kind) {
  case PLACE_CONSTANT: return (void *)place->data; /* references do not write to inputs */
  case PLACE_INPUT: return range_address(&arguments->inputs[place->index]);
  case PLACE_OUTPUT: return range_address(&arguments->outputs[place->index]);
  case PLACE_WORKSPACE: return (char *)range_address(&arguments->workspace) + place->index;
  case PLACE_NONE: break;
  }
  return NULL;
}

static void *range_address(const or_memory_range_t *range) {
  return range->memory == NULL || range->memory->host == NULL ? NULL : (char *)range->memory->host + range->offset;
}

static void describe_node(void *opaque, uint32_t index, or_executable_node_t *out) {
  (void)opaque;
  (void)index;
  *out = (or_executable_node_t){.kernel = "reference"};
}

static void release(void *opaque) {
  reference_t *self = opaque;
  for (size_t i = 0; i < self->held_count; ++i) self->let_go(self->held[i]);
  or_arena_deinit(&self->arena);
  or_free(self->allocator, self);
}
