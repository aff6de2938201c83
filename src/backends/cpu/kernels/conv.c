#include "backends/cpu/kernels/conv.h"

#include <string.h>

#include "backends/cpu/kernels/gemm_internal.h"

/* Multiply-adds of a depthwise tile, about: enough to be worth handing out. */
#define DEPTHWISE_TILE_STEPS 200000.0

static bool plan_depthwise(or_conv_f32_plan_t *plan);
static bool plan_product(or_conv_f32_plan_t *plan, unsigned threads);
static or_gemm_const_t group_weights(const or_conv_f32_plan_t *plan, const float *weights, size_t group);

bool or_conv_f32_plan_init(or_conv_f32_plan_t *plan, const or_cpu_kernels_t *kernels, const or_conv_shape_t *shape,
                           const or_cpu_caches_t *caches, unsigned threads) {
  const or_cpu_window_t *w = &shape->window;
  *plan = (or_conv_f32_plan_t){.kernels = kernels, .shape = *shape, .caches = *caches};
  plan->ops = shape->bf16 ? kernels->gemm_f32_bf16 : kernels->gemm_f32;
  plan->depthwise = shape->in_channels == shape->groups;
  plan->unrolled = w->kernel_h != 1 || w->kernel_w != 1 || w->stride_h != 1 || w->stride_w != 1 || w->pad_top != 0 ||
                   w->pad_left != 0 || w->in_h != w->out_h || w->in_w != w->out_w;
  return plan->depthwise ? plan_depthwise(plan) : plan_product(plan, threads == 0 ? 1 : threads);
}

static bool plan_depthwise(or_conv_f32_plan_t *plan) {
  const or_conv_shape_t *shape = &plan->shape;
  const or_cpu_window_t *w = &shape->window;
  size_t taps = or_gemm_mul(w->kernel_h, w->kernel_w), pixels = or_gemm_mul(w->out_h, w->out_w);
  size_t planes = or_gemm_mul(shape->batch, shape->out_channels);
  double steps = (double)taps * (double)pixels;
  plan->planes_per_tile = steps >= DEPTHWISE_TILE_STEPS ? 1 : (size_t)(DEPTHWISE_TILE_STEPS / (steps + 1.0)) + 1;
  plan->tiles = or_gemm_divide_up(planes, plan->planes_per_tile);
  plan->weights_bytes = or_gemm_mul(or_gemm_mul(shape->out_channels, taps), sizeof(float));
  return planes != SIZE_MAX && pixels != SIZE_MAX && plan->weights_bytes != SIZE_MAX;
}

static bool plan_product(or_conv_f32_plan_t *plan, unsigned threads) {
  const or_conv_shape_t *shape = &plan->shape;
  const or_cpu_window_t *w = &shape->window;
  size_t products = or_gemm_mul(shape->batch, shape->groups);
  size_t taps = or_gemm_mul(w->kernel_h, w->kernel_w);
  /* The product's own tiles only have to fill the team where there are few products. */
  size_t share = products == 0 ? 1 : or_gemm_divide_up(threads, products);
  const or_gemm_shape_t gemm = {.m = shape->out_channels / shape->groups,
                                .n = or_gemm_mul(w->out_h, w->out_w),
                                .k = or_gemm_mul(shape->in_channels / shape->groups, taps),
                                .packed_a = true,
                                .virtual_b = true};
  if (gemm.n == SIZE_MAX || gemm.k == SIZE_MAX || products == SIZE_MAX) return false;
  if (!or_gemm_plan_init(&plan->gemm, plan->ops, &gemm, &plan->caches, (unsigned)share)) return false;
  const or_gemm_const_t one = group_weights(plan, NULL, 0);
  size_t bytes = or_gemm_packed_a_bytes(&one);
  if (bytes == SIZE_MAX) return false;
  plan->group_weights_bytes = or_gemm_round_up(bytes, OR_GEMM_ALIGNMENT_BYTES);
  plan->weights_bytes = or_gemm_mul(plan->group_weights_bytes, shape->groups);
  plan->tiles = or_gemm_mul(plan->gemm.tiles, products);
  plan->scratch_bytes = plan->gemm.scratch_bytes;
  return plan->weights_bytes != SIZE_MAX && plan->tiles != SIZE_MAX;
}

static or_gemm_const_t group_weights(const or_conv_f32_plan_t *plan, const float *weights, size_t group) {
  const or_conv_shape_t *shape = &plan->shape;
  size_t k = shape->in_channels / shape->groups * shape->window.kernel_h * shape->window.kernel_w;
  size_t rows = shape->out_channels / shape->groups;
  return (or_gemm_const_t){.ops = plan->ops,
                           .k = k,
                           .extent = rows,
                           .caches = plan->caches,
                           .data = weights == NULL ? NULL : weights + group * rows * k,
                           .ld = k};
}

void or_conv_f32_pack_weights(const or_conv_f32_plan_t *plan, const float *weights, void *dst) {
  if (plan->depthwise) {
    if (plan->weights_bytes > 0) memcpy(dst, weights, plan->weights_bytes);
    return;
  }
  for (size_t group = 0; group < plan->shape.groups; ++group) {
    const or_gemm_const_t source = group_weights(plan, weights, group);
    or_gemm_pack_a_const(&source, 0, source.extent, (char *)dst + group * plan->group_weights_bytes);
  }
}

static void depthwise_tile(const or_conv_f32_plan_t *plan, const or_conv_f32_args_t *args, size_t tile);

/* What read_b needs: the image of one group. */
typedef struct image_t {
  const or_cpu_window_t *window;
  const float *pixels;
} image_t;

static void read_rows(const void *context, size_t k0, size_t kc, size_t n0, size_t nc, void *dst, size_t dst_ld);
static void read_unrolled(const void *context, size_t k0, size_t kc, size_t n0, size_t nc, void *dst, size_t dst_ld);

void or_conv_f32_tile(const or_conv_f32_plan_t *plan, const or_conv_f32_args_t *args, size_t tile, void *scratch) {
  if (plan->depthwise) {
    depthwise_tile(plan, args, tile);
    return;
  }
  const or_conv_shape_t *shape = &plan->shape;
  const or_cpu_window_t *w = &shape->window;
  size_t product = tile / plan->gemm.tiles, group = product % shape->groups, batch = product / shape->groups;
  size_t rows = shape->out_channels / shape->groups, depth = shape->in_channels / shape->groups;
  size_t out_pixels = w->out_h * w->out_w, in_pixels = w->in_h * w->in_w;
  size_t first_out = (batch * shape->out_channels + group * rows) * out_pixels;
  const image_t image = {.window = w, .pixels = args->x + (batch * shape->in_channels + group * depth) * in_pixels};
  const or_gemm_args_t gemm = {.a = (const char *)args->weights + group * plan->group_weights_bytes,
                               .c = args->y + first_out,
                               .ldc = out_pixels,
                               .alpha = 1.0,
                               .bias_row = args->bias == NULL ? NULL : args->bias + group * rows,
                               .residual = args->residual == NULL ? NULL : args->residual + first_out,
                               .residual_ld = out_pixels,
                               .act = args->act,
                               .read_b = plan->unrolled ? read_unrolled : read_rows,
                               .read_b_context = &image};
  or_gemm_tile(&plan->gemm, &gemm, tile % plan->gemm.tiles, scratch);
}

static void depthwise_tile(const or_conv_f32_plan_t *plan, const or_conv_f32_args_t *args, size_t tile) {
  const or_conv_shape_t *shape = &plan->shape;
  const or_cpu_depthwise_t conv = {.window = shape->window,
                                   .channels = shape->out_channels,
                                   .multiplier = shape->out_channels / shape->groups,
                                   .weights = args->weights,
                                   .bias = args->bias,
                                   .residual = args->residual,
                                   .act = args->act};
  size_t begin = tile * plan->planes_per_tile;
  size_t end = or_gemm_min(begin + plan->planes_per_tile, shape->batch * shape->out_channels);
  plan->kernels->window.depthwise(&conv, begin, end, args->x, args->y);
}

/* A 1x1 kernel: the image is the matrix. */
static void read_rows(const void *context, size_t k0, size_t kc, size_t n0, size_t nc, void *dst, size_t dst_ld) {
  const image_t *image = context;
  size_t pixels = image->window->in_h * image->window->in_w;
  const float *from = image->pixels + k0 * pixels + n0;
  float *to = dst;
  if (nc == 16) { /* a constant size is copied in line */
    for (size_t k = 0; k < kc; ++k) memcpy(to + k * dst_ld, from + k * pixels, 16 * sizeof(float));
    return;
  }
  for (size_t k = 0; k < kc; ++k) memcpy(to + k * dst_ld, from + k * pixels, nc * sizeof(float));
}

/* Columns of one output row: the pixels that one tap reads, at x = start + i * stride. */
static void read_run(const float *row, ptrdiff_t start, size_t stride, size_t width, size_t count, float *to) {
  if (stride == 1 && start >= 0 && (size_t)start + count <= width) {
    memcpy(to, row + start, count * sizeof(float));
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    ptrdiff_t x = start + (ptrdiff_t)(i * stride);
    to[i] = x >= 0 && (size_t)x < width ? row[x] : 0.0f;
  }
}

/* Row k of the matrix is tap (channel, i, j), column n is output pixel (y, x). */
static void read_unrolled(const void *context, size_t k0, size_t kc, size_t n0, size_t nc, void *dst, size_t dst_ld) {
  const image_t *image = context;
  const or_cpu_window_t *w = image->window;
  const size_t taps = w->kernel_h * w->kernel_w;
  for (size_t n = n0; n < n0 + nc;) {
    const size_t out_y = n / w->out_w, out_x = n % w->out_w;
    const size_t count = or_gemm_min(w->out_w - out_x, n0 + nc - n);
    const ptrdiff_t top = (ptrdiff_t)(out_y * w->stride_h) - (ptrdiff_t)w->pad_top;
    const ptrdiff_t left = (ptrdiff_t)(out_x * w->stride_w) - (ptrdiff_t)w->pad_left;
    size_t channel = k0 / taps, i = k0 % taps / w->kernel_w, j = k0 % w->kernel_w;
    float *to = (float *)dst + (n - n0);
    for (size_t k = 0; k < kc; ++k, to += dst_ld) {
      const ptrdiff_t y = top + (ptrdiff_t)(i * w->dilation_h), x = left + (ptrdiff_t)(j * w->dilation_w);
      if (y < 0 || (size_t)y >= w->in_h) {
        memset(to, 0, count * sizeof(float));
      } else {
        const float *row = image->pixels + (channel * w->in_h + (size_t)y) * w->in_w;
        read_run(row, x, w->stride_w, w->in_w, count, to);
      }
      if (++j == w->kernel_w) {
        j = 0;
        if (++i == w->kernel_h) {
          i = 0;
          ++channel;
        }
      }
    }
    n += count;
  }
}
