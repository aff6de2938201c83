#ifndef OR_STORE_FAULT_VFS_TEST_INTERNAL_H
#define OR_STORE_FAULT_VFS_TEST_INTERNAL_H
/* For tests: a disk that fails. An SQLite VFS over the system's, and the writing of tensor files, which
 * - count writes and syncs, and make the n-th fail, or all of them for want of room;
 * - remember what each write since the last sync of its file replaced, so that a crash, after which nothing works, can
 *   take back what had never been synced: all of it, or all but the first few writes.
 * Nothing is really synced. One at a time in a process. */

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/testing.h"
#include "base/thread.h"
#include "store/store.h"

#define FAULT_VFS "or-fault"

typedef struct undo_t {
  char path[512];
  int64_t offset, size_before;
  size_t length;
  unsigned char *replaced; /* NULL: the file `path` was made, and its name never synced */
} undo_t;

typedef struct fault_t {
  or_mutex_t lock;
  /* Under lock. */
  uint64_t operations; /* writes and syncs so far */
  uint64_t fail_at;    /* 1-based; 0: none */
  uint64_t crash_at;   /* the same; nothing works from it on */
  int fail_code;       /* what SQLite is told */
  bool full;           /* every write fails for want of room */
  bool triggered, crashed;
  undo_t *undo;
  size_t undo_count, undo_capacity;
} fault_t;

static fault_t fault;

typedef struct fault_file_t {
  sqlite3_file base;
  char path[512];
  sqlite3_file *real; /* right behind */
} fault_file_t;

static inline sqlite3_file *real_of(sqlite3_file *file) { return ((fault_file_t *)(void *)file)->real; }
static inline sqlite3_vfs *real_vfs(sqlite3_vfs *vfs) { return vfs->pAppData; }

/* Counts a write or sync; the code that it fails with. */
static inline int fault_count_locked(int crash_code) {
  fault.operations += 1;
  if (fault.crash_at != 0 && fault.operations >= fault.crash_at) fault.crashed = true;
  if (fault.crashed) return crash_code;
  if (fault.fail_at == fault.operations) {
    fault.triggered = true;
    return fault.fail_code;
  }
  return SQLITE_OK;
}

static inline undo_t *fault_remember_locked(const char *path) {
  if (fault.undo_count == fault.undo_capacity) {
    fault.undo_capacity = fault.undo_capacity * 2 + 64;
    fault.undo = realloc(fault.undo, fault.undo_capacity * sizeof *fault.undo);
    assert_non_null(fault.undo);
  }
  undo_t *undo = &fault.undo[fault.undo_count++];
  memset(undo, 0, sizeof *undo);
  (void)snprintf(undo->path, sizeof undo->path, "%s", path);
  return undo;
}

static inline void fault_remember_bytes_locked(sqlite3_file *file, int64_t offset, size_t length) {
  undo_t *undo = fault_remember_locked(((fault_file_t *)(void *)file)->path);
  sqlite3_int64 size = 0;
  (void)real_of(file)->pMethods->xFileSize(real_of(file), &size);
  undo->offset = offset;
  undo->size_before = size;
  undo->length = length;
  undo->replaced = calloc(1, length + 1);
  assert_non_null(undo->replaced);
  if (offset < size) (void)real_of(file)->pMethods->xRead(real_of(file), undo->replaced, (int)length, offset);
}

static inline void fault_forget_locked(const char *path) {
  size_t kept = 0;
  for (size_t i = 0; i < fault.undo_count; ++i) {
    if (strcmp(fault.undo[i].path, path) == 0) {
      free(fault.undo[i].replaced);
    } else {
      fault.undo[kept++] = fault.undo[i];
    }
  }
  fault.undo_count = kept;
}

static inline int fault_close(sqlite3_file *file) { return real_of(file)->pMethods->xClose(real_of(file)); }

static inline int fault_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset) {
  or_mutex_lock(&fault.lock);
  bool crashed = fault.crashed;
  or_mutex_unlock(&fault.lock);
  return crashed ? SQLITE_IOERR_READ : real_of(file)->pMethods->xRead(real_of(file), bytes, length, offset);
}

static inline int fault_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset) {
  or_mutex_lock(&fault.lock);
  int code = fault_count_locked(SQLITE_IOERR_WRITE);
  if (code == SQLITE_OK && fault.full) code = SQLITE_FULL;
  if (code == SQLITE_OK) {
    fault_remember_bytes_locked(file, offset, (size_t)length);
    code = real_of(file)->pMethods->xWrite(real_of(file), bytes, length, offset);
  }
  or_mutex_unlock(&fault.lock);
  return code;
}

static inline int fault_truncate(sqlite3_file *file, sqlite3_int64 size) {
  or_mutex_lock(&fault.lock);
  int code = fault_count_locked(SQLITE_IOERR_TRUNCATE);
  sqlite3_int64 before = 0;
  (void)real_of(file)->pMethods->xFileSize(real_of(file), &before);
  if (code == SQLITE_OK) {
    if (before > size) fault_remember_bytes_locked(file, size, (size_t)(before - size));
    code = real_of(file)->pMethods->xTruncate(real_of(file), size);
  }
  or_mutex_unlock(&fault.lock);
  return code;
}

static inline int fault_sync(sqlite3_file *file, int flags) {
  (void)flags;
  or_mutex_lock(&fault.lock);
  int code = fault_count_locked(SQLITE_IOERR_FSYNC);
  if (code == SQLITE_FULL) code = SQLITE_IOERR_FSYNC;
  if (code == SQLITE_OK) fault_forget_locked(((fault_file_t *)(void *)file)->path);
  or_mutex_unlock(&fault.lock);
  return code;
}

static inline int fault_size(sqlite3_file *file, sqlite3_int64 *size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
static inline int fault_lock(sqlite3_file *file, int level) {
  return real_of(file)->pMethods->xLock(real_of(file), level);
}
static inline int fault_unlock(sqlite3_file *file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
static inline int fault_check_lock(sqlite3_file *file, int *out) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}
static inline int fault_control(sqlite3_file *file, int what, void *argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}
static inline int fault_sector(sqlite3_file *file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }
static inline int fault_character(sqlite3_file *file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
static inline int fault_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}
static inline int fault_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
static inline void fault_shm_barrier(sqlite3_file *file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }
static inline int fault_shm_unmap(sqlite3_file *file, int remove) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods fault_methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_lock,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector,
    .xDeviceCharacteristics = fault_character,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static inline int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *opaque, int flags, int *given) {
  fault_file_t *file = (fault_file_t *)(void *)opaque;
  memset(file, 0, sizeof *file);
  file->real = (sqlite3_file *)(void *)(file + 1);
  int code = real_vfs(vfs)->xOpen(real_vfs(vfs), name, file->real, flags, given);
  if (code != SQLITE_OK) return code;
  (void)snprintf(file->path, sizeof file->path, "%s", name != NULL ? name : "");
  file->base.pMethods = &fault_methods;
  return code;
}

static inline int fault_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
  or_mutex_lock(&fault.lock);
  bool crashed = fault.crashed;
  if (!crashed) fault_forget_locked(name);
  or_mutex_unlock(&fault.lock);
  return crashed ? SQLITE_IOERR_DELETE : real_vfs(vfs)->xDelete(real_vfs(vfs), name, sync_folder);
}

static inline int fault_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
  return real_vfs(vfs)->xAccess(real_vfs(vfs), name, flags, out);
}
static inline int fault_full_path(sqlite3_vfs *vfs, const char *name, int capacity, char *out) {
  return real_vfs(vfs)->xFullPathname(real_vfs(vfs), name, capacity, out);
}
static inline int fault_randomness(sqlite3_vfs *vfs, int count, char *out) {
  return real_vfs(vfs)->xRandomness(real_vfs(vfs), count, out);
}
static inline int fault_pause(sqlite3_vfs *vfs, int us) { return real_vfs(vfs)->xSleep(real_vfs(vfs), us); }
static inline int fault_time(sqlite3_vfs *vfs, double *out) { return real_vfs(vfs)->xCurrentTime(real_vfs(vfs), out); }
static inline int fault_last_error(sqlite3_vfs *vfs, int capacity, char *out) {
  return real_vfs(vfs)->xGetLastError(real_vfs(vfs), capacity, out);
}

static inline or_status_t fault_write_tensor(void *self, const char *path, const void *bytes, size_t length) {
  (void)self;
  or_mutex_lock(&fault.lock);
  int code = fault_count_locked(SQLITE_IOERR_WRITE);
  if (code == SQLITE_OK && fault.full) code = SQLITE_FULL;
  if (code == SQLITE_OK) (void)fault_remember_locked(path);
  or_mutex_unlock(&fault.lock);
  if (code == SQLITE_FULL) return or_error(OR_RESOURCE_EXHAUSTED, "\"%s\": no space left", path);
  if (code != SQLITE_OK) return or_error(OR_DATA_LOSS, "\"%s\": input/output error", path);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, length, file), length);
  assert_int_equal(fclose(file), 0);
  return or_status_success();
}

static inline or_status_t fault_sync_folder(void *self, const char *path) {
  (void)self;
  or_mutex_lock(&fault.lock);
  int code = fault_count_locked(SQLITE_IOERR_DIR_FSYNC);
  size_t kept = 0;
  for (size_t i = 0; i < fault.undo_count; ++i) {
    bool made = fault.undo[i].replaced == NULL && strncmp(fault.undo[i].path, path, strlen(path)) == 0;
    if (code != SQLITE_OK || !made) fault.undo[kept++] = fault.undo[i];
  }
  fault.undo_count = kept;
  or_mutex_unlock(&fault.lock);
  return code == SQLITE_OK ? or_status_success() : or_error(OR_DATA_LOSS, "\"%s\": input/output error", path);
}

static inline void fault_remove_tensor(void *self, const char *path) {
  (void)self;
  or_mutex_lock(&fault.lock);
  if (!fault.crashed) {
    fault_forget_locked(path);
    (void)unlink(path);
  }
  or_mutex_unlock(&fault.lock);
}

static const or_store_files_t fault_files = {NULL, fault_write_tensor, fault_sync_folder, fault_remove_tensor};

/* Once in a program. */
static inline void fault_register(void) {
  static sqlite3_vfs vfs;
  sqlite3_vfs *real = sqlite3_vfs_find(NULL);
  or_mutex_init(&fault.lock);
  vfs = (sqlite3_vfs){.iVersion = 1,
                      .szOsFile = (int)sizeof(fault_file_t) + real->szOsFile,
                      .mxPathname = 500,
                      .zName = FAULT_VFS,
                      .pAppData = real,
                      .xOpen = fault_open,
                      .xDelete = fault_delete,
                      .xAccess = fault_access,
                      .xFullPathname = fault_full_path,
                      .xRandomness = fault_randomness,
                      .xSleep = fault_pause,
                      .xCurrentTime = fault_time,
                      .xGetLastError = fault_last_error};
  assert_int_equal(sqlite3_vfs_register(&vfs, 0), SQLITE_OK);
}

static inline void fault_set_full(bool full) {
  or_mutex_lock(&fault.lock);
  fault.full = full;
  or_mutex_unlock(&fault.lock);
}

static inline bool fault_has_crashed(void) {
  or_mutex_lock(&fault.lock);
  bool crashed = fault.crashed;
  or_mutex_unlock(&fault.lock);
  return crashed;
}

/* A disk that works, with no past. */
static inline void fault_reset(void) {
  for (size_t i = 0; i < fault.undo_count; ++i) free(fault.undo[i].replaced);
  free(fault.undo);
  or_mutex_t lock = fault.lock;
  memset(&fault, 0, sizeof fault);
  fault.lock = lock;
}

/* After a crash, when the store is closed: takes back all unsynced writes but the first `kept`, and resets. */
static inline void fault_lose_unsynced(size_t kept) {
  for (size_t i = fault.undo_count; i-- > kept;) {
    const undo_t *undo = &fault.undo[i];
    if (undo->replaced == NULL) {
      (void)unlink(undo->path);
      continue;
    }
    int descriptor = open(undo->path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) continue;
    assert_int_equal(pwrite(descriptor, undo->replaced, undo->length, undo->offset), undo->length);
    assert_int_equal(ftruncate(descriptor, undo->size_before), 0);
    assert_int_equal(close(descriptor), 0);
  }
  fault_reset();
}

#endif
