#ifndef OR_OPS_CONSTANT_H
#define OR_OPS_CONSTANT_H
/* Values from the model itself.
 *
 * Constant (ai.onnx 1, 9, 11, 12, 13, 19, 21, 23, 24, 25): exactly one of the attributes value (a tensor), value_float,
 * value_floats, value_int, value_ints, value_string, value_strings; sparse_value is refused by name. ConstantOfShape
 * (9, 20, 21, 23, 24, 25): the one element of attribute `value` (float32 0 without it) in every place of the shape that
 * input 0 says. */

#include "ops/op.h"

extern const or_op_t or_op_constant, or_op_constant_of_shape;

#endif
