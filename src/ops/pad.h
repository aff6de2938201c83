#ifndef OR_OPS_PAD_H
#define OR_OPS_PAD_H
/* Pad (ONNX ai.onnx 1, 2, 11, 13, 18, 19, 21, 23, 24, 25): elements added before and after each axis, or taken away
 * where a pad is negative. `mode`: constant (a value, default 0), reflect (without repeating the edge), edge, wrap
 * (from 19 on). pads: begins of all axes, then ends: int64 [2 n], from 11 on input 1, before it the attribute `pads`
 * (version 1: `paddings`); the value is input 2, before 11 the attribute `value`; axes (from 18 on) is input 3, int32
 * or int64. data: any fixed-width dtype or string (since 13; padded with ""). */

#include "ops/op.h"

extern const or_op_t or_op_pad;

#endif
