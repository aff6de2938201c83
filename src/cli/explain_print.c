/* An Explanation (docs/api.md) as a table, whoever made it. */
#include <math.h>
#include <string.h>

#include "base/string.h"
#include "cli/explain_print.h"
#include "cli/models.h"
#include "cli/print.h"

#define WIDE_COLUMNS 120 /* of a terminal */

static long long whole(const or_json_value_t *object, const char *key) { return (long long)or_cli_whole(object, key); }

/* "[1, 3, 224]" in the form of or_shape_format. */
static const char *shape_of(const or_json_value_t *dims, char *text, size_t capacity) {
  or_shape_t shape = {.rank = 0};
  for (size_t d = 0; d < or_json_count(dims) && d < OR_MAX_RANK; ++d)
    shape.dims[shape.rank++] = or_json_get_int(or_json_at(dims, d), 0);
  return or_shape_format(&shape, text, capacity);
}

/* Whether one device does all: a narrow terminal then has more use for the words of the other columns. */
static bool leaves_device_out(const or_cli_t *cli, const or_json_value_t *nodes) {
  if (!cli->terminal || cli->columns >= WIDE_COLUMNS) return false;
  for (size_t i = 1; i < or_json_count(nodes); ++i) {
    if (strcmp(or_cli_word(or_json_at(nodes, i), "device"), or_cli_word(or_json_at(nodes, 0), "device")) != 0)
      return false;
  }
  return true;
}

static void print_nodes(or_cli_t *cli, const or_json_value_t *nodes) {
  const bool no_device = leaves_device_out(cli, nodes);
  or_cli_table_t *table =
      or_cli_table_create(cli, no_device ? "~NODE|OPERATOR|~KERNEL|OUTPUT|>TIME|>GFLOP/S|>GB/S|>OF PEAK|WHY"
                                         : "~NODE|OPERATOR|DEVICE|~KERNEL|OUTPUT|>TIME|>GFLOP/S|>GB/S|>OF PEAK|WHY");
  for (size_t i = 0; i < or_json_count(nodes); ++i) {
    const or_json_value_t *node = or_json_at(nodes, i);
    const double seconds = or_cli_real(node, "seconds"), share = or_cli_real(node, "percent_of_peak");
    const bool counted = or_cli_real(node, "flops") > 0;
    char shape[96], time[OR_CLI_NUMBER_BYTES];
    or_cli_table_cell(table, "%s", or_cli_word(node, "name"));
    or_cli_table_cell(table, "%s", or_cli_word(node, "op"));
    if (!no_device) or_cli_table_cell(table, "%s", or_cli_word(node, "device"));
    or_cli_table_cell(table, "%s", or_cli_word(node, "kernel"));
    or_cli_table_cell(table, "%s", shape_of(or_json_get(node, "shape"), shape, sizeof shape));
    or_cli_table_cell(table, "%s", or_cli_seconds(seconds, time, sizeof time));
    or_cli_table_cell(table, counted && seconds > 0 ? "%.1f" : "-", or_cli_real(node, "gflops"));
    or_cli_table_cell(table, seconds > 0 ? "%.1f" : "-", or_cli_real(node, "bandwidth_gbps"));
    or_cli_table_cell(table, counted && isfinite(share) ? "%.1f %%" : "-", share);
    or_cli_table_cell(table, "%s", or_cli_word(node, "reason"));
  }
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
}

static void print_memory(const or_json_value_t *bytes) {
  static const struct {
    const char *words, *key;
  } parts[] = {{"\nmemory: weights ", "weights"},
               {", packed ", "packed"},
               {", workspace ", "workspace"},
               {" (unplanned ", "unplanned"},
               {"), arena ", "arena"}};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
    const int64_t count = or_json_get_int(or_json_get(bytes, parts[i].key), 0);
    char text[OR_CLI_NUMBER_BYTES];
    (void)printf("%s%s", parts[i].words, or_cli_bytes(count > 0 ? (uint64_t)count : 0, text, sizeof text));
  }
  (void)printf("\n");
}

static void print_time(const or_json_value_t *root) {
  const or_json_value_t *totals = or_json_get(root, "totals");
  const double seconds = or_cli_real(root, "seconds"), share = or_cli_real(totals, "percent_of_peak");
  char text[2][OR_CLI_NUMBER_BYTES];
  if (!isfinite(seconds)) return;
  (void)printf("time: %s, of which nodes %.1f %%; %s", or_cli_seconds(seconds, text[0], sizeof text[0]),
               100.0 * or_cli_real(totals, "node_seconds") / seconds,
               or_cli_rate(or_cli_real(totals, "gflops") * 1e9, "FLOP/s", text[1], sizeof text[1]));
  if (isfinite(share)) (void)printf(", %.1f %% of the peak", share);
  (void)printf("\n");
}

/* Nothing where one device does all. */
static void print_crossings(or_cli_t *cli, const or_json_value_t *root) {
  const or_json_value_t *crossings = or_json_get(root, "crossings"), *totals = or_json_get(root, "totals");
  char size[OR_CLI_NUMBER_BYTES], time[OR_CLI_NUMBER_BYTES];
  if (or_json_count(crossings) == 0) return;
  or_cli_table_t *table = or_cli_table_create(cli, "~VALUE|FROM|TO|>BYTES|>TIME|HOW");
  for (size_t i = 0; i < or_json_count(crossings); ++i) {
    const or_json_value_t *crossing = or_json_at(crossings, i);
    or_cli_table_cell(table, "%s", or_cli_word(crossing, "value"));
    or_cli_table_cell(table, "%s", or_cli_word(crossing, "from"));
    or_cli_table_cell(table, "%s", or_cli_word(crossing, "to"));
    or_cli_table_cell(table, "%s", or_cli_bytes((uint64_t)whole(crossing, "bytes"), size, sizeof size));
    or_cli_table_cell(table, "%s", or_cli_seconds(or_cli_real(crossing, "seconds"), time, sizeof time));
    or_cli_table_cell(table, "%s", or_json_get_bool(or_json_get(crossing, "copied"), true) ? "copied" : "shared");
  }
  (void)printf("\nbetween devices: %lld %s a run, %s\n", whole(totals, "copies"),
               whole(totals, "copies") == 1 ? "copy" : "copies",
               or_cli_bytes((uint64_t)whole(totals, "copied_bytes"), size, sizeof size));
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
}

static void print_totals(const or_json_value_t *root) {
  const or_json_value_t *patterns = or_json_get(root, "patterns");
  print_memory(or_json_get(root, "bytes"));
  if (or_cli_word(root, "graph")[0] != '\0') (void)printf("graph: %s\n", or_cli_word(root, "graph"));
  for (size_t i = 0; i < or_json_count(patterns); ++i) {
    const or_json_value_t *count = NULL;
    const char *name = or_json_key_at(patterns, i, &count);
    (void)printf("%s%lld %s", i == 0 ? "patterns: " : ", ", (long long)or_json_get_int(count, 0), name);
  }
  if (or_json_count(patterns) > 0) (void)printf("\n");
  if (or_cli_word(root, "precision")[0] != '\0') {
    (void)printf("precision: %s, %lld of %lld products\n", or_cli_word(root, "precision"),
                 whole(root, "narrow_products"), whole(root, "products"));
  }
  (void)printf("on the device: %.1f %% of the flops\n", 100.0 * or_cli_real(root, "flops_on_device"));
  print_time(root);
}

static void print_state(const or_json_value_t *state) {
  const or_json_value_t *ties = or_json_get(state, "ties");
  char text[2][OR_CLI_NUMBER_BYTES];
  if (or_json_kind(state) != OR_JSON_OBJECT) return;
  (void)printf("\nstate: %zu tied, %s a token, %s for %lld rows; ", or_json_count(ties),
               or_cli_bytes((uint64_t)whole(state, "bytes_per_token"), text[0], sizeof text[0]),
               or_cli_bytes((uint64_t)whole(state, "bytes"), text[1], sizeof text[1]), whole(state, "capacity"));
  if (or_json_get_bool(or_json_get(state, "appends"), false)) {
    (void)printf("appended in place, one plan for every length of the past\n");
  } else {
    (void)printf("handed on whole, a plan for each length: %s\n", or_cli_word(state, "reason"));
  }
  for (size_t t = 0; t < or_json_count(ties); ++t) {
    const or_json_value_t *tie = or_json_at(ties, t);
    (void)printf("  %s -> %s", or_cli_word(tie, "output"), or_cli_word(tie, "input"));
    if (or_json_kind(or_json_get(tie, "grows")) == OR_JSON_INTEGER)
      (void)printf(", grows along dimension %lld", whole(tie, "grows"));
    (void)printf("\n");
  }
}

void or_cli_print_explanation(or_cli_t *cli, const or_json_value_t *root) {
  print_nodes(cli, or_json_get(root, "nodes"));
  print_totals(root);
  print_crossings(cli, root);
  print_state(or_json_get(root, "state"));
  or_cli_note_weights(or_cli_word(root, "weights"));
}

/* The trace event format that Perfetto and chrome://tracing open: complete events, microseconds. */
or_status_t or_cli_write_trace(or_cli_t *cli, const or_json_value_t *root, const char *path) {
  const or_json_value_t *nodes = or_json_get(root, "nodes");
  or_text_t text;
  or_json_writer_t json;
  double at_us = 0;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 0);
  or_json_object_begin(&json);
  or_json_key(&json, "traceEvents");
  or_json_array_begin(&json);
  for (size_t i = 0; i < or_json_count(nodes); ++i) {
    const or_json_value_t *node = or_json_at(nodes, i);
    const double seconds = or_cli_real(node, "seconds"), duration_us = isfinite(seconds) ? seconds * 1e6 : 0;
    or_json_object_begin(&json);
    or_json_field_string(&json, "name", or_cli_word(node, "name"));
    or_json_field_string(&json, "cat", or_cli_word(node, "op"));
    or_json_field_string(&json, "ph", "X");
    or_json_field_double(&json, "ts", at_us);
    or_json_field_double(&json, "dur", duration_us);
    or_json_field_int(&json, "pid", 1);
    or_json_field_int(&json, "tid", 1);
    or_json_key(&json, "args");
    or_json_object_begin(&json);
    or_json_field_string(&json, "device", or_cli_word(node, "device"));
    or_json_field_string(&json, "kernel", or_cli_word(node, "kernel"));
    or_json_field_double(&json, "flops", or_cli_real(node, "flops"));
    or_json_field_double(&json, "bytes", or_cli_real(node, "bytes"));
    or_json_object_end(&json);
    or_json_object_end(&json);
    at_us += duration_us;
  }
  or_json_array_end(&json);
  or_json_field_string(&json, "displayTimeUnit", "ms");
  or_json_object_end(&json);
  or_status_t status = or_json_finish(&json);
  if (or_ok(status)) status = or_file_write(path, or_text_string(&text), text.length);
  or_text_deinit(&text);
  return status;
}
