#ifndef OR_CLI_PRINT_H
#define OR_CLI_PRINT_H
/* Documents for people: a field, a list of fields, a table of rows. */

#include "cli/cli.h"

const char *or_cli_word(const or_json_value_t *object, const char *key); /* "" where there is no text */
double or_cli_real(const or_json_value_t *object, const char *key);      /* NaN where there is no number */
int64_t or_cli_whole(const or_json_value_t *object, const char *key);    /* 0 where there is none */

/* "NAME  value" with the name in `width` columns; nothing for what is not known ("" or "-"). */
void or_cli_print_field(const char *name, int width, const char *value);

/* Words of a value; "" and "-": not known. */
typedef const char *(*or_cli_cell_t)(const or_json_value_t *value, char *text, size_t capacity);
typedef struct or_cli_column_t {
  const char *header;  /* as or_cli_table_create takes one */
  const char *key;     /* the field of a row; NULL: the whole row */
  or_cli_cell_t words; /* NULL: the text or the whole number that it is; of a whole row its name in an object of rows */
} or_cli_column_t;
#define OR_CLI_MAX_COLUMNS 16
/* A table of the rows of an array or object; what is not known is "-". */
void or_cli_print_rows(or_cli_t *cli, const or_json_value_t *rows, const or_cli_column_t *columns, size_t count);
#define OR_CLI_PRINT_ROWS(cli, rows, columns) \
  or_cli_print_rows((cli), (rows), (columns), sizeof(columns) / sizeof *(columns))

/* Cells. */
const char *or_cli_bytes_cell(const or_json_value_t *value, char *text, size_t capacity);   /* "2.0 KiB" */
const char *or_cli_seconds_cell(const or_json_value_t *value, char *text, size_t capacity); /* "1.20 ms" */
const char *or_cli_ms_cell(const or_json_value_t *value, char *text, size_t capacity);      /* the same of ms */
const char *or_cli_tenths_cell(const or_json_value_t *value, char *text, size_t capacity);  /* "1.5" */
const char *or_cli_percent_cell(const or_json_value_t *value, char *text, size_t capacity); /* "12.5 %" */
const char *or_cli_share_cell(const or_json_value_t *value, char *text, size_t capacity);   /* "12 %" */
const char *or_cli_words_cell(const or_json_value_t *value, char *text, size_t capacity);   /* an array: "a b c" */
const char *or_cli_time_cell(const or_json_value_t *value, char *text, size_t capacity);    /* to the second */

#endif
