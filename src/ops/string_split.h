#ifndef OR_OPS_STRING_SPLIT_H
#define OR_OPS_STRING_SPLIT_H
/* StringSplit (ONNX ai.onnx 20): the pieces of each text between delimiters. X: any shape; Y: X's shape and one more
 * dimension, as long as the most pieces that a text has, the others filled up with ""; Z, int64 of X's shape: how many
 * pieces each text has.
 *
 * With a delimiter each occurrence, from the left, ends a piece, which may be empty; a text without any is one piece.
 * Without one (or with "") pieces lie between runs of white space, and none is empty: Unicode's White_Space and U+001C
 * to U+001F, as in Python's str.split. maxsplit: at most so many cuts from the left, the rest is the last piece,
 * without white space at its end where there is no delimiter; negative: as many as there are. */

#include "ops/op.h"

extern const or_op_t or_op_string_split;

#endif
