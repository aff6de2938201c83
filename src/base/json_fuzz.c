/* The JSON reader: whatever it takes, it can write, read again and write the same. */
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool rewrite(const char *text, size_t length, or_text_t *out) {
  or_json_document_t *document = NULL;
  or_json_writer_t json;
  or_status_t status = or_json_parse(or_allocator_system(), text, length, &document);
  if (or_ok(status)) {
    or_json_begin(&json, out, 0);
    or_json_copy(&json, or_json_root(document));
    status = or_json_finish(&json);
  }
  or_json_document_free(document);
  bool good = or_ok(status);
  or_status_ignore(status); /* most inputs are no JSON */
  return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_text_t first, second;
  or_text_init(&first, or_allocator_system());
  or_text_init(&second, or_allocator_system());
  if (rewrite((const char *)data, size, &first)) {
    bool same = rewrite(first.data, first.length, &second) && first.length == second.length &&
                memcmp(first.data, second.data, first.length) == 0;
    if (!same) __builtin_trap();
  }
  or_text_deinit(&first);
  or_text_deinit(&second);
  if (or_status_live_count() != 0) __builtin_trap();
  return 0;
}
