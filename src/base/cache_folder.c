#include "base/cache_folder.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"

#define FOLDER_MODE 0700

static or_status_t make_folders(const char *path);
static or_status_t check_owner(const char *path);

bool or_cache_folder_default(const char *(*get)(const char *name), char *path, size_t capacity) {
  static const struct {
    const char *variable, *below;
  } places[] = {{"XDG_CACHE_HOME", "openruntime"}, {"HOME", ".cache/openruntime"}};
  for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
    const char *above = get(places[i].variable);
    if (above == NULL || above[0] != '/') continue;
    if (strlen(above) + 1 + strlen(places[i].below) >= capacity) return false;
    (void)or_format(path, capacity, "%s/%s", above, places[i].below);
    return true;
  }
  return false;
}

static or_status_t failure(const char *path, int error) {
  char words[128];
  const bool full = error == ENOSPC || error == EDQUOT || error == ENOMEM;
  const or_status_code_t code = full ? OR_RESOURCE_EXHAUSTED : OR_PERMISSION_DENIED;
  return or_error(code, "cache folder \"%.400s\": %s", path, or_errno_text(error, words, sizeof words));
}

or_status_t or_cache_folder_open(const char *path, char *absolute, size_t capacity) {
  char resolved[PATH_MAX];
  if (strlen(path) >= OR_FILE_PATH_BYTES)
    return or_error(OR_INVALID_ARGUMENT, "cache folder: a path of %zu bytes; the limit is %d", strlen(path),
                    OR_FILE_PATH_BYTES - 1);
  or_status_t status = make_folders(path);
  if (!or_ok(status)) return status;
  if (realpath(path, resolved) == NULL) return failure(path, errno);
  if (strlen(resolved) >= capacity)
    return or_error(OR_INVALID_ARGUMENT, "cache folder: without links a path of %zu bytes; the limit is %zu",
                    strlen(resolved), capacity - 1);
  status = check_owner(resolved);
  if (or_ok(status)) (void)or_format(absolute, capacity, "%s", resolved);
  return status;
}

/* What is there is left as it is, whatever it is. */
static or_status_t make_folders(const char *path) {
  char partial[OR_FILE_PATH_BYTES];
  for (size_t i = 1; i <= strlen(path); ++i) {
    if (path[i] != '/' && path[i] != '\0') continue;
    (void)or_format(partial, sizeof partial, "%.*s", (int)i, path);
    if (mkdir(partial, FOLDER_MODE) == 0) continue;
    const int error = errno;
    if (access(partial, F_OK) != 0) return failure(partial, error);
  }
  return or_status_success();
}

/* Compiled kernels are read back and run: whoever may put a file there may do what this process may. */
static or_status_t check_owner(const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return failure(path, errno);
  if (!S_ISDIR(info.st_mode)) return or_error(OR_FAILED_PRECONDITION, "cache folder \"%.400s\": no folder", path);
  if (info.st_uid != geteuid())
    return or_error(OR_PERMISSION_DENIED, "cache folder \"%.400s\": user %u's, and not this process's", path,
                    (unsigned)info.st_uid);
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return or_error(OR_PERMISSION_DENIED, "cache folder \"%.400s\": others may write to it (mode %o); chmod 700 it",
                    path, (unsigned)info.st_mode & 07777u);
  return access(path, R_OK | W_OK | X_OK) == 0 ? or_status_success() : failure(path, errno);
}
