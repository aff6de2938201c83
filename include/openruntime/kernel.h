#ifndef OPENRUNTIME_KERNEL_H
#define OPENRUNTIME_KERNEL_H
/* Kernels of users: source code that is compiled at run time and run on a device, beside networks. It is not trusted:
 * the compiler and the kernel run in a worker process (`openruntime worker`) of that device and owner, without a
 * network, under bounds of time and memory; what exceeds them is killed with its worker and is an error to its caller
 * alone. */

#include "openruntime/backend/kernel.h"
#include "openruntime/runtime.h"
#include "openruntime/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct or_cancel_t or_cancel_t; /* a request to stop, the library's own: embedders give NULL */

/* The workers of a runtime, and their bounds. Counted; any thread. */
typedef struct or_kernels_t or_kernels_t;
/* A compiled kernel. Counted; any thread; it keeps its or_kernels_t. It outlives its worker: if that was killed, the
 * next run starts another and compiles again (from the cache, if there is one). */
typedef struct or_kernel_t or_kernel_t;

typedef struct or_kernels_options_t {
  /* The program that is started as `PROGRAM worker`. NULL: this one if it is openruntime, else OPENRUNTIME_PROGRAM of
   * the environment, else "openruntime" of the PATH. */
  const char *program;
  uint64_t source_bytes; /* of one source */
  uint64_t memory_bytes; /* that a worker may have in all: compiler, kernel, arguments */
  uint64_t output_bytes; /* of one run's writable buffers together */
  uint32_t compile_ms;   /* for one compilation */
  uint32_t run_ms;       /* for one run; a run may ask for less */
  uint32_t workers;      /* at once; the one that was idle longest is ended for another */
  uint32_t idle_ms;      /* after which an idle worker is ended */
} or_kernels_options_t;
/* 1 MiB of source, 4 GiB, 1 GiB of output, 30 s to compile, 60 s to run, 8 workers, 60 s idle. */
OR_API or_kernels_options_t or_kernels_options_default(void);

/* Starts nothing yet. `options` may be NULL; copied. *out: one reference; it keeps the runtime. RESOURCE_EXHAUSTED. */
OR_API or_status_t or_kernels_create(or_runtime_t *runtime, const or_kernels_options_t *options, or_kernels_t **out);
OR_API void or_kernels_retain(or_kernels_t *kernels);
/* The last one ends the workers. Takes NULL. */
OR_API void or_kernels_release(or_kernels_t *kernels);
OR_API uint32_t or_kernels_workers(or_kernels_t *kernels); /* that there are now, at work or idle. Any thread. */

typedef struct or_kernel_request_t {
  const char *source;
  size_t source_bytes;
  const char *entry;         /* the kernel in it */
  const char *options;       /* of the compiler; NULL: none */
  const char *owner;         /* whose it is; workers are not shared between owners. NULL: "" */
  const char *device;        /* as or_runtime_find_device; NULL or "auto": the first that compiles kernels */
  const or_cancel_t *cancel; /* NULL: can't be cancelled */
} or_kernel_request_t;

#define OR_KERNEL_LOG_BYTES 16384u
/* Compiles. `log` (OR_KERNEL_LOG_BYTES; may be NULL): the compiler's words, with the source's line numbers, terminated;
 * "" if there are none. *out: one reference. INVALID_ARGUMENT (the source; `log` says where), NOT_FOUND (no kernel of
 * that name in it; no such device), OUT_OF_RANGE (too long a source), UNAVAILABLE (no device compiles kernels, or no
 * worker can be started; with the cure), UNIMPLEMENTED (a parameter of a kind that is not offered, by name),
 * DEADLINE_EXCEEDED (killed after compile_ms), RESOURCE_EXHAUSTED (killed for memory, or it died: the message names the
 * signal), CANCELLED, DEVICE_LOST, DATA_LOSS (the worker answered what is no answer), INTERNAL (the driver's words).
 * Waits. */
OR_API or_status_t or_kernel_compile(or_kernels_t *kernels, const or_kernel_request_t *request, char *log,
                                     or_kernel_t **out);
OR_API void or_kernel_retain(or_kernel_t *kernel);
OR_API void or_kernel_release(or_kernel_t *kernel); /* takes NULL */

/* Facts; they live as long as the kernel. */
typedef struct or_kernel_facts_t {
  const char *entry, *device_id, *language;
  const or_kernel_parameter_t *parameters;
  uint32_t parameter_count;
  size_t binary_bytes; /* 0: not known */
  bool cached;         /* it came from the disk */
  double compile_seconds;
  uint32_t max_block, max_blocks[3];
  uint32_t required_block[3]; /* that the source asks for, and no other; 0s: for none */
  size_t local_bytes;
} or_kernel_facts_t;
OR_API const or_kernel_facts_t *or_kernel_facts(const or_kernel_t *kernel);

/* What a parameter is given. */
typedef struct or_kernel_argument_t {
  const or_tensor_t *tensor; /* of a BUFFER, its content; of a SCALAR, one of `width` elements */
  /* Instead of a tensor, of a SCALAR: a number, converted to the parameter's type where it fits exactly (a float
   * parameter takes any number, rounded). */
  bool is_number, is_integer;
  bool is_unsigned; /* of an integer: `integer` has the bits of a uint64_t */
  bool is_rounded;  /* of a real number: it stands for a larger integer, which no integer parameter takes */
  double real;
  int64_t integer;
  size_t local_bytes; /* of LOCAL memory */
} or_kernel_argument_t;

typedef struct or_kernel_launch_t {
  or_kernel_grid_t grid;
  const or_kernel_argument_t *arguments;
  uint32_t argument_count;
  uint32_t timeout_ms; /* 0: the bound of or_kernels_options_t */
  const or_cancel_t *cancel;
} or_kernel_launch_t;

/* What is wrong with a launch: `where` is "grid", "block" or "arguments", `index` an extent's or an argument's (-1: the
 * whole list). Called on the caller's thread. */
typedef void (*or_kernel_problem_t)(void *self, const char *where, int index, const char *message);
/* Checks count, kinds, types, widths, lengths and the grid against the kernel's own signature, without running it: true
 * if nothing is wrong. Any thread. */
OR_API bool or_kernel_check(const or_kernel_t *kernel, const or_kernel_launch_t *launch, or_kernel_problem_t problem,
                            void *self);

/* What a run left: one tensor on the host for each parameter that is a writable buffer, of its argument's dtype and
 * shape, each one reference of the caller's; NULL for the others. */
typedef struct or_kernel_result_t {
  or_tensor_t *outputs[OR_KERNEL_MAX_PARAMETERS];
  double seconds;        /* by the device's clock; OR_UNKNOWN_F: not known */
  double worker_seconds; /* from the arguments' sending to the results' coming */
} or_kernel_result_t;
/* Runs and waits. INVALID_ARGUMENT (the first thing that or_kernel_check says), OUT_OF_RANGE (bounds),
 * DEADLINE_EXCEEDED (killed when its time was up), CANCELLED (killed), RESOURCE_EXHAUSTED (it died: of memory, or of a
 * signal, which the message names), UNAVAILABLE, DEVICE_LOST, DATA_LOSS, INTERNAL. */
OR_API or_status_t or_kernel_run(or_kernel_t *kernel, const or_kernel_launch_t *launch, or_kernel_result_t *out);
OR_API void or_kernel_result_free(or_kernel_result_t *result); /* releases what is there */

#ifdef __cplusplus
}
#endif
#endif
