#include <string.h>

#include "store/store_internal.h"

/* A task's row as far as a change needs to know it. */
typedef struct or_place_t {
  bool found;
  int64_t sequence, bytes;
  or_task_state_t state;
  bool has_blobs;
} or_place_t;

static or_status_t look_up(or_store_t *store, const char *task_id, or_place_t *place) {
  or_query_t query = or_query(&store->writing, OR_SQL_LOOK_UP);
  or_query_text(&query, 1, task_id);
  place->found = or_query_row(&query);
  if (place->found) {
    place->sequence = or_query_column_int(&query, 0);
    place->state = (or_task_state_t)or_query_column_int(&query, 1);
    place->bytes = or_query_column_int(&query, 2);
    place->has_blobs = or_query_column_int(&query, 3) != 0;
  }
  return or_query_end(&query, "task");
}

static int64_t row_bytes(const or_item_t *item) {
  size_t bytes = OR_STORE_ROW_BYTES + item->record.request_bytes;
  if (item->record.response != NULL) bytes += item->record.response_bytes;
  for (size_t i = 0; i < item->blob_count; ++i) bytes += item->blobs[i].blob.bytes + OR_STORE_ROW_BYTES;
  return (int64_t)bytes; /* below the bound of the backlog */
}

static or_status_t insert_blobs(or_store_t *store, or_item_t *item, int64_t sequence) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < item->blob_count; ++i) {
    const or_item_blob_t *blob = &item->blobs[i];
    char shape[OR_SHAPE_TEXT_BYTES];
    or_shape_write(&blob->blob.shape, shape, sizeof shape);
    bool inside = blob->file[0] == '\0';
    or_query_t query = or_query(&store->writing, OR_SQL_INSERT_BLOB);
    or_query_int(&query, 1, sequence);
    or_query_int(&query, 2, item->role);
    or_query_text(&query, 3, blob->blob.name);
    or_query_int(&query, 4, blob->blob.dtype);
    or_query_text(&query, 5, shape);
    or_query_int(&query, 6, (int64_t)blob->blob.bytes);
    or_query_int(&query, 7, (int64_t)blob->hash);
    or_query_text(&query, 8, inside ? NULL : blob->file);
    or_query_bytes(&query, 9, inside ? blob->blob.data : NULL, inside ? blob->blob.bytes : 0);
    status = or_query_run(&query, "tensor");
  }
  return status;
}

/* Inserts unless there is such a task, which is asked by the same statement: most are new. */
static or_status_t insert_task(or_store_t *store, or_item_t *item, bool *inserted) {
  const or_task_record_t *record = &item->record;
  int64_t bytes = row_bytes(item);
  or_query_t query = or_query(&store->writing, OR_SQL_INSERT_TASK);
  or_query_text(&query, 1, record->task_id);
  or_query_text(&query, 2, record->owner);
  or_query_text(&query, 3, record->operation != NULL ? record->operation : "");
  or_query_int(&query, 4, record->state);
  or_query_int(&query, 5, record->priority);
  or_query_int(&query, 6, record->attempts);
  or_query_int(&query, 7, record->rerun_on_restart ? 1 : 0);
  or_query_int(&query, 8, record->created_us);
  or_query_int(&query, 9, record->started_us);
  or_query_int(&query, 10, record->finished_us);
  or_query_int(&query, 11, record->deadline_us);
  or_query_text(&query, 12, record->device_used);
  or_query_text(&query, 13, record->error);
  or_query_text(&query, 14, record->error_code);
  or_query_bytes(&query, 15, item->digest, sizeof item->digest);
  or_query_int(&query, 16, bytes);
  or_query_bytes(&query, 17, record->request, record->request_bytes);
  or_query_bytes(&query, 18, record->response, record->response_bytes);
  or_status_t status = or_query_run(&query, "task");
  *inserted = or_ok(status) && sqlite3_changes(store->writing.handle) > 0;
  if (!*inserted) return status;
  if (item->blob_count > 0) status = insert_blobs(store, item, sqlite3_last_insert_rowid(store->writing.handle));
  store->totals.tasks += 1;
  store->totals.bytes += bytes;
  return status;
}

static or_status_t admit(or_store_t *store, or_item_t *item) {
  bool inserted = false;
  or_status_t status = insert_task(store, item, &inserted);
  if (or_ok(status) && !inserted)
    item->outcome = or_error(OR_ALREADY_EXISTS, "task \"%s\" exists", item->record.task_id);
  return status;
}

static or_status_t start(or_store_t *store, or_item_t *item) {
  or_query_t query = or_query(&store->writing, OR_SQL_START);
  or_query_text(&query, 1, item->record.task_id);
  or_query_int(&query, 2, item->record.attempts);
  or_query_text(&query, 3, item->record.device_used);
  or_query_int(&query, 4, item->record.started_us);
  or_status_t status = or_query_run(&query, "task");
  if (or_ok(status) && sqlite3_changes(store->writing.handle) == 0)
    item->outcome = or_error(OR_NOT_FOUND, "task \"%s\": not recorded, or it has ended", item->record.task_id);
  return status;
}

/* The tensors of a task: rows now, files once that is committed. */
static or_status_t remove_blobs(or_store_t *store, int64_t sequence) {
  or_query_t files = or_query(&store->writing, OR_SQL_FILES);
  or_query_int(&files, 1, sequence);
  or_status_t status = or_status_success();
  while (or_ok(status) && or_query_row(&files)) {
    const char *name = or_query_column_text(&files, 0);
    void *array = store->doomed;
    status =
        or_grow_array(store->allocator, store->doomed_count + 1, sizeof(or_doomed_t), &array, &store->doomed_capacity);
    store->doomed = array;
    if (!or_ok(status) || name == NULL) break;
    (void)or_format(store->doomed[store->doomed_count++].name, OR_STORE_FILE_BYTES, "%s", name);
  }
  status = or_status_first(status, or_query_end(&files, "tensor"));
  if (!or_ok(status)) return status;
  or_query_t remove = or_query(&store->writing, OR_SQL_DELETE_BLOBS);
  or_query_int(&remove, 1, sequence);
  return or_query_run(&remove, "tensor");
}

static or_status_t finish_recorded(or_store_t *store, or_item_t *item, const or_place_t *place) {
  const or_task_record_t *record = &item->record;
  int64_t bytes = row_bytes(item);
  or_status_t status = place->has_blobs ? remove_blobs(store, place->sequence) : or_status_success();
  if (!or_ok(status)) return status;
  or_query_t query = or_query(&store->writing, OR_SQL_FINISH);
  or_query_int(&query, 1, place->sequence);
  or_query_int(&query, 2, record->state);
  or_query_int(&query, 3, record->attempts);
  or_query_int(&query, 4, record->started_us);
  or_query_int(&query, 5, record->finished_us);
  or_query_text(&query, 6, record->device_used);
  or_query_text(&query, 7, record->error);
  or_query_text(&query, 8, record->error_code);
  or_query_bytes(&query, 9, record->response, record->response_bytes);
  or_query_int(&query, 10, bytes);
  status = or_query_run(&query, "task");
  store->totals.bytes += bytes - place->bytes;
  return or_ok(status) ? insert_blobs(store, item, place->sequence) : status;
}

/* Looks first where there should be a row, and inserts first where there should be none. */
static or_status_t finish(or_store_t *store, or_item_t *item) {
  bool inserted = false;
  or_place_t place = {0};
  or_status_t status = or_status_success();
  if (item->record.recorded) status = look_up(store, item->record.task_id, &place);
  if (or_ok(status) && !place.found) status = insert_task(store, item, &inserted);
  if (!or_ok(status) || inserted) return status;
  if (!place.found) status = look_up(store, item->record.task_id, &place);
  if (!or_ok(status)) return status;
  if (!or_task_state_is_final(place.state)) return finish_recorded(store, item, &place);
  item->outcome = or_error(OR_ALREADY_EXISTS, "task \"%s\" has ended before", item->record.task_id);
  return status;
}

or_status_t or_apply_removal(or_store_t *store, int64_t sequence, int64_t bytes) {
  or_status_t status = remove_blobs(store, sequence);
  if (!or_ok(status)) return status;
  or_query_t query = or_query(&store->writing, OR_SQL_DELETE_TASK);
  or_query_int(&query, 1, sequence);
  store->totals.tasks -= 1;
  store->totals.bytes -= bytes;
  return or_query_run(&query, "task");
}

static or_status_t remove_task(or_store_t *store, or_item_t *item) {
  or_place_t place = {0};
  or_status_t status = look_up(store, item->record.task_id, &place);
  if (!or_ok(status)) return status;
  if (place.found && or_task_state_is_final(place.state)) return or_apply_removal(store, place.sequence, place.bytes);
  item->outcome = place.found ? or_error(OR_FAILED_PRECONDITION, "task \"%s\" is %s: cancel it first",
                                         item->record.task_id, or_task_state_name(place.state))
                              : or_error(OR_NOT_FOUND, "task \"%s\": no such task", item->record.task_id);
  return status;
}

static or_status_t prioritise(or_store_t *store, or_item_t *item) {
  or_query_t query = or_query(&store->writing, OR_SQL_PRIORITY);
  or_query_text(&query, 1, item->record.task_id);
  or_query_int(&query, 2, item->record.priority);
  return or_query_run(&query, "task");
}

static or_status_t set(or_store_t *store, or_item_t *item) {
  or_query_t query = or_query(&store->writing, item->value != NULL ? OR_SQL_PUT_SETTING : OR_SQL_DELETE_SETTING);
  or_query_int(&query, 1, item->setting);
  or_query_text(&query, 2, item->name);
  if (item->value != NULL) or_query_text(&query, 3, item->value);
  return or_query_run(&query, "setting");
}

static or_status_t create_key(or_store_t *store, or_item_t *item) {
  or_query_t query = or_query(&store->writing, OR_SQL_INSERT_KEY);
  or_query_text(&query, 1, item->key.id);
  or_query_bytes(&query, 2, item->digest, sizeof item->digest);
  or_query_text(&query, 3, item->key.label);
  or_query_int(&query, 4, item->key.scopes);
  or_query_int(&query, 5, item->key.created_us);
  or_status_t status = or_query_run(&query, "key");
  if (!or_ok(status) || item->forgotten_key[0] == '\0') return status;
  or_query_t forget = or_query(&store->writing, OR_SQL_DELETE_KEY);
  or_query_text(&forget, 1, item->forgotten_key);
  return or_query_run(&forget, "key");
}

static or_status_t revoke_key(or_store_t *store, or_item_t *item) {
  or_query_t query = or_query(&store->writing, OR_SQL_REVOKE_KEY);
  or_query_text(&query, 1, item->key.id);
  or_query_int(&query, 2, item->key.revoked_us);
  return or_query_run(&query, "key");
}

or_status_t or_apply(or_store_t *store, or_item_t *item) {
  switch (item->kind) {
  case OR_ITEM_ADMIT: return admit(store, item);
  case OR_ITEM_START: return start(store, item);
  case OR_ITEM_FINISH: return finish(store, item);
  case OR_ITEM_PRIORITY: return prioritise(store, item);
  case OR_ITEM_REMOVE: return remove_task(store, item);
  case OR_ITEM_SETTING: return set(store, item);
  case OR_ITEM_CREATE_KEY: return create_key(store, item);
  case OR_ITEM_REVOKE_KEY: return revoke_key(store, item);
  case OR_ITEM_FLUSH:
    if (store->writer.parked != NULL)
      item->outcome = or_error(OR_RESOURCE_EXHAUSTED, "some rows can't be written yet: the disk is full or failing");
    break;
  case OR_ITEM_RETENTION:
  case OR_ITEM_SWEEP: break; /* nothing in a row */
  }
  return or_status_success();
}
