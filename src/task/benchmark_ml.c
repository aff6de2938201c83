/* Networks: latency and throughput on generated input, as the scenarios of load.h have it. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "model/find.h"
#include "model/generate.h"
#include "task/load.h"

#define MAX_BINDINGS 64
#define LEAST_S 0.1      /* of measuring, however long preparing took */
#define ENOUGH_GAIN 1.03 /* more queries in flight help if the throughput grows by so much */

/* What is measured where nothing is asked for, and the extents that make a built-in network's usual query. */
static const char *const usual_models[] = {"resnet50", "mobilenet-v2", "bert-base", "gpt2"};
typedef struct usual_extent_t {
  const char *model, *symbol;
  int64_t extent;
} usual_extent_t;
static const usual_extent_t usual_extents[] = {{"bert-base", "sequence", 128}, {"gpt2", "past", 256}};
#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct network_t {
  or_task_run_t *run;
  or_model_t *model;
  or_session_t *session;
  or_binding_t inputs[MAX_BINDINGS], outputs[MAX_BINDINGS];
  size_t input_count, output_count;
  or_measurement_t time;
  double items_per_s;
  uint32_t in_flight;
  or_load_summary_t load;
} network_t;

static or_status_t load_models(or_task_run_t *run, or_model_t **models, size_t *count);
static or_status_t check_dims(const or_task_run_t *run, or_model_t *const *models, size_t count);
static or_status_t benchmark_one(or_task_run_t *run, or_model_t *model, double budget_s);

or_status_t or_task_benchmark_models(or_task_run_t *run, int64_t until_ns) {
  or_model_t *models[OR_TASK_MAX_MODELS] = {NULL};
  size_t count = 0;
  or_status_t status = load_models(run, models, &count);
  if (or_ok(status)) status = check_dims(run, models, count);
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    double left_s = (double)(until_ns - or_clock_ns()) * 1e-9;
    or_task_progress(run, (double)i / (double)count, or_model_name(models[i]));
    status = benchmark_one(run, models[i], left_s / (double)(count - i));
    status = or_status_context(status, "model \"%s\"", or_model_name(models[i]));
  }
  for (size_t i = 0; i < count; ++i) or_model_release(models[i]);
  return status;
}

/* All of them first: a misspelt name is told before minutes are spent. */
static or_status_t load_models(or_task_run_t *run, or_model_t **models, size_t *count) {
  const or_task_context_t *context = run->context;
  const or_task_parameters_t *p = &run->task->parameters;
  const or_model_search_t search = {.directory = context->models_directory, .allow_paths = context->allow_paths};
  const char *const *names = p->ml.model_count > 0 ? p->ml.models : p->model != NULL ? &p->model : usual_models;
  size_t wanted = p->ml.model_count > 0 ? p->ml.model_count : p->model != NULL ? 1 : COUNT(usual_models);
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < wanted; ++i) {
    or_task_progress(run, 0, names[i]);
    status = or_model_find(context->runtime, &search, names[i], &models[i]);
    if (or_ok(status)) ++*count;
  }
  return status;
}

static or_status_t check_dims(const or_task_run_t *run, or_model_t *const *models, size_t count) {
  const or_task_ml_t *ml = &run->task->parameters.ml;
  for (size_t d = 0; d < ml->dim_count; ++d) {
    bool known = false;
    for (size_t i = 0; i < count; ++i) known = known || or_model_has_dim(models[i], ml->dims[d].name);
    if (!known)
      return or_error(OR_INVALID_ARGUMENT, "dims: no model here has an open dimension \"%s\"", ml->dims[d].name);
  }
  return or_status_success();
}

/* An open extent: what is asked for, the built-in network's usual one, the batch if it is the first, else 1. */
static int64_t extent_of(const network_t *network, const or_model_value_t *value, int32_t d) {
  const or_task_parameters_t *p = &network->run->task->parameters;
  const int64_t extent = value->shape.dims[d];
  const char *symbol = extent < OR_DIM_UNKNOWN ? or_model_symbol(network->model, OR_DIM_SYMBOL_INDEX(extent)) : NULL;
  bool builtin = strcmp(or_model_weights(network->model), "synthetic") == 0;
  if (extent >= 0) return extent;
  for (size_t i = 0; i < p->ml.dim_count; ++i) {
    if (or_model_is_dim(network->model, value, d, p->ml.dims[i].name)) return p->ml.dims[i].extent;
  }
  for (size_t i = 0; symbol != NULL && builtin && i < COUNT(usual_extents); ++i) {
    if (strcmp(usual_extents[i].symbol, symbol) == 0 &&
        strcmp(usual_extents[i].model, or_model_name(network->model)) == 0)
      return usual_extents[i].extent;
  }
  return d == 0 ? p->batch_size : 1;
}

/* Real numbers are random; whole numbers and truth values are all 1: a token, a position and a mask that every
 * network takes. */
static or_status_t generate(network_t *network, const or_model_value_t *value, or_shape_t shape, or_tensor_t **out) {
  or_task_run_t *run = network->run;
  const or_allocator_t *allocator = run->task->allocator;
  uint64_t seed = (uint64_t)run->task->parameters.seed + network->input_count, count = 0;
  void *ones = NULL;
  size_t width = or_dtype_bytes(value->dtype, 1);
  if (value->dtype != OR_INT64 && value->dtype != OR_INT32 && value->dtype != OR_BOOL)
    return or_task_generate(run->device, value->dtype, shape, seed, run->context->cancel, out);
  if (!or_shape_count(&shape, &count)) return or_error(OR_OUT_OF_RANGE, "input \"%s\" is too large", value->name);
  or_status_t status = or_alloc_array(allocator, (size_t)count + 1, width, &ones);
  if (!or_ok(status)) return status;
  memset(ones, 0, ((size_t)count + 1) * width);
  for (size_t i = 0; i < count; ++i) {
    if (value->dtype == OR_INT64) ((int64_t *)ones)[i] = 1;
    if (value->dtype == OR_INT32) ((int32_t *)ones)[i] = 1;
    if (value->dtype == OR_BOOL) ((bool *)ones)[i] = true;
  }
  status = or_tensor_create_from(run->device, value->dtype, shape, ones, (size_t)count * width, out);
  or_free(allocator, ones);
  return status;
}

static or_status_t bind_inputs(network_t *network) {
  or_model_t *model = network->model;
  or_status_t status = or_status_success();
  network->output_count = or_model_output_count(model);
  if (or_model_input_count(model) > MAX_BINDINGS || network->output_count > MAX_BINDINGS)
    return or_error(OR_RESOURCE_EXHAUSTED, "has %zu inputs and %zu outputs; a benchmark can bind %d of each",
                    or_model_input_count(model), network->output_count, MAX_BINDINGS);
  for (size_t i = 0; or_ok(status) && i < or_model_input_count(model); ++i) {
    const or_model_value_t *value = or_model_input(model, i);
    or_shape_t shape = value->shape;
    if (value->optional) continue;
    if (value->form != OR_FORM_TENSOR || value->dtype == OR_STRING)
      return or_error(OR_INVALID_ARGUMENT, "input \"%s\" is %s, which can't be generated", value->name,
                      value->form == OR_FORM_TENSOR ? "of strings" : "no tensor");
    if (shape.rank == OR_RANK_UNKNOWN)
      return or_error(OR_INVALID_ARGUMENT, "input \"%s\" has no shape in the model, so none can be generated",
                      value->name);
    for (int32_t d = 0; d < shape.rank; ++d) shape.dims[d] = extent_of(network, value, d);
    or_binding_t *binding = &network->inputs[network->input_count];
    *binding = (or_binding_t){.name = value->name};
    status = generate(network, value, shape, &binding->tensor);
    if (or_ok(status)) ++network->input_count;
  }
  for (size_t i = 0; i < network->output_count; ++i)
    network->outputs[i] = (or_binding_t){.name = or_model_output(model, i)->name};
  return status;
}

static int64_t batch_of(const network_t *network) {
  const or_shape_t *shape = network->input_count > 0 ? or_tensor_shape(network->inputs[0].tensor) : NULL;
  return shape != NULL && shape->rank > 0 ? shape->dims[0] : 1;
}

static or_status_t measure_single_stream(network_t *network, const or_measure_bindings_t *bindings, double budget_s) {
  const or_measure_options_t options = {.until_ns = or_clock_ns() + (int64_t)(budget_s * 1e9),
                                        .cancel = network->run->context->cancel};
  or_status_t status = or_task_measure(network->session, bindings, &options, &network->time);
  if (or_ok(status)) network->items_per_s = (double)(batch_of(network) * network->time.runs) / network->time.total_s;
  return status;
}

static void take_load(network_t *network, const or_load_summary_t *load) {
  network->load = *load;
  network->time = (or_measurement_t){.runs = (int64_t)load->answered,
                                     .median_s = load->median_s,
                                     .min_s = load->min_s,
                                     .p90_s = load->p90_s,
                                     .p99_s = load->p99_s};
  network->items_per_s = (double)batch_of(network) * load->answered_per_s;
}

/* One load, with arrays for its queries. */
static or_status_t run_load(network_t *network, const or_measure_bindings_t *bindings, or_load_options_t options,
                            double qps, or_load_summary_t *out) {
  const or_task_run_t *run = network->run;
  const or_allocator_t *allocator = run->task->allocator;
  size_t count = OR_MEASURE_MAX_RUNS;
  void *queries = NULL, *scratch = NULL;
  int64_t duration_ns = (int64_t)(options.duration_s * 1e9);
  if (options.arriving) count = (size_t)fmin(qps * options.duration_s * 2 + 64, (double)OR_LOAD_MAX_QUERIES);
  or_status_t status = or_alloc_array(allocator, count, sizeof(or_load_query_t), &queries);
  if (or_ok(status)) status = or_alloc_array(allocator, count, sizeof(double), &scratch);
  if (or_ok(status) && options.arriving) {
    size_t room = count;
    count = or_load_arrivals(qps, options.duration_s, (uint64_t)run->task->parameters.seed, queries, room);
    if (count == room || count == 0) {
      status = or_error(OR_INVALID_ARGUMENT, "%s queries arrive within %.3g s at %g a second: it must be 1 to %zu",
                        count == 0 ? "no" : "too many", options.duration_s, qps, OR_LOAD_MAX_QUERIES);
    }
  }
  if (or_ok(status)) status = or_load_run(allocator, network->session, bindings, &options, queries, &count);
  if (or_ok(status)) *out = or_load_summarize(queries, count, duration_ns, 2 * duration_ns, scratch);
  or_free(allocator, scratch);
  or_free(allocator, queries);
  return status;
}

/* Twice as many in flight as long as that helps. */
static or_status_t measure_offline(network_t *network, const or_measure_bindings_t *bindings, double budget_s) {
  or_load_options_t options = {.duration_s = budget_s / 4, .cancel = network->run->context->cancel};
  or_status_t status = or_status_success();
  for (uint32_t slots = 1; or_ok(status) && slots <= OR_LOAD_MAX_SLOTS; slots *= 2) {
    or_load_summary_t load;
    options.slots = slots;
    status = run_load(network, bindings, options, 0, &load);
    if (!or_ok(status)) break;
    bool helps = slots == 1 || load.answered_per_s > ENOUGH_GAIN * network->load.answered_per_s;
    if (!helps) break;
    take_load(network, &load);
    network->in_flight = slots;
  }
  return status;
}

static or_status_t measure_server(network_t *network, const or_measure_bindings_t *bindings, double budget_s) {
  or_load_options_t options = {
      .slots = OR_LOAD_MAX_SLOTS, .duration_s = budget_s, .arriving = true, .cancel = network->run->context->cancel};
  or_load_summary_t load;
  or_status_t status = run_load(network, bindings, options, network->run->task->parameters.ml.qps, &load);
  if (or_ok(status)) take_load(network, &load);
  return status;
}

static or_status_t measure(network_t *network, double budget_s) {
  const or_task_run_t *run = network->run;
  const or_measure_bindings_t bindings = {network->inputs, network->input_count, network->outputs,
                                          network->output_count};
  switch (run->task->parameters.ml.scenario) {
  case OR_SCENARIO_OFFLINE: return measure_offline(network, &bindings, budget_s);
  case OR_SCENARIO_SERVER: return measure_server(network, &bindings, budget_s);
  case OR_SCENARIO_SINGLE_STREAM: break;
  }
  return measure_single_stream(network, &bindings, budget_s);
}

/* What numbers it computes with: the one asked for, else that of its first real output or input. */
static const char *precision_of(const network_t *network) {
  or_dtype_t asked = network->run->task->parameters.dtype;
  if (asked != OR_DTYPE_NONE) return or_dtype_name(asked);
  for (size_t i = 0; i < network->output_count; ++i) {
    or_dtype_t dtype = or_model_output(network->model, i)->dtype;
    if (or_dtype_is_float(dtype)) return or_dtype_name(dtype);
  }
  return or_dtype_name(network->output_count > 0 ? or_model_output(network->model, 0)->dtype : OR_FLOAT32);
}

/* The extents of the model's symbols, as its inputs had them. */
static void write_dims(network_t *network) {
  or_json_writer_t *json = &network->run->json;
  or_json_key(json, "dims");
  or_json_object_begin(json);
  for (size_t s = 0; s < or_model_symbol_count(network->model); ++s) {
    int64_t extent = -1;
    for (size_t i = 0, bound = 0; i < or_model_input_count(network->model); ++i) {
      const or_model_value_t *value = or_model_input(network->model, i);
      if (value->optional) continue;
      const or_shape_t *shape = or_tensor_shape(network->inputs[bound++].tensor);
      for (int32_t d = 0; d < value->shape.rank; ++d) {
        if (value->shape.dims[d] == OR_DIM_SYMBOL((int64_t)s)) extent = shape->dims[d];
      }
    }
    if (extent >= 0) or_json_field_int(json, or_model_symbol(network->model, s), extent);
  }
  or_json_object_end(json);
}

static void write_server(const network_t *network) {
  or_json_writer_t *json = &network->run->json;
  const or_load_summary_t *load = &network->load;
  char note[320];
  or_json_field_double(json, "qps", network->run->task->parameters.ml.qps);
  or_json_field_double(json, "answered_per_second", load->answered_per_s);
  or_json_field_int(json, "arrived", (int64_t)load->queries);
  or_json_field_int(json, "waiting_at_half", (int64_t)load->waiting_half);
  or_json_field_int(json, "waiting_at_end", (int64_t)load->waiting_end);
  or_json_field_bool(json, "queue_grows", load->growing);
  or_format(
      note, sizeof note,
      "queries come faster (%g a second) than they are answered (%.4g): the queue grows without bound (%zu waited "
      "at half the time, %zu at its end), and the latencies only say how long it was measured",
      network->run->task->parameters.ml.qps, load->answered_per_s, load->waiting_half, load->waiting_end);
  or_json_field_string(json, "note", load->growing ? note : NULL);
}

static void write_row(network_t *network) {
  or_task_run_t *run = network->run;
  or_json_writer_t *json = &run->json;
  or_scenario_t scenario = run->task->parameters.ml.scenario;
  or_json_object_begin(json);
  or_json_field_string(json, "model", or_model_name(network->model));
  or_json_field_int(json, "batch_size", batch_of(network));
  or_json_field_string(json, "precision", precision_of(network));
  or_json_field_double(json, "latency_ms", network->time.median_s * 1e3);
  or_json_field_double(json, "p90_ms", network->time.p90_s * 1e3);
  or_json_field_double(json, "p99_ms", network->time.p99_s * 1e3);
  or_json_field_double(json, "throughput_fps", network->items_per_s);
  or_json_field_int(json, "runs", network->time.runs);
  or_json_field_double(json, "min_ms", network->time.min_s * 1e3);
  or_json_field_string(json, "scenario", or_scenario_name(scenario));
  or_json_field_string(json, "weights", or_model_weights(network->model));
  or_json_field_string(json, "device", or_device_facts(run->worked)->id);
  write_dims(network);
  if (scenario == OR_SCENARIO_OFFLINE) or_json_field_int(json, "in_flight", network->in_flight);
  if (scenario == OR_SCENARIO_SERVER) write_server(network);
  or_json_object_end(json);
  run->result->throughput = network->items_per_s;
}

static or_status_t benchmark_one(or_task_run_t *run, or_model_t *model, double budget_s) {
  network_t network = {.run = run, .model = model};
  const or_session_options_t options = {
      .device = run->device, .precision = run->task->parameters.dtype, .strict = run->task->strict_device};
  int64_t start_ns = or_clock_ns();
  or_status_t status = or_session_create(model, &options, &network.session);
  if (or_ok(status)) status = bind_inputs(&network);
  if (or_ok(status))
    status = or_task_run_session(network.session, network.inputs, network.input_count, network.outputs,
                                 network.output_count, run->context->cancel);
  if (or_ok(status)) status = measure(&network, fmax(LEAST_S, budget_s - (double)(or_clock_ns() - start_ns) * 1e-9));
  if (or_ok(status)) status = or_task_note_place(run, network.session);
  if (or_ok(status)) write_row(&network);
  for (size_t i = 0; i < network.input_count; ++i) or_tensor_release(network.inputs[i].tensor);
  or_task_release_bindings(network.outputs, network.output_count);
  or_session_release(network.session);
  return status;
}
