/* Compute operations: one-node graphs of the catalogue, run as models are. */
#include "openruntime/compute.h"

#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "base/string.h"
#include "runtime/runtime_internal.h"
#include "runtime/session.h"

#define MAX_OPERANDS 32u /* inputs or outputs of one call */

static or_status_t find_op(const or_compute_call_t *call, const or_op_t **op, int *opset);
static or_status_t build_graph(or_runtime_t *runtime, const or_compute_call_t *call, bool fixed_shapes,
                               const or_graph_t **out);
static void call_key(const or_device_t *device, const or_compute_call_t *call, uint64_t key[2]);
static or_session_t *cached_session(or_compute_cache_t *cache, const uint64_t key[2]);
static void cache_session(or_compute_cache_t *cache, const uint64_t key[2], or_session_t *session);

static or_status_t make_session(or_device_t *device, const or_compute_call_t *call, bool fixed_shapes,
                                or_session_t **out) {
  or_runtime_t *runtime = or_runtime_of_device(device);
  const or_graph_t *graph = NULL;
  *out = NULL;
  or_status_t status = build_graph(runtime, call, fixed_shapes, &graph);
  if (!or_ok(status)) return status;
  or_session_options_t options = {.device = device, .reference = call->reference};
  status = or_session_create_for_graph(runtime, graph, &options, (or_owner_t){NULL, NULL}, out);
  or_graph_release(graph);
  return status;
}

or_status_t or_compute_session(or_device_t *device, const or_compute_call_t *call, or_session_t **out) {
  return make_session(device, call, true, out);
}

or_status_t or_compute_shared_session(or_device_t *device, const or_compute_call_t *call, or_session_t **out) {
  or_compute_cache_t *cache = &or_runtime_of_device(device)->compute;
  uint64_t key[2];
  call_key(device, call, key);
  *out = cached_session(cache, key);
  if (*out != NULL) return or_status_success();
  or_status_t status = make_session(device, call, false, out);
  if (or_ok(status)) cache_session(cache, key, *out);
  return status;
}

or_status_t or_compute(or_device_t *device, const or_compute_call_t *call) {
  or_session_t *session = NULL;
  or_binding_t inputs[MAX_OPERANDS], outputs[MAX_OPERANDS];
  size_t input_count = 0;
  if (call->input_count > MAX_OPERANDS || call->output_count > MAX_OPERANDS) {
    return or_error(OR_OUT_OF_RANGE, "%zu inputs and %zu outputs; the limit is %u of each", call->input_count,
                    call->output_count, MAX_OPERANDS);
  }
  or_status_t status = or_compute_shared_session(device, call, &session);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < call->input_count; ++i) {
    if (call->inputs[i] != NULL) inputs[input_count++] = (or_binding_t){.tensor = call->inputs[i]};
  }
  for (size_t i = 0; i < call->output_count; ++i) outputs[i] = (or_binding_t){.tensor = call->outputs[i]};
  status = or_session_run(session, inputs, input_count, outputs, call->output_count);
  for (size_t i = 0; or_ok(status) && i < call->output_count; ++i) call->outputs[i] = outputs[i].tensor;
  or_session_release(session);
  return status;
}

static or_status_t unknown_op(const char *name) {
  const char *names[512];
  size_t count = or_op_count();
  if (count > sizeof names / sizeof *names) count = sizeof names / sizeof *names;
  for (size_t i = 0; i < count; ++i) names[i] = or_op_at(i)->name;
  const char *nearest = or_string_nearest(name, names, count);
  return or_error(OR_NOT_FOUND, "no operator \"%s\"%s%s%s", name, nearest != NULL ? "; did you mean \"" : "",
                  nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}

/* "openruntime:Triad" or "MatMul". */
static or_status_t find_op(const or_compute_call_t *call, const or_op_t **op, int *opset) {
  const char *name = call->op != NULL ? call->op : "", *colon = strchr(name, ':');
  char domain[32] = "";
  if (colon != NULL && (size_t)(colon - name) < sizeof domain) {
    memcpy(domain, name, (size_t)(colon - name));
    domain[colon - name] = '\0';
    name = colon + 1;
  }
  *op = or_op_find(domain, name);
  if (*op == NULL || (*op)->internal || (*op)->reference == NULL) return unknown_op(name);
  int newest = or_op_newest_opset(domain);
  *opset = call->opset > 0 && call->opset < newest ? (int)call->opset : newest;
  if (or_op_version(*op, *opset) > 0) return or_status_success();
  return or_error(OR_UNIMPLEMENTED, "operator \"%s\" does not exist in opset %d", name, *opset);
}

static or_status_t add_operands(or_graph_t *graph, const or_compute_call_t *call, bool fixed_shapes,
                                or_value_id_t *inputs, or_value_id_t *outputs) {
  or_status_t status = or_status_success();
  char name[16];
  for (size_t i = 0; or_ok(status) && i < call->input_count; ++i) {
    inputs[i] = OR_NO_VALUE;
    if (call->inputs[i] == NULL) continue;
    or_shape_t shape = *or_tensor_shape(call->inputs[i]);
    for (int32_t d = 0; !fixed_shapes && d < shape.rank; ++d) shape.dims[d] = OR_DIM_UNKNOWN;
    or_format(name, sizeof name, "in%zu", i);
    status = or_graph_add_value(graph, name, strlen(name), or_tensor_dtype(call->inputs[i]), &shape, &inputs[i]);
    if (or_ok(status)) status = or_graph_add_input(graph, inputs[i]);
  }
  for (size_t i = 0; or_ok(status) && i < call->output_count; ++i) {
    or_shape_t shape = {.rank = OR_RANK_UNKNOWN};
    or_format(name, sizeof name, "out%zu", i);
    status = or_graph_add_value(graph, name, strlen(name), OR_DTYPE_NONE, &shape, &outputs[i]);
    if (or_ok(status)) status = or_graph_add_output(graph, outputs[i]);
  }
  return status;
}

/* The kind that the operator declares for an attribute decides which field of the call's counts. */
static or_status_t set_attribute(or_graph_t *graph, const or_op_t *op, const or_compute_attribute_t *from,
                                 or_attribute_t *to) {
  void *memory = NULL;
  or_status_t status = or_arena_strndup(&graph->arena, from->name, strlen(from->name), &to->name);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < OR_OP_MAX_ATTRIBUTES && op->attributes[i].name != NULL; ++i) {
    if (strcmp(op->attributes[i].name, from->name) == 0) to->kind = op->attributes[i].kind;
  }
  switch (to->kind) {
  case OR_ATTRIBUTE_INT: to->integer = from->integer; break;
  case OR_ATTRIBUTE_FLOAT: to->real = (float)from->real; break;
  case OR_ATTRIBUTE_STRING:
    to->string.length = from->string != NULL ? strlen(from->string) : 0;
    return or_arena_strndup(&graph->arena, from->string != NULL ? from->string : "", to->string.length,
                            &to->string.data);
  case OR_ATTRIBUTE_INTS:
    status = or_arena_array(&graph->arena, from->integer_count, sizeof(int64_t), &memory);
    if (!or_ok(status)) return status;
    if (from->integer_count > 0) memcpy(memory, from->integers, from->integer_count * sizeof(int64_t));
    to->integers = memory;
    to->count = from->integer_count;
    break;
  default:
    return or_error(OR_INVALID_ARGUMENT, "operator \"%s\" has no attribute \"%s\" that a call can set", op->name,
                    from->name);
  }
  return or_status_success();
}

static or_status_t fill_graph(or_graph_t *graph, const or_compute_call_t *call, bool fixed_shapes) {
  const or_op_t *op = NULL;
  or_node_t *node = NULL;
  or_graph_pass_counts_t counts = {0};
  or_value_id_t inputs[MAX_OPERANDS], outputs[MAX_OPERANDS];
  if (call->input_count > MAX_OPERANDS || call->output_count > MAX_OPERANDS) {
    return or_error(OR_OUT_OF_RANGE, "%zu inputs and %zu outputs; the limit is %u of each", call->input_count,
                    call->output_count, MAX_OPERANDS);
  }
  or_status_t status = find_op(call, &op, &graph->opset);
  if (or_ok(status)) status = add_operands(graph, call, fixed_shapes, inputs, outputs);
  if (or_ok(status))
    status = or_graph_add_node(graph, op->name, call->input_count, call->output_count, call->attribute_count, &node);
  if (!or_ok(status)) return status;
  node->domain = op->domain;
  node->op = op->name;
  node->definition = op;
  node->version = or_op_version(op, graph->opset);
  /* The arrays are the arena's; the contract's const is for readers. */
  if (call->input_count > 0) memcpy((void *)(uintptr_t)node->inputs, inputs, call->input_count * sizeof *inputs);
  if (call->output_count > 0) memcpy((void *)(uintptr_t)node->outputs, outputs, call->output_count * sizeof *outputs);
  for (size_t i = 0; or_ok(status) && i < call->attribute_count; ++i) {
    status = set_attribute(graph, op, &call->attributes[i], (or_attribute_t *)(uintptr_t)&node->attributes[i]);
  }
  if (or_ok(status)) status = or_graph_sort(graph);
  if (or_ok(status)) status = or_graph_infer(graph, &counts);
  return status;
}

static or_status_t build_graph(or_runtime_t *runtime, const or_compute_call_t *call, bool fixed_shapes,
                               const or_graph_t **out) {
  or_model_limits_t limits = {0};
  or_graph_t *graph = NULL;
  or_status_t status = or_graph_create(runtime->allocator, call->op != NULL ? call->op : "", &limits, &graph);
  if (!or_ok(status)) return status;
  status = fill_graph(graph, call, fixed_shapes);
  if (!or_ok(status)) {
    or_graph_release(graph);
    return status;
  }
  *out = graph;
  return status;
}

static void mix(uint64_t key[2], const void *bytes, size_t length) {
  if (length == 0) return;
  key[0] = or_hash_bytes(bytes, length, key[0]);
  key[1] = or_hash_bytes(bytes, length, key[1]);
}

/* Everything that the graph is made from; shapes are classes of its session. */
static void call_key(const or_device_t *device, const or_compute_call_t *call, uint64_t key[2]) {
  key[0] = 1;
  key[1] = 2;
  mix(key, &device, sizeof(const or_device_t *));
  mix(key, call->op, call->op != NULL ? strlen(call->op) : 0);
  mix(key, &call->opset, sizeof call->opset);
  mix(key, &call->reference, sizeof call->reference);
  mix(key, &call->output_count, sizeof call->output_count);
  for (size_t i = 0; i < call->attribute_count; ++i) {
    const or_compute_attribute_t *a = &call->attributes[i];
    mix(key, a->name, strlen(a->name) + 1);
    mix(key, &a->integer, sizeof a->integer);
    mix(key, &a->real, sizeof a->real);
    if (a->string != NULL) mix(key, a->string, strlen(a->string) + 1);
    if (a->integers != NULL) mix(key, a->integers, a->integer_count * sizeof *a->integers);
  }
  for (size_t i = 0; i < call->input_count; ++i) {
    int32_t operand[2] = {-1, -1};
    if (call->inputs[i] != NULL) {
      operand[0] = (int32_t)or_tensor_dtype(call->inputs[i]);
      operand[1] = or_tensor_shape(call->inputs[i])->rank;
    }
    mix(key, operand, sizeof operand);
  }
}

void or_compute_cache_init(or_compute_cache_t *cache) { or_mutex_init(&cache->mutex); }

void or_compute_cache_close(or_compute_cache_t *cache) {
  or_mutex_lock(&cache->mutex);
  cache->closed = true;
  or_mutex_unlock(&cache->mutex);
  for (size_t i = 0; i < OR_COMPUTE_CACHE_ENTRIES; ++i) { /* closed: nobody else touches the entries any more */
    or_session_release(cache->entries[i].session);
    cache->entries[i].session = NULL;
  }
}

void or_compute_cache_deinit(or_compute_cache_t *cache) { or_mutex_deinit(&cache->mutex); }

static or_session_t *cached_session(or_compute_cache_t *cache, const uint64_t key[2]) {
  or_session_t *session = NULL;
  or_mutex_lock(&cache->mutex);
  for (size_t i = 0; !cache->closed && session == NULL && i < OR_COMPUTE_CACHE_ENTRIES; ++i) {
    or_compute_entry_t *entry = &cache->entries[i];
    if (entry->session == NULL || entry->key[0] != key[0] || entry->key[1] != key[1]) continue;
    entry->last_used = ++cache->clock;
    session = entry->session;
    or_session_retain(session);
  }
  or_mutex_unlock(&cache->mutex);
  return session;
}

static void cache_session(or_compute_cache_t *cache, const uint64_t key[2], or_session_t *session) {
  or_session_t *evicted = NULL;
  or_mutex_lock(&cache->mutex);
  if (!cache->closed) {
    or_compute_entry_t *oldest = &cache->entries[0];
    for (size_t i = 1; i < OR_COMPUTE_CACHE_ENTRIES && oldest->session != NULL; ++i) {
      or_compute_entry_t *entry = &cache->entries[i];
      if (entry->session == NULL || entry->last_used < oldest->last_used) oldest = entry;
    }
    evicted = oldest->session;
    *oldest = (or_compute_entry_t){.key = {key[0], key[1]}, .last_used = ++cache->clock, .session = session};
    or_session_retain(session);
  }
  or_mutex_unlock(&cache->mutex);
  or_session_release(evicted);
}

size_t or_operator_count(void) { return or_op_count(); }

bool or_operator_info(size_t index, or_operator_info_t *out) {
  const or_op_t *op = or_op_at(index);
  if (op == NULL) return false;
  size_t versions = 0;
  while (versions < OR_OP_MAX_VERSIONS && op->since[versions] != 0) ++versions;
  *out = (or_operator_info_t){.domain = op->domain,
                              .name = op->name,
                              .versions = op->since,
                              .version_count = versions,
                              .input_min = op->input_min,
                              .input_max = op->input_max,
                              .output_min = op->output_min,
                              .output_max = op->output_max,
                              .summary = op->summary};
  return true;
}
