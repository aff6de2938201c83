#ifndef OR_OPS_OPTIONAL_H
#define OR_OPS_OPTIONAL_H
/* Optionals: a tensor or a sequence, or nothing. Where a value is no tensor the runtime carries these operators out.
 *
 * Optional (ai.onnx 15, 28): holds its input; without one it is empty and of the type that the attribute `type` says.
 * OptionalHasElement (15, 18, 28): whether there is something, a bool scalar; since 18 a tensor or a sequence always
 * is, and an input that is left out never. OptionalGetElement (15, 18, 28): what the optional holds, which must be
 * something; since 18 a tensor or a sequence is given back. */

#include "ops/op.h"

extern const or_op_t or_op_optional, or_op_optional_has_element, or_op_optional_get_element;

#endif
