#include "model/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/string.h"

static or_status_t read_tensors(const or_json_value_t *root, or_safetensors_t *out);
static or_status_t read_tensor(const or_json_value_t *entry, or_safetensor_t *tensor);
static or_status_t check_places(const or_allocator_t *allocator, const or_safetensors_t *safetensors,
                                uint64_t data_bytes);

or_status_t or_safetensors_header_length(const uint8_t prefix[OR_SAFETENSORS_PREFIX_BYTES], uint64_t file_bytes,
                                         size_t *out) {
  uint64_t length = 0;
  for (int i = OR_SAFETENSORS_PREFIX_BYTES; i > 0; --i) length = length << 8 | prefix[i - 1];
  *out = 0;
  if (file_bytes < OR_SAFETENSORS_PREFIX_BYTES || length > file_bytes - OR_SAFETENSORS_PREFIX_BYTES) {
    return or_error(OR_DATA_LOSS,
                    "its header has %llu bytes and the file %llu; it is truncated, or not a safetensors file",
                    (unsigned long long)length, (unsigned long long)file_bytes);
  }
  if (length > OR_SAFETENSORS_MAX_HEADER_BYTES) {
    return or_error(OR_RESOURCE_EXHAUSTED, "its header has %llu bytes, more than %zu, the limit",
                    (unsigned long long)length, OR_SAFETENSORS_MAX_HEADER_BYTES);
  }
  *out = (size_t)length;
  return or_status_success();
}

or_status_t or_safetensors_read(const or_allocator_t *allocator, or_file_t *file, or_safetensors_t *out) {
  uint8_t prefix[OR_SAFETENSORS_PREFIX_BYTES];
  uint64_t size = or_file_size(file);
  size_t length = 0;
  void *header = NULL;
  *out = (or_safetensors_t){.count = 0};
  or_status_t status = or_file_read_at(file, 0, prefix, sizeof prefix);
  if (or_ok(status)) status = or_safetensors_header_length(prefix, size, &length);
  if (or_ok(status)) status = or_alloc(allocator, length, &header);
  if (or_ok(status)) status = or_file_read_at(file, sizeof prefix, header, length);
  if (or_ok(status)) status = or_safetensors_parse(allocator, header, length, size - sizeof prefix - length, out);
  for (size_t i = 0; or_ok(status) && i < out->count; ++i) out->tensors[i].offset += sizeof prefix + length;
  or_free(allocator, header);
  return or_status_context(status, "%s", or_file_path(file));
}

static int compare_names(const void *a, const void *b) {
  return strcmp(((const or_safetensor_t *)a)->name, ((const or_safetensor_t *)b)->name);
}

or_status_t or_safetensors_parse(const or_allocator_t *allocator, const char *header, size_t length,
                                 uint64_t data_bytes, or_safetensors_t *out) {
  or_json_document_t *document = NULL;
  *out = (or_safetensors_t){.count = 0};
  or_arena_init(&out->arena, allocator);
  or_status_t status = or_json_parse(allocator, header, length, &document);
  if (or_ok(status)) status = read_tensors(or_json_root(document), out);
  or_json_document_free(document);
  if (or_ok(status)) status = check_places(allocator, out, data_bytes);
  if (!or_ok(status)) {
    or_safetensors_deinit(out);
    return or_status_context(status, "safetensors header");
  }
  if (out->count > 0) qsort(out->tensors, out->count, sizeof *out->tensors, compare_names);
  return status;
}

void or_safetensors_deinit(or_safetensors_t *safetensors) {
  or_arena_deinit(&safetensors->arena);
  *safetensors = (or_safetensors_t){.arena.allocator = safetensors->arena.allocator};
}

const or_safetensor_t *or_safetensors_find(const or_safetensors_t *safetensors, const char *name) {
  const or_safetensor_t key = {.name = name};
  if (safetensors->count == 0) return NULL;
  return bsearch(&key, safetensors->tensors, safetensors->count, sizeof key, compare_names);
}

/* Every member but __metadata__, which is for people. */
static or_status_t read_tensors(const or_json_value_t *root, or_safetensors_t *out) {
  size_t count = or_json_count(root);
  void *memory = NULL;
  if (or_json_kind(root) != OR_JSON_OBJECT) return or_error(OR_INVALID_ARGUMENT, "it is not an object");
  if (count > OR_SAFETENSORS_MAX_TENSORS) {
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu tensors, more than %zu, the limit", count, OR_SAFETENSORS_MAX_TENSORS);
  }
  or_status_t status = or_arena_array(&out->arena, count, sizeof(or_safetensor_t), &memory);
  out->tensors = memory;
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    const or_json_value_t *entry = NULL;
    const char *name = or_json_key_at(root, i, &entry);
    if (strcmp(name, "__metadata__") == 0) continue;
    or_safetensor_t *tensor = &out->tensors[out->count];
    status = or_arena_strndup(&out->arena, name, strlen(name), &tensor->name);
    if (or_ok(status)) status = or_status_context(read_tensor(entry, tensor), "tensor \"%s\"", name);
    if (or_ok(status)) ++out->count;
  }
  return status;
}

static or_status_t read_dtype(const char *name, or_dtype_t *out) {
  static const struct {
    const char *name;
    or_dtype_t dtype;
  } names[] = {{"F32", OR_FLOAT32},       {"F16", OR_FLOAT16},   {"BF16", OR_BFLOAT16},
               {"F64", OR_FLOAT64},       {"I64", OR_INT64},     {"I32", OR_INT32},
               {"I16", OR_INT16},         {"I8", OR_INT8},       {"U64", OR_UINT64},
               {"U32", OR_UINT32},        {"U16", OR_UINT16},    {"U8", OR_UINT8},
               {"BOOL", OR_BOOL},         {"C64", OR_COMPLEX64}, {"F8_E4M3", OR_FLOAT8E4M3FN},
               {"F8_E5M2", OR_FLOAT8E5M2}};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (strcmp(names[i].name, name) != 0) continue;
    *out = names[i].dtype;
    return or_status_success();
  }
  return or_error(OR_UNIMPLEMENTED, "its dtype \"%.32s\" is not known", name);
}

/* A whole number that is not negative, of an array. */
static bool read_count(const or_json_value_t *array, size_t index, int64_t *out) {
  const or_json_value_t *value = or_json_at(array, index);
  *out = or_json_get_int(value, -1);
  return or_json_kind(value) == OR_JSON_INTEGER && *out >= 0;
}

static or_status_t read_tensor(const or_json_value_t *entry, or_safetensor_t *tensor) {
  const or_json_value_t *shape = or_json_get(entry, "shape"), *offsets = or_json_get(entry, "data_offsets");
  int64_t begin = 0, end = 0;
  uint64_t count = 0;
  if (or_json_kind(shape) != OR_JSON_ARRAY) return or_error(OR_INVALID_ARGUMENT, "its shape is missing, or no array");
  if (or_json_kind(offsets) != OR_JSON_ARRAY || or_json_count(offsets) != 2 || !read_count(offsets, 0, &begin) ||
      !read_count(offsets, 1, &end) || begin > end) {
    return or_error(OR_INVALID_ARGUMENT,
                    "its data_offsets are missing, or not two whole numbers from 0 to %lld, the second not less",
                    (long long)INT64_MAX);
  }
  if (or_json_count(shape) > OR_MAX_RANK) {
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu dimensions, more than %d, the limit", or_json_count(shape),
                    OR_MAX_RANK);
  }
  tensor->shape.rank = (int32_t)or_json_count(shape);
  for (int32_t d = 0; d < tensor->shape.rank; ++d) {
    if (!read_count(shape, (size_t)d, &tensor->shape.dims[d]))
      return or_error(OR_INVALID_ARGUMENT, "extent %d of its shape is not a number of elements", d);
  }
  or_status_t status = read_dtype(or_json_get_string(or_json_get(entry, "dtype"), ""), &tensor->dtype);
  if (!or_ok(status)) return status;
  bool counted = or_shape_count(&tensor->shape, &count);
  tensor->bytes = counted ? or_dtype_bytes(tensor->dtype, count) : SIZE_MAX;
  tensor->offset = (uint64_t)begin;
  if (tensor->bytes == SIZE_MAX || tensor->bytes != (uint64_t)end - (uint64_t)begin) {
    return or_error(OR_INVALID_ARGUMENT, "its %lld bytes are not what its dtype and shape take",
                    (long long)(end - begin));
  }
  return status;
}

static int compare_places(const void *a, const void *b) {
  const or_safetensor_t *x = *(const or_safetensor_t *const *)a, *y = *(const or_safetensor_t *const *)b;
  if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
  return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/* The elements of all tensors fill the file without a gap and without an overlap, as the format demands. */
static or_status_t check_places(const or_allocator_t *allocator, const or_safetensors_t *safetensors,
                                uint64_t data_bytes) {
  void *memory = NULL;
  uint64_t at = 0;
  or_status_t status = or_alloc_array(allocator, safetensors->count, sizeof(or_safetensor_t *), &memory);
  if (!or_ok(status)) return status;
  const or_safetensor_t **order = memory;
  for (size_t i = 0; i < safetensors->count; ++i) order[i] = &safetensors->tensors[i];
  if (safetensors->count > 0) qsort(order, safetensors->count, sizeof *order, compare_places);
  for (size_t i = 0; or_ok(status) && i < safetensors->count; ++i) {
    const or_safetensor_t *tensor = order[i];
    if (tensor->offset > data_bytes || tensor->bytes > data_bytes - tensor->offset) {
      status = or_error(
          OR_DATA_LOSS, "tensor \"%s\": its elements end at byte %llu of %llu; the file is truncated or corrupt",
          tensor->name, (unsigned long long)(tensor->offset + tensor->bytes), (unsigned long long)data_bytes);
    } else if (tensor->offset != at) {
      status = or_error(OR_INVALID_ARGUMENT, "tensor \"%s\": its elements begin at byte %llu, %s", tensor->name,
                        (unsigned long long)tensor->offset,
                        tensor->offset < at ? "where another tensor has its own" : "behind bytes that belong to none");
    }
    at = tensor->offset + tensor->bytes;
  }
  if (or_ok(status) && at != data_bytes) {
    status = or_error(OR_INVALID_ARGUMENT, "the tensors have %llu bytes, and the file has %llu for them",
                      (unsigned long long)at, (unsigned long long)data_bytes);
  }
  or_free(allocator, memory);
  return status;
}
