#ifndef OR_SERVER_HUB_WISH_H
#define OR_SERVER_HUB_WISH_H
/* What a client of /ws says: {"subscribe": ["metrics", "tasks", "logs"], "interval": seconds}, either or both. */

#include "server/http.h"

enum { OR_HUB_METRICS = 1, OR_HUB_TASKS = 2, OR_HUB_LOGS = 4 };
#define OR_HUB_MIN_INTERVAL_MS INT64_C(100)
#define OR_HUB_MAX_INTERVAL_MS INT64_C(60000)

typedef struct or_hub_wish_t {
  bool has_topics;
  unsigned topics;     /* a set of OR_HUB_* */
  int64_t interval_ms; /* 0: none was said */
} or_hub_wish_t;
/* INVALID_ARGUMENT names what is wrong, in words short enough for a close; RESOURCE_EXHAUSTED. */
or_status_t or_hub_wish_parse(const or_allocator_t *allocator, or_slice_t message, or_hub_wish_t *out);

#endif
