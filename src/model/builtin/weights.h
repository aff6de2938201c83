#ifndef OR_MODEL_BUILTIN_WEIGHTS_H
#define OR_MODEL_BUILTIN_WEIGHTS_H
/* Where the builder of a network gets its parameters from: generated ones, or those of a file. */

#include "graph/graph.h"

/* A parameter as the network's own module has it: PyTorch's name, layout and extents. */
typedef struct or_weight_request_t {
  const char *name; /* "encoder.layer.0.output.dense.weight" */
  or_dtype_t dtype; /* that the graph wants; a file's elements are converted */
  or_shape_t shape; /* static, as the module has it */
  bool transposed;  /* of a matrix: its two extents exchanged, the first operand's rows times this */
  /* Of generated values: uniform in mean +- sqrt(3) deviation. */
  float mean, deviation;
} or_weight_request_t;

#define OR_WEIGHT_RESIDENT_BYTES ((size_t)4096) /* parameters up to this are kept in memory */

typedef struct or_weight_source_t or_weight_source_t;
struct or_weight_source_t {
  /* A constant of the parameter's bytes, in `graph`'s arena; it is read on demand unless it is small, and what it reads
   * from is kept by `graph`. NOT_FOUND; INVALID_ARGUMENT: another shape; RESOURCE_EXHAUSTED. */
  or_status_t (*find)(or_weight_source_t *self, or_graph_t *graph, const or_weight_request_t *request,
                      const or_constant_t **out);
};

/* Generated parameters: element i of a tensor is a hash of (seed, name, i), so that any part of it can be made at any
 * time, by any thread, the same on every machine, and nothing is kept. float32. */
typedef struct or_synthetic_weights_t {
  or_weight_source_t base; /* first: what builders are given */
  uint64_t seed;
} or_synthetic_weights_t;
void or_synthetic_weights_init(or_synthetic_weights_t *weights, uint64_t seed);
#define OR_SYNTHETIC_MAX_ELEMENTS ((uint64_t)UINT32_MAX) /* of one tensor: its counter has 32 bits */

#endif
