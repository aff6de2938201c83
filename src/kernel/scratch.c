#include "kernel/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/string.h"

#define OPEN_FOLDERS 16 /* while a tree is walked; deeper ones are opened again */

or_status_t or_scratch_create(char *path, size_t capacity) {
  const char *base = getenv("TMPDIR");
  char words[96];
  if (base == NULL || base[0] != '/') base = "/tmp";
  or_format(path, capacity, "%s/openruntime-worker-XXXXXX", base);
  if (mkdtemp(path) != NULL) return or_status_success();
  path[0] = '\0';
  return or_error(errno == ENOSPC ? OR_RESOURCE_EXHAUSTED : OR_UNAVAILABLE,
                  "a worker of kernels needs a folder in \"%s\": %s; TMPDIR names another", base,
                  or_errno_text(errno, words, sizeof words));
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
  if (!made) path[0] = '\0';
}
