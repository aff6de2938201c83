#include "ops/tf_idf.h"

#include "base/numbers.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/lanes.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t tf_idf_infer(or_op_call_t *call);
static or_cost_t tf_idf_cost(const or_op_call_t *call);
static or_status_t tf_idf_reference(or_op_call_t *call);

const or_op_t or_op_tf_idf_vectorizer = {
    .domain = "",
    .name = "TfIdfVectorizer",
    .summary = "counts of n-grams in rows of tokens",
    .since = {9},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64) | OR_OP_STRINGS,
    .attributes = {{"max_gram_length", OR_ATTRIBUTE_INT, true},
                   {"max_skip_count", OR_ATTRIBUTE_INT, true},
                   {"min_gram_length", OR_ATTRIBUTE_INT, true},
                   {"mode", OR_ATTRIBUTE_STRING, true},
                   {"ngram_counts", OR_ATTRIBUTE_INTS, true},
                   {"ngram_indexes", OR_ATTRIBUTE_INTS, true},
                   {"pool_int64s", OR_ATTRIBUTE_INTS, false},
                   {"pool_strings", OR_ATTRIBUTE_STRINGS, false},
                   {"weights", OR_ATTRIBUTE_FLOATS, false}},
    .tolerance = {.rel = 1e-6, .abs = 1e-6},
    .infer = tf_idf_infer,
    .cost = tf_idf_cost,
    .reference = tf_idf_reference,
};

typedef enum weighting_t { WEIGHTING_TF, WEIGHTING_IDF, WEIGHTING_TFIDF } weighting_t;

typedef struct vectorizer_t {
  weighting_t weighting;
  int64_t shortest, longest, skips;
  const int64_t *starts, *columns; /* of the n-grams of each length in the pool; of each n-gram in the output */
  size_t start_count, gram_count;
  const int64_t *integers; /* the pool */
  const or_string_t *strings;
  size_t pool_count;
  const float *weights; /* NULL: all 1 */
  int64_t column_count;
} vectorizer_t;

#define MAX_POOL ((size_t)1 << 30) /* tokens */

static or_status_t read_pool(const or_op_call_t *call, vectorizer_t *out);
static or_status_t read_lengths(const or_op_call_t *call, vectorizer_t *out);
static or_status_t read_columns(const or_op_call_t *call, vectorizer_t *out);

static or_status_t read_attributes(const or_op_call_t *call, vectorizer_t *out) {
  static const char *const modes[] = {"TF", "IDF", "TFIDF"};
  int mode = 0;
  *out = (vectorizer_t){.weighting = WEIGHTING_TF};
  while (mode < 3 && !or_op_attribute_is(call, "mode", modes[mode], "TF")) ++mode;
  if (mode == 3) return or_error(OR_INVALID_ARGUMENT, "attribute \"mode\" is none of TF, IDF and TFIDF");
  out->weighting = (weighting_t)mode;
  or_status_t status = read_pool(call, out);
  if (or_ok(status)) status = read_lengths(call, out);
  return or_ok(status) ? read_columns(call, out) : status;
}

static or_status_t read_pool(const or_op_call_t *call, vectorizer_t *out) {
  const or_attribute_t *integers = or_op_attribute(call, "pool_int64s");
  const or_attribute_t *strings = or_op_attribute(call, "pool_strings");
  if ((integers == NULL) == (strings == NULL))
    return or_error(OR_INVALID_ARGUMENT, "one of the attributes pool_int64s and pool_strings must be given");
  const bool text = strings != NULL;
  if (text != (call->inputs[0].dtype == OR_STRING)) {
    return or_error(OR_INVALID_ARGUMENT, "input 0 is %s, and the pool is attribute \"%s\"",
                    or_dtype_name(call->inputs[0].dtype), text ? strings->name : integers->name);
  }
  out->integers = text ? NULL : integers->integers;
  out->strings = text ? strings->strings : NULL;
  out->pool_count = text ? strings->count : integers->count;
  if (out->pool_count <= MAX_POOL) return or_status_success();
  return or_error(OR_OUT_OF_RANGE, "a pool of %zu tokens is beyond %zu, the limit", out->pool_count, MAX_POOL);
}

static size_t start_of(const vectorizer_t *self, size_t length) {
  return length <= self->start_count ? (size_t)self->starts[length - 1] : self->pool_count;
}

static or_status_t read_lengths(const or_op_call_t *call, vectorizer_t *out) {
  out->starts = or_op_attribute_ints(call, "ngram_counts", &out->start_count);
  out->shortest = or_op_attribute_int(call, "min_gram_length", 1);
  out->longest = or_op_attribute_int(call, "max_gram_length", 1);
  out->skips = or_op_attribute_int(call, "max_skip_count", 0);
  if (out->shortest < 1 || out->longest < out->shortest || out->skips < 0) {
    return or_error(OR_INVALID_ARGUMENT, "n-grams of length %lld to %lld with %lld skips", (long long)out->shortest,
                    (long long)out->longest, (long long)out->skips);
  }
  if ((uint64_t)out->longest > out->start_count) {
    return or_error(OR_INVALID_ARGUMENT, "max_gram_length is %lld, and ngram_counts has %zu lengths",
                    (long long)out->longest, out->start_count);
  }
  for (size_t i = 0; i < out->start_count; ++i) {
    const int64_t start = out->starts[i], before = i > 0 ? out->starts[i - 1] : 0;
    if (start < before || (uint64_t)start > out->pool_count) {
      return or_error(OR_INVALID_ARGUMENT, "ngram_counts[%zu] is %lld, expected %lld to %zu", i, (long long)start,
                      (long long)before, out->pool_count);
    }
  }
  for (size_t length = 1; length <= out->start_count; ++length) {
    const size_t tokens = start_of(out, length + 1) - start_of(out, length);
    if (tokens % length != 0) {
      return or_error(OR_INVALID_ARGUMENT, "the pool has %zu tokens for n-grams of length %zu, not a multiple of it",
                      tokens, length);
    }
    out->gram_count += tokens / length;
  }
  return or_status_success();
}

static or_status_t read_columns(const or_op_call_t *call, vectorizer_t *out) {
  const or_attribute_t *weights = or_op_attribute(call, "weights");
  size_t count = 0;
  out->columns = or_op_attribute_ints(call, "ngram_indexes", &count);
  if (count != out->gram_count || count == 0)
    return or_error(OR_INVALID_ARGUMENT, "ngram_indexes has %zu entries, the pool %zu n-grams", count, out->gram_count);
  if (weights != NULL && weights->count != count)
    return or_error(OR_INVALID_ARGUMENT, "weights has %zu entries, ngram_indexes %zu", weights->count, count);
  out->weights = weights != NULL ? weights->reals : NULL;
  for (size_t i = 0; i < count; ++i) {
    if (out->columns[i] < 0 || out->columns[i] == INT64_MAX)
      return or_error(OR_INVALID_ARGUMENT, "ngram_indexes[%zu] is %lld", i, (long long)out->columns[i]);
    if (out->columns[i] >= out->column_count) out->column_count = out->columns[i] + 1;
  }
  return or_status_success();
}

static or_status_t tf_idf_infer(or_op_call_t *call) {
  const or_shape_t *x = &call->inputs[0].shape;
  or_shape_t *y = &call->outputs[0].shape;
  vectorizer_t self;
  call->outputs[0].dtype = OR_FLOAT32;
  or_status_t status = read_attributes(call, &self);
  if (!or_ok(status) || x->rank < 0) return status;
  if (x->rank < 1 || x->rank > 2) return or_error(OR_INVALID_ARGUMENT, "input 0 has rank %d, expected 1 or 2", x->rank);
  *y = *x;
  y->dims[x->rank - 1] = self.column_count;
  return or_shape_check_count(y);
}

static or_cost_t tf_idf_cost(const or_op_call_t *call) { return or_cost_per_output(call, 1); }

/* ---- the n-grams as a tree ---- */

/* A node is the last token of an n-gram or of the beginning of one; its parent the tokens before it. */
typedef struct gram_node_t {
  uint32_t parent, token; /* a place in the pool */
  uint32_t gram;          /* 0: none ends here; else its number in the pool, from 1 */
} gram_node_t;

typedef struct gram_tree_t {
  const vectorizer_t *pool;
  gram_node_t *nodes; /* the first is the root */
  uint32_t *slots;    /* nodes by parent and token, 0: free; open addressing */
  size_t node_count, slot_mask;
} gram_tree_t;

/* What a token is looked for by. */
typedef struct token_t {
  int64_t integer;
  or_string_t text;
} token_t;

static token_t pool_token(const vectorizer_t *pool, size_t at) {
  if (pool->strings != NULL) return (token_t){.text = pool->strings[at]};
  return (token_t){.integer = pool->integers[at]};
}

/* The slot of the node, or the free one where it belongs. */
static uint32_t *find_slot(const gram_tree_t *tree, uint32_t parent, token_t token) {
  const bool text = tree->pool->strings != NULL;
  uint64_t hash = text ? or_hash_bytes(token.text.length > 0 ? token.text.data : "", token.text.length, parent)
                       : or_hash_bytes(&token.integer, sizeof token.integer, parent);
  for (size_t at = (size_t)hash & tree->slot_mask;; at = (at + 1) & tree->slot_mask) {
    uint32_t *slot = &tree->slots[at];
    if (*slot == 0) return slot;
    const gram_node_t *node = &tree->nodes[*slot];
    const token_t own = pool_token(tree->pool, node->token);
    if (node->parent != parent) continue;
    if (text ? or_string_same(own.text, token.text) : own.integer == token.integer) return slot;
  }
}

static or_status_t add_gram(gram_tree_t *tree, size_t first, size_t length, uint32_t gram) {
  uint32_t node = 0;
  for (size_t i = 0; i < length; ++i) {
    uint32_t *slot = find_slot(tree, node, pool_token(tree->pool, first + i));
    if (*slot == 0) {
      *slot = (uint32_t)tree->node_count++;
      tree->nodes[*slot] = (gram_node_t){.parent = node, .token = (uint32_t)(first + i)};
    }
    node = *slot;
  }
  if (tree->nodes[node].gram != 0) {
    return or_error(OR_INVALID_ARGUMENT, "n-grams %u and %u of the pool are the same", tree->nodes[node].gram - 1,
                    gram - 1);
  }
  tree->nodes[node].gram = gram;
  return or_status_success();
}

static or_status_t build_tree(const or_op_call_t *call, gram_tree_t *tree) {
  const vectorizer_t *pool = tree->pool;
  size_t slots = 16;
  void *memory = NULL;
  while (slots < 2 * pool->pool_count) slots *= 2;
  tree->slot_mask = slots - 1;
  tree->node_count = 1;
  or_status_t status = or_alloc_array(call->allocator, pool->pool_count + 1, sizeof *tree->nodes, &memory);
  tree->nodes = memory;
  if (or_ok(status)) status = or_alloc_array(call->allocator, slots, sizeof *tree->slots, &memory);
  if (!or_ok(status)) return status;
  tree->slots = memory;
  uint32_t gram = 1;
  for (size_t length = 1; length <= pool->start_count; ++length) {
    const bool wanted = (int64_t)length >= pool->shortest && (int64_t)length <= pool->longest;
    const size_t end = start_of(pool, length + 1);
    for (size_t at = start_of(pool, length); or_ok(status) && at < end; at += length, ++gram) {
      if (wanted) status = add_gram(tree, at, length, gram);
    }
  }
  return status;
}

/* ---- the count ---- */

typedef struct row_t {
  const or_op_tensor_t *x;
  int64_t first, length; /* of its tokens */
  double *counts;        /* a column of the output each */
  or_stop_t *stop;
} row_t;

static token_t token_of(const row_t *row, int64_t at) {
  token_t token = {0};
  if (row->x->dtype == OR_STRING) {
    token.text = ((const or_string_t *)row->x->data)[row->first + at];
  } else {
    or_lanes_t lane;
    or_lanes_load(row->x->dtype, row->x->data, row->first + at, 1, 1, &lane);
    token.integer = lane.integer[0];
  }
  return token;
}

static void count_hit(const vectorizer_t *self, uint32_t gram, double *counts) {
  const double weight = self->weights != NULL ? (double)self->weights[gram - 1] : 1;
  double *count = &counts[self->columns[gram - 1]];
  switch (self->weighting) {
  case WEIGHTING_TF: *count += 1; break;
  case WEIGHTING_IDF: *count = weight; break;
  case WEIGHTING_TFIDF: *count += weight; break;
  }
}

/* N-grams that begin at `start`, their tokens `distance` apart. */
static void count_from(const gram_tree_t *tree, const row_t *row, int64_t start, int64_t distance, int64_t shortest) {
  uint32_t node = 0;
  int64_t at = start;
  for (int64_t length = 1; length <= tree->pool->longest; ++length) {
    node = *find_slot(tree, node, token_of(row, at));
    if (node == 0) return;
    if (length >= shortest && tree->nodes[node].gram != 0) count_hit(tree->pool, tree->nodes[node].gram, row->counts);
    if (distance >= row->length - at) return;
    at += distance;
  }
}

static void count_row(const gram_tree_t *tree, const row_t *row) {
  int64_t shortest = tree->pool->shortest;
  for (int64_t distance = 1; distance - 1 <= tree->pool->skips; ++distance) {
    int64_t reach = 0; /* from the first to the last token of the shortest */
    if (!or_mul_i64(distance, shortest - 1, &reach) || reach >= row->length) return;
    for (int64_t start = 0; start < row->length - reach; ++start) {
      if (or_stops(row->stop, 4 * (uint64_t)tree->pool->longest)) return;
      count_from(tree, row, start, distance, shortest);
    }
    if (shortest == 1 && ++shortest > tree->pool->longest) return;
  }
}

static or_status_t tf_idf_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0], *y = &call->outputs[0];
  const int64_t rows = x->shape.rank == 2 ? x->shape.dims[0] : 1, length = x->shape.dims[x->shape.rank - 1];
  vectorizer_t self;
  gram_tree_t tree = {.pool = &self};
  void *counts = NULL;
  or_status_t status = read_attributes(call, &self);
  if (or_ok(status)) status = build_tree(call, &tree);
  if (or_ok(status) && rows > 0) /* without one no column is bounded by what comes out */
    status = or_alloc_array(call->allocator, (size_t)self.column_count, sizeof(double), &counts);
  for (int64_t r = 0; or_ok(status) && r < rows && !or_stops(call->stop, (uint64_t)self.column_count); ++r) {
    const row_t row = {.x = x, .first = r * length, .length = length, .counts = counts, .stop = call->stop};
    float *out = (float *)y->data + r * self.column_count;
    memset(counts, 0, (size_t)self.column_count * sizeof(double));
    count_row(&tree, &row);
    for (int64_t i = 0; i < self.column_count; ++i) out[i] = (float)row.counts[i];
  }
  or_free(call->allocator, counts);
  or_free(call->allocator, tree.slots);
  or_free(call->allocator, tree.nodes);
  return status;
}
