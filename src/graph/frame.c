/* The memory of one run, kept from run to run; and where each input and output of a run lies. */
#include <string.h>

#include "graph/plan_internal.h"

static or_status_t create(or_plan_t *plan, or_frame_t **out);
static or_status_t allocate(or_frame_t *frame);
static or_status_t bind_input(or_frame_t *frame, uint32_t index);
static or_status_t bind_output(or_frame_t *frame, uint32_t index);
static or_status_t check_given(const or_plan_t *plan, uint32_t index, const or_tensor_t *tensor);
static bool overlaps_another(const or_frame_t *frame, uint32_t index);
static bool overlap(or_site_t a, size_t a_bytes, or_site_t b, size_t b_bytes);
static or_site_t tensor_site(const or_tensor_t *tensor);
static or_status_t staged(or_device_t *device, size_t bytes, or_buffer_t **kept, or_site_t *out);

or_status_t or_frame_acquire(or_plan_t *plan, or_frame_t **out) {
  or_mutex_lock(&plan->mutex);
  or_frame_t *frame = plan->frames;
  if (frame != NULL) {
    plan->frames = frame->next;
    --plan->frame_count;
  }
  or_mutex_unlock(&plan->mutex);
  *out = frame;
  return frame != NULL ? or_status_success() : create(plan, out);
}

void or_frame_return(or_frame_t *frame) {
  or_plan_t *plan = frame->plan;
  or_mutex_lock(&plan->mutex);
  bool keep = plan->frame_count < OR_PLAN_FRAMES;
  if (keep) {
    frame->next = plan->frames;
    plan->frames = frame;
    ++plan->frame_count;
  }
  or_mutex_unlock(&plan->mutex);
  if (!keep) or_frame_free(frame);
}

void or_frame_free(or_frame_t *frame) {
  if (frame == NULL) return;
  or_plan_t *plan = frame->plan;
  atomic_fetch_sub_explicit(&plan->live_frames, 1, memory_order_relaxed);
  or_buffer_release(frame->view);
  for (uint32_t d = 0; d < plan->device_count; ++d) {
    or_buffer_release(frame->arenas[d]);
    for (size_t i = 0; frame->input_staging[d] != NULL && i < plan->graph->input_count; ++i)
      or_buffer_release(frame->input_staging[d][i]);
    or_free(plan->allocator, frame->input_staging[d]);
    or_free(plan->allocator, frame->inputs[d]);
  }
  or_buffer_release(frame->workspace);
  for (size_t i = 0; frame->outputs != NULL && i < plan->graph->output_count; ++i)
    or_buffer_release(frame->outputs[i].staging);
  void *const arrays[] = {frame->outputs, frame->input_ranges, frame->output_ranges, frame->row_ns, frame};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(plan->allocator, arrays[i]);
}

static or_status_t create(or_plan_t *plan, or_frame_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(plan->allocator, sizeof(or_frame_t), &memory);
  if (!or_ok(status)) return status;
  or_frame_t *frame = memory;
  frame->plan = plan;
  atomic_fetch_add_explicit(&plan->live_frames, 1, memory_order_relaxed);
  status = allocate(frame);
  if (!or_ok(status)) {
    or_frame_free(frame);
    return status;
  }
  *out = frame;
  return or_status_success();
}

static or_status_t allocate(or_frame_t *frame) {
  or_plan_t *plan = frame->plan;
  const or_allocator_t *allocator = plan->allocator;
  size_t inputs = plan->graph->input_count;
  or_status_t status =
      or_alloc_array(allocator, plan->graph->output_count, sizeof(or_frame_output_t), (void **)&frame->outputs);
  if (or_ok(status))
    status = or_alloc_array(allocator, plan->max_ports, sizeof(or_memory_range_t), (void **)&frame->input_ranges);
  if (or_ok(status))
    status = or_alloc_array(allocator, plan->max_ports, sizeof(or_memory_range_t), (void **)&frame->output_ranges);
  if (or_ok(status)) status = or_alloc_array(allocator, plan->row_count, sizeof(int64_t), (void **)&frame->row_ns);
  for (uint32_t d = 0; or_ok(status) && d < plan->device_count; ++d) {
    status = or_alloc_array(allocator, inputs, sizeof(or_site_t), (void **)&frame->inputs[d]);
    if (or_ok(status))
      status = or_alloc_array(allocator, inputs, sizeof(or_buffer_t *), (void **)&frame->input_staging[d]);
    if (or_ok(status) && plan->devices[d].arena_bytes > 0) {
      status = or_buffer_create(plan->devices[d].device, plan->devices[d].arena_bytes, &frame->arenas[d]);
    }
  }
  if (or_ok(status) && plan->has_views) {
    const or_plan_device_t *owner = &plan->devices[plan->shared], *other = &plan->devices[1 - plan->shared];
    status = or_buffer_wrap(other->device, or_buffer_host_pointer(frame->arenas[plan->shared]), owner->arena_bytes,
                            (or_owner_t){0}, &frame->view);
  }
  if (or_ok(status) && plan->is_small) {
    const or_plan_device_t *device = &plan->devices[plan->segments[0].device];
    status = or_buffer_create(device->device, device->workspace_bytes, &frame->workspace);
  }
  return status;
}

or_status_t or_frame_bind(or_frame_t *frame, const or_plan_run_t *run) {
  const or_graph_t *graph = frame->plan->graph;
  frame->run = *run;
  frame->segment = 0;
  for (size_t i = 0; i < graph->output_count; ++i) {
    frame->outputs[i].target = (or_site_t){NULL, 0};
    frame->outputs[i].fresh = NULL;
  }
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < graph->input_count; ++i) status = bind_input(frame, i);
  for (uint32_t i = 0; or_ok(status) && i < graph->output_count; ++i) { /* before any is allocated */
    bool wanted = run->wanted == NULL || run->wanted[i];
    if (wanted && run->outputs[i] != NULL) status = check_given(frame->plan, i, run->outputs[i]);
  }
  for (uint32_t i = 0; or_ok(status) && i < graph->output_count; ++i) status = bind_output(frame, i);
  if (!or_ok(status)) or_frame_settle(frame, false);
  return status;
}

static or_status_t bind_input(or_frame_t *frame, uint32_t index) {
  const or_plan_t *plan = frame->plan;
  const or_value_info_t *value = &plan->graph->values[plan->graph->inputs[index]];
  if (value->constant != NULL) return or_status_success(); /* its default, or part of the shape class */
  const or_tensor_t *tensor = frame->run.inputs[index];
  size_t needed = plan->value_bytes[plan->graph->inputs[index]];
  if (tensor == NULL) return or_error(OR_INVALID_ARGUMENT, "input \"%s\" is missing", value->name);
  if (or_tensor_dtype(tensor) != value->dtype || or_tensor_bytes(tensor) != needed) {
    return or_error(OR_INVALID_ARGUMENT, "input \"%s\": expected %s of %zu bytes, got %s of %zu", value->name,
                    or_dtype_name(value->dtype), needed, or_dtype_name(or_tensor_dtype(tensor)),
                    or_tensor_bytes(tensor));
  }
  or_status_t status = or_status_success();
  for (uint32_t d = 0; or_ok(status) && d < plan->device_count; ++d) {
    frame->inputs[d][index] = tensor_site(tensor);
    if (!plan->input_used[d][index] || or_tensor_device(tensor) == plan->devices[d].device) continue;
    status = staged(plan->devices[d].device, needed, &frame->input_staging[d][index], &frame->inputs[d][index]);
  }
  return status;
}

static or_status_t check_given(const or_plan_t *plan, uint32_t index, const or_tensor_t *tensor) {
  const or_plan_output_t *output = &plan->outputs[index];
  const or_value_info_t *value = &plan->graph->values[output->value];
  if (or_tensor_dtype(tensor) != value->dtype) {
    return or_error(OR_INVALID_ARGUMENT, "output \"%s\" is %s, and the tensor given is %s", value->name,
                    or_dtype_name(value->dtype), or_dtype_name(or_tensor_dtype(tensor)));
  }
  if (or_tensor_bytes(tensor) >= output->bytes) return or_status_success();
  return or_error(OR_OUT_OF_RANGE, "output \"%s\" needs %zu bytes, and the tensor given has %zu", value->name,
                  output->bytes, or_tensor_bytes(tensor));
}

/* A produced output is written where it is wanted if that is on the same device and nothing else of the run lies there.
 */
static or_status_t bind_output(or_frame_t *frame, uint32_t index) {
  const or_plan_t *plan = frame->plan;
  const or_plan_output_t *output = &plan->outputs[index];
  or_frame_output_t *bound = &frame->outputs[index];
  const or_value_info_t *value = &plan->graph->values[output->value];
  const or_tensor_t *given = frame->run.outputs[index];
  bool wanted = frame->run.wanted == NULL || frame->run.wanted[index];
  if (wanted && given == NULL) {
    or_status_t status = or_tensor_create(plan->devices[0].device, value->dtype, value->shape, &bound->fresh);
    if (!or_ok(status)) return or_status_context(status, "output \"%s\"", value->name);
  }
  if (wanted) bound->target = tensor_site(given != NULL ? given : bound->fresh);
  if (output->kind != OR_OUTPUT_PRODUCED) return or_status_success();

  or_device_t *device = plan->devices[output->device].device;
  bound->site = bound->target;
  if (wanted && or_buffer_device(bound->target.buffer) == device &&
      (given == NULL || !overlaps_another(frame, index))) {
    return or_status_success();
  }
  return staged(device, output->bytes, &bound->staging, &bound->site);
}

static bool overlaps_another(const or_frame_t *frame, uint32_t index) {
  const or_plan_t *plan = frame->plan;
  or_site_t site = tensor_site(frame->run.outputs[index]);
  size_t bytes = plan->outputs[index].bytes;
  for (size_t i = 0; i < plan->graph->input_count; ++i) {
    const or_tensor_t *input = frame->run.inputs[i];
    if (input != NULL && overlap(site, bytes, tensor_site(input), or_tensor_bytes(input))) return true;
  }
  for (size_t i = 0; i < plan->graph->output_count; ++i) {
    const or_tensor_t *output = frame->run.outputs[i];
    if (i != index && output != NULL && overlap(site, bytes, tensor_site(output), plan->outputs[i].bytes)) return true;
  }
  return false;
}

/* Buffers of the host's memory may be two views of the same bytes. */
static bool overlap(or_site_t a, size_t a_bytes, or_site_t b, size_t b_bytes) {
  if (a.buffer == b.buffer) return a.offset < b.offset + b_bytes && b.offset < a.offset + a_bytes;
  const char *a_host = or_buffer_host_pointer(a.buffer), *b_host = or_buffer_host_pointer(b.buffer);
  if (a_host == NULL || b_host == NULL) return false;
  uintptr_t a_begin = (uintptr_t)a_host + a.offset, b_begin = (uintptr_t)b_host + b.offset;
  return a_begin < b_begin + b_bytes && b_begin < a_begin + a_bytes;
}

static or_site_t tensor_site(const or_tensor_t *tensor) {
  return (or_site_t){.buffer = or_tensor_buffer(tensor), .offset = or_tensor_offset(tensor)};
}

/* A buffer on `device` that the frame keeps. */
static or_status_t staged(or_device_t *device, size_t bytes, or_buffer_t **kept, or_site_t *out) {
  or_status_t status = or_status_success();
  if (*kept == NULL) status = or_buffer_create(device, bytes, kept);
  *out = (or_site_t){.buffer = *kept, .offset = 0};
  return status;
}

void or_frame_settle(or_frame_t *frame, bool success) {
  const or_plan_t *plan = frame->plan;
  for (size_t i = 0; i < plan->graph->output_count; ++i) {
    or_frame_output_t *output = &frame->outputs[i];
    if (success && output->target.buffer != NULL && frame->run.output_shapes != NULL) {
      frame->run.output_shapes[i] = plan->graph->values[plan->outputs[i].value].shape;
    }
    if (output->fresh == NULL) continue;
    if (success) {
      frame->run.outputs[i] = output->fresh;
    } else {
      or_tensor_release(output->fresh);
    }
    output->fresh = NULL;
  }
}

or_site_t or_frame_site(const or_frame_t *frame, uint32_t device, or_value_id_t value) {
  const or_place_t *place = &frame->plan->places[device][value];
  switch (place->kind) {
  case OR_PLACE_INPUT: return frame->inputs[device][place->index];
  case OR_PLACE_OUTPUT: return frame->outputs[place->index].site;
  case OR_PLACE_ARENA: return (or_site_t){.buffer = frame->arenas[device], .offset = place->index};
  case OR_PLACE_VIEW: return (or_site_t){.buffer = frame->view, .offset = frame->plan->places[1 - device][value].index};
  case OR_PLACE_NONE: break;
  }
  return (or_site_t){NULL, 0};
}
