#ifndef OR_SERVER_METER_INTERNAL_H
#define OR_SERVER_METER_INTERNAL_H
/* The meter's insides: what is counted when it happens (meter.c) and looked at when asked (meter_state.c). */

#include "base/thread.h"
#include "runtime/device_metrics.h"
#include "server/meter.h"

#define OR_METER_CLASSES 6      /* of HTTP statuses: 1xx to 5xx; 0 is none */
#define OR_METER_METHODS 8      /* or_http_method_t */
#define OR_METER_BUCKETS 256u   /* of the table of kinds of work */
#define OR_METER_MAX_WORK 1024u /* kinds of work whose handles are kept */

/* Handles of one route and method, looked up when first needed. */
typedef struct or_meter_route_t {
  _Atomic(or_counter_t *) requests[OR_METER_CLASSES];
  _Atomic(or_histogram_t *) duration;
} or_meter_route_t;

/* Handles of tasks that agree in all that is told apart. */
typedef struct or_meter_work_t {
  struct or_meter_work_t *next;
  uint64_t hash;
  or_counter_t *ended[OR_TASK_TIMEOUT + 1]; /* by state; NULL: none has ended so */
  or_histogram_t *wait, *run;
  or_counter_t *device_time, *request_bytes, *response_bytes;
  char words[]; /* operation, type, device, model, owner: each terminated */
} or_meter_work_t;

struct or_meter_t {
  const or_allocator_t *allocator;
  or_metrics_registry_t *registry;
  const or_route_t *routes;
  size_t route_count;
  int64_t start_us;
  or_meter_route_t *by_route; /* per route, the last for none, and method */

  or_mutex_t work_mutex; /* what tasks are counted in */
  or_meter_work_t *work[OR_METER_BUCKETS];
  size_t work_count;

  or_mutex_t look_mutex; /* one look at a time; taken before the locks of what is looked at */
  or_device_metrics_t devices[OR_SCHEDULER_MAX_DEVICES];
};

/* Sets everything that is not counted when it happens. With look_mutex held. */
or_status_t or_meter_look(or_meter_t *meter, const or_server_t *server);

#endif
