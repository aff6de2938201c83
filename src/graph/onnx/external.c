/* External data: elements that lie in another file of the model's folder, and must not lie anywhere else. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

typedef struct place_t {
  or_onnx_text_t location;
  uint64_t offset, length;
  bool has_length;
} place_t;

static or_status_t read_place(const or_onnx_tensor_proto_t *tensor, place_t *out);
static or_status_t read_entry(or_wire_t message, place_t *out);
static or_status_t read_decimal(const char *key, const or_onnx_text_t *text, uint64_t *out);
static or_status_t check_location(const or_onnx_reader_t *reader, const char *location);
static or_status_t open_inside(or_onnx_reader_t *reader, const or_onnx_text_t *location, or_file_t **out);
static or_status_t resolve(const char *path, char resolved[PATH_MAX]);

or_status_t or_onnx_external_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor,
                                      const or_constant_t **out) {
  place_t place = {.offset = 0};
  or_file_t *file = NULL;
  const or_constant_t *constant = NULL;
  *out = NULL;
  or_status_t status = read_place(tensor, &place);
  if (or_ok(status)) status = check_location(reader, place.location.data);
  if (or_ok(status)) status = open_inside(reader, &place.location, &file);
  if (!or_ok(status)) return status;
  if (place.has_length && place.length != tensor->bytes) {
    return or_error(OR_INVALID_ARGUMENT, "its shape needs %zu bytes, and %llu are given for it in external data \"%s\"",
                    tensor->bytes, (unsigned long long)place.length, place.location.data);
  }
  uint64_t size = or_file_size(file);
  if (place.offset > size || tensor->bytes > size - place.offset) {
    return or_error(OR_DATA_LOSS,
                    "external data \"%s\" has %llu bytes, and %zu are asked for at %llu; the file is truncated",
                    place.location.data, (unsigned long long)size, tensor->bytes, (unsigned long long)place.offset);
  }
  status = or_onnx_file_constant(reader, tensor, file, place.offset, &constant);
  if (or_ok(status) && tensor->bytes <= OR_ONNX_RESIDENT_BYTES)
    return or_graph_constant_copy(reader->graph, constant, out);
  *out = constant;
  return status;
}

static or_status_t read_place(const or_onnx_tensor_proto_t *tensor, place_t *out) {
  or_wire_t message = tensor->message;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    if (field.number != 13) continue;
    status = or_wire_expect(&field, OR_WIRE_BYTES, "TensorProto.external_data");
    if (or_ok(status)) status = read_entry(field.bytes, out);
  }
  return status;
}

/* StringStringEntryProto. Keys other than these (checksum, basepath) are not looked at. */
static or_status_t read_entry(or_wire_t message, place_t *out) {
  or_onnx_text_t key = {.length = 0}, value = {.length = 0};
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 1: status = or_onnx_read_text(&field, "StringStringEntryProto.key", &key); break;
    case 2: status = or_onnx_read_text(&field, "StringStringEntryProto.value", &value); break;
    default: break;
    }
  }
  if (!or_ok(status)) return status;
  if (strcmp(key.data, "location") == 0) out->location = value;
  if (strcmp(key.data, "offset") == 0) status = read_decimal("offset", &value, &out->offset);
  if (strcmp(key.data, "length") == 0) {
    out->has_length = true;
    status = read_decimal("length", &value, &out->length);
  }
  return status;
}

static or_status_t read_decimal(const char *key, const or_onnx_text_t *text, uint64_t *out) {
  uint64_t value = 0;
  bool valid = text->length > 0;
  for (size_t i = 0; valid && i < text->length; ++i) {
    char digit = text->data[i];
    valid = digit >= '0' && digit <= '9' && !__builtin_mul_overflow(value, UINT64_C(10), &value) &&
            !__builtin_add_overflow(value, (uint64_t)(digit - '0'), &value);
  }
  *out = value;
  if (valid) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "%s \"%s\" of external data is not a number of bytes", key, text->data);
}

/* By its words alone: before the file system is asked anything. */
static or_status_t check_location(const or_onnx_reader_t *reader, const char *location) {
  if (location[0] == '\0') return or_error(OR_INVALID_ARGUMENT, "its external data has no location");
  bool outside = location[0] == '/';
  for (const char *at = location; at != NULL && !outside; at = strchr(at, '/')) {
    if (*at == '/') ++at;
    outside = strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0');
  }
  if (outside) {
    return or_error(OR_PERMISSION_DENIED,
                    "external data \"%s\" is outside the model's folder; put it there and name it by its relative path",
                    location);
  }
  if (reader->directory != NULL) return or_status_success();
  return or_error(OR_PERMISSION_DENIED,
                  "external data \"%s\" is refused: the model comes from memory and no base directory was given",
                  location);
}

/* The file of that location, opened once. It is the model's, and of the graph that reads from it. */
static or_status_t open_inside(or_onnx_reader_t *reader, const or_onnx_text_t *location, or_file_t **out) {
  uint32_t number = 0;
  if (or_onnx_names_find(&reader->files, location->data, location->length, &number)) {
    *out = reader->root->files[number];
    return or_graph_keep_file(reader->graph, *out);
  }
  if (reader->files.count >= OR_ONNX_MAX_FILES) {
    return or_error(OR_RESOURCE_EXHAUSTED, "external data is in more than %zu files, the limit; export it to one",
                    OR_ONNX_MAX_FILES);
  }
  char joined[PATH_MAX], folder[PATH_MAX], path[PATH_MAX];
  if (strlen(or_format(joined, sizeof joined, "%s/%s", reader->directory, location->data)) + 1 == sizeof joined) {
    return or_error(OR_INVALID_ARGUMENT, "external data \"%s\": the path is longer than %d bytes", location->data,
                    PATH_MAX - 1);
  }
  or_status_t status = resolve(reader->directory, folder);
  if (or_ok(status)) status = resolve(joined, path);
  if (!or_ok(status)) return status;
  size_t length = strlen(folder);
  if (length > 0 && folder[length - 1] == '/') --length; /* the root */
  if (strncmp(path, folder, length) != 0 || path[length] != '/') {
    return or_error(OR_PERMISSION_DENIED,
                    "external data \"%s\" is a link that leads outside the model's folder; copy the file there",
                    location->data); /* not where to: a server's clients read it */
  }
  or_file_t *file = NULL;
  const char *name = NULL;
  /* By the folder's name as it was given, which is what messages say of the file. */
  status = or_file_open_below(reader->allocator, reader->directory, path + length + 1, &file);
  if (or_ok(status)) status = or_graph_keep_file(reader->graph, file);
  if (or_ok(status)) status = or_graph_keep_file(reader->root, file);
  if (or_ok(status)) status = or_arena_strndup(&reader->root->arena, location->data, location->length, &name);
  if (or_ok(status))
    status = or_onnx_names_add(&reader->files, name, location->length, (uint32_t)reader->root->file_count - 1);
  if (or_ok(status)) *out = file;
  or_file_release(file);
  return status;
}

static or_status_t resolve(const char *path, char resolved[PATH_MAX]) {
  if (realpath(path, resolved) != NULL) return or_status_success();
  char words[128];
  int error = errno;
  or_status_code_t code = error == ENOENT || error == ENOTDIR ? OR_NOT_FOUND
                          : error == EACCES                   ? OR_PERMISSION_DENIED
                                                              : OR_INVALID_ARGUMENT;
  return or_error(code, "external data: \"%s\" can't be reached: %s", path, or_errno_text(error, words, sizeof words));
}
