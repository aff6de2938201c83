/* The parts of each level's table: every level has every function, named or_<function>_<level>. kernels.c puts the
 * tables together. */
#ifndef OR_BACKENDS_CPU_KERNELS_LEVELS_INTERNAL_H
#define OR_BACKENDS_CPU_KERNELS_LEVELS_INTERNAL_H

#include "backends/cpu/kernels/fft_internal.h"
#include "backends/cpu/kernels/gemm_internal.h"

/* The lists that declarations and tables are made from. X(name, L) for each. */
#define OR_BINARY_LIST(X, L) X(add, L) X(sub, L) X(mul, L) X(div, L) X(max, L) X(min, L)
#define OR_UNARY_LIST(X, L) \
  X(relu, L)                \
  X(exp, L)                 \
  X(log, L)                 \
  X(sigmoid, L)             \
  X(tanh, L)                \
  X(erf, L) X(gelu_erf, L) X(gelu_tanh, L) X(silu, L) X(hard_swish, L) X(sqrt, L) X(reciprocal, L) X(neg, L) X(abs, L)
#define OR_REDUCE_LIST(X, L) X(sum, L) X(mean, L) X(max, L) X(min, L)
#define OR_GEMM_LIST(X, L) X(f32, L) X(f64, L) X(bf16, L) X(f16, L) X(u8s8, L) X(s8s8, L)

#define OR_DECLARE_BINARY(name, T, P, L)                                              \
  void or_##P##_##name##_vv_##L(size_t n, const T *x, const T *y, T *z, bool stream); \
  void or_##P##_##name##_vs_##L(size_t n, const T *x, const T *y, T *z, bool stream); \
  void or_##P##_##name##_sv_##L(size_t n, const T *x, const T *y, T *z, bool stream);
#define OR_DECLARE_BINARY_F32(name, L) OR_DECLARE_BINARY(name, float, f32, L)
#define OR_DECLARE_BINARY_F64(name, L) OR_DECLARE_BINARY(name, double, f64, L)
#define OR_DECLARE_VECTORS(T, P, L)                                                      \
  void or_##P##_fill_##L(size_t n, T value, T *y, bool stream);                          \
  void or_##P##_axpy_##L(size_t n, T alpha, const T *x, T *y);                           \
  void or_##P##_scale_##L(size_t n, T alpha, const T *x, T *y, bool stream);             \
  void or_##P##_triad_##L(size_t n, T alpha, const T *x, const T *y, T *z, bool stream); \
  double or_##P##_dot_##L(size_t n, const T *x, const T *y);                             \
  double or_##P##_sum_##L(size_t n, const T *x);                                         \
  double or_##P##_sum_squares_##L(size_t n, const T *x);                                 \
  T or_##P##_abs_max_##L(size_t n, const T *x);                                          \
  T or_##P##_max_##L(size_t n, const T *x);                                              \
  T or_##P##_min_##L(size_t n, const T *x);
#define OR_DECLARE_UNARY(name, L) void or_unary_##name##_##L(size_t n, const float *x, float *y);
#define OR_DECLARE_REDUCE(name, L)                                                              \
  void or_reduce_rows_##name##_##L(size_t rows, size_t n, const float *x, size_t ld, float *y); \
  void or_reduce_columns_##name##_##L(size_t rows, size_t columns, const float *x, size_t ld, float *y);
#define OR_DECLARE_GEMM(name, L) extern const or_gemm_ops_t or_gemm_##name##_##L;
#define OR_DECLARE_QUANTIZE(T, S, L)                                                     \
  void or_quantize_##S##_##L(size_t n, const float *x, float scale, int32_t zero, T *y); \
  void or_dequantize_##S##_##L(size_t n, const T *x, float scale, int32_t zero, float *y);

#define OR_DECLARE_LEVEL(L)                                                                                           \
  OR_GEMM_LIST(OR_DECLARE_GEMM, L)                                                                                    \
  OR_BINARY_LIST(OR_DECLARE_BINARY_F32, L)                                                                            \
  OR_BINARY_LIST(OR_DECLARE_BINARY_F64, L)                                                                            \
  OR_DECLARE_VECTORS(float, f32, L)                                                                                   \
  OR_DECLARE_VECTORS(double, f64, L)                                                                                  \
  OR_UNARY_LIST(OR_DECLARE_UNARY, L)                                                                                  \
  OR_REDUCE_LIST(OR_DECLARE_REDUCE, L)                                                                                \
  OR_DECLARE_QUANTIZE(uint8_t, u8, L)                                                                                 \
  OR_DECLARE_QUANTIZE(int8_t, s8, L)                                                                                  \
  void or_clip_##L(size_t n, float lo, float hi, const float *x, float *y);                                           \
  void or_leaky_relu_##L(size_t n, float slope, const float *x, float *y);                                            \
  void or_hard_sigmoid_##L(size_t n, float alpha, float beta, const float *x, float *y);                              \
  void or_activate_##L(const or_act_t *act, size_t n, void *y); /* n floats, for or_gemm_ops_t.activate */            \
  void or_softmax_##L(size_t rows, size_t n, const float *x, size_t x_ld, float *y, size_t y_ld);                     \
  void or_log_softmax_##L(size_t rows, size_t n, const float *x, size_t x_ld, float *y, size_t y_ld);                 \
  void or_softmax_step_##L(size_t rows, size_t n, float *x, size_t ld, float *max, double *sum, float *factor);       \
  void or_softmax_columns_##L(size_t k, size_t columns, const float *x, float *y, size_t ld);                         \
  void or_log_softmax_columns_##L(size_t k, size_t columns, const float *x, float *y, size_t ld);                     \
  void or_layer_norm_##L(const or_cpu_layer_norm_t *norm, size_t rows, const float *x, float *y);                     \
  void or_f16_to_f32_##L(size_t n, const uint16_t *x, float *y);                                                      \
  void or_f32_to_f16_##L(size_t n, const float *x, uint16_t *y);                                                      \
  void or_bf16_to_f32_##L(size_t n, const uint16_t *x, float *y);                                                     \
  void or_f32_to_bf16_##L(size_t n, const float *x, uint16_t *y);                                                     \
  void or_s32_to_f32_##L(size_t n, const int32_t *x, float scale, float *y);                                          \
  void or_requantize_u8_##L(size_t n, const int32_t *x, const float *scale, bool one, int32_t zero, uint8_t *y);      \
  void or_requantize_s8_##L(size_t n, const int32_t *x, const float *scale, bool one, int32_t zero, int8_t *y);       \
  int32_t or_sum_u8_##L(size_t n, const uint8_t *x);                                                                  \
  int32_t or_sum_s8_##L(size_t n, const int8_t *x);                                                                   \
  void or_add_s8_##L(size_t n, const int8_t *x, int32_t *y);                                                          \
  void or_transpose_##L(size_t element_bytes, size_t rows, size_t columns, const void *src, size_t src_ld, void *dst, \
                        size_t dst_ld);                                                                               \
  void or_max_pool_##L(const or_cpu_window_t *window, size_t planes, const float *x, float *y);                       \
  void or_average_pool_##L(const or_cpu_average_pool_t *pool, size_t planes, const float *x, float *y);               \
  void or_depthwise_##L(const or_cpu_depthwise_t *conv, size_t begin, size_t end, const float *x, float *y);          \
  extern const or_fft_ops_t or_f32_fft_##L, or_f64_fft_##L;                                                           \
  uint64_t or_peak_f32_##L(uint64_t iterations);                                                                      \
  uint64_t or_peak_f64_##L(uint64_t iterations);                                                                      \
  double or_read_sum_##L(size_t n, const float *x);                                                                   \
  void or_copy_##L(size_t bytes, const void *x, void *y, bool stream);

OR_DECLARE_LEVEL(portable)
OR_DECLARE_LEVEL(avx2)
OR_DECLARE_LEVEL(avx512)
OR_DECLARE_LEVEL(neon)

/* Levels that differ in few functions from the one below them. */
extern const or_gemm_ops_t or_gemm_f32_bf16_avx512bf16, or_gemm_f32_bf16_amx, or_gemm_bf16_avx512bf16, or_gemm_bf16_amx,
    or_gemm_u8s8_amx, or_gemm_s8s8_amx;

/* What the levels with bf16 products share: float32 operands rounded as they are packed (pack_bf16_avx512bf16.c). */
typedef struct or_pack_pairs_t {
  size_t lines, kc; /* rows of A or columns of B; panels of it in or_gemv_bf16_panels */
  size_t line_stride, k_stride;
  size_t panel;   /* lines of a panel */
  size_t k_group; /* depth is padded to a multiple, even */
} or_pack_pairs_t;
/* Panels of [depth / 2][panel] pairs of depth steps. */
void or_pack_bf16_pairs_avx512bf16(const or_pack_pairs_t *pack, const void *src, void *dst);
/* A as AMX takes it: for each 32 steps of depth 32 rows of 64 bytes. Arguments of or_gemm_ops_t.pack_a. */
void or_pack_bf16_rows_avx512bf16(size_t rows, size_t kc, const void *a, size_t row_stride, size_t k_stride, void *dst);
/* y += x B over `pack->lines` packed panels of 32 columns; x in float32 with stride pack->k_stride. */
void or_gemv_bf16_panels_avx512bf16(const or_pack_pairs_t *pack, const void *x, const void *b, void *y);

uint64_t or_peak_int8_avx512(uint64_t iterations);
uint64_t or_peak_bf16_avx512bf16(uint64_t iterations);
uint64_t or_peak_bf16_amx(uint64_t iterations);
uint64_t or_peak_int8_amx(uint64_t iterations);

#endif
