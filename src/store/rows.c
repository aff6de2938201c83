#include <string.h>

#include "base/numbers.h"
#include "store/store_internal.h"

static void copy_text(char *to, size_t capacity, const char *from) {
  (void)or_format(to, capacity, "%s", from != NULL ? from : "");
}

void or_record_read(or_query_t *query, or_task_record_t *record) {
  size_t digest_bytes = 0;
  memset(record, 0, sizeof *record);
  copy_text(record->task_id, sizeof record->task_id, or_query_column_text(query, 1));
  copy_text(record->owner, sizeof record->owner, or_query_column_text(query, 2));
  record->operation = or_query_column_text(query, 3);
  record->state = (or_task_state_t)or_query_column_int(query, 4);
  record->priority = (int)or_query_column_int(query, 5);
  record->attempts = (int)or_query_column_int(query, 6);
  record->rerun_on_restart = or_query_column_int(query, 7) != 0;
  record->created_us = or_query_column_int(query, 8);
  record->started_us = or_query_column_int(query, 9);
  record->finished_us = or_query_column_int(query, 10);
  record->deadline_us = or_query_column_int(query, 11);
  record->device_used = or_query_column_text(query, 12);
  record->error = or_query_column_text(query, 13);
  record->error_code = or_query_column_text(query, 14);
  record->body_digest = or_query_column_bytes(query, 15, &digest_bytes);
  if (digest_bytes != OR_TASK_DIGEST_BYTES) record->body_digest = NULL;
  record->request = or_query_column_bytes(query, 16, &record->request_bytes);
  record->response = or_query_column_bytes(query, 17, &record->response_bytes);
}

void or_shape_write(const or_shape_t *shape, char *text, size_t capacity) {
  size_t length = 0;
  text[0] = '\0';
  for (int32_t i = 0; i < shape->rank; ++i) {
    (void)or_format(text + length, capacity - length, i > 0 ? ",%lld" : "%lld", (long long)shape->dims[i]);
    length += strlen(text + length);
  }
}

/* False if it is not what or_shape_write wrote. */
static bool read_shape(const char *text, or_shape_t *shape) {
  const char *cursor = text, *end = text + strlen(text);
  shape->rank = 0;
  while (cursor < end && shape->rank < OR_MAX_RANK) {
    uint64_t extent = 0;
    bool negative = false;
    or_status_t status = or_number_scan_integer(&cursor, end, &extent, &negative);
    bool usable = or_ok(status) && !negative && extent <= INT64_MAX;
    or_status_ignore(status); /* the row is reported as damaged */
    if (!usable) return false;
    shape->dims[shape->rank++] = (int64_t)extent;
    if (cursor < end && *cursor++ != ',') return false;
  }
  return cursor == end;
}

void or_blob_read(or_query_t *query, or_blob_row_t *row) {
  memset(row, 0, sizeof *row);
  row->id = or_query_column_int(query, 0);
  row->blob.role = (or_store_role_t)or_query_column_int(query, 1);
  copy_text(row->blob.name, sizeof row->blob.name, or_query_column_text(query, 2));
  row->blob.dtype = (or_dtype_t)or_query_column_int(query, 3);
  const char *shape = or_query_column_text(query, 4);
  if (shape == NULL || !read_shape(shape, &row->blob.shape)) row->blob.shape.rank = OR_RANK_UNKNOWN;
  row->blob.bytes = (uint64_t)or_query_column_int(query, 5);
  row->hash = (uint64_t)or_query_column_int(query, 6);
  copy_text(row->file, sizeof row->file, or_query_column_text(query, 7));
  row->data = or_query_column_bytes(query, 8, &row->data_bytes);
}

or_status_t or_blob_load(or_store_t *store, const or_blob_row_t *row, char **owned, const void **data) {
  size_t length = row->data_bytes;
  *owned = NULL;
  *data = row->data != NULL ? row->data : "";
  if (row->file[0] != '\0') {
    char path[OR_FILE_PATH_BYTES];
    or_files_path(store, row->file, path);
    or_status_t status = or_file_read(store->allocator, path, (size_t)row->blob.bytes, owned, &length);
    or_status_code_t code = or_status_code(status);
    or_status_ignore(status); /* said again below, without the path */
    if (code == OR_RESOURCE_EXHAUSTED) return or_error(code, "tensor \"%s\": no memory", row->blob.name);
    if (code == OR_NOT_FOUND) return or_error(code, "tensor \"%s\": its file is missing", row->blob.name);
    if (code != OR_OK) return or_error(OR_DATA_LOSS, "tensor \"%s\": its file can't be read", row->blob.name);
    *data = *owned;
  }
  bool right = length == row->blob.bytes && row->blob.shape.rank != OR_RANK_UNKNOWN &&
               or_hash_bytes(*data, length, 0) == row->hash;
  return right ? or_status_success()
               : or_error(OR_DATA_LOSS, "tensor \"%s\": its data are not what was written", row->blob.name);
}
