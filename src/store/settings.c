#include <string.h>

#include "store/store_internal.h"

or_status_t or_store_put_setting(or_store_t *store, or_store_setting_t kind, const char *name, const char *value,
                                 or_journal_done_t done, void *self) {
  const size_t most_bytes = kind == OR_STORE_KERNEL ? OR_STORE_KERNEL_BYTES : OR_STORE_SETTING_BYTES;
  or_item_t *item = NULL;
  if (name[0] == '\0' || strlen(name) >= OR_STORE_NAME_BYTES)
    return or_error(OR_INVALID_ARGUMENT, "setting: a name of 1 to %d bytes", OR_STORE_NAME_BYTES - 1);
  if (value != NULL && strlen(value) > most_bytes)
    return or_error(OR_INVALID_ARGUMENT, "setting \"%s\": %zu bytes exceed %zu", name, strlen(value), most_bytes);
  or_item_source_t source = {.kind = OR_ITEM_SETTING, .name = name, .value = value};
  or_status_t status = or_item_make(store, &source, &item);
  if (!or_ok(status)) return status;
  item->setting = kind;
  or_writer_push(&store->writer, item, done, self);
  return status;
}
