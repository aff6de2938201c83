#include "server/turns.h"

#include <string.h>

#include "base/alloc.h"
#include "base/string.h"

typedef struct piece_t piece_t;
struct piece_t {
  piece_t *next;
  or_work_t work;
  void *self;
};

/* Of an owner who has work: as one piece it waits with the workers, or one of their threads has it. */
typedef struct lane_t lane_t;
struct lane_t {
  lane_t *next;
  or_turns_t *turns;
  char owner[OR_TURNS_OWNER_BYTES];
  piece_t *first, **end; /* that wait */
  unsigned count;
};

struct or_turns_t {
  const or_allocator_t *allocator;
  or_workers_t *workers;
  unsigned own, all;
  or_mutex_t mutex;
  /* Under the mutex, with all that is in the lanes: */
  lane_t *lanes;
  unsigned count; /* pieces that wait */
};

static void take_turn(void *self, bool stopped);

or_status_t or_turns_create(or_workers_t *workers, const or_allocator_t *allocator, unsigned own, unsigned all,
                            or_turns_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_turns_t), &memory);
  if (!or_ok(status)) return status;
  or_turns_t *turns = memory;
  turns->allocator = allocator;
  turns->workers = workers;
  turns->own = own;
  turns->all = all;
  or_mutex_init(&turns->mutex);
  *out = turns;
  return status;
}

void or_turns_free(or_turns_t *turns) {
  if (turns == NULL) return;
  or_mutex_deinit(&turns->mutex);
  or_free(turns->allocator, turns);
}

/* ---- with the lock held ---- */

static lane_t **find_lane(or_turns_t *turns, const char *owner) {
  lane_t **at = &turns->lanes;
  while (*at != NULL && strcmp((*at)->owner, owner) != 0) at = &(*at)->next;
  return at;
}

static or_status_t open_lane(or_turns_t *turns, const char *owner, lane_t **at) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(turns->allocator, sizeof(lane_t), &memory);
  if (!or_ok(status)) return status;
  lane_t *lane = memory;
  lane->turns = turns;
  lane->end = &lane->first;
  or_format(lane->owner, sizeof lane->owner, "%s", owner);
  status = or_workers_submit(turns->workers, take_turn, lane);
  if (or_ok(status)) {
    *at = lane;
  } else {
    or_free(turns->allocator, lane);
  }
  return status;
}

static piece_t *take_first(lane_t *lane) {
  piece_t *piece = lane->first;
  lane->first = piece->next;
  if (lane->first == NULL) lane->end = &lane->first;
  --lane->count;
  --lane->turns->count;
  return piece;
}

/* ---- */

or_status_t or_turns_submit(or_turns_t *turns, const char *owner, or_work_t work, void *self) {
  void *memory = NULL;
  if (strlen(owner) >= OR_TURNS_OWNER_BYTES) return or_error(OR_OUT_OF_RANGE, "an owner of %zu bytes", strlen(owner));
  or_status_t status = or_alloc(turns->allocator, sizeof(piece_t), &memory);
  if (!or_ok(status)) return status;
  piece_t *piece = memory;
  *piece = (piece_t){NULL, work, self};
  or_mutex_lock(&turns->mutex); /* a thread that has taken the lane waits for its first piece */
  lane_t **lane = find_lane(turns, owner);
  if (turns->count >= turns->all) {
    status = or_error(OR_UNAVAILABLE, "%u requests of this kind wait already, the limit", turns->all);
  } else if (*lane == NULL) {
    status = open_lane(turns, owner, lane);
  } else if ((*lane)->count >= turns->own) {
    status = or_error(OR_UNAVAILABLE, "%u requests of this kind and key wait already, the limit", turns->own);
  }
  if (or_ok(status)) {
    *(*lane)->end = piece;
    (*lane)->end = &piece->next;
    ++(*lane)->count;
    ++turns->count;
  }
  or_mutex_unlock(&turns->mutex);
  if (!or_ok(status)) or_free(turns->allocator, piece);
  return status;
}

/* One piece; the lane then waits behind those of the others, or ends. */
static void take_turn(void *self, bool stopped) {
  lane_t *lane = self;
  or_turns_t *turns = lane->turns;
  for (bool more = true; more;) {
    or_mutex_lock(&turns->mutex);
    piece_t *piece = take_first(lane);
    or_mutex_unlock(&turns->mutex);
    piece->work(piece->self, stopped);
    or_free(turns->allocator, piece);
    or_mutex_lock(&turns->mutex);
    more = lane->first != NULL;
    if (!more) {
      *find_lane(turns, lane->owner) = lane->next;
      or_free(turns->allocator, lane);
    } else if (!stopped) {
      or_status_t status = or_workers_submit(turns->workers, take_turn, lane);
      stopped = more = !or_ok(status);
      or_status_ignore(status); /* the workers were stopped: the others are told */
    }
    or_mutex_unlock(&turns->mutex);
  }
}
