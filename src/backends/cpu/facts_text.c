#include "backends/cpu/facts_text_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/string.h"

enum { WORD_BITS = 8 * sizeof(unsigned long) };

static bool is_space(char c) { return c == ' ' || c == '\t'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool format_path(char path[OR_CPU_PATH_BYTES], const char *format, va_list arguments) {
  int length = vsnprintf(path, OR_CPU_PATH_BYTES, format, arguments);
  return length >= 0 && length < OR_CPU_PATH_BYTES;
}

bool or_cpu_path(char path[OR_CPU_PATH_BYTES], const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  bool fits = format_path(path, format, arguments);
  va_end(arguments);
  return fits;
}

bool or_cpu_lines_open(or_cpu_lines_t *lines, const char *root, const char *path) {
  char full[OR_CPU_PATH_BYTES];
  if (!or_cpu_path(full, "%s%s", root, path)) return false;
  int descriptor = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) return false;
  struct stat info;
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    (void)close(descriptor);
    return false;
  }
  lines->descriptor = descriptor;
  lines->cut = lines->skip = false;
  lines->total = lines->begin = lines->end = 0;
  return true;
}

void or_cpu_lines_close(or_cpu_lines_t *lines) { (void)close(lines->descriptor); }

/* Adds to the buffer, which has room; false at the end of the file. */
static bool fill(or_cpu_lines_t *lines) {
  if (lines->total >= OR_CPU_FILE_BYTES_MAX) return false;
  ssize_t count;
  do {
    count = read(lines->descriptor, lines->buffer + lines->end, OR_CPU_LINE_BYTES - 1 - lines->end);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  lines->end += (size_t)count;
  lines->total += (size_t)count;
  return true;
}

/* One line, or the part of it that fits; NULL at the end. */
static const char *next_piece(or_cpu_lines_t *lines) {
  memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
  lines->end -= lines->begin;
  lines->begin = 0;
  size_t searched = 0;
  for (;;) {
    char *newline = memchr(lines->buffer + searched, '\n', lines->end - searched);
    if (newline != NULL) {
      *newline = '\0';
      lines->begin = (size_t)(newline - lines->buffer) + 1;
      lines->cut = false;
      return lines->buffer;
    }
    searched = lines->end;
    bool full = lines->end == OR_CPU_LINE_BYTES - 1;
    if (!full && fill(lines)) continue;
    if (lines->end == 0) return NULL;
    lines->buffer[lines->end] = '\0';
    lines->begin = lines->end;
    lines->cut = full;
    return lines->buffer;
  }
}

const char *or_cpu_lines_next(or_cpu_lines_t *lines) {
  const char *line = next_piece(lines);
  while (line != NULL && lines->skip) {
    lines->skip = lines->cut;
    line = next_piece(lines);
  }
  lines->skip = line != NULL && lines->cut;
  return line;
}

static bool first_line(char *line, size_t capacity, const char *root, const char *path) {
  or_cpu_lines_t lines;
  if (!or_cpu_lines_open(&lines, root, path)) return false;
  const char *first = or_cpu_lines_next(&lines);
  size_t length = first != NULL && !lines.cut ? strlen(first) : 0;
  while (length > 0 && (is_space(first[length - 1]) || first[length - 1] == '\r')) --length;
  bool good = length > 0 && length < capacity;
  if (good) {
    memcpy(line, first, length);
    line[length] = '\0';
  }
  or_cpu_lines_close(&lines);
  return good;
}

bool or_cpu_read_line(char *line, size_t capacity, const char *root, const char *format, ...) {
  char path[OR_CPU_PATH_BYTES];
  va_list arguments;
  va_start(arguments, format);
  bool fits = format_path(path, format, arguments);
  va_end(arguments);
  return fits && first_line(line, capacity, root, path);
}

bool or_cpu_read_u64(uint64_t *out, const char *root, const char *format, ...) {
  char path[OR_CPU_PATH_BYTES], line[32];
  va_list arguments;
  va_start(arguments, format);
  bool fits = format_path(path, format, arguments);
  va_end(arguments);
  const char *cursor = line;
  uint64_t value = 0;
  if (!fits || !first_line(line, sizeof line, root, path)) return false;
  if (!or_cpu_scan_u64(&cursor, &value) || *cursor != '\0') return false;
  *out = value;
  return true;
}

bool or_cpu_read_i64(int64_t *out, const char *root, const char *format, ...) {
  char path[OR_CPU_PATH_BYTES], line[32];
  va_list arguments;
  va_start(arguments, format);
  bool fits = format_path(path, format, arguments);
  va_end(arguments);
  if (!fits || !first_line(line, sizeof line, root, path)) return false;
  const char *cursor = line + (line[0] == '-' ? 1 : 0);
  uint64_t value = 0;
  if (!or_cpu_scan_u64(&cursor, &value) || *cursor != '\0' || value > INT64_MAX) return false;
  *out = line[0] == '-' ? -(int64_t)value : (int64_t)value;
  return true;
}

bool or_cpu_read_keyed(uint64_t *out, const char *root, const char *path, const char *key) {
  or_cpu_lines_t lines;
  if (!or_cpu_lines_open(&lines, root, path)) return false;
  size_t key_length = strlen(key);
  bool found = false, good = false;
  const char *line;
  while (!found && (line = or_cpu_lines_next(&lines)) != NULL) {
    found = strncmp(line, key, key_length) == 0 && is_space(line[key_length]);
    if (!found) continue;
    const char *cursor = line + key_length;
    uint64_t value = 0;
    while (is_space(*cursor)) ++cursor;
    good = or_cpu_scan_u64(&cursor, &value) && (*cursor == '\0' || strcmp(cursor, " kB") == 0);
    if (good) *out = value;
  }
  or_cpu_lines_close(&lines);
  return good;
}

bool or_cpu_scan_u64(const char **cursor, uint64_t *out) {
  const char *at = *cursor;
  uint64_t value = 0;
  for (; is_digit(*at); ++at) {
    if (__builtin_mul_overflow(value, (uint64_t)10, &value)) return false;
    if (__builtin_add_overflow(value, (uint64_t)(*at - '0'), &value)) return false;
  }
  if (at == *cursor) return false;
  *cursor = at;
  *out = value;
  return true;
}

const char *or_cpu_value_of(const char *line, const char *key) {
  size_t length = strlen(key);
  if (strncmp(line, key, length) != 0) return NULL;
  line += length;
  while (is_space(*line)) ++line;
  if (*line != ':') return NULL;
  ++line;
  while (is_space(*line)) ++line;
  return line;
}

bool or_cpu_list_has(const char *list, size_t length, const char *word) {
  size_t word_length = strlen(word);
  while (length > 0) {
    const char *comma = memchr(list, ',', length);
    size_t item = comma != NULL ? (size_t)(comma - list) : length;
    if (item == word_length && memcmp(list, word, item) == 0) return true;
    if (comma == NULL) return false;
    list += item + 1;
    length -= item + 1;
  }
  return false;
}

static bool parse_ranges(const char *text, or_cpu_set_t *out) {
  for (;;) {
    uint64_t first = 0, last = 0;
    if (!or_cpu_scan_u64(&text, &first)) return false;
    last = first;
    if (*text == '-') {
      ++text;
      if (!or_cpu_scan_u64(&text, &last)) return false;
    }
    if (last < first || last >= OR_CPU_SET_BITS) return false;
    for (uint64_t i = first; i <= last; ++i) out->words[i / WORD_BITS] |= 1ul << i % WORD_BITS;
    if (*text == '\0') return true;
    if (*text++ != ',') return false;
  }
}

bool or_cpu_set_parse(const char *text, or_cpu_set_t *out) {
  memset(out, 0, sizeof *out);
  if (parse_ranges(text, out)) return true;
  memset(out, 0, sizeof *out);
  return false;
}

bool or_cpu_set_has(const or_cpu_set_t *set, uint64_t number) {
  return number < OR_CPU_SET_BITS && (set->words[number / WORD_BITS] >> number % WORD_BITS & 1) != 0;
}

uint32_t or_cpu_set_count(const or_cpu_set_t *set) {
  uint32_t count = 0;
  for (size_t i = 0; i < OR_CPU_SET_BITS / WORD_BITS; ++i) count += (uint32_t)__builtin_popcountl(set->words[i]);
  return count;
}

uint32_t or_cpu_set_next(const or_cpu_set_t *set, uint32_t from) {
  while (from < OR_CPU_SET_BITS) {
    unsigned long rest = set->words[from / WORD_BITS] >> from % WORD_BITS;
    if (rest != 0) return from + (uint32_t)__builtin_ctzl(rest);
    from = (from / WORD_BITS + 1) * WORD_BITS;
  }
  return OR_CPU_SET_BITS;
}

bool or_cpu_set_intersect(or_cpu_set_t *a, const or_cpu_set_t *b) {
  or_cpu_set_t both;
  unsigned long any = 0;
  for (size_t i = 0; i < OR_CPU_SET_BITS / WORD_BITS; ++i) any |= both.words[i] = a->words[i] & b->words[i];
  if (any != 0) *a = both;
  return any != 0;
}
