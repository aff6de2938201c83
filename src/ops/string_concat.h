#ifndef OR_OPS_STRING_CONCAT_H
#define OR_OPS_STRING_CONCAT_H
/* StringConcat (ONNX ai.onnx 20): Z = X followed by Y, element by element, broadcast. */

#include "ops/op.h"

extern const or_op_t or_op_string_concat;

#endif
