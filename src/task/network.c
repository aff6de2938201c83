/* The task neural_network: two dense layers, relu between them, as an ONNX model with generated weights: it goes the
 * way of every model (weights packed once, relu fused). */
#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "runtime/runtime.h"
#include "task/task_internal.h"

#define BUDGET_S 0.5 /* of timed runs, where the iterations are not given */
#define OPSET 13
/* The model is put together in memory. */
#define MAX_WEIGHT_BYTES ((int64_t)1 << 30)
/* Defaults of the sizes. */
#define INPUT_SIZE 784
#define HIDDEN_SIZE 256
#define OUTPUT_SIZE 10

typedef struct network_t {
  int64_t batch, input, hidden, output;
  or_dtype_t dtype;
  int64_t seed;
} network_t;

static or_status_t write_model(const network_t *network, or_text_t *out);
static or_status_t measure(or_task_run_t *run, const network_t *network, or_model_t *model);

or_status_t or_task_run_network(or_task_run_t *run) {
  const or_task_parameters_t *p = &run->task->parameters;
  network_t network = {p->batch_size, p->input_size, p->hidden_size, p->output_size, p->dtype, p->seed};
  if (network.input == 0) network.input = INPUT_SIZE;
  if (network.hidden == 0) network.hidden = HIDDEN_SIZE;
  if (network.output == 0) network.output = OUTPUT_SIZE;
  int64_t bytes = (network.input + network.output + 1) * network.hidden * (int64_t)or_dtype_bytes(network.dtype, 1);
  if (bytes > MAX_WEIGHT_BYTES)
    return or_error(OR_OUT_OF_RANGE, "the weights of %lld, %lld and %lld neurons are %lld bytes; the limit is %lld",
                    (long long)network.input, (long long)network.hidden, (long long)network.output, (long long)bytes,
                    (long long)MAX_WEIGHT_BYTES);
  or_text_t text;
  or_model_t *model = NULL;
  or_text_init(&text, run->task->allocator);
  or_status_t status = write_model(&network, &text);
  if (or_ok(status))
    status =
        or_model_load_memory(run->context->runtime, "neural_network", or_text_string(&text), text.length, NULL, &model);
  or_text_deinit(&text);
  if (or_ok(status)) status = measure(run, &network, model);
  or_model_release(model);
  return status;
}

/* ---- the model, in the wire format of protocol buffers (onnx.proto) ---- */

static or_status_t put_varint(or_text_t *out, uint64_t value) {
  char bytes[10];
  size_t count = 0;
  for (; value >= 0x80; value >>= 7) bytes[count++] = (char)(unsigned char)(value | 0x80);
  bytes[count++] = (char)(unsigned char)value;
  return or_text_append(out, bytes, count);
}

static or_status_t put_integer(or_text_t *out, uint32_t field, int64_t value) {
  or_status_t status = put_varint(out, (uint64_t)field << 3);
  return or_ok(status) ? put_varint(out, (uint64_t)value) : status;
}

static or_status_t put_bytes(or_text_t *out, uint32_t field, const void *bytes, size_t length) {
  or_status_t status = put_varint(out, (uint64_t)field << 3 | 2);
  if (or_ok(status)) status = put_varint(out, length);
  return or_ok(status) ? or_text_append(out, bytes, length) : status;
}

static or_status_t put_string(or_text_t *out, uint32_t field, const char *text) {
  return put_bytes(out, field, text, strlen(text));
}

/* TensorProto: dims 1, data_type 2, name 8, raw_data 9; numbers of a variance that keeps the layers' results near 1. */
static or_status_t put_weights(const network_t *network, const char *name, int64_t rows, int64_t columns,
                               or_text_t *graph) {
  or_text_t tensor;
  void *memory = NULL;
  size_t count = (size_t)rows * (size_t)columns, bytes = or_dtype_bytes(network->dtype, count);
  or_random_t random = {.state = or_hash_bytes(name, strlen(name), (uint64_t)network->seed)};
  or_text_init(&tensor, graph->allocator);
  or_status_t status = or_alloc(graph->allocator, bytes, &memory);
  if (or_ok(status)) {
    double scale = sqrt(3.0 / (double)(rows > 1 ? rows : 3));
    or_random_fill(&random, network->dtype, memory, count);
    for (size_t i = 0; i < count; ++i)
      or_element_set(network->dtype, memory, i, or_element_get(network->dtype, memory, i) * scale);
  }
  if (or_ok(status) && rows > 1) status = put_integer(&tensor, 1, rows);
  if (or_ok(status)) status = put_integer(&tensor, 1, columns);
  if (or_ok(status)) status = put_integer(&tensor, 2, (int64_t)network->dtype);
  if (or_ok(status)) status = put_string(&tensor, 8, name);
  if (or_ok(status)) status = put_bytes(&tensor, 9, memory, bytes);
  if (or_ok(status)) status = put_bytes(graph, 5, or_text_string(&tensor), tensor.length);
  or_free(graph->allocator, memory);
  or_text_deinit(&tensor);
  return status;
}

/* NodeProto: input 1, output 2, op_type 4. */
static or_status_t put_node(or_text_t *graph, const char *op, const char *const inputs[3], const char *output) {
  or_text_t node;
  or_text_init(&node, graph->allocator);
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < 3 && inputs[i] != NULL; ++i) status = put_string(&node, 1, inputs[i]);
  if (or_ok(status)) status = put_string(&node, 2, output);
  if (or_ok(status)) status = put_string(&node, 4, op);
  if (or_ok(status)) status = put_bytes(graph, 1, or_text_string(&node), node.length);
  or_text_deinit(&node);
  return status;
}

static or_status_t nest(or_text_t *inner, uint32_t field) {
  or_text_t outer;
  or_text_init(&outer, inner->allocator);
  or_status_t status = put_bytes(&outer, field, or_text_string(inner), inner->length);
  or_text_deinit(inner);
  *inner = outer;
  return status;
}

/* ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 } } } } */
static or_status_t put_value(const network_t *network, uint32_t field, const char *name, int64_t columns,
                             or_text_t *graph) {
  or_text_t shape, dim, type, value;
  or_text_init(&shape, graph->allocator);
  or_text_init(&type, graph->allocator);
  or_text_init(&value, graph->allocator);
  or_status_t status = or_status_success();
  for (int i = 0; or_ok(status) && i < 2; ++i) {
    or_text_init(&dim, graph->allocator);
    status = put_integer(&dim, 1, i == 0 ? network->batch : columns);
    if (or_ok(status)) status = put_bytes(&shape, 1, or_text_string(&dim), dim.length);
    or_text_deinit(&dim);
  }
  if (or_ok(status)) status = put_integer(&type, 1, (int64_t)network->dtype);
  if (or_ok(status)) status = put_bytes(&type, 2, or_text_string(&shape), shape.length);
  if (or_ok(status)) status = nest(&type, 1);
  if (or_ok(status)) status = put_string(&value, 1, name);
  if (or_ok(status)) status = put_bytes(&value, 2, or_text_string(&type), type.length);
  if (or_ok(status)) status = put_bytes(graph, field, or_text_string(&value), value.length);
  or_text_deinit(&shape);
  or_text_deinit(&type);
  or_text_deinit(&value);
  return status;
}

/* ModelProto: ir_version 1, graph 7, opset_import 8 { version 2 }. GraphProto: node 1, name 2, initializer 5, input 11,
 * output 12. */
static or_status_t write_model(const network_t *network, or_text_t *out) {
  or_text_t graph, opset;
  or_text_init(&graph, out->allocator);
  or_text_init(&opset, out->allocator);
  or_status_t status = put_node(&graph, "Gemm", (const char *const[3]){"x", "w1", "b1"}, "h");
  if (or_ok(status)) status = put_node(&graph, "Relu", (const char *const[3]){"h"}, "r");
  if (or_ok(status)) status = put_node(&graph, "Gemm", (const char *const[3]){"r", "w2", "b2"}, "y");
  if (or_ok(status)) status = put_string(&graph, 2, "neural_network");
  if (or_ok(status)) status = put_weights(network, "w1", network->input, network->hidden, &graph);
  if (or_ok(status)) status = put_weights(network, "b1", 1, network->hidden, &graph);
  if (or_ok(status)) status = put_weights(network, "w2", network->hidden, network->output, &graph);
  if (or_ok(status)) status = put_weights(network, "b2", 1, network->output, &graph);
  if (or_ok(status)) status = put_value(network, 11, "x", network->input, &graph);
  if (or_ok(status)) status = put_value(network, 12, "y", network->output, &graph);
  if (or_ok(status)) status = put_integer(out, 1, 8);
  if (or_ok(status)) status = put_integer(&opset, 2, OPSET);
  if (or_ok(status)) status = put_bytes(out, 8, or_text_string(&opset), opset.length);
  if (or_ok(status)) status = put_bytes(out, 7, or_text_string(&graph), graph.length);
  or_text_deinit(&graph);
  or_text_deinit(&opset);
  return status;
}

/* ---- its run ---- */

static void write_result(or_task_run_t *run, const network_t *network, const or_measurement_t *time) {
  or_json_writer_t *json = &run->json;
  double neurons = (double)network->hidden * ((double)network->input + (double)network->output);
  double flops = 2 * (double)network->batch * neurons;
  run->result->throughput = flops / time->median_s * 1e-9;
  or_json_field_string(json, "operation", run->task->kind->type);
  or_json_field_int(json, "input_size", network->input);
  or_json_field_int(json, "hidden_size", network->hidden);
  or_json_field_int(json, "output_size", network->output);
  or_json_key(json, "output_shape");
  or_json_array_begin(json);
  or_json_int(json, network->batch);
  or_json_int(json, network->output);
  or_json_array_end(json);
  or_json_field_string(json, "dtype", or_dtype_name(network->dtype));
  or_json_field_string(json, "device", run->result->device_used);
  or_json_field_double(json, "throughput", run->result->throughput);
  or_json_field_string(json, "throughput_unit", "GFLOP/s");
  or_task_write_times(json, time);
  or_json_field_double(json, "gflops", run->result->throughput);
}

/* By the C references, which need an input that the host reaches. */
static or_status_t verify(or_task_run_t *run, const network_t *network, or_model_t *model, const or_binding_t *input,
                          const or_tensor_t *output) {
  or_device_t *device = run->device;
  or_session_t *session = NULL;
  or_binding_t given = {0}, expected = {0};
  or_difference_t difference;
  or_task_tolerance_t tolerance = {or_task_tolerance(network->dtype), or_task_tolerance(network->dtype)};
  if (!or_device_facts(device)->unified_memory) device = or_runtime_host_device(run->context->runtime);
  if (device == NULL) return or_error(OR_UNAVAILABLE, "there is no device whose memory is the host's");
  or_session_options_t options = {.device = device, .reference = true};
  or_status_t status = or_tensor_copy_to(input->tensor, device, &given.tensor);
  if (or_ok(status)) status = or_session_create(model, &options, &session);
  if (or_ok(status)) status = or_session_run(session, &given, 1, &expected, 1);
  if (or_ok(status))
    status = or_task_compare_tensors(run->task->allocator, output, expected.tensor, tolerance, &difference);
  if (or_ok(status)) or_task_write_verification(&run->json, &difference, tolerance);
  or_tensor_release(given.tensor);
  or_tensor_release(expected.tensor);
  or_session_release(session);
  return status;
}

static or_status_t measure(or_task_run_t *run, const network_t *network, or_model_t *model) {
  const or_task_parameters_t *p = &run->task->parameters;
  or_session_options_t options = {.device = run->device};
  or_session_t *session = NULL;
  or_binding_t input = {0}, output = {0};
  or_measurement_t time;
  const or_measure_options_t how = or_task_measure_options(run, BUDGET_S, false);
  or_shape_t shape = or_shape_make(2, (int64_t[]){network->batch, network->input});
  or_status_t status =
      or_task_generate(run->device, network->dtype, shape, (uint64_t)p->seed, run->context->cancel, &input.tensor);
  if (or_ok(status)) status = or_session_create(model, &options, &session);
  if (or_ok(status)) status = or_task_measure(session, &(or_measure_bindings_t){&input, 1, &output, 1}, &how, &time);
  or_task_note_peak(run);
  if (or_ok(status)) status = or_task_note_place(run, session);
  if (or_ok(status)) write_result(run, network, &time);
  if (or_ok(status) && run->context->verify) status = verify(run, network, model, &input, output.tensor);
  or_tensor_release(input.tensor);
  or_tensor_release(output.tensor);
  or_session_release(session);
  return status;
}
