#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/numbers.h"
#include "store/store_internal.h"

#define SUFFIX ".blob"

static or_status_t write_file(void *self, const char *path, const void *bytes, size_t length) {
  (void)self;
  or_file_writer_t writer;
  or_status_t status = or_file_writer_begin(&writer, path, true);
  if (!or_ok(status)) return status;
  return or_file_writer_end(&writer, or_file_writer_append(&writer, bytes, length));
}

static or_status_t sync_folder(void *self, const char *path) {
  (void)self;
  int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  /* Some file systems have no fsync of folders; the name is then as safe as it gets. */
  bool synced = descriptor >= 0 && (fsync(descriptor) == 0 || errno == EINVAL);
  int error = errno;
  if (descriptor >= 0) (void)close(descriptor);
  if (synced) return or_status_success();
  char words[128];
  return or_error(error == ENOSPC ? OR_RESOURCE_EXHAUSTED : OR_DATA_LOSS, "folder \"%s\" can't be synced: %s", path,
                  or_errno_text(error, words, sizeof words));
}

static void remove_file(void *self, const char *path) {
  (void)self;
  (void)unlink(path); /* what stays is swept at the next open */
}

const or_store_files_t or_store_system_files = {NULL, write_file, sync_folder, remove_file};

void or_files_path(const or_store_t *store, const char *name, char path[OR_FILE_PATH_BYTES]) {
  (void)or_format(path, OR_FILE_PATH_BYTES, "%s/%s", store->files_path, name);
}

/* The same failure in words that name no path, since a remote caller may read them. */
static or_status_t without_path(or_status_t status) {
  or_status_code_t code = or_status_code(status);
  if (code == OR_OK) return status;
  or_log(OR_LOG_STORE, OR_LOG_ERROR, "tensor_not_written", "error=%s", or_status_message(status));
  or_status_ignore(status); /* logged, and replaced */
  if (code == OR_RESOURCE_EXHAUSTED)
    return or_error(OR_RESOURCE_EXHAUSTED, "tensor: no room on the disk that holds the data folder");
  return or_error(OR_DATA_LOSS, "tensor: its file can't be written");
}

or_status_t or_files_write(or_store_t *store, or_item_t *item, bool *any) {
  for (size_t i = 0; i < item->blob_count; ++i) {
    or_item_blob_t *blob = &item->blobs[i];
    if (blob->file[0] != '\0') continue; /* at an earlier try */
    blob->hash = or_hash_bytes(blob->blob.data, blob->blob.bytes, 0);
    if (store->memory || blob->blob.bytes <= OR_STORE_INLINE_BYTES) continue;
    char id[OR_TASK_ID_BYTES], name[OR_STORE_FILE_BYTES], path[OR_FILE_PATH_BYTES];
    or_status_t status = or_task_id_make(id);
    if (!or_ok(status)) return status;
    (void)or_format(name, sizeof name, "%.26s" SUFFIX, id);
    or_files_path(store, name, path);
    status = store->files.write(store->files.self, path, blob->blob.data, blob->blob.bytes);
    if (!or_ok(status)) return without_path(status);
    memcpy(blob->file, name, sizeof name);
    *any = true;
  }
  return or_status_success();
}

void or_files_discard(or_store_t *store, or_item_t *item) {
  for (size_t i = 0; i < item->blob_count; ++i) {
    if (item->blobs[i].file[0] == '\0') continue;
    char path[OR_FILE_PATH_BYTES];
    or_files_path(store, item->blobs[i].file, path);
    store->files.remove(store->files.self, path);
    item->blobs[i].file[0] = '\0';
  }
}

/* A name that or_files_write makes, or what it has while it is written; other people's files are left alone. */
static bool is_ours(const char *name) {
  size_t digits = strspn(name, "0123456789ABCDEFGHJKMNPQRSTVWXYZ");
  return digits == 26 && or_string_starts_with(name + digits, SUFFIX) && strlen(name) < OR_STORE_FILE_BYTES + 32;
}

/* A backup, of whichever process, holds a lock on the folder of files until it has read those that its rows name. A
 * removal follows the commit that took the rows away: if it gets the lock, a backup that begins later does not see
 * them. */
or_status_t or_files_hold(const or_store_t *store, int *descriptor) {
  char words[128];
  *descriptor = -1;
  if (store->memory) return or_status_success();
  int code = -1;
  *descriptor = open(store->files_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*descriptor >= 0) {
    do code = flock(*descriptor, LOCK_SH);
    while (code != 0 && errno == EINTR);
  }
  if (code == 0) return or_status_success();
  or_status_t status = or_error(OR_PERMISSION_DENIED, "folder \"%s\" can't be held: %s", store->files_path,
                                or_errno_text(errno, words, sizeof words));
  or_files_let_go(*descriptor);
  *descriptor = -1;
  return status;
}

void or_files_let_go(int descriptor) {
  if (descriptor >= 0) (void)close(descriptor); /* the lock goes with it */
}

bool or_files_begin_removal(or_store_t *store) {
  if (store->files_descriptor < 0 || flock(store->files_descriptor, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) return true; /* where there are no such locks, no backup has one */
  store->sweep_due = true;
  return false;
}

void or_files_end_removal(or_store_t *store) {
  if (store->files_descriptor >= 0) (void)flock(store->files_descriptor, LOCK_UN); /* can't fail where it was had */
}

static or_status_t sweep(or_store_t *store, or_database_t *database);

or_status_t or_files_sweep(or_store_t *store, or_database_t *database) {
  if (!or_files_begin_removal(store)) return or_status_success();
  or_status_t status = sweep(store, database);
  if (or_ok(status)) store->sweep_due = false;
  or_files_end_removal(store);
  return status;
}

static or_status_t sweep(or_store_t *store, or_database_t *database) {
  DIR *folder = store->memory ? NULL : opendir(store->files_path);
  if (folder == NULL) return or_status_success(); /* nothing there that could be too much */
  or_status_t status = or_status_success();
  size_t removed = 0;
  struct dirent *entry = NULL;
  while (or_ok(status) && (entry = readdir(folder)) != NULL) {
    if (!is_ours(entry->d_name)) continue;
    or_query_t known = or_query(database, OR_SQL_FILE_IS_KNOWN);
    or_query_text(&known, 1, entry->d_name);
    bool keep = or_query_row(&known);
    status = or_query_end(&known, "tensor");
    if (keep || !or_ok(status)) continue;
    char path[OR_FILE_PATH_BYTES];
    or_files_path(store, entry->d_name, path);
    store->files.remove(store->files.self, path);
    ++removed;
  }
  (void)closedir(folder);
  if (removed > 0) or_log(OR_LOG_STORE, OR_LOG_INFO, "files_swept", "count=%zu", removed);
  return status;
}
