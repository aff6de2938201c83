#ifndef OR_OPS_SEQUENCE_H
#define OR_OPS_SEQUENCE_H
/* Sequences: lists of tensors of one dtype, whose shapes may differ. The runtime carries these operators out; here is
 * what they make of forms, dtypes and shapes. The shape of a sequence is what is known of each of its tensors.
 *
 * SequenceConstruct (ai.onnx 11): its inputs, tensors of one dtype. SequenceEmpty (11): none of the dtype that the
 * attribute says (float32 without it). SequenceInsert, SequenceErase, SequenceAt (11): at a position, int32 or int64,
 * negative from the end; without it at the end. SequenceLength (11): an int64 scalar.
 * SplitToSequence (11, 24): pieces of a tensor along `axis`: of length `split`, the last one shorter; or of the lengths
 * in a list `split`; without it of length 1, and then without the axis if keepdims is 0.
 * ConcatFromSequence (11): the tensors end to end along `axis`, or along a new one if new_axis is 1. */

#include "ops/op.h"

extern const or_op_t or_op_sequence_construct, or_op_sequence_empty, or_op_sequence_insert, or_op_sequence_erase,
    or_op_sequence_at, or_op_sequence_length, or_op_split_to_sequence, or_op_concat_from_sequence;

#endif
