#ifndef OPENRUNTIME_VALUE_H
#define OPENRUNTIME_VALUE_H
/* What flows into and out of a model: a tensor, a sequence of values, or an optional value. Counted, immutable once
 * shared. */

#include "openruntime/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct or_value_t or_value_t;
typedef enum or_value_kind_t { OR_VALUE_TENSOR, OR_VALUE_SEQUENCE, OR_VALUE_OPTIONAL } or_value_kind_t;

/* Each takes references of its own to what it holds; *out: one reference. RESOURCE_EXHAUSTED; INVALID_ARGUMENT (NULL
 * tensor; sequence elements of different kinds). An optional may hold NULL: it is empty. Any thread. */
OR_API or_status_t or_value_from_tensor(const or_allocator_t *allocator, or_tensor_t *tensor, or_value_t **out);
OR_API or_status_t or_value_sequence(const or_allocator_t *allocator, or_value_t *const *elements, size_t count,
                                     or_value_t **out);
OR_API or_status_t or_value_optional(const or_allocator_t *allocator, or_value_t *element, or_value_t **out);
OR_API void or_value_retain(or_value_t *value);
OR_API void or_value_release(or_value_t *value); /* takes NULL */

OR_API or_value_kind_t or_value_kind(const or_value_t *value);
OR_API or_tensor_t *or_value_tensor(const or_value_t *value); /* borrowed; NULL if it is none */
/* of a sequence; 0 or 1 of an optional; 1 of a tensor */
OR_API size_t or_value_count(const or_value_t *value);
OR_API or_value_t *or_value_element(const or_value_t *value, size_t index); /* borrowed; NULL outside */

#ifdef __cplusplus
}
#endif
#endif
