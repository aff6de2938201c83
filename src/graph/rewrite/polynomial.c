/* Activations are written in many orders: x * (1 + t) * 0.5, 0.5 * x * (1 + t), x/2 + x/2 * t. All of them are one
 * polynomial in x and in t, the value of the function within. */
#include <string.h>

#include "graph/rewrite/rewrite_internal.h"

#define MAX_DEPTH 8  /* nodes above each other */
#define MAX_STEPS 6u /* nodes from t to the result */

typedef struct walk_t {
  or_match_t *match;
  or_value_id_t x, t;
} walk_t;

static bool evaluate(walk_t *walk, or_value_id_t value, int depth, or_polynomial_t *out);
static bool evaluate_node(walk_t *walk, const or_node_t *node, int depth, or_polynomial_t *out);
static bool multiply(const or_polynomial_t *a, const or_polynomial_t *b, or_polynomial_t *out);
static bool power(const or_polynomial_t *base, double exponent, or_polynomial_t *out);
static bool divide(const or_polynomial_t *a, const or_polynomial_t *b, or_polynomial_t *out);

bool or_polynomial_is(or_match_t *match, or_value_id_t value, or_value_id_t x, or_value_id_t t,
                      const or_polynomial_t *expected) {
  or_polynomial_t found;
  walk_t walk = {match, x, t};
  or_dtype_t dtype = match->rewriter->graph->values[x].dtype;
  if (!evaluate(&walk, value, 0, &found)) return false;
  for (int i = 0; i < OR_POLYNOMIAL_X; ++i) {
    for (int j = 0; j < OR_POLYNOMIAL_T; ++j) {
      if (!or_rewrite_close(dtype, found.c[i][j], expected->c[i][j])) return false;
    }
  }
  return true;
}

or_value_id_t or_polynomial_after(or_match_t *match, or_value_id_t x, or_value_id_t t,
                                  const or_polynomial_t *expected) {
  const or_rewriter_t *rewriter = match->rewriter;
  or_value_id_t value = t;
  for (uint32_t step = 0; step < MAX_STEPS; ++step) {
    uint32_t reader = or_rewrite_single_reader(rewriter, value);
    if (reader == UINT32_MAX || rewriter->graph->nodes[reader].output_count != 1) return OR_NO_VALUE;
    value = rewriter->graph->nodes[reader].outputs[0];
    or_match_t tried = *match;
    if (!or_rewrite_same_type(rewriter, value, x)) continue;
    if (!or_polynomial_is(&tried, value, x, t, expected)) continue;
    if (!or_match_is_closed(&tried, &value, 1)) return OR_NO_VALUE;
    *match = tried;
    return value;
  }
  return OR_NO_VALUE;
}

static bool evaluate(walk_t *walk, or_value_id_t value, int depth, or_polynomial_t *out) {
  const or_rewriter_t *rewriter = walk->match->rewriter;
  memset(out, 0, sizeof *out);
  if (value == walk->x || value == walk->t) {
    out->c[value == walk->x][value != walk->x] = 1;
    return true;
  }
  if (or_rewrite_scalar(rewriter, value, &out->c[0][0])) return true;
  uint32_t index = or_rewrite_producer(rewriter, value);
  if (index == UINT32_MAX || depth == MAX_DEPTH || !or_match_add(walk->match, index)) return false;
  return evaluate_node(walk, &rewriter->graph->nodes[index], depth + 1, out);
}

static bool evaluate_node(walk_t *walk, const or_node_t *node, int depth, or_polynomial_t *out) {
  static const char *const operators[] = {"Add", "Sub", "Mul", "Div", "Pow"};
  or_polynomial_t a, b;
  size_t known = 0;
  while (known < 5 && !or_rewrite_is(node, operators[known])) ++known;
  if (known == 5 || node->input_count != 2) return false;
  if (!evaluate(walk, node->inputs[0], depth, &a) || !evaluate(walk, node->inputs[1], depth, &b)) return false;
  if (known == 2) return multiply(&a, &b, out);
  if (known == 3) return divide(&a, &b, out);
  if (known == 4) return power(&a, b.c[0][0], out);
  for (int i = 0; i < OR_POLYNOMIAL_X; ++i) {
    for (int j = 0; j < OR_POLYNOMIAL_T; ++j) out->c[i][j] = a.c[i][j] + (known == 0 ? b.c[i][j] : -b.c[i][j]);
  }
  return true;
}

/* False where the product has terms that are not kept. */
static bool multiply(const or_polynomial_t *a, const or_polynomial_t *b, or_polynomial_t *out) {
  memset(out, 0, sizeof *out);
  for (int at = 0; at < OR_POLYNOMIAL_X * OR_POLYNOMIAL_T; ++at) {
    int i = at / OR_POLYNOMIAL_T, j = at % OR_POLYNOMIAL_T;
    for (int with = 0; with < OR_POLYNOMIAL_X * OR_POLYNOMIAL_T; ++with) {
      int k = with / OR_POLYNOMIAL_T, l = with % OR_POLYNOMIAL_T;
      double term = a->c[i][j] * b->c[k][l];
      if (term == 0) continue;
      if (i + k >= OR_POLYNOMIAL_X || j + l >= OR_POLYNOMIAL_T) return false;
      out->c[i + k][j + l] += term;
    }
  }
  return true;
}

static bool power(const or_polynomial_t *base, double exponent, or_polynomial_t *out) {
  or_polynomial_t square;
  if (exponent != 2 && exponent != 3) return false;
  if (!multiply(base, base, &square)) return false;
  if (exponent == 3) return multiply(&square, base, out);
  *out = square;
  return true;
}

/* By a number only. */
static bool divide(const or_polynomial_t *a, const or_polynomial_t *b, or_polynomial_t *out) {
  or_polynomial_t inverse = {.c = {{0}}};
  for (int at = 1; at < OR_POLYNOMIAL_X * OR_POLYNOMIAL_T; ++at) {
    if (b->c[at / OR_POLYNOMIAL_T][at % OR_POLYNOMIAL_T] != 0) return false;
  }
  if (b->c[0][0] == 0) return false;
  inverse.c[0][0] = 1 / b->c[0][0];
  return multiply(a, &inverse, out);
}
