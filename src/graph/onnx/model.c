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
  or_onnx_names_init(&reader->values, allocator);
  or_onnx_names_init(&reader->nodes, allocator);
  or_onnx_names_init(&reader->symbols, allocator);
  or_onnx_names_init(&reader->files, allocator);
  return or_graph_create(allocator, name, limits, &reader->graph);
}

static or_status_t finish(or_onnx_reader_t *reader, or_status_t status, or_graph_t **out) {
  or_onnx_names_deinit(&reader->values);
  or_onnx_names_deinit(&reader->nodes);
  or_onnx_names_deinit(&reader->symbols);
  or_onnx_names_deinit(&reader->files);
  or_wire_source_deinit(&reader->source);
  or_free(reader->allocator, reader->roles);
  or_free(reader->allocator, reader->ids);
  if (or_ok(status)) {
    *out = reader->graph;
    return status;
  }
  if (reader->graph != NULL) status = or_status_context(status, "model \"%s\"", reader->graph->name);
  or_graph_release(reader->graph);
  return status;
}

static or_status_t read_opset(or_onnx_reader_t *reader, or_wire_t message) {
  or_onnx_text_t domain = {.length = 0};
  int64_t version = 0;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 1: status = or_onnx_read_text(&field, "OperatorSetIdProto.domain", &domain); break;
    case 2: status = or_onnx_read_int(&field, "OperatorSetIdProto.version", &version); break;
    default: break;
    }
  }
  if (!or_ok(status)) return status;
  if (strcmp(domain.data, "ai.onnx") == 0) domain = (or_onnx_text_t){.length = 0};
  for (size_t i = 0; i < reader->opset_count; ++i) {
    if (strcmp(reader->opsets[i].domain, domain.data) != 0) continue;
    if (reader->opsets[i].version == version) return status;
    return or_error(OR_INVALID_ARGUMENT, "two opsets of domain \"%s\" are imported: %lld and %lld",
                    domain.length > 0 ? domain.data : "ai.onnx", (long long)reader->opsets[i].version,
                    (long long)version);
  }
  if (reader->opset_count == OR_ONNX_MAX_OPSETS) {
    return or_error(OR_RESOURCE_EXHAUSTED, "more than %zu opsets are imported, the limit", OR_ONNX_MAX_OPSETS);
  }
  or_onnx_opset_t *opset = &reader->opsets[reader->opset_count];
  opset->version = version;
  status = or_arena_strndup(&reader->graph->arena, domain.data, domain.length, &opset->domain);
  if (or_ok(status)) ++reader->opset_count;
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
  reader->graph->synthetic = reader->graph->synthetic || equal == sizeof expected / sizeof *expected;
  return status;
}

/* FunctionProto: its name, for the message that refuses it. */
static or_status_t refuse_function(or_wire_t message) {
  or_onnx_text_t name = {.length = 0};
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    if (field.number == 1) status = or_onnx_read_text(&field, "FunctionProto.name", &name);
  }
  if (!or_ok(status)) return status;
  return or_error(
      OR_UNIMPLEMENTED,
      "function \"%s\": functions that a model brings along are not supported; inline them before (onnx.inliner does)",
      name.data);
}

/* The graph may stand before the opsets that its nodes need, so it is found first and read last. */
static or_status_t read_model(or_onnx_reader_t *reader) {
  or_graph_t *graph = reader->graph;
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
      if (or_ok(status)) status = read_opset(reader, field.bytes);
      break;
    case 14:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "ModelProto.metadata_props");
      if (or_ok(status)) status = read_metadata(reader, field.bytes);
      break;
    case 25:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "ModelProto.functions");
      if (or_ok(status)) status = refuse_function(field.bytes);
      break;
    default: break;
    }
  }
  if (or_ok(status) && graph_message.source == NULL) {
    status = or_error(OR_DATA_LOSS, "there is no graph; the file is truncated or not an ONNX file");
  }
  if (or_ok(status)) status = or_onnx_check_opsets(reader);
  if (or_ok(status)) status = or_onnx_read_graph(reader, graph_message);
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
