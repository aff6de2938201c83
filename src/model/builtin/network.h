#ifndef OR_MODEL_BUILTIN_NETWORK_H
#define OR_MODEL_BUILTIN_NETWORK_H
/* A small language to write a network down in: each call adds to a graph of opset OR_NETWORK_OPSET. The first failure
 * is kept, later calls do nothing and give OR_NO_VALUE: check or_network_end once. Owned by one thread. */

#include "model/builtin/weights.h"

#define OR_NETWORK_OPSET 17
#define OR_NETWORK_NAME_BYTES 160
#define OR_NETWORK_MAX_OUTPUTS 8

typedef struct or_network_t {
  or_graph_t *graph;
  or_weight_source_t *weights;
  or_status_t status;
  char scope[OR_NETWORK_NAME_BYTES]; /* put before the names of nodes: "layer1.0" */
} or_network_t;

void or_network_begin(or_network_t *network, or_graph_t *graph, or_weight_source_t *weights);
/* Sorts and infers the graph; gives the first failure. */
or_status_t or_network_end(or_network_t *network);
/* The name that nodes made from now on begin with. */
void or_network_scope(or_network_t *network, const char *format, ...) OR_PRINTF(2, 3);

/* A dimension's symbol, to be used as an extent. */
int64_t or_network_symbol(or_network_t *network, const char *name);
or_value_id_t or_network_input(or_network_t *network, const char *name, or_dtype_t dtype, or_shape_t shape);
/* Lets an input that is left out be one element of `value`, which operators broadcast. */
void or_network_default(or_network_t *network, or_value_id_t input, int64_t value);
/* Names a value and makes it an output. `shape` may be NULL; else it says what inference can't. */
void or_network_output(or_network_t *network, or_value_id_t value, const char *name, const or_shape_t *shape);

/* A parameter: the value is named as the request, with ".T" behind if it is transposed. */
or_value_id_t or_network_weight(or_network_t *network, const or_weight_request_t *request);
/* Small constants, named by the scope and a number. */
or_value_id_t or_network_scalar(or_network_t *network, float value);
or_value_id_t or_network_index(or_network_t *network, int64_t value); /* int64, rank 0 */
or_value_id_t or_network_integers(or_network_t *network, size_t count, const int64_t *values);

/* A node of ai.onnx; what is passed is copied. */
typedef struct or_network_ids_t {
  const or_value_id_t *items;
  size_t count;
} or_network_ids_t;
typedef struct or_network_attributes_t {
  const or_attribute_t *items; /* ints, floats, numbers and texts */
  size_t count;
} or_network_attributes_t;
#define OR_COUNT_(type, ...) (sizeof((const type[]){__VA_ARGS__}) / sizeof(type))
#define OR_IDS(...) ((or_network_ids_t){(const or_value_id_t[]){__VA_ARGS__}, OR_COUNT_(or_value_id_t, __VA_ARGS__)})
#define OR_ATTRIBUTES(...) \
  ((or_network_attributes_t){(const or_attribute_t[]){__VA_ARGS__}, OR_COUNT_(or_attribute_t, __VA_ARGS__)})
#define OR_NO_ATTRIBUTES ((or_network_attributes_t){NULL, 0})
/* Whole numbers with their count: for or_network_integers and OR_INTS. */
#define OR_NUMBERS(...) \
  OR_COUNT_(int64_t, __VA_ARGS__), (const int64_t[]) { __VA_ARGS__ }
#define OR_INT(key, value) \
  { .name = (key), .kind = OR_ATTRIBUTE_INT, .integer = (value) }
#define OR_FLOAT(key, value) \
  { .name = (key), .kind = OR_ATTRIBUTE_FLOAT, .real = (value) }
#define OR_INTS(key, ...)                                                                 \
  {                                                                                       \
    .name = (key), .kind = OR_ATTRIBUTE_INTS, .integers = (const int64_t[]){__VA_ARGS__}, \
    .count = sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)                     \
  }
or_value_id_t or_network_node(or_network_t *network, const char *op, or_network_ids_t inputs,
                              or_network_attributes_t attributes);
/* One with several outputs, at most OR_NETWORK_MAX_OUTPUTS. */
void or_network_nodes(or_network_t *network, const char *op, or_network_ids_t inputs,
                      or_network_attributes_t attributes, or_value_id_t *outputs, size_t output_count);

/* Layers that several networks have. */
or_value_id_t or_network_reshape(or_network_t *network, or_value_id_t x, size_t rank, const int64_t *shape);
or_value_id_t or_network_transpose(or_network_t *network, or_value_id_t x, size_t rank, const int64_t *order);
/* The extent of `x` along `axis`, as int64 of rank 0: Shape and Gather. */
or_value_id_t or_network_extent(or_network_t *network, or_value_id_t x, int64_t axis);
or_value_id_t or_network_layer_norm(or_network_t *network, or_value_id_t x, const char *name, int64_t width,
                                    float epsilon);
/* x W + b over the last axis. `transposed`: the module keeps W as [out, in] (Linear), else as [in, out] (Conv1D). */
typedef struct or_linear_t {
  const char *name; /* "encoder.layer.0.output.dense": its weight and bias */
  int64_t in, out;
  bool transposed;
  float gain; /* of generated weights: deviation is gain / sqrt(in) */
} or_linear_t;
or_value_id_t or_network_linear(or_network_t *network, or_value_id_t x, const or_linear_t *linear);
/* How the network's module bends: "gelu" by erf, "gelu_new" by tanh, "relu"; all as their parts. */
typedef enum or_activation_kind_t { OR_GELU_ERF, OR_GELU_TANH, OR_RELU } or_activation_kind_t;
or_value_id_t or_network_activation(or_network_t *network, or_value_id_t x, or_activation_kind_t kind);
/* [batch, sequence, heads * width] to [batch, heads, sequence, width], and back. */
or_value_id_t or_network_split_heads(or_network_t *network, or_value_id_t x, int64_t heads, int64_t width);
or_value_id_t or_network_join_heads(or_network_t *network, or_value_id_t x, int64_t hidden);
/* softmax(q k^T / sqrt(width) + mask) v; q, k, v: [batch, heads, sequence, width]; mask: OR_NO_VALUE, or broadcast. */
typedef struct or_attention_t {
  or_value_id_t q, k, v, mask;
  int64_t width;
} or_attention_t;
or_value_id_t or_network_attention(or_network_t *network, const or_attention_t *attention);

/* Layers of convolutional networks. */
typedef struct or_convolution_t {
  const char *name; /* its weight */
  int64_t in, out, kernel, stride, groups;
  float gain; /* of generated weights: deviation is sqrt(gain / fan-in) */
} or_convolution_t;
or_value_id_t or_network_convolution(or_network_t *network, or_value_id_t x, const or_convolution_t *convolution);
/* `scale`: the mean of generated weights. */
or_value_id_t or_network_batch_norm(or_network_t *network, or_value_id_t x, const char *name, int64_t channels,
                                    float scale);
/* Global average, then a matrix of [classes, channels]. */
or_value_id_t or_network_classifier(or_network_t *network, or_value_id_t x, const char *name, int64_t channels,
                                    int64_t classes);

#endif
