/* BatchNormalization(Conv(X, W, B)) = Conv(X, W', B') with factor = scale / sqrt(variance + epsilon), W' = W * factor
 * per output channel and B' = (B - mean) * factor + bias (Ioffe and Szegedy, "Batch Normalization", 2015, section 3.1).
 */
#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "graph/rewrite/rewrite_internal.h"

enum { BN_SCALE = 1, BN_BIAS, BN_MEAN, BN_VARIANCE, BN_INPUTS };

typedef struct fold_t {
  or_rewriter_t *rewriter;
  or_node_t *conv, *norm;
  size_t channels;
  const double *parameters[BN_INPUTS]; /* by input of the BatchNormalization */
  const double *conv_bias;             /* or NULL */
  double *factors, *bias;              /* `channels` each, in the graph's arena */
} fold_t;

static bool matches(fold_t *fold, uint32_t root, uint32_t *norm_index);
static or_status_t read_doubles(fold_t *fold, or_value_id_t value, const double **out);
static double epsilon_of(const or_node_t *norm);
static or_status_t replace(fold_t *fold, const or_constant_t *weights, const or_constant_t *bias);
static or_status_t add_constant(or_graph_t *graph, const char *name, const or_constant_t *constant, or_value_id_t *out);

or_status_t or_rewrite_conv_batch_norm(or_rewriter_t *rewriter, uint32_t root) {
  or_graph_t *graph = rewriter->graph;
  fold_t fold = {.rewriter = rewriter};
  uint32_t norm_index = 0;
  void *memory = NULL;
  if (!matches(&fold, root, &norm_index)) return or_status_success();
  or_status_t status = or_arena_array(&graph->arena, 2 * fold.channels, sizeof(double), &memory);
  fold.factors = memory;
  for (uint32_t i = BN_SCALE; or_ok(status) && i < BN_INPUTS; ++i)
    status = read_doubles(&fold, fold.norm->inputs[i], &fold.parameters[i]);
  if (or_ok(status) && fold.conv->input_count > 2) status = read_doubles(&fold, fold.conv->inputs[2], &fold.conv_bias);
  if (!or_ok(status)) return or_graph_node_error(graph, fold.norm, status);
  fold.bias = fold.factors + fold.channels;
  double epsilon = epsilon_of(fold.norm);
  for (size_t c = 0; c < fold.channels; ++c) {
    fold.factors[c] = fold.parameters[BN_SCALE][c] / sqrt(fold.parameters[BN_VARIANCE][c] + epsilon);
    double before = fold.conv_bias != NULL ? fold.conv_bias[c] : 0.0;
    fold.bias[c] = (before - fold.parameters[BN_MEAN][c]) * fold.factors[c] + fold.parameters[BN_BIAS][c];
  }

  const or_constant_t *source = or_rewrite_constant(rewriter, fold.conv->inputs[1]);
  or_scaling_t scaling = {.source = source, .factors = fold.factors};
  scaling.elements_per_factor = source->bytes / or_dtype_bytes(source->dtype, 1) / fold.channels;
  or_constant_t *bias = NULL;
  const or_constant_t *weights = NULL;
  or_shape_t bias_shape = or_shape_make(1, (const int64_t[]){(int64_t)fold.channels});
  status = or_scaled_constant(graph, &scaling, &weights);
  if (or_ok(status)) status = or_graph_constant_begin(graph, source->dtype, bias_shape, &memory, &bias);
  if (!or_ok(status)) return or_graph_node_error(graph, fold.norm, status);
  for (size_t c = 0; c < fold.channels; ++c) or_element_set(source->dtype, memory, c, fold.bias[c]);
  or_graph_constant_end(bias);
  status = replace(&fold, weights, bias);
  if (!or_ok(status)) return status;
  rewriter->dead[norm_index] = true;
  rewriter->producers[fold.conv->outputs[0]] = root;
  or_rewrite_count(rewriter, 1);
  return or_status_success();
}

static bool matches(fold_t *fold, uint32_t root, uint32_t *norm_index) {
  const or_rewriter_t *rewriter = fold->rewriter;
  fold->conv = &rewriter->graph->nodes[root];
  if (fold->conv->output_count != 1 || fold->conv->input_count < 2) return false;
  uint32_t reader = or_rewrite_single_reader(rewriter, fold->conv->outputs[0]);
  if (reader == UINT32_MAX) return false;
  fold->norm = &rewriter->graph->nodes[reader];
  *norm_index = reader;
  if (!or_rewrite_is(fold->norm, "BatchNormalization") || fold->norm->input_count != BN_INPUTS) return false;
  if (fold->norm->inputs[0] != fold->conv->outputs[0]) return false;
  if (fold->norm->output_count != 1) return false; /* training */
  for (uint32_t i = 0; i < fold->norm->attribute_count; ++i) {
    const or_attribute_t *attribute = &fold->norm->attributes[i];
    if (strcmp(attribute->name, "training_mode") == 0 && attribute->integer != 0) return false;
    if (strcmp(attribute->name, "spatial") == 0 && attribute->integer == 0) return false;
  }

  const or_constant_t *weights = or_rewrite_constant(rewriter, fold->conv->inputs[1]);
  if (weights == NULL || !or_dtype_is_float(weights->dtype) || weights->shape.rank < 1 || weights->bytes == 0)
    return false;
  if (weights->dtype != OR_FLOAT32 && weights->dtype != OR_FLOAT64 && weights->dtype != OR_FLOAT16 &&
      weights->dtype != OR_BFLOAT16)
    return false;
  fold->channels = (size_t)weights->shape.dims[0];
  bool constant = true;
  for (uint32_t i = BN_SCALE; i < BN_INPUTS + 1; ++i) {
    or_value_id_t v = OR_NO_VALUE;
    if (i < BN_INPUTS) v = fold->norm->inputs[i];
    if (i == BN_INPUTS && fold->conv->input_count > 2) v = fold->conv->inputs[2];
    if (i == BN_INPUTS && v == OR_NO_VALUE) break;
    const or_constant_t *parameter = or_rewrite_constant(rewriter, v);
    uint64_t count = 0;
    constant = constant && parameter != NULL && or_shape_count(&parameter->shape, &count) && count == fold->channels &&
               or_dtype_is_float(parameter->dtype);
  }
  return constant;
}

static or_status_t read_doubles(fold_t *fold, or_value_id_t value, const double **out) {
  or_graph_t *graph = fold->rewriter->graph;
  void *scratch = NULL, *memory = NULL;
  size_t capacity = 0;
  const void *bytes = NULL;
  *out = NULL;
  if (value == OR_NO_VALUE) return or_status_success();
  const or_constant_t *constant = graph->values[value].constant;
  or_status_t status = or_constant_bytes(constant, graph->allocator, &scratch, &capacity, &bytes);
  if (or_ok(status)) status = or_arena_array(&graph->arena, fold->channels, sizeof(double), &memory);
  if (or_ok(status)) {
    double *values = memory;
    for (size_t c = 0; c < fold->channels; ++c) values[c] = or_element_get(constant->dtype, bytes, c);
    *out = values;
  }
  or_free(graph->allocator, scratch);
  return status;
}

static double epsilon_of(const or_node_t *norm) {
  for (uint32_t i = 0; i < norm->attribute_count; ++i) {
    if (strcmp(norm->attributes[i].name, "epsilon") == 0) return (double)norm->attributes[i].real;
  }
  return (double)1e-5f;
}

/* The convolution now gives what the normalisation gave. */
static or_status_t replace(fold_t *fold, const or_constant_t *weights, const or_constant_t *bias) {
  or_rewriter_t *rewriter = fold->rewriter;
  or_graph_t *graph = rewriter->graph;
  void *inputs = NULL, *outputs = NULL;
  or_value_id_t weight_value = OR_NO_VALUE, bias_value = OR_NO_VALUE;
  or_value_id_t result = fold->norm->outputs[0];
  or_status_t status = or_arena_array(&graph->arena, 3, sizeof(or_value_id_t), &inputs);
  if (or_ok(status)) status = or_arena_array(&graph->arena, 1, sizeof(or_value_id_t), &outputs);
  if (or_ok(status)) status = add_constant(graph, fold->conv->name, weights, &weight_value);
  if (or_ok(status)) status = add_constant(graph, fold->conv->name, bias, &bias_value);
  if (or_ok(status)) status = or_graph_set_origin(graph, result, "Conv+BatchNormalization");
  if (!or_ok(status)) return status;
  memcpy(inputs, (const or_value_id_t[]){fold->conv->inputs[0], weight_value, bias_value}, 3 * sizeof(or_value_id_t));
  memcpy(outputs, &result, sizeof result);
  fold->conv->inputs = inputs;
  fold->conv->outputs = outputs;
  fold->conv->input_count = 3;
  return or_status_success();
}

static or_status_t add_constant(or_graph_t *graph, const char *name, const or_constant_t *constant,
                                or_value_id_t *out) {
  or_status_t status = or_graph_add_value(graph, name, strlen(name), constant->dtype, &constant->shape, out);
  if (or_ok(status)) graph->values[*out].constant = constant;
  return status;
}
