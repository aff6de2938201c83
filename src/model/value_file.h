#ifndef OR_MODEL_VALUE_FILE_H
#define OR_MODEL_VALUE_FILE_H
/* Sequences and optionals in files: ONNX's test data, SequenceProto and OptionalProto
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx-data.proto). Such a file does not say which it is: `form` does. */

#include "openruntime/value.h"

#define OR_VALUE_FILE_MAX_ELEMENTS ((size_t)1 << 16) /* of a sequence */

/* A value of that form, not OR_FORM_TENSOR; its tensors lie in host memory. *out: one reference. Messages name the
 * path. NOT_FOUND, DATA_LOSS, INVALID_ARGUMENT, UNIMPLEMENTED (sparse tensors, maps, dtype), OUT_OF_RANGE (elements),
 * RESOURCE_EXHAUSTED. */
or_status_t or_value_file_read(or_runtime_t *runtime, const char *path, or_value_form_t form, or_value_t **out);
/* The same of bytes in memory. */
or_status_t or_value_parse(or_runtime_t *runtime, const void *bytes, size_t length, or_value_form_t form,
                           or_value_t **out);
/* Any file of or_tensor_file_read, with what is no tensor in .pb and .json: either *tensor or *value. A .pb that can't
 * be read as `form`, what the model declares, is read as another if it is that: whether it will do is said by whoever
 * knows the model. */
or_status_t or_given_file_read(or_runtime_t *runtime, const char *path, or_value_form_t form, or_tensor_t **tensor,
                               or_value_t **value);
/* DIR/NAME.pb ('/' in a name becomes '_'); the folder is made if need be. `value` is a sequence or an optional. */
or_status_t or_value_file_write(or_runtime_t *runtime, const char *directory, const char *name,
                                const or_value_t *value);

#endif
