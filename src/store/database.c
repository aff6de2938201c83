#include <errno.h>

#include "store/database_internal.h"

#define BUSY_MS 10000           /* another connection of ours never holds the lock as long */
#define CHECKPOINT_PAGES "4000" /* of 4 KiB: the log is copied into the database then */
#define LOG_BYTES "67108864"    /* what is kept of the log's file once it was copied */

#define SQL_TEXT(name, text) text,
static const char *const sql_texts[OR_SQL_COUNT] = {OR_SQL(SQL_TEXT)};

or_trouble_t or_database_trouble(sqlite3 *handle, int code) {
  const int last = errno;
  switch (code & 0xff) {
  case SQLITE_OK:
  case SQLITE_ROW:
  case SQLITE_DONE: return OR_TROUBLE_NONE;
  case SQLITE_FULL: return OR_TROUBLE_FULL;
  case SQLITE_NOMEM: return OR_TROUBLE_MEMORY;
  case SQLITE_IOERR: {
    if (code == SQLITE_IOERR_NOMEM) return OR_TROUBLE_MEMORY;
    int error = handle != NULL ? sqlite3_system_errno(handle) : 0;
    if (error == 0) error = last; /* SQLite keeps none of a COMMIT that failed */
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? OR_TROUBLE_FULL : OR_TROUBLE_IO;
  }
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
  case SQLITE_CANTOPEN: return OR_TROUBLE_IO;
  default: return OR_TROUBLE_OTHER;
  }
}

or_status_t or_database_failure(sqlite3 *handle, int code, const char *what) {
  switch (or_database_trouble(handle, code)) {
  case OR_TROUBLE_NONE: return or_status_success();
  case OR_TROUBLE_FULL:
    return or_error(OR_RESOURCE_EXHAUSTED, "%s: no room on the disk that holds the data folder", what);
  case OR_TROUBLE_MEMORY: return or_error(OR_RESOURCE_EXHAUSTED, "%s: no memory", what);
  default: break;
  }
  switch (code & 0xff) {
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB: return or_error(OR_DATA_LOSS, "%s: the database is corrupt (%s)", what, sqlite3_errstr(code));
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return or_error(OR_UNAVAILABLE, "%s: the database is locked", what);
  case SQLITE_PERM:
  case SQLITE_AUTH:
  case SQLITE_READONLY:
  case SQLITE_CANTOPEN: return or_error(OR_PERMISSION_DENIED, "%s: %s", what, sqlite3_errstr(code));
  case SQLITE_TOOBIG: return or_error(OR_OUT_OF_RANGE, "%s: more bytes than a row can hold", what);
  case SQLITE_IOERR: return or_error(OR_DATA_LOSS, "%s: %s (SQLite %d)", what, sqlite3_errstr(code), code);
  default: return or_error(OR_INTERNAL, "%s: %s (SQLite %d)", what, sqlite3_errstr(code), code);
  }
}

or_status_t or_database_open(or_database_t *database, const char *path, const char *vfs, int extra_flags) {
  int flags = SQLITE_OPEN_READWRITE | extra_flags;
  /* Nobody asks how much memory it uses, and to count it takes a lock for each piece. Refused after its first use. */
  (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  int code = sqlite3_open_v2(path, &database->handle, flags, vfs);
  if (code == SQLITE_OK) {
    (void)sqlite3_extended_result_codes(database->handle, 1);
    code = sqlite3_busy_timeout(database->handle, BUSY_MS);
  }
  if (code != SQLITE_OK) return or_database_failure(database->handle, code, "database");
  return or_database_execute(database, "PRAGMA wal_autocheckpoint = " CHECKPOINT_PAGES
                                       "; PRAGMA journal_size_limit = " LOG_BYTES "; PRAGMA temp_store = MEMORY");
}

void or_database_close(or_database_t *database) {
  for (size_t i = 0; i < OR_SQL_COUNT; ++i) {
    (void)sqlite3_finalize(database->statements[i]); /* repeats what the last step said */
    database->statements[i] = NULL;
  }
  /* With every statement gone this can't say busy; a log that can't be copied now is copied at the next open. */
  if (!database->shared) (void)sqlite3_close(database->handle);
  database->handle = NULL;
}

or_status_t or_database_execute(or_database_t *database, const char *sql) {
  int code = sqlite3_exec(database->handle, sql, NULL, NULL, NULL);
  return or_database_failure(database->handle, code, "database");
}

or_query_t or_query(or_database_t *database, or_sql_t sql) {
  or_query_t query = {.database = database};
  if (database->statements[sql] == NULL) {
    query.code = sqlite3_prepare_v3(database->handle, sql_texts[sql], -1, SQLITE_PREPARE_PERSISTENT,
                                    &database->statements[sql], NULL);
  }
  query.statement = database->statements[sql];
  return query;
}

void or_query_int(or_query_t *query, int index, int64_t value) {
  if (query->code == SQLITE_OK) query->code = sqlite3_bind_int64(query->statement, index, value);
}

void or_query_text(or_query_t *query, int index, const char *value) {
  if (query->code == SQLITE_OK) query->code = sqlite3_bind_text(query->statement, index, value, -1, SQLITE_STATIC);
}

void or_query_bytes(or_query_t *query, int index, const void *bytes, size_t length) {
  if (query->code != SQLITE_OK) return;
  query->code = bytes == NULL ? sqlite3_bind_null(query->statement, index)
                              : sqlite3_bind_blob64(query->statement, index, bytes, length, SQLITE_STATIC);
}

bool or_query_row(or_query_t *query) {
  if (query->code != SQLITE_OK) return false;
  int code = sqlite3_step(query->statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) query->code = code;
  return code == SQLITE_ROW;
}

int64_t or_query_column_int(or_query_t *query, int column) { return sqlite3_column_int64(query->statement, column); }

const char *or_query_column_text(or_query_t *query, int column) {
  const unsigned char *text = sqlite3_column_text(query->statement, column);
  if (text == NULL && sqlite3_column_type(query->statement, column) != SQLITE_NULL) query->code = SQLITE_NOMEM;
  return (const char *)text;
}

const void *or_query_column_bytes(or_query_t *query, int column, size_t *length) {
  const void *bytes = sqlite3_column_blob(query->statement, column);
  *length = (size_t)sqlite3_column_bytes(query->statement, column);
  if (bytes == NULL && *length > 0) query->code = SQLITE_NOMEM;
  return bytes;
}

or_status_t or_query_end(or_query_t *query, const char *what) {
  /* Made before the reset, which replaces the errno of the failure that it repeats. */
  or_status_t status = or_database_failure(query->database->handle, query->code, what);
  if (query->statement != NULL) (void)sqlite3_reset(query->statement);
  return status;
}

or_status_t or_query_run(or_query_t *query, const char *what) {
  while (or_query_row(query)) {
  }
  return or_query_end(query, what);
}
