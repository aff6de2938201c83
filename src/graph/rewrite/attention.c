/* Softmax between two products -> Attention, with the masks, the past and the transposes around it. */
#include "ops/attention.h"

#include <math.h>
#include <string.h>

#include "base/string.h"
#include "graph/rewrite/attention_internal.h"

#define VERSION 23 /* of the operator that is put in */
enum { INPUTS = 6, OUTPUTS = 3, ATTRIBUTES = 4 };

typedef struct attention_t {
  or_attention_match_t m;
  int64_t batch, heads, queries, total, past, head, value_head;
  bool with_past, flat;
  or_value_id_t y; /* what the operator gives */
} attention_t;

static bool read_extents(attention_t *a);
static bool choose_form(attention_t *a);
static bool choose_mask(attention_t *a);
static bool add_operands(attention_t *a);
static bool comes_last(const attention_t *a, uint32_t last);
static or_status_t put(attention_t *a, uint32_t last);

or_status_t or_rewrite_attention(or_rewriter_t *rewriter, uint32_t root) {
  attention_t a = {.flat = false};
  if (!or_attention_match(rewriter, root, &a.m) || !read_extents(&a) || !choose_form(&a) || !choose_mask(&a) ||
      !add_operands(&a))
    return or_status_success();
  uint32_t last = 0;
  for (uint32_t p = 0; p < a.m.part_count; ++p) last = a.m.parts[p] > last ? a.m.parts[p] : last;
  return comes_last(&a, last) ? put(&a, last) : or_status_success();
}

static const or_shape_t *shape_of(const attention_t *a, or_value_id_t value) {
  return &a->m.rewriter->graph->values[value].shape;
}

/* [B,H,N,D] of an operand, by whichever of its forms is there. */
static bool extents_of(const attention_t *a, const or_attention_operand_t *operand, int64_t out[4]) {
  if (operand->heads != OR_NO_VALUE) {
    const or_shape_t *shape = shape_of(a, operand->heads);
    if (shape->rank != 4) return false;
    memcpy(out, shape->dims, 4 * sizeof *out);
    return true;
  }
  const or_shape_t *flat = shape_of(a, operand->flat);
  out[0] = flat->dims[0];
  out[1] = a->heads;
  out[2] = flat->dims[1];
  out[3] = a->heads > 0 ? flat->dims[2] / a->heads : 0;
  return true;
}

static bool is_shape(const or_shape_t *shape, const int64_t dims[4]) {
  return shape->rank == 4 && memcmp(shape->dims, dims, 4 * sizeof *dims) == 0;
}

static bool read_extents(attention_t *a) {
  const or_attention_match_t *m = &a->m;
  const or_shape_t *scores = shape_of(a, m->scores);
  int64_t q[4], k[4], v[4];
  if (scores->rank != 4) return false;
  a->batch = scores->dims[0];
  a->heads = scores->dims[1];
  a->queries = scores->dims[2];
  a->total = scores->dims[3];
  if (!extents_of(a, &m->q, q) || !extents_of(a, &m->k, k) || !extents_of(a, &m->v, v)) return false;
  a->head = q[3];
  a->value_head = v[3];
  a->with_past = m->k.past != OR_NO_VALUE;
  if (a->with_past != (m->v.past != OR_NO_VALUE)) return false;
  a->past = a->total - k[2];
  bool fits = q[0] == a->batch && q[1] == a->heads && q[2] == a->queries && k[0] == a->batch && k[1] == a->heads &&
              k[3] == a->head && v[0] == a->batch && v[1] == a->heads && v[2] == k[2] && a->past >= 0 &&
              (a->with_past || a->past == 0) && a->heads > 0 && a->head > 0;
  if (!fits || !is_shape(shape_of(a, m->y), (int64_t[]){a->batch, a->heads, a->queries, a->value_head})) return false;
  const int64_t past[2][4] = {{a->batch, a->heads, a->past, a->head}, {a->batch, a->heads, a->past, a->value_head}};
  return !a->with_past || (is_shape(shape_of(a, m->k.past), past[0]) && is_shape(shape_of(a, m->v.past), past[1]));
}

/* All of three dimensions, so that the transposes go, or all of four. */
static bool choose_form(attention_t *a) {
  const or_attention_match_t *m = &a->m;
  a->flat =
      m->q.flat != OR_NO_VALUE && m->k.flat != OR_NO_VALUE && m->v.flat != OR_NO_VALUE && m->y_reshape != UINT32_MAX;
  a->y = m->y;
  return a->flat || m->k.heads != OR_NO_VALUE;
}

/* Where(seen, 0, -inf) that only this attention reads gives way to `seen`. */
static void open_mask(attention_t *a) {
  or_attention_match_t *m = &a->m;
  double zero = 1, low = 0;
  if (or_rewrite_single_reader(m->rewriter, m->mask) == UINT32_MAX) return;
  uint32_t node = or_attention_producer(m->rewriter, m->mask, "Where");
  if (node == UINT32_MAX || m->part_count == OR_ATTENTION_MAX_PARTS) return;
  const or_node_t *where = &m->rewriter->graph->nodes[node];
  if (!or_attention_scalar(m->rewriter, where->inputs[1], &zero) || zero != 0) return;
  if (!or_attention_scalar(m->rewriter, where->inputs[2], &low) || low != -INFINITY) return;
  if (!or_shape_equal(shape_of(a, where->inputs[0]), shape_of(a, m->mask))) return;
  m->parts[m->part_count++] = node;
  m->mask = where->inputs[0];
}

static bool choose_mask(attention_t *a) {
  or_attention_match_t *m = &a->m;
  const or_graph_t *graph = m->rewriter->graph;
  for (uint32_t i = 0; i < m->mask_count; ++i) {
    if (or_attention_causal(m->rewriter, m->masks[i], a->queries, a->total, a->with_past ? a->past : 0)) {
      m->causal = true;
    } else if (m->mask == OR_NO_VALUE) {
      m->mask = m->masks[i];
    } else {
      return false;
    }
  }
  if (m->mask == OR_NO_VALUE) return true;
  open_mask(a);
  const or_value_info_t *mask = &graph->values[m->mask];
  const int64_t scores[] = {a->batch, a->heads, a->queries, a->total};
  for (int32_t d = 0; d < mask->shape.rank; ++d) {
    int64_t extent = mask->shape.dims[d];
    if (extent != 1 && extent != scores[d + 4 - mask->shape.rank]) return false;
  }
  return mask->dtype == OR_BOOL || mask->dtype == graph->values[m->scores].dtype;
}

static bool add_part(attention_t *a, uint32_t node) {
  if (a->m.part_count == OR_ATTENTION_MAX_PARTS) return false;
  a->m.parts[a->m.part_count++] = node;
  return true;
}

static bool add_operands(attention_t *a) {
  const or_attention_operand_t *const operands[] = {&a->m.q, &a->m.k, &a->m.v};
  for (size_t i = 0; i < 3; ++i) {
    for (uint32_t p = 0; p < operands[i]->extra_count; ++p) {
      if (!add_part(a, operands[i]->extra[p])) return false;
    }
    for (uint32_t p = 0; a->flat && p < operands[i]->flat_count; ++p) {
      if (!add_part(a, operands[i]->flat_parts[p])) return false;
    }
  }
  return !a->flat || add_part(a, a->m.y_transpose);
}

static bool is_part(const attention_t *a, uint32_t node) {
  for (uint32_t p = 0; p < a->m.part_count; ++p) {
    if (a->m.parts[p] == node) return true;
  }
  return false;
}

/* The operator stands where the last of its parts stood: nobody may read what it gives before. */
static bool comes_last(const attention_t *a, uint32_t last) {
  const or_rewriter_t *rewriter = a->m.rewriter;
  if (!a->with_past) return true;
  for (uint32_t n = 0; n < last; ++n) {
    const or_node_t *node = &rewriter->graph->nodes[n];
    if (rewriter->dead[n] || is_part(a, n)) continue;
    for (uint32_t i = 0; i < node->input_count; ++i) {
      if (node->inputs[i] == a->m.k.present || node->inputs[i] == a->m.v.present) return false;
    }
  }
  return true;
}

static void sort_parts(attention_t *a) {
  for (uint32_t p = 1; p < a->m.part_count; ++p) {
    uint32_t part = a->m.parts[p], q = p;
    for (; q > 0 && a->m.parts[q - 1] > part; --q) a->m.parts[q] = a->m.parts[q - 1];
    a->m.parts[q] = part;
  }
}

/* A Reshape of the Transpose's result to three dimensions, for the parts' end where the graph has none. */
static or_status_t make_flat_result(attention_t *a, or_node_t *out) {
  or_graph_t *graph = a->m.rewriter->graph;
  const int64_t dims[] = {a->batch, a->queries, a->heads * a->value_head};
  or_shape_t flat = or_shape_make(3, dims), list = or_shape_make(1, (int64_t[]){3});
  or_value_id_t shape = OR_NO_VALUE;
  void *ids = NULL;
  size_t length = strlen(a->m.name);
  or_dtype_t dtype = graph->values[a->m.y].dtype;
  or_status_t status = or_graph_add_value(graph, a->m.name, length, dtype, &flat, &a->y);
  if (or_ok(status)) status = or_graph_add_value(graph, a->m.name, length, OR_INT64, &list, &shape);
  if (or_ok(status)) status = or_graph_constant(graph, OR_INT64, list, dims, &graph->values[shape].constant);
  if (or_ok(status)) status = or_arena_array(&graph->arena, 3, sizeof(or_value_id_t), &ids);
  if (!or_ok(status)) return status;
  or_value_id_t *values = ids;
  values[0] = graph->nodes[a->m.y_transpose].outputs[0];
  values[1] = shape;
  values[2] = a->y;
  *out = (or_node_t){.name = a->m.name,
                     .domain = "",
                     .op = "Reshape",
                     .version = 13,
                     .inputs = values,
                     .input_count = 2,
                     .outputs = values + 2,
                     .output_count = 1,
                     .definition = or_op_find("", "Reshape")};
  return status;
}

/* Where the Reshape behind the result makes the three dimensions it is a part too; else it stays and reads them. */
static or_status_t end_flat(attention_t *a, or_node_t *parts, uint32_t *part_count, uint32_t *last) {
  or_graph_t *graph = a->m.rewriter->graph;
  const or_shape_t *shape = shape_of(a, a->m.y_flat);
  const int64_t dims[] = {a->batch, a->queries, a->heads * a->value_head};
  if (shape->rank == 3 && memcmp(shape->dims, dims, sizeof dims) == 0) {
    a->y = a->m.y_flat;
    parts[(*part_count)++] = graph->nodes[a->m.y_reshape];
    a->m.parts[a->m.part_count++] = *last = a->m.y_reshape;
    return or_status_success();
  }
  or_status_t status = make_flat_result(a, &parts[*part_count]);
  if (!or_ok(status)) return status;
  ++*part_count;
  ((or_value_id_t *)graph->nodes[a->m.y_reshape].inputs)[0] = a->y; /* in this graph's arena */
  return status;
}

static or_status_t make_attributes(const attention_t *a, or_node_t *node) {
  void *memory = NULL;
  or_status_t status = or_arena_array(&a->m.rewriter->graph->arena, ATTRIBUTES, sizeof(or_attribute_t), &memory);
  if (!or_ok(status)) return status;
  or_attribute_t *attributes = memory;
  uint32_t count = 0;
  attributes[count++] = (or_attribute_t){.name = "scale", .kind = OR_ATTRIBUTE_FLOAT, .real = (float)a->m.scale};
  if (a->m.causal) attributes[count++] = (or_attribute_t){.name = "is_causal", .kind = OR_ATTRIBUTE_INT, .integer = 1};
  if (a->flat) {
    attributes[count++] = (or_attribute_t){.name = "q_num_heads", .kind = OR_ATTRIBUTE_INT, .integer = a->heads};
    attributes[count++] = (or_attribute_t){.name = "kv_num_heads", .kind = OR_ATTRIBUTE_INT, .integer = a->heads};
  }
  node->attributes = attributes;
  node->attribute_count = count;
  return status;
}

static void fill_ports(const attention_t *a, or_value_id_t *inputs, or_value_id_t *outputs, or_node_t *node) {
  const or_attention_match_t *m = &a->m;
  inputs[OR_ATTENTION_Q] = a->flat ? m->q.flat : m->q.heads;
  inputs[OR_ATTENTION_K] = a->flat ? m->k.flat : m->k.heads;
  inputs[OR_ATTENTION_V] = a->flat ? m->v.flat : m->v.heads;
  inputs[OR_ATTENTION_MASK] = m->mask;
  inputs[OR_ATTENTION_PAST_KEY] = m->k.past;
  inputs[OR_ATTENTION_PAST_VALUE] = m->v.past;
  outputs[0] = a->y;
  outputs[1] = m->k.present;
  outputs[2] = m->v.present;
  node->inputs = inputs;
  node->outputs = outputs;
  node->input_count = a->with_past ? INPUTS : m->mask != OR_NO_VALUE ? 4 : 3;
  node->output_count = a->with_past ? OUTPUTS : 1;
}

/* What the parts read the operator reads now. */
static void take_over_uses(attention_t *a, uint32_t last) {
  or_rewriter_t *rewriter = a->m.rewriter;
  for (uint32_t p = 0; p < a->m.part_count; ++p) {
    const or_node_t *part = &rewriter->graph->nodes[a->m.parts[p]];
    for (uint32_t i = 0; i < part->input_count; ++i) {
      or_value_id_t value = part->inputs[i];
      if (value < rewriter->value_count && is_part(a, rewriter->reader[value])) rewriter->reader[value] = last;
    }
  }
  for (uint32_t p = 0; p < a->m.part_count; ++p) rewriter->dead[a->m.parts[p]] = a->m.parts[p] != last;
  if (!a->with_past) return;
  rewriter->producers[a->m.k.present] = rewriter->producers[a->m.v.present] = last;
}

static or_status_t put(attention_t *a, uint32_t last) {
  or_graph_t *graph = a->m.rewriter->graph;
  void *parts = NULL, *inputs = NULL, *outputs = NULL;
  or_node_t node = {.name = a->m.name, .domain = "", .op = "Attention", .version = VERSION};
  sort_parts(a);
  or_status_t status = or_arena_array(&graph->arena, a->m.part_count + 1, sizeof(or_node_t), &parts);
  if (or_ok(status)) status = or_arena_array(&graph->arena, INPUTS, sizeof(or_value_id_t), &inputs);
  if (or_ok(status)) status = or_arena_array(&graph->arena, OUTPUTS, sizeof(or_value_id_t), &outputs);
  if (or_ok(status)) status = make_attributes(a, &node);
  if (!or_ok(status)) return status;
  or_node_t *part_nodes = parts;
  uint32_t part_count = 0;
  for (uint32_t p = 0; p < a->m.part_count; ++p) part_nodes[part_count++] = graph->nodes[a->m.parts[p]];
  if (a->flat) status = end_flat(a, part_nodes, &part_count, &last);
  if (!or_ok(status)) return status;
  fill_ports(a, inputs, outputs, &node);
  node.definition = &or_op_attention;
  node.parts = part_nodes;
  node.part_count = part_count;
  take_over_uses(a, last);
  or_rewrite_count(a->m.rewriter, part_count - 1);
  if (a->y < a->m.rewriter->value_count) a->m.rewriter->producers[a->y] = last;
  graph->nodes[last] = node;
  return status;
}
