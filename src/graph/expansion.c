#include "graph/expansion.h"

uint64_t or_graph_model_bytes(const or_graph_t *graph) {
  return graph->model_bytes != 0 ? graph->model_bytes : graph->weight_bytes;
}

static uint64_t scaled(double bytes) { return bytes < 0x1p63 ? (uint64_t)bytes : UINT64_MAX; }

uint64_t or_expansion_limit(const or_expansion_t *expansion) {
  const double ratio = expansion->limits->expansion_ratio;
  const uint64_t least = scaled((double)OR_MODEL_MIN_EXPANSION_BYTES * (ratio < 1 ? ratio : 1));
  const uint64_t most = scaled(ratio * ((double)expansion->weight_bytes + (double)expansion->input_bytes));
  return most > least ? most : least;
}

or_status_t or_expansion_check(const or_expansion_t *expansion, uint64_t more) {
  const uint64_t limit = or_expansion_limit(expansion);
  if (expansion->alive <= limit && more <= limit - expansion->alive) return or_status_success();
  return or_error(
      OR_RESOURCE_EXHAUSTED,
      "%llu bytes beside the %llu that the run holds are more than %llu, the limit by %llu bytes of weights, "
      "%llu of inputs and an expansion of %g: raise limits.expansion_ratio",
      (unsigned long long)more, (unsigned long long)expansion->alive, (unsigned long long)limit,
      (unsigned long long)expansion->weight_bytes, (unsigned long long)expansion->input_bytes,
      expansion->limits->expansion_ratio);
}
