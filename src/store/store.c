#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/schema_internal.h"
#include "store/store_internal.h"

#define DATABASE_NAME "openruntime.db"
#define LOCK_NAME "openruntime.lock"
#define FILES_NAME "blobs"
#define LONGEST_PATH_BYTES (OR_FILE_PATH_BYTES - 128) /* of the data folder */
#define CHECKED_AT_OPEN_BYTES ((int64_t)256 << 20)    /* a database of at most so many is read through at open */
#define FILE_MODE 0600
#define FOLDER_MODE 0700 /* what tasks contain is nobody else's business */

or_store_options_t or_store_options(const char *path) {
  or_store_options_t options = {
      .path = path,
      .backlog_rows = OR_STORE_BACKLOG_ROWS,
      .backlog_bytes = OR_STORE_BACKLOG_BYTES,
      .retention = {OR_STORE_RETENTION_AGE_S, OR_STORE_RETENTION_TASKS, OR_STORE_RETENTION_BYTES},
  };
  return options;
}

void or_store_lock_shared(or_store_t *store) {
  if (store->memory) or_mutex_lock(&store->shared_lock);
}

void or_store_unlock_shared(or_store_t *store) {
  if (store->memory) or_mutex_unlock(&store->shared_lock);
}

static or_status_t folder_error(const char *path, int error) {
  char words[128];
  or_status_code_t code =
      error == ENOSPC || error == EDQUOT || error == EMFILE ? OR_RESOURCE_EXHAUSTED : OR_PERMISSION_DENIED;
  return or_error(code, "data folder \"%.400s\": %s; make it writable or choose another with --data", path,
                  or_errno_text(error, words, sizeof words));
}

static or_status_t make_folder(const char *path) {
  char partial[OR_FILE_PATH_BYTES];
  for (size_t i = 1; i <= strlen(path); ++i) {
    if (path[i] != '/' && path[i] != '\0') continue;
    (void)or_format(partial, sizeof partial, "%.*s", (int)i, path);
    if (mkdir(partial, FOLDER_MODE) != 0 && errno != EEXIST) return folder_error(path, errno);
  }
  struct stat info;
  if (stat(path, &info) != 0) return folder_error(path, errno);
  return S_ISDIR(info.st_mode) ? or_status_success() : folder_error(path, ENOTDIR);
}

/* The lock goes with the process, however that ends. */
static or_status_t lock_folder(or_store_t *store, const char *folder) {
  char path[OR_FILE_PATH_BYTES], holder[32] = "";
  (void)or_format(path, sizeof path, "%s/" LOCK_NAME, folder);
  store->lock_descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (store->lock_descriptor < 0) return folder_error(folder, errno);
  if (flock(store->lock_descriptor, LOCK_EX | LOCK_NB) == 0) {
    /* Who holds it is for a message of ours only: a full disk is no reason not to open. */
    int length = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    bool noted = ftruncate(store->lock_descriptor, 0) == 0 &&
                 pwrite(store->lock_descriptor, holder, (size_t)length, 0) == length;
    if (!noted) or_log(OR_LOG_STORE, OR_LOG_WARNING, "lock_not_signed", "errno=%d", errno);
    return or_status_success();
  }
  if (errno != EWOULDBLOCK) return folder_error(folder, errno);
  ssize_t length = pread(store->lock_descriptor, holder, sizeof holder - 1, 0);
  holder[length > 0 ? length : 0] = '\0';
  holder[strcspn(holder, "\n")] = '\0';
  return or_error(OR_UNAVAILABLE,
                  "data folder \"%.400s\" is in use by process %s; stop it, ask that server with --url, or choose "
                  "another folder with --data",
                  folder, holder[0] != '\0' ? holder : "(unknown)");
}

/* SQLite gives its other files the mode of this one. */
static or_status_t make_file(const char *path, const char *folder) {
  int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
  if (descriptor < 0) return folder_error(folder, errno);
  (void)close(descriptor); /* nothing was written */
  return or_status_success();
}

static or_status_t name_files(or_store_t *store, const char *folder) {
  if (strlen(folder) == 0 || strlen(folder) > LONGEST_PATH_BYTES)
    return or_error(OR_INVALID_ARGUMENT, "data folder: a path of 1 to %d bytes", LONGEST_PATH_BYTES);
  (void)or_format(store->database_path, sizeof store->database_path, "%s/" DATABASE_NAME, folder);
  (void)or_format(store->files_path, sizeof store->files_path, "%s/" FILES_NAME, folder);
  return or_status_success();
}

static or_status_t prepare_folder(or_store_t *store, const char *folder) {
  or_status_t status = make_folder(folder);
  if (or_ok(status)) status = lock_folder(store, folder);
  if (or_ok(status)) status = make_folder(store->files_path);
  if (or_ok(status)) status = make_file(store->database_path, folder);
  if (!or_ok(status)) return status;
  store->files_descriptor = open(store->files_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return store->files_descriptor >= 0 ? status : folder_error(folder, errno);
}

or_status_t or_store_connect(or_store_t *store, or_database_t *database) {
  const char *vfs = store->vfs[0] != '\0' ? store->vfs : NULL;
  or_status_t status = or_database_open(database, store->database_path, vfs, SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX);
  if (or_ok(status)) status = or_database_execute(database, "PRAGMA journal_mode = WAL");
  if (!or_ok(status)) return status;
  return or_database_execute(database,
                             store->synchronous_off ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = FULL");
}

/* Small databases are read through; a large one shows its faults when they are met, and `store check` finds all. */
static or_status_t look_for_damage(const or_store_t *store, or_database_t *database) {
  struct stat info;
  if (store->memory || stat(store->database_path, &info) != 0 || info.st_size > CHECKED_AT_OPEN_BYTES)
    return or_status_success();
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(database->handle, "PRAGMA quick_check(1)", -1, &statement, NULL);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  const char *words = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
  const char *head = words != NULL ? strrchr(words, '\n') : NULL; /* SQLite's heading takes a line of its own */
  or_status_t status = or_database_failure(database->handle, code, "database");
  if (head != NULL) words = head + 1;
  if (or_ok(status) && (words == NULL || strcmp(words, "ok") != 0))
    status = or_error(OR_DATA_LOSS, "database: it is corrupt: %.200s", words != NULL ? words : "unreadable");
  (void)sqlite3_finalize(statement); /* repeats what the step said */
  return status;
}

static or_status_t load_totals(or_store_t *store) {
  or_query_t query = or_query(&store->writing, OR_SQL_TOTALS);
  bool there = or_query_row(&query);
  if (there) {
    store->totals.tasks = or_query_column_int(&query, 0);
    store->totals.bytes = or_query_column_int(&query, 1);
  }
  or_status_t status = or_query_end(&query, "database");
  if (or_ok(status) && !there) status = or_error(OR_DATA_LOSS, "database: it is corrupt: a table is empty");
  store->writer.stats.tasks = store->totals.tasks;
  store->writer.stats.bytes = store->totals.bytes;
  return status;
}

static or_status_t open_databases(or_store_t *store) {
  or_status_t status =
      store->memory ? or_database_open(&store->writing, ":memory:", NULL, SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX)
                    : or_store_connect(store, &store->writing);
  if (or_ok(status)) status = look_for_damage(store, &store->writing);
  if (or_ok(status)) status = or_schema_migrate(&store->writing, or_store_migrations, or_store_version);
  if (or_ok(status)) status = load_totals(store);
  if (or_ok(status)) status = or_keys_load(store, &store->writing);
  if (or_ok(status)) status = or_files_sweep(store, &store->writing);
  if (or_ok(status) && !store->memory) status = or_store_connect(store, &store->reading);
  if (store->memory) store->reading = (or_database_t){.handle = store->writing.handle, .shared = true};
  return status;
}

/* Nothing of the database is set, its journal's mode neither: it is as its owner has it. */
static or_status_t open_beside(or_store_t *store) {
  if (access(store->database_path, F_OK) != 0 && errno == ENOENT)
    return or_error(OR_NOT_FOUND, "no database there; name a server's data folder with --data");
  const char *vfs = store->vfs[0] != '\0' ? store->vfs : NULL;
  or_status_t status = or_database_open(&store->reading, store->database_path, vfs, SQLITE_OPEN_NOMUTEX);
  if (or_ok(status)) status = look_for_damage(store, &store->reading);
  if (or_ok(status)) status = or_schema_expect(&store->reading, or_store_version);
  return or_ok(status) ? or_keys_load(store, &store->reading) : status;
}

/* Names the file, and says what helps. Takes and gives the status. */
static or_status_t advise(const or_store_t *store, or_status_t status) {
  if (or_ok(status)) return status;
  or_status_code_t code = or_status_code(status);
  const char *cure = code == OR_DATA_LOSS
                         ? "; put a backup in its place (openruntime store backup makes them), or move "
                           "it and its -wal and -shm away to begin anew"
                     : code == OR_RESOURCE_EXHAUSTED ? "; make room, or choose another folder with --data"
                     : code == OR_PERMISSION_DENIED  ? "; make it writable, or choose another folder with --data"
                                                     : "";
  char words[OR_STATUS_MESSAGE_BYTES];
  (void)or_format(words, sizeof words, "%s", or_status_message(status));
  or_status_ignore(status); /* said again with more words */
  return or_error(code, "\"%.400s\": %.400s%s", store->database_path, words, cure);
}

static void init(or_store_t *store, const or_store_options_t *options) {
  store->files = options->files != NULL ? *options->files : or_store_system_files;
  store->memory = strcmp(options->path, OR_STORE_MEMORY) == 0;
  store->beside = options->beside;
  store->synchronous_off = options->synchronous_off;
  store->retention = options->retention;
  store->lock_descriptor = store->files_descriptor = -1;
  (void)or_format(store->vfs, sizeof store->vfs, "%s", options->vfs != NULL ? options->vfs : "");
  or_mutex_init(&store->shared_lock);
  or_mutex_init(&store->keys.lock);
  or_mutex_init(&store->writer.lock);
  or_cond_init(&store->writer.wake);
  or_cond_init(&store->writer.progress);
  or_mutex_init(&store->reader.lock);
  or_cond_init(&store->reader.wake);
  store->writer.absent = store->writer.closing = store->beside; /* there is no such thread: it takes nothing */
  store->writer.row_limit = options->backlog_rows;
  store->writer.byte_limit = options->backlog_bytes;
  store->writer.end = &store->writer.first;
  store->writer.parked_end = &store->writer.parked;
  store->reader.end = &store->reader.first;
  or_journal_init(store);
}

or_status_t or_store_open(const or_store_options_t *options, or_store_t **out) {
  const or_allocator_t *allocator = options->allocator != NULL ? options->allocator : or_allocator_system();
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_store_t), &memory);
  if (!or_ok(status)) return status;
  or_store_t *store = memory;
  store->allocator = allocator;
  init(store, options);
  if (!store->memory) status = name_files(store, options->path);
  if (or_ok(status) && !store->memory && !store->beside) status = prepare_folder(store, options->path);
  if (or_ok(status)) status = advise(store, store->beside ? open_beside(store) : open_databases(store));
  if (or_ok(status) && !store->beside) status = or_writer_start(store);
  if (or_ok(status)) status = or_reader_start(store);
  if (or_ok(status)) {
    *out = store;
  } else {
    or_store_close(store);
  }
  return status;
}

void or_store_close(or_store_t *store) {
  if (store == NULL) return;
  or_reader_stop(store);
  or_writer_stop(store);
  or_database_close(&store->reading);
  or_database_close(&store->writing);
  or_files_let_go(store->files_descriptor);
  if (store->lock_descriptor >= 0) (void)close(store->lock_descriptor);
  or_free(store->allocator, store->keys.items);
  or_free(store->allocator, store->doomed);
  or_cond_deinit(&store->reader.wake);
  or_mutex_deinit(&store->reader.lock);
  or_cond_deinit(&store->writer.progress);
  or_cond_deinit(&store->writer.wake);
  or_mutex_deinit(&store->writer.lock);
  or_mutex_deinit(&store->keys.lock);
  or_mutex_deinit(&store->shared_lock);
  or_free(store->allocator, store);
}

void or_store_stats(or_store_t *store, or_store_stats_t *out) {
  or_writer_t *writer = &store->writer;
  or_mutex_lock(&writer->lock);
  *out = writer->stats;
  out->backlog_rows = writer->rows;
  out->backlog_bytes = writer->bytes;
  or_mutex_unlock(&writer->lock);
}
