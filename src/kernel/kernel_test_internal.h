#ifndef OR_KERNEL_KERNEL_TEST_INTERNAL_H
#define OR_KERNEL_KERNEL_TEST_INTERNAL_H
/* For the tests of this folder: what a process has open, and whether another has ended. After cmocka. */

#include <dirent.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/testing.h"

static inline size_t open_descriptors(void) {
  size_t count = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder) != NULL) ++count;
  (void)closedir(folder);
  return count;
}

/* Gone, or a zombie that some init has yet to collect. */
static inline bool has_ended(pid_t pid) {
  char path[64], text[512] = "";
  (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
  FILE *file = fopen(path, "re");
  if (file == NULL) return true;
  const bool read = fgets(text, sizeof text, file) != NULL;
  (void)fclose(file);
  return !read || strstr(text, ") Z ") != NULL || strstr(text, ") X ") != NULL;
}

#endif
