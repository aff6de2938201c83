#ifndef OR_GRAPH_ONNX_TESTING_H
#define OR_GRAPH_ONNX_TESTING_H
/* For unit tests only: a writer of the wire format, with the few messages of onnx.proto that tests need. It shares
 * nothing with the reader, and can write what no exporter would. Every function that puts one message into another
 * frees the inner one. */

#include <stdlib.h>

#include "base/testing.h"
#include "graph/onnx/onnx.h"

typedef struct pb_t {
  uint8_t *data;
  size_t length, capacity;
} pb_t;

static inline void pb_append(pb_t *pb, const void *bytes, size_t length) {
  expect_ok(or_grow_array(or_allocator_system(), pb->length + length, 1, (void **)&pb->data, &pb->capacity));
  if (length > 0) memcpy(pb->data + pb->length, bytes, length);
  pb->length += length;
}

static inline void pb_free(pb_t *pb) {
  or_free(or_allocator_system(), pb->data);
  *pb = (pb_t){.data = NULL};
}

static inline void pb_varint(pb_t *pb, uint64_t value) {
  for (; value >= 0x80; value >>= 7) pb_append(pb, &(uint8_t){(uint8_t)(value | 0x80)}, 1);
  pb_append(pb, &(uint8_t){(uint8_t)value}, 1);
}

static inline void pb_int(pb_t *pb, uint32_t field, int64_t value) {
  pb_varint(pb, (uint64_t)field << 3);
  pb_varint(pb, (uint64_t)value);
}

static inline void pb_bytes(pb_t *pb, uint32_t field, const void *bytes, size_t length) {
  pb_varint(pb, (uint64_t)field << 3 | 2);
  pb_varint(pb, length);
  pb_append(pb, bytes, length);
}

static inline void pb_text(pb_t *pb, uint32_t field, const char *text) { pb_bytes(pb, field, text, strlen(text)); }

static inline void pb_float(pb_t *pb, uint32_t field, float value) {
  pb_varint(pb, (uint64_t)field << 3 | 5);
  pb_append(pb, &value, sizeof value);
}

static inline void pb_put(pb_t *pb, uint32_t field, pb_t inner) {
  pb_bytes(pb, field, inner.data, inner.length);
  pb_free(&inner);
}

/* Calls for each piece of "a,b,,c"; none for "". */
static inline const char *next_piece(const char *list, char piece[64]) {
  size_t length = strcspn(list, ",");
  assert_true(length < 64);
  memcpy(piece, list, length);
  piece[length] = '\0';
  return list[length] == ',' ? list + length + 1 : NULL;
}

/* NodeProto: lists of names, separated by commas. */
static inline pb_t node_proto(const char *op, const char *inputs, const char *outputs) {
  pb_t pb = {.data = NULL};
  char piece[64];
  for (const char *at = inputs[0] != '\0' ? inputs : NULL; at != NULL;) {
    at = next_piece(at, piece);
    pb_text(&pb, 1, piece);
  }
  for (const char *at = outputs[0] != '\0' ? outputs : NULL; at != NULL;) {
    at = next_piece(at, piece);
    pb_text(&pb, 2, piece);
  }
  pb_text(&pb, 4, op);
  return pb;
}

/* TensorShapeProto: "2,batch,?" */
static inline pb_t shape_proto(const char *dims) {
  pb_t pb = {.data = NULL};
  char piece[64];
  for (const char *at = dims[0] != '\0' ? dims : NULL; at != NULL;) {
    pb_t dim = {.data = NULL};
    at = next_piece(at, piece);
    if (strchr("-0123456789", piece[0]) != NULL && piece[0] != '\0') {
      pb_int(&dim, 1, strtoll(piece, NULL, 10));
    } else if (strcmp(piece, "?") != 0) {
      pb_text(&dim, 2, piece);
    }
    pb_put(&pb, 1, dim);
  }
  return pb;
}

/* ValueInfoProto of a tensor; dims NULL: no shape. */
static inline pb_t value_proto(const char *name, int dtype, const char *dims) {
  pb_t tensor = {.data = NULL}, type = {.data = NULL}, pb = {.data = NULL};
  pb_int(&tensor, 1, dtype);
  if (dims != NULL) pb_put(&tensor, 2, shape_proto(dims));
  pb_put(&type, 1, tensor);
  pb_text(&pb, 1, name);
  pb_put(&pb, 2, type);
  return pb;
}

/* TensorProto without elements. */
static inline pb_t tensor_proto(const char *name, int dtype, const char *dims) {
  pb_t pb = {.data = NULL};
  char piece[64];
  for (const char *at = dims[0] != '\0' ? dims : NULL; at != NULL;) {
    at = next_piece(at, piece);
    pb_int(&pb, 1, strtoll(piece, NULL, 10));
  }
  pb_int(&pb, 2, dtype);
  if (name != NULL) pb_text(&pb, 8, name);
  return pb;
}

static inline pb_t raw_tensor_proto(const char *name, int dtype, const char *dims, const void *bytes, size_t length) {
  pb_t pb = tensor_proto(name, dtype, dims);
  pb_bytes(&pb, 9, bytes, length);
  return pb;
}

/* OperatorSetIdProto. */
static inline pb_t opset_proto(const char *domain, int64_t version) {
  pb_t pb = {.data = NULL};
  if (domain[0] != '\0') pb_text(&pb, 1, domain);
  pb_int(&pb, 2, version);
  return pb;
}

/* ModelProto of version 8 of the format with ai.onnx `opset` (0: none). */
static inline pb_t model_proto(pb_t graph, int64_t opset) {
  pb_t pb = {.data = NULL};
  pb_int(&pb, 1, 8);
  pb_put(&pb, 7, graph);
  if (opset != 0) pb_put(&pb, 8, opset_proto("", opset));
  return pb;
}

/* Reads and frees the message. */
static inline or_status_t read_proto(pb_t model, const or_model_limits_t *limits, or_graph_t **graph) {
  const or_onnx_source_t source = {.name = "test.onnx", .bytes = model.data, .length = model.length};
  or_status_t status = or_onnx_read_memory(or_allocator_system(), &source, limits, graph);
  pb_free(&model);
  return status;
}

/* y = Relu(x) over float32 "[batch,2]", for tests that add what is wrong with it. */
static inline pb_t relu_graph(void) {
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("Relu", "x", "y"));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "batch,2"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "batch,2"));
  return graph;
}

#endif
