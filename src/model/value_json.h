#ifndef OR_MODEL_VALUE_JSON_H
#define OR_MODEL_VALUE_JSON_H
/* What a model takes and gives, in JSON: a tensor as tensor_json.h has it, a sequence as an array of tensors, an
 * optional as null or what it holds. JSON does not tell an optional that holds something from that alone: the form that
 * the model declares does. */

#include "base/json.h"
#include "openruntime/value.h"

#define OR_VALUE_JSON_MAX_ELEMENTS ((size_t)1 << 16) /* of a sequence */

/* Either *tensor or *value, with one reference: an array is a sequence, null an empty optional. INVALID_ARGUMENT names
 * the element and says what is wrong with it; OUT_OF_RANGE; RESOURCE_EXHAUSTED; what or_tensor_create_from fails
 * with. */
or_status_t or_value_json_read(const or_allocator_t *allocator, or_device_t *device, const or_json_value_t *json,
                               or_tensor_t **tensor, or_value_t **value);
/* DEVICE_LOST, RESOURCE_EXHAUSTED; what stands around it can be ended then. */
or_status_t or_value_json_write(const or_allocator_t *allocator, const or_value_t *value, or_json_writer_t *json);

/* A tensor or a value, the other NULL, as one of that form, which is not OR_FORM_TENSOR: an optional may be given as
 * what it holds. *out: one reference. RESOURCE_EXHAUSTED; a value of another form is given as it is. */
or_status_t or_value_as(const or_allocator_t *allocator, or_value_form_t form, or_tensor_t *tensor, or_value_t *value,
                        or_value_t **out);
/* What its tensors take. */
uint64_t or_value_bytes(const or_value_t *value);
/* "tensor", "sequence", "optional" */
const char *or_value_form_name(or_value_form_t form);

#endif
