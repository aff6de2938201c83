#ifndef OR_TASK_TASK_H
#define OR_TASK_TASK_H
/* A unit of work: what was asked for (checked), how it is carried out on a given device, and its result as JSON. The
 * command line carries tasks out in process; a server's scheduler decides when and where and calls the same
 * functions. */

#include "base/cancel.h"
#include "base/json.h"
#include "openruntime/openruntime.h"

/* One thing wrong with a request, as the wire reports it: loc is a JSON path ("data.size"), type a word
   ("value_error.range"). */
#define OR_TASK_LOC_BYTES 160 /* "data.inputs." and a name */
typedef struct or_task_problem_t {
  char loc[OR_TASK_LOC_BYTES];
  char msg[256];
  char type[48];
} or_task_problem_t;
#define OR_TASK_MAX_PROBLEMS 16
typedef struct or_task_problems_t {
  or_task_problem_t items[OR_TASK_MAX_PROBLEMS];
  size_t count; /* more than fit are not kept */
} or_task_problems_t;

typedef struct or_task_t or_task_t; /* checked and immutable; any thread may read it */

/* Checks a TaskRequest document ({operation, data, device_preference, priority, timeout, …}; see docs/api.md for every
 * field and bound). On INVALID_ARGUMENT `problems` lists every field that is wrong, and the status sums it up in a
 * line. What belongs to a kind of task that this build can't do is UNIMPLEMENTED. *out is the caller's. */
or_status_t or_task_parse(const or_allocator_t *allocator, const or_json_value_t *request, or_task_problems_t *problems,
                          or_task_t **out);
/* Bytes beside the JSON of a request: a part of a multipart body. */
typedef struct or_task_part_t {
  const char *name; /* shorter than OR_TASK_PART_NAME_BYTES */
  const void *data;
  size_t bytes;
  bool used; /* out: a field names it */
} or_task_part_t;
#define OR_TASK_PART_NAME_BYTES 128
typedef struct or_task_parts_t {
  or_task_part_t *items;
  size_t count;
} or_task_parts_t;
/* As or_task_parse. Tensors may be {"shape", "dtype", "part": NAME}, the picture {"part": NAME} or a part named
 * "image". The picture is copied; the bytes of tensors are not touched: whoever executes the task gives those tensors
 * (or_task_part_use) in the context. A part that nothing names is a problem. */
or_status_t or_task_parse_parts(const or_allocator_t *allocator, const or_json_value_t *request,
                                const or_task_parts_t *parts, or_task_problems_t *problems, or_task_t **out);
void or_task_free(or_task_t *task); /* takes NULL */

/* What of an inference's inputs does not fit the model: names, forms, dtypes, shapes, what is missing; one problem at
 * "data.inputs.NAME" for each. `tensors`: those that are given beside the request, as in the context. */
typedef struct or_task_tensor_t or_task_tensor_t;
void or_task_check_inputs(const or_task_t *task, const or_task_tensor_t *tensors, size_t tensor_count,
                          const or_model_t *model, or_task_problems_t *problems);

/* The index-th tensor that is a part of the body; false outside. Texts live as long as the task. */
typedef struct or_task_part_use_t {
  const char *tensor; /* "a", an input's name */
  const char *part;
  or_dtype_t dtype;
  or_shape_t shape;
} or_task_part_use_t;
bool or_task_part_use(const or_task_t *task, size_t index, or_task_part_use_t *out);

const char *or_task_operation(const or_task_t *task);         /* "compute" "inference" "benchmark" … */
const char *or_task_type(const or_task_t *task);              /* "matrix_multiply" …; "" where there is none */
const char *or_task_device_preference(const or_task_t *task); /* "auto" if not given */
bool or_task_strict_device(const or_task_t *task);
int or_task_priority(const or_task_t *task); /* 1..10 */
double or_task_timeout_s(const or_task_t *task);
bool or_task_rerun_on_restart(const or_task_t *task);
const char *or_task_model(const or_task_t *task);  /* of an inference; NULL: none */
const char *or_task_kernel(const or_task_t *task); /* the name of a kernel's; NULL: it runs none */
/* The models that an inference or a benchmark names; NULL: no more. */
const char *or_task_model_at(const or_task_t *task, size_t index);

/* Named tensors that come with a task: operands, model inputs; and go out with its result. */
struct or_task_tensor_t {
  char name[128];
  or_tensor_t *tensor;
  or_value_t *value; /* instead of `tensor`: a sequence or an optional */
};
void or_task_tensor_release(or_task_tensor_t *tensor); /* what it holds */
uint64_t or_task_tensor_bytes(const or_task_tensor_t *tensor);
/* In JSON, as or_value_json_write. */
or_status_t or_task_tensor_write(const or_allocator_t *allocator, const or_task_tensor_t *tensor,
                                 or_json_writer_t *json);

/* What carrying out needs besides the task. */
typedef struct or_task_context_t {
  or_runtime_t *runtime;
  or_device_t *device;          /* NULL: by the task's preference, with a visible fallback */
  const char *models_directory; /* where model names are looked up; NULL: only built-in and paths */
  struct or_model_pool_t *pool; /* models that stay loaded, found there alone; NULL: found and loaded each time */
  struct or_kernel_registry_t *kernels; /* of users; NULL: there are none */
  const char *owner;                    /* whose kernels; NULL: "" */
  bool allow_paths;                     /* `model` may be a path (the command line; never a server) */
  bool verify;                          /* compare with the C reference: result.verification */
  /* For its result rather than for its figures (a server): given operands are computed with once, generated ones a few
   * times within hundredths of a second; nothing is run to warm up, no limit of the device is measured. */
  bool quick;
  /* On a thread that others wait for: what would have to be loaded, prepared or handed to another thread for it first
   * is put off (result.put_off). Of `pool` and `quick` alone. */
  bool here_only;
  or_cancel_t *cancel;                                             /* may be NULL */
  void (*progress)(void *self, double fraction, const char *what); /* may be NULL; on the calling thread */
  void *progress_self;
  const or_task_tensor_t *tensors; /* given tensors, by name ("a", "b", model inputs); in addition to those in `data` */
  size_t tensor_count;
  or_task_problems_t
      *problems; /* out, may be NULL: what of given inputs does not fit the model, if that is the error */
} or_task_context_t;

typedef struct or_task_result_t {
  or_text_t json; /* the `result` object */
  char device_used[32];
  char fallback_reason[256];  /* "" if there was none */
  double execution_time_s;    /* of the whole task */
  double throughput;          /* GFLOP/s, GB/s or items/s by kind; NaN where it makes no sense */
  uint64_t memory_peak_bytes; /* of the device's hardware while it ran */
  bool here;                  /* nothing was compiled or handed to another thread for it */
  bool put_off;               /* it failed for that alone: context.here_only */
  or_task_tensor_t *outputs;  /* one reference each */
  size_t output_count;
} or_task_result_t;
void or_task_result_init(or_task_result_t *result, const or_allocator_t *allocator);
void or_task_result_deinit(or_task_result_t *result);
/* A copy of its own; the outputs' tensors are the same ones. *out needs no init; on failure (RESOURCE_EXHAUSTED) it is
 * empty. */
or_status_t or_task_result_copy(const or_task_result_t *result, const or_allocator_t *allocator, or_task_result_t *out);

/* Carries the task out on the calling thread (device work runs on the device's queue). CANCELLED and DEADLINE_EXCEEDED
 * end it at the next node, tile or iteration. UNAVAILABLE: it was put off. On failure the result holds what is known
 * (device_used, times). */
or_status_t or_task_execute(const or_task_t *task, const or_task_context_t *context, or_task_result_t *result);

/* Writes a whole TaskResponse (docs/api.md) around a result or a failure. */
typedef struct or_task_outcome_t {
  const char *task_id;
  const char *state; /* "completed" "failed" "cancelled" "timeout" */
  const or_task_result_t *result;
  const char *error; /* NULL if there was none */
  const char *error_code;
  int attempts;
  bool shared_run;                             /* the result is that of a run which other tasks were given too */
  int64_t created_us, started_us, finished_us; /* wall clock; 0: not yet */
} or_task_outcome_t;
void or_task_write_response(or_json_writer_t *json, const or_task_outcome_t *outcome);

/* The compute types with their parameters, for help, completion and docs. */
typedef struct or_task_type_info_t {
  const char *operation, *name, *summary, *parameters; /* "size dtype iterations" */
} or_task_type_info_t;
const or_task_type_info_t *or_task_type_info(size_t index); /* NULL outside */

#endif
