/* What a run did, for whoever records: the submission of a segment, its nodes one after another, copies. */
#include <string.h>

#include "base/clock.h"
#include "base/string.h"
#include "graph/plan_internal.h"

#define BATCH 16 /* events that are handed over at once */

typedef struct batch_t {
  or_trace_t *trace;
  or_trace_event_t events[BATCH];
  size_t count;
} batch_t;

static void hand_over(batch_t *batch) {
  if (batch->count > 0) or_trace_add(batch->trace, batch->events, batch->count);
  batch->count = 0;
}

static or_trace_event_t *next_event(batch_t *batch) {
  if (batch->count == BATCH) hand_over(batch);
  or_trace_event_t *event = &batch->events[batch->count++];
  memset(event, 0, sizeof *event);
  return event;
}

/* "Conv+Relu" */
static void write_operator(const or_node_t *node, char text[OR_TRACE_WORDS]) {
  const or_node_t *parts = or_node_is_fused(node) ? node->parts : node;
  const uint32_t count = or_node_is_fused(node) ? node->part_count : 1;
  text[0] = '\0';
  for (uint32_t p = 0; p < count; ++p) {
    const size_t used = strlen(text);
    or_format(text + used, OR_TRACE_WORDS - used, "%s%s", p > 0 ? "+" : "", parts[p].op);
  }
}

/* Nodes of a queue's thread follow each other: where one ends the next begins. A run that failed leaves those out that
 * took no time, which were not reached. */
static void add_nodes(batch_t *batch, const or_frame_t *frame, const or_segment_t *segment, int64_t end_ns, bool ok) {
  const or_plan_t *plan = frame->plan;
  const int64_t *took_ns = &frame->row_ns[segment->first_row + segment->crossing_count];
  int64_t at_ns = frame->run_begin_ns;
  for (uint32_t n = 0; n < segment->node_count && segment->compiled; ++n) {
    if (!ok && took_ns[n] <= 0) continue;
    const or_node_t *node = &plan->nodes[segment->first_node + n];
    const or_cost_t *cost = &plan->placed[segment->first_node + n].cost;
    or_executable_node_t fate = {.kernel = ""};
    if (segment->executable.node != NULL) segment->executable.node(segment->executable.self, n, &fate);
    or_trace_event_t *event = next_event(batch);
    event->kind = OR_TRACE_NODE;
    event->scope = frame->scope;
    event->device = or_device_facts(plan->devices[segment->device].device)->id;
    event->begin_ns = at_ns;
    at_ns += took_ns[n] > 0 ? took_ns[n] : 0;
    if (at_ns > end_ns) at_ns = end_ns;
    event->end_ns = at_ns;
    event->flops = cost->flops;
    event->bytes = cost->bytes_read + cost->bytes_written;
    or_format(event->name, sizeof event->name, "%s", node->name);
    write_operator(node, event->label);
    or_format(event->kernel, sizeof event->kernel, "%s", fate.kernel != NULL ? fate.kernel : "");
  }
}

void or_frame_trace_segment(const or_frame_t *frame, bool ok) {
  const or_plan_t *plan = frame->plan;
  const or_segment_t *segment = &plan->segments[frame->segment];
  or_device_t *device = plan->devices[segment->device].device;
  batch_t batch = {.trace = or_device_trace(device), .count = 0};
  const int64_t end_ns = or_clock_ns();
  or_trace_event_t *event = next_event(&batch);
  event->kind = OR_TRACE_SUBMISSION;
  event->scope = frame->scope;
  event->device = or_device_facts(device)->id;
  event->submitted_ns = frame->submitted_ns;
  event->submitter = frame->submitter;
  event->begin_ns = frame->segment_begin_ns;
  event->end_ns = end_ns;
  or_format(event->name, sizeof event->name, "segment %u of %u", frame->segment + 1, plan->segment_count);
  add_nodes(&batch, frame, segment, end_ns, ok);
  hand_over(&batch);
}

void or_frame_trace_copy(const or_frame_t *frame, const or_copy_t *copy, int64_t begin_ns) {
  or_device_t *from = or_buffer_device(copy->from.buffer), *to = or_buffer_device(copy->to.buffer);
  or_trace_event_t event = {.kind = OR_TRACE_COPY,
                            .scope = frame->scope,
                            .begin_ns = begin_ns,
                            .end_ns = or_clock_ns(),
                            .device = or_device_facts(to)->id,
                            .bytes = (double)copy->bytes};
  or_format(event.name, sizeof event.name, "%s", copy->name);
  or_format(event.label, sizeof event.label, "%s", or_device_facts(from)->id);
  or_trace_add(or_device_trace(to), &event, 1);
}
