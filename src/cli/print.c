#include "cli/print.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/string.h"

#define CELL_BYTES 160

const char *or_cli_word(const or_json_value_t *object, const char *key) {
  return or_json_get_string(or_json_get(object, key), "");
}

double or_cli_real(const or_json_value_t *object, const char *key) {
  return or_json_get_double(or_json_get(object, key), NAN);
}

int64_t or_cli_whole(const or_json_value_t *object, const char *key) {
  return or_json_get_int(or_json_get(object, key), 0);
}

static bool is_known(const char *words) { return words[0] != '\0' && strcmp(words, "-") != 0; }

void or_cli_print_field(const char *name, int width, const char *value) {
  if (is_known(value)) (void)printf("%-*s %s\n", width, name, value);
}

static const char *plain(const or_json_value_t *value, char *text, size_t capacity) {
  if (or_json_kind(value) == OR_JSON_INTEGER)
    return or_format(text, capacity, "%lld", (long long)or_json_get_int(value, 0));
  return or_json_get_string(value, "");
}

void or_cli_print_rows(or_cli_t *cli, const or_json_value_t *rows, const or_cli_column_t *columns, size_t count) {
  const bool named = or_json_kind(rows) == OR_JSON_OBJECT;
  char headers[OR_CLI_MAX_COLUMNS * 24] = "";
  assert(count <= OR_CLI_MAX_COLUMNS);
  for (size_t c = 0; c < count; ++c) {
    const size_t used = strlen(headers);
    or_format(headers + used, sizeof headers - used, "%s%s", c > 0 ? "|" : "", columns[c].header);
  }
  or_cli_table_t *table = or_cli_table_create(cli, headers);
  for (size_t i = 0; i < or_json_count(rows); ++i) {
    const or_json_value_t *row = NULL;
    const char *name = "";
    if (named) {
      name = or_json_key_at(rows, i, &row);
    } else {
      row = or_json_at(rows, i);
    }
    for (size_t c = 0; c < count; ++c) {
      const or_cli_column_t *column = &columns[c];
      const or_json_value_t *value = column->key != NULL ? or_json_get(row, column->key) : row;
      char text[CELL_BYTES];
      const char *words = column->words != NULL ? column->words(value, text, sizeof text)
                          : column->key != NULL ? plain(value, text, sizeof text)
                                                : name;
      or_cli_table_cell(table, "%s", words[0] != '\0' ? words : "-");
    }
  }
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
}

static const char *number(const or_json_value_t *value, int digits, const char *unit, char *text, size_t capacity) {
  const double real = or_json_get_double(value, NAN);
  return isfinite(real) ? or_format(text, capacity, "%.*f%s", digits, real, unit) : "-";
}

const char *or_cli_bytes_cell(const or_json_value_t *value, char *text, size_t capacity) {
  return or_cli_json_bytes(value, text, capacity);
}

const char *or_cli_seconds_cell(const or_json_value_t *value, char *text, size_t capacity) {
  return or_cli_seconds(or_json_get_double(value, NAN), text, capacity);
}

const char *or_cli_ms_cell(const or_json_value_t *value, char *text, size_t capacity) {
  return or_cli_seconds(or_json_get_double(value, NAN) * 1e-3, text, capacity);
}

const char *or_cli_tenths_cell(const or_json_value_t *value, char *text, size_t capacity) {
  return number(value, 1, "", text, capacity);
}

const char *or_cli_percent_cell(const or_json_value_t *value, char *text, size_t capacity) {
  return number(value, 1, " %", text, capacity);
}

const char *or_cli_share_cell(const or_json_value_t *value, char *text, size_t capacity) {
  return number(value, 0, " %", text, capacity);
}

const char *or_cli_words_cell(const or_json_value_t *value, char *text, size_t capacity) {
  text[0] = '\0';
  for (size_t i = 0; i < or_json_count(value); ++i) {
    const size_t used = strlen(text);
    or_format(text + used, capacity - used, "%s%s", i > 0 ? " " : "", or_json_get_string(or_json_at(value, i), ""));
  }
  return text;
}

const char *or_cli_time_cell(const or_json_value_t *value, char *text, size_t capacity) {
  return or_format(text, capacity, "%.19s", or_json_get_string(value, "-"));
}
