/* Common subexpressions: nodes with one operator, one set of attributes and the same inputs compute the same. */
#include <string.h>

#include "base/numbers.h"
#include "graph/rewrite/simplify_internal.h"

#define MAX_PROBES 16u /* so that a table with many equal hashes costs no more than linear time */

static bool may_share(const or_simplifier_t *simplifier, const or_node_t *node);
static uint64_t hash_of(const or_simplifier_t *simplifier, const or_node_t *node);
static bool same(const or_simplifier_t *simplifier, const or_node_t *a, const or_node_t *b);

void or_simplify_repeated(or_simplifier_t *simplifier, uint32_t n) {
  const or_graph_t *graph = simplifier->graph;
  const or_node_t *node = &graph->nodes[n];
  if (!may_share(simplifier, node)) return;
  size_t mask = simplifier->table_size - 1;
  uint64_t hash = hash_of(simplifier, node);
  simplifier->hashes[n] = hash;
  for (uint32_t probe = 0; probe < MAX_PROBES; ++probe) {
    uint32_t *entry = &simplifier->table[(hash + probe) & mask];
    if (*entry == UINT32_MAX) {
      *entry = n;
      return;
    }
    if (simplifier->hashes[*entry] != hash || !same(simplifier, &graph->nodes[*entry], node)) continue;
    for (uint32_t i = 0; i < node->output_count; ++i) {
      if (node->outputs[i] != OR_NO_VALUE) simplifier->same_as[node->outputs[i]] = graph->nodes[*entry].outputs[i];
    }
    simplifier->dead[n] = true;
    ++simplifier->repeated_count;
    return;
  }
}

/* Nothing that draws anew, nothing with a graph inside, no compute task (which is to be carried out as often as it is
 * asked for), and nothing whose result has a name outside. */
static bool may_share(const or_simplifier_t *simplifier, const or_node_t *node) {
  if (node->domain[0] != '\0' || node->part_count > 0 || node->output_count == 0) return false;
  if (!or_op_is_repeatable(node->definition, node)) return false;
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    if (node->attributes[i].kind == OR_ATTRIBUTE_GRAPH) return false;
  }
  for (uint32_t i = 0; i < node->output_count; ++i) {
    if (node->outputs[i] != OR_NO_VALUE && simplifier->is_output[node->outputs[i]]) return false;
  }
  return true;
}

static uint64_t hash_input(const or_simplifier_t *simplifier, or_value_id_t value, uint64_t seed) {
  const or_constant_t *constant = value == OR_NO_VALUE ? NULL : simplifier->graph->values[value].constant;
  uint64_t identity = constant != NULL ? constant->hash : value;
  return or_hash_bytes(&identity, sizeof identity, seed);
}

static uint64_t hash_of(const or_simplifier_t *simplifier, const or_node_t *node) {
  uint64_t hash = or_hash_bytes(node->op, strlen(node->op), node->output_count);
  for (uint32_t i = 0; i < node->input_count; ++i) hash = hash_input(simplifier, node->inputs[i], hash);
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    const or_attribute_t *attribute = &node->attributes[i];
    hash = or_hash_bytes(&attribute->integer, sizeof attribute->integer, hash);
    if (attribute->kind == OR_ATTRIBUTE_INTS)
      hash = or_hash_bytes(attribute->integers, attribute->count * sizeof(int64_t), hash);
  }
  return hash;
}

static bool same_constant(const or_constant_t *a, const or_constant_t *b) {
  if (a == b) return true;
  return a != NULL && b != NULL && a->hash == b->hash && a->dtype == b->dtype && a->bytes == b->bytes &&
         or_shape_equal(&a->shape, &b->shape);
}

static bool same_string(const or_string_t *a, const or_string_t *b) {
  return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

static bool same_attribute(const or_attribute_t *a, const or_attribute_t *b) {
  if (strcmp(a->name, b->name) != 0 || a->kind != b->kind) return false;
  switch (a->kind) {
  case OR_ATTRIBUTE_INT: return a->integer == b->integer;
  case OR_ATTRIBUTE_FLOAT: /* bits: NaN is itself, and 0 is not -0 */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    return memcmp(&a->real, &b->real, sizeof a->real) == 0;
  case OR_ATTRIBUTE_STRING: return same_string(&a->string, &b->string);
  case OR_ATTRIBUTE_TENSOR: return same_constant(a->tensor, b->tensor);
  case OR_ATTRIBUTE_INTS:
    return a->count == b->count && (a->count == 0 || memcmp(a->integers, b->integers, a->count * sizeof(int64_t)) == 0);
  case OR_ATTRIBUTE_FLOATS:
    return a->count == b->count && (a->count == 0 || memcmp(a->reals, b->reals, a->count * sizeof(float)) == 0);
  default: return false;
  }
}

static bool same(const or_simplifier_t *simplifier, const or_node_t *a, const or_node_t *b) {
  const or_value_info_t *values = simplifier->graph->values;
  if (strcmp(a->op, b->op) != 0 || a->version != b->version) return false;
  if (a->input_count != b->input_count || a->output_count != b->output_count) return false;
  if (a->attribute_count != b->attribute_count) return false;
  for (uint32_t i = 0; i < a->input_count; ++i) {
    or_value_id_t x = a->inputs[i], y = b->inputs[i];
    if (x == y) continue;
    if (x == OR_NO_VALUE || y == OR_NO_VALUE || values[x].constant == NULL) return false;
    if (!same_constant(values[x].constant, values[y].constant)) return false;
  }
  for (uint32_t i = 0; i < a->attribute_count; ++i) {
    if (!same_attribute(&a->attributes[i], &b->attributes[i])) return false;
  }
  for (uint32_t i = 0; i < a->output_count; ++i) { /* one that the first leaves out can't be read there */
    if (a->outputs[i] == OR_NO_VALUE && b->outputs[i] != OR_NO_VALUE) return false;
  }
  return true;
}
