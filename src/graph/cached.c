#include "graph/cached.h"

#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "graph/graph_internal.h"
#include "ops/attention.h"
#include "ops/elements.h"

#define REASON_BYTES 160
/* Rows and pasts at which masks are looked at, and the least number that counts as hiding a key. */
#define PROBE_ROWS 3
#define PROBE_PASTS 2
#define HIDDEN_AT_MOST (-1e4)
static const int64_t probe_pasts[PROBE_PASTS] = {5, 2};

typedef struct cached_t {
  const or_graph_t *graph;
  const or_graph_cached_t *request;
  or_graph_binding_t *bindings;
  double *mask; /* of a probe, [batch, PROBE_ROWS + past], and the same as the input's dtype */
  void *mask_data;
  bool causal;  /* masks hide the future */
  bool looked;  /* `causal` is known */
  char *reason; /* filled where it can't be */
} cached_t;

static or_status_t begin(cached_t *self);
static or_status_t learn_masks(cached_t *self);
static or_status_t derive(cached_t *self, int64_t past, or_graph_t **out);
static bool same_graphs(const or_graph_t *a, const or_graph_t *b);

or_status_t or_graph_cached(const or_graph_t *graph, const or_graph_cached_t *request, or_graph_t **out,
                            char reason[160]) {
  cached_t self = {.graph = graph, .request = request, .reason = reason};
  or_graph_t *first = NULL, *second = NULL;
  *out = NULL;
  reason[0] = '\0';
  or_status_t status = begin(&self);
  if (or_ok(status)) status = learn_masks(&self);
  /* Where the rows fill the capacity there is no other past than none. */
  int64_t room = request->capacity - request->rows, low = room < 2 ? room : 2, high = room < 5 ? room : 5;
  if (or_ok(status) && reason[0] == '\0') status = derive(&self, high, &first);
  if (or_ok(status) && reason[0] == '\0' && low != high) {
    status = derive(&self, low, &second);
    if (or_ok(status) && reason[0] == '\0' && !same_graphs(first, second))
      or_format(reason, REASON_BYTES, "more than the attentions depends on the length of the past");
  }
  or_graph_release(second);
  or_free(graph->allocator, self.bindings);
  or_free(graph->allocator, self.mask);
  or_free(graph->allocator, self.mask_data);
  if (or_ok(status) && reason[0] == '\0') {
    *out = first;
  } else {
    or_graph_release(first);
  }
  return status;
}

static bool is_tied(const or_graph_cached_t *request, uint32_t input) {
  for (size_t t = 0; t < request->tie_count; ++t) {
    if (request->ties[t].input == input) return true;
  }
  return false;
}

or_shape_t or_graph_cached_shape(const or_graph_t *graph, const or_graph_cached_t *request, uint32_t input,
                                 int64_t past) {
  or_shape_t shape = graph->values[graph->inputs[input]].shape;
  bool tied = is_tied(request, input);
  for (int32_t d = 0; d < shape.rank; ++d) {
    if (d == 2 && tied) {
      shape.dims[d] = past;
    } else if (shape.dims[d] < 0) {
      shape.dims[d] = d == 0 ? request->batch : input == request->mask ? past + request->rows : request->rows;
    }
  }
  return shape;
}

static or_status_t begin(cached_t *self) {
  const or_graph_t *graph = self->graph;
  size_t count = (size_t)self->request->batch * (size_t)(PROBE_ROWS + probe_pasts[0]);
  or_status_t status =
      or_alloc_array(graph->allocator, graph->input_count + 1, sizeof *self->bindings, (void **)&self->bindings);
  if (or_ok(status) && count > OR_GRAPH_DECIDING_ELEMENTS)
    or_format(self->reason, REASON_BYTES, "a batch of %lld is too large to find out what masks do",
              (long long)self->request->batch);
  if (or_ok(status) && self->reason[0] == '\0')
    status = or_alloc_array(graph->allocator, count, sizeof(double), (void **)&self->mask);
  if (or_ok(status) && self->reason[0] == '\0')
    status = or_alloc_array(graph->allocator, count, sizeof(double), &self->mask_data);
  return status;
}

/* A failure other than want of memory says that it can't be done this way. */
static or_status_t as_reason(cached_t *self, or_status_t status) {
  if (or_ok(status) || or_status_code(status) == OR_RESOURCE_EXHAUSTED) return status;
  or_format(self->reason, REASON_BYTES, "%s", or_status_message(status));
  or_status_ignore(status); /* its words are the reason */
  return or_status_success();
}

/* The graph after `past` rows with its attentions put together; `data`: the mask is known. NULL where it can't be. */
static or_status_t specialize(cached_t *self, const or_graph_cached_t *request, int64_t past, bool data,
                              or_graph_t **out) {
  const or_graph_t *graph = self->graph;
  *out = NULL;
  for (uint32_t i = 0; i < graph->input_count; ++i) {
    bool given = graph->values[graph->inputs[i]].constant == NULL;
    self->bindings[i] = (or_graph_binding_t){.shape = or_graph_cached_shape(graph, request, i, past), .given = given};
    if (!given) self->bindings[i].shape = graph->values[graph->inputs[i]].shape;
    if (data && i == request->mask) self->bindings[i].data = self->mask_data;
  }
  or_status_t status = or_graph_specialize(graph, self->bindings, true, NULL, out, NULL);
  if (or_ok(status)) status = or_graph_rewrite_pattern(*out, "attention");
  if (or_ok(status)) return status;
  or_graph_release(*out);
  *out = NULL;
  return as_reason(self, status);
}

static bool is_attention(const or_node_t *node) {
  return node->domain[0] == '\0' && strcmp(node->op, "Attention") == 0;
}

static bool keeps_past(const or_node_t *node) {
  return is_attention(node) && node->input_count == 6 && node->output_count == 3 &&
         node->inputs[OR_ATTENTION_PAST_KEY] != OR_NO_VALUE && node->outputs[1] != OR_NO_VALUE &&
         node->outputs[2] != OR_NO_VALUE;
}

static bool is_causal(const or_node_t *node) {
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    if (strcmp(node->attributes[i].name, "is_causal") == 0) return node->attributes[i].integer != 0;
  }
  return false;
}

/* Whether an attention of a probe lets query i of element b see key j. False in *known where its mask is not known or
 * neither shows nor hides. */
static bool sees(const or_graph_t *graph, const or_node_t *node, const int64_t at[3], int64_t past, bool *known) {
  bool seen = !is_causal(node) || at[2] <= at[1] + past;
  or_value_id_t id = node->inputs[OR_ATTENTION_MASK];
  *known = true;
  if (id == OR_NO_VALUE) return seen;
  const or_constant_t *mask = graph->values[id].constant;
  *known = mask != NULL && mask->data != NULL && mask->shape.rank <= 4;
  if (!*known) return false;
  uint64_t index = 0;
  for (int32_t d = 0; d < mask->shape.rank; ++d) {
    int32_t dimension = d + 4 - mask->shape.rank;
    int64_t position = dimension == 0 ? at[0] : dimension == 1 ? 0 : at[dimension - 1];
    index = index * (uint64_t)mask->shape.dims[d] + (mask->shape.dims[d] == 1 ? 0 : (uint64_t)position);
    if (dimension == 1) *known = mask->shape.dims[d] == 1;
  }
  double value = or_element_get(mask->dtype, mask->data, index);
  if (mask->dtype == OR_BOOL) return seen && value != 0;
  *known = *known && (value == 0 || value <= HIDDEN_AT_MOST);
  return seen && value == 0;
}

/* Holds an attention against the formula: seen where the mask is not 0 and, if causal, no later than the query. */
static bool obeys(cached_t *self, const or_graph_t *graph, const or_node_t *node, int64_t past) {
  int64_t total = PROBE_ROWS + past;
  for (int64_t b = 0; b < self->request->batch; ++b) {
    for (int64_t i = 0; i < PROBE_ROWS; ++i) {
      for (int64_t j = 0; j < total; ++j) {
        bool known = false, seen = sees(graph, node, (int64_t[]){b, i, j}, past, &known);
        bool shown = self->request->mask == UINT32_MAX || self->mask[b * total + j] != 0;
        if (!known || seen != (shown && (!self->causal || j <= i + past))) return false;
      }
    }
  }
  return true;
}

/* All shown, then a pattern that differs from row to row. */
static void draw_mask(cached_t *self, int64_t past, bool all) {
  if (self->request->mask == UINT32_MAX) return;
  size_t total = (size_t)(PROBE_ROWS + past), count = total * (size_t)self->request->batch;
  for (size_t i = 0; i < count; ++i) self->mask[i] = all || (i * i + i / total * 3 + (size_t)past) % 5 % 2 == 0;
  or_elements_store(self->graph->values[self->graph->inputs[self->request->mask]].dtype, self->mask_data, 0, count,
                    self->mask);
}

static or_status_t probe(cached_t *self, int64_t past, bool all) {
  or_graph_cached_t small = *self->request;
  or_graph_t *graph = NULL;
  small.rows = PROBE_ROWS;
  draw_mask(self, past, all);
  or_status_t status = specialize(self, &small, past, small.mask != UINT32_MAX, &graph);
  for (size_t n = 0; graph != NULL && n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    if (!keeps_past(node)) continue;
    bool known = false, future = sees(graph, node, (int64_t[]){0, 0, PROBE_ROWS + past - 1}, past, &known);
    if (!self->looked) self->causal = known && !future;
    self->looked = true;
    if (!obeys(self, graph, node, past))
      or_format(self->reason, REASON_BYTES, "node \"%s\": its mask hides by a rule of its own", node->name);
  }
  or_graph_release(graph);
  return status;
}

static or_status_t learn_masks(cached_t *self) {
  or_status_t status = or_status_success();
  for (int i = 0; i < PROBE_PASTS && self->request->capacity >= PROBE_ROWS + probe_pasts[i]; ++i) {
    for (int all = 1; all >= 0 && or_ok(status) && self->reason[0] == '\0'; --all)
      status = probe(self, probe_pasts[i], all != 0);
  }
  if (or_ok(status) && self->reason[0] == '\0' && !self->looked) {
    or_format(self->reason, REASON_BYTES,
              self->request->capacity < PROBE_ROWS + probe_pasts[PROBE_PASTS - 1]
                  ? "a capacity below %lld rows"
                  : "no attention has a past of its own",
              (long long)(PROBE_ROWS + probe_pasts[PROBE_PASTS - 1]));
  }
  return status;
}

static or_status_t add_mask(cached_t *self, or_graph_t *graph, or_value_id_t *out);
static or_status_t append_in_place(cached_t *self, or_graph_t *graph, or_node_t *node, const or_value_id_t extra[2]);
static bool ties_are_met(const cached_t *self, const or_graph_t *graph);
static void drop_tied_outputs(const cached_t *self, or_graph_t *graph);

static or_status_t derive(cached_t *self, int64_t past, or_graph_t **out) {
  or_graph_t *graph = NULL;
  const or_shape_t one = or_shape_make(1, (int64_t[]){1});
  or_value_id_t extra[2] = {OR_NO_VALUE, OR_NO_VALUE}; /* the mask, the past's length */
  or_status_t status = specialize(self, self->request, past, false, &graph);
  if (!or_ok(status) || graph == NULL) return status;
  if (!ties_are_met(self, graph)) {
    or_format(self->reason, REASON_BYTES, "not every past belongs to an attention that gives its present");
    or_graph_release(graph);
    return status;
  }
  status = or_graph_add_value(graph, OR_GRAPH_PAST_LENGTH, sizeof OR_GRAPH_PAST_LENGTH - 1, OR_INT64, &one, &extra[1]);
  if (or_ok(status)) status = or_graph_add_input(graph, extra[1]);
  size_t node_count = graph->node_count;
  if (or_ok(status) && self->request->mask != UINT32_MAX) status = add_mask(self, graph, &extra[0]);
  for (size_t n = 0; or_ok(status) && n < node_count; ++n) {
    if (keeps_past(&graph->nodes[n])) status = append_in_place(self, graph, &graph->nodes[n], extra);
  }
  if (or_ok(status)) {
    for (size_t t = 0; t < self->request->tie_count; ++t)
      graph->values[graph->inputs[self->request->ties[t].input]].shape.dims[2] = self->request->capacity;
    drop_tied_outputs(self, graph);
    status = or_graph_sort(graph);
  }
  if (or_ok(status)) status = or_graph_prune(graph, NULL);
  if (!or_ok(status)) {
    or_graph_release(graph);
    return as_reason(self, status);
  }
  *out = graph;
  return status;
}

/* Each pair is an attention's past and present, and each attention with a past has pairs for both. */
static bool ties_are_met(const cached_t *self, const or_graph_t *graph) {
  size_t met = 0, wanted = 0;
  for (size_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    if (!keeps_past(node)) continue;
    wanted += 2;
    for (size_t t = 0; t < self->request->tie_count; ++t) {
      or_value_id_t past = graph->inputs[self->request->ties[t].input];
      or_value_id_t present = graph->outputs[self->request->ties[t].output];
      for (uint32_t i = 0; i < 2; ++i)
        met += node->inputs[OR_ATTENTION_PAST_KEY + i] == past && node->outputs[1 + i] == present;
    }
  }
  return met == wanted && met == self->request->tie_count;
}

static void drop_tied_outputs(const cached_t *self, or_graph_t *graph) {
  size_t kept = 0;
  for (size_t i = 0; i < graph->output_count; ++i) {
    bool tied = false;
    for (size_t t = 0; t < self->request->tie_count; ++t) tied = tied || self->request->ties[t].output == i;
    if (!tied) graph->outputs[kept++] = graph->outputs[i];
  }
  graph->output_count = kept;
}

static or_status_t add_node(or_graph_t *graph, const char *op, int version, const or_value_id_t inputs[2],
                            or_value_id_t output) {
  or_node_t *node = NULL;
  size_t count = inputs[1] == OR_NO_VALUE ? 1 : 2;
  const char *name = graph->values[output].name;
  or_status_t status = or_graph_add_node(graph, name, count, 1, 1, &node);
  if (!or_ok(status)) return status;
  node->domain = "";
  node->op = op;
  node->version = version;
  node->definition = or_op_find("", op);
  node->attribute_count = 0;
  memcpy((or_value_id_t *)node->inputs, inputs, count * sizeof *inputs);
  *(or_value_id_t *)node->outputs = output;
  return status;
}

/* The mask's input, of the capacity's length, as bool [B,1,1,capacity]. */
static or_status_t add_mask(cached_t *self, or_graph_t *graph, or_value_id_t *out) {
  static const char bool_name[] = "openruntime.mask", wide_name[] = "openruntime.wide_mask";
  or_value_id_t given = graph->inputs[self->request->mask], as_bool = OR_NO_VALUE, axes = OR_NO_VALUE;
  int64_t batch = self->request->batch, capacity = self->request->capacity;
  const or_shape_t flat = or_shape_make(2, (int64_t[]){batch, capacity}), two = or_shape_make(1, (int64_t[]){2});
  const or_shape_t wide = or_shape_make(4, (int64_t[]){batch, 1, 1, capacity});
  graph->values[given].shape = flat;
  or_status_t status = or_graph_add_value(graph, bool_name, sizeof bool_name - 1, OR_BOOL, &flat, &as_bool);
  if (or_ok(status)) status = or_graph_add_value(graph, wide_name, sizeof wide_name - 1, OR_BOOL, &wide, out);
  if (or_ok(status)) status = or_graph_add_value(graph, wide_name, sizeof wide_name - 1, OR_INT64, &two, &axes);
  if (or_ok(status)) status = or_graph_constant(graph, OR_INT64, two, (int64_t[]){1, 2}, &graph->values[axes].constant);
  if (or_ok(status)) status = add_node(graph, "Cast", 13, (or_value_id_t[]){given, OR_NO_VALUE}, as_bool);
  if (or_ok(status)) {
    or_node_t *cast = &graph->nodes[graph->node_count - 1];
    *(or_attribute_t *)cast->attributes = (or_attribute_t){.name = "to", .kind = OR_ATTRIBUTE_INT, .integer = OR_BOOL};
    cast->attribute_count = 1;
    status = add_node(graph, "Unsqueeze", 13, (or_value_id_t[]){as_bool, axes}, *out);
  }
  return status;
}

static or_status_t append_in_place(cached_t *self, or_graph_t *graph, or_node_t *node, const or_value_id_t extra[2]) {
  void *ids = NULL, *attributes = NULL;
  uint32_t count = 0;
  or_status_t status = or_arena_array(&graph->arena, OR_ATTENTION_LENGTH + 1, sizeof(or_value_id_t), &ids);
  if (or_ok(status))
    status = or_arena_array(&graph->arena, node->attribute_count + 1, sizeof(or_attribute_t), &attributes);
  if (!or_ok(status)) return status;
  or_value_id_t *inputs = ids;
  memcpy(inputs, node->inputs, node->input_count * sizeof *inputs);
  inputs[OR_ATTENTION_MASK] = extra[0];
  inputs[OR_ATTENTION_LENGTH] = extra[1];
  or_attribute_t *kept = attributes;
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    if (strcmp(node->attributes[i].name, "is_causal") != 0) kept[count++] = node->attributes[i];
  }
  if (self->causal) kept[count++] = (or_attribute_t){.name = "is_causal", .kind = OR_ATTRIBUTE_INT, .integer = 1};
  *node = (or_node_t){.name = node->name,
                      .domain = "openruntime",
                      .op = "CachedAttention",
                      .version = 1,
                      .inputs = inputs,
                      .input_count = OR_ATTENTION_LENGTH + 1,
                      .outputs = node->outputs,
                      .output_count = 1,
                      .attributes = attributes,
                      .attribute_count = count,
                      .definition = &or_op_cached_attention};
  return status;
}

static bool same_value(const or_graph_t *a, const or_graph_t *b, or_value_id_t id) {
  if (id == OR_NO_VALUE) return true;
  const or_value_info_t *x = &a->values[id], *y = &b->values[id];
  if (x->dtype != y->dtype || !or_shape_equal(&x->shape, &y->shape)) return false;
  if ((x->constant == NULL) != (y->constant == NULL)) return false;
  return x->constant == NULL || x->constant == y->constant ||
         (x->constant->hash == y->constant->hash && x->constant->bytes == y->constant->bytes &&
          or_shape_equal(&x->constant->shape, &y->constant->shape));
}

/* Two specialisations of one graph number their values alike. */
static bool same_graphs(const or_graph_t *a, const or_graph_t *b) {
  if (a->node_count != b->node_count || a->value_count != b->value_count) return false;
  for (size_t n = 0; n < a->node_count; ++n) {
    const or_node_t *x = &a->nodes[n], *y = &b->nodes[n];
    if (strcmp(x->op, y->op) != 0 || x->input_count != y->input_count || x->output_count != y->output_count)
      return false;
    if (memcmp(x->inputs, y->inputs, x->input_count * sizeof(or_value_id_t)) != 0) return false;
    for (uint32_t i = 0; i < x->input_count; ++i) {
      if (!same_value(a, b, x->inputs[i])) return false;
    }
    for (uint32_t i = 0; i < x->output_count; ++i) {
      if (x->outputs[i] != y->outputs[i] || !same_value(a, b, x->outputs[i])) return false;
    }
  }
  for (size_t i = 0; i < a->output_count; ++i) {
    if (!same_value(a, b, a->outputs[i])) return false;
  }
  return true;
}
