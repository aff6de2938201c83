#ifndef OR_SERVER_ROUTES_H
#define OR_SERVER_ROUTES_H
/* The one table of routes (`routes.c`). Matching, 405 with Allow, /openapi.json and /docs are made from it. A new
 * route is a row there and a function in the file of its family. */

#include "server/http.h"
#include "server/ws.h"

typedef enum or_body_kind_t {
  OR_BODY_NONE,      /* one that comes is read and dropped */
  OR_BODY_JSON,      /* application/json, else 415 */
  OR_BODY_MULTIPART, /* application/json or multipart/form-data */
  OR_BODY_ANY        /* the handler looks at the type itself */
} or_body_kind_t;

/* What a route does while the server is not ready. */
typedef enum or_route_when_t {
  OR_WHEN_READY,    /* 503 while starting and, unless it only reads, while draining */
  OR_WHEN_LISTENING /* always answers */
} or_route_when_t;

struct or_route_t {
  or_http_method_t method; /* GET answers HEAD too */
  const char *pattern;     /* "/devices/{id}": at most OR_HTTP_MAX_SEGMENTS segments */
  unsigned scope;          /* OR_SCOPE_*: what a key needs */
  bool page;               /* with Accept: text/html a page without any data, which needs no key: it asks for one */
  or_body_kind_t body;
  or_route_when_t when;
  void (*handle)(or_request_t *request);
  const or_ws_endpoint_t *websocket; /* in place of `handle` */
  const char *tag, *summary;
  const char *parameters;         /* of the query: "limit:integer:1:1000 kind:one|other"; NULL: none */
  const char *headers;            /* of the request, likewise */
  bool may_lack_body;             /* of those that take one */
  const char *request, *response; /* names of schemas; a response "text/html" or the like is that media type,
                                      "text/plain|A" one or the other */
  const char *statuses;           /* besides 200: "202 404 409" */
};

extern const or_route_t or_routes[];
extern const size_t or_route_count;

/* The table made ready for matching. Immutable; any thread. */
typedef struct or_router_t or_router_t;
or_status_t or_router_create(const or_allocator_t *allocator, const or_route_t *routes, size_t count,
                             or_router_t **out);
void or_router_free(or_router_t *router); /* takes NULL */
/* The route of a path's segments and a method, among those of the pattern that matches with the fewest parameters.
 * NULL: *allowed is a set of 1 << or_http_method_t that the path has; 0 if there is no such path. */
const or_route_t *or_router_find(const or_router_t *router, const or_slice_t *segments, size_t count,
                                 or_http_method_t method, unsigned *allowed);
/* Which segment of a route's path is its n-th parameter; -1 outside. */
int or_route_parameter(const or_route_t *route, size_t index);
/* "GET, HEAD, OPTIONS" of such a set. */
char *or_http_allow(unsigned allowed, char *text, size_t capacity);

/* The handlers, by family. */
void or_handle_root(or_request_t *request); /* route_system.c */
void or_handle_health(or_request_t *request);
void or_handle_health_live(or_request_t *request);
void or_handle_health_ready(or_request_t *request);
void or_handle_devices(or_request_t *request); /* route_devices.c */
void or_handle_device(or_request_t *request);
void or_handle_device_change(or_request_t *request);
void or_handle_device_metrics(or_request_t *request);
void or_handle_metrics(or_request_t *request); /* route_metrics.c */
void or_handle_metrics_summary(or_request_t *request);
void or_handle_task_create(or_request_t *request); /* route_tasks.c */
void or_handle_task_list(or_request_t *request);   /* route_task_list.c */
void or_handle_task_result(or_request_t *request); /* route_task_result.c */
void or_handle_benchmark(or_request_t *request);   /* route_benchmark.c */
void or_handle_task(or_request_t *request);        /* route_task.c */
void or_handle_task_delete(or_request_t *request);
void or_handle_task_change(or_request_t *request);
void or_handle_key_list(or_request_t *request); /* route_keys.c */
void or_handle_key_create(or_request_t *request);
void or_handle_key_revoke(or_request_t *request);
void or_handle_log(or_request_t *request); /* route_log.c */
void or_handle_log_change(or_request_t *request);
void or_handle_models(or_request_t *request); /* route_models.c */
void or_handle_model(or_request_t *request);
void or_handle_model_load(or_request_t *request);
void or_handle_model_unload(or_request_t *request);
void or_handle_model_remove(or_request_t *request);
void or_handle_model_explain(or_request_t *request);
void or_handle_kernel_compile(or_request_t *request); /* route_kernels.c */
void or_handle_kernels(or_request_t *request);
void or_handle_kernel(or_request_t *request);
void or_handle_kernel_remove(or_request_t *request);
void or_handle_profile_start(or_request_t *request); /* route_profile.c */
void or_handle_profile(or_request_t *request);
extern const or_ws_endpoint_t or_live_endpoint; /* route_ws.c */
void or_handle_openapi(or_request_t *request);  /* route_docs.c */
void or_handle_docs(or_request_t *request);

#endif
