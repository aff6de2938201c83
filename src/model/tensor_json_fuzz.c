/* A tensor of a document whose numbers were kept as text is the same, and so is what is wrong with it. */
#include <string.h>

#include "base/alloc.h"
#include "model/tensor_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef or_status_t (*parse_t)(const or_allocator_t *, const char *, size_t, or_json_document_t **);

static or_status_t read_tensor(parse_t parse, const uint8_t *data, size_t size, or_tensor_data_t *out) {
  or_json_document_t *document = NULL;
  *out = (or_tensor_data_t){.data = NULL};
  or_status_t status = parse(or_allocator_system(), (const char *)data, size, &document);
  if (or_ok(status)) status = or_tensor_json_read(or_allocator_system(), or_json_root(document), out);
  or_json_document_free(document);
  return status;
}

/* Of strings what they point at. */
static bool is_same(const or_tensor_data_t *a, const or_tensor_data_t *b) {
  if (a->dtype != OR_STRING) return memcmp(a->data, b->data, a->bytes) == 0;
  const or_string_t *left = a->data, *right = b->data;
  for (size_t i = 0; i < a->bytes / sizeof *left; ++i) {
    if (left[i].length != right[i].length || memcmp(left[i].data, right[i].data, left[i].length) != 0) return false;
  }
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_tensor_data_t values, kept;
  or_status_t first = read_tensor(or_json_parse, data, size, &values);
  or_status_t second = read_tensor(or_json_parse_keeping_numbers, data, size, &kept);
  bool same = or_status_code(first) == or_status_code(second) && values.bytes == kept.bytes;
  same = same &&
         (or_ok(first) ? is_same(&values, &kept) : strcmp(or_status_message(first), or_status_message(second)) == 0);
  if (!same) __builtin_trap();
  or_status_ignore(first); /* any answer will do, but a crash */
  or_status_ignore(second);
  or_free(or_allocator_system(), values.data);
  or_free(or_allocator_system(), kept.data);
  return 0;
}
