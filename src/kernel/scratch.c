#include "kernel/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/string.h"

#define PREFIX "openruntime-worker-"
#define SETTLED_SECONDS 60 /* a folder that is new is perhaps about to be taken */

static const char *temporary_folder(void) {
  const char *folder = getenv("TMPDIR");
  return folder != NULL && folder[0] == '/' ? folder : "/tmp";
}

/* The lock goes with the last descriptor, however its process ends. -1: it is another's, or can't be opened. */
static int take(const char *path) {
  const int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0 || flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  (void)close(descriptor);
  return -1;
}

bool or_scratch_has_room(const char *folder, uint64_t bytes) {
  struct statvfs facts;
  if (statvfs(folder, &facts) != 0 || facts.f_blocks == 0) return true;
  return facts.f_bavail >= bytes / facts.f_frsize + (bytes % facts.f_frsize != 0);
}

or_status_t or_scratch_create(char *path, size_t capacity, int *taken) {
  char words[96];
  *taken = -1;
  path[0] = '\0';
  if (!or_scratch_has_room(temporary_folder(), OR_SCRATCH_FREE_BYTES))
    return or_error(OR_RESOURCE_EXHAUSTED, "a worker of kernels needs %u MiB in \"%s\"; TMPDIR names another folder",
                    (unsigned)(OR_SCRATCH_FREE_BYTES >> 20), temporary_folder());
  or_format(path, capacity, "%s/" PREFIX "XXXXXX", temporary_folder());
  const bool made = mkdtemp(path) != NULL;
  if (made) *taken = take(path);
  if (*taken >= 0) return or_status_success();
  const int error = errno;
  if (made) (void)rmdir(path);
  path[0] = '\0';
  return or_error(error == ENOSPC || error == EMFILE || error == ENFILE ? OR_RESOURCE_EXHAUSTED : OR_UNAVAILABLE,
                  "a worker of kernels needs a folder in \"%s\": %s; TMPDIR names another", temporary_folder(),
                  or_errno_text(error, words, sizeof words));
}

void or_scratch_sweep(const or_cancel_t *end) {
  char path[PATH_MAX];
  const char *base = temporary_folder();
  DIR *folder = opendir(base);
  if (folder == NULL) return;
  for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    struct stat facts;
    if (!or_string_starts_with(entry->d_name, PREFIX)) continue;
    or_format(path, sizeof path, "%s/%s", base, entry->d_name);
    if (lstat(path, &facts) != 0 || !S_ISDIR(facts.st_mode) || facts.st_uid != geteuid() ||
        facts.st_mtime > time(NULL) - SETTLED_SECONDS)
      continue;
    const int taken = take(path);
    if (taken < 0) continue;
    or_scratch_remove(path, end);
    (void)close(taken);
  }
  (void)closedir(folder);
}

/* --- Removing ---
 *
 * Trees may be as deep and as wide as whoever made them liked, and may change meanwhile. So nothing is done by a path,
 * no link is followed, and depth costs neither stack nor descriptors: what a folder holds that is not empty is lifted
 * to the top, and is emptied there in its turn. */

#define REMOVE_NS \
  ((int64_t)600 * 1000000000) /* who makes rubbish faster than it is removed does not keep us for ever */

typedef struct removal_t {
  int top;
  uint64_t lifted; /* folders so far: their names at the top */
  or_cancel_t end;
  bool changed; /* something went, or was lifted, in this pass */
} removal_t;

/* A folder of a folder, itself and no link to one; NULL: it is none. */
static DIR *open_below(int folder, const char *name) {
  const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int descriptor = openat(folder, name, O_RDONLY | flags);
#if defined(O_PATH)
  if (descriptor < 0 && errno == EACCES) { /* its owner may have it all the same */
    char path[32];
    const int place = openat(folder, name, O_PATH | flags);
    or_format(path, sizeof path, "/proc/self/fd/%d", place);
    if (place >= 0 && chmod(path, 0700) == 0) descriptor = openat(place, ".", O_RDONLY | flags);
    if (place >= 0) (void)close(place);
  }
#endif
  DIR *handle = descriptor >= 0 ? fdopendir(descriptor) : NULL;
  if (handle == NULL && descriptor >= 0) (void)close(descriptor);
  return handle;
}

static const struct dirent *next_entry(DIR *folder) {
  const struct dirent *entry = readdir(folder);
  while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0))
    entry = readdir(folder);
  return entry;
}

/* False: a folder that holds something, or what can't be removed. */
static bool remove_one(int folder, const char *name) {
  return unlinkat(folder, name, 0) == 0 || unlinkat(folder, name, AT_REMOVEDIR) == 0;
}

static void lift(removal_t *removal, int folder, const char *name) {
  char to[32];
  DIR *itself = open_below(folder, name); /* one that is closed to its owner can't be moved */
  if (itself != NULL) (void)closedir(itself);
  bool is_taken = true;
  while (is_taken && !or_cancel_requested(&removal->end)) {
    or_format(to, sizeof to, "lifted-%llu", (unsigned long long)removal->lifted++);
    const bool done = renameat(folder, name, removal->top, to) == 0;
    is_taken = !done && (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR);
    removal->changed = removal->changed || done;
  }
}

/* Of a folder at the top: what it holds goes, or comes to the top beside it. */
static void empty_one(removal_t *removal, const char *name) {
  DIR *folder = open_below(removal->top, name);
  if (folder == NULL) return;
  for (const struct dirent *entry; !or_cancel_requested(&removal->end) && (entry = next_entry(folder)) != NULL;) {
    if (remove_one(dirfd(folder), entry->d_name)) {
      removal->changed = true;
    } else {
      lift(removal, dirfd(folder), entry->d_name);
    }
  }
  (void)closedir(folder);
}

void or_scratch_remove(const char *path, const or_cancel_t *end) {
  DIR *top = open_below(AT_FDCWD, path);
  if (top == NULL) return;
  removal_t removal = {.top = dirfd(top), .changed = true};
  or_cancel_init_within(&removal.end, or_clock_ns() + REMOVE_NS, end);
  while (removal.changed && !or_cancel_requested(&removal.end)) {
    removal.changed = false;
    rewinddir(top);
    for (const struct dirent *entry; (entry = next_entry(top)) != NULL && !or_cancel_requested(&removal.end);) {
      bool gone = remove_one(removal.top, entry->d_name);
      if (!gone) {
        empty_one(&removal, entry->d_name);
        gone = remove_one(removal.top, entry->d_name);
      }
      removal.changed = removal.changed || gone;
    }
  }
  (void)closedir(top);
  (void)rmdir(path); /* it stays where something in it does */
}

/* --- What workers keep --- */

#define MOST_FOLDERS 16 /* one in the other: compilers need fewer */
#define MOST_ENTRIES 250000u

/* Whether it is more than a cache should be: bytes, entries, folders in folders. */
static bool is_too_large(const char *path) {
  DIR *open[MOST_FOLDERS] = {open_below(AT_FDCWD, path)};
  uint64_t bytes = 0;
  uint32_t depth = open[0] != NULL ? 1 : 0, entries = 0;
  bool too_large = false;
  while (depth > 0 && !too_large) {
    struct stat facts;
    const struct dirent *entry = next_entry(open[depth - 1]);
    if (entry == NULL) {
      (void)closedir(open[--depth]);
      continue;
    }
    if (fstatat(dirfd(open[depth - 1]), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISREG(facts.st_mode)) bytes += (uint64_t)facts.st_size;
    too_large =
        bytes > OR_SCRATCH_CACHE_BYTES || ++entries > MOST_ENTRIES || (S_ISDIR(facts.st_mode) && depth == MOST_FOLDERS);
    if (too_large || !S_ISDIR(facts.st_mode)) continue;
    open[depth] = open_below(dirfd(open[depth - 1]), entry->d_name);
    depth += open[depth] != NULL;
  }
  while (depth > 0) (void)closedir(open[--depth]);
  return too_large;
}

/* A folder of this user alone; false where something else stands in its place. */
static bool make_folder(const char *path) {
  struct stat facts;
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return false;
  return lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == geteuid();
}

#define MAX_OWNER_BYTES 100 /* whose folder's name a file system takes */
#define RUBBISH "rubbish-"

/* Out of the way, under a name of its own beside the others; its content goes later. */
static void put_aside(const char *folder, const char *path) {
  char aside[OR_FILE_PATH_BYTES];
  or_format(aside, sizeof aside, "%s/" RUBBISH "XXXXXX", folder);
  if (mkdtemp(aside) != NULL && rename(path, aside) != 0) (void)rmdir(aside);
}

void or_scratch_cache(const char *cache_directory, const char *owner, char *path, size_t capacity) {
  char folder[OR_FILE_PATH_BYTES];
  const size_t owner_bytes = strlen(owner);
  path[0] = '\0';
  if (cache_directory[0] == '\0' || owner_bytes > MAX_OWNER_BYTES ||
      strlen(cache_directory) + sizeof "/kernels/owner-" + 2 * owner_bytes >= capacity)
    return;
  or_format(path, capacity, "%s/kernels", cache_directory);
  or_format(folder, sizeof folder, "%s", path);
  bool made = make_folder(path);
  or_format(path + strlen(path), capacity - strlen(path), "/owner-");
  for (size_t i = 0; i < owner_bytes; ++i)
    or_format(path + strlen(path), capacity - strlen(path), "%02x", (unsigned char)owner[i]);
  made = made && make_folder(path);
  if (made && is_too_large(path)) {
    put_aside(folder, path);
    made = make_folder(path);
  }
  if (!made || !or_scratch_has_room(path, OR_SCRATCH_FREE_BYTES)) path[0] = '\0';
}

void or_scratch_sweep_cache(const char *cache_directory, const or_cancel_t *end) {
  char folder[OR_FILE_PATH_BYTES], path[OR_FILE_PATH_BYTES];
  or_format(folder, sizeof folder, "%s/kernels", cache_directory);
  DIR *kernels = cache_directory[0] != '\0' ? open_below(AT_FDCWD, folder) : NULL;
  if (kernels == NULL) return;
  for (const struct dirent *entry; (entry = next_entry(kernels)) != NULL;) {
    if (!or_string_starts_with(entry->d_name, RUBBISH)) continue;
    or_format(path, sizeof path, "%s/%s", folder, entry->d_name);
    or_scratch_remove(path, end);
  }
  (void)closedir(kernels);
}
