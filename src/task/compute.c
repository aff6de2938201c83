/* Compute tasks: one operator of the catalogue, timed. */
#include <math.h>
#include <string.h>

#include "model/tensor_json.h"
#include "runtime/runtime.h"
#include "task/task_internal.h"

#define MAX_INPUTS 3
#define BUDGET_S 0.5 /* of timed runs, where the iterations are not given */

/* A function of a type: the operator that carries it out and its cost for each element of its shape. */
typedef struct function_t {
  const char *type, *name, *op, *int8_op;
  int operands;                /* tensors that it takes */
  double flops, reads, writes; /* an element; 0: or_task_flops counts, and operands are read or written once */
} function_t;
static const function_t functions[] = {
    {"matrix_multiply", NULL, "MatMul", "MatMulInteger", 2, 0, 0, 0},
    {"vector_operations", "add", "Add", NULL, 2, 1, 2, 1},
    {"vector_operations", "mul", "Mul", NULL, 2, 1, 2, 1},
    {"vector_operations", "axpy", "openruntime:Axpy", NULL, 2, 2, 2, 1},
    {"vector_operations", "scale", "openruntime:Scale", NULL, 1, 1, 1, 1},
    {"vector_operations", "dot", "openruntime:Dot", NULL, 2, 2, 2, 0},
    {"vector_operations", "norm", "openruntime:Norm", NULL, 1, 2, 1, 0},
    {"memory_bandwidth", "copy", "openruntime:Copy", NULL, 1, 0, 1, 1},
    {"memory_bandwidth", "read", "openruntime:ReadSum", NULL, 1, 0, 1, 0},
    {"memory_bandwidth", "write", "openruntime:Fill", NULL, 0, 0, 0, 1},
    {"memory_bandwidth", "triad", "openruntime:Triad", NULL, 2, 0, 2, 1},
    {"elementwise", "relu", "Relu", NULL, 1, 1, 1, 1},
    {"elementwise", "sigmoid", "Sigmoid", NULL, 1, 1, 1, 1},
    {"elementwise", "tanh", "Tanh", NULL, 1, 1, 1, 1},
    {"elementwise", "exp", "Exp", NULL, 1, 1, 1, 1},
    {"elementwise", "gelu", "Gelu", NULL, 1, 1, 1, 1},
    {"elementwise", "sqrt", "Sqrt", NULL, 1, 1, 1, 1},
    {"reduce", "sum", "ReduceSum", NULL, 1, 1, 1, 0},
    {"reduce", "mean", "ReduceMean", NULL, 1, 1, 1, 0},
    {"reduce", "max", "ReduceMax", NULL, 1, 1, 1, 0},
    {"softmax", NULL, "Softmax", NULL, 1, 4, 1, 1}, /* maximum, difference and exponential, sum, quotient */
    {"transpose", NULL, "Transpose", NULL, 1, 0, 1, 1},
    {"fft", NULL, "openruntime:Fft", NULL, 1, 0, 0, 0},
    {"convolution", NULL, "Conv", NULL, 2, 0, 0, 0},
};
#define FUNCTION_COUNT (sizeof functions / sizeof *functions)

/* One function being carried out. Tensors hold one reference each. */
typedef struct work_t {
  const function_t *function;
  or_tensor_t *inputs[MAX_INPUTS];
  size_t input_count;
  or_tensor_t *output;
  or_session_t *session;
  or_measurement_t time;
  or_difference_t difference;
  double tolerance_rel, tolerance_abs;
  double flops, bytes;
  bool counted; /* by or_task_flops */
  bool sums;    /* the result's elements are sums of many: what they may be wrong by grows with them */
} work_t;

static or_status_t carry_out(or_task_run_t *run, work_t *work);

static bool is_asked(const or_task_t *task, const function_t *function) {
  const char *wanted = task->parameters.function;
  if (strcmp(function->type, task->kind->type) != 0) return false;
  return wanted == NULL || function->name == NULL || strcmp(function->name, wanted) == 0;
}

static bool is_given(const or_task_parameters_t *p, const char *name, size_t length) {
  for (size_t i = 0; i < p->operand_count; ++i) {
    if (strlen(p->operands[i].name) == length && memcmp(p->operands[i].name, name, length) == 0) return true;
  }
  return false;
}

void or_task_check_operands(const or_task_t *task, or_task_problems_t *problems) {
  const char *name = task->kind->operands;
  int needed = 0;
  for (size_t i = 0; i < FUNCTION_COUNT; ++i) {
    if (is_asked(task, &functions[i]) && functions[i].operands > needed) needed = functions[i].operands;
  }
  for (; name != NULL && needed > 0 && task->parameters.operand_count > 0; --needed) {
    const size_t length = strcspn(name, " ");
    char loc[32];
    or_format(loc, sizeof loc, "data.%.*s", (int)length, name);
    if (!is_given(&task->parameters, name, length))
      or_task_problem(problems, loc, "value_error.missing", "%s takes tensors named %s: all are given, or none",
                      task->kind->type, task->kind->operands);
    name = name[length] != '\0' ? name + length + 1 : NULL;
  }
}

static bool has_operands(const or_task_run_t *run) {
  return run->task->parameters.operand_count + run->context->tensor_count > 0;
}

/* What was asked for; of given operands and m, n, k the largest extent. */
static int64_t size_of(const or_task_run_t *run, const work_t *works) {
  const or_task_parameters_t *p = &run->task->parameters;
  bool shaped = p->m > 0 || p->n > 0 || p->k > 0 || has_operands(run);
  int64_t size = p->size > 0 ? p->size : run->task->kind->default_size;
  if (!shaped) return size;
  size = 0;
  for (size_t i = 0; i < works[0].input_count; ++i) {
    const or_shape_t *shape = or_tensor_shape(works[0].inputs[i]);
    for (int32_t d = 0; d < shape->rank; ++d) size = shape->dims[d] > size ? shape->dims[d] : size;
  }
  return size;
}

static void write_summary(or_task_run_t *run, const work_t *works, size_t count);
static void release_work(work_t *work);

or_status_t or_task_run_compute(or_task_run_t *run) {
  const char *type = run->task->kind->type;
  work_t works[FUNCTION_COUNT];
  size_t count = 0, total = 0;
  or_status_t status = or_status_success();
  for (size_t i = 0; i < FUNCTION_COUNT; ++i) {
    if (!is_asked(run->task, &functions[i])) continue;
    works[total] = (work_t){.function = &functions[i]};
    ++total;
  }
  for (; or_ok(status) && count < total; ++count) {
    or_task_progress(run, (double)count / (double)total,
                     works[count].function->name != NULL ? works[count].function->name : type);
    status = carry_out(run, &works[count]);
    if (or_ok(status) && count + 1 < total) { /* the operands of one function must not stand beside the next one's */
      for (size_t i = 0; i < works[count].input_count; ++i) or_tensor_release(works[count].inputs[i]);
      works[count].input_count = 0;
    }
  }
  or_task_note_peak(run);
  for (size_t i = 0; or_ok(status) && i < total; ++i) status = or_task_note_place(run, works[i].session);
  run->result->here = or_ok(status);
  for (size_t i = 0; i < count; ++i) {
    run->result->here = run->result->here && works[i].time.here;
    run->result->put_off = run->result->put_off || works[i].time.put_off;
  }
  if (or_ok(status)) write_summary(run, works, total);
  if (or_ok(status) && has_operands(run)) {
    or_json_key(&run->json, "outputs");
    or_json_object_begin(&run->json);
    or_json_key(&run->json, "result");
    status = or_tensor_json_write(run->task->allocator, works[0].output, &run->json);
    or_json_object_end(&run->json);
    or_tensor_retain(works[0].output);
    or_status_t added = or_task_result_add(run->result, "result", works[0].output);
    status = or_status_first(status, added);
  }
  for (size_t i = 0; i < total; ++i) release_work(&works[i]);
  or_task_progress(run, 1.0, type);
  return status;
}

static void release_work(work_t *work) {
  for (size_t i = 0; i < work->input_count; ++i) or_tensor_release(work->inputs[i]);
  or_tensor_release(work->output);
  or_session_release(work->session);
}

/* The operand of that index by name: from the context, from the request, or NULL. The k-th name of the kind's list. */
static or_status_t given_operand(const or_task_run_t *run, size_t index, or_tensor_t **out) {
  const or_task_parameters_t *p = &run->task->parameters;
  const char *names = run->task->kind->operands;
  *out = NULL;
  for (size_t i = 0; names != NULL && i < index; ++i) {
    names = strchr(names, ' ');
    if (names != NULL) ++names;
  }
  if (names == NULL) return or_status_success();
  size_t length = strcspn(names, " ");
  for (size_t i = 0; i < run->context->tensor_count; ++i) {
    const or_task_tensor_t *given = &run->context->tensors[i];
    if (strlen(given->name) != length || memcmp(given->name, names, length) != 0) continue;
    return or_tensor_copy_to(given->tensor, run->device, out);
  }
  for (size_t i = 0; i < p->operand_count; ++i) {
    const or_task_operand_t *given = &p->operands[i];
    if (strlen(given->name) != length || memcmp(given->name, names, length) != 0 || given->part != NULL) continue;
    return or_tensor_create_from(run->device, given->dtype, given->shape, given->data, given->bytes, out);
  }
  return or_status_success();
}

static or_status_t make_inputs(or_task_run_t *run, work_t *work) {
  const or_task_parameters_t *p = &run->task->parameters;
  bool any_given = has_operands(run);
  or_status_t status = or_status_success();
  for (int i = 0; or_ok(status) && i < work->function->operands; ++i) {
    or_tensor_t *tensor = NULL;
    status = given_operand(run, (size_t)i, &tensor);
    if (or_ok(status) && tensor == NULL && any_given) {
      status = or_error(OR_INVALID_ARGUMENT, "operand %d of %s is missing: its tensors are named %s", i + 1,
                        run->task->kind->type, run->task->kind->operands);
    } else if (or_ok(status) && tensor == NULL) {
      status = or_task_generate(run->device, or_task_operand_dtype(run->task), or_task_operand_shape(run->task, i),
                                (uint64_t)p->seed + (uint64_t)i, run->context->cancel, &tensor);
    }
    if (or_ok(status)) work->inputs[work->input_count++] = tensor;
  }
  if (or_ok(status) && strcmp(work->function->type, "reduce") == 0) {
    status = or_tensor_create_from(run->device, OR_INT64, or_shape_make(1, (int64_t[]){1}), &p->axis, sizeof p->axis,
                                   &work->inputs[1]);
    if (or_ok(status)) ++work->input_count;
  }
  return status;
}

static void count_cost(const or_task_run_t *run, work_t *work) {
  const function_t *function = work->function;
  or_dtype_t dtype = work->input_count > 0 ? or_tensor_dtype(work->inputs[0]) : run->task->parameters.dtype;
  double out = (double)or_tensor_count(work->output), element = (double)or_dtype_bytes(dtype, 1);
  if (work->input_count > 0 && or_task_flops(run->task, work->inputs, work->output, &work->flops)) {
    work->counted = true;
    work->sums = strcmp(function->type, "fft") == 0;
    work->bytes = (double)or_tensor_bytes(work->output);
    for (size_t i = 0; i < work->input_count; ++i) work->bytes += (double)or_tensor_bytes(work->inputs[i]);
    return;
  }
  double count = work->input_count > 0 ? (double)or_tensor_count(work->inputs[0]) : out;
  work->flops = function->flops * count;
  work->bytes = (function->reads + function->writes) * count * element;
}

/* The same call by the C reference, which needs operands that the host reaches: where the device has memory of its own,
   copies of them. */
static or_status_t run_reference(const or_task_run_t *run, or_compute_call_t call, const work_t *work,
                                 or_tensor_t **out) {
  or_tensor_t *operands[MAX_INPUTS] = {NULL};
  or_device_t *device = run->device;
  or_status_t status = or_status_success();
  if (!or_device_facts(device)->unified_memory) {
    device = or_runtime_host_device(run->context->runtime);
    if (device == NULL) status = or_error(OR_UNAVAILABLE, "there is no device whose memory is the host's");
    for (size_t i = 0; or_ok(status) && i < work->input_count; ++i)
      status = or_tensor_copy_to(work->inputs[i], device, &operands[i]);
    call.inputs = operands;
  }
  call.outputs = out;
  call.reference = true;
  if (or_ok(status)) status = or_compute(device, &call);
  for (size_t i = 0; i < work->input_count; ++i) or_tensor_release(operands[i]);
  return or_status_context(status, "reference");
}

/* How far the result is from the C reference's. */
static or_status_t verify(or_task_run_t *run, or_compute_call_t call, work_t *work) {
  or_tensor_t *expected = NULL;
  or_status_t status = run_reference(run, call, work, &expected);
  if (!or_ok(status)) return status;
  or_dtype_t dtype = or_tensor_dtype(work->output);
  work->tolerance_rel = or_task_tolerance(dtype);
  work->tolerance_abs = work->tolerance_rel;
  if (work->sums && or_tensor_data(expected) != NULL)
    work->tolerance_abs *= or_task_rms(dtype, or_tensor_data(expected), or_tensor_count(expected));
  status = or_task_compare_tensors(run->task->allocator, work->output, expected,
                                   (or_task_tolerance_t){work->tolerance_rel, work->tolerance_abs}, &work->difference);
  or_tensor_release(expected);
  return status;
}

static or_status_t carry_out(or_task_run_t *run, work_t *work) {
  or_task_attributes_t attributes;
  or_binding_t inputs[MAX_INPUTS], output = {0};
  or_status_t status = make_inputs(run, work);
  if (!or_ok(status)) return status;
  bool int8 = work->input_count > 0 && or_tensor_dtype(work->inputs[0]) == OR_INT8 && work->function->int8_op != NULL;
  or_task_attributes(run->task, work->function->op, work->inputs, work->input_count, &attributes);
  or_compute_call_t call = {.op = int8 ? work->function->int8_op : work->function->op,
                            .attributes = attributes.items,
                            .attribute_count = attributes.count,
                            .inputs = work->inputs,
                            .input_count = work->input_count,
                            .output_count = 1};
  status = run->context->quick ? or_compute_shared_session(run->device, &call, &work->session)
                               : or_compute_session(run->device, &call, &work->session);
  for (size_t i = 0; i < work->input_count; ++i) inputs[i] = (or_binding_t){.tensor = work->inputs[i]};
  const or_measure_options_t options = or_task_measure_options(run, BUDGET_S, has_operands(run));
  if (or_ok(status))
    status = or_task_measure(work->session, &(or_measure_bindings_t){inputs, work->input_count, &output, 1}, &options,
                             &work->time);
  work->output = output.tensor;
  if (or_ok(status)) count_cost(run, work);
  if (or_ok(status) && run->context->verify) status = verify(run, call, work);
  return status;
}

static void write_times(or_json_writer_t *json, const work_t *work) {
  or_task_write_times(json, &work->time);
  if (work->flops > 0) {
    or_json_field_double(json, "gflops", work->flops / work->time.median_s * 1e-9);
  } else {
    or_json_field_null(json, "gflops");
  }
  or_json_field_double(json, "bandwidth_gbps", work->bytes / work->time.median_s * 1e-9);
}

static void write_verification(or_json_writer_t *json, const work_t *work) {
  or_task_write_verification(json, &work->difference, (or_task_tolerance_t){work->tolerance_rel, work->tolerance_abs});
}

/* The type of a complex element's parts. */
static or_dtype_t part_dtype(or_dtype_t dtype) {
  return dtype == OR_COMPLEX64 ? OR_FLOAT32 : dtype == OR_COMPLEX128 ? OR_FLOAT64 : dtype;
}

/* Of the device's limit in operations of that type a second; of OR_DTYPE_NONE in bytes read, of which a run touches
 * `bytes`. Nothing is measured for a quick task: a share of more than all says that the limit is not known well. */
static void write_share_of(or_task_run_t *run, or_dtype_t dtype, double bytes, double rate) {
  double percent;
  or_device_t *device = run->device_worked ? run->device : run->worked;
  if (run->context->quick) {
    percent = or_task_known_share(device, dtype, rate);
    if (dtype != OR_DTYPE_NONE && percent > 100) percent = NAN;
  } else {
    percent = dtype != OR_DTYPE_NONE ? or_task_share_of_peak(device, dtype, rate)
                                     : or_task_share_of_bandwidth(device, bytes, rate);
  }
  or_task_write_share(&run->json, dtype != OR_DTYPE_NONE ? "percent_of_peak" : "percent_of_bandwidth", percent);
}

static void write_functions(or_task_run_t *run, const work_t *works, size_t count) {
  or_json_writer_t *json = &run->json;
  or_json_key(json, "functions");
  or_json_array_begin(json);
  for (size_t i = 0; i < count; ++i) {
    or_json_object_begin(json);
    or_json_field_string(json, "function", works[i].function->name);
    write_times(json, &works[i]);
    double rate = works[i].bytes / works[i].time.median_s;
    write_share_of(run, OR_DTYPE_NONE, works[i].bytes, rate);
    if (run->context->verify) write_verification(json, &works[i]);
    or_json_object_end(json);
  }
  or_json_array_end(json);
}

static void write_summary(or_task_run_t *run, const work_t *works, size_t count) {
  or_json_writer_t *json = &run->json;
  const or_task_parameters_t *p = &run->task->parameters;
  double flops = 0, bytes = 0, seconds = 0;
  for (size_t i = 0; i < count; ++i) {
    flops += works[i].flops;
    bytes += works[i].bytes;
    seconds += works[i].time.median_s;
  }
  or_dtype_t dtype = works[0].input_count > 0 ? part_dtype(or_tensor_dtype(works[0].inputs[0])) : p->dtype;
  bool memory = strcmp(run->task->kind->type, "memory_bandwidth") == 0 || flops == 0;
  run->result->throughput = (memory ? bytes : flops) / seconds * 1e-9;
  or_json_field_string(json, "operation", run->task->kind->type);
  or_json_field_int(json, "size", size_of(run, works));
  or_json_field_string(json, "dtype", or_dtype_name(dtype));
  or_json_field_string(json, "device", run->result->device_used);
  or_json_field_double(json, "throughput", run->result->throughput);
  or_json_field_string(json, "throughput_unit", memory ? "GB/s" : "GFLOP/s");
  if (count == 1) {
    const or_shape_t *shape = or_tensor_shape(works[0].output);
    write_times(json, &works[0]);
    or_json_key(json, "result_shape");
    or_json_array_begin(json);
    for (int32_t d = 0; d < shape->rank; ++d) or_json_int(json, shape->dims[d]);
    or_json_array_end(json);
    if (run->context->verify) write_verification(json, &works[0]);
  } else {
    or_json_field_double(json, "execution_time", seconds);
  }
  if (works[0].counted) {
    write_share_of(run, dtype, 0, flops / seconds);
  } else {
    write_share_of(run, OR_DTYPE_NONE, bytes / (double)count, bytes / seconds);
  }
  if (works[0].function->name != NULL) write_functions(run, works, count);
}
