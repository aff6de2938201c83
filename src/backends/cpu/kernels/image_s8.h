/* Images of signed bytes as the second operand of convolutions by products. Both functions are or_gemm_read_b_fn with
 * an or_image_s8_t as context: row k of the matrix is tap (channel, i, j) of the kernel, column n is output pixel
 * (y, x). */
#ifndef OR_BACKENDS_CPU_KERNELS_IMAGE_S8_H
#define OR_BACKENDS_CPU_KERNELS_IMAGE_S8_H

#include <stddef.h>
#include <stdint.h>

#include "backends/cpu/kernels/window.h"

typedef struct or_image_s8_t {
  const or_cpu_window_t *window;
  const int8_t *pixels; /* [channels, in_h, in_w] */
  int8_t padding;       /* what lies around them */
} or_image_s8_t;

/* A 1x1 kernel of stride 1 without padding: the image is the matrix. */
void or_image_s8_rows(const void *context, size_t k0, size_t kc, size_t n0, size_t nc, void *dst, size_t dst_ld);
/* Any window. */
void or_image_s8_unrolled(const void *context, size_t k0, size_t kc, size_t n0, size_t nc, void *dst, size_t dst_ld);

#endif
