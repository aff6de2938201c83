#include "model/checkpoint.h"

#include <string.h>

#include "base/json.h"
#include "base/numbers.h"
#include "base/string.h"

#define INDEX_BYTES ((size_t)64 << 20)
#define NAME_BYTES ((size_t)512)          /* of a parameter that is looked for */
#define SCRATCH_BYTES ((size_t)256 << 10) /* of stored elements that are transposed or converted at once */

/* or_constant_t.source of a constant in a file, in the graph's arena. */
typedef struct stored_t {
  or_file_t *file; /* the graph's */
  const or_allocator_t *allocator;
  uint64_t offset;
  or_dtype_t dtype;     /* in the file */
  size_t rows, columns; /* of the constant as a matrix; stored as columns x rows if `transposed` */
  bool transposed;
} stored_t;

static or_status_t open_index(or_checkpoint_t *checkpoint, const char *text, size_t length);
static or_status_t open_file(or_checkpoint_t *checkpoint, const char *name);
static or_status_t no_weights(const or_checkpoint_t *checkpoint);
static or_status_t find_stored(or_weight_source_t *self, or_graph_t *graph, const or_weight_request_t *request,
                               const or_constant_t **out);
static or_status_t read_plain(const or_constant_t *constant, size_t offset, void *destination, size_t length);
static or_status_t read_changed(const or_constant_t *constant, size_t offset, void *destination, size_t length);

static or_status_t path_of(const or_checkpoint_t *checkpoint, const char *name, or_text_t *text) {
  or_text_clear(text);
  return or_text_printf(text, "%s/%s", checkpoint->folder, name);
}

or_status_t or_checkpoint_open(or_checkpoint_t *checkpoint, const or_allocator_t *allocator, const char *folder,
                               const char *prefix) {
  *checkpoint = (or_checkpoint_t){.base.find = find_stored, .allocator = allocator, .folder = folder, .prefix = prefix};
  or_text_t path;
  char *text = NULL;
  size_t length = 0;
  or_text_init(&path, allocator);
  or_status_t status = path_of(checkpoint, "model.safetensors.index.json", &path);
  if (or_ok(status)) status = or_file_read(allocator, or_text_string(&path), INDEX_BYTES, &text, &length);
  if (or_ok(status)) {
    status = or_status_context(open_index(checkpoint, text, length), "%s", or_text_string(&path));
  } else if (or_status_code(status) == OR_NOT_FOUND) {
    or_status_ignore(status); /* not in several files */
    status = open_file(checkpoint, "model.safetensors");
    if (or_status_code(status) == OR_NOT_FOUND) {
      or_status_ignore(status); /* said better by the next */
      status = no_weights(checkpoint);
    }
  }
  or_free(allocator, text);
  or_text_deinit(&path);
  if (!or_ok(status)) or_checkpoint_close(checkpoint);
  return status;
}

void or_checkpoint_close(or_checkpoint_t *checkpoint) {
  for (size_t i = 0; i < checkpoint->file_count; ++i) {
    or_safetensors_deinit(&checkpoint->contents[i]);
    or_file_release(checkpoint->files[i]);
  }
  or_free(checkpoint->allocator, checkpoint->contents);
  or_free(checkpoint->allocator, checkpoint->files);
  *checkpoint = (or_checkpoint_t){.allocator = checkpoint->allocator};
}

static or_status_t no_weights(const or_checkpoint_t *checkpoint) {
  static const char *const others[] = {"pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"};
  or_text_t path;
  or_text_init(&path, checkpoint->allocator);
  const char *there = NULL;
  for (size_t i = 0; i < sizeof others / sizeof *others && there == NULL; ++i) {
    or_file_t *file = NULL;
    or_status_t status = path_of(checkpoint, others[i], &path);
    if (or_ok(status)) status = or_file_open(checkpoint->allocator, or_text_string(&path), &file);
    if (or_ok(status)) there = others[i];
    or_status_ignore(status); /* a hint only */
    or_file_release(file);
  }
  or_text_deinit(&path);
  return or_error(OR_NOT_FOUND, "%s: the folder has no model.safetensors%s%s%s", checkpoint->folder,
                  there != NULL ? "; its " : "", there != NULL ? there : "",
                  there != NULL ? " can be converted (save_pretrained with safe_serialization)" : "");
}

/* A name without a folder, so that it can't lead out of this one. */
static bool is_plain_name(const char *name) {
  return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL && strlen(name) < NAME_BYTES &&
         or_string_ends_with(name, ".safetensors");
}

static bool is_open(const or_checkpoint_t *checkpoint, const char *name) {
  for (size_t i = 0; i < checkpoint->file_count; ++i) {
    const char *path = or_file_path(checkpoint->files[i]), *slash = strrchr(path, '/');
    if (strcmp(slash != NULL ? slash + 1 : path, name) == 0) return true;
  }
  return false;
}

/* {"weight_map": {parameter: file}}: each file once. Which parameter is where, the files say themselves. */
static or_status_t open_index(or_checkpoint_t *checkpoint, const char *text, size_t length) {
  or_json_document_t *document = NULL;
  or_status_t status = or_json_parse(checkpoint->allocator, text, length, &document);
  if (!or_ok(status)) return status;
  const or_json_value_t *map = or_json_get(or_json_root(document), "weight_map");
  if (or_json_kind(map) != OR_JSON_OBJECT || or_json_count(map) == 0)
    status = or_error(OR_INVALID_ARGUMENT, "it has no weight_map");
  for (size_t i = 0; or_ok(status) && i < or_json_count(map); ++i) {
    const or_json_value_t *value = NULL;
    const char *parameter = or_json_key_at(map, i, &value);
    const char *name = or_json_get_string(value, "");
    if (!is_plain_name(name)) {
      status = or_error(OR_INVALID_ARGUMENT, "weight_map: \"%.200s\" is in \"%.200s\", which is no file of the folder",
                        parameter, name);
    } else if (!is_open(checkpoint, name)) {
      status = open_file(checkpoint, name);
    }
  }
  for (size_t i = 0; or_ok(status) && i < or_json_count(map); ++i) {
    const char *parameter = or_json_key_at(map, i, NULL);
    bool found = false;
    for (size_t f = 0; f < checkpoint->file_count && !found; ++f)
      found = or_safetensors_find(&checkpoint->contents[f], parameter) != NULL;
    if (!found) status = or_error(OR_INVALID_ARGUMENT, "weight_map: no file has the tensor \"%.200s\"", parameter);
  }
  or_json_document_free(document);
  return status;
}

static or_status_t open_file(or_checkpoint_t *checkpoint, const char *name) {
  or_text_t path;
  or_file_t *file = NULL;
  or_safetensors_t contents = {.count = 0};
  if (checkpoint->file_count == OR_CHECKPOINT_MAX_FILES)
    return or_error(OR_RESOURCE_EXHAUSTED, "more than %zu files, the limit", OR_CHECKPOINT_MAX_FILES);
  or_text_init(&path, checkpoint->allocator);
  or_status_t status = path_of(checkpoint, name, &path);
  if (or_ok(status)) status = or_file_open(checkpoint->allocator, or_text_string(&path), &file);
  or_text_deinit(&path);
  if (or_ok(status))
    status = or_grow_array(checkpoint->allocator, checkpoint->file_count + 1, sizeof(or_file_t *),
                           (void **)&checkpoint->files, &checkpoint->file_capacity);
  if (or_ok(status))
    status = or_grow_array(checkpoint->allocator, checkpoint->file_count + 1, sizeof(or_safetensors_t),
                           (void **)&checkpoint->contents, &checkpoint->content_capacity);
  if (or_ok(status)) status = or_safetensors_read(checkpoint->allocator, file, &contents);
  if (!or_ok(status)) {
    or_file_release(file);
    return status;
  }
  for (size_t i = 0; or_ok(status) && i < contents.count; ++i) {
    for (size_t f = 0; or_ok(status) && f < checkpoint->file_count; ++f) {
      if (or_safetensors_find(&checkpoint->contents[f], contents.tensors[i].name) != NULL)
        status = or_error(OR_INVALID_ARGUMENT, "tensor \"%s\" is in two files of the folder", contents.tensors[i].name);
    }
  }
  checkpoint->tensor_count += contents.count;
  if (or_ok(status) && checkpoint->tensor_count > OR_SAFETENSORS_MAX_TENSORS) {
    status = or_error(OR_RESOURCE_EXHAUSTED, "more than %zu tensors, the limit", OR_SAFETENSORS_MAX_TENSORS);
  }
  checkpoint->files[checkpoint->file_count] = file;
  checkpoint->contents[checkpoint->file_count++] = contents; /* closed with the checkpoint, also on failure */
  return status;
}

/* The tensor of exactly that name, and its file. */
static const or_safetensor_t *find_exactly(const or_checkpoint_t *checkpoint, const char *name, or_file_t **file) {
  for (size_t i = 0; i < checkpoint->file_count; ++i) {
    const or_safetensor_t *tensor = or_safetensors_find(&checkpoint->contents[i], name);
    if (tensor == NULL) continue;
    *file = checkpoint->files[i];
    return tensor;
  }
  return NULL;
}

/* Old checkpoints call a normalisation's weight and bias gamma and beta. */
static const or_safetensor_t *find_or_old(const or_checkpoint_t *checkpoint, const char *name, or_file_t **file) {
  static const char *const endings[][2] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                           {"LayerNorm.bias", "LayerNorm.beta"}};
  const or_safetensor_t *tensor = find_exactly(checkpoint, name, file);
  for (size_t i = 0; tensor == NULL && i < sizeof endings / sizeof *endings; ++i) {
    char old[2 * NAME_BYTES];
    if (!or_string_ends_with(name, endings[i][0])) continue;
    or_format(old, sizeof old, "%.*s%s", (int)(strlen(name) - strlen(endings[i][0])), name, endings[i][1]);
    tensor = find_exactly(checkpoint, old, file);
  }
  return tensor;
}

/* A checkpoint of a network with a head has the body's names behind a prefix, one of the body alone has them bare. */
static const or_safetensor_t *find_tensor(const or_checkpoint_t *checkpoint, const char *name, or_file_t **file) {
  char prefixed[2 * NAME_BYTES];
  if (strlen(name) >= NAME_BYTES) return NULL;
  const or_safetensor_t *tensor = find_or_old(checkpoint, name, file);
  if (tensor == NULL && or_string_starts_with(name, checkpoint->prefix))
    tensor = find_or_old(checkpoint, name + strlen(checkpoint->prefix), file);
  if (tensor != NULL) return tensor;
  return find_or_old(checkpoint, or_format(prefixed, sizeof prefixed, "%s%s", checkpoint->prefix, name), file);
}

bool or_checkpoint_has(const or_checkpoint_t *checkpoint, const char *name) {
  or_file_t *file = NULL;
  return find_tensor(checkpoint, name, &file) != NULL;
}

static or_status_t check_request(const or_safetensor_t *tensor, const or_weight_request_t *request) {
  char expected[160], given[160];
  if (!or_shape_equal(&tensor->shape, &request->shape)) {
    return or_error(OR_INVALID_ARGUMENT, "parameter \"%s\": the configuration asks for %s, and the file has %s",
                    tensor->name, or_shape_format(&request->shape, expected, sizeof expected),
                    or_shape_format(&tensor->shape, given, sizeof given));
  }
  if (tensor->dtype == request->dtype) return or_status_success();
  if (request->dtype == OR_FLOAT32 &&
      (tensor->dtype == OR_FLOAT16 || tensor->dtype == OR_BFLOAT16 || tensor->dtype == OR_FLOAT64))
    return or_status_success();
  return or_error(OR_UNIMPLEMENTED, "parameter \"%s\": %s in the file is not converted to %s", tensor->name,
                  or_dtype_name(tensor->dtype), or_dtype_name(request->dtype));
}

static or_status_t find_stored(or_weight_source_t *self, or_graph_t *graph, const or_weight_request_t *request,
                               const or_constant_t **out) {
  or_checkpoint_t *checkpoint = (or_checkpoint_t *)self;
  or_file_t *file = NULL;
  void *source = NULL, *memory = NULL;
  uint64_t count = 0;
  *out = NULL;
  const or_safetensor_t *tensor = find_tensor(checkpoint, request->name, &file);
  if (tensor == NULL) {
    return or_error(OR_NOT_FOUND, "%s: the checkpoint has no parameter \"%s\"", checkpoint->folder, request->name);
  }
  or_status_t status = check_request(tensor, request);
  if (or_ok(status)) status = or_arena_alloc(&graph->arena, sizeof(stored_t), &source);
  if (or_ok(status)) status = or_arena_alloc(&graph->arena, sizeof(or_constant_t), &memory);
  if (or_ok(status)) status = or_graph_keep_file(graph, file);
  if (!or_ok(status)) return status;
  stored_t *stored = source;
  or_constant_t *constant = memory;
  (void)or_shape_count(&request->shape, &count); /* static: equal to the tensor's */
  *stored = (stored_t){.file = file,
                       .allocator = graph->allocator,
                       .offset = tensor->offset,
                       .dtype = tensor->dtype,
                       .rows = 1,
                       .columns = (size_t)count,
                       .transposed = request->transposed};
  bool plain = !request->transposed && tensor->dtype == request->dtype;
  *constant = (or_constant_t){.dtype = request->dtype,
                              .shape = request->shape,
                              .bytes = or_dtype_bytes(request->dtype, count),
                              .read = plain ? read_plain : read_changed,
                              .source = stored};
  if (request->transposed) {
    constant->shape = or_shape_make(2, (const int64_t[]){request->shape.dims[1], request->shape.dims[0]});
    stored->rows = (size_t)constant->shape.dims[0];
    stored->columns = (size_t)constant->shape.dims[1];
  }
  /* The content is not read now, so its name is made of where it is. */
  const uint64_t place[] = {or_file_identity(file), tensor->offset, tensor->bytes, (uint64_t)tensor->dtype,
                            (uint64_t)request->dtype << 1 | (request->transposed ? 1u : 0u)};
  constant->hash = or_hash_bytes(place, sizeof place, 3);
  if (constant->bytes <= OR_WEIGHT_RESIDENT_BYTES) return or_graph_constant_copy(graph, constant, out);
  *out = constant;
  return status;
}

static or_status_t check_range(const or_constant_t *constant, size_t offset, size_t length) {
  if (offset <= constant->bytes && length <= constant->bytes - offset) return or_status_success();
  return or_error(OR_OUT_OF_RANGE, "bytes %zu to %zu of a constant asked for, which has %zu", offset, offset + length,
                  constant->bytes);
}

static or_status_t read_plain(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  const stored_t *stored = constant->source;
  or_status_t status = check_range(constant, offset, length);
  return or_ok(status) ? or_file_read_at(stored->file, stored->offset + offset, destination, length) : status;
}

/* Part of a constant whose elements are converted or transposed on the way, and scratch for stored elements. */
typedef struct change_t {
  const stored_t *stored;
  size_t first, end;       /* elements of the constant that are wanted */
  size_t from_row, to_row; /* its rows that they lie in */
  char *scratch;           /* SCRATCH_BYTES, or one stored row's part if that is more */
  float *to;
} change_t;

static float stored_value(or_dtype_t dtype, const char *bytes, size_t index) {
  uint16_t half = 0;
  double wide = 0;
  float single = 0;
  switch (dtype) {
  case OR_FLOAT16: memcpy(&half, bytes + index * sizeof half, sizeof half); return or_float16_to_float(half);
  case OR_BFLOAT16: memcpy(&half, bytes + index * sizeof half, sizeof half); return or_bfloat16_to_float(half);
  case OR_FLOAT64: memcpy(&wide, bytes + index * sizeof wide, sizeof wide); return (float)wide;
  default: memcpy(&single, bytes + index * sizeof single, sizeof single); return single;
  }
}

/* Elements in their stored order. */
static or_status_t convert(const change_t *change) {
  const stored_t *stored = change->stored;
  size_t each = or_dtype_bytes(stored->dtype, 1), block = SCRATCH_BYTES / each;
  or_status_t status = or_status_success();
  for (size_t at = change->first; or_ok(status) && at < change->end; at += block) {
    size_t count = change->end - at < block ? change->end - at : block;
    status = or_file_read_at(stored->file, stored->offset + (uint64_t)at * each, change->scratch, count * each);
    for (size_t i = 0; or_ok(status) && i < count; ++i)
      change->to[at - change->first + i] = stored_value(stored->dtype, change->scratch, i);
  }
  return status;
}

/* Stored rows are the constant's columns: as many at once as there is scratch for; of each, what lies in the rows. */
static or_status_t transpose(const change_t *change) {
  const stored_t *stored = change->stored;
  const size_t each = or_dtype_bytes(stored->dtype, 1), width = change->to_row - change->from_row;
  const bool whole = width == stored->rows;
  size_t block = SCRATCH_BYTES / (width * each);
  or_status_t status = or_status_success();
  if (block == 0) block = 1;
  for (size_t column = 0; or_ok(status) && column < stored->columns; column += block) {
    size_t count = stored->columns - column < block ? stored->columns - column : block;
    for (size_t c = 0; or_ok(status) && c < (whole ? 1 : count); ++c) {
      uint64_t at = (uint64_t)(column + c) * stored->rows + change->from_row;
      status = or_file_read_at(stored->file, stored->offset + at * each, change->scratch + c * width * each,
                               (whole ? count : 1) * width * each);
    }
    for (size_t row = change->from_row; or_ok(status) && row < change->to_row; ++row) {
      for (size_t c = 0; c < count; ++c) {
        size_t element = row * stored->columns + column + c;
        if (element < change->first || element >= change->end) continue;
        change->to[element - change->first] =
            stored_value(stored->dtype, change->scratch, c * width + row - change->from_row);
      }
    }
  }
  return status;
}

/* The constant is float32. A part that does not begin and end with an element is read as whole ones and copied. */
static or_status_t read_changed(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  const stored_t *stored = constant->source;
  void *scratch = NULL, *aligned = NULL;
  or_status_t status = check_range(constant, offset, length);
  if (!or_ok(status) || length == 0) return status;
  change_t change = {
      .stored = stored, .first = offset / sizeof(float), .end = (offset + length + sizeof(float) - 1) / sizeof(float)};
  change.from_row = change.first / stored->columns;
  change.to_row = (change.end + stored->columns - 1) / stored->columns;
  size_t row = (change.to_row - change.from_row) * sizeof(double);
  bool direct =
      offset % sizeof(float) == 0 && length % sizeof(float) == 0 && (uintptr_t)destination % sizeof(float) == 0;
  status = or_alloc(stored->allocator, row > SCRATCH_BYTES ? row : SCRATCH_BYTES, &scratch);
  if (or_ok(status) && !direct)
    status = or_alloc(stored->allocator, (change.end - change.first) * sizeof(float), &aligned);
  if (or_ok(status)) {
    change.scratch = scratch;
    change.to = direct ? destination : aligned;
    status = stored->transposed ? transpose(&change) : convert(&change);
  }
  if (or_ok(status) && !direct) memcpy(destination, (char *)aligned + offset % sizeof(float), length);
  or_free(stored->allocator, aligned);
  or_free(stored->allocator, scratch);
  return status;
}
