/* The one thread that reads, and what it is asked. Each read first waits until what was queued for writing before it
 * has been looked after, so that it sees it. */
#include <string.h>

#include "store/store_internal.h"

#define TEXT_BYTES 128 /* of the names that a list is filtered by */

/* One question: a single allocation, owned by the queue, then by the reader thread. */
struct or_read_t {
  or_read_t *next;
  uint64_t after; /* the writer's number */
  void (*run)(or_store_t *store, or_read_t *read);
  char task_id[OR_TASK_ID_BYTES], owner[OR_TASK_OWNER_BYTES];
  bool has_owner, has_digest;
  uint8_t digest[OR_TASK_DIGEST_BYTES];
  char name[TEXT_BYTES], device[TEXT_BYTES];
  bool has_name, has_device;
  int state, limit;
  int64_t cursor;
  or_store_role_t role;
  or_store_setting_t setting;
  char *path;
  or_store_found_t found;
  or_store_blob_read_t blob_read;
  or_journal_done_t done;
  or_store_listing_t listing;
  or_store_settings_t settings;
  or_store_checking_t checking;
  void *self;
};

static or_status_t make(or_store_t *store, or_read_t **out) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(store->allocator, sizeof(or_read_t), &memory);
  *out = memory;
  return status;
}

static void free_read(or_store_t *store, or_read_t *read) {
  or_free(store->allocator, read->path);
  or_free(store->allocator, read);
}

/* A text into a fixed field; longer ones are an error. */
static or_status_t copy(const char *what, const char *from, char *to, size_t capacity) {
  if (strlen(from) >= capacity) return or_error(OR_INVALID_ARGUMENT, "%s: more than %zu bytes", what, capacity - 1);
  memcpy(to, from, strlen(from) + 1);
  return or_status_success();
}

static or_status_t set_owner(or_read_t *read, const char *owner) {
  read->has_owner = owner != NULL;
  return read->has_owner ? copy("owner", owner, read->owner, sizeof read->owner) : or_status_success();
}

/* Takes the read, also when it is refused. */
static or_status_t push(or_store_t *store, or_read_t *read, or_status_t status) {
  or_reader_t *reader = &store->reader;
  bool taken = false, closing = false;
  if (or_ok(status)) {
    read->after = or_writer_last_number(&store->writer);
    or_mutex_lock(&reader->lock);
    closing = reader->closing;
    taken = !closing && reader->count < OR_STORE_MAX_READS;
    if (taken) {
      *reader->end = read;
      reader->end = &read->next;
      reader->count += 1;
      or_cond_signal(&reader->wake);
    }
    or_mutex_unlock(&reader->lock);
  }
  if (taken) return status;
  free_read(store, read);
  if (!or_ok(status)) return status;
  if (closing) return or_error(OR_FAILED_PRECONDITION, "the store is being closed");
  return or_error(OR_UNAVAILABLE, "%d reads wait for the database already; try again", OR_STORE_MAX_READS);
}

static or_status_t read_blobs(or_store_t *store, int64_t sequence, or_store_blob_t **blobs, size_t *count) {
  size_t capacity = 0;
  or_query_t query = or_query(&store->reading, OR_SQL_BLOBS);
  or_query_int(&query, 1, sequence);
  or_status_t status = or_status_success();
  while (or_ok(status) && or_query_row(&query)) {
    or_blob_row_t row;
    or_blob_read(&query, &row);
    void *array = *blobs;
    status = or_grow_array(store->allocator, *count + 1, sizeof **blobs, &array, &capacity);
    *blobs = array;
    if (or_ok(status)) (*blobs)[(*count)++] = row.blob;
  }
  return or_status_first(status, or_query_end(&query, "tensor"));
}

static or_status_t judge(const or_read_t *read, const or_task_record_t *record, bool there) {
  if (!there || (read->has_owner && strcmp(read->owner, record->owner) != 0))
    return or_error(OR_NOT_FOUND, "task \"%s\": no such task", read->task_id);
  if (read->has_digest && (record->body_digest == NULL || !or_digest_equal(read->digest, record->body_digest)))
    return or_error(OR_ALREADY_EXISTS, "task \"%s\" exists, with another body", read->task_id);
  return or_status_success();
}

static void run_find(or_store_t *store, or_read_t *read) {
  or_task_record_t record = {.state = OR_TASK_PENDING};
  or_store_blob_t *blobs = NULL;
  size_t blob_count = 0;
  or_query_t query = or_query(&store->reading, OR_SQL_FIND);
  or_query_text(&query, 1, read->task_id);
  bool there = or_query_row(&query);
  if (there) or_record_read(&query, &record);
  or_status_t status = or_status_success();
  if (query.code == SQLITE_OK) status = judge(read, &record, there);
  if (or_ok(status) && query.code == SQLITE_OK)
    status = read_blobs(store, or_query_column_int(&query, 0), &blobs, &blob_count);
  /* The row stays open until the callback has seen it, since its texts are the query's. */
  if (or_ok(status) && query.code == SQLITE_OK) {
    read->found(read->self, status, &record, blobs, blob_count);
    status = or_query_end(&query, "task");
    or_status_ignore(status); /* a reset after a row that was read says nothing new */
  } else {
    read->found(read->self, or_status_first(status, or_query_end(&query, "task")), NULL, NULL, 0);
  }
  or_free(store->allocator, blobs);
}

or_status_t or_store_find(or_store_t *store, const or_store_find_t *find, or_store_found_t found, void *self) {
  or_read_t *read = NULL;
  or_status_t status = make(store, &read);
  if (!or_ok(status)) return status;
  read->run = run_find;
  read->found = found;
  read->self = self;
  read->has_digest = find->body_digest != NULL;
  if (read->has_digest) memcpy(read->digest, find->body_digest, sizeof read->digest);
  status = or_item_check_id(find->task_id);
  if (or_ok(status)) status = copy("task_id", find->task_id, read->task_id, sizeof read->task_id);
  if (or_ok(status)) status = set_owner(read, find->owner);
  return push(store, read, status);
}

static void run_list(or_store_t *store, or_read_t *read) {
  or_query_t query = or_query(&store->reading, OR_SQL_LIST);
  or_query_int(&query, 1, read->cursor > 0 ? read->cursor : INT64_MAX);
  or_query_text(&query, 2, read->has_owner ? read->owner : NULL);
  or_query_int(&query, 3, read->state);
  or_query_text(&query, 4, read->has_name ? read->name : NULL);
  or_query_text(&query, 5, read->has_device ? read->device : NULL);
  or_query_int(&query, 6, read->limit);
  while (or_query_row(&query)) {
    or_task_record_t record;
    or_record_read(&query, &record);
    if (query.code == SQLITE_OK) read->listing.row(read->listing.self, &record, or_query_column_int(&query, 0));
  }
  read->listing.end(read->listing.self, or_query_end(&query, "list of tasks"));
}

or_status_t or_store_list(or_store_t *store, const or_store_list_t *list, const or_store_listing_t *listing) {
  if (list->limit < 1 || list->limit > OR_STORE_MAX_PAGE)
    return or_error(OR_INVALID_ARGUMENT, "limit: 1 to %d, got %d", OR_STORE_MAX_PAGE, list->limit);
  or_read_t *read = NULL;
  or_status_t status = make(store, &read);
  if (!or_ok(status)) return status;
  read->run = run_list;
  read->listing = *listing;
  read->state = list->state;
  read->limit = list->limit;
  read->cursor = list->after;
  read->has_name = list->operation != NULL;
  read->has_device = list->device != NULL;
  status = set_owner(read, list->owner);
  if (or_ok(status) && read->has_name) status = copy("operation", list->operation, read->name, sizeof read->name);
  if (or_ok(status) && read->has_device) status = copy("device", list->device, read->device, sizeof read->device);
  return push(store, read, status);
}

/* A file whose row went meanwhile is a task that is not there. */
static or_status_t open_blob(or_store_t *store, const or_blob_row_t *row, or_file_t **file) {
  char path[OR_FILE_PATH_BYTES];
  or_files_path(store, row->file, path);
  or_status_t status = or_file_open(store->allocator, path, file);
  or_status_code_t code = or_status_code(status);
  or_status_ignore(status); /* said again below, without the path */
  if (code == OR_NOT_FOUND) return or_error(OR_NOT_FOUND, "tensor \"%s\": it was removed", row->blob.name);
  if (code == OR_RESOURCE_EXHAUSTED) return or_error(code, "tensor \"%s\": no memory or file handles", row->blob.name);
  if (code != OR_OK) return or_error(OR_DATA_LOSS, "tensor \"%s\": its file can't be opened", row->blob.name);
  if (or_file_size(*file) == row->blob.bytes) return or_status_success();
  or_file_release(*file);
  *file = NULL;
  return or_error(OR_DATA_LOSS, "tensor \"%s\": its file does not have the %llu bytes that were written",
                  row->blob.name, (unsigned long long)row->blob.bytes);
}

static void run_read_blob(or_store_t *store, or_read_t *read) {
  or_blob_row_t row = {.id = 0};
  or_file_t *file = NULL;
  or_query_t query = or_query(&store->reading, OR_SQL_BLOB);
  or_query_text(&query, 1, read->task_id);
  or_query_text(&query, 2, read->has_owner ? read->owner : NULL);
  or_query_text(&query, 3, read->name);
  or_query_int(&query, 4, read->role);
  bool there = or_query_row(&query);
  if (there) or_blob_read(&query, &row);
  or_status_t status = or_status_success();
  if (query.code != SQLITE_OK) there = false;
  if (!there && query.code == SQLITE_OK)
    status = or_error(OR_NOT_FOUND, "task \"%s\": no tensor \"%s\"", read->task_id, read->name);
  if (there && row.file[0] != '\0') status = open_blob(store, &row, &file);
  if (there && or_ok(status)) {
    const void *inside = row.data != NULL ? row.data : "";
    read->blob_read(read->self, status, &row.blob, file == NULL ? inside : NULL, file);
    or_status_ignore(or_query_end(&query, "tensor")); /* a reset after a row that was read says nothing new */
  } else {
    read->blob_read(read->self, or_status_first(status, or_query_end(&query, "tensor")), NULL, NULL, NULL);
  }
  or_file_release(file);
}

or_status_t or_store_read_blob(or_store_t *store, const or_store_blob_name_t *name, or_store_blob_read_t blob_read,
                               void *self) {
  or_read_t *read = NULL;
  or_status_t status = make(store, &read);
  if (!or_ok(status)) return status;
  read->run = run_read_blob;
  read->blob_read = blob_read;
  read->self = self;
  read->role = name->role;
  status = or_item_check_id(name->task_id);
  if (or_ok(status)) status = copy("task_id", name->task_id, read->task_id, sizeof read->task_id);
  if (or_ok(status)) status = copy("tensor", name->name, read->name, sizeof read->name);
  if (or_ok(status)) status = set_owner(read, name->owner);
  return push(store, read, status);
}

static void run_settings(or_store_t *store, or_read_t *read) {
  or_query_t query = or_query(&store->reading, OR_SQL_SETTINGS);
  or_query_int(&query, 1, read->setting);
  while (or_query_row(&query)) {
    const char *name = or_query_column_text(&query, 0), *value = or_query_column_text(&query, 1);
    if (name != NULL && value != NULL) read->settings.setting(read->settings.self, name, value);
  }
  read->settings.end(read->settings.self, or_query_end(&query, "settings"));
}

or_status_t or_store_get_settings(or_store_t *store, or_store_setting_t kind, const or_store_settings_t *settings) {
  or_read_t *read = NULL;
  or_status_t status = make(store, &read);
  if (!or_ok(status)) return status;
  read->run = run_settings;
  read->setting = kind;
  read->settings = *settings;
  return push(store, read, status);
}

static void run_backup(or_store_t *store, or_read_t *read) {
  read->done(read->self, or_backup_write(store, read->path));
}

or_status_t or_store_backup(or_store_t *store, const char *file, or_journal_done_t done, void *self) {
  or_read_t *read = NULL;
  or_status_t status = make(store, &read);
  if (!or_ok(status)) return status;
  read->run = run_backup;
  read->done = done;
  read->self = self;
  return push(store, read, or_strdup(store->allocator, file, &read->path));
}

static void run_check(or_store_t *store, or_read_t *read) {
  or_store_check_t check = {0};
  or_status_t status = or_check_run(store, &read->checking, &check);
  read->checking.end(read->checking.self, status, &check);
}

or_status_t or_store_check(or_store_t *store, const or_store_checking_t *checking) {
  or_read_t *read = NULL;
  or_status_t status = make(store, &read);
  if (!or_ok(status)) return status;
  read->run = run_check;
  read->checking = *checking;
  return push(store, read, status);
}

static void reader_main(void *opaque) {
  or_store_t *store = opaque;
  or_reader_t *reader = &store->reader;
  for (;;) {
    or_mutex_lock(&reader->lock);
    while (reader->first == NULL && !reader->closing) or_cond_wait(&reader->wake, &reader->lock);
    or_read_t *read = reader->first;
    if (read != NULL) {
      reader->first = read->next;
      if (reader->first == NULL) reader->end = &reader->first;
      reader->count -= 1;
    }
    or_mutex_unlock(&reader->lock);
    if (read == NULL) return;
    or_writer_wait_for(&store->writer, read->after);
    or_store_lock_shared(store);
    read->run(store, read);
    or_store_unlock_shared(store);
    free_read(store, read);
  }
}

or_status_t or_reader_start(or_store_t *store) {
  return or_thread_start(&store->reader.thread, "or-store-read", reader_main, store);
}

void or_reader_stop(or_store_t *store) {
  or_reader_t *reader = &store->reader;
  or_mutex_lock(&reader->lock);
  reader->closing = true;
  or_cond_signal(&reader->wake);
  or_mutex_unlock(&reader->lock);
  or_thread_join(&reader->thread);
}
