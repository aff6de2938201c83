#ifndef OR_OPS_STRING_NORMALIZER_H
#define OR_OPS_STRING_NORMALIZER_H
/* StringNormalizer (ONNX ai.onnx 10): texts without stop words, in lower or upper case. X: [C] or [1, C]; Y: what is
 * left of it, [n] or [1, n], or one "" where nothing is.
 *
 * A text goes if it is one of `stopwords`; unless is_case_sensitive (default 0) without regard to case. Then
 * case_change_action (NONE, LOWER, UPPER) is applied. Case is Unicode's simple one, character by character, and the
 * same in every `locale`, except that in Turkish and Azerbaijani (tr, az) i and I have and lack their dots as they do
 * there. What is not UTF-8 stays. */

#include "ops/op.h"

extern const or_op_t or_op_string_normalizer;

#endif
