#ifndef OR_OPS_REGEX_FULL_MATCH_H
#define OR_OPS_REGEX_FULL_MATCH_H
/* RegexFullMatch (ONNX ai.onnx 20): Y[i], bool, is whether all of the text X[i] matches the attribute `pattern`, a
 * regular expression in RE2's syntax (ops/regex.h). */

#include "ops/op.h"

extern const or_op_t or_op_regex_full_match;

#endif
