#ifndef OR_OPS_CAST_H
#define OR_OPS_CAST_H
/* Another dtype for the same numbers. Cast (ai.onnx 1, 6, 9, 13, 19, 21, 23, 24, 25, 28) to the attribute `to`
 * (TensorProto.DataType's number; the string of version 1 is refused), CastLike (15, 19, 21, 23, 24, 25) to input 1's
 * dtype.
 *
 * Between every numeric dtype, bool, the 8-bit floats and the 4-bit types, and to and from text. Rounding is to
 * nearest even, once. Integers to narrower integers keep the low bits. Floating point to integers truncates; what ONNX
 * leaves undefined is defined here: NaN gives 0, a value beyond the range its nearest end. To 8-bit floats a value
 * beyond the range saturates, or with saturate = 0 becomes infinity (NaN where the type has none).
 *
 * Text (since 9) of floating-point numbers has the fewest digits that read back the same (as float32, of narrower
 * types), plain or with an exponent where C's %g has one; "NaN", "INF", "-INF"; of bools "1" and "0". Text becomes a
 * number as strtod reads it, in any locale and without hexadecimals, white space around it allowed and nothing else:
 * decimals, NaN, INF, Infinity in any case. Whole numbers are read exactly, other ones and NaN become integers as
 * floating-point numbers do. INVALID_ARGUMENT: an element that is no number, a whole one beyond 64 bits. */

#include "ops/op.h"

extern const or_op_t or_op_cast, or_op_cast_like;

#endif
