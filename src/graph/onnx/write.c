/* A graph as an ONNX file. Messages are made in memory, but for the elements of initializers, which are read from where
 * they are and written piece by piece; their lengths are known before, so that nothing is written twice. */
#include "graph/onnx/write.h"

#include <string.h>
#include <unistd.h>

#include "graph/onnx/onnx.h"

#define PIECE_BYTES ((size_t)1 << 20)            /* of elements, read and written at once */
#define KEPT_INSIDE_BYTES OR_ONNX_RESIDENT_BYTES /* tensors that stay in the model's file whatever is asked for */

/* One graph being written. Owned by the thread that writes. */
typedef struct onnx_writer_t {
  const or_graph_t *graph;
  const or_model_export_options_t *options;
  const or_allocator_t *allocator;
  or_onnx_names_of_t names;
  or_onnx_pieces_t pieces;          /* constants of bodies in the file of weights, before the graph's own */
  bool external;                    /* elements go to a file of their own */
  const char *folderless;           /* that file's name without its folder */
  uint64_t total_bytes, done_bytes; /* of elements */
  void *piece;                      /* PIECE_BYTES */
  or_wire_writer_t text;            /* what is being made now */
} onnx_writer_t;

typedef struct domains_t {
  const char **items;
  size_t count, capacity;
} domains_t;

static uint64_t weight_bytes(const or_graph_t *graph, uint32_t depth);
static or_status_t write_both(onnx_writer_t *self, const char *path);
static or_status_t write_data(onnx_writer_t *self, or_file_writer_t *file);
static or_status_t write_model(onnx_writer_t *self, or_file_writer_t *file);

or_status_t or_onnx_write_file(const or_graph_t *graph, const char *path, const or_model_export_options_t *options) {
  static const or_model_export_options_t defaults = {.replace = false};
  onnx_writer_t self = {
      .graph = graph, .options = options != NULL ? options : &defaults, .allocator = graph->allocator};
  or_wire_writer_init(&self.text, self.allocator);
  self.pieces.allocator = self.allocator;
  or_status_t status = or_onnx_names_of_init(&self.names, graph, NULL, NULL);
  self.names.pieces = &self.pieces;
  self.external = self.options->external_data || weight_bytes(graph, 0) > OR_ONNX_MAX_INLINE_BYTES;
  if (or_ok(status)) status = or_alloc(self.allocator, PIECE_BYTES, &self.piece);
  if (or_ok(status)) status = write_both(&self, path);
  or_free(self.allocator, self.piece);
  or_free(self.allocator, self.pieces.items);
  or_onnx_names_of_deinit(&self.names);
  status = or_status_first(status, or_wire_writer_deinit(&self.text));
  return or_status_context(status, "model \"%s\" as ONNX", graph->name);
}

/* Bytes of constants, those of bodies too: a constant that several share is counted as often. */
static uint64_t weight_bytes(const or_graph_t *graph, uint32_t depth) {
  uint64_t sum = 0;
  for (size_t v = 0; v < graph->value_count; ++v)
    sum += graph->values[v].constant != NULL ? graph->values[v].constant->bytes : 0;
  for (size_t i = 0; i < graph->body_count && depth < graph->limits.nesting; ++i)
    sum += weight_bytes(graph->bodies[i], depth + 1);
  return sum;
}

/* The weights get their name first: a model never refers to a file that is not there. */
static or_status_t write_both(onnx_writer_t *self, const char *path) {
  or_file_writer_t model, data = {.descriptor = -1};
  char data_path[OR_FILE_PATH_BYTES + 8];
  const char *slash = strrchr(path, '/');
  or_format(data_path, sizeof data_path, "%s.data", path);
  self->folderless = data_path + (slash != NULL ? slash - path + 1 : 0);
  self->pieces.location = self->external ? self->folderless : NULL;
  or_status_t status = or_file_writer_begin(&model, path, self->options->replace);
  if (or_ok(status) && self->external) status = or_file_writer_begin(&data, data_path, self->options->replace);
  if (or_ok(status)) status = write_model(self, &model);
  if (or_ok(status) && self->external) status = write_data(self, &data);
  bool begun = data.descriptor >= 0;
  status = or_file_writer_end(&data, status);
  bool left = begun && or_ok(status) && !self->options->replace;
  status = or_file_writer_end(&model, status);
  if (left && !or_ok(status)) (void)unlink(data_path);
  self->folderless = self->pieces.location = NULL;
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
  return self->external && constant->bytes > KEPT_INSIDE_BYTES && constant->dtype != OR_STRING;
}

static or_status_t write_data(onnx_writer_t *self, or_file_writer_t *file) {
  static const char zeros[OR_ONNX_EXTERNAL_ALIGNMENT];
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < self->pieces.count + self->graph->value_count; ++i) {
    const size_t v = i < self->pieces.count ? 0 : i - self->pieces.count;
    const or_constant_t *constant = i < self->pieces.count ? self->pieces.items[i] : self->graph->values[v].constant;
    if (i >= self->pieces.count && (!self->names.needed[v] || !is_outside(self, constant))) continue;
    status = or_file_writer_append(file, zeros, (size_t)(or_onnx_aligned(file->length) - file->length));
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
  or_onnx_put_tensor_facts(&facts, self->names.names[value], constant);
  *behind = 0;
  if (is_outside(self, constant)) {
    *offset = or_onnx_aligned(*offset);
    or_onnx_put_external(&facts, self->folderless, *offset, constant->bytes);
    *offset += constant->bytes;
  } else if (constant->dtype == OR_STRING) {
    or_onnx_put_elements(&facts, constant);
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
  uint64_t offset = self->pieces.end, behind = 0;
  or_status_t status = or_status_success();
  *length = 0;
  for (size_t v = 0; or_ok(status) && v < self->graph->value_count; ++v) {
    if (!self->names.needed[v]) continue;
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

/* Adds the domains of the graph's nodes and of its bodies' to a list. */
static or_status_t find_domains(const or_graph_t *graph, domains_t *domains, uint32_t depth) {
  or_status_t status = or_status_success();
  for (size_t n = 0; or_ok(status) && n < graph->node_count; ++n) {
    bool known = false;
    for (size_t i = 0; i < domains->count && !known; ++i)
      known = strcmp(domains->items[i], graph->nodes[n].domain) == 0;
    if (known) continue;
    status = or_grow_array(graph->allocator, domains->count + 1, sizeof *domains->items, (void **)&domains->items,
                           &domains->capacity);
    if (or_ok(status)) domains->items[domains->count++] = graph->nodes[n].domain;
  }
  for (size_t i = 0; or_ok(status) && i < graph->body_count && depth < graph->limits.nesting; ++i)
    status = find_domains(graph->bodies[i], domains, depth + 1);
  return status;
}

/* OperatorSetIdProto of each domain that a node is from, ai.onnx first, whether or not one is from it. */
static void put_opsets(onnx_writer_t *self, or_wire_writer_t *out) {
  domains_t domains = {.count = 0};
  or_status_t status = find_domains(self->graph, &domains, 0);
  for (size_t i = 0; or_ok(status) && i <= domains.count; ++i) {
    const char *domain = i == 0 ? "" : domains.items[i - 1];
    or_wire_writer_t opset;
    if (i > 0 && domain[0] == '\0') continue;
    or_wire_writer_init(&opset, self->allocator);
    if (domain[0] != '\0') or_wire_put_text(&opset, 1, domain);
    or_wire_put_int(&opset, 2, domain[0] != '\0' ? or_op_newest_opset(domain) : self->graph->opset);
    or_wire_put_message(out, 8, &opset);
    or_status_ignore(or_wire_writer_deinit(&opset)); /* went over with the message */
  }
  or_free(self->allocator, domains.items);
  out->status = or_status_first(out->status, status);
}

static void add_totals(onnx_writer_t *self) {
  for (size_t i = 0; i < self->pieces.count; ++i) self->total_bytes += self->pieces.items[i]->bytes;
  for (size_t v = 0; v < self->graph->value_count; ++v)
    self->total_bytes += self->names.needed[v] ? self->graph->values[v].constant->bytes : 0;
}

/* The graph is made first: what bodies share with it becomes an initializer of it. */
static or_status_t write_model(onnx_writer_t *self, or_file_writer_t *file) {
  or_wire_writer_t head, graph;
  uint64_t initializers = 0, again = 0;
  or_wire_writer_init(&head, self->allocator);
  or_wire_writer_init(&graph, self->allocator);
  or_onnx_put_graph(&graph, &self->names);
  add_totals(self);
  or_status_t status = write_initializers(self, NULL, &initializers);
  or_wire_put_int(&head, 1, or_onnx_ir_version(self->graph->opset));
  or_wire_put_text(&head, 2, "openruntime");
  put_opsets(self, &head);
  if (self->graph->synthetic) or_onnx_put_entry(&head, 14, OR_ONNX_WEIGHTS_KEY, OR_ONNX_WEIGHTS_SYNTHETIC);
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
