#ifndef OR_SERVER_HUB_H
#define OR_SERVER_HUB_H
/* What /ws tells, and to whom: the state of devices at each reader's interval, events of tasks to their owners, log
 * lines to admins. A message is written once, whoever reads it.
 *
 * Events lie in rings that all readers share; a reader is a place in them and takes the next one when its socket has
 * room. So a slow one costs nothing, and loses an event only when it is a whole ring behind, which it is told. Nothing
 * is written while nobody listens. */

#include "openruntime/runtime.h"
#include "server/hub_wish.h"
#include "server/ws.h"

#define OR_HUB_TASK_EVENTS 8192u /* the newest, kept for slow readers */
#define OR_HUB_LOG_LINES 512u
#define OR_HUB_BURST 64u               /* messages to one reader; then the loop's other connections have their turn */
#define OR_HUB_STATE_NS 50000000ll     /* how long a written state may be sent again */
#define OR_HUB_SAMPLE_MS INT64_C(1000) /* between samples where no reader wants them more often */

/* Where states come from. Called on loops' threads, one at a time. */
typedef struct or_hub_source_t {
  void *self;
  void (*write_devices)(void *self, or_json_writer_t *json); /* [Device] */
  void (*write_metrics)(void *self, or_json_writer_t *json); /* {id: Sample} */
  size_t (*active_tasks)(void *self, const char *owner);     /* NULL: everyone's */
  void (*set_interval)(void *self,
                       int64_t interval_ms); /* samples are wanted so often from now on; must not call back */
} or_hub_source_t;

typedef struct or_hub_t or_hub_t;
or_status_t or_hub_create(const or_allocator_t *allocator, const or_hub_source_t *source, or_hub_t **out);
void or_hub_free(or_hub_t *hub); /* when no loop runs and nobody tells any more; takes NULL */

typedef struct or_hub_task_t {
  const char *task_id, *owner;
  or_task_state_t state;
  double progress; /* 0..1 */
  bool accepted;   /* the first of its events: one that ended under the same id before is another */
} or_hub_task_t;
/* Any thread; returns soon. An update of a task that has ended is left out. */
void or_hub_tell_task(or_hub_t *hub, const or_hub_task_t *task);
bool or_hub_hears_tasks(const or_hub_t *hub); /* else telling is in vain; NULL: false */
/* An or_log_sink_t; `self` is the hub. */
void or_hub_tell_log(void *self, or_log_level_t level, const char *line);

/* Closes (1008) what the key of this id opened; "": what was opened before there were keys. Any thread; NULL does
 * nothing. One that joins at the same time is closed if its key is looked at again after it joined. */
void or_hub_shut_out(or_hub_t *hub, const char *key_id);

/* A reader: all on its loop's thread, from or_ws_endpoint_t; NULL (one that could not join) does nothing. */
typedef struct or_hub_reader_t or_hub_reader_t;
or_status_t or_hub_join(or_hub_t *hub, or_ws_t *ws, const or_key_t *key, or_hub_reader_t **out);
/* The other calls of an endpoint, whose `self` is the reader. */
or_status_t or_hub_heard(or_ws_t *ws, void *self, or_slice_t message, bool binary);
void or_hub_room(or_ws_t *ws, void *self);
void or_hub_leave(or_ws_t *ws, void *self);

#endif
