#ifndef OR_TASK_TASK_INTERNAL_H
#define OR_TASK_TASK_INTERNAL_H
/* A task's insides, for the files of this folder. */

#include "base/alloc.h"
#include "openruntime/kernel.h"
#include "task/compare.h"
#include "task/task.h"

typedef struct or_task_kind_t or_task_kind_t;

/* Bounds of a request; each error names the field, the value and the limit. */
#define OR_TASK_MAX_SIZE INT64_C(4294967296) /* elements along one extent */
#define OR_TASK_MAX_ITERATIONS INT64_C(1000000)
#define OR_TASK_MAX_OPERANDS 16
#define OR_TASK_DTYPE_BIT(dtype) (UINT32_C(1) << (dtype))
#define OR_TASK_MAX_LIST 32 /* sizes or dtypes of a benchmark */
/* What `write` writes: memory systems have a short way with zeros, which would measure three times the bandwidth. */
#define OR_TASK_FILL_VALUE 1.5
#define OR_TASK_MAX_TEXT_BYTES ((size_t)4096) /* names and paths */
/* Of a convolution where they are not given. */
#define OR_TASK_CHANNELS 64
#define OR_TASK_MODEL "resnet50" /* of an inference that names none */
#define OR_TASK_KERNEL 3
#define OR_TASK_MAX_MODELS 16 /* of a benchmark */
#define OR_TASK_MAX_TEXTS 64  /* of an inference */
#define OR_TASK_MAX_DIMS 16   /* extents of symbols, given by name */
#define OR_TASK_MAX_EXTENT INT64_C(16777216)
#define OR_TASK_MAX_QPS 1e6

typedef enum or_task_operand_kind_t {
  OR_OPERAND_TENSOR,
  OR_OPERAND_SEQUENCE,
  OR_OPERAND_NOTHING, /* an empty optional */
} or_task_operand_kind_t;
/* A tensor that came in the request, or of an inference what is none. */
typedef struct or_task_operand_t {
  const char *name;
  or_dtype_t dtype;
  or_shape_t shape;
  const void *data; /* NULL: it comes with the context's tensors */
  size_t bytes;
  const char *part; /* then: the part of the body that it is; else NULL */
  or_task_operand_kind_t kind;
  struct or_task_operand_t *elements; /* of a sequence: tensors */
  size_t element_count;
} or_task_operand_t;

/* How queries come to a model (load.h). */
typedef enum or_scenario_t { OR_SCENARIO_SINGLE_STREAM, OR_SCENARIO_OFFLINE, OR_SCENARIO_SERVER } or_scenario_t;

/* Which models a benchmark runs, and how. */
typedef struct or_task_ml_t {
  const char *models[OR_TASK_MAX_MODELS];
  size_t model_count; /* 0: the default ones */
  struct {
    const char *name;
    int64_t extent;
  } dims[OR_TASK_MAX_DIMS];
  size_t dim_count;
  or_scenario_t scenario;
  double qps; /* 0: not given */
} or_task_ml_t;

/* What a parameter of a kernel is given. */
typedef enum or_task_argument_kind_t {
  OR_ARGUMENT_NUMBER,
  OR_ARGUMENT_TENSOR, /* an operand */
  OR_ARGUMENT_ZEROS,  /* a tensor of which only the form is given */
  OR_ARGUMENT_LOCAL,  /* memory of a block */
} or_task_argument_kind_t;
typedef struct or_task_argument_t {
  or_task_argument_kind_t kind;
  bool is_integer, is_unsigned; /* is_unsigned: `integer` has the bits of a uint64_t */
  bool is_rounded;              /* `real` stands for an integer of more than 64 bits */
  int64_t integer;
  double real;
  size_t operand;     /* its index */
  size_t local_bytes; /* of LOCAL */
  or_dtype_t dtype;   /* of ZEROS, as shape and bytes */
  or_shape_t shape;
  size_t bytes;
} or_task_argument_t;
/* How a kernel of a user is to be run. */
typedef struct or_task_kernel_t {
  const char *name;
  or_kernel_grid_t grid;
  or_task_argument_t arguments[OR_KERNEL_MAX_PARAMETERS];
  size_t argument_count;
} or_task_kernel_t;

/* The fields of `data`, with their defaults applied where the kind has them; which count depends on the kind. */
typedef struct or_task_parameters_t {
  int64_t size, m, n, k; /* 0: not given */
  int64_t iterations;    /* 0: see or_task_measure_options */
  int64_t seed;
  or_dtype_t dtype;     /* OR_DTYPE_NONE: the kind's default */
  const char *function; /* one of the kind's; NULL: all of them */
  int64_t axis;
  int64_t dims;                                      /* of a transform: 1 or 2; 0: 1 */
  bool real, inverse;                                /* of a transform */
  const char *norm;                                  /* of a transform; NULL: "backward" */
  int64_t channels, filters, kernel, stride, groups; /* of a convolution; 0: not given */
  int64_t padding;                                   /* -1: not given */
  int64_t input_size, hidden_size, output_size;      /* of a neural network; 0: not given */
  double alpha;
  const char *model;
  int64_t batch_size, top_k;
  const char *image; /* base64, or the file's bytes */
  size_t image_length;
  bool image_is_file;
  or_string_t *texts; /* UTF-8 */
  size_t text_count;  /* 0: none was given */
  double duration_s;
  or_task_ml_t ml;
  int64_t *sizes;
  size_t size_count;
  or_dtype_t *dtypes;
  size_t dtype_count;
  or_task_operand_t *operands; /* room for OR_TASK_MAX_OPERANDS once there is one; of a kernel for its arguments */
  size_t operand_count;
  or_task_kernel_t *user_kernel; /* of operation kernel; else NULL */
} or_task_parameters_t;

/* Immutable once parsed; everything lies in the arena. */
struct or_task_t {
  const or_allocator_t *allocator;
  or_arena_t arena;
  const or_task_kind_t *kind;
  const char *operation; /* as asked: "compute" or "mlx_compute" */
  const char *device_preference;
  bool strict_device, rerun_on_restart;
  int priority;
  double timeout_s;
  const or_task_parts_t *parts; /* while it is parsed; NULL: none */
  or_task_parameters_t parameters;
};

/* How a task is being carried out: the device is chosen, the result is open. */
typedef struct or_task_run_t {
  const or_task_t *task;
  const or_task_context_t *context;
  or_device_t *device;
  or_task_result_t *result;
  or_json_writer_t json; /* writes result->json; the object is open */
  bool device_worked;    /* some of what was noted so far ran on `device` */
  or_device_t *worked;   /* where the session that was noted last ran: `device`, or another that had all of it */
} or_task_run_t;

/* A kind of task: one row of the table. */
struct or_task_kind_t {
  const char *operation, *type, *summary;
  const char *parameters; /* names that `data` may have besides `type`, separated by spaces */
  const char *functions;  /* what `function` may be, separated by spaces; NULL: the kind has none */
  const char *operands;   /* names of the tensors that may be given, in the order of the operator's inputs */
  or_dtype_t default_dtype;
  uint32_t dtypes;                      /* bits */
  int64_t default_size, default_second; /* second: of kinds with two extents */
  or_status_t (*run)(or_task_run_t *run);
};
const or_task_kind_t *or_task_kind_at(size_t index); /* NULL outside */
const or_task_kind_t *or_task_kind_find(const char *operation, const char *type);
or_status_t or_task_run_compute(or_task_run_t *run);
void or_task_check_operands(const or_task_t *task, or_task_problems_t *problems); /* of a request that gives some */
or_status_t or_task_run_network(or_task_run_t *run);
or_status_t or_task_run_inference(or_task_run_t *run);
or_status_t or_task_run_benchmark(or_task_run_t *run);
or_status_t or_task_run_kernel(or_task_run_t *run);
/* kernel_parse.c: a field of `data` of a kernel's task, and what must be there. */
or_status_t or_task_parse_kernel(or_task_t *task, const char *name, const char *loc, const or_json_value_t *value,
                                 or_task_problems_t *problems);
or_status_t or_task_begin_kernel(or_task_t *task);
void or_task_check_kernel_fields(const or_task_t *task, or_task_problems_t *problems);
/* Writes a row for each model into the open array; ends at about `until_ns` of or_clock_ns, with at least one timed run
 * of each. */
or_status_t or_task_benchmark_models(or_task_run_t *run, int64_t until_ns);
const char *or_scenario_name(or_scenario_t scenario); /* "single-stream" "offline" "server" */

/* Adds a problem; `format` is its message. */
void or_task_problem(or_task_problems_t *problems, const char *loc, const char *type, const char *format, ...)
    OR_PRINTF(4, 5);
/* Reads {shape, dtype, data | data_base64 | part} into the task's arena; problems name `loc`. */
or_status_t or_task_parse_operand(or_task_t *task, const char *loc, const char *name, const or_json_value_t *value,
                                  or_task_problems_t *problems, or_task_operand_t *out);
/* The part of the body that `value`, {"part": NAME}, names; NULL and a problem if there is none. */
or_task_part_t *or_task_find_part(or_task_t *task, const char *loc, const or_json_value_t *value,
                                  or_task_problems_t *problems);
/* The picture as a part: of the field {"part": NAME}; and that part into the arena. */
or_status_t or_task_parse_image_part(or_task_t *task, const or_json_value_t *value, or_task_problems_t *problems);
or_status_t or_task_copy_image(or_task_t *task, const or_task_part_t *part);
/* A compute task's call, where its operands are generated: operand 0 is the first. */
or_shape_t or_task_operand_shape(const or_task_t *task, int operand);
or_dtype_t or_task_operand_dtype(const or_task_t *task);
/* The operator's attributes; the arrays are what items point at. */
typedef struct or_task_attributes_t {
  or_compute_attribute_t items[6];
  size_t count;
  int64_t extent, pads[4], strides[2];
} or_task_attributes_t;
void or_task_attributes(const or_task_t *task, const char *op, or_tensor_t *const *inputs, size_t input_count,
                        or_task_attributes_t *out);
/* Operations of a call whose count depends on more than its number of elements; false: it does not. */
bool or_task_flops(const or_task_t *task, or_tensor_t *const *inputs, const or_tensor_t *output, double *flops);
/* What a result of that dtype may differ from the reference by, relative and absolute. */
double or_task_tolerance(or_dtype_t dtype);

/* A field of `data` that says which models a benchmark runs, and how; false: it is none of those. */
bool or_task_parse_ml(or_task_t *task, const char *name, const char *loc, const or_json_value_t *value,
                      or_task_problems_t *problems, or_status_t *status);
/* What those fields must keep to together. */
void or_task_check_ml(const or_task_t *task, or_task_problems_t *problems);
/* A string of the request that is a name or a path, of bounded length; else a problem. */
bool or_task_check_text(const char *loc, const or_json_value_t *value, or_task_problems_t *problems);
/* One repeated computation and its times. */
typedef struct or_measurement_t {
  int64_t runs;
  double median_s, min_s, p90_s, p99_s, total_s;
  bool here;    /* every timed run was carried out on the calling thread */
  bool put_off; /* it failed since one could not be: or_measure_options_t.here_only */
} or_measurement_t;
typedef struct or_measure_options_t {
  int64_t iterations; /* 0: until `budget_s` is used, at least OR_MEASURE_MIN_RUNS and at most OR_MEASURE_MAX_RUNS */
  double budget_s;
  /* Not 0: in place of `budget_s`, the instant of or_clock_ns at which all ends, warming up included: no run begins
   * that would last beyond it. But OR_MEASURE_MIN_RUNS there are, if they take less than twice the time, or next to
   * none; else one. */
  int64_t until_ns;
  or_cancel_t *cancel;
  /* No run to warm up. Without `iterations` at least one run and at most OR_MEASURE_QUICK_RUNS, of which the first,
   * which makes plan and outputs, counts only if it is the only one. */
  bool quick;
  bool here_only; /* what can't be run at once on the calling thread is not run: UNAVAILABLE */
} or_measure_options_t;
#define OR_MEASURE_MIN_RUNS 5
#define OR_MEASURE_MAX_RUNS 10000
#define OR_MEASURE_QUICK_RUNS 5
/* How a task's runs are repeated: as often as it asks; else for `budget_s`; where it is carried out for its result,
 * once with `given` operands, with generated ones a few times. */
or_measure_options_t or_task_measure_options(const or_task_run_t *run, double budget_s, bool given);
/* What a repeated run is bound to. */
typedef struct or_measure_bindings_t {
  const or_binding_t *inputs;
  size_t input_count;
  or_binding_t *outputs;
  size_t output_count;
} or_measure_bindings_t;
/* Warms up (unless it is quick), then times each run of the session from submission to completion. Outputs that are
 * NULL are made by the first run, so that later ones allocate nothing. CANCELLED, DEADLINE_EXCEEDED at the next node,
 * and what runs fail with. */
or_status_t or_task_measure(or_session_t *session, const or_measure_bindings_t *bindings,
                            const or_measure_options_t *options, or_measurement_t *out);
/* Fields of the result: execution_time, iterations, spread; verification. */
void or_task_write_share(or_json_writer_t *json, const char *key, double percent); /* one that is not known is null */
void or_task_write_times(or_json_writer_t *json, const or_measurement_t *time);
void or_task_write_verification(or_json_writer_t *json, const or_difference_t *difference,
                                or_task_tolerance_t tolerance);
/* The nearest-rank quantile of sorted numbers; `count` > 0. */
double or_task_quantile(const double *sorted, size_t count, double q);
/* One run that a cancel request ends. */
or_status_t or_task_run_session(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                                or_binding_t *outputs, size_t output_count, or_cancel_t *cancel);

/* A tensor on `device`, filled from the seed: the same on every machine. `cancel`, which may be NULL, ends it early. */
or_status_t or_task_generate(or_device_t *device, or_dtype_t dtype, or_shape_t shape, uint64_t seed,
                             const or_cancel_t *cancel, or_tensor_t **out);
/* The elements where the host can read them: where they lie, or a copy, which is the caller's also on failure.
 * RESOURCE_EXHAUSTED, and what reading from the device fails with. */
or_status_t or_task_host_bytes(const or_allocator_t *allocator, const or_tensor_t *tensor, void **copy,
                               const void **out);
/* Shares, in percent, of the device's measured limits for `dtype` (operations a second) and reading (bytes a second);
 * NaN where the limit is not known. What is more than the limit says that the limit was measured in a worse moment: it
 * is measured again, a few times at most. Of bandwidth only where `bytes`, what a run touches, is far beyond any cache:
 * what fits one is read faster than memory. */
double or_task_share_of_peak(or_device_t *device, or_dtype_t dtype, double ops_per_second);
double or_task_share_of_bandwidth(or_device_t *device, double bytes, double bytes_per_second);
/* The same by limits that are known already, NaN where they are not; OR_DTYPE_NONE: of reading. */
double or_task_known_share(or_device_t *device, or_dtype_t dtype, double rate);
/* Takes a tensor into the result's outputs (one reference is the result's then, also on failure). */
or_status_t or_task_result_add(or_task_result_t *result, const char *name, or_tensor_t *tensor);
/* The same of what may be no tensor; its references are the result's. */
or_status_t or_task_result_take(or_task_result_t *result, or_task_tensor_t *output);
/* Binds what the caller gives for that input, from the context or the request, in the form that the model declares.
 * *found: there is something. INVALID_ARGUMENT: it has another form. What `binding` holds is the caller's. */
or_status_t or_task_bind_given(or_task_run_t *run, const or_model_value_t *declared, or_binding_t *binding,
                               bool *found);
/* Lets go of what a repeated run can't be written into: values, and strings. */
void or_task_renew_outputs(or_binding_t *outputs, size_t output_count);
void or_task_release_bindings(or_binding_t *bindings, size_t count);
/* Takes the device's memory peak into the result, once: before limits are measured, whose buffers are not the
 * task's. */
void or_task_note_peak(const or_task_run_t *run);
/* What a session of the task ran, and where: what its device left to another is the result's fallback_reason, and where
 * that was all, of each of the task's sessions, the other is device_used. FAILED_PRECONDITION: the task is strict. */
or_status_t or_task_note_place(or_task_run_t *run, or_session_t *session);
void or_task_progress(const or_task_run_t *run, double fraction, const char *what);

#endif
