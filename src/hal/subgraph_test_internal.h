#ifndef OR_HAL_SUBGRAPH_TEST_INTERNAL_H
#define OR_HAL_SUBGRAPH_TEST_INTERNAL_H
/* For the tests of this folder: subgraphs of a few values that are all of one size, from X to what the test says. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fake/expect.h"
#include "hal/device.h"

enum { X, A, B, C, Y, W, VALUES };
#define BYTES 400
#define PLACE 448 /* BYTES, aligned to 64 */

static or_value_info_t values[VALUES];
static const float weights[BYTES / sizeof(float)] = {1, 2, 3};
static const or_constant_t weight = {.dtype = OR_FLOAT32, .bytes = BYTES, .hash = 5, .data = weights}; /* W's */

static inline void reset_values(void) {
  for (int v = 0; v < VALUES; ++v) {
    values[v] =
        (or_value_info_t){.name = "v", .dtype = OR_FLOAT32, .shape = or_shape_make(1, (const int64_t[]){BYTES / 4})};
  }
  values[W].constant = &weight;
}

#define NODE(from, to)                                                                                  \
  {                                                                                                     \
    .name = "n", .domain = "", .op = "Relu", .inputs = (const or_value_id_t[]){from}, .input_count = 1, \
    .outputs = (const or_value_id_t[]){to}, .output_count = 1                                           \
  }

static const or_value_id_t last[] = {Y};

static inline or_subgraph_t subgraph_of(const or_node_t *nodes, uint32_t count, const or_value_id_t *outputs,
                                        uint32_t output_count) {
  static const or_value_id_t inputs[] = {X};
  return (or_subgraph_t){.values = values,
                         .value_count = VALUES,
                         .nodes = nodes,
                         .node_count = count,
                         .inputs = inputs,
                         .input_count = 1,
                         .outputs = outputs,
                         .output_count = output_count};
}

#endif
