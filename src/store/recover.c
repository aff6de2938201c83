#include "base/clock.h"
#include "store/store_internal.h"

/* What a pending row names besides itself, while it is visited. */
typedef struct or_inputs_t {
  or_journal_blob_t blobs[OR_JOURNAL_MAX_BLOBS];
  or_store_blob_t names[OR_JOURNAL_MAX_BLOBS]; /* what blobs[i].name points into */
  char *owned[OR_JOURNAL_MAX_BLOBS];
  size_t count;
} or_inputs_t;

static or_status_t mark_interrupted(or_database_t *database) {
  or_query_t begin = or_query(database, OR_SQL_BEGIN);
  or_status_t status = or_query_run(&begin, "recovery");
  if (!or_ok(status)) return status;
  or_query_t give_up = or_query(database, OR_SQL_GIVE_UP);
  or_query_int(&give_up, 1, or_clock_wall_us());
  or_query_int(&give_up, 2, OR_TASK_MAX_ATTEMPTS);
  status = or_query_run(&give_up, "recovery");
  if (or_ok(status)) {
    or_query_t again = or_query(database, OR_SQL_RUN_AGAIN);
    status = or_query_run(&again, "recovery");
  }
  if (or_ok(status)) {
    or_query_t commit = or_query(database, OR_SQL_COMMIT);
    status = or_query_run(&commit, "recovery");
  }
  /* What was not committed goes with the connection, which the caller closes. */
  return status;
}

/* Tensors inside rows are borrowed from the query, which moves on: so each is copied. */
static or_status_t keep(or_store_t *store, const or_blob_row_t *row, or_inputs_t *inputs) {
  const void *data = NULL;
  size_t index = inputs->count;
  or_status_t status = or_blob_load(store, row, &inputs->owned[index], &data);
  if (or_ok(status) && inputs->owned[index] == NULL)
    status = or_strndup(store->allocator, data, (size_t)row->blob.bytes, &inputs->owned[index]);
  inputs->names[index] = row->blob;
  inputs->blobs[index] = (or_journal_blob_t){inputs->names[index].name, row->blob.dtype, row->blob.shape,
                                             inputs->owned[index], (size_t)row->blob.bytes};
  inputs->count += 1;
  return status;
}

static or_status_t load_inputs(or_store_t *store, or_database_t *database, int64_t sequence, or_inputs_t *inputs) {
  or_query_t query = or_query(database, OR_SQL_BLOBS);
  or_query_int(&query, 1, sequence);
  or_status_t status = or_status_success();
  while (or_ok(status) && inputs->count < OR_JOURNAL_MAX_BLOBS && or_query_row(&query)) {
    or_blob_row_t row;
    or_blob_read(&query, &row);
    if (row.blob.role == OR_STORE_INPUT) status = keep(store, &row, inputs);
  }
  return or_status_first(status, or_query_end(&query, "recovery"));
}

static void free_inputs(or_store_t *store, or_inputs_t *inputs) {
  for (size_t i = 0; i < inputs->count; ++i) or_free(store->allocator, inputs->owned[i]);
  inputs->count = 0;
}

/* A task whose inputs are gone can't run; it ends, and the others go on. */
static or_status_t fail_damaged(or_store_t *store, const or_task_record_t *record, or_status_t damage) {
  or_task_record_t failed = *record;
  char words[OR_STATUS_MESSAGE_BYTES];
  (void)or_format(words, sizeof words, "after a restart: %s", or_status_message(damage));
  or_status_ignore(damage); /* its words are recorded with the task */
  or_log(OR_LOG_STORE, OR_LOG_ERROR, "inputs_damaged", "task=%s error=%s", record->task_id, words);
  failed.state = OR_TASK_FAILED;
  failed.finished_us = or_clock_wall_us();
  failed.error = words;
  failed.error_code = "data_loss";
  return store->journal.finish(store->journal.self, &failed, NULL, 0);
}

static or_status_t visit_one(or_store_t *store, or_database_t *database, or_query_t *query, or_store_visit_t visit,
                             void *self) {
  or_task_record_t record;
  void *memory = NULL;
  or_record_read(query, &record);
  or_status_t status = or_alloc_zeroed(store->allocator, sizeof(or_inputs_t), &memory);
  if (!or_ok(status)) return status;
  or_inputs_t *inputs = memory;
  status = load_inputs(store, database, or_query_column_int(query, 0), inputs);
  bool damaged = or_status_code(status) == OR_DATA_LOSS || or_status_code(status) == OR_NOT_FOUND;
  if (or_ok(status)) {
    status = visit(self, &record, inputs->blobs, inputs->count);
  } else if (damaged) {
    status = fail_damaged(store, &record, status);
  }
  free_inputs(store, inputs);
  or_free(store->allocator, inputs);
  return status;
}

/* Row by row, so that no read stays open while `visit` has tasks written. */
static or_status_t visit_pending(or_store_t *store, or_database_t *database, or_store_visit_t visit, void *self) {
  int64_t sequence = 0;
  bool more = true;
  or_status_t status = or_status_success();
  while (or_ok(status) && more) {
    or_query_t query = or_query(database, OR_SQL_PENDING);
    or_query_int(&query, 1, sequence);
    more = or_query_row(&query);
    if (more) {
      sequence = or_query_column_int(&query, 0);
      status = visit_one(store, database, &query, visit, self);
    }
    status = or_status_first(status, or_query_end(&query, "recovery"));
  }
  return status;
}

or_status_t or_store_recover(or_store_t *store, or_store_visit_t visit, void *self) {
  or_database_t database = {0};
  if (store->memory) return or_status_success(); /* nothing outlived the last process */
  or_status_t status = or_store_connect(store, &database);
  if (or_ok(status)) status = mark_interrupted(&database);
  if (or_ok(status)) status = visit_pending(store, &database, visit, self);
  or_database_close(&database);
  return status;
}
