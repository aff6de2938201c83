/* If, Loop and SequenceMap: a body is a program of its own, run with what it reads from outside. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "runtime/program/flow_internal.h"

or_status_t or_flow_begin(or_flow_t *flow, or_program_frame_t *frame, const or_step_t *step, size_t body) {
  const or_node_t *node = or_step_first_node(frame->program, step);
  *flow = (or_flow_t){.frame = frame, .node = node, .body = step->bodies[body], .carried = or_node_carried(node)};
  const or_graph_t *graph = flow->body->graph;
  const or_allocator_t *allocator = frame->program->allocator;
  const double left_ns = (double)(INT64_MAX - or_clock_ns()),
               loop_ns = frame->program->graph->limits.loop_seconds * 1e9;
  or_cancel_init_within(&flow->cancel, loop_ns < left_ns / 2 ? or_clock_ns() + (int64_t)loop_ns : INT64_MAX,
                        frame->run->cancel);
  or_status_t status = or_alloc_array(allocator, graph->input_count + 1, sizeof(or_value_t *), (void **)&flow->inputs);
  if (or_ok(status))
    status = or_alloc_array(allocator, graph->output_count + 1, sizeof(or_value_t *), (void **)&flow->outputs);
  if (or_ok(status))
    status = or_alloc_array(allocator, graph->output_count + 1, sizeof *flow->kept, (void **)&flow->kept);
  const uint32_t captured = node->captured_count;
  if (or_ok(status) && captured > graph->input_count)
    status = or_error(OR_INTERNAL, "a body has fewer inputs than it reads from outside");
  for (uint32_t i = 0; or_ok(status) && i < captured; ++i) {
    or_value_t *value = or_frame_value(frame, node->inputs[node->input_count - captured + i]);
    if (value != NULL) or_value_retain(value);
    flow->inputs[graph->input_count - captured + i] = value;
  }
  return status;
}

void or_flow_end(or_flow_t *flow) {
  const or_allocator_t *allocator = flow->frame->program->allocator;
  const or_graph_t *graph = flow->body->graph;
  for (size_t i = 0; flow->inputs != NULL && i < graph->input_count; ++i) or_value_release(flow->inputs[i]);
  for (size_t i = 0; flow->outputs != NULL && i < graph->output_count; ++i) or_value_release(flow->outputs[i]);
  for (size_t i = 0; flow->kept != NULL && i < graph->output_count; ++i) {
    or_flow_forget(flow, i);
    or_free(allocator, flow->kept[i].values);
  }
  or_free(allocator, flow->inputs);
  or_free(allocator, flow->outputs);
  or_free(allocator, flow->kept);
}

void or_flow_set(or_flow_t *flow, size_t input, or_value_t *value) {
  or_value_release(flow->inputs[input]);
  flow->inputs[input] = value;
}

or_status_t or_flow_set_tensor(or_flow_t *flow, size_t input, or_tensor_t *tensor) {
  or_value_t *value = NULL;
  or_status_t status = or_value_from_tensor(flow->frame->program->allocator, tensor, &value);
  if (or_ok(status)) or_flow_set(flow, input, value);
  return status;
}

or_value_t *or_flow_take(or_flow_t *flow, size_t output) {
  or_value_t *value = flow->outputs[output];
  flow->outputs[output] = NULL;
  return value;
}

or_status_t or_flow_keep(or_flow_t *flow, size_t output) {
  or_kept_t *kept = &flow->kept[output];
  or_status_t status = or_grow_array(flow->frame->program->allocator, kept->count + 1, sizeof(or_value_t *),
                                     (void **)&kept->values, &kept->capacity);
  if (!or_ok(status)) return status;
  status = or_alive_add(flow->frame->alive, flow->outputs[output]);
  if (!or_ok(status)) return status;
  kept->values[kept->count++] = or_flow_take(flow, output);
  return or_expansion_check(&flow->frame->alive->expansion, 0);
}

void or_flow_forget(or_flow_t *flow, size_t output) {
  or_kept_t *kept = &flow->kept[output];
  while (kept->count > 0) {
    or_alive_remove(flow->frame->alive, kept->values[--kept->count]);
    or_value_release(kept->values[kept->count]);
  }
}

or_status_t or_flow_check(const or_flow_t *flow, uint64_t iteration) {
  const or_model_limits_t *limits = &flow->frame->program->graph->limits;
  if (iteration >= limits->loop_iterations) {
    return or_error(OR_RESOURCE_EXHAUSTED, "more than %llu iterations, the limit: raise limits.loop_iterations",
                    (unsigned long long)limits->loop_iterations);
  }
  return or_flow_status(flow, iteration, or_cancel_status(&flow->cancel));
}

or_status_t or_flow_status(const or_flow_t *flow, uint64_t iteration, or_status_t status) {
  if (or_status_code(status) != OR_DEADLINE_EXCEEDED || or_cancel_requested(flow->frame->run->cancel)) return status;
  or_status_ignore(status); /* the loop's own deadline, which is no caller's */
  const double seconds = flow->frame->program->graph->limits.loop_seconds;
  return or_error(OR_RESOURCE_EXHAUSTED, "more than %g s after %llu iterations, the limit: raise limits.loop_seconds",
                  seconds, (unsigned long long)iteration);
}

/* Of If, which has no limit of its own, the run's request does. */
or_status_t or_flow_run(or_flow_t *flow, uint64_t iteration) {
  const bool is_loop = strcmp(flow->node->op, "If") != 0;
  or_program_report_t *report = flow->frame->run->report;
  const char *prefix = report != NULL ? report->prefix : NULL;
  or_status_t status = or_status_success();
  if (report != NULL) status = or_program_report_enter(report, flow->node->name);
  const or_program_run_t run = {.inputs = flow->inputs,
                                .outputs = flow->outputs,
                                .cancel = is_loop ? &flow->cancel : flow->frame->run->cancel,
                                .report = report,
                                .alive = flow->frame->alive};
  if (or_ok(status)) status = or_program_run(flow->body, &run);
  if (is_loop) status = or_flow_status(flow, iteration, status);
  if (report != NULL) report->prefix = prefix;
  return status;
}

or_status_t or_flow_stack(const or_flow_t *flow, size_t output, int32_t axis, bool reverse, or_tensor_t **out) {
  const or_program_t *program = flow->frame->program;
  const or_kept_t *kept = &flow->kept[output];
  const or_value_info_t *info = &flow->body->graph->values[flow->body->graph->outputs[output]];
  or_tensor_t **tensors = NULL;
  uint64_t bytes = 0;
  or_status_t status = or_alloc_array(program->allocator, kept->count + 1, sizeof *tensors, (void **)&tensors);
  for (size_t i = 0; i < kept->count; ++i) {
    const or_tensor_t *tensor = or_value_tensor(kept->values[i]);
    if (tensor != NULL && __builtin_add_overflow(bytes, (uint64_t)or_tensor_bytes(tensor), &bytes)) bytes = UINT64_MAX;
  }
  if (or_ok(status)) status = or_expansion_check(&flow->frame->alive->expansion, bytes);
  for (size_t i = 0; or_ok(status) && i < kept->count; ++i) {
    tensors[i] = or_value_tensor(kept->values[reverse ? kept->count - 1 - i : i]);
    if (tensors[i] == NULL)
      status = or_error(OR_INVALID_ARGUMENT, "what the body gives as \"%s\" is no tensor", info->name);
  }
  if (or_ok(status) && kept->count > 0) {
    const int32_t rank = or_tensor_shape(tensors[0])->rank + 1;
    if (axis < -rank || axis >= rank) {
      status = or_error(OR_INVALID_ARGUMENT, "axis %d of %d dimensions", axis, rank);
    } else {
      status = or_host_concat(program, tensors, kept->count, axis < 0 ? axis + rank : axis, true, out);
    }
  } else if (or_ok(status)) {
    or_shape_t shape = {.rank = 1};
    for (int32_t d = 0; d < info->shape.rank && d + 1 < OR_MAX_RANK; ++d)
      shape.dims[shape.rank++] = info->shape.dims[d] > 0 ? info->shape.dims[d] : 0;
    status = or_tensor_create(program->host, info->dtype, shape, out);
  }
  or_free(program->allocator, tensors);
  return status;
}

or_status_t or_step_if(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = or_step_first_node(frame->program, step);
  int64_t condition = 0;
  or_flow_t flow;
  or_status_t status =
      or_host_read_scalar(frame->program, or_frame_value(frame, node->inputs[0]), "condition", &condition);
  if (!or_ok(status)) return status;
  const size_t taken = condition != 0 ? 0 : 1;
  if (step->bodies[taken] == NULL) return or_error(OR_INVALID_ARGUMENT, "%s", or_node_body(node, taken)->failure);
  status = or_flow_begin(&flow, frame, step, taken);
  if (or_ok(status)) status = or_flow_run(&flow, 0);
  for (uint32_t i = 0; or_ok(status) && i < node->output_count; ++i)
    status = or_frame_put(frame, node->outputs[i], or_flow_take(&flow, i));
  or_flow_end(&flow);
  return status;
}

/* What is carried goes in from the node's inputs. */
static or_status_t take_carried(or_flow_t *flow, size_t first) {
  for (uint32_t i = 0; i < flow->carried.count; ++i) {
    or_value_t *value = or_frame_value(flow->frame, flow->node->inputs[flow->carried.first + i]);
    if (value == NULL) return or_error(OR_INVALID_ARGUMENT, "input %u is not there", flow->carried.first + i);
    or_value_retain(value);
    or_flow_set(flow, first + i, value);
  }
  return or_status_success();
}

static or_status_t iterate(or_flow_t *flow, uint64_t iteration, int64_t *go_on) {
  const or_program_t *program = flow->frame->program;
  or_tensor_t *number = NULL, *condition = NULL;
  or_status_t status = or_flow_check(flow, iteration);
  if (or_ok(status)) status = or_host_scalar(program, OR_INT64, (int64_t)iteration, &number);
  if (or_ok(status)) status = or_flow_set_tensor(flow, 0, number);
  if (or_ok(status)) status = or_host_scalar(program, OR_BOOL, *go_on, &condition);
  if (or_ok(status)) status = or_flow_set_tensor(flow, 1, condition);
  if (or_ok(status)) status = or_flow_run(flow, iteration);
  if (or_ok(status)) status = or_host_read_scalar(program, flow->outputs[0], "condition of the body", go_on);
  for (uint32_t i = 0; or_ok(status) && i < flow->carried.count; ++i)
    or_flow_set(flow, 2 + (size_t)i, or_flow_take(flow, 1 + (size_t)i));
  for (size_t i = 1 + (size_t)flow->carried.count; or_ok(status) && i < flow->body->graph->output_count; ++i)
    status = or_flow_keep(flow, i);
  or_value_release(flow->outputs[0]);
  flow->outputs[0] = NULL;
  or_tensor_release(number);
  or_tensor_release(condition);
  return status;
}

or_status_t or_step_loop(or_program_frame_t *frame, const or_step_t *step) {
  or_flow_t flow;
  int64_t most = INT64_MAX, go_on = 1;
  or_status_t status = or_flow_begin(&flow, frame, step, 0);
  const or_node_t *node = flow.node;
  for (uint32_t i = 0; or_ok(status) && i < 2; ++i) {
    if (node->inputs[i] == OR_NO_VALUE) continue;
    status = or_host_read_scalar(frame->program, or_frame_value(frame, node->inputs[i]),
                                 i == 0 ? "count of iterations" : "condition", i == 0 ? &most : &go_on);
  }
  if (or_ok(status)) status = take_carried(&flow, 2);
  for (int64_t i = 0; or_ok(status) && i < most && go_on != 0; ++i) status = iterate(&flow, (uint64_t)i, &go_on);
  for (uint32_t i = 0; or_ok(status) && i < node->output_count; ++i) {
    if (i < flow.carried.count) {
      status = or_frame_put(frame, node->outputs[i], flow.inputs[2 + i]);
      flow.inputs[2 + i] = NULL;
      continue;
    }
    or_tensor_t *stacked = NULL;
    status = or_flow_stack(&flow, 1 + (size_t)i, 0, false, &stacked);
    if (or_ok(status)) status = or_frame_put_tensor(frame, node->outputs[i], stacked);
    or_tensor_release(stacked);
  }
  or_flow_end(&flow);
  return status;
}

/* SequenceMap: the body for each element; inputs that are tensors are the same for all. */
static or_status_t map_elements(or_flow_t *flow, size_t count) {
  or_status_t status = or_status_success();
  const uint32_t given = flow->node->input_count - flow->node->captured_count;
  for (size_t e = 0; or_ok(status) && e < count; ++e) {
    status = or_flow_check(flow, e);
    for (uint32_t i = 0; or_ok(status) && i < given; ++i) {
      or_value_t *value = or_frame_value(flow->frame, flow->node->inputs[i]);
      if (value != NULL && or_value_kind(value) == OR_VALUE_SEQUENCE) {
        if (or_value_count(value) != count)
          status = or_error(OR_INVALID_ARGUMENT, "a sequence of %zu elements beside one of %zu", or_value_count(value),
                            count);
        value = or_value_element(value, e);
      }
      if (or_ok(status) && value == NULL) status = or_error(OR_INVALID_ARGUMENT, "input %u is not there", i);
      if (!or_ok(status)) break;
      or_value_retain(value);
      or_flow_set(flow, i, value);
    }
    if (or_ok(status)) status = or_flow_run(flow, e);
    for (size_t i = 0; or_ok(status) && i < flow->body->graph->output_count; ++i) status = or_flow_keep(flow, i);
  }
  return status;
}

or_status_t or_step_map(or_program_frame_t *frame, const or_step_t *step) {
  const or_node_t *node = or_step_first_node(frame->program, step);
  const or_value_t *first = or_frame_value(frame, node->inputs[0]);
  or_flow_t flow;
  if (first == NULL || or_value_kind(first) != OR_VALUE_SEQUENCE)
    return or_error(OR_INVALID_ARGUMENT, "input 0 is no sequence");
  or_status_t status = or_flow_begin(&flow, frame, step, 0);
  if (or_ok(status)) status = map_elements(&flow, or_value_count(first));
  for (uint32_t i = 0; or_ok(status) && i < node->output_count; ++i) {
    or_value_t *sequence = NULL;
    status = or_value_sequence(frame->program->allocator, flow.kept[i].values, flow.kept[i].count, &sequence);
    if (or_ok(status)) status = or_frame_put(frame, node->outputs[i], sequence);
  }
  or_flow_end(&flow);
  return status;
}
