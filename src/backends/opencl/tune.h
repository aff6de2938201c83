#ifndef OR_BACKENDS_OPENCL_TUNE_H
#define OR_BACKENDS_OPENCL_TUNE_H
/* Choices between launches that give the same: timed on the device when they are first met, kept in memory and, where
 * there is a folder of caches, in a text file for each device. Any thread. */

#include "backends/opencl/program_internal.h"

typedef struct or_cl_tune_t or_cl_tune_t; /* an opened device's */

/* What is in the device's file is taken; one that is corrupt or of another device counts as none.
 * RESOURCE_EXHAUSTED. */
or_status_t or_cl_tune_create(const or_cl_device_t *device, const or_device_facts_t *facts, or_cl_tune_t **out);
void or_cl_tune_free(or_cl_tune_t *tune); /* takes NULL */

/* The launch of candidate `index`, or NULL if it can't run here. Valid until the next call. */
typedef const or_cl_launch_t *(*or_cl_tune_candidate_t)(void *self, size_t index);
typedef struct or_cl_tune_question_t {
  char key[48];        /* what is chosen, and for which sizes: letters, digits, '.', '_' and '-' */
  size_t count, usual; /* candidates, and the one to take where none can be timed */
  or_cl_tune_candidate_t candidate;
  void *self;
} or_cl_tune_question_t;
/* *choice < count. What can't be timed for want of memory, or is not compiled, is left out. DEVICE_LOST. */
or_status_t or_cl_tune_choose(or_cl_build_t *build, const or_cl_tune_question_t *question, size_t *choice);

/* --- The text of a file, and back --- */

#define OR_CL_TUNE_MAX_ENTRIES 256u
typedef struct or_cl_tune_entry_t {
  char key[48];
  uint32_t choice;
} or_cl_tune_entry_t;
/* False: it is none of that device, or not whole; *count is 0 then. Pure. */
bool or_cl_tune_parse(const char *text, size_t length, const char *device, or_cl_tune_entry_t *entries,
                      uint32_t *count);
struct or_text_t;
or_status_t or_cl_tune_format(const char *device, const or_cl_tune_entry_t *entries, uint32_t count,
                              struct or_text_t *out);

#endif
