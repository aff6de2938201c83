/* A run of a program: step after step on the caller's thread. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "runtime/program/program_internal.h"

static or_status_t take_inputs(or_program_frame_t *frame);
static or_status_t give_outputs(or_program_frame_t *frame);
static void let_go(or_program_frame_t *frame, uint32_t slot);

static or_status_t run_step(or_program_frame_t *frame, const or_step_t *step) {
  const or_program_t *program = frame->program;
  const or_node_t *node = or_step_first_node(program, step);
  if (step->run == or_step_piece) return or_step_piece(frame, step);
  const int64_t traced_ns = step->run != or_step_node ? or_program_trace_begin(program) : 0;
  or_status_t status = step->run(frame, step);
  or_program_trace_end(program, node, "", traced_ns);
  return or_ok(status) ? status : or_graph_node_error(program->graph, node, status);
}

or_status_t or_program_run(or_program_t *program, const or_program_run_t *run) {
  or_alive_t own = {.expansion = {.limits = &program->graph->limits, .weight_bytes = program->model_bytes},
                    .allocator = program->allocator};
  or_program_frame_t frame = {.program = program, .run = run, .alive = run->alive != NULL ? run->alive : &own};
  or_status_t status =
      or_alloc_array(program->allocator, program->slot_count + 1, sizeof(or_value_t *), (void **)&frame.slots);
  for (size_t i = 0; i < program->graph->output_count; ++i) run->outputs[i] = NULL;
  if (!or_ok(status)) return status;
  for (uint32_t i = 0; i < program->slot_count; ++i) {
    frame.slots[i] = program->constants[i];
    if (frame.slots[i] != NULL) or_value_retain(frame.slots[i]);
  }
  for (size_t i = 0; or_ok(status) && run->alive == NULL && i < program->graph->input_count; ++i)
    status = or_alive_add_input(&own, run->inputs[i]);
  if (or_ok(status)) status = take_inputs(&frame);
  for (size_t s = 0; or_ok(status) && s < program->step_count; ++s) {
    const or_step_t *step = &program->steps[s];
    status = or_cancel_status(run->cancel);
    if (or_ok(status)) status = run_step(&frame, step);
    for (uint32_t i = 0; or_ok(status) && i < step->dead_count; ++i) let_go(&frame, step->dead[i]);
  }
  if (or_ok(status)) status = give_outputs(&frame);
  for (uint32_t i = 0; i < program->slot_count; ++i) let_go(&frame, i);
  or_alive_deinit(&own);
  or_free(program->allocator, frame.slots);
  return status;
}

/* Constants are the program's. */
static void let_go(or_program_frame_t *frame, uint32_t slot) {
  if (frame->slots[slot] != frame->program->constants[slot]) or_alive_remove(frame->alive, frame->slots[slot]);
  or_value_release(frame->slots[slot]);
  frame->slots[slot] = NULL;
}

or_value_t *or_frame_value(const or_program_frame_t *frame, or_value_id_t value) {
  return value == OR_NO_VALUE ? NULL : frame->slots[frame->program->slots[value]];
}

or_status_t or_frame_put(or_program_frame_t *frame, or_value_id_t value, or_value_t *content) {
  const uint32_t slot = value == OR_NO_VALUE ? OR_NO_SLOT : frame->program->slots[value];
  or_status_t status = or_status_success();
  const bool counted = slot != OR_NO_SLOT && content != frame->program->constants[slot];
  if (counted) status = or_alive_add(frame->alive, content);
  if (slot == OR_NO_SLOT || !or_ok(status)) {
    or_value_release(content);
    return status;
  }
  let_go(frame, slot);
  frame->slots[slot] = content;
  return counted ? or_expansion_check(&frame->alive->expansion, 0) : status;
}

or_status_t or_frame_put_tensor(or_program_frame_t *frame, or_value_id_t value, or_tensor_t *tensor) {
  or_value_t *content = NULL;
  or_status_t status = or_value_from_tensor(frame->program->allocator, tensor, &content);
  if (or_ok(status)) status = or_frame_put(frame, value, content);
  return status;
}

static or_status_t take_inputs(or_program_frame_t *frame) {
  const or_graph_t *graph = frame->program->graph;
  for (size_t i = 0; i < graph->input_count; ++i) {
    or_value_t *value = frame->run->inputs[i];
    if (value == NULL && or_frame_value(frame, graph->inputs[i]) == NULL) {
      return or_error(OR_INVALID_ARGUMENT, "input \"%s\" is missing and has no default",
                      graph->values[graph->inputs[i]].name);
    }
    if (value == NULL) continue;
    or_value_retain(value);
    or_status_t status = or_frame_put(frame, graph->inputs[i], value);
    if (!or_ok(status)) return status;
  }
  return or_status_success();
}

static or_status_t give_outputs(or_program_frame_t *frame) {
  const or_graph_t *graph = frame->program->graph;
  for (size_t i = 0; i < graph->output_count; ++i) {
    if (frame->run->wanted != NULL && !frame->run->wanted[i]) continue;
    or_value_t *value = or_frame_value(frame, graph->outputs[i]);
    if (value != NULL) {
      or_value_retain(value);
      frame->run->outputs[i] = value;
      continue;
    }
    for (size_t k = 0; k < i; ++k) {
      or_value_release(frame->run->outputs[k]);
      frame->run->outputs[k] = NULL;
    }
    return or_error(OR_INTERNAL, "output \"%s\" was not computed", graph->values[graph->outputs[i]].name);
  }
  return or_status_success();
}

/* Pieces. */

static or_status_t piece_session(or_program_t *program, or_step_t *step, or_session_t **out) {
  *out = atomic_load_explicit(&step->session, memory_order_acquire);
  if (*out != NULL) return or_status_success();
  or_mutex_lock(&program->mutex);
  or_status_t status = or_status_success();
  *out = atomic_load(&step->session);
  if (*out == NULL) {
    const or_graph_part_t part = {.nodes = step->nodes,
                                  .node_count = step->node_count,
                                  .inputs = step->inputs,
                                  .input_count = step->input_count,
                                  .outputs = step->outputs,
                                  .output_count = step->output_count};
    or_graph_t *graph = NULL;
    or_session_options_t options = program->options;
    options.strict = false; /* of the whole, which a piece can't tell */
    status = or_graph_extract(program->graph, &part, &graph);
    if (or_ok(status)) graph->model_bytes = program->model_bytes;
    if (or_ok(status))
      status = or_session_create_for_graph(program->runtime, graph, &options, (or_owner_t){NULL, NULL}, out);
    if (or_ok(status)) atomic_store_explicit(&step->session, *out, memory_order_release);
    or_graph_release(graph);
  }
  or_mutex_unlock(&program->mutex);
  return status;
}

static bool is_small(const or_program_frame_t *frame, const or_step_t *step) {
  uint64_t total = 0;
  if (!step->light) return false;
  for (uint32_t i = 0; i < step->input_count; ++i) {
    or_value_t *value = or_frame_value(frame, step->inputs[i]);
    or_tensor_t *tensor = value != NULL ? or_value_tensor(value) : NULL;
    if (tensor == NULL || or_tensor_count(tensor) > OR_PROGRAM_LIGHT_ELEMENTS) return false;
    total += or_tensor_count(tensor);
  }
  return total <= OR_PROGRAM_LIGHT_ELEMENTS;
}

static or_status_t bind_piece(const or_program_frame_t *frame, const or_step_t *step, or_binding_t *inputs) {
  const or_graph_t *graph = frame->program->graph;
  for (uint32_t i = 0; i < step->input_count; ++i) {
    or_value_t *value = or_frame_value(frame, step->inputs[i]);
    if (value == NULL || or_value_tensor(value) == NULL)
      return or_error(OR_INTERNAL, "value \"%s\" was not computed", graph->values[step->inputs[i]].name);
    inputs[i].tensor = or_value_tensor(value);
  }
  return or_status_success();
}

static or_status_t run_session(or_program_frame_t *frame, const or_step_t *step, or_session_t *session,
                               const or_binding_t *inputs, or_binding_t *outputs) {
  or_session_report_t *report = NULL;
  or_session_within_t within = {.cancel = frame->run->cancel, .expansion = &frame->alive->expansion};
  if (frame->run->report != NULL) within.report = &report;
  or_status_t status = or_session_run_within(session, inputs, step->input_count, outputs, step->output_count, &within);
  if (or_ok(status) && report != NULL) status = or_program_report_piece(frame, step, report);
  or_session_report_free(report);
  return status;
}

or_status_t or_step_piece(or_program_frame_t *frame, const or_step_t *step) {
  or_program_t *program = frame->program;
  or_session_t *session = NULL;
  or_binding_t *inputs = NULL;
  if (is_small(frame, step)) {
    or_status_t status = or_status_success();
    for (uint32_t n = 0; or_ok(status) && n < step->node_count; ++n) {
      const or_step_t one = {.name = step->name, .nodes = &step->nodes[n], .node_count = 1};
      status = or_step_node(frame, &one);
      if (!or_ok(status)) status = or_graph_node_error(program->graph, &program->graph->nodes[step->nodes[n]], status);
    }
    return status;
  }
  or_status_t status = piece_session(program, (or_step_t *)(uintptr_t)step, &session);
  if (or_ok(status))
    status = or_alloc_array(program->allocator, (size_t)step->input_count + step->output_count + 1, sizeof *inputs,
                            (void **)&inputs);
  if (!or_ok(status)) return status;
  or_binding_t *outputs = inputs + step->input_count;
  status = bind_piece(frame, step, inputs);
  if (or_ok(status)) status = run_session(frame, step, session, inputs, outputs);
  for (uint32_t i = 0; i < step->output_count; ++i) {
    if (or_ok(status)) status = or_frame_put_tensor(frame, step->outputs[i], outputs[i].tensor);
    or_tensor_release(outputs[i].tensor);
  }
  or_free(program->allocator, inputs);
  return status;
}
