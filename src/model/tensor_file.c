/* Tensors in files, by their ending. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/string.h"
#include "graph/onnx/onnx.h"
#include "model/npy.h"
#include "model/tensor_file.h"
#include "model/tensor_json.h"
#include "model/value_json.h"
#include "runtime/runtime.h"

#define MAX_FILE_BYTES ((size_t)4 << 30)

static or_status_t create(or_runtime_t *runtime, or_dtype_t dtype, or_shape_t shape, const void *data, size_t bytes,
                          or_tensor_t **out) {
  or_device_t *device = or_runtime_host_device(runtime);
  if (device == NULL) return or_error(OR_UNAVAILABLE, "no device with the host's memory to read the tensor into");
  or_status_t status = dtype == OR_BOOL ? or_truth_check(data, bytes) : or_status_success();
  return or_ok(status) ? or_tensor_create_from(device, dtype, shape, data, bytes, out) : status;
}

static or_status_t read_npy(or_runtime_t *runtime, const char *bytes, size_t length, or_tensor_t **out) {
  or_npy_header_t header;
  or_status_t status = or_npy_parse(bytes, length, &header);
  return or_ok(status) ? create(runtime, header.dtype, header.shape, bytes + header.data_offset, header.data_bytes, out)
                       : status;
}

or_status_t or_tensor_proto_read(or_runtime_t *runtime, const void *bytes, size_t length, or_tensor_t **out) {
  or_onnx_tensor_t tensor;
  *out = NULL;
  or_status_t status = or_onnx_read_tensor(or_runtime_allocator(runtime), bytes, length, &tensor);
  if (!or_ok(status)) return status;
  status = create(runtime, tensor.dtype, tensor.shape, tensor.data, tensor.bytes, out);
  or_free(or_runtime_allocator(runtime), tensor.data);
  return status;
}

static or_status_t read_pb(or_runtime_t *runtime, const char *bytes, size_t length, or_tensor_t **out) {
  return or_tensor_proto_read(runtime, bytes, length, out);
}

static or_status_t read_json_value(or_runtime_t *runtime, const char *bytes, size_t length, or_tensor_t **tensor,
                                   or_value_t **value) {
  const or_allocator_t *allocator = or_runtime_allocator(runtime);
  or_json_document_t *document = NULL;
  or_device_t *device = or_runtime_host_device(runtime);
  if (device == NULL) return or_error(OR_UNAVAILABLE, "no device with the host's memory to read the tensor into");
  or_status_t status = or_json_parse_keeping_numbers(allocator, bytes, length, &document);
  if (or_ok(status)) status = or_value_json_read(allocator, device, or_json_root(document), tensor, value);
  or_json_document_free(document);
  return status;
}

static or_status_t read_json(or_runtime_t *runtime, const char *bytes, size_t length, or_tensor_t **out) {
  or_value_t *value = NULL;
  or_status_t status = read_json_value(runtime, bytes, length, out, &value);
  if (value == NULL) return status;
  or_value_release(value);
  return or_error(OR_INVALID_ARGUMENT, "a tensor is an object {shape, dtype, data}");
}

or_status_t or_tensor_file_read(or_runtime_t *runtime, const char *path, or_tensor_t **out) {
  typedef or_status_t (*reader_t)(or_runtime_t *, const char *, size_t, or_tensor_t **);
  static const struct {
    const char *ending;
    reader_t read;
  } readers[] = {{".npy", read_npy}, {".pb", read_pb}, {".json", read_json}};
  char *bytes = NULL;
  size_t length = 0;
  *out = NULL;
  for (size_t i = 0; i < sizeof readers / sizeof *readers; ++i) {
    if (!or_string_ends_with(path, readers[i].ending)) continue;
    or_status_t status = or_file_read(or_runtime_allocator(runtime), path, MAX_FILE_BYTES, &bytes, &length);
    if (!or_ok(status)) return status;
    status = readers[i].read(runtime, bytes, length, out);
    or_free(or_runtime_allocator(runtime), bytes);
    return or_status_context(status, "%s", path);
  }
  return or_error(OR_UNIMPLEMENTED, "%s: the ending says no format of tensors; there are .npy, .pb and .json", path);
}

or_status_t or_json_file_read(or_runtime_t *runtime, const char *path, or_tensor_t **tensor, or_value_t **value) {
  char *bytes = NULL;
  size_t length = 0;
  *tensor = NULL;
  *value = NULL;
  or_status_t status = or_file_read(or_runtime_allocator(runtime), path, MAX_FILE_BYTES, &bytes, &length);
  if (!or_ok(status)) return status;
  status = read_json_value(runtime, bytes, length, tensor, value);
  or_free(or_runtime_allocator(runtime), bytes);
  return or_status_context(status, "%s", path);
}

static or_status_t make_directory(const char *path) {
  char part[4096];
  size_t length = strlen(path);
  if (length >= sizeof part)
    return or_error(OR_OUT_OF_RANGE, "the folder's path has %zu bytes; the limit is %zu", length, sizeof part - 1);
  for (size_t i = 1; i <= length; ++i) {
    if (path[i] != '/' && path[i] != '\0') continue;
    memcpy(part, path, i);
    part[i] = '\0';
    if (mkdir(part, 0777) != 0 && errno != EEXIST)
      return or_error(OR_PERMISSION_DENIED, "%s: %s", part, strerror(errno));
  }
  return or_status_success();
}

/* The file's name: '/' becomes '_', and a name of dots alone can't leave the folder. */
static or_status_t output_path(or_text_t *path, const char *directory, const char *name, const char *ending) {
  or_status_t status = or_text_printf(path, "%s/", directory);
  size_t begin = path->length;
  if (or_ok(status)) status = or_text_printf(path, "%s%s", name[0] != '\0' ? name : "_", ending);
  for (size_t i = begin; or_ok(status) && i < path->length; ++i) {
    if (path->data[i] == '/') path->data[i] = '_';
  }
  return status;
}

/* DIR/NAME and the ending; the folder is made if need be. */
static or_status_t write_content(or_runtime_t *runtime, const char *directory, const char *file[2], const void *bytes,
                                 size_t length) {
  or_text_t path;
  or_text_init(&path, or_runtime_allocator(runtime));
  if (directory[0] == '\0') directory = "."; /* never the root */
  or_status_t status = make_directory(directory);
  if (or_ok(status)) status = output_path(&path, directory, file[0], file[1]);
  if (or_ok(status)) status = or_file_write(or_text_string(&path), bytes, length);
  or_text_deinit(&path);
  return status;
}

or_status_t or_proto_file_write(or_runtime_t *runtime, const char *directory, const char *name, const void *bytes,
                                size_t length) {
  return write_content(runtime, directory, (const char *[2]){name, ".pb"}, bytes, length);
}

/* The tensor's elements, in `copy` (or_free) where the host can't reach them. */
static or_status_t host_data(or_runtime_t *runtime, const or_tensor_t *tensor, void **copy, const void **data) {
  *copy = NULL;
  *data = or_tensor_data(tensor);
  if (*data != NULL) return or_status_success();
  or_status_t status = or_alloc(or_runtime_allocator(runtime), or_tensor_bytes(tensor), copy);
  if (or_ok(status)) status = or_tensor_read(tensor, *copy, or_tensor_bytes(tensor));
  *data = *copy;
  return status;
}

or_status_t or_tensor_proto_write(or_runtime_t *runtime, const char *name, const or_tensor_t *tensor, void **out,
                                  size_t *length) {
  void *copy = NULL;
  const void *data = NULL;
  *out = NULL;
  *length = 0;
  or_status_t status = host_data(runtime, tensor, &copy, &data);
  if (or_ok(status)) {
    or_onnx_tensor_t proto = {.dtype = or_tensor_dtype(tensor),
                              .shape = *or_tensor_shape(tensor),
                              .data = (void *)(uintptr_t)data,
                              .bytes = or_tensor_bytes(tensor)};
    or_format(proto.name, sizeof proto.name, "%s", name);
    status = or_onnx_write_tensor(or_runtime_allocator(runtime), &proto, out, length);
  }
  or_free(or_runtime_allocator(runtime), copy);
  return status;
}

static or_status_t write_npy(or_runtime_t *runtime, const or_tensor_t *tensor, void **out, size_t *length) {
  char header[OR_NPY_HEADER_BYTES];
  size_t header_length = 0, bytes = or_tensor_bytes(tensor);
  void *copy = NULL;
  const void *data = NULL;
  or_status_t status = or_npy_header(or_tensor_dtype(tensor), or_tensor_shape(tensor), header, &header_length);
  if (or_ok(status)) status = host_data(runtime, tensor, &copy, &data);
  if (or_ok(status)) status = or_alloc(or_runtime_allocator(runtime), header_length + bytes, out);
  if (or_ok(status)) {
    memcpy(*out, header, header_length);
    if (bytes > 0) memcpy((char *)*out + header_length, data, bytes);
    *length = header_length + bytes;
  }
  or_free(or_runtime_allocator(runtime), copy);
  return status;
}

or_status_t or_tensor_file_write(or_runtime_t *runtime, const char *directory, const char *name,
                                 const or_tensor_t *tensor) {
  void *content = NULL;
  size_t length = 0;
  const char *ending = ".npy";
  or_status_t status = write_npy(runtime, tensor, &content, &length);
  if (or_status_code(status) == OR_UNIMPLEMENTED) {
    or_status_ignore(status); /* what .npy has no dtype for goes into a TensorProto */
    ending = ".pb";
    status = or_tensor_proto_write(runtime, name, tensor, &content, &length);
  }
  if (or_ok(status)) status = write_content(runtime, directory, (const char *[2]){name, ending}, content, length);
  or_free(or_runtime_allocator(runtime), content);
  return status;
}
