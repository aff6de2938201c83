/* Layers that several networks have, as PyTorch's exporter writes them. */
#include <math.h>
#include <string.h>

#include "base/string.h"
#include "model/builtin/network.h"

static or_value_id_t vector(or_network_t *network, const char *layer, const char *part, int64_t length, float mean,
                            float deviation);

or_value_id_t or_network_reshape(or_network_t *network, or_value_id_t x, size_t rank, const int64_t *shape) {
  return or_network_node(network, "Reshape", OR_IDS(x, or_network_integers(network, rank, shape)), OR_NO_ATTRIBUTES);
}

or_value_id_t or_network_transpose(or_network_t *network, or_value_id_t x, size_t rank, const int64_t *order) {
  const or_attribute_t perm = {.name = "perm", .kind = OR_ATTRIBUTE_INTS, .integers = order, .count = rank};
  return or_network_node(network, "Transpose", OR_IDS(x), (or_network_attributes_t){&perm, 1});
}

or_value_id_t or_network_extent(or_network_t *network, or_value_id_t x, int64_t axis) {
  or_value_id_t shape = or_network_node(network, "Shape", OR_IDS(x), OR_NO_ATTRIBUTES);
  or_value_id_t index = or_network_index(network, axis);
  return or_network_node(network, "Gather", OR_IDS(shape, index), OR_ATTRIBUTES(OR_INT("axis", 0)));
}

or_value_id_t or_network_layer_norm(or_network_t *network, or_value_id_t x, const char *name, int64_t width,
                                    float epsilon) {
  or_value_id_t weight = vector(network, name, "weight", width, 1.0F, 0.05F);
  or_value_id_t bias = vector(network, name, "bias", width, 0.0F, 0.05F);
  return or_network_node(network, "LayerNormalization", OR_IDS(x, weight, bias),
                         OR_ATTRIBUTES(OR_INT("axis", -1), OR_FLOAT("epsilon", epsilon)));
}

or_value_id_t or_network_linear(or_network_t *network, or_value_id_t x, const or_linear_t *linear) {
  char name[OR_NETWORK_NAME_BYTES];
  int64_t first = linear->transposed ? linear->out : linear->in, second = linear->transposed ? linear->in : linear->out;
  const or_weight_request_t request = {.name = or_format(name, sizeof name, "%s.weight", linear->name),
                                       .dtype = OR_FLOAT32,
                                       .shape = or_shape_make(2, (const int64_t[]){first, second}),
                                       .transposed = linear->transposed,
                                       .deviation = linear->gain / sqrtf((float)linear->in)};
  or_value_id_t weight = or_network_weight(network, &request);
  or_value_id_t bias = vector(network, linear->name, "bias", linear->out, 0.0F, 0.02F);
  or_value_id_t product = or_network_node(network, "MatMul", OR_IDS(x, weight), OR_NO_ATTRIBUTES);
  return or_network_node(network, "Add", OR_IDS(product, bias), OR_NO_ATTRIBUTES);
}

/* x (1 + erf(x / sqrt(2))) / 2 */
static or_value_id_t gelu_erf(or_network_t *network, or_value_id_t x) {
  or_value_id_t scaled =
      or_network_node(network, "Div", OR_IDS(x, or_network_scalar(network, 1.41421356F)), OR_NO_ATTRIBUTES);
  or_value_id_t erf = or_network_node(network, "Erf", OR_IDS(scaled), OR_NO_ATTRIBUTES);
  or_value_id_t plus = or_network_node(network, "Add", OR_IDS(erf, or_network_scalar(network, 1.0F)), OR_NO_ATTRIBUTES);
  or_value_id_t product = or_network_node(network, "Mul", OR_IDS(x, plus), OR_NO_ATTRIBUTES);
  return or_network_node(network, "Mul", OR_IDS(product, or_network_scalar(network, 0.5F)), OR_NO_ATTRIBUTES);
}

/* x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
static or_value_id_t gelu_tanh(or_network_t *network, or_value_id_t x) {
  or_value_id_t half = or_network_node(network, "Mul", OR_IDS(x, or_network_scalar(network, 0.5F)), OR_NO_ATTRIBUTES);
  or_value_id_t cube = or_network_node(network, "Pow", OR_IDS(x, or_network_scalar(network, 3.0F)), OR_NO_ATTRIBUTES);
  or_value_id_t term =
      or_network_node(network, "Mul", OR_IDS(cube, or_network_scalar(network, 0.044715F)), OR_NO_ATTRIBUTES);
  or_value_id_t sum = or_network_node(network, "Add", OR_IDS(x, term), OR_NO_ATTRIBUTES);
  or_value_id_t scaled =
      or_network_node(network, "Mul", OR_IDS(sum, or_network_scalar(network, 0.797884561F)), OR_NO_ATTRIBUTES);
  or_value_id_t tanh = or_network_node(network, "Tanh", OR_IDS(scaled), OR_NO_ATTRIBUTES);
  or_value_id_t plus =
      or_network_node(network, "Add", OR_IDS(tanh, or_network_scalar(network, 1.0F)), OR_NO_ATTRIBUTES);
  return or_network_node(network, "Mul", OR_IDS(half, plus), OR_NO_ATTRIBUTES);
}

or_value_id_t or_network_activation(or_network_t *network, or_value_id_t x, or_activation_kind_t kind) {
  switch (kind) {
  case OR_GELU_ERF: return gelu_erf(network, x);
  case OR_GELU_TANH: return gelu_tanh(network, x);
  case OR_RELU: break;
  }
  return or_network_node(network, "Relu", OR_IDS(x), OR_NO_ATTRIBUTES);
}

or_value_id_t or_network_split_heads(or_network_t *network, or_value_id_t x, int64_t heads, int64_t width) {
  or_value_id_t split = or_network_reshape(network, x, OR_NUMBERS(0, 0, heads, width));
  return or_network_transpose(network, split, OR_NUMBERS(0, 2, 1, 3));
}

or_value_id_t or_network_join_heads(or_network_t *network, or_value_id_t x, int64_t hidden) {
  or_value_id_t joined = or_network_transpose(network, x, OR_NUMBERS(0, 2, 1, 3));
  return or_network_reshape(network, joined, OR_NUMBERS(0, 0, hidden));
}

or_value_id_t or_network_attention(or_network_t *network, const or_attention_t *attention) {
  or_value_id_t keys = or_network_transpose(network, attention->k, OR_NUMBERS(0, 1, 3, 2));
  or_value_id_t scores = or_network_node(network, "MatMul", OR_IDS(attention->q, keys), OR_NO_ATTRIBUTES);
  or_value_id_t root = or_network_scalar(network, sqrtf((float)attention->width));
  scores = or_network_node(network, "Div", OR_IDS(scores, root), OR_NO_ATTRIBUTES);
  if (attention->mask != OR_NO_VALUE)
    scores = or_network_node(network, "Add", OR_IDS(scores, attention->mask), OR_NO_ATTRIBUTES);
  or_value_id_t shares = or_network_node(network, "Softmax", OR_IDS(scores), OR_ATTRIBUTES(OR_INT("axis", -1)));
  return or_network_node(network, "MatMul", OR_IDS(shares, attention->v), OR_NO_ATTRIBUTES);
}

or_value_id_t or_network_convolution(or_network_t *network, or_value_id_t x, const or_convolution_t *convolution) {
  char name[OR_NETWORK_NAME_BYTES];
  int64_t k = convolution->kernel, s = convolution->stride, pad = k / 2, in = convolution->in / convolution->groups;
  const or_weight_request_t request = {.name = or_format(name, sizeof name, "%s.weight", convolution->name),
                                       .dtype = OR_FLOAT32,
                                       .shape = or_shape_make(4, (const int64_t[]){convolution->out, in, k, k}),
                                       .deviation = sqrtf(convolution->gain / (float)(in * k * k))};
  or_value_id_t weight = or_network_weight(network, &request);
  return or_network_node(network, "Conv", OR_IDS(x, weight),
                         OR_ATTRIBUTES(OR_INTS("dilations", 1, 1), OR_INT("group", convolution->groups),
                                       OR_INTS("kernel_shape", k, k), OR_INTS("pads", pad, pad, pad, pad),
                                       OR_INTS("strides", s, s)));
}

or_value_id_t or_network_batch_norm(or_network_t *network, or_value_id_t x, const char *name, int64_t channels,
                                    float scale) {
  or_value_id_t weight = vector(network, name, "weight", channels, scale, 0.1F * scale);
  or_value_id_t bias = vector(network, name, "bias", channels, 0.0F, 0.1F);
  or_value_id_t mean = vector(network, name, "running_mean", channels, 0.0F, 0.1F);
  or_value_id_t variance = vector(network, name, "running_var", channels, 1.0F, 0.1F);
  return or_network_node(network, "BatchNormalization", OR_IDS(x, weight, bias, mean, variance),
                         OR_ATTRIBUTES(OR_FLOAT("epsilon", 1e-5F), OR_FLOAT("momentum", 0.9F)));
}

or_value_id_t or_network_classifier(or_network_t *network, or_value_id_t x, const char *name, int64_t channels,
                                    int64_t classes) {
  char parameter[OR_NETWORK_NAME_BYTES];
  const or_weight_request_t request = {.name = or_format(parameter, sizeof parameter, "%s.weight", name),
                                       .dtype = OR_FLOAT32,
                                       .shape = or_shape_make(2, (const int64_t[]){classes, channels}),
                                       .deviation = 1.0F / sqrtf((float)channels)};
  or_value_id_t pooled = or_network_node(network, "GlobalAveragePool", OR_IDS(x), OR_NO_ATTRIBUTES);
  or_value_id_t flat = or_network_node(network, "Flatten", OR_IDS(pooled), OR_ATTRIBUTES(OR_INT("axis", 1)));
  or_value_id_t weight = or_network_weight(network, &request);
  or_value_id_t bias = vector(network, name, "bias", classes, 0.0F, 0.02F);
  return or_network_node(network, "Gemm", OR_IDS(flat, weight, bias),
                         OR_ATTRIBUTES(OR_FLOAT("alpha", 1.0F), OR_FLOAT("beta", 1.0F), OR_INT("transB", 1)));
}

static or_value_id_t vector(or_network_t *network, const char *layer, const char *part, int64_t length, float mean,
                            float deviation) {
  char name[OR_NETWORK_NAME_BYTES];
  const or_weight_request_t request = {.name = or_format(name, sizeof name, "%s.%s", layer, part),
                                       .dtype = OR_FLOAT32,
                                       .shape = or_shape_make(1, &length),
                                       .mean = mean,
                                       .deviation = deviation};
  return or_network_weight(network, &request);
}
