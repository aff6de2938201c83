/* Two-dimensional windows on NCHW images: pooling and depthwise convolution. One-dimensional ones have height 1. */
#ifndef OR_BACKENDS_CPU_KERNELS_WINDOW_H
#define OR_BACKENDS_CPU_KERNELS_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/cpu/kernels/gemm.h"

/* Where a window lies. Output pixel (y, x) reads input pixels (y * stride_h - pad_top + i * dilation_h, ...), i <
 * kernel_h. Padding after the image follows from the output's size. All sizes >= 1 except in_h, in_w >= 0 and the pads.
 */
typedef struct or_cpu_window_t {
  size_t in_h, in_w;
  size_t out_h, out_w;
  size_t kernel_h, kernel_w;
  size_t stride_h, stride_w;
  size_t dilation_h, dilation_w;
  size_t pad_top, pad_left;
} or_cpu_window_t;

/* What an average divides by. */
typedef enum or_cpu_average_t {
  OR_CPU_AVERAGE_INSIDE, /* the pixels inside the image (ONNX count_include_pad = 0) */
  OR_CPU_AVERAGE_PADDED, /* those inside the padded image (count_include_pad = 1): pad_bottom, pad_right bound it */
} or_cpu_average_t;

typedef struct or_cpu_average_pool_t {
  or_cpu_window_t window;
  or_cpu_average_t divide_by;
  size_t pad_bottom, pad_right; /* for OR_CPU_AVERAGE_PADDED */
} or_cpu_average_pool_t;

/* A depthwise convolution: channel c of the output uses channel c of the input and filter c of `weights` [channels,
 * kernel_h, kernel_w]. */
typedef struct or_cpu_depthwise_t {
  or_cpu_window_t window;
  size_t channels;
  size_t multiplier; /* output channels per input channel, >= 1; `channels` counts outputs */
  const float *weights;
  const float *bias;     /* [channels] or NULL */
  const float *residual; /* like y, or NULL */
  or_act_t act;          /* after the sum */
} or_cpu_depthwise_t;

/* `planes` images of one channel each lie one after another: x [planes, in_h, in_w], y [planes, out_h, out_w]. Not in
 * place. A window wholly outside the image gives -inf (max) or 0 (average). */
typedef struct or_cpu_window_f32_t {
  void (*max_pool)(const or_cpu_window_t *window, size_t planes, const float *x, float *y);
  void (*average_pool)(const or_cpu_average_pool_t *pool, size_t planes, const float *x, float *y);
  /* Planes [begin, end) of the batch * channels output planes; x and y point to plane 0. */
  void (*depthwise)(const or_cpu_depthwise_t *conv, size_t begin, size_t end, const float *x, float *y);
} or_cpu_window_f32_t;

#endif
