/* Gather + Gather [+ Gather …] of rows -> one operator that reads each table once: a transformer's embeddings of token,
 * position and segment. */
#include "ops/embedding_sum.h"
#include "graph/rewrite/rewrite_internal.h"

typedef struct sum_t {
  or_match_t match;
  or_value_id_t inputs[2 * OR_EMBEDDING_MAX_TABLES];
  uint32_t input_count;
} sum_t;

static bool collect(sum_t *sum, or_value_id_t value, int depth);
static bool collect_gather(sum_t *sum, const or_node_t *gather);

or_status_t or_rewrite_embedding_sum(or_rewriter_t *rewriter, uint32_t root) {
  or_value_id_t y = rewriter->graph->nodes[root].outputs[0];
  sum_t sum = {.match = {.rewriter = rewriter}};
  if (!collect(&sum, y, 0) || sum.input_count < 4 || !or_match_is_closed(&sum.match, &y, 1)) return or_status_success();
  or_node_t node = {.domain = "openruntime",
                    .op = "EmbeddingSum",
                    .inputs = sum.inputs,
                    .input_count = sum.input_count,
                    .outputs = &y,
                    .output_count = 1};
  return or_match_replace(rewriter, &sum.match, &node);
}

static bool collect(sum_t *sum, or_value_id_t value, int depth) {
  const or_node_t *gather = or_match_producer(&sum->match, value, "Gather");
  if (gather != NULL) return collect_gather(sum, gather);
  const or_node_t *add = depth < (int)OR_EMBEDDING_MAX_TABLES ? or_match_producer(&sum->match, value, "Add") : NULL;
  return add != NULL && add->input_count == 2 && collect(sum, add->inputs[0], depth + 1) &&
         collect(sum, add->inputs[1], depth + 1);
}

/* Whole rows of a matrix, as wide as those of the first. */
static bool collect_gather(sum_t *sum, const or_node_t *gather) {
  const or_value_info_t *values = sum->match.rewriter->graph->values;
  const or_value_info_t *table = &values[gather->inputs[0]], *indices = &values[gather->inputs[1]];
  if (sum->input_count == 2 * OR_EMBEDDING_MAX_TABLES || table->shape.rank != 2 || indices->shape.rank < 0)
    return false;
  if (or_rewrite_int(gather, "axis", 0) != 0 || !or_rewrite_is_float(sum->match.rewriter, gather->inputs[0]))
    return false;
  if (sum->input_count > 0 && values[sum->inputs[0]].shape.dims[1] != table->shape.dims[1]) return false;
  sum->inputs[sum->input_count++] = gather->inputs[0];
  sum->inputs[sum->input_count++] = gather->inputs[1];
  return true;
}
