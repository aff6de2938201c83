#include "graph/expansion.h"

uint64_t or_graph_model_bytes(const or_graph_t *graph) {
  return graph->model_bytes != 0 ? graph->model_bytes : graph->weight_bytes;
}

static uint64_t scaled(double bytes) { return bytes < 0x1p63 ? (uint64_t)bytes : UINT64_MAX; }

uint64_t or_expansion_limit(const or_expansion_t *expansion) {
  const double ratio = expansion->limits->expansion_ratio;
  const uint64_t least = scaled((double)OR_MODEL_MIN_EXPANSION_BYTES * (ratio < 1 ? ratio : 1));
  const uint64_t most = scaled(ratio * ((double)expansion->weight_bytes + (double)expansion->input_bytes));
  const uint64_t own = most > least ? most : least;
  return own < expansion->limits->run_bytes ? own : expansion->limits->run_bytes;
}

or_status_t or_expansion_check(const or_expansion_t *expansion, uint64_t more) {
  const uint64_t limit = or_expansion_limit(expansion);
  if (expansion->alive <= limit && more <= limit - expansion->alive) return or_status_success();
  if (limit == expansion->limits->run_bytes) {
    return or_error(
        OR_RESOURCE_EXHAUSTED,
        "%llu bytes beside the %llu that the run holds are more than %llu, the limit: raise limits.run_bytes",
        (unsigned long long)more, (unsigned long long)expansion->alive, (unsigned long long)limit);
  }
  return or_error(
      OR_RESOURCE_EXHAUSTED,
      "%llu bytes beside the %llu that the run holds are more than %llu, the limit by %llu bytes of weights, "
      "%llu of inputs and an expansion of %g: raise limits.expansion_ratio",
      (unsigned long long)more, (unsigned long long)expansion->alive, (unsigned long long)limit,
      (unsigned long long)expansion->weight_bytes, (unsigned long long)expansion->input_bytes,
      expansion->limits->expansion_ratio);
}

#define WORK_PER_WEIGHT_BYTE 4u
/* What a call may spend where nothing is left: shapes are computed with less. */
#define LEAST_WORK ((uint64_t)4096)

uint64_t or_fold_work_left(const or_graph_t *graph) {
  uint64_t work = 0;
  if (__builtin_mul_overflow(or_graph_model_bytes(graph), (uint64_t)WORK_PER_WEIGHT_BYTE, &work) ||
      __builtin_add_overflow(work, graph->limits.fold_work, &work))
    work = UINT64_MAX;
  return work > graph->fold_work ? work - graph->fold_work : 0;
}

or_status_t or_fold_call(or_graph_t *graph, or_op_call_t *call, or_status_t (*function)(or_op_call_t *call),
                         bool *enough) {
  const uint64_t left = or_fold_work_left(graph), given = left > LEAST_WORK ? left : LEAST_WORK;
  uint64_t budget = given;
  call->cancel = graph->cancel;
  call->budget = &budget;
  or_status_t status = function(call);
  call->budget = NULL;
  call->cancel = NULL;
  graph->fold_work += given - budget;
  *enough = or_ok(status) || budget > 0 || or_status_code(status) != OR_RESOURCE_EXHAUSTED;
  if (*enough) return status;
  or_status_ignore(status); /* says that it was not */
  return or_status_success();
}

bool or_shape_is_within(const or_shape_t *shape, uint64_t limit) {
  uint64_t product = 1;
  for (int32_t i = 0; i < shape->rank; ++i) {
    if (shape->dims[i] > 0 && __builtin_mul_overflow(product, (uint64_t)shape->dims[i], &product)) return false;
  }
  return product <= limit && product <= INT64_MAX;
}
