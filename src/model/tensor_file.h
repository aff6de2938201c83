#ifndef OR_MODEL_TENSOR_FILE_H
#define OR_MODEL_TENSOR_FILE_H
/* Tensors in files: .npy, .pb (TensorProto), .json ({shape, dtype, data}); told by their ending. */

#include "openruntime/value.h"

/* *out: host memory, one reference. Messages name the path. NOT_FOUND, DATA_LOSS, INVALID_ARGUMENT, UNIMPLEMENTED
 * (ending, dtype), OUT_OF_RANGE (too large), RESOURCE_EXHAUSTED. */
or_status_t or_tensor_file_read(or_runtime_t *runtime, const char *path, or_tensor_t **out);
/* DIR/NAME.npy ('/' in a name becomes '_'), or DIR/NAME.pb for what .npy has no dtype for; the folder is made if need
   be. */
or_status_t or_tensor_file_write(or_runtime_t *runtime, const char *directory, const char *name,
                                 const or_tensor_t *tensor);

/* As or_tensor_file_read of a .json file, which may hold what is no tensor too (value_json.h): either *tensor or
 * *value. */
or_status_t or_json_file_read(or_runtime_t *runtime, const char *path, or_tensor_t **tensor, or_value_t **value);

/* A TensorProto in memory. Statuses of or_tensor_file_read, whose messages name no path. */
or_status_t or_tensor_proto_read(or_runtime_t *runtime, const void *bytes, size_t length, or_tensor_t **out);
/* *out: or_free by the runtime's allocator. */
or_status_t or_tensor_proto_write(or_runtime_t *runtime, const char *name, const or_tensor_t *tensor, void **out,
                                  size_t *length);
/* Bytes to DIR/NAME.pb, as or_tensor_file_write names it. */
or_status_t or_proto_file_write(or_runtime_t *runtime, const char *directory, const char *name, const void *bytes,
                                size_t length);

#endif
