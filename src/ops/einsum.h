#ifndef OR_OPS_EINSUM_H
#define OR_OPS_EINSUM_H
/* Einsum (ONNX ai.onnx 12, 28): sums of products over the labels that the equation's right side leaves out. Letters are
 * labels, case matters; "..." stands for any number of leading dimensions, broadcast; without "->" the labels that
 * occur once are the output's, in the order of ASCII. A label seen twice in a term is the diagonal. Extents of one
 * label are equal, or 1 and broadcast. At most OR_EINSUM_MAX_TERMS operands of one dtype: floating-point types
 * (products and sums in double) and integers (they wrap). */

#include "ops/op.h"

#define OR_EINSUM_MAX_TERMS 16
#define OR_EINSUM_LETTERS 52
#define OR_EINSUM_MAX_LABELS (OR_EINSUM_LETTERS + OR_MAX_RANK) /* letters, then dimensions of the ellipsis */

/* An equation against the shapes of its operands. A label is an index below OR_EINSUM_MAX_LABELS. */
typedef struct or_einsum_t {
  uint32_t term_count;
  uint8_t labels[OR_EINSUM_MAX_TERMS][OR_MAX_RANK]; /* of each dimension of each operand */
  int32_t output_rank;
  uint8_t output[OR_MAX_RANK];
  int64_t extent[OR_EINSUM_MAX_LABELS]; /* OR_DIM_UNKNOWN and symbols as in the shapes */
  bool used[OR_EINSUM_MAX_LABELS];
} or_einsum_t;
/* Ranks must be known. INVALID_ARGUMENT: an equation that does not parse or fit; UNIMPLEMENTED: too many operands. */
or_status_t or_einsum_parse(const or_op_call_t *call, or_einsum_t *out);

extern const or_op_t or_op_einsum;

#endif
