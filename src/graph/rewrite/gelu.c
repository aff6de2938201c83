/* Gelu of its parts (Hendrycks and Gimpel, "Gaussian error linear units", 2016): x/2 (1 + erf(x / sqrt 2)), and with
 * tanh(sqrt(2/pi) (x + 0.044715 x^3)) for erf, in whatever order the factors are written. */
#include <string.h>

#include "graph/rewrite/rewrite_internal.h"

#define SQRT_HALF 0.70710678118654752440
#define SQRT_2_OVER_PI 0.79788456080286535588
#define CUBIC 0.044715
#define MAX_DEPTH 6        /* nodes between tanh and the power of x */
#define MAX_CANDIDATES 16u /* values that may be x */

static const or_polynomial_t result = {.c = {[1] = {0.5, 0.5}}};

static or_status_t replace(or_rewriter_t *rewriter, uint32_t root, or_value_id_t x, const or_polynomial_t *argument,
                           const char *approximate, bool *done);

or_status_t or_rewrite_gelu_erf(or_rewriter_t *rewriter, uint32_t root) {
  static const or_polynomial_t argument = {.c = {[1] = {SQRT_HALF, 0}}};
  uint32_t scaling = or_rewrite_producer(rewriter, rewriter->graph->nodes[root].inputs[0]);
  if (scaling == UINT32_MAX) return or_status_success();
  double factor = 0;
  bool done = false;
  or_value_id_t x = or_rewrite_beside_scalar(rewriter, &rewriter->graph->nodes[scaling], &factor);
  return x == OR_NO_VALUE ? or_status_success() : replace(rewriter, root, x, &argument, "none", &done);
}

/* The operand of a product that is multiplied again: of (v * v), or of ((a * v) * v); OR_NO_VALUE: none. */
static or_value_id_t repeated_factor(const or_rewriter_t *rewriter, const or_node_t *mul) {
  if (mul->input_count != 2 || mul->inputs[0] == mul->inputs[1]) return mul->inputs[0];
  for (uint32_t i = 0; i < 2; ++i) {
    uint32_t other = or_rewrite_producer(rewriter, mul->inputs[1 - i]);
    if (other == UINT32_MAX || !or_rewrite_is(&rewriter->graph->nodes[other], "Mul")) continue;
    if (or_rewrite_other(&rewriter->graph->nodes[other], mul->inputs[i]) != OR_NO_VALUE) return mul->inputs[i];
  }
  return OR_NO_VALUE;
}

/* Values under a power, or multiplied by themselves, on the way up from `value`. */
static void find_candidates(const or_rewriter_t *rewriter, or_value_id_t value, int depth, or_value_id_t *candidates,
                            uint32_t *count) {
  uint32_t index = or_rewrite_producer(rewriter, value);
  if (index == UINT32_MAX || depth == MAX_DEPTH) return;
  const or_node_t *node = &rewriter->graph->nodes[index];
  bool product = or_rewrite_is(node, "Mul");
  or_value_id_t candidate = or_rewrite_is(node, "Pow") ? node->inputs[0] : OR_NO_VALUE;
  if (product) candidate = repeated_factor(rewriter, node);
  if (candidate != OR_NO_VALUE && *count < MAX_CANDIDATES) candidates[(*count)++] = candidate;
  for (uint32_t i = 0; i < node->input_count && (product || or_rewrite_is(node, "Add")); ++i)
    find_candidates(rewriter, node->inputs[i], depth + 1, candidates, count);
}

or_status_t or_rewrite_gelu_tanh(or_rewriter_t *rewriter, uint32_t root) {
  static const or_polynomial_t argument = {.c = {[1] = {SQRT_2_OVER_PI, 0}, [3] = {SQRT_2_OVER_PI * CUBIC, 0}}};
  or_value_id_t candidates[MAX_CANDIDATES];
  uint32_t count = 0;
  bool done = false;
  or_status_t status = or_status_success();
  find_candidates(rewriter, rewriter->graph->nodes[root].inputs[0], 0, candidates, &count);
  for (uint32_t i = 0; or_ok(status) && !done && i < count; ++i)
    status = replace(rewriter, root, candidates[i], &argument, "tanh", &done);
  return status;
}

static or_status_t replace(or_rewriter_t *rewriter, uint32_t root, or_value_id_t x, const or_polynomial_t *argument,
                           const char *approximate, bool *done) {
  const or_node_t *function = &rewriter->graph->nodes[root];
  or_match_t match = {.rewriter = rewriter};
  *done = false;
  if (!or_rewrite_is_float(rewriter, x) || !or_match_add(&match, root)) return or_status_success();
  if (!or_polynomial_is(&match, function->inputs[0], x, OR_NO_VALUE, argument)) return or_status_success();
  or_value_id_t y = or_polynomial_after(&match, x, function->outputs[0], &result);
  if (y == OR_NO_VALUE) return or_status_success();
  *done = true;
  or_attribute_t form = {.name = "approximate",
                         .kind = OR_ATTRIBUTE_STRING,
                         .string = {.data = approximate, .length = strlen(approximate)}};
  or_node_t gelu = {.domain = "",
                    .op = "Gelu",
                    .inputs = &x,
                    .input_count = 1,
                    .outputs = &y,
                    .output_count = 1,
                    .attributes = &form,
                    .attribute_count = 1};
  return or_match_replace(rewriter, &match, &gelu);
}
