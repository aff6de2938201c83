#ifndef OR_OPS_RANDOM_H
#define OR_OPS_RANDOM_H
/* Random tensors. With the attribute `seed` the same numbers in every run on every machine, whatever the dtype rounds
 * them to (draw.h); without one others in every run. Nodes of one seed draw the same numbers.
 *
 * RandomNormal (ONNX ai.onnx 1, 22): Y of the attribute `shape` and `dtype` (float32 if it is absent): mean + scale
 * z, z of the normal distribution. mean is finite, scale finite and not negative.
 * RandomUniform (1, 22): low + (high - low) u, u a multiple of 2^-p in [0, 1), p the bits of the dtype's significand,
 * so that from 0 to 1 no draw is 1. low <= high, both finite.
 * RandomNormalLike, RandomUniformLike (1, 22): the same in the shape of the input (any dtype of fixed width, or
 * string), and in its dtype where `dtype` is absent.
 * Y of these four: float16 bfloat16 float32 float64.
 *
 * Bernoulli (15, 22): Y[i] is 1 with the probability X[i], else 0: below 0 and NaN 0, above 1 always 1. X: float16
 * bfloat16 float32 float64; Y in X's shape: `dtype`, or X's; any of X's, an integer of 8 to 64 bits, or bool.
 *
 * Multinomial (7, 22): X [N, C], C > 0, logarithms of the classes' probabilities without their common factor; Y [N,
 * sample_size], int32 (default) or int64: each a class in 0..C-1. Classes of +infinity share the whole of the
 * probability. A row that has NaN, or -infinity only, is refused when it is drawn from. */

#include "ops/op.h"

extern const or_op_t or_op_random_normal;
extern const or_op_t or_op_random_uniform;
extern const or_op_t or_op_random_normal_like;
extern const or_op_t or_op_random_uniform_like;
extern const or_op_t or_op_bernoulli;
extern const or_op_t or_op_multinomial;

#endif
