#ifndef OR_BASE_DYNLIB_H
#define OR_BASE_DYNLIB_H
/* Libraries opened at run time: RTLD_NOW | RTLD_LOCAL, never closed. */

#include "openruntime/status.h"

/* One symbol to look up: name, where its address goes, and whether the library is useless without it. */
typedef struct or_dynlib_symbol_t {
  const char *name;
  void **address;
  bool required;
} or_dynlib_symbol_t;
/* Opens the first of `names` (NULL-terminated list) that loads and fills the table; optional symbols that are missing
 * become NULL. UNAVAILABLE: none loads (with the loader's words) or a required symbol is missing (names it).
 * Idempotent; any thread. */
or_status_t or_dynlib_open(const char *const *names, const or_dynlib_symbol_t *symbols, size_t count, void **handle);
/* The file of the library that holds a symbol's address. False where the loader does not tell, or not in `capacity`
 * bytes. Any thread. */
bool or_dynlib_path(const void *address, char *path, size_t capacity);

#endif
