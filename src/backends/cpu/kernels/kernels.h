/* The CPU backend's own compute kernels: pure functions on raw memory, single threaded, no allocation, no failure.
 *
 * Every function works on the slice that it is given, so that a team shares work by passing ranges; functions on
 * disjoint outputs may run on any threads at once. Pointers need the alignment of their element type only. Lengths
 * count elements unless named otherwise; 0 does nothing. Outputs may equal an input exactly (in place) unless a
 * function says otherwise; partial overlap is not allowed.
 *
 * NaN follows ONNX: relu, clip, max, min and the max/min reductions give NaN where an operand is NaN. */
#ifndef OR_BACKENDS_CPU_KERNELS_KERNELS_H
#define OR_BACKENDS_CPU_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/cpu/kernels/cpu_features.h"
#include "backends/cpu/kernels/fft.h"
#include "backends/cpu/kernels/gemm.h"
#include "backends/cpu/kernels/window.h"

typedef enum or_cpu_unary_t {
  OR_CPU_UNARY_RELU,
  OR_CPU_UNARY_EXP,
  OR_CPU_UNARY_LOG,
  OR_CPU_UNARY_SIGMOID,
  OR_CPU_UNARY_TANH,
  OR_CPU_UNARY_ERF,
  OR_CPU_UNARY_GELU_ERF,
  OR_CPU_UNARY_GELU_TANH,
  OR_CPU_UNARY_SILU,
  OR_CPU_UNARY_HARD_SWISH,
  OR_CPU_UNARY_SQRT,
  OR_CPU_UNARY_RECIPROCAL,
  OR_CPU_UNARY_NEG,
  OR_CPU_UNARY_ABS,
  OR_CPU_UNARY_COUNT,
} or_cpu_unary_t;

typedef enum or_cpu_binary_t {
  OR_CPU_BINARY_ADD,
  OR_CPU_BINARY_SUB,
  OR_CPU_BINARY_MUL,
  OR_CPU_BINARY_DIV,
  OR_CPU_BINARY_MAX,
  OR_CPU_BINARY_MIN,
  OR_CPU_BINARY_COUNT,
} or_cpu_binary_t;

/* Which operand of a binary function is one element, used with all of the other. */
typedef enum or_cpu_form_t {
  OR_CPU_VECTOR_VECTOR,
  OR_CPU_VECTOR_SCALAR,
  OR_CPU_SCALAR_VECTOR,
  OR_CPU_FORM_COUNT,
} or_cpu_form_t;

typedef enum or_cpu_reduce_t {
  OR_CPU_REDUCE_SUM,
  OR_CPU_REDUCE_MEAN,
  OR_CPU_REDUCE_MAX, /* of nothing: -inf */
  OR_CPU_REDUCE_MIN, /* of nothing: +inf */
  OR_CPU_REDUCE_COUNT,
} or_cpu_reduce_t;

/* Vector functions in one type. `stream` writes past the caches (for outputs larger than them that nobody reads soon).
 * The three sums return their slice's part, added up in blocks and across blocks in double: the caller adds parts (and
 * takes the root for a norm). */
#define OR_CPU_DECLARE_VECTOR(T, NAME)                                                                           \
  typedef struct NAME {                                                                                          \
    void (*fill)(size_t n, T value, T *y, bool stream);                                                          \
    void (*binary[OR_CPU_BINARY_COUNT][OR_CPU_FORM_COUNT])(size_t n, const T *x, const T *y, T *z, bool stream); \
    void (*axpy)(size_t n, T alpha, const T *x, T *y);                           /* y += alpha x */              \
    void (*scale)(size_t n, T alpha, const T *x, T *y, bool stream);             /* y = alpha x */               \
    void (*triad)(size_t n, T alpha, const T *x, const T *y, T *z, bool stream); /* z = x + alpha y */           \
    double (*dot)(size_t n, const T *x, const T *y);                                                             \
    double (*sum)(size_t n, const T *x);                                                                         \
    double (*sum_squares)(size_t n, const T *x);                                                                 \
    T (*abs_max)(size_t n, const T *x); /* of nothing: 0 */                                                      \
    T (*max)(size_t n, const T *x);     /* of nothing: -inf */                                                   \
    T (*min)(size_t n, const T *x);     /* of nothing: +inf */                                                   \
  } NAME

OR_CPU_DECLARE_VECTOR(float, or_cpu_vector_f32_t);
OR_CPU_DECLARE_VECTOR(double, or_cpu_vector_f64_t);

typedef void (*or_cpu_unary_fn)(size_t n, const float *x, float *y);

/* Rows of a layer norm: y = (x - mean) / sqrt(var + eps) * scale + bias, over the last `n` elements of each row. */
typedef struct or_cpu_layer_norm_t {
  size_t n;
  size_t x_ld, y_ld; /* row strides in elements */
  float eps;
  const float *scale;    /* [n]; NULL: 1 */
  const float *bias;     /* [n]; NULL: 0 */
  float *mean;           /* [rows], written where not NULL */
  float *inv_std;        /* [rows], written where not NULL */
  bool root_mean_square; /* no mean is taken off (RMSNorm) */
} or_cpu_layer_norm_t;

/* Functions on rows and columns of row-major matrices (`ld`: row stride in elements). */
typedef struct or_cpu_rows_f32_t {
  /* Softmax (log: its logarithm) of each of `rows` rows of n. A row whose maximum is -inf, or that holds NaN or +inf,
   * gives NaN, as the formula does. */
  void (*softmax)(size_t rows, size_t n, const float *x, size_t x_ld, float *y, size_t y_ld);
  void (*log_softmax)(size_t rows, size_t n, const float *x, size_t x_ld, float *y, size_t y_ld);
  /* One step of a softmax whose rows come in blocks of columns: with m the larger of max[row] and the block's maximum,
   * x = e^(x - m), max[row] = m, factor[row] = e^(max before - m), sum[row] = sum[row] factor[row] + the block's sum.
   * At first max is -inf and sum 0; what was computed from earlier blocks is to be multiplied by factor, and at the
   * end divided by sum. A row that is -inf so far gives zeros; NaN and +inf make sum NaN. */
  void (*softmax_step)(size_t rows, size_t n, float *x, size_t ld, float *max, double *sum, float *factor);
  /* The same down the columns of a [k, columns] matrix with row stride ld (softmax on an axis that is not the last): a
   * slice of columns is passed by moving x and y. */
  void (*softmax_columns)(size_t k, size_t columns, const float *x, float *y, size_t ld);
  void (*log_softmax_columns)(size_t k, size_t columns, const float *x, float *y, size_t ld);
  void (*layer_norm)(const or_cpu_layer_norm_t *norm, size_t rows, const float *x, float *y);
  /* y[r] = reduction of row r;  y[c] = reduction of column c. Not in place. */
  void (*reduce_rows[OR_CPU_REDUCE_COUNT])(size_t rows, size_t n, const float *x, size_t ld, float *y);
  void (*reduce_columns[OR_CPU_REDUCE_COUNT])(size_t rows, size_t columns, const float *x, size_t ld, float *y);
} or_cpu_rows_f32_t;

/* Conversions round to nearest, ties to even; NaN stays NaN (quiet). */
typedef struct or_cpu_convert_t {
  void (*f16_to_f32)(size_t n, const uint16_t *x, float *y);
  void (*f32_to_f16)(size_t n, const float *x, uint16_t *y);
  void (*bf16_to_f32)(size_t n, const uint16_t *x, float *y);
  void (*f32_to_bf16)(size_t n, const float *x, uint16_t *y);
  /* q = saturate(round(x / scale) + zero); NaN gives the lowest value.  x = (q - zero) * scale. */
  void (*quantize_u8)(size_t n, const float *x, float scale, int32_t zero, uint8_t *y);
  void (*quantize_s8)(size_t n, const float *x, float scale, int32_t zero, int8_t *y);
  void (*dequantize_u8)(size_t n, const uint8_t *x, float scale, int32_t zero, float *y);
  void (*dequantize_s8)(size_t n, const int8_t *x, float scale, int32_t zero, float *y);
  /* y = x * scale, from the sums of an integer product. */
  void (*s32_to_f32)(size_t n, const int32_t *x, float scale, float *y);
  /* q = saturate(round(x * scale) + zero), x as float32: scale[i], or scale[0] for all where `one` says so. */
  void (*requantize_u8)(size_t n, const int32_t *x, const float *scale, bool one, int32_t zero, uint8_t *y);
  void (*requantize_s8)(size_t n, const int32_t *x, const float *scale, bool one, int32_t zero, int8_t *y);
  /* Sums of bytes modulo 2^32: of a row; y += x, of columns. */
  int32_t (*sum_u8)(size_t n, const uint8_t *x);
  int32_t (*sum_s8)(size_t n, const int8_t *x);
  void (*add_s8)(size_t n, const int8_t *x, int32_t *y);
} or_cpu_convert_t;

/* dst[c][r] = src[r][c] for r < rows, c < columns; strides in elements of element_bytes (any size >= 1). Not in place.
 */
typedef void (*or_cpu_transpose_fn)(size_t element_bytes, size_t rows, size_t columns, const void *src, size_t src_ld,
                                    void *dst, size_t dst_ld);

/* Loops that measure the machine. The peaks keep all operands in registers and return the operations done (a
 * multiply-add is two); NULL where the level has no such instruction. read_sum reads everything once at the load ports'
 * full rate. */
typedef struct or_cpu_measure_t {
  uint64_t (*peak_f32)(uint64_t iterations);
  uint64_t (*peak_f64)(uint64_t iterations);
  uint64_t (*peak_bf16)(uint64_t iterations);
  uint64_t (*peak_int8)(uint64_t iterations);
  double (*read_sum)(size_t n, const float *x);
} or_cpu_measure_t;

/* One instruction level: immutable, static, every pointer set except where noted. */
typedef struct or_cpu_kernels_t {
  const char *name; /* "portable", "avx2", "avx512", "avx512_bf16", "amx", "neon" */
  or_cpu_features_t needs;
  unsigned vector_bytes;
  /* The products: A, B -> C. bf16 and f16 accumulate in fp32; f16 has no level of its own yet and widens while it
   * packs. */
  const or_gemm_ops_t *gemm_f32;
  const or_gemm_ops_t *gemm_f64;
  const or_gemm_ops_t *gemm_bf16;     /* bf16 x bf16 -> fp32 */
  const or_gemm_ops_t *gemm_f32_bf16; /* fp32 rounded to bf16 while it is packed -> fp32; NULL: no such instruction */
  const or_gemm_ops_t *gemm_f16;      /* fp16 x fp16 -> fp32 */
  const or_gemm_ops_t *gemm_u8s8;     /* uint8 x int8 -> int32, exact modulo 2^32 */
  const or_gemm_ops_t *gemm_s8s8;     /* int8 x int8 -> int32 */
  void (*copy)(size_t bytes, const void *x, void *y, bool stream);
  or_cpu_vector_f32_t f32;
  or_cpu_vector_f64_t f64;
  or_cpu_unary_fn unary[OR_CPU_UNARY_COUNT];
  void (*clip)(size_t n, float lo, float hi, const float *x, float *y);
  void (*leaky_relu)(size_t n, float slope, const float *x, float *y); /* of a finite slope */
  void (*hard_sigmoid)(size_t n, float alpha, float beta, const float *x, float *y);
  or_cpu_rows_f32_t rows;
  or_cpu_convert_t convert;
  or_cpu_transpose_fn transpose;
  or_cpu_window_f32_t window; /* pooling, depthwise convolution */
  const or_fft_ops_t *fft_f32, *fft_f64;
  or_cpu_measure_t measure;
} or_cpu_kernels_t;

/* The best level whose needs are within `features`; never NULL (0 gives the portable one). Static storage, from any
 * thread. */
const or_cpu_kernels_t *or_cpu_kernels_select(or_cpu_features_t features);

/* Level number `index`, from the portable one (0) upwards in speed, as compiled in; NULL beyond the last. May need more
 * than this machine has. */
const or_cpu_kernels_t *or_cpu_kernels_level(size_t index);

/* The unary function of an activation; NULL for those with parameters and for NONE. */
or_cpu_unary_fn or_cpu_kernels_activation(const or_cpu_kernels_t *kernels, or_act_kind_t kind);

/* Applies an activation in place or from x to y; NONE copies. */
void or_cpu_activate(const or_cpu_kernels_t *kernels, const or_act_t *act, size_t n, const float *x, float *y);

#endif
