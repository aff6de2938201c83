/* Operators on text, sequences and optionals, as far as backends see tensors of numbers in them. */
#include "cts/op_case.h"

/* Before version 18 it takes optionals only. */
void cts_generate_optional(cts_generator_t *g) {
  if (g->version < 18) return;
  CTS_EACH_DTYPE(g->op, dtype) {
    cts_op_case_t it = cts_op_case(g, "");
    cts_input(&it, dtype, SHAPE(3, 5));
    cts_emit(g, &it);
  }
}
