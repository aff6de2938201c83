#include "graph/graph_internal.h"

static void drop_copies(or_node_call_t *self);
static void set_tensors(or_op_tensor_t *tensors, const or_value_info_t *values, const or_value_id_t *ids,
                        uint32_t count);

or_status_t or_node_call_bind(or_node_call_t *self, const or_value_info_t *values, const or_node_t *node) {
  drop_copies(self);
  const or_op_t *op = node->definition != NULL ? node->definition : or_op_find(node->domain, node->op);
  if (op == NULL) return or_error(OR_UNIMPLEMENTED, "no such operator in domain \"%s\"", node->domain);
  size_t needed = (size_t)node->input_count + node->output_count + 1; /* never none: `outputs` points into the array */
  or_status_t status =
      or_grow_array(self->allocator, needed, sizeof *self->tensors, (void **)&self->tensors, &self->tensor_capacity);
  if (!or_ok(status)) return status;
  or_op_tensor_t *outputs = self->tensors + node->input_count;
  set_tensors(self->tensors, values, node->inputs, node->input_count);
  set_tensors(outputs, values, node->outputs, node->output_count);
  self->call = (or_op_call_t){.op = op,
                              .node = node,
                              .inputs = self->tensors,
                              .input_count = node->input_count,
                              .outputs = outputs,
                              .output_count = node->output_count,
                              .allocator = self->allocator};
  return or_status_success();
}

or_status_t or_node_call_load(or_node_call_t *self, uint32_t index, const or_constant_t *constant) {
  void *data = (void *)constant->data; /* references do not write to inputs */
  if (data == NULL) {
    or_status_t status = or_grow_array(self->allocator, self->copy_count + 1, sizeof *self->copies,
                                       (void **)&self->copies, &self->copy_capacity);
    if (or_ok(status)) status = or_alloc(self->allocator, constant->bytes, &data);
    if (!or_ok(status)) return status;
    self->copies[self->copy_count++] = data;
    if (constant->bytes > 0) status = constant->read(constant, 0, data, constant->bytes);
    if (!or_ok(status)) return status;
  }
  self->tensors[index].data = data;
  return or_status_success();
}

void or_node_call_deinit(or_node_call_t *self) {
  drop_copies(self);
  or_free(self->allocator, self->copies);
  or_free(self->allocator, self->tensors);
}

static void drop_copies(or_node_call_t *self) {
  for (size_t i = 0; i < self->copy_count; ++i) or_free(self->allocator, self->copies[i]);
  self->copy_count = 0;
}

static void set_tensors(or_op_tensor_t *tensors, const or_value_info_t *values, const or_value_id_t *ids,
                        uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    tensors[i] = (or_op_tensor_t){.dtype = OR_DTYPE_NONE};
    if (ids[i] == OR_NO_VALUE) continue;
    tensors[i].dtype = values[ids[i]].dtype;
    tensors[i].shape = values[ids[i]].shape;
    tensors[i].form = values[ids[i]].form;
  }
}
