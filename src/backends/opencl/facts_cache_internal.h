#ifndef OR_BACKENDS_OPENCL_FACTS_CACHE_INTERNAL_H
#define OR_BACKENDS_OPENCL_FACTS_CACHE_INTERNAL_H
/* What the platforms said last time, in a small text file in the folder of caches: asking them may take a third of a
 * second and load hundreds of megabytes. The file holds as long as the library, the list of drivers, the device files,
 * the environment that drivers read and the boot are the same. */

#include "backends/opencl/device_internal.h"

/* False: there is none, or it is of another state of the machine, or corrupt. */
bool or_cl_facts_cache_load(const or_allocator_t *allocator, const char *folder, or_cl_found_t *found,
                            uint32_t capacity, uint32_t *count);
/* What can't be kept is asked for again next time. */
void or_cl_facts_cache_save(const or_allocator_t *allocator, const char *folder, const char *library,
                            const or_cl_found_t *found, uint32_t count);
void or_cl_facts_cache_remove(const char *folder);

/* The text of a file, and back. *library points into the text: `library_bytes` of it. `capabilities` become static
 * strings. Pure. False: it is none. */
typedef struct or_cl_facts_file_t {
  const char *library;
  size_t library_bytes;
  uint64_t key;
} or_cl_facts_file_t;
bool or_cl_facts_cache_parse(const char *text, size_t length, or_cl_facts_file_t *file, or_cl_found_t *found,
                             uint32_t capacity, uint32_t *count);
struct or_text_t;
or_status_t or_cl_facts_cache_format(const char *library, uint64_t key, const or_cl_found_t *found, uint32_t count,
                                     struct or_text_t *out);
/* A number for the state of the machine that the facts depend on. */
uint64_t or_cl_facts_cache_key(const or_allocator_t *allocator, const char *library);

#endif
