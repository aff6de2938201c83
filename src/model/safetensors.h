#ifndef OR_MODEL_SAFETENSORS_H
#define OR_MODEL_SAFETENSORS_H
/* Safetensors files (https://github.com/huggingface/safetensors, README "Format"): 8 bytes with the length of a JSON
 * header, the header, the elements. Untrusted: every length and offset is checked, elements stay in the file. */

#include "base/alloc.h"
#include "base/file.h"

#define OR_SAFETENSORS_MAX_HEADER_BYTES ((size_t)16 << 20)
#define OR_SAFETENSORS_MAX_TENSORS ((size_t)100000) /* of one file, and of a folder's files together */
#define OR_SAFETENSORS_PREFIX_BYTES 8

typedef struct or_safetensor_t {
  const char *name;
  or_dtype_t dtype;
  or_shape_t shape;
  uint64_t offset; /* of its elements, in the file */
  size_t bytes;
} or_safetensor_t;

/* What a header says, by name in order. Immutable once read; any thread. */
typedef struct or_safetensors_t {
  or_arena_t arena;
  or_safetensor_t *tensors;
  size_t count;
} or_safetensors_t;

/* The header's length from the first bytes of a file of `file_bytes`. DATA_LOSS: it goes beyond the file;
 * RESOURCE_EXHAUSTED: it is longer than OR_SAFETENSORS_MAX_HEADER_BYTES. */
or_status_t or_safetensors_header_length(const uint8_t prefix[OR_SAFETENSORS_PREFIX_BYTES], uint64_t file_bytes,
                                         size_t *out);
/* Reads a header; `data_bytes` follow it in the file. INVALID_ARGUMENT (not such a header, a size that does not fit
 * its type and shape, two tensors on the same bytes, bytes that belong to none), DATA_LOSS (elements beyond the file),
 * UNIMPLEMENTED (an element type that is not known; no JSON reader in this build), RESOURCE_EXHAUSTED. Each names the
 * tensor. On success *out needs or_safetensors_deinit. */
or_status_t or_safetensors_parse(const or_allocator_t *allocator, const char *header, size_t length,
                                 uint64_t data_bytes, or_safetensors_t *out);
/* Both, from an open file. */
or_status_t or_safetensors_read(const or_allocator_t *allocator, or_file_t *file, or_safetensors_t *out);
void or_safetensors_deinit(or_safetensors_t *safetensors);
/* NULL: there is none of that name. */
const or_safetensor_t *or_safetensors_find(const or_safetensors_t *safetensors, const char *name);

#endif
