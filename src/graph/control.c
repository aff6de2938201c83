#include "graph/control.h"

#include <string.h>

#include "graph/expansion.h"
#include "graph/graph_internal.h"

#define LOOP_OWN_INPUTS 2u /* the count of iterations and the condition; a body has both as well */

static or_graph_t *own_body(or_graph_t *graph, const or_node_t *node, size_t index);
static void drop_captured(or_graph_t *body, uint32_t captured, uint32_t index);
static or_status_t check_counts(const or_op_call_t *call, const or_graph_t *body);
static void set_inputs(const or_op_call_t *call, or_graph_t *body);
static void set_map_inputs(const or_op_call_t *call, or_graph_t *body);
static or_status_t set_map_outputs(or_op_call_t *call, const or_graph_t *body);
static or_status_t join(or_op_tensor_t *output, uint32_t index, const or_value_info_t *value, bool first);
static or_status_t set_outputs(or_op_call_t *call, const or_graph_t *body);

bool or_node_is_control(const or_node_t *node) {
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    if (node->attributes[i].kind == OR_ATTRIBUTE_GRAPH) return true;
  }
  return false;
}

static const or_graph_t *body_named(const or_node_t *node, const char *name) {
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    const or_attribute_t *attribute = &node->attributes[i];
    if (attribute->kind == OR_ATTRIBUTE_GRAPH && strcmp(attribute->name, name) == 0) return attribute->graph;
  }
  return NULL;
}

static bool is_if(const or_node_t *node) { return strcmp(node->op, "If") == 0; }
static bool is_loop(const or_node_t *node) { return strcmp(node->op, "Loop") == 0; }
static bool is_map(const or_node_t *node) { return strcmp(node->op, "SequenceMap") == 0; }

const or_graph_t *or_node_body(const or_node_t *node, size_t index) {
  if (is_if(node)) return index < 2 ? body_named(node, index == 0 ? "then_branch" : "else_branch") : NULL;
  return index == 0 ? body_named(node, "body") : NULL;
}

static int64_t scan_inputs(const or_node_t *node) {
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    if (strcmp(node->attributes[i].name, "num_scan_inputs") == 0) return node->attributes[i].integer;
  }
  return 0;
}

or_node_carried_t or_node_carried(const or_node_t *node) {
  const uint32_t given = node->input_count - node->captured_count;
  uint32_t first = 0, scanned = 0;
  if (is_if(node) || is_map(node)) return (or_node_carried_t){.first = given};
  if (is_loop(node)) {
    first = LOOP_OWN_INPUTS;
  } else {
    first = node->version < 9 ? 1 : 0; /* the lengths of the sequences */
    scanned = (uint32_t)scan_inputs(node);
  }
  if (given < first + scanned) return (or_node_carried_t){.first = given};
  return (or_node_carried_t){.first = first, .count = given - first - scanned, .scanned = scanned};
}

/* Bodies are written to by the graph that holds them alone. */
static or_graph_t *own_body(or_graph_t *graph, const or_node_t *node, size_t index) {
  const or_graph_t *body = or_node_body(node, index);
  for (size_t i = 0; i < graph->body_count; ++i) {
    if (graph->bodies[i] == body) return graph->bodies[i];
  }
  return NULL;
}

or_status_t or_graph_give_constants(or_graph_t *graph, const bool *overridable, or_node_t *node) {
  or_value_id_t *ids = (or_value_id_t *)node->inputs; /* in this graph's arena */
  if (graph->parent != NULL) return or_status_success();
  const uint32_t given = node->input_count - node->captured_count;
  for (uint32_t i = 0; i < node->captured_count;) {
    const or_value_id_t v = ids[given + i];
    const or_constant_t *constant = v == OR_NO_VALUE || overridable[v] ? NULL : graph->values[v].constant;
    if (constant == NULL) {
      ++i;
      continue;
    }
    for (size_t b = 0; b < 2; ++b) {
      or_graph_t *body = own_body(graph, node, b);
      if (body == NULL) continue;
      if (body->input_count < node->captured_count)
        return or_error(OR_INTERNAL, "a body has fewer inputs than it reads from outside");
      or_value_info_t *value = &body->values[body->inputs[body->input_count - node->captured_count + i]];
      value->dtype = constant->dtype;
      value->shape = constant->shape;
      value->constant = constant;
      drop_captured(body, node->captured_count, i);
    }
    memmove(&ids[given + i], &ids[given + i + 1], (node->captured_count - i - 1) * sizeof *ids);
    --node->captured_count;
    --node->input_count;
  }
  return or_status_success();
}

static void drop_captured(or_graph_t *body, uint32_t captured, uint32_t index) {
  const size_t at = body->input_count - captured + index;
  memmove(&body->inputs[at], &body->inputs[at + 1], (body->input_count - at - 1) * sizeof *body->inputs);
  --body->input_count;
}

/* What is known at load may already tell that a branch can't be, a Split into four of five elements: models have such
 * branches for what they are not given. */
static or_status_t put_off_failure(or_graph_t *body, or_status_t status) {
  if (or_status_code(status) != OR_INVALID_ARGUMENT) return status;
  const char *message = or_status_message(status);
  or_status_t kept = or_arena_strndup(&body->arena, message, strlen(message), &body->failure);
  or_status_ignore(status); /* told when the branch is taken */
  return kept;
}

/* What folding spends in a body it spends of the whole. */
static or_status_t infer_own(or_graph_t *graph, or_graph_t *own) {
  own->model_bytes = or_graph_model_bytes(graph);
  own->folded_bytes = graph->folded_bytes;
  own->fold_work = graph->fold_work;
  own->cancel = graph->cancel;
  or_status_t status = or_graph_infer(own, NULL);
  own->cancel = NULL;
  graph->folded_bytes = own->folded_bytes;
  graph->fold_work = own->fold_work;
  return status;
}

static or_status_t infer_branches(or_graph_t *graph, or_op_call_t *call) {
  const or_graph_t *first = NULL;
  const or_graph_t *body = NULL;
  for (size_t b = 0; b < 2; ++b) {
    or_graph_t *own = graph->parent == NULL ? own_body(graph, call->node, b) : NULL;
    body = or_node_body(call->node, b);
    if (body == NULL) continue;
    or_status_t status = check_counts(call, body);
    if (!or_ok(status)) return status;
    if (own != NULL) {
      set_inputs(call, own);
      status = infer_own(graph, own);
      if (!or_ok(status)) status = put_off_failure(own, status);
    }
    for (uint32_t i = 0; or_ok(status) && body->failure == NULL && i < call->output_count; ++i)
      status = join(&call->outputs[i], i, &body->values[body->outputs[i]], first == NULL);
    if (!or_ok(status)) return status;
    if (body->failure == NULL) first = body;
  }
  if (first != NULL) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "%s",
                  body != NULL && body->failure != NULL ? body->failure : "it has no branch");
}

or_status_t or_graph_infer_bodies(or_graph_t *graph, or_op_call_t *call) {
  const or_graph_t *body = or_node_body(call->node, 0);
  or_graph_t *own = graph->parent == NULL ? own_body(graph, call->node, 0) : NULL;
  if (is_if(call->node)) return infer_branches(graph, call);
  if (body == NULL) return or_error(OR_INVALID_ARGUMENT, "it has no body");
  or_status_t status = check_counts(call, body);
  if (or_ok(status) && own != NULL) {
    if (is_map(call->node)) set_map_inputs(call, own);
    if (!is_map(call->node)) set_inputs(call, own);
    status = infer_own(graph, own);
  }
  if (!or_ok(status)) return status;
  return is_map(call->node) ? set_map_outputs(call, body) : set_outputs(call, body);
}

static or_status_t check_counts(const or_op_call_t *call, const or_graph_t *body) {
  const or_node_carried_t carried = or_node_carried(call->node);
  const bool loop = is_loop(call->node), branch = is_if(call->node), map = is_map(call->node);
  size_t inputs = (loop ? LOOP_OWN_INPUTS : 0) + carried.count + carried.scanned + call->node->captured_count;
  if (branch) inputs = call->node->captured_count;
  if (map) inputs = call->input_count;
  if (body->input_count != inputs) {
    return or_error(OR_INVALID_ARGUMENT, "a body has %zu inputs, expected %zu",
                    body->input_count - call->node->captured_count, inputs - call->node->captured_count);
  }
  const size_t own = loop ? 1 : 0; /* the condition */
  if (body->output_count != call->output_count + own || call->output_count < carried.count) {
    return or_error(OR_INVALID_ARGUMENT, "a body has %zu outputs, and the node has %u", body->output_count - own,
                    call->output_count);
  }
  return or_status_success();
}

/* Symbols are a graph's own: outside it their extent has no name. */
static or_shape_t nameless(const or_shape_t *shape) {
  or_shape_t result = *shape;
  for (int32_t d = 0; d < result.rank; ++d) {
    if (result.dims[d] < 0) result.dims[d] = OR_DIM_UNKNOWN;
  }
  return result;
}

static void set_input(or_graph_t *body, size_t index, const or_op_tensor_t *like, const or_shape_t *shape) {
  or_value_info_t *value = &body->values[body->inputs[index]];
  value->dtype = like->dtype;
  value->form = like->form;
  value->shape.rank = OR_RANK_UNKNOWN;
  if (shape != NULL) value->shape = nameless(shape);
}

static int64_t scan_axis(const or_op_call_t *call, const char *name, uint32_t index) {
  size_t count = 0;
  const int64_t *axes = or_op_attribute_ints(call, name, &count);
  return index < count ? axes[index] : 0;
}

/* Of a slice of x in the body: without the dimension that is cut, and in version 8 without the batch before it. */
static or_shape_t slice_shape(const or_op_call_t *call, const or_op_tensor_t *x, uint32_t index) {
  or_shape_t shape = {.rank = OR_RANK_UNKNOWN};
  const bool batched = call->node->version < 9;
  int64_t axis = batched ? 1 : scan_axis(call, "scan_input_axes", index);
  if (axis < 0) axis += x->shape.rank;
  if (axis < 0 || axis >= x->shape.rank) return shape; /* refused when it runs, if the rank is not known yet */
  shape.rank = 0;
  for (int32_t d = batched ? 1 : 0; d < x->shape.rank; ++d) {
    if (d != axis) shape.dims[shape.rank++] = x->shape.dims[d];
  }
  return shape;
}

/* Of SequenceMap: an element of each sequence, and tensors as they are. */
static void set_map_inputs(const or_op_call_t *call, or_graph_t *body) {
  for (uint32_t i = 0; i < call->input_count; ++i) {
    or_op_tensor_t element = call->inputs[i];
    const bool sequence = element.form == OR_FORM_SEQUENCE && i < call->input_count - call->node->captured_count;
    if (sequence) element.form = OR_FORM_TENSOR;
    set_input(body, i, &element, sequence ? NULL : &element.shape);
  }
}

static or_status_t set_map_outputs(or_op_call_t *call, const or_graph_t *body) {
  for (uint32_t i = 0; i < call->output_count; ++i) {
    const or_value_info_t *value = &body->values[body->outputs[i]];
    if (value->form != OR_FORM_TENSOR)
      return or_error(OR_INVALID_ARGUMENT, "what the body gives as number %u is no tensor", i);
    call->outputs[i] = (or_op_tensor_t){.dtype = value->dtype, .form = OR_FORM_SEQUENCE, .shape.rank = OR_RANK_UNKNOWN};
  }
  return or_status_success();
}

/* What is carried may have another shape in every iteration. */
static void set_inputs(const or_op_call_t *call, or_graph_t *body) {
  static const or_op_tensor_t own[LOOP_OWN_INPUTS] = {{.dtype = OR_INT64}, {.dtype = OR_BOOL}};
  static const or_shape_t scalar = {.rank = 0};
  const or_node_carried_t carried = or_node_carried(call->node);
  size_t next = 0;
  for (uint32_t i = 0; is_loop(call->node) && i < LOOP_OWN_INPUTS; ++i) set_input(body, next++, &own[i], &scalar);
  for (uint32_t i = 0; i < carried.count; ++i) set_input(body, next++, &call->inputs[carried.first + i], NULL);
  for (uint32_t i = 0; i < carried.scanned; ++i) {
    const or_op_tensor_t *x = &call->inputs[carried.first + carried.count + i];
    const or_shape_t slice = slice_shape(call, x, i);
    set_input(body, next++, x, &slice);
  }
  for (uint32_t i = call->input_count - call->node->captured_count; i < call->input_count; ++i)
    set_input(body, next++, &call->inputs[i], &call->inputs[i].shape);
}

static or_status_t join(or_op_tensor_t *output, uint32_t index, const or_value_info_t *value, bool first) {
  if (first) {
    *output = (or_op_tensor_t){.dtype = value->dtype, .form = value->form, .shape = nameless(&value->shape)};
    return or_status_success();
  }
  if (output->dtype != value->dtype || output->form != value->form) {
    return or_error(OR_INVALID_ARGUMENT, "output %u is %s%s in one branch and %s%s in the other", index,
                    output->form == OR_FORM_TENSOR ? "" : "not a tensor but of ", or_dtype_name(output->dtype),
                    value->form == OR_FORM_TENSOR ? "" : "not a tensor but of ", or_dtype_name(value->dtype));
  }
  if (output->shape.rank != value->shape.rank) output->shape.rank = OR_RANK_UNKNOWN;
  for (int32_t d = 0; d < output->shape.rank; ++d) {
    if (output->shape.dims[d] != value->shape.dims[d]) output->shape.dims[d] = OR_DIM_UNKNOWN;
  }
  return or_status_success();
}

/* What goes in as an optional may come out, and go in again, as what an optional of that kind holds. */
static bool may_hold(or_value_form_t optional, or_value_form_t form) {
  return (optional == OR_FORM_OPTIONAL_TENSOR && form == OR_FORM_TENSOR) ||
         (optional == OR_FORM_OPTIONAL_SEQUENCE && form == OR_FORM_SEQUENCE);
}

/* Of a Loop or Scan. A scan output has one dimension more than in the body, whose extent is known when it has run. */
static or_status_t set_outputs(or_op_call_t *call, const or_graph_t *body) {
  const or_node_carried_t carried = or_node_carried(call->node);
  const uint32_t own = is_loop(call->node) ? 1 : 0;
  for (uint32_t i = 0; i < call->output_count; ++i) {
    const or_value_info_t *value = &body->values[body->outputs[own + i]];
    or_op_tensor_t *output = &call->outputs[i];
    *output = (or_op_tensor_t){.dtype = value->dtype, .form = value->form, .shape.rank = OR_RANK_UNKNOWN};
    if (i >= carried.count) {
      if (value->form != OR_FORM_TENSOR)
        return or_error(OR_INVALID_ARGUMENT, "scan output %u of the body is no tensor", i - carried.count);
      continue;
    }
    const or_op_tensor_t *input = &call->inputs[carried.first + i];
    if (input->dtype == value->dtype && (input->form == value->form || may_hold(input->form, value->form))) continue;
    return or_error(OR_INVALID_ARGUMENT, "what is carried as number %u goes in as %s of %s and comes out as %s of %s",
                    i, or_op_form_name(input->form), or_dtype_name(input->dtype), or_op_form_name(value->form),
                    or_dtype_name(value->dtype));
  }
  if (own == 0) return or_status_success();
  const or_value_info_t *condition = &body->values[body->outputs[0]];
  if (condition->dtype == OR_BOOL && condition->form == OR_FORM_TENSOR) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "the condition that the body gives is %s, expected bool",
                  or_dtype_name(condition->dtype));
}
