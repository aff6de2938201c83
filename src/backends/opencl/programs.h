#ifndef OR_BACKENDS_OPENCL_PROGRAMS_H
#define OR_BACKENDS_OPENCL_PROGRAMS_H
/* Compiled programs of a device by source and options: in memory, and in the folder of caches where there is one. */

#include "backends/opencl/device_internal.h"

typedef struct or_cl_programs_t or_cl_programs_t;
or_status_t or_cl_programs_create(or_cl_device_t *device, const or_cl_found_t *found, or_cl_programs_t **out);
void or_cl_programs_free(or_cl_programs_t *programs); /* takes NULL; no kernel of them is left */

/* The program of an embedded source, with common.cl before it. *out lives as long as the device. INTERNAL: the
 * device's compiler refuses it, and the message has its log; RESOURCE_EXHAUSTED, DEVICE_LOST. Any thread. */
or_status_t or_cl_programs_get(or_cl_programs_t *programs, const char *source, const char *options,
                               or_cl_program_ref_t *out);

/* A program of any source, compiled or from the disk; the caller releases it. *log: what the compiler said, cut to the
 * capacity, terminated. INVALID_ARGUMENT: the source is refused. *cached: it came from the disk. */
typedef struct or_cl_source_t {
  const char *const *texts; /* one after the other */
  const size_t *lengths;
  uint32_t count;
  const char *options;
  char *log;
  size_t log_capacity;
  bool anew; /* by the compiler, whatever the disk has */
} or_cl_source_t;
or_status_t or_cl_programs_build(or_cl_programs_t *programs, const or_cl_source_t *source, or_cl_program_ref_t *out,
                                 bool *cached);

typedef struct or_cl_programs_counters_t {
  uint64_t compiled, loaded; /* by the compiler; from the disk */
} or_cl_programs_counters_t;
or_cl_programs_counters_t or_cl_programs_counters(or_cl_programs_t *programs);

/* A file of kernels/, embedded; made by the build. */
typedef struct or_cl_embedded_t {
  const char *name; /* without its ending */
  const char *text;
  const size_t *bytes;
} or_cl_embedded_t;
extern const or_cl_embedded_t or_cl_embedded[]; /* a NULL name ends it */

#endif
