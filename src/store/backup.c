/* A backup is one file: a compact copy of the database as of now, into which the tensors that are files are then put.
 * While it is made no process removes such a file; those whose rows went meanwhile are swept afterwards, by the store
 * that has the folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/store_internal.h"

/* An empty file, for its owner alone, that the copy then fills. */
static or_status_t make_file(const char *path) {
  char words[128];
  int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) {
    (void)close(descriptor); /* nothing was written */
    return or_status_success();
  }
  or_status_code_t code = errno == ENOENT   ? OR_NOT_FOUND
                          : errno == ENOSPC ? OR_RESOURCE_EXHAUSTED
                                            : OR_PERMISSION_DENIED;
  return or_error(code, "backup \"%s\": %s", path, or_errno_text(errno, words, sizeof words));
}

static or_status_t copy_database(or_store_t *store, const char *file) {
  or_query_t query = or_query(&store->reading, OR_SQL_VACUUM_INTO);
  or_query_text(&query, 1, file);
  or_status_t status = or_query_run(&query, "backup");
  if (!or_ok(status)) return or_status_context(status, "\"%s\"", file);
  return status;
}

/* The statements are the backup's own: no other database is written so. */
static or_status_t put_tensor(or_store_t *store, or_database_t *backup, const or_blob_row_t *row) {
  char *owned = NULL;
  const void *data = NULL;
  sqlite3_stmt *statement = NULL;
  or_status_t status = or_blob_load(store, row, &owned, &data);
  if (!or_ok(status)) return status;
  int code =
      sqlite3_prepare_v2(backup->handle, "UPDATE blobs SET file = NULL, data = ?2 WHERE id = ?1", -1, &statement, NULL);
  if (code == SQLITE_OK) code = sqlite3_bind_int64(statement, 1, row->id);
  if (code == SQLITE_OK) code = sqlite3_bind_blob64(statement, 2, data, row->blob.bytes, SQLITE_STATIC);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  status = or_database_failure(backup->handle, code, "backup");
  (void)sqlite3_finalize(statement); /* repeats what the step said */
  or_free(store->allocator, owned);
  return status;
}

static or_status_t put_tensors(or_store_t *store, or_database_t *backup) {
  int64_t last = 0;
  bool more = true;
  or_status_t status = or_database_execute(backup, "BEGIN");
  while (or_ok(status) && more) {
    or_blob_row_t row;
    or_query_t query = or_query(backup, OR_SQL_NEXT_BLOB);
    or_query_int(&query, 1, last);
    more = or_query_row(&query);
    if (more) or_blob_read(&query, &row);
    status = or_query_end(&query, "backup");
    if (!or_ok(status) || !more) continue;
    last = row.id;
    if (row.file[0] != '\0') status = put_tensor(store, backup, &row);
  }
  return or_ok(status) ? or_database_execute(backup, "COMMIT") : status;
}

static or_status_t fill(or_store_t *store, const char *temporary) {
  or_database_t backup = {0};
  or_status_t status = make_file(temporary);
  if (or_ok(status)) status = copy_database(store, temporary);
  if (!or_ok(status)) return status;
  status = or_database_open(&backup, temporary, NULL, SQLITE_OPEN_NOMUTEX);
  if (or_ok(status)) status = or_database_execute(&backup, "PRAGMA synchronous = FULL");
  if (or_ok(status)) status = put_tensors(store, &backup);
  or_database_close(&backup);
  return status;
}

static or_status_t sync_and_name(const char *temporary, const char *file) {
  char words[128];
  int descriptor = open(temporary, O_RDWR | O_CLOEXEC);
  bool good = descriptor >= 0 && fsync(descriptor) == 0;
  int error = errno;
  if (descriptor >= 0) (void)close(descriptor);
  if (good) { /* a link, unlike a rename, fails where the name is taken */
    good = link(temporary, file) == 0;
    error = errno;
  }
  if (good) return or_status_success();
  or_status_code_t code = error == EEXIST ? OR_ALREADY_EXISTS : error == ENOSPC ? OR_RESOURCE_EXHAUSTED : OR_DATA_LOSS;
  return or_error(code, "backup \"%s\": %s", file, or_errno_text(error, words, sizeof words));
}

/* Files whose rows went while they were kept. Its failure leaves them to the next open. */
static void sweep_later(or_store_t *store) {
  or_item_t *item = NULL;
  or_item_source_t source = {.kind = OR_ITEM_SWEEP};
  or_status_t status = or_item_make(store, &source, &item);
  if (or_ok(status)) or_writer_push(&store->writer, item, NULL, NULL);
  or_status_ignore(status); /* the next open sweeps too */
}

or_status_t or_backup_write(or_store_t *store, const char *file) {
  char temporary[OR_FILE_PATH_BYTES];
  if (strlen(file) + sizeof ".tmp" > sizeof temporary)
    return or_error(OR_INVALID_ARGUMENT, "backup: a path of more than %d bytes", OR_FILE_PATH_BYTES);
  if (access(file, F_OK) == 0) return or_error(OR_ALREADY_EXISTS, "\"%s\" exists and is not overwritten", file);
  (void)or_format(temporary, sizeof temporary, "%s.tmp", file);
  (void)unlink(temporary); /* of a backup that was cut short */
  int held = -1;
  or_status_t status = or_files_hold(store, &held);
  if (or_ok(status)) status = fill(store, temporary);
  or_files_let_go(held);
  if (!store->beside) sweep_later(store);
  if (or_ok(status)) status = sync_and_name(temporary, file);
  (void)unlink(temporary); /* it has its name, or is of no use */
  return status;
}
