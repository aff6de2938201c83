/* The table of each level, and the choice between them. */
#include "backends/cpu/kernels/levels_internal.h"
#include "or_config.h"

#define BINARY_F32(name, L) {or_f32_##name##_vv_##L, or_f32_##name##_vs_##L, or_f32_##name##_sv_##L},
#define BINARY_F64(name, L) {or_f64_##name##_vv_##L, or_f64_##name##_vs_##L, or_f64_##name##_sv_##L},
#define VECTORS(P, L, BINARY)                                                                                   \
  {                                                                                                             \
    .fill = or_##P##_fill_##L, .binary = {OR_BINARY_LIST(BINARY, L)}, .axpy = or_##P##_axpy_##L,                \
    .scale = or_##P##_scale_##L, .triad = or_##P##_triad_##L, .dot = or_##P##_dot_##L, .sum = or_##P##_sum_##L, \
    .sum_squares = or_##P##_sum_squares_##L, .abs_max = or_##P##_abs_max_##L, .max = or_##P##_max_##L,          \
    .min = or_##P##_min_##L                                                                                     \
  }
#define UNARY(name, L) or_unary_##name##_##L,
#define REDUCE_ROWS(name, L) or_reduce_rows_##name##_##L,
#define REDUCE_COLUMNS(name, L) or_reduce_columns_##name##_##L,

/* What all tables of one family share; the products and the peaks that differ are given beside it. */
#define COMMON(L)                                                                                                \
  .gemm_f32 = &or_gemm_f32_##L, .gemm_f64 = &or_gemm_f64_##L, .gemm_f16 = &or_gemm_f16_##L, .copy = or_copy_##L, \
  .f32 = VECTORS(f32, L, BINARY_F32), .f64 = VECTORS(f64, L, BINARY_F64), .unary = {OR_UNARY_LIST(UNARY, L)},    \
  .clip = or_clip_##L, .leaky_relu = or_leaky_relu_##L, .hard_sigmoid = or_hard_sigmoid_##L,                     \
  .rows = {.softmax = or_softmax_##L,                                                                            \
           .log_softmax = or_log_softmax_##L,                                                                    \
           .softmax_step = or_softmax_step_##L,                                                                  \
           .softmax_columns = or_softmax_columns_##L,                                                            \
           .log_softmax_columns = or_log_softmax_columns_##L,                                                    \
           .layer_norm = or_layer_norm_##L,                                                                      \
           .reduce_rows = {OR_REDUCE_LIST(REDUCE_ROWS, L)},                                                      \
           .reduce_columns = {OR_REDUCE_LIST(REDUCE_COLUMNS, L)}},                                               \
  .convert = {.f16_to_f32 = or_f16_to_f32_##L,                                                                   \
              .f32_to_f16 = or_f32_to_f16_##L,                                                                   \
              .bf16_to_f32 = or_bf16_to_f32_##L,                                                                 \
              .f32_to_bf16 = or_f32_to_bf16_##L,                                                                 \
              .quantize_u8 = or_quantize_u8_##L,                                                                 \
              .quantize_s8 = or_quantize_s8_##L,                                                                 \
              .dequantize_u8 = or_dequantize_u8_##L,                                                             \
              .dequantize_s8 = or_dequantize_s8_##L,                                                             \
              .s32_to_f32 = or_s32_to_f32_##L,                                                                   \
              .requantize_u8 = or_requantize_u8_##L,                                                             \
              .requantize_s8 = or_requantize_s8_##L,                                                             \
              .sum_u8 = or_sum_u8_##L,                                                                           \
              .sum_s8 = or_sum_s8_##L,                                                                           \
              .add_s8 = or_add_s8_##L},                                                                          \
  .transpose = or_transpose_##L, .window = {or_max_pool_##L, or_average_pool_##L, or_depthwise_##L},             \
  .fft_f32 = &or_f32_fft_##L, .fft_f64 = &or_f64_fft_##L

#define MEASURE(L, bf16, int8) \
  { or_peak_f32_##L, or_peak_f64_##L, bf16, int8, or_read_sum_##L }

static const or_cpu_kernels_t portable = {.name = "portable",
                                          .needs = 0,
                                          .vector_bytes = 16,
                                          .gemm_bf16 = &or_gemm_bf16_portable,
                                          .gemm_u8s8 = &or_gemm_u8s8_portable,
                                          .gemm_s8s8 = &or_gemm_s8s8_portable,
                                          COMMON(portable),
                                          .measure = MEASURE(portable, NULL, NULL)};

#if OR_HAVE_AVX2
static const or_cpu_kernels_t avx2 = {.name = "avx2",
                                      .needs = OR_CPU_AVX2 | OR_CPU_FMA | OR_CPU_F16C,
                                      .vector_bytes = 32,
                                      .gemm_bf16 = &or_gemm_bf16_avx2,
                                      .gemm_u8s8 = &or_gemm_u8s8_avx2,
                                      .gemm_s8s8 = &or_gemm_s8s8_avx2,
                                      COMMON(avx2),
                                      .measure = MEASURE(avx2, NULL, NULL)};
#endif

#define AVX512_NEEDS                                                                                               \
  (OR_CPU_AVX2 | OR_CPU_FMA | OR_CPU_F16C | OR_CPU_AVX512F | OR_CPU_AVX512BW | OR_CPU_AVX512DQ | OR_CPU_AVX512VL | \
   OR_CPU_AVX512VNNI)

#if OR_HAVE_AVX512
static const or_cpu_kernels_t avx512 = {.name = "avx512",
                                        .needs = AVX512_NEEDS,
                                        .vector_bytes = 64,
                                        .gemm_bf16 = &or_gemm_bf16_avx512,
                                        .gemm_u8s8 = &or_gemm_u8s8_avx512,
                                        .gemm_s8s8 = &or_gemm_s8s8_avx512,
                                        COMMON(avx512),
                                        .measure = MEASURE(avx512, NULL, or_peak_int8_avx512)};
#endif

#if OR_HAVE_AVX512 && OR_HAVE_AVX512BF16
static const or_cpu_kernels_t avx512_bf16 = {.name = "avx512_bf16",
                                             .needs = AVX512_NEEDS | OR_CPU_AVX512BF16,
                                             .vector_bytes = 64,
                                             .gemm_bf16 = &or_gemm_bf16_avx512bf16,
                                             .gemm_f32_bf16 = &or_gemm_f32_bf16_avx512bf16,
                                             .gemm_u8s8 = &or_gemm_u8s8_avx512,
                                             .gemm_s8s8 = &or_gemm_s8s8_avx512,
                                             COMMON(avx512),
                                             .measure = MEASURE(avx512, or_peak_bf16_avx512bf16, or_peak_int8_avx512)};
#endif

#if OR_HAVE_AVX512 && OR_HAVE_AMX
static const or_cpu_kernels_t amx = {.name = "amx",
                                     .needs = AVX512_NEEDS | OR_CPU_AVX512BF16 | OR_CPU_AMX_TILE | OR_CPU_AMX_BF16 |
                                              OR_CPU_AMX_INT8,
                                     .vector_bytes = 64,
                                     .gemm_bf16 = &or_gemm_bf16_amx,
                                     .gemm_f32_bf16 = &or_gemm_f32_bf16_amx,
                                     .gemm_u8s8 = &or_gemm_u8s8_amx,
                                     .gemm_s8s8 = &or_gemm_s8s8_amx,
                                     COMMON(avx512),
                                     .measure = MEASURE(avx512, or_peak_bf16_amx, or_peak_int8_amx)};
#endif

#if OR_HAVE_NEON
static const or_cpu_kernels_t neon = {.name = "neon",
                                      .needs = OR_CPU_NEON,
                                      .vector_bytes = 16,
                                      .gemm_bf16 = &or_gemm_bf16_neon,
                                      .gemm_u8s8 = &or_gemm_u8s8_portable,
                                      .gemm_s8s8 = &or_gemm_s8s8_portable,
                                      COMMON(neon),
                                      .measure = MEASURE(neon, NULL, NULL)};
#endif

static const or_cpu_kernels_t *const levels[] = {
    &portable,
#if OR_HAVE_AVX2
    &avx2,
#endif
#if OR_HAVE_AVX512
    &avx512,
#endif
#if OR_HAVE_AVX512 && OR_HAVE_AVX512BF16
    &avx512_bf16,
#endif
#if OR_HAVE_AVX512 && OR_HAVE_AMX
    &amx,
#endif
#if OR_HAVE_NEON
    &neon,
#endif
};

const or_cpu_kernels_t *or_cpu_kernels_level(size_t index) {
  return index < sizeof levels / sizeof levels[0] ? levels[index] : NULL;
}

const or_cpu_kernels_t *or_cpu_kernels_select(or_cpu_features_t features) {
  const or_cpu_kernels_t *best = levels[0];
  for (size_t i = 1; i < sizeof levels / sizeof levels[0]; ++i) {
    if ((levels[i]->needs & ~features) == 0) best = levels[i];
  }
  return best;
}

or_cpu_unary_fn or_cpu_kernels_activation(const or_cpu_kernels_t *kernels, or_act_kind_t kind) {
  switch (kind) {
  case OR_ACT_RELU: return kernels->unary[OR_CPU_UNARY_RELU];
  case OR_ACT_SIGMOID: return kernels->unary[OR_CPU_UNARY_SIGMOID];
  case OR_ACT_TANH: return kernels->unary[OR_CPU_UNARY_TANH];
  case OR_ACT_GELU_ERF: return kernels->unary[OR_CPU_UNARY_GELU_ERF];
  case OR_ACT_GELU_TANH: return kernels->unary[OR_CPU_UNARY_GELU_TANH];
  case OR_ACT_SILU: return kernels->unary[OR_CPU_UNARY_SILU];
  case OR_ACT_HARD_SWISH: return kernels->unary[OR_CPU_UNARY_HARD_SWISH];
  case OR_ACT_NONE:
  case OR_ACT_CLIP:
  case OR_ACT_LEAKY_RELU:
  case OR_ACT_HARD_SIGMOID:
  case OR_ACT_COUNT: break;
  }
  return NULL;
}

void or_cpu_activate(const or_cpu_kernels_t *kernels, const or_act_t *act, size_t n, const float *x, float *y) {
  or_cpu_unary_fn function = or_cpu_kernels_activation(kernels, act->kind);
  if (function != NULL) {
    function(n, x, y);
  } else if (act->kind == OR_ACT_CLIP) {
    kernels->clip(n, act->lo, act->hi, x, y);
  } else if (act->kind == OR_ACT_LEAKY_RELU) {
    kernels->leaky_relu(n, act->lo, x, y);
  } else if (act->kind == OR_ACT_HARD_SIGMOID) {
    kernels->hard_sigmoid(n, act->lo, act->hi, x, y);
  } else if (x != y) {
    kernels->copy(n * sizeof *x, x, y, false);
  }
}
