#ifndef OR_BASE_LOG_H
#define OR_BASE_LOG_H
/* Structured log lines: level=info event=task_finished task=01J… The sink is the embedder's (or_log_sink_t of
 * openruntime/runtime.h); the library itself never prints. Process-wide: a sink and a level per module, both atomics,
 * callable from any thread. */

#include "openruntime/runtime.h"

/* The folders of src/, each a module with its own level. */
typedef enum or_log_module_t {
  OR_LOG_BASE,
  OR_LOG_HAL,
  OR_LOG_BACKEND,
  OR_LOG_GRAPH,
  OR_LOG_RUNTIME,
  OR_LOG_MODEL,
  OR_LOG_TASK,
  OR_LOG_STORE,
  OR_LOG_SERVER,
  OR_LOG_CLI,
} or_log_module_t;
#define OR_LOG_MODULE_COUNT 10
const char *or_log_module_name(or_log_module_t module);
or_log_level_t or_log_module_level(or_log_module_t module);         /* OFF for one that is none */
const char *or_log_level_name(or_log_level_t level);                /* "off" "error" "warning" "info" "debug" */
bool or_log_level_from_name(const char *name, or_log_level_t *out); /* false, and *out untouched, if it is none */
bool or_log_enabled(or_log_module_t module, or_log_level_t level);
/* One line: event=EVENT then the formatted fields ("device=%s queue_us=%lld"). At most OR_LOG_LINE_BYTES; longer lines
 * are cut. */
void or_log_write(or_log_module_t module, or_log_level_t level, const char *event, const char *format, ...)
    OR_PRINTF(4, 5);
#define OR_LOG_LINE_BYTES 1024
#define or_log(module, level, event, ...)                                                         \
  do {                                                                                            \
    if (or_log_enabled((module), (level))) or_log_write((module), (level), (event), __VA_ARGS__); \
  } while (0)
/* A second receiver of every line, beside the sink and on its terms; NULL: none. Any thread. */
void or_log_set_tap(or_log_sink_t tap, void *self);
/* Quotes a value if it has spaces, quotes or control characters; returns `buffer`. */
const char *or_log_quote(const char *value, char *buffer, size_t capacity);

#endif
