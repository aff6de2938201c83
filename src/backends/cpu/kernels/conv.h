/* Convolution of NCHW images as matrix products: per image and group, W [out/groups, in/groups * kernel] times the
 * image unrolled on the fly (a 1x1 kernel of stride 1 without padding needs no unrolling), bias, residual and
 * activation in the product's last step. */
#ifndef OR_BACKENDS_CPU_KERNELS_CONV_H
#define OR_BACKENDS_CPU_KERNELS_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/cpu/kernels/kernels.h"

typedef struct or_conv_shape_t {
  size_t batch;
  bool bf16; /* both operands are rounded to bf16 (or_cpu_kernels_t.gemm_f32_bf16 must be there); not depthwise */
  size_t in_channels, out_channels; /* both divisible by groups */
  size_t groups;
  or_cpu_window_t window;
} or_conv_shape_t;

typedef struct or_conv_f32_args_t {
  const float *x;        /* [batch, in_channels, in_h, in_w] */
  const void *weights;   /* from or_conv_f32_pack_weights */
  const float *bias;     /* [out_channels] or NULL */
  const float *residual; /* [batch, out_channels, out_h, out_w] or NULL */
  float *y;              /* the same */
  or_act_t act;
} or_conv_f32_args_t;

/* Plain data, immutable after init, shared by threads. */
typedef struct or_conv_f32_plan_t {
  const or_cpu_kernels_t *kernels;
  const or_gemm_ops_t *ops; /* of its products: fp32, or fp32 rounded to bf16 */
  or_conv_shape_t shape;
  size_t tiles;         /* independent pieces of work */
  size_t scratch_bytes; /* for each thread, aligned to OR_GEMM_ALIGNMENT_BYTES */
  size_t weights_bytes; /* of the packed weights */
  bool depthwise;       /* one input channel per group: no product */
  bool unrolled;        /* the image is unrolled (not 1x1 of stride 1 without padding) */
  size_t group_weights_bytes;
  size_t planes_per_tile; /* depthwise */
  or_cpu_caches_t caches;
  or_gemm_plan_t gemm; /* of one group of one image */
} or_conv_f32_plan_t;

/* Fills *plan for a team of `threads`. False where a size overflows. */
bool or_conv_f32_plan_init(or_conv_f32_plan_t *plan, const or_cpu_kernels_t *kernels, const or_conv_shape_t *shape,
                           const or_cpu_caches_t *caches, unsigned threads);

/* Packs weights [out_channels, in_channels / groups, kernel_h, kernel_w] into dst (plan->weights_bytes, aligned). The
 * packed form depends on kernels, groups, weight shape and caches only. */
void or_conv_f32_pack_weights(const or_conv_f32_plan_t *plan, const float *weights, void *dst);

/* Tile `tile` < plan->tiles; no barriers. scratch: plan->scratch_bytes of this thread's own. */
void or_conv_f32_tile(const or_conv_f32_plan_t *plan, const or_conv_f32_args_t *args, size_t tile, void *scratch);

#endif
