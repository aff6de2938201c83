/* From a graph to steps. A node is *apart* where it can't be in a static plan: control flow, values that are no
 * tensors, strings, or a shape that only data tells. The rest is laid in levels, each a piece: a value's level is how
 * many nodes that are apart lie before it. */
#include <string.h>

#include "base/alloc.h"
#include "hal/packed.h"
#include "hal/tensor.h"
#include "runtime/program/program_internal.h"

#define MAX_PARAMETER_ELEMENTS 64 /* of an input of the model that a shape may hang on without being cut off */

typedef struct build_t {
  or_program_t *program; /* NULL: it is only asked for */
  const or_graph_t *graph;
  bool body;                 /* of a control node: what comes in may differ in every run */
  bool *needed;              /* per node: an output hangs on it */
  bool *apart;               /* per node */
  bool *overridable, *known; /* per value; known: told by shapes and constants */
  uint32_t *node_level, *value_level;
  uint32_t levels;
  uint32_t *last_step; /* per slot */
} build_t;

static or_status_t begin(build_t *build);
static void end(build_t *build);
static void find_needed(build_t *build);
static void find_apart(build_t *build);
static void find_levels(build_t *build);
static or_status_t make_steps(build_t *build);
static or_status_t give_slots(build_t *build);
static or_status_t find_dead(build_t *build);

static bool has_special(const or_graph_t *graph, const or_value_id_t *ids, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (ids[i] == OR_NO_VALUE) continue;
    if (graph->values[ids[i]].form != OR_FORM_TENSOR || graph->values[ids[i]].dtype == OR_STRING) return true;
  }
  return false;
}

or_status_t or_program_needed(const or_graph_t *graph, bool *needed) {
  build_t build = {.graph = graph};
  *needed = false;
  or_status_t status = begin(&build);
  if (or_ok(status)) {
    find_needed(&build);
    find_apart(&build);
  }
  for (size_t n = 0; or_ok(status) && n < graph->node_count; ++n)
    *needed = *needed || (build.needed[n] && build.apart[n]);
  *needed = or_ok(status) && (*needed || has_special(graph, graph->inputs, graph->input_count) ||
                              has_special(graph, graph->outputs, graph->output_count));
  end(&build);
  return status;
}

static or_status_t create(or_runtime_t *runtime, const or_graph_t *graph, const or_session_options_t *options,
                          const or_program_t *outer, or_program_t **out) {
  static atomic_ullong next_id = 1;
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(runtime->allocator, sizeof(or_program_t), &memory);
  if (!or_ok(status)) return status;
  or_program_t *program = memory;
  program->runtime = runtime;
  program->graph = graph;
  program->options = *options;
  program->host = or_runtime_host_device(runtime);
  program->allocator = runtime->allocator;
  program->model_bytes = outer != NULL ? outer->model_bytes : or_graph_model_bytes(graph);
  program->id = atomic_fetch_add(&next_id, 1);
  or_arena_init(&program->arena, runtime->allocator);
  or_mutex_init(&program->mutex);
  or_runtime_keep(runtime);
  or_graph_retain(graph);
  build_t build = {.program = program, .graph = graph, .body = outer != NULL};
  if (program->host == NULL)
    status = or_error(OR_UNAVAILABLE, "the model has parts that run on the host, and the runtime has no device there");
  if (or_ok(status)) status = begin(&build);
  if (or_ok(status)) {
    find_needed(&build);
    find_apart(&build);
    find_levels(&build);
    status = make_steps(&build);
  }
  if (or_ok(status)) status = give_slots(&build);
  if (or_ok(status)) status = find_dead(&build);
  end(&build);
  if (or_ok(status)) {
    *out = program;
  } else {
    or_program_release(program);
  }
  return status;
}

or_status_t or_program_create(or_runtime_t *runtime, const or_graph_t *graph, const or_session_options_t *options,
                              or_program_t **out) {
  return create(runtime, graph, options, NULL, out);
}

void or_program_release(or_program_t *program) {
  if (program == NULL) return;
  for (size_t s = 0; s < program->step_count; ++s) {
    for (size_t b = 0; b < 2; ++b) or_program_release(program->steps[s].bodies[b]); /* limits.nesting deep at most */
    or_session_release(atomic_load(&program->steps[s].session));
  }
  for (uint32_t i = 0; program->constants != NULL && i < program->slot_count; ++i)
    or_value_release(program->constants[i]);
  or_arena_deinit(&program->arena);
  or_mutex_deinit(&program->mutex);
  or_graph_release(program->graph);
  or_runtime_let_go(program->runtime);
  or_free(program->allocator, program);
}

uint64_t or_program_held_bytes(const or_program_t *program) {
  uint64_t bytes = 0;
  for (size_t s = 0; s < program->step_count; ++s) {
    or_session_t *session = atomic_load(&program->steps[s].session);
    if (session != NULL) bytes += or_session_memory(session).arena_bytes;
    for (size_t b = 0; b < 2; ++b) {
      if (program->steps[s].bodies[b] != NULL) bytes += or_program_held_bytes(program->steps[s].bodies[b]);
    }
  }
  return bytes;
}

static or_status_t begin(build_t *build) {
  const or_graph_t *graph = build->graph;
  const or_allocator_t *allocator = graph->allocator;
  or_status_t status = or_graph_overridable(graph, &build->overridable);
  struct {
    void **array;
    size_t count, bytes;
  } const arrays[] = {{(void **)&build->needed, graph->node_count + 1, sizeof(bool)},
                      {(void **)&build->apart, graph->node_count + 1, sizeof(bool)},
                      {(void **)&build->node_level, graph->node_count + 1, sizeof(uint32_t)},
                      {(void **)&build->known, graph->value_count + 1, sizeof(bool)},
                      {(void **)&build->value_level, graph->value_count + 1, sizeof(uint32_t)}};
  for (size_t i = 0; or_ok(status) && i < sizeof arrays / sizeof *arrays; ++i)
    status = or_alloc_array(allocator, arrays[i].count, arrays[i].bytes, arrays[i].array);
  return status;
}

static void end(build_t *build) {
  void *const arrays[] = {build->overridable, build->needed,      build->apart,    build->node_level,
                          build->known,       build->value_level, build->last_step};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(build->graph->allocator, arrays[i]);
}

static void find_needed(build_t *build) {
  const or_graph_t *graph = build->graph;
  bool *wanted = build->known; /* for now */
  for (size_t i = 0; i < graph->output_count; ++i) wanted[graph->outputs[i]] = true;
  for (size_t n = graph->node_count; n-- > 0;) {
    const or_node_t *node = &graph->nodes[n];
    for (uint32_t i = 0; i < node->output_count; ++i)
      build->needed[n] = build->needed[n] || (node->outputs[i] != OR_NO_VALUE && wanted[node->outputs[i]]);
    for (uint32_t i = 0; build->needed[n] && i < node->input_count; ++i) {
      if (node->inputs[i] != OR_NO_VALUE) wanted[node->inputs[i]] = true;
    }
  }
  memset(build->known, 0, graph->value_count * sizeof(bool));
}

/* A vector or scalar of few numbers that a user gives: a shape, a count. Its value belongs to the shape class. */
static bool is_parameter(const or_value_info_t *value) {
  uint64_t count = 0;
  if (value->form != OR_FORM_TENSOR || value->dtype == OR_STRING || value->shape.rank > 1) return false;
  if (or_shape_count(&value->shape, &count)) return count <= MAX_PARAMETER_ELEMENTS;
  return value->dtype == OR_INT64 || value->dtype == OR_INT32;
}

/* Operators whose shape hangs on all of their data, not on a few parameters. */
static bool reads_data(const or_node_t *node) {
  static const char *const names[] = {"NonZero", "Compress", "Unique", "NonMaxSuppression", "StringSplit"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (strcmp(node->op, names[i]) == 0) return true;
  }
  return false;
}

/* All that it reads is known, and still its shape is not: folding has left it to the run. */
static bool was_left(const build_t *build, const or_node_t *node) {
  const or_graph_t *graph = build->graph;
  for (uint32_t i = 0; i < node->input_count; ++i) {
    const or_value_id_t v = node->inputs[i];
    if (v != OR_NO_VALUE && (graph->values[v].constant == NULL || build->overridable[v])) return false;
  }
  for (uint32_t i = 0; i < node->output_count; ++i) {
    if (node->outputs[i] != OR_NO_VALUE && !or_shape_is_static(&graph->values[node->outputs[i]].shape)) return true;
  }
  return false;
}

static bool is_apart(const build_t *build, const or_node_t *node) {
  const or_graph_t *graph = build->graph;
  const or_op_t *op = node->definition;
  if (or_node_is_control(node) || (op != NULL && op->reference == NULL)) return true;
  if (has_special(graph, node->inputs, node->input_count) || has_special(graph, node->outputs, node->output_count))
    return true;
  if (reads_data(node) && was_left(build, node)) return true;
  for (uint32_t i = 0; op != NULL && i < node->input_count && i < 32; ++i) {
    if ((op->value_inputs >> i & 1) == 0 || node->inputs[i] == OR_NO_VALUE) continue;
    const bool constant = graph->values[node->inputs[i]].constant != NULL && !build->overridable[node->inputs[i]];
    if (!build->known[node->inputs[i]] || (reads_data(node) && !constant)) return true;
  }
  return false;
}

static void find_apart(build_t *build) {
  const or_graph_t *graph = build->graph;
  for (size_t v = 0; v < graph->value_count; ++v)
    build->known[v] = graph->values[v].constant != NULL && !build->overridable[v];
  for (size_t i = 0; i < graph->input_count && !build->body; ++i)
    build->known[graph->inputs[i]] = is_parameter(&graph->values[graph->inputs[i]]);
  for (size_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    build->apart[n] = is_apart(build, node);
    const bool extents = node->domain[0] == '\0' && (strcmp(node->op, "Shape") == 0 || strcmp(node->op, "Size") == 0);
    bool known = !build->apart[n];
    for (uint32_t i = 0; i < node->input_count && !extents; ++i)
      known = known && (node->inputs[i] == OR_NO_VALUE || build->known[node->inputs[i]]);
    for (uint32_t i = 0; i < node->output_count; ++i) {
      if (node->outputs[i] != OR_NO_VALUE) build->known[node->outputs[i]] = known;
    }
  }
}

static void find_levels(build_t *build) {
  const or_graph_t *graph = build->graph;
  for (size_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    uint32_t level = 0;
    for (uint32_t i = 0; i < node->input_count; ++i) {
      if (node->inputs[i] != OR_NO_VALUE && build->value_level[node->inputs[i]] > level)
        level = build->value_level[node->inputs[i]];
    }
    build->node_level[n] = level;
    if (build->needed[n] && level + 1 > build->levels) build->levels = level + 1;
    for (uint32_t i = 0; i < node->output_count; ++i) {
      if (node->outputs[i] != OR_NO_VALUE) build->value_level[node->outputs[i]] = level + (build->apart[n] ? 1 : 0);
    }
  }
}

/* Nodes by level, those of the piece before those that are apart: as many numbers as there are steps at most. */
typedef struct order_t {
  uint32_t *nodes;  /* needed ones */
  uint32_t *starts; /* 2 * levels + 1 of them: of level l's piece at 2 l, of its nodes that are apart at 2 l + 1 */
} order_t;

static or_status_t order_nodes(const build_t *build, order_t *order) {
  const or_graph_t *graph = build->graph;
  const size_t buckets = 2 * (size_t)build->levels;
  or_status_t status =
      or_alloc_array(graph->allocator, graph->node_count + 1, sizeof(uint32_t), (void **)&order->nodes);
  if (or_ok(status)) status = or_alloc_array(graph->allocator, buckets + 2, sizeof(uint32_t), (void **)&order->starts);
  if (!or_ok(status)) return status;
  for (size_t n = 0; n < graph->node_count; ++n)
    if (build->needed[n]) ++order->starts[2 * build->node_level[n] + build->apart[n] + 2];
  for (size_t b = 2; b < buckets + 2; ++b) order->starts[b] += order->starts[b - 1];
  for (uint32_t n = 0; n < graph->node_count; ++n)
    if (build->needed[n]) order->nodes[order->starts[2 * build->node_level[n] + build->apart[n] + 1]++] = n;
  return status;
}

static bool in_piece(const build_t *build, uint32_t node, uint32_t level) {
  return build->needed[node] && !build->apart[node] && build->node_level[node] == level;
}

/* What the piece reads of other steps and what others read of it. `marks`: per value, zero before and after. */
static or_status_t find_edges(build_t *build, or_step_t *step, const uint32_t *producers, const bool *leaves,
                              bool *marks) {
  const or_graph_t *graph = build->graph;
  const uint32_t level = build->node_level[step->nodes[0]];
  size_t inputs = 0, outputs = 0;
  for (uint32_t i = 0; i < step->node_count; ++i) {
    inputs += graph->nodes[step->nodes[i]].input_count;
    outputs += graph->nodes[step->nodes[i]].output_count;
  }
  or_arena_t *arena = &build->program->arena;
  or_status_t status = or_arena_array(arena, inputs, sizeof(or_value_id_t), (void **)&step->inputs);
  if (or_ok(status)) status = or_arena_array(arena, outputs, sizeof(or_value_id_t), (void **)&step->outputs);
  for (uint32_t i = 0; or_ok(status) && i < step->node_count; ++i) {
    const or_node_t *node = &graph->nodes[step->nodes[i]];
    for (uint32_t k = 0; k < node->input_count; ++k) {
      const or_value_id_t v = node->inputs[k];
      if (v == OR_NO_VALUE || marks[v]) continue;
      if (graph->values[v].constant != NULL && !build->overridable[v]) continue;
      if (producers[v] != UINT32_MAX && in_piece(build, producers[v], level)) continue;
      marks[v] = true;
      step->inputs[step->input_count++] = v;
    }
    for (uint32_t k = 0; k < node->output_count; ++k) {
      const or_value_id_t v = node->outputs[k];
      if (v != OR_NO_VALUE && leaves[v]) step->outputs[step->output_count++] = v;
    }
  }
  for (uint32_t i = 0; i < step->input_count; ++i) marks[step->inputs[i]] = false;
  return status;
}

/* Exact operators alone: computed node by node they give the same bits. */
static bool is_light(const build_t *build, const or_step_t *step) {
  for (uint32_t i = 0; i < step->node_count; ++i) {
    const or_node_t *node = &build->graph->nodes[step->nodes[i]];
    const or_op_t *op = node->definition;
    if (op == NULL || op->reference == NULL || op->tolerance.rel > 0 || op->tolerance.abs > 0) return false;
    for (uint32_t k = 0; k < node->input_count; ++k) {
      const or_constant_t *constant =
          node->inputs[k] == OR_NO_VALUE ? NULL : build->graph->values[node->inputs[k]].constant;
      uint64_t count = 0;
      if (constant != NULL && (!or_shape_count(&constant->shape, &count) || count > OR_PROGRAM_LIGHT_ELEMENTS))
        return false;
    }
  }
  return true;
}

static or_status_t make_bodies(build_t *build, or_step_t *step, const or_node_t *node) {
  or_status_t status = or_status_success();
  for (size_t b = 0; or_ok(status) && b < 2; ++b) {
    const or_graph_t *body = or_node_body(node, b);
    if (body == NULL || body->failure != NULL) continue;
    status = create(build->program->runtime, body, &build->program->options, build->program, &step->bodies[b]);
  }
  return status;
}

static or_status_t choose_run(build_t *build, or_step_t *step, const or_node_t *node) {
  static const struct {
    const char *op;
    or_step_run_t run;
  } control[] = {{"If", or_step_if}, {"Loop", or_step_loop}, {"Scan", or_step_scan}, {"SequenceMap", or_step_map}};
  step->name = node->name;
  for (size_t i = 0; or_node_is_control(node) && i < sizeof control / sizeof *control; ++i) {
    if (strcmp(node->op, control[i].op) != 0) continue;
    step->run = control[i].run;
    return make_bodies(build, step, node);
  }
  const bool handles = node->definition != NULL && node->definition->handles;
  step->run = handles ? or_step_handle(node->op) : NULL;
  if (step->run == NULL) step->run = or_step_node;
  if (step->run != or_step_node || (node->definition != NULL && node->definition->reference != NULL))
    return or_status_success();
  return or_graph_node_error(build->graph, node,
                             or_error(OR_UNIMPLEMENTED, "the operator can't be carried out by a model's session"));
}

static or_status_t add_apart(build_t *build, const uint32_t *nodes, uint32_t count) {
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < count; ++i) {
    or_step_t *step = &build->program->steps[build->program->step_count++];
    status = or_arena_array(&build->program->arena, 1, sizeof(uint32_t), (void **)&step->nodes);
    if (!or_ok(status)) break;
    step->nodes[0] = nodes[i];
    step->node_count = 1;
    status = choose_run(build, step, &build->graph->nodes[nodes[i]]);
  }
  return status;
}

static or_status_t add_piece(build_t *build, const uint32_t *nodes, uint32_t count, const uint32_t *producers,
                             const bool *leaves, bool *marks) {
  if (count == 0) return or_status_success();
  or_step_t *step = &build->program->steps[build->program->step_count++];
  or_status_t status = or_arena_array(&build->program->arena, count, sizeof(uint32_t), (void **)&step->nodes);
  if (!or_ok(status)) return status;
  memcpy(step->nodes, nodes, count * sizeof *nodes);
  step->node_count = count;
  step->name = build->graph->nodes[nodes[0]].name;
  step->run = or_step_piece;
  step->light = is_light(build, step);
  return find_edges(build, step, producers, leaves, marks);
}

/* Whether something outside the piece that makes a value reads it. */
static void find_leaves(const build_t *build, const uint32_t *producers, bool *leaves) {
  const or_graph_t *graph = build->graph;
  for (size_t i = 0; i < graph->output_count; ++i) leaves[graph->outputs[i]] = true;
  for (size_t n = 0; n < graph->node_count; ++n) {
    if (!build->needed[n]) continue;
    const or_node_t *node = &graph->nodes[n];
    for (uint32_t k = 0; k < node->input_count; ++k) {
      const or_value_id_t v = node->inputs[k];
      if (v == OR_NO_VALUE || producers[v] == UINT32_MAX || build->apart[producers[v]]) continue;
      if (build->apart[n] || build->node_level[producers[v]] != build->node_level[n]) leaves[v] = true;
    }
  }
}

static or_status_t make_steps(build_t *build) {
  const or_graph_t *graph = build->graph;
  const or_allocator_t *allocator = graph->allocator;
  order_t order = {.nodes = NULL};
  uint32_t *producers = NULL, *consumers = NULL;
  bool *leaves = NULL, *marks = NULL;
  or_status_t status = order_nodes(build, &order);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->value_count + 1, sizeof(uint32_t), (void **)&producers);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->value_count + 1, sizeof(uint32_t), (void **)&consumers);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->value_count + 1, sizeof(bool), (void **)&leaves);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->value_count + 1, sizeof(bool), (void **)&marks);
  if (or_ok(status)) {
    or_graph_uses(graph, producers, consumers);
    find_leaves(build, producers, leaves);
    status = or_arena_array(&build->program->arena, graph->node_count + build->levels, sizeof(or_step_t),
                            (void **)&build->program->steps);
  }
  /* After order_nodes each bucket's start is where the next one begins: bucket b is starts[b] to starts[b + 1]. */
  for (uint32_t level = 0; or_ok(status) && level < build->levels; ++level) {
    const size_t bucket = 2 * (size_t)level;
    const uint32_t first = order.starts[bucket], apart = order.starts[bucket + 1], end = order.starts[bucket + 2];
    status = add_piece(build, &order.nodes[first], apart - first, producers, leaves, marks);
    if (or_ok(status)) status = add_apart(build, &order.nodes[apart], end - apart);
  }
  void *const arrays[] = {order.nodes, order.starts, producers, consumers, leaves, marks};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(allocator, arrays[i]);
  return status;
}

/* A slot for a value that lives between steps, or inside a piece that may be computed node by node. */
static or_status_t give_slot(build_t *build, or_value_id_t value) {
  or_program_t *program = build->program;
  if (value == OR_NO_VALUE || program->slots[value] != OR_NO_SLOT) return or_status_success();
  program->slots[value] = program->slot_count++;
  return or_status_success();
}

static or_status_t each_value(build_t *build, or_status_t (*visit)(build_t *build, or_value_id_t value)) {
  const or_graph_t *graph = build->graph;
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < graph->input_count; ++i) status = visit(build, graph->inputs[i]);
  for (size_t i = 0; or_ok(status) && i < graph->output_count; ++i) status = visit(build, graph->outputs[i]);
  for (size_t s = 0; s < build->program->step_count; ++s) {
    const or_step_t *step = &build->program->steps[s];
    for (uint32_t i = 0; or_ok(status) && i < step->input_count; ++i) status = visit(build, step->inputs[i]);
    for (uint32_t i = 0; or_ok(status) && i < step->output_count; ++i) status = visit(build, step->outputs[i]);
    for (uint32_t n = 0; n < step->node_count && (step->run != or_step_piece || step->light); ++n) {
      const or_node_t *node = &graph->nodes[step->nodes[n]];
      for (uint32_t i = 0; or_ok(status) && i < node->input_count; ++i) status = visit(build, node->inputs[i]);
      for (uint32_t i = 0; or_ok(status) && i < node->output_count; ++i) status = visit(build, node->outputs[i]);
    }
  }
  return status;
}

static void release_packed(void *packed) { or_packed_release(packed); }

/* The constant on the host: its resident bytes, or what lies in the file, read once for all who need it as it is. */
static or_status_t wrap_constant(const or_program_t *program, const or_constant_t *constant, or_tensor_t **out) {
  or_packed_t *packed = NULL;
  const void *data = constant->data;
  if (data == NULL && constant->bytes == 0)
    return or_tensor_create(program->host, constant->dtype, constant->shape, out);
  if (data == NULL) {
    or_status_t status = or_packed_plain(program->host, constant, NULL, &packed);
    if (!or_ok(status)) return status;
    data = or_buffer_host_pointer(or_packed_buffer(packed));
  }
  const or_owner_t owner = {packed, packed != NULL ? release_packed : NULL};
  or_status_t status =
      or_tensor_wrap_on(program->host, constant->dtype, constant->shape, (void *)(uintptr_t)data, owner, out);
  if (!or_ok(status)) or_packed_release(packed);
  return status;
}

static or_status_t hold_constant(build_t *build, or_value_id_t value) {
  or_program_t *program = build->program;
  const or_constant_t *constant = value == OR_NO_VALUE ? NULL : build->graph->values[value].constant;
  if (constant == NULL || program->constants[program->slots[value]] != NULL) return or_status_success();
  or_tensor_t *tensor = NULL;
  or_status_t status = wrap_constant(program, constant, &tensor);
  if (or_ok(status))
    status = or_value_from_tensor(program->allocator, tensor, &program->constants[program->slots[value]]);
  or_tensor_release(tensor);
  return status;
}

static or_status_t give_slots(build_t *build) {
  or_program_t *program = build->program;
  const size_t values = build->graph->value_count;
  or_status_t status = or_arena_array(&program->arena, values + 1, sizeof(uint32_t), (void **)&program->slots);
  if (!or_ok(status)) return status;
  memset(program->slots, 0xff, (values + 1) * sizeof(uint32_t)); /* OR_NO_SLOT */
  status = each_value(build, give_slot);
  if (or_ok(status))
    status =
        or_arena_array(&program->arena, program->slot_count + 1, sizeof(or_value_t *), (void **)&program->constants);
  return or_ok(status) ? each_value(build, hold_constant) : status;
}

static void note_read(build_t *build, uint32_t step, or_value_id_t value) {
  if (value != OR_NO_VALUE) build->last_step[build->program->slots[value]] = step + 1;
}

/* A value is let go of after the last step that reads or makes it; what the graph gives stays to the end. */
static or_status_t find_dead(build_t *build) {
  or_program_t *program = build->program;
  const or_graph_t *graph = build->graph;
  or_status_t status =
      or_alloc_array(graph->allocator, program->slot_count + 1, sizeof(uint32_t), (void **)&build->last_step);
  if (!or_ok(status)) return status;
  for (uint32_t s = 0; s < program->step_count; ++s) {
    const or_step_t *step = &program->steps[s];
    for (uint32_t i = 0; i < step->input_count; ++i) note_read(build, s, step->inputs[i]);
    for (uint32_t i = 0; i < step->output_count; ++i) note_read(build, s, step->outputs[i]);
    for (uint32_t n = 0; n < step->node_count && (step->run != or_step_piece || step->light); ++n) {
      const or_node_t *node = &graph->nodes[step->nodes[n]];
      for (uint32_t i = 0; i < node->input_count; ++i) note_read(build, s, node->inputs[i]);
      for (uint32_t i = 0; i < node->output_count; ++i) note_read(build, s, node->outputs[i]);
    }
  }
  for (size_t i = 0; i < graph->output_count; ++i) build->last_step[program->slots[graph->outputs[i]]] = 0;
  for (uint32_t i = 0; i < program->slot_count; ++i)
    if (build->last_step[i] > 0) ++program->steps[build->last_step[i] - 1].dead_count;
  for (size_t s = 0; or_ok(status) && s < program->step_count; ++s) {
    status = or_arena_array(&program->arena, program->steps[s].dead_count, sizeof(uint32_t),
                            (void **)&program->steps[s].dead);
    program->steps[s].dead_count = 0;
  }
  for (uint32_t i = 0; or_ok(status) && i < program->slot_count; ++i) {
    if (build->last_step[i] == 0) continue;
    or_step_t *step = &program->steps[build->last_step[i] - 1];
    step->dead[step->dead_count++] = i;
  }
  return status;
}
