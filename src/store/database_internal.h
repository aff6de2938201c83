#ifndef OR_STORE_DATABASE_INTERNAL_H
#define OR_STORE_DATABASE_INTERNAL_H
/* A connection to SQLite with its prepared statements, and statements as or_query_t. Each connection belongs to one
 * thread. */

#include <sqlite3.h>

#include "openruntime/status.h"
#include "store/sql_list.h"

#define OR_SQL_ENUM(name, text) OR_SQL_##name,
typedef enum or_sql_t { OR_SQL(OR_SQL_ENUM) OR_SQL_COUNT } or_sql_t;

typedef struct or_database_t {
  sqlite3 *handle;
  bool shared; /* another or_database_t closes the handle */
  sqlite3_stmt *statements[OR_SQL_COUNT];
} or_database_t;

/* What a failure means for those who come next. */
typedef enum or_trouble_t {
  OR_TROUBLE_NONE,
  OR_TROUBLE_FULL,   /* no room on the disk */
  OR_TROUBLE_IO,     /* the disk, and it may pass */
  OR_TROUBLE_MEMORY, /* may pass */
  OR_TROUBLE_OTHER   /* trying again will not help */
} or_trouble_t;
or_trouble_t or_database_trouble(sqlite3 *handle, int code);

/* The status of an SQLite result code: "WHAT: words". No paths. */
or_status_t or_database_failure(sqlite3 *handle, int code, const char *what);
/* Opens for reading and writing and sets what every connection needs; `vfs` may be NULL. The caller closes in any
 * case. */
or_status_t or_database_open(or_database_t *database, const char *path, const char *vfs, int extra_flags);
void or_database_close(or_database_t *database);
/* Text of several statements, not kept. */
or_status_t or_database_execute(or_database_t *database, const char *sql);

/* One execution of a statement. The first failure is kept in `code`, and every later call does nothing. Bound memory
 * must live until the end. */
typedef struct or_query_t {
  or_database_t *database;
  sqlite3_stmt *statement;
  int code;
} or_query_t;
or_query_t or_query(or_database_t *database, or_sql_t sql);
void or_query_int(or_query_t *query, int index, int64_t value);
void or_query_text(or_query_t *query, int index, const char *value); /* NULL is null */
void or_query_bytes(or_query_t *query, int index, const void *bytes, size_t length);
bool or_query_row(or_query_t *query); /* steps; false: no more, or a failure */
int64_t or_query_column_int(or_query_t *query, int column);
const char *or_query_column_text(or_query_t *query, int column);                  /* NULL: null, or a failure */
const void *or_query_column_bytes(or_query_t *query, int column, size_t *length); /* the same */
or_status_t or_query_end(or_query_t *query, const char *what);
or_status_t or_query_run(or_query_t *query, const char *what); /* steps to the end, and ends */

#endif
