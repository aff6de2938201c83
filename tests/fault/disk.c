#include "fault/disk.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/numbers.h"
#include "base/thread.h"

#define BLOCK ((size_t)4096)
#define MAX_IMAGES 64
#define PATH_BYTES 512

/* A file as this process sees it. Connections to one path share it. */
typedef struct image_t {
  char path[PATH_BYTES]; /* "": unused */
  unsigned char *bytes, *dirty;
  size_t size, capacity; /* capacity in whole blocks; dirty has one byte a block */
  bool unnamed;          /* a tensor's file whose name was not synced: not on the disk yet */
} image_t;

static struct {
  or_mutex_t lock; /* everything below */
  disk_options_t options;
  or_random_t random;
  image_t images[MAX_IMAGES];
} disk;

typedef struct file_t {
  sqlite3_file base;
  image_t *image;
  sqlite3_file *real; /* right behind: locks, shared memory, and what was synced */
} file_t;

static inline file_t *of(sqlite3_file *file) { return (file_t *)(void *)file; }
static inline sqlite3_file *real_of(sqlite3_file *file) { return of(file)->real; }
static inline sqlite3_vfs *real_vfs(sqlite3_vfs *vfs) { return vfs->pAppData; }

static bool is_full(void) { return disk.options.full_path != NULL && access(disk.options.full_path, F_OK) == 0; }

/* ---- images; all with the lock held ---- */

static image_t *find_image(const char *path) {
  for (size_t i = 0; i < MAX_IMAGES; ++i) {
    if (disk.images[i].path[0] != '\0' && strcmp(disk.images[i].path, path) == 0) return &disk.images[i];
  }
  return NULL;
}

static image_t *new_image(const char *path) {
  for (size_t i = 0; i < MAX_IMAGES; ++i) {
    image_t *image = &disk.images[i];
    if (image->path[0] != '\0') continue;
    memset(image, 0, sizeof *image);
    (void)snprintf(image->path, sizeof image->path, "%s", path);
    return image;
  }
  return NULL;
}

static void forget_image(image_t *image) {
  free(image->bytes);
  free(image->dirty);
  memset(image, 0, sizeof *image);
}

static bool reserve(image_t *image, size_t size) {
  if (size <= image->capacity) return true;
  size_t capacity = (size * 2 + BLOCK - 1) / BLOCK * BLOCK;
  unsigned char *bytes = realloc(image->bytes, capacity);
  if (bytes == NULL) return false;
  image->bytes = bytes;
  unsigned char *dirty = realloc(image->dirty, capacity / BLOCK);
  if (dirty == NULL) return false;
  image->dirty = dirty;
  memset(bytes + image->capacity, 0, capacity - image->capacity);
  memset(dirty + image->capacity / BLOCK, 0, (capacity - image->capacity) / BLOCK);
  image->capacity = capacity;
  return true;
}

static bool put(image_t *image, size_t offset, const void *bytes, size_t length) {
  if (!reserve(image, offset + length)) return false;
  memcpy(image->bytes + offset, bytes, length);
  for (size_t block = offset / BLOCK; block * BLOCK < offset + length; ++block) image->dirty[block] = 1;
  if (image->size < offset + length) image->size = offset + length;
  return true;
}

static int load(image_t *image, sqlite3_file *real) {
  sqlite3_int64 size = 0;
  int code = real->pMethods->xFileSize(real, &size);
  if (code != SQLITE_OK || size == 0) return code;
  if (!reserve(image, (size_t)size)) return SQLITE_NOMEM;
  code = real->pMethods->xRead(real, image->bytes, (int)size, 0);
  if (code == SQLITE_OK) image->size = (size_t)size;
  return code;
}

static int flush(image_t *image, sqlite3_file *real) {
  int code = SQLITE_OK;
  for (size_t block = 0; code == SQLITE_OK && block * BLOCK < image->size; ++block) {
    if (!image->dirty[block]) continue;
    size_t length = image->size - block * BLOCK < BLOCK ? image->size - block * BLOCK : BLOCK;
    code = real->pMethods->xWrite(real, image->bytes + block * BLOCK, (int)length, (sqlite3_int64)(block * BLOCK));
    if (code == SQLITE_OK) image->dirty[block] = 0;
  }
  if (code == SQLITE_OK) code = real->pMethods->xTruncate(real, (sqlite3_int64)image->size);
  return code;
}

/* ---- SQLite's files ---- */

static int file_close(sqlite3_file *file) { return real_of(file)->pMethods->xClose(real_of(file)); }

static int file_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset) {
  or_mutex_lock(&disk.lock);
  const image_t *image = of(file)->image;
  size_t from = (size_t)offset, wanted = (size_t)length;
  size_t there = from < image->size ? image->size - from : 0, given = there < wanted ? there : wanted;
  if (given > 0) memcpy(bytes, image->bytes + from, given);
  or_mutex_unlock(&disk.lock);
  if (given == wanted) return SQLITE_OK;
  memset((char *)bytes + given, 0, wanted - given);
  return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset) {
  if (is_full()) return SQLITE_FULL;
  or_mutex_lock(&disk.lock);
  int code = put(of(file)->image, (size_t)offset, bytes, (size_t)length) ? SQLITE_OK : SQLITE_NOMEM;
  bool through = or_random_next(&disk.random) % 100 < disk.options.through_percent;
  if (code == SQLITE_OK && through) code = real_of(file)->pMethods->xWrite(real_of(file), bytes, length, offset);
  or_mutex_unlock(&disk.lock);
  return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
  or_mutex_lock(&disk.lock);
  image_t *image = of(file)->image;
  if ((size_t)size < image->size) {
    memset(image->bytes + size, 0, image->size - (size_t)size);
    image->size = (size_t)size;
  }
  or_mutex_unlock(&disk.lock);
  return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags) {
  (void)flags;
  or_mutex_lock(&disk.lock);
  int code = flush(of(file)->image, real_of(file));
  or_mutex_unlock(&disk.lock);
  return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
  or_mutex_lock(&disk.lock);
  *size = (sqlite3_int64)of(file)->image->size;
  or_mutex_unlock(&disk.lock);
  return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level) { return real_of(file)->pMethods->xLock(real_of(file), level); }
static int file_unlock(sqlite3_file *file, int level) { return real_of(file)->pMethods->xUnlock(real_of(file), level); }
static int file_is_locked(sqlite3_file *file, int *out) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}
/* Hints of a size would change the real file. */
static int file_control(sqlite3_file *file, int what, void *argument) {
  if (what == SQLITE_FCNTL_SIZE_HINT || what == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_NOTFOUND;
  return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}
static int file_sector(sqlite3_file *file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }
static int file_character(sqlite3_file *file) {
  (void)file;
  return 0; /* promises nothing of the order of writes */
}
static int shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}
static int shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
static void shm_barrier(sqlite3_file *file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }
static int shm_unmap(sqlite3_file *file, int remove) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_is_locked,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_character,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *opaque, int flags, int *given) {
  file_t *file = of(opaque);
  memset(file, 0, sizeof *file);
  if (name == NULL || strlen(name) >= PATH_BYTES) return SQLITE_CANTOPEN; /* temporary files: the store has none */
  file->real = (sqlite3_file *)(void *)(file + 1);
  int code = real_vfs(vfs)->xOpen(real_vfs(vfs), name, file->real, flags, given);
  if (code != SQLITE_OK) return code;
  or_mutex_lock(&disk.lock);
  file->image = find_image(name);
  if (file->image == NULL) {
    file->image = new_image(name);
    code = file->image != NULL ? load(file->image, file->real) : SQLITE_CANTOPEN;
    if (code != SQLITE_OK && file->image != NULL) forget_image(file->image);
  }
  or_mutex_unlock(&disk.lock);
  if (code != SQLITE_OK) {
    (void)file->real->pMethods->xClose(file->real);
    return code;
  }
  file->base.pMethods = &methods;
  return code;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync_folder) {
  or_mutex_lock(&disk.lock);
  image_t *image = find_image(name);
  if (image != NULL) forget_image(image);
  or_mutex_unlock(&disk.lock);
  return real_vfs(vfs)->xDelete(real_vfs(vfs), name, sync_folder);
}

static int access_file(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
  return real_vfs(vfs)->xAccess(real_vfs(vfs), name, flags, out);
}
static int full_path(sqlite3_vfs *vfs, const char *name, int capacity, char *out) {
  return real_vfs(vfs)->xFullPathname(real_vfs(vfs), name, capacity, out);
}
static int randomness(sqlite3_vfs *vfs, int count, char *out) {
  return real_vfs(vfs)->xRandomness(real_vfs(vfs), count, out);
}
static int pause_us(sqlite3_vfs *vfs, int us) { return real_vfs(vfs)->xSleep(real_vfs(vfs), us); }
static int time_now(sqlite3_vfs *vfs, double *out) { return real_vfs(vfs)->xCurrentTime(real_vfs(vfs), out); }
static int last_error(sqlite3_vfs *vfs, int capacity, char *out) {
  return real_vfs(vfs)->xGetLastError(real_vfs(vfs), capacity, out);
}

bool disk_register(const disk_options_t *options) {
  static sqlite3_vfs vfs;
  sqlite3_vfs *real = sqlite3_vfs_find(NULL);
  if (real == NULL) return false;
  or_mutex_init(&disk.lock);
  disk.options = *options;
  disk.random = (or_random_t){options->seed};
  vfs = (sqlite3_vfs){.iVersion = 1,
                      .szOsFile = (int)sizeof(file_t) + real->szOsFile,
                      .mxPathname = PATH_BYTES - 1,
                      .zName = DISK_VFS,
                      .pAppData = real,
                      .xOpen = open_file,
                      .xDelete = delete_file,
                      .xAccess = access_file,
                      .xFullPathname = full_path,
                      .xRandomness = randomness,
                      .xSleep = pause_us,
                      .xCurrentTime = time_now,
                      .xGetLastError = last_error};
  return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
}

/* ---- tensor files: in memory until their folder is synced ---- */

static or_status_t write_tensor(void *self, const char *path, const void *bytes, size_t length) {
  (void)self;
  if (is_full()) return or_error(OR_RESOURCE_EXHAUSTED, "\"%s\": no space left", path);
  or_mutex_lock(&disk.lock);
  image_t *image = new_image(path);
  bool kept = image != NULL && put(image, 0, bytes, length);
  if (image != NULL) image->unnamed = true;
  if (image != NULL && !kept) forget_image(image);
  or_mutex_unlock(&disk.lock);
  return kept ? or_status_success() : or_error(OR_RESOURCE_EXHAUSTED, "no memory for a file");
}

static or_status_t save(const image_t *image) {
  FILE *file = fopen(image->path, "wb");
  bool good = file != NULL && fwrite(image->bytes, 1, image->size, file) == image->size;
  if (file != NULL && fclose(file) != 0) good = false;
  return good ? or_status_success() : or_error(OR_DATA_LOSS, "\"%s\": can't be written", image->path);
}

static or_status_t sync_folder(void *self, const char *path) {
  (void)self;
  or_status_t status = or_status_success();
  or_mutex_lock(&disk.lock);
  for (size_t i = 0; or_ok(status) && i < MAX_IMAGES; ++i) {
    image_t *image = &disk.images[i];
    if (!image->unnamed || strncmp(image->path, path, strlen(path)) != 0) continue;
    status = save(image);
    if (or_ok(status)) forget_image(image);
  }
  or_mutex_unlock(&disk.lock);
  return status;
}

static void remove_tensor(void *self, const char *path) {
  (void)self;
  or_mutex_lock(&disk.lock);
  image_t *image = find_image(path);
  if (image != NULL) forget_image(image);
  or_mutex_unlock(&disk.lock);
  (void)unlink(path);
}

const or_store_files_t disk_files = {NULL, write_tensor, sync_folder, remove_tensor};
