/* The fp64 product, after gemm_strip_template.h and gemv_template.h. */
#define P_TYPE pack_f64_t
#define P_SRC double
#define P_DST double
#define P_CONVERT(x) (x)
#define P_GROUP 1
#define P_EXACT true
#define P_NAME pack_f64
#include "backends/cpu/kernels/pack_template.h"
P_DEFINE_A(pack_a_f64, G_MR)
P_DEFINE_B(pack_b_f64, G_W *G_NV)

/* Only the clipping kinds, which rows of a matrix-vector product still need; the strips clip by themselves. */
static void activate_f64(const or_act_t *act, size_t n, void *y_any) {
  double *y = y_any;
  const double low = act->kind == OR_ACT_CLIP ? (double)act->lo : 0.0;
  const double high = act->kind == OR_ACT_CLIP ? (double)act->hi : (double)__builtin_inff();
  if (act->kind != OR_ACT_RELU && act->kind != OR_ACT_CLIP) return;
  for (size_t i = 0; i < n; ++i) {
    if (y[i] < low) y[i] = low;
    if (y[i] > high) y[i] = high;
  }
}

const or_gemm_ops_t OR_LEVEL(or_gemm_f64) = {.layout = "f64 " G_SIZE,
                                             .mr = G_MR,
                                             .nr = G_W * G_NV,
                                             .k_group = 1,
                                             .a_bytes = sizeof(double),
                                             .b_bytes = sizeof(double),
                                             .c_bytes = sizeof(double),
                                             .packed_a_bytes = sizeof(double),
                                             .packed_b_bytes = sizeof(double),
                                             .exact_rows = true,
                                             .direct_b = true,
                                             .l1_depth = G_DEPTH,
                                             .pack_a = pack_a_f64,
                                             .pack_b = pack_b_f64,
                                             .strip = strip_f64,
                                             .gemv_rows = gemv_rows,
                                             .gemv_dots = gemv_dots,
                                             .gemv_panels = gemv_panels,
                                             .activate = activate_f64};
