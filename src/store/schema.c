#include "store/schema_internal.h"

#include "base/string.h"

/* Columns that may be large stand last, so that a walk over the others does not read them. */
static const char *const version_1 =
    "CREATE TABLE tasks ("
    " sequence INTEGER PRIMARY KEY," /* the order of recording */
    " task_id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, operation TEXT NOT NULL, state INTEGER NOT NULL,"
    " priority INTEGER NOT NULL, attempts INTEGER NOT NULL, rerun INTEGER NOT NULL, created_us INTEGER NOT NULL,"
    " started_us INTEGER NOT NULL, finished_us INTEGER NOT NULL, deadline_us INTEGER NOT NULL, device TEXT, error TEXT,"
    " error_code TEXT, digest BLOB NOT NULL, bytes INTEGER NOT NULL, request BLOB, response BLOB) STRICT;"
    "CREATE INDEX active_tasks ON tasks (sequence) WHERE state < 2;"
    "CREATE TABLE blobs (id INTEGER PRIMARY KEY, task INTEGER NOT NULL, role INTEGER NOT NULL, name TEXT NOT NULL,"
    " dtype INTEGER NOT NULL, shape TEXT NOT NULL, bytes INTEGER NOT NULL, hash INTEGER NOT NULL, file TEXT, data BLOB)"
    " STRICT;"
    "CREATE INDEX blobs_of_task ON blobs (task);"
    "CREATE INDEX blob_files ON blobs (file) WHERE file IS NOT NULL;"
    "CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 1), tasks INTEGER NOT NULL, bytes INTEGER NOT NULL)"
    " STRICT;"
    "INSERT INTO totals VALUES (1, 0, 0);"
    "CREATE TABLE settings (kind INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, name))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE keys (id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, label TEXT NOT NULL, scopes INTEGER NOT NULL,"
    " created_us INTEGER NOT NULL, last_used_us INTEGER NOT NULL DEFAULT 0, revoked_us INTEGER NOT NULL DEFAULT 0)"
    " STRICT;";

const char *const or_store_migrations[] = {version_1};
const int or_store_version = sizeof or_store_migrations / sizeof *or_store_migrations;

static or_status_t pragma_number(or_database_t *database, const char *sql, int64_t *out) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  if (code == SQLITE_ROW) *out = sqlite3_column_int64(statement, 0);
  or_status_t status = or_database_failure(database->handle, code, "database");
  (void)sqlite3_finalize(statement); /* repeats what the step said */
  return status;
}

static or_status_t step(or_database_t *database, const char *migration, int version) {
  char mark[96];
  (void)or_format(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d", OR_STORE_APPLICATION_ID,
                  version);
  or_status_t status = or_database_execute(database, "BEGIN IMMEDIATE");
  if (!or_ok(status)) return status;
  status = or_database_execute(database, migration);
  if (or_ok(status)) status = or_database_execute(database, mark);
  if (or_ok(status)) status = or_database_execute(database, "COMMIT");
  if (or_ok(status)) return status;
  if (sqlite3_get_autocommit(database->handle) == 0)
    status = or_status_first(status, or_database_execute(database, "ROLLBACK"));
  return or_status_context(status, "while it was brought to version %d", version);
}

/* *version of a database of ours; 0 of an empty one. */
static or_status_t find_version(or_database_t *database, int count, int64_t *version) {
  int64_t application = 0, objects = 0;
  or_status_t status = pragma_number(database, "PRAGMA user_version", version);
  if (or_ok(status)) status = pragma_number(database, "PRAGMA application_id", &application);
  if (or_ok(status)) status = pragma_number(database, "SELECT count(*) FROM sqlite_schema", &objects);
  if (!or_ok(status)) return status;
  bool fresh = application == 0 && *version == 0 && objects == 0;
  if (!fresh && application != OR_STORE_APPLICATION_ID)
    return or_error(OR_FAILED_PRECONDITION, "not a database of OpenRuntime's; choose another folder with --data");
  if (*version <= count) return status;
  return or_error(OR_FAILED_PRECONDITION,
                  "made by a newer OpenRuntime (database version %lld, this one knows %d); install that version, or "
                  "choose another folder with --data",
                  (long long)*version, count);
}

or_status_t or_schema_migrate(or_database_t *database, const char *const *migrations, int count) {
  int64_t version = 0;
  or_status_t status = find_version(database, count, &version);
  for (int next = (int)version; or_ok(status) && next < count; ++next)
    status = step(database, migrations[next], next + 1);
  return status;
}

or_status_t or_schema_expect(or_database_t *database, int count) {
  int64_t version = 0;
  or_status_t status = find_version(database, count, &version);
  if (!or_ok(status) || version == count) return status;
  return or_error(OR_FAILED_PRECONDITION,
                  "made by an older OpenRuntime (database version %lld, this one has %d); use that version's program, "
                  "or start a server with this one, which migrates it",
                  (long long)version, count);
}
