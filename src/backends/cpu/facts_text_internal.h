#ifndef OR_BACKENDS_CPU_FACTS_TEXT_INTERNAL_H
#define OR_BACKENDS_CPU_FACTS_TEXT_INTERNAL_H
/* Reading the kernel's text files (/proc, /sys) line by line, and the forms of their lines. Nothing here allocates; no
 * content of a file can do more harm than "false". Pure but for the reading; any thread. */

#include <stdarg.h>

#include "openruntime/status.h"

#define OR_CPU_LINE_BYTES 4096 /* with the terminator; a longer line is cut */
#define OR_CPU_PATH_BYTES 2048 /* with the terminator; a longer path counts as not there */
#define OR_CPU_FILE_BYTES_MAX ((size_t)4 << 20)

/* Lines of a file. Only as much is read as lines are asked for: the files of a large machine are long, and the kernel
 * makes them up while they are read. */
typedef struct or_cpu_lines_t {
  int descriptor;
  bool cut;     /* the last line was longer than the buffer; its rest was skipped */
  bool skip;    /* the rest of a cut line comes next */
  size_t total; /* bytes read; the file counts as ended at OR_CPU_FILE_BYTES_MAX */
  size_t begin, end;
  char buffer[OR_CPU_LINE_BYTES];
} or_cpu_lines_t;
/* Opens root + path. False: not there, not readable, no regular file; nothing is to be closed then. */
bool or_cpu_lines_open(or_cpu_lines_t *lines, const char *root, const char *path);
/* The next line, without its end, valid until the next call. NULL at the end. */
const char *or_cpu_lines_next(or_cpu_lines_t *lines);
void or_cpu_lines_close(or_cpu_lines_t *lines);

/* Formats a path; false if it does not fit. */
bool or_cpu_path(char path[OR_CPU_PATH_BYTES], const char *format, ...) OR_PRINTF(2, 3);

/* The first line of root + path, whole and without space at its end; false if there is none or it does not fit. */
bool or_cpu_read_line(char *line, size_t capacity, const char *root, const char *format, ...) OR_PRINTF(4, 5);
/* The like, if it is a decimal number and nothing else. *out is untouched otherwise. */
bool or_cpu_read_u64(uint64_t *out, const char *root, const char *format, ...) OR_PRINTF(3, 4);
bool or_cpu_read_i64(int64_t *out, const char *root, const char *format, ...) OR_PRINTF(3, 4);
/* The number after `key` and white space (and before " kB" or nothing) in the first such line of root + path. */
bool or_cpu_read_keyed(uint64_t *out, const char *root, const char *path, const char *key);

/* A decimal number at *cursor, which then lies behind it; false if there is none or it overflows. */
bool or_cpu_scan_u64(const char **cursor, uint64_t *out);
/* The value of a line "key<white space>: value"; NULL if the key is another. */
const char *or_cpu_value_of(const char *line, const char *key);
/* True if the list "cpu,cpuacct" of `length` bytes holds the word. */
bool or_cpu_list_has(const char *list, size_t length, const char *word);

/* Logical processors by number. */
#define OR_CPU_SET_BITS 8192
typedef struct or_cpu_set_t {
  unsigned long words[OR_CPU_SET_BITS / (8 * sizeof(unsigned long))];
} or_cpu_set_t;
/* "0-3,8,10-11". False if it is no such list, is empty or names a processor >= OR_CPU_SET_BITS; *out is then empty. */
bool or_cpu_set_parse(const char *text, or_cpu_set_t *out);
bool or_cpu_set_has(const or_cpu_set_t *set, uint64_t number);
uint32_t or_cpu_set_count(const or_cpu_set_t *set);
/* The lowest number >= `from` in the set; OR_CPU_SET_BITS if there is none. */
uint32_t or_cpu_set_next(const or_cpu_set_t *set, uint32_t from);
/* a := a and b, unless nothing would be left: then false and `a` as it was. */
bool or_cpu_set_intersect(or_cpu_set_t *a, const or_cpu_set_t *b);

#endif
