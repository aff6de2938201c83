#ifndef OR_TASK_ESTIMATE_H
#define OR_TASK_ESTIMATE_H
/* What a task will take, from its parameters alone: for whoever decides where it runs and whether there is room. */

#include "task/task.h"

typedef struct or_task_estimate_t {
  double seconds;        /* that it gives itself (generated input, benchmarks); 0: as long as the work takes */
  double units;          /* of work: operations, or bytes where there are none; 0: not known before the model is */
  uint64_t memory_bytes; /* operands and results; saturated */
  bool isolated;         /* runs in another process: a kernel of a user */
  bool exclusive;        /* wants its hardware alone: a benchmark */
  uint64_t shape;        /* the same for tasks that do the same work on other numbers; 0: not told */
} or_task_estimate_t;
void or_task_estimate(const or_task_t *task, or_task_estimate_t *out);

#endif
