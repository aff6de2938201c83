#include "ops/strings.h"

or_status_t or_strings_add(size_t *total, size_t length) {
  size_t sum = 0;
  if (or_add_size(*total, length, &sum) && sum <= OR_OP_MAX_STRING_BYTES) {
    *total = sum;
    return or_status_success();
  }
  return or_error(OR_RESOURCE_EXHAUSTED, "%zu bytes of text and %zu more are beyond %zu, the limit of one node", *total,
                  length, OR_OP_MAX_STRING_BYTES);
}

or_status_t or_strings_room(const or_op_call_t *call, size_t bytes, char **out) {
  void *memory = NULL;
  *out = NULL;
  if (call->strings == NULL) return or_error(OR_FAILED_PRECONDITION, "%s has no room for text", call->op->name);
  or_status_t status = or_arena_alloc(call->strings, bytes, &memory);
  *out = memory;
  return status;
}

const or_string_t *or_op_attribute_strings(const or_op_call_t *call, const char *name, size_t *count) {
  const or_attribute_t *attribute = or_op_attribute(call, name);
  *count = attribute != NULL ? attribute->count : 0;
  return attribute != NULL ? attribute->strings : NULL;
}
