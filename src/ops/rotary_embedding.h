#ifndef OR_OPS_ROTARY_EMBEDDING_H
#define OR_OPS_ROTARY_EMBEDDING_H
/* RotaryEmbedding (ONNX ai.onnx 23; Su et al., "RoFormer: Enhanced transformer with rotary position embedding", 2021):
 * pairs of each head's elements turned by an angle of their token's position: (a cos - b sin, b cos + a sin). A pair is
 * i and i + half, or 2i and 2i + 1 if `interleaved`; only the first `rotary_embedding_dim` elements (0: all) are
 * turned.
 *
 * X: [B, heads, S, D], or [B, S, heads D] with attribute num_heads; float16 bfloat16 float32 (float64 too). cos_cache,
 * sin_cache: X's dtype, [positions, half] with position_ids (int64 [B, S]), else [B, S, half]. Y: X's shape and dtype.
 * */

#include "ops/op.h"

extern const or_op_t or_op_rotary_embedding;

#endif
