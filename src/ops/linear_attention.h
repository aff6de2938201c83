#ifndef OR_OPS_LINEAR_ATTENTION_H
#define OR_OPS_LINEAR_ATTENTION_H
/* LinearAttention (ONNX ai.onnx 27): attention without a softmax, by a state S [Dk,Dv] of each head of keys that is
 * moved on position by position:
 *
 *   linear       S = S + k v^T               gated        S = e^g S + k v^T
 *   delta        S = S + b k (v - S^T k)^T   gated_delta  (the default) the same with e^g S in the place of S
 *
 * and after it y = scale S^T q. query [B,T,Hq*Dk], key [B,T,Hkv*Dk], value [B,T,Hkv*Dv], past_state [B,Hkv,Dk,Dv]
 * (optional, zeros), decay g [B,T,Hkv*Dk] or [B,T,Hkv] (one for all keys), beta b [B,T,Hkv] or [B,T,1] -> output
 * [B,T,Hq*Dv], present_state [B,Hkv,Dk,Dv]. Hq is a multiple of Hkv; neighbouring heads of queries share one of keys.
 * decay is given where the rule is gated and beta where it has a delta, and not elsewhere.
 *
 * float16 bfloat16 float32 (float64 too); the states have a type of their own, the queries' where no past_state is
 * given. scale 0, the default, is 1 / sqrt(Dk); chunk_size is a hint that is not taken. */

#include "ops/op.h"

extern const or_op_t or_op_linear_attention;

#endif
