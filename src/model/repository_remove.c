/* Taking a model out of its folder: gone at once by a new name, then file by file. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/string.h"
#include "model/repository.h"

#define MAX_DEPTH 32       /* of folders in a model's folder */
#define PREFIX ".removed-" /* no model's name: what has it is on its way out */

static or_status_t failure(int error, const char *name) {
  char words[128];
  const or_status_code_t code = error == EACCES || error == EPERM || error == EROFS ? OR_PERMISSION_DENIED
                                : error == ENOENT                                   ? OR_NOT_FOUND
                                                                                    : OR_UNAVAILABLE;
  return or_error(code, "model \"%.200s\" can't be removed: %s", name, or_errno_text(error, words, sizeof words));
}

static int remove_below(int folder, int depth);

/* A file, a link, or a folder with all in it; what is not there any more is well. The errno of the first failure. */
static int remove_entry(int folder, const char *name, int depth) {
  struct stat info;
  if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? 0 : errno;
  if (!S_ISDIR(info.st_mode)) return unlinkat(folder, name, 0) == 0 || errno == ENOENT ? 0 : errno;
  if (depth == MAX_DEPTH) return ELOOP;
  const int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (inner < 0) return errno == ENOENT ? 0 : errno;
  const int error = remove_below(inner, depth + 1);
  if (error != 0) return error;
  return unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

/* All in a folder; closes it. */
static int remove_below(int folder, int depth) {
  DIR *handle = fdopendir(folder);
  int first = 0;
  if (handle == NULL) {
    first = errno;
    (void)close(folder);
    return first;
  }
  for (struct dirent *entry; (entry = readdir(handle)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    const int error = remove_entry(dirfd(handle), entry->d_name, depth);
    if (first == 0) first = error;
  }
  (void)closedir(handle);
  return first;
}

/* Under another name, so that nobody finds half a model. */
static int set_aside(int folder, const char *name, int into) {
  static atomic_uint number;
  char aside[64];
  or_format(aside, sizeof aside, PREFIX "%lld-%u", (long long)or_clock_wall_us(), atomic_fetch_add(&number, 1));
  return renameat(folder, name, into, aside) == 0 ? 0 : errno;
}

/* What was set aside, also by a process that ended too soon. */
static int sweep(int folder) {
  int first = 0;
  const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *handle = copy >= 0 ? fdopendir(copy) : NULL;
  if (handle == NULL) {
    first = errno;
    if (copy >= 0) (void)close(copy);
    return first;
  }
  for (struct dirent *entry; (entry = readdir(handle)) != NULL;) {
    if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0) continue;
    const int error = remove_entry(folder, entry->d_name, 0);
    if (first == 0) first = error;
  }
  (void)closedir(handle);
  return first;
}

static bool is_file(int folder, const char *name) {
  struct stat info;
  return fstatat(folder, name, &info, 0) == 0 && S_ISREG(info.st_mode);
}

/* NAME.onnx is the model before NAME is, as or_repository_find has it. */
static int set_model_aside(int folder, const char *name) {
  static const char *const beside[] = {".json", ".onnx.data"};
  char file[OR_REPOSITORY_NAME_BYTES + 16];
  if (!is_file(folder, or_format(file, sizeof file, "%s.onnx", name))) return set_aside(folder, name, folder);
  const int error = set_aside(folder, file, folder);
  for (size_t i = 0; error == 0 && i < sizeof beside / sizeof *beside; ++i) {
    or_format(file, sizeof file, "%s%s", name, beside[i]);
    if (is_file(folder, file)) (void)set_aside(folder, file, folder); /* without its model it is a file like others */
  }
  return error;
}

static int set_version_aside(int folder, const char *name, int64_t version) {
  char number[24];
  const int model = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (model < 0) return errno;
  or_format(number, sizeof number, "%lld", (long long)version);
  const int error = set_aside(model, number, folder);
  (void)close(model);
  return error;
}

or_status_t or_repository_remove(const char *directory, const char *name, int64_t version) {
  if (!or_repository_name_valid(name)) return or_error(OR_INVALID_ARGUMENT, "\"%.200s\" is no model's name", name);
  const int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return failure(errno, name);
  int error = version < 0 ? set_model_aside(folder, name) : set_version_aside(folder, name, version);
  if (error == 0) error = sweep(folder);
  (void)close(folder);
  return error == 0 ? or_status_success() : failure(error, name);
}
