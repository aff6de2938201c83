#ifndef OR_TESTS_FAULT_MEMORY_H
#define OR_TESTS_FAULT_MEMORY_H
/* Memory that runs out when another process says so: the n-th allocation of the process fails, once, whether ours
 * (or_allocator_system), a piece of an arena or SQLite's. */

#include <stdbool.h>
#include <stddef.h>

/* `path`: a file of MEMORY_WORDS 64-bit words that both processes map:
 *   0  which allocation fails, counted from 1; 0: none
 *   1  how many there were since the other process wrote 0 here
 *   2  1 once the one to fail has been asked for
 *   3  blocks of ours that are held now
 * NULL: nothing ever fails. Before anything else in a program; false: the file can't be mapped. */
#define MEMORY_WORDS 4
bool memory_open(const char *path);
/* Blocks of ours that are held now; 0 where nothing is counted. */
size_t memory_held(void);

#endif
