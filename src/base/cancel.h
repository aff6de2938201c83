#ifndef OR_BASE_CANCEL_H
#define OR_BASE_CANCEL_H
/* A request to stop, from any thread to whoever works: a flag and a deadline. In place; outlives the work that looks
 * at it. */

#include <stdatomic.h>
#include <stdint.h>

#include "openruntime/status.h"

typedef struct or_cancel_t {
  atomic_bool requested;
  _Atomic int64_t deadline_ns;     /* or_clock_ns; INT64_MAX: none */
  const struct or_cancel_t *outer; /* NULL, or another that ends this work too */
} or_cancel_t;
void or_cancel_init(or_cancel_t *cancel, int64_t deadline_ns);
/* For a part of work that has a request of its own, which outlives it; NULL: it has none. */
void or_cancel_init_within(or_cancel_t *cancel, int64_t deadline_ns, const or_cancel_t *outer);
void or_cancel_request(or_cancel_t *cancel);
/* True once requested or past the deadline. NULL: false. Cheap without a deadline. */
bool or_cancel_requested(const or_cancel_t *cancel);
/* CANCELLED or DEADLINE_EXCEEDED, by what happened; success if nothing did. */
or_status_t or_cancel_status(const or_cancel_t *cancel);

#endif
