/* Rows for or_session_report_t: each node once, however often a loop came by. */
#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "runtime/program/program_internal.h"

/* Which node of which body: rows of one key are one row. */
static uint64_t key_of(const or_program_t *program, uint64_t number) { return program->id << 32 | number; }

static or_status_t find_row(or_program_report_t *report, uint64_t key, or_node_report_t **out) {
  for (size_t i = 0; i < report->row_count; ++i) {
    if (report->keys[i] != key) continue;
    *out = &report->rows[i];
    return or_status_success();
  }
  or_status_t status = or_grow_array(report->allocator, report->row_count + 1, sizeof *report->rows,
                                     (void **)&report->rows, &report->row_capacity);
  if (or_ok(status))
    status = or_grow_array(report->allocator, report->row_count + 1, sizeof *report->keys, (void **)&report->keys,
                           &report->key_capacity);
  if (!or_ok(status)) return status;
  report->keys[report->row_count] = key;
  *out = &report->rows[report->row_count++];
  **out = (or_node_report_t){.name = NULL};
  return status;
}

static or_status_t keep_name(or_program_report_t *report, const char *name, const char **out) {
  or_text_t text;
  or_text_init(&text, report->allocator);
  or_status_t status = or_text_printf(&text, "%s%s", report->prefix != NULL ? report->prefix : "", name);
  if (or_ok(status)) status = or_arena_strndup(report->arena, or_text_string(&text), text.length, out);
  or_text_deinit(&text);
  return status;
}

or_status_t or_program_report_enter(or_program_report_t *report, const char *name) {
  or_text_t text;
  or_text_init(&text, report->allocator);
  or_status_t status = or_text_printf(&text, "%s%s/", report->prefix != NULL ? report->prefix : "", name);
  if (or_ok(status)) status = or_arena_strndup(report->arena, or_text_string(&text), text.length, &report->prefix);
  or_text_deinit(&text);
  return status;
}

or_status_t or_program_report_node(const or_program_frame_t *frame, const or_node_t *node, double seconds) {
  or_program_report_t *report = frame->run->report;
  const or_program_t *program = frame->program;
  or_node_report_t *row = NULL;
  or_status_t status = find_row(report, key_of(program, (uint64_t)(node - program->graph->nodes)), &row);
  if (!or_ok(status)) return status;
  row->seconds += seconds;
  if (row->name != NULL) return status;
  row->op = node->op;
  row->device_id = or_device_facts(program->host)->id;
  row->kernel = "reference";
  row->reason = "on the host";
  or_value_t *value = node->output_count > 0 ? or_frame_value(frame, node->outputs[0]) : NULL;
  or_tensor_t *tensor = value != NULL ? or_value_tensor(value) : NULL;
  if (tensor != NULL) {
    row->dtype = or_tensor_dtype(tensor);
    row->shape = *or_tensor_shape(tensor);
  }
  return keep_name(report, node->name, &row->name);
}

static void add_sums(or_session_report_t *sums, const or_session_report_t *piece) {
  sums->arena_bytes += piece->arena_bytes;
  sums->workspace_bytes += piece->workspace_bytes;
  sums->packed_bytes += piece->packed_bytes;
  sums->arena_bytes_unplanned += piece->arena_bytes_unplanned;
  sums->products += piece->products;
  sums->narrow_products += piece->narrow_products;
}

static or_status_t copy_text(or_program_report_t *report, const char **text) {
  return or_arena_strndup(report->arena, *text, strlen(*text), text);
}

/* Behind those of the pieces before, under the names that they have in the whole. */
static or_status_t copy_crossings(or_program_report_t *report, const or_session_report_t *piece) {
  or_session_report_t *sums = &report->sums;
  void *memory = NULL;
  if (piece->crossing_count == 0) return or_status_success();
  or_status_t status = or_arena_array(report->arena, sums->crossing_count + piece->crossing_count,
                                      sizeof(or_crossing_report_t), &memory);
  or_crossing_report_t *crossings = memory;
  if (or_ok(status) && sums->crossing_count > 0)
    memcpy(crossings, sums->crossings, sums->crossing_count * sizeof *crossings);
  for (size_t i = 0; or_ok(status) && i < piece->crossing_count; ++i) {
    or_crossing_report_t *crossing = &crossings[sums->crossing_count + i];
    *crossing = piece->crossings[i]; /* its text goes with the piece's report */
    status = keep_name(report, piece->crossings[i].name, &crossing->name);
    if (or_ok(status)) status = copy_text(report, &crossing->from);
    if (or_ok(status)) status = copy_text(report, &crossing->to);
  }
  if (!or_ok(status)) return status;
  sums->crossings = crossings;
  sums->crossing_count += piece->crossing_count;
  sums->copies += piece->copies;
  sums->copied_bytes += piece->copied_bytes;
  return status;
}

static or_status_t copy_patterns(or_program_report_t *report, const or_session_report_t *piece) {
  or_session_report_t *sums = &report->sums;
  void *memory = NULL;
  or_status_t status =
      or_arena_array(report->arena, sums->pattern_count + piece->pattern_count, sizeof(or_pattern_report_t), &memory);
  if (!or_ok(status)) return status;
  or_pattern_report_t *patterns = memory;
  size_t count = sums->pattern_count;
  for (size_t i = 0; i < count; ++i) patterns[i] = sums->patterns[i];
  for (size_t i = 0; i < piece->pattern_count; ++i) {
    size_t k = 0;
    while (k < count && strcmp(patterns[k].name, piece->patterns[i].name) != 0) ++k;
    if (k == count) patterns[count++] = (or_pattern_report_t){.name = piece->patterns[i].name};
    patterns[k].count += piece->patterns[i].count;
  }
  sums->patterns = patterns;
  sums->pattern_count = count;
  return status;
}

or_status_t or_program_report_piece(const or_program_frame_t *frame, const or_step_t *step,
                                    const or_session_report_t *piece) {
  or_program_report_t *report = frame->run->report;
  or_status_t status = or_status_success();
  bool fresh = false;
  for (size_t i = 0; or_ok(status) && i < piece->node_count; ++i) {
    or_node_report_t *row = NULL;
    /* Numbers behind those of the nodes: piece by piece, in the order of its plan. */
    const uint64_t number = frame->program->graph->node_count + ((uint64_t)step->nodes[0] << 12) + i;
    status = find_row(report, key_of(frame->program, number), &row);
    if (!or_ok(status)) return status;
    const char *name = row->name;
    const double before = row->seconds;
    if (name != NULL) {
      row->seconds = before + piece->nodes[i].seconds;
      continue;
    }
    fresh = true;
    *row = piece->nodes[i]; /* its text goes with the piece's report */
    status = keep_name(report, piece->nodes[i].name, &row->name);
    if (or_ok(status)) status = copy_text(report, &row->op);
    if (or_ok(status)) status = copy_text(report, &row->device_id);
    if (or_ok(status)) status = copy_text(report, &row->kernel);
    if (or_ok(status)) status = copy_text(report, &row->reason);
  }
  if (fresh) add_sums(&report->sums, piece);
  if (or_ok(status) && fresh) status = copy_patterns(report, piece);
  if (or_ok(status) && fresh) status = copy_crossings(report, piece);
  return status;
}
