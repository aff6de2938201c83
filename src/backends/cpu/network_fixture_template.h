/* For tests of the CPU backend, included once after cmocka's headers, fake/rig.h and backends/registry.h: puts small
   networks together, runs them on the device and by the C references, and compares. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/numbers.h"
#include "hal/buffer.h"
#include "hal/packed.h"
#include "hal/queue.h"
#include "hal/subgraph_memory.h"
#include "ops/elements.h"
#include "ops/op.h"
#include "ops/reference_executable.h"

#define NET_MAX 128
#define NET_PORTS 8
#define NET_SHAPE(...) or_shape_make(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})
#define NET_IDS(...) ((or_value_id_t[]){__VA_ARGS__}), sizeof((or_value_id_t[]){__VA_ARGS__}) / sizeof(or_value_id_t)

typedef struct net_t {
  or_value_info_t values[NET_MAX];
  or_constant_t constants[NET_MAX];
  void *data[NET_MAX]; /* of constants and inputs */
  or_node_t nodes[NET_MAX], parts[NET_MAX];
  or_value_id_t ports[NET_MAX][2][NET_PORTS];
  or_attribute_t attributes[NET_MAX][8];
  uint32_t port_rows, part_count;
  or_value_id_t inputs[NET_MAX], outputs[NET_MAX];
  or_subgraph_t graph;
  uint64_t seed;
} net_t;

static inline void net_init(net_t *net) {
  memset(net, 0, sizeof *net);
  net->graph =
      (or_subgraph_t){.values = net->values, .nodes = net->nodes, .inputs = net->inputs, .outputs = net->outputs};
  net->seed = 12345;
}

static inline void net_deinit(net_t *net) {
  for (size_t i = 0; i < NET_MAX; ++i) or_free(or_allocator_system(), net->data[i]);
}

static inline double net_random(net_t *net) { /* -1 to 1 */
  net->seed = net->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (double)(int64_t)(net->seed >> 11) / (double)(INT64_C(1) << 52) - 1.0;
}

static inline or_value_id_t net_value(net_t *net, or_dtype_t dtype, or_shape_t shape) {
  assert_true(net->graph.value_count < NET_MAX);
  net->values[net->graph.value_count] = (or_value_info_t){.name = "v", .dtype = dtype, .shape = shape};
  return net->graph.value_count++;
}

static inline size_t net_bytes(const net_t *net, or_value_id_t value) {
  uint64_t count = 0;
  assert_true(or_shape_count(&net->values[value].shape, &count));
  return or_dtype_bytes(net->values[value].dtype, count);
}

/* Random numbers in [-1, 1] (of int64: small whole ones). */
static inline void net_fill(net_t *net, or_value_id_t value) {
  size_t bytes = net_bytes(net, value);
  uint64_t count = 0;
  (void)or_shape_count(&net->values[value].shape, &count);
  assert_true(or_ok(or_alloc_zeroed(or_allocator_system(), bytes, &net->data[value])));
  for (uint64_t i = 0; i < count; ++i) {
    if (net->values[value].dtype == OR_FLOAT32) ((float *)net->data[value])[i] = (float)net_random(net);
    if (net->values[value].dtype == OR_FLOAT64) ((double *)net->data[value])[i] = net_random(net);
    if (net->values[value].dtype == OR_FLOAT16 || net->values[value].dtype == OR_BFLOAT16) {
      double number = net_random(net);
      or_elements_store(net->values[value].dtype, net->data[value], i, 1, &number);
    }
    if (net->values[value].dtype == OR_INT64) ((int64_t *)net->data[value])[i] = (int64_t)(3.0 * net_random(net));
  }
}

static inline or_value_id_t net_input(net_t *net, or_dtype_t dtype, or_shape_t shape) {
  or_value_id_t value = net_value(net, dtype, shape);
  net_fill(net, value);
  net->inputs[net->graph.input_count++] = value;
  return value;
}

static inline or_value_id_t net_constant(net_t *net, or_dtype_t dtype, or_shape_t shape) {
  or_value_id_t value = net_value(net, dtype, shape);
  net_fill(net, value);
  size_t bytes = net_bytes(net, value);
  uint64_t hash = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < bytes; ++i) hash = (hash ^ ((unsigned char *)net->data[value])[i]) * UINT64_C(1099511628211);
  net->constants[value] =
      (or_constant_t){.dtype = dtype, .shape = shape, .bytes = bytes, .hash = hash, .data = net->data[value]};
  net->values[value].constant = &net->constants[value];
  return value;
}

/* All elements at least `least` in size: variances, divisors. */
static inline void net_positive(net_t *net, or_value_id_t value) {
  uint64_t count = 0;
  (void)or_shape_count(&net->values[value].shape, &count);
  for (uint64_t i = 0; i < count; ++i) ((float *)net->data[value])[i] = 0.5F + fabsf(((float *)net->data[value])[i]);
}

/* The node is filled; its outputs' shapes come from the catalogue. Attributes: net_int, net_ints, net_float, afterwards
 * net_done. */
static inline or_node_t *net_node(net_t *net, const char *op, int version, const or_value_id_t *inputs, size_t count) {
  or_node_t *node = &net->nodes[net->graph.node_count++];
  uint32_t row = net->port_rows++;
  memcpy(net->ports[row][0], inputs, count * sizeof *inputs);
  *node = (or_node_t){.name = op,
                      .domain = "",
                      .op = op,
                      .version = version,
                      .inputs = net->ports[row][0],
                      .outputs = net->ports[row][1],
                      .input_count = (uint32_t)count,
                      .output_count = 1,
                      .attributes = net->attributes[row]};
  if (or_op_find("", op) == NULL) node->domain = "openruntime";
  node->definition = or_op_find(node->domain, op);
  return node;
}

static inline or_attribute_t *net_attribute(or_node_t *node, const char *name, or_attribute_kind_t kind) {
  or_attribute_t *attribute = (or_attribute_t *)(uintptr_t)&node->attributes[node->attribute_count++];
  *attribute = (or_attribute_t){.name = name, .kind = kind};
  return attribute;
}
static inline void net_int(or_node_t *node, const char *name, int64_t value) {
  net_attribute(node, name, OR_ATTRIBUTE_INT)->integer = value;
}
static inline void net_float(or_node_t *node, const char *name, float value) {
  net_attribute(node, name, OR_ATTRIBUTE_FLOAT)->real = value;
}
static inline void net_ints(or_node_t *node, const char *name, const int64_t *values, size_t count) {
  or_attribute_t *attribute = net_attribute(node, name, OR_ATTRIBUTE_INTS);
  attribute->integers = values;
  attribute->count = count;
}
#define NET_INTS(...) ((int64_t[]){__VA_ARGS__}), sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

/* Infers the output and gives it a value. */
static inline or_value_id_t net_done(net_t *net, or_node_t *node) {
  or_op_tensor_t inputs[NET_PORTS], outputs[1] = {{.dtype = OR_DTYPE_NONE}};
  for (uint32_t i = 0; i < node->input_count; ++i) {
    inputs[i] = (or_op_tensor_t){.dtype = OR_DTYPE_NONE};
    if (node->inputs[i] == OR_NO_VALUE) continue;
    const or_value_info_t *value = &net->values[node->inputs[i]];
    inputs[i] = (or_op_tensor_t){.dtype = value->dtype, .shape = value->shape};
    if (value->constant != NULL) inputs[i].data = net->data[node->inputs[i]];
  }
  assert_non_null(node->definition);
  or_op_call_t call = {.op = node->definition,
                       .node = node,
                       .inputs = inputs,
                       .input_count = node->input_count,
                       .outputs = outputs,
                       .output_count = 1,
                       .allocator = or_allocator_system()};
  or_status_t status = or_op_infer(&call);
  if (!or_ok(status)) fail_msg("%s", or_status_message(status));
  or_value_id_t value = net_value(net, outputs[0].dtype, outputs[0].shape);
  ((or_value_id_t *)(uintptr_t)node->outputs)[0] = value;
  return value;
}

static inline or_value_id_t net_simple(net_t *net, const char *op, int version, const or_value_id_t *inputs,
                                       size_t count) {
  return net_done(net, net_node(net, op, version, inputs, count));
}

/* Makes one fused node of the last `count` nodes, which form a chain. */
static inline void net_fuse(net_t *net, uint32_t count) {
  uint32_t first = net->graph.node_count - count;
  or_node_t *parts = &net->parts[net->part_count], *node = &net->nodes[first];
  memcpy(parts, node, count * sizeof *node);
  net->part_count += count;
  uint32_t row = net->port_rows++;
  or_node_t fused = parts[0];
  fused.domain = "openruntime.fused";
  fused.definition = NULL;
  fused.parts = parts;
  fused.part_count = count;
  fused.inputs = net->ports[row][0];
  fused.input_count = 0;
  for (uint32_t p = 0; p < count; ++p) {
    for (uint32_t i = 0; i < parts[p].input_count; ++i) {
      bool inner = parts[p].inputs[i] == OR_NO_VALUE;
      for (uint32_t q = 0; q < p; ++q) inner = inner || parts[q].outputs[0] == parts[p].inputs[i];
      if (!inner) net->ports[row][0][fused.input_count++] = parts[p].inputs[i];
    }
  }
  fused.outputs = parts[count - 1].outputs;
  *node = fused;
  net->graph.node_count = first + 1;
}

static inline void net_output(net_t *net, or_value_id_t value) { net->outputs[net->graph.output_count++] = value; }

/* One run of an executable. */
typedef struct net_run_t {
  const net_t *net;
  or_executable_t executable;
  or_buffer_t *inputs[NET_PORTS], *outputs[NET_PORTS], *workspace;
  or_cancel_t *cancel;
  or_status_t status;
} net_run_t;

static inline or_memory_range_t net_range(or_buffer_t *buffer) {
  return (or_memory_range_t){or_buffer_memory(buffer), 0, or_buffer_bytes(buffer)};
}

static inline or_status_t net_compile_work(void *self, const or_queue_context_t *context) {
  net_run_t *run = self;
  return context->backend->compile(context->backend->self, context->backend_queue, &run->net->graph, &run->executable);
}

static inline or_status_t net_execute(net_run_t *run, void *queue) {
  or_memory_range_t inputs[NET_PORTS], outputs[NET_PORTS];
  for (uint32_t i = 0; i < run->net->graph.input_count; ++i) inputs[i] = net_range(run->inputs[i]);
  for (uint32_t i = 0; i < run->net->graph.output_count; ++i) outputs[i] = net_range(run->outputs[i]);
  or_run_arguments_t arguments = {
      .inputs = inputs, .outputs = outputs, .workspace = net_range(run->workspace), .cancel = run->cancel};
  return run->executable.run(run->executable.self, queue, &arguments);
}

static inline or_status_t net_run_work(void *self, const or_queue_context_t *context) {
  return net_execute(self, context->backend_queue);
}

/* Buffers for a compiled network: inputs hold its data, all else is poisoned. */
static inline void net_buffers(net_run_t *run, or_device_t *device) {
  const net_t *net = run->net;
  for (uint32_t i = 0; i < net->graph.input_count; ++i) {
    size_t bytes = net_bytes(net, net->inputs[i]);
    assert_true(or_ok(or_buffer_create(device, bytes, &run->inputs[i])));
    assert_true(or_ok(or_buffer_write(run->inputs[i], 0, net->data[net->inputs[i]], bytes)));
  }
  for (uint32_t i = 0; i < net->graph.output_count; ++i) {
    size_t bytes = net_bytes(net, net->outputs[i]);
    assert_true(or_ok(or_buffer_create(device, bytes, &run->outputs[i])));
    memset(or_buffer_host_pointer(run->outputs[i]), 0xa5, bytes);
  }
  assert_true(or_ok(or_buffer_create(device, run->executable.workspace_bytes, &run->workspace)));
  memset(or_buffer_host_pointer(run->workspace), 0xa5, run->executable.workspace_bytes);
}

static inline void net_run_deinit(net_run_t *run) {
  for (uint32_t i = 0; i < NET_PORTS; ++i) {
    or_buffer_release(run->inputs[i]);
    or_buffer_release(run->outputs[i]);
  }
  or_buffer_release(run->workspace);
  if (run->executable.release != NULL) run->executable.release(run->executable.self);
}

static inline void net_ok(or_status_t status) {
  if (!or_ok(status)) fail_msg("%s (%s)", or_status_message(status), or_status_place(status));
}

/* The same network by the references, in host memory. */
static inline void net_reference(const net_t *net, or_device_t *device, net_run_t *out) {
  or_subgraph_memory_t memory;
  *out = (net_run_t){.net = net};
  net_ok(or_subgraph_memory_plan(or_allocator_system(), &net->graph, true, &memory));
  or_reference_options_t options = {.allocator = or_allocator_system(),
                                    .offsets = memory.offsets,
                                    .workspace_bytes = memory.bytes,
                                    .workspace_bytes_unplanned = memory.bytes_unplanned,
                                    .cancel_status = or_cancel_status};
  net_ok(or_reference_executable_create(&options, &net->graph, &out->executable));
  or_free(or_allocator_system(), memory.offsets);
  net_buffers(out, device);
  net_ok(net_execute(out, NULL));
}

static inline bool net_near(double a, double b, double tolerance) {
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
  if (isinf(a) || isinf(b)) return a == b;
  return fabs(a - b) <= tolerance * (1.0 + fabs(b));
}

static inline void net_compare(const net_run_t *run, const net_run_t *expected, double tolerance) {
  const net_t *net = run->net;
  for (uint32_t o = 0; o < net->graph.output_count; ++o) {
    const or_value_info_t *info = &net->values[net->outputs[o]];
    const void *a = or_buffer_host_pointer(run->outputs[o]), *b = or_buffer_host_pointer(expected->outputs[o]);
    uint64_t count = 0;
    (void)or_shape_count(&info->shape, &count);
    for (uint64_t i = 0; i < count; ++i) {
      if ((OR_DTYPE_BIT(info->dtype) & OR_OP_FLOATS) == 0) {
        size_t bytes = or_dtype_bytes(info->dtype, 1);
        assert_memory_equal((const char *)a + i * bytes, (const char *)b + i * bytes, bytes);
        continue;
      }
      double x = 0.0, y = 0.0;
      or_elements_load(info->dtype, a, i, 1, &x);
      or_elements_load(info->dtype, b, i, 1, &y);
      if (!net_near(x, y, tolerance)) fail_msg("output %u[%llu]: %g, expected %g", o, (unsigned long long)i, x, y);
    }
  }
}

static inline void net_compile(const net_t *net, or_device_t *device, net_run_t *out) {
  or_queue_t *queue = NULL;
  *out = (net_run_t){.net = net};
  net_ok(or_device_queue(device, &queue));
  net_ok(or_queue_run(queue, net_compile_work, out));
}

static inline void net_run(net_run_t *run, or_device_t *device) {
  or_queue_t *queue = NULL;
  net_ok(or_device_queue(device, &queue));
  net_ok(or_queue_run(queue, net_run_work, run));
}

/* Compiles, runs twice (the second finds a used workspace) and compares with the references. */
static inline void net_expect_reference(const net_t *net, or_device_t *device, double tolerance) {
  net_run_t run, expected;
  net_compile(net, device, &run);
  net_buffers(&run, device);
  net_run(&run, device);
  net_run(&run, device);
  net_reference(net, device, &expected);
  net_compare(&run, &expected, tolerance);
  net_run_deinit(&run);
  net_run_deinit(&expected);
}

/* What the network's node `index` is carried out by. */
static inline const char *net_kernel(const net_run_t *run, uint32_t index) {
  or_executable_node_t node;
  run->executable.node(run->executable.self, index, &node);
  return node.kernel;
}

/* The rule for bfloat16: the root of the mean square error at most 2e-2 of that of the reference, each error at most
 * 6e-2 of what it is measured against. */
static inline void net_compare_bf16(const net_run_t *run, const net_run_t *expected) {
  const net_t *net = run->net;
  for (uint32_t o = 0; o < net->graph.output_count; ++o) {
    const float *a = or_buffer_host_pointer(run->outputs[o]), *b = or_buffer_host_pointer(expected->outputs[o]);
    size_t count = net_bytes(net, net->outputs[o]) / sizeof(float);
    double errors = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; ++i) {
      errors += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
      squares += (double)b[i] * (double)b[i];
    }
    double rms = sqrt(squares / (double)count);
    if (!(sqrt(errors / (double)count) <= 2e-2 * rms)) fail_msg("output %u: rms error %g", o, sqrt(errors / squares));
    for (size_t i = 0; i < count; ++i) {
      double error = fabs((double)a[i] - (double)b[i]);
      if (!(error <= 6e-2 * (fabs((double)b[i]) + rms))) fail_msg("output %u[%zu]: %g, not %g", o, i, a[i], b[i]);
    }
  }
}
