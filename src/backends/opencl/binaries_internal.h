#ifndef OR_BACKENDS_OPENCL_BINARIES_INTERNAL_H
#define OR_BACKENDS_OPENCL_BINARIES_INTERNAL_H
/* Compiled programs on the disk: a file each in the folder of caches, whole or not there. A file begins with a line of
 * magic, then says its key, which must be the same text, and the length and checksum of what follows. */

#include "backends/opencl/programs.h"
#include "base/numbers.h"

typedef struct or_cl_binaries_t {
  const or_cl_device_t *device;
  const char *folder; /* "": nothing is kept */
  char identity[512]; /* our version, the device, its driver: part of every key */
} or_cl_binaries_t;

typedef struct or_cl_binary_key_t {
  char text[2048]; /* everything that decides the binary, one thing a line */
  char path[1024]; /* its file; "": none */
} or_cl_binary_key_t;

void or_cl_binaries_init(or_cl_binaries_t *binaries, const or_cl_device_t *device, const or_cl_found_t *found);
void or_cl_binaries_key(const or_cl_binaries_t *binaries, const or_cl_source_t *source, const char *options,
                        or_cl_binary_key_t *out);
/* *out NULL: there is none, or it is corrupt or of another key. Free with or_free. RESOURCE_EXHAUSTED. */
or_status_t or_cl_binaries_load(const or_cl_binaries_t *binaries, const or_cl_binary_key_t *key, char **out,
                                size_t *bytes);
/* What can't be kept is compiled again next time. Where the folder's programs are more than OR_CL_BINARIES_BYTES then,
 * those that were not used for the longest time go. */
#define OR_CL_BINARIES_BYTES ((uint64_t)512 << 20)
void or_cl_binaries_save(const or_cl_binaries_t *binaries, const or_cl_binary_key_t *key, or_cl_program_ref_t program);

/* If programs in `folder` have more than `limit` bytes: removes those of them that were not used for the longest time,
 * until no more than three quarters of it are left. Other processes may use them meanwhile. */
void or_cl_binaries_trim(const or_allocator_t *allocator, const char *folder, uint64_t limit);

/* What a file must be to be used: the binary's place in it. Pure. False: it is something else. */
bool or_cl_binary_parse(const char *file, size_t bytes, const char *key, const char **binary, size_t *binary_bytes);

#endif
