/* Attention as exporters of PyTorch write it, found from its Softmax:
 *   MatMul(Q, K^T) [Mul | Div by a number, before, after, or of both operands] [Add of a mask | Where(mask, ., low)]
 *   Softmax [Where(IsNaN(.), 0, .)] MatMul(., V)
 * K^T by Transpose, by Transpose between two Reshapes, or of [B,N,H,D] at once; K and V by themselves or Concat(past,
 * .); around them the Reshape and Transpose from [B,N,H*D] and back. */
#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "graph/rewrite/attention_internal.h"

static bool match_forward(or_attention_match_t *m, uint32_t root);
static bool match_scores(or_attention_match_t *m, or_value_id_t value);
static bool match_product(or_attention_match_t *m, uint32_t product);
static bool match_value(or_attention_match_t *m, or_value_id_t value);
static void match_result(or_attention_match_t *m);

static const or_value_info_t *info(const or_attention_match_t *m, or_value_id_t value) {
  return &m->rewriter->graph->values[value];
}

static const or_node_t *at(const or_attention_match_t *m, uint32_t node) { return &m->rewriter->graph->nodes[node]; }

static bool add_part(or_attention_match_t *m, uint32_t node) {
  if (m->part_count == OR_ATTENTION_MAX_PARTS) return false;
  m->parts[m->part_count++] = node;
  return true;
}

bool or_attention_match(or_rewriter_t *rewriter, uint32_t root, or_attention_match_t *m) {
  const or_node_t *softmax = &rewriter->graph->nodes[root];
  *m = (or_attention_match_t){.rewriter = rewriter,
                              .mask = OR_NO_VALUE,
                              .scale = 1,
                              .y_transpose = UINT32_MAX,
                              .y_reshape = UINT32_MAX,
                              .name = softmax->name};
  const or_shape_t *shape = &rewriter->graph->values[softmax->inputs[0]].shape;
  int64_t axis = softmax->version < 13 ? 1 : -1;
  for (uint32_t i = 0; i < softmax->attribute_count; ++i) axis = softmax->attributes[i].integer; /* its only one */
  if (shape->rank != 4 || (axis != -1 && axis != 3)) return false;
  if (!add_part(m, root) || !match_scores(m, softmax->inputs[0]) || !match_forward(m, root)) return false;
  match_result(m);
  return true;
}

uint32_t or_attention_producer(const or_rewriter_t *rewriter, or_value_id_t value, const char *op) {
  if (value >= rewriter->value_count) return UINT32_MAX;
  uint32_t node = rewriter->producers[value];
  if (node == UINT32_MAX || rewriter->dead[node] || !or_rewrite_is(&rewriter->graph->nodes[node], op))
    return UINT32_MAX;
  return node;
}

/* The same, and nobody but one node reads the value. */
static uint32_t sole(const or_attention_match_t *m, or_value_id_t value, const char *op) {
  return or_rewrite_single_reader(m->rewriter, value) == UINT32_MAX ? UINT32_MAX
                                                                    : or_attention_producer(m->rewriter, value, op);
}

bool or_attention_scalar(const or_rewriter_t *rewriter, or_value_id_t value, double *out) {
  const or_constant_t *constant = or_rewrite_constant(rewriter, value);
  uint64_t count = 0;
  if (constant == NULL || constant->data == NULL || !or_shape_count(&constant->shape, &count) || count != 1)
    return false;
  if (constant->dtype != OR_FLOAT32 && constant->dtype != OR_FLOAT16 && constant->dtype != OR_FLOAT64 &&
      constant->dtype != OR_BFLOAT16)
    return false;
  *out = or_element_get(constant->dtype, constant->data, 0);
  return true;
}

bool or_attention_causal(const or_rewriter_t *rewriter, or_value_id_t value, int64_t queries, int64_t total,
                         int64_t past) {
  const or_constant_t *constant = or_rewrite_constant(rewriter, value);
  if (constant == NULL || constant->data == NULL || constant->shape.rank < 2) return false;
  const or_shape_t *shape = &constant->shape;
  for (int32_t d = 0; d + 2 < shape->rank; ++d) {
    if (shape->dims[d] != 1) return false;
  }
  if (shape->dims[shape->rank - 2] != queries || shape->dims[shape->rank - 1] != total) return false;
  for (int64_t i = 0; i < queries; ++i) {
    for (int64_t j = 0; j < total; ++j) {
      double is = or_element_get(constant->dtype, constant->data, (uint64_t)(i * total + j));
      bool sees = constant->dtype == OR_BOOL ? is != 0 : is == 0,
           hides = constant->dtype == OR_BOOL ? is == 0 : is <= OR_ATTENTION_HIDES;
      if (!(j <= i + past ? sees : hides)) return false;
    }
  }
  return true;
}

/* Mul or Div of `value` by a number: the number goes into *scale, the other operand is *out. */
static bool match_scaling(or_attention_match_t *m, or_value_id_t value, double *scale, or_value_id_t *out) {
  uint32_t mul = sole(m, value, "Mul"), div = sole(m, value, "Div"), node = mul != UINT32_MAX ? mul : div;
  double number = 0;
  if (node == UINT32_MAX) return false;
  const or_node_t *it = at(m, node);
  uint32_t operand = 0;
  if (!or_attention_scalar(m->rewriter, it->inputs[1], &number)) {
    if (node == div || !or_attention_scalar(m->rewriter, it->inputs[0], &number)) return false;
    operand = 1;
  }
  if (!or_shape_equal(&info(m, it->inputs[operand])->shape, &info(m, value)->shape) || !add_part(m, node)) return false;
  *scale = node == mul ? *scale * number : *scale / number;
  *out = it->inputs[operand];
  return true;
}

/* Where the walk over masks has come to; masks it can't read end it. */
static bool match_mask(or_attention_match_t *m, or_value_id_t value, or_value_id_t *scores);

static bool match_scores(or_attention_match_t *m, or_value_id_t value) {
  or_value_id_t next = value;
  while (match_mask(m, value, &next)) value = next;
  while (match_scaling(m, value, &m->scale, &next)) value = next;
  uint32_t product = sole(m, value, "MatMul");
  m->scores = value;
  return product != UINT32_MAX && add_part(m, product) && match_product(m, product);
}

static bool take_mask(or_attention_match_t *m, or_value_id_t mask) {
  if (m->mask_count == sizeof m->masks / sizeof *m->masks) return false;
  m->masks[m->mask_count++] = mask;
  return true;
}

static bool leads_to_scores(const or_attention_match_t *m, or_value_id_t value) {
  static const char *const ops[] = {"MatMul", "Mul", "Div", "Where", "Add"};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; ++i) {
    uint32_t node = sole(m, value, ops[i]);
    if (node == UINT32_MAX) continue;
    if (i == 0) return true;
    /* One step further is enough to tell scores from masks: a mask is not made by a product. */
    const or_node_t *it = at(m, node);
    for (uint32_t k = 0; k < it->input_count; ++k) {
      if (sole(m, it->inputs[k], "MatMul") != UINT32_MAX || sole(m, it->inputs[k], "Mul") != UINT32_MAX ||
          sole(m, it->inputs[k], "Div") != UINT32_MAX)
        return true;
    }
  }
  return false;
}

static bool match_add(or_attention_match_t *m, uint32_t node, or_value_id_t *scores) {
  const or_node_t *add = at(m, node);
  for (uint32_t operand = 0; operand < 2; ++operand) {
    or_value_id_t mask = add->inputs[1 - operand];
    if (!leads_to_scores(m, add->inputs[operand])) continue;
    if (!or_shape_equal(&info(m, add->inputs[operand])->shape, &info(m, add->outputs[0])->shape)) continue;
    if (info(m, mask)->shape.rank > 4 || !take_mask(m, mask) || !add_part(m, node)) return false;
    *scores = add->inputs[operand];
    return true;
  }
  return false;
}

/* Where(seen, scores, low): as a bool mask. A low number that is not -inf counts in a row that is hidden as a whole, so
 * there `seen` must be known not to have one. */
static bool match_where(or_attention_match_t *m, uint32_t node, or_value_id_t *scores) {
  const or_node_t *where = at(m, node);
  double low = 0;
  if (!or_attention_scalar(m->rewriter, where->inputs[2], &low) || low > OR_ATTENTION_HIDES) return false;
  if (!or_shape_equal(&info(m, where->inputs[1])->shape, &info(m, where->outputs[0])->shape)) return false;
  const or_shape_t *shape = &info(m, where->outputs[0])->shape;
  int64_t queries = shape->dims[2], total = shape->dims[3];
  bool causal = or_attention_causal(m->rewriter, where->inputs[0], queries, total, total - queries) ||
                or_attention_causal(m->rewriter, where->inputs[0], queries, total, 0);
  if (!causal && !(low == -INFINITY)) return false;
  if (info(m, where->inputs[0])->shape.rank > 4 || !leads_to_scores(m, where->inputs[1])) return false;
  if (!take_mask(m, where->inputs[0]) || !add_part(m, node)) return false;
  *scores = where->inputs[1];
  return true;
}

static bool match_mask(or_attention_match_t *m, or_value_id_t value, or_value_id_t *scores) {
  uint32_t add = sole(m, value, "Add"), where = sole(m, value, "Where");
  if (add != UINT32_MAX) return match_add(m, add, scores);
  return where != UINT32_MAX && match_where(m, where, scores);
}

static bool perm_is(const or_node_t *transpose, const int64_t *perm, size_t count) {
  for (uint32_t i = 0; i < transpose->attribute_count; ++i) {
    const or_attribute_t *attribute = &transpose->attributes[i];
    if (strcmp(attribute->name, "perm") == 0)
      return attribute->count == count && memcmp(attribute->integers, perm, count * sizeof *perm) == 0;
  }
  return false;
}

static const int64_t swap_heads[] = {0, 2, 1, 3}, swap_last[] = {0, 1, 3, 2}, keys_at_once[] = {0, 2, 3, 1},
                     swap_of_three[] = {0, 2, 1};

static uint32_t transpose_of(const or_attention_match_t *m, or_value_id_t value, const int64_t *perm, size_t count) {
  uint32_t node = sole(m, value, "Transpose");
  return node != UINT32_MAX && perm_is(at(m, node), perm, count) ? node : UINT32_MAX;
}

static bool is_read_once(const or_attention_match_t *m, or_value_id_t value) {
  return or_rewrite_single_reader(m->rewriter, value) != UINT32_MAX;
}

/* [B,N,H,D] as a Reshape of [B,N,H*D]. Where others read it too it is no part: it stays, and is not read here. */
static bool match_split_heads(const or_attention_match_t *m, or_value_id_t value, or_attention_operand_t *out) {
  uint32_t reshape = or_attention_producer(m->rewriter, value, "Reshape");
  if (reshape == UINT32_MAX) return false;
  const or_shape_t *from = &info(m, at(m, reshape)->inputs[0])->shape, *to = &info(m, value)->shape;
  if (from->rank != 3 || to->rank != 4 || from->dims[0] != to->dims[0] || from->dims[1] != to->dims[1]) return false;
  out->flat = at(m, reshape)->inputs[0];
  if (is_read_once(m, value)) out->flat_parts[out->flat_count++] = reshape;
  return true;
}

/* heads may be the Transpose of such a one; if so, it is noted. A Transpose that stays keeps what it reads. */
static void match_flat(const or_attention_match_t *m, or_attention_operand_t *operand) {
  uint32_t transpose = or_attention_producer(m->rewriter, operand->heads, "Transpose");
  if (transpose == UINT32_MAX || !perm_is(at(m, transpose), swap_heads, 4)) return;
  if (!match_split_heads(m, at(m, transpose)->inputs[0], operand)) return;
  if (is_read_once(m, operand->heads)) {
    operand->flat_parts[operand->flat_count++] = transpose;
  } else {
    operand->flat_count = 0;
  }
}

static bool extra(or_attention_operand_t *operand, uint32_t node) {
  if (operand->extra_count == sizeof operand->extra / sizeof *operand->extra) return false;
  operand->extra[operand->extra_count++] = node;
  return true;
}

/* Concat(past, new rows) along the rows. Its result may be an output of the graph or read by others. */
static bool match_past(const or_attention_match_t *m, or_value_id_t value, or_attention_operand_t *operand) {
  uint32_t node = or_attention_producer(m->rewriter, value, "Concat");
  operand->heads = value;
  operand->past = operand->present = OR_NO_VALUE;
  if (node == UINT32_MAX) return true;
  const or_node_t *concat = at(m, node);
  int64_t axis = concat->attribute_count == 1 ? concat->attributes[0].integer : 0;
  if (concat->input_count != 2 || (axis != 2 && axis != -2)) return true; /* some other way to make them */
  operand->past = concat->inputs[0];
  operand->heads = concat->inputs[1];
  operand->present = value;
  return extra(operand, node);
}

static bool match_key(or_attention_match_t *m, or_value_id_t value) {
  or_attention_operand_t *k = &m->k;
  *k = (or_attention_operand_t){.flat = OR_NO_VALUE, .heads = OR_NO_VALUE, .past = OR_NO_VALUE, .present = OR_NO_VALUE};
  const or_shape_t *shape = &info(m, value)->shape;
  uint32_t node = transpose_of(m, value, keys_at_once, 4);
  if (node != UINT32_MAX) {
    if (!match_split_heads(m, at(m, node)->inputs[0], k)) return false;
    k->flat_parts[k->flat_count++] = node;
    return true;
  }
  node = transpose_of(m, value, swap_last, 4);
  if (node != UINT32_MAX) return extra(k, node) && match_past(m, at(m, node)->inputs[0], k);
  uint32_t outer = sole(m, value, "Reshape");
  if (outer == UINT32_MAX) return false;
  node = transpose_of(m, at(m, outer)->inputs[0], swap_of_three, 3);
  uint32_t inner = node == UINT32_MAX ? UINT32_MAX : sole(m, at(m, node)->inputs[0], "Reshape");
  if (inner == UINT32_MAX) return false;
  or_value_id_t heads = at(m, inner)->inputs[0];
  const or_shape_t *from = &info(m, heads)->shape, *merged = &info(m, at(m, inner)->outputs[0])->shape;
  bool same = from->rank == 4 && shape->rank == 4 && from->dims[0] == shape->dims[0] &&
              from->dims[1] == shape->dims[1] && from->dims[2] == shape->dims[3] && from->dims[3] == shape->dims[2] &&
              merged->dims[1] == from->dims[2] && merged->dims[2] == from->dims[3];
  return same && extra(k, outer) && extra(k, node) && extra(k, inner) && match_past(m, heads, k);
}

static bool match_product(or_attention_match_t *m, uint32_t product) {
  or_value_id_t q = at(m, product)->inputs[0], k = at(m, product)->inputs[1], next = OR_NO_VALUE;
  if (info(m, q)->shape.rank != 4 || info(m, k)->shape.rank != 4) return false;
  while (match_scaling(m, q, &m->scale, &next)) q = next;
  while (match_scaling(m, k, &m->scale, &next)) k = next;
  m->q = (or_attention_operand_t){.heads = q, .flat = OR_NO_VALUE, .past = OR_NO_VALUE, .present = OR_NO_VALUE};
  match_flat(m, &m->q);
  if (!match_key(m, k)) return false;
  if (m->k.heads != OR_NO_VALUE) match_flat(m, &m->k);
  return true;
}

/* From the Softmax to the product with V. */
static bool match_forward(or_attention_match_t *m, uint32_t root) {
  const or_rewriter_t *rewriter = m->rewriter;
  or_value_id_t value = at(m, root)->outputs[0];
  uint32_t reader = rewriter->reader[value];
  if (rewriter->consumers[value] == 2 && reader != UINT32_MAX && or_rewrite_is(at(m, reader), "Where")) {
    const or_node_t *where = at(m, reader);
    double zero = 1;
    uint32_t is_nan = sole(m, where->inputs[0], "IsNaN");
    if (is_nan == UINT32_MAX || at(m, is_nan)->inputs[0] != value || where->inputs[2] != value) return false;
    if (!or_attention_scalar(rewriter, where->inputs[1], &zero) || zero != 0) return false;
    if (!add_part(m, is_nan) || !add_part(m, reader)) return false;
    value = where->outputs[0];
  }
  uint32_t product = or_rewrite_single_reader(rewriter, value);
  if (product == UINT32_MAX || !or_rewrite_is(at(m, product), "MatMul") || at(m, product)->inputs[0] != value)
    return false;
  m->y = at(m, product)->outputs[0];
  return add_part(m, product) && match_value(m, at(m, product)->inputs[1]);
}

static bool match_value(or_attention_match_t *m, or_value_id_t value) {
  m->v = (or_attention_operand_t){.flat = OR_NO_VALUE};
  if (info(m, value)->shape.rank != 4 || !match_past(m, value, &m->v)) return false;
  match_flat(m, &m->v);
  return true;
}

/* Transpose and Reshape behind the result. */
static void match_result(or_attention_match_t *m) {
  uint32_t transpose = or_rewrite_single_reader(m->rewriter, m->y);
  if (transpose == UINT32_MAX || !or_rewrite_is(at(m, transpose), "Transpose") ||
      !perm_is(at(m, transpose), swap_heads, 4))
    return;
  uint32_t reshape = or_rewrite_single_reader(m->rewriter, at(m, transpose)->outputs[0]);
  if (reshape == UINT32_MAX || !or_rewrite_is(at(m, reshape), "Reshape")) return;
  m->y_transpose = transpose;
  m->y_reshape = reshape;
  m->y_flat = at(m, reshape)->outputs[0];
}
