#include "backends/cpu/kernels/image_s8.h"

#include <string.h>

#include "backends/cpu/kernels/gemm_internal.h"

/* A 1x1 kernel: the image is the matrix. */
void or_image_s8_rows(const void *context, size_t k0, size_t kc, size_t n0, size_t nc, void *dst, size_t dst_ld) {
  const or_image_s8_t *image = context;
  size_t pixels = image->window->in_h * image->window->in_w;
  for (size_t k = 0; k < kc; ++k) memcpy((int8_t *)dst + k * dst_ld, image->pixels + (k0 + k) * pixels + n0, nc);
}

/* Columns of one output row: the pixels that one tap reads, at x = start + i * stride. */
static void read_run(const or_image_s8_t *image, const int8_t *row, ptrdiff_t start, size_t count, int8_t *to) {
  size_t stride = image->window->stride_w, width = image->window->in_w;
  if (stride == 1 && start >= 0 && (size_t)start + count <= width) {
    memcpy(to, row + start, count);
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    ptrdiff_t x = start + (ptrdiff_t)(i * stride);
    to[i] = x >= 0 && (size_t)x < width ? row[x] : image->padding;
  }
}

/* Row k of the matrix is tap (channel, i, j), column n is output pixel (y, x). */
void or_image_s8_unrolled(const void *context, size_t k0, size_t kc, size_t n0, size_t nc, void *dst, size_t dst_ld) {
  const or_image_s8_t *image = context;
  const or_cpu_window_t *w = image->window;
  const size_t taps = w->kernel_h * w->kernel_w;
  for (size_t n = n0, count = 0; n < n0 + nc; n += count) {
    const size_t out_y = n / w->out_w, out_x = n % w->out_w;
    count = or_gemm_min(w->out_w - out_x, n0 + nc - n);
    const ptrdiff_t top = (ptrdiff_t)(out_y * w->stride_h) - (ptrdiff_t)w->pad_top;
    const ptrdiff_t left = (ptrdiff_t)(out_x * w->stride_w) - (ptrdiff_t)w->pad_left;
    size_t channel = k0 / taps, i = k0 % taps / w->kernel_w, j = k0 % w->kernel_w;
    int8_t *to = (int8_t *)dst + (n - n0);
    for (size_t k = 0; k < kc; ++k, to += dst_ld) {
      const ptrdiff_t y = top + (ptrdiff_t)(i * w->dilation_h), x = left + (ptrdiff_t)(j * w->dilation_w);
      if (y < 0 || (size_t)y >= w->in_h) {
        memset(to, image->padding, count);
      } else {
        read_run(image, image->pixels + (channel * w->in_h + (size_t)y) * w->in_w, x, count, to);
      }
      if (++j == w->kernel_w) {
        j = 0;
        if (++i == w->kernel_h) {
          i = 0;
          ++channel;
        }
      }
    }
  }
}
