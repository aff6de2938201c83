#ifndef OR_KERNEL_PROTOCOL_H
#define OR_KERNEL_PROTOCOL_H
/* What the library and a worker say to each other over a stream socket: a header, then as many bytes as it tells. One
 * request, one reply. Both sides run on one machine, so numbers have its own byte order. The worker may be in the hands
 * of a hostile kernel: what is parsed here is checked for everything that its reader relies on. */

#include "base/string.h"
#include "openruntime/backend/kernel.h"
#include "openruntime/kernel.h"

#define OR_WORKER_MAGIC 0x4b57524fu /* "ORWK" */
#define OR_WORKER_VERSION 1u
#define OR_WORKER_SOCKET 3               /* the worker's end */
#define OR_WORKER_REPLY_BYTES (1u << 18) /* of a reply behind its header */
#define OR_WORKER_SLACK_BYTES (1u << 16) /* of a request beside its source */
#define OR_WORKER_NAME_BYTES 256u        /* of a parameter's name or type, with the terminator */
#define OR_WORKER_SCALAR_BYTES 128u      /* 16 elements of 8 bytes */

typedef enum or_worker_kind_t {
  OR_WORKER_OPEN = 1, /* answered by OPENED */
  OR_WORKER_OPENED,
  OR_WORKER_COMPILE, /* by COMPILED */
  OR_WORKER_COMPILED,
  OR_WORKER_RUN, /* carries a descriptor, the memory of the arguments, if one is a buffer; by RAN */
  OR_WORKER_RAN,
  OR_WORKER_FORGET, /* a kernel that is used no more; no answer */
} or_worker_kind_t;

typedef struct or_worker_header_t {
  uint32_t magic;
  uint16_t version, kind;
  uint32_t bytes; /* behind it */
} or_worker_header_t;
/* DATA_LOSS: no header of this version, or more bytes than `limit`. */
or_status_t or_worker_header_check(const or_worker_header_t *header, size_t limit);

/* A worker's first request. */
typedef struct or_worker_open_t {
  const char *device, *backend;            /* its id, and the backend that finds it */
  const char *cache_directory, *scratch;   /* folders that it may write to; the first may be "" */
  const char *cpu_isa;                     /* "": all */
  int32_t threads;                         /* 0: all */
  bool vendor_libraries, bounds_addresses; /* whether its address space can be bounded: no GPU's driver */
  uint64_t memory_bytes;
} or_worker_open_t;

/* How a request ended: of a failure the code and the words. */
typedef struct or_worker_outcome_t {
  or_status_code_t code; /* one of those that a backend's kernels give */
  char message[OR_STATUS_MESSAGE_BYTES];
} or_worker_outcome_t;
or_worker_outcome_t or_worker_outcome(or_status_t status); /* takes it */
or_status_t or_worker_outcome_status(const or_worker_outcome_t *outcome);

/* What keeps a worker within bounds beside its limits; bits of `sandbox`. */
enum { OR_SANDBOX_FILES = 1u, OR_SANDBOX_CALLS = 2u, OR_SANDBOX_ADDRESSES = 4u };

typedef struct or_worker_opened_t {
  or_worker_outcome_t outcome;
  uint32_t sandbox;
} or_worker_opened_t;

typedef struct or_worker_compile_t {
  uint32_t kernel; /* its name in later requests; one that is taken is replaced */
  uint32_t cpu_seconds;
  const char *source, *entry, *options;
  size_t source_bytes;
} or_worker_compile_t;

/* Strings lie in the parsed bytes. */
typedef struct or_worker_compiled_t {
  or_worker_outcome_t outcome;
  const char *log;
  uint64_t binary_bytes, local_bytes;
  bool cached;
  uint32_t max_block, max_blocks[3], required_block[3], parameter_count;
  or_kernel_parameter_t parameters[OR_KERNEL_MAX_PARAMETERS];
} or_worker_compiled_t;

typedef struct or_worker_value_t {
  or_kernel_role_t role;
  uint64_t offset, bytes; /* of a BUFFER in the descriptor's memory; LOCAL memory and a SCALAR have `bytes` only */
  unsigned char scalar[OR_WORKER_SCALAR_BYTES];
} or_worker_value_t;

typedef struct or_worker_run_t {
  uint32_t kernel, cpu_seconds;
  or_kernel_grid_t grid;
  uint32_t value_count;
  or_worker_value_t values[OR_KERNEL_MAX_PARAMETERS];
} or_worker_run_t;

typedef struct or_worker_ran_t {
  or_worker_outcome_t outcome;
  int64_t device_ns; /* -1: not known */
} or_worker_ran_t;

/* Header and body appended to `out`. RESOURCE_EXHAUSTED. */
or_status_t or_worker_write_open(const or_worker_open_t *message, or_text_t *out);
or_status_t or_worker_write_opened(const or_worker_opened_t *message, or_text_t *out);
or_status_t or_worker_write_compile(const or_worker_compile_t *message, or_text_t *out);
or_status_t or_worker_write_compiled(const or_worker_compiled_t *message, or_text_t *out);
or_status_t or_worker_write_run(const or_worker_run_t *message, or_text_t *out);
or_status_t or_worker_write_ran(const or_worker_ran_t *message, or_text_t *out);
or_status_t or_worker_write_forget(uint32_t kernel, or_text_t *out);

/* From what stands behind a header. DATA_LOSS: cut, longer than its content, or with a value that can't be. */
or_status_t or_worker_parse_open(const void *bytes, size_t length, or_worker_open_t *out);
or_status_t or_worker_parse_opened(const void *bytes, size_t length, or_worker_opened_t *out);
or_status_t or_worker_parse_compile(const void *bytes, size_t length, or_worker_compile_t *out);
or_status_t or_worker_parse_compiled(const void *bytes, size_t length, or_worker_compiled_t *out);
or_status_t or_worker_parse_run(const void *bytes, size_t length, or_worker_run_t *out);
or_status_t or_worker_parse_ran(const void *bytes, size_t length, or_worker_ran_t *out);
or_status_t or_worker_parse_forget(const void *bytes, size_t length, uint32_t *out);

#endif
