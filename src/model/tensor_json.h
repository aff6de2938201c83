#ifndef OR_MODEL_TENSOR_JSON_H
#define OR_MODEL_TENSOR_JSON_H
/* Tensors in JSON: {"shape": […], "dtype": "float32", "data": […] flat or nested as its shape, or "data_base64": "…"
 * little-endian}. Of dtype "string" `data` holds texts; bytes that are not UTF-8 are written as U+FFFD. */

#include "base/json.h"
#include "openruntime/tensor.h"

/* Elements with their type; `data` is the caller's (or_free), and of strings holds their text too: or_string_t, `bytes`
 * of them, which point behind themselves. */
typedef struct or_tensor_data_t {
  or_dtype_t dtype;
  or_shape_t shape;
  void *data;
  size_t bytes;
} or_tensor_data_t;
#define OR_TENSOR_JSON_MAX_BYTES ((size_t)1 << 30) /* of one tensor */

/* Dtype and shape of a tensor in JSON and the bytes that they take; `data` is set to NULL. Statuses as below. */
or_status_t or_tensor_json_read_type(const or_json_value_t *value, or_tensor_data_t *out);
/* INVALID_ARGUMENT says which field is wrong and how; OUT_OF_RANGE; RESOURCE_EXHAUSTED. Any thread. */
or_status_t or_tensor_json_read(const or_allocator_t *allocator, const or_json_value_t *value, or_tensor_data_t *out);
/* Begins {shape, dtype; who calls it writes what the data are, and ends the object. */
void or_tensor_json_begin(or_json_writer_t *json, const or_tensor_t *tensor);
/* Writes {shape, dtype, data}; elements that the host can't reach are copied first. DEVICE_LOST, RESOURCE_EXHAUSTED. */
or_status_t or_tensor_json_write(const or_allocator_t *allocator, const or_tensor_t *tensor, or_json_writer_t *json);

/* That given bytes are truth values. INVALID_ARGUMENT names the first that is none; operators take 1 for true. */
or_status_t or_truth_check(const void *data, size_t count);

/* Standard base64 (RFC 4648, section 4) of `text` into `out` (at least length / 4 * 3 bytes); false if it is not. */
bool or_base64_decode(const char *text, size_t length, uint8_t *out, size_t *out_length);

#endif
