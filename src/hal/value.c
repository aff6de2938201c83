#include "openruntime/value.h"

#include "base/alloc.h"
#include "base/thread.h"
#include "hal/tensor.h"

#define VALUE_MAX_DEPTH 64 /* of values in values: their release goes as deep */

/* Counted. Everything but the count is read-only after creation. */
struct or_value_t {
  or_ref_t ref;
  const or_allocator_t *allocator;
  or_value_kind_t kind;
  uint32_t depth;
  or_tensor_t *tensor; /* of OR_VALUE_TENSOR */
  size_t count;        /* of `elements` */
  or_value_t *elements[];
};

static or_status_t new_value(const or_allocator_t *allocator, or_value_kind_t kind, size_t count, or_value_t **out) {
  size_t bytes = 0;
  void *memory = NULL;
  *out = NULL;
  if (!or_mul_size(count, sizeof(or_value_t *), &bytes) || !or_add_size(bytes, sizeof(or_value_t), &bytes)) {
    return or_error(OR_RESOURCE_EXHAUSTED, "a value of %zu elements is larger than memory", count);
  }
  or_status_t status = or_alloc_zeroed(allocator, bytes, &memory);
  if (!or_ok(status)) return status;
  or_value_t *value = memory;
  or_ref_init(&value->ref);
  value->allocator = allocator;
  value->kind = kind;
  value->count = count;
  *out = value;
  return or_status_success();
}

or_status_t or_value_from_tensor(const or_allocator_t *allocator, or_tensor_t *tensor, or_value_t **out) {
  *out = NULL;
  if (tensor == NULL) return or_error(OR_INVALID_ARGUMENT, "the tensor of a value is NULL");
  or_status_t status = new_value(allocator, OR_VALUE_TENSOR, 0, out);
  if (!or_ok(status)) return status;
  or_tensor_retain(tensor);
  (*out)->tensor = tensor;
  return or_status_success();
}

static void put_element(or_value_t *value, size_t index, or_value_t *element) {
  or_value_retain(element);
  value->elements[index] = element;
  if (element->depth + 1 > value->depth) value->depth = element->depth + 1;
}

static or_status_t check_depth(const or_value_t *element) {
  if (element->depth < VALUE_MAX_DEPTH) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "values in values: %u deep is the limit", VALUE_MAX_DEPTH);
}

or_status_t or_value_sequence(const or_allocator_t *allocator, or_value_t *const *elements, size_t count,
                              or_value_t **out) {
  *out = NULL;
  for (size_t i = 0; i < count; ++i) {
    if (elements[i] == NULL) return or_error(OR_INVALID_ARGUMENT, "element %zu of the sequence is NULL", i);
    if (elements[i]->kind != elements[0]->kind) {
      return or_error(OR_INVALID_ARGUMENT, "element %zu of the sequence is of another kind than element 0", i);
    }
    or_status_t status = check_depth(elements[i]);
    if (!or_ok(status)) return status;
  }
  or_status_t status = new_value(allocator, OR_VALUE_SEQUENCE, count, out);
  for (size_t i = 0; or_ok(status) && i < count; ++i) put_element(*out, i, elements[i]);
  return status;
}

or_status_t or_value_optional(const or_allocator_t *allocator, or_value_t *element, or_value_t **out) {
  *out = NULL;
  or_status_t status = element != NULL ? check_depth(element) : or_status_success();
  if (or_ok(status)) status = new_value(allocator, OR_VALUE_OPTIONAL, element != NULL ? 1 : 0, out);
  if (or_ok(status) && element != NULL) put_element(*out, 0, element);
  return status;
}

void or_value_retain(or_value_t *value) { or_ref_retain(&value->ref); }

void or_value_release(or_value_t *value) {
  if (value == NULL || !or_ref_release(&value->ref)) return;
  or_tensor_release(value->tensor);
  for (size_t i = 0; i < value->count; ++i) or_value_release(value->elements[i]);
  or_free(value->allocator, value);
}

bool or_value_is_unshared(const or_value_t *value) {
  return atomic_load_explicit(&value->ref.count, memory_order_acquire) == 1 && value->tensor != NULL &&
         or_tensor_is_unshared(value->tensor);
}

or_value_kind_t or_value_kind(const or_value_t *value) { return value->kind; }
or_tensor_t *or_value_tensor(const or_value_t *value) { return value->tensor; }
size_t or_value_count(const or_value_t *value) { return value->kind == OR_VALUE_TENSOR ? 1 : value->count; }

or_value_t *or_value_element(const or_value_t *value, size_t index) {
  return index < value->count ? value->elements[index] : NULL;
}
