#ifndef OR_OPS_STOP_H
#define OR_OPS_STOP_H
/* How an operator that takes long ends before it is done: when its run is cancelled, or when it has spent the work that
 * it was given. Its loops say how much they have done, and every so much that is looked at. */

#include "base/cancel.h"

/* Work: elements, or multiplications; some nanoseconds each. */
#define OR_STOP_WORK ((uint64_t)1 << 18) /* between two looks: some milliseconds */
/* Bytes that are only copied count as fewer elements. */
#define OR_STOP_COPIED(bytes) ((uint64_t)(bytes) / 16)

/* Of one call, for its one thread. */
typedef struct or_stop_t {
  const or_cancel_t *cancel; /* NULL: never */
  uint64_t *budget;          /* work that may still be spent, which is taken off; NULL: any */
  uint64_t granted, left;    /* until it is looked at again */
  or_status_t status;        /* why the loops were left: what they write is not all there */
} or_stop_t;

or_stop_t or_stop_make(const or_cancel_t *cancel, uint64_t *budget);
bool or_stop_look(or_stop_t *stop, uint64_t work);
/* After `work` more: true if the loop should be left, and from then on always. `stop` NULL: false. */
static inline bool or_stops(or_stop_t *stop, uint64_t work) {
  if (stop == NULL) return false;
  if (work < stop->left) {
    stop->left -= work;
    return false;
  }
  return or_stop_look(stop, work);
}
/* What the call says: why it was stopped, if it was, else `status`. CANCELLED, DEADLINE_EXCEEDED; RESOURCE_EXHAUSTED:
 * the budget is 0 then. */
or_status_t or_stop_end(or_stop_t *stop, or_status_t status);

#endif
