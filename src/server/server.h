#ifndef OR_SERVER_SERVER_H
#define OR_SERVER_SERVER_H
/* The server as a whole: what it is configured with, what its routes work with, its way from start to end. */

#include "base/log_writer.h"
#include "openruntime/device.h"
#include "server/config.h"
#include "server/meter.h"
#include "server/net.h"
#include "server/services.h"

struct or_server_t {
  const or_allocator_t *allocator;
  const or_server_config_t *config;
  or_net_t *net;
  or_meter_t *meter;
  _Atomic(or_runtime_t *) runtime; /* NULL until the devices are found; phase READY comes after it */
  or_services_t services;          /* the store: open before `net`; the rest: before `runtime` is set */
  or_mutex_t changes;              /* held while a device's settings are read, changed and handed to the store */
  int64_t started_ns;              /* or_clock_ns */
  const or_log_writer_t *log;      /* the options' */
  char *openapi;                   /* the document, made once */
  size_t openapi_bytes;
};

typedef struct or_server_options_t {
  const or_allocator_t *allocator;
  const or_server_config_t *config;
  /* Finds the devices; on a thread of its own, while the server answers already. *out: a reference, the server's. */
  or_status_t (*make_runtime)(void *self, or_runtime_t **out);
  /* One finished line for people, when the server is ready and when its course changes; on the calling thread. */
  void (*say)(void *self, const char *line);
  /* Requested by whoever had SIGTERM and SIGINT before: then it ends as by a signal of its own. May be NULL. */
  or_cancel_t *interrupted;
  /* A second SIGTERM or SIGINT: ends the process and does not return. */
  void (*end_at_once)(void *self);
  void *self;
  const or_log_writer_t *log_writer; /* whose dropped lines are counted; may be NULL; outlives the run */
  /* What a service manager gave in NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; each may be NULL. */
  const char *notify_socket, *watchdog_usec, *watchdog_pid;
} or_server_options_t;

/* Opens the store, listens, finds the devices, serves until SIGTERM or SIGINT, drains, gives everything back. SIGHUP
 * reads the TLS files again. Takes over these three signals while it runs; for a program's main thread. OK after a
 * drain; FAILED_PRECONDITION: a setting that can't be (not loopback without keys, TLS files); and what or_store_open,
 * or_net_start and make_runtime return. */
or_status_t or_server_run(const or_server_options_t *options);

/* What can be said of settings without a start. FAILED_PRECONDITION: TLS files, or the folder of models. */
or_status_t or_server_check(const or_server_config_t *config);

/* For handlers: the runtime. Never NULL in phase READY. */
or_runtime_t *or_server_runtime(const or_server_t *server);
const char *or_server_phase_name(const or_server_t *server); /* "starting", "healthy", "draining" */

/* A Device object with what the scheduler says of it. In phase READY and after. */
void or_services_write_device(const or_services_t *services, or_json_writer_t *json, or_device_t *device);
/* An or_net_options_t.observe: a line in the log. */
void or_request_log(void *self, const or_request_t *request, int64_t took_ns);

/* The OpenAPI document of a table of routes, into `text`. */
or_status_t or_openapi_write(const or_route_t *routes, size_t count, or_text_t *text);
/* page_NAME.html, embedded by cmake: HTML with its style and script inside, for a server that reaches nothing else. */
extern const char or_page_docs[], or_page_status[];
extern const size_t or_page_docs_bytes, or_page_status_bytes;
/* A page's script and style are its own, it asks this server alone, and its icon is an empty one. */
#define OR_PAGE_POLICY \
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"

#endif
