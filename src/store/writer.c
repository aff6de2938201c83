/* The queue of what is to be written, and the one thread that writes it in groups.
 *
 * A commit carries what had gathered while the last one was under way. One that fails as a whole fails those who wait
 * for it when the disk is the reason, and is tried row by row otherwise, so that one bad row costs itself alone. Starts
 * and ends that nobody waits for are parked and tried again. */
#include <sys/stat.h>

#include "base/clock.h"
#include "store/store_internal.h"

static bool is_kept_when_busy(or_item_kind_t kind) {
  return kind == OR_ITEM_START || kind == OR_ITEM_FINISH || kind == OR_ITEM_PRIORITY || kind == OR_ITEM_SWEEP;
}

or_status_t or_writer_reserve(or_writer_t *writer, or_item_kind_t kind, size_t bytes) {
  size_t times = is_kept_when_busy(kind) ? 2 : 1;
  or_status_t status = or_status_success();
  or_mutex_lock(&writer->lock);
  size_t rows_before = writer->rows, bytes_before = writer->bytes;
  size_t row_limit = writer->row_limit * times, byte_limit = writer->byte_limit * times;
  bool closing = writer->closing, too_large = bytes > byte_limit;
  bool fits = !closing && !too_large && rows_before < row_limit && bytes_before <= byte_limit - bytes;
  if (fits) {
    writer->rows += 1;
    writer->bytes += bytes;
  }
  or_mutex_unlock(&writer->lock);
  if (fits) return status;
  if (writer->absent) return or_error(OR_FAILED_PRECONDITION, "the store is only looked at");
  if (closing) return or_error(OR_FAILED_PRECONDITION, "the store is being closed");
  if (too_large) {
    return or_error(OR_RESOURCE_EXHAUSTED, "the task has %zu bytes with its tensors; %zu can wait to be recorded",
                    bytes, byte_limit);
  }
  return or_error(OR_UNAVAILABLE,
                  "too much waits to be recorded: %zu rows of %zu, %zu bytes of %zu; the disk is slow, try again",
                  rows_before, row_limit, bytes_before, byte_limit);
}

void or_writer_unreserve(or_writer_t *writer, size_t bytes) {
  or_mutex_lock(&writer->lock);
  writer->rows -= 1;
  writer->bytes -= bytes;
  or_mutex_unlock(&writer->lock);
}

void or_writer_push(or_writer_t *writer, or_item_t *item, or_journal_done_t done, void *self) {
  item->done = done;
  item->self = self;
  or_mutex_lock(&writer->lock);
  bool was_empty = writer->first == NULL;
  if (was_empty) writer->first_queued_ns = or_clock_ns();
  item->number = ++writer->last_number;
  *writer->end = item;
  writer->end = &item->next;
  writer->queued += 1;
  bool wake = was_empty || (done != NULL && !writer->urgent) || writer->queued == OR_STORE_BATCH_ROWS / 2;
  if (done != NULL) writer->urgent = true;
  if (wake) or_cond_signal(&writer->wake);
  or_mutex_unlock(&writer->lock);
}

uint64_t or_writer_last_number(or_writer_t *writer) {
  or_mutex_lock(&writer->lock);
  uint64_t number = writer->last_number;
  or_mutex_unlock(&writer->lock);
  return number;
}

void or_writer_wait_for(or_writer_t *writer, uint64_t number) {
  or_mutex_lock(&writer->lock);
  if (writer->processed < number && !writer->urgent) {
    writer->urgent = true;
    or_cond_signal(&writer->wake);
  }
  while (writer->processed < number) or_cond_wait(&writer->progress, &writer->lock);
  or_mutex_unlock(&writer->lock);
}

/* Ends an item whose place was given back: tells who waits, frees it. Takes the status. */
static void tell(or_store_t *store, or_item_t *item, or_status_t status) {
  bool ok = or_ok(status);
  if (!ok) or_files_discard(store, item);
  if (item->kind == OR_ITEM_CREATE_KEY) or_keys_added(store, item, ok);
  if (item->done != NULL) {
    item->done(item->self, status);
  } else if (!ok) {
    or_log(OR_LOG_STORE, OR_LOG_WARNING, "not_recorded", "task=%s error=%s", item->record.task_id,
           or_status_message(status));
    or_status_ignore(status); /* logged: nobody waits */
  }
  or_free(store->allocator, item);
}

/* Ends an item. Takes the status. */
static void settle(or_store_t *store, or_item_t *item, or_status_t status) {
  or_writer_unreserve(&store->writer, item->bytes);
  tell(store, item, status);
}

static void park(or_writer_t *writer, or_item_t *item) {
  item->next = NULL;
  *writer->parked_end = item;
  writer->parked_end = &item->next;
  writer->retry_ns = or_clock_ns() + OR_STORE_RETRY_NS;
}

/* What could not be written for a reason that is not its own. */
static void fail(or_store_t *store, or_item_t *item, const or_status_t *why, or_trouble_t trouble) {
  or_writer_t *writer = &store->writer;
  bool keep = is_kept_when_busy(item->kind) && item->done == NULL && trouble != OR_TROUBLE_OTHER;
  if (keep) {
    park(writer, item);
    return;
  }
  if (is_kept_when_busy(item->kind)) {
    or_mutex_lock(&writer->lock);
    writer->stats.dropped += 1;
    or_mutex_unlock(&writer->lock);
  }
  settle(store, item, or_error(or_status_code(*why), "%s", or_status_message(*why)));
}

static void fail_all(or_store_t *store, or_item_t *items, const or_status_t *why, or_trouble_t trouble) {
  while (items != NULL) {
    or_item_t *item = items;
    items = item->next;
    fail(store, item, why, trouble);
  }
}

/* What can't be written beside a transaction is a failure like a commit's: what is parked waits for its time. */
static void note_failure(or_store_t *store, const or_status_t *why) {
  or_writer_t *writer = &store->writer;
  writer->last_failed = true;
  or_mutex_lock(&writer->lock);
  writer->stats.failures += 1;
  writer->stats.disk_full = or_status_code(*why) == OR_RESOURCE_EXHAUSTED;
  or_mutex_unlock(&writer->lock);
}

/* A file that lost its name would be written on, and found by nobody after a restart. */
static or_status_t look_for_database(or_store_t *store, or_trouble_t *trouble) {
  struct stat info;
  if (store->memory || (stat(store->database_path, &info) == 0 && (uint64_t)info.st_ino == store->writer.database_file))
    return or_status_success();
  *trouble = OR_TROUBLE_IO;
  or_status_t status = or_error(OR_DATA_LOSS, "database: its file was taken away while it is open");
  note_failure(store, &status);
  return status;
}

/* All of them in one transaction, or none. */
static or_status_t commit(or_store_t *store, or_item_t *items, or_trouble_t *trouble) {
  or_status_t status = look_for_database(store, trouble);
  if (or_ok(status)) status = or_transaction_begin(store, trouble);
  if (!or_ok(status)) return status;
  for (or_item_t *item = items; or_ok(status) && item != NULL; item = item->next) {
    or_status_ignore(item->outcome); /* of an earlier try */
    item->outcome = or_status_success();
    status = or_apply(store, item);
    if (!or_ok(status)) {
      int code = sqlite3_extended_errcode(store->writing.handle);
      bool of_sqlite = code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE;
      *trouble = of_sqlite ? or_database_trouble(store->writing.handle, code) : OR_TROUBLE_MEMORY;
    }
  }
  return or_transaction_end(store, status, trouble);
}

/* The places of all are given back at once, so that the lock is taken once a commit. */
static void settle_committed(or_store_t *store, or_item_t *items) {
  or_writer_t *writer = &store->writer;
  size_t rows = 0, places = 0, bytes = 0;
  for (const or_item_t *item = items; item != NULL; item = item->next, ++rows) {
    if (item->kind == OR_ITEM_RETENTION) continue; /* keeps its place until nothing exceeds the bounds */
    places += 1;
    bytes += item->bytes;
  }
  or_mutex_lock(&writer->lock);
  writer->stats.rows += rows;
  writer->rows -= places;
  writer->bytes -= bytes;
  or_mutex_unlock(&writer->lock);

  while (items != NULL) {
    or_item_t *item = items;
    items = item->next;
    or_status_t outcome = item->outcome;
    item->outcome = or_status_success();
    if (item->kind == OR_ITEM_SWEEP) store->sweep_due = true;
    if (item->kind != OR_ITEM_RETENTION) {
      tell(store, item, outcome);
      continue;
    }
    store->retention = item->retention;
    store->next_age_check_us = 0;
    item->next = writer->trimming;
    writer->trimming = item;
  }
}

/* The large tensors first. Those items whose files can't be written fail; the others are returned. */
static or_item_t *write_files(or_store_t *store, or_item_t *items) {
  or_item_t *ready = NULL, **end = &ready;
  bool any = false;
  while (items != NULL) {
    or_item_t *item = items;
    items = item->next;
    item->next = NULL;
    or_status_t status = or_files_write(store, item, &any);
    if (or_ok(status)) {
      *end = item;
      end = &item->next;
      continue;
    }
    note_failure(store, &status);
    fail(store, item, &status, or_status_code(status) == OR_RESOURCE_EXHAUSTED ? OR_TROUBLE_FULL : OR_TROUBLE_IO);
    or_status_ignore(status); /* fail() passed it on */
  }
  if (!any) return ready;
  or_status_t status = store->files.sync_folder(store->files.self, store->files_path);
  if (or_ok(status)) return ready;
  or_log(OR_LOG_STORE, OR_LOG_ERROR, "folder_not_synced", "error=%s", or_status_message(status));
  or_status_t why = or_error(or_status_code(status), "tensor: its file can't be written");
  or_status_ignore(status); /* logged */
  for (or_item_t *item = ready; item != NULL; item = item->next) or_files_discard(store, item);
  note_failure(store, &why);
  fail_all(store, ready, &why, OR_TROUBLE_IO);
  or_status_ignore(why); /* fail() passed it on */
  return NULL;
}

static void write_items(or_store_t *store, or_item_t *items) {
  or_item_t *ready = write_files(store, items);
  if (ready == NULL) return;
  or_trouble_t trouble = OR_TROUBLE_NONE;
  or_status_t status = commit(store, ready, &trouble);
  if (or_ok(status)) {
    settle_committed(store, ready);
    return;
  }
  or_log(OR_LOG_STORE, OR_LOG_ERROR, "commit_failed", "error=%s", or_status_message(status));
  bool one_by_one = ready->next != NULL && (trouble == OR_TROUBLE_MEMORY || trouble == OR_TROUBLE_OTHER);
  if (!one_by_one) fail_all(store, ready, &status, trouble);
  or_status_ignore(status); /* logged, and passed on where it was final */
  while (one_by_one && ready != NULL) {
    or_item_t *item = ready;
    ready = item->next;
    item->next = NULL;
    write_items(store, item);
  }
}

/* Takes up to a batch from the front of a list. */
static or_item_t *take(or_item_t **first, size_t *count) {
  or_item_t *items = *first, *last = NULL;
  size_t bytes = 0;
  *count = 0;
  while (*first != NULL && *count < OR_STORE_BATCH_ROWS && bytes < OR_STORE_BATCH_BYTES) {
    last = *first;
    *first = last->next;
    bytes += last->bytes;
    *count += 1;
  }
  if (last != NULL) last->next = NULL;
  return items;
}

/* When something is due though nothing was put into the queue. */
static int64_t idle_wake_ns(const or_writer_t *writer, bool more) {
  int64_t now_ns = or_clock_ns();
  if (more || writer->trimming != NULL) return now_ns;
  if (writer->parked != NULL) return writer->last_failed ? writer->retry_ns : now_ns;
  return now_ns + OR_STORE_TICK_NS;
}

/* Waits for work. NULL with *closing: there will be none; NULL without: something else is due. */
static or_item_t *next_batch(or_writer_t *writer, bool more, bool *closing, uint64_t *last_number) {
  int64_t idle_ns = idle_wake_ns(writer, more);
  or_mutex_lock(&writer->lock);
  while (!writer->closing) {
    int64_t wake_ns = writer->first != NULL ? writer->first_queued_ns + OR_STORE_LINGER_NS : idle_ns;
    bool due = writer->first != NULL && (writer->urgent || writer->queued >= OR_STORE_BATCH_ROWS / 2);
    if (due || !or_cond_wait_until(&writer->wake, &writer->lock, wake_ns)) break;
  }
  size_t count = 0;
  or_item_t *batch = take(&writer->first, &count);
  writer->queued -= count;
  if (writer->first == NULL) {
    writer->end = &writer->first;
    writer->urgent = false;
  }
  *last_number = writer->processed + count;
  *closing = writer->closing && writer->first == NULL;
  or_mutex_unlock(&writer->lock);
  return batch;
}

static void retry_parked(or_store_t *store) {
  or_writer_t *writer = &store->writer;
  size_t count = 0;
  or_item_t *items = take(&writer->parked, &count);
  if (writer->parked == NULL) writer->parked_end = &writer->parked;
  write_items(store, items);
}

/* Tells those who wait for new bounds that nothing exceeds them, or why that can't be had. Takes the status. */
static void settle_trimming(or_store_t *store, or_status_t status) {
  or_writer_t *writer = &store->writer;
  while (writer->trimming != NULL) {
    or_item_t *item = writer->trimming;
    writer->trimming = item->next;
    settle(store, item,
           or_ok(status) ? or_status_success() : or_error(or_status_code(status), "%s", or_status_message(status)));
  }
  or_status_ignore(status); /* passed on, or logged by whom it comes from */
}

static bool trim(or_store_t *store) {
  bool more = false;
  or_status_t status = or_retention_step(store, &more);
  if (!or_ok(status)) or_log(OR_LOG_STORE, OR_LOG_WARNING, "retention_failed", "error=%s", or_status_message(status));
  if (more) return true;
  settle_trimming(store, status);
  return false;
}

static void write_uses_of_keys(or_store_t *store) {
  or_status_t status = or_keys_write_uses(store);
  if (!or_ok(status)) or_log(OR_LOG_STORE, OR_LOG_WARNING, "keys_not_written", "error=%s", or_status_message(status));
  or_status_ignore(status); /* logged; the next tick tries again */
}

/* What backups kept. */
static void sweep(or_store_t *store) {
  or_store_lock_shared(store);
  or_status_t status = or_files_sweep(store, &store->writing);
  or_store_unlock_shared(store);
  if (!or_ok(status)) or_log(OR_LOG_STORE, OR_LOG_WARNING, "files_not_swept", "error=%s", or_status_message(status));
  or_status_ignore(status); /* logged; the next tick tries again */
}

static void give_up_parked(or_store_t *store) {
  or_writer_t *writer = &store->writer;
  while (writer->parked != NULL) {
    or_item_t *item = writer->parked;
    writer->parked = item->next;
    settle(store, item, or_error(OR_RESOURCE_EXHAUSTED, "the store was closed before there was room"));
  }
}

static void writer_main(void *opaque) {
  or_store_t *store = opaque;
  or_writer_t *writer = &store->writer;
  bool closing = false, more = false;
  or_thread_let_others_finish(); /* what they bring meanwhile is in the same commit */
  int64_t tick_ns = or_clock_ns() + OR_STORE_TICK_NS;
  while (!closing) {
    uint64_t last_number = 0;
    or_item_t *batch = next_batch(writer, more, &closing, &last_number);
    if (batch != NULL) write_items(store, batch);
    or_mutex_lock(&writer->lock);
    writer->processed = last_number;
    or_cond_broadcast(&writer->progress);
    or_mutex_unlock(&writer->lock);

    int64_t now_ns = or_clock_ns();
    if (writer->parked != NULL && (!writer->last_failed || closing || now_ns >= writer->retry_ns)) retry_parked(store);
    /* Not while files are there whose rows could not be written yet. */
    if (store->sweep_due && writer->parked == NULL) sweep(store);
    more = trim(store) && !closing;
    if (now_ns >= tick_ns || closing) {
      write_uses_of_keys(store);
      tick_ns = now_ns + OR_STORE_TICK_NS;
    }
  }
  while (writer->parked != NULL && !writer->last_failed) retry_parked(store);
  give_up_parked(store);
  settle_trimming(store, or_error(OR_FAILED_PRECONDITION, "the store was closed meanwhile"));
}

or_status_t or_writer_start(or_store_t *store) {
  struct stat info;
  if (!store->memory && stat(store->database_path, &info) == 0) store->writer.database_file = (uint64_t)info.st_ino;
  return or_thread_start(&store->writer.thread, "or-store-write", writer_main, store);
}

void or_writer_stop(or_store_t *store) {
  or_writer_t *writer = &store->writer;
  or_mutex_lock(&writer->lock);
  writer->closing = true;
  or_cond_signal(&writer->wake);
  or_mutex_unlock(&writer->lock);
  or_thread_join(&writer->thread);
}
