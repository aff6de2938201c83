#ifndef OR_TASK_LOAD_H
#define OR_TASK_LOAD_H
/* Load on a session from many queries: several in flight, or arriving by chance at a rate. The scenarios are those of
 * MLPerf Inference (V. J. Reddi et al., "MLPerf Inference Benchmark", ISCA 2020, section IV): offline and server. */

#include "task/task_internal.h"

#define OR_LOAD_MAX_SLOTS 8u                  /* queries in flight at once */
#define OR_LOAD_MAX_QUERIES ((size_t)1000000) /* of one measurement */

/* When each query came and was answered, ns from the start; `done_ns` INT64_MAX: never. */
typedef struct or_load_query_t {
  int64_t arrived_ns, done_ns;
} or_load_query_t;

typedef struct or_load_options_t {
  uint32_t slots;    /* in flight at once, at most OR_LOAD_MAX_SLOTS; what comes meanwhile waits its turn */
  double duration_s; /* of the arrivals */
  bool arriving;     /* `queries` hold arrival times, in order; else a query comes whenever a slot is free */
  or_cancel_t *cancel;
} or_load_options_t;

/* Arrival times of a Poisson process of `rate` a second within `duration_s`, from the seed: the same on every machine.
 * The number of them; at most `capacity` are made. */
size_t or_load_arrivals(double rate, double duration_s, uint64_t seed, or_load_query_t *queries, size_t capacity);

/* Carries the load out on the real clock and waits for what is under way. Arriving queries that are not answered when
 * twice the duration has passed are given up. `inputs` are shared by the runs; `outputs` name what each computes.
 * `count`: in, the queries that there are (arriving) or room for; out, how many came. CANCELLED, DEADLINE_EXCEEDED,
 * RESOURCE_EXHAUSTED, and what runs fail with. */
or_status_t or_load_run(const or_allocator_t *allocator, or_session_t *session, const or_measure_bindings_t *bindings,
                        const or_load_options_t *options, or_load_query_t *queries, size_t *count);

/* What the times of queries in order of arrival say. */
typedef struct or_load_summary_t {
  size_t queries, answered;
  double median_s, p90_s, p99_s, min_s; /* from arrival to answer; of one never answered: until `end_ns` */
  double answered_per_s;                /* until the last answer */
  size_t waiting_half, waiting_end;     /* unanswered at half the arrivals' time, and at its end */
  bool growing;                         /* the queue grew all along: the latencies tell how long it was measured */
} or_load_summary_t;
#define OR_LOAD_SHORT_QUEUE 16u /* that many waiting is no sign of anything */
/* Sorts within `scratch`, of `count` numbers. `count` > 0. */
or_load_summary_t or_load_summarize(const or_load_query_t *queries, size_t count, int64_t duration_ns, int64_t end_ns,
                                    double *scratch);

#endif
