#include <math.h>

#include "ops/activation_internal.h"

#define REAL(name, ...)                                                              \
  static void name##_real(double *x, size_t count, const or_unary_parameters_t *p) { \
    (void)p;                                                                         \
    for (size_t i = 0; i < count; ++i) {                                             \
      const double v = x[i];                                                         \
      x[i] = (__VA_ARGS__);                                                          \
    }                                                                                \
  }

static double sigmoid(double v) { return v >= 0 ? 1 / (1 + exp(-v)) : exp(v) / (1 + exp(v)); }
static double softplus(double v) { return v > 0 ? v + log1p(exp(-v)) : log1p(exp(v)); }
/* 0 below, 1 above, NaN kept. */
static double unit(double v) { return v < 0 ? 0 : v > 1 ? 1 : v; }
static double gelu(double v) { return 0.5 * v * erfc(-v * 0.70710678118654752440); }
static double gelu_tanh(double v) { return 0.5 * v * (1 + tanh(0.79788456080286535588 * (v + 0.044715 * v * v * v))); }

REAL(relu, v < 0 ? 0 : v)
REAL(sigmoid, sigmoid(v))
REAL(tanh, tanh(v))
REAL(exp, exp(v))
REAL(log, log(v))
REAL(sqrt, sqrt(v))
REAL(abs, fabs(v))
REAL(neg, -v)
REAL(reciprocal, 1 / v)
REAL(erf, erf(v))
REAL(gelu, p->tanh_form ? gelu_tanh(v) : gelu(v))
REAL(hard_sigmoid, unit(p->alpha *v + p->beta))
REAL(hard_swish, unit(v / 6 + 0.5) * v)
REAL(elu, v < 0 ? p->alpha * expm1(v) : v)
REAL(celu, v < 0 ? p->alpha * expm1(v / p->alpha) : v)
REAL(selu, p->beta *(v > 0 ? v : p->alpha * expm1(v)))
REAL(leaky_relu, v < 0 ? p->alpha * v : v)
REAL(thresholded_relu, v > p->alpha ? v : 0)
REAL(softplus, softplus(v))
REAL(softsign, v / (1 + fabs(v)))
REAL(mish, tanh(softplus(v)) * v)
REAL(swish, sigmoid(v * p->alpha) * v)
REAL(sin, sin(v))
REAL(cos, cos(v))
REAL(tan, tan(v))
REAL(asin, asin(v))
REAL(acos, acos(v))
REAL(atan, atan(v))
REAL(sinh, sinh(v))
REAL(cosh, cosh(v))
REAL(asinh, asinh(v))
REAL(acosh, acosh(v))
REAL(atanh, atanh(v))
REAL(shrink, v<-p->alpha ? v + p->beta : v> p->alpha ? v - p->beta : 0)
REAL(floor, floor(v))
REAL(ceil, ceil(v))
REAL(round, rint(v))
REAL(sign, v > 0 ? 1 : v < 0 ? -1 : v)

static void relu_integer(or_lanes_t *x, size_t count, or_lane_kind_t kind) {
  for (size_t i = 0; i < count && kind == OR_LANE_INTEGER; ++i) x->integer[i] = x->integer[i] < 0 ? 0 : x->integer[i];
}

static void abs_integer(or_lanes_t *x, size_t count, or_lane_kind_t kind) {
  for (size_t i = 0; i < count && kind == OR_LANE_INTEGER; ++i) {
    if (x->integer[i] < 0)
      x->natural[i] = 0 - x->natural[i]; /* the least value stays: modulo 2^64 it has no opposite */
  }
}

static void neg_integer(or_lanes_t *x, size_t count, or_lane_kind_t kind) {
  (void)kind;
  for (size_t i = 0; i < count; ++i) x->natural[i] = 0 - x->natural[i];
}

static void sign_integer(or_lanes_t *x, size_t count, or_lane_kind_t kind) {
  for (size_t i = 0; i < count; ++i) {
    bool negative = kind == OR_LANE_INTEGER && x->integer[i] < 0;
    x->integer[i] = negative ? -1 : x->natural[i] != 0;
  }
}

#define SIMPLE 1 /* flops of a comparison or an addition, and of a function from the C library */
#define LIBRARY 16

static const or_unary_t functions[] = {
    {&or_op_relu, relu_real, relu_integer, SIMPLE, 0, 0},
    {&or_op_sigmoid, sigmoid_real, NULL, LIBRARY, 0, 0},
    {&or_op_tanh, tanh_real, NULL, LIBRARY, 0, 0},
    {&or_op_exp, exp_real, NULL, LIBRARY, 0, 0},
    {&or_op_log, log_real, NULL, LIBRARY, 0, 0},
    {&or_op_sqrt, sqrt_real, NULL, SIMPLE, 0, 0},
    {&or_op_abs, abs_real, abs_integer, SIMPLE, 0, 0},
    {&or_op_neg, neg_real, neg_integer, SIMPLE, 0, 0},
    {&or_op_reciprocal, reciprocal_real, NULL, SIMPLE, 0, 0},
    {&or_op_erf, erf_real, NULL, LIBRARY, 0, 0},
    {&or_op_gelu, gelu_real, NULL, LIBRARY, 0, 0},
    {&or_op_hard_sigmoid, hard_sigmoid_real, NULL, 4 * SIMPLE, 0.2F, 0.5F},
    {&or_op_hard_swish, hard_swish_real, NULL, 5 * SIMPLE, 0, 0},
    {&or_op_elu, elu_real, NULL, LIBRARY, 1, 0},
    {&or_op_celu, celu_real, NULL, LIBRARY, 1, 0},
    {&or_op_selu, selu_real, NULL, LIBRARY, 1.67326319217681884765625F, 1.05070102214813232421875F},
    {&or_op_leaky_relu, leaky_relu_real, NULL, 2 * SIMPLE, 0.01F, 0},
    {&or_op_thresholded_relu, thresholded_relu_real, NULL, SIMPLE, 1, 0},
    {&or_op_softplus, softplus_real, NULL, 2 * LIBRARY, 0, 0},
    {&or_op_softsign, softsign_real, NULL, 3 * SIMPLE, 0, 0},
    {&or_op_mish, mish_real, NULL, 3 * LIBRARY, 0, 0},
    {&or_op_swish, swish_real, NULL, LIBRARY, 1, 0},
    {&or_op_sin, sin_real, NULL, LIBRARY, 0, 0},
    {&or_op_cos, cos_real, NULL, LIBRARY, 0, 0},
    {&or_op_tan, tan_real, NULL, LIBRARY, 0, 0},
    {&or_op_asin, asin_real, NULL, LIBRARY, 0, 0},
    {&or_op_acos, acos_real, NULL, LIBRARY, 0, 0},
    {&or_op_atan, atan_real, NULL, LIBRARY, 0, 0},
    {&or_op_sinh, sinh_real, NULL, LIBRARY, 0, 0},
    {&or_op_cosh, cosh_real, NULL, LIBRARY, 0, 0},
    {&or_op_asinh, asinh_real, NULL, LIBRARY, 0, 0},
    {&or_op_acosh, acosh_real, NULL, LIBRARY, 0, 0},
    {&or_op_atanh, atanh_real, NULL, LIBRARY, 0, 0},
    {&or_op_shrink, shrink_real, NULL, 2 * SIMPLE, 0.5F, 0},
    {&or_op_floor, floor_real, NULL, SIMPLE, 0, 0},
    {&or_op_ceil, ceil_real, NULL, SIMPLE, 0, 0},
    {&or_op_round, round_real, NULL, SIMPLE, 0, 0},
    {&or_op_sign, sign_real, sign_integer, SIMPLE, 0, 0},
};

const or_unary_t *or_unary_of(const or_op_t *op) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i) {
    if (functions[i].op == op) return &functions[i];
  }
  return NULL;
}
