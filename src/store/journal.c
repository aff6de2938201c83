#include "store/store_internal.h"

static or_status_t admit(void *self, const or_task_record_t *record, const or_journal_blob_t *blobs, size_t blob_count,
                         or_journal_done_t done, void *done_self) {
  or_store_t *store = self;
  or_item_t *item = NULL;
  const bool ended = or_task_state_is_final(record->state);
  or_item_source_t source = {.kind = OR_ITEM_ADMIT, .record = record, .blobs = blobs, .blob_count = blob_count};
  source.with_request = !ended;
  or_status_t status = or_item_make(store, &source, &item);
  if (!or_ok(status)) return status;
  item->role = ended ? OR_STORE_OUTPUT : OR_STORE_INPUT;
  if (!ended) item->record.state = OR_TASK_PENDING;
  or_writer_push(&store->writer, item, done, done_self);
  return status;
}

static or_status_t start(void *self, const or_journal_start_t *start, or_journal_done_t done, void *done_self) {
  or_store_t *store = self;
  or_item_t *item = NULL;
  or_status_t status = or_item_check_id(start->task_id);
  if (!or_ok(status)) return status;
  or_task_record_t record = {.attempts = start->attempt, .device_used = start->device, .started_us = start->started_us};
  (void)or_format(record.task_id, sizeof record.task_id, "%s", start->task_id);
  or_item_source_t source = {.kind = OR_ITEM_START, .record = &record};
  status = or_item_make(store, &source, &item);
  if (or_ok(status)) or_writer_push(&store->writer, item, done, done_self);
  return status;
}

static or_status_t finish(void *self, const or_task_record_t *record, const or_journal_blob_t *outputs,
                          size_t output_count) {
  or_store_t *store = self;
  or_item_t *item = NULL;
  if (!or_task_state_is_final(record->state))
    return or_error(OR_INVALID_ARGUMENT, "a task that is %s has not ended", or_task_state_name(record->state));
  or_item_source_t source = {.kind = OR_ITEM_FINISH, .record = record, .blobs = outputs, .blob_count = output_count};
  or_status_t status = or_item_make(store, &source, &item);
  if (!or_ok(status)) return status;
  item->role = OR_STORE_OUTPUT;
  or_writer_push(&store->writer, item, NULL, NULL);
  return status;
}

static or_status_t priority(void *self, const char *task_id, int value) {
  or_store_t *store = self;
  or_item_t *item = NULL;
  or_status_t status = or_item_check_id(task_id);
  if (!or_ok(status)) return status;
  or_task_record_t record = {.priority = value};
  (void)or_format(record.task_id, sizeof record.task_id, "%s", task_id);
  or_item_source_t source = {.kind = OR_ITEM_PRIORITY, .record = &record};
  status = or_item_make(store, &source, &item);
  if (or_ok(status)) or_writer_push(&store->writer, item, NULL, NULL);
  return status;
}

void or_journal_init(or_store_t *store) { store->journal = (or_journal_t){store, admit, start, finish, priority}; }

const or_journal_t *or_store_journal(or_store_t *store) { return &store->journal; }

or_status_t or_store_remove(or_store_t *store, const char *task_id, or_journal_done_t done, void *self) {
  or_item_t *item = NULL;
  or_status_t status = or_item_check_id(task_id);
  if (!or_ok(status)) return status;
  or_task_record_t record = {.priority = 0};
  (void)or_format(record.task_id, sizeof record.task_id, "%s", task_id);
  or_item_source_t source = {.kind = OR_ITEM_REMOVE, .record = &record};
  status = or_item_make(store, &source, &item);
  if (or_ok(status)) or_writer_push(&store->writer, item, done, self);
  return status;
}

or_status_t or_store_set_retention(or_store_t *store, const or_store_retention_t *retention, or_journal_done_t done,
                                   void *self) {
  or_item_t *item = NULL;
  if (retention->age_s < 0 || retention->task_count < 0 || retention->bytes < 0)
    return or_error(OR_INVALID_ARGUMENT, "retention: age, count and bytes are 0 or more");
  or_item_source_t source = {.kind = OR_ITEM_RETENTION};
  or_status_t status = or_item_make(store, &source, &item);
  if (!or_ok(status)) return status;
  item->retention = *retention;
  or_writer_push(&store->writer, item, done, self);
  return status;
}

or_status_t or_store_flush(or_store_t *store, or_journal_done_t done, void *self) {
  or_item_t *item = NULL;
  or_item_source_t source = {.kind = OR_ITEM_FLUSH};
  or_status_t status = or_item_make(store, &source, &item);
  if (or_ok(status)) or_writer_push(&store->writer, item, done, self);
  return status;
}
