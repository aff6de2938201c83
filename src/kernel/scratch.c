#include "kernel/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/string.h"

#define OPEN_FOLDERS 16 /* while a tree is walked; deeper ones are opened again */

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

void or_scratch_sweep(void) {
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
    or_scratch_remove(path);
    (void)close(taken);
  }
  (void)closedir(folder);
}

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *place) {
  (void)facts, (void)kind, (void)place;
  (void)remove(path);
  return 0;
}

void or_scratch_remove(const char *path) { (void)nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS); }

/* Nothing else can be handed to who counts for nftw. */
static _Thread_local uint64_t counted_bytes;

static int count_entry(const char *path, const struct stat *facts, int kind, struct FTW *place) {
  (void)path, (void)place;
  if (kind == FTW_F) counted_bytes += (uint64_t)facts->st_size;
  return 0;
}

/* A folder of this user alone; false where something else stands in its place. */
static bool make_folder(const char *path) {
  struct stat facts;
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return false;
  return lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == geteuid();
}

#define MAX_OWNER_BYTES 100 /* whose folder's name a file system takes */

void or_scratch_cache(const char *cache_directory, const char *owner, char *path, size_t capacity) {
  const size_t owner_bytes = strlen(owner);
  path[0] = '\0';
  if (cache_directory[0] == '\0' || owner_bytes > MAX_OWNER_BYTES ||
      strlen(cache_directory) + sizeof "/kernels/owner-" + 2 * owner_bytes >= capacity)
    return;
  or_format(path, capacity, "%s/kernels", cache_directory);
  bool made = make_folder(path);
  or_format(path + strlen(path), capacity - strlen(path), "/owner-");
  for (size_t i = 0; i < owner_bytes; ++i)
    or_format(path + strlen(path), capacity - strlen(path), "%02x", (unsigned char)owner[i]);
  counted_bytes = 0;
  made = made && make_folder(path) && nftw(path, count_entry, OPEN_FOLDERS, FTW_PHYS) == 0;
  if (made && counted_bytes > OR_SCRATCH_CACHE_BYTES) {
    or_scratch_remove(path);
    made = make_folder(path);
  }
  if (!made || !or_scratch_has_room(path, OR_SCRATCH_FREE_BYTES)) path[0] = '\0';
}
