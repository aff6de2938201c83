/* What patterns ask about values and attributes. */
#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "graph/rewrite/rewrite_internal.h"

#define SCALAR_BYTES 16u /* an element of any dtype */

bool or_rewrite_scalar(const or_rewriter_t *rewriter, or_value_id_t value, double *out) {
  const or_constant_t *constant = or_rewrite_constant(rewriter, value);
  uint64_t count = 0;
  _Alignas(SCALAR_BYTES) char element[SCALAR_BYTES];
  if (constant == NULL || !or_shape_count(&constant->shape, &count) || count != 1) return false;
  if (constant->bytes > sizeof element || (OR_DTYPE_BIT(constant->dtype) & OR_OP_NUMERIC) == 0) return false;
  if (constant->data != NULL) {
    memcpy(element, constant->data, constant->bytes);
  } else {
    or_status_t status = constant->read(constant, 0, element, constant->bytes);
    if (!or_ok(status)) {
      or_status_ignore(status); /* no pattern then; the node that reads it says so when it is compiled */
      return false;
    }
  }
  *out = or_element_get(constant->dtype, element, 0);
  return true;
}

bool or_rewrite_close(or_dtype_t dtype, double value, double expected) {
  double tolerance = dtype == OR_FLOAT16 ? 1e-3 : dtype == OR_BFLOAT16 ? 8e-3 : 2e-6;
  return fabs(value - expected) <= tolerance * fabs(expected);
}

or_value_id_t or_rewrite_other(const or_node_t *node, or_value_id_t value) {
  if (node->input_count != 2 || node->inputs[0] == node->inputs[1]) return OR_NO_VALUE;
  if (node->inputs[0] == value) return node->inputs[1];
  return node->inputs[1] == value ? node->inputs[0] : OR_NO_VALUE;
}

or_value_id_t or_rewrite_beside_scalar(const or_rewriter_t *rewriter, const or_node_t *node, double *scalar) {
  for (uint32_t i = 0; node->input_count == 2 && i < 2; ++i) {
    if (or_rewrite_scalar(rewriter, node->inputs[i], scalar)) return node->inputs[1 - i];
  }
  return OR_NO_VALUE;
}

const or_attribute_t *or_rewrite_attribute(const or_node_t *node, const char *name) {
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    if (strcmp(node->attributes[i].name, name) == 0) return &node->attributes[i];
  }
  return NULL;
}

int64_t or_rewrite_int(const or_node_t *node, const char *name, int64_t fallback) {
  const or_attribute_t *attribute = or_rewrite_attribute(node, name);
  return attribute != NULL ? attribute->integer : fallback;
}

double or_rewrite_float(const or_node_t *node, const char *name, double fallback) {
  const or_attribute_t *attribute = or_rewrite_attribute(node, name);
  return attribute != NULL ? (double)attribute->real : fallback;
}

bool or_rewrite_is_float(const or_rewriter_t *rewriter, or_value_id_t value) {
  return (OR_DTYPE_BIT(rewriter->graph->values[value].dtype) & OR_OP_FLOATS) != 0;
}

bool or_rewrite_same_type(const or_rewriter_t *rewriter, or_value_id_t a, or_value_id_t b) {
  if (a == OR_NO_VALUE || b == OR_NO_VALUE) return false;
  const or_value_info_t *x = &rewriter->graph->values[a], *y = &rewriter->graph->values[b];
  return x->dtype == y->dtype && or_shape_is_static(&x->shape) && or_shape_equal(&x->shape, &y->shape);
}

or_status_t or_rewrite_fill(or_rewriter_t *rewriter, or_dtype_t dtype, or_shape_t shape, double element,
                            or_value_id_t *out) {
  or_graph_t *graph = rewriter->graph;
  or_constant_t *constant = NULL;
  void *memory = NULL;
  uint64_t count = 0;
  or_status_t status = or_graph_constant_begin(graph, dtype, shape, &memory, &constant);
  if (or_ok(status)) status = or_graph_add_value(graph, "", 0, dtype, &shape, out);
  if (!or_ok(status) || !or_shape_count(&shape, &count)) return status;
  for (uint64_t i = 0; i < count; ++i) or_element_set(dtype, memory, i, element);
  or_graph_constant_end(constant);
  graph->values[*out].constant = constant;
  return status;
}
