#ifndef OR_OPS_GATHER_H
#define OR_OPS_GATHER_H
/* Elements picked by index along an axis; indices int32 or int64, negative ones from the end (in every version). One
 * outside the extent is INVALID_ARGUMENT from the reference, with its place.
 *
 * Gather (ai.onnx 1, 11, 13): out[a.., i.., b..] = data[a.., indices[i..], b..]. GatherElements (11, 13): out has the
 * shape of indices, which is within that of data but along `axis`. */

#include "ops/op.h"

extern const or_op_t or_op_gather, or_op_gather_elements;

#endif
