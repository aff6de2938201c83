#include <string.h>

#include "store/store_internal.h"

static void report(const or_store_checking_t *checking, or_store_check_t *check, const char *words) {
  check->damaged += 1;
  if (check->damaged <= OR_STORE_MAX_PROBLEMS) checking->problem(checking->self, words);
}

static or_status_t check_pages(or_store_t *store, const or_store_checking_t *checking, or_store_check_t *check) {
  or_query_t query = or_query(&store->reading, OR_SQL_INTEGRITY);
  while (or_query_row(&query)) {
    const char *words = or_query_column_text(&query, 0);
    if (words != NULL && strcmp(words, "ok") != 0) report(checking, check, words);
  }
  return or_query_end(&query, "check");
}

/* Both in one read, so that nothing is written in between. */
static or_status_t check_totals(or_store_t *store, const or_store_checking_t *checking, or_store_check_t *check) {
  or_query_t counted = or_query(&store->reading, OR_SQL_COUNTED), kept = or_query(&store->reading, OR_SQL_TOTALS);
  if (or_query_row(&counted) && or_query_row(&kept)) {
    int64_t tasks = or_query_column_int(&counted, 0), bytes = or_query_column_int(&counted, 1);
    int64_t kept_tasks = or_query_column_int(&kept, 0), kept_bytes = or_query_column_int(&kept, 1);
    check->tasks = (uint64_t)tasks;
    if (tasks != kept_tasks || bytes != kept_bytes) {
      char words[160];
      report(checking, check,
             or_format(words, sizeof words, "%lld tasks of %lld bytes, but %lld of %lld were counted", (long long)tasks,
                       (long long)bytes, (long long)kept_tasks, (long long)kept_bytes));
    }
  }
  or_status_t status = or_query_end(&counted, "check");
  return or_status_first(status, or_query_end(&kept, "check"));
}

/* The row after `last`, with its data loaded and compared; *found false at the end. */
static or_status_t check_next(or_store_t *store, int64_t last, or_blob_row_t *row, bool *found) {
  char *owned = NULL;
  const void *data = NULL;
  or_query_t query = or_query(&store->reading, OR_SQL_NEXT_BLOB);
  or_query_int(&query, 1, last);
  *found = or_query_row(&query);
  or_status_t status = or_status_success();
  if (*found) or_blob_read(&query, row);
  if (*found && query.code == SQLITE_OK) status = or_blob_load(store, row, &owned, &data);
  or_free(store->allocator, owned);
  return or_status_first(status, or_query_end(&query, "check"));
}

static or_status_t check_blobs(or_store_t *store, const or_store_checking_t *checking, or_store_check_t *check) {
  int64_t last = 0;
  char missing[OR_STORE_FILE_BYTES] = "";
  for (;;) {
    or_blob_row_t row = {.id = 0};
    bool found = false;
    or_status_t status = check_next(store, last, &row, &found);
    or_status_code_t code = or_status_code(status);
    bool first_time = code == OR_NOT_FOUND && strcmp(row.file, missing) != 0;
    bool damaged = code == OR_NOT_FOUND || code == OR_DATA_LOSS;
    if (code != OR_OK && !(damaged && found)) return status;
    if (damaged && !first_time) report(checking, check, or_status_message(status));
    or_status_ignore(status); /* reported, or looked at again */
    if (first_time) {         /* is it gone for good, or was it removed with its task meanwhile? */
      memcpy(missing, row.file, sizeof missing);
      continue;
    }
    if (!found) return or_status_success();
    last = row.id;
    check->blobs += 1;
  }
}

or_status_t or_check_run(or_store_t *store, const or_store_checking_t *checking, or_store_check_t *check) {
  or_status_t status = check_pages(store, checking, check);
  if (or_ok(status)) status = check_totals(store, checking, check);
  if (or_ok(status)) status = check_blobs(store, checking, check);
  or_mutex_lock(&store->keys.lock);
  check->keys = store->keys.count;
  or_mutex_unlock(&store->keys.lock);
  return status;
}
