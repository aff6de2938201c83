/* The door of a run: bindings by name or position, checked against the model, into the graph's order. */
#include <string.h>

#include "base/alloc.h"
#include "runtime/door.h"
#include "runtime/session_internal.h"

static or_status_t find_value(const or_graph_t *graph, const or_binding_t *binding, size_t position, bool input,
                              size_t *out);
static or_status_t bind_value(or_run_t *run, or_door_t *door, size_t index, or_value_t *value);
static or_status_t bind_inputs(or_run_t *run, const or_binding_t *inputs, size_t input_count);
static or_status_t bind_outputs(or_run_t *run, or_binding_t *outputs, size_t output_count);
static or_status_t read_deciding(or_run_t *run);

or_status_t or_run_bind(or_run_t *run, const or_binding_t *inputs, size_t input_count, or_binding_t *outputs,
                        size_t output_count) {
  or_status_t status = bind_inputs(run, inputs, input_count);
  if (or_ok(status)) status = bind_outputs(run, outputs, output_count);
  if (or_ok(status) && run->session->any_deciding) status = read_deciding(run);
  return status;
}

void or_run_unbind(or_run_t *run) {
  const or_graph_t *graph = run->session->graph;
  for (size_t i = 0; i < graph->input_count; ++i) {
    or_tensor_release(run->inputs[i]);
    run->inputs[i] = NULL;
  }
  for (size_t i = 0; run->values != NULL && i < graph->input_count + graph->output_count; ++i) {
    or_value_release(run->values[i]);
    run->values[i] = NULL;
  }
  for (size_t i = 0; i < graph->output_count; ++i) {
    if (run->given[i]) or_tensor_release(run->outputs[i]);
    run->outputs[i] = NULL;
    run->wanted[i] = run->given[i] = false;
  }
}

static or_status_t bind_value(or_run_t *run, or_door_t *door, size_t index, or_value_t *value) {
  const or_graph_t *graph = run->session->graph;
  const or_value_info_t *info = &graph->values[graph->inputs[index]];
  if (value == NULL)
    return or_error(OR_INVALID_ARGUMENT, "input \"%s\" is no tensor, and no value is given", info->name);
  if (run->values == NULL)
    return or_error(OR_INTERNAL, "input \"%s\" is no tensor, and the session has no program", info->name);
  if (run->values[index] != NULL) return or_error(OR_INVALID_ARGUMENT, "input \"%s\" is given twice", info->name);
  or_status_t status = or_door_check_value(door, index, value);
  if (!or_ok(status)) return status;
  or_value_retain(value);
  run->values[index] = value;
  return status;
}

static or_status_t bind_inputs(or_run_t *run, const or_binding_t *inputs, size_t input_count) {
  or_session_t *session = run->session;
  const or_graph_t *graph = session->graph;
  or_door_t door;
  or_door_open(&door, graph);
  for (size_t b = 0; b < input_count; ++b) {
    size_t index = 0;
    or_status_t status = find_value(graph, &inputs[b], b, true, &index);
    if (!or_ok(status)) return status;
    const char *name = graph->values[graph->inputs[index]].name;
    if (graph->values[graph->inputs[index]].form != OR_FORM_TENSOR) {
      status = bind_value(run, &door, index, inputs[b].value);
      if (!or_ok(status)) return status;
      continue;
    }
    if (inputs[b].tensor == NULL) return or_error(OR_INVALID_ARGUMENT, "input \"%s\": no tensor is given", name);
    if (run->inputs[index] != NULL) return or_error(OR_INVALID_ARGUMENT, "input \"%s\" is given twice", name);
    status = or_door_check_tensor(&door, index, or_tensor_dtype(inputs[b].tensor), or_tensor_shape(inputs[b].tensor));
    if (!or_ok(status)) return status;
    or_tensor_retain(inputs[b].tensor);
    run->inputs[index] = inputs[b].tensor;
  }
  for (size_t i = 0; i < graph->input_count; ++i) {
    const or_value_info_t *value = &graph->values[graph->inputs[i]];
    const or_tensor_t *tensor = run->inputs[i];
    if (run->values != NULL && run->values[i] != NULL) continue;
    if (tensor == NULL && value->constant == NULL) return or_door_missing(&door, i);
    run->key[i] = (or_graph_binding_t){.shape = tensor != NULL ? *or_tensor_shape(tensor) : value->constant->shape,
                                       .given = tensor != NULL};
  }
  return or_status_success();
}

static or_status_t bind_outputs(or_run_t *run, or_binding_t *outputs, size_t output_count) {
  const or_graph_t *graph = run->session->graph;
  for (size_t b = 0; b < output_count; ++b) {
    size_t index = 0;
    or_status_t status = find_value(graph, &outputs[b], b, false, &index);
    if (!or_ok(status)) return status;
    const or_value_info_t *value = &graph->values[graph->outputs[index]];
    if (run->wanted[index]) return or_error(OR_INVALID_ARGUMENT, "output \"%s\" is asked for twice", value->name);
    or_tensor_t *tensor = outputs[b].tensor;
    if (tensor != NULL && value->dtype != OR_DTYPE_NONE && or_tensor_dtype(tensor) != value->dtype) {
      return or_error(OR_INVALID_ARGUMENT, "output \"%s\": expected %s, got %s", value->name,
                      or_dtype_name(value->dtype), or_dtype_name(or_tensor_dtype(tensor)));
    }
    run->wanted[index] = true;
    run->given[index] = tensor != NULL;
    run->outputs[index] = tensor;
    if (tensor != NULL) or_tensor_retain(tensor);
  }
  run->results = outputs;
  run->result_count = output_count;
  return or_status_success();
}

/* Bindings mostly come in the graph's order, so the search starts at their own position. */
static or_status_t find_value(const or_graph_t *graph, const or_binding_t *binding, size_t position, bool input,
                              size_t *out) {
  const or_value_id_t *ids = input ? graph->inputs : graph->outputs;
  size_t count = input ? graph->input_count : graph->output_count;
  if (binding->name == NULL) {
    *out = position;
    if (position < count) return or_status_success();
    return or_error(OR_INVALID_ARGUMENT, "the model has %zu %s; number %zu is given", count,
                    input ? "inputs" : "outputs", position + 1);
  }
  for (size_t i = 0; i < count; ++i) {
    size_t index = (position + i) % count;
    if (strcmp(graph->values[ids[index]].name, binding->name) != 0) continue;
    *out = index;
    return or_status_success();
  }
  return or_door_unknown(graph, binding->name, input);
}

/* The content of deciding inputs belongs to the shape class: read where it lies, or copied from memory that the host
   can't reach. */
static or_status_t read_deciding(or_run_t *run) {
  or_session_t *session = run->session;
  const or_graph_t *graph = session->graph;
  size_t offset = 0;
  for (size_t i = 0; i < graph->input_count; ++i) {
    const or_tensor_t *tensor = run->inputs[i];
    if (!session->deciding[i] || tensor == NULL) continue;
    if (or_tensor_count(tensor) > OR_GRAPH_DECIDING_ELEMENTS) {
      return or_error(OR_OUT_OF_RANGE, "input \"%s\" decides a shape and has %llu elements; the limit is %u",
                      graph->values[graph->inputs[i]].name, (unsigned long long)or_tensor_count(tensor),
                      OR_GRAPH_DECIDING_ELEMENTS);
    }
    run->key[i].data = or_tensor_data(tensor);
    if (run->key[i].data == NULL) offset += or_align_up(or_tensor_bytes(tensor), sizeof(uint64_t));
  }
  if (offset == 0) return or_status_success();
  or_status_t status = or_grow_array(session->runtime->allocator, offset, 1, &run->content, &run->content_capacity);
  offset = 0;
  for (size_t i = 0; or_ok(status) && i < graph->input_count; ++i) {
    const or_tensor_t *tensor = run->inputs[i];
    if (!session->deciding[i] || tensor == NULL || run->key[i].data != NULL) continue;
    char *copy = (char *)run->content + offset;
    status = or_tensor_read(tensor, copy, or_tensor_bytes(tensor));
    run->key[i].data = copy;
    offset += or_align_up(or_tensor_bytes(tensor), sizeof(uint64_t));
  }
  return status;
}
