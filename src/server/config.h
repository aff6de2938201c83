#ifndef OR_SERVER_CONFIG_H
#define OR_SERVER_CONFIG_H
/* What the server may be told: one table (`config.c`), from which the file, the environment, the flags, the template
 * and the documentation are read or made. A flag goes over OPENRUNTIME_KEY, that over the file, that over the default.
 * */

#include "base/json.h"

#define OR_CONFIG_TEXT_BYTES 1024 /* of a value */
#define OR_CONFIG_FILE_BYTES ((size_t)64 << 10)

typedef struct or_server_config_t {
  char host[OR_CONFIG_TEXT_BYTES], unix_path[OR_CONFIG_TEXT_BYTES];
  char models[OR_CONFIG_TEXT_BYTES], data[OR_CONFIG_TEXT_BYTES];
  char tls_cert[OR_CONFIG_TEXT_BYTES], tls_key[OR_CONFIG_TEXT_BYTES];
  char hosts[OR_CONFIG_TEXT_BYTES], origins[OR_CONFIG_TEXT_BYTES];
  char log_level[OR_CONFIG_TEXT_BYTES];
  char backends[OR_CONFIG_TEXT_BYTES], cache[OR_CONFIG_TEXT_BYTES];
  bool insecure, metrics_open, kernels;
  int64_t port, loops, drain_ms;
  int64_t connections, head_bytes, target_bytes, header_count, body_bytes, ws_message_bytes;
  int64_t kernel_source_bytes, kernel_memory_bytes, kernel_output_bytes, kernel_compile_ms, kernel_run_ms,
      kernel_workers;
  int64_t header_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms, ws_ping_ms;
} or_server_config_t;

typedef enum or_config_type_t {
  OR_CONFIG_TEXT,
  OR_CONFIG_BOOL, /* true, false; on, off */
  OR_CONFIG_INTEGER,
  OR_CONFIG_BYTES,  /* 1048576, 1M, 1G */
  OR_CONFIG_SECONDS /* kept in milliseconds: 30, 0.5 */
} or_config_type_t;

typedef struct or_config_key_t {
  const char *name; /* "idle_timeout"; OPENRUNTIME_IDLE_TIMEOUT in the environment */
  or_config_type_t type;
  size_t offset;        /* in or_server_config_t */
  const char *fallback; /* the default, as it would be written */
  int64_t low, high;    /* of numbers, in the unit that is kept */
  const char *summary;  /* one line, with what happens beyond a limit */
} or_config_key_t;
extern const or_config_key_t or_config_keys[];
extern const size_t or_config_key_count;

/* Receives one problem: "openruntime.conf:3: port: …". */
typedef void (*or_config_problem_t)(void *self, const char *problem);

void or_config_default(or_server_config_t *config);
/* INVALID_ARGUMENT: no such key (with the nearest), or a value that it can't have. */
or_status_t or_config_set(or_server_config_t *config, const char *key, const char *value);
/* "key = value" lines, '#' begins a comment; a value may stand in double quotes. Goes on after a problem, so that all
 * are told; returns how many there were. `name` stands before each. */
size_t or_config_read(or_server_config_t *config, const char *name, const char *text, size_t length,
                      or_config_problem_t problem, void *self);
/* OPENRUNTIME_KEY for every key, by `get` (getenv). Returns how many problems there were. */
size_t or_config_read_environment(or_server_config_t *config, const char *(*get)(const char *name),
                                  or_config_problem_t problem, void *self);
/* "info" or "warning,server=debug": the level of all modules, then of single ones. INVALID_ARGUMENT: no such level or
 * module, and nothing was set. */
or_status_t or_config_set_log_levels(const char *words);
/* Every key with its value, as lines of a file. */
or_status_t or_config_write(const or_server_config_t *config, or_text_t *text);
/* The same as an object. */
void or_config_write_json(const or_server_config_t *config, or_json_writer_t *json);
/* A file with every key, its default and what it means. */
or_status_t or_config_write_template(or_text_t *text);

#endif
