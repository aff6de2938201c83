/* Every statement that is kept prepared: X(name, text). Columns of a task are read by or_record_read in this order. */
#define OR_SQL_TASK_COLUMNS                                                                         \
  "sequence, task_id, owner, operation, state, priority, attempts, rerun, created_us, started_us, " \
  "finished_us, deadline_us, device, error, error_code, digest"
#define OR_SQL_BLOB_COLUMNS "id, role, name, dtype, shape, bytes, hash, file, data"

#define OR_SQL(X)                                                                                                      \
  X(BEGIN, "BEGIN IMMEDIATE")                                                                                          \
  X(COMMIT, "COMMIT")                                                                                                  \
  X(ROLLBACK, "ROLLBACK")                                                                                              \
  X(SET_TOTALS, "UPDATE totals SET tasks = ?1, bytes = ?2")                                                            \
  X(TOTALS, "SELECT tasks, bytes FROM totals")                                                                         \
  X(LOOK_UP, "SELECT sequence, state, bytes, EXISTS (SELECT 1 FROM blobs WHERE task = sequence) FROM tasks WHERE "     \
             "task_id = ?1")                                                                                           \
  X(INSERT_TASK,                                                                                                       \
    "INSERT INTO tasks (task_id, owner, operation, state, priority, attempts, rerun, created_us, started_us, "         \
    "finished_us, deadline_us, device, error, error_code, digest, bytes, request, response) "                          \
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) "                        \
    "ON CONFLICT (task_id) DO NOTHING")                                                                                \
  X(INSERT_BLOB, "INSERT INTO blobs (task, role, name, dtype, shape, bytes, hash, file, data) "                        \
                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                                                        \
  X(START, "UPDATE tasks SET state = 1, attempts = ?2, device = ?3, started_us = ?4 WHERE task_id = ?1 AND state < 2") \
  X(FINISH, "UPDATE tasks SET state = ?2, attempts = ?3, started_us = ?4, finished_us = ?5, device = ?6, error = ?7, " \
            "error_code = ?8, response = ?9, bytes = ?10, request = NULL WHERE sequence = ?1")                         \
  X(PRIORITY, "UPDATE tasks SET priority = ?2 WHERE task_id = ?1 AND state < 2")                                       \
  X(DELETE_TASK, "DELETE FROM tasks WHERE sequence = ?1")                                                              \
  X(FILES, "SELECT file FROM blobs WHERE task = ?1 AND file IS NOT NULL")                                              \
  X(DELETE_BLOBS, "DELETE FROM blobs WHERE task = ?1")                                                                 \
  X(OLDEST, "SELECT sequence, bytes, finished_us FROM tasks WHERE state >= 2 ORDER BY sequence LIMIT ?1")              \
  X(FILE_IS_KNOWN, "SELECT 1 FROM blobs WHERE file = ?1")                                                              \
  X(FIND, "SELECT " OR_SQL_TASK_COLUMNS ", NULL, response FROM tasks WHERE task_id = ?1")                              \
  X(PENDING, "SELECT " OR_SQL_TASK_COLUMNS ", request, NULL FROM tasks WHERE state = 0 AND sequence > ?1 "             \
             "ORDER BY sequence LIMIT 1")                                                                              \
  X(LIST, "SELECT " OR_SQL_TASK_COLUMNS ", NULL, NULL FROM tasks WHERE sequence < ?1 AND (?2 IS NULL OR owner = ?2) "  \
          "AND (?3 < 0 OR state = ?3) AND (?4 IS NULL OR operation = ?4) AND (?5 IS NULL OR device = ?5) "             \
          "ORDER BY sequence DESC LIMIT ?6")                                                                           \
  X(BLOBS, "SELECT " OR_SQL_BLOB_COLUMNS " FROM blobs WHERE task = ?1 ORDER BY id")                                    \
  X(BLOB, "SELECT " OR_SQL_BLOB_COLUMNS " FROM blobs WHERE name = ?3 AND role = ?4 AND task = "                        \
          "(SELECT sequence FROM tasks WHERE task_id = ?1 AND (?2 IS NULL OR owner = ?2))")                            \
  X(NEXT_BLOB, "SELECT " OR_SQL_BLOB_COLUMNS " FROM blobs WHERE id > ?1 ORDER BY id LIMIT 1")                          \
  X(COUNTED, "SELECT count(*), coalesce(sum(bytes), 0) FROM tasks")                                                    \
  X(GIVE_UP,                                                                                                           \
    "UPDATE tasks SET state = 3, finished_us = ?1, error_code = 'interrupted', error = CASE WHEN attempts >= ?2 "      \
    "THEN 'the server stopped while the task ran, for the ' || attempts || '. time; it is not tried again' "           \
    "ELSE 'the server stopped while the task ran, and it was not to be run again' END "                                \
    "WHERE (state = 1 AND rerun = 0) OR (state < 2 AND attempts >= ?2)")                                               \
  X(RUN_AGAIN, "UPDATE tasks SET state = 0 WHERE state = 1")                                                           \
  X(PUT_SETTING, "INSERT INTO settings (kind, name, value) VALUES (?1, ?2, ?3) "                                       \
                 "ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value")                                      \
  X(DELETE_SETTING, "DELETE FROM settings WHERE kind = ?1 AND name = ?2")                                              \
  X(SETTINGS, "SELECT name, value FROM settings WHERE kind = ?1 ORDER BY name")                                        \
  X(INSERT_KEY, "INSERT INTO keys (id, digest, label, scopes, created_us) VALUES (?1, ?2, ?3, ?4, ?5)")                \
  X(DELETE_KEY, "DELETE FROM keys WHERE id = ?1")                                                                      \
  X(REVOKE_KEY, "UPDATE keys SET revoked_us = ?2 WHERE id = ?1 AND revoked_us = 0")                                    \
  X(USE_KEY, "UPDATE keys SET last_used_us = ?2 WHERE id = ?1")                                                        \
  X(KEYS, "SELECT id, digest, label, scopes, created_us, last_used_us, revoked_us FROM keys ORDER BY created_us, id")  \
  X(INTEGRITY, "PRAGMA integrity_check(100)")                                                                          \
  X(VACUUM_INTO, "VACUUM INTO ?1")
