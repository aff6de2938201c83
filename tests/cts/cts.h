#ifndef OR_TESTS_CTS_CTS_H
#define OR_TESTS_CTS_CTS_H
/* The conformance suite: one set of cases for every backend, run through hal (device, buffer, queue, executable) and
 * nothing above it. No test library: a C compiler and cmake are enough, so it runs on any machine with a device. */

#include "fake/rig.h"
#include "hal/buffer.h"
#include "hal/queue.h"
#include "ops/op.h"

/* Cases by a pattern of their names ('*' stands for any text), with the reason. */
typedef struct cts_listed_t {
  const char *pattern, *reason; /* NULL, NULL ends a list */
} cts_listed_t;

/* What a backend gives the suite. */
typedef struct cts_backend_t {
  const char *name;
  or_backend_entry_t entry;
  bool newest_only;       /* of each operator, its newest version only: for what checks the suite, not the operators */
  void (*prepare)(void);  /* before it is entered; may be NULL */
  double tolerance_scale; /* of the operators' own tolerances */
  /* NULL: all; else patterns of the cases that the backend must support. Of other operators it may refuse any, which is
   * counted; what it takes must be right. */
  const char *const *offered;
  const char *const *not_offered;        /* NULL, or patterns of cases among them that it may refuse all the same */
  const cts_listed_t *unsupported;       /* operator cases that `supports` says no to; any other no is a failure */
  const cts_listed_t *expected_failures; /* a case on either list that starts to pass must be taken off: it fails */
} cts_backend_t;
extern const cts_backend_t cts_backends[];
extern const size_t cts_backend_count;

typedef struct cts_options_t {
  const char *backend, *filter; /* NULL: all */
  const char *types;            /* of operator cases: "float32,int64"; NULL: all */
  or_backend_settings_t settings;
  bool list, verbose;
  bool if_there; /* a backend that is named may have no device: then it is skipped, as one that is not named */
} cts_options_t;

#define CTS_MAX_BUFFERS 64
#define CTS_MAX_REASONS 64
#define CTS_MAX_OFFERED 512 /* patterns */
#define CTS_TEXT_BYTES 512

typedef struct cts_skips_t {
  char reason[160];
  unsigned count;
} cts_skips_t;

/* The suite's state while it runs one backend. */
typedef struct cts_t {
  const cts_options_t *options;
  const cts_backend_t *backend;
  or_rig_t rig;
  or_device_t *device; /* under test */
  const or_backend_device_t *opened;
  or_queue_t *queue;
  const or_allocator_t *allocator;
  or_arena_t arena;                      /* of the case that runs */
  or_buffer_t *buffers[CTS_MAX_BUFFERS]; /* of the case that runs; released after it */
  size_t buffer_count;
  char note[80];  /* printed behind a passed case by --verbose: the kernel that ran */
  char skip[160]; /* set by cts_skip */
  unsigned passed, failed, skipped, cases;
  cts_skips_t skips[CTS_MAX_REASONS];
  size_t skip_count;
  bool offered_met[CTS_MAX_OFFERED]; /* per pattern of the backend's: it fits a case */
} cts_t;

/* A case returns success, or a failure whose message is printed; one that called cts_skip counts as skipped. */
typedef or_status_t (*cts_run_t)(cts_t *cts, const void *data);
/* Runs one case: filter, list, lists of the backend, report, clean-up. */
void cts_case(cts_t *cts, const char *name, cts_run_t run, const void *data);
/* After all cases: a pattern of what the backend offers that fits none of them says nothing, and is a failure. */
void cts_check_offered(cts_t *cts);
/* Marks the case as skipped, and returns success for its `return`. `unsupported`: because the backend said that it
 * can't; checked against the backend's list. */
or_status_t cts_skip(cts_t *cts, const char *reason);
or_status_t cts_skip_unsupported(cts_t *cts, const char *reason);
#define CTS_UNSUPPORTED "unsupported: "

/* Returns a failure from a case, and its arena and buffers are given back by cts_case. */
#define CTS_CHECK(condition, ...)                                \
  do {                                                           \
    if (!(condition)) return or_error(OR_INTERNAL, __VA_ARGS__); \
  } while (0)
#define CTS_TRY(expression)                    \
  do {                                         \
    or_status_t cts_status = (expression);     \
    if (!or_ok(cts_status)) return cts_status; \
  } while (0)
/* Fails unless the status has this code. Takes it. */
or_status_t cts_expect(or_status_t status, or_status_code_t code, const char *what);

/* A buffer that lives until the case ends. */
or_status_t cts_buffer(cts_t *cts, or_device_t *device, size_t bytes, or_buffer_t **out);
/* A run of an executable on the queue, with a workspace of its own. */
typedef struct cts_call_t {
  const or_executable_t *executable;
  or_buffer_t *const *inputs, *const *outputs;
  size_t input_count, output_count;
  or_buffer_t *workspace; /* NULL: made by cts_bind */
  const or_cancel_t *cancel;
  int64_t *node_ns;
  or_memory_range_t ranges[2 * CTS_MAX_BUFFERS + 1];
  or_run_arguments_t arguments;
} cts_call_t;
/* Fills ranges and arguments; then cts_work runs it: `self` of or_queue_submit is the call. */
or_status_t cts_bind(cts_t *cts, cts_call_t *call);
or_status_t cts_work(void *call, const or_queue_context_t *context);
/* Compiles on the queue. */
or_status_t cts_compile(cts_t *cts, or_queue_t *queue, const or_subgraph_t *subgraph, or_executable_t *out);

/* Compares element by element: |got - expected| <= abs + rel (|expected| + rms(expected)); NaN and infinities at
 * equal places; exactly where both tolerances are 0 and for integers. The failure names the first element that
 * differs. */
or_status_t cts_compare(const or_op_tensor_t *got, const or_op_tensor_t *expected, or_tolerance_t tolerance);
/* An operator's tolerance, given for float32, for a dtype and the backend at hand. */
or_tolerance_t cts_tolerance(const cts_t *cts, or_tolerance_t base, or_dtype_t dtype);

/* The suites. */
void cts_suite_self(cts_t *cts);
void cts_suite_device(cts_t *cts);
void cts_suite_memory(cts_t *cts);
void cts_suite_queue(cts_t *cts);
void cts_suite_run(cts_t *cts);
void cts_suite_fused(cts_t *cts);
void cts_suite_ops(cts_t *cts);

#endif
