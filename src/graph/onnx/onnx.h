#ifndef OR_GRAPH_ONNX_ONNX_H
#define OR_GRAPH_ONNX_ONNX_H
/* ONNX files: ModelProto to or_graph_t, and TensorProto both ways. Our own reader of the protobuf wire format
 * (https://protobuf.dev/ programming-guides/encoding, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto);
 * untrusted input: every length is checked against what is left, and nesting is bounded. */

#include "graph/graph.h"

/* Every opset of ai.onnx up to or_op_newest_opset("") is read, each operator in its version of that opset. What changed
 * its meaning before opset 7 (broadcasting by attributes, shapes as attributes, …) is refused by the attribute's
 * name. */

/* Reads a model file: structure into memory, initializers above OR_ONNX_RESIDENT_BYTES stay in the file and are read
 * by position when a backend packs them. External data: relative paths inside the model's folder only, no "..", no
 * link that leads out, offset and length within the file. The graph is sorted and inferred. Statuses of
 * or_model_load. */
#define OR_ONNX_RESIDENT_BYTES ((size_t)4096)
or_status_t or_onnx_read_file(const or_allocator_t *allocator, const char *path, const or_model_limits_t *limits,
                              or_graph_t **out);
/* From memory, copied where it is kept. `base_directory` NULL: external data is refused. */
typedef struct or_onnx_source_t {
  const char *name; /* for messages */
  const void *bytes;
  size_t length;
  const char *base_directory;
} or_onnx_source_t;
or_status_t or_onnx_read_memory(const or_allocator_t *allocator, const or_onnx_source_t *source,
                                const or_model_limits_t *limits, or_graph_t **out);

/* Writes a graph as it was read or built (not a rewritten one) through a temporary name: nothing is left on failure.
 * Weights lie in PATH.data, named without its folder, if that is asked for or if they are more than
 * OR_ONNX_MAX_INLINE_BYTES together. A default that does not have its input's shape is left out. Statuses of
 * or_model_export. */
#define OR_ONNX_MAX_INLINE_BYTES ((uint64_t)1500 << 20) /* readers take messages of at most 2 GiB */
or_status_t or_onnx_write_file(const or_graph_t *graph, const char *path, const or_model_export_options_t *options);

/* A TensorProto (test data, `.pb` inputs). `data` is the caller's (or_free). DATA_LOSS, INVALID_ARGUMENT (sizes do not
 * add up), RESOURCE_EXHAUSTED (OR_MODEL_MAX_TENSOR_ELEMENTS, OR_MODEL_MAX_STRING_BYTES). */
typedef struct or_onnx_tensor_t {
  char name[128];
  or_dtype_t dtype;
  or_shape_t shape;
  void *data;   /* of strings: or_string_t elements, and behind them, in the same block, what they point to */
  size_t bytes; /* of the elements */
} or_onnx_tensor_t;
or_status_t or_onnx_read_tensor(const or_allocator_t *allocator, const void *bytes, size_t length,
                                or_onnx_tensor_t *out);
/* Serialised with raw_data, strings with string_data; *out is the caller's (or_free). */
or_status_t or_onnx_write_tensor(const or_allocator_t *allocator, const or_onnx_tensor_t *tensor, void **out,
                                 size_t *length);

#endif
