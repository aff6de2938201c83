/* Query strings: whatever is taken is UTF-8, terminated, within bounds, and no name comes twice. */
#include <string.h>

#include "base/string.h"
#include "server/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static or_query_t query;
  or_status_t status = or_query_parse((or_slice_t){(const char *)data, size}, &query);
  for (size_t i = 0; or_ok(status) && i < query.count; ++i) {
    const char *name = query.parameters[i].name, *value = query.parameters[i].value;
    if (!or_utf8_valid(name, strlen(name)) || !or_utf8_valid(value, strlen(value))) __builtin_trap();
    if (or_query_get(&query, name) != value) __builtin_trap();
  }
  or_status_ignore(status); /* most inputs are none */
  if (or_status_live_count() != 0) __builtin_trap();
  return 0;
}
