#include "cli/models_print.h"

#include <string.h>

#include "base/string.h"
#include "cli/models.h"
#include "cli/print.h"

static const char *file_of(const or_json_value_t *model, char *text, size_t capacity) {
  (void)text, (void)capacity;
  if (or_json_kind(or_json_get(model, "file")) == OR_JSON_STRING) return or_cli_word(model, "file");
  return strcmp(or_cli_word(model, "weights"), "synthetic") == 0 ? "(built in, synthetic weights)" : "";
}

void or_cli_print_models(or_cli_t *cli, const or_json_value_t *root) {
  static const or_cli_column_t columns[] = {{"NAME", "name", NULL},
                                            {"STATE", "state", NULL},
                                            {"DEVICE", "device", NULL},
                                            {"VERSION", "version", NULL},
                                            {"FILE", NULL, file_of}};
  OR_CLI_PRINT_ROWS(cli, or_json_get(root, "models"), columns);
}

static void line(const char *name, const char *value) { or_cli_print_field(name, 8, value); }

/* "[batch,3,224,224]"; an open extent is its name or "?". */
static const char *shape_of(const or_json_value_t *dims, char *text, size_t capacity) {
  or_format(text, capacity, "%s", or_json_kind(dims) == OR_JSON_ARRAY ? "[" : "[...");
  for (size_t d = 0; d < or_json_count(dims); ++d) {
    const or_json_value_t *dim = or_json_at(dims, d);
    const size_t used = strlen(text);
    const char *comma = d > 0 ? "," : "";
    if (or_json_kind(dim) == OR_JSON_INTEGER) {
      or_format(text + used, capacity - used, "%s%lld", comma, (long long)or_json_get_int(dim, 0));
    } else {
      or_format(text + used, capacity - used, "%s%s", comma, or_json_get_string(dim, "?"));
    }
  }
  or_format(text + strlen(text), capacity - strlen(text), "]");
  return text;
}

static void print_values(const char *name, const or_json_value_t *values) {
  for (size_t i = 0; i < or_json_count(values); ++i) {
    const or_json_value_t *value = or_json_at(values, i);
    char shape[160];
    const char *type = or_cli_word(value, "type");
    const bool tensor = type[0] == '\0' || strcmp(type, "tensor") == 0;
    (void)printf("%-8s %s: %s%s%s %s%s\n", name, or_cli_word(value, "name"), tensor ? "" : type, tensor ? "" : " of ",
                 or_cli_word(value, "dtype"), shape_of(or_json_get(value, "shape"), shape, sizeof shape),
                 or_json_get_bool(or_json_get(value, "optional"), false) ? " (has a default)" : "");
  }
}

void or_cli_print_model(or_cli_t *cli, const or_json_value_t *root) {
  const int64_t nodes = or_json_get_int(or_json_get(root, "nodes"), -1);
  const size_t labels = or_json_count(or_json_get(root, "labels"));
  char text[OR_CLI_NUMBER_BYTES];
  const char *file = file_of(root, text, sizeof text);
  (void)cli;
  line("name", or_cli_word(root, "name"));
  line("version", or_cli_word(root, "version"));
  line("state", or_cli_word(root, "state"));
  line("reason", or_cli_word(root, "reason"));
  line("device", or_cli_word(root, "device"));
  line("in", or_cli_word(root, "precision"));
  line("file", file[0] == '(' ? "(built in)" : file);
  if (nodes >= 0) line("nodes", or_format(text, sizeof text, "%lld", (long long)nodes));
  line("weights", or_cli_json_bytes(or_json_get(or_json_get(root, "bytes"), "weights"), text, sizeof text));
  line("loaded", or_cli_word(root, "loaded_at"));
  line("used", or_cli_word(root, "last_used"));
  or_cli_note_weights(or_cli_word(root, "weights"));
  print_values("input", or_json_get(root, "inputs"));
  print_values("output", or_json_get(root, "outputs"));
  if (labels > 0) (void)printf("%-8s %zu\n", "labels", labels);
}
