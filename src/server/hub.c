/* Locks: `mutex` guards rings, readers and groups; `states_mutex` the written states, and is taken without the other:
 * writing one may take a while, and who tells does not wait for it. */
#include "server/hub.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/net_internal.h"

#define BUCKETS 1024u
#define DEFAULT_INTERVAL_MS INT64_C(1000)
#define OWNER_STATES 16u /* of metrics with the count of one owner's tasks; owners that meet there write anew */

/* A written message; immutable once it is in a ring or a state, but for what a comment says. */
typedef struct message_t {
  or_ref_t refs;
  const or_allocator_t *allocator;
  or_text_t text;
  /* Of a task: */
  bool ended;
  char task_id[OR_TASK_ID_BYTES], owner[OR_TASK_OWNER_BYTES];
  /* Under the mutex: */
  bool replaced; /* a newer one of the same task is in the ring */
  bool chained;
  struct message_t *chain; /* the newest of other tasks in the same bucket */
} message_t;

/* The newest messages in order: those from `oldest` to before `next`, each at its number modulo the capacity. */
typedef struct ring_t {
  message_t **slots;
  uint64_t oldest, next, capacity;
} ring_t;

/* The readers of one loop, and the message that wakes it. */
typedef struct group_t {
  or_mail_t mail;
  or_hub_t *hub;
  or_loop_t *loop;
  or_hub_reader_t *first; /* changed by the loop's thread, under the mutex */
  bool woken;             /* the mail is under way */
} group_t;

struct or_hub_reader_t {
  or_hub_t *hub;
  or_ws_t *ws;
  group_t *group;
  or_hub_reader_t *next, *previous;
  bool admin;
  char owner[OR_KEY_ID_BYTES];
  unsigned topics; /* changed by the loop's thread, under the mutex */
  int64_t interval_ms;
  atomic_bool shut_out; /* by anybody */
  /* The loop's thread alone: */
  bool greeted, metrics_due, behind;
  unsigned burst;
  uint64_t task_at, log_at; /* the number of the next event */
};

/* A state as it was written last. */
typedef struct state_t {
  message_t *message; /* NULL: not yet, or there was no memory */
  int64_t written_ns;
  char owner[OR_KEY_ID_BYTES]; /* whose tasks are counted in it, of OWNERS and beyond */
} state_t;
enum { DEVICES, METRICS, OWNERS, STATES = OWNERS + OWNER_STATES };

struct or_hub_t {
  const or_allocator_t *allocator;
  or_hub_source_t source;
  _Atomic size_t task_readers, log_readers; /* changed under the mutex */
  or_mutex_t mutex;
  ring_t tasks, logs;
  message_t *buckets[BUCKETS]; /* the newest message of each task that is in the ring */
  group_t groups[OR_NET_MAX_LOOPS];
  size_t group_count;
  int64_t interval_ms; /* that the source was told */
  or_mutex_t states_mutex;
  state_t states[STATES]; /* devices; metrics for admins, then for others */
};

static void wake(group_t *group);
static void ring_clear(or_hub_t *hub, ring_t *ring);
static void choose(or_hub_reader_t *reader, unsigned topics, int64_t interval_ms);

static or_status_t ring_init(const or_allocator_t *allocator, ring_t *ring, size_t capacity) {
  void *memory = NULL;
  or_status_t status = or_alloc_array(allocator, capacity, sizeof *ring->slots, &memory);
  *ring = (ring_t){.slots = memory, .capacity = capacity};
  return status;
}

or_status_t or_hub_create(const or_allocator_t *allocator, const or_hub_source_t *source, or_hub_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_hub_t), &memory);
  if (!or_ok(status)) return status;
  or_hub_t *hub = memory;
  hub->allocator = allocator;
  hub->source = *source;
  hub->interval_ms = OR_HUB_SAMPLE_MS;
  or_mutex_init(&hub->mutex);
  or_mutex_init(&hub->states_mutex);
  status = ring_init(allocator, &hub->tasks, OR_HUB_TASK_EVENTS);
  if (or_ok(status)) status = ring_init(allocator, &hub->logs, OR_HUB_LOG_LINES);
  if (!or_ok(status)) {
    or_hub_free(hub);
    return status;
  }
  *out = hub;
  return status;
}

static void message_release(message_t *message) {
  if (message == NULL || !or_ref_release(&message->refs)) return;
  or_text_deinit(&message->text);
  or_free(message->allocator, message);
}

void or_hub_free(or_hub_t *hub) {
  if (hub == NULL) return;
  if (hub->tasks.slots != NULL) ring_clear(hub, &hub->tasks);
  if (hub->logs.slots != NULL) ring_clear(hub, &hub->logs);
  for (size_t i = 0; i < STATES; ++i) message_release(hub->states[i].message);
  or_free(hub->allocator, hub->tasks.slots);
  or_free(hub->allocator, hub->logs.slots);
  or_mutex_deinit(&hub->states_mutex);
  or_mutex_deinit(&hub->mutex);
  or_free(hub->allocator, hub);
}

/* A message begun with its type; NULL: no memory. message_end writes the rest. */
static message_t *message_begin(or_hub_t *hub, or_json_writer_t *json, const char *type) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(hub->allocator, sizeof(message_t), &memory);
  message_t *message = memory;
  if (or_ok(status)) {
    or_ref_init(&message->refs);
    message->allocator = hub->allocator;
    or_text_init(&message->text, hub->allocator);
    or_json_begin(json, &message->text, 0);
    or_json_object_begin(json);
    or_json_field_string(json, "type", type);
  }
  or_status_ignore(status); /* no memory: this message is missing, and the next one may be had again */
  return message;
}

static message_t *message_end(message_t *message, or_json_writer_t *json) {
  char time[OR_CLOCK_TEXT_BYTES];
  or_json_field_string(json, "timestamp", or_clock_format(or_clock_wall_us(), time, sizeof time));
  or_json_object_end(json);
  or_status_t status = or_json_finish(json);
  if (!or_ok(status)) {
    message_release(message);
    message = NULL;
  }
  or_status_ignore(status); /* as above */
  return message;
}

/* Rings: all under the mutex, or when nobody else is left. */

static uint32_t hash_more(uint32_t hash, const char *text) { /* FNV-1a */
  for (; *text != '\0'; ++text) hash = (hash ^ (uint8_t)*text) * 16777619u;
  return hash;
}
#define HASH_BEGIN 2166136261u

static message_t **bucket_of(or_hub_t *hub, const char *task_id, const char *owner) {
  return &hub->buckets[hash_more(hash_more(HASH_BEGIN, task_id), owner) % BUCKETS];
}

static void unchain(or_hub_t *hub, message_t *message) {
  if (!message->chained) return;
  message_t **at = bucket_of(hub, message->task_id, message->owner);
  while (*at != message) at = &(*at)->chain;
  *at = message->chain;
  message->chained = false;
}

static void ring_drop_oldest(or_hub_t *hub, ring_t *ring) {
  message_t **slot = &ring->slots[ring->oldest++ % ring->capacity];
  unchain(hub, *slot);
  message_release(*slot);
  *slot = NULL;
}

static void ring_clear(or_hub_t *hub, ring_t *ring) {
  while (ring->oldest < ring->next) ring_drop_oldest(hub, ring);
}

/* NULL: an event that could not be written: whoever has not read all before it is told that something is missing. */
static void ring_put(or_hub_t *hub, ring_t *ring, message_t *message) {
  if (message == NULL) {
    ring_clear(hub, ring);
    ring->oldest = ++ring->next;
    return;
  }
  if (ring->next - ring->oldest == ring->capacity) ring_drop_oldest(hub, ring);
  ring->slots[ring->next++ % ring->capacity] = message;
}

static void wake_readers(or_hub_t *hub) {
  for (size_t i = 0; i < hub->group_count; ++i) {
    if (hub->groups[i].first != NULL) wake(&hub->groups[i]);
  }
}

bool or_hub_hears_tasks(const or_hub_t *hub) {
  return hub != NULL && atomic_load_explicit(&hub->task_readers, memory_order_relaxed) > 0;
}

/* With the mutex held. False: it comes too late, its task has ended. */
static bool replace_older(or_hub_t *hub, const or_hub_task_t *task, message_t *message) {
  message_t **bucket = bucket_of(hub, task->task_id, task->owner), *older = *bucket;
  while (older != NULL && (strcmp(older->task_id, task->task_id) != 0 || strcmp(older->owner, task->owner) != 0))
    older = older->chain;
  if (older != NULL && older->ended && !task->accepted) return false;
  if (older != NULL) {
    older->replaced = !older->ended;
    unchain(hub, older);
  }
  if (message != NULL) {
    message->chain = *bucket;
    message->chained = true;
    *bucket = message;
  }
  return true;
}

void or_hub_tell_task(or_hub_t *hub, const or_hub_task_t *task) {
  if (!or_hub_hears_tasks(hub)) return;
  or_json_writer_t json;
  const bool ended = or_task_state_is_final(task->state);
  message_t *message = message_begin(hub, &json, ended ? "task_completed" : "task_update");
  if (message != NULL) {
    message->ended = ended;
    or_format(message->task_id, sizeof message->task_id, "%s", task->task_id);
    or_format(message->owner, sizeof message->owner, "%s", task->owner);
    or_json_field_string(&json, "task_id", task->task_id);
    or_json_field_string(&json, "status", or_task_state_name(task->state));
    if (!ended) or_json_field_double(&json, "progress", task->progress);
    message = message_end(message, &json);
  }
  or_mutex_lock(&hub->mutex);
  const bool timely = or_hub_hears_tasks(hub) && replace_older(hub, task, message);
  if (timely) {
    ring_put(hub, &hub->tasks, message);
    wake_readers(hub);
  }
  or_mutex_unlock(&hub->mutex);
  if (!timely) message_release(message);
}

void or_hub_tell_log(void *self, or_log_level_t level, const char *line) {
  or_hub_t *hub = self;
  if (atomic_load_explicit(&hub->log_readers, memory_order_relaxed) == 0) return;
  or_json_writer_t json;
  message_t *message = message_begin(hub, &json, "log");
  if (message != NULL) {
    or_json_field_string(&json, "level", or_log_level_name(level));
    or_json_field_string(&json, "message", line);
    message = message_end(message, &json);
  }
  or_mutex_lock(&hub->mutex);
  const bool heard = atomic_load_explicit(&hub->log_readers, memory_order_relaxed) > 0;
  if (heard) {
    ring_put(hub, &hub->logs, message);
    wake_readers(hub);
  }
  or_mutex_unlock(&hub->mutex);
  if (!heard) message_release(message);
}

/* A state for a reader, written anew if the last one is old; a reference, or NULL without memory. `owner` of METRICS:
 * whose tasks are counted; NULL: everyone's. */
static message_t *take_state(or_hub_t *hub, int which, const char *owner) {
  or_json_writer_t json;
  const or_hub_source_t *source = &hub->source;
  state_t *state = &hub->states[owner == NULL ? (size_t)which : OWNERS + hash_more(HASH_BEGIN, owner) % OWNER_STATES];
  or_mutex_lock(&hub->states_mutex);
  const int64_t now_ns = or_clock_ns();
  const bool another = owner != NULL && strcmp(owner, state->owner) != 0;
  if (state->message == NULL || another || now_ns - state->written_ns >= OR_HUB_STATE_NS) {
    message_t *message = message_begin(hub, &json, which == DEVICES ? "device_status" : "metrics_update");
    if (message != NULL) {
      or_json_key(&json, which == DEVICES ? "devices" : "metrics");
      if (which == DEVICES) source->write_devices(source->self, &json);
      if (which == METRICS) source->write_metrics(source->self, &json);
      if (which == METRICS)
        or_json_field_int(&json, "active_tasks", (int64_t)source->active_tasks(source->self, owner));
      message = message_end(message, &json);
    }
    message_release(state->message);
    state->message = message;
    state->written_ns = now_ns;
    (void)or_format(state->owner, sizeof state->owner, "%s", owner != NULL ? owner : "");
  }
  message_t *message = state->message;
  if (message != NULL) or_ref_retain(&message->refs);
  or_mutex_unlock(&hub->states_mutex);
  return message;
}

/* Groups and readers. */

static void on_wake(or_mail_t *mail) {
  group_t *group = (group_t *)mail;
  or_loop_t *loop = group->loop;
  or_mutex_lock(&group->hub->mutex);
  group->woken = false;
  or_mutex_unlock(&group->hub->mutex);
  for (or_hub_reader_t *reader = group->first, *next; reader != NULL; reader = next) {
    next = reader->next; /* going on may end this reader, and no other */
    reader->behind = reader->behind || or_ws_is_blocked(reader->ws);
    if (reader->shut_out)
      or_ws_close(reader->ws, OR_WS_POLICY,
                  reader->owner[0] != '\0' ? "the key was revoked" : "there are keys now: one is needed");
    or_ws_go_on(reader->ws);
  }
  or_loop_posted(loop);
}

/* With the mutex held, of a group that has a reader: so its loop has a connection. */
static void wake(group_t *group) {
  if (group->woken) return;
  group->woken = true;
  or_loop_post(group->loop, &group->mail);
}

static group_t *group_of(or_hub_t *hub, or_loop_t *loop) {
  size_t i = 0;
  while (i < hub->group_count && hub->groups[i].loop != loop) ++i;
  if (i == hub->group_count) {
    hub->groups[i] = (group_t){.mail = {NULL, on_wake}, .hub = hub, .loop = loop};
    ++hub->group_count;
  }
  return &hub->groups[i];
}

or_status_t or_hub_join(or_hub_t *hub, or_ws_t *ws, const or_key_t *key, or_hub_reader_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(hub->allocator, sizeof(or_hub_reader_t), &memory);
  if (!or_ok(status)) return status;
  or_hub_reader_t *reader = memory;
  reader->hub = hub;
  reader->ws = ws;
  reader->admin = (key->scopes & OR_SCOPE_ADMIN) != 0;
  or_format(reader->owner, sizeof reader->owner, "%s", key->id);
  or_mutex_lock(&hub->mutex);
  reader->group = group_of(hub, or_ws_loop(ws));
  reader->next = reader->group->first;
  if (reader->next != NULL) reader->next->previous = reader;
  reader->group->first = reader;
  or_mutex_unlock(&hub->mutex);
  choose(reader, OR_HUB_METRICS | OR_HUB_TASKS, DEFAULT_INTERVAL_MS);
  *out = reader;
  return status;
}

void or_hub_leave(or_ws_t *ws, void *self) {
  or_hub_reader_t *reader = self;
  (void)ws;
  if (reader == NULL) return;
  or_hub_t *hub = reader->hub;
  choose(reader, 0, reader->interval_ms);
  or_mutex_lock(&hub->mutex);
  if (reader->next != NULL) reader->next->previous = reader->previous;
  if (reader->previous != NULL) reader->previous->next = reader->next;
  if (reader->group->first == reader) reader->group->first = reader->next;
  or_mutex_unlock(&hub->mutex);
  or_free(hub->allocator, reader);
}

void or_hub_shut_out(or_hub_t *hub, const char *key_id) {
  if (hub == NULL) return;
  or_mutex_lock(&hub->mutex);
  for (size_t i = 0; i < hub->group_count; ++i) {
    bool any = false;
    for (or_hub_reader_t *reader = hub->groups[i].first; reader != NULL; reader = reader->next) {
      if (strcmp(reader->owner, key_id) != 0) continue;
      reader->shut_out = true;
      any = true;
    }
    if (any) wake(&hub->groups[i]);
  }
  or_mutex_unlock(&hub->mutex);
}

static void on_interval(or_ws_t *ws, void *self) {
  or_hub_reader_t *reader = self;
  (void)ws;
  if (reader != NULL) reader->metrics_due = true;
}

/* Samples as often as the quickest reader wants them. With the mutex held. */
static void tell_interval(or_hub_t *hub) {
  int64_t interval_ms = OR_HUB_SAMPLE_MS;
  for (size_t i = 0; i < hub->group_count; ++i) {
    for (const or_hub_reader_t *reader = hub->groups[i].first; reader != NULL; reader = reader->next) {
      if ((reader->topics & OR_HUB_METRICS) != 0 && reader->interval_ms < interval_ms)
        interval_ms = reader->interval_ms;
    }
  }
  if (interval_ms != hub->interval_ms) hub->source.set_interval(hub->source.self, interval_ms);
  hub->interval_ms = interval_ms;
}

/* From now on these topics, events from here on. */
static void choose(or_hub_reader_t *reader, unsigned topics, int64_t interval_ms) {
  or_hub_t *hub = reader->hub;
  or_mutex_lock(&hub->mutex);
  const unsigned more = topics & ~reader->topics, less = reader->topics & ~topics;
  reader->topics = topics;
  reader->interval_ms = interval_ms;
  if ((more & OR_HUB_TASKS) != 0) ++hub->task_readers;
  if ((more & OR_HUB_TASKS) != 0) reader->task_at = hub->tasks.next;
  if ((more & OR_HUB_LOGS) != 0) ++hub->log_readers;
  if ((more & OR_HUB_LOGS) != 0) reader->log_at = hub->logs.next;
  if ((less & OR_HUB_TASKS) != 0 && --hub->task_readers == 0) ring_clear(hub, &hub->tasks);
  if ((less & OR_HUB_LOGS) != 0 && --hub->log_readers == 0) ring_clear(hub, &hub->logs);
  tell_interval(hub);
  or_mutex_unlock(&hub->mutex);
  reader->metrics_due = (topics & OR_HUB_METRICS) != 0; /* the first at once */
  or_ws_every(reader->ws, reader->metrics_due ? (uint64_t)interval_ms : 0, on_interval);
}

or_status_t or_hub_heard(or_ws_t *ws, void *self, or_slice_t message, bool binary) {
  or_hub_reader_t *reader = self;
  (void)ws;
  or_hub_wish_t wish;
  if (reader == NULL) return or_status_success();
  if (binary) return or_error(OR_INVALID_ARGUMENT, "text messages only");
  or_status_t status = or_hub_wish_parse(reader->hub->allocator, message, &wish);
  if (!or_ok(status)) return status;
  if ((wish.topics & OR_HUB_LOGS) != 0 && !reader->admin)
    return or_error(OR_PERMISSION_DENIED, "subscribe: logs need a key with scope admin");
  choose(reader, wish.has_topics ? wish.topics : reader->topics,
         wish.interval_ms != 0 ? wish.interval_ms : reader->interval_ms);
  return status;
}

static bool is_for(const or_hub_reader_t *reader, const message_t *message) {
  if (reader->behind && message->replaced) return false;
  return reader->admin || strcmp(reader->owner, message->owner) == 0;
}

/* The reader's next event, with a reference; NULL: none. *missed: some are gone that it has not seen. */
static message_t *take_event(or_hub_reader_t *reader, ring_t *ring, uint64_t *at, bool *missed) {
  message_t *found = NULL;
  or_mutex_lock(&reader->hub->mutex);
  *missed = *at < ring->oldest;
  if (*missed) *at = ring->oldest;
  while (!*missed && found == NULL && *at < ring->next) {
    message_t *message = ring->slots[(*at)++ % ring->capacity];
    if (is_for(reader, message)) found = message;
  }
  if (found != NULL) or_ref_retain(&found->refs);
  or_mutex_unlock(&reader->hub->mutex);
  return found;
}

static message_t *missed_message(or_hub_t *hub, const char *topic) {
  or_json_writer_t json;
  message_t *message = message_begin(hub, &json, "skipped");
  if (message == NULL) return NULL;
  or_json_field_string(&json, "topic", topic);
  return message_end(message, &json);
}

static message_t *next_message(or_hub_reader_t *reader) {
  or_hub_t *hub = reader->hub;
  bool missed = false;
  if (!reader->greeted) {
    reader->greeted = true;
    return take_state(hub, DEVICES, NULL);
  }
  if (reader->metrics_due) {
    reader->metrics_due = false;
    return take_state(hub, METRICS, reader->admin ? NULL : reader->owner);
  }
  message_t *message = NULL;
  if ((reader->topics & OR_HUB_TASKS) != 0) message = take_event(reader, &hub->tasks, &reader->task_at, &missed);
  if (missed) return missed_message(hub, "tasks");
  if (message == NULL && (reader->topics & OR_HUB_LOGS) != 0)
    message = take_event(reader, &hub->logs, &reader->log_at, &missed);
  if (missed) return missed_message(hub, "logs");
  return message;
}

void or_hub_room(or_ws_t *ws, void *self) {
  or_hub_reader_t *reader = self;
  if (reader == NULL) return;
  if (reader->burst == OR_HUB_BURST) { /* again when the others had their turn */
    reader->burst = 0;
    or_mutex_lock(&reader->hub->mutex);
    wake(reader->group);
    or_mutex_unlock(&reader->hub->mutex);
    return;
  }
  message_t *message = next_message(reader);
  if (message == NULL) {
    reader->burst = 0;
    reader->behind = false;
    return;
  }
  ++reader->burst;
  or_status_ignore(or_ws_send(ws, 0, message->text.data, message->text.length)); /* there is room: no failure */
  message_release(message);
}
