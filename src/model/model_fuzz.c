/* Any bytes as a model, the whole way: read, inferred, folded, prepared, run on the processor with small inputs of two
 * shapes, explained, cancelled, run with a state, and written; at times without the memory that it takes. Limits are so
 * small that time and memory stay small. Inputs are changed by their structure (fuzz/model_mutator.c). */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/registry.h"
#include "base/file.h"
#include "base/numbers.h"
#include "base/string.h"
#include "base/thread.h"
#include "fake/fake.h"
#include "model/explain.h"
#include "model/generate.h"
#include "model/value_json.h"
#include "runtime/runtime.h"
#include "runtime/trace_json.h"

#define MAX_BINDINGS 16u
#define MAX_INPUT_ELEMENTS 4096u
#define WEIGHTS_BYTES ((off_t)1 << 20) /* of the file of external data: zeros behind the first of them */
#define STATE_ROWS 4
#define TRACED_EVENTS 256

/* What is done with an input is drawn from its bytes. */
typedef enum way_t {
  WAY_PLAIN,
  WAY_GENERATED,
  WAY_CANCELLED,
  WAY_STATE,
  WAY_REFERENCE,
  WAY_UNFUSED,
  WAY_NARROW,
  WAY_FILE,
  WAY_TRACED,
  WAY_PROFILED,
  WAY_ELSEWHERE, /* on a device with memory of its own, which takes every operator */
  WAY_BETWEEN,   /* on one that takes some, and some fused */
  WAY_COUNT
} way_t;

/* The C library's memory, of which at times there is none; any thread. */
typedef struct scarce_t {
  or_allocator_t base;
  atomic_int_fast64_t left; /* allocations until one fails */
} scarce_t;

/* The inputs of a run, one reference each. */
typedef struct bindings_t {
  or_binding_t items[MAX_BINDINGS];
  size_t count;
} bindings_t;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static or_runtime_t *the_runtime(void);
static const char *the_folder(void);
static or_status_t load(or_runtime_t *runtime, const uint8_t *data, size_t size, bool from_file, or_model_t **out);
static void use(or_runtime_t *runtime, or_model_t *model, way_t way, uint64_t seed);
static or_status_t make_inputs(or_runtime_t *runtime, or_model_t *model, uint64_t seed, bindings_t *out);
static or_status_t run(or_runtime_t *runtime, or_session_t *session, const bindings_t *inputs, size_t output_count);
static void cancel(or_session_t *session, const bindings_t *inputs, size_t output_count);
static or_status_t run_state(or_session_t *session, const bindings_t *inputs, size_t output_count);
static or_status_t explain(or_runtime_t *runtime, or_session_t *session, const or_model_t *model,
                           const bindings_t *inputs, bool profile);
static void write_trace(or_runtime_t *runtime);
static or_status_t make_input(or_runtime_t *runtime, const or_model_value_t *value, uint64_t seed, or_binding_t *out);
static or_status_t make_tensor(or_runtime_t *runtime, const or_model_value_t *value, uint64_t seed, or_tensor_t **out);
static void release(bindings_t *bindings);

static void *allocate(void *self, size_t bytes, size_t alignment) {
  scarce_t *scarce = self;
  const or_allocator_t *system = or_allocator_system();
  if (atomic_fetch_sub_explicit(&scarce->left, 1, memory_order_relaxed) == 1) return NULL;
  return system->alloc(system->self, bytes, alignment);
}

static void give_back(void *self, void *memory) {
  const or_allocator_t *system = or_allocator_system();
  (void)self;
  system->release(system->self, memory);
}

static scarce_t scarce = {.base = {.self = &scarce, .alloc = allocate, .release = give_back}, .left = INT64_MAX};

/* Of one input in eight one allocation fails, mostly an early one. */
static void make_scarce(uint64_t seed) {
  const uint64_t most = UINT64_C(1) << (3 + (seed >> 3) % 8);
  atomic_store(&scarce.left, (seed & 7) != 0 ? INT64_MAX : (int64_t)(1 + (seed >> 6) % most));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_runtime_t *runtime = the_runtime();
  or_model_t *model = NULL;
  const uint64_t seed = or_hash_bytes(data, size, 0);
  const way_t way = (way_t)((seed >> 32) % WAY_COUNT);
  make_scarce(seed >> 48);
  or_status_t status = load(runtime, data, size, way == WAY_FILE, &model);
  or_status_ignore(status); /* what the outcome is does not matter, only that there is one */
  if (model != NULL) use(runtime, model, way, seed);
  or_model_release(model);
  if (or_status_live_count() != 0) abort();
  return 0;
}

/* One for all inputs; lives as long as the process. */
static or_runtime_t *the_runtime(void) {
  static or_runtime_t *runtime = NULL;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}, {"fake", or_fake_entry}};
  const or_runtime_options_t options = {.threads = 1, .allocator = &scarce.base};
  if (runtime == NULL) or_status_ignore(or_runtime_create_with(&options, backends, 2, &runtime));
  if (runtime == NULL) abort();
  return runtime;
}

static char folder[] = "/tmp/or_model_fuzz_XXXXXX";

static void remove_folder(void) {
  static const char *const names[] = {"weights", "out", "model.onnx", "written.onnx", "written.onnx.data"};
  char path[64];
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
    (void)unlink(or_format(path, sizeof path, "%s/%s", folder, names[i]));
  (void)rmdir(folder);
}

/* Where external data may lie: a file of bytes, and a link that leads out. */
static const char *the_folder(void) {
  static bool made = false;
  uint8_t bytes[4096];
  char path[64];
  if (made) return folder;
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (uint8_t)(i % 4 == 3 ? 0x3F : i);
  if (mkdtemp(folder) == NULL || atexit(remove_folder) != 0) abort();
  or_status_t status = or_file_write(or_format(path, sizeof path, "%s/weights", folder), bytes, sizeof bytes);
  if (!or_ok(status) || truncate(path, WEIGHTS_BYTES) != 0) abort();
  if (symlink("/dev/null", or_format(path, sizeof path, "%s/out", folder)) != 0) abort();
  made = true;
  return folder;
}

static or_status_t load(or_runtime_t *runtime, const uint8_t *data, size_t size, bool from_file, or_model_t **out) {
  const or_model_options_t options = {.limits = {.file_bytes = 1 << 16,
                                                 .initializer_bytes = 1 << 20,
                                                 .nodes = 200,
                                                 .values = 2000,
                                                 .tensor_elements = 1 << 16,
                                                 .nesting = 4,
                                                 .loop_iterations = 100,
                                                 .loop_seconds = 0.05,
                                                 .string_bytes = 1 << 16},
                                      .base_directory = the_folder()};
  char path[64];
  if (!from_file) return or_model_load_memory(runtime, "fuzz", data, size, &options, out);
  or_status_t status = or_file_write(or_format(path, sizeof path, "%s/model.onnx", folder), data, size);
  return or_ok(status) ? or_model_load(runtime, path, &options, out) : status;
}

static or_status_t make_session(or_runtime_t *runtime, or_model_t *model, way_t way, uint64_t seed,
                                or_session_t **out) {
  static const char *const some[] = {"MatMul",  "Conv",    "Relu",   "Add",  "Mul",
                                     "Reshape", "Softmax", "Concat", "Cast", NULL};
  or_session_options_t options = {.device = or_runtime_host_device(runtime),
                                  .precision = way == WAY_NARROW ? OR_BFLOAT16 : OR_DTYPE_NONE,
                                  .strict = way == WAY_BETWEEN && (seed & 7) == 0,
                                  .reference = way == WAY_REFERENCE,
                                  .no_fusion = way == WAY_UNFUSED};
  or_status_t status = or_status_success();
  if (way == WAY_ELSEWHERE || way == WAY_BETWEEN) status = or_runtime_find_device(runtime, "fake", &options.device);
  or_fake_set_supported(way == WAY_BETWEEN ? some : NULL);
  or_fake_set_fused(way == WAY_BETWEEN && (seed & 1) != 0);
  return or_ok(status) ? or_session_create(model, &options, out) : status;
}

static void use(or_runtime_t *runtime, or_model_t *model, way_t way, uint64_t seed) {
  const or_model_export_options_t replace = {.replace = true, .external_data = (seed & 1) != 0};
  const size_t output_count = or_model_output_count(model);
  or_session_t *session = NULL;
  bindings_t inputs = {.count = 0};
  char path[64];
  if (or_model_input_count(model) > MAX_BINDINGS || output_count > MAX_BINDINGS) return;
  or_status_t status = make_session(runtime, model, way, seed, &session);
  if (way == WAY_TRACED) or_status_ignore(or_trace_start(or_runtime_trace(runtime), INT64_MAX, TRACED_EVENTS));
  for (uint32_t round = 0; or_ok(status) && round < 2;
       ++round) { /* other shapes the second time, where they are open */
    release(&inputs);
    status = make_inputs(runtime, model, way == WAY_GENERATED ? round : seed >> round, &inputs);
    if (or_ok(status)) status = run(runtime, session, &inputs, output_count);
  }
  if (or_ok(status) && way == WAY_CANCELLED) cancel(session, &inputs, output_count);
  if (or_ok(status) && way == WAY_STATE) status = run_state(session, &inputs, output_count);
  if (or_ok(status)) status = explain(runtime, session, model, &inputs, way == WAY_PROFILED);
  or_status_ignore(status);
  if (way == WAY_TRACED) write_trace(runtime);
  if (way == WAY_FILE) {
    status = or_model_export(model, or_format(path, sizeof path, "%s/written.onnx", folder), &replace);
    or_status_ignore(status);
  }
  release(&inputs);
  or_session_release(session);
}

static void write_trace(or_runtime_t *runtime) {
  or_trace_view_t view = {
      .recording = or_trace_stop(or_runtime_trace(runtime)), .id = "fuzz", .all = true, .runtime = runtime};
  or_text_t text;
  or_json_writer_t json;
  if (view.recording == NULL) return;
  or_text_init(&text, or_runtime_allocator(runtime));
  or_json_begin(&json, &text, 0);
  or_trace_write(&json, &view);
  or_status_ignore(or_json_finish(&json));
  or_text_deinit(&text);
  or_trace_recording_free((or_trace_recording_t *)(uintptr_t)view.recording);
}

/* Whether generated inputs are, which take the extents of the file. */
static bool is_small(const or_model_t *model) {
  for (size_t i = 0; i < or_model_input_count(model); ++i) {
    or_shape_t shape = or_model_input(model, i)->shape;
    uint64_t count = 0;
    for (int32_t d = 0; d < shape.rank; ++d) shape.dims[d] = shape.dims[d] < 0 ? 2 : shape.dims[d];
    if (shape.rank >= 0 && (!or_shape_count(&shape, &count) || count > MAX_INPUT_ELEMENTS)) return false;
  }
  return true;
}

/* Drawn from `seed`; from a seed of 0 or 1 as the command line generates them where no value is given. */
static or_status_t make_inputs(or_runtime_t *runtime, or_model_t *model, uint64_t seed, bindings_t *out) {
  const or_model_generation_t generation = {.batch = (int64_t)seed + 1};
  or_status_t status = or_status_success();
  or_model_inputs_t made = {.count = 0};
  if (seed < 2 && is_small(model)) {
    status = or_model_generate(model, or_runtime_host_device(runtime), &generation, &made);
    memcpy(out->items, made.items, made.count * sizeof *made.items);
    out->count = made.count;
    return status;
  }
  for (size_t i = 0; or_ok(status) && i < or_model_input_count(model); ++i) {
    const or_model_value_t *value = or_model_input(model, i);
    if (value->optional && (seed >> i & 1) != 0) continue;
    out->items[out->count] = (or_binding_t){.name = value->name};
    status = make_input(runtime, value, seed + i, &out->items[out->count++]);
  }
  return status;
}

static void release(bindings_t *bindings) {
  for (size_t i = 0; i < bindings->count; ++i) {
    or_tensor_release(bindings->items[i].tensor);
    or_value_release(bindings->items[i].value);
  }
  bindings->count = 0;
}

/* Outputs are written as a client gets them. */
static or_status_t run(or_runtime_t *runtime, or_session_t *session, const bindings_t *inputs, size_t output_count) {
  bindings_t outputs = {.count = output_count};
  or_text_t text;
  or_json_writer_t json;
  memset(outputs.items, 0, sizeof outputs.items);
  or_status_t status = or_session_run(session, inputs->items, inputs->count, outputs.items, output_count);
  or_text_init(&text, or_runtime_allocator(runtime));
  or_json_begin(&json, &text, 0);
  or_json_array_begin(&json);
  for (size_t i = 0; or_ok(status) && i < output_count; ++i) {
    or_value_t *value = outputs.items[i].value;
    if (value != NULL) or_value_retain(value);
    if (value == NULL) status = or_value_from_tensor(or_runtime_allocator(runtime), outputs.items[i].tensor, &value);
    if (or_ok(status)) status = or_value_json_write(or_runtime_allocator(runtime), value, &json);
    or_value_release(value);
  }
  or_json_array_end(&json);
  or_status_ignore(or_json_finish(&json));
  or_text_deinit(&text);
  release(&outputs);
  return status;
}

typedef struct ending_t {
  or_mutex_t mutex;
  or_cond_t cond;
  bool ended; /* under the mutex */
} ending_t;

static void has_ended(void *self, or_status_t status, or_binding_t *outputs, size_t output_count) {
  ending_t *ending = self;
  or_status_ignore(status);
  for (size_t i = 0; i < output_count; ++i) {
    or_tensor_release(outputs[i].tensor);
    or_value_release(outputs[i].value);
  }
  or_mutex_lock(&ending->mutex);
  ending->ended = true;
  or_cond_signal(&ending->cond);
  or_mutex_unlock(&ending->mutex);
}

/* A run that is cancelled where it happens to be. */
static void cancel(or_session_t *session, const bindings_t *inputs, size_t output_count) {
  bindings_t outputs;
  ending_t ending = {.ended = false};
  const or_run_request_t request = {.inputs = inputs->items,
                                    .input_count = inputs->count,
                                    .outputs = outputs.items,
                                    .output_count = output_count,
                                    .callback = has_ended,
                                    .self = &ending};
  or_run_t *started = NULL;
  memset(&outputs, 0, sizeof outputs);
  or_mutex_init(&ending.mutex);
  or_cond_init(&ending.cond);
  or_status_t status = or_session_run_async(session, &request, &started);
  if (or_ok(status)) {
    or_run_cancel(started);
    or_mutex_lock(&ending.mutex);
    while (!ending.ended) or_cond_wait(&ending.cond, &ending.mutex);
    or_mutex_unlock(&ending.mutex);
  }
  or_status_ignore(status);
  or_run_release(started);
  or_cond_deinit(&ending.cond);
  or_mutex_deinit(&ending.mutex);
}

/* Twice, with what the model remembers: the names of its inputs say what that is. */
static or_status_t run_state(or_session_t *session, const bindings_t *inputs, size_t output_count) {
  const or_state_options_t options = {.batch = 1, .capacity = STATE_ROWS};
  or_state_t *state = NULL;
  bindings_t others = {.count = 0}, outputs = {.count = 0};
  or_state_report_t report = {.tie_count = 0};
  or_status_t status = or_state_create(session, &options, &state);
  if (or_ok(status)) or_state_explain(state, &report);
  for (size_t i = 0; i < inputs->count; ++i) {
    bool tied = false;
    for (size_t t = 0; t < report.tie_count; ++t)
      tied = tied || strcmp(or_state_tie(state, t, &(int32_t){0}).input, inputs->items[i].name) == 0;
    if (!tied) others.items[others.count++] = inputs->items[i]; /* borrowed */
  }
  for (uint32_t step = 0; or_ok(status) && step < 2; ++step) {
    outputs.count = output_count - report.tie_count;
    memset(outputs.items, 0, sizeof outputs.items);
    status = or_session_run_with_state(session, state, others.items, others.count, outputs.items, outputs.count);
    release(&outputs);
  }
  or_state_release(state);
  if (or_status_code(status) != OR_NOT_FOUND) return status;
  or_status_ignore(status); /* most models remember nothing */
  return or_status_success();
}

/* As or_explain, without the device's limits: to measure them takes long. */
static or_status_t explain(or_runtime_t *runtime, or_session_t *session, const or_model_t *model,
                           const bindings_t *inputs, bool profile) {
  const or_state_options_t options = {.batch = 1, .capacity = OR_EXPLAIN_STATE_ROWS};
  or_explanation_t explanation = {.model = model, .peaks = {NAN, NAN, NAN, NAN, NAN, NAN}};
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, or_runtime_allocator(runtime));
  or_json_begin(&json, &text, 0);
  or_status_t status = or_session_explain(session, inputs->items, inputs->count, profile, &explanation.report);
  if (or_ok(status)) {
    or_status_ignore(or_state_create(session, &options, &explanation.state)); /* most models have none */
    or_explain_write(&json, &explanation);
    status = or_json_finish(&json);
  }
  or_explanation_deinit(&explanation);
  or_text_deinit(&text);
  return status;
}

/* A tensor, or 0 to 2 of it in a sequence, or an optional that is empty or not. */
static or_status_t make_input(or_runtime_t *runtime, const or_model_value_t *value, uint64_t seed, or_binding_t *out) {
  const or_allocator_t *allocator = or_runtime_allocator(runtime);
  or_tensor_t *tensor = NULL;
  or_value_t *element = NULL, *sequence = NULL;
  or_status_t status = make_tensor(runtime, value, seed, &tensor);
  if (!or_ok(status) || value->form == OR_FORM_TENSOR) {
    out->tensor = tensor;
    return status;
  }
  status = or_value_from_tensor(allocator, tensor, &element);
  or_tensor_release(tensor);
  or_value_t *const elements[] = {element, element};
  if (or_ok(status)) status = or_value_sequence(allocator, elements, seed % 3, &sequence);
  if (or_ok(status) && value->form == OR_FORM_SEQUENCE) {
    out->value = sequence;
    sequence = NULL;
  } else if (or_ok(status)) {
    or_value_t *held = value->form == OR_FORM_OPTIONAL_SEQUENCE ? sequence : element;
    status = or_value_optional(allocator, seed % 3 != 0 ? held : NULL, &out->value);
  }
  or_value_release(sequence);
  or_value_release(element);
  return status;
}

static or_status_t make_tensor(or_runtime_t *runtime, const or_model_value_t *value, uint64_t seed, or_tensor_t **out) {
  static const or_string_t words[] = {{"a", 1}, {"", 0}, {"b c", 3}, {"1.5", 3}};
  static _Alignas(64) uint8_t bytes[MAX_INPUT_ELEMENTS * 16];
  or_shape_t shape = value->shape;
  uint64_t count = 0;
  if (shape.rank < 0) shape = (or_shape_t){.rank = (int32_t)(seed % 4)};
  for (int32_t d = 0; d < shape.rank; ++d) {
    if (value->shape.rank < 0 || shape.dims[d] < 0) shape.dims[d] = (int64_t)((seed >> (8 + 2 * d)) & 3);
  }
  const or_dtype_t dtype = value->dtype == OR_DTYPE_NONE ? OR_FLOAT32 : value->dtype;
  if (!or_shape_count(&shape, &count) || count > MAX_INPUT_ELEMENTS)
    return or_error(OR_RESOURCE_EXHAUSTED, "more than %u elements", MAX_INPUT_ELEMENTS);
  const size_t length = or_dtype_bytes(dtype, count);
  memset(bytes, 0, sizeof bytes);
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t small = (int64_t)((seed >> (i % 48)) & 7) - (seed % 5 == 0 ? 2 : 0);
    switch (dtype) {
    case OR_FLOAT32: ((float *)(void *)bytes)[i] = (float)small * 0.5F; break;
    case OR_FLOAT64: ((double *)(void *)bytes)[i] = (double)small * 0.5; break;
    case OR_INT64: ((int64_t *)(void *)bytes)[i] = small; break;
    case OR_INT32: ((int32_t *)(void *)bytes)[i] = (int32_t)small; break;
    case OR_BOOL: bytes[i] = (uint8_t)(small & 1); break;
    case OR_STRING: ((or_string_t *)(void *)bytes)[i] = words[small & 3]; break;
    default: break;
    }
  }
  const bool raw = dtype != OR_FLOAT32 && dtype != OR_FLOAT64 && dtype != OR_INT64 && dtype != OR_INT32 &&
                   dtype != OR_BOOL && dtype != OR_STRING;
  for (size_t i = 0; raw && i < length; ++i) bytes[i] = (uint8_t)((seed >> (i % 56)) & (seed % 2 != 0 ? 0xFF : 3));
  return or_tensor_create_from(or_runtime_host_device(runtime), dtype, shape, bytes, length, out);
}
