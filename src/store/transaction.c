#include "store/store_internal.h"

or_status_t or_transaction_begin(or_store_t *store, or_trouble_t *trouble) {
  or_store_lock_shared(store);
  or_query_t begin = or_query(&store->writing, OR_SQL_BEGIN);
  or_status_t status = or_query_run(&begin, "database");
  *trouble = or_database_trouble(store->writing.handle, begin.code);
  store->totals_before = store->totals;
  if (!or_ok(status)) or_store_unlock_shared(store);
  return status;
}

/* Files are removed after the rows that name them, and stay while a backup may still want them. */
static void remove_doomed(or_store_t *store) {
  if (store->doomed_count > 0 && or_files_begin_removal(store)) {
    for (size_t i = 0; i < store->doomed_count; ++i) {
      char path[OR_FILE_PATH_BYTES];
      or_files_path(store, store->doomed[i].name, path);
      store->files.remove(store->files.self, path);
    }
    or_files_end_removal(store);
  }
  store->doomed_count = 0;
}

static void count(or_store_t *store, bool failed, or_trouble_t trouble) {
  or_writer_t *writer = &store->writer;
  writer->last_failed = failed;
  or_mutex_lock(&writer->lock);
  writer->stats.commits += failed ? 0 : 1;
  writer->stats.failures += failed ? 1 : 0;
  writer->stats.disk_full = trouble == OR_TROUBLE_FULL;
  writer->stats.tasks = store->totals.tasks;
  writer->stats.bytes = store->totals.bytes;
  or_mutex_unlock(&writer->lock);
}

or_status_t or_transaction_end(or_store_t *store, or_status_t status, or_trouble_t *trouble) {
  bool counted = store->totals.tasks != store->totals_before.tasks || store->totals.bytes != store->totals_before.bytes;
  if (or_ok(status) && counted) {
    or_query_t totals = or_query(&store->writing, OR_SQL_SET_TOTALS);
    or_query_int(&totals, 1, store->totals.tasks);
    or_query_int(&totals, 2, store->totals.bytes);
    status = or_query_run(&totals, "database");
    *trouble = or_database_trouble(store->writing.handle, totals.code);
  }
  if (or_ok(status)) {
    or_query_t commit = or_query(&store->writing, OR_SQL_COMMIT);
    status = or_query_run(&commit, "database");
    *trouble = or_database_trouble(store->writing.handle, commit.code);
  }
  bool failed = !or_ok(status);
  if (failed) {
    /* A failure such as a full disk may have taken the transaction back by itself. */
    if (sqlite3_get_autocommit(store->writing.handle) == 0) {
      or_query_t rollback = or_query(&store->writing, OR_SQL_ROLLBACK);
      status = or_status_first(status, or_query_run(&rollback, "database"));
    }
    store->totals = store->totals_before;
    store->doomed_count = 0;
  }
  or_store_unlock_shared(store);
  if (!failed) remove_doomed(store);
  count(store, failed, *trouble);
  return status;
}
