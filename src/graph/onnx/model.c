/* ModelProto: what is read first, in which order, and the two ways in. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"
#include "graph/onnx/write.h"

static or_status_t start(or_onnx_reader_t *reader, const or_allocator_t *allocator, const char *name,
                         const or_model_limits_t *limits);
static or_status_t read_model(or_onnx_reader_t *reader);
static or_status_t finish(or_onnx_reader_t *reader, or_status_t status, or_graph_t **out);
static or_status_t folder_of(const or_allocator_t *allocator, const char *path, char **out);

or_status_t or_onnx_read_file(const or_allocator_t *allocator, const char *path, const or_model_limits_t *limits,
                              or_graph_t **out) {
  or_onnx_reader_t reader;
  or_file_t *file = NULL;
  char *folder = NULL;
  const char *slash = strrchr(path, '/');
  *out = NULL;
  or_status_t status = or_file_open(allocator, path, &file);
  if (or_ok(status)) status = folder_of(allocator, path, &folder);
  if (or_ok(status)) {
    status = start(&reader, allocator, slash != NULL ? slash + 1 : path, limits);
    if (or_ok(status)) {
      reader.file = file;
      reader.directory = folder;
      status = or_wire_source_file(&reader.source, allocator, file);
    }
    if (or_ok(status)) status = read_model(&reader);
    if (or_ok(status)) status = or_file_check(file);
    if (or_ok(status)) status = or_graph_check_files(reader.root);
    status = finish(&reader, status, out);
  }
  or_free(allocator, folder);
  or_file_release(file); /* the graph keeps it if a constant is read from it */
  return status;
}

or_status_t or_onnx_read_memory(const or_allocator_t *allocator, const or_onnx_source_t *source,
                                const or_model_limits_t *limits, or_graph_t **out) {
  or_onnx_reader_t reader;
  *out = NULL;
  or_status_t status = start(&reader, allocator, source->name, limits);
  if (or_ok(status)) {
    reader.directory = source->base_directory;
    or_wire_source_memory(&reader.source, source->bytes, source->length);
    status = read_model(&reader);
  }
  return finish(&reader, status, out);
}

static or_status_t start(or_onnx_reader_t *reader, const or_allocator_t *allocator, const char *name,
                         const or_model_limits_t *limits) {
  *reader = (or_onnx_reader_t){.allocator = allocator};
  or_onnx_names_init(&reader->files, allocator);
  or_onnx_names_init(&reader->function_names, allocator);
  or_status_t status = or_graph_create(allocator, name, limits, &reader->root);
  or_onnx_level_init(reader, &reader->root_level, reader->root);
  or_onnx_scope_init(reader, &reader->root_scope, &reader->root_level);
  (void)or_onnx_enter(reader, &reader->root_scope);
  return status;
}

static or_status_t finish(or_onnx_reader_t *reader, or_status_t status, or_graph_t **out) {
  or_onnx_scope_deinit(&reader->root_scope);
  or_onnx_level_deinit(reader, &reader->root_level);
  or_onnx_names_deinit(&reader->files);
  or_onnx_names_deinit(&reader->function_names);
  or_wire_source_deinit(&reader->source);
  for (size_t i = 0; i < reader->function_count; ++i) or_free(reader->allocator, reader->functions[i].opsets.items);
  or_free(reader->allocator, reader->functions);
  or_free(reader->allocator, reader->opsets.items);
  or_free(reader->allocator, reader->ids);
  if (or_ok(status)) {
    *out = reader->root;
    return status;
  }
  if (reader->root != NULL) status = or_status_context(status, "model \"%s\"", reader->root->name);
  or_graph_release(reader->root);
  return status;
}

/* StringStringEntryProto: only what our own writer says of weights that it generated; any other may be as long as it
 * likes. */
static or_status_t read_metadata(or_onnx_reader_t *reader, or_wire_t message) {
  static const struct {
    uint32_t field;
    const char *text;
  } expected[] = {{1, OR_ONNX_WEIGHTS_KEY}, {2, OR_ONNX_WEIGHTS_SYNTHETIC}};
  size_t equal = 0;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    for (size_t i = 0; or_ok(status) && i < sizeof expected / sizeof *expected; ++i) {
      char text[sizeof OR_ONNX_WEIGHTS_KEY] = "";
      size_t length = strlen(expected[i].text);
      if (field.number != expected[i].field || field.type != OR_WIRE_BYTES || or_wire_length(&field.bytes) != length)
        continue;
      status = or_wire_copy(&field.bytes, text);
      equal += memcmp(text, expected[i].text, length) == 0;
    }
  }
  reader->root->synthetic = reader->root->synthetic || equal == sizeof expected / sizeof *expected;
  return status;
}

/* The graph may stand before the opsets that its nodes need, so it is found first and read last. */
static or_status_t read_model(or_onnx_reader_t *reader) {
  or_graph_t *graph = reader->root;
  if (reader->source.length > graph->limits.file_bytes) {
    return or_error(OR_RESOURCE_EXHAUSTED,
                    "the file has %llu bytes, more than %llu, the limit: raise limits.file_bytes, or use external data",
                    (unsigned long long)reader->source.length, (unsigned long long)graph->limits.file_bytes);
  }
  or_wire_t message = or_wire_all(&reader->source), graph_message = {.source = NULL};
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 1: status = or_onnx_read_int(&field, "ModelProto.ir_version", &reader->ir_version); break;
    case 7:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "ModelProto.graph");
      if (or_ok(status) && graph_message.source != NULL)
        status = or_error(OR_DATA_LOSS, "there are two graphs; the file is corrupt");
      graph_message = field.bytes;
      break;
    case 8:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "ModelProto.opset_import");
      if (or_ok(status)) status = or_onnx_read_opset(reader, field.bytes, &reader->opsets);
      break;
    case 14:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "ModelProto.metadata_props");
      if (or_ok(status)) status = read_metadata(reader, field.bytes);
      break;
    case 25:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "ModelProto.functions");
      if (or_ok(status)) status = or_onnx_add_function(reader, field.bytes);
      break;
    default: break;
    }
  }
  if (or_ok(status) && graph_message.source == NULL) {
    status = or_error(OR_DATA_LOSS, "there is no graph; the file is truncated or not an ONNX file");
  }
  if (or_ok(status)) status = or_onnx_check_opsets(&reader->opsets);
  graph->opset = or_onnx_standard_opset(&reader->opsets);
  if (graph->opset == 0) graph->opset = or_op_newest_opset("");
  if (or_ok(status)) status = or_onnx_read_graph(reader, graph_message);
  graph->weight_bytes = reader->constant_bytes;
  if (or_ok(status)) status = or_onnx_name_locals(reader);
  if (or_ok(status)) status = or_onnx_check_captured(reader);
  if (or_ok(status)) status = or_graph_sort(graph);
  return or_ok(status) ? or_graph_infer(graph, NULL) : status;
}

static or_status_t folder_of(const or_allocator_t *allocator, const char *path, char **out) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return or_strdup(allocator, ".", out);
  return or_strndup(allocator, path, slash == path ? 1 : (size_t)(slash - path), out);
}

or_status_t or_onnx_read_text(const or_wire_field_t *field, const char *what, or_onnx_text_t *out) {
  out->length = 0;
  out->data[0] = '\0';
  or_status_t status = or_wire_expect(field, OR_WIRE_BYTES, what);
  if (!or_ok(status)) return status;
  uint64_t length = or_wire_length(&field->bytes);
  if (length > OR_ONNX_MAX_NAME_BYTES) {
    return or_error(OR_RESOURCE_EXHAUSTED, "byte %llu: %s has %llu bytes, more than %zu, the limit",
                    (unsigned long long)field->at, what, (unsigned long long)length, OR_ONNX_MAX_NAME_BYTES);
  }
  status = or_wire_copy(&field->bytes, out->data);
  if (!or_ok(status)) return status;
  out->data[length] = '\0';
  if (memchr(out->data, '\0', (size_t)length) != NULL || !or_utf8_valid(out->data, (size_t)length)) {
    return or_error(OR_DATA_LOSS, "byte %llu: %s is not a text in UTF-8; the file is corrupt or not an ONNX file",
                    (unsigned long long)field->at, what);
  }
  out->length = (size_t)length;
  return status;
}

or_status_t or_onnx_read_int(const or_wire_field_t *field, const char *what, int64_t *out) {
  or_status_t status = or_wire_expect(field, OR_WIRE_VARINT, what);
  if (or_ok(status)) *out = (int64_t)field->value;
  return status;
}
