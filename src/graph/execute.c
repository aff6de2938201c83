/* Runs: one submission a segment, the next one when the queue says that the last is done. */
#include <string.h>

#include "base/clock.h"
#include "graph/plan_internal.h"

static or_status_t submit_segment(or_frame_t *frame);
static or_status_t copy(const or_frame_t *frame, const or_copy_t *copy);
static or_status_t carry_out(void *self, const or_queue_context_t *context);
static or_status_t bring_inputs(or_frame_t *frame, const or_segment_t *segment);
static or_status_t bring_crossings(or_frame_t *frame, const or_segment_t *segment);
static void set_ranges(const or_frame_t *frame, uint32_t device, const or_value_id_t *values, uint32_t count,
                       or_memory_range_t *out);
static void segment_done(void *self, or_status_t status);
static or_status_t copy_outputs(const or_frame_t *frame);
static void keep_profile(const or_frame_t *frame);

or_status_t or_plan_submit(or_plan_t *plan, const or_plan_run_t *run) {
  or_frame_t *frame = NULL;
  or_status_t status = or_frame_acquire(plan, &frame);
  if (!or_ok(status)) return status;
  frame->scope = or_trace_scope();
  frame->here = run->here && plan->is_small;
  status = or_frame_bind(frame, run);
  if (or_ok(status)) {
    status = submit_segment(frame);
    if (or_ok(status)) return status; /* the frame is the queue's now, and may have come back already */
    or_frame_settle(frame, false);
  }
  or_frame_return(frame);
  return status;
}

static or_status_t submit_segment(or_frame_t *frame) {
  const or_plan_t *plan = frame->plan;
  const or_plan_device_t *on_device = &plan->devices[plan->segments[frame->segment].device];
  const or_device_t *device = on_device->device;
  const bool on = or_trace_on(or_device_trace(device));
  frame->submitted_ns = on ? or_clock_ns() : 0;
  frame->submitter = on ? or_trace_thread() : 0;
  if (frame->here) {
    segment_done(frame, or_queue_run_here(on_device->queue, carry_out, frame));
    return or_status_success();
  }
  or_submission_t submission = {.work = carry_out, .self = frame, .done = segment_done};
  return or_queue_submit(on_device->queue, &submission);
}

/* Whether this segment is recorded is decided here, once. */
static void begin_trace(or_frame_t *frame, const or_segment_t *segment, const or_device_t *device) {
  frame->traced = or_trace_on(or_device_trace(device));
  if (!frame->traced) return;
  frame->segment_begin_ns = frame->run_begin_ns = or_clock_ns();
  for (uint32_t n = 0; n < segment->node_count; ++n)
    frame->row_ns[segment->first_row + segment->crossing_count + n] = 0;
}

static or_status_t carry_out(void *self, const or_queue_context_t *context) {
  or_frame_t *frame = self;
  const or_plan_t *plan = frame->plan;
  const or_segment_t *segment = &plan->segments[frame->segment];
  const or_plan_device_t *device = &plan->devices[segment->device];
  if (frame->run.profile && frame->segment == 0) frame->start_ns = or_clock_ns();
  begin_trace(frame, segment, device->device);
  or_status_t status = or_cancel_status(frame->run.cancel);
  if (or_ok(status)) status = bring_inputs(frame, segment);
  if (or_ok(status)) status = bring_crossings(frame, segment);
  if (!or_ok(status) || !segment->compiled) return status;
  set_ranges(frame, segment->device, segment->inputs, segment->input_count, frame->input_ranges);
  set_ranges(frame, segment->device, segment->outputs, segment->output_count, frame->output_ranges);
  or_run_arguments_t arguments = {
      .inputs = frame->input_ranges,
      .outputs = frame->output_ranges,
      .workspace = {.memory = or_buffer_memory(frame->here ? frame->workspace : device->workspace),
                    .offset = 0,
                    .bytes = device->workspace_bytes},
      .cancel = frame->run.cancel,
      .appended_bytes = frame->run.copied_bytes,
      .node_ns =
          frame->run.profile || frame->traced ? &frame->row_ns[segment->first_row + segment->crossing_count] : NULL,
  };
  if (frame->traced) frame->run_begin_ns = or_clock_ns();
  or_device_work_begin(device->device);
  frame->working = true;
  return segment->executable.run(segment->executable.self, context->backend_queue, &arguments);
}

static or_status_t bring_inputs(or_frame_t *frame, const or_segment_t *segment) {
  const or_plan_t *plan = frame->plan;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < segment->arrival_count; ++i) {
    uint32_t index = segment->arrivals[i];
    const or_tensor_t *tensor = frame->run.inputs[index];
    if (or_tensor_device(tensor) == plan->devices[segment->device].device) continue;
    or_site_t here = frame->inputs[segment->device][index];
    or_site_t there = {.buffer = or_tensor_buffer(tensor), .offset = or_tensor_offset(tensor)};
    const char *name = plan->graph->values[plan->graph->inputs[index]].name;
    status = copy(frame, &(or_copy_t){there, here, or_tensor_bytes(tensor), name});
  }
  return status;
}

static or_status_t bring_crossings(or_frame_t *frame, const or_segment_t *segment) {
  const or_plan_t *plan = frame->plan;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < segment->crossing_count; ++i) {
    or_value_id_t value = segment->crossings[i];
    frame->row_ns[segment->first_row + i] = 0;
    if (or_plan_shares(plan, value)) continue;
    or_site_t from = or_frame_site(frame, 1 - segment->device, value),
              to = or_frame_site(frame, segment->device, value);
    int64_t start_ns = frame->run.profile ? or_clock_ns() : 0;
    status = copy(frame, &(or_copy_t){from, to, plan->value_bytes[value], plan->graph->values[value].name});
    if (frame->run.profile) frame->row_ns[segment->first_row + i] = or_clock_ns() - start_ns;
  }
  return status;
}

static void set_ranges(const or_frame_t *frame, uint32_t device, const or_value_id_t *values, uint32_t count,
                       or_memory_range_t *out) {
  for (uint32_t i = 0; i < count; ++i) {
    or_site_t site = or_frame_site(frame, device, values[i]);
    out[i] = (or_memory_range_t){
        .memory = or_buffer_memory(site.buffer), .offset = site.offset, .bytes = frame->plan->value_bytes[values[i]]};
  }
}

/* On the queue's thread, after all that the segment enqueued is over. The frame goes back before the caller is told, so
 * that a caller who runs again at once, or lets go of the plan, finds nothing in use. */
static void segment_done(void *self, or_status_t status) {
  or_frame_t *frame = self;
  if (frame->traced) or_frame_trace_segment(frame, or_ok(status));
  frame->traced = false;
  if (frame->working) {
    const or_segment_t *segment = &frame->plan->segments[frame->segment];
    or_device_work_end(frame->plan->devices[segment->device].device, or_ok(status) ? segment->flops : 0);
    frame->working = false;
  }
  if (or_ok(status) && frame->segment + 1 < frame->plan->segment_count) {
    ++frame->segment;
    status = submit_segment(frame);
    if (or_ok(status)) return;
  }
  if (or_ok(status)) status = copy_outputs(frame);
  if (or_ok(status) && frame->run.profile) keep_profile(frame);
  or_frame_settle(frame, or_ok(status));
  or_plan_run_t run = frame->run;
  or_frame_return(frame);
  run.done(run.self, status);
}

/* Outputs that were not written where they are wanted. */
static or_status_t copy_outputs(const or_frame_t *frame) {
  const or_plan_t *plan = frame->plan;
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < plan->graph->output_count; ++i) {
    const or_plan_output_t *output = &plan->outputs[i];
    or_site_t to = frame->outputs[i].target, from = frame->outputs[i].site;
    if (to.buffer == NULL) continue;
    if (output->kind == OR_OUTPUT_SAME) from = frame->outputs[output->source].site;
    if (output->kind == OR_OUTPUT_CONSTANT) from = (or_site_t){.buffer = output->constant, .offset = 0};
    if (output->kind == OR_OUTPUT_INPUT) {
      const or_tensor_t *input = frame->run.inputs[output->source];
      from = (or_site_t){.buffer = or_tensor_buffer(input), .offset = or_tensor_offset(input)};
    }
    if (from.buffer == to.buffer && from.offset == to.offset) continue;
    status = copy(frame, &(or_copy_t){from, to, output->bytes, plan->graph->values[output->value].name});
  }
  return status;
}

static or_status_t copy(const or_frame_t *frame, const or_copy_t *copy) {
  const or_site_t from = copy->from, to = copy->to;
  const bool on = or_trace_on(or_device_trace(or_buffer_device(to.buffer)));
  const int64_t begin_ns = on ? or_clock_ns() : 0;
  if (frame->run.copied_bytes != NULL) *frame->run.copied_bytes += copy->bytes;
  or_status_t status = or_buffer_copy(from.buffer, from.offset, to.buffer, to.offset, copy->bytes);
  if (on && or_ok(status)) or_frame_trace_copy(frame, copy, begin_ns);
  return status;
}

static void keep_profile(const or_frame_t *frame) {
  or_plan_t *plan = frame->plan;
  int64_t total_ns = or_clock_ns() - frame->start_ns;
  or_mutex_lock(&plan->mutex);
  if (plan->row_count > 0) memcpy(plan->row_ns, frame->row_ns, plan->row_count * sizeof(int64_t));
  plan->total_ns = total_ns;
  plan->profiled = true;
  or_mutex_unlock(&plan->mutex);
}
