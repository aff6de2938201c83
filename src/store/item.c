#include <string.h>

#include "store/store_internal.h"

#define ALIGNMENT 16 /* of each tensor inside an item */

or_status_t or_item_check_id(const char *task_id) {
  if (or_task_id_valid(task_id)) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "task_id: 1 to %d of the characters A-Z a-z 0-9 . _ : - are an id",
                  OR_TASK_ID_BYTES - 1);
}

static or_status_t check(const or_item_source_t *source) {
  if (source->record != NULL) {
    or_status_t status = or_item_check_id(source->record->task_id);
    if (!or_ok(status)) return status;
    if (memchr(source->record->owner, '\0', OR_TASK_OWNER_BYTES) == NULL)
      return or_error(OR_INVALID_ARGUMENT, "task owner: more than %d characters", OR_TASK_OWNER_BYTES - 1);
  }
  if (source->blob_count > OR_JOURNAL_MAX_BLOBS) {
    return or_error(OR_INVALID_ARGUMENT, "%zu tensors, but a task has at most %d", source->blob_count,
                    OR_JOURNAL_MAX_BLOBS);
  }
  for (size_t i = 0; i < source->blob_count; ++i) {
    const or_journal_blob_t *blob = &source->blobs[i];
    if (blob->name == NULL || strlen(blob->name) >= sizeof((or_store_blob_t *)NULL)->name)
      return or_error(OR_INVALID_ARGUMENT, "tensor %zu: its name has more than 127 characters, or there is none", i);
    if (!or_shape_is_static(&blob->shape) || (blob->data == NULL && blob->bytes > 0))
      return or_error(OR_INVALID_ARGUMENT, "tensor \"%s\": its shape is not known, or it has no data", blob->name);
  }
  return or_status_success();
}

static size_t text_bytes(const char *text) { return text != NULL ? strlen(text) + 1 : 0; }

/* Bytes of the one allocation; false if they overflow. */
static bool measure(const or_item_source_t *source, size_t *out) {
  size_t bytes = or_align_up(sizeof(or_item_t), ALIGNMENT) + source->blob_count * sizeof(or_item_blob_t);
  bytes += text_bytes(source->name) + text_bytes(source->value);
  const or_task_record_t *record = source->record;
  if (record != NULL) {
    bytes += text_bytes(record->operation) + text_bytes(record->device_used) + text_bytes(record->error) +
             text_bytes(record->error_code);
    if (record->response != NULL && !or_add_size(bytes, record->response_bytes, &bytes)) return false;
    if (source->with_request && record->request != NULL && !or_add_size(bytes, record->request_bytes, &bytes))
      return false;
  }
  for (size_t i = 0; i < source->blob_count; ++i) {
    if (!or_add_size(bytes, strlen(source->blobs[i].name) + 1 + ALIGNMENT, &bytes) ||
        !or_add_size(bytes, source->blobs[i].bytes, &bytes))
      return false;
  }
  *out = bytes;
  return true;
}

/* Copies into the allocation, from *cursor on. */
static const void *put(char **cursor, const void *bytes, size_t length) {
  if (bytes == NULL) return NULL;
  char *to = *cursor;
  memcpy(to, bytes, length);
  *cursor += length;
  return to;
}

static const char *put_text(char **cursor, const char *text) { return put(cursor, text, text_bytes(text)); }

static void put_record(or_item_t *item, const or_item_source_t *source, char **cursor) {
  const or_task_record_t *from = source->record;
  or_task_record_t *record = &item->record;
  *record = *from;
  record->operation = put_text(cursor, from->operation);
  record->device_used = put_text(cursor, from->device_used);
  record->error = put_text(cursor, from->error);
  record->error_code = put_text(cursor, from->error_code);
  record->response = put(cursor, from->response, from->response_bytes);
  record->request = source->with_request ? put(cursor, from->request, from->request_bytes) : NULL;
  record->request_bytes = record->request != NULL ? from->request_bytes : 0;
  record->body_digest = item->digest;
}

static void put_blobs(or_item_t *item, const or_item_source_t *source, char **cursor) {
  for (size_t i = 0; i < source->blob_count; ++i) {
    or_journal_blob_t *blob = &item->blobs[i].blob;
    *blob = source->blobs[i];
    blob->name = put_text(cursor, blob->name);
    *cursor = (char *)or_align_up((size_t)*cursor, ALIGNMENT);
    blob->data = blob->bytes > 0 ? put(cursor, blob->data, blob->bytes) : "";
  }
}

or_status_t or_item_make(or_store_t *store, const or_item_source_t *source, or_item_t **out) {
  size_t bytes = 0;
  void *memory = NULL;
  uint8_t digest[OR_TASK_DIGEST_BYTES] = {0};
  *out = NULL;
  or_status_t status = check(source);
  if (!or_ok(status)) return status;
  if (!measure(source, &bytes)) return or_error(OR_OUT_OF_RANGE, "the task's bytes are more than can be counted");

  const or_task_record_t *record = source->record;
  if (record != NULL && record->body_digest != NULL) {
    memcpy(digest, record->body_digest, sizeof digest);
  } else if (record != NULL && record->request != NULL) {
    status = or_store_digest(record->request, record->request_bytes, digest);
    if (!or_ok(status)) return status;
  }
  status = or_writer_reserve(&store->writer, source->kind, bytes);
  if (!or_ok(status)) return status;
  status = or_alloc(store->allocator, bytes, &memory);
  if (!or_ok(status)) {
    or_writer_unreserve(&store->writer, bytes);
    return status;
  }
  or_item_t *item = memory;
  memset(item, 0, sizeof *item);
  item->kind = source->kind;
  item->bytes = bytes;
  memcpy(item->digest, digest, sizeof digest);
  char *cursor = (char *)memory + or_align_up(sizeof *item, ALIGNMENT);
  item->blobs = (or_item_blob_t *)(void *)cursor;
  item->blob_count = source->blob_count;
  memset(cursor, 0, source->blob_count * sizeof(or_item_blob_t));
  cursor += source->blob_count * sizeof(or_item_blob_t);
  if (record != NULL) put_record(item, source, &cursor);
  put_blobs(item, source, &cursor);
  item->name = put_text(&cursor, source->name);
  item->value = put_text(&cursor, source->value);
  *out = item;
  return status;
}
