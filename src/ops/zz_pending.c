/* Rows of the catalogue whose family is not written yet: found by no name. The file's name puts it last in the library, so that a
 * definition in a family's own file comes first. */
#include "ops/op.h"

#define X(symbol)                      \
  extern const or_op_t or_op_##symbol; \
  __attribute__((weak)) const or_op_t or_op_##symbol = {.domain = "", .name = ""};
#include "ops/ops_list.h"
#undef X
