#ifndef OR_TESTS_FAULT_DISK_H
#define OR_TESTS_FAULT_DISK_H
/* A disk whose cache is this process: what was written and not synced lies in memory here, and is gone when the process
 * is killed, as it would be when power fails. An SQLite VFS over the system's, and the writing of tensor files. */

#include "store/store.h"

#define DISK_VFS "or-volatile"

typedef struct disk_options_t {
  /* Of a hundred unsynced writes, how many reach the real file at once: a real disk keeps any of them, in any order. */
  unsigned through_percent;
  uint64_t seed;
  const char *full_path; /* while this file exists, nothing can be written; NULL: there is always room */
} disk_options_t;

/* Once in a program, before the store is opened. False: SQLite would not have it. */
bool disk_register(const disk_options_t *options);
extern const or_store_files_t disk_files;

#endif
