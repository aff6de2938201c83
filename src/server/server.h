#ifndef OR_SERVER_SERVER_H
#define OR_SERVER_SERVER_H
/* The server as a whole: what it is configured with, what its routes work with, its way from start to end. */

#include "openruntime/device.h"
#include "server/config.h"
#include "server/net.h"
#include "server/services.h"

struct or_server_t {
  const or_allocator_t *allocator;
  const or_server_config_t *config;
  or_net_t *net;
  _Atomic(or_runtime_t *) runtime; /* NULL until the devices are found; phase READY comes after it */
  or_services_t services;          /* open before `runtime` is set */
  int64_t started_ns;              /* or_clock_ns */
  char *openapi;                   /* the document, made once */
  size_t openapi_bytes;
};

typedef struct or_server_options_t {
  const or_allocator_t *allocator;
  const or_server_config_t *config;
  or_keys_t keys; /* zeroed: there are none */
  /* Finds the devices; on a thread of its own, while the server answers already. *out: a reference, the server's. */
  or_status_t (*make_runtime)(void *self, or_runtime_t **out);
  /* One finished line for people, when the server is ready and when its course changes; on the calling thread. */
  void (*say)(void *self, const char *line);
  /* A second SIGTERM or SIGINT: ends the process and does not return. */
  void (*end_at_once)(void *self);
  void *self;
} or_server_options_t;

/* Listens, finds the devices, serves until SIGTERM or SIGINT, drains, and gives everything back. SIGHUP reads the TLS
 * files again. Takes over these three signals while it runs; for a program's main thread. OK after a drain;
 * FAILED_PRECONDITION: a setting that can't be (not loopback without keys, TLS files); and what or_net_start and
 * make_runtime return. */
or_status_t or_server_run(const or_server_options_t *options);

/* For handlers: the runtime. Never NULL in phase READY. */
or_runtime_t *or_server_runtime(const or_server_t *server);
const char *or_server_phase_name(const or_server_t *server); /* "starting", "healthy", "draining" */

/* The OpenAPI document of a table of routes, into `text`. */
or_status_t or_openapi_write(const or_route_t *routes, size_t count, or_text_t *text);
/* page_NAME.html, embedded by cmake: HTML with its style and script inside, for a server that reaches nothing else. */
extern const char or_page_docs[], or_page_status[];
extern const size_t or_page_docs_bytes, or_page_status_bytes;

#endif
