#include "graph/plan.h"

#include <string.h>

#include "graph/expansion.h"
#include "graph/plan_internal.h"
#include "graph/reference.h"

static or_status_t build(or_plan_t *plan, const or_plan_options_t *options);
static void count_flops(or_plan_t *plan);
static or_status_t open_devices(or_plan_t *plan, const or_plan_options_t *options);
static or_status_t find_shared_memory(or_plan_t *plan);
static or_status_t compile_segments(or_plan_t *plan, const or_cancel_t *cancel);
static or_status_t compile_on_queue(void *self, const or_queue_context_t *context);
static or_status_t check_expansion(const or_plan_t *plan);
static or_status_t make_workspace(or_plan_t *plan, or_plan_device_t *device);
static or_status_t make_constant_outputs(or_plan_t *plan);
static bool is_small(const or_plan_t *plan);
static void destroy(or_plan_t *plan);

or_status_t or_plan_create(const or_graph_t *graph, const or_plan_options_t *options, or_plan_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(graph->allocator, sizeof(or_plan_t), &memory);
  if (!or_ok(status)) return status;
  or_plan_t *plan = memory;
  or_ref_init(&plan->ref);
  plan->allocator = graph->allocator;
  plan->graph = graph;
  or_graph_retain(graph);
  plan->reference = options->reference;
  plan->precision = options->precision;
  or_arena_init(&plan->arena, plan->allocator);
  or_mutex_init(&plan->mutex);
  status = build(plan, options);
  if (!or_ok(status)) {
    destroy(plan);
    return status;
  }
  *out = plan;
  return or_status_success();
}

void or_plan_retain(or_plan_t *plan) { or_ref_retain(&plan->ref); }

void or_plan_release(or_plan_t *plan) {
  if (plan != NULL && or_ref_release(&plan->ref)) destroy(plan);
}

const or_graph_t *or_plan_graph(const or_plan_t *plan) { return plan->graph; }

static or_status_t build(or_plan_t *plan, const or_plan_options_t *options) {
  void *memory = NULL;
  or_status_t status = open_devices(plan, options);
  if (or_ok(status)) status = or_plan_place(plan, options);
  if (or_ok(status)) status = or_plan_make_segments(plan);
  if (or_ok(status)) count_flops(plan);
  if (or_ok(status)) status = or_plan_locate_values(plan);
  if (or_ok(status)) status = or_arena_array(&plan->arena, plan->row_count, sizeof(int64_t), &memory);
  plan->row_ns = memory;
  if (or_ok(status)) status = compile_segments(plan, options->cancel);
  if (or_ok(status)) status = check_expansion(plan);
  for (uint32_t d = 0; or_ok(status) && d < plan->device_count; ++d) status = make_workspace(plan, &plan->devices[d]);
  if (or_ok(status)) status = make_constant_outputs(plan);
  plan->is_small = or_ok(status) && is_small(plan);
  return status;
}

bool or_plan_is_small(const or_plan_t *plan) { return plan->is_small; }

static bool is_small(const or_plan_t *plan) {
  double flops = 0, bytes = 0;
  if (plan->segment_count != 1 || !plan->segments[0].compiled || !plan->segments[0].executable.queue_optional)
    return false;
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    flops += plan->placed[n].cost.flops;
    bytes += plan->placed[n].cost.bytes_read + plan->placed[n].cost.bytes_written;
  }
  return flops <= OR_PLAN_SMALL_FLOPS && bytes <= OR_PLAN_SMALL_BYTES;
}

/* Once for all runs. A count beyond 2^63 is no number of operations that anyone waits for. */
static void count_flops(or_plan_t *plan) {
  const double most = 9.2e18;
  for (uint32_t s = 0; s < plan->segment_count; ++s) {
    or_segment_t *segment = &plan->segments[s];
    double flops = 0;
    for (uint32_t n = 0; n < segment->node_count; ++n) flops += plan->placed[segment->first_node + n].cost.flops;
    segment->flops = flops > 0 ? (uint64_t)(flops < most ? flops : most) : 0;
  }
}

static or_status_t open_devices(or_plan_t *plan, const or_plan_options_t *options) {
  bool falls_back = options->fallback != NULL && options->fallback != options->device && !options->reference;
  plan->devices[0].device = options->device;
  plan->devices[1].device = falls_back ? options->fallback : NULL;
  plan->device_count = falls_back ? 2 : 1;
  or_status_t status = or_status_success();
  for (uint32_t d = 0; or_ok(status) && d < plan->device_count; ++d) {
    status = or_device_open(plan->devices[d].device, &plan->devices[d].backend);
    if (or_ok(status)) status = or_device_queue(plan->devices[d].device, &plan->devices[d].queue);
  }
  plan->shared = OR_PLAN_DEVICES;
  return or_ok(status) && plan->device_count > 1 ? find_shared_memory(plan) : status;
}

/* Memory of one device that is the host's, where the other works on the host's. A backend knows of each piece whether
 * the host has its address, so one is looked at. */
static or_status_t find_shared_memory(or_plan_t *plan) {
  or_status_t status = or_status_success();
  for (uint32_t d = 0; or_ok(status) && d < OR_PLAN_DEVICES && plan->shared == OR_PLAN_DEVICES; ++d) {
    or_buffer_t *piece = NULL;
    if (!or_device_facts(plan->devices[d].device)->unified_memory) continue;
    if (plan->devices[1 - d].backend->memory_wrap == NULL) continue;
    status = or_buffer_create(plan->devices[d].device, OR_DEFAULT_ALIGNMENT, &piece);
    if (or_ok(status) && or_buffer_host_pointer(piece) != NULL) plan->shared = d;
    or_buffer_release(piece);
  }
  return status;
}

typedef struct compilation_t {
  or_plan_t *plan;
  or_segment_t *segment;
  const or_cancel_t *cancel;
} compilation_t;

static or_status_t compile_segments(or_plan_t *plan, const or_cancel_t *cancel) {
  or_status_t status = or_status_success();
  for (uint32_t s = 0; or_ok(status) && s < plan->segment_count; ++s) {
    or_segment_t *segment = &plan->segments[s];
    if (segment->node_count == 0) continue;
    compilation_t compilation = {.plan = plan, .segment = segment, .cancel = cancel};
    or_plan_device_t *device = &plan->devices[segment->device];
    status = or_queue_run(device->queue, compile_on_queue, &compilation);
    if (or_ok(status) && segment->executable.workspace_bytes > device->workspace_bytes) {
      device->workspace_bytes = segment->executable.workspace_bytes;
    }
  }
  return status;
}

static or_status_t compile_on_queue(void *self, const or_queue_context_t *context) {
  const compilation_t *compilation = self;
  const or_plan_t *plan = compilation->plan;
  or_segment_t *segment = compilation->segment;
  or_subgraph_t subgraph = {.values = plan->graph->values,
                            .value_count = (uint32_t)plan->graph->value_count,
                            .nodes = &plan->nodes[segment->first_node],
                            .node_count = segment->node_count,
                            .inputs = segment->inputs,
                            .outputs = segment->outputs,
                            .input_count = segment->input_count,
                            .output_count = segment->output_count,
                            .precision = plan->precision,
                            .cancel = compilation->cancel};
  or_status_t status = plan->reference ? or_reference_compile(plan->allocator, plan->devices[segment->device].device,
                                                              &subgraph, &segment->executable)
                                       : context->backend->compile(context->backend->self, context->backend_queue,
                                                                   &subgraph, &segment->executable);
  segment->compiled = or_ok(status); /* and then to be released, even if the queue's end of it fails */
  return status;
}

static or_status_t check_expansion(const or_plan_t *plan) {
  const or_graph_t *graph = plan->graph;
  or_expansion_t expansion = {.limits = &graph->limits, .weight_bytes = or_graph_model_bytes(graph)};
  for (size_t i = 0; i < graph->input_count; ++i) {
    if (graph->values[graph->inputs[i]].constant == NULL)
      expansion.input_bytes += plan->value_bytes[graph->inputs[i]]; /* a caller has them in memory */
  }
  return or_expansion_check(&expansion, or_plan_run_bytes(plan));
}

uint64_t or_plan_run_bytes(const or_plan_t *plan) {
  uint64_t bytes = 0;
  bool fits = true;
  for (uint32_t d = 0; d < plan->device_count; ++d) {
    fits = fits && !__builtin_add_overflow(bytes, (uint64_t)plan->devices[d].arena_bytes, &bytes) &&
           !__builtin_add_overflow(bytes, (uint64_t)plan->devices[d].workspace_bytes, &bytes);
  }
  for (size_t i = 0; i < plan->graph->output_count; ++i) {
    if (plan->outputs[i].kind != OR_OUTPUT_INPUT && plan->outputs[i].kind != OR_OUTPUT_SAME)
      fits = fits && !__builtin_add_overflow(bytes, (uint64_t)plan->outputs[i].bytes, &bytes);
  }
  return fits ? bytes : UINT64_MAX;
}

/* A range that is handed to an executable always has a memory, even where nothing is needed. */
static or_status_t make_workspace(or_plan_t *plan, or_plan_device_t *device) {
  bool used = false;
  for (uint32_t s = 0; s < plan->segment_count; ++s)
    used = used || (plan->segments[s].compiled && &plan->devices[plan->segments[s].device] == device);
  if (!used) return or_status_success();
  or_status_t status = or_buffer_create(device->device, device->workspace_bytes, &device->workspace);
  if (or_ok(status) && plan->reference && or_buffer_host_pointer(device->workspace) == NULL) {
    status = or_error(OR_UNIMPLEMENTED,
                      "device \"%s\": the C references need memory that the host reaches; name the CPU instead",
                      or_device_facts(device->device)->id);
  }
  return status;
}

static or_status_t make_constant_outputs(or_plan_t *plan) {
  void *scratch = NULL;
  size_t capacity = 0;
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < plan->graph->output_count; ++i) {
    or_plan_output_t *output = &plan->outputs[i];
    if (output->kind != OR_OUTPUT_CONSTANT) continue;
    const void *bytes = NULL;
    status =
        or_constant_bytes(plan->graph->values[output->value].constant, plan->allocator, &scratch, &capacity, &bytes);
    if (or_ok(status)) status = or_buffer_create(plan->devices[0].device, output->bytes, &output->constant);
    if (or_ok(status)) status = or_buffer_write(output->constant, 0, bytes, output->bytes);
  }
  or_free(plan->allocator, scratch);
  return status;
}

static void destroy(or_plan_t *plan) {
  while (plan->frames != NULL) {
    or_frame_t *frame = plan->frames;
    plan->frames = frame->next;
    or_frame_free(frame);
  }
  for (size_t i = 0; plan->outputs != NULL && i < plan->graph->output_count; ++i)
    or_buffer_release(plan->outputs[i].constant);
  for (uint32_t s = 0; s < plan->segment_count; ++s) {
    or_executable_t *executable = &plan->segments[s].executable;
    if (plan->segments[s].compiled) executable->release(executable->self);
  }
  for (uint32_t d = 0; d < plan->device_count; ++d) or_buffer_release(plan->devices[d].workspace);
  or_mutex_deinit(&plan->mutex);
  or_arena_deinit(&plan->arena);
  or_graph_release(plan->graph);
  or_free(plan->allocator, plan);
}
