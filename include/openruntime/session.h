#ifndef OPENRUNTIME_SESSION_H
#define OPENRUNTIME_SESSION_H
/* A session: a model prepared to run on a device. Counted; every function from any thread, runs of one session may
 * overlap. */

#include "openruntime/model.h"
#include "openruntime/value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct or_session_t or_session_t;
typedef struct or_run_t or_run_t;

typedef struct or_session_options_t {
  or_device_t *device; /* NULL: or_runtime_find_device(…, "auto") */
  /* OR_DTYPE_NONE, OR_FLOAT32: the model's own types, exactly. OR_BFLOAT16: MatMul, Gemm and Conv of float32 multiply
   * operands rounded to bfloat16 and add up in float32, and images may stay bfloat16 from one convolution or pool to
   * the next; all else stays as it is. Models of other types are not touched. UNIMPLEMENTED, in words that say what is
   * missing, where the device has no fast way, and for other types. A reference session takes any and computes
   * exactly: it is what others are compared with. */
  or_dtype_t precision;
  bool strict;                /* refuse (FAILED_PRECONDITION, with reasons) unless 99 % of the flops run on `device` */
  bool reference;             /* every node by its C reference: for comparison */
  bool no_fusion;             /* keep the nodes of the file */
  uint32_t max_shape_classes; /* 0: OR_SESSION_SHAPE_CLASSES */
} or_session_options_t;
#define OR_SESSION_SHAPE_CLASSES 16u

/* `options` may be NULL. *out: one reference; it keeps the model. UNAVAILABLE, DEVICE_LOST, UNIMPLEMENTED,
 * RESOURCE_EXHAUSTED, FAILED_PRECONDITION. Shapes that are static are prepared here, others at their first run. */
OR_API or_status_t or_session_create(or_model_t *model, const or_session_options_t *options, or_session_t **out);
OR_API void or_session_retain(or_session_t *session);
OR_API void or_session_release(or_session_t *session); /* takes NULL */

/* One named tensor of a run.
 * As input: `tensor` is given, borrowed for the length of the run.
 * As output, `tensor` NULL: the library allocates on the session's device and the caller gets one reference.
 * As output, `tensor` given: the result is written into it; dtype must match; a shape of the same element count or more
 * capacity is enough:
 *   OUT_OF_RANGE names the bytes needed otherwise; `shape` says what was written. */
typedef struct or_binding_t {
  const char *name; /* NULL: by position */
  or_tensor_t *tensor;
  or_shape_t shape; /* out, for outputs */
  /* Instead of `tensor`, for what is no tensor by the model (or_model_value_t.form). As input: given, borrowed. As
   * output: NULL, and the caller gets one reference. */
  or_value_t *value;
} or_binding_t;

/* Runs and waits. Inputs: every one that has no default, each once. Outputs: any subset, in any order; on failure none
 * is allocated.
 * INVALID_ARGUMENT names the culprit: `input "pixels": expected float32 [N,3,224,224], got float32 [1,3,224,225]:
 * dimension 3 differs`.
 * OUT_OF_RANGE, RESOURCE_EXHAUSTED, CANCELLED, DEVICE_LOST. */
OR_API or_status_t or_session_run(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                                  or_binding_t *outputs, size_t output_count);

/* Called once when the run has ended, on a thread of the library, outside every lock: return soon, do not wait for
 * another run in it.
 * `status` is the callee's; `outputs` are filled as or_session_run does. */
typedef void (*or_run_callback_t)(void *self, or_status_t status, or_binding_t *outputs, size_t output_count);
/* What or_session_run_async takes: the bindings of or_session_run, and whom to tell. */
typedef struct or_run_request_t {
  const or_binding_t *inputs;
  size_t input_count;
  or_binding_t *outputs; /* must live until the callback has returned */
  size_t output_count;
  or_run_callback_t callback;
  void *self;
} or_run_request_t;
/* Starts and returns. The tensors bound are retained, `request` itself is not kept. *run (may be NULL): one reference,
 * for or_run_cancel. On failure the callback is not called. Statuses of or_session_run. */
OR_API or_status_t or_session_run_async(or_session_t *session, const or_run_request_t *request, or_run_t **run);
/* Asks the run to end at the next node or tile; its status is then CANCELLED unless it was done already. Any thread,
 * any time. */
OR_API void or_run_cancel(or_run_t *run);
OR_API void or_run_release(or_run_t *run); /* takes NULL */

/* Where one node runs and what it cost in the last profiled run. */
typedef struct or_node_report_t {
  const char *name;      /* of the node */
  const char *op;        /* "Conv", or the fused form "Conv+BatchNormalization+Relu" */
  const char *device_id; /* "cpu_0" */
  const char *kernel;    /* what carries it out: "onednn jit:avx2", "avx2 gemm", "reference" */
  const char *reason;    /* why not on the session's device; "" if it is there */
  or_dtype_t dtype;      /* of the first output */
  or_shape_t shape;      /* of the first output */
  double flops, bytes;   /* by the cost model */
  double seconds;        /* of the last profiled run; OR_UNKNOWN_F if there was none */
  or_dtype_t precision;  /* that operands were rounded to; OR_DTYPE_NONE: their own */
} or_node_report_t;
/* How often rewriting found a pattern in the graph. */
typedef struct or_pattern_report_t {
  const char *name; /* "conv epilogue", "layer norm" */
  uint32_t count;   /* at least 1 */
} or_pattern_report_t;
/* A value that passes from one device to another in each run. Inputs and outputs: as for a caller who has them on the
 * session's device. */
typedef struct or_crossing_report_t {
  const char *name;      /* of the value */
  const char *from, *to; /* ids of devices */
  uint64_t bytes;        /* of the value */
  bool copied;           /* false: both devices reach the memory that it lies in */
  double seconds;        /* of the last profiled run; OR_UNKNOWN_F: there was none, or it was not timed */
} or_crossing_report_t;
typedef struct or_session_report_t {
  const or_node_report_t *nodes; /* in the order of execution, of the shape class used last */
  size_t node_count;
  uint64_t arena_bytes, workspace_bytes, packed_bytes, weight_bytes;
  uint64_t arena_bytes_unplanned;      /* what the intermediates would take without sharing */
  double flops_on_device;              /* share 0..1 */
  double seconds;                      /* of the last profiled run, whole; OR_UNKNOWN_F */
  const char *folded;                  /* words: how many nodes were folded, fused, removed */
  const or_pattern_report_t *patterns; /* those that were found, in the order in which they are looked for */
  size_t pattern_count;
  or_dtype_t precision;                  /* that was asked for; OR_DTYPE_NONE: the model's own types */
  uint32_t products, narrow_products;    /* nodes that are MatMul, Gemm or Conv of float32; those in `precision` */
  const or_crossing_report_t *crossings; /* in the order of execution */
  size_t crossing_count;
  uint32_t copies;       /* of the crossings, in each run; those that are copied, */
  uint64_t copied_bytes; /* and their bytes */
} or_session_report_t;
/* Prepares the shape class of these inputs (only dtype and shape count, unless a value decides a shape) and reports on
 * it; with `profile` also runs it once with times per node. *out lives until or_session_report_free.
 * Of a model with control flow or shapes that only data tells the data decides what runs: it is run once, `profile` or
 * not, and every tensor is needed. */
OR_API or_status_t or_session_explain(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                                      bool profile, or_session_report_t **out);
OR_API void or_session_report_free(or_session_report_t *report); /* takes NULL */

#ifdef __cplusplus
}
#endif
#endif
