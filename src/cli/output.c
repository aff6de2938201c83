/* Tables, units, colours, progress. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"
#include "cli/print.h"

#define MAX_COLUMNS OR_CLI_MAX_COLUMNS
#define CELL_BYTES 256
#define GAP 2        /* spaces between columns */
#define NARROWEST 12 /* what cutting leaves of a column */
#define BAR_WIDTH 24
#define PROGRESS_AFTER_NS INT64_C(1000000000)

typedef char cell_t[CELL_BYTES];

/* Rows of cells; the first row is the header. */
struct or_cli_table_t {
  or_cli_t *cli;
  size_t columns, count, capacity;
  bool right[MAX_COLUMNS], middle[MAX_COLUMNS]; /* aligned to the right; cut before the end */
  cell_t *cells;
};

const char *or_cli_style(const or_cli_t *cli, or_cli_style_t style) {
  static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m"};
  return cli->color ? codes[style] : "";
}

or_cli_table_t *or_cli_table_create(or_cli_t *cli, const char *headers) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(cli->allocator, sizeof(or_cli_table_t), &memory);
  if (!or_ok(status)) {
    or_status_ignore(status); /* the exit code says it */
    cli->cut_short = true;
    return NULL;
  }
  or_cli_table_t *table = memory;
  table->cli = cli;
  for (const char *header = headers; table->columns < MAX_COLUMNS; ++header) {
    table->right[table->columns] = *header == '>';
    table->middle[table->columns++] = *header == '~';
    header = strchr(header, '|');
    if (header == NULL) break;
  }
  for (const char *header = headers; header != NULL;) {
    size_t length = strcspn(header, "|");
    const size_t mark = *header == '>' || *header == '~';
    or_cli_table_cell(table, "%.*s", (int)(length - mark), header + mark);
    header = header[length] == '|' ? header + length + 1 : NULL;
  }
  return table;
}

void or_cli_table_cell(or_cli_table_t *table, const char *format, ...) {
  if (table == NULL) return;
  void *cells = table->cells;
  or_status_t status = or_grow_array(table->cli->allocator, table->count + 1, sizeof(cell_t), &cells, &table->capacity);
  table->cells = cells;
  if (!or_ok(status)) {
    or_status_ignore(status); /* the exit code says it */
    table->cli->cut_short = true;
    return;
  }
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(table->cells[table->count++], CELL_BYTES, format, arguments);
  va_end(arguments);
}

/* Code points of UTF-8 text: what it takes on a terminal, for the characters that we print. */
static size_t width_of(const char *text) {
  size_t width = 0;
  for (; *text != '\0'; ++text) width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

/* What is too wide for the terminal is taken from the widest column that words are in, a character at a time. */
static void measure_columns(const or_cli_table_t *table, size_t *widths) {
  size_t total = 0;
  assert(table->columns > 0);
  for (size_t c = 0; c < table->columns; ++c) widths[c] = 0;
  for (size_t i = 0; i < table->count; ++i) {
    size_t width = width_of(table->cells[i]);
    if (width > widths[i % table->columns]) widths[i % table->columns] = width;
  }
  for (size_t c = 0; c < table->columns; ++c) total += widths[c] + (c > 0 ? GAP : 0);
  for (; table->cli->terminal && total > (size_t)table->cli->columns; --total) {
    size_t widest = table->columns; /* none */
    for (size_t c = 0; c < table->columns; ++c) {
      if (!table->right[c] && widths[c] > NARROWEST && (widest == table->columns || widths[c] > widths[widest]))
        widest = c;
    }
    if (widest == table->columns) return;
    --widths[widest];
  }
}

/* So many bytes as the first `count` characters take. */
static size_t bytes_of(const char *text, size_t count) {
  const char *end = text;
  while (*end != '\0' && (((unsigned char)*end & 0xc0) == 0x80 || count-- > 0)) ++end;
  return (size_t)(end - text);
}

typedef struct place_t {
  size_t width;
  bool right, middle, last;
} place_t;

/* Prints at most `width` characters, padded; an ellipsis stands for what is cut. */
static void print_cell(FILE *out, const char *text, const place_t *place) {
  const size_t length = width_of(text);
  if (length > place->width) {
    const size_t tail = place->middle ? place->width * 2 / 3 : 0;
    (void)fprintf(out, "%.*s…%s", (int)bytes_of(text, place->width - 1 - tail), text,
                  text + bytes_of(text, length - tail));
    return;
  }
  const int padding = (int)(place->width - length);
  (void)fprintf(out, "%*s%s%*s", place->right ? padding : 0, "", text, place->right || place->last ? 0 : padding, "");
}

void or_cli_table_print(or_cli_table_t *table, FILE *out) {
  size_t widths[MAX_COLUMNS];
  if (table == NULL) return;
  measure_columns(table, widths);
  for (size_t i = 0; i < table->count; ++i) {
    size_t c = i % table->columns;
    bool header = i < table->columns, last = c + 1 == table->columns;
    if (c > 0) (void)fprintf(out, "%*s", GAP, "");
    if (header) (void)fputs(or_cli_style(table->cli, OR_CLI_BOLD), out);
    print_cell(out, table->cells[i], &(place_t){widths[c], table->right[c], table->middle[c], last});
    if (header) (void)fputs(or_cli_style(table->cli, OR_CLI_PLAIN), out);
    if (last) (void)fputc('\n', out);
  }
}

void or_cli_table_free(or_cli_table_t *table) {
  if (table == NULL) return;
  const or_allocator_t *allocator = table->cli->allocator;
  or_free(allocator, table->cells);
  or_free(allocator, table);
}

char *or_cli_bytes(uint64_t bytes, char *text, size_t capacity) {
  return bytes == OR_UNKNOWN_U ? or_format(text, capacity, "-") : or_format_bytes(bytes, text, capacity);
}

char *or_cli_rate(double per_second, const char *unit, char *text, size_t capacity) {
  static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
  size_t prefix = 0;
  if (!isfinite(per_second)) return or_format(text, capacity, "-");
  for (; per_second >= 1000 && prefix + 1 < sizeof prefixes / sizeof *prefixes; ++prefix) per_second /= 1000;
  return or_format(text, capacity, "%.1f %s%s", per_second, prefixes[prefix], unit);
}

char *or_cli_seconds(double seconds, char *text, size_t capacity) {
  if (!isfinite(seconds)) return or_format(text, capacity, "-");
  if (seconds < 1e-3) return or_format(text, capacity, "%.1f us", seconds * 1e6);
  if (seconds < 1) return or_format(text, capacity, "%.2f ms", seconds * 1e3);
  return or_format(text, capacity, "%.2f s", seconds);
}

char *or_cli_json_bytes(const or_json_value_t *value, char *text, size_t capacity) {
  const int64_t bytes = or_json_get_int(value, 0);
  return or_cli_bytes(bytes > 0 ? (uint64_t)bytes : OR_UNKNOWN_U, text, capacity);
}

char *or_cli_duration(double seconds, char *text, size_t capacity) {
  static const struct {
    const char *name;
    int64_t seconds;
  } units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
  if (!isfinite(seconds) || seconds < 0 || seconds > 1e12) return or_format(text, capacity, "-");
  const int64_t whole = (int64_t)seconds;
  for (size_t i = 0; i < 3; ++i) {
    if (whole < units[i].seconds) continue;
    return or_format(text, capacity, "%lld %s %lld %s", (long long)(whole / units[i].seconds), units[i].name,
                     (long long)(whole % units[i].seconds / units[i + 1].seconds), units[i + 1].name);
  }
  return or_format(text, capacity, "%lld s", (long long)whole);
}

/* One thread prints progress, so its state is plain. */
static int64_t progress_began_ns;
static bool progress_shown;

bool or_cli_shows_progress(const or_cli_t *cli) { return cli->error_terminal && !cli->quiet; }

/* Seconds since the first call; negative: it is too early to say anything, or there is nobody to tell. */
static double progress_seconds(const or_cli_t *cli) {
  if (!or_cli_shows_progress(cli)) return -1;
  if (progress_began_ns == 0) progress_began_ns = or_clock_ns();
  const int64_t since_ns = or_clock_ns() - progress_began_ns;
  return since_ns < PROGRESS_AFTER_NS ? -1 : (double)since_ns * 1e-9;
}

void or_cli_progress_waits(or_cli_t *cli) {
  const double seconds = progress_seconds(cli);
  if (seconds < 0) return;
  (void)fprintf(stderr, "\r\033[Kwaiting for %.60s, %.0f s", cli->url, seconds);
  (void)fflush(stderr);
  progress_shown = true;
}

void or_cli_progress(void *self, double fraction, const char *what) {
  const or_cli_t *cli = self;
  char bar[BAR_WIDTH + 1];
  if (progress_seconds(cli) < 0) return;
  int filled = (int)(fraction * BAR_WIDTH);
  for (int i = 0; i < BAR_WIDTH; ++i) bar[i] = i < filled ? '#' : '.';
  bar[BAR_WIDTH] = '\0';
  (void)fprintf(stderr, "\r\033[K[%s] %3.0f %%  %s", bar, fraction * 100, what);
  (void)fflush(stderr);
  progress_shown = true;
}

void or_cli_progress_end(or_cli_t *cli) {
  (void)cli;
  if (progress_shown) (void)fputs("\r\033[K", stderr);
  progress_shown = false;
  progress_began_ns = 0;
}
