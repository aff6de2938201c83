#include "ops/node_view.h"

#include <math.h>
#include <string.h>

#include "base/string.h"
#include "ops/activation.h"

#define REASON_BYTES 160

static bool make_call(or_node_view_t *view, or_op_tensor_t *inputs, or_op_tensor_t *outputs, char *reason);
static bool read_epilogue(or_node_view_t *view, char *reason);

or_status_t or_node_view_make(or_arena_t *arena, const or_subgraph_t *subgraph, const or_node_t *node,
                              or_node_view_t *out, bool *known, char reason[160]) {
  *known = false;
  reason[0] = '\0';
  bool fused = or_node_is_fused(node);
  or_node_view_t view = {.subgraph = subgraph, .node = node, .core = fused ? &node->parts[0] : node, .fused = fused};
  view.epilogue = (or_epilogue_t){.bias = OR_NO_VALUE, .residual = OR_NO_VALUE};
  void *inputs = NULL, *outputs = NULL;
  or_status_t status = or_arena_array(arena, (size_t)view.core->input_count + 1, sizeof(or_op_tensor_t), &inputs);
  if (or_ok(status)) {
    status = or_arena_array(arena, (size_t)view.core->output_count + 1, sizeof(or_op_tensor_t), &outputs);
  }
  if (!or_ok(status)) return status;
  *known = make_call(&view, inputs, outputs, reason) && (!fused || read_epilogue(&view, reason));
  view.call.allocator = arena->allocator;
  *out = view;
  return or_status_success();
}

const or_constant_t *or_view_constant_of(const or_node_view_t *view, or_value_id_t value) {
  return value == OR_NO_VALUE ? NULL : view->subgraph->values[value].constant;
}

static const or_op_t *definition_of(const or_node_t *node) {
  return node->definition != NULL ? node->definition : or_op_find(node->domain, node->op);
}

static or_op_tensor_t tensor_of(const or_subgraph_t *subgraph, or_value_id_t value) {
  or_op_tensor_t tensor = {.dtype = OR_DTYPE_NONE};
  if (value == OR_NO_VALUE) return tensor;
  const or_value_info_t *info = &subgraph->values[value];
  tensor.dtype = info->dtype;
  tensor.shape = info->shape;
  if (info->constant != NULL) tensor.data = (void *)(uintptr_t)info->constant->data; /* only read, as an input's */
  return tensor;
}

static bool make_call(or_node_view_t *view, or_op_tensor_t *inputs, or_op_tensor_t *outputs, char *reason) {
  const or_node_t *core = view->core;
  const or_op_t *op = definition_of(core);
  if (op == NULL || op->reference == NULL) {
    or_format(reason, REASON_BYTES, "operator \"%s\" of domain \"%s\" is not known here", core->op, core->domain);
    return false;
  }
  for (uint32_t i = 0; i < core->input_count; ++i) inputs[i] = tensor_of(view->subgraph, core->inputs[i]);
  for (uint32_t i = 0; i < core->output_count; ++i) outputs[i] = tensor_of(view->subgraph, core->outputs[i]);
  view->call = (or_op_call_t){
      .op = op,
      .node = core,
      .inputs = inputs,
      .input_count = core->input_count,
      .outputs = outputs,
      .output_count = core->output_count,
  };
  return true;
}

/* Where the parts of a fused node have got to. */
typedef struct reader_t {
  or_node_view_t *view;
  or_value_id_t current;
  bool activated;
} reader_t;

static bool is(const or_node_t *part, const char *op) {
  return strcmp(part->op, op) == 0 &&
         (part->domain == NULL || part->domain[0] == '\0' || strcmp(part->domain, "ai.onnx") == 0);
}

/* The operand of a two-operand part that is not the running result; OR_NO_VALUE if the part does not use the result
 * exactly once. */
static or_value_id_t other_operand(const or_node_t *part, or_value_id_t current) {
  if (part->input_count != 2 || part->inputs[0] == part->inputs[1]) return OR_NO_VALUE;
  if (part->inputs[0] == current) return part->inputs[1];
  return part->inputs[1] == current ? part->inputs[0] : OR_NO_VALUE;
}

/* One element a channel, broadcast along all else. */
static bool is_per_channel(const or_shape_t *operand, const or_shape_t *result, int32_t channel_axis) {
  if (operand->rank > result->rank || !or_shape_is_static(operand)) return false;
  int32_t shift = result->rank - operand->rank;
  for (int32_t i = 0; i < operand->rank; ++i) {
    int64_t expected = i + shift == channel_axis ? result->dims[channel_axis] : 1;
    if (operand->dims[i] != expected) return false;
  }
  return channel_axis >= shift || result->dims[channel_axis] == 1;
}

static bool read_add(reader_t *reader, const or_node_t *part) {
  or_epilogue_t *epilogue = &reader->view->epilogue;
  or_value_id_t other = other_operand(part, reader->current);
  if (other == OR_NO_VALUE) return false;
  const or_value_info_t *result = &reader->view->subgraph->values[reader->current];
  const or_value_info_t *operand = &reader->view->subgraph->values[other];
  if (operand->dtype != result->dtype) return false;
  int32_t channel_axis = strcmp(reader->view->core->op, "Conv") == 0 ? 1 : result->shape.rank - 1;
  if (channel_axis < 0) return false;
  if (epilogue->bias == OR_NO_VALUE && is_per_channel(&operand->shape, &result->shape, channel_axis)) {
    epilogue->bias = other;
    return true;
  }
  if (epilogue->residual != OR_NO_VALUE || !or_shape_equal(&operand->shape, &result->shape)) return false;
  epilogue->residual = other;
  return true;
}

/* A bound of Clip: an attribute before version 11, a constant input since. */
static bool read_bound(const reader_t *reader, const or_node_t *part, const char *attribute, uint32_t input,
                       float *bound) {
  for (uint32_t i = 0; i < part->attribute_count; ++i) {
    if (strcmp(part->attributes[i].name, attribute) == 0) *bound = part->attributes[i].real;
  }
  if (input >= part->input_count || part->inputs[input] == OR_NO_VALUE) return true;
  const or_constant_t *constant = or_view_constant_of(reader->view, part->inputs[input]);
  if (constant == NULL || constant->data == NULL || constant->dtype != OR_FLOAT32 || constant->bytes != sizeof(float)) {
    return false;
  }
  memcpy(bound, constant->data, sizeof *bound);
  return !isnan(*bound);
}

static bool read_clip(const reader_t *reader, const or_node_t *part, or_act_t *act) {
  float limit = or_clip_default(part->version);
  *act = (or_act_t){OR_ACT_CLIP, -limit, limit};
  return read_bound(reader, part, "min", 1, &act->lo) && read_bound(reader, part, "max", 2, &act->hi);
}

static bool read_gelu(const or_node_t *part, or_act_t *act) {
  act->kind = OR_ACT_GELU_ERF;
  for (uint32_t i = 0; i < part->attribute_count; ++i) {
    const or_attribute_t *attribute = &part->attributes[i];
    if (strcmp(attribute->name, "approximate") != 0) continue;
    if (attribute->string.length == 4 && memcmp(attribute->string.data, "tanh", 4) == 0) {
      act->kind = OR_ACT_GELU_TANH;
    }
  }
  return true;
}

/* x * sigmoid(alpha x): only the common alpha of 1. */
static bool read_swish(const or_node_t *part, or_act_t *act) {
  act->kind = OR_ACT_SILU;
  for (uint32_t i = 0; i < part->attribute_count; ++i) {
    const or_attribute_t *attribute = &part->attributes[i];
    if (strcmp(attribute->name, "alpha") == 0 && attribute->real != 1.0F) return false;
  }
  return true;
}

static float real_attribute(const or_node_t *part, const char *name, float fallback) {
  for (uint32_t i = 0; i < part->attribute_count; ++i) {
    if (strcmp(part->attributes[i].name, name) == 0) return part->attributes[i].real;
  }
  return fallback;
}

static bool read_leaky_relu(const or_node_t *part, or_act_t *act) {
  *act = (or_act_t){.kind = OR_ACT_LEAKY_RELU, .lo = real_attribute(part, "alpha", 0.01F)};
  return isfinite(act->lo);
}

static bool read_hard_sigmoid(const or_node_t *part, or_act_t *act) {
  *act = (or_act_t){
      .kind = OR_ACT_HARD_SIGMOID, .lo = real_attribute(part, "alpha", 0.2F), .hi = real_attribute(part, "beta", 0.5F)};
  return isfinite(act->lo) && isfinite(act->hi);
}

bool or_view_read_activation(const or_node_t *node, or_act_t *act) {
  *act = (or_act_t){.kind = OR_ACT_NONE};
  if (node->input_count != 1) return false;
  if (is(node, "Gelu")) return read_gelu(node, act);
  if (is(node, "Swish")) return read_swish(node, act);
  if (is(node, "LeakyRelu")) return read_leaky_relu(node, act);
  if (is(node, "HardSigmoid")) return read_hard_sigmoid(node, act);
  act->kind = is(node, "Relu")        ? OR_ACT_RELU
              : is(node, "Sigmoid")   ? OR_ACT_SIGMOID
              : is(node, "Tanh")      ? OR_ACT_TANH
              : is(node, "HardSwish") ? OR_ACT_HARD_SWISH
                                      : OR_ACT_NONE;
  return act->kind != OR_ACT_NONE;
}

static bool read_activation(reader_t *reader, const or_node_t *part) {
  or_act_t *act = &reader->view->epilogue.act;
  if (part->input_count < 1 || part->inputs[0] != reader->current) return false;
  reader->activated = true;
  if (is(part, "Clip")) return read_clip(reader, part, act);
  return or_view_read_activation(part, act);
}

/* x * sigmoid(x): a Sigmoid, then a Mul with what went into it. */
static bool is_silu(const or_node_t *sigmoid, const or_node_t *mul, or_value_id_t current) {
  if (!is(sigmoid, "Sigmoid") || !is(mul, "Mul") || mul->input_count != 2) return false;
  or_value_id_t gate = sigmoid->outputs[0];
  return sigmoid->inputs[0] == current && ((mul->inputs[0] == gate && mul->inputs[1] == current) ||
                                           (mul->inputs[1] == gate && mul->inputs[0] == current));
}

static bool read_epilogue(or_node_view_t *view, char *reason) {
  const or_node_t *node = view->node;
  reader_t reader = {.view = view, .current = view->core->output_count == 1 ? view->core->outputs[0] : OR_NO_VALUE};
  bool ok = reader.current != OR_NO_VALUE && node->output_count == 1;
  uint32_t i = 1;
  for (; ok && i < node->part_count; ++i) {
    const or_node_t *part = &node->parts[i];
    if (reader.activated || part->output_count != 1) {
      ok = false;
    } else if (i + 1 < node->part_count && is_silu(part, part + 1, reader.current)) {
      view->epilogue.act.kind = OR_ACT_SILU;
      reader.activated = true;
      ++i;
    } else {
      ok = is(part, "Add") ? read_add(&reader, part) : read_activation(&reader, part);
    }
    if (ok) reader.current = node->parts[i].outputs[0];
  }
  if (ok && reader.current == node->outputs[0]) return true;
  or_format(reason, REASON_BYTES, "%s with %s is not one step here", view->core->op,
            i > 1 && i <= node->part_count ? node->parts[i - 1].op : "these parts");
  return false;
}

bool or_view_is_alias(const or_node_view_t *view) {
  static const char *const names[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"};
  if (view->fused || view->call.op->domain[0] != '\0' || view->call.output_count != 1) return false;
  const or_op_tensor_t *from = or_view_input(view, 0), *to = or_view_output(view, 0);
  bool moves = from->dtype == to->dtype && from->dtype != OR_STRING && or_view_bytes(from) == or_view_bytes(to);
  for (size_t i = 0; moves && i < sizeof names / sizeof *names; ++i) {
    if (strcmp(view->call.op->name, names[i]) == 0) return true;
  }
  return false;
}
