#ifndef OR_OPS_DROPOUT_H
#define OR_OPS_DROPOUT_H
/* Dropout (ONNX ai.onnx 1, 6, 7, 10, 12, 13, 22). At inference the input itself, and a mask of which everything is kept
 * (bool; before 10 of the input's dtype).
 *
 * Since 12, where input 2 (training_mode, bool) is true: each element is kept with the probability 1 - ratio (input 1,
 * a scalar of a floating-point type, at least 0 and below 1, 0.5 where left out) and divided by it, or times 0; the
 * mask says which were kept. The attribute `seed` decides which, without one they are drawn anew in every run (draw.h).
 * ratio 0 keeps everything as it is. Training before 7 (is_test 0) is refused. data: float16 bfloat16 float32 float64,
 * the four float8 types. */

#include "ops/op.h"

extern const or_op_t or_op_dropout;

#endif
