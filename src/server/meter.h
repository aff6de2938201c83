#ifndef OR_SERVER_METER_H
#define OR_SERVER_METER_H
/* What the server counts, and its text at GET /metrics: requests as they are answered, tasks as they end; all else is
 * looked at when somebody asks. The rows are in meter.c and meter_state.c, and in docs/operations.md. */

#include "metrics/metrics.h"
#include "server/routes.h"
#include "server/services.h"

typedef struct or_meter_t or_meter_t;

/* `routes`: the table that requests point into; outlives the meter. RESOURCE_EXHAUSTED. */
or_status_t or_meter_create(const or_allocator_t *allocator, const or_route_t *routes, size_t count, or_meter_t **out);
void or_meter_free(or_meter_t *meter); /* takes NULL */

/* A request was answered; an or_net_options_t.observe. Any thread, one addition each once a route is known. */
void or_meter_request(void *meter, const or_request_t *request, int64_t took_ns);
/* A task ended. `store`: where the label of its key is looked up; NULL: there are no keys. Any thread. */
void or_meter_task(or_meter_t *meter, or_job_t *job, or_store_t *store);
/* A task was not accepted. Any thread. */
void or_meter_refusal(or_meter_t *meter, or_refusal_kind_t kind);

/* Looks at the server as it is now and writes all there is, in Prometheus' text format. Any thread; waits for nothing
 * but other callers. RESOURCE_EXHAUSTED. */
or_status_t or_meter_write(or_meter_t *meter, const or_server_t *server, or_text_t *text);

#endif
