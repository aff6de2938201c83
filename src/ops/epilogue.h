#ifndef OR_OPS_EPILOGUE_H
#define OR_OPS_EPILOGUE_H
/* What may follow a product or a convolution in one step, as kernels of every backend see it. */

/* Elementwise functions that can follow a product. NaN stays NaN in each. */
typedef enum or_act_kind_t {
  OR_ACT_NONE = 0,
  OR_ACT_RELU,
  OR_ACT_CLIP, /* to [lo, hi] */
  OR_ACT_SIGMOID,
  OR_ACT_TANH,
  OR_ACT_GELU_ERF,
  OR_ACT_GELU_TANH,
  OR_ACT_SILU,
  OR_ACT_HARD_SWISH,   /* x clip(x + 3, 0, 6) / 6 */
  OR_ACT_LEAKY_RELU,   /* x, or lo x where x < 0 */
  OR_ACT_HARD_SIGMOID, /* clip(lo x + hi, 0, 1) */
  OR_ACT_COUNT,
} or_act_kind_t;

typedef struct or_act_t {
  or_act_kind_t kind;
  float lo; /* and hi: the parameters of the kinds above that name them */
  float hi;
} or_act_t;

#endif
