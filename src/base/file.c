#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <limits.h>
#include <mach-o/dyld.h>
#include <stdlib.h>
#endif

#include "base/alloc.h"
#include "base/numbers.h"
#include "base/string.h"
#include "base/thread.h"

#define READ_FIRST_BYTES ((size_t)4 << 10) /* for files whose size says 0 */
#define OPEN_TO_READ (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static or_status_t system_error(const char *action, const char *path, int error) {
  or_status_code_t code = OR_DATA_LOSS;
  switch (error) {
  case ENOENT:
  case ENOTDIR: code = OR_NOT_FOUND; break;
  case EACCES:
  case EPERM:
  case EROFS: code = OR_PERMISSION_DENIED; break;
  case ENOMEM:
  case EMFILE:
  case ENFILE:
  case ENOSPC:
  case EFBIG:
  case EDQUOT: code = OR_RESOURCE_EXHAUSTED; break;
  case ELOOP:
  case ENAMETOOLONG:
  case EISDIR: code = OR_INVALID_ARGUMENT; break;
  default: break;
  }
  char words[128];
  return or_error(code, "file \"%.400s\" can't be %s: %s", path, action, or_errno_text(error, words, sizeof words));
}

/* Opens a regular file for reading; never waits for the other end of a pipe. */
static or_status_t keep_regular(const char *path, int *descriptor, struct stat *info);

static or_status_t open_regular(const char *path, int *descriptor, struct stat *info) {
  *descriptor = open(path, OPEN_TO_READ);
  if (*descriptor < 0) return system_error("opened", path, errno);
  return keep_regular(path, descriptor, info);
}

/* Closes what is no regular file. */
static or_status_t keep_regular(const char *path, int *descriptor, struct stat *info) {
  or_status_t status = or_status_success();
  if (fstat(*descriptor, info) != 0) {
    status = system_error("examined", path, errno);
  } else if (!S_ISREG(info->st_mode)) {
    status = or_error(OR_INVALID_ARGUMENT, "\"%s\" is %s, not a regular file", path,
                      S_ISDIR(info->st_mode) ? "a folder" : "a device or pipe");
  }
  if (!or_ok(status)) {
    (void)close(*descriptor);
    *descriptor = -1;
  }
  return status;
}

static or_status_t read_all(int descriptor, const char *path, size_t limit_bytes, or_text_t *text) {
  for (;;) {
    or_status_t status = or_status_success();
    if (text->length + 1 >= text->capacity) status = or_text_reserve(text, text->length + 1);
    if (!or_ok(status)) return status;
    ssize_t count = read(descriptor, text->data + text->length, text->capacity - text->length - 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", path, errno);
    text->length += (size_t)count;
    if (text->length > limit_bytes) {
      return or_error(OR_OUT_OF_RANGE, "file \"%s\": more than %zu bytes, the limit here", path, limit_bytes);
    }
    if (count == 0) break;
  }
  text->data[text->length] = '\0';
  return or_status_success();
}

or_status_t or_file_read(const or_allocator_t *allocator, const char *path, size_t limit_bytes, char **out,
                         size_t *length) {
  int descriptor = -1;
  struct stat info = {0};
  *out = NULL;
  *length = 0;
  or_status_t status = open_regular(path, &descriptor, &info);
  if (!or_ok(status)) return status;
  or_text_t text;
  or_text_init(&text, allocator);
  if ((uintmax_t)info.st_size > limit_bytes) {
    status = or_error(OR_OUT_OF_RANGE, "file \"%s\": %lld bytes exceed %zu, the limit here", path,
                      (long long)info.st_size, limit_bytes);
  }
  /* One byte more than the size, so that the end is seen without growing. */
  if (or_ok(status)) status = or_text_reserve(&text, info.st_size > 0 ? (size_t)info.st_size + 1 : READ_FIRST_BYTES);
  if (or_ok(status)) status = read_all(descriptor, path, limit_bytes, &text);
  (void)close(descriptor);
  if (!or_ok(status)) {
    or_text_deinit(&text);
    return status;
  }
  *out = text.data;
  *length = text.length;
  return status;
}

static or_status_t write_all(int descriptor, const char *path, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(descriptor, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("written", path, errno);
    bytes += count;
    length -= (size_t)count;
  }
  return or_status_success();
}

/* A device or pipe (/dev/null, /dev/stdout) must not be replaced by a file. */
static or_status_t write_in_place(const char *path, const void *bytes, size_t length) {
  int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) return system_error("opened for writing", path, errno);
  or_status_t status = write_all(descriptor, path, bytes, length);
  if (close(descriptor) != 0 && or_ok(status)) status = system_error("written", path, errno);
  return status;
}

or_status_t or_file_write(const char *path, const void *bytes, size_t length) {
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) return write_in_place(path, bytes, length);
  or_file_writer_t writer;
  or_status_t status = or_file_writer_begin(&writer, path, true);
  if (!or_ok(status)) return status;
  return or_file_writer_end(&writer, or_file_writer_append(&writer, bytes, length));
}

static or_status_t already_exists(const char *path) {
  return or_error(OR_ALREADY_EXISTS, "\"%s\" exists and is not overwritten", path);
}

or_status_t or_file_writer_begin(or_file_writer_t *writer, const char *path, bool replace) {
  static atomic_uint counter;
  struct stat info;
  writer->descriptor = -1;
  writer->length = 0;
  writer->replace = replace;
  int count = snprintf(writer->path, sizeof writer->path, "%s", path);
  if (count >= 0 && (size_t)count < sizeof writer->path)
    count = snprintf(writer->temporary, sizeof writer->temporary, "%s.%ld-%u.tmp", path, (long)getpid(),
                     atomic_fetch_add(&counter, 1));
  if (count < 0 || (size_t)count >= sizeof writer->temporary) return system_error("written", path, ENAMETOOLONG);
  if (!replace && lstat(path, &info) == 0) return already_exists(path);
  writer->descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  return writer->descriptor < 0 ? system_error("written", path, errno) : or_status_success();
}

or_status_t or_file_writer_append(or_file_writer_t *writer, const void *bytes, size_t length) {
  or_status_t status = write_all(writer->descriptor, writer->path, bytes, length);
  if (or_ok(status)) writer->length += length;
  return status;
}

/* A link fails where a name is taken, which a rename does not; some file systems have none. */
static or_status_t give_name(const or_file_writer_t *writer) {
  struct stat info;
  if (!writer->replace && link(writer->temporary, writer->path) == 0) {
    (void)unlink(writer->temporary);
    return or_status_success();
  }
  if (!writer->replace && (errno == EEXIST || lstat(writer->path, &info) == 0)) return already_exists(writer->path);
  return rename(writer->temporary, writer->path) == 0 ? or_status_success()
                                                      : system_error("written", writer->path, errno);
}

or_status_t or_file_writer_end(or_file_writer_t *writer, or_status_t status) {
  if (writer->descriptor < 0) return status;
  /* Some file systems have no fsync; the rename is then all there is. */
  if (or_ok(status) && fsync(writer->descriptor) != 0 && errno != EINVAL && errno != ENOTSUP)
    status = system_error("written", writer->path, errno);
  if (close(writer->descriptor) != 0 && or_ok(status)) status = system_error("written", writer->path, errno);
  writer->descriptor = -1;
  if (or_ok(status)) status = give_name(writer);
  if (!or_ok(status)) (void)unlink(writer->temporary);
  return status;
}

struct or_file_t {
  or_ref_t ref;
  const or_allocator_t *allocator;
  int descriptor;
  struct stat opened; /* size and times when opened */
  char *path;
  atomic_uint_fast64_t bytes_read;
};

static or_status_t make_file(const or_allocator_t *allocator, const char *path, or_file_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_file_t), &memory);
  if (!or_ok(status)) return status;
  or_file_t *file = memory;
  or_ref_init(&file->ref);
  file->allocator = allocator;
  file->descriptor = -1;
  status = or_strdup(allocator, path, &file->path);
  *out = file;
  return status;
}

static or_status_t give_file(or_status_t status, or_file_t **out) {
  if (or_ok(status)) return status;
  or_file_release(*out);
  *out = NULL;
  return status;
}

or_status_t or_file_open(const or_allocator_t *allocator, const char *path, or_file_t **out) {
  or_status_t status = make_file(allocator, path, out);
  if (or_ok(status)) status = open_regular(path, &(*out)->descriptor, &(*out)->opened);
  return give_file(status, out);
}

/* Part after part, each from its folder's descriptor, which nobody can exchange. */
static or_status_t open_parts(const char *folder, const char *path, int *out) {
  char part[OR_FILE_PATH_BYTES];
  int at = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (at < 0) return system_error("opened", folder, errno);
  for (const char *from = path, *slash = NULL; at >= 0; from = slash + 1) {
    slash = strchr(from, '/');
    const size_t length = slash != NULL ? (size_t)(slash - from) : strlen(from);
    if (length >= sizeof part) {
      (void)close(at);
      return system_error("opened", path, ENAMETOOLONG);
    }
    or_format(part, sizeof part, "%.*s", (int)length, from);
    const bool outside = strcmp(part, "..") == 0;
    const int next = outside ? -1 : openat(at, part, OPEN_TO_READ | O_NOFOLLOW | (slash != NULL ? O_DIRECTORY : 0));
    const int error = outside ? ELOOP : errno;
    (void)close(at);
    at = next;
    if (next >= 0 && slash == NULL) break;
    if (next < 0 && error != ELOOP && error != ENOTDIR) return system_error("opened", path, error);
  }
  *out = at;
  if (at >= 0) return or_status_success();
  return or_error(OR_PERMISSION_DENIED, "file \"%s\" in \"%s\" is reached by a link, which is not followed", path,
                  folder);
}

or_status_t or_file_open_below(const or_allocator_t *allocator, const char *folder, const char *path, or_file_t **out) {
  char joined[2 * OR_FILE_PATH_BYTES];
  or_status_t status = make_file(allocator, or_format(joined, sizeof joined, "%s/%s", folder, path), out);
  if (or_ok(status)) status = open_parts(folder, path, &(*out)->descriptor);
  if (or_ok(status)) status = keep_regular(joined, &(*out)->descriptor, &(*out)->opened);
  return give_file(status, out);
}

void or_file_retain(or_file_t *file) { or_ref_retain(&file->ref); }

void or_file_release(or_file_t *file) {
  if (file == NULL || !or_ref_release(&file->ref)) return;
  if (file->descriptor >= 0) (void)close(file->descriptor);
  or_free(file->allocator, file->path);
  or_free(file->allocator, file);
}

uint64_t or_file_size(const or_file_t *file) { return (uint64_t)file->opened.st_size; }

const char *or_file_path(const or_file_t *file) { return file->path; }

uint64_t or_file_identity(const or_file_t *file) {
#if defined(__APPLE__)
  const struct timespec *modified = &file->opened.st_mtimespec, *changed = &file->opened.st_ctimespec;
#else
  const struct timespec *modified = &file->opened.st_mtim, *changed = &file->opened.st_ctim;
#endif
  const int64_t facts[] = {(int64_t)file->opened.st_dev, (int64_t)file->opened.st_ino, (int64_t)file->opened.st_size,
                           (int64_t)modified->tv_sec,    (int64_t)modified->tv_nsec,   (int64_t)changed->tv_sec,
                           (int64_t)changed->tv_nsec};
  return or_hash_bytes(facts, sizeof facts, 0);
}

static bool same_time(const struct stat *a, const struct stat *b) {
#if defined(__APPLE__)
  return a->st_mtimespec.tv_sec == b->st_mtimespec.tv_sec && a->st_mtimespec.tv_nsec == b->st_mtimespec.tv_nsec;
#else
  return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
#endif
}

uint64_t or_file_bytes_read(const or_file_t *file) {
  return atomic_load_explicit(&((or_file_t *)(uintptr_t)file)->bytes_read, memory_order_relaxed);
}

static or_status_t check_unchanged(const or_file_t *file) {
  struct stat now;
  if (fstat(file->descriptor, &now) != 0) return system_error("examined", file->path, errno);
  if (now.st_size == file->opened.st_size && same_time(&now, &file->opened)) return or_status_success();
  return or_error(OR_DATA_LOSS, "file \"%s\" was changed while it was read: it had %llu bytes and has %llu now",
                  file->path, (unsigned long long)file->opened.st_size, (unsigned long long)now.st_size);
}

or_status_t or_file_check(const or_file_t *file) {
  struct stat there;
  or_status_t status = check_unchanged(file);
  if (!or_ok(status)) return status;
  if (stat(file->path, &there) == 0 && there.st_dev == file->opened.st_dev && there.st_ino == file->opened.st_ino)
    return status;
  return or_error(OR_DATA_LOSS, "file \"%s\" was replaced or removed while it was read", file->path);
}

or_status_t or_file_read_at(or_file_t *file, uint64_t offset, void *bytes, size_t length) {
  uint64_t size = or_file_size(file);
  if (offset > size || length > size - offset) {
    return or_error(OR_DATA_LOSS, "file \"%s\": bytes %llu to %llu asked for, but it has %llu", file->path,
                    (unsigned long long)offset, (unsigned long long)offset + length, (unsigned long long)size);
  }
  char *to = bytes;
  for (size_t done = 0; done < length;) {
    ssize_t count = pread(file->descriptor, to + done, length - done, (off_t)(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", file->path, errno);
    if (count == 0) {
      return or_error(OR_DATA_LOSS, "file \"%s\" shrank while it was read: it had %llu bytes and ends at %llu now",
                      file->path, (unsigned long long)size, (unsigned long long)(offset + done));
    }
    done += (size_t)count;
  }
  (void)atomic_fetch_add_explicit(&file->bytes_read, length, memory_order_relaxed);
  return check_unchanged(file);
}

bool or_file_program(char *path, size_t capacity) {
#if defined(__APPLE__)
  char given[OR_FILE_PATH_BYTES], resolved[PATH_MAX];
  uint32_t size = sizeof given;
  if (_NSGetExecutablePath(given, &size) != 0 || realpath(given, resolved) == NULL) return false;
  if (strlen(resolved) >= capacity) return false;
  or_format(path, capacity, "%s", resolved);
  return true;
#else
  ssize_t length = capacity > 0 ? readlink("/proc/self/exe", path, capacity) : -1;
  if (length <= 0 || (size_t)length >= capacity) return false;
  path[length] = '\0';
  return true;
#endif
}
