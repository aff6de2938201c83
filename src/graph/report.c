/* What a plan is and what its last profiled run took, in words and numbers for people. */
#include <string.h>

#include "base/string.h"
#include "graph/plan_internal.h"

typedef struct reporter_t {
  or_plan_t *plan;
  or_arena_t *arena;
  or_node_report_t *rows;
  uint32_t row;
} reporter_t;

static or_status_t report_segment(reporter_t *reporter, const or_segment_t *segment);
static or_status_t report_crossing(reporter_t *reporter, const or_segment_t *segment, or_value_id_t value);
static or_status_t report_crossings(reporter_t *reporter, or_session_report_t *out);
static or_status_t report_node(reporter_t *reporter, const or_segment_t *segment, uint32_t index);
static or_status_t operator_words(reporter_t *reporter, const or_node_t *node, const char **out);
static or_status_t keep(const reporter_t *reporter, const char *text, const char **out);
static void report_memory(const or_plan_t *plan, or_session_report_t *out);
static or_status_t report_passes(reporter_t *reporter, uint32_t copies, const char **out);
static or_status_t report_patterns(reporter_t *reporter, or_session_report_t *out);
static void report_times(reporter_t *reporter, or_session_report_t *out);
static void report_precision(const reporter_t *reporter, or_session_report_t *out);

or_status_t or_plan_report(or_plan_t *plan, or_arena_t *arena, or_session_report_t *out) {
  void *memory = NULL;
  *out = (or_session_report_t){0};
  reporter_t reporter = {.plan = plan, .arena = arena};
  or_status_t status = or_arena_array(arena, plan->row_count, sizeof(or_node_report_t), &memory);
  reporter.rows = memory;
  for (uint32_t s = 0; or_ok(status) && s < plan->segment_count; ++s)
    status = report_segment(&reporter, &plan->segments[s]);
  if (or_ok(status)) status = report_crossings(&reporter, out);
  if (or_ok(status)) status = report_passes(&reporter, out->copies, &out->folded);
  if (or_ok(status)) status = report_patterns(&reporter, out);
  if (!or_ok(status)) return status;
  out->nodes = reporter.rows;
  out->node_count = plan->row_count;
  out->flops_on_device = or_plan_flops_share(plan);
  report_memory(plan, out);
  report_times(&reporter, out);
  report_precision(&reporter, out);
  return or_status_success();
}

uint64_t or_plan_held_bytes(const or_plan_t *plan) {
  const uint64_t frames = atomic_load_explicit(&plan->live_frames, memory_order_relaxed);
  uint64_t bytes = 0;
  for (uint32_t d = 0; d < plan->device_count; ++d)
    bytes += plan->devices[d].workspace_bytes + frames * plan->devices[d].arena_bytes;
  if (plan->is_small) bytes += frames * plan->devices[plan->segments[0].device].workspace_bytes;
  return bytes;
}

static or_status_t report_segment(reporter_t *reporter, const or_segment_t *segment) {
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < segment->crossing_count; ++i)
    status = report_crossing(reporter, segment, segment->crossings[i]);
  for (uint32_t n = 0; or_ok(status) && n < segment->node_count; ++n) status = report_node(reporter, segment, n);
  return status;
}

/* A copy between devices is a row of its own: it takes time as nodes do. */
static or_status_t report_crossing(reporter_t *reporter, const or_segment_t *segment, or_value_id_t value) {
  const or_plan_t *plan = reporter->plan;
  or_node_report_t *row = &reporter->rows[reporter->row++];
  char text[128];
  const char *from = or_device_facts(plan->devices[1 - segment->device].device)->id;
  const char *to = or_device_facts(plan->devices[segment->device].device)->id;
  const bool shared = or_plan_shares(plan, value);
  *row = (or_node_report_t){.op = "Copy",
                            .reason = "",
                            .dtype = plan->graph->values[value].dtype,
                            .shape = plan->graph->values[value].shape,
                            .bytes = shared ? 0 : 2.0 * (double)plan->value_bytes[value]};
  or_status_t status = keep(reporter, plan->graph->values[value].name, &row->name);
  if (or_ok(status)) status = keep(reporter, to, &row->device_id);
  if (or_ok(status))
    status = keep(reporter, or_format(text, sizeof text, shared ? "memory shared with %s" : "copy from %s", from),
                  &row->kernel);
  return status;
}

typedef struct crossing_t {
  or_value_id_t value;
  uint32_t from; /* device */
  double seconds;
} crossing_t;

static or_status_t add_crossing(const reporter_t *reporter, const crossing_t *crossing, or_session_report_t *out,
                                or_crossing_report_t *rows) {
  const or_plan_t *plan = reporter->plan;
  or_crossing_report_t *row = &rows[out->crossing_count++];
  *row = (or_crossing_report_t){.bytes = plan->value_bytes[crossing->value],
                                .copied = !or_plan_shares(plan, crossing->value),
                                .seconds = crossing->seconds};
  const or_device_t *from = plan->devices[crossing->from].device, *to = plan->devices[1 - crossing->from].device;
  if (row->copied) {
    ++out->copies;
    out->copied_bytes += row->bytes;
  }
  or_status_t status = keep(reporter, plan->graph->values[crossing->value].name, &row->name);
  if (or_ok(status)) status = keep(reporter, or_device_facts(from)->id, &row->from);
  if (or_ok(status)) status = keep(reporter, or_device_facts(to)->id, &row->to);
  return status;
}

/* Of a segment: inputs of the graph that come to the fallback, then what comes from the other device. */
static or_status_t add_crossings(const reporter_t *reporter, const or_segment_t *segment, or_session_report_t *out,
                                 or_crossing_report_t *rows) {
  const or_plan_t *plan = reporter->plan;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && segment->device != 0 && i < segment->arrival_count; ++i) {
    const or_value_id_t value = plan->graph->inputs[segment->arrivals[i]];
    status = add_crossing(reporter, &(crossing_t){value, 0, OR_UNKNOWN_F}, out, rows);
  }
  for (uint32_t i = 0; or_ok(status) && i < segment->crossing_count; ++i) {
    const double seconds = plan->profiled ? (double)plan->row_ns[segment->first_row + i] * 1e-9 : OR_UNKNOWN_F;
    status = add_crossing(reporter, &(crossing_t){segment->crossings[i], 1 - segment->device, seconds}, out, rows);
  }
  return status;
}

static or_status_t report_crossings(reporter_t *reporter, or_session_report_t *out) {
  or_plan_t *plan = reporter->plan;
  void *memory = NULL;
  size_t most = plan->graph->output_count;
  for (uint32_t s = 0; s < plan->segment_count; ++s)
    most += plan->segments[s].crossing_count + plan->segments[s].arrival_count;
  or_status_t status = or_arena_array(reporter->arena, most, sizeof(or_crossing_report_t), &memory);
  or_mutex_lock(&plan->mutex); /* for the times */
  for (uint32_t s = 0; or_ok(status) && s < plan->segment_count; ++s)
    status = add_crossings(reporter, &plan->segments[s], out, memory);
  or_mutex_unlock(&plan->mutex);
  for (size_t i = 0; or_ok(status) && i < plan->graph->output_count; ++i) {
    const or_plan_output_t *output = &plan->outputs[i];
    if (output->kind != OR_OUTPUT_PRODUCED || output->device == 0) continue;
    status = add_crossing(reporter, &(crossing_t){output->value, 1, OR_UNKNOWN_F}, out, memory);
  }
  out->crossings = memory;
  return status;
}

static or_status_t report_node(reporter_t *reporter, const or_segment_t *segment, uint32_t index) {
  const or_plan_t *plan = reporter->plan;
  const or_node_t *node = &plan->nodes[segment->first_node + index];
  const or_placed_node_t *placed = &plan->placed[segment->first_node + index];
  or_node_report_t *row = &reporter->rows[reporter->row++];
  or_executable_node_t fate = {.kernel = ""};
  if (segment->executable.node != NULL) segment->executable.node(segment->executable.self, index, &fate);
  *row = (or_node_report_t){.flops = placed->cost.flops, .bytes = placed->cost.bytes_read + placed->cost.bytes_written};
  if (node->output_count > 0 && node->outputs[0] != OR_NO_VALUE) {
    row->dtype = plan->graph->values[node->outputs[0]].dtype;
    row->shape = plan->graph->values[node->outputs[0]].shape;
  }
  row->precision = fate.precision;
  or_status_t status = keep(reporter, node->name, &row->name);
  if (or_ok(status)) status = operator_words(reporter, node, &row->op);
  if (or_ok(status))
    status = keep(reporter, or_device_facts(plan->devices[placed->device].device)->id, &row->device_id);
  if (or_ok(status)) status = keep(reporter, fate.kernel != NULL ? fate.kernel : "", &row->kernel);
  if (or_ok(status)) status = keep(reporter, placed->reason, &row->reason);
  return status;
}

/* "Conv+BatchNormalization+Relu" */
static or_status_t operator_words(reporter_t *reporter, const or_node_t *node, const char **out) {
  const or_graph_t *graph = reporter->plan->graph;
  const or_node_t *parts = or_node_is_fused(node) ? node->parts : node;
  uint32_t count = or_node_is_fused(node) ? node->part_count : 1;
  or_text_t text;
  or_text_init(&text, reporter->plan->allocator);
  or_status_t status = or_status_success();
  for (uint32_t p = 0; or_ok(status) && p < count; ++p) {
    const char *words = parts[p].op;
    if (parts[p].output_count > 0) words = or_graph_origin(graph, parts[p].outputs[0], parts[p].op);
    status = or_text_printf(&text, "%s%s", p > 0 ? "+" : "", words);
  }
  if (or_ok(status)) status = keep(reporter, or_text_string(&text), out);
  or_text_deinit(&text);
  return status;
}

static or_status_t keep(const reporter_t *reporter, const char *text, const char **out) {
  return or_arena_strndup(reporter->arena, text, strlen(text), out);
}

static void report_memory(const or_plan_t *plan, or_session_report_t *out) {
  out->weight_bytes = plan->graph->weight_bytes;
  out->arena_bytes_unplanned = plan->arena_bytes_unplanned;
  for (uint32_t d = 0; d < plan->device_count; ++d) {
    out->arena_bytes += plan->devices[d].arena_bytes;
    out->workspace_bytes += plan->devices[d].workspace_bytes;
  }
  for (uint32_t s = 0; s < plan->segment_count; ++s) {
    if (!plan->segments[s].compiled) continue;
    out->packed_bytes += plan->segments[s].executable.packed_bytes;
    out->arena_bytes_unplanned += plan->segments[s].executable.workspace_bytes_unplanned;
  }
}

static or_status_t report_passes(reporter_t *reporter, uint32_t copies, const char **out) {
  const or_plan_t *plan = reporter->plan;
  const or_graph_pass_counts_t *counts = &plan->graph->counts;
  char text[160];
  or_format(text, sizeof text, "%zu nodes in the file: %u folded, %u removed, %u fused into others",
            plan->graph->file_node_count, counts->folded, counts->removed, counts->fused);
  if (copies > 0) or_format(text + strlen(text), sizeof text - strlen(text), "; %u copies between devices", copies);
  return keep(reporter, text, out);
}

static or_status_t report_patterns(reporter_t *reporter, or_session_report_t *out) {
  const or_graph_t *graph = reporter->plan->graph;
  void *memory = NULL;
  or_status_t status = or_arena_array(reporter->arena, graph->pattern_count, sizeof(or_pattern_report_t), &memory);
  if (!or_ok(status)) return status;
  if (graph->pattern_count > 0) memcpy(memory, graph->patterns, graph->pattern_count * sizeof(or_pattern_report_t));
  out->patterns = memory; /* the names are the program's */
  out->pattern_count = graph->pattern_count;
  return or_status_success();
}

static void report_times(reporter_t *reporter, or_session_report_t *out) {
  or_plan_t *plan = reporter->plan;
  or_mutex_lock(&plan->mutex);
  for (uint32_t r = 0; r < plan->row_count; ++r) {
    reporter->rows[r].seconds = plan->profiled ? (double)plan->row_ns[r] * 1e-9 : OR_UNKNOWN_F;
  }
  out->seconds = plan->profiled ? (double)plan->total_ns * 1e-9 : OR_UNKNOWN_F;
  or_mutex_unlock(&plan->mutex);
}

/* MatMul, Gemm or Conv of float32, alone or with what is fused to it: what a precision can narrow. */
static bool is_product(const or_plan_t *plan, const or_node_t *node) {
  static const char *const names[] = {"MatMul", "Gemm", "Conv"};
  const or_node_t *core = or_node_is_fused(node) ? &node->parts[0] : node;
  if (core->domain != NULL && core->domain[0] != '\0') return false;
  bool named = false;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) named = named || strcmp(core->op, names[i]) == 0;
  return named && plan->graph->values[core->inputs[0]].dtype == OR_FLOAT32;
}

static void report_precision(const reporter_t *reporter, or_session_report_t *out) {
  const or_plan_t *plan = reporter->plan;
  out->precision = plan->precision;
  for (uint32_t n = 0; n < plan->node_count; ++n) out->products += is_product(plan, &plan->nodes[n]);
  for (uint32_t r = 0; r < plan->row_count; ++r) {
    out->narrow_products += plan->precision != OR_DTYPE_NONE && reporter->rows[r].precision == plan->precision;
  }
}
