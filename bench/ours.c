/* The library as run.py measures it: a session kept prepared, run on request. Started without a request it is a
 * process that has a runtime and waits. Argument: the number of threads. */
#include <math.h>
#include <openruntime/openruntime.h>

#include "worker.h"

enum { MAX_OPERANDS = 64, OP_OPERANDS = 2, STATE_ROOM = 64 /* tokens of a round, at most */ };

typedef struct ours_t {
  or_runtime_t *runtime;
  or_device_t *device;
  or_session_t *session;
  or_state_t *start, *state; /* with the tokens before; the one that goes on from there. NULL: stateless */
  or_binding_t inputs[MAX_OPERANDS], outputs[MAX_OPERANDS];
  size_t input_count, output_count;
} ours_t;

typedef struct function_t {
  const char *name, *op;
  size_t inputs;
  int rank;
} function_t;
static const function_t functions[] = {
    {"matmul", "MatMul", 2, 2},         {"copy", "openruntime:Copy", 1, 1}, {"triad", "openruntime:Triad", 2, 1},
    {"axpy", "openruntime:Axpy", 2, 1}, {"dot", "openruntime:Dot", 2, 1},   {"read", "openruntime:ReadSum", 1, 1},
    {"fft", "openruntime:Fft", 1, 1},
};

static int prepare(void *self, const char *line, char *answer);
static int run(void *self, char *answer);
static int rewind_state(void *self, char *answer);

int main(int argc, char **argv) {
  ours_t ours = {0};
  or_runtime_options_t options = or_runtime_options_default();
  options.backends = "cpu";
  options.threads = argc > 1 ? (int32_t)strtol(argv[1], NULL, 10) : 0;
  or_status_t status = or_runtime_create(&options, &ours.runtime);
  if (or_ok(status)) status = or_runtime_find_device(ours.runtime, "cpu", &ours.device);
  if (!or_ok(status)) {
    (void)printf("error %s\n", or_status_message(status));
    or_status_ignore(status); /* printed */
    return 1;
  }
  bench_worker_t worker = {&ours, prepare, run, rewind_state};
  (void)printf("ok OpenRuntime %s\n", or_version());
  (void)fflush(stdout);
  return bench_serve(&worker);
}

static int failed(or_status_t status, char *answer) {
  (void)snprintf(answer, BENCH_TEXT_BYTES, "%s", or_status_message(status));
  or_status_ignore(status); /* handed on as text */
  return 0;
}

/* Input `seed` with the values that every worker uses. */
static or_status_t fill(ours_t *ours, or_dtype_t dtype, or_shape_t shape, size_t seed) {
  or_tensor_t *tensor = NULL;
  for (int32_t d = 0; d < shape.rank; ++d) {
    if (shape.dims[d] < 0) shape.dims[d] = 1;
  }
  or_status_t status = or_tensor_create(ours->device, dtype, shape, &tensor);
  if (!or_ok(status)) return status;
  void *data = or_buffer_host_pointer(or_tensor_buffer(tensor));
  size_t count = or_tensor_count(tensor) * (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128 ? 2 : 1);
  for (size_t i = 0; i < count; ++i) {
    if (dtype == OR_FLOAT64 || dtype == OR_COMPLEX128) {
      ((double *)data)[i] = bench_value(i, seed);
    } else {
      ((float *)data)[i] = (float)bench_value(i, seed);
    }
  }
  ours->inputs[ours->input_count++] = (or_binding_t){.tensor = tensor};
  return or_status_success();
}

static or_status_t prepare_op(ours_t *ours, const char *line) {
  char name[16] = "", dtype_name[16] = "";
  long long size = 0;
  if (sscanf(line, "%*s %15s %15s %lld", name, dtype_name, &size) != 3 || size <= 0) {
    return or_error(OR_INVALID_ARGUMENT, "\"%s\": expected op NAME DTYPE SIZE", line);
  }
  or_dtype_t dtype = or_dtype_from_name(dtype_name);
  if (dtype != OR_FLOAT32 && dtype != OR_FLOAT64) return or_error(OR_UNIMPLEMENTED, "dtype %s", dtype_name);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i) {
    const function_t *function = &functions[i];
    if (strcmp(function->name, name) != 0) continue;
    or_status_t status = or_status_success();
    if (strcmp(name, "fft") == 0) dtype = dtype == OR_FLOAT32 ? OR_COMPLEX64 : OR_COMPLEX128;
    for (size_t k = 0; or_ok(status) && k < function->inputs; ++k)
      status = fill(ours, dtype, or_shape_make((size_t)function->rank, (int64_t[]){size, size}), k);
    or_tensor_t *inputs[OP_OPERANDS] = {ours->inputs[0].tensor, ours->inputs[1].tensor};
    or_compute_attribute_t alpha = {.name = "alpha", .real = 0.5};
    bool scaled = strcmp(name, "axpy") == 0 || strcmp(name, "triad") == 0;
    or_compute_call_t call = {.op = function->op,
                              .inputs = inputs,
                              .input_count = function->inputs,
                              .attributes = &alpha,
                              .attribute_count = scaled ? 1 : 0,
                              .output_count = 1};
    return or_ok(status) ? or_compute_session(ours->device, &call, &ours->session) : status;
  }
  return or_error(OR_NOT_FOUND, "no function %s", name);
}

static or_status_t prepare_model(ours_t *ours, const char *path) {
  or_model_t *model = NULL;
  or_session_options_t options = {.device = ours->device};
  or_status_t status = or_model_load(ours->runtime, path, NULL, &model);
  if (!or_ok(status)) return status;
  for (size_t i = 0; or_ok(status) && i < or_model_input_count(model) && i < MAX_OPERANDS; ++i) {
    const or_model_value_t *input = or_model_input(model, i);
    status = fill(ours, input->dtype, input->shape, i);
  }
  if (or_ok(status)) status = or_session_create(model, &options, &ours->session);
  or_model_release(model);
  return status;
}

/* What a network is run on: items, tokens now, tokens before. */
typedef struct extents_t {
  long long batch, sequence, past;
} extents_t;

static int64_t token_input(const char *name, long long position) {
  if (strcmp(name, "input_ids") == 0) return bench_token(position);
  if (strcmp(name, "position_ids") == 0) return position;
  return strcmp(name, "attention_mask") == 0; /* and token_type_ids are 0 */
}

/* An input by its name, as peer_network.py has it; caches without a past are empty. */
static or_status_t network_input(ours_t *ours, const or_model_value_t *value, size_t seed, extents_t extents) {
  or_shape_t shape = value->shape;
  bool whole = value->dtype == OR_INT64; /* one number a token */
  for (int32_t d = 0; d < shape.rank; ++d) {
    if (shape.dims[d] < 0) shape.dims[d] = d == 0 ? extents.batch : whole ? extents.sequence : extents.past;
  }
  or_binding_t *binding = &ours->inputs[ours->input_count];
  or_tensor_t *tensor = NULL;
  or_status_t status = or_tensor_create(ours->device, value->dtype, shape, &tensor);
  if (!or_ok(status)) return status;
  void *data = or_buffer_host_pointer(or_tensor_buffer(tensor));
  for (size_t i = 0; i < or_tensor_count(tensor); ++i) {
    if (whole) {
      ((int64_t *)data)[i] = token_input(value->name, extents.past + (long long)i % extents.sequence);
    } else {
      ((float *)data)[i] = (float)bench_value(i, seed);
    }
  }
  *binding = (or_binding_t){.name = value->name, .tensor = tensor};
  ++ours->input_count;
  return or_status_success();
}

static bool is_cache(const or_model_value_t *value, const char *prefix) {
  return strncmp(value->name, prefix, strlen(prefix)) == 0;
}

/* Binds inputs and outputs that are not a state's; keys and values of a past are those that an earlier run, on the
 * tokens before, has left in `caches`, which are taken. */
static or_status_t bind_network(ours_t *ours, const or_model_t *model, extents_t extents, or_binding_t *caches) {
  or_status_t status = or_status_success();
  size_t cache = 1; /* behind the logits */
  ours->input_count = 0;
  for (size_t i = 0; or_ok(status) && i < or_model_input_count(model); ++i) {
    const or_model_value_t *value = or_model_input(model, i);
    if (value->optional || (ours->start != NULL && is_cache(value, "past_key_values"))) continue;
    if (ours->input_count == MAX_OPERANDS) return or_error(OR_RESOURCE_EXHAUSTED, "too many inputs");
    if (caches != NULL && is_cache(value, "past_key_values")) {
      ours->inputs[ours->input_count++] = (or_binding_t){.name = value->name, .tensor = caches[cache].tensor};
      caches[cache++].tensor = NULL;
    } else {
      status = network_input(ours, value, i, extents);
    }
  }
  ours->output_count = 0;
  for (size_t i = 0; i < or_model_output_count(model) && i < MAX_OPERANDS; ++i) {
    const or_model_value_t *value = or_model_output(model, i);
    if (ours->start != NULL && is_cache(value, "present")) continue;
    ours->outputs[ours->output_count++] = (or_binding_t){.name = value->name};
  }
  return status;
}

static void release_tensors(or_binding_t *bindings, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    or_tensor_release(bindings[i].tensor);
    bindings[i].tensor = NULL;
  }
}

static or_status_t prepare_network(ours_t *ours, const char *line) {
  char path[1024] = "";
  extents_t extents = {0, 0, 0};
  or_model_t *model = NULL;
  or_binding_t caches[MAX_OPERANDS] = {{0}};
  or_session_options_t options = {.device = ours->device};
  if (sscanf(line, "%*s %1023s %lld %lld %lld", path, &extents.batch, &extents.sequence, &extents.past) != 4 ||
      extents.batch < 1 || extents.sequence < 1 || extents.past < 0)
    return or_error(OR_INVALID_ARGUMENT, "\"%s\": expected network PATH BATCH SEQUENCE PAST", line);
  or_status_t status = or_model_load(ours->runtime, path, NULL, &model);
  if (or_ok(status)) status = or_session_create(model, &options, &ours->session);
  if (or_ok(status) && extents.past > 0) {
    status = bind_network(ours, model, (extents_t){extents.batch, extents.past, 0}, NULL);
    if (or_ok(status))
      status = or_session_run(ours->session, ours->inputs, ours->input_count, ours->outputs, ours->output_count);
    memcpy(caches, ours->outputs, sizeof caches);
    release_tensors(ours->inputs, ours->input_count);
  }
  if (or_ok(status)) status = bind_network(ours, model, extents, extents.past > 0 ? caches : NULL);
  release_tensors(caches, MAX_OPERANDS);
  or_model_release(model);
  return status;
}

static or_status_t run_once(ours_t *ours) {
  if (ours->state != NULL) {
    return or_session_run_with_state(ours->session, ours->state, ours->inputs, ours->input_count, ours->outputs,
                                     ours->output_count);
  }
  return or_session_run(ours->session, ours->inputs, ours->input_count, ours->outputs, ours->output_count);
}

/* Keys and values in a state, as a program that writes text has them: the tokens before are run once. */
static or_status_t prepare_state(ours_t *ours, const char *line) {
  char path[1024] = "";
  extents_t extents = {0, 0, 0};
  or_model_t *model = NULL;
  or_session_options_t options = {.device = ours->device};
  if (sscanf(line, "%*s %1023s %lld %lld %lld", path, &extents.batch, &extents.sequence, &extents.past) != 4 ||
      extents.batch < 1 || extents.sequence < 1 || extents.past < 1)
    return or_error(OR_INVALID_ARGUMENT, "\"%s\": expected state PATH BATCH SEQUENCE PAST", line);
  or_state_options_t state = {.batch = extents.batch, .capacity = extents.past + STATE_ROOM * extents.sequence};
  or_status_t status = or_model_load(ours->runtime, path, NULL, &model);
  if (or_ok(status)) status = or_session_create(model, &options, &ours->session);
  if (or_ok(status)) status = or_state_create(ours->session, &state, &ours->start);
  if (or_ok(status)) status = bind_network(ours, model, (extents_t){extents.batch, extents.past, 0}, NULL);
  if (or_ok(status)) {
    status = or_session_run_with_state(ours->session, ours->start, ours->inputs, ours->input_count, ours->outputs,
                                       ours->output_count);
  }
  release_tensors(ours->inputs, ours->input_count);
  release_tensors(ours->outputs, ours->output_count);
  if (or_ok(status)) status = bind_network(ours, model, extents, NULL);
  if (or_ok(status)) status = or_state_fork(ours->start, &ours->state);
  or_model_release(model);
  return status;
}

static int rewind_state(void *self, char *answer) {
  ours_t *ours = self;
  if (ours->start == NULL) return 1;
  or_state_release(ours->state);
  ours->state = NULL;
  or_status_t status = or_state_fork(ours->start, &ours->state);
  return or_ok(status) ? 1 : failed(status, answer);
}

static double magnitude(const or_tensor_t *tensor) {
  double sum = 0;
  const void *data = or_tensor_data(tensor);
  or_dtype_t dtype = or_tensor_dtype(tensor);
  size_t count = or_tensor_count(tensor) * (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128 ? 2 : 1);
  bool wide = dtype == OR_FLOAT64 || dtype == OR_COMPLEX128;
  for (size_t i = 0; i < count; ++i) sum += fabs(wide ? ((const double *)data)[i] : (double)((const float *)data)[i]);
  return sum;
}

static or_status_t limits(ours_t *ours, char *answer) {
  or_device_peaks_t peaks;
  or_status_t status = or_device_measure_peaks(ours->device, &peaks);
  (void)snprintf(answer, BENCH_TEXT_BYTES, "%.6e %.6e %.6e %.6e", peaks.fp32_flops, peaks.fp64_flops,
                 peaks.read_bytes_per_second, peaks.copy_bytes_per_second);
  return status;
}

static int prepare(void *self, const char *line, char *answer) {
  ours_t *ours = self;
  or_status_t status;
  if (strcmp(line, "limits") == 0) {
    status = limits(ours, answer);
    return or_ok(status) ? 1 : failed(status, answer);
  }
  or_state_release(ours->state);
  or_state_release(ours->start);
  or_session_release(ours->session);
  release_tensors(ours->outputs, ours->output_count);
  release_tensors(ours->inputs, ours->input_count);
  *ours = (ours_t){.runtime = ours->runtime, .device = ours->device, .output_count = 1};
  status = strncmp(line, "model ", 6) == 0     ? prepare_model(ours, line + 6)
           : strncmp(line, "network ", 8) == 0 ? prepare_network(ours, line)
           : strncmp(line, "state ", 6) == 0   ? prepare_state(ours, line)
                                               : prepare_op(ours, line);
  if (!or_ok(status)) return failed(status, answer);
  if (!run(ours, answer)) return 0;
  (void)snprintf(answer, BENCH_TEXT_BYTES, "%.9e", magnitude(ours->outputs[0].tensor));
  return 1;
}

/* The outputs of the first run are the memory of those that follow. */
static int run(void *self, char *answer) {
  ours_t *ours = self;
  or_status_t status = run_once(ours);
  return or_ok(status) ? 1 : failed(status, answer);
}
