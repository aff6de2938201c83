#include "base/clock.h"
#include "store/store_internal.h"

#define AGE_CHECK_US ((int64_t)10000000) /* between looks for what is too old */

static bool too_many(const or_store_t *store) {
  return store->totals.tasks > store->retention.task_count || store->totals.bytes > store->retention.bytes;
}

/* The oldest finished rows in the order of recording, in one transaction; *removed: how many went. That is nearly the
 * order of their ends: a row behind younger ones may outlive its age, at most by the longest timeout of a task. */
static or_status_t remove_oldest(or_store_t *store, int64_t oldest_us, size_t *removed) {
  int64_t sequences[OR_STORE_TRIM_ROWS], bytes[OR_STORE_TRIM_ROWS], finished_us[OR_STORE_TRIM_ROWS];
  size_t count = 0;
  or_query_t query = or_query(&store->writing, OR_SQL_OLDEST);
  or_query_int(&query, 1, OR_STORE_TRIM_ROWS);
  while (count < OR_STORE_TRIM_ROWS && or_query_row(&query)) {
    sequences[count] = or_query_column_int(&query, 0);
    bytes[count] = or_query_column_int(&query, 1);
    finished_us[count++] = or_query_column_int(&query, 2);
  }
  or_status_t status = or_query_end(&query, "retention");
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    if (finished_us[i] >= oldest_us && !too_many(store)) continue;
    status = or_apply_removal(store, sequences[i], bytes[i]);
    *removed += 1;
  }
  return status;
}

or_status_t or_retention_step(or_store_t *store, bool *more) {
  int64_t now_us = or_clock_wall_us(), age_us = 0, oldest_us = INT64_MIN;
  *more = false;
  if (!too_many(store) && now_us < store->next_age_check_us) return or_status_success();
  if (or_mul_i64(store->retention.age_s, 1000000, &age_us)) oldest_us = now_us - age_us;

  size_t removed = 0;
  or_trouble_t trouble = OR_TROUBLE_NONE;
  or_status_t status = or_transaction_begin(store, &trouble);
  if (!or_ok(status)) return status;
  status = or_transaction_end(store, remove_oldest(store, oldest_us, &removed), &trouble);
  if (!or_ok(status)) return status;
  *more = removed > 0;
  if (!*more) store->next_age_check_us = now_us + AGE_CHECK_US;
  or_mutex_lock(&store->writer.lock);
  store->writer.stats.removed += removed;
  or_mutex_unlock(&store->writer.lock);
  return status;
}
