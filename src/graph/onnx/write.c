/* A graph as an ONNX file. Messages are made in memory, but for the elements of initializers, which are read from where
 * they are and written piece by piece; their lengths are known before, so that nothing is written twice. */
#include "graph/onnx/write.h"

#include <string.h>
#include <unistd.h>

#include "graph/onnx/onnx.h"

#define PIECE_BYTES ((size_t)1 << 20)            /* of elements, read and written at once */
#define EXTERNAL_ALIGNMENT ((uint64_t)64)        /* of a tensor in the file of weights */
#define KEPT_INSIDE_BYTES OR_ONNX_RESIDENT_BYTES /* tensors that stay in the model's file whatever is asked for */

/* One graph being written. Owned by the thread that writes. */
typedef struct onnx_writer_t {
  const or_graph_t *graph;
  const or_model_export_options_t *options;
  const or_allocator_t *allocator;
  bool *needed;                     /* per value: its constant is an initializer */
  bool external;                    /* elements go to a file of their own */
  const char *folderless;           /* that file's name without its folder */
  uint64_t total_bytes, done_bytes; /* of elements */
  void *piece;                      /* PIECE_BYTES */
  or_wire_writer_t text;            /* what is being made now */
} onnx_writer_t;

static or_status_t find_initializers(onnx_writer_t *self);
static or_status_t write_both(onnx_writer_t *self, const char *path);
static or_status_t write_data(onnx_writer_t *self, or_file_writer_t *file);
static or_status_t write_model(onnx_writer_t *self, or_file_writer_t *file);

or_status_t or_onnx_write_file(const or_graph_t *graph, const char *path, const or_model_export_options_t *options) {
  static const or_model_export_options_t defaults = {.replace = false};
  onnx_writer_t self = {
      .graph = graph, .options = options != NULL ? options : &defaults, .allocator = graph->allocator};
  or_wire_writer_init(&self.text, self.allocator);
  or_status_t status = find_initializers(&self);
  self.external = self.options->external_data || self.total_bytes > OR_ONNX_MAX_INLINE_BYTES;
  if (or_ok(status)) status = or_alloc(self.allocator, PIECE_BYTES, &self.piece);
  if (or_ok(status)) status = write_both(&self, path);
  or_free(self.allocator, self.piece);
  or_free(self.allocator, self.needed);
  status = or_status_first(status, or_wire_writer_deinit(&self.text));
  return or_status_context(status, "model \"%s\" as ONNX", graph->name);
}

/* An input's default must have the input's own shape in a file; one that is only broadcast to it is left out. */
static bool is_default(const or_value_info_t *value) {
  bool fits = value->constant != NULL && value->shape.rank == value->constant->shape.rank;
  for (int32_t d = 0; fits && d < value->shape.rank; ++d) fits = value->shape.dims[d] == value->constant->shape.dims[d];
  return fits;
}

static or_status_t find_initializers(onnx_writer_t *self) {
  const or_graph_t *graph = self->graph;
  void *memory = NULL;
  or_status_t status = or_alloc_array(self->allocator, graph->value_count + 1, sizeof(bool), &memory);
  if (!or_ok(status)) return status;
  self->needed = memory;
  for (size_t n = 0; n < graph->node_count; ++n) {
    for (uint32_t i = 0; i < graph->nodes[n].input_count; ++i) {
      or_value_id_t value = graph->nodes[n].inputs[i];
      if (value != OR_NO_VALUE) self->needed[value] = graph->values[value].constant != NULL;
    }
  }
  for (size_t i = 0; i < graph->output_count; ++i)
    self->needed[graph->outputs[i]] = graph->values[graph->outputs[i]].constant != NULL;
  for (size_t i = 0; i < graph->input_count; ++i)
    self->needed[graph->inputs[i]] = is_default(&graph->values[graph->inputs[i]]);
  for (size_t v = 0; v < graph->value_count; ++v)
    self->total_bytes += self->needed[v] ? graph->values[v].constant->bytes : 0;
  return status;
}

/* The weights get their name first: a model never refers to a file that is not there. */
static or_status_t write_both(onnx_writer_t *self, const char *path) {
  or_file_writer_t model, data = {.descriptor = -1};
  char data_path[OR_FILE_PATH_BYTES + 8];
  const char *slash = strrchr(path, '/');
  or_format(data_path, sizeof data_path, "%s.data", path);
  self->folderless = data_path + (slash != NULL ? slash - path + 1 : 0);
  or_status_t status = or_file_writer_begin(&model, path, self->options->replace);
  if (or_ok(status) && self->external) status = or_file_writer_begin(&data, data_path, self->options->replace);
  if (or_ok(status)) status = write_model(self, &model);
  if (or_ok(status) && self->external) status = write_data(self, &data);
  bool begun = data.descriptor >= 0;
  status = or_file_writer_end(&data, status);
  bool left = begun && or_ok(status) && !self->options->replace;
  status = or_file_writer_end(&model, status);
  if (left && !or_ok(status)) (void)unlink(data_path);
  self->folderless = NULL;
  return status;
}

static or_status_t write_elements(onnx_writer_t *self, or_file_writer_t *file, const or_constant_t *constant) {
  or_status_t status = or_status_success();
  for (size_t at = 0; or_ok(status) && at < constant->bytes;) {
    size_t left = constant->bytes - at, part = left < PIECE_BYTES ? left : PIECE_BYTES;
    const void *bytes = constant->data != NULL ? (const char *)constant->data + at : self->piece;
    if (constant->data == NULL) status = constant->read(constant, at, self->piece, part);
    if (or_ok(status)) status = or_file_writer_append(file, bytes, part);
    at += part;
    self->done_bytes += part;
    double fraction = self->total_bytes > 0 ? (double)self->done_bytes / (double)self->total_bytes : 1.0;
    if (or_ok(status) && self->options->progress != NULL &&
        !self->options->progress(self->options->progress_self, fraction))
      status = or_error(OR_CANCELLED, "stopped by the caller");
  }
  return status;
}

static bool is_outside(const onnx_writer_t *self, const or_constant_t *constant) {
  return self->external && constant->bytes > KEPT_INSIDE_BYTES;
}

static uint64_t aligned(uint64_t offset) {
  return (offset + EXTERNAL_ALIGNMENT - 1) / EXTERNAL_ALIGNMENT * EXTERNAL_ALIGNMENT;
}

static or_status_t write_data(onnx_writer_t *self, or_file_writer_t *file) {
  static const char zeros[EXTERNAL_ALIGNMENT];
  or_status_t status = or_status_success();
  for (size_t v = 0; or_ok(status) && v < self->graph->value_count; ++v) {
    const or_constant_t *constant = self->graph->values[v].constant;
    if (!self->needed[v] || !is_outside(self, constant)) continue;
    status = or_file_writer_append(file, zeros, (size_t)(aligned(file->length) - file->length));
    if (or_ok(status)) status = write_elements(self, file, constant);
  }
  return status;
}

/* TensorProto in `text`, but for the elements that are to come behind it: *behind bytes. *offset: where the next tensor
 * goes in the file of weights. */
static void put_initializer(onnx_writer_t *self, or_value_id_t value, uint64_t *offset, uint64_t *behind) {
  const or_constant_t *constant = self->graph->values[value].constant;
  or_wire_writer_t facts;
  or_wire_writer_init(&facts, self->allocator);
  or_onnx_put_tensor_facts(&facts, self->graph->values[value].name, constant);
  *behind = 0;
  if (is_outside(self, constant)) {
    *offset = aligned(*offset);
    or_onnx_put_external(&facts, self->folderless, *offset, constant->bytes);
    *offset += constant->bytes;
  } else {
    or_wire_put_header(&facts, 9, constant->bytes);
    *behind = constant->bytes;
  }
  self->text.status = or_status_first(self->text.status, facts.status);
  facts.status = or_status_success();
  or_wire_put_header(&self->text, 5, facts.text.length + *behind);
  if (or_ok(self->text.status))
    self->text.status = or_text_append(&self->text.text, or_text_string(&facts.text), facts.text.length);
  or_status_ignore(or_wire_writer_deinit(&facts)); /* went over with the message */
}

/* Initializers, to `file`, or (NULL) only their length. */
static or_status_t write_initializers(onnx_writer_t *self, or_file_writer_t *file, uint64_t *length) {
  uint64_t offset = 0, behind = 0;
  or_status_t status = or_status_success();
  *length = 0;
  for (size_t v = 0; or_ok(status) && v < self->graph->value_count; ++v) {
    if (!self->needed[v]) continue;
    or_text_clear(&self->text.text);
    put_initializer(self, (or_value_id_t)v, &offset, &behind);
    status = self->text.status;
    self->text.status = or_status_success();
    *length += self->text.text.length + behind;
    if (file == NULL || !or_ok(status)) continue;
    status = or_file_writer_append(file, or_text_string(&self->text.text), self->text.text.length);
    if (or_ok(status) && behind > 0) status = write_elements(self, file, self->graph->values[v].constant);
  }
  return status;
}

/* GraphProto but for its initializers. */
static void put_graph(onnx_writer_t *self, or_wire_writer_t *out) {
  const or_graph_t *graph = self->graph;
  for (size_t n = 0; n < graph->node_count; ++n) or_onnx_put_node(out, 1, graph, &graph->nodes[n]);
  or_wire_put_text(out, 2, graph->name);
  for (size_t i = 0; i < graph->input_count; ++i)
    or_onnx_put_value_info(out, 11, graph, &graph->values[graph->inputs[i]]);
  for (size_t i = 0; i < graph->output_count; ++i)
    or_onnx_put_value_info(out, 12, graph, &graph->values[graph->outputs[i]]);
  for (size_t n = 0; n < graph->node_count; ++n) {
    for (uint32_t i = 0; i < graph->nodes[n].output_count; ++i) {
      or_value_id_t value = graph->nodes[n].outputs[i];
      if (value == OR_NO_VALUE || graph->values[value].dtype == OR_DTYPE_NONE) continue;
      bool output = false;
      for (size_t o = 0; o < graph->output_count; ++o) output = output || graph->outputs[o] == value;
      if (!output) or_onnx_put_value_info(out, 13, graph, &graph->values[value]);
    }
  }
}

/* OperatorSetIdProto of each domain that a node is from: each in the opset that gives it the version it has. */
static void put_opsets(onnx_writer_t *self, or_wire_writer_t *out) {
  const or_graph_t *graph = self->graph;
  for (size_t n = 0; n <= graph->node_count; ++n) { /* ai.onnx first, whether or not a node is from it */
    const char *domain = n == 0 ? "" : graph->nodes[n - 1].domain;
    bool known = n > 0 && domain[0] == '\0';
    for (size_t i = 1; i < n && !known; ++i) known = strcmp(graph->nodes[i - 1].domain, domain) == 0;
    if (known) continue;
    or_wire_writer_t opset;
    or_wire_writer_init(&opset, self->allocator);
    if (domain[0] != '\0') or_wire_put_text(&opset, 1, domain);
    or_wire_put_int(&opset, 2, domain[0] != '\0' ? or_op_newest_opset(domain) : graph->opset);
    or_wire_put_message(out, 8, &opset);
    or_status_ignore(or_wire_writer_deinit(&opset)); /* went over with the message */
  }
}

static or_status_t write_model(onnx_writer_t *self, or_file_writer_t *file) {
  or_wire_writer_t head, graph;
  uint64_t initializers = 0, again = 0;
  or_wire_writer_init(&head, self->allocator);
  or_wire_writer_init(&graph, self->allocator);
  or_status_t status = write_initializers(self, NULL, &initializers);
  or_wire_put_int(&head, 1, or_onnx_ir_version(self->graph->opset));
  or_wire_put_text(&head, 2, "openruntime");
  put_opsets(self, &head);
  if (self->graph->synthetic) or_onnx_put_entry(&head, 14, OR_ONNX_WEIGHTS_KEY, OR_ONNX_WEIGHTS_SYNTHETIC);
  put_graph(self, &graph);
  or_wire_put_header(&head, 7, graph.text.length + initializers);
  status = or_status_first(status, or_status_first(head.status, graph.status));
  head.status = graph.status = or_status_success();
  if (or_ok(status)) status = or_file_writer_append(file, or_text_string(&head.text), head.text.length);
  if (or_ok(status)) status = or_file_writer_append(file, or_text_string(&graph.text), graph.text.length);
  if (or_ok(status)) status = write_initializers(self, file, &again);
  or_status_ignore(or_wire_writer_deinit(&head)); /* taken above */
  or_status_ignore(or_wire_writer_deinit(&graph));
  return status;
}
