/* LayerNormalization of its parts (Ba, Kiros and Hinton, "Layer normalization", 2016): d = x - mean(x), then
 * d / sqrt(mean(d^2) + epsilon) [* scale] [+ bias], the quotient also as a product with the reciprocal. */
#include <string.h>

#include "graph/rewrite/rewrite_internal.h"

#define MAX_ONES 65536u /* elements of a scale that has to be made */

typedef struct norm_t {
  or_rewriter_t *rewriter;
  or_match_t match;
  or_value_id_t x, deviation, y, scale, bias;
  int32_t axis; /* first that is normalised */
  double epsilon;
} norm_t;

static bool match_deviation(norm_t *norm, or_value_id_t value);
static bool match_root(norm_t *norm, or_value_id_t value, bool inverse);
static bool match_variance(norm_t *norm, or_value_id_t value);
static bool match_mean(norm_t *norm, or_value_id_t value, or_value_id_t *of);
static bool match_axes(norm_t *norm, const or_node_t *mean);
static void take_affine(norm_t *norm);
static bool covers_axes(const norm_t *norm, or_value_id_t value);
static or_status_t make_ones(norm_t *norm);
static or_status_t replace(norm_t *norm);

or_status_t or_rewrite_layer_norm(or_rewriter_t *rewriter, uint32_t root) {
  const or_node_t *last = &rewriter->graph->nodes[root];
  bool quotient = or_rewrite_is(last, "Div");
  if (last->input_count != 2 || last->output_count != 1) return or_status_success();
  for (uint32_t i = 0; i < 2; ++i) { /* which factor is the deviation */
    norm_t norm = {.rewriter = rewriter, .match = {.rewriter = rewriter}, .scale = OR_NO_VALUE, .bias = OR_NO_VALUE};
    norm.axis = INT32_MAX;
    if (quotient && i == 1) break;
    if (!or_match_add(&norm.match, root) || !match_deviation(&norm, last->inputs[i])) continue;
    if (!match_root(&norm, last->inputs[1 - i], !quotient)) continue;
    norm.y = last->outputs[0];
    if (!or_rewrite_same_type(rewriter, norm.x, norm.y) || !or_match_is_closed(&norm.match, &norm.y, 1)) continue;
    take_affine(&norm);
    return replace(&norm);
  }
  return or_status_success();
}

static bool match_deviation(norm_t *norm, or_value_id_t value) {
  const or_node_t *sub = or_match_producer(&norm->match, value, "Sub");
  or_value_id_t of = OR_NO_VALUE;
  if (sub == NULL || !match_mean(norm, sub->inputs[1], &of) || of != sub->inputs[0]) return false;
  norm->x = of;
  norm->deviation = value;
  return or_rewrite_is_float(norm->rewriter, of);
}

/* sqrt(variance + epsilon), or with `inverse` one over that. */
static bool match_root(norm_t *norm, or_value_id_t value, bool inverse) {
  const or_rewriter_t *rewriter = norm->rewriter;
  const or_node_t *node = or_match_producer(&norm->match, value, "Pow");
  double exponent = 0;
  if (node != NULL) {
    if (!or_rewrite_scalar(rewriter, node->inputs[1], &exponent) || exponent != (inverse ? -0.5 : 0.5)) return false;
    return match_variance(norm, node->inputs[0]);
  }
  if (inverse) {
    double one = 0;
    node = or_match_producer(&norm->match, value, "Reciprocal");
    if (node == NULL) {
      node = or_match_producer(&norm->match, value, "Div");
      if (node == NULL || !or_rewrite_scalar(rewriter, node->inputs[0], &one) || one != 1) return false;
    }
    value = node->inputs[node->input_count - 1];
  }
  node = or_match_producer(&norm->match, value, "Sqrt");
  return node != NULL && match_variance(norm, node->inputs[0]);
}

static bool match_variance(norm_t *norm, or_value_id_t value) {
  const or_node_t *add = or_match_producer(&norm->match, value, "Add");
  or_value_id_t square = OR_NO_VALUE;
  double exponent = 0;
  if (add == NULL) return false;
  or_value_id_t variance = or_rewrite_beside_scalar(norm->rewriter, add, &norm->epsilon);
  if (!(norm->epsilon >= 0) || !match_mean(norm, variance, &square)) return false;
  const or_node_t *node = or_match_producer(&norm->match, square, "Mul");
  if (node != NULL) return node->inputs[0] == norm->deviation && node->inputs[1] == norm->deviation;
  node = or_match_producer(&norm->match, square, "Pow");
  return node != NULL && node->inputs[0] == norm->deviation &&
         or_rewrite_scalar(norm->rewriter, node->inputs[1], &exponent) && exponent == 2;
}

/* The mean over the last axes, which stay with extent 1; every mean of one norm over the same. */
static bool match_mean(norm_t *norm, or_value_id_t value, or_value_id_t *of) {
  const or_node_t *mean = or_match_producer(&norm->match, value, "ReduceMean");
  if (mean == NULL || or_rewrite_int(mean, "keepdims", 1) == 0 || !match_axes(norm, mean)) return false;
  *of = mean->inputs[0];
  return true;
}

static bool match_axes(norm_t *norm, const or_node_t *mean) {
  const or_graph_t *graph = norm->rewriter->graph;
  int32_t rank = graph->values[mean->inputs[0]].shape.rank;
  const or_attribute_t *attribute = or_rewrite_attribute(mean, "axes");
  const int64_t *axes = attribute != NULL ? attribute->integers : NULL;
  size_t count = attribute != NULL ? attribute->count : 0;
  if (mean->input_count > 1 && mean->inputs[1] != OR_NO_VALUE) {
    const or_constant_t *constant = or_rewrite_constant(norm->rewriter, mean->inputs[1]);
    if (constant == NULL || constant->data == NULL || constant->dtype != OR_INT64) return false;
    axes = constant->data;
    count = constant->bytes / sizeof(int64_t);
  }
  if (rank < 1 || rank > OR_MAX_RANK || count < 1 || count > (size_t)rank) return false;
  bool marked[OR_MAX_RANK] = {false};
  for (size_t i = 0; i < count; ++i) {
    int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (axis < 0 || axis >= rank || marked[axis]) return false;
    marked[axis] = true;
  }
  int32_t first = rank - (int32_t)count;
  for (int32_t d = first; d < rank; ++d) {
    if (!marked[d]) return false;
  }
  if (norm->axis == INT32_MAX) norm->axis = first;
  return norm->axis == first;
}

/* [* scale] [+ bias], where they follow and have the extents that are normalised. */
static void take_affine(norm_t *norm) {
  const or_rewriter_t *rewriter = norm->rewriter;
  for (int step = 0; step < 2; ++step) {
    uint32_t next = or_rewrite_single_reader(rewriter, norm->y);
    if (next == UINT32_MAX) return;
    const or_node_t *node = &rewriter->graph->nodes[next];
    bool scales = step == 0 && or_rewrite_is(node, "Mul");
    if (!scales && !or_rewrite_is(node, "Add")) return;
    or_value_id_t other = or_rewrite_other(node, norm->y);
    if (!covers_axes(norm, other) || !or_rewrite_same_type(rewriter, norm->x, node->outputs[0])) return;
    if (!or_match_add(&norm->match, next)) return;
    *(scales ? &norm->scale : &norm->bias) = other;
    norm->y = node->outputs[0];
    if (!scales) return;
  }
}

/* Extents as those that are normalised, and nothing but ones before them. */
static bool covers_axes(const norm_t *norm, or_value_id_t value) {
  const or_graph_t *graph = norm->rewriter->graph;
  if (value == OR_NO_VALUE) return false;
  const or_shape_t *shape = &graph->values[value].shape, *x = &graph->values[norm->x].shape;
  int32_t before = shape->rank - (x->rank - norm->axis);
  if (before < 0 || shape->rank > x->rank || graph->values[value].dtype != graph->values[norm->x].dtype) return false;
  for (int32_t d = 0; d < shape->rank; ++d) {
    if (shape->dims[d] != (d < before ? 1 : x->dims[norm->axis + d - before])) return false;
  }
  return true;
}

static or_status_t replace(norm_t *norm) {
  if (norm->scale == OR_NO_VALUE) {
    or_status_t status = make_ones(norm);
    if (!or_ok(status) || norm->scale == OR_NO_VALUE) return status;
  }
  const or_attribute_t attributes[] = {{.name = "axis",
                                        .kind = OR_ATTRIBUTE_INT,
                                        .integer = norm->axis - norm->rewriter->graph->values[norm->x].shape.rank},
                                       {.name = "epsilon", .kind = OR_ATTRIBUTE_FLOAT, .real = (float)norm->epsilon}};
  const or_value_id_t inputs[] = {norm->x, norm->scale, norm->bias};
  or_node_t node = {.domain = "",
                    .op = "LayerNormalization",
                    .inputs = inputs,
                    .input_count = norm->bias != OR_NO_VALUE ? 3 : 2,
                    .outputs = &norm->y,
                    .output_count = 1,
                    .attributes = attributes,
                    .attribute_count = 2};
  return or_match_replace(norm->rewriter, &norm->match, &node);
}

static or_status_t make_ones(norm_t *norm) {
  or_graph_t *graph = norm->rewriter->graph;
  or_value_info_t x = graph->values[norm->x];
  or_shape_t shape = or_shape_make((size_t)(x.shape.rank - norm->axis), &x.shape.dims[norm->axis]);
  uint64_t count = 0;
  if (!or_shape_count(&shape, &count) || count > MAX_ONES) return or_status_success();
  return or_rewrite_fill(norm->rewriter, x.dtype, shape, 1, &norm->scale);
}
